"""One question of practice: what moves in a clip, if anything, and where the right answer lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# one region has one answer: each of these is seen apart from the others
MOVEMENTS = {
    "brow": ("inner_brow_raise", "brow_lower"),
    "nose": ("nose_wrinkle",),
    "mouth": ("lip_corner_pull", "lip_corner_depress"),
    "chin": ("chin_raise",),
}
REGIONS = tuple(MOVEMENTS)
# of the picture, as it is looked at; the person's own right is at the picture's left
SIDES = ("left", "right", "both")
_OWN_SIDE = {"left": "right", "right": "left", "both": "both"}
CHANCE_REGION, CHANCE_SIDE = 1 / len(REGIONS), 1 / len(SIDES)
# the upper limits of the published definitions, 1/2 s, 1/5 s and 1/15 s (docs/cues.md), and one between
DURATIONS_MS = (500.0, 200.0, 100.0, 67.0)
STILL_SHARE = 1 / 3
_ONSET_S = (0.4, 1.0)


@dataclass(frozen=True, slots=True)
class Trial:
    """What is shown.

    Attributes
    ----------
    region, side, movement : str
        Empty where nothing moves; `side` is the picture's.
    amplitude_miod, duration_ms : float
        0 and the band's, where nothing moves.
    onset_s : float
        Since the clip's first frame.
    seed : int
        Of the head's sway and the noise.
    """

    region: str
    side: str
    movement: str
    amplitude_miod: float
    duration_ms: float
    onset_s: float
    seed: int

    @property
    def is_still(self) -> bool:
        """Whether nothing moves but the head."""
        return not self.movement

    @property
    def own_side(self) -> str:
        """The person's own side."""
        return _OWN_SIDE.get(self.side, "")


def draw_trial(amplitude_miod: float, duration_ms: float, rng: np.random.Generator) -> Trial:
    """A question of that difficulty; one in three is still.

    Parameters
    ----------
    amplitude_miod : float
        At the apex.
    duration_ms : float
        Onset to offset.
    rng : numpy Generator
    """
    onset_s = round(float(rng.uniform(*_ONSET_S)), 3)
    seed = int(rng.integers(2**31))
    if rng.random() < STILL_SHARE:
        return Trial("", "", "", 0.0, duration_ms, onset_s, seed)
    region = REGIONS[rng.integers(len(REGIONS))]
    movement = MOVEMENTS[region][rng.integers(len(MOVEMENTS[region]))]
    side = SIDES[rng.integers(len(SIDES))]
    return Trial(region, side, movement, amplitude_miod, duration_ms, onset_s, seed)
