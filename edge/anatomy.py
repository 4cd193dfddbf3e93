"""What is measured on a face: the order of every signal, and the plain words for it.

One table, read by the tracker (which points move a signal), the spotter (what a rise or a
fall of it is called) and the log (column order). Sides are the person's own. FACS numbers
(Ekman, Friesen & Hager 2002) stand in `ACTION_UNITS` for the documentation; no emotion is
named anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REGIONS = ("brow", "eyes", "nose", "cheek", "mouth", "jaw")

ACTION_UNITS = {
    "inner_brow_raise": 1,
    "outer_brow_raise": 2,
    "brow_lower": 4,
    "upper_lid_raise": 5,
    "cheek_raise": 6,
    "lid_tighten": 7,
    "nose_wrinkle": 9,
    "upper_lip_raise": 10,
    "lip_corner_pull": 12,
    "dimple": 14,
    "lip_corner_depress": 15,
    "chin_raise": 17,
    "lip_stretch": 20,
    "lip_tighten": 23,
    "lip_press": 24,
    "lips_part": 25,
    "jaw_drop": 26,
}


@dataclass(frozen=True, slots=True)
class Signal:
    """One movement signal: a weighted mean of landmark displacements along one direction.

    `landmarks` are indices of the 468-point mesh; `direction` is (x, y) in the upright face
    as the camera sees it (x to the picture's right, y down). `rise` and `fall` name the
    movement that makes the signal go up or down; an empty name is never a cue by itself.
    """

    name: str
    region: str
    side: str
    landmarks: tuple[int, ...]
    direction: tuple[float, float]
    rise: str
    fall: str


_UP, _DOWN = (0.0, -1.0), (0.0, 1.0)
_PICTURE_LEFT, _PICTURE_RIGHT = (-1.0, 0.0), (1.0, 0.0)

# (stem, region, right landmarks, left landmarks, right direction, left direction, rise, fall);
# the person's right is at the picture's left
_PAIRS = (
    ("inner_brow", "brow", (107, 55, 66), (336, 285, 296), _UP, _UP, "inner_brow_raise", "brow_lower"),
    ("outer_brow", "brow", (105, 63, 70), (334, 293, 300), _UP, _UP, "outer_brow_raise", "brow_lower"),
    ("brow_inward", "brow", (107, 55, 66), (336, 285, 296), _PICTURE_RIGHT, _PICTURE_LEFT, "brow_lower", ""),
    ("upper_lid", "eyes", (159,), (386,), _UP, _UP, "upper_lid_raise", ""),
    ("lower_lid", "eyes", (145, 23), (374, 253), _UP, _UP, "lid_tighten", ""),
    ("cheek", "cheek", (118, 101, 50), (347, 330, 280), _UP, _UP, "cheek_raise", ""),
    ("nose_wing", "nose", (48, 98, 64), (278, 327, 294), _UP, _UP, "nose_wrinkle", ""),
    ("upper_lip", "mouth", (37, 39), (267, 269), _UP, _UP, "upper_lip_raise", "lip_press"),
    (
        "mouth_corner_up",
        "mouth",
        (61, 78, 57),
        (291, 308, 287),
        _UP,
        _UP,
        "lip_corner_pull",
        "lip_corner_depress",
    ),
    (
        "mouth_corner_out",
        "mouth",
        (61, 78, 57),
        (291, 308, 287),
        _PICTURE_LEFT,
        _PICTURE_RIGHT,
        "lip_stretch",
        "lip_tighten",
    ),
    ("lower_lip", "mouth", (84, 181), (314, 405), _DOWN, _DOWN, "lips_part", "lip_press"),
    ("chin", "jaw", (171, 208), (396, 428), _UP, _UP, "chin_raise", "jaw_drop"),
)


def _both_sides() -> tuple[Signal, ...]:
    signals = []
    for stem, region, right, left, to_right, to_left, rise, fall in _PAIRS:
        signals.append(Signal(f"{stem}_right", region, "right", right, to_right, rise, fall))
        signals.append(Signal(f"{stem}_left", region, "left", left, to_left, rise, fall))
    return tuple(signals)


SIGNALS = _both_sides()
SIGNAL_NAMES = tuple(signal.name for signal in SIGNALS)
N_SIGNALS = len(SIGNALS)

# What else is known of the face in each frame. Closure is 0 (open) to 1 (shut); head angles are
# thousandths of a radian, positive for the nose to the picture's right, for the nose down and for
# clockwise; head shifts thousandths of the inter-ocular distance, scale thousandths of the natural
# logarithm, light mean grey levels (0-255) of the face, quality the share of patches followed.
AUX_NAMES = (
    "closure_right",
    "closure_left",
    "yaw_mrad",
    "pitch_mrad",
    "roll_mrad",
    "head_x_miod",
    "head_y_miod",
    "log_scale_permille",
    "light_levels",
    "quality",
)
N_AUX = len(AUX_NAMES)
CHANNEL_NAMES = SIGNAL_NAMES + AUX_NAMES
N_CHANNELS = len(CHANNEL_NAMES)

# Channels travel as int16 codes, so that what is spotted live and what is spotted again from
# the log are the same numbers. One code is worth `CHANNEL_QUANTA[channel]`; `LOST` stands for
# a lost patch. 0.02 miod is a tenth of the quietest noise seen, and +-655 miod holds an open mouth.
LOST = -32768
CHANNEL_QUANTA = np.array(
    [0.02] * N_SIGNALS + [1e-4, 1e-4, 0.1, 0.1, 0.1, 0.25, 0.25, 0.1, 0.01, 1e-4], dtype=np.float32
)

# as a log has it: the number as written above, not as the nearest float32
CHANNELS = {name: float(str(quantum)) for name, quantum in zip(CHANNEL_NAMES, CHANNEL_QUANTA, strict=True)}


def decode(codes: NDArray[np.int16]) -> NDArray[np.float32]:
    """Channel values in their own units; NaN where the patch was lost.

    Parameters
    ----------
    codes : int16 [shape=(..., N_CHANNELS)]

    Returns
    -------
    float32 [shape=(..., N_CHANNELS)], unit by channel (miod for the movement signals)
    """
    values = codes.astype(np.float32) * CHANNEL_QUANTA
    values[codes == LOST] = np.nan
    return values
