"""One suite for every button: played, real gpiozero on its mock pins, gpiod's classes on a played chip."""

from __future__ import annotations

import threading
import time
from functools import partial

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from edge.errors import DeviceAbsent, IndicateError
from edge.indicate.button import Button
from edge.indicate.gestures import Gesture
from edge.indicate.gpio import GpioSwitch
from edge.indicate.lines import LineSwitch
from edge.indicate.lines_standin import StandInChip
from edge.indicate.recorded import PlayedSwitch

MS = 1_000_000


@pytest.fixture
def factory(monkeypatch):
    """gpiozero's own stand-in for a board's pins."""
    factory = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    yield factory
    factory.reset()


class Hand:
    """Pushes one button, whatever drives it, and keeps what its driver says of it."""

    def __init__(self, kind, factory):
        self.chip = StandInChip()
        self._heard = threading.Condition()
        self.changes = []
        self._kind, self._factory = kind, factory
        self._played = None

    def open(self, changed):
        """As `Button` wants it, noting each change that the driver told."""

        def heard(is_down):
            changed(is_down)
            with self._heard:
                self.changes.append(is_down)
                self._heard.notify_all()

        if self._kind == "played":
            self._played = PlayedSwitch(heard)
            return self._played
        if self._kind == "gpio":
            return GpioSwitch(5, heard)
        return LineSwitch(self.chip.path, 5, heard, self.chip)

    def push(self, is_down):
        """Press or let go, and wait until the driver's thread has said so."""
        n_before = len(self.changes)
        if self._kind == "played":
            self._played.push(is_down)
        elif self._kind == "gpio":
            pin = self._factory.pin(5)
            (pin.drive_low if is_down else pin.drive_high)()
        else:
            self.chip.push(5, 0 if is_down else 1)
        with self._heard:
            assert self._heard.wait_for(lambda: len(self.changes) > n_before, 20)


@pytest.fixture(params=["played", "gpio", "line"])
def hand(request, factory):
    """A hand on one kind of button."""
    return Hand(request.param, factory)


@pytest.fixture
def told():
    """Gestures as they are told."""
    return []


@pytest.fixture
def button(hand, clock, told):
    """A button without its thread: the test calls `pump`."""
    button = Button(hand.open, lambda *gesture: told.append(gesture), clock)
    yield button
    button.close()


def play(button, hand, clock, changes_ms, until_ms):
    """Push at the times given and pump every 10 ms."""
    begin_ns, changes = clock.time_ns, dict(changes_ms)
    for now_ms in range(0, until_ms, 10):
        clock.time_ns = begin_ns + now_ms * MS
        if now_ms in changes:
            hand.push(changes[now_ms])
        while button._inbox.qsize():
            button.pump()
        button.pump()


def test_press_hold_and_long_hold_are_told_with_their_times(button, hand, clock, told):
    begin_ns = clock.time_ns
    changes = [(100, True), (200, False), (1000, True), (4000, False), (5000, True), (14_000, False)]
    play(button, hand, clock, changes, 15_000)
    assert [(gesture, (at_ns - begin_ns) // MS) for gesture, at_ns in told] == [
        (Gesture.PRESS, 100),
        (Gesture.HOLD, 3000),
        (Gesture.LET_GO, 4000),
        (Gesture.HOLD, 7000),
        (Gesture.LONG_HOLD, 13_000),
    ]


def test_bounces_through_the_driver_are_one_press(button, hand, clock, told):
    changes = [(100, True), (110, False), (120, True), (300, False), (310, True), (320, False)]
    play(button, hand, clock, changes, 600)
    assert [gesture for gesture, _ in told] == [Gesture.PRESS]


def test_a_closed_button_gives_its_pin_back_and_closing_twice_is_allowed(button, hand, told):
    button.close()
    button.close()
    assert not button.pump()
    Button(hand.open, lambda *_: None).close()
    assert told == []


def test_the_thread_tells_a_real_press_and_ends(hand):
    heard = threading.Event()
    button = Button(hand.open, lambda *_: heard.set()).start()
    hand.push(True)
    time.sleep(0.04)  # longer than a bounce
    hand.push(False)
    assert heard.wait(20)
    button.close()
    assert not any(thread.name in ("button", "button line") for thread in threading.enumerate())


def test_a_button_that_is_stuck_from_the_start_ends_nothing(clock, told):
    chip = StandInChip(levels={5: 0})
    button = Button(
        partial(LineSwitch, chip.path, 5, library=chip), lambda *gesture: told.append(gesture), clock
    )
    for _ in range(200):
        clock.time_ns += 100 * MS
        button.pump()
    button.close()
    assert told == []


def test_a_pin_that_is_taken_or_not_there_is_a_sentence(factory):
    taken = GpioSwitch(5, lambda _: None)
    with pytest.raises(IndicateError, match="for the button"):
        GpioSwitch(5, lambda _: None)
    taken.close()
    with pytest.raises(DeviceAbsent, match="BCM numbers"):
        GpioSwitch(99, lambda _: None)
