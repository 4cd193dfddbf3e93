"""What the board says of itself: heat, power, memory, disk, wear. Read from files, as Linux shows them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.health.firmware import (
    FREQUENCY_CAPPED,
    SINCE_START,
    SOFT_LIMIT,
    THROTTLED,
    UNDERVOLTAGE,
    throttled_word,
)

# where a processor slows itself down, for zones that do not say: a Raspberry Pi from 80 degrees
# (raspberrypi.com, "Frequency management and thermal control"), others rarely below 95
_PI_THROTTLES_C, _OTHERS_THROTTLE_C = 80.0, 95.0
_POSSIBLE_C = (-40.0, 150.0)  # a zone that is switched off says -256, or nothing
_TRIPS_C = (60.0, 120.0)  # a trip point outside is a fan's, or the emergency's
# zones that are constants: a Jetson Nano's PMIC says 100 degrees whatever it has
_NO_SENSORS = frozenset({"PMIC-Die"})
_PROCESSORS = ("cpu", "gpu", "processor", "devfreq")  # in the type of a cooling device that slows one down
_MIB_IN_KIB = 1 / 1024
_WEAR_STEP_PERCENT = 10.0  # eMMC 5.0 and later, DEVICE_LIFE_TIME_EST: tenths of the life, 0x0B beyond it


@dataclass(frozen=True, slots=True)
class BoardReadings:
    """One look at the board; None is what it does not say.

    Attributes
    ----------
    temperature_c, throttle_c : float or None
        Of the sensor nearest to its limit, and where the processor is slowed down by it.
    throttled, undervoltage : bool or None
        Now.
    was_undervolted : bool or None
        Since the start, as far as the firmware still knows.
    memory_available_mb, process_mb, disk_free_mb : float or None
        Of the machine; resident, of this process; where the log is. Units of 2**20 bytes.
    card_wear_percent : float or None
        At most so much of its life is used; only eMMC says so, an SD card does not.
    n_unreadable : int
        Files that are there and could not be read, or held nonsense.
    """

    temperature_c: float | None = None
    throttle_c: float | None = None
    throttled: bool | None = None
    undervoltage: bool | None = None
    was_undervolted: bool | None = None
    memory_available_mb: float | None = None
    process_mb: float | None = None
    disk_free_mb: float | None = None
    card_wear_percent: float | None = None
    n_unreadable: int = 0

    @property
    def headroom_c(self) -> float | None:
        """Degrees left until the processor is slowed down; below 0 it is."""
        if self.temperature_c is None or self.throttle_c is None:
            return None
        return self.throttle_c - self.temperature_c


class Board:
    """Reads a board's files.

    Parameters
    ----------
    data_dir : Path
        Where the log is.
    root : Path, optional
        Holds `sys` and `proc`; a test's folder plays a board, with its failures.
    firmware : callable, optional
        The `get_throttled` word, or None.
    free_mb : callable, optional
        Given a folder, the space that is left there.
    """

    def __init__(
        self,
        data_dir: Path,
        root: Path = Path("/"),
        firmware: Callable[[], int | None] = throttled_word,
        free_mb: Callable[[Path], float] = lambda folder: shutil.disk_usage(folder).free / 2**20,
    ) -> None:
        self._data_dir = data_dir
        self._sys, self._proc = root / "sys", root / "proc"
        self._firmware = firmware
        self._free_mb = free_mb
        self._n_unreadable = 0

    def read(self) -> BoardReadings:
        """Look at everything; what is missing or broken is None, and broken is counted."""
        self._n_unreadable = 0
        temperature_c, throttle_c = self._heat()
        word = self._firmware()
        undervoltage = self._undervoltage()
        if undervoltage is None and word is not None:
            undervoltage = bool(word & UNDERVOLTAGE)
        return BoardReadings(
            temperature_c=temperature_c,
            throttle_c=throttle_c,
            throttled=self._throttled(word),
            undervoltage=undervoltage,
            was_undervolted=None if word is None else bool(word & UNDERVOLTAGE << SINCE_START),
            memory_available_mb=self._kib(self._proc / "meminfo", "MemAvailable:"),
            process_mb=self._kib(self._proc / "self/status", "VmRSS:"),
            disk_free_mb=self._disk(),
            card_wear_percent=self._wear(),
            n_unreadable=self._n_unreadable,
        )

    def _heat(self) -> tuple[float | None, float | None]:
        """Of the zone with the least room: its temperature and its limit, degrees."""
        nearest: tuple[float, float] | None = None
        for zone in sorted(self._sys.glob("class/thermal/thermal_zone*")):
            if self._text(zone / "type") in _NO_SENSORS:
                continue
            degrees = self._millidegrees(zone / "temp")
            if degrees is None or not _POSSIBLE_C[0] < degrees < _POSSIBLE_C[1]:
                continue
            limit = self._limit_of(zone)
            if nearest is None or limit - degrees < nearest[1] - nearest[0]:
                nearest = degrees, limit
        return nearest or (None, None)

    def _limit_of(self, zone: Path) -> float:
        limits = []
        for kind in zone.glob("trip_point_*_type"):
            if self._text(kind) in ("passive", "hot"):
                degrees = self._millidegrees(zone / kind.name.replace("_type", "_temp"))
                if degrees is not None and _TRIPS_C[0] <= degrees <= _TRIPS_C[1]:
                    limits.append(degrees)
        is_pi = "Raspberry Pi" in (self._text(self._proc / "device-tree/model") or "")
        return min([*limits, _PI_THROTTLES_C]) if is_pi else min(limits, default=_OTHERS_THROTTLE_C)

    def _throttled(self, word: int | None) -> bool | None:
        """By the firmware, or by the devices that cool by slowing a processor down."""
        told = None if word is None else bool(word & (FREQUENCY_CAPPED | THROTTLED | SOFT_LIMIT))
        for device in self._sys.glob("class/thermal/cooling_device*"):
            kind = (self._text(device / "type") or "").lower()
            if any(name in kind for name in _PROCESSORS):
                state = self._number(device / "cur_state")
                if state is not None:
                    told = bool(told) or state > 0
        return told

    def _undervoltage(self) -> bool | None:
        """By the alarm of a Raspberry Pi's voltage sensor (driver raspberrypi-hwmon)."""
        for name in self._sys.glob("class/hwmon/hwmon*/name"):
            if self._text(name) == "rpi_volt":
                alarm = self._number(name.with_name("in0_lcrit_alarm"))
                return None if alarm is None else alarm != 0
        return None

    def _wear(self) -> float | None:
        worn: list[float] = []
        for file in self._sys.glob("block/mmcblk*/device/life_time"):
            text = self._text(file)
            try:
                worn += [_WEAR_STEP_PERCENT * int(step, 16) for step in (text or "").split()]
            except ValueError:
                self._n_unreadable += 1
        return max(worn, default=0.0) or None  # 0x00 is "not defined"

    def _disk(self) -> float | None:
        try:
            return self._free_mb(self._data_dir)
        except OSError:
            self._n_unreadable += 1
            return None

    def _kib(self, file: Path, name: str) -> float | None:
        for line in (self._text(file) or "").splitlines():
            words = line.split()
            if words[:1] == [name] and len(words) > 1 and words[1].isdecimal():
                return int(words[1]) * _MIB_IN_KIB
        return None

    def _millidegrees(self, file: Path) -> float | None:
        number = self._number(file)
        return None if number is None else number / 1000

    def _number(self, file: Path) -> int | None:
        text = self._text(file)
        try:
            return None if text is None else int(text)
        except ValueError:
            self._n_unreadable += 1
            return None

    def _text(self, file: Path) -> str | None:
        """What a file holds, without spaces around; None where there is none, or it refuses."""
        try:
            return file.read_text(encoding="utf-8", errors="replace").strip("\x00 \n\t")
        except FileNotFoundError:
            return None
        except OSError:  # denied, or a sensor that is switched off: EAGAIN, EIO, ENODATA
            self._n_unreadable += 1
            return None
