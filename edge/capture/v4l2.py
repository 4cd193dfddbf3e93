"""USB cameras through V4L2: a thread that only dequeues, stamps and copies luma into the ring."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.capture.delivery import Delivery
from edge.capture.errors import (
    CameraAbsent,
    CameraBusy,
    CameraDenied,
    CameraThreadFailed,
    CameraUnsuitable,
    FrameTimeout,
    StreamDamaged,
)
from edge.capture.source import SourceCounts
from edge.capture.v4l2_device import PIXEL_FORMATS, CameraMode, LinuxpyDevice, RawBuffer, VideoDevice
from edge.capture.v4l2_luma import BufferDamaged, raw_luma
from edge.clock import boottime_ns, offset_to_boottime_ns
from edge.errors import EdgeError
from edge.messages import Frame, SourceInfo

_N_BUFFERS = 4
_FIRST_FRAME_S = 5.0  # cheap cameras take up to two seconds to wake
_POLL_S = 0.1  # how soon the thread notices `close`
_DAMAGED_IN_A_ROW = 30
_RESTARTED = 1 << 20  # a jump of the sequence number that is no loss


@dataclass(frozen=True, slots=True)
class CameraFound:
    """One camera of this machine; `modes` with the highest rate of each."""

    device: str
    name: str
    modes: tuple[CameraMode, ...]


def find_cameras() -> list[CameraFound]:
    """All V4L2 cameras with a usable mode; empty where there are none. Busy ones are listed too.

    Raises
    ------
    MissingExtra
        There are video nodes, but not the package that reads them.
    """
    found = []
    for path in sorted(str(path) for path in Path("/dev").glob("video*")):
        try:
            device = LinuxpyDevice(path)
        except OSError:  # gone again, or somebody else's: not ours to use
            continue
        try:
            if modes := device.modes(640, 480):
                found.append(CameraFound(path, device.name, tuple(modes)))
        finally:
            device.close()
    return found


def choose_mode(modes: Sequence[CameraMode], width: int, height: int, fps: float) -> CameraMode | None:
    """The mode for a wish: nearest size, then enough frames, then the cheapest pixel format.

    Parameters
    ----------
    width, height : int, px
    fps : float, Hz
        0 wishes for the highest rate.
    """

    def merit(mode: CameraMode) -> tuple[float, float, int]:
        area_ratio = mode.width * mode.height / (width * height)
        size_error = 0.0 if (mode.width, mode.height) == (width, height) else max(area_ratio, 1 / area_ratio)
        rate = mode.fps if not fps or mode.fps < 0.99 * fps else fps
        return (size_error, -rate, PIXEL_FORMATS.index(mode.pixel_format))

    return min(modes, key=merit, default=None)


class V4L2Source:
    """A camera under /dev/video*.

    Parameters
    ----------
    device : str or VideoDevice
        The node's path, or a device already open (the stand-in).
    width, height : int, px
        The nearest size that the camera offers is taken; `info` says which.
    fps : float, Hz
        0 takes the highest rate at that size.

    Raises
    ------
    CameraAbsent, CameraBusy, CameraDenied, CameraUnsuitable, FrameTimeout
        At once: the first frame has come when this returns.

    Notes
    -----
    Kernel timestamps are CLOCK_MONOTONIC; the distance to CLOCK_BOOTTIME is measured once, at the
    start. A driver that does not say so gets arrival times, and `info.timestamps` says that.
    """

    def __init__(
        self, device: str | VideoDevice, width: int = 640, height: int = 480, fps: float = 0.0
    ) -> None:
        self.counts = SourceCounts()
        path = device if isinstance(device, str) else device.path
        try:
            self._device: VideoDevice = LinuxpyDevice(device) if isinstance(device, str) else device
        except OSError as error:
            raise _explained(error, path, started=False) from error
        self._closing = threading.Event()
        self._n_damaged_in_a_row = 0
        self._last_kernel_sequence: int | None = None
        self._to_boottime_ns = offset_to_boottime_ns(time.CLOCK_MONOTONIC)
        try:
            mode, first = self._start(width, height, fps)
        except OSError as error:
            self._device.close()
            raise _explained(error, path, started=False) from error
        except EdgeError:
            self._device.close()
            raise
        self._luma = raw_luma(mode)
        self._delivery = Delivery(mode.height, mode.width, mode.fps)
        self._sensor_time = first.monotonic
        self.info = SourceInfo(
            f"v4l2:{path} {self._device.name} {mode.pixel_format}",
            mode.width,
            mode.height,
            mode.fps,
            "sensor" if first.monotonic else "arrival",
            live=True,
        )
        self._first: RawBuffer | None = first
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def read(self, timeout_s: float) -> Frame:
        """Return the oldest frame in the ring; frames before a failure come first."""
        return self._delivery.read(timeout_s, self.counts)

    def close(self) -> None:
        """Stop the thread, then release the camera."""
        if not self._closing.is_set():
            self._closing.set()
            self._thread.join()
            self._device.close()
            self._delivery.close()

    def _start(self, width: int, height: int, fps: float) -> tuple[CameraMode, RawBuffer]:
        """Choose a mode, verify what was granted, and wait for the first buffer."""
        device = self._device
        wish = choose_mode(device.modes(width, height), width, height, fps)
        if wish is None:
            raise CameraUnsuitable(device.path, f"one of {', '.join(PIXEL_FORMATS)}", "other pixel formats")
        granted = device.start(wish, min(fps or wish.fps, wish.fps or fps) or 30.0, _N_BUFFERS)
        if granted.pixel_format not in PIXEL_FORMATS:
            raise CameraUnsuitable(device.path, wish.pixel_format, granted.pixel_format)
        if not device.wait(_FIRST_FRAME_S):
            raise FrameTimeout(_FIRST_FRAME_S, -1)
        return granted, device.take()

    def _run(self) -> None:
        """The camera thread."""
        try:
            while not self._closing.is_set():
                if self._first is not None:
                    buffer, self._first = self._first, None
                elif self._device.wait(_POLL_S):
                    buffer = self._device.take()
                else:
                    continue
                self._accept(buffer)
                buffer.data.release()
                self._device.give_back()
        except OSError as error:
            self._delivery.fail(_explained(error, self._device.path, started=True))
        except EdgeError as error:
            self._delivery.fail(error)
        finally:
            if not self._closing.is_set():  # the first reason counts
                self._delivery.fail(CameraThreadFailed(self._device.path))
            self._delivery.ring.end()

    def _accept(self, buffer: RawBuffer) -> None:
        arrived_ns = boottime_ns()
        self._count_skipped(buffer.sequence)
        delivery = self._delivery
        slot = delivery.ring.begin()
        try:
            if buffer.damaged:
                raise BufferDamaged
            self._luma.copy(buffer.data, slot.luma)
        except BufferDamaged:
            delivery.n_corrupt += 1
            self._n_damaged_in_a_row += 1
            if self._n_damaged_in_a_row >= _DAMAGED_IN_A_ROW:
                raise StreamDamaged(self._device.path, delivery.n_corrupt, self.counts.n_frames - 1) from None
            return
        self._n_damaged_in_a_row = 0
        slot.timestamp_ns = buffer.timestamp_ns + self._to_boottime_ns if self._sensor_time else arrived_ns
        delivery.ring.commit()

    def _count_skipped(self, sequence: int) -> None:
        if self._last_kernel_sequence is not None:
            n_skipped = (sequence - self._last_kernel_sequence - 1) & 0xFFFFFFFF
            if n_skipped < _RESTARTED:
                self._delivery.n_skipped += n_skipped
        self._last_kernel_sequence = sequence


def _explained(error: OSError, path: str, started: bool) -> EdgeError:
    """The kernel's errno as a sentence."""
    if error.errno == errno.EBUSY:
        return CameraBusy(path)
    if error.errno in (errno.EACCES, errno.EPERM):
        return CameraDenied(path)
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return CameraAbsent(path, "it was unplugged" if started else "there is none")
    return CameraUnsuitable(path, "video", f"an error ({error.strerror or error})")
