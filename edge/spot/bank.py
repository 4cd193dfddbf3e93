"""The pulse bank's arrays: widths for a frame rate, noise, history, and what has closed."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp, sqrt

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import AUX_NAMES, N_CHANNELS, N_SIGNALS, SIGNALS
from edge.kernels import pulse

# A multiple of eight keeps every row of the history on whole vector registers.
N_PADDED = 8 * ceil(N_CHANNELS / 8)
CORE_MIN_SAMPLES = 3
PEAK_OF_CORE = 0.75  # a raised cosine seen through a raised-cosine mean: (3/8) / (1/2)
INFLATION = 6.0  # a variance learned over n pulse widths is taken as (1 + 6/n) times itself
FRESH_SIGMA_MIOD = 0.5


@dataclass(frozen=True, slots=True)
class BankPlan:
    """Which durations a bank looks for, and how.

    Attributes
    ----------
    widths_s : tuple of float, seconds, shortest first
        Onset to offset of the pulses it is matched to.
    shoulder_max_s : tuple of float, seconds
        Upper limits of the left and of the right shoulder; the right one is waited for.
    keep_s : float, seconds of history
    hold_s : float, seconds
        How long nothing better may come before a candidate closes.
    refractory_s : float, seconds between apexes of one signal
    noise_s : float, seconds over which noise is forgotten
    """

    widths_s: tuple[float, ...]
    shoulder_max_s: tuple[float, float]
    keep_s: float
    hold_s: float
    refractory_s: float
    noise_s: float


MICRO_PLAN = BankPlan(
    widths_s=tuple(0.05 * sqrt(2.0) ** k for k in range(8)),
    shoulder_max_s=(0.15, 0.07),
    keep_s=2.6,
    hold_s=0.045,
    refractory_s=0.15,
    noise_s=20.0,
)
MACRO_PLAN = BankPlan(
    widths_s=tuple(0.7 * sqrt(2.0) ** k for k in range(6)),
    shoulder_max_s=(0.6, 0.4),
    keep_s=14.0,
    hold_s=0.25,
    refractory_s=0.7,
    noise_s=90.0,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cluster of responses that has closed: the strongest, and each signal's own best.

    Attributes
    ----------
    lead : int, signal
    scale, sample : int
        The bank's row and the newest sample of the window at the strongest response.
    scores : float32 [shape=(N_SIGNALS,)], sigma
    responses : float32 [shape=(N_SIGNALS,)], miod, signed
    scales, samples : int64 [shape=(N_SIGNALS,)]
        As `scale` and `sample`, for each signal; meaningful where its score is not 0.
    """

    lead: int
    scale: int
    sample: int
    scores: NDArray[np.float32]
    responses: NDArray[np.float32]
    scales: NDArray[np.int64]
    samples: NDArray[np.int64]


class PulseBank:
    """Feeds the kernel one sample at a time and keeps what it needs between them.

    Parameters
    ----------
    plan : BankPlan
    rate_hz : float
        Samples per second. Widths of fewer than three samples are left out.
    leak : float32 [shape=(N_AUX, N_SIGNALS)], miod per unit of the nuisance
    """

    def __init__(self, plan: BankPlan, rate_hz: float, leak: NDArray[np.float32]) -> None:
        self.plan = plan
        self.rate_hz = rate_hz
        self._leak = leak
        widths = [max(round(width * rate_hz), 1) for width in plan.widths_s]
        self.n_core = [n for n in widths if n >= CORE_MIN_SAMPLES]
        self._lay_out()
        self.n_kept = max(ceil(plan.keep_s * rate_hz), int(self.windows[-1, :4].sum() * 2))
        self.history = np.full((2 * self.n_kept, N_PADDED), np.nan, np.float32)
        self.timestamps_ns = np.zeros(self.n_kept, np.int64)
        self.frames = np.full(self.n_kept, -1, np.int64)
        self._fresh_noise()
        self._work = np.zeros((8, N_PADDED), np.float32)
        self._peaks = np.zeros((2, 3, N_SIGNALS), np.float32)
        self._where = np.zeros((2, 3, N_SIGNALS), np.int64)
        self._state = np.zeros(pulse.N_STATE, np.int64)
        self._best = np.zeros(pulse.N_BEST, np.float32)
        self.limits = np.ones((3, N_SIGNALS), np.float32)
        self.limits[pulse.RISE_ALLOWED] = [signal.rise != "" for signal in SIGNALS]
        self.limits[pulse.FALL_ALLOWED] = [signal.fall != "" for signal in SIGNALS]

    def _lay_out(self) -> None:
        n_scales = len(self.n_core)
        self.windows = np.zeros((n_scales, pulse.N_WINDOWS), np.int64)
        self.taps = np.zeros((n_scales, max(self.n_core)), np.float32)
        self.shapes = np.zeros((n_scales, pulse.N_SHAPE), np.float32)
        left_max, right_max = (limit * self.rate_hz for limit in self.plan.shoulder_max_s)
        self._snapshot_every = max(1, round(0.025 * self.rate_hz))
        for scale, n_core in enumerate(self.n_core):
            n_left = max(CORE_MIN_SAMPLES, round(min(n_core / 2, left_max)))
            n_right = max(CORE_MIN_SAMPLES, round(min(n_core / 3, right_max)))
            n_trend = max(CORE_MIN_SAMPLES, n_left)
            self._shape_scale(scale, n_trend, n_left, n_core, n_right)
        lag_max = int(self.windows[:, pulse.LAG].max())
        self._snapshots = np.zeros((lag_max + 1, n_scales, N_PADDED), np.float32)
        slow_gain = min(1.0, 1.0 / (self.plan.noise_s * self.rate_hz))
        self.settings = np.zeros(pulse.N_SETTINGS, np.float32)
        self.settings[pulse.SLOW_GAIN] = slow_gain
        self.settings[pulse.COUNT_MAX] = self.plan.noise_s * self.rate_hz
        self.settings[pulse.HOLD] = max(2, round(self.plan.hold_s * self.rate_hz))
        self.settings[pulse.REFRACTORY] = round(self.plan.refractory_s * self.rate_hz)
        self.settings[pulse.SNAPSHOT_EVERY] = self._snapshot_every
        self.settings[pulse.OPEN_SCORE] = np.inf
        self.settings[pulse.BLINK_MIN] = np.inf

    def _shape_scale(self, scale: int, n_trend: int, n_left: int, n_core: int, n_right: int) -> None:
        from_left, from_right = (n_core + n_left) / 2, (n_core + n_right) / 2
        apart = from_left + from_right
        arch = np.sin(np.pi * (np.arange(n_core) + 0.5) / n_core) ** 2
        width_s = n_core / self.rate_hz
        lag_s = 1.5 * width_s + 0.1 + n_right / self.rate_hz
        # neper a second: as fast as the scale's own oscillation allows the quartile to be followed
        speed = min(max(2.0 / width_s, 5.0), 25.0) / self.rate_hz
        self.taps[scale, :n_core] = arch / arch.sum()
        self.windows[scale] = (
            n_trend,
            n_left,
            n_core,
            n_right,
            ceil(lag_s * self.rate_hz / self._snapshot_every),
        )
        self.shapes[scale, pulse.FROM_LEFT] = from_right / apart
        self.shapes[scale, pulse.FROM_RIGHT] = from_left / apart
        self.shapes[scale, pulse.HEIGHT] = 1.0 / PEAK_OF_CORE
        self.shapes[scale, pulse.TREND] = apart / n_trend
        self.shapes[scale, pulse.INFLATE] = INFLATION * n_core
        self.shapes[scale, pulse.QUICK_UP] = exp(0.25 * speed)
        self.shapes[scale, pulse.QUICK_DOWN] = exp(-0.75 * speed)

    def _fresh_noise(self) -> None:
        self.noise = np.zeros((len(self.n_core), 3, N_PADDED), np.float32)
        self.noise[:, pulse.VARIANCE] = FRESH_SIGMA_MIOD**2
        self.noise[:, pulse.QUICK] = FRESH_SIGMA_MIOD * pulse.QUARTILE
        self._snapshots[:] = FRESH_SIGMA_MIOD * pulse.QUARTILE

    def push(self, row: NDArray[np.float32], timestamp_ns: int, frame: int) -> int:
        """Take in one sample; `frame` is -1 for one that no camera delivered.

        Returns
        -------
        int
            0, `pulse.CUE_CLOSED`, `pulse.BLINK_CLOSED` or their sum.
        """
        slot = int(self._state[pulse.N_SEEN]) % self.n_kept
        self.timestamps_ns[slot] = timestamp_ns
        self.frames[slot] = frame
        closed: int = pulse.scan(
            row,
            self.history,
            self.windows,
            self.taps,
            self.shapes,
            self.settings,
            self._leak,
            self.limits,
            self.noise,
            self._snapshots,
            self._work,
            self._peaks,
            self._where,
            self._state,
            self._best,
        )
        return closed

    @property
    def n_seen(self) -> int:
        """Samples taken in so far."""
        return int(self._state[pulse.N_SEEN])

    @property
    def first_kept(self) -> int:
        """The oldest sample that the history still holds."""
        return max(0, self.n_seen - self.n_kept)

    def window(self, first: int, last: int) -> NDArray[np.float32]:
        """Rows of the samples `first` to `last`, both included: a view [shape=(n, N_PADDED)]."""
        start = first % self.n_kept
        return self.history[start : start + last - first + 1]

    def candidate(self) -> Candidate:
        """The cluster that has just closed."""
        return Candidate(
            lead=int(self._state[pulse.BEST_CHANNEL]),
            scale=int(self._state[pulse.BEST_SCALE]),
            sample=int(self._state[pulse.BEST_SAMPLE]),
            scores=self._peaks[0, pulse.PEAK_SCORE].copy(),
            responses=self._peaks[0, pulse.PEAK_RESPONSE].copy(),
            scales=self._where[0, pulse.PEAK_SCALE].copy(),
            samples=self._where[0, pulse.PEAK_SAMPLE].copy(),
        )

    def blink(self) -> tuple[int, int, float]:
        """Scale, sample and height (0 to 1) of the blink that has just closed."""
        scale, sample = int(self._state[pulse.BLINK_SCALE]), int(self._state[pulse.BLINK_SAMPLE])
        return scale, sample, float(self._best[pulse.BLINK_HEIGHT])

    def close_open(self) -> int:
        """Close what is still open, as at the end of a recording; the same flags as `push`."""
        closed = 0
        if self._state[pulse.OPEN]:
            closed |= pulse.CUE_CLOSED
        if self._state[pulse.BLINK_OPEN]:
            closed |= pulse.BLINK_CLOSED
        self._state[[pulse.OPEN, pulse.BLINK_OPEN]] = 0
        return closed

    def centre(self, scale: int, sample: int) -> int:
        """The middle of the core of the window whose newest sample is `sample`."""
        return sample - int(self.windows[scale, pulse.N_RIGHT]) - self.n_core[scale] // 2

    def time_ns(self, sample: float) -> int:
        """Sensor time at a place between samples, or just outside them."""
        low = min(max(int(sample), self.first_kept), max(self.n_seen - 2, 0))
        here, after = (int(self.timestamps_ns[at % self.n_kept]) for at in (low, low + 1))
        return here + round((sample - low) * (after - here)) if self.n_seen > 1 else here

    def frame_at(self, sample: float) -> int:
        """The delivered frame nearest to a place between samples."""
        nearest = min(max(round(sample), self.first_kept), self.n_seen - 1)
        for away in range(self.n_kept):
            for side in (nearest - away, nearest + away):
                if self.first_kept <= side < self.n_seen and self.frames[side % self.n_kept] >= 0:
                    return int(self.frames[side % self.n_kept])
        return -1

    def noise_miod(self, scale: int) -> NDArray[np.float32]:
        """Standard deviation of one scale's responses in quiet, for each signal."""
        return np.sqrt(self.noise[scale, pulse.VARIANCE, :N_SIGNALS])


def nuisance(name: str) -> int:
    """Column of an auxiliary channel in a history row."""
    return N_SIGNALS + AUX_NAMES.index(name)
