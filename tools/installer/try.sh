#!/bin/sh
# Runs tools/install.sh for real, in a Debian root of its own: a dry run, an installation, a second one, a model
# runtime that crashes, and --uninstall, after which the root must be as before but for the log.
#
#   tools/installer/try.sh [SUITE]      bookworm (default) or trixie
#   MICROCUE_INSTALLER_CACHE=DIR        where the root is kept between runs (default: .cache/installer)
#
# Needs Debian or Ubuntu, root, mmdebstrap and a network; minutes. systemd is not running in such a root: that the
# units start is not shown here.
set -eu
what=test-installer
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

in_root true
listing | without_copies > "$cache/before"

say "dry run"
in_root sh /mnt/tools/install.sh --dry-run > "$cache/dry.txt"
listing | without_copies | diff "$cache/before" - || fail "a dry run changed something"

say "installation"
in_root sh /mnt/tools/install.sh
in_root /opt/microcue/bin/microcue doctor --only inference
in_root sh -c 'test -L /etc/systemd/system/multi-user.target.wants/microcue.service' || fail "the service is not enabled"
in_root find /var/cache/microcue/numba -name '*.nbc' -user microcue | grep -q . || fail "no kernel was compiled"
in_root systemd-analyze verify --man=no /etc/systemd/system/microcue.service || fail "systemd refuses the unit"

say "once more: nothing may change but what was built again"
listing | without_copies | grep -v -E '^\./opt/microcue-a/lib/.*(dist-info|__pycache__)' > "$cache/first"
in_root sh /mnt/tools/install.sh
listing | without_copies | grep -v -E '^\./opt/microcue-a/lib/.*(dist-info|__pycache__)' | diff "$cache/first" - ||
    fail "a second installation changed something"

if in_root /opt/microcue/bin/python -c 'import sys; sys.exit(sys.version_info >= (3, 12))'; then
    say "a runtime that crashes: the other one is taken"
    # shellcheck disable=SC2016
    in_root sh -c 'for file in /opt/microcue/lib/python3*/site-packages/ai_edge_litert/interpreter.py; do
        printf "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n" > "$file"; done'
    in_root sh /mnt/tools/install.sh | tee "$cache/crash.txt"
    grep -q "take tflite-runtime in its place" "$cache/crash.txt" || fail "the crash was not noticed"
    in_root /opt/microcue/bin/microcue doctor --only runtime | tee -a "$cache/crash.txt"
    grep -q "tflite (usable: tflite)" "$cache/crash.txt" || fail "the other runtime was not taken"
fi

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
    update() { in_root unshare --net /opt/microcue/bin/microcue update "$@"; }
    update /tmp/microcue.release --key /tmp/release.pub
    [ "$(readlink "$root/opt/microcue")" = /opt/microcue-b ] || fail "the update is not used"
    in_root /opt/microcue/bin/microcue doctor --only inference
    update --rollback
    [ "$(readlink "$root/opt/microcue")" = /opt/microcue-a ] || fail "the way back was not taken"
    in_root /opt/microcue/bin/microcue doctor --only inference
    printf x >> "$release"
    ! update /tmp/microcue.release --key /tmp/release.pub || fail "an altered release was taken"
    rm -f "$release" "$release.minisig" "$root/tmp/release.pub"
else
    say "an update is not tried: expected $python with microcue[release] (make venv-dev)"
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
