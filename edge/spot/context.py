"""What else went on while something moved: head, light, lids, speech."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import SIGNAL_NAMES
from edge.kernels import flanks
from edge.messages import Blink, Lighting
from edge.spot.bank import PulseBank, nuisance

CLOSURES = [nuisance("closure_right"), nuisance("closure_left")]
_SHIFTS = [nuisance("head_x_miod"), nuisance("head_y_miod")]
# A rotation axis one inter-ocular distance behind the eyes turns a milliradian into a miod.
_TURNS = [nuisance("yaw_mrad"), nuisance("pitch_mrad"), nuisance("roll_mrad")]
_LIGHT = nuisance("light_levels")
_SPEAKING = tuple(
    (SIGNAL_NAMES.index(f"{stem}_right"), SIGNAL_NAMES.index(f"{stem}_left"))
    for stem in ("lower_lip", "chin", "upper_lip")
)

BLINK_GUARD_NS = 100_000_000
LIDS_SHARE = 0.35
SPEECH_WINDOW_S = 1.2
SPEECH_REVERSALS = 3  # in the window; one brief movement turns round once, a double one thrice
SPEECH_SWING_MIOD = 4.0
SPEECH_SWING_SIGMA, SPEECH_SWING_MAX_MIOD = 6.0, 12.0  # speech itself counts as noise in time
LIGHT_LOW_LEVELS = 40.0
LIGHT_STEP = 0.02
LIGHT_FLICKER = 0.004


def head_motion_miod_s(bank: PulseBank, first: int, last: int) -> float:
    """Mean speed of the head over some samples: shift and turn together; 0 where unknown."""
    lag = max(1, round(0.05 * bank.rate_hz))
    path = bank.window(max(first - lag, bank.first_kept), last, _SHIFTS + _TURNS)
    if len(path) <= lag:
        return 0.0
    travelled = np.sqrt(((path[lag:] - path[:-lag]) ** 2).sum(axis=1))
    known = travelled[~np.isnan(travelled)]
    return float(known.mean()) * bank.rate_hz / lag if len(known) else 0.0


def lighting(bank: PulseBank, first: int, last: int) -> Lighting:
    """The worst that can be said of the light over some samples and the 0.2 s before them."""
    begin = max(first - round(0.2 * bank.rate_hz), bank.first_kept)
    levels = bank.channel(begin, last, _LIGHT).astype(np.float64)
    levels = levels[~np.isnan(levels)]
    if len(levels) < 6:
        return "ok"
    mean = max(float(levels.mean()), 1e-3)
    third = len(levels) // 3
    bend = levels[2:] - 2.0 * levels[1:-1] + levels[:-2]
    flicker = float(np.sqrt(np.mean(bend**2) / 6.0)) / mean
    if abs(float(levels[-third:].mean() - levels[:third].mean())) > LIGHT_STEP * mean:
        return "changing"
    if flicker > LIGHT_FLICKER:
        return "flicker"
    return "low" if mean < LIGHT_LOW_LEVELS else "ok"


def closure(bank: PulseBank, first: int, last: int) -> NDArray[np.float32]:
    """Mean closure of the eyes that are tracked, for each sample; NaN where neither is."""
    right, left = (bank.channel(first, last, eye) for eye in CLOSURES)
    mean = np.float32(0.5) * (right + left)
    mean = np.where(np.isnan(mean), right, mean)
    return np.where(np.isnan(mean), left, mean).astype(np.float32)


def during_blink(
    bank: PulseBank,
    blinks: Iterable[Blink],
    onset_ns: int,
    offset_ns: int,
    first: int,
    last: int,
    height: float,
) -> bool:
    """Whether the lids closed within a tenth of a second of a movement, finished or not.

    `height` is the closure that counts as a blink; a third of it over the resting lids is enough,
    for a half blink pulls the cheeks along too, and a blink may not have ended yet.
    """
    if any(
        blink.onset_ns < offset_ns + BLINK_GUARD_NS and blink.offset_ns > onset_ns - BLINK_GUARD_NS
        for blink in blinks
    ):
        return True
    guard = round(BLINK_GUARD_NS * 1e-9 * bank.rate_hz)
    kept = closure(bank, bank.first_kept, bank.n_seen - 1)
    begin = max(first - guard - bank.first_kept, 0)
    end = min(last + guard, bank.n_seen - 1) - bank.first_kept
    near, known = kept[begin : end + 1], kept[~np.isnan(kept)]
    near = near[~np.isnan(near)]
    if len(near) == 0:
        return False
    return bool(near.max() - np.quantile(known, 0.25) > LIDS_SHARE * height)


def speech_active(bank: PulseBank, first: int, last: int) -> bool:
    """Whether lips or jaw went to and fro within some samples and the second before them."""
    begin = max(min(first, last - round(SPEECH_WINDOW_S * bank.rate_hz)), bank.first_kept)
    noise = bank.noise_miod(0)
    for right, left in _SPEAKING:
        swing = SPEECH_SWING_SIGMA * float(max(noise[right], noise[left]))
        swing = min(max(swing, SPEECH_SWING_MIOD), SPEECH_SWING_MAX_MIOD)
        values = np.float32(0.5) * (bank.channel(begin, last, right) + bank.channel(begin, last, left))
        if flanks.count_reversals(values, np.float32(swing)) >= SPEECH_REVERSALS:
            return True
    return False
