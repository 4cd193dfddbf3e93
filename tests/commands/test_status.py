"""`microcue status`: a run that goes on, one that fell silent, and none."""

from __future__ import annotations

import json

import pytest

from edge.clock import boot_id, boottime_ns
from edge.health.board import Board
from edge.health.loop import LoopVitals
from edge.health.monitor import Attended, HealthMonitor, SessionCounts
from edge.health.state_file import StateFile
from edge.record.lock import DataDirLock


@pytest.fixture
def data_dir(tmp_path):
    """An empty data directory."""
    return tmp_path


@pytest.fixture
def lock(data_dir):
    """Held as by a run."""
    lock = DataDirLock(data_dir)
    yield lock
    lock.release()


@pytest.fixture
def monitor(data_dir, lock):
    """Of a run on no board at all."""
    monitor = HealthMonitor(Board(data_dir, data_dir / "none", lambda: None), StateFile(data_dir))
    yield monitor
    monitor.close()


def attend(monitor, counts):
    session = ("20260101-120000-abcd", "imx708", 120.0, True)
    monitor.attend(Attended(*session, LoopVitals(True), lambda: counts, lambda *_: None, lambda: 0))


def test_where_nothing_runs_it_says_so_and_exits_1(microcue, data_dir):
    code, out, _ = microcue("status")
    assert code == 1
    assert "Nothing is running" in out
    code, out, _ = microcue("status", "--json")
    assert code == 1
    assert json.loads(out) == {"running": False, "pid": 0, "silent_s": None, "phase": "none", "fault": ""}


def test_a_running_session_is_shown_with_its_numbers(microcue, monitor):
    monitor.cue_to_pin.add(2_000_000)
    attend(monitor, SessionCounts(n_frames=1200, n_missing=3, n_left_out=7, rows_waiting=2))
    code, out, _ = microcue("status")
    assert code == 0
    for words in ("watching", "imx708", "3 missing, 7 left out", "all frames", "2 rows waiting"):
        assert words in out
    code, out, _ = microcue("status", "--json")
    state = json.loads(out)
    assert (code, state["running"], state["n_missing"], state["relief"]) == (0, True, 3, 0)
    assert state["session_id"] == "20260101-120000-abcd"


def test_a_fault_of_the_log_is_told(microcue, monitor, lock):
    attend(monitor, SessionCounts())
    lock.tell("the disk is full")
    code, out, _ = microcue("status")
    assert code == 0
    assert "the disk is full" in out


def test_a_run_between_sessions_shows_the_board_and_what_it_waits_for(microcue, monitor):
    monitor.phase = "paused"
    monitor.look()
    code, out, _ = microcue("status")
    assert code == 0
    assert "paused" in out
    assert "session" not in out


def test_a_run_that_has_only_started_is_no_failure(microcue, lock):
    code, out, _ = microcue("status")
    assert (code, "has just started" in out) == (0, True)


def test_a_run_that_fell_silent_is_one(microcue, data_dir, lock):
    file = StateFile(data_dir)
    long_ago_ns = boottime_ns() - 90 * 10**9
    state = {"pid": json.loads(microcue("status", "--json")[1])["pid"], "boot_id": boot_id()}
    file.write(state | {"at_boottime_ns": long_ago_ns, "tick_s": 5.0, "phase": "watching"})
    code, out, _ = microcue("status")
    assert code == 1
    assert "has said nothing for" in out


def test_a_state_of_another_process_or_boot_is_not_believed(microcue, data_dir, lock):
    file = StateFile(data_dir)
    file.write({"pid": 1, "boot_id": boot_id(), "at_boottime_ns": 0, "tick_s": 5.0, "phase": "watching"})
    assert "has just started" in microcue("status")[1]
    file.write({"pid": 1, "boot_id": "another", "at_boottime_ns": 0, "tick_s": 5.0, "phase": "watching"})
    assert json.loads(microcue("status", "--json")[1])["phase"] == "starting"
