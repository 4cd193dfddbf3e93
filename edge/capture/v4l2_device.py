"""A V4L2 camera as the source needs it: modes, buffers, and the errors of the kernel as they come.

`V4L2Source` knows only this protocol. The real device speaks through linuxpy; the stand-in in
`v4l2_standin` plays the same with failures.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from edge.errors import MissingExtra

# pixel formats that can be used, cheapest first; the names are V4L2's four-character codes
PIXEL_FORMATS = ("GREY", "YUYV", "MJPG")
_FLAG_ERROR = 0x40  # linux/videodev2.h, V4L2_BUF_FLAG_ERROR
_FLAG_CLOCK_MASK = 0xE000  # V4L2_BUF_FLAG_TIMESTAMP_MASK
_FLAG_CLOCK_MONOTONIC = 0x2000


@dataclass(frozen=True, slots=True)
class CameraMode:
    """One way to run a camera; `fps` is its highest rate there, 0 where it does not say."""

    pixel_format: str
    width: int
    height: int
    fps: float
    bytes_per_line: int = 0


@dataclass(slots=True)
class RawBuffer:
    """What the kernel hands over; `data` is valid until `give_back`.

    `timestamp_ns` is CLOCK_MONOTONIC where `monotonic` is set, and means nothing otherwise.
    """

    data: memoryview
    sequence: int
    timestamp_ns: int
    monotonic: bool
    damaged: bool


class VideoDevice(Protocol):
    """The few things a V4L2 device does. Every method may raise OSError with the kernel's errno."""

    path: str
    name: str

    def modes(self, width: int, height: int) -> Sequence[CameraMode]:
        """All modes in `PIXEL_FORMATS`; for a device of any size, those of the given one."""

    def start(self, mode: CameraMode, fps: float, n_buffers: int) -> CameraMode:
        """Ask for a mode and rate, start streaming, and return what was granted."""

    def wait(self, timeout_s: float) -> bool:
        """Whether a buffer is ready within the time."""

    def take(self) -> RawBuffer:
        """The next filled buffer."""

    def give_back(self) -> None:
        """Return the buffer taken last to the driver."""

    def close(self) -> None:
        """Stop and release. Safe to call twice, and after an unplug."""


class LinuxpyDevice:
    """A real device node, through linuxpy."""

    def __init__(self, path: str) -> None:
        try:
            from linuxpy.video import device as v4l2
        except ImportError as error:
            raise MissingExtra("a USB camera", "usb") from error

        self.path = path
        self._v4l2: Any = v4l2
        self._device = v4l2.Device(path)
        try:
            self._device.open()
            self.name: str = self._device.info.card
        except OSError:  # not a camera: linuxpy leaves the node open
            self._device.close()
            raise
        self._capture: Any = None
        self._views: list[memoryview] = []
        self._taken: Any = None

    def modes(self, width: int, height: int) -> list[CameraMode]:
        """All usable modes."""
        v4l2, info = self._v4l2, self._device.info
        if v4l2.Capability.VIDEO_CAPTURE not in info.device_capabilities:
            return []
        found = []
        for image_format in info.buffer_formats(v4l2.BufferType.VIDEO_CAPTURE):
            name = image_format.pixel_format.human_str()
            if name not in PIXEL_FORMATS:
                continue
            for size in info.format_frame_sizes(image_format.pixel_format):
                discrete = size.type == v4l2.FrameSizeType.DISCRETE
                w, h = (size.info.width, size.info.height) if discrete else (width, height)
                for rates in info.fps_intervals(image_format.pixel_format, w, h):
                    # a stepwise range is given in intervals, so its ends are swapped
                    fps = float(max(rates.min_fps, rates.max_fps))
                    found.append(CameraMode(name, w, h, fps))
        return found

    def start(self, mode: CameraMode, fps: float, n_buffers: int) -> CameraMode:
        """Stream through memory-mapped buffers."""
        v4l2, device = self._v4l2, self._device
        kind = v4l2.BufferType.VIDEO_CAPTURE
        device.set_format(kind, mode.width, mode.height, mode.pixel_format)
        granted = device.get_format(kind)
        granted_fps = 0.0
        with contextlib.suppress(ZeroDivisionError):  # a driver that leaves the interval 0/0
            try:
                device.set_fps(kind, fps)
                granted_fps = float(device.get_fps(kind))
            except OSError as error:
                if error.errno not in (errno.ENOTTY, errno.EINVAL):  # has no rate to set
                    raise
        self._capture = v4l2.VideoCapture(device, size=n_buffers, buffer_type=v4l2.MemoryMap)
        self._capture.open()
        self._views = [memoryview(buffer) for buffer in self._capture.buffer.buffers]
        return CameraMode(
            granted.pixel_format.human_str(),
            granted.width,
            granted.height,
            granted_fps,
            granted.bytes_per_line,
        )

    def wait(self, timeout_s: float) -> bool:
        """Select on the node."""
        ready, _, _ = self._device.io.select.select((self._device,), (), (), timeout_s)
        return bool(ready)

    def take(self) -> RawBuffer:
        """Dequeue."""
        taken = self._taken = self._capture.buffer.queue.dequeue()
        return RawBuffer(
            self._views[taken.index][: taken.bytesused],
            taken.sequence,
            taken.timestamp.secs * 1_000_000_000 + taken.timestamp.usecs * 1_000,
            taken.flags & _FLAG_CLOCK_MASK == _FLAG_CLOCK_MONOTONIC,
            bool(taken.flags & _FLAG_ERROR),
        )

    def give_back(self) -> None:
        """Enqueue again."""
        taken, self._taken = self._taken, None
        if taken is not None:
            self._capture.buffer.queue.enqueue(taken)

    def close(self) -> None:
        """Stop streaming and close the node; an unplugged camera answers ENODEV to both."""
        for view in self._views:
            view.release()
        self._views = []
        with contextlib.suppress(OSError):
            if self._capture is not None:
                self._capture.close()
        self._capture = None
        self._device.close()
