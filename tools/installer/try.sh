#!/bin/sh
# Runs tools/install.sh for real, in a root of its own: a dry run, an installation, a second one, a model runtime
# that crashes, kernels compiled ahead, an update, and --uninstall, after which the root must be as before but for the log.
#
#   tools/installer/try.sh [SUITE]      Debian's bookworm (default) or trixie, Ubuntu's jammy or noble, or jetpack:
#                                       jammy with a Jetson's mark and stand-ins for its packages, on this machine's
#                                       processor
#   tools/installer/try.sh SUITE short  without the crash, kernels compiled ahead, and the update
#   MICROCUE_INSTALLER_CACHE=DIR        where the root is kept between runs (default: .cache/installer)
#
# Needs Debian or Ubuntu, root, mmdebstrap and a network; minutes. systemd is not running in such a root: that the
# units start is not shown here.
set -eu
what=test-installer
wanted=${1:-bookworm} parts=${2:-all} packages=''
if [ "$wanted" = jetpack ]; then
    # what is older than numpy 2 there, and has to stay
    name=jetpack packages=apt,systemd,systemd-sysv,dbus,ca-certificates,udev,python3-numpy
    set -- jammy
fi
# shellcheck source=root.sh
. "$(dirname "$0")/root.sh"

# shellcheck disable=SC2016  # dollars for the shells and programs within
# everything that is there, with owner, mode and content. Left out: what apt, dpkg and the loader keep for themselves
# of any package that ever came and went, and what this test itself lays into the root
listing() {
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./sys -o -path ./mnt -o -path ./tmp -o -path ./run \
        -o -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log -o -path ./var/lib/dpkg -o -path ./root/.cache \
        -o -path ./etc/ld.so.cache -o -path ./etc/pip.conf -o -path ./etc/resolv.conf \) -prune -o -print0 > "$cache/names"
    xargs -0 stat -c '%n %A %u:%g %N' < "$cache/names"
    xargs -0 sh -c 'for name; do if [ -f "$name" ] && [ ! -L "$name" ]; then echo "$name"; fi; done' sh < "$cache/names" |
        tr '\n' '\0' | xargs -0 cksum | awk '{ print $3, "content", $1, $2 }') | sort
    in_root dpkg-query -W -f '${binary:Package} ${db:Status-Abbrev}\n' | grep ' ii ' | sort
}
# /etc/passwd- and the like hold what was before the last change, by design
without_copies() { grep -v -E '^\./etc/(passwd|shadow|group|gshadow|subuid|subgid)- '; }
say() { echo "test-installer: $1"; }

# the mark by which a Jetson is known, and packages of its names and versions with nothing in them
dress_as_jetpack() {
    cp "$here/nv_tegra_release" "$root/etc/nv_tegra_release"
    for name in nvidia-l4t-core nvidia-l4t-camera nvidia-l4t-gstreamer nvidia-l4t-multimedia nvidia-l4t-tools; do
        mkdir -p "$root/tmp/$name/DEBIAN"
        printf 'Package: %s\nVersion: 36.4.0-20240912212859\nArchitecture: all\nMaintainer: %s\nDescription: %s\n' \
            "$name" 'a test <nobody@localhost>' 'nothing, under the name of one of a Jetson' > "$root/tmp/$name/DEBIAN/control"
        in_root dpkg-deb --build --root-owner-group "/tmp/$name" "/tmp/$name.deb" > /dev/null
        in_root dpkg --install "/tmp/$name.deb" > /dev/null
        rm -rf "$root/tmp/$name" "$root/tmp/$name.deb"
    done
}

crash() {
    say "a runtime that crashes"
    # shellcheck disable=SC2016
    in_root sh -c 'for file in /opt/microcue/lib/python3*/site-packages/ai_edge_litert/interpreter.py; do
        cp "$file" "$file.whole"
        printf "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n" > "$file"; done'
    if in_root /opt/microcue/bin/python -c 'import sys; sys.exit(sys.version_info >= (3, 12))'; then
        in_root sh /mnt/tools/install.sh | tee "$cache/crash.txt"
        grep -q "take tflite-runtime in its place" "$cache/crash.txt" || fail "the crash was not noticed"
        in_root /opt/microcue/bin/microcue doctor --only runtime | tee -a "$cache/crash.txt"
        grep -q "tflite (usable: tflite)" "$cache/crash.txt" || fail "the other runtime was not taken"
        say "the other one was taken"
    else
        ! in_root sh /mnt/tools/install.sh > "$cache/crash.txt" 2>&1 || fail "the crash was not noticed"
        grep -q "no wheel after Python 3.11" "$cache/crash.txt" || { cat "$cache/crash.txt"; fail "nothing says why"; }
        say "there is no other one for this Python, and it says so"
        # shellcheck disable=SC2016
        in_root sh -c 'for file in /opt/microcue/lib/python3*/site-packages/ai_edge_litert/interpreter.py; do
            mv "$file.whole" "$file"; done'
    fi
}

ahead() {
    say "kernels compiled ahead: in words, for real, kept by a later run, and back"
    drop_in=$root/etc/systemd/system/microcue.service.d/20-ahead.conf
    in_root sh /mnt/tools/install.sh --ahead --dry-run > "$cache/ahead.txt"
    grep -q 'gcc.*python3-dev' "$cache/ahead.txt" || fail "it does not say that it needs a compiler"
    grep -q 'install-service --ahead' "$cache/ahead.txt" || fail "it does not say that it compiles ahead"
    [ ! -e "$drop_in" ] || fail "a dry run changed something"
    in_root sh /mnt/tools/install.sh --ahead
    in_root /opt/microcue/bin/microcue doctor --only kernels | tee "$cache/kernels.txt"
    grep -q 'compiled ahead' "$cache/kernels.txt" || fail "the kernels are not compiled ahead"
    grep -q 'MemoryDenyWriteExecute=yes' "$drop_in" || fail "the watcher may still run what it writes"
    in_root sh /mnt/tools/install.sh
    [ -e "$drop_in" ] || fail "a later run forgot that kernels are compiled ahead"
    in_root sh /mnt/tools/install.sh --no-ahead
    [ ! -e "$drop_in" ] || fail "there is no way back"
}

update() {
    # the dev environment makes the wheels; without it an update is not tried
    python=${MICROCUE_PYTHON:-$checkout/.venv/bin/python}
    if "$python" -c 'import cyclonedx_py, minisign' 2> /dev/null; then
        say "an update from one signed file, without a network, and the way back"
        wheels=$cache/wheels release=$root/tmp/microcue.release
        version=$(in_root /opt/microcue/bin/python -c 'import edge; print(edge.__version__)')
        minor=$(in_root /opt/microcue/bin/python -c 'import sys; print("3.%d" % sys.version_info.minor)')
        export PYTHONPATH="$checkout"
        "$python" "$checkout/tools/build_wheelhouse.py" --python "$minor" --machine "$(uname -m)" --output "$wheels"
        rm -f "$cache/try.key" "$cache/try.key.pub"
        "$python" "$checkout/tools/make_release.py" --make-key "$cache/try.key"
        "$python" "$checkout/tools/make_release.py" "$wheels" --version "$version" --key "$cache/try.key" --output "$release"
        cp "$cache/try.key.pub" "$root/tmp/release.pub"
        take() { in_root unshare --net /opt/microcue/bin/microcue update "$@"; }
        take /tmp/microcue.release --key /tmp/release.pub
        [ "$(readlink "$root/opt/microcue")" = /opt/microcue-b ] || fail "the update is not used"
        in_root /opt/microcue/bin/microcue doctor --only inference
        take --rollback
        [ "$(readlink "$root/opt/microcue")" = /opt/microcue-a ] || fail "the way back was not taken"
        in_root /opt/microcue/bin/microcue doctor --only inference
        printf x >> "$release"
        ! take /tmp/microcue.release --key /tmp/release.pub || fail "an altered release was taken"
        rm -f "$release" "$release.minisig" "$root/tmp/release.pub"
    else
        say "an update is not tried: expected $python with microcue[release] (make venv-dev)"
    fi
}

in_root true
# every machine has one; Debian's netbase, which comes with Python, would make it and leave it
[ -e "$root/etc/hosts" ] || echo '127.0.0.1 localhost' > "$root/etc/hosts"
[ "$wanted" != jetpack ] || dress_as_jetpack
listing | without_copies > "$cache/before"

say "dry run"
in_root sh /mnt/tools/install.sh --dry-run > "$cache/dry.txt"
listing | without_copies | diff "$cache/before" - || fail "a dry run changed something"

say "installation"
in_root sh /mnt/tools/install.sh
in_root /opt/microcue/bin/microcue doctor --only inference
if [ "$wanted" = jetpack ]; then
    grep -q 'a Jetson' "$cache/dry.txt" || fail "it is not taken for a Jetson"
    in_root sh -c 'command -v gst-launch-1.0' > /dev/null || fail "GStreamer, for a Jetson's camera, is not there"
    in_root /opt/microcue/bin/python -c 'import numpy; raise SystemExit(numpy.__version__ >= "2")' ||
        fail "numpy is newer than the system's own packages can bear"
fi
in_root sh -c 'test -L /etc/systemd/system/multi-user.target.wants/microcue.service' || fail "the service is not enabled"
in_root find /var/cache/microcue/numba -name '*.nbc' -user microcue | grep -q . || fail "no kernel was compiled"
in_root systemd-analyze verify --man=no /etc/systemd/system/microcue.service || fail "systemd refuses the unit"

say "once more: nothing may change but what was built again"
listing | without_copies | grep -v -E '^\./opt/microcue-a/lib/.*(dist-info|__pycache__)' > "$cache/first"
in_root sh /mnt/tools/install.sh
listing | without_copies | grep -v -E '^\./opt/microcue-a/lib/.*(dist-info|__pycache__)' | diff "$cache/first" - ||
    fail "a second installation changed something"

if [ "$parts" = all ]; then
    crash
    ahead
    update
fi

say "a session's log, then --uninstall"
mkdir -p "$root/var/lib/microcue"
echo log > "$root/var/lib/microcue/microcue.db"
in_root chown -R microcue:microcue /var/lib/microcue
in_root sh /mnt/tools/install.sh --uninstall
[ "$(stat -c %u:%g "$root/var/lib/microcue/microcue.db")" = 0:0 ] || fail "the log belongs to nobody"
listing | without_copies | grep -v '^\./var/lib/microcue\(/\| \)' > "$cache/after"
# folders count by their names: their times are not in the list
diff "$cache/before" "$cache/after" || fail "--uninstall left something, or took something away"
say "ok: as before, but for the log"
