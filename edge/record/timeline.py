"""What a session's time line shows beside cues and signals, for people who look at it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from edge.record.codec import unpack_codes, unpack_times
from edge.record.questions import N_CHANNELS, SignalBlockRead
from edge.record.reading import LogReader


class BlockPlace(NamedTuple):
    """Where a block of signals lies in time, ns since the session's first frame."""

    first_frame: int
    first_ns: int
    last_ns: int


class Settings(NamedTuple):
    """What a session was recorded with."""

    width: int
    height: int
    settings: dict[str, Any]
    versions: dict[str, str]


class TimelineReader(LogReader):
    """The log as `LogReader` has it, and what happened between a session's cues."""

    def __enter__(self) -> TimelineReader:
        return self

    def blinks(self, session_id: str) -> list[tuple[float, float]]:
        """Onset and offset of every blink, s since the first frame."""
        sql = "SELECT onset_ns, offset_ns FROM blinks WHERE session_key = ? ORDER BY onset_ns"
        return [(on / 1e9, off / 1e9) for on, off in self._rows(sql, self._key(session_id))]

    def cue_notes(self, session_id: str) -> dict[int, str]:
        """What people remarked on the session's cues, by their numbers."""
        sql = "SELECT number, note FROM cues WHERE session_key = ? AND note <> ''"
        return {int(row[0]): str(row[1]) for row in self._rows(sql, self._key(session_id))}

    def gaps(self, session_id: str) -> list[tuple[float, int]]:
        """When frames were missing, s since the first frame, and how many."""
        sql = "SELECT at_ns, n_missing FROM gaps WHERE session_key = ? ORDER BY at_ns"
        return [(at / 1e9, n) for at, n in self._rows(sql, self._key(session_id))]

    def watched(self, session_id: str, duration_s: float) -> list[tuple[int, float, float]]:
        """Face, begin and end of every stretch in which a face was followed, s."""
        sql = "SELECT face, found_ns, lost_ns FROM face_intervals WHERE session_key = ? ORDER BY found_ns"
        rows = self._rows(sql, self._key(session_id))
        return [
            (face, found / 1e9, duration_s if lost is None else min(lost / 1e9, duration_s))
            for face, found, lost in rows
        ]

    def health(self, session_id: str) -> dict[str, tuple[float, float, float]]:
        """Least, mean and greatest reading of each kind that the machine gave of itself."""
        sql = (
            "SELECT name, min(value), avg(value), max(value) FROM health "
            "WHERE session_key = ? AND value IS NOT NULL GROUP BY name ORDER BY name"
        )
        return {name: tuple(rest) for name, *rest in self._rows(sql, self._key(session_id))}  # type: ignore[misc]

    def recorded_with(self, session_id: str) -> Settings:
        """Picture size, settings and versions."""
        key = self._key(session_id)
        row = self._first("SELECT width, height, settings FROM sessions WHERE session_key = ?", key)
        width, height, settings = row or (0, 0, "{}")
        sql = "SELECT name, version FROM versions WHERE session_key = ? ORDER BY name"
        versions = {row[0]: row[1] for row in self._rows(sql, key)}
        return Settings(width, height, _table(settings), versions)

    def blocks(self, session_id: str, face: int, after_frame: int = -1) -> list[BlockPlace]:
        """Where each block of a face's signals that begins later than a frame lies, in order of time."""
        sql = (
            "SELECT first_frame, first_ns, last_ns FROM signal_blocks "
            "WHERE session_key = ? AND face = ? AND first_frame > ? ORDER BY first_frame"
        )
        return [BlockPlace(*row) for row in self._rows(sql, self._key(session_id), face, after_frame)]

    def block(self, session_id: str, face: int, first_frame: int) -> SignalBlockRead | None:
        """One block of signals; raises BlockDamaged."""
        return next(self.blocks_within(session_id, face, first_frame, first_frame), None)

    def blocks_within(
        self, session_id: str, face: int, first_frame: int, last_first_frame: int
    ) -> Iterator[SignalBlockRead]:
        """The blocks whose first frames lie within two, both meant too; raises BlockDamaged."""
        sql = (
            "SELECT n_frames, frames, times, codes FROM signal_blocks WHERE session_key = ? AND face = ? "
            "AND first_frame BETWEEN ? AND ? ORDER BY first_frame"
        )
        key = self._key(session_id)
        n_channels = (self._first(N_CHANNELS, key) or (0,))[0]
        for n_frames, frames, times, codes in self._rows(sql, key, face, first_frame, last_first_frame):
            yield SignalBlockRead(
                unpack_times(frames, n_frames),
                unpack_times(times, n_frames),
                unpack_codes(codes, n_frames, n_channels),
            )


def _table(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
