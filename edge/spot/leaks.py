"""How much of a blink, a head movement or a change of light may show up in each signal.

Figures are one sigma of the leak per unit of the nuisance's travel within the window, so a
movement has to exceed the threshold's number of them. A pulse of height one travels 1.5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import N_SIGNALS, SIGNALS
from edge.kernels import pulse

# Measured residue of a 15 degree (262 mrad) turn under a rigid pose whose depth is 20 % wrong:
# 3.6 miod at the brow, 7.3 at the mouth corner, 13 at the lip (docs: head motion). At a
# threshold of about six sigma a sixth of that ratio, with a margin of 1.5, is one sigma.
_TURN = {"brow": 0.0035, "eyes": 0.0035, "nose": 0.006, "cheek": 0.006, "mouth": 0.010, "jaw": 0.012}
_SHIFT = 0.002  # of a shift in the picture, per miod: what the patch tracker lags
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
_LIGHT = 0.1  # per grey level: gain and mean are removed per patch, shadows are not

# What leaks into all signals alike, per unit, in the order of the kernel's lanes from HEAD_X on.
COMMON_UNITS = np.array([_SHIFT, _SHIFT, _SCALE, _LIGHT], np.float32)


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
