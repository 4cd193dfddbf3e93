"""Luma out of the three pixel formats that USB cameras speak."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.capture.luma import LumaReader
from edge.capture.v4l2_device import CameraMode


class BufferDamaged(Exception):
    """This buffer holds no whole picture; internal to the camera thread, which counts it."""


class RawLuma(Protocol):
    """Copies the luma of one buffer."""

    def copy(self, data: memoryview, out: NDArray[np.uint8]) -> None:
        """Write into `out`, uint8 [shape=(height, width)], or raise BufferDamaged."""


class PackedLuma:
    """GREY (a byte a pixel) and YUYV (luma is the lower byte of each 16-bit word).

    Cutting words down to bytes takes 17 us for 640x480; copying every second byte took 169 us.
    """

    def __init__(self, mode: CameraMode) -> None:
        self._sample = np.dtype("<u2" if mode.pixel_format == "YUYV" else "u1")
        row_bytes = mode.width * self._sample.itemsize
        stride = mode.bytes_per_line or row_bytes
        self._shape = (mode.height, mode.width)
        self._strides = (stride, self._sample.itemsize)
        # the last row may come without its padding
        self._n_bytes = stride * (mode.height - 1) + row_bytes

    def copy(self, data: memoryview, out: NDArray[np.uint8]) -> None:
        """Copy, leaving out padding and chroma."""
        if len(data) < self._n_bytes:
            raise BufferDamaged
        samples = np.frombuffer(data[: self._n_bytes], self._sample)
        rows = np.lib.stride_tricks.as_strided(samples, self._shape, self._strides, writeable=False)
        np.copyto(out, rows, casting="unsafe")


class MjpegLuma:
    """MJPG: FFmpeg's decoder, of which only the Y plane is read."""

    def __init__(self, mode: CameraMode) -> None:
        import av
        from av.codec import CodecContext

        self._av: Any = av  # its stubs allow only bytes in a Packet; any buffer will do
        self._decoder: Any = CodecContext.create("mjpeg", "r")
        self._decoder.thread_count = 1  # frame threads would hold pictures back
        self._size = (mode.width, mode.height)
        self._reader: LumaReader | None = None

    def copy(self, data: memoryview, out: NDArray[np.uint8]) -> None:
        """Decode one picture."""
        try:
            frames = self._decoder.decode(self._av.Packet(data))
        except self._av.error.FFmpegError as error:
            raise BufferDamaged from error
        if len(frames) != 1 or frames[0].is_corrupt or (frames[0].width, frames[0].height) != self._size:
            raise BufferDamaged
        if self._reader is None:
            self._reader = LumaReader(frames[0])
        self._reader.copy(frames[0], out)


def raw_luma(mode: CameraMode) -> RawLuma:
    """The copier for a granted mode."""
    return MjpegLuma(mode) if mode.pixel_format == "MJPG" else PackedLuma(mode)
