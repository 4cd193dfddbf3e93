"""Read-only questions to the log, also while a run is writing to it."""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from edge.record import questions
from edge.record.codec import unpack_codes, unpack_times
from edge.record.cue_rows import (
    CUE_COLUMNS,
    Row,
    WallClock,
    blink_row,
    cue_row,
    rounded,
    utc,
)
from edge.record.errors import AnalysisUnknown, DatabaseDamaged, LogUnreadable, NoSessions, SessionUnknown
from edge.record.lock import is_held
from edge.record.questions import Analysis, PointLightRead, SignalBlockRead
from edge.record.schema import DATABASE_NAME, SQLITE_ERRORS, format_of, open_for_reading

SESSION_COLUMNS = (
    *("session_id", "state", "participant", "started_utc", "clock_synchronised", "duration_s", "source"),
    *("timestamps", "fps", "n_frames", "n_dropped_frames", "watched_s", "coverage", "n_micro", "n_macro"),
    *("n_blinks", "n_marks", "micro_per_minute", "n_lost_rows", "n_lost_signal_frames", "end_reason"),
    *("nominal_fps", "jitter_ms", "n_repeated_frames", "n_lost_frames", "n_restarts", "n_exposure_changes"),
    *("n_light_steps", "light_level", "lamp_hz", "flicker_hz"),
    *("kept", "note", "consent_version", "relief"),
)
_NEWEST_KEY = 2**63 - 1
_ONSET = CUE_COLUMNS.index("onset_s")


class LogReader:
    """The log of a data directory; one without a log reads as one without sessions.

    Raises
    ------
    LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
        On opening; a damaged page is found when it is read.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._path = data_dir / DATABASE_NAME
        self._connection: sqlite3.Connection | None = None
        if self._path.exists() and self._path.stat().st_size > 0:
            self._connection = open_for_reading(self._path)
            if format_of(self._connection) == 0:  # a run has only just made the file
                self.close()

    def __enter__(self) -> LogReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database. Safe to call twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def session_ids(self) -> list[str]:
        """All sessions, oldest first."""
        return [row[0] for row in self._rows("SELECT session_id FROM sessions ORDER BY session_key")]

    def resolve(self, name: str) -> str:
        """The session id that `name` means; "latest" is the newest.

        Raises
        ------
        NoSessions, SessionUnknown
        """
        known = self.session_ids()
        if not known:
            raise NoSessions(self._data_dir)
        if name == "latest":
            return known[-1]
        if name not in known:
            raise SessionUnknown(name, known)
        return name

    def sessions(self, n_newest: int | None = None) -> Iterator[Row]:
        """One row of `SESSION_COLUMNS` for each session, or the newest of them, oldest first."""
        first = self._first(questions.FIRST_OF_NEWEST, -1 if n_newest is None else n_newest)
        return self._sessions_between((first and first[0]) or 0, _NEWEST_KEY)

    def session(self, session_id: str) -> Row:
        """`SESSION_COLUMNS` of one session; raises SessionUnknown."""
        key = self._key(session_id)
        return next(self._sessions_between(key, key))

    def n_cues(self, session_id: str, blinks: bool = False) -> int:
        """How many rows `cues` gives for the session."""
        row = self._first("SELECT n_micro + n_macro, n_blinks FROM sessions WHERE session_id = ?", session_id)
        n_cues, n_blinks = row or (0, 0)
        return int(n_cues + n_blinks * blinks)

    def cues(
        self, session_id: str, kind: str | None = None, blinks: bool = False, analysis: int = 0
    ) -> Iterator[Row]:
        """One row of `CUE_COLUMNS` for each cue, in order of onset; never more than one is held.

        Parameters
        ----------
        session_id : str
            As `resolve` gives it.
        kind : "micro", "macro" or None
            None gives both.
        blinks : bool
            Blinks too, with None for what a blink does not have.
        analysis : int
            0 is what was spotted live; others are of `respot`, and have no blinks.

        Raises
        ------
        AnalysisUnknown
        """
        key = self._key(session_id)
        of_session = (session_id, self.first_frame_ns(session_id), self._clock(key))
        if analysis:
            if analysis not in [one.number for one in self.analyses(session_id)]:
                raise AnalysisUnknown(session_id, analysis)
            stored = self._rows(questions.ANALYSIS_CUES, key, analysis, kind, kind)
            return self._built(partial(cue_row, *of_session), stored)
        rows = self._built(partial(cue_row, *of_session), self._rows(questions.CUES, key, kind, kind))
        if not blinks:
            return rows
        blink_rows = self._built(partial(blink_row, *of_session), self._rows(questions.BLINKS, key))
        return heapq.merge(rows, blink_rows, key=_onset_s)

    def analyses(self, session_id: str) -> list[Analysis]:
        """What `respot` made of the session, oldest first."""
        sql = (
            "SELECT analysis, at_unix_ns, software_version, settings, n_micro, n_macro, n_blinks "
            "FROM analyses WHERE session_key = ? ORDER BY analysis"
        )
        return [Analysis(*row) for row in self._rows(sql, self._key(session_id))]

    def face_intervals(self, session_id: str, face: int) -> list[tuple[int, int, int | None, int | None]]:
        """When the face was followed: frame and time of finding and of loss, None for never.

        Times are ns since the session's first frame.
        """
        sql = (
            "SELECT found_frame, found_ns, lost_frame, lost_ns FROM face_intervals "
            "WHERE session_key = ? AND face = ? ORDER BY found_frame"
        )
        return [(*row,) for row in self._rows(sql, self._key(session_id), face)]

    def nominal_fps(self, session_id: str) -> float:
        """The rate that the source promised; 0 where it was unknown."""
        row = self._first("SELECT nominal_fps FROM sessions WHERE session_id = ?", session_id)
        return float(row[0]) if row else 0.0

    def first_frame_ns(self, session_id: str) -> int:
        """Sensor time of the session's first frame; media time for a recording."""
        sql = "SELECT first_frame_ns FROM sessions WHERE session_id = ?"
        row = self._first(sql, session_id)
        if row is None:
            raise SessionUnknown(session_id, self.session_ids())
        return int(row[0])

    def channels(self, session_id: str) -> dict[str, float]:
        """Names of the signals that are stored, in order, and what one step of each is worth."""
        row = self._first("SELECT channels FROM sessions WHERE session_id = ?", session_id)
        try:
            stored = json.loads(row[0] if row else "{}")
            return {str(name): float(quantum) for name, quantum in stored.items()}
        except (TypeError, ValueError, AttributeError) as error:
            raise DatabaseDamaged(self._path, f"the names of the signals are unreadable: {error}") from error

    def n_signal_frames(self, session_id: str, face: int) -> int:
        """How many frames of the face's signals are stored."""
        sql = "SELECT coalesce(sum(n_frames), 0) FROM signal_blocks WHERE session_key = ? AND face = ?"
        row = self._first(sql, self._key(session_id), face)
        return int(row[0]) if row else 0

    def marks(self, session_id: str) -> Iterator[tuple[float, str]]:
        """Marks of the session in order of time: seconds since its first frame, and words."""
        sql = "SELECT at_ns, text FROM marks WHERE session_key = ? ORDER BY at_ns, number"
        return ((at_ns / 1e9, text) for at_ns, text in self._rows(sql, self._key(session_id)))

    def faces(self, session_id: str) -> list[int]:
        """Numbers of the faces with stored signals."""
        sql = "SELECT DISTINCT face FROM signal_blocks WHERE session_key = ? ORDER BY face"
        return [row[0] for row in self._rows(sql, self._key(session_id))]

    def signal_blocks(self, session_id: str, face: int) -> Iterator[SignalBlockRead]:
        """The face's stored signals, in order of time; raises BlockDamaged at a damaged one."""
        key = self._key(session_id)
        n_channels = (self._first(questions.N_CHANNELS, key) or (0,))[0]
        for n_frames, frames, times, codes in self._rows(questions.SIGNALS, key, face):
            yield SignalBlockRead(
                unpack_times(frames, n_frames),
                unpack_times(times, n_frames),
                unpack_codes(codes, n_frames, n_channels),
            )

    def point_light(self, session_id: str, number: int) -> PointLightRead | None:
        """The points around the session's cue `number`; None where none were kept."""
        row = self._first(questions.POINTS, self._key(session_id), number)
        if row is None:
            return None
        n_frames, n_points, frames, times, points = row
        return PointLightRead(
            unpack_times(frames, n_frames),
            unpack_times(times, n_frames),
            unpack_codes(points, n_frames, n_points * 2).reshape(n_frames, n_points, 2),
        )

    def health_rows(self, session_id: str) -> Iterator[tuple[float, str, float]]:
        """Readings of the machine where they changed: seconds since the first frame, name, value."""
        sql = "SELECT at_ns, name, value FROM health WHERE session_key = ? ORDER BY at_ns, name"
        rows = self._rows(sql, self._key(session_id))
        return ((at_ns / 1e9, name, value) for at_ns, name, value in rows)

    def incidents(self) -> Iterator[tuple[int, str, str]]:
        """What went wrong with the log itself, or was mended: Unix time in ns, kind, detail; oldest first."""
        sql = "SELECT at_unix_ns, kind, detail FROM incidents ORDER BY at_unix_ns"
        return ((at_ns, kind, detail) for at_ns, kind, detail in self._rows(sql))

    def _sessions_between(self, first_key: int, last_key: int) -> Iterator[Row]:
        newest = self._first("SELECT max(session_key) FROM sessions")
        running_key = newest[0] if newest is not None and is_held(self._data_dir) else None
        stored = self._rows(questions.SESSIONS, first_key, last_key)
        return self._built(partial(self._session_row, running_key), stored)

    def _session_row(self, running_key: int | None, stored: tuple[Any, ...]) -> Row:
        key, session_id, participant, end_reason, last_ns, source, timestamps, n_frames = stored[:8]
        n_dropped_frames, n_micro, n_macro, n_blinks, n_marks, n_lost_rows, n_lost_signal_frames = stored[
            8:15
        ]
        unended = "running" if key == running_key else "interrupted"
        clock = self._clock(key)
        duration_s = last_ns / 1e9
        watched_s = self._watched_ns(key, last_ns) / 1e9
        return (
            *(session_id, unended if end_reason is None else "finished", participant, utc(clock, 0)),
            *(int(clock.synchronised) if clock else None, round(duration_s, 3), source, timestamps),
            round((n_frames - 1) / duration_s, 2) if duration_s > 0 and n_frames > 1 else None,
            *(n_frames, n_dropped_frames, round(watched_s, 3)),
            round(watched_s / duration_s, 4) if duration_s > 0 else None,
            *(n_micro, n_macro, n_blinks, n_marks),
            round(60 * n_micro / watched_s, 2) if watched_s > 0 else None,
            *(n_lost_rows, n_lost_signal_frames, end_reason),
            *_frames_of_session(stored[15], *stored[17:-4]),
            *(*stored[-4:-1], None if stored[-1] is None else int(stored[-1])),
        )

    def _built(
        self, build: Callable[[tuple[Any, ...]], Row], stored_rows: Iterator[tuple[Any, ...]]
    ) -> Iterator[Row]:
        for stored in stored_rows:
            try:
                row = build(stored)
            except (TypeError, ValueError, AttributeError, OverflowError) as error:
                # the tables are STRICT: only damage puts another type or an absurd time there
                raise DatabaseDamaged(self._path, f"a row has impossible values: {error}") from error
            yield row

    def _watched_ns(self, key: int, last_ns: int) -> int:
        """How long at least one face was followed; one that was never lost counts to the end."""
        watched_ns = until_ns = 0
        for found_ns, lost_ns in self._rows(questions.FACE_INTERVALS, key):
            stop_ns = last_ns if lost_ns is None else min(lost_ns, last_ns)
            watched_ns += max(stop_ns - max(found_ns, until_ns), 0)
            until_ns = max(until_ns, stop_ns)
        return watched_ns

    def _clock(self, key: int) -> WallClock | None:
        """The session's own synchronised offset, else one of the same boot, else an unsure one."""
        for sql, values, synchronised in (
            (questions.CLOCK, (1, key), True),
            (questions.CLOCK_OF_BOOT, (key,), True),
            (questions.CLOCK, (0, key), False),
        ):
            row = self._first(sql, *values)
            if row is not None and row[0] is not None:
                return WallClock(row[0], synchronised)
        return None

    def _key(self, session_id: str) -> int:
        row = self._first("SELECT session_key FROM sessions WHERE session_id = ?", session_id)
        if row is None:
            raise SessionUnknown(session_id, self.session_ids())
        return int(row[0])

    def _first(self, sql: str, *values: str | int | None) -> tuple[Any, ...] | None:
        return next(self._rows(sql, *values), None)

    def _rows(self, sql: str, *values: str | int | None) -> Iterator[tuple[Any, ...]]:
        if self._connection is None:
            return
        try:
            # not `yield from`: it closes the cursor too, where the database is closed already
            for row in self._connection.execute(sql, values):  # noqa: UP028
                yield row
        except sqlite3.OperationalError as error:
            raise LogUnreadable(self._path, str(error)) from error
        except SQLITE_ERRORS as error:
            raise DatabaseDamaged(self._path, str(error)) from error


def _frames_of_session(nominal_fps: float, jitter_ms: float | None, *seen: Any) -> Row:
    """The last columns of a session; a lamp that half of the reports do not know is left out."""
    *counts, light_level, lamp_hz, flicker_hz, flickers = seen
    return (
        *(nominal_fps or None, rounded(jitter_ms, 3), *counts, rounded(light_level, 1)),
        *((lamp_hz, rounded(flicker_hz, 1)) if flickers else (None, None)),
    )


def _onset_s(row: Row) -> float:
    return float(row[_ONSET] or 0.0)
