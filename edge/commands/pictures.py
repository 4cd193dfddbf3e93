"""`microcue pictures`: which cues have pictures, and, where the key is, what is in them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from edge.commands.context import Context
from edge.commands.progress import with_progress
from edge.errors import UsageError
from edge.record.errors import OutputUnwritable
from edge.record.keys import read_identities
from edge.record.picture_reader import open_pictures
from edge.record.pictures import files_of
from edge.record.reading import LogReader

_EXAMPLE = """\
examples:
  microcue pictures
  microcue unbundle rig3.age --key lab.key --into rig3
  microcue pictures --data rig3 --key lab.key --output rig3-pictures

Without --key it lists which cues have pictures. With the secret key, which belongs on the lab's machine
alone, each cue's are written to a folder of their own, SESSION-CUE, as PNG files with a table, frames.csv.
What is written is plain, and `forget` does not reach it. docs/log.md says when pictures are kept.
"""
_COLUMNS = ("session_id", "cue", "kB", "file")


def register(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "pictures",
        help="list encrypted pictures, or open them in the lab",
        description="List the encrypted pictures around cues, or open them with the lab's secret key.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "sessions", metavar="SESSION", nargs="*", help='which sessions; "latest" is the newest (default: all)'
    )
    parser.add_argument("--key", metavar="FILE", type=Path, help="the secret key they are encrypted to")
    parser.add_argument("--output", metavar="DIR", type=Path, help="a new folder for the pictures")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """List or open."""
    if (args.key is None) != (args.output is None):
        raise UsageError("opening pictures needs --key FILE and --output DIR, and one of them is missing")
    with LogReader(context.data_dir) as log:
        named = [log.resolve(name) for name in args.sessions] or log.session_ids()
    files = [(session_id, file) for session_id in named for file in files_of(context.data_dir, session_id)]
    if args.key is not None:
        return _open(files, args, context)
    rows = [
        (session_id, int(one.stem), round(one.stat().st_size / 1e3), str(one.relative_to(context.data_dir)))
        for session_id, one in files
    ]
    if rows or context.json:
        context.print_table(f"Encrypted pictures in {context.data_dir}", _COLUMNS, rows)
    else:
        context.print_text(f"No pictures are in {context.data_dir}.")
    return 0


def _open(files: list[tuple[str, Path]], args: argparse.Namespace, context: Context) -> int:
    identities = read_identities(args.key)
    if args.output.exists():
        raise OutputUnwritable(args.output, "it exists already, and a new folder is needed")
    watched = with_progress(files, len(files), "pictures", context.verbosity >= 0)
    n_pictures = sum(open_pictures(file, identities, args.output) for _, file in watched)
    if context.json:
        print(json.dumps({"output": str(args.output), "n_cues": len(files), "n_pictures": n_pictures}))
    context.print_text(f"{n_pictures} pictures of {len(files)} cues written to {args.output}")
    return 0
