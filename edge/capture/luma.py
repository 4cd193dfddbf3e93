"""One uint8 luma plane, the right way up, out of whatever a decoder hands over.

The luma plane is copied as it is: no colour conversion, no range expansion (limited-range video
stays within 16-235). Only pictures without such a plane (RGB, palette, packed YUV) are converted.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.format import VideoFormat
    from av.video.frame import VideoFrame

# 16-bit samples with the value in the upper bits (libavutil/pixfmt.h: P010 and its relatives)
_UPPER_BITS = ("p010", "p012", "p016", "p210", "p212", "p216", "p410", "p412", "p416")


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a stored picture must be turned to stand upright."""

    transpose: bool = False
    flip_rows: bool = False
    flip_columns: bool = False

    def apply(self, stored: NDArray[Any]) -> NDArray[Any]:
        """A view of `stored` [shape=(height, width)], upright."""
        upright = stored.T if self.transpose else stored
        return upright[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]


def orientation_of(frame: VideoFrame) -> Orientation:
    """Read the display matrix of a frame (libavutil/display.h); turns by other than 90 degrees round.

    The matrix maps a stored point to a shown one: x' = a x + c y, y' = b x + d y.
    """
    try:
        side_data: Any = frame.side_data
        matrix = side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV 18 stumbles over kinds of side data that it has no name for (EXIF of TIFF)
        return Orientation()
    if matrix is None:
        return Orientation()
    a, b, _, c, d = struct.unpack("=9i", bytes(matrix))[:5]
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(True, flip_rows=b < 0, flip_columns=c < 0)
    return Orientation(False, flip_rows=d < 0, flip_columns=a < 0)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How to get at the luma of one pixel format: by conversion, or as samples of plane 0."""

    convert_to: str = ""
    sample: str = "u1"
    shift_bits: int = 0


@lru_cache(maxsize=32)
def _layout(name: str) -> _Layout:
    from av.video.format import VideoFormat

    pixels: VideoFormat = VideoFormat(name, 16, 16)
    has_luma_plane = pixels.is_planar or (name.startswith("gray") and name != "gray8a")
    bits = pixels.components[0].bits
    if pixels.is_rgb or pixels.has_palette or pixels.is_bit_stream or name.startswith("bayer"):
        return _Layout("gray")
    if not has_luma_plane or bits > 16 or bits < 8:
        return _Layout("gray" if name.startswith(("ya", "gray", "mono")) else "yuv444p")
    if bits == 8:
        return _Layout()
    sample = ">u2" if pixels.is_big_endian else "<u2"
    return _Layout(sample=sample, shift_bits=8 if name.startswith(_UPPER_BITS) else bits - 8)


class LumaReader:
    """Copies the luma of decoded frames into arrays of the caller.

    Parameters
    ----------
    first : av.VideoFrame
        Its orientation holds for all.

    Attributes
    ----------
    height, width : int, px
        Of the upright picture.
    """

    def __init__(self, first: VideoFrame) -> None:
        self._orientation = orientation_of(first)
        self.stored_size = (first.width, first.height)
        turned = self._orientation.transpose
        self.height, self.width = (first.width, first.height) if turned else (first.height, first.width)

    def copy(self, frame: VideoFrame, out: NDArray[np.uint8]) -> None:
        """Write the upright luma of `frame` into `out`, uint8 [shape=(height, width)].

        The frame has the first one's size; the caller checks.
        """
        layout = _layout(frame.format.name)
        # a picture stored bottom-up has a negative line size; converting turns it over
        if not layout.convert_to and frame.planes[0].line_size < 0:
            layout = _Layout("gray")
        if layout.convert_to:
            frame = frame.reformat(format=layout.convert_to)
            layout = _Layout()
        stored = _plane(frame, layout.sample)
        upright = self._orientation.apply(stored)
        if layout.shift_bits:
            np.right_shift(upright, layout.shift_bits, out=out, casting="unsafe")
        else:
            np.copyto(out, upright)


def _plane(frame: VideoFrame, sample: str) -> NDArray[Any]:
    """Plane 0 without its padding; a view into the decoder's memory."""
    plane: Any = frame.planes[0]
    dtype = np.dtype(sample)
    rows = np.frombuffer(plane, dtype).reshape(frame.height, plane.line_size // dtype.itemsize)
    return rows[:, : frame.width]
