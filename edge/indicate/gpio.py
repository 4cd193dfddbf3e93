"""Lights and a button on a Raspberry Pi's pins, through gpiozero. BCM numbers, as gpiozero counts them."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence

import gpiozero
from gpiozero import exc

from edge.errors import DeviceAbsent, IndicateError
from edge.indicate.patterns import DARK, Colour

# physical pin 11, beside a ground pin (9), and with no second function that a camera HAT takes
DEFAULT_PIN = 17
# far above any frame rate here, so that a dimmed LED beats little with a camera that sees it; lgpio times it
# in a thread of its own, in C
_DIMMING_HZ = 800


class GpioLight:
    """One plain LED, buzzer or marker pin (one pin), or an RGB LED (three pins: red, green, blue).

    Parameters
    ----------
    pins : sequence of int
    brightness_percent : int, optional
        At 100 the pins are only switched; below, they are switched fast, for that share of the time.
    what : str, optional
        What is on the pins, for errors.

    Raises
    ------
    DeviceAbsent
        This machine has no pins that gpiozero can drive, or not this one.
    IndicateError
        The pin is in use.
    """

    def __init__(self, pins: Sequence[int], brightness_percent: int = 100, what: str = "the LED") -> None:
        if len(pins) not in (1, 3):
            raise IndicateError(
                f"expected 1 pin or 3 pins for {what}, found {len(pins)}; use gpio:N or rgb:R,G,B"
            )
        self._leds: list[gpiozero.LED | gpiozero.PWMLED] = []
        self._lit = 1 if brightness_percent == 100 else brightness_percent / 100
        try:
            with explained(pins, what):
                for pin in pins:
                    dimmed = brightness_percent < 100
                    led = gpiozero.PWMLED(pin, frequency=_DIMMING_HZ) if dimmed else gpiozero.LED(pin)
                    self._leds.append(led)
        except (DeviceAbsent, IndicateError):
            self.close()
            raise

    def set(self, colour: Colour) -> None:
        """Switch each pin; a plain LED is on where any of the three colours is."""
        wanted = colour if len(self._leds) == 3 else (int(any(colour)),)
        try:
            for led, value in zip(self._leds, wanted, strict=True):
                led.value = value * self._lit
        except _pin_errors() as error:
            raise IndicateError(
                f"expected to switch the LED, the pin says: {error}; check its wiring"
            ) from error

    def close(self) -> None:
        """Go dark and give the pins back."""
        if self._leds:
            self.set(DARK)
        for led in self._leds:
            led.close()
        self._leds = []


class GpioSwitch:
    """A push-button between a pin and ground; the board's own resistor pulls the pin up.

    Parameters
    ----------
    pin : int
    changed : callable
        Given whether the button is down at every change, bounces and all, on gpiozero's own thread.

    Raises
    ------
    DeviceAbsent
        This machine has no pins that gpiozero can drive, or not this one.
    IndicateError
        The pin is in use.
    """

    def __init__(self, pin: int, changed: Callable[[bool], None]) -> None:
        with explained([pin], "the button"):
            self._button = gpiozero.Button(pin)
        self._button.when_pressed = lambda: changed(True)
        self._button.when_released = lambda: changed(False)

    @property
    def is_down(self) -> bool:
        """Whether it is pressed now."""
        return bool(self._button.is_pressed)

    def close(self) -> None:
        """Give the pin back. Safe to call twice."""
        self._button.close()


@contextlib.contextmanager
def stand_in_board() -> Iterator[None]:
    """Inside, pins are those of gpiozero's own stand-in for a board: for measuring where there is none."""
    from gpiozero.pins.mock import MockFactory

    before = gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory = MockFactory()
    try:
        yield
    finally:
        gpiozero.Device.pin_factory = before


def pin_factory_name() -> str:
    """What gpiozero drives pins with here, such as "LGPIOFactory"; "" where it finds nothing."""
    try:
        with warnings.catch_warnings():
            # one warning for each library that is not there; the answer below says as much
            warnings.simplefilter("ignore")
            gpiozero.Device.ensure_pin_factory()
    except _pin_errors(ImportError):  # no library for pins, or one that is not let near them
        return ""
    return type(gpiozero.Device.pin_factory).__name__


@contextlib.contextmanager
def explained(pins: Sequence[int], what: str) -> Iterator[None]:
    """Turns what gpiozero raises inside into sentences about the pins of `what`.

    Raises
    ------
    DeviceAbsent, IndicateError
    """
    asked = ", ".join(str(pin) for pin in pins)
    if not pin_factory_name():
        raise DeviceAbsent(
            f"expected GPIO pins {asked} for {what}, this machine has none that gpiozero can drive; on a "
            "Raspberry Pi install python3-lgpio (or microcue[pi]) and join the group gpio, elsewhere name no "
            "pins (--led terminal)"
        )
    try:
        yield
    except (exc.PinInvalidPin, exc.PinUnknownPi) as error:
        raise DeviceAbsent(
            f"expected GPIO pins {asked} on this board, found: {error}; use BCM numbers, as in --led gpio:17"
        ) from error
    except _pin_errors() as error:
        raise IndicateError(
            f"expected free GPIO pins {asked} for {what}, found: {error}; use others, or end what holds them"
        ) from error


def _pin_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What a pin may raise: gpiozero lets lgpio's own error through, which derives from Exception alone."""
    lgpio = sys.modules.get("lgpio")
    return (exc.GPIOZeroError, OSError, *others, *((lgpio.error,) if lgpio else ()))
