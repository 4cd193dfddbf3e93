"""A GPIO chip in memory behind the names of the package `gpiod`: lines to be read, pushed and taken away.

Settings, values and edges are the real package's own classes; only what needs a device is played.
"""

from __future__ import annotations

import errno
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import gpiod


@dataclass
class StandInChip:
    """What `gpiod` is to `lines.py`: pass it as `library`.

    Attributes
    ----------
    path : str
        The one chip there is.
    n_lines : int
    held : set of int
        Lines that are in use.
    levels : dict of int to int
        Electrical level of each line; one that is pulled up and not pushed is 1.
    fault : OSError or None
        Raised by whatever is asked of a line from now on.
    """

    path: str = "/dev/gpiochip0"
    n_lines: int = 32
    held: set[int] = field(default_factory=set)
    levels: dict[int, int] = field(default_factory=dict)
    fault: OSError | None = None

    line = gpiod.line
    LineSettings = gpiod.LineSettings
    EdgeEvent = gpiod.EdgeEvent

    def __post_init__(self) -> None:
        self._requests: list[StandInRequest] = []

    def request_lines(
        self,
        path: str,
        config: dict[Iterable[int | str] | int | str, gpiod.LineSettings | None],
        consumer: str | None = None,
    ) -> StandInRequest:
        """As gpiod's: one request for all lines, or none of them."""
        if path != self.path:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        ((lines, settings),) = config.items()
        assert isinstance(lines, tuple)
        assert isinstance(settings, gpiod.LineSettings)
        assert consumer
        if any(number >= self.n_lines for number in lines):
            raise ValueError("line offset of out range")
        if self.held & set(lines):
            raise OSError(errno.EBUSY, "Device or resource busy")
        request = StandInRequest(self, lines, settings)
        self._requests.append(request)
        return request

    def push(self, number: int, level: int) -> None:
        """Somebody outside puts a line on a level; whoever waits for its edges wakes."""
        self.levels[number] = level
        for request in self._requests:
            request._saw(number, level)


class StandInRequest:
    """Lines that were handed out, with the methods of `gpiod.LineRequest` that are used."""

    def __init__(self, chip: StandInChip, lines: tuple[int, ...], settings: gpiod.LineSettings) -> None:
        self._chip, self._lines, self._settings = chip, lines, settings
        self._events: deque[Any] = deque()
        self._has_event = threading.Condition()
        self._is_released = False
        chip.held |= set(lines)
        level = 0 if settings.direction is gpiod.line.Direction.OUTPUT else 1
        pulled_up = settings.bias is gpiod.line.Bias.PULL_UP
        for line in lines:
            if settings.direction is gpiod.line.Direction.OUTPUT or (pulled_up and line not in chip.levels):
                chip.levels[line] = level

    def set_values(self, values: dict[int | str, gpiod.line.Value]) -> None:
        """Put lines on levels."""
        self._check()
        for line, value in values.items():
            assert isinstance(line, int)
            assert line in self._lines
            self._chip.levels[line] = int(bool(value))

    def get_value(self, line: int) -> gpiod.line.Value:
        """The logical value of a line."""
        self._check()
        is_active = bool(self._chip.levels[line]) != self._settings.active_low
        return gpiod.line.Value.ACTIVE if is_active else gpiod.line.Value.INACTIVE

    def wait_edge_events(self, timeout: float) -> bool:
        """Whether an edge came within so many seconds."""
        self._check()
        with self._has_event:
            return self._has_event.wait_for(lambda: bool(self._events), timeout)

    def read_edge_events(self) -> list[gpiod.EdgeEvent]:
        """All edges that wait."""
        self._check()
        with self._has_event:
            events = list(self._events)
            self._events.clear()
        return events

    def release(self) -> None:
        """Give the lines back; a second time is an error, as it is with gpiod."""
        if self._is_released:
            raise gpiod.RequestReleasedError
        self._is_released = True
        self._chip.held -= set(self._lines)
        self._chip._requests.remove(self)

    def _check(self) -> None:
        if self._is_released:
            raise gpiod.RequestReleasedError
        if self._chip.fault is not None:
            raise self._chip.fault

    def _saw(self, number: int, level: int) -> None:
        if number in self._lines and self._settings.edge_detection is not gpiod.line.Edge.NONE:
            types = gpiod.EdgeEvent.Type
            rising = bool(level) != self._settings.active_low
            kind = types.RISING_EDGE if rising else types.FALLING_EDGE
            with self._has_event:
                self._events.append(gpiod.EdgeEvent(kind.value, 0, number, 0, 0))
                self._has_event.notify_all()
