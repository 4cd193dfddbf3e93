"""`microcue key`, `bundle`, `unbundle` and `collect`: from devices to the lab, unreadable on the way."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edge.commands.context import Context
from edge.errors import UsageError
from edge.record.bundle import open_bundle, write_bundle
from edge.record.collect import Collected, collect, forget_collected
from edge.record.keys import make_key
from edge.record.reading import LogReader
from edge.record.schema import DATABASE_NAME

_KEY_EXAMPLE = """\
example:
  microcue key lab.key

On the lab's machine, once. The file is the secret: keep it there, and a copy of it in a safe place, as what
was encrypted to it cannot be opened without it. The public key that is printed goes to the devices.
"""
_BUNDLE_EXAMPLE = """\
examples:
  microcue bundle --to age1... --output /media/stick/rig3.age
  microcue bundle latest --to age1... --output session.age

One file with some sessions, or all, encrypted to the lab's public key (age): whoever finds the stick learns
how large it is. Give --to twice for two keys, either of which opens it.
"""
_UNBUNDLE_EXAMPLE = """\
example:
  microcue unbundle rig3.age --key lab.key --into rig3
  microcue cues --data rig3
"""
_COLLECT_EXAMPLE = """\
examples:
  microcue collect *.age --key lab.key --into lab.duckdb
  microcue collect rig3 rig4 --into lab.duckdb --signals
  microcue collect --forget P07 --into lab.duckdb
  duckdb lab.duckdb "SELECT participant, count(*) FROM cues JOIN sessions USING (session_id) GROUP BY 1"

Takes bundles and data directories. A session that is there already is not added again; one that has grown
since, or whose --signals are wanted now, takes its own place. --forget takes a participant out, and the file
is written anew without them; bundles and logs that have them still would bring them back.
"""


def register(subparsers: Any) -> None:
    """Add the four commands to the command line."""
    key = _parser(subparsers, "key", "make a key that bundles are encrypted to", _KEY_EXAMPLE)
    key.add_argument("file", metavar="FILE", type=Path, help="the secret key, which must not exist yet")
    key.set_defaults(run=run_key)
    bundle = _parser(subparsers, "bundle", "write sessions as one encrypted file", _BUNDLE_EXAMPLE)
    bundle.add_argument("sessions", metavar="SESSION", nargs="*", help="which sessions (default: all)")
    bundle.add_argument("--to", metavar="KEY", action="append", required=True, help="a public key, age1...")
    bundle.add_argument("--output", metavar="PATH", required=True, help="the file to write")
    bundle.set_defaults(run=run_bundle)
    unbundle = _parser(subparsers, "unbundle", "open an encrypted file of sessions", _UNBUNDLE_EXAMPLE)
    unbundle.add_argument("bundle", metavar="BUNDLE", type=Path)
    unbundle.add_argument("--key", metavar="FILE", type=Path, required=True, help="the secret key")
    unbundle.add_argument("--into", metavar="DIR", type=Path, required=True, help="a new data directory")
    unbundle.set_defaults(run=run_unbundle)
    gather = _parser(subparsers, "collect", "merge many devices' sessions into DuckDB", _COLLECT_EXAMPLE)
    gather.add_argument("sources", metavar="BUNDLE|DIR", type=Path, nargs="*")
    gather.add_argument("--key", metavar="FILE", type=Path, help="the secret key, for bundles")
    gather.add_argument("--into", metavar="FILE", type=Path, required=True, help="the DuckDB file")
    gather.add_argument("--signals", action="store_true", help="the movement signals too")
    gather.add_argument("--forget", metavar="CODE", help="take a participant's sessions out again")
    gather.set_defaults(run=run_collect)


def run_key(args: argparse.Namespace, context: Context) -> int:
    """Make a key and print its public half."""
    public = make_key(args.file)
    if context.json:
        print(json.dumps({"public": public, "secret_file": str(args.file)}))
    context.print_text(f"The secret key is in {args.file}. The public one, for `bundle --to`:\n{public}")
    return 0


def run_bundle(args: argparse.Namespace, context: Context) -> int:
    """Write the bundle and say how large it is."""
    with LogReader(context.data_dir) as log:
        log.resolve("latest")  # an empty log is an error
        named = [log.resolve(name) for name in args.sessions] or log.session_ids()
    session_ids = list(dict.fromkeys(named))
    n_bytes = write_bundle(context.data_dir, session_ids, args.to, args.output)
    if context.json:
        print(json.dumps({"output": args.output, "n_sessions": len(session_ids), "n_bytes": n_bytes}))
    sessions = "1 session" if len(session_ids) == 1 else f"{len(session_ids)} sessions"
    context.print_text(f"{sessions} written to {args.output}, {n_bytes / 1e6:.1f} MB, encrypted")
    return 0


def run_unbundle(args: argparse.Namespace, context: Context) -> int:
    """Open the bundle and say what to do next."""
    open_bundle(args.bundle, args.key, args.into)
    with LogReader(args.into) as log:
        n_sessions = len(log.session_ids())
    sessions = f"{n_sessions} session{'' if n_sessions == 1 else 's'}"
    context.print_text(f"{sessions} in {args.into}; see `microcue sessions --data {args.into}`")
    return 0


def run_collect(args: argparse.Namespace, context: Context) -> int:
    """Merge one after the other; what was merged stays where a later one is refused."""
    if bool(args.sources) == (args.forget is not None):
        raise UsageError("collect expects bundles or data directories, or --forget CODE, and not both")
    if args.forget is not None:
        return _forget(args, context)
    told = []
    for source in args.sources:
        done = _collected(source, args)
        told.append({"source": str(source), **asdict(done)})
        context.print_text(
            f"{source}: {done.n_new} new, {done.n_renewed} renewed, {done.n_known} were there already"
        )
    if context.json:
        print(json.dumps(told))
    return 0


def _forget(args: argparse.Namespace, context: Context) -> int:
    n_sessions = forget_collected(args.into, args.forget)
    if context.json:
        print(json.dumps({"participant": args.forget, "n_sessions": n_sessions}))
    sessions = "1 session" if n_sessions == 1 else f"{n_sessions} sessions"
    context.print_text(f"{sessions} of {args.forget} taken out of {args.into}, which was written anew.")
    return 0


def _collected(source: Path, args: argparse.Namespace) -> Collected:
    if source.is_dir():
        if not (source / DATABASE_NAME).exists():
            raise UsageError(f"collect expects bundles or data directories; {source} has no {DATABASE_NAME}")
        return collect(source, args.into, args.signals)
    if args.key is None:
        raise UsageError(f"{source} is a bundle, and opening it needs --key FILE")
    # beside the collection: as safe a place as the collection itself is
    with tempfile.TemporaryDirectory(dir=args.into.absolute().parent, prefix=".collect-") as folder:
        opened = Path(folder) / "log"
        open_bundle(source, args.key, opened)
        return collect(opened, args.into, args.signals)


def _parser(subparsers: Any, name: str, summary: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=example,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser
