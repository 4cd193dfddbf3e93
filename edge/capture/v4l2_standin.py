"""A V4L2 device that plays a script: frames, lost ones, silence, damage, unplugging, refusal."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.capture.v4l2_device import CameraMode, ControlRange, DeviceIdentity, RawBuffer

_POISON = 0x5A


@dataclass(frozen=True, slots=True)
class Picture:
    """A filled buffer: the bytes on the wire and what the kernel writes beside them."""

    data: bytes
    sequence: int
    timestamp_ns: int
    monotonic: bool = True
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """No buffer for `n_polls` waits."""

    n_polls: int = 1


class StandInLight:
    """A room, a sensor and an automatic exposure, behind the kernel's controls.

    Parameters
    ----------
    scene : float
        How many times too bright the pictures are at an exposure of 10 ms and no gain.
    stale : bool
        Reports an exposure that it does not use, as cheap cameras do while it is automatic.
    refuses : mapping of control to errno
    lacks : collection of str
        Controls that it does not have.

    Attributes
    ----------
    history : list of (str, int)
        What was set, in order; refusals too.
    """

    RANGES: ClassVar[dict[str, ControlRange]] = {
        "white_balance_automatic": ControlRange(0, 1),
        "white_balance_temperature": ControlRange(2800, 6500, 10),
        "gain": ControlRange(0, 100),
        "power_line_frequency": ControlRange(0, 2),
        "backlight_compensation": ControlRange(0, 2),
        "auto_exposure": ControlRange(0, 3),
        "exposure_time_absolute": ControlRange(1, 5000),
        "exposure_dynamic_framerate": ControlRange(0, 1),
        "focus_automatic_continuous": ControlRange(0, 1),
    }

    def __init__(
        self,
        scene: float = 1.0,
        stale: bool = False,
        refuses: Mapping[str, int] | None = None,
        lacks: Iterable[str] = (),
    ) -> None:
        self.scene = scene
        self.history: list[tuple[str, int]] = []
        self.values = dict.fromkeys(self.RANGES, 0)
        self.values |= {"auto_exposure": 3, "exposure_time_absolute": 157, "exposure_dynamic_framerate": 1}
        self.values |= {"white_balance_temperature": 4600, "power_line_frequency": 1}
        self._automatic = 157.0
        self._stale, self._refuses, self._lacks = stale, dict(refuses or {}), set(lacks)

    def ranges(self) -> dict[str, ControlRange]:
        """What it has."""
        return {name: one for name, one in self.RANGES.items() if name not in self._lacks}

    def get(self, name: str) -> int:
        """As the camera reports it."""
        if name == "exposure_time_absolute" and self.values["auto_exposure"] != 1 and not self._stale:
            return round(self._automatic)
        return self.values[name]

    def set(self, name: str, value: int) -> None:
        """Set, refuse, or say that it is out of range."""
        self.history.append((name, value))
        allowed = self.RANGES[name]
        number = self._refuses.get(name, 0) or (
            0 if allowed.minimum <= value <= allowed.maximum else errno.ERANGE
        )
        # aperture priority and manual: what UVC cameras have
        if name == "auto_exposure" and value not in (1, 3):
            number = errno.EINVAL
        if number:
            raise OSError(number, os.strerror(number))
        self.values[name] = value

    def expose(self, data: bytes) -> bytes:
        """The next picture as the sensor sees it; the automatic then takes one step."""
        exposure = (
            self._automatic if self.values["auto_exposure"] != 1 else self.values["exposure_time_absolute"]
        )
        factor = self.scene * exposure / 100 * (1 + self.values["gain"] / 25)
        self._automatic = min(max(self._automatic * factor**-0.2, 1.0), 5000.0)
        seen = np.frombuffer(data, np.uint8) * factor
        return bytes(seen.round().clip(0, 255).astype(np.uint8))


Step: TypeAlias = Picture | Silence | OSError


class StandInDevice:
    """Plays `script` in order, then stays silent.

    Buffers are overwritten when they are given back, as a driver would do; and none is lent twice.

    Parameters
    ----------
    script : iterable of Picture, Silence or OSError
    modes : sequence of CameraMode
    granted : CameraMode, optional
        What `start` grants instead of the mode asked for.
    refusal : OSError, optional
        What `start` raises.
    light : StandInLight, optional
        What the controls do; without it there are none. For GREY.
    path : str
    identity : DeviceIdentity, optional

    Attributes
    ----------
    asked : list of (CameraMode, float)
        What `start` was asked for, each time.
    n_stopped, n_closed : int
    """

    def __init__(
        self,
        script: Iterable[Step],
        modes: Sequence[CameraMode],
        granted: CameraMode | None = None,
        refusal: OSError | None = None,
        light: StandInLight | None = None,
        path: str = "/dev/video-standin",
        identity: DeviceIdentity | None = None,
    ) -> None:
        self.path = path
        self.name = "Stand-in camera"
        self.identity = identity or DeviceIdentity(self.name, "usb-standin-1.2")
        self.light = light
        self.asked: list[tuple[CameraMode, float]] = []
        self.n_stopped = self.n_closed = 0
        self._script = iter(script)
        self._modes = modes
        self._granted = granted
        self._refusal = refusal
        self._next: Step | None = None
        self._n_silent = 0
        self._lent: bytearray | None = None

    def modes(self, width: int, height: int) -> Sequence[CameraMode]:
        """The modes it was given; all sizes are fixed."""
        del width, height
        return self._modes

    def start(self, mode: CameraMode, fps: float, n_buffers: int) -> CameraMode:
        """Grant, or refuse."""
        del n_buffers
        if self._refusal is not None:
            raise self._refusal
        self.asked.append((mode, fps))
        return self._granted or CameraMode(mode.pixel_format, mode.width, mode.height, fps)

    def wait(self, timeout_s: float) -> bool:
        """True at once where the script has a buffer or an error; silence really lasts."""
        if self._next is None:
            self._next = next(self._script, None)
            self._n_silent = self._next.n_polls if isinstance(self._next, Silence) else 0
        if self._next is not None and not self._n_silent:
            return True
        time.sleep(timeout_s)
        self._n_silent = max(0, self._n_silent - 1)
        if isinstance(self._next, Silence) and not self._n_silent:
            self._next = None
        return False

    def take(self) -> RawBuffer:
        """The picture, or the script's error."""
        if self._lent is not None:
            raise OSError(errno.EINVAL, "a buffer was taken before the last one was given back")
        step, self._next = self._next, None
        if isinstance(step, OSError):
            raise step
        if not isinstance(step, Picture):
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self._lent = bytearray(self.light.expose(step.data) if self.light is not None else step.data)
        return RawBuffer(
            memoryview(self._lent), step.sequence, step.timestamp_ns, step.monotonic, step.damaged
        )

    def give_back(self) -> None:
        """Overwrite what was lent."""
        if self._lent is not None:
            self._lent[:] = bytes([_POISON]) * len(self._lent)
        self._lent = None

    def stop(self) -> None:
        """Count it; what was lent is lost."""
        self.n_stopped += 1
        self._lent = None

    def controls(self) -> dict[str, ControlRange]:
        """What its light has."""
        return self.light.ranges() if self.light is not None else {}

    def get_control(self, name: str) -> int:
        """As its light reports it."""
        assert self.light is not None
        return self.light.get(name)

    def set_control(self, name: str, value: int) -> None:
        """Passed to its light."""
        assert self.light is not None
        self.light.set(name, value)

    def close(self) -> None:
        """Count it."""
        self.n_closed += 1
        self._lent = None


def yuyv_bytes(luma: NDArray[np.uint8], chroma: int = 128) -> bytes:
    """One picture as a camera packs it: Y U Y V, two bytes a pixel."""
    packed = np.full((*luma.shape, 2), chroma, np.uint8)
    packed[..., 0] = luma
    return packed.tobytes()
