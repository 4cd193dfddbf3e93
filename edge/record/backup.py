"""A second file with all that the log has, made while a run writes, and checked before it counts."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

from edge.record.errors import BackupFailed
from edge.record.schema import APPLICATION_ID, DATABASE_NAME, SQLITE_ERRORS, format_of, open_for_reading

BACKUP_DIR = "backups"
_SUFFIX, _PART_SUFFIX = ".db", ".part"
# left free for the log itself: an hour of signals and traces at 200 frames a second
_SPARE_BYTES = 64 * 2**20
_HOUR_S = 3600.0


def backups(data_dir: Path) -> list[Path]:
    """The complete backups, oldest first."""
    return sorted((data_dir / BACKUP_DIR).glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime)


def is_due(data_dir: Path, every_hours: float) -> bool:
    """Whether there is a log, and no backup of the last `every_hours` hours; 0 is never."""
    if not every_hours or not (data_dir / DATABASE_NAME).exists():
        return False
    ages_s = [time.time() - path.stat().st_mtime for path in backups(data_dir)]
    # a backup from the future was made under a wrong clock
    return all(age_s < 0 or age_s >= every_hours * _HOUR_S for age_s in ages_s)


def back_up(data_dir: Path) -> Path:
    """Copy the log, check the copy, and let it take the place of older ones.

    Also while a run writes: the copy is the log as it was at one moment. Deleted rows are not in it.

    Returns
    -------
    Path
        The new backup, a log like any other.

    Raises
    ------
    BackupFailed
        No room, or the copy is not what the log is; older backups are left alone.
    LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    source = data_dir / DATABASE_NAME
    folder = data_dir / BACKUP_DIR
    older = backups(data_dir)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for left_over in folder.glob(f"*{_PART_SUFFIX}"):
            left_over.unlink()
        part = folder / f"microcue-{datetime.now(timezone.utc):%Y%m%d-%H%M%S}{_PART_SUFFIX}"
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise BackupFailed(folder, error.strerror or str(error)) from error
    try:
        with closing(open_for_reading(source)) as connection:
            _copy(connection, part)
        backup = part.with_suffix(_SUFFIX)
        part.replace(backup)
        _sync(folder)
    except OSError as error:
        raise BackupFailed(folder, error.strerror or str(error)) from error
    finally:
        part.unlink(missing_ok=True)
    for path in older:
        if path != backup:  # made within the same second
            path.unlink(missing_ok=True)
    return backup


def used_bytes(connection: sqlite3.Connection) -> int:
    """What the rows of a log take; the file may be larger, with room for more."""
    names = ("page_count", "freelist_count", "page_size")
    n_pages, n_free, n_bytes = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return int((n_pages - n_free) * n_bytes)


def _copy(connection: sqlite3.Connection, part: Path) -> None:
    needed, free = used_bytes(connection) + _SPARE_BYTES, shutil.disk_usage(part.parent).free
    if free < needed:
        raise BackupFailed(part.parent, f"it needs {needed / 1e6:.0f} MB and {free / 1e6:.0f} MB are free")
    (n_sessions,) = connection.execute("SELECT count(*) FROM sessions").fetchone()
    try:
        connection.execute("VACUUM INTO ?", (str(part),))
        _sync(part)
        with closing(sqlite3.connect(f"{part.absolute().as_uri()}?mode=ro", uri=True)) as copy:
            (verdict,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
            (n_copied,) = copy.execute("SELECT count(*) FROM sessions").fetchone()
            (owner,) = copy.execute("PRAGMA application_id").fetchone()
            is_same = (owner, format_of(copy)) == (APPLICATION_ID, format_of(connection))
    except SQLITE_ERRORS as error:
        raise BackupFailed(part.parent, str(error)) from error
    if verdict != "ok" or n_copied < n_sessions or not is_same:
        raise BackupFailed(part.parent, f"the copy is not what the log is ({verdict.splitlines()[-1]})")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
