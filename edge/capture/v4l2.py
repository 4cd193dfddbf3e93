"""USB cameras through V4L2: a thread that only dequeues, stamps and copies luma into the ring."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge.capture.delivery import Delivery
from edge.capture.errors import (
    CameraAbsent,
    CameraBusy,
    CameraDenied,
    CameraSilent,
    CameraThreadFailed,
    CameraUnsuitable,
    FrameTimeout,
    StreamDamaged,
)
from edge.capture.picamera2_view import FindFace
from edge.capture.source import SourceCounts
from edge.capture.v4l2_device import (
    PIXEL_FORMATS,
    CameraMode,
    DeviceIdentity,
    LinuxpyDevice,
    RawBuffer,
    VideoDevice,
)
from edge.capture.v4l2_exposure import LightLock
from edge.capture.v4l2_finding import choose_mode, find_again
from edge.capture.v4l2_luma import BufferDamaged, raw_luma
from edge.clock import boottime_ns, offset_to_boottime_ns
from edge.errors import EdgeError
from edge.messages import Frame, SourceInfo

log = logging.getLogger(__name__)

_N_BUFFERS = 4
_DAMAGED_IN_A_ROW = 30
_THIN = slice(None, None, 8), slice(None, None, 8)  # tells how bright a picture is
_FACE_LEVEL = 120.0  # of 255: the middle of what 8 bits show, with room for a forehead's shine
_LOOK_AT_LIGHT_NS = 1_000_000_000
_GONE = (errno.ENODEV, errno.ENXIO, errno.ESHUTDOWN)
_RESTARTED = 1 << 20  # a jump of the sequence number that is no loss


@dataclass(frozen=True, slots=True)
class DevicePatience:
    """How long a camera may be silent or away, s; `poll_s` is how soon the thread notices `close`."""

    first_frame_s: float = 5.0  # cheap cameras take up to two seconds to wake
    stall_s: float = 1.0
    away_s: float = 60.0
    look_again_s: float = 0.25
    poll_s: float = 0.1
    n_restarts: int = 3  # in a row


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
    mains_hz : int
        As in `LightLock`.
    find_face : callable, optional
        Given luma, the box of the largest face, px, or None; one that is there at the start is exposed for.
    patience : DevicePatience, optional
    find : callable, optional
        Opens the same camera again after it was unplugged, or gives None while it is away. A device that
        was given open is not looked for unless this says how.

    Raises
    ------
    CameraAbsent, CameraBusy, CameraDenied, CameraUnsuitable, FrameTimeout, MissingExtra
        At once: frames have come, and their exposure is held, when this returns.

    Notes
    -----
    Kernel timestamps are CLOCK_MONOTONIC; the distance to CLOCK_BOOTTIME is measured once, at the
    start. A driver that does not say so gets arrival times, and `info.timestamps` says that.
    A camera that falls silent is started again; one that is unplugged is waited for, found by its serial
    number or socket wherever it comes back, and goes on in the same mode and light.
    """

    def __init__(
        self,
        device: str | VideoDevice,
        width: int = 640,
        height: int = 480,
        fps: float = 0.0,
        mains_hz: int = 0,
        find_face: FindFace | None = None,
        patience: DevicePatience | None = None,
        find: Callable[[DeviceIdentity], VideoDevice | None] | None = None,
    ) -> None:
        self.counts = SourceCounts()
        self._patience = patience if patience is not None else DevicePatience()
        self._find = find_again if find is None and isinstance(device, str) else find
        path = device if isinstance(device, str) else device.path
        try:
            self._device: VideoDevice = LinuxpyDevice(device) if isinstance(device, str) else device
        except OSError as error:
            raise _explained(error, path, started=False) from error
        self._closing = threading.Event()
        self._n_damaged_in_a_row = 0
        self._last_kernel_sequence: int | None = None
        self._looked_at_light_ns = 0
        self._to_boottime_ns = offset_to_boottime_ns(time.CLOCK_MONOTONIC)
        try:
            self._mode, self._asked_fps = self._start(width, height, fps)
            self._luma = raw_luma(self._mode)
            self._light = LightLock(self._device, self._mode.fps, mains_hz)
            self._scratch = np.empty((self._mode.height, self._mode.width), np.uint8)
            self._metered: tuple[slice, slice] = _THIN
            self._light.meter(self._next_level)
            if find_face is not None:
                self._meter_face(find_face)
            first = self._next_buffer()
        except OSError as error:
            self._device.close()
            raise _explained(error, path, started=False) from error
        except EdgeError:
            self._device.close()
            raise
        mode = self._mode
        self._delivery = Delivery(mode.height, mode.width, mode.fps)
        self._delivery.device = path
        self._sensor_time = first.monotonic
        self.info = self._told(path, first)
        self._first: RawBuffer | None = first
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def _told(self, path: str, first: RawBuffer) -> SourceInfo:
        """What the session says of the camera."""
        mode = self._mode
        return SourceInfo(
            f"v4l2:{path} {self._device.name} {mode.pixel_format}, {self._light.text()}",
            mode.width,
            mode.height,
            mode.fps,
            "sensor" if first.monotonic else "arrival",
            live=True,
        )

    def read(self, timeout_s: float) -> Frame:
        """Return the oldest frame in the ring; frames before a failure come first.

        Raises CameraAway, a FrameTimeout, while an unplugged camera is waited for.
        """
        return self._delivery.read(timeout_s, self.counts)

    def close(self) -> None:
        """Stop the thread, then release the camera."""
        if not self._closing.is_set():
            self._closing.set()
            self._thread.join()
            self._device.close()
            self._delivery.close()

    def _start(self, width: int, height: int, fps: float) -> tuple[CameraMode, float]:
        """Choose a mode, stream in it, and verify what was granted; the mode, and the rate asked for."""
        device = self._device
        wish = choose_mode(device.modes(width, height), width, height, fps)
        if wish is None:
            raise CameraUnsuitable(device.path, f"one of {', '.join(PIXEL_FORMATS)}", "other pixel formats")
        asked_fps = min(fps or wish.fps, wish.fps or fps) or 30.0
        granted = device.start(wish, asked_fps, _N_BUFFERS)
        if granted.pixel_format not in PIXEL_FORMATS:
            raise CameraUnsuitable(device.path, wish.pixel_format, granted.pixel_format)
        return granted, asked_fps

    def _next_buffer(self) -> RawBuffer:
        """Before the thread runs: the next buffer."""
        if not self._device.wait(self._patience.first_frame_s):
            raise FrameTimeout(self._patience.first_frame_s, -1)
        return self._device.take()

    def _next_level(self) -> float:
        """Before the thread runs: how bright the next sound picture is."""
        for _ in range(_DAMAGED_IN_A_ROW):
            buffer = self._next_buffer()
            try:
                if not buffer.damaged:
                    self._luma.copy(buffer.data, self._scratch)
                    return float(self._scratch[self._metered].mean())
            except BufferDamaged:
                pass
            finally:
                buffer.data.release()
                self._device.give_back()
        raise StreamDamaged(self._device.path, _DAMAGED_IN_A_ROW, -1)

    def _meter_face(self, find_face: FindFace) -> None:
        """Before the thread runs: expose for the face that is there, if there is one."""
        self._next_level()
        if (box := find_face(self._scratch)) is not None:
            x0, y0, x1, y1 = (max(round(edge), 0) for edge in box)
            self._metered = slice(y0, max(y1, y0 + 1)), slice(x0, max(x1, x0 + 1))
            if self._scratch[self._metered].size:
                self._light.bring_to(self._next_level, _FACE_LEVEL)

    def _run(self) -> None:
        """The camera thread."""
        try:
            while not self._closing.is_set():
                try:
                    self._stream()
                except OSError as error:
                    if error.errno not in _GONE or self._find is None:
                        raise
                    self._wait_for_return(error)
        except OSError as error:
            self._delivery.fail(_explained(error, self._device.path, started=True))
        except EdgeError as error:
            self._delivery.fail(error)
        finally:
            if not self._closing.is_set():  # the first reason counts
                self._delivery.fail(CameraThreadFailed(self._device.path))
            self._delivery.ring.end()

    def _stream(self) -> None:
        """Frames into the ring until closing; a stalled camera is started again."""
        patience = self._patience
        silent_s, n_restarts = 0.0, 0
        while not self._closing.is_set():
            if self._first is not None:
                buffer, self._first = self._first, None
            elif self._device.wait(patience.poll_s):
                buffer = self._device.take()
            else:
                silent_s += patience.poll_s  # waits are counted: where the machine stood still, so did it
                if silent_s >= patience.stall_s:
                    if n_restarts == patience.n_restarts:
                        raise CameraSilent(self._device.path, n_restarts)
                    n_restarts += 1
                    silent_s = 0.0
                    log.warning("%s fell silent and is started again", self._device.path)
                    self._restart()
                continue
            silent_s, n_restarts = 0.0, 0
            self._accept(buffer)
            buffer.data.release()
            self._device.give_back()

    def _restart(self) -> None:
        """In the same mode and light; what it grants now must be what it granted."""
        self._device.stop()
        granted = self._device.start(self._mode, self._asked_fps, _N_BUFFERS)
        expected, came = (f"{m.width}x{m.height} {m.pixel_format}" for m in (self._mode, granted))
        if expected != came:
            raise CameraUnsuitable(self._device.path, expected, came)
        self._light.hold(self._device)
        self._last_kernel_sequence = None
        self._delivery.n_restarts += 1

    def _wait_for_return(self, error: OSError) -> None:
        """An unplugged camera is looked for until it is back; `error` is raised where it stays away."""
        patience, away_s = self._patience, 0.0
        log.warning("%s was unplugged; it is waited for", self._device.path)
        identity = self._device.identity
        self._delivery.away_patience_s = patience.away_s
        self._device.close()
        while away_s < patience.away_s and not self._closing.wait(patience.look_again_s):
            away_s += patience.look_again_s
            found = self._find(identity) if self._find is not None else None
            if found is None:
                continue
            self._device = found
            try:
                self._restart()
            except OSError:  # not awake yet, or gone again
                found.close()
                continue
            self._delivery.away_patience_s = 0.0
            log.warning("%s is back as %s", identity.name, found.path)
            return
        if not self._closing.is_set():
            raise error

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
        if arrived_ns - self._looked_at_light_ns > _LOOK_AT_LIGHT_NS:
            self._looked_at_light_ns = arrived_ns
            if self._light.has_drifted():
                delivery.n_exposure_changes += 1
                self._light.hold(self._device)

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
