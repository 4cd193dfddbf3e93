"""The frame rate as the timestamps show it, and the frames that are missing between them."""

from __future__ import annotations

from collections import deque

import numpy as np

N_INTERVALS = 31
RATE_TOLERANCE = 0.15  # a median interval further off than this is another frame rate
FRAMES_NEEDED = 3.2  # a pulse of 40 ms is just seen at 80 frames per second


class Cadence:
    """Counts missing frames from timestamps.

    Parameters
    ----------
    fps_nominal : float
        0 where unknown: then it is learned from the first intervals.
    """

    def __init__(self, fps_nominal: float) -> None:
        self.interval_ns = round(1e9 / fps_nominal) if fps_nominal > 0 else 0
        self._intervals_ns = [0] * N_INTERVALS
        self._n_intervals = 0
        self._last_ns: int | None = None
        self._gaps: deque[tuple[int, int]] = deque(maxlen=128)
        self.n_missing_total = 0

    def advance(self, timestamp_ns: int) -> int:
        """Take in the next frame's timestamp.

        Returns
        -------
        int
            Frames missing since the last; -1 where the timestamp does not advance, so that
            the frame is a repetition.
        """
        if self._last_ns is None:
            self._last_ns = timestamp_ns
            return 0
        interval_ns = timestamp_ns - self._last_ns
        if interval_ns <= 0:
            return -1
        self._last_ns = timestamp_ns
        self._intervals_ns[self._n_intervals % N_INTERVALS] = interval_ns
        self._n_intervals += 1
        if self.interval_ns == 0:
            return 0
        if 2 * interval_ns < 3 * self.interval_ns:
            return 0
        n_missing = round(interval_ns / self.interval_ns) - 1
        self._gaps.append((timestamp_ns, n_missing))
        self.n_missing_total += n_missing
        return n_missing

    def rate_changed(self) -> bool:
        """Whether the last intervals show another frame rate; if so it holds from now on."""
        if self._n_intervals % N_INTERVALS or self._n_intervals == 0:
            return False
        median_ns = sorted(self._intervals_ns)[N_INTERVALS // 2]
        if self.interval_ns and abs(median_ns - self.interval_ns) <= RATE_TOLERANCE * self.interval_ns:
            return False
        self.interval_ns = median_ns
        return True

    @property
    def fps(self) -> float:
        """Frames per second that the spotter counts with; 0 while unknown."""
        return 1e9 / self.interval_ns if self.interval_ns else 0.0

    @property
    def jitter_ns(self) -> float:
        """Spread of the last intervals (1.48 times the median absolute deviation)."""
        known = np.asarray(self._intervals_ns[: min(self._n_intervals, N_INTERVALS)])
        if len(known) == 0:
            return 0.0
        return float(1.4826 * np.median(np.abs(known - np.median(known))))

    @property
    def shortest_observable_ms(self) -> float:
        """The shortest movement this frame rate can show; infinite while it is unknown."""
        return FRAMES_NEEDED * self.interval_ns / 1e6 if self.interval_ns else float("inf")

    def missing_between(self, first_ns: int, last_ns: int) -> int:
        """Frames missing in a stretch of time."""
        return sum(n for at_ns, n in self._gaps if first_ns < at_ns <= last_ns + self.interval_ns)
