"""Faults of the machine itself, as their rows in docs/faults.md say."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from edge import app
from edge.clock import ClockState, clock_state
from edge.health import relief
from edge.perceive import models
from edge.perceive.finder import FaceFinder
from edge.perceive.models import models_directory
from edge.record import keeper
from edge.record.reading import LogReader
from edge.record.schema import DATABASE_NAME

HOUR_NS = 3600 * 10**9


@pytest.mark.fault(
    fault="model file damaged",
    injected="one byte of the landmark model is another",
    light="dark",
    says="face_landmark_int8.tflite",
    ends=74,
    then="nothing is watched with a model that is not the one its manifest describes",
)
def test_a_damaged_model_is_refused(world, tmp_path, monkeypatch, as_its_row_says):
    shutil.copytree(models_directory(), tmp_path / "models")
    file = tmp_path / "models" / "face_landmark_int8.tflite"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    monkeypatch.setattr(models, "models_directory", lambda: tmp_path / "models")
    monkeypatch.setattr(app, "FaceFinder", FaceFinder)
    as_its_row_says()
    assert world.decided == []


@pytest.mark.fault(
    fault="clock set back",
    injected="the wall clock is an hour earlier from the middle of a session on",
    light="watching",
    says="",
    ends="goes on",
    then="times within the session are the sensor's and stay right; "
    "the new offset is stored beside the old one",
)
def test_a_clock_that_is_set_back_changes_no_time_within_the_session(world, monkeypatch, as_its_row_says):
    shift_ns, seen = [0], []

    def read_clock():
        state = clock_state()
        seen.append(shift_ns[0])
        return ClockState(state.offset_ns + shift_ns[0], state.synchronised)

    def set_back():
        world.until(lambda: 0 in seen)
        shift_ns[0] = -HOUR_NS
        seen.clear()
        world.until(lambda: len(seen) > 1)

    monkeypatch.setattr(keeper, "_TICK_S", 0.01)
    monkeypatch.setattr(keeper.ClockWatch.__init__, "__defaults__", (read_clock,))
    world.when(30, set_back)
    as_its_row_says()
    with closing(sqlite3.connect(world.data / DATABASE_NAME)) as log:
        offsets = [row[0] for row in log.execute("SELECT offset_ns FROM clock_offsets ORDER BY at_ns")]
        onsets = [row[0] for row in log.execute("SELECT onset_ns FROM cues ORDER BY number")]
    assert any(abs(offset - offsets[0] + HOUR_NS) < 10**9 for offset in offsets)
    assert onsets == sorted(onsets)
    assert world.session()["duration_s"] == pytest.approx(0.59)


@pytest.mark.fault(
    fault="thermal limit",
    injected="the thermal zone says 79 of 80 degrees, and 60 later (virtual temperature)",
    light="sparing",
    says="hot at 79 °C: at most 3 key frames a second from now on",
    ends="goes on",
    then="key frames are thinned, then half the frames left out, before the processor slows itself down; "
    "back step by step when it is 10 degrees below the limit; each step is logged and in `status`",
)
def test_heat_is_met_with_less_work_and_cold_with_all_of_it(world, monkeypatch, as_its_row_says):
    for name in ("_SETTLES_HOT_S", "_RETURN_S", "_RETURN_MAX_S"):
        monkeypatch.setattr(relief, name, 0.0)

    def heat_to(degrees, step):
        def heat():
            world.heat(degrees)
            world.until(lambda: world.health.orders.relief is step)

        return heat

    world.heat(55)
    world.put("proc/device-tree/model", "Raspberry Pi 4 Model B")
    world.n_frames = 400
    world.when(50, heat_to(79, relief.Relief.HALF_RATE))
    world.when(200, heat_to(60, relief.Relief.NONE))
    as_its_row_says()
    assert world.health_rows("relief")[0] == world.health_rows("relief")[-1] == 0
    assert max(world.health_rows("relief")) == 3
    assert [round(degrees) for degrees in world.health_rows("temperature_c")] == [55, 79, 60]


@pytest.mark.fault(
    fault="undervoltage",
    injected="the Raspberry Pi's voltage sensor raises its alarm",
    light="watching",
    says="the supply gives too little voltage",
    ends="goes on",
    then="said once, and begin and end are in the session's health",
)
def test_too_little_voltage_is_said_and_logged(world, as_its_row_says):
    def alarm(is_raised):
        def change():
            world.put("sys/class/hwmon/hwmon0/in0_lcrit_alarm", f"{is_raised}\n")
            world.health.look()

        return change

    world.put("sys/class/hwmon/hwmon0/name", "rpi_volt\n")
    world.put("sys/class/hwmon/hwmon0/in0_lcrit_alarm", "0\n")
    world.when(20, alarm(1))
    world.when(40, alarm(0))
    as_its_row_says()
    assert world.health_rows("undervoltage") == [0, 1, 0]


@pytest.mark.fault(
    fault="out of memory: the system gives no more",
    injected="an allocation that the kernel refuses, in the main loop",
    light="dark",
    says="expected memory, the system gave none",
    ends=74,
    then="the session ends and everything decided is written; systemd starts the service again",
)
def test_refused_memory_ends_the_session_with_everything_written(world, as_its_row_says):
    world.when(45, lambda: np.ones(1 << 60, np.uint8))
    as_its_row_says()


@pytest.mark.fault(
    fault="out of memory: the system kills the program",
    injected="SIGKILL in the middle of a session, as the kernel's out-of-memory killer sends it",
    light="dark",
    says="",
    ends=-9,
    then="every cue that was logged is there, the session reads as interrupted; "
    "systemd starts the service again",
)
def test_a_killed_run_leaves_every_cue_it_had_logged(request, world):
    row = request.node.get_closest_marker("fault").kwargs
    here = Path(__file__).parent
    command = [sys.executable, str(here / "killed_child.py"), str(world.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=here.parents[1]) as child:
        committed = [int(word) for word in child.stdout.readline().split()]
        child.kill()
        assert child.wait(120) == row["ends"]
    assert committed
    assert world.logged() == committed
    assert world.session()["state"] == "interrupted"


@pytest.mark.fault(
    fault="key-frame thread killed",
    injected="an exception is raised in the thread, outside the model",
    light="watching",
    says="expected the landmark model's thread to run, it had ended; it is started again",
    ends="goes on",
    then="the key frame in its hands is lost, the next goes to a new thread; counted in the log; "
    "after 20 times exit 70",
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_model_s_thread_is_started_again(world, as_its_row_says):
    def kill():
        dead = world.thread("perceive")
        world.kill(dead)
        world.when(31, lambda: world.until(lambda: not dead.is_alive()))

    # frame 30 is the next key frame: it wakes the thread, which dies of it
    world.when(30, world.answered, kill)
    world.when(45, lambda: world.health and world.health.look())
    as_its_row_says()
    assert world.health_rows("threads_revived") == [0, 1]


@pytest.mark.fault(
    fault="health thread killed",
    injected="an exception is raised in the thread",
    light="watching",
    says="expected the health thread to run, it had ended; it is started again",
    ends="goes on",
    then="the main loop starts it again with the next report on frames, within 10 s; counted in the log",
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_health_thread_is_started_again(world, as_its_row_says):
    def kill():
        dead = world.thread("health")
        world.kill(dead)
        world.until(lambda: not dead.is_alive())

    world.n_frames = 450  # the first report comes after three seconds of frames
    world.when(30, kill)
    world.when(400, lambda: world.until(lambda: world.thread("health").is_alive()))
    as_its_row_says()
    assert world.health.n_revived == 1


@pytest.mark.fault(
    fault="asked to end",
    injected="SIGTERM, as systemd sends it",
    light="dark",
    says="",
    ends=0,
    then="the frame in hand is finished, everything is written, the lights go dark: within a second",
)
def test_a_request_to_end_is_followed_with_everything_written(world, as_its_row_says):
    world.when(30, lambda: os.kill(os.getpid(), signal.SIGTERM))
    as_its_row_says()
    assert world.session()["end_reason"] == "SIGTERM"
    assert world.indicator.is_closed
    with LogReader(world.data) as log:
        assert log.session_ids()
