"""What a Raspberry Pi camera looks at: which way up, and which part of the sensor.

The sensor flips; turning by a quarter is done while the luma is copied. ScalerCrop picks the part of the
sensor that fills the picture. It counts in the sensor's own pixels, after the flips, as these happen when
the sensor is read out and the crop later in the ISP (libcamera, pipeline/rpi/common/pipeline_base.cpp).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Luma: TypeAlias = NDArray[np.uint8]
Box: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom, px
FindFace: TypeAlias = Callable[[Luma], Box | None]

# the face's box is 45 % of the picture's height: room for a head that moves by its own width
_FACE_SHARE = 0.45
_WORTH_IT = 1.15  # a smaller gain is not worth another picture
# a cache line; a whole row at once walks down a column and takes twice as long (numpy 2, 640x480)
_STRIP_PX = 64


class Rectangle(NamedTuple):
    """A part of the sensor, in its own pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Orientation:
    """How the camera is mounted.

    Attributes
    ----------
    turn_deg : int
        0, 90, 180 or 270: how far the sensor's picture is turned clockwise to stand upright.
    mirror : bool
        The upright picture is mirrored, as where the camera looks into a mirror.
    """

    turn_deg: int = 0
    mirror: bool = False

    @property
    def on_its_side(self) -> bool:
        """Whether the upright picture is as wide as the sensor's is high."""
        return self.turn_deg in (90, 270)

    def flips(self) -> tuple[bool, bool]:
        """Which way the sensor flips: horizontally, vertically."""
        if self.on_its_side:  # what is left and right upright is up and down on the sensor
            return False, self.mirror
        half_turn = self.turn_deg == 180
        return half_turn != self.mirror, half_turn

    def copy(self, picture: Luma, out: Luma) -> None:
        """Copy the sensor's picture [shape=(height, width)] upright into `out`."""
        if not self.on_its_side:
            np.copyto(out, picture)
            return
        upright = picture.T[:, ::-1] if self.turn_deg == 90 else picture.T[::-1]
        for left in range(0, out.shape[1], _STRIP_PX):
            out[:, left : left + _STRIP_PX] = upright[:, left : left + _STRIP_PX]

    def on_sensor(self, box: Box, upright_width: int, upright_height: int) -> Box:
        """Where a box of the upright picture lies in the sensor's."""
        left, top, right, bottom = box
        if self.turn_deg == 90:
            return top, upright_width - right, bottom, upright_width - left
        if self.turn_deg == 270:
            return upright_height - bottom, left, upright_height - top, right
        return box


def crop_to_face(
    box: Box, picture: tuple[int, int], seen: Rectangle, sensor_px_per_pixel: float
) -> Rectangle | None:
    """The part of the sensor to look at instead of `seen`, or None where that would gain nothing.

    Never so small that the ISP would have to enlarge: that makes more pixels of the same light.

    Parameters
    ----------
    box : tuple of float, px
        The face, in the sensor's picture as it is now.
    picture : width, height, px
        Of that picture.
    seen : Rectangle
        What it shows now; the crop keeps its shape and stays inside.
    sensor_px_per_pixel : float
        Of the sensor mode: 2 where it bins two by two.
    """
    width, height = picture
    scale_x, scale_y = seen.width / width, seen.height / height
    share = max((box[3] - box[1]) / height, (box[2] - box[0]) / height) / _FACE_SHARE
    finest = max(width * sensor_px_per_pixel / seen.width, height * sensor_px_per_pixel / seen.height)
    share = max(share, finest)
    if share * _WORTH_IT > 1:
        return None
    crop_width, crop_height = round(seen.width * share), round(seen.height * share)
    centre_x = seen.x + scale_x * (box[0] + box[2]) / 2
    centre_y = seen.y + scale_y * (box[1] + box[3]) / 2
    x = min(max(round(centre_x - crop_width / 2), seen.x), seen.x + seen.width - crop_width)
    y = min(max(round(centre_y - crop_height / 2), seen.y), seen.y + seen.height - crop_height)
    return Rectangle(x, y, crop_width, crop_height)
