#!/bin/sh
# What the image holds besides code and packages; run as root in the folder of the code, by deploy/Containerfile.
# Needs VAR_DIR, CHECKPOINTS_DIR, STATIC_DIR and HOME.
set -eu
mkdir -p "$CHECKPOINTS_DIR" "$VAR_DIR" "$HOME"
python -m starter.assemble --out "$CHECKPOINTS_DIR/starter"
python -m starter.meaning --out "$CHECKPOINTS_DIR/meaning"
python -m config.static_files
rm -rf "${VAR_DIR:?}"/*  # the secrets that this step made up
chown -R salon: "$VAR_DIR" "$HOME"
chmod -R a+rX "$CHECKPOINTS_DIR" "$STATIC_DIR"
