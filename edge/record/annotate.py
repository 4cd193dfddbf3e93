"""Marks and notes that people add to a log, also while a run writes to it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from edge.clock import boot_id, boottime_ns
from edge.record.errors import CueUnknown, LogUnwritten, NotRunning
from edge.record.lock import is_held
from edge.record.schema import DATABASE_NAME, SQLITE_ERRORS, open_for_writing
from edge.record.statements import ADD_MARK

_RUNNING = """
SELECT session_id, first_frame_ns, boot_id FROM sessions
WHERE end_reason IS NULL AND live = 1 ORDER BY session_key DESC LIMIT 1
"""


def mark_now(data_dir: Path, text: str, at_ns: int | None = None) -> tuple[str, float]:
    """Put a mark at this moment, or at a sensor time just past, into the session that is being recorded.

    Returns
    -------
    session_id : str
    at_s : float
        Since the session's first frame.

    Raises
    ------
    NotRunning
        No camera is being watched.
    LogUnwritten, LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    now_ns = boottime_ns() if at_ns is None else at_ns
    path = data_dir / DATABASE_NAME
    if not path.exists() or not is_held(data_dir):
        raise NotRunning(data_dir)
    with closing(open_for_writing(path)) as connection:
        try:
            running = connection.execute(_RUNNING).fetchone()
            if running is None or running[2] != boot_id():
                raise NotRunning(data_dir)
            session_id, first_frame_ns, _ = running
            connection.execute(ADD_MARK, (now_ns - first_frame_ns, text, session_id))
        except SQLITE_ERRORS as error:
            raise LogUnwritten(path, str(error), 1) from error
    return session_id, (now_ns - first_frame_ns) / 1e9


def mark_at(data_dir: Path, session_id: str, at_s: float, text: str) -> None:
    """Put a mark into a session, `at_s` after its first frame.

    Raises
    ------
    LogUnwritten, LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    _execute(data_dir, ADD_MARK, (round(at_s * 1e9), text, session_id))


def note_session(data_dir: Path, session_id: str, text: str) -> None:
    """Set a session's note; an empty one takes it away."""
    _execute(data_dir, "UPDATE sessions SET note = ? WHERE session_id = ?", (text, session_id))


def note_cue(data_dir: Path, cue_id: str, text: str) -> None:
    """Set a cue's note; an empty one takes it away.

    Raises
    ------
    CueUnknown
    """
    session_id, _, number = cue_id.rpartition("-")
    sql = (
        "UPDATE cues SET note = ? WHERE number = ? AND session_key = "
        "(SELECT session_key FROM sessions WHERE session_id = ?)"
    )
    if not number.isdecimal() or not _execute(data_dir, sql, (text, int(number), session_id)):
        raise CueUnknown(cue_id)


def _execute(data_dir: Path, sql: str, values: tuple[str | int, ...]) -> int:
    path = data_dir / DATABASE_NAME
    with closing(open_for_writing(path)) as connection:
        try:
            return connection.execute(sql, values).rowcount
        except SQLITE_ERRORS as error:
            raise LogUnwritten(path, str(error), 1) from error
