"""`microcue first-boot`: take in the two files that people edit on the card."""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edge.commands.context import Context
from edge.firmware.card import find_card
from edge.firmware.errors import FirmwareError
from edge.firmware.first_boot import apply_card, check_card
from edge.firmware.seal import is_sealed

_EXAMPLES = """\
examples:
  microcue first-boot --check --boot /media/me/bootfs     on any computer: are the files right?
  sudo microcue first-boot                                on the device; its service does it at every start

Reads microcue.toml (the settings) and microcue-first-boot.toml (name, camera, network, lab) from the card's
first partition. What is new is applied once; passwords are removed from the card; what is wrong is written
to microcue-problem.txt beside them, and nothing is applied. docs/first-hour.md explains both files.
"""


def register(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "first-boot",
        help="take in the settings on the card",
        description="Apply the two files that people edit on the card.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--boot", type=Path, metavar="DIR", help="the card's first partition")
    parser.add_argument("--root", type=Path, default=Path("/"), metavar="DIR", help="write below DIR")
    parser.add_argument("--check", action="store_true", help="only say whether the files are right")
    parser.add_argument("--no-restart", action="store_true", help="do not restart where that is needed")
    parser.set_defaults(run=run)


def run(
    args: argparse.Namespace, context: Context, call: Callable[[Sequence[str]], int] = subprocess.call
) -> int:
    """Check or apply, and restart where only that takes it in."""
    boot = args.boot if args.boot is not None else find_card(args.root)
    if not boot.is_dir():
        raise FirmwareError(
            f"expected a folder {boot}, found none; name the card's first partition with --boot"
        )
    if args.check:
        check_card(boot, args.root if args.boot is None else None)
        context.print_text(f"The files in {boot} are right.")
        return 0
    outcome = apply_card(boot, args.root, sealed=args.root == Path("/") and is_sealed())
    for line in outcome.applied:
        context.print_text(f"applied: {line}")
    if not outcome.applied:
        context.print_text("Nothing new on the card.")
    if outcome.restart and not args.no_restart and args.root == Path("/"):
        context.print_text("The machine starts again, to take all of it in.")
        call(["systemctl", "--no-block", "reboot"])
    return 0
