"""Raspberry Pi cameras: picamera2's callback stamps, checks the gap and copies luma into the ring.

A loop over `capture_request` can skip frames without anyone noticing; the callback sees each
(picamera2 issues 427, 1201). Exposure is metered first, for the face where one is seen, and locked before the
first frame is delivered.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edge.capture.delivery import Delivery
from edge.capture.errors import CameraSilent, CameraThreadFailed, FrameTimeout
from edge.capture.picamera2_device import Granted, Picamera2Device, Picamera2Library, system_library
from edge.capture.picamera2_exposure import ExposureLock, FrameMetadata, Metering
from edge.capture.picamera2_framing import FaceFraming, FramingPatience, Viewfinder
from edge.capture.picamera2_mode import ModeCache, SensorMode
from edge.capture.picamera2_view import FindFace, Luma, Orientation
from edge.capture.source import SourceCounts
from edge.errors import EdgeError
from edge.messages import Frame, SourceInfo

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a camera may be silent.

    libcamera stops in silence when the sensor does ("Camera frontend has timed out"), and picamera2
    drops the cancelled requests, so nobody else notices.
    """

    first_frame_s: float = 12.0  # a face may be waited for, and metered
    stall_s: float = 1.0
    poll_s: float = 0.1
    n_restarts: int = 2
    close_s: float = 5.0


class Picamera2Source:
    """A camera on a Raspberry Pi's ribbon connector.

    Parameters
    ----------
    number : int
        As `microcue cameras` counts them.
    width, height : int, px
        Of the upright picture; both even. Sensor widths that are multiples of 128 need no padding.
    fps : float, Hz
        0 takes the fastest mode, at no more than 200.
    orientation : Orientation, optional
        How the camera is mounted.
    find_face : callable, optional
        Given luma, the box of the largest face or None. Called from a thread of its own.
    meter_face : bool
        Expose for the first face that it finds; otherwise, and until then, for the whole picture.
    zoom_to_face : bool
        Crop the sensor to the face that `find_face` sees before the first frame, as far as its mode allows.
    library : Picamera2Library, optional
        The stand-in; by default the system's picamera2.

    Raises
    ------
    Picamera2Missing, CameraAbsent, CameraBusy, CameraDenied, CameraUnsuitable, FrameTimeout
        At once: the first locked frame has come when this returns.

    Notes
    -----
    A frame's time is its SensorTimestamp: the interrupt at which the first row left the sensor, when
    its exposure had just ended (picamera2 issue 821; libcamera's own text says "exposed"). The
    middle of the exposure is half an exposure earlier, by the same amount in every frame once exposure
    is locked, and rows further down are later by the sensor's readout. The time of the frame buffer
    is not used: it includes software delays (rpicam-apps pull request 288).
    """

    def __init__(
        self,
        number: int = 0,
        width: int = 640,
        height: int = 480,
        fps: float = 0.0,
        *,
        orientation: Orientation | None = None,
        find_face: FindFace | None = None,
        meter_face: bool = True,
        zoom_to_face: bool = False,
        library: Picamera2Library | None = None,
        cache: ModeCache | None = None,
        metering: Metering | None = None,
        patience: Patience | None = None,
        framing_patience: FramingPatience | None = None,
    ) -> None:
        self.counts = SourceCounts()
        self._library = library if library is not None else system_library()
        self._patience = patience if patience is not None else Patience()
        self._metering = metering
        self._orientation = turn = orientation if orientation is not None else Orientation()
        self._framing: FaceFraming | None = None
        self._framing_wish = (find_face, meter_face, zoom_to_face, framing_patience)
        self._metadata = FrameMetadata()
        self._closing = threading.Event()
        self._settled = threading.Event()
        self._n_seen = 0
        self._last_ns = 0
        self._device = Picamera2Device(number, self._library)
        try:
            modes = self._device.modes(cache if cache is not None else ModeCache())
            size = (height & ~1, width & ~1) if turn.on_its_side else (width & ~1, height & ~1)
            self._device.start(modes, (*size, fps), turn.flips(), self._prepare)
            self._watchdog = threading.Thread(target=self._watch, name="camera watchdog", daemon=True)
            self._watchdog.start()
            self._wait_for_the_first()
        except EdgeError:
            self.close()
            raise
        self.info = self._info()

    def read(self, timeout_s: float) -> Frame:
        """Return the oldest frame in the ring; frames before a failure come first."""
        return self._delivery.read(timeout_s, self.counts)

    def ask_rate(self, fps: float) -> bool:
        """Another frame rate from one of the next frames on, exposure and mode staying as they are.

        Libcamera takes FrameDurationLimits with any request; the frames under way still come at the old rate.
        """
        try:
            self._interval_ns = self._device.set_rate(fps)
        except (RuntimeError, OSError) as error:
            log.warning("%s keeps its frame rate: %s", self._device.path, error)
            return False
        return True

    def close(self) -> None:
        """Stop the watchdog and the camera; a driver that hangs is left behind."""
        if self._closing.is_set():
            return
        self._closing.set()
        if (delivery := getattr(self, "_delivery", None)) is not None:
            delivery.close()
        if self._framing is not None:
            self._framing.close()
        closer = threading.Thread(target=self._release, name="camera release", daemon=True)
        closer.start()
        closer.join(self._patience.close_s)
        if closer.is_alive():
            log.warning("%s does not close; it may need the cable or the power pulled", self._device.path)
            self._device.abandon()

    def _release(self) -> None:
        if (watchdog := getattr(self, "_watchdog", None)) is not None:
            watchdog.join()
        self._device.close()

    def _prepare(self, granted: Granted) -> Callable[[Any], None]:
        """Make everything that the callback writes to."""
        self._granted = granted
        width, height = granted.width, granted.height
        self._size = (height, width) if self._orientation.on_its_side else (width, height)
        self._delivery = Delivery(self._size[1], self._size[0], granted.fps)
        metering = self._metering if self._metering is not None else Metering.at(granted.fps)
        self._lock = ExposureLock(self._device.set_controls, metering, self._device.has("ExposureTime"))
        self._interval_ns = round(1e9 / granted.fps)
        self._framing = self._new_framing()
        return self._on_request

    def _new_framing(self) -> FaceFraming | None:
        """What looks for a face to meter; None where nobody finds faces or light cannot be set."""
        find_face, meters, zooms, patience = self._framing_wish
        device, (width, height) = self._device, self._size
        sets_light = device.has("ExposureTime") and device.has("AnalogueGain")
        if find_face is None or not (meters or zooms) or not sets_light:
            return None
        zoom = (self._orientation, self._granted.mode.sensor_px_per_pixel) if zooms else None
        limits = device.exposure_limits(self._interval_ns / 1000)
        return FaceFraming(Viewfinder(height, width), find_face, limits, zoom, meters, device.path, patience)

    def _wait_for_the_first(self) -> None:
        """Until a frame is delivered; a failure, too, ends the wait."""
        if self._framing is not None:
            self._framing.start()
        if not self._settled.wait(self._patience.first_frame_s):
            raise FrameTimeout(self._patience.first_frame_s, -1)
        if not self._last_ns and self._delivery.failure is not None:
            raise self._delivery.failure

    def _info(self) -> SourceInfo:
        granted, metadata = self._granted, self._metadata
        if metadata.frame_duration_us:  # what it really runs at, not what was asked for
            fps = 1e6 / metadata.frame_duration_us
            self._interval_ns = metadata.frame_duration_us * 1000
        else:
            fps = granted.fps
        if not self._lock.verified:
            log.warning("%s: exposure could not be locked, so light may change", self._device.path)
        mode = granted.mode
        description = (
            f"{self._device.path} {self._device.name} {mode.width}x{mode.height} {mode.bit_depth}-bit"
        )
        if self._framing is not None:
            description += self._framing.summary()
        return SourceInfo(description, *self._size, fps, "sensor", live=True)

    def _on_request(self, request: Any) -> None:
        """Every frame, on picamera2's thread with its lock held. What it raises ends that thread."""
        understood = False
        try:
            self._accept(request)
            understood = True
        except (RuntimeError, OSError):  # a buffer that cannot be mapped
            self._delivery.n_corrupt += 1
            understood = True
        finally:
            if not understood:
                self._fail(CameraThreadFailed(self._device.path))

    def _accept(self, request: Any) -> None:
        self._n_seen += 1
        metadata = self._metadata.read(request.request.metadata)
        if not self._lock.passes(metadata):
            return
        delivery, granted, timestamp_ns = self._delivery, self._granted, metadata.timestamp_ns
        if timestamp_ns <= self._last_ns:  # never seen; time must not go back
            delivery.n_corrupt += 1
            return
        if self._last_ns:
            interval_ns = self._interval_ns
            delivery.n_skipped += max(0, (timestamp_ns - self._last_ns + interval_ns // 2) // interval_ns - 1)
            delivery.n_exposure_changes += self._lock.changed(metadata)
        slot = delivery.ring.begin()
        with self._library.mapped_array(request, "main", write=False) as mapped:
            # YUV420: the rows of luma, then chroma; rows may be padded
            # no name for the picture: a view that outlives `mapped` is an error there
            self._orientation.copy(mapped.array[: granted.height, : granted.width], slot.luma)
        if self._framing is not None and self._frames_the_face(self._framing, slot.luma):
            return
        slot.timestamp_ns = self._last_ns = timestamp_ns
        delivery.ring.commit()
        if not self._settled.is_set():
            self._settled.set()

    def _frames_the_face(self, framing: FaceFraming, luma: Luma) -> bool:
        """Show a frame to whoever looks for the face; whether frames are not to be delivered yet."""
        framing.viewfinder.show(luma, self._metadata)
        if (controls := framing.viewfinder.asked()) is not None:
            self._lock.adjust(controls)
        if framing.holds_back:
            self._lock.changed(self._metadata)  # so that the first frame delivered is compared with the last
        return framing.holds_back

    def _fail(self, failure: EdgeError) -> None:
        self._delivery.fail(failure)
        self._settled.set()

    def _watch(self) -> None:
        """Start a silent camera again; give up after some times in a row."""
        patience = self._patience
        n_seen, silent_s, n_in_a_row = self._n_seen, 0.0, 0
        while not self._closing.wait(patience.poll_s):
            if self._n_seen != n_seen:
                n_seen, silent_s, n_in_a_row = self._n_seen, 0.0, 0
                continue
            if self._delivery.failure is not None:
                return
            silent_s += patience.poll_s
            if silent_s < patience.stall_s:
                continue
            if n_in_a_row == patience.n_restarts:
                self._fail(CameraSilent(self._device.path, n_in_a_row))
                return
            n_in_a_row += 1
            silent_s = 0.0
            self._restart()

    def _restart(self) -> None:
        log.warning("%s fell silent and is started again", self._device.path)
        try:
            self._device.restart(self._lock.held)
        except (RuntimeError, OSError) as error:
            log.warning("%s cannot be started again: %s", self._device.path, error)
        self._delivery.n_restarts += 1


@dataclass(frozen=True, slots=True)
class RibbonCamera:
    """One camera that libcamera lists."""

    device: str
    name: str


def find_ribbon_cameras(library: Picamera2Library | None = None) -> list[RibbonCamera]:
    """Cameras on ribbon connectors; empty where there are none, or no picamera2. USB ones are not listed."""
    try:
        listed = (library or system_library()).camera.global_camera_info()
    except EdgeError:
        return []
    return [
        RibbonCamera(f"picamera2:{number}", str(camera.get("Model", "camera")))
        for number, camera in enumerate(listed)
        if "/usb" not in camera["Id"]
    ]


def ribbon_modes(
    device: str, library: Picamera2Library | None = None, cache: ModeCache | None = None
) -> list[SensorMode]:
    """The modes of one camera, as `find_ribbon_cameras` names it; opens it, so it must be free."""
    camera = Picamera2Device(int(device.rpartition(":")[2]), library or system_library())
    try:
        return camera.modes(cache or ModeCache())
    finally:
        camera.close()
