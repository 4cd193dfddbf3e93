#!/bin/sh
# Sourced by try.sh, boot.sh and wheelhouse.sh: a fresh root of Debian or Ubuntu, made once and unpacked anew, and
# commands in it. $1 is the suite, $what the name that messages begin with; $arch another machine than this, $packages
# what the root has beside the least, $name what it is kept as, $again to go on in the last one. A root of another machine is unpacked only, as its
# packages' own scripts would take an emulator half an hour.
: "${what:?}"
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
suite=${1:-bookworm}
cache=${MICROCUE_INSTALLER_CACHE:-$checkout/.cache/installer}
arch=${arch:-$(dpkg --print-architecture)}
# apt: not among the least of Ubuntu's packages
packages=${packages:-apt,systemd,systemd-sysv,dbus,ca-certificates,udev}
# a root of other packages is another root
base=$cache/${name:-$suite}-$arch-$(printf %s "$packages" | cksum | cut -d ' ' -f 1).tar
root=$cache/root-$arch

fail() { echo "$what: $1" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || fail "expected to be root, as chroot and mmdebstrap need; run it with sudo"
command -v unshare > /dev/null || fail "expected the program unshare; sudo apt install util-linux"

# a machine without Ubuntu's keys takes them from Ubuntu's own package, by its hash
ubuntu=http://archive.ubuntu.com/ubuntu
ubuntu_keys=$ubuntu/pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb
ubuntu_keys_sha256=36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8
find_ubuntu_keys() {
    keys=/usr/share/keyrings/ubuntu-archive-keyring.gpg
    [ ! -f "$keys" ] || return 0
    keys=$cache/ubuntu-archive-keyring.gpg
    [ ! -f "$keys" ] || return 0
    curl -fsS -o "$cache/keys.deb" "$ubuntu_keys" || fail "expected $ubuntu_keys, it could not be fetched"
    echo "$ubuntu_keys_sha256  $cache/keys.deb" | sha256sum --check --quiet || fail "Ubuntu's keys are not what they were"
    dpkg-deb --fsys-tarfile "$cache/keys.deb" | tar -xO ./usr/share/keyrings/ubuntu-archive-keyring.gpg > "$keys"
}

make_base() {
    command -v mmdebstrap > /dev/null || fail "expected the program mmdebstrap; sudo apt install mmdebstrap"
    echo "$what: making $base (some minutes, once)"
    mkdir -p "$cache"
    # a machine whose clock is wrong would find the archive expired
    set -- --quiet --format=tar --architectures="$arch" --include="$packages" --aptopt='Acquire::Check-Valid-Until "false"'
    if [ "$arch" = "$(dpkg --print-architecture)" ]; then
        set -- "$@" --variant=minbase
    else
        set -- "$@" --variant=extract --include="?essential" --hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr
    fi
    case $suite in
        jammy | noble)
            find_ubuntu_keys
            set -- "$@" --components=main,universe --keyring="$keys" "$suite" "$base.unfinished" "$ubuntu" ;;
        *) set -- "$@" "$suite" "$base.unfinished" ;;
    esac
    mmdebstrap "$@" || fail "mmdebstrap could not make it"
    mv "$base.unfinished" "$base"
}

if [ -z "${again:-}" ] || [ ! -d "$root" ]; then
    [ -f "$base" ] || make_base
    rm -rf "$root"
    mkdir -p "$root"
    tar -C "$root" -xf "$base"
fi

# in a mount namespace: proc and dev, the checkout read-only, the host's names, certificates and package indexes
# shellcheck disable=SC2016
mounted='
root=$1 checkout=$2; shift 2
mount --make-rprivate /
mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev"
mkdir -p "$root/mnt" && mount --bind "$checkout" "$root/mnt" && mount -o remount,bind,ro "$root/mnt"
for file in /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt /etc/pip.conf; do
    [ ! -e "$file" ] || { [ -e "$root$file" ] || { rm -f "$root$file"; : > "$root$file"; }; mount --bind "$file" "$root$file"; }
done
'
# $alone, if set: --net, for no network; $bytecode, if set and empty: Python keeps what it compiles of itself
in_root() { beside_it chroot "$root" env HOME=/root LANG=C.UTF-8 "$@"; }
# a program of this machine, which sees the root as its programs do
beside_it() {
    # shellcheck disable=SC2086,SC2016
    unshare --mount ${alone:-} sh -c "$mounted"'exec "$@"' sh "$root" "$checkout" env PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        PIP_FIND_LINKS= PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE="${bytecode-1}" "$@"
}

