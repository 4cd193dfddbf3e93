"""Lights and a button on the lines of a GPIO chip, through libgpiod 2: a Jetson, or any board with Linux.

Written against the documented interface of the package `gpiod`, and tested with a stand-in for the
chip (`lines_standin.py`) behind that package's own classes; it has not been run on a Jetson.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from edge.errors import DeviceAbsent, EdgeError, IndicateError, MissingExtra
from edge.indicate.patterns import DARK, Colour

if TYPE_CHECKING:
    import gpiod

log = logging.getLogger(__name__)

_CONSUMER = "microcue"
# how long a closed button's thread may still sit in the kernel
_LOOK_S = 0.2


def system_library() -> Any:
    """The package `gpiod`.

    Raises
    ------
    MissingExtra
    """
    try:
        import gpiod
    except ImportError as error:
        raise MissingExtra("a pin named gpiod:CHIP:LINE", "gpiod") from error
    return gpiod


class LineLight:
    """One plain LED, buzzer or marker pin (one line), or an RGB LED (three lines: red, green, blue).

    Parameters
    ----------
    chip : str
        Such as "/dev/gpiochip0".
    lines : sequence of int
    library : module, optional
        `gpiod`, or its stand-in.

    Raises
    ------
    DeviceAbsent
        No such chip, or not so many lines.
    IndicateError
        A line is in use, or the chip may not be opened.
    MissingExtra
    """

    def __init__(self, chip: str, lines: Sequence[int], library: Any = None) -> None:
        library = library or system_library()
        values = library.line.Value
        self._values = (values.INACTIVE, values.ACTIVE)
        self._lines = tuple(lines)
        output = library.LineSettings(direction=library.line.Direction.OUTPUT, output_value=values.INACTIVE)
        self._request: gpiod.LineRequest | None = _requested(library, chip, self._lines, output)

    def set(self, colour: Colour) -> None:
        """Switch all lines in one call; a plain LED is on where any of the three colours is."""
        wanted = colour if len(self._lines) == 3 else (int(any(colour)),)
        if self._request is not None:
            try:
                self._request.set_values(
                    {line: self._values[value] for line, value in zip(self._lines, wanted, strict=True)}
                )
            except OSError as error:
                raise IndicateError(
                    f"expected to switch the LED, the GPIO chip says: {error.strerror}; check its wiring"
                ) from error

    def close(self) -> None:
        """Go dark and give the lines back."""
        if self._request is not None:
            try:
                self.set(DARK)
            finally:
                self._request.release()
                self._request = None


class LineSwitch:
    """A push-button between a line and ground.

    The chip is asked to pull the line up. Tegra's cannot do so on every line: there it needs a resistor
    of 10 kΩ to 3.3 V.

    Parameters
    ----------
    chip : str
    line : int
    changed : callable
        Given whether the button is down at every change, on a thread of this object's own.
    library : module, optional
        `gpiod`, or its stand-in.

    Raises
    ------
    DeviceAbsent, IndicateError, MissingExtra
    """

    def __init__(self, chip: str, line: int, changed: Callable[[bool], None], library: Any = None) -> None:
        library = library or system_library()
        names = library.line
        settings = library.LineSettings(
            direction=names.Direction.INPUT,
            edge_detection=names.Edge.BOTH,
            bias=names.Bias.PULL_UP,
            active_low=True,  # down is active, and its edge a rising one
        )
        self._line, self._changed = line, changed
        self._active = names.Value.ACTIVE
        self._rising = library.EdgeEvent.Type.RISING_EDGE
        self._request = _requested(library, chip, (line,), settings)
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="button line", daemon=True)
        self._thread.start()

    @property
    def is_down(self) -> bool:
        """Whether it is pressed now."""
        return bool(self._request.get_value(self._line) == self._active)

    def close(self) -> None:
        """End the thread and give the line back. Safe to call twice."""
        if not self._is_closed.is_set():
            self._is_closed.set()
            self._thread.join()
            self._request.release()

    def _listen(self) -> None:
        try:
            while not self._is_closed.is_set():
                if self._request.wait_edge_events(_LOOK_S):
                    for event in self._request.read_edge_events():
                        self._changed(event.event_type == self._rising)
        except OSError as error:  # the chip went away: the watching goes on, and says so
            log.warning("the button is dead, the GPIO chip says: %s", error)


def _requested(library: Any, chip: str, lines: Sequence[int], settings: Any) -> Any:
    asked = ", ".join(str(line) for line in lines)
    error: EdgeError
    try:
        return library.request_lines(chip, consumer=_CONSUMER, config={tuple(lines): settings})
    except FileNotFoundError as missing:
        error = DeviceAbsent(f"expected the GPIO chip {chip}, there is none; `gpiodetect` lists them")
        error.__cause__ = missing
    except ValueError as missing:  # EINVAL: libgpiod's word for a line the chip does not have
        error = DeviceAbsent(f"expected lines {asked} of {chip}, it has no such lines; `gpioinfo` lists them")
        error.__cause__ = missing
    except (OSError, NotImplementedError) as refused:
        error = IndicateError(
            f"expected free lines {asked} of {chip}, found: {refused}; use others, end what holds them, "
            "or join the group gpio"
        )
        error.__cause__ = refused
    raise error
