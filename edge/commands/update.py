"""`microcue update`: the next version from a stick, or the one before; nothing from a network."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edge import __version__
from edge.commands.context import Context
from edge.errors import UsageError
from edge.firmware import seal
from edge.firmware.card import OPEN_NAME, find_card
from edge.firmware.errors import FirmwareError
from edge.firmware.release import ReleaseRefused, as_numbers, open_release
from edge.firmware.slots import HOME, Slots

KEY = Path("/etc/microcue/release.pub")
_EXAMPLES = """\
examples:
  sudo microcue update /media/stick/microcue-0.2.0.release    with its .minisig beside it
  sudo microcue update --rollback                             the version before

The signature is checked before anything else, with the minisign key in /etc/microcue/release.pub. The new
version is made beside the old one and tried; only then is it used. The log and the settings stay.
A card whose system is read-only is opened first: this says how.
"""
Run = Callable[[Sequence[str]], int]


def register(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "update",
        help="take the next version from a stick, or the one before",
        description="Update from a signed file, or go back.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("release", nargs="?", type=Path, metavar="FILE", help="a signed release")
    parser.add_argument("--rollback", action="store_true", help="use the version before")
    parser.add_argument(
        "--key", type=Path, default=KEY, metavar="FILE", help=f"whose releases (default: {KEY})"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context, call: Run = subprocess.call, home: Path = HOME) -> int:
    """Update or go back."""
    if (args.release is None) is not args.rollback:
        raise UsageError("update expects a release, or --rollback")
    if seal.is_sealed():
        _open_card(Path("/"))
    if not os.access(home.parent, os.W_OK):
        raise FirmwareError(
            f"expected to write to {home.parent}, it is read-only or not ours; run it with sudo; a card with "
            "two systems is updated by writing the one that is not used (firmware_config/README.md)"
        )
    slots = Slots(home)
    if args.rollback:
        slots.switch()
        context.print_text(f"Back to what is in {slots.used}.")
    else:
        version = _make(args, context, slots, call)
        slots.switch()
        context.print_text(f"microcue {version} is used now; microcue update --rollback goes back.")
    # units of one version need not be those of another
    _take([str(home / "bin" / "microcue"), "install-service"], call)
    if Path("/run/systemd/system").is_dir():
        _take(["systemctl", "try-restart", "microcue.service"], call)
    return 0


def _open_card(root: Path) -> None:
    """Have the next start leave a read-only system open, and say what to do then."""
    boot = find_card(root)
    seal.keep_open(boot)
    seal.change(boot, sealed=False)
    raise FirmwareError(
        "expected a system that can be written to, this card's is read-only until its next start; restart, "
        f"run this again, then delete {boot / OPEN_NAME} and restart: it is read-only again"
    )


def _make(args: argparse.Namespace, context: Context, slots: Slots, call: Run) -> str:
    """The release in the place that is not used, tried; its version."""
    place = slots.other  # before anything is read: is this an installation that can be updated?
    with tempfile.TemporaryDirectory(dir=slots.home.parent, prefix=".microcue-update-") as folder:
        version, wheels = open_release(args.release, args.key, Path(folder))
        if as_numbers(version) < as_numbers(__version__):
            raise ReleaseRefused(args.release, f"it is {version}, older than {__version__} (see --rollback)")
        context.print_text(f"The signature of microcue {version} is right.")
        shutil.rmtree(place, ignore_errors=True)
        python = str(place / "bin" / "python")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
        try:
            _take([_system_python(), "-m", "venv", "--system-site-packages", str(place)], call)
            _take([*pip, "--find-links", str(wheels), f"microcue[usb,device]=={version}"], call)
            # on this processor, in a process of its own: a runtime that does not fit ends the process
            _take([str(place / "bin" / "microcue"), "doctor", "--only", "inference"], call)
        except FirmwareError:
            shutil.rmtree(place, ignore_errors=True)
            raise
    return version


def _system_python() -> str:
    """The Python that this environment was made with."""
    return str(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")


def _take(step: Sequence[str], call: Run) -> None:
    try:
        code = call(step)
    except OSError as error:
        raise FirmwareError(f"expected to run {step[0]}, the system says {error.strerror}") from error
    if code != 0:
        raise FirmwareError(
            f"expected to run {shlex.join(step)}, it ended with {code}; the version in use is as before"
        )
