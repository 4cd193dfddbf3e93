"""The health thread's work, one look at a time: rows, orders, state, threads that died."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from edge.health.loop import LoopVitals
from edge.health.monitor import Attended, HealthMonitor, SessionCounts
from edge.health.relief import Relief
from edge.health.state_file import StateFile, read_state


class Session:
    """What a session shows of itself, for a test to change."""

    def __init__(self, live=True):
        self.counts = SessionCounts()
        self.loop = LoopVitals(live)
        self.rows = []
        self.attended = Attended(
            *("20260101-120000-abcd", "camera", 120.0, live),
            self.loop,
            lambda: self.counts,
            lambda _ns, name, value: self.rows.append((name, value)),
            lambda: 7,
        )

    def lose(self, n):
        self.counts = replace(self.counts, n_frames=self.counts.n_frames + 600, n_lost=self.counts.n_lost + n)

    def named(self, name):
        return [value for found, value in self.rows if found == name]


class Look:
    """A monitor whose clock goes five seconds with each look."""

    def __init__(self, played, workers=()):
        self.now_s = 0.0
        self.warnings = []
        self.monitor = HealthMonitor(
            played.board(), StateFile(played.root), workers, self.warnings.append, lambda: self.now_s
        )

    def __call__(self, n=1):
        for _ in range(n):
            self.now_s += 5.0
            self.monitor.look()


@pytest.fixture
def look(played):
    """Looks, without a thread."""
    look = Look(played)
    yield look
    look.monitor.close()


def test_a_session_begins_with_what_is_known_and_goes_on_with_what_changes(look, played):
    session = Session()
    look.monitor.attend(session.attended)
    assert session.named("temperature_c") == [51.608]
    assert session.named("undervoltage") == session.named("throttled") == session.named("relief") == [0.0]
    assert session.named("memory_available_mb") == [2000.0]
    n_rows = len(session.rows)
    played.heat(52.5)
    look(10)
    assert len(session.rows) == n_rows
    played.put("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")
    look(3)
    played.put("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "0\n")
    look(3)
    assert session.named("undervoltage") == [0.0, 1.0, 0.0]
    assert len(look.warnings) == 1


def test_heat_leads_through_every_step_and_cooling_back_and_the_session_has_them_all(look, played):
    session = Session()
    look.monitor.attend(session.attended)
    played.heat(78)
    look(20)
    assert look.monitor.orders.relief is Relief.HALF_RATE
    played.heat(72)  # neither hot nor cool
    look(100)
    assert look.monitor.orders.relief is Relief.HALF_RATE
    played.heat(60)
    look(60)
    assert look.monitor.orders.relief is Relief.NONE
    assert session.named("relief") == [0, 1, 2, 3, 2, 1, 0]
    assert session.named("temperature_c") == [51.608, 78.0, 72.0, 60.0]
    assert [warning.split(":")[0] for warning in look.warnings] == [
        *["hot at 78 °C"] * 3,
        *["there is room again at 60 °C"] * 3,
    ]


def test_lost_frames_are_slowness_but_not_those_of_a_camera_that_was_away(look):
    session = Session()
    look.monitor.attend(session.attended)
    session.counts = replace(session.counts, n_restarts=1)
    session.lose(500)
    look()
    assert look.monitor.orders.relief is Relief.NONE
    session.lose(20)
    look()
    assert look.monitor.orders.relief is Relief.FEWER_KEY_FRAMES
    assert session.named("slow") == [0.0, 1.0]


def test_a_recording_is_never_relieved(look, played):
    session = Session(live=False)
    look.monitor.attend(session.attended)
    played.heat(90)
    session.lose(600)
    look(50)
    assert look.monitor.orders.relief is Relief.NONE


def test_the_state_is_left_for_others_and_gone_at_the_end(look, played):
    session = Session()
    look.monitor.attend(session.attended)
    session.counts = SessionCounts(n_frames=9, n_missing=2, rows_waiting=3, fault="the disk is full")
    look()
    state = read_state(played.root)
    assert (state["phase"], state["session_id"]) == ("watching", "20260101-120000-abcd")
    assert (state["temperature_c"], state["n_missing"], state["rows_waiting"]) == (51.608, 2, 3)
    assert state["fault"] == "the disk is full"
    look.monitor.dismiss("paused")
    assert read_state(played.root)["phase"] == "paused"
    assert "session_id" not in read_state(played.root)
    look.monitor.close()
    assert read_state(played.root) is None


def test_the_last_word_about_cues_and_pins_goes_into_the_log(look):
    session = Session()
    session.loop.cue_to_pin.add(3_000_000)
    look.monitor.attend(session.attended)
    look.monitor.dismiss()
    assert session.named("cue_to_pin_ms_p99") == pytest.approx([3.0], rel=0.04)
    look(3)  # nobody is attended: nothing is logged
    assert len(session.named("cue_to_pin_ms_p99")) == 1


class Mortal:
    """A thread that can die."""

    name = "light"

    def __init__(self):
        self.is_alive = True
        self.n_lives = 1

    def revive(self):
        self.is_alive = True
        self.n_lives += 1


def test_a_thread_that_has_died_is_started_again_and_said(played):
    mortal = Mortal()
    look, session = Look(played, [mortal]), Session()
    look.monitor.attend(session.attended)
    mortal.is_alive = False
    look()
    assert mortal.n_lives == 2
    assert session.named("threads_revived") == [0.0, 1.0]
    assert "light thread" in look.warnings[0]
    for _ in range(50):
        mortal.is_alive = False
        look()
    assert mortal.n_lives == 21  # then it is left dead
    look.monitor.close()


def test_the_health_thread_itself_is_started_again_where_it_has_died(look):
    assert not look.monitor.ensure_running()  # never started
    look.monitor._thread = threading.Thread(target=lambda: None)
    look.monitor._thread.start()
    look.monitor._thread.join()
    assert look.monitor.ensure_running()
    assert look.monitor._thread.is_alive()
    assert not look.monitor.ensure_running()
    assert look.monitor.n_revived == 1
