"""How long sessions stay: by age, by number, by space; those marked as kept stay in any case."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edge.config import RecordConfig
from edge.record.backup import back_up, backups, used_bytes
from edge.record.erase import empty_wal, erase_session
from edge.record.errors import BackupFailed, LogUnwritten
from edge.record.pictures import erase_pictures, n_bytes, orphans
from edge.record.salvage import SALVAGED_SUFFIX
from edge.record.schema import DATABASE_NAME, SQLITE_ERRORS, connect_writer, session_keys

DAY_NS = 24 * 3600 * 10**9
# A salvaged log, and pictures without a session, stay so long at most: somebody may get more out of it.
SALVAGED_DAYS = 30.0
# The best date there is: the clock when it was right, else the session's own name.
_STARTS = """
SELECT session_key, session_id, first_frame_ns + coalesce(
    (SELECT offset_ns FROM clock_offsets own WHERE own.session_key = sessions.session_key AND synchronised = 1
        ORDER BY at_ns LIMIT 1),
    (SELECT offset_ns FROM clock_offsets o JOIN sessions other ON other.session_key = o.session_key
        WHERE other.boot_id = sessions.boot_id AND sessions.boot_id <> '' AND synchronised = 1 LIMIT 1))
FROM sessions WHERE kept = 0 AND session_key <> ? ORDER BY session_key
"""


@dataclass(frozen=True, slots=True)
class Removal:
    """A session that retention took away, and by which rule."""

    session_id: str
    rule: str


def apply_retention(
    data_dir: Path, config: RecordConfig, running_key: int, is_clock_right: bool
) -> list[Removal]:
    """Delete what is to stay no longer, from the log and from its backup.

    Parameters
    ----------
    data_dir : Path
    config : RecordConfig
        `keep_days`, `keep_sessions` and `keep_gb`; 0 is no limit.
    running_key : int
        The session that is being recorded, which is never deleted; 0 for none.
    is_clock_right : bool
        By age only where it is: a board that woke up in the wrong year would delete everything.

    Raises
    ------
    LogUnwritten, BackupFailed
    """
    path = data_dir / DATABASE_NAME
    _remove_old_salvage(data_dir, config)
    _remove_old_orphans(data_dir, config)
    if not (config.keep_days or config.keep_sessions or config.keep_gb):
        return []
    removed: list[Removal] = []
    try:
        with closing(connect_writer(path)) as connection:
            for key, removal in _due(connection, config, running_key, is_clock_right, data_dir):
                erase_pictures(data_dir, removal.session_id)
                erase_session(connection, key, polite=True)
                removed.append(removal)
            if removed:
                empty_wal(connection)
    except SQLITE_ERRORS as error:
        raise LogUnwritten(path, str(error), 0) from error
    if removed and backups(data_dir):
        _renew_backup(data_dir)
    return removed


def started_unix_ns(session_id: str, by_clock_ns: int | None) -> int | None:
    """When a session began: by the clock where it was right, else by its name; None for neither."""
    if by_clock_ns is not None:
        return by_clock_ns
    try:
        moment = datetime.strptime(session_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=timezone.utc)
    except ValueError:  # a salvaged session has another name, and no date
        return None
    return int(moment.timestamp()) * 10**9


def _due(
    connection: sqlite3.Connection,
    config: RecordConfig,
    running_key: int,
    is_clock_right: bool,
    data_dir: Path,
) -> Iterator[tuple[int, Removal]]:
    """What to delete next, asked again after each deletion where space is the rule."""
    sessions = connection.execute(_STARTS, (running_key,)).fetchall()
    limit_ns = time.time_ns() - int(config.keep_days * DAY_NS)
    n_copies = 1 + len(backups(data_dir))
    n_too_many = len(sessions) + bool(running_key) - config.keep_sessions
    for position, (key, session_id, by_clock_ns) in enumerate(sessions):
        start_ns = started_unix_ns(session_id, by_clock_ns)
        is_old = config.keep_days and is_clock_right and start_ns is not None and start_ns < limit_ns
        if is_old:
            yield key, Removal(session_id, f"older than {config.keep_days:g} days")
        elif config.keep_sessions and position < n_too_many:
            yield key, Removal(session_id, f"more than {config.keep_sessions} sessions")
        elif config.keep_gb:
            n_used_bytes = used_bytes(connection) * n_copies + n_bytes(data_dir)
            if n_used_bytes > config.keep_gb * 1e9:
                yield key, Removal(session_id, f"more than {config.keep_gb:g} GB")


def _renew_backup(data_dir: Path) -> None:
    try:
        back_up(data_dir)
    except BackupFailed:
        # no room for a second copy: better none than one with what was to be deleted
        for backup in backups(data_dir):
            backup.unlink(missing_ok=True)
        back_up(data_dir)


def _remove_old_salvage(data_dir: Path, config: RecordConfig) -> None:
    for path in data_dir.glob(f"*{SALVAGED_SUFFIX}*"):
        if _is_left_over(path, config):
            path.unlink(missing_ok=True)


def _remove_old_orphans(data_dir: Path, config: RecordConfig) -> None:
    """Pictures whose session is not in the log, which a salvage may still bring back."""
    for folder in list(orphans(data_dir, ())):
        if _is_left_over(folder, config) and folder.name not in session_keys(data_dir / DATABASE_NAME):
            erase_pictures(data_dir, folder.name)


def _is_left_over(path: Path, config: RecordConfig) -> bool:
    days = min(config.keep_days or SALVAGED_DAYS, SALVAGED_DAYS)
    return time.time() - path.stat().st_mtime > days * DAY_NS / 1e9
