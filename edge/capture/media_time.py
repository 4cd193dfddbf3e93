"""Exact times out of rounded ones: container timestamps put back on the grid they came from.

Matroska keeps whole milliseconds, so a steady 120 frames per second reads 0, 8, 17, 25, 33 ms. As
long as every timestamp lies within one tick of an even grid at a rate the file states, the grid's
time is the better one; a dropped frame is then an exact multiple. The first timestamp that does
not fit ends that for good, and times are taken as stored: variable-rate video stays variable.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

_SECOND_NS = 1_000_000_000


class MediaTime:
    """Turns presentation timestamps into media time.

    Parameters
    ----------
    tick : Fraction, s
        The container's time base.
    rates : iterable of Fraction, Hz
        The rates that the file states, most trusted first; None and 0 are passed over.

    Attributes
    ----------
    n_mended : int
        Timestamps that were missing or did not increase. Such a frame is set one nominal
        interval (at least one tick) after the frame before it.
    """

    def __init__(self, tick: Fraction, rates: Iterable[Fraction | None]) -> None:
        self._tick = tick
        self._tick_ns = -(-_SECOND_NS * tick.numerator // tick.denominator)
        self._grids = list(dict.fromkeys(rate for rate in rates if rate))
        self._interval_ns = int(_SECOND_NS / self._grids[0]) if self._grids else 0
        self._origin_ns: int | None = None
        self._last_ns = 0
        self.n_mended = 0

    def of(self, pts: int | None) -> int:
        """Media time of the next frame, ns; greater than that of the frame before."""
        if pts is None:
            return self._mended()
        stored_ns = _rounded(pts * self._tick.numerator * _SECOND_NS, self._tick.denominator)
        if self._origin_ns is None:
            self._origin_ns = self._last_ns = stored_ns
            return stored_ns
        while self._grids:
            exact_ns = self._on_grid(self._grids[0], stored_ns)
            if abs(exact_ns - stored_ns) <= self._tick_ns and exact_ns > self._last_ns:
                self._last_ns = exact_ns
                return exact_ns
            if stored_ns <= self._last_ns:
                break  # says nothing about the grid
            del self._grids[0]
        if stored_ns <= self._last_ns:
            return self._mended()
        self._last_ns = stored_ns
        return stored_ns

    def _on_grid(self, rate: Fraction, stored_ns: int) -> int:
        origin_ns = self._origin_ns or 0
        per_second = _SECOND_NS * rate.denominator
        index = _rounded((stored_ns - origin_ns) * rate.numerator, per_second)
        return origin_ns + _rounded(index * per_second, rate.numerator)

    def _mended(self) -> int:
        if self._origin_ns is None:
            self._origin_ns = 0
            self.n_mended += 1
            return 0
        self.n_mended += 1
        self._last_ns += max(self._interval_ns, self._tick_ns, 1)
        return self._last_ns


class StatedTime:
    """Frame k at k / fps: for a file read as if recorded at a rate, or one without timestamps."""

    n_mended = 0

    def __init__(self, fps: float) -> None:
        self._interval = _SECOND_NS / Fraction(fps).limit_denominator(100_000)
        self._n = 0

    def of(self, pts: int | None) -> int:  # noqa: ARG002 - the same call as MediaTime's
        """Time of the next frame, ns."""
        time_ns = _rounded(self._n * self._interval.numerator, self._interval.denominator)
        self._n += 1
        return time_ns


def _rounded(numerator: int, denominator: int) -> int:
    """The nearest integer to numerator / denominator (> 0)."""
    return (2 * numerator + denominator) // (2 * denominator)
