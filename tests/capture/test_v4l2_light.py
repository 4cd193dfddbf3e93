"""USB cameras' light: metered, then held; stale, refused and missing controls; programs that interfere."""

from __future__ import annotations

import errno

import numpy as np
import pytest

from edge.capture.v4l2 import V4L2Source
from edge.capture.v4l2_device import CameraMode, ControlRange, DeviceIdentity
from edge.capture.v4l2_exposure import LightLock
from edge.capture.v4l2_standin import Picture, StandInDevice, StandInLight

FPS = 120.0
MODE = CameraMode("GREY", 64, 48, FPS)
LEVEL = 100


def endless_pictures():
    """A grey wall that would be at level 100 were it exposed for 10 ms without gain."""
    rng = np.random.default_rng(1)
    wall = rng.normal(LEVEL, 2, (48, 64)).round().clip(1, 255).astype(np.uint8).tobytes()
    k = 0
    while True:
        yield Picture(wall, k, 10**9 + k * 8_333_333)
        k += 1


@pytest.fixture
def metered():
    """A lock on a stand-in's light after metering, the light, and the levels of frames that follow."""

    def make(light, fps=FPS, mains_hz=0):
        device = StandInDevice(endless_pictures(), [MODE], light=light)
        device.start(MODE, fps, 4)

        def next_level():
            assert device.wait(1.0)
            level = float(np.frombuffer(device.take().data, np.uint8).mean())
            device.give_back()
            return level

        lock = LightLock(device, fps, mains_hz)
        lock.meter(next_level)
        return lock, light, [next_level() for _ in range(20)]

    return make


def test_exposure_is_held_where_the_automatic_came_to_rest(metered):
    lock, light, levels = metered(StandInLight(scene=4.0))
    # the sensor's automatic makes the wall as bright as the picture is: a quarter of 10 ms
    assert light.values["auto_exposure"] == 1
    assert light.values["exposure_time_absolute"] == pytest.approx(25, abs=1)
    assert np.ptp(levels) == 0
    assert levels[0] == pytest.approx(LEVEL, rel=0.1)
    assert lock.text() == "exposure held at 2.5 ms, gain 0"


def test_white_balance_focus_and_gain_are_held_too_and_the_rate_kept(metered):
    _, light, _ = metered(StandInLight())
    held = ("white_balance_automatic", "focus_automatic_continuous", "exposure_dynamic_framerate")
    assert [light.values[name] for name in held] == [0, 0, 0]
    assert ("white_balance_automatic", 1) in light.history  # balanced first
    assert light.values["white_balance_temperature"] == 4600


def test_exposure_never_outlasts_a_frame_and_gain_makes_up_for_it(metered):
    lock, light, levels = metered(StandInLight(scene=0.5))
    # the automatic took 20 ms, which a frame of 8.3 ms has no room for
    assert light.values["exposure_time_absolute"] == 83
    assert light.values["gain"] > 0
    assert levels[0] == pytest.approx(LEVEL, rel=0.15)
    assert "8.3 ms, gain" in lock.text()


def test_camera_that_reports_an_exposure_it_does_not_use_is_set_by_its_picture(metered):
    _, light, levels = metered(StandInLight(scene=4.0, stale=True))
    assert light.values["exposure_time_absolute"] == pytest.approx(25, rel=0.15)
    assert levels[0] == pytest.approx(LEVEL, rel=0.15)


def test_a_room_too_dark_for_any_exposure_ends_at_the_longest(metered):
    _, light, levels = metered(StandInLight(scene=0.01))
    assert light.values["exposure_time_absolute"] == 83
    assert light.values["gain"] == 100
    assert levels[0] < 10


@pytest.mark.parametrize("name", ["auto_exposure", "exposure_time_absolute"])
def test_refused_control_is_told_and_the_others_are_held(metered, name):
    lock, light, _ = metered(StandInLight(refuses={name: errno.EIO}))
    assert name in lock.refused
    assert lock.text() == "exposure as the camera has it"
    assert light.values["white_balance_automatic"] == 0


def test_camera_without_controls_is_left_as_it_is(metered):
    light = StandInLight(lacks=StandInLight.RANGES)
    lock, light, _ = metered(light)
    assert light.history == []
    assert lock.held == {}
    assert lock.text() == "exposure as the camera has it"


def test_camera_without_gain_is_held_by_exposure_alone(metered):
    lock, _, _ = metered(StandInLight(scene=2.0, lacks=["gain"]))
    assert lock.text() == "exposure held at 5.0 ms"


@pytest.mark.parametrize(
    ("fps", "mains_hz", "setting"),
    [(60.0, 50, 1), (60.0, 60, 2), (120.0, 50, 0), (120.0, 60, 2), (200.0, 0, 0), (60.0, 0, None)],
)
def test_anti_flicker_is_on_only_where_half_a_period_fits_into_a_frame(metered, fps, mains_hz, setting):
    _, light, _ = metered(StandInLight(), fps, mains_hz)
    asked = [value for name, value in light.history if name == "power_line_frequency"]
    assert asked == ([] if setting is None else [setting])


def test_flickering_light_is_held_after_two_seconds(metered):
    class Lamp(StandInLight):
        n = 0

        def expose(self, data):
            self.n += 1
            self.scene = 2.0 + np.sin(2 * np.pi * self.n / 6)
            return super().expose(data)

    lock, light, _ = metered(Lamp())
    assert light.values["auto_exposure"] == 1
    assert lock.held["exposure_time_absolute"] > 0


def test_another_program_that_unlocks_exposure_is_noticed_counted_and_undone(monkeypatch):
    monkeypatch.setattr("edge.capture.v4l2._LOOK_AT_LIGHT_NS", 0)
    light = StandInLight()
    pictures = endless_pictures()

    def script():
        for k, picture in enumerate(pictures):
            if k == 500:
                light.values["auto_exposure"] = 3
            if k == 520:
                break
            yield picture
        yield OSError(errno.ENODEV, "No such device")

    source = V4L2Source(StandInDevice(script(), [MODE], light=light), 64, 48)
    source._thread.join()
    assert light.values["auto_exposure"] == 1
    source.read(1.0)
    assert source.counts.n_exposure_changes == 1
    source.close()


@pytest.mark.parametrize(
    ("box", "level"), [((10.0, 10.0, 40.0, 40.0), 120), (None, LEVEL), ((90.0, 5.0, 99.0, 9.0), LEVEL)]
)
def test_a_face_that_is_there_is_exposed_for(box, level):
    shown = []

    def find_face(luma):
        shown.append(luma.shape)
        return box

    light = StandInLight(scene=4.0)
    source = V4L2Source(StandInDevice(endless_pictures(), [MODE], light=light), 64, 48, find_face=find_face)
    assert source.read(5.0).luma.mean() == pytest.approx(level, rel=0.1)
    assert shown == [(48, 64)]
    assert light.values["exposure_time_absolute"] == pytest.approx(25 * level / LEVEL, abs=2)
    source.close()


def test_source_says_what_is_held():
    source = V4L2Source(StandInDevice(endless_pictures(), [MODE], light=StandInLight(scene=2.0)), 64, 48)
    assert source.info.description.endswith("Stand-in camera GREY, exposure held at 5.0 ms, gain 0")
    source.close()


@pytest.mark.parametrize(("value", "nearest"), [(0, 10), (12, 10), (13, 15), (99, 50), (10.4, 10)])
def test_a_control_is_set_to_a_value_it_allows(value, nearest):
    assert ControlRange(10, 50, 5).nearest(value) == nearest


def test_a_camera_is_known_by_its_serial_number_else_by_its_socket():
    camera = DeviceIdentity("A", "usb-1.2", "77")
    assert camera.is_same(DeviceIdentity("A", "usb-1.4", "77"))
    assert not camera.is_same(DeviceIdentity("A", "usb-1.2", "78"))
    assert camera.is_same(DeviceIdentity("A", "usb-1.2"))
    assert not camera.is_same(DeviceIdentity("B", "usb-1.2", "77"))
