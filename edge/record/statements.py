"""Every row that is written, as SQL and plain values, ready for the writer's queue.

Every statement may run twice with the same result: a commit that reported an I/O error may
have reached the disk after all, and is tried again.
"""

from __future__ import annotations

import json
import time
from dataclasses import astuple, dataclass
from typing import TypeAlias

from edge.anatomy import CHANNELS
from edge.messages import Blink, Cue, FaceFound, FaceLost, FrameReport, Gap, Mark, SessionInfo

Value: TypeAlias = "int | float | str | bytes | None"


@dataclass(frozen=True, slots=True)
class Statement:
    """One change to the log.

    Attributes
    ----------
    urgent : bool
        Commit now, together with whatever waits.
    expendable : bool
        Signals and traces: given up first where a full disk lasts longer than memory.
    """

    sql: str
    values: tuple[Value, ...]
    urgent: bool = False
    expendable: bool = False

    @property
    def n_bytes(self) -> int:
        """About what it occupies in memory while it waits."""
        return 400 + sum(len(value) for value in self.values if isinstance(value, bytes | str))


def _insert(table: str, columns: str) -> str:
    marks = ", ".join("?" for _ in columns.split(","))
    return f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})"


_SESSION = """
INSERT INTO sessions (session_key, session_id, participant_key, boot_id, first_frame_ns, source, width,
    height, nominal_fps, timestamps, live, settings, channels, consent_unix_ns)
VALUES (?, ?, (SELECT participant_key FROM participants WHERE code = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
    (SELECT max(at_unix_ns) FROM consents JOIN participants USING (participant_key)
        WHERE code = ? AND withdrawn_unix_ns IS NULL))
ON CONFLICT (session_key) DO NOTHING
"""
_PARTICIPANT = "INSERT OR IGNORE INTO participants (code) VALUES (?)"
_VERSION = _insert("versions", "session_key, name, version")
_CLOCK_OFFSET = _insert("clock_offsets", "session_key, at_ns, offset_ns, synchronised")
_PROGRESS = """
UPDATE sessions SET last_ns = max(last_ns, ?), n_frames = max(n_frames, ?),
    n_lost_signal_frames = ?, n_lost_rows = ?
WHERE session_key = ?
"""
_END = "UPDATE sessions SET end_reason = ?, n_frames = ? WHERE session_key = ?"
_CUE_VALUES = (
    "number, face, kind, onset_ns, apex_ns, offset_ns, onset_frame, apex_frame, offset_frame, "
    "duration_error_ms, regions, movements, side, amplitude_miod, score, expected_false_per_hour, "
    "head_motion_miod_s, fps, dropped_frames, during_blink, during_speech, lighting, "
    "related_onset_ns, n_repeated, jitter_ms, n_exposure_changes, light_level, light_step_percent, "
    "flicker_hz"
)
_CUE = _insert("cues", f"session_key, {_CUE_VALUES}")
_ANALYSIS_CUE = _insert("analysis_cues", f"session_key, analysis, {_CUE_VALUES}")
_COUNT = {
    "micro": "UPDATE sessions SET n_micro = ? WHERE session_key = ?",
    "macro": "UPDATE sessions SET n_macro = ? WHERE session_key = ?",
    "blink": "UPDATE sessions SET n_blinks = ? WHERE session_key = ?",
    "dropped": "UPDATE sessions SET n_dropped_frames = ? WHERE session_key = ?",
}
_BLINK = _insert("blinks", "session_key, number, face, onset_ns, apex_ns, offset_ns, side")
# Numbered here, not by whoever marks: a button, a command and a run may all do so. Twice is once.
ADD_MARK = """
INSERT INTO marks (session_key, number, at_ns, text)
SELECT session_key, 1 + coalesce(
    (SELECT max(number) FROM marks WHERE marks.session_key = sessions.session_key), 0), at_ns, text
FROM sessions, (SELECT ? AS at_ns, ? AS text) AS new
WHERE session_id = ? AND NOT EXISTS (
    SELECT 1 FROM marks
    WHERE marks.session_key = sessions.session_key AND marks.at_ns = new.at_ns AND marks.text = new.text)
"""
_GAP = _insert("gaps", "session_key, frame, at_ns, n_missing")
_FRAME_REPORT = _insert(
    "frame_reports",
    "session_key, at_ns, span_ns, n_frames, n_missing, n_repeated, n_lost, n_corrupt, n_restarts, "
    "n_exposure_changes, n_light_steps, jitter_ms, light_level, lamp_hz, flicker_hz",
)
_FOUND = _insert("face_intervals", "session_key, face, found_frame, found_ns")
_LOST = """
UPDATE face_intervals SET lost_frame = ?, lost_ns = ?
WHERE session_key = ? AND face = ? AND lost_ns IS NULL
"""
_HEALTH = _insert("health", "session_key, at_ns, name, value")
_SIGNALS = _insert(
    "signal_blocks", "session_key, face, first_frame, first_ns, last_ns, n_frames, frames, times, codes"
)
_POINTS = _insert("point_lights", "session_key, number, n_frames, n_points, frames, times, points")


_INCIDENT = _insert("incidents", "at_unix_ns, kind, detail")


def incident(kind: str, detail: str) -> Statement:
    """Something that went wrong with the log itself, or was mended; by the wall clock, whatever it says."""
    return Statement(_INCIDENT, (time.time_ns(), kind, detail), urgent=True)


@dataclass(frozen=True, slots=True)
class SessionRows:
    """Builds the rows of one session; sensor times become times since its first frame."""

    session_key: int
    session_id: str
    first_frame_ns: int

    def start(self, info: SessionInfo, boot_id: str) -> list[Statement]:
        """Session, participant and versions."""
        source = info.source
        rows = []
        if info.participant:
            rows.append(Statement(_PARTICIPANT, (info.participant,)))
        values = (
            *(self.session_key, self.session_id, info.participant, boot_id, self.first_frame_ns),
            *(source.description, source.width, source.height, float(source.fps), source.timestamps),
            *(int(source.live), json.dumps(info.settings, default=str), json.dumps(CHANNELS)),
            info.participant,
        )
        rows.append(Statement(_SESSION, values, urgent=True))
        versions = {"microcue": info.software_version} | info.models
        rows += [Statement(_VERSION, (self.session_key, name, versions[name])) for name in versions]
        return rows

    def progress(self, last_ns: int, n_frames: int, n_lost_signal_frames: int, n_lost_rows: int) -> Statement:
        """How far the session is, so that a killed one still knows its length."""
        values = (self._since_ns(last_ns), n_frames, n_lost_signal_frames, n_lost_rows, self.session_key)
        return Statement(_PROGRESS, values)

    def end(self, reason: str, n_frames: int) -> Statement:
        """The session ended as it should."""
        return Statement(_END, (reason, n_frames, self.session_key), urgent=True)

    def clock_offset(self, at_ns: int, offset_ns: int, synchronised: bool) -> Statement:
        """What to add to a sensor time to get nanoseconds of Unix time."""
        return Statement(
            _CLOCK_OFFSET, (self.session_key, self._since_ns(at_ns), int(offset_ns), int(synchronised))
        )

    def cue(self, number: int, cue: Cue, n_of_kind: int) -> list[Statement]:
        """The cue, and how many of its kind the session has with it."""
        count = Statement(_COUNT[cue.kind], (n_of_kind, self.session_key))
        return [count, Statement(_CUE, (self.session_key, *self.cue_values(number, cue)), urgent=True)]

    def analysis_cue(self, analysis: int, number: int, cue: Cue) -> Statement:
        """A cue that was spotted again."""
        return Statement(_ANALYSIS_CUE, (self.session_key, analysis, *self.cue_values(number, cue)))

    def cue_values(self, number: int, cue: Cue) -> tuple[Value, ...]:
        """What is stored of a cue, in the order of `STORED_CUE_COLUMNS` up to `review`."""
        times_ns = (self._since_ns(time_ns) for time_ns in (cue.onset_ns, cue.apex_ns, cue.offset_ns))
        frames = (int(frame) for frame in (cue.onset_frame, cue.apex_frame, cue.offset_frame))
        return (
            *(number, int(cue.face), cue.kind, *times_ns, *frames),
            *(float(cue.duration_error_ms), "+".join(cue.regions), "+".join(cue.movements), cue.side),
            *(float(cue.amplitude_miod), float(cue.score), float(cue.expected_false_per_hour)),
            *(float(cue.head_motion_miod_s), float(cue.fps), int(cue.dropped_frames)),
            *(int(cue.during_blink), int(cue.during_speech), cue.lighting),
            None if cue.related_onset_ns is None else self._since_ns(cue.related_onset_ns),
            *((None,) * 6 if cue.frames is None else astuple(cue.frames)),
        )

    def blink(self, number: int, blink: Blink) -> list[Statement]:
        """The blink, and how many the session has with it."""
        times_ns = (self._since_ns(time_ns) for time_ns in (blink.onset_ns, blink.apex_ns, blink.offset_ns))
        values = (self.session_key, number, int(blink.face), *times_ns, blink.side)
        return [Statement(_COUNT["blink"], (number, self.session_key)), Statement(_BLINK, values)]

    def gap(self, gap: Gap, n_dropped_frames: int) -> list[Statement]:
        """The gap, and how many frames the session has lost with it."""
        values = (self.session_key, int(gap.sequence), self._since_ns(gap.timestamp_ns), int(gap.n_missing))
        return [Statement(_COUNT["dropped"], (n_dropped_frames, self.session_key)), Statement(_GAP, values)]

    def frame_report(self, report: FrameReport) -> Statement:
        """What the frames of some seconds were like."""
        at_ns, *others = astuple(report)
        return Statement(_FRAME_REPORT, (self.session_key, self._since_ns(at_ns), *others))

    def face_found(self, found: FaceFound) -> Statement:
        """A face interval opens."""
        values = (self.session_key, int(found.face), int(found.sequence), self._since_ns(found.timestamp_ns))
        return Statement(_FOUND, values)

    def face_lost(self, lost: FaceLost) -> Statement:
        """The face's open interval closes."""
        values = (int(lost.sequence), self._since_ns(lost.timestamp_ns), self.session_key, int(lost.face))
        return Statement(_LOST, values)

    def mark(self, mark: Mark) -> Statement:
        """A note in time."""
        values = (self._since_ns(mark.timestamp_ns), mark.text, self.session_id)
        return Statement(ADD_MARK, values, urgent=True)

    def health(self, at_ns: int, name: str, value: float) -> Statement:
        """A reading of the machine: temperature, frame rate reached, disk space."""
        return Statement(_HEALTH, (self.session_key, self._since_ns(at_ns), name, float(value)))

    def signals(
        self, face: int, first_frame: int, span_ns: tuple[int, int], n_frames: int, blobs: tuple[bytes, ...]
    ) -> Statement:
        """One block of signals; `blobs` are frames, times and codes, packed."""
        times_ns = (self._since_ns(time_ns) for time_ns in span_ns)
        values: tuple[Value, ...] = (self.session_key, int(face), first_frame, *times_ns, n_frames, *blobs)
        return Statement(_SIGNALS, values, urgent=True, expendable=True)

    def points(self, number: int, n_frames: int, n_points: int, blobs: tuple[bytes, ...]) -> Statement:
        """The point-light trace of cue `number`; `blobs` are frames, times and points, packed."""
        return Statement(_POINTS, (self.session_key, number, n_frames, n_points, *blobs), expendable=True)

    def _since_ns(self, timestamp_ns: int) -> int:
        return int(timestamp_ns) - self.first_frame_ns
