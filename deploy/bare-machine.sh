#!/bin/sh
# Proves on a bare Debian what the README promises: python3, venv, git and make, no compiler, an ordinary user, and a
# path with spaces and accents. Builds the root file system with debootstrap (as root), then runs COMMANDS in a clone.
#
#   sh deploy/bare-machine.sh FOLDER ['make setup && make test TESTS=tests/lib']
#
# Environment: SUITE (bookworm; trixie has Python 3.13, forky 3.14), MIRROR (deb.debian.org), BIND (folders of this
# machine to show inside, such as a local package index), PIP_FIND_LINKS and the like are passed on.
set -eu
root=${1:?folder}; commands=${2:-make setup && make demo ONCE=yes && make test}
suite=${SUITE:-bookworm}; mirror=${MIRROR:-http://deb.debian.org/debian}
here=$(cd "$(dirname "$0")/.." && pwd)
clone="/home/ordinary/Mes dépôts/Salon"

if [ ! -e "$root/usr/bin/make" ]; then
  debootstrap --variant=minbase --include=python3,python3-venv,git,make,ca-certificates "$suite" "$root" "$mirror"
  chroot "$root" useradd --create-home ordinary
fi
if ls "$root"/usr/bin/gcc* "$root"/usr/bin/c++* >/dev/null 2>&1; then echo "There is a compiler in $root." >&2; exit 1; fi
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
rm -rf "${root:?}$clone"
mkdir -p "$root$(dirname "$clone")"
git clone --quiet --no-hardlinks "$here" "$root$clone"
chroot "$root" chown -R ordinary: /home/ordinary

ROOT=$root CLONE=$clone COMMANDS=$commands exec unshare --mount --pid --fork --kill-child sh -eu -c '
  mount -t proc proc "$ROOT/proc"
  for device in null zero random urandom; do touch "$ROOT/dev/$device"; mount --bind "/dev/$device" "$ROOT/dev/$device"; done
  mkdir -p "$ROOT/dev/shm"; mount -t tmpfs -o mode=1777 tmpfs "$ROOT/dev/shm"
  for folder in ${BIND:-}; do mkdir -p "$ROOT$folder"; mount --bind -o ro "$folder" "$ROOT$folder"; done
  exec chroot --userspec=ordinary:ordinary "$ROOT" env -i HOME=/home/ordinary LANG=C.UTF-8 PATH=/usr/bin:/bin \
    ${PIP_FIND_LINKS:+PIP_FIND_LINKS="$PIP_FIND_LINKS"} ${PIP_EXTRA_INDEX_URL:+PIP_EXTRA_INDEX_URL="$PIP_EXTRA_INDEX_URL"} \
    ${PIP_CERT:+PIP_CERT="$PIP_CERT"} ${SSL_CERT_FILE:+SSL_CERT_FILE="$SSL_CERT_FILE"} \
    ${UV_NATIVE_TLS:+UV_NATIVE_TLS="$UV_NATIVE_TLS"} CLONE="$CLONE" sh -eu -c "cd \"\$CLONE\" && id -un && pwd && $COMMANDS"
'
