#!/bin/sh
# Makes a virtual environment with microcue in it, or does nothing (and needs no network) when it
# is up to date.
#
#   tools/make_venv.sh DIR EXTRAS NEWEST_MINOR
#
# EXTRAS are pip's, "" for none; group:NAME installs that dependency group, and microcue not at all.
# DIR is made with the first Python from 3.10 to 3.NEWEST_MINOR among $PYTHON, python3 and
# python3.13 to python3.10; where $PYTHON is set, only that one.
# Exit 1 with one sentence when something is missing, 3 when no Python is in that range.
set -eu
directory=$1 extras=$2 newest=$3

fail() { echo "microcue: $1" >&2; exit "${2:-1}"; }

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

is_supported() {
    case $(version_of "$1") in
        3.1[0-9]) [ "$(version_of "$1" | cut -d. -f2)" -le "$newest" ] ;;
        *) return 1 ;;
    esac
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
        if is_supported "$candidate"; then echo "$candidate"; return; fi
    done
}

# The path is part of it, since a virtual environment does not survive being moved.
state="$PWD [$extras] $(cksum < pyproject.toml)"
stamp=$directory/.installed
if [ -f "$stamp" ] && grep -qxF "$state" "$stamp" && "$directory/bin/python" -c pass 2>/dev/null; then
    exit 0
fi

if ! [ -f "$stamp" ] || ! grep -qF "$PWD [" "$stamp" || ! "$directory/bin/python" -c pass 2>/dev/null; then
    python=$(find_python)
    if [ -z "$python" ]; then
        [ "$newest" -eq 13 ] || exit 3 # the caller asked for an older one and says what that means
        found=$(version_of "${PYTHON:-python3}") || found="none"
        fail "expected Python 3.10 to 3.$newest, found ${found:-none} as ${PYTHON:-python3}; \
install one (sudo apt install python3 python3-venv) or name it: make PYTHON=python3.11" 3
    fi
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "expected Python's venv module, $python has none; sudo apt install python$(version_of "$python")-venv"
    echo "microcue: making $directory with Python $(version_of "$python")"
    rm -rf "$directory"
    "$python" -m venv "$directory" || fail "$python could not make $directory; its last lines say why"
    # editable installs need pip 21.3, and Python 3.10 may bring an older one
    "$directory/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade pip ||
        fail "pip could not be updated; this first time needs a network"
fi
echo "microcue: installing into $directory (a minute or two, once)"
case $extras in
    group:*) set -- --group "${extras#group:}" ;; # pip 25.1
    *) set -- --editable ".${extras:+[$extras]}" ;;
esac
"$directory/bin/python" -m pip install --quiet --disable-pip-version-check "$@" ||
    fail "pip could not install what microcue needs; its last lines say why (no network?)"
# an environment that was made for the tests runs microcue too, so every state it covers is kept
echo "$state" >> "$stamp"
case $extras in usb | group:*) exit 0 ;; esac
echo "$PWD [usb] $(cksum < pyproject.toml)" >> "$stamp"
