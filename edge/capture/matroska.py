"""Raw grey pictures with their times out of a Matroska stream, as they arrive.

Of the container only what a live stream of one uncompressed track holds is read (RFC 8794 for
EBML, RFC 9559 for Matroska). The pixels go from the pipe into the caller's memory directly: through
a video library each frame would be copied twice more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# elements that are gone into, by their identifiers
_SEGMENT, _INFO, _TRACKS, _TRACK, _VIDEO = 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0
_CLUSTER, _BLOCK_GROUP = 0x1F43B675, 0xA0
_MASTERS = frozenset((_SEGMENT, _INFO, _TRACKS, _TRACK, _VIDEO, _CLUSTER, _BLOCK_GROUP))
# numbers and texts
_TICK, _WIDTH, _HEIGHT, _FRAME_TIME = 0x2AD7B1, 0xB0, 0xBA, 0x23E383
_FOURCC, _CLUSTER_TIME = 0x2EB524, 0xE7
_BLOCKS = frozenset((0xA3, 0xA1))
_EBML = 0x1A45DFA3
_GREY = (b"Y800", b"Y8  ", b"GREY")
_BUFFER_BYTES = 1 << 16
_SMALL_BYTES = 1 << 20  # nothing but a picture is larger


class StreamBroken(Exception):
    """This is not such a stream, or no longer; internal to the camera thread."""


@dataclass(slots=True)
class PictureFormat:
    """What the stream says of its pictures; `frame_time_ns` is 0 where the rate is not known."""

    width: int = 0
    height: int = 0
    frame_time_ns: int = 0
    fourcc: bytes = b""


class MatroskaPictures:
    """Reads one stream.

    Parameters
    ----------
    read_into : callable
        Fills the start of a memoryview, waiting as long as it takes; returns the number of bytes, 0
        at the end. What it raises passes through.

    Attributes
    ----------
    format : PictureFormat
        Complete once `next_time` has returned.
    """

    def __init__(self, read_into: Callable[[memoryview], int]) -> None:
        self.format = PictureFormat()
        self._read_into = read_into
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._start = self._end = 0
        self._tick_ns = 1_000_000  # Matroska's default
        self._cluster_time = 0
        self._payload_bytes = 0
        self._padded = np.empty(0, np.uint8)
        self._first = True

    def next_time(self) -> int | None:
        """Advance to the next picture and return its time, ns; None at the end.

        `copy` takes the picture; one that is not taken is passed over.
        """
        self._skip(self._payload_bytes)
        self._payload_bytes = 0
        while self._fill(1):
            identifier = self._number(keep_marker=True)
            n_bytes = self._number(keep_marker=False)
            if self._first and identifier != _EBML:
                raise StreamBroken("it does not begin as Matroska does")
            self._first = False
            if identifier in _MASTERS:
                continue
            if identifier in _BLOCKS:
                return self._block(n_bytes)
            if n_bytes > _SMALL_BYTES:
                raise StreamBroken("an element is too long")
            self._take_value(identifier, n_bytes)
        return None

    def copy(self, out: NDArray[np.uint8]) -> None:
        """Write the picture into `out`, uint8 [shape=(height, width)], C-contiguous."""
        height, width = out.shape
        stride, rest = divmod(self._payload_bytes, height)
        if rest or stride < width:
            raise StreamBroken(f"a picture has {self._payload_bytes} bytes instead of {width}x{height}")
        if stride == width:
            self._read_exactly(out.reshape(-1).data)
        else:  # GStreamer pads rows to multiples of four
            if len(self._padded) != self._payload_bytes:
                self._padded = np.empty(self._payload_bytes, np.uint8)
            self._read_exactly(self._padded.data)
            np.copyto(out, self._padded.reshape(height, stride)[:, :width])
        self._payload_bytes = 0

    def _block(self, n_bytes: int) -> int:
        if self.format.fourcc not in _GREY or not self.format.width or not self.format.height:
            raise StreamBroken("it holds no grey pictures")
        before = self._consumed
        self._number(keep_marker=False)  # the track: there is only one
        relative = self._integer(2)
        if relative >= 1 << 15:
            relative -= 1 << 16
        self._integer(1)  # flags
        self._payload_bytes = n_bytes - (self._consumed - before)
        return (self._cluster_time + relative) * self._tick_ns

    def _take_value(self, identifier: int, n_bytes: int) -> None:
        if identifier not in (_TICK, _WIDTH, _HEIGHT, _FRAME_TIME, _FOURCC, _CLUSTER_TIME) or n_bytes > 8:
            self._skip(n_bytes)
            return
        value = self._integer(n_bytes)
        if identifier == _TICK:
            self._tick_ns = value
        elif identifier == _WIDTH:
            self.format.width = value
        elif identifier == _HEIGHT:
            self.format.height = value
        elif identifier == _FRAME_TIME:
            self.format.frame_time_ns = value
        elif identifier == _FOURCC:
            self.format.fourcc = value.to_bytes(n_bytes, "big")
        else:
            self._cluster_time = value

    # ---- bytes ----

    _consumed = 0

    def _number(self, keep_marker: bool) -> int:
        """A number of variable length: as many bytes as the first one has leading zero bits, plus one."""
        first = self._integer(1)
        n_bytes = 9 - first.bit_length()
        if n_bytes > 8:
            raise StreamBroken("a number has no length")
        value = first if keep_marker else first & ((1 << (8 - n_bytes)) - 1)
        return (value << (8 * (n_bytes - 1))) | self._integer(n_bytes - 1)

    def _integer(self, n: int) -> int:
        """The next `n` bytes as a number, the first one highest; one by one, so that no slice is made."""
        if not self._fill(n):
            raise StreamBroken("it ends within an element")
        value, buffer, start = 0, self._buffer, self._start
        for at in range(start, start + n):
            value = value << 8 | buffer[at]
        self._start += n
        self._consumed += n
        return value

    def _fill(self, n: int) -> bool:
        """Whether `n` bytes (at most the buffer's size) are there; False at the end of the stream."""
        while self._end - self._start < n:
            if self._start + n > len(self._buffer):
                n_left = self._end - self._start
                self._buffer[:n_left] = bytes(self._buffer[self._start : self._end])
                self._start, self._end = 0, n_left
            elif self._start == self._end:
                self._start = self._end = 0
            n_read = self._read_into(self._buffer[self._end :])
            if not n_read:
                return False
            self._end += n_read
        return True

    def _skip(self, n: int) -> None:
        while n:
            part = min(n, self._end - self._start) or min(n, len(self._buffer))
            if not self._fill(part):
                raise StreamBroken("it ends within an element")
            self._start += part
            self._consumed += part
            n -= part

    def _read_exactly(self, out: memoryview) -> None:
        n_buffered = min(len(out), self._end - self._start)
        out[:n_buffered] = self._buffer[self._start : self._start + n_buffered]
        self._start += n_buffered
        while n_buffered < len(out):
            n_read = self._read_into(out[n_buffered:])
            if not n_read:
                raise StreamBroken("it ends within a picture")
            n_buffered += n_read
