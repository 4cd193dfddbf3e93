"""One suite for every light: stand-in, real gpiozero on its mock pins, gpiod's classes on a played chip."""

from __future__ import annotations

import sys
import types

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from edge.errors import DeviceAbsent, IndicateError
from edge.indicate import gpio
from edge.indicate.gpio import GpioLight, pin_factory_name
from edge.indicate.indicator import State
from edge.indicate.lines import LineLight
from edge.indicate.lines_standin import StandInChip
from edge.indicate.patterns import BLUE, DARK, RED, WHITE
from edge.indicate.player import LightDisplay, Player
from edge.indicate.recorded import RecordedLight


@pytest.fixture
def pins():
    """gpiozero's mock board, a Raspberry Pi 3B."""
    before = gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory = MockFactory(pin_class=MockPWMPin)
    yield gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory.reset()
    gpiozero.Device.pin_factory = before


@pytest.fixture
def no_pins(monkeypatch):
    """A machine on which every pin library fails to load."""
    monkeypatch.setattr(gpiozero.Device, "pin_factory", None)

    def fail():
        raise gpiozero.exc.BadPinFactory("unable to load any default pin factory")

    monkeypatch.setattr(gpiozero.Device, "_default_pin_factory", staticmethod(fail))


@pytest.fixture(params=["recorded", "gpio", "rgb", "dimmed", "line", "lines"])
def lit(request, clock, pins):
    """A light, and a function that says what it shows: per channel 0 or 1."""
    if request.param == "recorded":
        light = RecordedLight(clock)
        return light, lambda: light.history[-1][1]
    if request.param.startswith("line"):
        chip = StandInChip()
        numbers = (17,) if request.param == "line" else (17, 27, 22)
        light = LineLight(chip.path, numbers, chip)
        return light, lambda: tuple(chip.levels[number] for number in numbers)
    numbers = (17,) if request.param == "gpio" else (17, 27, 22)
    light = GpioLight(numbers, 20 if request.param == "dimmed" else 100)
    return light, lambda: tuple(int(pins.pin(number).state > 0) for number in numbers)


def channels(colour, shown):
    return colour if len(shown) == 3 else (int(any(colour)),)


def test_a_light_takes_each_colour_at_once(lit):
    light, shown = lit
    for colour in (WHITE, DARK, RED, BLUE, DARK):
        light.set(colour)
        assert shown() == channels(colour, shown())
    light.close()


def test_a_closed_light_is_dark_and_closing_twice_is_allowed(lit):
    light, shown = lit
    light.set(WHITE)
    if isinstance(light, LineLight):
        light.close()
        assert not any(shown())
    elif isinstance(light, GpioLight):
        pins = [led.pin for led in light._leds]
        light.close()
        assert all(pin.function == "input" for pin in pins)  # given back
    else:
        light.close()
        assert not any(shown())
    light.close()


def test_a_player_drives_every_light_alike(lit, clock, make_cue):
    light, shown = lit
    player = Player(LightDisplay(light), clock)
    player.show(State.WATCHING)
    player.cue(make_cue())
    seen = []
    for _ in range(600):
        player.pump()
        seen.append(any(shown()))
        clock.time_ns += 1_000_000
    assert sum(seen) == 400 + 600 - 550  # the pulse, then watching's first flash
    player.close()


def test_pins_that_do_not_exist_are_absent_devices(pins):
    with pytest.raises(DeviceAbsent, match=r"GPIO pins 99 on this board.*BCM numbers") as caught:
        GpioLight([99])
    assert caught.value.exit_code == 69


def test_a_pin_in_use_is_named_and_nothing_stays_open(pins):
    held = gpiozero.LED(27)
    with pytest.raises(IndicateError, match="free GPIO pins 17, 27, 22"):
        GpioLight([17, 27, 22])
    held.close()
    GpioLight([17, 27, 22]).close()


def test_a_dimmed_light_is_on_for_its_share_of_the_time(pins):
    light = GpioLight([17, 27, 22], brightness_percent=20)
    light.set((1, 0, 1))
    assert [pins.pin(number).state for number in (17, 27, 22)] == pytest.approx([0.2, 0.0, 0.2])
    assert pins.pin(17).frequency == gpio._DIMMING_HZ
    light.set(DARK)
    assert pins.pin(17).state == 0
    light.close()


def test_two_pins_are_no_led(pins):
    with pytest.raises(IndicateError, match="found 2"):
        GpioLight([17, 27])


def test_a_machine_without_pins_says_what_to_do(no_pins):
    assert pin_factory_name() == ""
    with pytest.raises(DeviceAbsent, match="--led terminal"):
        GpioLight([gpio.DEFAULT_PIN])


def test_the_pin_factory_is_named(pins):
    assert pin_factory_name() == "MockFactory"


def test_an_error_of_lgpio_itself_becomes_a_sentence(pins, monkeypatch):
    lgpio = types.ModuleType("lgpio")
    lgpio.error = type("error", (Exception,), {})
    monkeypatch.setitem(sys.modules, "lgpio", lgpio)
    light = GpioLight([17])

    def busy(self, value):
        raise lgpio.error("GPIO busy")

    monkeypatch.setattr(type(pins.pin(17)), "_set_state", busy)
    with pytest.raises(IndicateError, match="the pin says: GPIO busy"):
        light.set(WHITE)
    monkeypatch.undo()
    light.close()
