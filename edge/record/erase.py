"""Sessions and people taken out of a log for good, in steps short enough for a run to write between them."""

from __future__ import annotations

import sqlite3
import time

# Each with what tells its rows apart within a session; the rest goes with the session's own row.
_LARGE = {
    "signal_blocks": "rowid",
    "point_lights": "rowid",
    "cues": "number",
    "blinks": "number",
    "gaps": "frame",
    "health": "at_ns",
    "frame_reports": "at_ns",
    "analysis_cues": "number",
    "reviews": "number",
}
# A step overwrites what it deletes: a block of signals is a page or two, and so are fifty cues.
_N_STEP_ROWS = 500
_PAUSE_S = 0.01
_CHECKPOINT_PATIENCE_S = 10.0


def erase_session(connection: sqlite3.Connection, session_key: int, polite: bool) -> int:
    """Delete a session with everything that belongs to it; gives the number of rows.

    Parameters
    ----------
    connection : sqlite3.Connection
        As `connect_writer` gives it: what is deleted is overwritten with zeros.
    session_key : int
    polite : bool
        Pause between steps, where another process or thread may be waiting to write.

    Raises
    ------
    sqlite3.Error
    """
    n_rows = 0
    for table, column in _LARGE.items():
        sql = (
            f"DELETE FROM {table} WHERE session_key = ? AND {column} IN "
            f"(SELECT {column} FROM {table} WHERE session_key = ? LIMIT {_N_STEP_ROWS})"
        )
        while n_deleted := connection.execute(sql, (session_key, session_key)).rowcount:
            n_rows += n_deleted
            if polite:
                time.sleep(_PAUSE_S)
    return n_rows + connection.execute("DELETE FROM sessions WHERE session_key = ?", (session_key,)).rowcount


def erase_participant(connection: sqlite3.Connection, code: str) -> int:
    """Delete a participant's code and consents, the sessions having gone before; gives the number of rows."""
    theirs = "participant_key = (SELECT participant_key FROM participants WHERE code = ?)"
    n_consents = connection.execute(f"DELETE FROM consents WHERE {theirs}", (code,)).rowcount
    return n_consents + connection.execute("DELETE FROM participants WHERE code = ?", (code,)).rowcount


def empty_wal(connection: sqlite3.Connection) -> bool:
    """Move every commit into the database and cut the -wal file to nothing; False where a reader holds it."""
    until_s = time.monotonic() + _CHECKPOINT_PATIENCE_S
    while True:
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            return True
        if time.monotonic() > until_s:
            return False
        time.sleep(0.1)
