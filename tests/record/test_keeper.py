"""The wall clock is watched beside a recording, and its steps touch no duration."""

import threading
import time

import pytest

from edge.clock import ClockState
from edge.config import RecordConfig
from edge.record import keeper
from edge.record.keeper import ClockWatch, Keeper
from edge.record.reading import LogReader

HOUR_NS = 3600 * 10**9


@pytest.fixture
def states():
    """What the clock says next; the last one again and again."""
    return [ClockState(10**9, None)]


@pytest.fixture
def watch(states):
    """A watch on that clock."""
    return ClockWatch(lambda: states.pop(0) if len(states) > 1 else states[0])


def test_the_first_look_is_news(watch):
    assert watch.news(0.0) == ClockState(10**9, None)
    assert watch.news(5.0) is None


@pytest.mark.parametrize(
    ("later", "is_news"),
    [
        (ClockState(10**9 + HOUR_NS, None), True),
        (ClockState(10**9 - HOUR_NS, None), True),
        (ClockState(10**9, True), True),
        (ClockState(10**9 + 19_000_000, None), False),
        (ClockState(10**9, False), False),
    ],
)
def test_a_step_or_a_clock_that_was_set_is_news(watch, states, later, is_news):
    watch.news(0.0)
    states[:] = [later]
    assert (watch.news(5.0) == later) == is_news


def test_what_is_slewed_is_stored_every_ten_minutes(watch):
    watch.news(0.0)
    assert watch.news(599.0) is None
    assert watch.news(601.0) is not None
    assert watch.news(700.0) is None


def test_a_clock_that_is_set_during_a_session_dates_it_anew_and_changes_no_duration(
    scene, data_dir, monkeypatch
):
    """A board without a clock of its own starts in 1970 and is set by the network later."""
    right_ns = 1_700_000_000 * 10**9
    state = [ClockState(10**9, False)]
    monkeypatch.setattr(keeper, "_TICK_S", 0.005)
    monkeypatch.setattr(keeper.ClockWatch.__init__, "__defaults__", (lambda: state[0],))
    monkeypatch.setattr(keeper, "boottime_ns", lambda: scene.frame_ns(600))
    recorder = scene.open(data_dir)
    session_id = recorder.start_session(scene.info(), scene.first_frame_ns, 10**9, False)
    recorder.append(scene.cue(120, 132))
    recorder.flush(10.0)
    with LogReader(data_dir) as log:
        (before,) = log.cues(session_id)
    state[0] = ClockState(right_ns, True)
    after = before
    deadline_s = time.monotonic() + 20.0
    while after == before and time.monotonic() < deadline_s:
        recorder.flush(1.0)
        with LogReader(data_dir) as log:
            (after,) = log.cues(session_id)
    recorder.close()
    changed = [(b, a) for b, a in zip(before, after, strict=True) if b != a]
    assert changed == [("1970-01-01T01:23:22.000Z", "2023-11-14T23:36:41.000Z")]


def test_the_keeper_stops_at_once(data_dir):
    data_dir.mkdir()
    Keeper(data_dir, RecordConfig(), lambda *_: None, lambda _: None, lambda: 0).stop()
    assert "log keeper" not in {thread.name for thread in threading.enumerate()}
