"""How often chance alone gives a score: learned from the session's own small peaks."""

from __future__ import annotations

from math import exp, log

import numpy as np

N_PEAKS_KEPT = 400
FORGET_S = 600.0
# What is believed before this session has said anything: heavier-tailed and busier than any
# quiet signal measured, so that the first minutes miss rather than invent.
PRIOR_PER_HOUR = 4000.0
PRIOR_SECONDS = 20.0
PRIOR_SCALE = 3.5
PRIOR_PEAKS = 8.0
SCORE_MAX = 25.0
RATE_MIN = 0.001  # an hour or a day of peaks says nothing about once in a year


class FalseRate:
    """Peaks over a floor, and the rate at which chance exceeds any score.

    The rate is modelled as `peaks per hour * exp(-(z**2 - floor**2) / scale)`: peaks over a high
    floor thin out so in noise that is Gaussian by and large, with the scale left free for
    noise that is not. It is taken from quantiles, since some of the peaks are real movements.

    Parameters
    ----------
    floor : float, sigma
        The bank reports every peak above this.
    """

    def __init__(self, floor: float) -> None:
        self.floor = floor
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
        self._excess[self._n_peaks % N_PEAKS_KEPT] = score * score - self.floor * self.floor
        self._n_peaks += 1
        self._count += 1.0
        known = self._excess[: min(self._n_peaks, N_PEAKS_KEPT)]
        # the middle and the upper quartile of an exponential stand at ln 2 and ln 4 scales
        middle, upper = np.quantile(known, (0.5, 0.75))
        measured = 0.5 * (middle / log(2.0) + upper / log(4.0))
        self._scale = (PRIOR_PEAKS * PRIOR_SCALE + len(known) * float(measured)) / (PRIOR_PEAKS + len(known))

    @property
    def peaks_per_hour(self) -> float:
        """Peaks above the floor, real movements included."""
        return (
            3600.0 * (self._count + PRIOR_PER_HOUR * PRIOR_SECONDS / 3600.0) / (self._seconds + PRIOR_SECONDS)
        )

    def per_hour(self, score: float) -> float:
        """Chance peaks an hour at least as high as `score`."""
        rate = self.peaks_per_hour * exp(-(score * score - self.floor * self.floor) / self._scale)
        return max(rate, RATE_MIN)

    def threshold(self, per_hour: float) -> float:
        """The score that chance exceeds `per_hour` times an hour, between floor and SCORE_MAX."""
        excess = self._scale * log(max(self.peaks_per_hour / per_hour, 1.0))
        return float(min((self.floor * self.floor + excess) ** 0.5, SCORE_MAX))
