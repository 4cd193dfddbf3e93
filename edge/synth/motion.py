"""How far along each happening is at a time: profiles, syllables, sway, heartbeat. All closed form.

Every function takes any time, so that a frame never depends on the frames before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.synth.gaze import LID_SHARE, gaze_miod
from edge.synth.plan import Happening, Plan, SceneSettings

_N_SWAY_WAVES = 9
_SWAY_LOWEST_HZ = 0.04
# speech: syllables come at 3-6 a second (docs/synthesis.md)
_SYLLABLE_HZ = (3.0, 6.0)
_MOUTH_OPENS_S = 0.12
# the lower lid comes up a little as the upper one comes down
_LOWER_LID_MIOD = 12.0
# a camera on a thin arm or a monitor: rings at 8-15 Hz, mostly up and down
_KNOCK_HZ = (8.0, 15.0)
_KNOCK_DECAY = 3.0


def profile(t_s: float, happening: Happening) -> float:
    """Raised cosine up, hold, raised cosine down: 0 at onset and offset, 1 at the apex."""
    s = (t_s - happening.onset_s) / happening.duration_s
    if not 0.0 < s < 1.0:
        return 0.0
    rise, hold = happening.rise_fraction, happening.hold_fraction
    fall = 1.0 - rise - hold
    if s < rise:
        return 0.5 - 0.5 * math.cos(math.pi * s / rise)
    if s <= rise + hold:
        return 1.0
    return 0.5 + 0.5 * math.cos(math.pi * (s - rise - hold) / fall) if fall > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Speech:
    """One burst of speech as syllables of jaw and lip motion.

    `pulses` has a row per syllable: onset_s, duration_s, jaw, lower lip, and mouth corners
    (outward), the last three as shares of the burst's amplitude. `floor` is the share of it at which
    the jaw stays between syllables: it opens before the first one and shuts after the last.
    """

    amplitude_miod: float
    pulses: NDArray[np.float64]
    floor: float = 0.0

    @classmethod
    def draw(cls, happening: Happening, rng: np.random.Generator, floor: float = 0.0) -> Speech:
        """Draw the syllables of one happening; the same generator state gives the same speech."""
        rows = []
        onset_s = happening.onset_s
        while onset_s < happening.offset_s - 0.1:
            duration_s = min(1.0 / rng.uniform(*_SYLLABLE_HZ), happening.offset_s - onset_s)
            jaw = rng.uniform(0.35, 1.0)
            rows.append((onset_s, duration_s, jaw, rng.uniform(0.2, 0.6), rng.uniform(-0.35, 0.35)))
            # syllables run into each other; now and then there is a short pause
            onset_s += duration_s * rng.uniform(0.75, 0.95) + (0.15 if rng.random() < 0.1 else 0.0)
        return cls(happening.amplitude, np.array(rows, np.float64).reshape(-1, 5), floor)

    def amplitudes(self, t_s: float) -> tuple[float, float, float]:
        """Jaw drop, lips parted and mouth corners out at a time, miod."""
        s = (t_s - self.pulses[:, 0]) / self.pulses[:, 1]
        height = np.where((s > 0) & (s < 1), 0.5 - 0.5 * np.cos(2 * math.pi * s), 0.0)
        jaw, lips, corners = self.amplitude_miod * (height @ self.pulses[:, 2:])
        if self.floor > 0:
            jaw = (1 - self.floor) * jaw + self.floor * self.amplitude_miod * self._opened(t_s)
        return float(jaw), float(lips), float(corners)

    def _opened(self, t_s: float) -> float:
        """How far the mouth has opened to speak: 0 before and after the burst, 1 within."""
        if not len(self.pulses):
            return 0.0
        start_s, end_s = self.pulses[0, 0], self.pulses[-1, 0] + self.pulses[-1, 1]
        share = min((t_s - start_s) / _MOUTH_OPENS_S, (end_s - t_s) / _MOUTH_OPENS_S, 1.0)
        return 0.5 - 0.5 * math.cos(math.pi * max(share, 0.0))


@dataclass(frozen=True, slots=True)
class Sway:
    """Smooth random motion of the head in six axes: a sum of seeded sines, slower ones larger.

    `waves` [shape=(6, n_waves, 3)]: amplitude, angular frequency (rad/s), phase, for shift x, y,
    z (miod) and yaw, pitch, roll (degrees).
    """

    waves: NDArray[np.float64]
    pulse_miod: float
    pulse_hz: float

    @classmethod
    def draw(cls, settings: SceneSettings, rng: np.random.Generator) -> Sway:
        # depth and the two smaller turns move less than x, y and yaw in people who sit
        spread = np.r_[
            np.array([1.0, 0.8, 0.7]) * settings.sway_miod, np.array([1.0, 0.7, 0.6]) * settings.turn_sway_deg
        ]
        low, high = _SWAY_LOWEST_HZ, max(settings.sway_hz, 2 * _SWAY_LOWEST_HZ)
        edges = np.geomspace(low, high, _N_SWAY_WAVES + 1)
        frequency_hz = rng.uniform(edges[:-1], edges[1:], (6, _N_SWAY_WAVES))
        height = rng.uniform(0.6, 1.4, (6, _N_SWAY_WAVES)) / frequency_hz
        height *= spread[:, None] / np.sqrt(0.5 * (height**2).sum(axis=1, keepdims=True))
        phase = rng.uniform(0, 2 * math.pi, (6, _N_SWAY_WAVES))
        waves = np.stack([height, 2 * math.pi * frequency_hz, phase], axis=2)
        return cls(waves, settings.pulse_miod, settings.pulse_hz)

    def at(self, t_s: float) -> NDArray[np.float64]:
        """Shift x, y, z (miod) and yaw, pitch, roll (degrees) at a time [shape=(6,)]."""
        height, speed, phase = self.waves[..., 0], self.waves[..., 1], self.waves[..., 2]
        out: NDArray[np.float64] = (height * np.sin(speed * t_s + phase)).sum(axis=1)
        beat = 2 * math.pi * self.pulse_hz * t_s
        # a heartbeat lifts the head mostly upwards, with an overtone: not a pure sine
        out[1] -= self.pulse_miod * (math.sin(beat) + 0.3 * math.sin(2 * beat + 0.7)) / 1.2
        return out


@dataclass(frozen=True, slots=True)
class Knock:
    """A camera that was hit: a swing that dies away within the happening's duration."""

    happening: Happening
    hz: float
    direction: tuple[float, float]

    @classmethod
    def draw(cls, happening: Happening, rng: np.random.Generator) -> Knock:
        """Draw rate and direction; the same generator state gives the same knock."""
        angle = rng.uniform(-0.6, 0.6) + (math.pi if rng.random() < 0.5 else 0.0)
        return cls(happening, rng.uniform(*_KNOCK_HZ), (math.sin(angle), math.cos(angle)))

    def at(self, t_s: float) -> tuple[float, float]:
        """Shift of the picture at a time, x and y, miod; the first swing is about the amplitude."""
        h = self.happening
        s = (t_s - h.onset_s) / h.duration_s
        if not 0.0 < s < 1.0:
            return 0.0, 0.0
        first_s = 0.25 / self.hz / h.duration_s
        height = math.exp(-_KNOCK_DECAY * (s - first_s)) * math.cos(0.5 * math.pi * s) ** 2
        swing = h.amplitude * height * math.sin(2 * math.pi * self.hz * (t_s - h.onset_s))
        return swing * self.direction[0], swing * self.direction[1]


class Script:
    """What moves in the face at any time, from a plan.

    Attributes
    ----------
    moved_from_s, moved_to_s : float64 [shape=(n,)], s
        When something in the face or its lids moves; outside these, nothing does.
    """

    def __init__(self, plan: Plan) -> None:
        by_event: dict[str, list[Happening]] = {}
        for happening in plan.happenings:
            by_event.setdefault(happening.event, []).append(happening)
        self._movements = by_event.get("movement", [])
        self._blinks = by_event.get("blink", [])
        self._looks = by_event.get("gaze", []), by_event.get("gaze_up", [])
        rng = np.random.default_rng([plan.settings.seed, 7])
        self._speech = [Speech.draw(h, rng, plan.settings.speech_floor) for h in by_event.get("speech", [])]
        self._leak_miod = plan.settings.blink_leak_miod
        moving = [*self._movements, *self._blinks, *by_event.get("speech", [])]
        self.moved_from_s = np.array([h.onset_s for h in moving])
        self.moved_to_s = np.array([h.offset_s for h in moving])

    def closure(self, t_s: float, side: str) -> float:
        """How far one eye is shut: 0 open, 1 shut."""
        shut = (h.amplitude * profile(t_s, h) for h in self._blinks if h.side in (side, "both"))
        return max(shut, default=0.0)

    def gaze(self, t_s: float) -> tuple[float, float]:
        """How far the irises are to the picture's right and up, miod."""
        return gaze_miod(t_s, self._looks[0]), gaze_miod(t_s, self._looks[1])

    def amplitudes(self, t_s: float) -> dict[tuple[str, str], float]:
        """What moves at a time: (movement, side) to miod."""
        out: dict[tuple[str, str], float] = {}

        def add(movement: str, side: str, amplitude_miod: float) -> None:
            if amplitude_miod != 0.0:
                out[movement, side] = out.get((movement, side), 0.0) + amplitude_miod

        for h in self._movements:
            add(h.movement, h.side, h.amplitude * profile(t_s, h))
        for speech in self._speech:
            jaw, lips, corners = speech.amplitudes(t_s)
            add("jaw_drop", "both", jaw)
            add("lips_part", "both", lips)
            add("lip_stretch", "both", corners)
        add("upper_lid_raise", "both", LID_SHARE * max(self.gaze(t_s)[1], 0.0))
        for side in ("right", "left"):
            shut = self.closure(t_s, side)
            add("lid_tighten", side, shut * _LOWER_LID_MIOD)
            add("inner_brow_raise", side, -shut * self._leak_miod)
            add("cheek_raise", side, shut * self._leak_miod)
        return out
