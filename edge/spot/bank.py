"""The pulse bank's arrays: widths for a frame rate, noise, history, and what has closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, erf, exp, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import AUX_NAMES, CHANNEL_QUANTA, LOST, N_CHANNELS, N_SIGNALS, SIGNALS
from edge.kernels import cluster, pulse
from edge.spot.leaks import common_leak, turn_lag

CORE_MIN_SAMPLES = 3
INFLATION = 6.0  # a variance learned over n pulse widths is taken as (1 + 6/n) times itself
FRESH_SIGMA_MIOD = 0.5
# Squared deviations count up to 2.5 sigma towards noise, on brows and eyes up to 1.5: there a movement
# now and then is no noise, and with 2.5 the noise of a lively brow was learned at twice its size. Lips that
# speak are noise while they do.
CLIP, UPPER_CLIP = 6.25, 2.25
UPPER_FACE = ("brow", "eyes")
FRESH_MOVED = 1.0  # a rendered head leaves that, a man in conversation 10 to 30


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
    upper_clip : float
        Squared deviations in sigma, up to which those of brows and eyes count as noise.
    opening_most : float
        Squared travel of an eye's look up to which a rising lid counts as opening.
    """

    widths_s: tuple[float, ...]
    shoulder_max_s: tuple[float, float]
    keep_s: float
    hold_s: float
    refractory_s: float
    noise_s: float
    upper_clip: float
    opening_most: float


MICRO_PLAN = BankPlan(
    widths_s=tuple(0.05 * sqrt(2.0) ** k for k in range(8)),
    shoulder_max_s=(0.15, 0.07),
    keep_s=2.6,
    hold_s=0.045,
    refractory_s=0.15,
    noise_s=20.0,
    upper_clip=UPPER_CLIP,
    opening_most=0.15,
)
MACRO_PLAN = BankPlan(
    widths_s=tuple(0.7 * sqrt(2.0) ** k for k in range(6)),
    shoulder_max_s=(0.6, 0.4),
    keep_s=14.0,
    hold_s=0.25,
    refractory_s=0.7,
    noise_s=90.0,
    upper_clip=CLIP,
    opening_most=0.0,  # half blinks in a row leave lids up between them
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
    leak : float32 [shape=(pulse.N_LEAK, N_SIGNALS)], miod per unit of the nuisance
    """

    def __init__(self, plan: BankPlan, rate_hz: float, leak: NDArray[np.float32]) -> None:
        self.plan = plan
        self.rate_hz = rate_hz
        widths = [max(round(width * rate_hz), 1) for width in plan.widths_s]
        self.n_core = [n for n in widths if n >= CORE_MIN_SAMPLES]
        self._lay_out()
        self.n_kept = max(ceil(plan.keep_s * rate_hz), int(self.windows[-1, :4].sum() * 2))
        self.n_seen = 0  # samples taken in so far
        self.timestamps_ns = np.zeros(self.n_kept, np.int64)
        self.frames = np.full(self.n_kept, -1, np.int64)
        self._allocate()
        self.set_leak(leak)

    def _lay_out(self) -> None:
        n_scales = len(self.n_core)
        self.windows = np.zeros((n_scales, pulse.N_WINDOWS), np.int64)
        self._shapes = np.zeros((pulse.N_SHAPE, n_scales, pulse.N_LANES), np.float32)
        self._shapes[pulse.QUANTUM, :, :N_CHANNELS] = CHANNEL_QUANTA
        left_max, right_max = (limit * self.rate_hz for limit in self.plan.shoulder_max_s)
        self._snapshot_every = max(1, round(0.025 * self.rate_hz))
        for scale, n_core in enumerate(self.n_core):
            n_left = max(CORE_MIN_SAMPLES, round(min(n_core / 2, left_max)))
            n_right = max(CORE_MIN_SAMPLES, round(min(n_core / 3, right_max)))
            n_trend = max(CORE_MIN_SAMPLES, n_left)
            self._shape_scale(scale, n_trend, n_left, n_core, n_right)
        self._settings = np.zeros(pulse.N_SETTINGS, np.float32)
        self._settings[pulse.SLOW_GAIN] = min(1.0, 1.0 / (self.plan.noise_s * self.rate_hz))
        self._settings[pulse.COUNT_MAX] = self.count_max = self.plan.noise_s * self.rate_hz
        self._settings[pulse.OPENING_MOST] = self.plan.opening_most
        self._settings[pulse.SNAPSHOT_EVERY] = self._snapshot_every
        self._rules = np.zeros(cluster.N_RULES, np.float32)
        self._rules[cluster.HOLD] = max(2, round(self.plan.hold_s * self.rate_hz))
        self._rules[cluster.REFRACTORY] = round(self.plan.refractory_s * self.rate_hz)
        self.open_from(np.inf)
        self.blinks_from(np.inf)

    def open_from(self, score: float) -> None:
        """Let candidates open above this score; infinite at first."""
        self._settings[pulse.OPEN_SCORE] = self._rules[cluster.OPEN_SCORE] = score

    def blinks_from(self, closure: float) -> None:
        """Let blinks open above this share of full closure; infinite at first."""
        self._settings[pulse.CLOSURE_MIN] = self._rules[cluster.CLOSURE_MIN] = closure

    def _shape_scale(self, scale: int, n_trend: int, n_left: int, n_core: int, n_right: int) -> None:
        from_left, from_right = (n_core + n_left) / 2, (n_core + n_right) / 2
        width_s = n_core / self.rate_hz
        lag_s = 1.5 * width_s + 0.1 + n_right / self.rate_hz
        # neper a second: as fast as the scale's own oscillation allows the quartile to be followed
        speed = min(max(2.0 / width_s, 5.0), 25.0) / self.rate_hz
        lag = ceil(lag_s * self.rate_hz / self._snapshot_every)
        self.windows[scale] = (n_trend, n_left, n_core, n_right, lag)
        shape = self._shapes[:, scale]
        shape[pulse.FROM_LEFT] = from_right / (from_left + from_right)
        shape[pulse.FROM_RIGHT] = from_left / (from_left + from_right)
        shape[pulse.HEIGHT] = shape[pulse.QUANTUM] / seen_of_arch(n_core)
        shape[pulse.INFLATE, :N_SIGNALS] = INFLATION * n_core
        shape[pulse.INFLATE, N_SIGNALS:] = np.inf
        shape[pulse.CLIP], shape[pulse.CLIP_SHARE] = CLIP, 1.0 / mean_of_clipped(CLIP)
        upper = [signal for signal in range(N_SIGNALS) if SIGNALS[signal].region in UPPER_FACE]
        shape[pulse.CLIP, upper] = self.plan.upper_clip
        shape[pulse.CLIP_SHARE, upper] = 1.0 / mean_of_clipped(self.plan.upper_clip)
        shape[pulse.QUICK_UP] = exp(0.25 * speed)
        shape[pulse.QUICK_DOWN] = exp(-0.75 * speed)

    def _allocate(self) -> None:
        n_scales, n_lanes = len(self.n_core), pulse.N_LANES
        n_flat = n_scales * n_lanes
        self._codes = np.full((2 * self.n_kept, n_lanes), LOST, np.int16)
        self.noise = np.zeros((pulse.N_NOISE, n_scales, n_lanes), np.float32)
        self.noise[pulse.VARIANCE] = FRESH_SIGMA_MIOD**2
        self.noise[pulse.QUICK] = FRESH_SIGMA_MIOD * pulse.QUARTILE
        self.noise[pulse.MOVED] = FRESH_MOVED
        n_snapshots = int(self.windows[:, pulse.LAG].max()) + 1
        snapshots = np.full((n_snapshots, n_flat), FRESH_SIGMA_MIOD * pulse.QUARTILE, np.float32)
        work = np.zeros((pulse.N_WORK, n_flat), np.float32)
        units = np.stack([common_leak(n_core / self.rate_hz) for n_core in self.n_core])
        self.work = work.reshape(pulse.N_WORK, n_scales, n_lanes)
        self._leak = np.zeros((pulse.N_LEAK, n_scales, n_lanes), np.float32)
        self._scanned = (
            *(self._codes, np.zeros((2, self.n_kept, n_lanes), np.int32), np.zeros(n_lanes, np.int32)),
            *(self.windows, self._shapes.reshape(pulse.N_SHAPE, n_flat), self._settings, units),
            *(
                self._leak.reshape(pulse.N_LEAK, n_flat),
                self.noise.reshape(pulse.N_NOISE, n_flat),
                snapshots,
                work,
            ),
        )
        self.limits = np.ones((cluster.N_LIMITS, N_SIGNALS), np.float32)
        self.limits[cluster.RISE_ALLOWED] = [signal.rise != "" for signal in SIGNALS]
        self.limits[cluster.FALL_ALLOWED] = [signal.fall != "" for signal in SIGNALS]
        self._delays = self.windows[:, pulse.N_RIGHT] + self.windows[:, pulse.N_CORE] // 2
        self._peaks = np.zeros((2, cluster.N_PEAKS, N_SIGNALS), np.float32)
        self._where = np.zeros((2, cluster.N_WHERE, N_SIGNALS), np.int64)
        self._state = np.zeros(cluster.N_STATE, np.int64)
        self._best = np.zeros(cluster.N_BEST, np.float32)
        self._open = False
        self._followed = (
            *(work[pulse.SCORE], work[pulse.RESPONSE], work[pulse.RETURNS], self._delays, self._rules),
            *(self.limits, self._peaks, self._where, self._state, self._best),
        )

    def set_leak(self, leak: NDArray[np.float32]) -> None:
        """Set what one sigma of each signal may be of a nuisance's travel; see `leak_table`."""
        for scale, n_core in enumerate(self.n_core):
            at_speed = leak.copy()
            lag = turn_lag(n_core / self.rate_hz)
            at_speed[pulse.TURN_LEAK] = np.maximum(leak[pulse.TURN_LEAK], lag)
            self._leak[:, scale, :N_SIGNALS] = at_speed * at_speed

    def push(self, row: NDArray[np.int16], timestamp_ns: int, frame: int) -> int:
        """Take in one sample's codes; `frame` is -1 for one that no camera delivered.

        Returns
        -------
        int
            0, `cluster.CUE_CLOSED`, `cluster.BLINK_CLOSED` or their sum.
        """
        slot = self.n_seen % self.n_kept
        self.timestamps_ns[slot] = timestamp_ns
        self.frames[slot] = frame
        sample, self.n_seen = self.n_seen, self.n_seen + 1
        if not pulse.scan(row, sample, *self._scanned) and not self._open:
            return 0
        outcome: int = cluster.follow(sample, *self._followed)
        self._open = outcome >= cluster.STILL_OPEN
        return outcome % cluster.STILL_OPEN

    @property
    def first_kept(self) -> int:
        """The oldest sample that the history still holds."""
        return max(0, self.n_seen - self.n_kept)

    def codes(self, first: int, last: int) -> NDArray[np.int16]:
        """Codes of the samples `first` to `last`, both included: a view [shape=(n, N_LANES)]."""
        start = first % self.n_kept
        return self._codes[start : start + last - first + 1]

    def window(self, first: int, last: int, channels: Sequence[int]) -> NDArray[np.float32]:
        """Some channels in their own units, NaN where lost: float32 [shape=(n, n_channels)]."""
        columns = np.asarray(channels)
        codes = self.codes(first, last)[:, columns]
        values: NDArray[np.float32] = codes * CHANNEL_QUANTA[columns]
        values[codes == LOST] = np.nan
        return values

    def channel(self, first: int, last: int, channel: int) -> NDArray[np.float32]:
        """One channel in its own unit, NaN where lost: float32 [shape=(n,)], C-contiguous."""
        codes = self.codes(first, last)[:, channel]
        values: NDArray[np.float32] = codes * CHANNEL_QUANTA[channel]
        values[codes == LOST] = np.nan
        return values

    def candidate(self) -> Candidate:
        """The cluster that has just closed."""
        return Candidate(
            lead=int(self._state[cluster.BEST_CHANNEL]),
            scale=int(self._state[cluster.BEST_SCALE]),
            sample=int(self._state[cluster.BEST_SAMPLE]),
            scores=self._peaks[0, cluster.PEAK_SCORE].copy(),
            responses=self._peaks[0, cluster.PEAK_RESPONSE].copy(),
            scales=self._where[0, cluster.PEAK_SCALE].copy(),
            samples=self._where[0, cluster.PEAK_SAMPLE].copy(),
        )

    def response(self) -> float:
        """The strongest response of the cluster that has just closed, miod, signed."""
        return float(self._peaks[0, cluster.PEAK_RESPONSE, self._state[cluster.BEST_CHANNEL]])

    def blink(self) -> tuple[int, int, float]:
        """Scale, sample and height (0 to 1) of the blink that has just closed."""
        scale, sample = int(self._state[cluster.BLINK_SCALE]), int(self._state[cluster.BLINK_SAMPLE])
        return scale, sample, float(self._best[cluster.BLINK_HEIGHT])

    def close_open(self) -> int:
        """Close what is still open, as at the end of a recording; the same flags as `push`."""
        closed = cluster.CUE_CLOSED * int(self._state[cluster.OPEN])
        closed += cluster.BLINK_CLOSED * int(self._state[cluster.BLINK_OPEN])
        self._state[[cluster.OPEN, cluster.BLINK_OPEN]] = 0
        self._open = False
        return closed

    def centre(self, scale: int, sample: int) -> int:
        """The middle of the core of the window whose newest sample is `sample`."""
        return sample - int(self._delays[scale])

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
        return np.sqrt(self.noise[pulse.VARIANCE, scale, :N_SIGNALS])


def seen_of_arch(n_core: int) -> float:
    """What the triangular mean sees of a raised cosine of height 1 and of its own width."""
    half = (n_core + 1) // 2
    other = n_core + 1 - half
    triangle = np.convolve(np.full(half, 1.0 / half), np.full(other, 1.0 / other))
    return float(triangle @ np.sin(np.pi * (np.arange(n_core) + 0.5) / n_core) ** 2)


def mean_of_clipped(limit: float) -> float:
    """What is left of a Gaussian's variance of 1 where squares count up to a limit."""
    z = sqrt(limit)
    inside = erf(z / sqrt(2.0))
    return inside - 2.0 * z * exp(-0.5 * limit) / sqrt(2.0 * pi) + limit * (1.0 - inside)


def nuisance(name: str) -> int:
    """Column of an auxiliary channel in a history row."""
    return N_SIGNALS + AUX_NAMES.index(name)
