"""Writes a session to look at, as long as wanted, through the recorder that a run uses; nobody was watched.

    python tools/review_session.py --data /var/tmp/four-hours --hours 4 --fps 200 --cues 2000

A face at rest with noise of 0.3 miod, slow drift, blinks, nods and marks, and one movement for each cue, in
its signals and in its points: what the review page is driven and measured on.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import CHANNEL_NAMES, CHANNEL_QUANTA, N_CHANNELS, N_SIGNALS, SIGNALS
from edge.config import Config, RecordConfig, as_tables
from edge.messages import (
    Blink,
    Cue,
    FaceFound,
    FaceLost,
    FrameReport,
    Gap,
    Mark,
    SessionInfo,
    SourceInfo,
    Trace,
)
from edge.record.recorder import Recorder
from edge.synth.portrait import built_in_portrait
from edge.track.points import N_POINTS, OUTER_CORNERS, POINT_LANDMARKS

_BED_S = 60  # of noise, used again and again
_EVERY_BLINK_S, _BLINK_S = 4.3, 0.2
_MARKS = (
    "Consent read",
    "Warm-up",
    "Question 1",
    "Question 2",
    "Pause",
    "Question 1",
    "Question 3",
    "Closing",
)
_SCRIPT_MARK = "<script>alert('mark')</script>"
_FIRST_NS = 10**12
_STARTED_UNIX_NS = 1_700_000_000 * 10**9
# a lowered brow is read from its height first
_MOVEMENTS = [k for k, signal in enumerate(SIGNALS) if signal.rise and signal.rise != "brow_lower"]


class Face:
    """Codes and points of every frame of a made-up session.

    Parameters
    ----------
    fps : float
    cues : list of (onset_s, duration_s, amplitude_miod, signals)
        In order of onset.
    seed : int
    """

    def __init__(self, fps: float, cues: list[tuple[float, float, float, list[int]]], seed: int) -> None:
        rng = np.random.default_rng(seed)
        n = round(_BED_S * fps)
        bed = np.zeros((n, N_CHANNELS))
        # whole periods, so that one bed follows the other without a step
        turns = 2 * np.pi * np.outer(np.arange(n) / n, rng.integers(1, 12, N_CHANNELS))
        turns += rng.uniform(0, 2 * np.pi, N_CHANNELS)
        bed[:, :N_SIGNALS] = 1.5 * np.sin(turns[:, :N_SIGNALS]) + rng.normal(0, 0.3, (n, N_SIGNALS))
        for name, swing in (("yaw_mrad", 60.0), ("pitch_mrad", 40.0), ("roll_mrad", 20.0)):
            k = CHANNEL_NAMES.index(name)
            bed[:, k] = swing * np.sin(turns[:, k]) + rng.normal(0, 0.5, n)
        bed[:, CHANNEL_NAMES.index("light_levels")] = 118.0 + rng.normal(0, 0.2, n)
        bed[:, CHANNEL_NAMES.index("quality")] = 0.97
        self._bed = np.round(bed / CHANNEL_QUANTA).astype(np.int16)
        self._lids = [CHANNEL_NAMES.index("closure_right"), CHANNEL_NAMES.index("closure_left")]
        portrait = built_in_portrait().points[:, :2]
        right, left = (portrait[index] for index in OUTER_CORNERS)
        self._rest = (portrait[POINT_LANDMARKS] - (right + left) / 2) * (
            10_000 / np.linalg.norm(left - right)
        )
        self._tremble = rng.normal(0, 5, (n, N_POINTS, 2)).astype(np.int16)
        self._place = {int(landmark): k for k, landmark in enumerate(POINT_LANDMARKS)}
        self._fps, self._cues = fps, cues

    def second(self, at: int) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        """Codes [shape=(n_frames, N_CHANNELS)] and points [shape=(n_frames, N_POINTS, 2)] of one second."""
        first, last = round(at * self._fps), round((at + 1) * self._fps)
        frames = np.arange(first, last)
        codes = self._bed[frames % len(self._bed)].copy()
        points = (self._rest + self._tremble[frames % len(self._bed)]).astype(np.float32)
        times_s = frames / self._fps
        since_blink = times_s % _EVERY_BLINK_S
        shut = np.clip(1 - np.abs(2 * since_blink / _BLINK_S - 1), 0, 1) * 10_000
        codes[:, self._lids] = (400 + 0.9 * shut[:, None]).astype(np.int16)
        for onset_s, duration_s, amplitude_miod, signals in self._cues:
            if onset_s > at + 1 or onset_s + duration_s < at:
                continue
            share = np.clip((times_s - onset_s) / duration_s, 0, 1)
            pulse = amplitude_miod * np.sin(np.pi * share) ** 2
            for k in signals:
                codes[:, k] += np.round(pulse / CHANNEL_QUANTA[k]).astype(np.int16)
                for landmark in SIGNALS[k].landmarks:
                    points[:, self._place[landmark]] += 10 * pulse[:, None] * np.array(SIGNALS[k].direction)
        return codes, np.round(points).astype(np.int16)


def record_long_session(
    data_dir: Path, hours: float, fps: float, n_cues: int, participant: str = "P01", seed: int = 1
) -> str:
    """Record a made-up session; gives its id."""
    rng = np.random.default_rng(seed)
    n_seconds = round(hours * 3600)
    cues = _cues(rng, n_seconds, n_cues)
    face = Face(fps, cues, seed)
    recorder = Recorder.open(data_dir, RecordConfig(), N_POINTS)
    source = SourceInfo("made up, nobody was watched", 640, 480, fps, "sensor", live=False)
    info = SessionInfo(source, participant, "0.1.0", {"numpy": np.__version__}, as_tables(Config()))
    session_id = recorder.start_session(info, _FIRST_NS, _STARTED_UNIX_NS - _FIRST_NS, True)
    recorder.append(FaceFound(0, 0, _FIRST_NS))
    waiting = [_cue(rng, fps, *one) for one in cues]
    marks = _marks(n_seconds)
    for at in range(n_seconds):
        codes, points = face.second(at)
        first = round(at * fps)
        for k in range(len(codes)):
            frame = first + k
            recorder.add_trace(Trace(0, frame, _ns(frame, fps), codes[k], points[k]))
        now_ns = _ns(first + len(codes) - 1, fps)
        while waiting and waiting[0].offset_ns + 10**9 // 2 < now_ns:
            recorder.append(waiting.pop(0))
        while marks and marks[0].timestamp_ns < now_ns:
            recorder.append(marks.pop(0))
        _happen(recorder, rng, at, first, fps, len(codes))
    recorder.append(FaceLost(0, round(n_seconds * fps) - 1, _ns(round(n_seconds * fps) - 1, fps)))
    recorder.saw_frame(round(n_seconds * fps) - 1, _ns(round(n_seconds * fps) - 1, fps))
    recorder.end_session("the file ended", round(n_seconds * fps))
    recorder.close()
    return session_id


def _cues(
    rng: np.random.Generator, n_seconds: int, n_cues: int
) -> list[tuple[float, float, float, list[int]]]:
    """Onset, duration, amplitude and signals; twice as often in every third part of the session."""
    parts = np.arange(1, 3 * n_cues + 1)
    weights = np.where(parts * 9 // (3 * n_cues) % 3 == 2, 2.0, 1.0)
    chosen = np.sort(rng.choice(len(parts), n_cues, replace=False, p=weights / weights.sum()))
    onsets = 8.0 + chosen / len(parts) * (n_seconds - 16.0)
    found = []
    for onset_s in onsets:
        k = int(rng.choice(_MOVEMENTS))
        signals = [k, k ^ 1] if rng.random() < 0.5 else [k]  # a pair of sides is 2j, 2j + 1
        is_micro = rng.random() < 0.85
        duration_s = rng.uniform(0.08, 0.48) if is_micro else rng.uniform(0.6, 2.5)
        found.append((float(onset_s), float(duration_s), float(rng.gamma(3, 6) + 4), sorted(signals)))
    return found


def _cue(
    rng: np.random.Generator,
    fps: float,
    onset_s: float,
    duration_s: float,
    amplitude_miod: float,
    signals: list[int],
) -> Cue:
    frames = [round((onset_s + share * duration_s) * fps) for share in (0, 0.5, 1)]
    leading = SIGNALS[signals[0]]
    return Cue(
        face=0,
        kind="micro" if duration_s <= 0.5 else "macro",
        onset_ns=_ns(frames[0], fps),
        apex_ns=_ns(frames[1], fps),
        offset_ns=_ns(frames[2], fps),
        onset_frame=frames[0],
        apex_frame=frames[1],
        offset_frame=frames[2],
        duration_error_ms=1000 / fps,
        regions=(leading.region,),
        movements=(leading.rise,),
        side="both" if len(signals) == 2 else leading.side,  # type: ignore[arg-type]
        amplitude_miod=amplitude_miod,
        score=amplitude_miod / 2,
        expected_false_per_hour=float(20 * np.exp(-amplitude_miod / 3)),
        head_motion_miod_s=float(rng.gamma(2, 60)),
        fps=fps,
        dropped_frames=0,
        during_blink=onset_s % _EVERY_BLINK_S < _BLINK_S,
        during_speech=bool(rng.random() < 0.1),
        lighting="ok" if rng.random() < 0.97 else "low",
    )


def _marks(n_seconds: int) -> list[Mark]:
    texts = [*_MARKS, _SCRIPT_MARK]
    return [
        Mark(_FIRST_NS + int((k + 0.5) / len(texts) * n_seconds * 1e9), text) for k, text in enumerate(texts)
    ]


def _happen(
    recorder: Recorder, rng: np.random.Generator, at: int, first: int, fps: float, n_frames: int
) -> None:
    """What else a run records in one second."""
    n_blinks = int(at // _EVERY_BLINK_S)
    if at and n_blinks != int((at - 1) // _EVERY_BLINK_S):
        begin = round(n_blinks * _EVERY_BLINK_S * fps)
        times = [_ns(begin + round(share * _BLINK_S * fps), fps) for share in (0, 0.5, 1)]
        recorder.append(Blink(0, *times, "both"))
    if at % 10 == 9:
        now_ns = _ns(first + n_frames - 1, fps)
        report = FrameReport(now_ns, 10**10, round(10 * fps), *(0,) * 7, 0.1, 118.0, None, None)
        recorder.append(report)
        recorder.add_health(now_ns, "temperature_c", float(np.round(52 + rng.normal(0, 1), 1)))
        recorder.add_health(now_ns, "latency_p99_ms", float(np.round(4 + rng.gamma(2, 0.3), 2)))
    if rng.random() < 0.001:
        recorder.append(Gap(first, _ns(first, fps), int(rng.integers(1, 5))))


def _ns(frame: int, fps: float) -> int:
    return _FIRST_NS + round(frame * 1e9 / fps)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="data directory; made where there is none")
    parser.add_argument("--hours", type=float, default=0.1, help="(default: 0.1)")
    parser.add_argument("--fps", type=float, default=120.0, help="(default: 120)")
    parser.add_argument("--cues", type=int, default=120, help="(default: 120)")
    args = parser.parse_args()
    print(record_long_session(args.data, args.hours, args.fps, args.cues))
    return 0


if __name__ == "__main__":
    sys.exit(main())
