"""A V4L2 camera as the source needs it: modes, buffers, and the errors of the kernel as they come.

`V4L2Source` knows only this protocol. The real device speaks through linuxpy; the stand-in in
`v4l2_standin` plays the same with failures.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from edge.errors import MissingExtra

# pixel formats that can be used, cheapest first; the names are V4L2's four-character codes
PIXEL_FORMATS = ("GREY", "YUYV", "MJPG")
_FLAG_ERROR = 0x40  # linux/videodev2.h, V4L2_BUF_FLAG_ERROR
_FLAG_CLOCK_MASK = 0xE000  # V4L2_BUF_FLAG_TIMESTAMP_MASK
_FLAG_CLOCK_MONOTONIC = 0x2000
# by the names that v4l2-ctl shows; linux/v4l2-controls.h
CONTROL_IDS = {
    "white_balance_automatic": 0x0098090C,
    "gain_automatic": 0x00980912,
    "gain": 0x00980913,
    "power_line_frequency": 0x00980918,
    "white_balance_temperature": 0x0098091A,
    "backlight_compensation": 0x0098091C,
    "auto_exposure": 0x009A0901,
    "exposure_time_absolute": 0x009A0902,  # in units of 100 us
    "exposure_dynamic_framerate": 0x009A0903,
    "focus_automatic_continuous": 0x009A090C,
}
_UNUSABLE_CONTROL = 0x1 | 0x4  # disabled, read-only


@dataclass(frozen=True, slots=True)
class ControlRange:
    """What a control may be set to."""

    minimum: int
    maximum: int
    step: int = 1

    def nearest(self, value: float) -> int:
        """The allowed value nearest to one."""
        inside = min(max(value, self.minimum), self.maximum)
        return self.minimum + round((inside - self.minimum) / max(self.step, 1)) * max(self.step, 1)


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """What stays the same when a camera is plugged in again, while its number may change."""

    name: str
    bus: str
    serial: str = ""

    def is_same(self, other: DeviceIdentity) -> bool:
        """By the serial number where both have one, else by the socket it is plugged into."""
        if self.serial and other.serial:
            return (self.name, self.serial) == (other.name, other.serial)
        return (self.name, self.bus) == (other.name, other.bus)


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
    identity: DeviceIdentity

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

    def stop(self) -> None:
        """End streaming; `start` may follow. Safe where nothing streams."""

    def controls(self) -> Mapping[str, ControlRange]:
        """Those of `CONTROL_IDS` that the camera has and lets be set."""

    def get_control(self, name: str) -> int:
        """Its value."""

    def set_control(self, name: str, value: int) -> None:
        """Set it."""

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
            info = self._device.info
            self.name: str = info.card
            self.identity = DeviceIdentity(info.card, info.bus_info, _serial_of(path))
        except OSError:  # not a camera: linuxpy leaves the node open
            self._device.close()
            raise
        self._capture: Any = None
        self._buffers: list[Any] = []
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
        self._buffers = list(self._capture.buffer.buffers)
        self._views = [memoryview(buffer) for buffer in self._buffers]
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

    def stop(self) -> None:
        """Stop streaming; an unplugged camera answers ENODEV."""
        for view in self._views:
            view.release()
        self._views, self._taken = [], None
        with contextlib.suppress(OSError):
            if self._capture is not None:
                self._capture.close()
        # after ENODEV linuxpy leaves its buffers mapped, and as long as one is the driver stays in use
        for buffer in self._buffers:
            with contextlib.suppress(BufferError):  # a frame that nobody gave back
                buffer.close()
        self._capture, self._buffers = None, []

    def controls(self) -> dict[str, ControlRange]:
        """Asked for one by one: a camera without controls answers ENOTTY, one without this one EINVAL."""
        v4l2, found = self._v4l2, {}
        for name, identifier in CONTROL_IDS.items():
            query = v4l2.raw.v4l2_queryctrl(id=identifier)
            with contextlib.suppress(OSError):
                v4l2.ioctl(self._device.fileno(), v4l2.IOC.QUERYCTRL, query)
                if not query.flags & _UNUSABLE_CONTROL:
                    found[name] = ControlRange(query.minimum, query.maximum, query.step)
        return found

    def get_control(self, name: str) -> int:
        """Its value."""
        return int(self._v4l2.get_control(self._device.fileno(), CONTROL_IDS[name]))

    def set_control(self, name: str, value: int) -> None:
        """Set it."""
        self._v4l2.set_control(self._device.fileno(), CONTROL_IDS[name], value)

    def close(self) -> None:
        """Stop streaming and close the node."""
        self.stop()
        self._device.close()


def _serial_of(path: str) -> str:
    """Of the USB device that the node's interface belongs to; empty where it has none."""
    interface = Path("/sys/class/video4linux") / Path(path).name / "device"
    try:
        return (interface.resolve().parent / "serial").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
