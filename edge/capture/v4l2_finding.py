"""Which V4L2 cameras there are, where one is after it was plugged in again, and in which mode to run it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.capture.v4l2_device import PIXEL_FORMATS, CameraMode, DeviceIdentity, LinuxpyDevice


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


def find_again(identity: DeviceIdentity) -> LinuxpyDevice | None:
    """The camera, opened, wherever it is now; None while it is away.

    Its node appears some moments before its permissions are set, and UVC cameras have a second node for
    metadata under the same name.
    """
    for path in sorted(str(path) for path in Path("/dev").glob("video*")):
        try:
            device = LinuxpyDevice(path)
        except OSError:
            continue
        if device.identity.is_same(identity) and device.modes(640, 480):
            return device
        device.close()
    return None
