"""`microcue privacy`: what is stored, where, and until when; what a run may not do, and the proof of it."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from edge import __version__
from edge.commands.context import Context
from edge.config import RecordConfig
from edge.errors import EXIT_DONE, EXIT_NOT_READY
from edge.record.backup import backups
from edge.record.cue_rows import Row
from edge.record.lock import pid_of_run
from edge.record.pictures import PICTURES_DIR, all_files, n_bytes
from edge.record.reading import SESSION_COLUMNS, LogReader
from edge.record.retention import SALVAGED_DAYS
from edge.record.salvage import DAMAGED_SUFFIX, SALVAGED_SUFFIX
from edge.record.schema import DATABASE_NAME, open_for_reading

_EXAMPLE = """\
examples:
  microcue privacy
  microcue privacy --prove      watch a drawn face, and look at what that left behind

`until` follows record.keep_days, keep_sessions and keep_gb; a kept session stays in any case, and so do
participants' codes and consents, until `forget --participant`.
`forget` deletes at once. PRIVACY.md says what is never stored.
`--prove` touches nothing that is stored, and exits 1 where a promise is broken or cannot be told here.
It tries what PRIVACY.md promises of any run; that a kiosk asks first and deletes, try at the kiosk.
"""
_COLUMNS = ("what", "n", "since", "until", "where")
_STARTED = SESSION_COLUMNS.index("started_utc")
_COUNTED = (
    ("sessions", "sessions"),
    ("kept sessions", "sessions WHERE kept = 1"),
    ("participants (codes)", "participants"),
    ("consents", "consents"),
    ("candidate cues", "cues"),
    ("blinks", "blinks"),
    ("marks", "marks"),
    ("traces of tracked points", "point_lights"),
    ("seconds of signals", "signal_blocks"),
)
_STAYS = ("kept sessions", "participants (codes)", "consents")  # no rule of record.keep_* reaches these
_NOT_TRIED = (
    "Not tried here, but by microcue's own tests:\n"
    "- a kiosk's camera is closed until somebody agreed\n"
    "- a kiosk deletes on the spot\n"
    "- a bystander takes no visit over\n"
    "- no code opens a connection"
)
_NOTES = (
    ("readable pictures, sound", "none: no code of microcue writes one"),
    ("network", "none: a run is refused every internet socket"),
)


def register(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "privacy",
        help="what is stored, where, and until when",
        description="What is stored, where, and until when; and what the running process may not do.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--prove",
        action="store_true",
        help="watch a session made for it, and say of each promise if it holds",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print what is there, or what the proof came to."""
    if args.prove:
        return _prove(context)
    rows = [*_stored(context), *_pictures(context), *_files(context.data_dir), *_process(context.data_dir)]
    context.print_table(f"What microcue stores in {context.data_dir}", _COLUMNS, rows)
    return 0


def _prove(context: Context) -> int:
    from rich.console import Console

    from edge.proof.promises import observe, verdicts

    with Console(stderr=True).status(
        "watching a session of six seconds, then searching what it left; longer on a small board ..."
    ):
        found = verdicts(observe(context.config.record.pictures))
    rows = [(verdict.promise, verdict.level, verdict.seen, verdict.fix) for verdict in found]
    shown = {"promise": "promise", "level": "", "seen": "seen", "fix": "what to do"}
    when = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
    about = f"{platform.node()}, microcue {__version__}, {when}"
    context.print_table(f"What this machine keeps of PRIVACY.md: {about}", tuple(shown), rows, shown)
    context.print_text(_NOT_TRIED)
    return EXIT_DONE if all(verdict.level == "pass" for verdict in found) else EXIT_NOT_READY


def _stored(context: Context) -> Iterator[Row]:
    path = context.data_dir / DATABASE_NAME
    if not path.exists():
        yield ("nothing", 0, "", "", str(context.data_dir))
        return
    with LogReader(context.data_dir) as log:
        starts = [row[_STARTED] for row in log.sessions()]
    since = min((str(start) for start in starts if start), default="")[:10]
    until = _until(context.config.record, since)
    with closing(open_for_reading(path)) as connection:
        for what, table in _COUNTED:
            (n,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            if n:
                stays = what in _STAYS
                yield (what, n, "" if stays else since, "until forgotten" if stays else until, path.name)


def _pictures(context: Context) -> Iterator[Row]:
    """Encrypted pictures, also of sessions that the log knows no more."""
    data_dir, config = context.data_dir, context.config.record
    if files := all_files(data_dir):
        since = min(datetime.fromtimestamp(file.stat().st_mtime, timezone.utc) for file in files)
        until = _until(config, f"{since:%Y-%m-%d}")
        where = f"{PICTURES_DIR}/, {n_bytes(data_dir) / 1e6:.0f} MB"
        yield ("cues with encrypted pictures", len(files), f"{since:%Y-%m-%d}", until, where)
    elif not config.pictures:
        yield ("encrypted pictures", 0, "", "none: record.pictures is false", "")


def _until(config: RecordConfig, since: str) -> str:
    """When the oldest goes, in words."""
    rules = []
    if config.keep_days:
        first = ""
        if since:
            day = date.fromisoformat(since) + timedelta(days=config.keep_days)
            first = f", the first on {day}"
        rules.append(f"after {config.keep_days:g} days{first}")
    if config.keep_sessions:
        rules.append(f"beyond {config.keep_sessions} sessions")
    if config.keep_gb:
        rules.append(f"beyond {config.keep_gb:g} GB")
    return "; ".join(rules) or "until forgotten"


def _files(data_dir: Path) -> Iterator[Row]:
    for path in backups(data_dir):
        made = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
        yield ("backup", 1, f"{made:%Y-%m-%d}", "the next backup", f"{path.parent.name}/{path.name}")
    for path in sorted(data_dir.glob(f"*{DAMAGED_SUFFIX}")):
        yield ("damaged log", 1, "", "its rows are carried over", path.name)
    for path in sorted(data_dir.glob(f"*{SALVAGED_SUFFIX}")):
        yield ("damaged log, carried over", 1, "", f"{SALVAGED_DAYS:g} days after", path.name)
    for what, said in _NOTES:
        yield (what, 0, "", said, "")


def _process(data_dir: Path) -> Iterator[Row]:
    """What the kernel says of the run that is recording."""
    if not (pid := pid_of_run(data_dir)):
        return
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    for what, field, value, bound, unbound in (
        ("system calls", "Seccomp", "2", "filtered", "all allowed"),
        ("new privileges", "NoNewPrivs", "1", "forbidden", "allowed"),
        ("capabilities", "CapEff", "0" * 16, "none", "some"),
    ):
        is_bound = status.get(field, "").strip() == value
        yield (f"process {pid}: {what}", 0, "", bound if is_bound else unbound, "")
