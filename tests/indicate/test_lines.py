"""Lines of a GPIO chip: what libgpiod refuses becomes a sentence; the calls are ones that gpiod takes."""

from __future__ import annotations

import errno
import inspect
import sys

import gpiod
import pytest

from edge.errors import DeviceAbsent, IndicateError, MissingExtra
from edge.indicate import lines_standin
from edge.indicate.lines import LineLight, LineSwitch, system_library
from edge.indicate.lines_standin import StandInChip
from edge.indicate.patterns import DARK, WHITE


@pytest.fixture
def chip():
    """A chip of 32 lines, none in use."""
    return StandInChip()


def test_no_such_chip_and_no_such_line_are_absent_devices(chip):
    with pytest.raises(DeviceAbsent, match=r"/dev/gpiochip7.*gpiodetect"):
        LineLight("/dev/gpiochip7", [1], chip)
    with pytest.raises(DeviceAbsent, match=r"lines 1, 2, 32 of /dev/gpiochip0.*gpioinfo"):
        LineLight(chip.path, [1, 2, 32], chip)


def test_the_real_library_says_the_same_of_a_chip_that_is_not_there():
    with pytest.raises(DeviceAbsent, match="gpiochip99"):
        LineLight("/dev/gpiochip99", [1])
    with pytest.raises(IndicateError, match="/dev/null"):
        LineLight("/dev/null", [1])  # a device, and no GPIO chip


def test_a_line_in_use_is_named_and_free_again_after_close(chip):
    held = LineLight(chip.path, [4], chip)
    with pytest.raises(IndicateError, match=r"free lines 4 of .*busy"):
        LineSwitch(chip.path, 4, lambda _: None, chip)
    held.close()
    held.close()
    LineLight(chip.path, [4], chip).close()


def test_a_chip_that_goes_away_is_a_sentence_and_its_lines_are_given_back(chip):
    light = LineLight(chip.path, [4], chip)
    chip.fault = OSError(errno.ENODEV, "No such device")
    with pytest.raises(IndicateError, match="No such device; check its wiring"):
        light.set(WHITE)
    with pytest.raises(IndicateError):
        light.close()
    assert chip.held == set()
    light.set(DARK)  # closed: nothing to do


def test_a_button_whose_chip_goes_away_says_so_once_and_closes(chip, caplog):
    switch = LineSwitch(chip.path, 4, lambda _: None, chip)
    chip.fault = OSError(errno.ENODEV, "No such device")
    switch._thread.join(20)
    assert not switch._thread.is_alive()
    assert "the button is dead" in caplog.text
    switch.close()


def test_the_package_is_an_extra(monkeypatch):
    assert system_library() is gpiod
    monkeypatch.setitem(sys.modules, "gpiod", None)
    with pytest.raises(MissingExtra, match=r"microcue\[gpiod\]"):
        system_library()


def test_the_stand_in_takes_no_call_that_the_package_does_not():
    def names(function):
        return set(inspect.signature(function).parameters) - {"self"}

    assert names(StandInChip.request_lines) <= names(gpiod.request_lines)
    request = lines_standin.StandInRequest
    for method in ("set_values", "get_value", "wait_edge_events", "read_edge_events", "release"):
        assert names(getattr(request, method)) <= names(getattr(gpiod.LineRequest, method)), method


def test_the_stand_in_refuses_what_was_released_as_the_package_does(chip):
    light = LineLight(chip.path, [4], chip)
    request = light._request
    light.close()
    with pytest.raises(gpiod.RequestReleasedError):
        request.release()
    with pytest.raises(gpiod.RequestReleasedError):
        request.get_value(4)
