"""How often chance alone gives a score: learned from the session's own small peaks."""

from __future__ import annotations

from math import exp, expm1, log

import numpy as np

N_PEAKS_KEPT = 400
FORGET_S = 600.0
# Peaks higher than this are taken for movements and teach nothing: with twenty planted movements
# a minute counting them made the spotter deaf (threshold 25). Gaussian noise hardly passes six, but
# compressed video does, and most movements on a well-tracked face stand above seven.
CEILING = 5.5
# What is believed before this session has said anything: a somewhat heavier tail than the 2.0
# of Gaussian noise, and busier than any quiet signal simulated, so that the first minute misses
# rather than invents. Two seconds of it are a tenth of the quietest signal's peaks for good.
PRIOR_PER_HOUR = 4000.0
PRIOR_SECONDS = 2.0
PRIOR_SCALE = 3.5
PRIOR_PEAKS = 8.0
PRIOR_FADES = 25.0  # peaks after which a third of it is left: Gaussian noise would stay misjudged by it
SCALE_MAX = 12.0
SCORE_MAX = 15.0
RATE_MIN = 0.001  # an hour or a day of peaks says nothing about once in a year


class FalseRate:
    """Peaks between a floor and a ceiling, and the rate at which chance exceeds any score.

    The rate is modelled as `peaks per hour * exp(-(z**2 - floor**2) / scale)`: peaks over a high
    floor thin out so in Gaussian noise, with scale 2 (measured on simulated signals: 2.0 from
    the lower quartile to the 97th percentile), and the scale is left free for noise that is not.

    Parameters
    ----------
    floor : float, sigma
        Peaks above this teach.
    lowest : float, sigma
        The bank reports peaks above this: the lowest threshold there is.
    """

    def __init__(self, floor: float, lowest: float) -> None:
        self.floor = floor
        self.lowest = lowest
        self._reach = CEILING * CEILING - floor * floor
        self._excess = np.zeros(N_PEAKS_KEPT)
        self._n_peaks = 0
        self._count = 0.0
        self._seconds = 0.0
        self._scale = PRIOR_SCALE

    def watch(self, seconds: float) -> None:
        """Time goes by, whether or not a peak came."""
        keep = exp(-seconds / FORGET_S)
        self._count *= keep
        self._seconds = self._seconds * keep + seconds

    def add(self, score: float) -> None:
        """Count one peak above the floor."""
        if not self.floor < score <= CEILING:
            return
        self._excess[self._n_peaks % N_PEAKS_KEPT] = score * score - self.floor * self.floor
        self._n_peaks += 1
        self._count += 1.0
        known = min(self._n_peaks, N_PEAKS_KEPT)
        prior_mean = truncated_mean(PRIOR_SCALE, self._reach)
        weight = PRIOR_PEAKS * exp(-self._n_peaks / PRIOR_FADES)
        mean = (weight * prior_mean + float(self._excess[:known].sum())) / (weight + known)
        self._scale = scale_of_mean(mean, self._reach)

    @property
    def peaks_per_hour(self) -> float:
        """Chance peaks above the floor; the few above the ceiling are added from the model."""
        seen = self._count / -expm1(-self._reach / self._scale) + PRIOR_PER_HOUR * PRIOR_SECONDS / 3600.0
        return 3600.0 * seen / (self._seconds + PRIOR_SECONDS)

    def per_hour(self, score: float) -> float:
        """Chance peaks an hour at least as high as `score`; never less than RATE_MIN."""
        rate = self.peaks_per_hour * exp(-(score * score - self.floor * self.floor) / self._scale)
        return max(rate, RATE_MIN)

    def threshold(self, per_hour: float) -> float:
        """The score that chance exceeds `per_hour` times an hour, between `lowest` and SCORE_MAX."""
        square = self.floor * self.floor + self._scale * log(self.peaks_per_hour / per_hour)
        return min(max(square, self.lowest * self.lowest) ** 0.5, SCORE_MAX)


def truncated_mean(scale: float, reach: float) -> float:
    """Mean of an exponential of that scale, given that it stays below `reach`."""
    return scale - reach / expm1(reach / scale)


def scale_of_mean(mean: float, reach: float) -> float:
    """The scale whose `truncated_mean` is `mean` (the maximum of the likelihood), to 0.1 %."""
    low, high = 1.0, SCALE_MAX
    for _ in range(14):
        middle = 0.5 * (low + high)
        if truncated_mean(middle, reach) < mean:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
