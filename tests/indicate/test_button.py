"""A button on a pin: pressed once is one call."""

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from edge.errors import DeviceAbsent, IndicateError
from edge.indicate import button
from edge.indicate.button import MarkButton


@pytest.fixture
def factory(monkeypatch):
    """gpiozero's own stand-in for a board's pins."""
    factory = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    monkeypatch.setattr(button, "_BOUNCE_S", None)  # bouncing is timed by a thread
    yield factory
    factory.reset()


def test_each_press_is_one_call(factory):
    calls = []
    mark_button = MarkButton(5, lambda: calls.append(1))
    pin = factory.pin(5)
    for _ in range(3):
        pin.drive_low()
        pin.drive_high()
    mark_button.close()
    mark_button.close()
    pin.drive_low()
    assert len(calls) == 3


def test_a_pin_that_is_taken_or_not_there_is_a_sentence(factory):
    taken = MarkButton(5, lambda: None)
    with pytest.raises(IndicateError, match="for the button"):
        MarkButton(5, lambda: None)
    taken.close()
    with pytest.raises(DeviceAbsent, match="BCM numbers"):
        MarkButton(99, lambda: None)
