"""Missing frames and the rate really reached, from timestamps alone.

A sensor delivers at a fixed interval, so a frame that nobody received leaves a whole multiple of
it between two timestamps. Where timestamps keep to no interval (variable-rate video), nothing can
be said about missing frames, and nothing is: `steady` is False and no gap is reported.
"""

from __future__ import annotations

import math
import statistics

from edge.messages import Gap

_WINDOW = 32  # intervals remembered: a quarter of a second at 120 fps
_REVIEW_EVERY = 8  # frames; the review costs 10 us, so about 1 us a frame
_NEAR = 0.2  # share of the interval that jitter may take; measured UVC jitter stays under 0.1
_STEADY_SHARE = 0.5  # of the remembered intervals must be one frame long


class GapDetector:
    """Follows the frame interval and reports what is missing before a frame.

    Parameters
    ----------
    nominal_fps : float
        What the source says, 0 where it does not. It is believed until half of the last 32
        intervals speak against it; an unknown rate is learned from the first 32.

    Notes
    -----
    `jitter_ms` is the root mean square of (interval - nominal) over the `n_single` single-frame intervals,
    whose squares `sum_square_ns2` has summed up.
    """

    def __init__(self, nominal_fps: float = 0.0) -> None:
        self.n_gaps = 0
        self.n_missing = 0
        self.n_frames = 0
        self._first_ns = 0
        self._last_ns = 0
        self._recent = [0.0] * _WINDOW
        self.expect(nominal_fps)
        self.n_single = 0
        self.sum_square_ns2 = 0.0

    @property
    def steady(self) -> bool:
        """Whether there is an interval to measure gaps by."""
        return self.interval_ns > 0

    @property
    def fps(self) -> float:
        """Frames received per second, from first to last; 0 before the second frame."""
        span_ns = self._last_ns - self._first_ns
        return (self.n_frames - 1) * 1e9 / span_ns if span_ns > 0 else 0.0

    @property
    def sensor_fps(self) -> float:
        """Frames made per second, by the interval; 0 where there is none."""
        return 1e9 / self.interval_ns if self.interval_ns else 0.0

    @property
    def jitter_ms(self) -> float:
        """Root mean square deviation of single-frame intervals from the nominal one."""
        return math.sqrt(self.sum_square_ns2 / self.n_single) / 1e6 if self.n_single else 0.0

    def expect(self, fps: float) -> None:
        """From the next frame on the source is told to deliver so many a second, 0 where that is unknown."""
        self.interval_ns = 1e9 / fps if fps > 0 else 0.0
        # four imagined intervals, so that an early gap is believed and a wrong rate soon is not
        n_imagined = 4 if self.interval_ns else 0
        self._recent[:n_imagined] = [self.interval_ns] * n_imagined
        self._n_recent = self._next = n_imagined

    def observe(self, sequence: int, timestamp_ns: int) -> Gap | None:
        """Take in one frame; return the gap before it, if there is one.

        Parameters
        ----------
        sequence : int
            Of the frame just received.
        timestamp_ns : int
            Greater than the one before; anything else is taken as "no information".
        """
        self.n_frames += 1
        if self.n_frames == 1:
            self._first_ns = self._last_ns = timestamp_ns
            return None
        interval_ns = timestamp_ns - self._last_ns
        if interval_ns <= 0:
            return None
        self._last_ns = timestamp_ns
        self._remember(interval_ns)
        if not self.interval_ns:
            return None
        n_intervals = round(interval_ns / self.interval_ns)
        if n_intervals <= 1:
            self._note_single(interval_ns)
            return None
        # between two multiples a short gap is rather jitter; a long one is a gap all the same
        off_grid = abs(interval_ns / self.interval_ns - n_intervals)
        if n_intervals <= 4 and off_grid > 1.5 * _NEAR:
            return None
        self.n_gaps += 1
        self.n_missing += n_intervals - 1
        return Gap(sequence, timestamp_ns, n_intervals - 1)

    def _note_single(self, interval_ns: int) -> None:
        deviation = interval_ns - self.interval_ns
        self.n_single += 1
        self.sum_square_ns2 += deviation * deviation

    def _remember(self, interval_ns: int) -> None:
        self._recent[self._next] = interval_ns
        self._next = (self._next + 1) % _WINDOW
        self._n_recent = min(self._n_recent + 1, _WINDOW)
        if self.interval_ns:
            if self._n_recent < _WINDOW or self._next % _REVIEW_EVERY == 0:
                self._review()
        elif self._n_recent == _WINDOW and self._next % _REVIEW_EVERY == 0:
            self._review()

    def _review(self) -> None:
        """Keep the interval, replace it by a steadier one, or give it up."""
        recent = self._recent[: self._n_recent]
        if self.interval_ns:
            near = [x for x in recent if abs(x - self.interval_ns) < _NEAR * self.interval_ns]
            if len(near) >= _STEADY_SHARE * len(recent):
                # stated rates are rounded, crystals drift: follow what comes
                self.interval_ns = statistics.fmean(near)
                return
        median_ns = statistics.median(recent)
        n_near = sum(abs(x - median_ns) < _NEAR * median_ns for x in recent)
        learned = n_near >= 0.8 * len(recent) and len(recent) == _WINDOW
        self.interval_ns = median_ns if learned else 0.0
