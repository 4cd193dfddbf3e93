"""`microcue backup`: a second file with everything the log has."""

from __future__ import annotations

import argparse
import json
from typing import Any

from edge.commands.context import Context
from edge.record.backup import back_up

_EXAMPLE = """\
example:
  microcue backup

A run with a camera does this by itself once a day (record.backup_hours). The copy is checked before
it takes the place of the one before, and may be made while a run writes. To go back to it, end the
run, move microcue.db, microcue.db-wal and microcue.db-shm away, and copy the backup to microcue.db.
A backup on the same card does not outlive the card: copy it elsewhere.
"""


def register(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "backup",
        help="copy the log into backups/, checked",
        description="Copy the log into the folder backups/ of the data directory, and check the copy.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:  # noqa: ARG001 - as every command is called
    """Copy, check, and say where the copy is."""
    path = back_up(context.data_dir)
    if context.json:
        print(json.dumps({"backup": str(path), "n_bytes": path.stat().st_size}))
    context.print_text(f"{path}, {path.stat().st_size / 1e6:.1f} MB, checked")
    return 0
