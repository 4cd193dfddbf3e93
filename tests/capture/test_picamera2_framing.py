"""A Raspberry Pi camera that looks for the face, crops to it and exposes for it, on the stand-in."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest

from edge.capture.errors import FrameTimeout
from edge.capture.picamera2 import Patience, Picamera2Source
from edge.capture.picamera2_exposure import Metering
from edge.capture.picamera2_framing import FramingPatience
from edge.capture.picamera2_metering import TARGET_LEVEL
from edge.capture.picamera2_mode import ModeCache
from edge.capture.picamera2_room import Room
from edge.capture.picamera2_scene import Live, Scene, Stall
from edge.capture.picamera2_standin import stand_in_library
from edge.capture.picamera2_view import Orientation
from edge.errors import CaptureError

INTERVAL_NS = 8_334_000
# one sensor pixel each in the room; the mode sees columns 250-570 and rows 188-428
FACE = (slice(260, 300), slice(400, 440))
WALL, SKIN = 0.9, 0.35
FACE_AT_TARGET = pytest.approx(TARGET_LEVEL, rel=0.09)


SHORT = FramingPatience(search_s=0.3, again_s=0.02, applied_s=0.2)  # for what never comes


def frames(first=0):
    return (Live(10**9 + k * INTERVAL_NS) for k in itertools.count(first))


def a_room(face=True, **changes):
    """Room [616 rows, 820 columns]: a bright wall, and before it a darker face with eyes."""
    reflectance = np.full((616, 820), WALL, np.float32)
    if face:
        reflectance[FACE] = SKIN
        reflectance[265:270, 405:412] = reflectance[265:270, 428:435] = 0.02
    return Room(reflectance, **changes)


def find_dark_box(luma):
    """The face: what is darker than the wall by a third. None where all is alike."""
    wall = float(np.percentile(luma, 95))
    dark = luma < 0.85 * wall
    if wall < 8 or dark.sum() < 12:
        return None
    rows, columns = np.nonzero(dark)
    return (float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))


@pytest.fixture
def open_source(tmp_path):
    """Opens a source on a scene, which finds dark boxes; closes it after the test."""
    opened = []

    def make(scene, **changes):
        wishes = {
            "metering": Metering(3, 2, 50),
            "patience": Patience(first_frame_s=20.0, stall_s=0.5, poll_s=0.02, n_restarts=2),
            "framing_patience": FramingPatience(search_s=9.0, again_s=0.02, applied_s=2.0),
            "cache": ModeCache(tmp_path / "modes.json"),
            "find_face": find_dark_box,
        }
        source = Picamera2Source(0, 64, 48, 120, library=stand_in_library(scene), **(wishes | changes))
        opened.append(source)
        return source

    yield make
    for source in opened:
        source.close()


def level_of_the_face(luma):
    """Skin, without the eyes."""
    left, top, right, bottom = (round(edge) for edge in find_dark_box(luma))
    return float(np.percentile(luma[top:bottom, left:right], 80))


# ---- light --------------------------------------------------------------------------------------


@pytest.mark.parametrize("gamma", [1.0, 1 / 2.2])
@pytest.mark.parametrize("light", [8.0, 60.0, 900.0], ids=["dim", "bright", "glaring"])
def test_face_is_exposed_for_before_the_first_frame(open_source, light, gamma):
    source = open_source(Scene(frames(), room=a_room(light=light, gamma=gamma)))
    levels = [level_of_the_face(source.read(1.0).luma) for _ in range(20)]
    assert levels == [levels[0]] * 20
    assert levels[0] == FACE_AT_TARGET
    assert source.counts.n_exposure_changes == 0
    assert "face at 1" in source.info.description


def test_without_metering_the_camera_s_own_exposure_stays(open_source):
    scene = Scene(frames(), room=a_room())
    source = open_source(scene, meter_face=False)
    assert len(scene.calls("set_controls")) == 1
    assert source.info.description == "picamera2:0 imx219 640x480 10-bit"


@pytest.mark.parametrize("control_delay", [1, 12])
def test_each_step_waits_for_the_frame_that_shows_it(open_source, control_delay):
    scene = Scene(frames(), room=a_room(light=300.0), control_delay=control_delay)
    source = open_source(scene)
    assert level_of_the_face(source.read(1.0).luma) == FACE_AT_TARGET
    asked = [controls["ExposureTime"] for (controls,) in scene.calls("set_controls")[1:]]
    assert 1 <= len(asked) <= 6


def test_exposure_that_is_clamped_is_made_up_for_by_gain(open_source):
    scene = Scene(frames(), room=a_room(light=20.0), clamps={"ExposureTime": (14, 2500)})
    source = open_source(scene, framing_patience=replace(SHORT, search_s=9.0))
    assert level_of_the_face(source.read(1.0).luma) == FACE_AT_TARGET
    held = scene.calls("set_controls")[-1][0]
    assert held["ExposureTime"] <= 2500
    assert held["AnalogueGain"] > 2


def test_face_that_stays_dark_is_said_to_be(open_source, caplog):
    source = open_source(Scene(frames(), room=a_room(light=1.0)))
    assert "the face is too dark" in caplog.text
    assert "change the light" in caplog.text
    assert level_of_the_face(source.read(1.0).luma) < TARGET_LEVEL


def test_controls_without_effect_end_with_the_exposure_there_is(open_source, caplog):
    ignored = frozenset({"ExposureTime", "AnalogueGain"})
    scene = Scene(frames(), room=a_room(light=300.0), ignored_controls=ignored)
    source = open_source(scene, framing_patience=replace(SHORT, search_s=9.0))
    assert "the camera can do no more" in caplog.text
    assert source.read(1.0).sequence == 0


@pytest.mark.parametrize("missing", [{"AeEnable", "ExposureTime", "AnalogueGain"}, {"AnalogueGain"}])
def test_camera_whose_light_cannot_be_set_is_not_searched_for_faces(open_source, missing):
    def find_nothing(_luma):
        raise AssertionError("nobody should ask")

    scene = Scene(frames(), room=a_room(), missing_controls=frozenset(missing))
    source = open_source(scene, find_face=find_nothing)
    assert source.read(1.0).sequence == 0


def test_light_is_held_for_the_picture_until_a_face_comes_and_then_metered_once(open_source, caplog):
    scene = Scene(frames(), room=a_room(face=False, light=300.0))
    source = open_source(scene, framing_patience=SHORT)
    assert "no face was seen for 0.3 s; light is held for the whole picture" in caplog.text
    assert "no face metered" in source.info.description
    assert source.read(1.0).sequence == 0
    scene.room = a_room(light=300.0)
    until_s = time.monotonic() + 5
    while source._framing._thread.is_alive() and time.monotonic() < until_s:
        last = source.read(1.0)
    for _ in range(30):  # what still waits in the ring
        last = source.read(1.0)
    assert level_of_the_face(last.luma) == FACE_AT_TARGET
    assert source.counts.n_exposure_changes >= 1  # a session must be able to say so
    asked = len(scene.calls("set_controls"))
    scene.room = a_room(light=600.0)
    for _ in range(200):
        source.read(1.0)
    assert len(scene.calls("set_controls")) == asked


# ---- crop ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "orientation", [Orientation(turn, mirror) for turn in (0, 90, 180, 270) for mirror in (False, True)]
)
def test_sensor_is_cropped_to_the_face_however_the_camera_is_mounted(open_source, orientation):
    source = open_source(Scene(frames(), room=a_room()), orientation=orientation, zoom_to_face=True)
    luma = source.read(1.0).luma
    assert luma.shape == (48, 64)
    left, top, right, bottom = find_dark_box(luma)
    assert (left + right) / 2 == pytest.approx(32, abs=2.5)
    assert (top + bottom) / 2 == pytest.approx(24, abs=2.5)
    assert bottom - top >= 19  # of 48, where it was 8
    assert ", zoom 2." in source.info.description or ", zoom 3." in source.info.description


def test_without_zoom_all_that_the_mode_sees_is_seen(open_source):
    scene = Scene(frames(), room=a_room())
    left, top, right, bottom = find_dark_box(open_source(scene).read(1.0).luma)
    assert (right - left, bottom - top) == (8, 8)
    assert not any("ScalerCrop" in controls for (controls,) in scene.calls("set_controls"))


@pytest.mark.parametrize(
    "changes",
    [{"ignored_controls": frozenset({"ScalerCrop"})}, {"missing_controls": frozenset({"ScalerCrop"})}],
    ids=["ignored", "missing"],
)
def test_sensor_that_cannot_be_cropped_shows_all(open_source, caplog, changes):
    scene = Scene(frames(), room=a_room(), **changes)
    source = open_source(scene, zoom_to_face=True, framing_patience=replace(SHORT, search_s=9.0))
    assert "the sensor cannot be cropped to the face" in caplog.text
    assert level_of_the_face(source.read(1.0).luma) == FACE_AT_TARGET
    assert "zoom" not in source.info.description


def test_crop_that_does_not_show_the_face_is_taken_back(open_source, caplog):
    seen = []

    def only_first(luma):
        """Finds the face in the whole picture, and never in a closer one."""
        box = find_dark_box(luma)
        seen.append(box)
        return box if box is not None and box[3] - box[1] < 12 else None

    scene = Scene(frames(), room=a_room())
    source = open_source(scene, find_face=only_first, zoom_to_face=True)
    assert "the face is not where the crop looks; back to the whole picture" in caplog.text
    assert max(box[3] - box[1] for box in seen) > 18
    left, top, right, bottom = find_dark_box(source.read(1.0).luma)
    assert (right - left, bottom - top) == (8, 8)


def test_camera_that_is_started_again_keeps_crop_and_light(open_source):
    script = itertools.chain(itertools.islice(frames(), 400), [Stall()], frames(1000))
    source = open_source(Scene(script, room=a_room(light=300.0)), zoom_to_face=True)
    before = source.read(1.0)
    box, level = find_dark_box(before.luma), level_of_the_face(before.luma)
    while source.counts.n_restarts == 0:
        last = source.read(2.0)
    for _ in range(40):
        last = source.read(2.0)
    assert find_dark_box(last.luma) == pytest.approx(box, abs=1)
    assert level_of_the_face(last.luma) == pytest.approx(level, abs=3)


# ---- ends ---------------------------------------------------------------------------------------


def test_closing_ends_the_search(open_source):
    source = open_source(Scene(frames(), room=a_room(face=False)), framing_patience=SHORT)
    began_s = time.monotonic()
    source.close()
    assert not source._framing._thread.is_alive()
    assert time.monotonic() - began_s < 3  # not for ever


def test_models_that_cannot_be_loaded_are_told_and_frames_come(open_source, caplog):
    def find_face(_luma):
        raise CaptureError("the model is not there")

    source = open_source(Scene(frames(), room=a_room()), find_face=find_face)
    assert "light is held for the whole picture, since the model is not there" in caplog.text
    assert source.read(1.0).sequence == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_bug_in_the_search_does_not_hold_frames_back(open_source):
    source = open_source(Scene(frames(), room=a_room()), find_face=lambda _luma: 1 // 0)
    assert source.read(1.0).sequence == 0


def test_camera_that_falls_silent_while_a_face_is_searched_times_out(open_source):
    script = itertools.chain(itertools.islice(frames(), 60), [Stall()] * 9)
    with pytest.raises((FrameTimeout, CaptureError)):
        open_source(
            Scene(script, room=a_room(face=False)),
            patience=Patience(first_frame_s=0.4, stall_s=5.0),
            framing_patience=FramingPatience(search_s=9.0),
        )
