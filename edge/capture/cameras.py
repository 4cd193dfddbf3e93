"""Which USB cameras there are, and which of their modes fits a wish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.capture.v4l2_device import PIXEL_FORMATS, CameraMode, LinuxpyDevice


@dataclass(frozen=True, slots=True)
class CameraFound:
    """One camera of this machine; `modes` with the highest rate of each."""

    device: str
    name: str
    modes: tuple[CameraMode, ...]


def find_cameras() -> list[CameraFound]:
    """All V4L2 cameras with a usable mode; empty where there are none. Busy ones are listed too."""
    from linuxpy.video.device import iter_video_files

    found = []
    for path in sorted(str(path) for path in iter_video_files()):
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
