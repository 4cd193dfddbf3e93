"""Faults of cameras: what the run does, as its row in docs/faults.md says."""

from __future__ import annotations

import errno
import itertools

import pytest

from edge import app
from edge.capture.errors import FrameTimeout
from edge.capture.v4l2 import DevicePatience, V4L2Source
from edge.capture.v4l2_device import CameraMode
from edge.capture.v4l2_standin import Picture, Silence, StandInDevice
from edge.health import relief

MODE = CameraMode("GREY", 64, 48, 100.0)
GONE = OSError(errno.ENODEV, "No such device")
PATIENCE = DevicePatience(stall_s=0.02, away_s=0.1, look_again_s=0.01, poll_s=0.01)


def pictures(first, n):
    return [Picture(bytes([120]) * (64 * 48), k, k * 10_000_000) for k in range(first, first + n)]


@pytest.fixture
def usb(world, monkeypatch):
    """Watch a played USB camera instead; the second device is what it comes back as."""

    def plug_in(script, back=None, is_back=lambda: True, patience=PATIENCE, device=StandInDevice):
        def find(_identity):
            return StandInDevice(back, [MODE]) if back is not None and is_back() else None

        def source(*_):
            return V4L2Source(device(script, [MODE]), 64, 48, 100.0, patience=patience, find=find)

        monkeypatch.setattr(app, "open_source", source)

    return plug_in


@pytest.mark.fault(
    fault="camera unplugged, and plugged in again",
    injected="the device answers ENODEV; found again by its identity",
    light="fault",
    says="was unplugged; it is waited for",
    ends="goes on",
    then="the same session goes on with the same exposure; the frames between are a gap in the log",
)
def test_a_camera_that_comes_back_goes_on(world, usb, as_its_row_says):
    back = itertools.chain.from_iterable([picture, Silence(1)] for picture in pictures(200, 1000))
    patience = DevicePatience(stall_s=5.0, away_s=1e9, look_again_s=0.01, poll_s=0.01)
    usb([*pictures(0, 60), GONE], back, lambda: "fault" in world.states, patience)
    as_its_row_says("--duration", "3")
    assert world.session()["n_restarts"] == 1
    assert world.session()["n_dropped_frames"] > 100


@pytest.mark.fault(
    fault="camera unplugged for good",
    injected="the device answers ENODEV and is not found again",
    light="dark",
    says="expected a camera at /dev/video-standin",
    ends=69,
    then="after 60 s of waiting the session ends with its reason; systemd starts the service again every 5 s",
)
def test_a_camera_that_stays_away_ends_the_session_with_its_reason(world, usb, as_its_row_says):
    usb([*pictures(0, 60), GONE])
    as_its_row_says()
    assert "/dev/video-standin" in world.session()["end_reason"]


@pytest.mark.fault(
    fault="camera silent",
    injected="the device delivers nothing more, also after being started again",
    light="dark",
    says="fell silent and stayed so after being restarted 3 times",
    ends=69,
    then="it was started again three times in the same mode and light; systemd starts the service again",
)
def test_a_camera_that_stays_silent_is_started_again_and_given_up(world, usb, as_its_row_says):
    usb(pictures(0, 60))
    as_its_row_says()
    assert "fell silent" in world.session()["end_reason"]


@pytest.mark.fault(
    fault="camera silent, driver without a watchdog",
    injected="six reads in a row give no frame in half a second each",
    light="fault",
    says="no frame for 0.50 s after frame 29",
    ends=74,
    then="the session ends with its reason; systemd starts the service again",
)
def test_a_source_that_is_silent_for_three_seconds_ends_the_session(world, as_its_row_says):
    world.when(30, *[lambda: FrameTimeout(0.5, 29)] * 6)
    as_its_row_says()
    assert world.decided


@pytest.mark.fault(
    fault="camera's thread killed by a bug",
    injected="the driver raises what no driver should",
    light="dark",
    says="reading failed by a bug",
    ends=70,
    then="nobody waits for frames that cannot come; systemd starts the service again",
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_in_the_camera_s_thread_is_no_silence(usb, as_its_row_says):
    class Broken(StandInDevice):
        def wait(self, timeout_s):
            if self._next is None and next(self.left, None) is None:
                raise ZeroDivisionError
            return super().wait(timeout_s)

    Broken.left = iter(range(60))
    usb(pictures(0, 1000), device=Broken)
    as_its_row_says()


@pytest.mark.fault(
    fault="camera faster than the board",
    injected="a fiftieth of the frames is lost before anybody reads them, until half the rate is watched",
    light="sparing",
    says="losing frames: at most 3 key frames a second from now on",
    ends="goes on",
    then="key frames are thinned to 3 and to 1 a second, then every second frame is left out; "
    "each step is in the log",
)
def test_a_board_that_is_too_slow_does_less(world, monkeypatch, as_its_row_says):
    monkeypatch.setattr(relief, "_SETTLES_SLOW_S", 0.0)

    def lose():
        world.camera.counts.n_lost += 10
        step = world.health.orders.relief
        world.until(lambda: world.health.orders.relief is not step)

    for frame in (20, 40, 60):
        world.when(frame, lose)
    world.n_frames = 200
    as_its_row_says()
    assert world.health_rows("relief")[:4] == [0, 1, 2, 3]
    assert 1.0 in world.health_rows("slow")
    assert sum(world.health_rows("n_left_out")) > 60
    assert world.session()["relief"] == 3
