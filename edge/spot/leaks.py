"""How much of a blink, a head movement or a change of light may show up in each signal.

Figures are one sigma of the leak per unit of the nuisance's travel within the window, so a
movement has to exceed the threshold's number of them. A pulse of height one travels 1.5.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import N_SIGNALS, SIGNALS
from edge.kernels import pulse

# Measured residue of a 15 degree (262 mrad) turn under a rigid pose whose depth is 20 % wrong:
# 3.6 miod at the brow, 7.3 at the mouth corner, 13 at the lip (docs: head motion). At a
# threshold of about six sigma a sixth of that ratio, with a margin of 1.5, is one sigma.
_TURN = {"brow": 0.0035, "eyes": 0.0035, "nose": 0.006, "cheek": 0.006, "mouth": 0.010, "jaw": 0.012}
# What a shift in the picture leaves, per miod: in the long run, and at speed. A knock at the camera
# of 780 miod/s left up to 6 miod; a lag of 1.5 ms makes that four sigma.
_SHIFT = 0.002
_SHIFT_LAG_S = 0.0015
_SCALE = 0.003  # per permille of size
# A blink moves upper lids 60-125 miod, lower lids 28-63, inner brow and cheek 3.5-10 (measured
# on subtle-expression clips), and the tracker's closure then rises by about 0.65, a travel of
# one: a fifth to a seventh of the upper end; lids masked outright.
_BLINK = {
    "upper_lid": 40.0,
    "lower_lid": 15.0,
    "cheek": 2.2,
    "inner_brow": 1.5,
    "brow_inward": 1.5,
    "outer_brow": 1.2,
    "nose_wing": 1.4,
}
N_BLINKS_KEPT, N_BLINKS_PRIOR = 15, 3
TRAVEL_OF_PULSE = 1.5  # of its height: up to the core and down from it, each three quarters
# One sigma is this share of what the person's blinks usually leave: at a threshold of five, a blink
# must leave half as much again as usual to pass.
SIGMA_OF_USUAL = 0.3
_IS_LID = np.array([signal.region == "eyes" for signal in SIGNALS])
_LIGHT = 0.1  # per grey level: gain and mean are removed per patch, shadows are not


def common_leak(width_s: float) -> NDArray[np.float32]:
    """What leaks into all signals alike within a window of that width: float32 [shape=(4,)].

    Miod per unit, in the order of the kernel's lanes from HEAD_X to LIGHT.
    """
    shift = max(_SHIFT, _SHIFT_LAG_S / width_s)
    return np.array([shift, shift, _SCALE, _LIGHT], np.float32)


def turn_lag(width_s: float) -> float:
    """What a turn leaves at speed in all signals alike, miod per mrad within a window of that width."""
    return _SHIFT_LAG_S / width_s


def leak_table() -> NDArray[np.float32]:
    """What `pulse.score_responses` starts with: float32 [shape=(N_LEAK, N_SIGNALS)].

    TURN_LEAK in miod/mrad, CLOSURE_LEAK in miod per closure, COMMON_LEAK 1.
    """
    table = np.ones((pulse.N_LEAK, N_SIGNALS), np.float32)
    for column, signal in enumerate(SIGNALS):
        stem, _, _ = signal.name.rpartition("_")
        table[pulse.TURN_LEAK, column] = _TURN[signal.region]
        table[pulse.CLOSURE_LEAK, column] = _BLINK.get(stem, 0.0)
    return table


class BlinkLeak:
    """What this person's blinks pull along, learned blink by blink from the table's guess.

    A movement that comes with only some blinks is not learned away: the median of the last
    blinks' signed shares stays where it was. Lids keep the table's figures: they are the blink.
    """

    def __init__(self) -> None:
        self.table = leak_table()
        self._prior = self.table[pulse.CLOSURE_LEAK].copy()
        self._shares: deque[NDArray[np.float32]] = deque(maxlen=N_BLINKS_KEPT)

    def learn(self, values: NDArray[np.float32], height: float) -> None:
        """Take in one blink.

        Parameters
        ----------
        values : float32 [shape=(n_samples, N_SIGNALS)], miod, NaN where lost
            All signals from a little before its onset to a little after its offset.
        height : float in [0, 1]
            How far the lids came down.
        """
        line = np.linspace(0.0, 1.0, len(values), dtype=np.float32)[:, None]
        stood_off = values - values[0] - line * (values[-1] - values[0])
        furthest = np.nanargmax(np.abs(np.nan_to_num(stood_off)), axis=0)
        peak = np.take_along_axis(stood_off, furthest[None], axis=0)[0]
        self._shares.append(np.nan_to_num(peak / np.float32(TRAVEL_OF_PULSE * height)))
        n_blinks = len(self._shares)
        usual = np.abs(np.median(np.stack(self._shares), axis=0))
        share = n_blinks / (n_blinks + N_BLINKS_PRIOR)
        learned = (1.0 - share) * self._prior + share * SIGMA_OF_USUAL * usual
        self.table[pulse.CLOSURE_LEAK] = np.where(_IS_LID, self._prior, learned)
