#!/bin/sh
# Once per release: the wheels for aarch64, by their hashes and without a network, into arm64 roots of Debian by the
# card recipe's own lines; there microcue compiles its kernels, examines the machine and watches the built-in clip.
#
#   tools/installer/wheelhouse.sh bookworm     Python 3.11 with tflite-runtime
#   tools/installer/wheelhouse.sh trixie       Python 3.13 with LiteRT
#   tools/installer/wheelhouse.sh              one after the other
#   tools/installer/wheelhouse.sh SUITE again  in the root of the last run, where the kernels that it compiled are kept
#   MICROCUE_KERNELS=FILE                      kernels compiled ahead for arm64 and that Python on this machine, by
#                                              python -m image.kernels FILE (tools/image/kernels.py): there, one module
#                                              is compiled and the session takes the others
#   MICROCUE_DEMO_S=20                         how much of the clip is watched, in seconds (default: 9, with two cues)
#
# Needs Debian or Ubuntu, root, mmdebstrap, a network for the wheels, and qemu-user-static with binfmt-support. Every
# instruction is emulated, some 50 times slower than this machine: nothing here says how fast a board is.
set -eu
what=test-wheelhouse
case ${1:-} in
    bookworm) minor=3.11 runtime=tflite extra='--extra tflite' ;;
    trixie) minor=3.13 runtime=litert extra='' ;;
    '')
        sh "$0" bookworm
        exec sh "$0" trixie ;;
    *)
        echo "$what: expected bookworm or trixie, found $1" >&2
        exit 2 ;;
esac
# what any system with apt has, and the wheels' compiler needs: the C++ library
arch=arm64 packages=python3,python3-venv,libseccomp2,libstdc++6,zlib1g again=${2:-}
# a Pi 4's. QEMU's own choice computes the signed return addresses of Debian 13's programs: 15 times as long for Python
export QEMU_CPU="${QEMU_CPU:-cortex-a72}"
# the packages' own scripts, which would compile Python's modules, are not run here
bytecode=''
# shellcheck source=root.sh
. "$(dirname "$0")/root.sh"
began=$(date +%s)
say() { echo "$what: $suite, after $(($(date +%s) - began)) s: $1"; }
in_root true || fail "expected programs of arm64 to run here: sudo apt install qemu-user-static binfmt-support, \
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc, update-binfmts --enable qemu-aarch64"
in_root ldconfig # as the packages' own scripts would have
python=${MICROCUE_PYTHON:-$checkout/.venv/bin/python}
"$python" -c 'import cyclonedx_py, yaml' 2> /dev/null || fail "expected $python with microcue[dev]: make venv-dev"
export PYTHONPATH="$checkout:$checkout/tools"

if [ -z "$again" ] || [ ! -x "$root/opt/microcue-a/bin/microcue" ]; then
    say "wheels for Python $minor on aarch64"
    wheels=$cache/wheelhouse-$minor
    # shellcheck disable=SC2086  # none or two words
    "$python" "$checkout/tools/build_wheelhouse.py" --python "$minor" $extra --output "$wheels"

    say "installation, without a network, by the recipe's own lines"
    alone=--net
    hook=$("$python" -c 'import sys, yaml
with open(sys.argv[1]) as file:
    print(yaml.safe_load(file.read().partition("\n---\n")[2])["mmdebstrap"]["customize-hooks"][0])' \
        "$checkout/firmware_config/image/layer/microcue.yaml")
    beside_it env IGconf_microcue_wheelhouse="$wheels" IGconf_microcue_runtime="$runtime" sh -c "$hook" sh "$root" ||
        fail "the wheels cannot be installed"
fi
alone=--net

python_there=/opt/microcue/bin/python
if [ -n "${MICROCUE_KERNELS:-}" ]; then
    say "one module of kernels compiled"
    in_root env MICROCUE_AHEAD=off $python_there -c 'import edge.kernels.samples'
    place=$(in_root $python_there -c 'from edge import ahead; print(ahead.directory() / ahead.file_name())')
    mkdir -p "$root${place%/*}"
    cp "$MICROCUE_KERNELS" "$root$place"
    in_root $python_there -c 'from edge import ahead; raise SystemExit(ahead.build().kernels is None)' || fail "they do not fit"
    say "warmup, which has all kernels from $MICROCUE_KERNELS"
else
    say "every kernel compiled"
fi
in_root /opt/microcue/bin/microcue warmup
say "doctor"
in_root /opt/microcue/bin/microcue doctor --no-camera || fail "doctor finds what fails"

say "the built-in clip, made on this machine"
clip=$("$python" -c 'from edge.synth.demo import demo_clip; print(demo_clip()[0])')
mkdir -p "$root/root/.cache/microcue"
cp "${clip%.mkv}".* "$root/root/.cache/microcue"
# of the clip's own time; every cue that begins in it is over
watch="demo --duration ${MICROCUE_DEMO_S:-9} --led none"
# shellcheck disable=SC2086  # words
in_root /opt/microcue/bin/microcue $watch
in_root /opt/microcue/bin/microcue cues latest --json > "$cache/cues-$suite.json"

say "the same on this machine"
rm -rf "$cache/own"
# shellcheck disable=SC2086
"$python" -m edge.cli $watch --quiet --data "$cache/own"
"$python" -m edge.cli cues latest --json --data "$cache/own" > "$cache/own.json"
"$python" -m image.cues "$cache/own.json" "$cache/cues-$suite.json" || fail "other cues than on this machine"
say ok
