#!/bin/sh
# Runs a command where the real picamera2 finds libcamera's virtual camera: in a Debian 13 (trixie) root, since
# neither comes from PyPI alone. The root is made on first use, in about three minutes and 1.3 GB, and kept.
#
#   tools/virtual_camera/enter.sh COMMAND...          # the checkout is /microcue there, read-only
#   MICROCUE_PICAMERA2_ROOT=/some/where tools/virtual_camera/enter.sh COMMAND...
#
# Needs Debian or Ubuntu, root (for mmdebstrap and chroot) and, the first time, a network. Mounts are made
# in a namespace of its own and go with the command.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
root=${MICROCUE_PICAMERA2_ROOT:-$checkout/.cache/picamera2-root}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
packages=python3,python3-venv,python3-dev,python3-numpy,python3-libcamera,libcamera-ipa,gcc,libc6-dev,libcap-dev
packages=$packages,python3-prctl,python3-pil,python3-jsonschema,ca-certificates

fail() { echo "microcue: $1" >&2; exit 1; }

[ $# -gt 0 ] || fail "expected a command to run; see the head of $0"
[ "$(id -u)" -eq 0 ] || fail "expected to be root, as chroot and mmdebstrap need; run it with sudo"
command -v unshare > /dev/null || fail "expected the program unshare; sudo apt install util-linux"

# what the root holds: another list or another version makes it anew or installs again
wanted=$(cksum "$here/enter.sh" "$here/dmabuf_standin.c" "$checkout/pyproject.toml" \
    "$checkout/tests/capture/picamera2_signatures.json" | cksum)

if ! [ -x "$root/usr/bin/python3" ]; then
    command -v mmdebstrap > /dev/null || fail "expected the program mmdebstrap; sudo apt install mmdebstrap"
    [ -f "$keyring" ] || fail "expected Debian's keys at $keyring; sudo apt install debian-archive-keyring"
    echo "microcue: making $root (some minutes, once)"
    [ ! -e "$root" ] || fail "expected $root to be such a root or not to exist; remove it or name another folder"
    mkdir -p "$(dirname "$root")"
    rm -rf "$root.unfinished"
    # a machine whose clock is wrong would find the archive expired
    mmdebstrap --quiet --variant=minbase --keyring="$keyring" --include="$packages" \
        --aptopt='Acquire::Check-Valid-Until "false"' trixie "$root.unfinished" ||
        fail "mmdebstrap could not make $root; its last lines say why (no network?)"
    mv "$root.unfinished" "$root"
fi

# in a mount namespace: proc, dev, the checkout, and for the network the host's names and certificates
inside='
root=$1 checkout=$2; shift 2
mount --make-rprivate /
mount --rbind /proc "$root/proc" && mount --rbind /dev "$root/dev" && mount --rbind /sys "$root/sys"
mkdir -p "$root/microcue" && mount --bind "$checkout" "$root/microcue"
mount -o remount,bind,ro "$root/microcue"
for file in /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt; do
    [ ! -e "$file" ] || { [ -e "$root$file" ] || : > "$root$file"; mount --bind "$file" "$root$file"; }
done
exec chroot "$root" "$@"'
in_root() {
    unshare --mount sh -c "$inside" sh "$root" "$checkout" env HOME=/root LANG=C.UTF-8 PYTHONPATH=/microcue \
        PYTHONDONTWRITEBYTECODE=1 XDG_CACHE_HOME=/opt/cache NUMBA_CACHE_DIR=/opt/cache/numba "$@"
}

if [ "$(cat "$root/opt/installed" 2> /dev/null)" != "$wanted" ]; then
    echo "microcue: installing picamera2 and what microcue needs into it (a minute, once)"
    [ -x "$root/opt/venv/bin/pip" ] || in_root python3 -m venv --system-site-packages /opt/venv
    # picamera2 in the version whose signatures the stand-in is held to
    in_root /opt/venv/bin/python -c '
import json, pathlib, tomllib
project = tomllib.loads(pathlib.Path("/microcue/pyproject.toml").read_text())["project"]
table = json.loads(pathlib.Path("/microcue/tests/capture/picamera2_signatures.json").read_text())
wanted = [*project["dependencies"], "picamera2==" + table["version"], "pytest>=8", "pytest-timeout>=2.3"]
pathlib.Path("/opt/wanted.txt").write_text("\n".join(wanted) + "\n")'
    in_root env PIP_FIND_LINKS= /opt/venv/bin/pip install --quiet --disable-pip-version-check \
        --requirement /opt/wanted.txt ||
        fail "pip could not install into $root; its last lines say why (no network?)"
    in_root gcc -shared -fPIC -O2 -Wall -Wextra -Werror -o /opt/dmabuf_standin.so \
        /microcue/tools/virtual_camera/dmabuf_standin.c
    echo "$wanted" > "$root/opt/installed"
fi

# libcamera 0.4.0's virtual camera leaves a buffer's status unset, and picamera2 drops what is no success:
# memory that starts as zeros reads as success (glibc fills with the complement of this byte)
in_root env GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.malloc.perturb=255 \
    LD_PRELOAD=/opt/dmabuf_standin.so LIBCAMERA_LOG_LEVELS=ERROR "$@"
