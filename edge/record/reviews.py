"""What people made of a session's cues: kept or dismissed, by whom, undone step by step."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.record.errors import CueUnknown, LogUnwritten, SessionUnknown
from edge.record.lock import is_held
from edge.record.schema import (
    DATABASE_NAME,
    SQLITE_ERRORS,
    connect_writer,
    open_for_reading,
    open_for_writing,
)

VERDICTS = ("kept", "dismissed", "unreviewed")
_KEY = "SELECT session_key FROM sessions WHERE session_id = ?"
_ADD = """
INSERT INTO reviews (session_key, number, reviewer, at_unix_ns, verdict, reason)
SELECT session_key, number, ?, ?, ?, ? FROM cues WHERE session_key = ? AND number = ?
"""
_NEWEST = "SELECT max(at_unix_ns) FROM reviews WHERE session_key = ? AND reviewer = ?"
_DECIDED_AT = "SELECT number FROM reviews WHERE session_key = ? AND reviewer = ? AND at_unix_ns = ?"
_TAKE_BACK = "DELETE FROM reviews WHERE session_key = ? AND reviewer = ? AND at_unix_ns = ?"
_SHOW_IN_CUE = """
UPDATE cues SET review = coalesce((
    SELECT verdict FROM reviews WHERE reviews.session_key = cues.session_key
        AND reviews.number = cues.number ORDER BY at_unix_ns DESC LIMIT 1
), 'unreviewed') WHERE session_key = ? AND number = ?
"""
# a bare column beside max() is the one of the row that has the maximum
_DECISIONS = """
SELECT number, verdict, reason, max(at_unix_ns) FROM reviews WHERE session_key = ? AND reviewer = ?
GROUP BY number
"""
_REVIEWERS = "SELECT DISTINCT reviewer FROM reviews WHERE session_key = ? ORDER BY reviewer"


@dataclass(frozen=True, slots=True)
class Decision:
    """The newest word of one reviewer on one cue.

    Attributes
    ----------
    verdict : str
        Out of `VERDICTS`.
    reason : str
        Why it was dismissed; may be empty.
    at_unix_ns : int
    """

    verdict: str
    reason: str
    at_unix_ns: int


def prepare(data_dir: Path) -> None:
    """Bring the log to the newest format, so that reviews have a place; a run that is on has done so.

    Raises
    ------
    LogUnwritten, LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    path = data_dir / DATABASE_NAME
    if path.exists() and not is_held(data_dir):
        open_for_writing(path).close()


def decide(
    data_dir: Path, session_id: str, numbers: Sequence[int], reviewer: str, verdict: str, reason: str = ""
) -> None:
    """Record one decision on some cues of a session: all of them or none.

    Parameters
    ----------
    data_dir : Path
    session_id : str
    numbers : sequence of int
        As in the cues' ids.
    reviewer : str
        A code; each reviewer's decisions stand beside those of others.
    verdict : str
        Out of `VERDICTS`.
    reason : str

    Raises
    ------
    CueUnknown
        Nothing was recorded.
    SessionUnknown, LogUnwritten, LogUnreadable, DatabaseDamaged
    """
    with _transaction(data_dir, session_id, len(numbers)) as (connection, key):
        (newest,) = connection.execute(_NEWEST, (key, reviewer)).fetchone()
        # of this reviewer never twice the same, also where the clock was set back: it is what undo goes by
        now_ns = max(time.time_ns(), (newest or 0) + 1)
        for number in dict.fromkeys(numbers):
            if not connection.execute(_ADD, (reviewer, now_ns, verdict, reason, key, number)).rowcount:
                raise CueUnknown(f"{session_id}-{number:04d}")
            connection.execute(_SHOW_IN_CUE, (key, number))


def undo(data_dir: Path, session_id: str, reviewer: str) -> list[int]:
    """Take back the reviewer's newest decision in a session; gives the cues it was about.

    Raises
    ------
    SessionUnknown, LogUnwritten, LogUnreadable, DatabaseDamaged
    """
    with _transaction(data_dir, session_id, 1) as (connection, key):
        (newest,) = connection.execute(_NEWEST, (key, reviewer)).fetchone()
        numbers = [row[0] for row in connection.execute(_DECIDED_AT, (key, reviewer, newest))]
        connection.execute(_TAKE_BACK, (key, reviewer, newest))
        for number in numbers:
            connection.execute(_SHOW_IN_CUE, (key, number))
    return numbers


def decisions(data_dir: Path, session_id: str, reviewer: str) -> dict[int, Decision]:
    """What one reviewer decided, by the cue's number; taken-back ones are not there."""
    with _reading(data_dir, session_id) as (connection, key):
        return {
            number: Decision(verdict, reason, at_unix_ns)
            for number, verdict, reason, at_unix_ns in connection.execute(_DECISIONS, (key, reviewer))
            if verdict != "unreviewed"
        }


def reviewers(data_dir: Path, session_id: str) -> list[str]:
    """Codes of everybody who decided on any cue of the session, in order."""
    with _reading(data_dir, session_id) as (connection, key):
        return [row[0] for row in connection.execute(_REVIEWERS, (key,))]


@contextmanager
def _reading(data_dir: Path, session_id: str) -> Iterator[tuple[sqlite3.Connection, int]]:
    with closing(open_for_reading(data_dir / DATABASE_NAME)) as connection:
        yield connection, _key(connection, session_id)


@contextmanager
def _transaction(data_dir: Path, session_id: str, n_rows: int) -> Iterator[tuple[sqlite3.Connection, int]]:
    """One commit beside a run's own: it holds the log for as long as a few rows take."""
    path = data_dir / DATABASE_NAME
    open_for_reading(path).close()  # refuses what is no log of this version
    try:
        with closing(connect_writer(path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection, _key(connection, session_id)
            connection.execute("COMMIT")
    except SQLITE_ERRORS as error:
        raise LogUnwritten(path, str(error), n_rows) from error


def _key(connection: sqlite3.Connection, session_id: str) -> int:
    found = connection.execute(_KEY, (session_id,)).fetchone()
    if found is None:
        raise SessionUnknown(session_id, ())
    return int(found[0])
