#!/bin/sh
# Makes the image that deploy/Containerfile starts from, python:3.11-slim, where no image can be pulled: a Debian by
# debootstrap with its own Python of that version. As root; needs debootstrap and podman.
#
#   sh deploy/base-image.sh FOLDER
#
# Environment: SUITE (bookworm), MIRROR (deb.debian.org).
set -eu
root=${1:?folder}
suite=${SUITE:-bookworm}; mirror=${MIRROR:-http://deb.debian.org/debian}
image=docker.io/library/python:3.11-slim

if [ ! -e "$root/usr/bin/pip" ]; then
  debootstrap --variant=minbase --include=python3,python3-pip,ca-certificates "$suite" "$root" "$mirror"
fi
ln -sf python3 "$root/usr/bin/python"
rm -f "$root"/usr/lib/python3*/EXTERNALLY-MANAGED  # the image belongs to pip, as Docker's Python does
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
tar -C "$root" --exclude=./proc --exclude=./sys --exclude=./dev --exclude=./var/cache -cf - . | podman import - "$image"
