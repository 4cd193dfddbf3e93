"""What the settings name is opened, through which driver, and nothing stays open where one is refused."""

from __future__ import annotations

import io
import threading

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin
from hypothesis import given
from hypothesis import strategies as st

from edge.config import Config, IndicateConfig, with_overrides
from edge.errors import ConfigError, DeviceAbsent, IndicateError
from edge.indicate import lines
from edge.indicate.gpio import GpioLight
from edge.indicate.indicator import IndicatorGroup, NullIndicator, State
from edge.indicate.lines_standin import StandInChip
from edge.indicate.opening import open_button, open_indicator, open_light
from edge.indicate.pins import Pins, parse_pins
from edge.indicate.player import Player
from edge.indicate.quiet import QuietHours


@pytest.fixture
def pins(monkeypatch):
    """gpiozero's mock board."""
    factory = MockFactory(pin_class=MockPWMPin)
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    yield factory
    factory.reset()


@pytest.fixture
def chip(monkeypatch):
    """/dev/gpiochip0, played."""
    chip = StandInChip()
    monkeypatch.setattr(lines, "system_library", lambda: chip)
    return chip


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("gpio:17", Pins((17,))),
        ("rgb:17,27,22", Pins((17, 27, 22))),
        ("gpiod:0:85", Pins((85,), "/dev/gpiochip0")),
        ("gpiod:01:85,86,87", Pins((85, 86, 87), "/dev/gpiochip1")),
    ],
)
def test_a_setting_names_pins(setting, expected):
    assert with_overrides(Config(), {"indicate": {"led": setting}}).indicate.led == setting
    assert parse_pins(setting) == expected


@pytest.mark.parametrize(
    "values",
    [
        {"led": "gpiod:0"},
        {"led": "gpiod:0:1,2"},
        {"buzzer": "rgb:1,2,3"},
        {"marker": "17"},
        {"camera_led": "gpiod:1"},
        {"marker_ms": 0.5},
        {"quiet_hours": "22-7"},
        {"quiet_hours": "24:00-07:00"},
        {"brightness_percent": 0},
    ],
)
def test_a_setting_that_names_none_is_refused(values):
    with pytest.raises(ConfigError, match=f"indicate.{next(iter(values))} expects"):
        with_overrides(Config(), {"indicate": values})


def test_nothing_asked_for_is_nothing_opened():
    assert isinstance(open_indicator(IndicateConfig(led="none")), NullIndicator)


def test_the_terminal_alone_is_one_player(monkeypatch):
    monkeypatch.setattr("sys.stderr", io.StringIO())
    indicator = open_indicator(IndicateConfig(led="terminal"))
    assert isinstance(indicator, Player)
    indicator.close()


def risen(pin):
    """Wait until a mock pin has been high once."""
    for _ in range(2000):
        if any(state.state for state in pin.states):
            return True
        threading.Event().wait(0.01)
    return False


def test_marker_led_and_buzzer_all_say_a_cue(pins, chip, make_cue):
    config = IndicateConfig(led="gpiod:0:4", buzzer="gpio:6", marker="gpio:5", marker_ms=2.0)
    indicator = open_indicator(config)
    assert isinstance(indicator, IndicatorGroup)
    assert sorted(thread.name for thread in threading.enumerate()).count("indicator") == 3
    indicator.cue(make_cue())
    assert risen(pins.pin(5))
    assert risen(pins.pin(6))
    indicator.close()
    assert chip.held == set()
    assert "indicator" not in {thread.name for thread in threading.enumerate()}


def test_a_buzzer_and_a_marker_are_silent_about_states(pins):
    indicator = open_indicator(IndicateConfig(led="gpio:4", buzzer="gpio:6", marker="gpio:5"))
    indicator.show(State.FAULT)
    assert risen(pins.pin(4))
    indicator.close()
    assert not any(state.state for pin in (5, 6) for state in pins.pin(pin).states)


def test_an_led_may_be_kept_from_saying_cues_while_the_marker_says_them(pins, make_cue):
    indicator = open_indicator(IndicateConfig(led="gpio:4", led_cues=False, marker="gpio:5"))
    indicator.cue(make_cue())
    assert risen(pins.pin(5))
    indicator.close()
    assert not any(state.state for state in pins.pin(4).states)


def test_one_refused_pin_leaves_none_open(pins, chip):
    with pytest.raises(IndicateError, match="for the LED"):
        open_indicator(IndicateConfig(led="gpio:5", marker="gpio:5"))
    with pytest.raises(DeviceAbsent):
        open_indicator(IndicateConfig(led="gpiod:0:4", marker="gpio:5", buzzer="gpio:99"))
    assert chip.held == set()
    GpioLight([5]).close()
    assert "indicator" not in {thread.name for thread in threading.enumerate()}


def test_brightness_is_an_led_s_on_pins_that_can_be_dimmed(pins, chip):
    light = open_light("gpio:4", 30)
    light.set((1, 1, 1))
    assert pins.pin(4).state == pytest.approx(0.3)
    light.close()
    with pytest.raises(IndicateError, match="can only be switched; set it to 100"):
        open_light("gpiod:0:4", 30)


@pytest.mark.parametrize("setting", ["gpio:5", "gpiod:0:5"])
def test_a_button_is_opened_on_either_kind_of_pin(pins, chip, setting):
    button = open_button(setting, lambda *_: None)
    assert not button._switch.is_down
    if setting.startswith("gpiod"):
        assert chip.held == {5}
    button.close()
    assert chip.held == set()


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 1439))
def test_quiet_hours_are_the_minutes_from_the_first_up_to_the_second(begin, end, minute):
    hours = QuietHours.parse(f"{begin // 60:02d}:{begin % 60:02d}-{end // 60:02d}:{end % 60:02d}")
    n_quiet = (end - begin) % 1440 or 1440
    assert hours.contains(minute) == ((minute - begin) % 1440 < n_quiet)
