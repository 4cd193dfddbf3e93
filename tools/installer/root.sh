#!/bin/sh
# Sourced by try.sh and boot.sh: a fresh Debian root, made once and unpacked anew, and commands in it.
# $1 is the suite, $what the name that messages begin with.
: "${what:?}"
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
suite=${1:-bookworm}
cache=${MICROCUE_INSTALLER_CACHE:-$checkout/.cache/installer}
base=$cache/$suite.tar
root=$cache/root

fail() { echo "$what: $1" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || fail "expected to be root, as chroot and mmdebstrap need; run it with sudo"
command -v unshare > /dev/null || fail "expected the program unshare; sudo apt install util-linux"

if ! [ -f "$base" ]; then
    command -v mmdebstrap > /dev/null || fail "expected the program mmdebstrap; sudo apt install mmdebstrap"
    echo "$what: making $base (some minutes, once)"
    mkdir -p "$cache"
    # a machine whose clock is wrong would find the archive expired
    mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dbus,ca-certificates,udev \
        --aptopt='Acquire::Check-Valid-Until "false"' "$suite" "$base.unfinished" || fail "mmdebstrap could not make it"
    mv "$base.unfinished" "$base"
fi
rm -rf "$root"
mkdir -p "$root"
tar -C "$root" -xf "$base"

# in a mount namespace: proc and dev, the checkout read-only, the host's names, certificates and package indexes
# shellcheck disable=SC2016
inside='
root=$1 checkout=$2; shift 2
mount --make-rprivate /
mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev"
mkdir -p "$root/mnt" && mount --bind "$checkout" "$root/mnt" && mount -o remount,bind,ro "$root/mnt"
for file in /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt /etc/pip.conf; do
    [ ! -e "$file" ] || { [ -e "$root$file" ] || : > "$root$file"; mount --bind "$file" "$root$file"; }
done
exec chroot "$root" "$@"'
in_root() {
    unshare --mount sh -c "$inside" sh "$root" "$checkout" env HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        PIP_FIND_LINKS= PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1 "$@"
}

