"""A Raspberry Pi camera through picamera2: opened, configured, started, restarted, closed.

picamera2 and libcamera come with the system and are imported only when such a camera is opened.
`picamera2_standin` plays the same with failures.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import math
import platform
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import Any

from edge.capture.errors import (
    CameraAbsent,
    CameraBusy,
    CameraDenied,
    CameraUnsuitable,
    Picamera2Missing,
)
from edge.capture.picamera2_metering import ExposureLimits
from edge.capture.picamera2_mode import ENOUGH_HZ, ModeCache, SensorMode, choose_sensor_mode, parse_modes
from edge.errors import EdgeError

log = logging.getLogger(__name__)

# jitter only: "on average" the reader must keep up (picamera2 issue 379)
_N_BUFFERS = 8
_STOP_S = 1.0
_NOISE_REDUCTION_OFF = 0  # libcamera draft.NoiseReductionModeEnum.Off
_N_MODES_TRIED = 3
# libcamera may grant another format than the one asked for; in these the rows of luma come first
_LUMA_FIRST = ("YUV420", "NV12")


@dataclass(frozen=True, slots=True)
class Picamera2Library:
    """The parts of picamera2 and libcamera that are used: two classes of one, one of the other."""

    camera: Any
    mapped_array: Any
    transform: Callable[..., Any]


def system_library() -> Picamera2Library:
    """Import the system's picamera2.

    Raises
    ------
    Picamera2Missing
    """
    try:
        from libcamera import Transform
        from picamera2 import MappedArray, Picamera2
    except ImportError as error:
        raise Picamera2Missing(f"it cannot be imported ({error})") from error
    return Picamera2Library(Picamera2, MappedArray, Transform)


@dataclass(frozen=True, slots=True)
class Granted:
    """What the camera was configured to."""

    mode: SensorMode
    width: int
    height: int
    fps: float


class Picamera2Device:
    """One camera, by its number.

    Raises
    ------
    CameraAbsent, CameraBusy, CameraDenied, CameraUnsuitable
    """

    def __init__(self, number: int, library: Picamera2Library) -> None:
        self.path = f"picamera2:{number}"
        self._library = library
        n_cameras = len(library.camera.global_camera_info())
        if number >= n_cameras:
            raise CameraAbsent(self.path, f"this machine has {n_cameras or 'none'}")
        try:
            self._camera: Any = library.camera(number)
        except (RuntimeError, OSError) as error:
            raise explained(error, self.path) from error
        self._controls: dict[str, Any] = {}
        self.name = str(self._camera.camera_properties.get("Model", "camera"))

    def modes(self, cache: ModeCache) -> list[SensorMode]:
        """The sensor's modes; asked of the camera only once for each kernel."""
        key = f"{self.name} {platform.release()}"
        modes = cache.get(key)
        if not modes:
            try:
                modes = parse_modes(self._camera.sensor_modes)
            except (RuntimeError, OSError) as error:
                raise explained(error, self.path) from error
            cache.put(key, modes)
        return modes

    def start(
        self,
        modes: list[SensorMode],
        wish: tuple[int, int, float],
        flips: tuple[bool, bool],
        prepare: Callable[[Granted], Callable[[Any], None]],
    ) -> None:
        """Configure and stream; a mode that will not start gives way to the next best.

        Some boards list modes that end in a broken pipe (raspberrypi/libcamera issue 126).

        Parameters
        ----------
        wish : width, height, fps
            Of the picture as it leaves the sensor.
        flips : horizontally, vertically
        prepare : callable
            Given what was granted, returns the callback for every request.
        """
        width, height, fps = wish
        left = list(modes)
        for n_left in range(_N_MODES_TRIED - 1, -1, -1):
            mode = choose_sensor_mode(left, width, height, fps)
            if mode is None:
                raise CameraUnsuitable(self.path, "a sensor on the ribbon connector", "no sensor mode")
            try:
                granted = self._configure(mode, width, height, min(fps or ENOUGH_HZ, mode.fps), flips)
                self._camera.pre_callback = prepare(granted)
                self._camera.start()
            except (RuntimeError, OSError) as error:
                left.remove(mode)
                if not n_left or not left:
                    raise explained(error, self.path) from error
                log.warning(
                    "%s does not start at %dx%d, %d bit: %s",
                    *(self.path, mode.width, mode.height, mode.bit_depth, error),
                )
                self._stop()
            else:
                return

    def _configure(
        self, mode: SensorMode, width: int, height: int, fps: float, flips: tuple[bool, bool]
    ) -> Granted:
        camera = self._camera
        # rounded up, as rounding down would ask for more than the mode has
        interval_us = math.ceil(1e6 / fps)
        self._controls = {
            "FrameDurationLimits": (interval_us, interval_us),
            "NoiseReductionMode": _NOISE_REDUCTION_OFF,  # it blends frames and smears small movements
        }
        configuration = camera.create_video_configuration(
            main={"size": (width, height), "format": "YUV420"},
            lores=None,
            raw=None,  # a raw stream would starve the sensor when the reader is late
            transform=self._library.transform(hflip=flips[0], vflip=flips[1]),
            buffer_count=_N_BUFFERS,
            queue=False,
            display=None,
            encode=None,
            controls=self._advertised(self._controls),
            sensor={"output_size": (mode.width, mode.height), "bit_depth": mode.bit_depth},
        )
        camera.configure(configuration)
        main = camera.stream_configuration("main")
        if main["format"] not in _LUMA_FIRST:
            raise CameraUnsuitable(self.path, "YUV420", main["format"])
        granted_width, granted_height = main["size"]
        return Granted(mode, granted_width, granted_height, 1e6 / interval_us)

    def set_controls(self, controls: dict[str, Any]) -> None:
        """Ask for them with the next request; those that this camera does not have are left out."""
        self._camera.set_controls(self._advertised(controls))

    def set_rate(self, fps: float) -> int:
        """Frames at this rate from one of the next requests on, and after a restart; the interval, ns."""
        interval_us = math.ceil(1e6 / fps)
        self._controls["FrameDurationLimits"] = (interval_us, interval_us)
        self.set_controls({"FrameDurationLimits": (interval_us, interval_us)})
        return interval_us * 1000

    def has(self, control: str) -> bool:
        """Whether this camera, as configured, has such a control."""
        return control in self._camera.camera_controls

    def exposure_limits(self, interval_us: float) -> ExposureLimits:
        """What exposure and gain can be, within a frame's time."""
        controls = self._camera.camera_controls
        shortest_us, longest_us, _ = controls["ExposureTime"]
        least, most, _ = controls["AnalogueGain"]
        return ExposureLimits(shortest_us, min(longest_us, interval_us), max(least, 1.0), most)

    def restart(self, controls: dict[str, Any]) -> None:
        """Stop and start again with these controls; may raise RuntimeError or OSError."""
        self._stop()
        self.set_controls({**self._controls, **controls})
        self._camera.start()

    def close(self) -> None:
        """Stop and release, whatever state the camera is in; may hang where the driver does."""
        with contextlib.suppress(RuntimeError, OSError):
            self._stop()
        self._camera.pre_callback = None
        with contextlib.suppress(RuntimeError, OSError):
            self._camera.close()

    def abandon(self) -> None:
        """Where `close` hangs: keep picamera2 from closing it once more when Python ends."""
        atexit.unregister(self._camera.close)

    def _advertised(self, controls: dict[str, Any]) -> dict[str, Any]:
        """A monochrome sensor has no white balance, and an unknown control is an error."""
        known = self._camera.camera_controls
        return {name: value for name, value in controls.items() if name in known}

    def _stop(self) -> None:
        """Stop, within a second: `Picamera2.stop` waits for ever where its event loop has died."""
        camera = self._camera
        if not camera.started:
            return
        camera.cancel_all_and_flush()
        try:
            camera.dispatch_functions([camera.stop_], wait=_STOP_S, immediate=True)
        except FutureTimeout:
            camera.cancel_all_and_flush()
            camera.stop_()
            camera.stop_preview()  # `start` makes a new event loop


def explained(error: BaseException, path: str) -> EdgeError:
    """libcamera's errno, which arrives as text in a chain of RuntimeErrors, as a sentence."""
    told = []
    cause: BaseException | None = error
    while cause is not None:
        told.append(str(cause))
        cause = cause.__cause__
    text = " ".join(told)
    if "resource busy" in text:
        return CameraBusy(path)
    if "Permission denied" in text:
        return CameraDenied(path)
    if "No such device" in text:
        return CameraAbsent(path, "it does not answer")
    return CameraUnsuitable(path, "video", f"an error ({told[-1]})")
