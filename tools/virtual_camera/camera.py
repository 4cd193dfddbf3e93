"""microcue on libcamera's virtual camera: the real picamera2, and pictures from a folder.

    python tools/virtual_camera/camera.py FOLDER FPS run --camera picamera2 ...

Runs inside the root that `tools/virtual_camera/enter.sh` makes. Nothing of microcue is replaced. Of
picamera2 and libcamera 0.4.0 only what that camera lacks is supplied:

- a raw stream, from which picamera2 tells the sensor's modes and size;
- DMA buffers of more than one plane (`LibcameraAllocator` instead of the default);
- a pace: it fills a buffer as soon as it gets one, and shows each picture four times in a row (`frameRepeat`
  in libcamera's image_frame_generator.cpp). Here a clock hands it a free buffer when a picture is due, and of
  four equal ones one passes;
- `pykms`, which picamera2 imports for preview windows and never uses without one.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
import types
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

SIZE = (640, 480)
CAMERAS = Path("/usr/share/libcamera/pipeline/virtual/virtual.yaml")
_N_REPEATS = 4
_N_WAITING = 6  # pictures in microcue's ring, of which it holds 13 at 100 a second
_PATIENCE_S = 0.5  # shorter than a stall


def describe_camera(pictures: Path, fps: int) -> None:
    """Tell libcamera what to play; it reads this when it starts."""
    lines = [
        '"Virtual0":',
        "  supported_formats:",
        *(f"  - width: {SIZE[0]}", f"    height: {SIZE[1]}", "    frame_rates:", f"    - {fps}"),
        "  frames:",
        f'    path: "{pictures}"',
        '  location: "CameraLocationFront"',
        '  model: "Virtual frames"',
    ]
    CAMERAS.parent.mkdir(parents=True, exist_ok=True)
    CAMERAS.write_text("\n".join(lines) + "\n", encoding="utf-8")


class SensorClock:
    """libcamera's camera, which shows each picture at its own time instead of as soon as there is a buffer.

    Parameters
    ----------
    waits : bool
        Show late what has no free buffer in its time, instead of passing it over as a sensor does.

    Attributes
    ----------
    shown : deque of int or None
        For each buffer that was filled, in order: the picture's number, None where nobody is to see it.
    """

    def __init__(self, camera: Any, fps: int, waits: bool) -> None:
        self._camera = camera
        self._interval_s = 1 / fps
        self._waits = waits
        self._free: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._connected = threading.Event()
        self._thread: threading.Thread | None = None
        self.shown: deque[int | None] = deque()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._camera, name)

    def start(self, controls: Any) -> Any:
        """Start it, and the clock."""
        started = self._camera.start(controls)
        self.shown.clear()
        self._connected.set()
        self._thread = threading.Thread(target=self._tick, name="sensor clock", daemon=True)
        self._thread.start()
        return started

    def stop(self) -> Any:
        """Stop the clock first: libcamera takes no buffer after it was stopped."""
        self._connected.set()
        self._free.put(None)
        if self._thread is not None:
            self._thread.join()
        self._free = queue.SimpleQueue()
        return self._camera.stop()

    def fall_silent(self) -> None:
        """As a sensor whose cable is loose, until it is started again."""
        self._connected.clear()

    def queue_request(self, request: Any) -> None:
        """The buffer is free again."""
        self._free.put(request)

    def _tick(self) -> None:
        began_s, n_filled = time.monotonic(), 0
        while (request := self._free.get()) is not None:
            self._connected.wait()
            number, repeat = divmod(n_filled, _N_REPEATS)
            early_s = began_s + number * self._interval_s - time.monotonic()
            if self._waits and early_s < 0:
                began_s -= early_s
            is_shown = repeat == 0 and (self._waits or early_s > -self._interval_s)
            if is_shown:
                time.sleep(max(0.0, early_s))
            self.shown.append(number if is_shown else None)
            self._camera.queue_request(request)
            n_filled += 1


class StampedRequest:
    """libcamera's request, with a picture's time in its clip for the time at which it was shown."""

    def __init__(self, request: Any, timestamp_ns: int) -> None:
        self.request = request
        self._timestamp_ns = timestamp_ns

    def __getattr__(self, name: str) -> Any:
        return getattr(self.request, name)

    @property
    def metadata(self) -> dict[Any, Any]:
        """The only control of this camera is SensorTimestamp."""
        return {
            key: self._timestamp_ns if key.name == "SensorTimestamp" else value
            for key, value in self.request.metadata.items()
        }


def virtual_picamera2(fps: int, waits: bool = False) -> type:
    """picamera2's class, on the virtual camera.

    Parameters
    ----------
    fps : int, Hz
    waits : bool
        Show the next picture only when microcue has room for it, once it reads, and give each picture
        its time in the clip: then a machine that is busy loses nothing. Otherwise time is real.
    """
    kms = types.ModuleType("pykms")
    kms.PixelFormat = MagicMock()
    sys.modules["pykms"] = kms
    from picamera2 import Picamera2
    from picamera2.allocators import Allocator, LibcameraAllocator

    class VirtualPicamera2(Picamera2):
        def __init__(self, camera_num: int = 0) -> None:
            super().__init__(camera_num, allocator=Allocator())
            self.allocator = LibcameraAllocator(self.camera)
            self.camera = SensorClock(self.camera, fps, waits)
            whole = (0, 0, *SIZE)
            self.sensor_modes_ = [{"size": SIZE, "bit_depth": 8, "fps": float(fps), "crop_limits": whole}]

        def _get_raw_modes(self) -> list[dict[str, Any]]:
            return [{"format": "NV12", "size": SIZE}]

        @property
        def pre_callback(self) -> Callable[[Any], None] | None:
            """For pictures that are shown, what was set."""
            return None if self._pre_callback is None else self._when_shown

        @pre_callback.setter
        def pre_callback(self, callback: Callable[[Any], None] | None) -> None:
            self._pre_callback = callback

        def _when_shown(self, request: Any) -> None:
            number = self.camera.shown.popleft()
            if number is None or self._pre_callback is None:
                return
            if waits:
                _wait_for_room(self._pre_callback.__self__)
                libcamera_s = request.request
                request.request = StampedRequest(libcamera_s, 10**9 + round(number * 1e9 / fps))
                try:
                    self._pre_callback(request)
                finally:
                    request.request = libcamera_s
            else:
                self._pre_callback(request)

    return VirtualPicamera2


def _wait_for_room(source: Any) -> None:
    """Until the source's reader has taken most of what waits for it; at once before its first read."""
    give_up_s = time.monotonic() + _PATIENCE_S
    while (
        source.counts.n_frames
        and len(source._delivery.ring._ready) > _N_WAITING
        and time.monotonic() < give_up_s
    ):
        time.sleep(0.001)


def main(words: list[str]) -> int:
    """Run a command of microcue with this camera."""
    pictures, fps = Path(words[0]).resolve(), int(words[1])
    describe_camera(pictures, fps)
    virtual = virtual_picamera2(fps, waits=True)
    import picamera2

    picamera2.Picamera2 = virtual
    from edge import cli

    return cli.main(words[2:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
