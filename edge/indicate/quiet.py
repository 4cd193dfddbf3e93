"""Hours in which a light should be dark and a buzzer silent."""

from __future__ import annotations

import time
from dataclasses import dataclass


def minute_of_day() -> int:
    """Local wall time, in minutes since midnight."""
    now = time.localtime()
    return now.tm_hour * 60 + now.tm_min


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one minute of the day up to another, across midnight where the second is earlier.

    Attributes
    ----------
    begin, end : int, min
        Since midnight. The same twice is the whole day.
    """

    begin: int
    end: int

    @classmethod
    def parse(cls, setting: str) -> QuietHours:
        """Read "22:00-07:00"; the setting's own pattern has refused everything else before."""
        begin, end = (int(time[:2]) * 60 + int(time[3:]) for time in setting.split("-"))
        return cls(begin, end)

    def contains(self, minute: int) -> bool:
        """Whether that minute of the day is quiet; the last one is not."""
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end
