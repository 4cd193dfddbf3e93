"""What a hand at the button asks for, and what the main loop finds when it looks."""

from __future__ import annotations

import threading

import pytest

from edge.config import Config
from edge.indicate.gestures import Gesture
from edge.indicate.indicator import State
from edge.indicate.recorded import RecordedIndicator
from edge.service import StopRequest
from edge.session_control import PAUSED, SessionControl


@pytest.fixture
def stop():
    """A request that nobody has made yet."""
    return StopRequest()


@pytest.fixture
def indicator():
    """Remembers its answers."""
    return RecordedIndicator(lambda: 0)


@pytest.fixture
def control(indicator, stop):
    """Watching, not paused."""
    return SessionControl(Config(), indicator, stop)


def test_first_turn_comes_at_once_and_a_session_that_ended_by_itself_has_none_after_it(control):
    assert control.next_turn() == Config()
    control.ended("the source ended")
    assert control.next_turn() is None


def test_each_press_is_one_mark_with_its_time_and_an_answer(control, indicator):
    for at_ns in (5, 9):
        control.act(Gesture.PRESS, at_ns)
    assert [control.next_mark_ns() for _ in range(3)] == [5, 9, None]
    assert len(indicator.marks) == 2


def test_a_press_in_a_pause_marks_nothing_and_is_not_answered(control, indicator):
    control.act(Gesture.HOLD, 0)
    control.act(Gesture.LET_GO, 0)
    control.act(Gesture.PRESS, 5)
    assert control.next_mark_ns() is None
    assert indicator.marks == []


def test_a_hold_pauses_and_the_next_one_resumes_only_when_let_go(control, indicator):
    control.act(Gesture.HOLD, 0)
    assert control.is_paused
    control.act(Gesture.LET_GO, 0)
    assert control.is_paused
    control.act(Gesture.HOLD, 0)
    assert control.is_paused
    assert len(indicator.marks) == 1  # "let go now"
    control.act(Gesture.LET_GO, 0)
    assert not control.is_paused
    control.act(Gesture.HOLD, 0)
    assert control.is_paused


def test_a_long_hold_ends_it_from_watching_and_from_a_pause_without_resuming(control, stop):
    control.act(Gesture.HOLD, 0)
    control.act(Gesture.LET_GO, 0)
    control.act(Gesture.HOLD, 0)
    control.act(Gesture.LONG_HOLD, 0)
    assert control.is_paused
    assert stop.reason == "ended by the button"
    control.ended(PAUSED)
    assert control.next_turn() is None


def test_waiting_ends_when_it_is_resumed_from_the_button_s_thread(control, indicator):
    control.act(Gesture.HOLD, 0)
    control.act(Gesture.HOLD, 0)
    thread = threading.Timer(0.01, control.act, (Gesture.LET_GO, 0))
    control.ended(control.why_end(0))
    assert indicator.states[-1][1] is State.PAUSED
    thread.start()
    assert control.next_turn() == Config()
    thread.join()


def test_a_wish_pauses_and_a_hold_at_the_button_goes_on(control, indicator):
    control.pause(True)
    assert control.why_end(0) == "paused from the live view"
    control.ended(control.why_end(0))
    assert indicator.states[-1][1] is State.PAUSED
    control.act(Gesture.HOLD, 0)
    control.act(Gesture.LET_GO, 0)
    assert control.next_turn() == Config()
    assert control.why_end(0) == ""


def test_a_wish_goes_on_after_a_hold_paused(control):
    control.act(Gesture.HOLD, 0)
    control.act(Gesture.LET_GO, 0)
    control.pause(True)
    assert control.why_end(0) == "paused by the button"
    control.pause(False)
    assert control.why_end(0) == ""
