"""The part of picamera2 that is used, played from a script: frames, startup frames, stalls, refusals.

Written after picamera2 0.3.38; `tools/picamera2_signatures.py` compares the signatures with the real
package. Differences: frames come as fast as they are taken instead of at the sensor's pace, and a
wait that would never end raises.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.capture.picamera2_device import Picamera2Library
from edge.capture.picamera2_room import CROP_MIN, SENSOR, Lens, adjusted_crop, default_crop
from edge.capture.picamera2_scene import Live, Scene, Shot, Stall, Startup, Unmappable
from edge.capture.picamera2_view import Rectangle

_POISON, _PADDING, _CHROMA = 0x5A, 0xEE, 0x80
_UNTIL_NOTICED_S = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class ControlId:
    """Names a control; libcamera's have no equality but identity either."""

    name: str


_KEYS = {
    name: ControlId(name)
    for name in (
        "SensorTimestamp",
        "ExposureTime",
        "AnalogueGain",
        "DigitalGain",
        "FrameDuration",
        "ColourGains",
        "ScalerCrop",
        "Lux",
    )
}


class StandInRequest:
    """CompletedRequest: a buffer with its metadata, overwritten when the last holder lets go."""

    def __init__(self, request: Any, picam2: StandInPicamera2) -> None:
        self.request = request
        self.picam2 = picam2
        self.config = picam2.camera_config
        self.ref_count = 1

    def acquire(self) -> None:
        """Hold it."""
        if self.ref_count == 0:
            raise RuntimeError("CompletedRequest: acquiring lock with ref_count 0")
        self.ref_count += 1

    def release(self) -> None:
        """Let go."""
        self.ref_count -= 1
        if self.ref_count < 0:
            raise RuntimeError("CompletedRequest: lock now has negative ref_count")
        if self.ref_count == 0:
            if self.request.memory is not None:
                self.request.memory.fill(_POISON)
            self.request = None

    def get_metadata(self) -> dict[str, Any]:
        """By name."""
        return {key.name: value for key, value in self.request.metadata.items()}


class StandInMappedArray:
    """MappedArray: a view that is good only inside `with`; who keeps a part of it learns so at its end."""

    def __init__(self, request: Any, stream: str, reshape: bool = True, write: bool = True) -> None:
        del write
        if request.request is None or request.request.memory is None:
            raise RuntimeError("failed to find buffer")
        memory, config = request.request.memory, request.config[stream]
        self.__owner = memory if memory.base is None else memory.base
        self.__array = memory.reshape(config["size"][1] * 3 // 2, config["stride"]) if reshape else memory

    def __enter__(self) -> StandInMappedArray:
        self.__n_holders = sys.getrefcount(self.__owner)  # each view of it is one
        return self

    def __exit__(self, exc_type: Any, exc_value: Any, exc_traceback: Any) -> None:
        del self.__array
        if sys.getrefcount(self.__owner) >= self.__n_holders:  # as the memory map says that is closed here
            raise BufferError("cannot close exported pointers exist")

    @property
    def array(self) -> NDArray[np.uint8]:
        """YUV420: one and a half times the height, rows with their padding."""
        return self.__array


class StandInPicamera2:
    """Picamera2 on a scene, with an event loop of its own as NullPreview has."""

    scene: Scene  # set by `stand_in_library`

    def __init__(
        self, camera_num: int = 0, verbose_console: Any = None, tuning: Any = None, allocator: Any = None
    ) -> None:
        del verbose_console, tuning, allocator
        self.scene.note("__init__", camera_num)
        self.camera_config: dict[str, Any] = {}
        self.pre_callback: Callable[[StandInRequest], None] | None = None
        self.started = False
        self.lock = threading.Lock()
        self._script = iter(self.scene.script)
        self._jobs: list[tuple[list[Callable[[], Any]], Future[Any]]] = []
        self._loop: threading.Thread | None = None
        self._ending = threading.Event()
        self._stalled = False
        self._pending: dict[str, Any] = {}
        self._coming: list[dict[str, Any]] = []
        self._active: dict[str, Any] = {}
        self._n_metered = 0
        self._automatic = 5000, 2.0

    @staticmethod
    def global_camera_info() -> list[dict[str, Any]]:
        """Replaced by `stand_in_library`, which knows the scene."""
        return []

    @property
    def camera_properties(self) -> dict[str, Any]:
        """Only what is used of it."""
        return {"Model": self.scene.model}

    @property
    def sensor_modes(self) -> list[Mapping[str, Any]]:
        """As the scene says; the real one reconfigures the camera for each."""
        self.scene.note("sensor_modes")
        return list(self.scene.modes)

    @property
    def camera_controls(self) -> dict[str, tuple[Any, Any, Any]]:
        """Lowest, highest and default value of each control."""
        controls: dict[str, tuple[Any, Any, Any]] = {
            "FrameDurationLimits": (4840, 11767556, 33333),
            "ExposureTime": (14, 11767556, 20000),
            "AnalogueGain": (1.0, 10.7, 1.0),
            "AeEnable": (False, True, True),
            "AwbEnable": (False, True, True),
            "ColourGains": (0.0, 32.0, None),
            "NoiseReductionMode": (0, 4, 0),
            "ScalerCrop": ((0, 0, *CROP_MIN), (0, 0, *SENSOR), (0, 0, *SENSOR)),
        }
        return {name: limits for name, limits in controls.items() if name not in self.scene.missing_controls}

    def create_video_configuration(
        self,
        main: dict[str, Any] = {},  # noqa: B006 - the real signature
        lores: Any = None,
        raw: Any = {},  # noqa: B006
        transform: Any = None,
        colour_space: Any = None,
        buffer_count: int = 6,
        controls: dict[str, Any] = {},  # noqa: B006
        display: str | None = "main",
        encode: str | None = "main",
        queue: bool = True,
        sensor: dict[str, Any] = {},  # noqa: B006
        use_case: str = "video",
    ) -> dict[str, Any]:
        """Fill in what was not said."""
        del colour_space
        defaults = {"NoiseReductionMode": 1, "FrameDurationLimits": (33333, 33333)}
        if not set(defaults) <= set(self.camera_controls):
            defaults = {}
        return {
            "use_case": use_case,
            "transform": transform,
            "buffer_count": buffer_count,
            "queue": queue,
            "main": {"format": "XBGR8888", "size": (1280, 720), **main},
            "lores": lores,
            "raw": raw,
            "controls": defaults | controls,
            "sensor": sensor,
            "display": display,
            "encode": encode,
        }

    def configure(self, camera_config: Any = None) -> None:
        """Check as picamera2 does, and grant."""
        self.scene.note("configure", camera_config)
        if self.started:
            raise RuntimeError("Camera must be stopped before configuring")
        width, height = camera_config["main"]["size"]
        if width % 2 or height % 2:
            raise RuntimeError("width and height should be even")
        bad_keys = set(camera_config["sensor"]) - {"bit_depth", "output_size"}
        if bad_keys:
            raise RuntimeError(f"Unexpected keys {bad_keys} in sensor configuration")
        stride = width + self.scene.padding
        self.camera_config = {**camera_config, "main": {**camera_config["main"], "stride": stride}}
        self._pending = {}
        self._take_controls(camera_config["controls"])

    def camera_configuration(self) -> dict[str, Any]:
        """What was granted."""
        return self.camera_config

    def stream_configuration(self, name: str = "main") -> dict[str, Any]:
        """What was granted for one stream."""
        return self.camera_config[name]

    def set_controls(self, controls: Any) -> None:
        """For the next request."""
        self.scene.note("set_controls", dict(controls))
        self._take_controls(controls)

    def _take_controls(self, controls: Mapping[str, Any]) -> None:
        for name in controls:
            if name not in self.camera_controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
        self._pending = {**self._pending, **controls}

    def start(self, config: Any = None, show_preview: Any = False) -> None:
        """Stream, on an event loop of its own."""
        del show_preview
        self.scene.note("start", config)
        if self._loop is None:
            self._ending.clear()
            self._loop = threading.Thread(target=self._run, name="stand-in preview", daemon=True)
            self._loop.start()
        self._active = {**self._active, **self._pending}
        self._pending, self._coming = {}, []
        self._stalled = False
        self.started = True

    def stop_(self, request: Any = None) -> tuple[bool, None]:
        """Stop; on the event loop."""
        del request
        self.scene.note("stop_")
        self.started = False
        return (True, None)

    def stop(self) -> None:
        """Stop, and wait for it without end."""
        if self.started:
            self.dispatch_functions([self.stop_], wait=True, immediate=True)

    def cancel_all_and_flush(self) -> None:
        """Forget jobs that never ran."""
        with self.lock:
            self._jobs = []

    def dispatch_functions(
        self, functions: Any, wait: Any, signal_function: Any = None, immediate: bool = False
    ) -> Any:
        """Have the event loop run them."""
        del signal_function, immediate
        job: Future[Any] = Future()
        with self.lock:
            self._jobs.append((functions, job))
        if wait is True and (self._loop is None or not self._loop.is_alive()):
            raise RuntimeError("this would wait for ever: the event loop has ended")
        return job.result(timeout=None if wait is True else min(wait, 10 * _UNTIL_NOTICED_S))

    def stop_preview(self) -> None:
        """End the event loop, dead or alive."""
        self.scene.note("stop_preview")
        if self._loop is None:
            raise RuntimeError("No preview specified.")
        self._ending.set()
        self._loop.join()
        self._loop = None

    def close(self) -> None:
        """Release the camera."""
        self.scene.note("close")
        if self._loop is not None:
            self.stop_preview()
        self.started = False

    def _run(self) -> None:
        """Ends, like NullPreview's thread, where the callback raises."""
        while not self._ending.wait(0 if self.started and not self._stalled else _UNTIL_NOTICED_S):
            with self.lock:
                jobs, self._jobs = self._jobs, []
            for functions, job in jobs:
                job.set_result([function() for function in functions][-1])
            if self.started and not self._stalled:
                self._one_request()

    def _one_request(self) -> None:
        is_metering = "AeEnable" in self.camera_controls and self._active.get("AeEnable", True)
        step = self._metering_shot() if is_metering else next(self._script, None)
        if step is None or isinstance(step, Stall):
            self._stalled = True
            return
        if isinstance(step, Live):
            self._ending.wait(0.001)
        request = self._completed(step)
        if self.pre_callback is not None and not isinstance(step, Startup):
            with self.lock:
                self.pre_callback(request)
        request.release()
        # what was asked for during this frame reaches the sensor two frames later
        self._coming.append(self._pending)
        self._pending = {}
        if len(self._coming) >= self.scene.control_delay:
            arrived = self._coming.pop(0)
            obeyed = {name: arrived[name] for name in arrived.keys() - self.scene.ignored_controls}
            self._active = {**self._active, **obeyed}

    def _metering_shot(self) -> Shot:
        self._n_metered += 1
        width, height = self.camera_config["main"]["size"]
        settling_us = 2000 + 200 * min(self._n_metered, 5)
        if self.scene.room is not None:
            total = self.scene.room.automatic(self._lens()) * settling_us / 3000
            settling_us = round(self._clamped("ExposureTime", total))
            self._automatic = settling_us, self._clamped("AnalogueGain", max(total / settling_us, 1.0))
        return Shot(np.full((height, width), 99, np.uint8), 1000 * self._n_metered, settling_us)

    def _clamped(self, name: str, value: float) -> float:
        """What the sensor makes of a control."""
        low, high = self.scene.clamps.get(name, (value, value))
        if name == "ExposureTime":  # no longer than a frame
            high = min(high, self._active["FrameDurationLimits"][0])
        return min(max(value, low), high)

    def _lens(self) -> Lens:
        mode_size = self.camera_config["sensor"].get("output_size")
        mode = next((mode for mode in self.scene.modes if mode.get("size") == mode_size), {})
        whole = Rectangle(*mode.get("crop_limits", (0, 0, *SENSOR)))
        transform = self.camera_config["transform"] or {}
        flips = (bool(transform.get("hflip")), bool(transform.get("vflip")))
        size = self.camera_config["main"]["size"]
        crop = adjusted_crop(Rectangle(*self._active.get("ScalerCrop", default_crop(whole, size))), whole)
        return Lens(whole, crop, flips, size)

    def _completed(self, step: Shot | Startup | Unmappable | Live) -> StandInRequest:
        main = self.camera_config["main"]
        (width, height), stride = main["size"], main["stride"]
        memory = np.full((height * 3 // 2, stride), _CHROMA, np.uint8)
        memory[:, width:] = _PADDING
        timestamp_ns = 1
        exposure_us = self._clamped("ExposureTime", self._active.get("ExposureTime", self._automatic[0]))
        gain = self._clamped("AnalogueGain", self._active.get("AnalogueGain", self._automatic[1]))
        if isinstance(step, Shot):
            memory[:height, :width] = step.luma
            exposure_us = step.exposure_us or exposure_us
        if self.scene.room is not None:
            memory[:height, :width] = self.scene.room.picture(self._lens(), exposure_us, gain)
        if not isinstance(step, Startup):
            timestamp_ns = step.timestamp_ns
        values = {
            "Lux": 400.0,
            "SensorTimestamp": timestamp_ns,
            "ExposureTime": exposure_us,
            "AnalogueGain": gain,
            "ScalerCrop": self._lens().crop,
            "DigitalGain": 1.0,
            "FrameDuration": self._active["FrameDurationLimits"][0],
        }
        values["ColourGains"] = self._active.get("ColourGains", (1.5, 1.4))
        request = SimpleNamespace(
            metadata={
                _KEYS[name]: value
                for name, value in values.items()
                if name not in self.scene.missing_controls
            },
            memory=None if isinstance(step, Unmappable) else memory.reshape(-1),
        )
        return StandInRequest(request, self)


def stand_in_library(scene: Scene) -> Picamera2Library:
    """picamera2 and libcamera, as far as they are used, on one scene."""

    class Camera(StandInPicamera2):
        @staticmethod
        def global_camera_info() -> list[dict[str, Any]]:
            return [{"Model": scene.model, "Id": f"/base/i2c{k}", "Num": k} for k in range(scene.cameras)]

    Camera.scene = scene
    return Picamera2Library(Camera, StandInMappedArray, lambda **turns: turns)
