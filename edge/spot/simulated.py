"""A face made of numbers: the spotter's stand-in for camera and tracker.

Quiet signals as the tracker leaves them, with movements, blinks, speech, turns, steps, lost
patches and missing frames added where they are wanted. Figures are those measured on real
clips: frame noise 0.2-0.7 miod, slow residue of 5-20 miod, heartbeat at about 1 Hz.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import CHANNEL_NAMES, CHANNEL_QUANTA, LOST, N_SIGNALS, SIGNALS
from edge.messages import Trace

_NO_POINTS = np.zeros((0, 2), np.int16)


def arch(
    time_s: NDArray[np.float64], onset_s: float, duration_s: float, rise: float = 0.5
) -> NDArray[np.float64]:
    """A raised cosine from 0 to 1 to 0; `rise` is the share of the duration before the apex."""
    phase = (time_s - onset_s) / duration_s
    warped = np.where(phase < rise, 0.5 * phase / rise, 0.5 + 0.5 * (phase - rise) / (1.0 - rise))
    return np.where((phase > 0.0) & (phase < 1.0), np.sin(np.pi * warped) ** 2, 0.0)


class SimulatedFace:
    """Channel values over time, to be added to.

    Parameters
    ----------
    duration_s, fps : float
    seed : int
    noise_miod : float
        White noise of each signal in each frame, standard deviation.
    shared_noise_miod : float
        White noise that all signals share with random sign and size, as an error of pose does.
    sway_miod : float
        Slow residue of head sway: two sinusoids of 0.2-0.6 Hz and a random walk, of about
        this range.
    heartbeat_miod : float
    """

    def __init__(
        self,
        duration_s: float,
        fps: float = 120.0,
        seed: int = 0,
        noise_miod: float = 0.5,
        shared_noise_miod: float = 0.2,
        sway_miod: float = 8.0,
        heartbeat_miod: float = 0.3,
    ) -> None:
        self.fps = fps
        self.rng = np.random.default_rng(seed)
        n_frames = round(duration_s * fps)
        self.time_s = np.arange(n_frames) / fps
        self.timestamps_ns = np.round(self.time_s * 1e9).astype(np.int64)
        self.values = np.zeros((n_frames, len(CHANNEL_NAMES)))
        self._add_quiet(noise_miod, shared_noise_miod, sway_miod, heartbeat_miod)
        for name, level, sigma in (
            ("closure_right", 0.05, 0.01),
            ("closure_left", 0.05, 0.01),
            ("light_levels", 120.0, 0.05),
            ("quality", 1.0, 0.0),
        ):
            self.values[:, CHANNEL_NAMES.index(name)] = level + sigma * self.rng.normal(size=n_frames)

    def _add_quiet(self, noise: float, shared: float, sway: float, heartbeat: float) -> None:
        rng, n_frames = self.rng, len(self.time_s)
        signals = self.values[:, :N_SIGNALS]
        signals += noise * rng.normal(size=signals.shape)
        signals += shared * rng.normal(size=(n_frames, 1)) * rng.normal(size=N_SIGNALS)
        for _ in range(2):
            turn = np.sin(2 * np.pi * (rng.uniform(0.2, 0.6) * self.time_s + rng.uniform()))
            signals += 0.2 * sway * turn[:, None] * rng.normal(size=N_SIGNALS)
            for name in ("yaw_mrad", "pitch_mrad", "head_x_miod"):
                self.values[:, CHANNEL_NAMES.index(name)] += 5.0 * sway * rng.normal() * turn
        # a walk that forgets in about 10 s stays within the sway's range
        keep = np.exp(-1.0 / (10.0 * self.fps))
        walk = np.zeros(N_SIGNALS)
        steps = rng.normal(size=(n_frames, N_SIGNALS)) * 0.1 * sway * np.sqrt(1.0 - keep**2)
        for frame in range(n_frames):
            walk = keep * walk + steps[frame]
            signals[frame] += walk
        rate_hz = rng.uniform(0.9, 1.3)
        beat = np.sin(2 * np.pi * rate_hz * self.time_s) + 0.5 * np.sin(4 * np.pi * rate_hz * self.time_s)
        signals += heartbeat * beat[:, None] * rng.normal(size=N_SIGNALS)

    def add_coloured_noise(self, sigma_miod: float, cutoff_hz: float) -> None:
        """Noise that a tracker has smoothed: each signal through a first-order low-pass filter."""
        keep = float(np.exp(-2.0 * np.pi * cutoff_hz / self.fps))
        steps = sigma_miod * np.sqrt(1.0 - keep**2) * self.rng.normal(size=(len(self.time_s), N_SIGNALS))
        level = sigma_miod * self.rng.normal(size=N_SIGNALS)
        for frame, step in enumerate(steps):
            level = keep * level + step
            self.values[frame, :N_SIGNALS] += level

    def add(self, name: str, values: NDArray[np.float64]) -> None:
        """Add a curve [shape=(n_frames,)] to a channel, in the channel's unit."""
        self.values[:, CHANNEL_NAMES.index(name)] += values

    def add_movement(
        self,
        names: tuple[str, ...],
        onset_s: float,
        duration_s: float,
        amplitude_miod: float,
        rise: float = 0.5,
    ) -> None:
        """The same raised cosine on some signals."""
        for name in names:
            self.add(name, amplitude_miod * arch(self.time_s, onset_s, duration_s, rise))

    def add_blink(self, onset_s: float, closing_s: float = 0.07, opening_s: float = 0.12) -> None:
        """Both lids, with what they drag along (lids 90 and 40, inner brow and cheek 5 miod)."""
        duration_s = closing_s + opening_s
        curve = arch(self.time_s, onset_s, duration_s, closing_s / duration_s)
        dragged = {"upper_lid": -90.0, "lower_lid": 40.0, "cheek": 5.0, "inner_brow": -5.0}
        for side in ("right", "left"):
            self.add(f"closure_{side}", 0.85 * curve)
            for stem, miod in dragged.items():
                self.add(f"{stem}_{side}", miod * curve)

    def add_speech(self, onset_s: float, offset_s: float, amplitude_miod: float = 60.0) -> None:
        """Lips and jaw at 3-6 Hz, each syllable of its own size."""
        at_s = onset_s
        while at_s < offset_s:
            duration_s = 1.0 / self.rng.uniform(3.0, 6.0)
            size = amplitude_miod * self.rng.uniform(0.4, 1.0)
            for stem, share in (
                ("lower_lip", 1.0),
                ("chin", -0.9),
                ("upper_lip", 0.2),
                ("mouth_corner_out", -0.3),
            ):
                self.add_movement((f"{stem}_right", f"{stem}_left"), at_s, duration_s, share * size)
            at_s += duration_s * self.rng.uniform(0.8, 1.1)

    def add_step(
        self, names: tuple[str, ...], at_s: float, amplitude_miod: float, over_s: float = 0.05
    ) -> None:
        """A change that stays."""
        ramp = np.clip((self.time_s - at_s) / over_s, 0.0, 1.0)
        for name in names:
            self.add(name, amplitude_miod * ramp)

    def add_turn(self, onset_s: float, duration_s: float, angle_mrad: float, residue: float = 0.02) -> None:
        """The head turns and stays; what the pose leaves grows and shrinks with the angle."""
        angle = (
            angle_mrad * np.sin(0.5 * np.pi * np.clip((self.time_s - onset_s) / duration_s, 0.0, 1.0)) ** 2
        )
        self.add("yaw_mrad", angle)
        self.add("head_x_miod", 0.8 * angle)
        for signal in SIGNALS:
            self.add(signal.name, residue * self.rng.normal() * angle)

    def lose(self, names: tuple[str, ...], onset_s: float, offset_s: float) -> None:
        """NaN for a while."""
        lost = (self.time_s >= onset_s) & (self.time_s < offset_s)
        for name in names:
            self.values[lost, CHANNEL_NAMES.index(name)] = np.nan

    def drop_frames(self, share: float, run: int = 1) -> None:
        """Take out a share of the frames, `run` at a time; their timestamps go with them."""
        n_frames = len(self.time_s)
        starts = np.flatnonzero(self.rng.random(n_frames) < share / run)
        gone = np.unique(np.concatenate([starts + k for k in range(run)])) if len(starts) else starts
        kept = np.setdiff1d(np.arange(n_frames), gone)
        self.time_s, self.timestamps_ns = self.time_s[kept], self.timestamps_ns[kept]
        self.values = self.values[kept]

    def codes(self) -> NDArray[np.int16]:
        """int16 [shape=(n_frames, N_CHANNELS)]"""
        scaled = np.clip(np.round(self.values / CHANNEL_QUANTA), -32767, 32767)
        return np.where(np.isnan(scaled), LOST, scaled).astype(np.int16)

    def traces(self, face: int = 0) -> Iterator[Trace]:
        """Frame by frame, as the tracker would deliver them."""
        for sequence, (row, timestamp_ns) in enumerate(
            zip(self.codes(), self.timestamps_ns.tolist(), strict=True)
        ):
            yield Trace(face, sequence, timestamp_ns, row, _NO_POINTS)
