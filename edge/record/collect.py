"""Many devices' logs in one DuckDB file, each session once, ready for SQL."""

from __future__ import annotations

import os
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import MissingExtra, UsageError
from edge.record.errors import CollectionUnwritable
from edge.record.export import FORMATS, SIGNAL_FORMATS
from edge.record.reading import SESSION_COLUMNS, LogReader
from edge.record.selection import Selection

_TEXTS = {
    *("session_id", "state", "participant", "started_utc", "source", "timestamps", "end_reason", "note"),
    "consent_version",
}
_TABLES = ("sessions", "cues", "marks", "signals")


class ParticipantUncollected(UsageError):
    """No session of that participant in a DuckDB file."""

    def __init__(self, path: Path, code: str) -> None:
        super().__init__(path, code)
        self.path = path
        self.code = code

    def __str__(self) -> str:
        return (
            f"there is no session of {self.code!r} in {self.path}; `participant` in its table `sessions` "
            "has the codes"
        )


@dataclass(frozen=True, slots=True)
class Collected:
    """What became of one log's sessions."""

    n_new: int
    n_renewed: int
    n_known: int


def collect(data_dir: Path, target: Path, signals: bool) -> Collected:
    """Add a log's sessions to a DuckDB file; one that is there and has grown since takes its own place.

    Tables: `sessions` and `cues` with the columns of the log's own exports (blinks are among the cues),
    `marks`, and `signals` where asked for. All of a log goes in, or nothing.

    Raises
    ------
    MissingExtra
        DuckDB or pyarrow is not installed.
    CollectionUnwritable
    LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    duckdb = _duckdb()
    mask = os.umask(0o077)  # only the owner may read a copy of a log, and what DuckDB writes beside it
    try:
        connection = duckdb.connect(str(target))
        with closing(connection), LogReader(data_dir) as log:
            connection.execute("BEGIN")
            collected = _add(connection, log, signals)
            connection.execute("COMMIT")
    except duckdb.Error as error:
        raise CollectionUnwritable(target, str(error)) from error
    finally:
        os.umask(mask)
    return collected


def forget_collected(target: Path, code: str) -> int:
    """Take a participant out of a DuckDB file of `collect`; gives how many sessions there were.

    DuckDB does not overwrite what it deletes, so they are deleted from a copy, and what stays there is copied
    into a new file, which takes the old one's place: until then the old one is as it was. Tables and views of
    somebody's own are copied as they are.

    Raises
    ------
    MissingExtra
        DuckDB or pyarrow is not installed.
    ParticipantUncollected
        No session there is theirs.
    CollectionUnwritable
    """
    duckdb = _duckdb()
    if not target.is_file():
        raise CollectionUnwritable(target, "there is no such file")
    mask = os.umask(0o077)
    try:
        # beside it: a file takes another's place within one file system only
        with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".forget-") as folder:
            with closing(duckdb.connect(str(target))) as connection:
                theirs = "SELECT session_id FROM sessions WHERE participant = ?"
                session_ids = [row[0] for row in connection.execute(theirs, [code]).fetchall()]
                if not session_ids:
                    raise ParticipantUncollected(target, code)
                name = connection.execute("SELECT current_database()").fetchone()[0]
                copy = _copied(connection, name, Path(folder) / "copy.duckdb")
                for table in _TABLES:
                    connection.execute(f'DELETE FROM "{copy}".{table} WHERE session_id IN ?', [session_ids])
                _copied(connection, copy, Path(folder) / "fresh.duckdb")
            (Path(folder) / "fresh.duckdb").replace(target)
    except duckdb.Error as error:
        raise CollectionUnwritable(target, str(error)) from error
    finally:
        os.umask(mask)
    return len(session_ids)


def _copied(connection: Any, database: str, path: Path) -> str:
    """All of a database in a new file; gives the name that the copy is attached by."""
    copy, place = f"{database}_copy", str(path).replace("'", "''")
    connection.execute(f"ATTACH '{place}' AS \"{copy}\"")
    connection.execute(f'COPY FROM DATABASE "{database}" TO "{copy}"')
    return copy


def _add(connection: Any, log: LogReader, signals: bool) -> Collected:
    _make_tables(connection)
    places = {name: SESSION_COLUMNS.index(name) for name in ("session_id", "n_frames", "state")}
    known = dict(connection.execute("SELECT session_id, (n_frames, state) FROM sessions").fetchall())
    with_signals = {
        row[0] for row in connection.execute("SELECT DISTINCT session_id FROM signals").fetchall()
    }
    taken = []
    n_new = n_known = 0
    for row in log.sessions():
        session_id = row[places["session_id"]]
        lacks_signals = signals and session_id not in with_signals and bool(log.faces(str(session_id)))
        is_same = known.get(session_id) == (row[places["n_frames"]], row[places["state"]])
        if is_same and not lacks_signals:
            n_known += 1
            continue
        n_new += session_id not in known
        for table in _TABLES:
            connection.execute(f"DELETE FROM {table} WHERE session_id = ?", [session_id])
        marks = ", ".join("?" for _ in row)
        connection.execute(f"INSERT INTO sessions ({', '.join(SESSION_COLUMNS)}) VALUES ({marks})", list(row))
        for at_s, text in log.marks(str(session_id)):
            connection.execute("INSERT INTO marks VALUES (?, ?, ?)", [session_id, at_s, text])
        taken.append(str(session_id))
    if taken:
        _add_rows(connection, "cues", FORMATS["parquet"], Selection(log, tuple(taken), blinks=True))
        if signals:
            _add_rows(connection, "signals", SIGNAL_FORMATS["parquet"], Selection(log, tuple(taken)))
    return Collected(n_new, len(taken) - n_new, n_known)


def _make_tables(connection: Any) -> None:
    columns = ", ".join(
        f"{name} {'VARCHAR' if name in _TEXTS else 'BIGINT' if name.startswith('n_') else 'DOUBLE'}"
        for name in SESSION_COLUMNS
    )
    connection.execute(f"CREATE TABLE IF NOT EXISTS sessions ({columns})")
    # columns that a newer microcue added
    for definition in columns.split(", "):
        connection.execute(f"ALTER TABLE sessions ADD COLUMN IF NOT EXISTS {definition}")
    connection.execute("CREATE TABLE IF NOT EXISTS marks (session_id VARCHAR, at_s DOUBLE, text VARCHAR)")
    for table in ("cues", "signals"):
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table} (session_id VARCHAR)")


def _add_rows(connection: Any, table: str, write: Any, selection: Selection) -> None:
    """Through Parquet, which both write and read in groups of rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/rows.parquet"
        write(selection, path)
        described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [path]).fetchall()
        for name, kind, *_ in described:
            connection.execute(f'ALTER TABLE {table} ADD COLUMN IF NOT EXISTS "{name}" {kind}')
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM read_parquet(?)", [path])


def _duckdb() -> Any:
    try:
        import duckdb
        import pyarrow  # noqa: F401 - rows go through Parquet
    except ImportError as error:
        raise MissingExtra("collecting into DuckDB", "lab") from error
    return duckdb
