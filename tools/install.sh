#!/bin/sh
# Installs microcue as a service on Raspberry Pi OS, Debian, Ubuntu or JetPack, or takes it away again.
#
#   sudo tools/install.sh               from this checkout; a second time: an update, or nothing
#   sudo tools/install.sh --appliance   on a machine that does nothing else (firmware_config/README.md)
#   sudo tools/install.sh --ahead       kernels compiled ahead: less memory, less allowed (docs/ahead.md);
#                                       later runs keep to it; --no-ahead goes back
#   sudo tools/install.sh --uninstall   everything but the log and the settings
#   tools/install.sh --dry-run          every step, in words, none done (with either of the others, too)
#   sudo tools/install.sh --wheelhouse DIR   packages from a folder; no network for them
#
# Exit 0 done, 2 usage, 69 this machine cannot, 74 a step failed.
set -eu

home=/opt/microcue
# $home is a link to one of two environments; an update changes it (microcue update)
slot=$(readlink "$home" 2> /dev/null || echo "$home-a")
notes=/var/lib/microcue-installer # what was there before, so that --uninstall leaves it as it was
data=/var/lib/microcue
# not every system has them
folders='/etc/sysusers.d /etc/tmpfiles.d /etc/sysctl.d /etc/udev/rules.d /etc/udev /etc/ssh/sshd_config.d /etc/ssh'
here=$(cd "$(dirname "$0")/.." && pwd)

fail() { echo "install.sh: $1" >&2; exit "${2:-74}"; }
step() { echo "* $1"; }
# runs a command, or says it; names the step that failed
do_it() {
    if [ "$dry" = yes ]; then echo "    $*"; return 0; fi
    "$@" || fail "expected to run '$*', it ended with exit code $?; its last lines say why"
}

main() {
    dry=no what=install appliance='' ahead='' wheelhouse=''
    while [ $# -gt 0 ]; do
        case $1 in
            --dry-run) dry=yes ;;
            --uninstall) what=uninstall ;;
            --appliance) appliance=--appliance ;;
            --ahead | --no-ahead) ahead=$1 ;;
            --wheelhouse) [ $# -ge 2 ] || fail "--wheelhouse expects a folder" 2; shift; wheelhouse=$1 ;;
            -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
            *) fail "there is no option $1; see --help" 2 ;;
        esac
        shift
    done
    [ "$dry" = yes ] || [ "$(id -u)" -eq 0 ] || fail "expected to be root; run it with sudo" 69
    "$what"
}

install() {
    check_machine
    note_what_is_there
    packages
    environment
    runtime
    service
    step "done: systemctl status microcue; $home/bin/microcue doctor; sudo $0 --uninstall takes it away"
}

check_machine() {
    [ "$(uname -s)" = Linux ] || fail "expected Linux, found $(uname -s)" 69
    case $(uname -m) in
        aarch64 | x86_64) ;;
        *) fail "expected a 64-bit system (aarch64 or x86_64), found $(uname -m)" 69 ;;
    esac
    command -v apt-get > /dev/null || fail "expected apt-get, as on Raspberry Pi OS, Debian, Ubuntu or JetPack" 69
    command -v systemctl > /dev/null || fail "expected systemd, found no systemctl" 69
    system=$(sed -n 's/^PRETTY_NAME="\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' /etc/os-release)
    [ -e /etc/nv_tegra_release ] && jetson=yes || jetson=no
    step "found ${system:-an unknown system} on $(uname -m)$([ "$jetson" = no ] || echo ', a Jetson')"
}

note_what_is_there() {
    [ ! -d "$notes" ] || return 0
    step "note what is there, in $notes"
    if [ "$dry" = yes ]; then return 0; fi
    mkdir -p "$notes"
    installed_packages > "$notes/packages-before"
    for group in video gpio; do getent group "$group" > /dev/null || echo "$group"; done > "$notes/groups-absent"
    for folder in $folders; do [ -d "$folder" ] || echo "$folder"; done > "$notes/folders-absent"
}

# those of a list that apt knows here: picamera2 and lgpio are Raspberry Pi OS's own
available() {
    for name in "$@"; do
        case $(apt-cache policy "$name" 2> /dev/null | sed -n 's/^  Candidate: //p') in
            '' | '(none)') ;;
            *) echo "$name" ;;
        esac
    done
}

packages() {
    # venv and seccomp everywhere; the camera and pins of a Pi; GStreamer for a Jetson's camera
    wanted='python3 python3-venv libseccomp2 python3-picamera2 python3-lgpio'
    [ "$jetson" = no ] || wanted="$wanted gstreamer1.0-tools gstreamer1.0-plugins-good"
    [ -z "$appliance" ] || wanted="$wanted nftables systemd-zram-generator"
    # what compiles kernels ahead, for the system's own Python
    [ "$ahead" != --ahead ] || wanted="$wanted gcc libc6-dev python3-dev"
    missing=''
    for name in $wanted; do is_installed "$name" || missing="$missing $name"; done
    [ -n "$missing" ] || { step "every package of the system is there"; return 0; }
    step "packages of the system, as far as this system has them:$missing"
    do_it apt-get update -q
    # shellcheck disable=SC2046,SC2086  # names, one a word
    do_it env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $(available $missing)
    if [ "$dry" = no ]; then
        installed_packages | comm -13 "$notes/packages-before" - > "$notes/packages-ours"
    fi
}

installed_packages() { dpkg-query -W -f '${binary:Package} ${db:Status-Abbrev}\n' | sed -n 's/ ii *$//p' | sort; }

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2> /dev/null)" = 'ii ' ]; }

find_python() {
    # the system's own first: only that one sees picamera2
    for candidate in python3 python3.13 python3.12 python3.11 python3.10; do
        candidate=/usr/bin/$candidate
        if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2> /dev/null; then
            echo "$candidate"
            return
        fi
    done
}

environment() {
    python=$(find_python)
    [ -n "$python" ] || [ "$dry" = yes ] || fail "expected Python 3.10 to 3.13 in /usr/bin, found none" 69
    if ! "$home/bin/python" -c pass 2> /dev/null; then
        step "an environment in $home, which sees the system's packages"
        [ ! -e "$home" ] || [ -L "$home" ] || fail "expected $home to be free or ours, found something else"
        # in words, where Python is not there yet
        do_it "${python:-/usr/bin/python3}" -m venv --system-site-packages "$slot"
        do_it ln -sfn "$slot" "$home"
    fi
    # apt's picamera2 and simplejpeg are built against apt's numpy: never past its major version
    major=$("${python:-python3}" -c 'import numpy; print(numpy.__version__.split(".")[0])' 2> /dev/null) || major=''
    limit=''
    if [ -n "$major" ]; then
        step "numpy stays below $((major + 1)), as the system's own is $major"
        limit="numpy<$((major + 1))"
    fi
    step "microcue and its packages into $home"
    if [ -n "$wheelhouse" ]; then
        pip_install --no-index --find-links "$wheelhouse" 'microcue[usb,device]' ${limit:+"$limit"}
    else
        pip_install "${here}[usb,device]" ${limit:+"$limit"}
    fi
}

pip_install() { do_it "$slot/bin/python" -m pip install -q --disable-pip-version-check "$@"; }

# in a process of its own: what ends with a signal ends that, and the other runtime is taken
runs() { "$home/bin/microcue" doctor --only inference > /dev/null 2>&1; }

runtime() {
    step "try the model runtime in a process of its own"
    if [ "$dry" = yes ]; then echo "    $home/bin/microcue doctor --only inference"; return 0; fi
    if runs; then return 0; fi
    "$home/bin/python" -c 'import sys; sys.exit(sys.version_info >= (3, 12))' ||
        fail "expected LiteRT to run the models, it does not, and tflite-runtime has no wheel after Python 3.11; see $home/bin/microcue doctor --only inference" 69
    step "LiteRT does not run the models on this machine; take tflite-runtime in its place"
    pip_install ${wheelhouse:+--no-index} ${wheelhouse:+--find-links} ${wheelhouse:+"$wheelhouse"} \
        'tflite-runtime==2.14.0' 'numpy<2'
    do_it "$slot/bin/python" -m pip uninstall -q -y ai-edge-litert
    runs || fail "expected LiteRT or tflite-runtime to run the models, neither does; see $home/bin/microcue doctor" 69
}

service() {
    step "the service: user, units, kernels compiled$([ "$ahead" != --ahead ] || echo ' ahead'), watching"
    # shellcheck disable=SC2086  # each empty or one word
    do_it "$home/bin/microcue" install-service $appliance $ahead
    # where systemd is not running, as while an image is made, nothing was started
    if [ "$dry" = no ] && [ ! -d /run/systemd/system ]; then
        step "compile the kernels here, since systemd is not running"
        do_it mkdir -p -m 0700 /var/cache/microcue
        do_it chown microcue:microcue /var/cache/microcue
        do_it setpriv --reuid=microcue --regid=microcue --clear-groups env HOME=/nonexistent \
            NUMBA_CACHE_DIR=/var/cache/microcue/numba "$home/bin/microcue" warmup --quiet
    fi
}

uninstall() {
    [ -d "$notes" ] || [ "$dry" = yes ] || fail "expected notes of an installation in $notes, found none" 69
    step "stop and remove the service"
    do_it "$home/bin/microcue" uninstall-service
    # before the user goes: nobody else may get its number, and the log with it
    if [ -d $data ]; then
        step "the log in $data stays, for root"
        do_it chown -R root:root $data
    fi
    step "remove the user"
    if getent passwd microcue > /dev/null; then do_it userdel microcue; fi
    for group in video gpio; do
        if grep -qx "$group" "$notes/groups-absent" 2> /dev/null && getent group "$group" > /dev/null; then
            do_it groupdel "$group"
        fi
    done
    remove_packages
    for folder in $folders; do
        # where somebody put a file of their own into it meanwhile, it stays
        ! grep -qx "$folder" "$notes/folders-absent" 2> /dev/null || [ "$dry" = yes ] || rmdir "$folder" 2> /dev/null || true
    done
    step "remove $home and the compiled kernels"
    do_it rm -rf "$home" "$home-a" "$home-b" "$notes" /var/cache/microcue
    # empty where nobody put settings there
    [ "$dry" = yes ] || rmdir /etc/microcue 2> /dev/null || true
    step "done; rm -r $data /etc/microcue deletes what was kept"
}

remove_packages() {
    [ -s "$notes/packages-ours" ] || return 0
    # those that are there still
    ours=$(installed_packages | comm -12 "$notes/packages-ours" -)
    [ -n "$ours" ] || return 0
    # shellcheck disable=SC2086  # names, one a word
    removed=$(apt-get -s purge $ours | sed -n 's/^Purg \([^ ]*\).*/\1/p' | sort)
    if [ "$(printf '%s\n' "$removed" | sed 's/:.*//')" != "$(printf '%s\n' "$ours" | sed 's/:.*//' | sort)" ]; then
        step "packages of the system stay, as others need them by now: $(echo "$ours" | tr '\n' ' ')"
        return 0
    fi
    step "remove the packages that came with it"
    # shellcheck disable=SC2086
    do_it env DEBIAN_FRONTEND=noninteractive apt-get purge -q -y $ours
}

main "$@"
