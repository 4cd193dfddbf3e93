"""One cue as points of light: what is drawn, and the signals beside it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import LOST, N_SIGNALS, SIGNALS, decode
from edge.record.questions import PointLightRead
from edge.record.timeline import TimelineReader
from edge.track.points import N_POINTS, N_RIGID, POINT_LANDMARKS

_BEFORE_S, _AFTER_S = 1.0, 1.0
_MIOD_PER_CODE = 0.02
# What joins points on the neutral face, by landmark of the 468-point mesh.
_LINES = (
    (70, 63, 105, 66, 107),
    (336, 296, 334, 293, 300),
    (33, 159, 133),
    (33, 145, 133),
    (362, 386, 263),
    (362, 374, 263),
    (168, 6, 197, 195, 5),
    (64, 98, 5, 327, 294),
    (61, 39, 37, 267, 269, 291),
    (61, 181, 84, 314, 405, 291),
    (171, 396),
    (127, 234, 93),
    (356, 454, 323),
)


@dataclass(frozen=True, slots=True)
class CueSignals:
    """Signals around one cue.

    Attributes
    ----------
    times_s : float64 [shape=(n_frames,)]
        Since the session's first frame.
    miod : float32 [shape=(n_frames, N_SIGNALS)]
        From where each was before the onset; NaN where it was lost.
    leading : list of int
        Those that the cue's movements are read from, the first movement's first.
    """

    times_s: NDArray[np.float64]
    miod: NDArray[np.float32]
    leading: list[int]


def movement_signals(movements: str, side: str) -> list[int]:
    """Which signals a cue's movements are read from, the first movement's first."""
    sides = ("left", "right") if side == "both" else (side,)
    found = [
        index
        for movement in movements.split("+")
        for index, signal in enumerate(SIGNALS)
        if movement in (signal.rise, signal.fall) and signal.side in sides
    ]
    return list(dict.fromkeys(found))


def replay(log: TimelineReader, cue: dict[str, Any], number: int) -> dict[str, Any]:
    """Points and signals from a second before a cue's onset to a second after its offset, for JSON.

    Parameters
    ----------
    log : TimelineReader
    cue : dict
        By the names of `CUE_COLUMNS`.
    number : int

    Raises
    ------
    BlockDamaged, DatabaseDamaged, LogUnreadable
    """
    points = log.point_light(cue["session_id"], number)
    return {
        "onset_s": cue["onset_s"],
        "apex_s": cue["apex_s"],
        "offset_s": cue["offset_s"],
        "movements": cue["movements"],
        "points": None if points is None else _points(points, cue),
        "signals": _signals(log, cue),
    }


def face_lines() -> list[list[int]]:
    """What joins the points that are followed, by their place among them."""
    place = {int(landmark): k for k, landmark in enumerate(POINT_LANDMARKS)}
    return [[place[one] for one in line] for line in _LINES]


def _points(points: PointLightRead, cue: dict[str, Any]) -> dict[str, Any]:
    codes = points.points.astype(np.int16)
    rest = _at_rest(codes, points.times_ns, round(cue["onset_s"] * 1e9))
    is_ours = codes.shape[1] == N_POINTS  # another version may have followed others
    place = {int(landmark): k for k, landmark in enumerate(POINT_LANDMARKS)} if is_ours else {}
    return {
        "n_frames": len(codes),
        "n_points": codes.shape[1],
        "times_s": np.round(points.times_ns / 1e9, 6).tolist(),
        "tenths_of_miod": packed(codes),
        "rest": packed(rest),
        "lines": face_lines() if is_ours else [],
        "moved": _moved(cue, place),
        "n_rigid": N_RIGID if is_ours else 0,
    }


def _moved(cue: dict[str, Any], place: dict[int, int]) -> list[int]:
    signals = movement_signals(cue["movements"], cue["side"])
    landmarks = [landmark for index in signals for landmark in SIGNALS[index].landmarks]
    return sorted({place[landmark] for landmark in landmarks if landmark in place})


def _at_rest(codes: NDArray[np.int16], times_ns: NDArray[np.int64], onset_ns: int) -> NDArray[np.int16]:
    """Where each point was before the onset: the median of its frames; LOST where it was never seen."""
    values = codes.astype(np.float32)
    values[codes == LOST] = np.nan
    before = values[times_ns < onset_ns]
    rest = np.full(codes.shape[1:], np.nan, np.float32)
    for chosen in (values, before):  # what was only seen later is better than nothing
        seen = ~np.isnan(chosen).all(axis=0)
        if len(chosen):
            rest[seen] = np.nanmedian(chosen[:, seen], axis=0)
    return np.where(np.isnan(rest), LOST, np.round(np.nan_to_num(rest))).astype(np.int16)


def cue_signals(log: TimelineReader, cue: dict[str, Any]) -> CueSignals | None:
    """Signals from a second before a cue's onset to a second after its offset; None where none are stored.

    Raises
    ------
    BlockDamaged, DatabaseDamaged, LogUnreadable
    """
    from_ns = round((cue["onset_s"] - _BEFORE_S) * 1e9)
    to_ns = round((cue["offset_s"] + _AFTER_S) * 1e9)
    fps = cue["fps"] or 100.0
    # a block is about a second long and is found by its first frame
    first, last = cue["onset_frame"] - int(4 * fps), cue["offset_frame"] + int(2 * fps)
    blocks = list(log.blocks_within(cue["session_id"], cue["face"], first, last))
    if not blocks:
        return None
    time_ns = np.concatenate([one.times_ns for one in blocks])
    inside = (time_ns >= from_ns) & (time_ns <= to_ns)
    if not inside.any():
        return None
    values = decode(np.concatenate([one.codes for one in blocks])[inside])[:, :N_SIGNALS]
    time_ns = time_ns[inside]
    before = values[time_ns < round(cue["onset_s"] * 1e9)]
    level = np.array([np.nanmedian(one) if np.isfinite(one).any() else 0.0 for one in before.T])
    return CueSignals(time_ns / 1e9, values - level, movement_signals(cue["movements"], cue["side"]))


def _signals(log: TimelineReader, cue: dict[str, Any]) -> dict[str, Any] | None:
    found = cue_signals(log, cue)
    if found is None:
        return None
    codes = np.clip(np.round(np.nan_to_num(found.miod) / _MIOD_PER_CODE), -32000, 32000)
    return {
        "n_frames": len(found.times_s),
        "times_s": np.round(found.times_s, 6).tolist(),
        "names": [signal.name for signal in SIGNALS],
        "miod_per_code": _MIOD_PER_CODE,
        "codes": packed(np.where(np.isnan(found.miod), LOST, codes).astype(np.int16)),
        "leading": found.leading,
    }


def packed(values: NDArray[np.int16]) -> str:
    """Little-endian int16 as base64: what a browser unpacks in one step."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<i2").tobytes()).decode()
