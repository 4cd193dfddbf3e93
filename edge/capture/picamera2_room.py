"""What a stand-in Raspberry Pi camera looks at: a room, through a crop, flips and an exposure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.capture.picamera2_view import Rectangle

SENSOR = (3280, 2464)
CROP_MIN = (64, 64)
_MIDDLE = 0.18  # of white, linear


@dataclass(frozen=True, slots=True)
class Lens:
    """What reaches the picture of the room.

    Attributes
    ----------
    whole : Rectangle
        The part of the sensor that the mode reads out.
    crop : Rectangle
        The part of that, as read out, that fills the picture.
    flips : horizontally, vertically
        Done by the sensor as it is read out, and so before the crop.
    size : width, height, px
        Of the picture.
    """

    whole: Rectangle
    crop: Rectangle
    flips: tuple[bool, bool]
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Room:
    """What is before the lens.

    Attributes
    ----------
    reflectance : float32 [shape=(height, width)] in [0, 1]
        Of the whole sensor's field, at any scale.
    light : float
        Grey levels that a white wall would have after a millisecond at gain 1, on a linear scale.
    gamma : float
        Luma follows light to this power.
    """

    reflectance: NDArray[np.float32]
    light: float = 30.0
    gamma: float = 1 / 2.2

    def picture(self, lens: Lens, exposure_us: float, gain: float) -> NDArray[np.uint8]:
        """Grey levels [shape=(height, width)]."""
        linear = self._seen(lens) * (self.light * exposure_us / 1000 * gain / 255)
        return (255 * np.clip(linear, 0, 1) ** self.gamma).astype(np.uint8)

    def automatic(self, lens: Lens) -> float:
        """Exposure time by gain, us, at which the picture's mean is a middle grey."""
        return 1000 * 255 * _MIDDLE / (self.light * float(self._seen(lens).mean()))

    def _seen(self, lens: Lens) -> NDArray[np.float32]:
        whole, crop, (width, height) = lens.whole, lens.crop, lens.size
        down = (crop.y - whole.y + (np.arange(height) + 0.5) * crop.height / height) / whole.height
        across = (crop.x - whole.x + (np.arange(width) + 0.5) * crop.width / width) / whole.width
        across, down = (1 - across if lens.flips[0] else across), (1 - down if lens.flips[1] else down)
        n_rows, n_columns = self.reflectance.shape
        rows = (whole.y + down * whole.height) / SENSOR[1] * n_rows
        columns = (whole.x + across * whole.width) / SENSOR[0] * n_columns
        return self.reflectance[rows.astype(int)][:, columns.astype(int)]


def default_crop(whole: Rectangle, size: tuple[int, int]) -> Rectangle:
    """As libcamera begins: the largest part, in the middle, that has the picture's shape."""
    shape = size[0] / size[1]
    width, height = (
        min(whole.width, round(whole.height * shape)),
        min(whole.height, round(whole.width / shape)),
    )
    return Rectangle(
        whole.x + (whole.width - width) // 2, whole.y + (whole.height - height) // 2, width, height
    )


def adjusted_crop(wanted: Rectangle, whole: Rectangle) -> Rectangle:
    """As libcamera adjusts ScalerCrop: not too small, about the same middle, inside the mode."""
    grown = max(1.0, CROP_MIN[0] / wanted.width, CROP_MIN[1] / wanted.height)
    width = min(round(wanted.width * grown), whole.width)
    height = min(round(wanted.height * grown), whole.height)
    x, y = wanted.x + (wanted.width - width) // 2, wanted.y + (wanted.height - height) // 2
    return Rectangle(
        min(max(x, whole.x), whole.x + whole.width - width),
        min(max(y, whole.y), whole.y + whole.height - height),
        *(width, height),
    )
