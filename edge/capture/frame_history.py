"""The last seconds of frames as frames: when they came, which repeat, how bright they are, what flickers.

Costs a look at 32 rows of a picture and 80 pixels in each, allocates nothing, and answers two questions:
what was it like around this cue, and what has it been like lately.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edge.capture.gaps import GapDetector
from edge.capture.source import SourceCounts
from edge.kernels.light import find_lines, take_levels
from edge.messages import Frame, FrameConditions, FrameReport, Gap

N_STRIPS = 8
LAMPS_HZ = (100.0, 120.0)  # lamps flicker at twice the mains' 50 or 60 Hz
MARGIN_NS = 100_000_000  # around a cue: a step of light just before it counts
LIGHT_STEP = 0.02  # of the level: twice what a hand before the face does within a frame
REPORT_NS, FIRST_REPORT_NS = 10_000_000_000, 3_000_000_000

_KEPT_S = 12.0  # the longest movement, and how long its cue may take to be decided
_FLICKER_S = 2.0
_FLICKER_FRAMES = (64, 512)
_UNKNOWN_FPS, _MAX_FPS = 240.0, 500.0
_ROWS, _COLUMNS = 32, 80  # of the thin grid; rows cost more, as each is another place in memory
FLICKER_GREY = 0.3  # amplitude in a strip, grey levels
_FLICKER_OVER_FLANKS = 6.0
_SLOWEST_HZ = 1.0  # a slower beat is not told from light that is being dimmed


@dataclass(slots=True)
class _Tally:
    """All that counts up, at one moment; a report is the difference between two."""

    timestamp_ns: int = 0
    n_frames: int = 0
    n_missing: int = 0
    n_repeated: int = 0
    n_lost: int = 0
    n_corrupt: int = 0
    n_restarts: int = 0
    n_exposure_changes: int = 0
    n_light_steps: int = 0
    n_single: int = 0
    sum_square_ns2: float = 0.0
    level_sum: float = 0.0

    def until(self, later: _Tally, lamp_hz: float | None, flicker_hz: float | None) -> FrameReport:
        """What came between the two."""
        n_frames, n_single = later.n_frames - self.n_frames, later.n_single - self.n_single
        span_ns = later.timestamp_ns - self.timestamp_ns
        if not self.n_frames and n_frames > 1:  # from the first frame on; n frames take n intervals
            span_ns = span_ns * n_frames // (n_frames - 1)
        square_ns2 = (later.sum_square_ns2 - self.sum_square_ns2) / n_single if n_single else 0.0
        return FrameReport(
            timestamp_ns=later.timestamp_ns,
            span_ns=span_ns,
            n_frames=n_frames,
            n_missing=later.n_missing - self.n_missing,
            n_repeated=later.n_repeated - self.n_repeated,
            n_lost=later.n_lost - self.n_lost,
            n_corrupt=later.n_corrupt - self.n_corrupt,
            n_restarts=later.n_restarts - self.n_restarts,
            n_exposure_changes=later.n_exposure_changes - self.n_exposure_changes,
            n_light_steps=later.n_light_steps - self.n_light_steps,
            jitter_ms=math.sqrt(max(square_ns2, 0.0)) / 1e6,
            light_level=(later.level_sum - self.level_sum) / n_frames,
            lamp_hz=lamp_hz,
            flicker_hz=flicker_hz,
        )


class FrameHistory:
    """Watches every frame of a source.

    Parameters
    ----------
    height, width : int, px
    nominal_fps : float
        What the source says, 0 where it does not.

    Attributes
    ----------
    gaps : GapDetector
    n_repeated, n_light_steps : int
        Since the beginning.
    lamp_hz, flicker_hz : float or None
        As in `FrameReport`; looked for with each report.
    """

    def __init__(self, height: int, width: int, nominal_fps: float) -> None:
        self.gaps = GapDetector(nominal_fps)
        self.n_repeated = self.n_light_steps = 0
        self.lamp_hz: float | None = None
        self.flicker_hz: float | None = None
        fps = min(nominal_fps, _MAX_FPS) if nominal_fps > 0 else _UNKNOWN_FPS
        self._n_kept = n_kept = math.ceil(_KEPT_S * fps)
        self._steps = max(1, height // _ROWS), max(1, width // _COLUMNS)
        self._thin = np.zeros((height // self._steps[0], width // self._steps[1]), np.uint8)
        n_strips = min(N_STRIPS, self._thin.shape[0])
        self._strips = np.zeros((n_kept, n_strips), np.float32)
        self._times_ns = np.zeros(n_kept, np.int64)
        self._levels = np.zeros(n_kept, np.float32)
        self._repeats = np.zeros(n_kept, np.bool_)
        self._exposures = np.zeros(n_kept, np.int64)  # changes counted so far
        self._n_frames = 0
        self._last_level = self._level_sum = 0.0
        self._lamps_hz = np.array(LAMPS_HZ)
        n_window = min(max(round(_FLICKER_S * fps), _FLICKER_FRAMES[0]), _FLICKER_FRAMES[1], n_kept)
        self._window, self._sums = np.zeros((n_window, n_strips)), np.zeros((2, n_strips))
        self._beside, self._lines = np.zeros(24), np.zeros((len(LAMPS_HZ), 3))
        self._reported = _Tally()
        self._report_due_ns = 0

    def observe(self, frame: Frame, counts: SourceCounts) -> Gap | None:
        """Take in a frame as it was read; return the gap before it, if there is one."""
        row = self._n_frames % self._n_kept
        level, share_new = take_levels(frame.luma, *self._steps, self._thin, self._strips[row])
        is_first = self._n_frames == 0
        repeated = share_new == 0.0 and not is_first
        self.n_repeated += repeated
        self.n_light_steps += not is_first and abs(level - self._last_level) > LIGHT_STEP * max(level, 1.0)
        self._levels[row] = self._last_level = level
        self._level_sum += level
        self._repeats[row] = repeated
        self._times_ns[row] = frame.timestamp_ns
        self._exposures[row] = counts.n_exposure_changes
        self._n_frames += 1
        if is_first:
            self._reported.timestamp_ns = frame.timestamp_ns
            self._report_due_ns = frame.timestamp_ns + FIRST_REPORT_NS
        return self.gaps.observe(frame.sequence, frame.timestamp_ns)

    def report(self, now_ns: int, counts: SourceCounts, at_once: bool = False) -> FrameReport | None:
        """What the frames since the last report were like; None while that is not due.

        Parameters
        ----------
        now_ns : int
            Timestamp of the frame taken in last.
        counts : SourceCounts
            Of the source.
        at_once : bool
            Due or not, as at the end; None all the same where no frame came since.
        """
        if (now_ns < self._report_due_ns and not at_once) or self._n_frames == self._reported.n_frames:
            return None
        self._look_for_flicker()
        before, self._reported = self._reported, self._tally(now_ns, counts)
        self._report_due_ns = now_ns + REPORT_NS
        return before.until(self._reported, self.lamp_hz, self.flicker_hz)

    def around(self, onset_ns: int, offset_ns: int) -> FrameConditions | None:
        """What the frames around a movement were like; None where they are no longer known."""
        n_known = min(self._n_frames, self._n_kept)
        order = np.arange(self._n_frames - n_known, self._n_frames) % self._n_kept
        times_ns = self._times_ns[order]
        near = (times_ns >= onset_ns - MARGIN_NS) & (times_ns <= offset_ns + MARGIN_NS)
        if not near.any() or times_ns[0] > onset_ns:
            return None
        rows = order[near]
        levels, intervals_ns = self._levels[rows].astype(np.float64), np.diff(times_ns[near])
        interval_ns = self.gaps.interval_ns
        single = intervals_ns[intervals_ns < 1.5 * interval_ns] - interval_ns  # none without an interval
        level = float(levels.mean())
        return FrameConditions(
            n_repeated=int(self._repeats[rows].sum()),
            jitter_ms=float(np.sqrt(np.mean(single**2))) / 1e6 if len(single) else 0.0,
            n_exposure_changes=int(self._exposures[rows[-1]] - self._exposures[rows[0]]),
            light_level=level,
            light_step_percent=100.0 * float(np.abs(np.diff(levels)).max(initial=0.0)) / max(level, 1.0),
            flicker_hz=self.flicker_hz,
        )

    def _look_for_flicker(self) -> None:
        self.lamp_hz = self.flicker_hz = None
        fps = self.gaps.sensor_fps
        n_window = min(len(self._window), self._n_frames, round(_FLICKER_S * fps))
        if n_window < _FLICKER_FRAMES[0]:
            return
        window, lines = self._window[:n_window], self._lines
        find_lines(self._strips, self._n_frames, fps, self._lamps_hz, window, self._sums, self._beside, lines)
        strongest = 0.0
        for lamp_hz, (shown_hz, amplitude, beside) in zip(LAMPS_HZ, lines.tolist(), strict=True):
            stands_out = amplitude > max(FLICKER_GREY, _FLICKER_OVER_FLANKS * beside)
            if stands_out and shown_hz >= _SLOWEST_HZ and amplitude > strongest:
                strongest, self.lamp_hz, self.flicker_hz = amplitude, lamp_hz, shown_hz

    def _tally(self, now_ns: int, counts: SourceCounts) -> _Tally:
        gaps = self.gaps
        return _Tally(
            *(now_ns, self._n_frames, gaps.n_missing, self.n_repeated),
            *(counts.n_lost, counts.n_corrupt, counts.n_restarts, counts.n_exposure_changes),
            *(self.n_light_steps, gaps.n_single, gaps.sum_square_ns2, self._level_sum),
        )
