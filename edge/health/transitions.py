"""Which readings are worth a row in the log: the first of each, and every change of level after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# below, from the best level to the worst; how far back over a limit counts as better again
_LEVELS: dict[str, tuple[Sequence[float], float]] = {
    "headroom_c": ((10.0, 5.0, 0.0), 3.0),
    "memory_available_mb": ((200.0, 100.0, 50.0), 25.0),
    "disk_free_mb": ((1000.0, 50.0), 50.0),
    "rows_waiting": ((-500.0, -2000.0), 250.0),  # of these, more is worse: counted negative
}
_NEGATIVE = frozenset({"rows_waiting"})


@dataclass(slots=True)
class _Level:
    """Where a value stands among its limits, with hysteresis."""

    limits: Sequence[float]
    slack: float
    level: int = 0

    def moved(self, value: float) -> bool:
        """Take in a value; whether the level is another one now."""
        worse = sum(value < limit for limit in self.limits)
        better = sum(value < limit + self.slack for limit in self.limits)
        level = min(max(self.level, worse), better)
        level, self.level = self.level, level
        return level != self.level


class Transitions:
    """Remembers what was logged, one instance for each session.

    A name with levels is news when its level changes; any other when its value does. None is no news.
    """

    def __init__(self) -> None:
        self._levels: dict[str, _Level] = {}
        self._told: dict[str, float] = {}

    def news(self, readings: Mapping[str, float | None]) -> dict[str, float]:
        """Those of the readings that are to be logged, by name."""
        found = {}
        for name, value in readings.items():
            if value is None:
                continue
            if name in _LEVELS:
                level = self._levels.setdefault(name, _Level(*_LEVELS[name]))
                is_news = level.moved(-value if name in _NEGATIVE else value) or name not in self._told
            else:
                is_news = value != self._told.get(name)
            if is_news:
                self._told[name] = found[name] = float(value)
        return found
