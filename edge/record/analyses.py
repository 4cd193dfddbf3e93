"""Cues that were spotted again, stored beside those that were spotted live."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from edge.messages import Blink, Cue
from edge.record.errors import LogUnwritten, SessionUnknown
from edge.record.schema import DATABASE_NAME, SQLITE_ERRORS, open_for_writing
from edge.record.statements import SessionRows

_SESSION = "SELECT session_key, first_frame_ns FROM sessions WHERE session_id = ?"
_NEXT = "SELECT coalesce(max(analysis), 0) + 1 FROM analyses WHERE session_key = ?"
_ADD = """
INSERT INTO analyses (session_key, analysis, at_unix_ns, software_version, settings,
    n_micro, n_macro, n_blinks)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


def store_analysis(
    data_dir: Path,
    session_id: str,
    software_version: str,
    settings: dict[str, Any],
    events: Iterable[Cue | Blink],
) -> int:
    """Store what another run of the spotter found, whole or not at all; gives its number.

    Parameters
    ----------
    data_dir : Path
    session_id : str
    software_version : str
    settings : dict
        The spotter's, to be told from others.
    events : iterable of Cue or Blink
        Cues are stored, blinks counted; times are sensor nanoseconds.

    Raises
    ------
    SessionUnknown, LogUnwritten, LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    path = data_dir / DATABASE_NAME
    counts = {"micro": 0, "macro": 0, "blink": 0}
    held = []
    for event in events:
        counts["blink" if isinstance(event, Blink) else event.kind] += 1
        if isinstance(event, Cue):
            held.append(event)
    with closing(open_for_writing(path)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            found = connection.execute(_SESSION, (session_id,)).fetchone()
            if found is None:
                raise SessionUnknown(session_id, ())
            key, first_frame_ns = found
            (number,) = connection.execute(_NEXT, (key,)).fetchone()
            values = (key, number, time.time_ns(), software_version, json.dumps(settings), *counts.values())
            connection.execute(_ADD, values)
            rows = SessionRows(key, session_id, first_frame_ns)
            for position, cue in enumerate(held, 1):
                statement = rows.analysis_cue(number, position, cue)
                connection.execute(statement.sql, statement.values)
            connection.execute("COMMIT")
        except SQLITE_ERRORS as error:
            raise LogUnwritten(path, str(error), len(held)) from error
    return int(number)
