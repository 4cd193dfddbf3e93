"""A cue as it is exported: the columns, their order and how each is rounded."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple, TypeAlias

from edge.anatomy import REGIONS
from edge.messages import Cue, FrameConditions

Field: TypeAlias = "str | int | float | None"
Row: TypeAlias = "tuple[Field, ...]"

# A contract with everybody who reads an export: names and order stay.
CUE_COLUMNS = (
    *("cue_id", "session_id", "face", "kind", "duration_band", "onset_s", "apex_s", "offset_s"),
    *("onset_frame", "apex_frame", "offset_frame", "duration_ms", "duration_error_ms", "fast_onset"),
    *("onset_utc", "regions", "movements", "side", "amplitude_miod", "score", "expected_false_per_hour"),
    *("head_motion_miod_s", "fps", "dropped_frames", "during_blink", "during_speech", "lighting"),
    *("review", "note", "related_onset_s"),
    *("repeated_frames", "jitter_ms", "exposure_changes", "light_level", "light_step_percent", "flicker_hz"),
    "onset_sensor_ns",
)
STORED_CUE_COLUMNS = (
    "number, face, kind, onset_ns, apex_ns, offset_ns, onset_frame, apex_frame, offset_frame, "
    "duration_error_ms, regions, movements, side, amplitude_miod, score, expected_false_per_hour, "
    "head_motion_miod_s, fps, dropped_frames, during_blink, during_speech, lighting, "
    "related_onset_ns, n_repeated, jitter_ms, n_exposure_changes, light_level, light_step_percent, "
    "flicker_hz, review, note"
)
STORED_BLINK_COLUMNS = "number, face, onset_ns, apex_ns, offset_ns, side"
_N_OWN = len(fields(Cue)) - 1  # columns of the cue itself; those of its frames follow
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class WallClock(NamedTuple):
    """When the session's first frame was, by the best clock offset known."""

    first_frame_unix_ns: int
    synchronised: bool


def utc(clock: WallClock | None, since_ns: int) -> str | None:
    """ISO 8601 with milliseconds, UTC; None where the frames have no wall-clock time."""
    if clock is None:
        return None
    moment = _EPOCH + timedelta(microseconds=(clock.first_frame_unix_ns + since_ns) // 1000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rounded(value: float | None, n_digits: int) -> float | None:
    """Rounded to `n_digits` after the point; None stays None."""
    return None if value is None else round(value, n_digits)


def cue_row(session_id: str, first_frame_ns: int, clock: WallClock | None, stored: tuple[Any, ...]) -> Row:
    """`CUE_COLUMNS` from `STORED_CUE_COLUMNS`."""
    number, *values, review, note = stored
    own, frames = values[:_N_OWN], values[_N_OWN:]
    own[9] = tuple(region for region in REGIONS if region in own[9].split("+"))
    own[10] = tuple(own[10].split("+"))
    cue = Cue(*(*own, None if frames[0] is None else FrameConditions(*frames)))
    false_per_hour = cue.expected_false_per_hour
    return (
        *(f"{session_id}-{number:04d}", session_id, cue.face, cue.kind, cue.duration_band),
        *(_seconds(cue.onset_ns), _seconds(cue.apex_ns), _seconds(cue.offset_ns)),
        *(cue.onset_frame, cue.apex_frame, cue.offset_frame),
        *(round(cue.duration_ms, 3), rounded(cue.duration_error_ms, 3), int(cue.fast_onset)),
        *(utc(clock, cue.onset_ns), "+".join(cue.regions), "+".join(cue.movements), cue.side),
        *(rounded(cue.amplitude_miod, 3), rounded(cue.score, 3)),
        # spans many powers of ten: digits that count, not digits after the point
        None if false_per_hour is None else float(f"{false_per_hour:.4g}"),
        *(rounded(cue.head_motion_miod_s, 3), rounded(cue.fps, 3), cue.dropped_frames),
        *(cue.during_blink, cue.during_speech, cue.lighting, review, note),
        None if cue.related_onset_ns is None else _seconds(cue.related_onset_ns),
        *_conditions(cue.frames),
        first_frame_ns + cue.onset_ns,
    )


def _conditions(frames: FrameConditions | None) -> tuple[Field, ...]:
    if frames is None:
        return (None,) * len(fields(FrameConditions))
    return (
        *(frames.n_repeated, rounded(frames.jitter_ms, 3), frames.n_exposure_changes),
        *(rounded(frames.light_level, 1), rounded(frames.light_step_percent, 2)),
        rounded(frames.flicker_hz, 1),
    )


def blink_row(session_id: str, first_frame_ns: int, clock: WallClock | None, stored: tuple[Any, ...]) -> Row:
    """`CUE_COLUMNS` from `STORED_BLINK_COLUMNS`; None where a blink has no such thing."""
    number, face, onset_ns, apex_ns, offset_ns, side = stored
    known: dict[str, Field] = {
        "cue_id": f"{session_id}-b{number:04d}",
        "session_id": session_id,
        "face": face,
        "kind": "blink",
        "onset_s": _seconds(onset_ns),
        "apex_s": _seconds(apex_ns),
        "offset_s": _seconds(offset_ns),
        "duration_ms": round((offset_ns - onset_ns) / 1e6, 3),
        "onset_utc": utc(clock, onset_ns),
        "regions": "eyes",
        "movements": "blink",
        "side": side,
        "onset_sensor_ns": first_frame_ns + onset_ns,
    }
    return tuple(known.get(name) for name in CUE_COLUMNS)


def _seconds(time_ns: int) -> float:
    return round(time_ns / 1e9, 6)
