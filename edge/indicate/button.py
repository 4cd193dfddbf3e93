"""A push-button on a pin, for marks: the one thing that comes in beside the lights that go out."""

from __future__ import annotations

from collections.abc import Callable

import gpiozero

from edge.indicate.gpio import explained

_BOUNCE_S = 0.05


class MarkButton:
    """Calls back when it is pressed, on gpiozero's own thread.

    Between the pin and ground; the board's own resistor pulls the pin up.

    Parameters
    ----------
    pin : int
        BCM number.
    pressed : callable
        Must be quick, and safe to call from another thread.

    Raises
    ------
    DeviceAbsent
        This machine has no pins that gpiozero can drive, or not this one.
    IndicateError
        The pin is in use.
    """

    def __init__(self, pin: int, pressed: Callable[[], None]) -> None:
        with explained([pin], "the button"):
            self._button = gpiozero.Button(pin, bounce_time=_BOUNCE_S)
        self._button.when_pressed = pressed

    def close(self) -> None:
        """Give the pin back. Safe to call twice."""
        self._button.close()
