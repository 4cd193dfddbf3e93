"""The two clocks: sensor time, which all stages use, and wall time, which only the log adds.

Sensor time is CLOCK_BOOTTIME: it never steps, and goes on counting through a suspend.
"""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STA_UNSYNC = 0x0040  # linux/timex.h
_TIME_ERROR = 5  # linux/timex.h, TIME_ERROR: clock not synchronised


@dataclass(frozen=True, slots=True)
class ClockState:
    """Where wall time stands against sensor time, at one moment.

    Attributes
    ----------
    offset_ns : int
        CLOCK_REALTIME - CLOCK_BOOTTIME: add it to a sensor timestamp to get nanoseconds since 1970.
    synchronised : bool or None
        Whether the kernel holds the wall clock for set (by NTP or the like); None where it will
        not say, as in some containers.
    """

    offset_ns: int
    synchronised: bool | None


class _Timex(ctypes.Structure):
    """struct timex of linux/timex.h on 64-bit Linux; only `status` is read."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),  # longer than any kernel writes (208 bytes in all)
    )


def boottime_ns() -> int:
    """Sensor time now, ns."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """Names this boot: sensor times of two boots cannot be compared. Empty where unknown."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def offset_to_boottime_ns(clock_id: int) -> int:
    """What to add to a time of another clock to get sensor time, ns.

    The other clock is read between two readings of CLOCK_BOOTTIME, three times; the tightest pair
    counts, so that a task switch in between does not become an error.

    Parameters
    ----------
    clock_id : int
        `time.CLOCK_MONOTONIC`, `time.CLOCK_REALTIME` ...
    """
    best_width_ns = best_offset_ns = 0
    for attempt in range(3):
        before_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        other_ns = time.clock_gettime_ns(clock_id)
        width_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - before_ns
        if attempt == 0 or width_ns < best_width_ns:
            best_width_ns = width_ns
            best_offset_ns = before_ns + width_ns // 2 - other_ns
    return best_offset_ns


def synchronised() -> bool | None:
    """Whether the kernel holds the wall clock for set; None where it will not say."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    timex = _Timex()  # modes = 0: read only, allowed to everybody
    state = adjtimex(ctypes.byref(timex))
    if state < 0:
        return None
    return state != _TIME_ERROR and not timex.status & _STA_UNSYNC


def clock_state() -> ClockState:
    """Where wall time stands now."""
    return ClockState(-offset_to_boottime_ns(time.CLOCK_REALTIME), synchronised())
