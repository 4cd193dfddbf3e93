"""Opening `microcue.db` for writing or for reading, and refusing what is none."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from urllib.parse import quote

from edge.record.errors import (
    DatabaseDamaged,
    DatabaseForeign,
    DatabaseFromFuture,
    DataDirUnwritable,
    DiskFull,
    LogUnreadable,
)
from edge.record.migrations import MIGRATIONS

DATABASE_NAME = "microcue.db"
# sqlite3 decodes SQLite's message strictly, and a message about damage may quote damaged text
SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
APPLICATION_ID = int.from_bytes(b"mcue", "big")

# A damaged file is looked for after an unclean end only, and not in large logs: an SD card
# reads some 40 MB a second and a rig should be watching again within seconds.
_QUICK_CHECK_MAX_BYTES = 128 * 2**20
# Less than this left and SQLite's own "disk I/O error" means that the disk is full.
_FULL_BYTES = 256 * 1024


class LogOfOlderFormat(LogUnreadable):
    """A whole log, in the format of an earlier version."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "an older microcue wrote it")

    def __str__(self) -> str:
        return (
            f"{self.path} is in the format of an older microcue; `microcue run` converts it as it starts, "
            "and every command reads it then"
        )


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open or make the log, bring it to the newest format and set it up to lose nothing.

    Raises
    ------
    DataDirUnwritable, DiskFull, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    unclean = _has_leftover_wal(path)
    try:
        # made here, not by SQLite: -wal and -shm take over its permissions
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise DataDirUnwritable(path.parent, error.strerror or str(error)) from error
    try:
        connection = connect_writer(path)
    except SQLITE_ERRORS as error:
        raise _explained(error, path) from error
    try:
        _migrate(connection, path)
        if unclean and path.stat().st_size <= _QUICK_CHECK_MAX_BYTES:
            _quick_check(connection, path)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except SQLITE_ERRORS as error:
        connection.close()
        raise _explained(error, path) from error
    except BaseException:
        connection.close()
        raise
    return connection


def make_data_dir(data_dir: Path) -> None:
    """Make the data directory where it does not exist, for its owner only; raises DataDirUnwritable."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DataDirUnwritable(data_dir, error.strerror or str(error)) from error


def connect_writer(path: Path) -> sqlite3.Connection:
    """Connect to an existing log: what is committed survives a power cut, what is deleted is overwritten.

    Raises
    ------
    sqlite3.Error
    """
    connection = sqlite3.connect(
        _address(path, "rw"), uri=True, timeout=3.0, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
        # reads the header: a file that is no database, or not ours, is left as it is
        if connection.execute("PRAGMA application_id").fetchone()[0] in (0, APPLICATION_ID):
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=200")
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the log read-only, also while a run is writing to it.

    Raises
    ------
    LogUnreadable, LogOfOlderFormat, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    address = _address(path, "ro")
    try:
        try:
            connection = _connect_reader(address)
        except sqlite3.OperationalError:
            # a directory that cannot be written to has no place for SQLite's -shm file; without
            # a -wal file the database is complete by itself
            if _has_leftover_wal(path):
                raise
            connection = _connect_reader(address + "&immutable=1")
    except sqlite3.OperationalError as error:
        raise LogUnreadable(path, str(error)) from error
    except SQLITE_ERRORS as error:
        raise _explained(error, path) from error
    try:
        _check_owner(connection, path)
        if 0 < format_of(connection) < len(MIGRATIONS):
            raise LogOfOlderFormat(path)
    except BaseException:
        connection.close()
        raise
    return connection


def newest_session_key(connection: sqlite3.Connection, path: Path) -> int:
    """Key of the newest session, 0 without any; raises DatabaseDamaged."""
    try:
        newest = connection.execute("SELECT coalesce(max(session_key), 0) FROM sessions").fetchone()
    except SQLITE_ERRORS as error:
        raise DatabaseDamaged(path, str(error)) from error
    return int(newest[0])


def is_damage(error: Exception) -> bool:
    """Whether a failed statement means that the file itself is damaged."""
    if isinstance(error, sqlite3.OperationalError):
        # tables that are part of the format are missing only where the page that names them is damaged
        return str(error).startswith(("no such table", "no such column", "malformed"))
    return type(error) is sqlite3.DatabaseError or isinstance(error, UnicodeDecodeError)


def session_keys(path: Path) -> dict[str, int]:
    """Id and key of every session in the log.

    Raises
    ------
    LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    connection = open_for_reading(path)
    try:
        return dict(connection.execute("SELECT session_id, session_key FROM sessions"))
    except SQLITE_ERRORS as error:
        raise DatabaseDamaged(path, str(error)) from error
    finally:
        connection.close()


def is_full(error: Exception, path: Path) -> bool:
    """Whether a failed write means that the disk is full."""
    if "disk is full" in str(error):
        return True
    try:
        return shutil.disk_usage(path.parent).free < _FULL_BYTES
    except OSError:
        return False


def _address(path: Path, mode: str) -> str:
    return f"file:{quote(str(path.absolute()))}?mode={mode}"


def _connect_reader(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, timeout=3.0, isolation_level=None)
    try:
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    _check_owner(connection, path)
    for number in range(format_of(connection), len(MIGRATIONS)):
        connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[number]}"
            f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={number + 1}; COMMIT;"
        )


def _check_owner(connection: sqlite3.Connection, path: Path) -> None:
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    is_empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if application_id != APPLICATION_ID and not (is_empty and application_id == 0):
        raise DatabaseForeign(path, application_id)
    if (found := format_of(connection)) > len(MIGRATIONS):
        raise DatabaseFromFuture(path, found, len(MIGRATIONS))


def format_of(connection: sqlite3.Connection) -> int:
    """The log's format; 0 is a file without tables."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _quick_check(connection: sqlite3.Connection, path: Path) -> None:
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise DatabaseDamaged(path, verdict.splitlines()[-1])


def _has_leftover_wal(path: Path) -> bool:
    try:
        return path.with_name(path.name + "-wal").stat().st_size > 0
    except OSError:
        return False


def _explained(error: Exception, path: Path) -> Exception:
    if isinstance(error, sqlite3.OperationalError):
        return DiskFull(path, 0) if is_full(error, path) else DataDirUnwritable(path.parent, str(error))
    return DatabaseDamaged(path, str(error))
