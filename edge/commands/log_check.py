"""What `microcue doctor` says of the log: readable, whole, written to, backed up."""

from __future__ import annotations

import time
from pathlib import Path

from edge.commands.checks import Finding
from edge.errors import EXIT_INPUT_OUTPUT
from edge.record.backup import backups
from edge.record.lock import fault_of_run, is_held
from edge.record.salvage import unsalvaged
from edge.record.schema import DATABASE_NAME, SQLITE_ERRORS, LogOfOlderFormat, open_for_reading

_RECENT_NS = 7 * 24 * 3600 * 10**9
_DAY_S = 24 * 3600.0
# a rig that is off at night misses one; two are a pattern
_N_BACKUPS_MISSED = 2


def check_log(data_dir: Path, backup_hours: float) -> Finding:
    """The log can be read, its pages fit together, and what a run says of it."""
    path = data_dir / DATABASE_NAME
    if not path.exists():
        return Finding("ok", "none yet; the first run makes it")
    if fault := fault_of_run(data_dir):
        fix = "free some space or check the disk; what the run holds is written when that is done"
        return Finding("fail", fault, fix, EXIT_INPUT_OUTPUT)
    try:
        connection = open_for_reading(path)
    except LogOfOlderFormat:
        return Finding("warn", "an older microcue wrote it", "`microcue run` converts it as it starts")
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        (n_sessions,) = connection.execute("SELECT count(*) FROM sessions").fetchone()
        incidents = connection.execute(
            "SELECT kind, detail FROM incidents WHERE at_unix_ns > ? ORDER BY at_unix_ns",
            (time.time_ns() - _RECENT_NS,),
        ).fetchall()
    except SQLITE_ERRORS as error:
        verdict, n_sessions, incidents = str(error), 0, []
    finally:
        connection.close()
    if verdict != "ok":
        fix = "start a run: it sets the file aside and carries over what is left"
        return Finding("fail", f"{path} is damaged: {verdict}", fix, EXIT_INPUT_OUTPUT)
    running = ", one is running" if is_held(data_dir) else ""
    found = (
        f"{n_sessions} session{'' if n_sessions == 1 else 's'}{running}, {path.stat().st_size / 1e6:.1f} MB"
    )
    return _with_troubles(found, data_dir, incidents, backup_hours if n_sessions else 0.0)


def _with_troubles(
    found: str, data_dir: Path, incidents: list[tuple[str, str]], backup_hours: float
) -> Finding:
    """The same with what is no failure and should still be known."""
    troubles, fixes = [f"{kind} lately: {detail}" for kind, detail in incidents], []
    if incidents:
        fixes.append("replace a card that damages files")
    if waiting := unsalvaged(data_dir):
        names = ", ".join(aside.name for aside in waiting)
        troubles.append(f"rows of {names} are not carried over yet")
        fixes.append("the next run carries over what is left")
    newest = max((path.stat().st_mtime for path in backups(data_dir)), default=0.0)
    age_s = time.time() - newest
    if backup_hours and newest and age_s > _N_BACKUPS_MISSED * backup_hours * 3600:
        troubles.append(f"the last backup is {age_s / _DAY_S:.0f} days old")
        fixes.append("`microcue backup`")
    return Finding("warn" if troubles else "ok", "; ".join([found, *troubles]), "; ".join(fixes))
