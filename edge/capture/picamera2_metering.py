"""How to expose for a face: from what one frame showed to what to ask for next.

libcamera on the Raspberry Pi meters the picture by fixed weights (`AeMeteringMode`; spot is the middle, and
neither place nor size can be chosen, picamera2 issue 302), so the face is metered here, by its own luma.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np

from edge.capture.picamera2_view import Box, Luma

TARGET_LEVEL = 120.0  # of 255: the middle of what 8 bits show, with room for a forehead's shine
_NEAR_LEVEL = 0.08
_BLOWN_AT, _BLOWN_SHARE, _LESS = 250, 0.05, 0.6
# luma follows light to a power from 1 (no gamma) to 1/2.2; between these, a step that is this power of
# the ratio wanted comes nearer each time
_POWER = 1.6
_STEP = 4.0
_ALIKE = 0.02
_LINE_US = 40.0  # sensors expose whole lines
# skin without hair and background: the middle of the box, to below the mouth
_INNER = (0.2, 0.25, 0.8, 0.9)
_EVERY = 2  # pixels, across and down


@dataclass(frozen=True, slots=True)
class Exposure:
    """How much light a frame was given."""

    time_us: float
    gain: float

    @property
    def total(self) -> float:
        """Time by gain."""
        return self.time_us * self.gain

    def is_like(self, other: Exposure) -> bool:
        """Whether nobody would see the difference."""
        return abs(self.total - other.total) <= _ALIKE * other.total

    def shows(self, wanted: Exposure, before: Exposure) -> bool:
        """Whether a frame was taken as asked, as near as whole lines and steps of gain allow."""
        near_us = max(_ALIKE * wanted.time_us, _LINE_US)
        near = abs(self.time_us - wanted.time_us) <= near_us and abs(self.gain / wanted.gain - 1) <= _ALIKE
        return near and abs(self.total - wanted.total) < abs(self.total - before.total)


@dataclass(frozen=True, slots=True)
class ExposureLimits:
    """What the camera can do within a frame's time."""

    time_min_us: float
    time_max_us: float
    gain_min: float
    gain_max: float

    def narrowed(self, wanted: Exposure, came: Exposure) -> ExposureLimits:
        """With what the camera made of a wish: where it fell short of it, there is the limit."""
        time_min_us, time_max_us, gain_min, gain_max = astuple(self)
        if came.time_us < wanted.time_us - _LINE_US:
            time_max_us = came.time_us
        elif came.time_us > wanted.time_us + _LINE_US:
            time_min_us = came.time_us
        if came.gain < wanted.gain * (1 - _ALIKE):
            gain_max = came.gain
        elif came.gain > wanted.gain * (1 + _ALIKE):
            gain_min = came.gain
        return ExposureLimits(time_min_us, time_max_us, gain_min, gain_max)

    def spread(self, total: float) -> Exposure:
        """That much light: as long as a frame allows first, since gain only makes noise."""
        time_us = min(max(total / self.gain_min, self.time_min_us), self.time_max_us)
        return Exposure(time_us, min(max(total / time_us, self.gain_min), self.gain_max))


@dataclass(frozen=True, slots=True)
class FaceLight:
    """How bright a face is.

    Attributes
    ----------
    level : float, grey levels
        Mean of its skin.
    blown : float in [0, 1]
        Share of it that is white.
    """

    level: float
    blown: float

    @property
    def is_good(self) -> bool:
        """Nothing to change."""
        return self.blown <= _BLOWN_SHARE and abs(self.level / TARGET_LEVEL - 1) <= _NEAR_LEVEL


def face_light(luma: Luma, box: Box) -> FaceLight:
    """Look at the skin inside a face's box; all of the box that lies in the picture counts."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    rows = slice(max(0, int(top + _INNER[1] * height)), max(1, int(top + _INNER[3] * height)), _EVERY)
    columns = slice(max(0, int(left + _INNER[0] * width)), max(1, int(left + _INNER[2] * width)), _EVERY)
    skin = luma[rows, columns]
    if not skin.size:
        return FaceLight(TARGET_LEVEL, 0.0)
    return FaceLight(float(skin.mean()), float(np.mean(skin >= _BLOWN_AT)))


def next_exposure(light: FaceLight, now: Exposure, limits: ExposureLimits) -> Exposure:
    """What to ask for, given what the face looked like at `now`."""
    ratio = (TARGET_LEVEL / max(light.level, 1.0)) ** _POWER
    if light.blown > _BLOWN_SHARE:  # what is white says nothing of how much too bright it is
        ratio = min(ratio, _LESS)
    return limits.spread(now.total * min(max(ratio, 1 / _STEP), _STEP))
