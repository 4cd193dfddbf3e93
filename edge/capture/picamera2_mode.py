"""Which of a sensor's modes to run: enough frames first, then as much of the picture as can be had.

Nothing about any sensor is written here: `sensor_modes` says what there is. Reading that list
reconfigures the camera once for each mode, which takes seconds and much contiguous memory on small
boards, so it is kept in a file, named by camera, kernel and library.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# faster than this, exposure gets short and a Pi 4 has no time left (docs/measurements.md)
ENOUGH_HZ = 200.0
_RATE_TOLERANCE = 0.99  # a mode of 119.9 Hz is one of 120


@dataclass(frozen=True, slots=True)
class SensorMode:
    """One way to read a sensor out.

    Attributes
    ----------
    width, height : int, px
        Of the picture that leaves the sensor.
    bit_depth : int
    fps : float, Hz
        The highest rate there.
    crop_width, crop_height : int, px
        The part of the sensor that is seen, in its own pixels: the field of view.
    """

    width: int
    height: int
    bit_depth: int
    fps: float
    crop_width: int
    crop_height: int

    @property
    def field_of_view_px(self) -> int:
        """Sensor pixels seen; compares modes of one sensor."""
        return self.crop_width * self.crop_height

    @property
    def sensor_px_per_pixel(self) -> float:
        """2 where two by two are binned."""
        return self.crop_width / self.width


def parse_modes(sensor_modes: Sequence[Mapping[str, Any]]) -> list[SensorMode]:
    """picamera2's `sensor_modes`; entries without a size (cameras that are not raw sensors) are left out."""
    modes = []
    for entry in sensor_modes:
        if "size" not in entry:
            continue
        width, height = entry["size"]
        # (x, y, width, height) in sensor pixels
        crop = tuple(entry.get("crop_limits") or (0, 0, width, height))
        modes.append(SensorMode(width, height, entry["bit_depth"], float(entry["fps"]), crop[2], crop[3]))
    return modes


def choose_sensor_mode(
    modes: Sequence[SensorMode], width: int, height: int, fps: float = 0.0
) -> SensorMode | None:
    """The mode for a wish; None where there is no mode.

    Among the modes that are fast enough the one that sees most; where none is, the fastest. Then
    one that need not be enlarged, then fewer bits, which need less of the bus, then fewer pixels.

    Parameters
    ----------
    width, height : int, px
        Of the picture wanted.
    fps : float, Hz
        0 wishes for the fastest, where more than 200 count as 200.
    """
    fastest_hz = max((mode.fps for mode in modes), default=0.0)
    wanted_hz = min(fps or ENOUGH_HZ, fastest_hz) * _RATE_TOLERANCE

    def merit(mode: SensorMode) -> tuple[int, bool, int, int]:
        enlarged = mode.width < width or mode.height < height
        return (-mode.field_of_view_px, enlarged, mode.bit_depth, mode.width * mode.height)

    return min((mode for mode in modes if mode.fps >= wanted_hz), key=merit, default=None)


class ModeCache:
    """Sensor modes on disk; anything wrong with the file means that it is not used.

    Parameters
    ----------
    path : Path, optional
        By default in the user's cache directory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path if path is not None else _default_path()

    def get(self, key: str) -> list[SensorMode]:
        """The modes kept under `key`; empty where there are none."""
        try:
            return [SensorMode(**mode) for mode in self._stored().get(key, [])]
        except TypeError:  # written by another version
            return []

    def put(self, key: str, modes: Sequence[SensorMode]) -> None:
        """Keep; in silence where the directory cannot be written."""
        stored = {**self._stored(), key: [asdict(mode) for mode in modes]}
        new = self._path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(stored, indent=1), encoding="utf-8")
            new.replace(self._path)

    def _stored(self) -> dict[str, Any]:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stored if isinstance(stored, dict) else {}


def _default_path() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("microcue")) / "sensor_modes.json"
