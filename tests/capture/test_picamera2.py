"""The Raspberry Pi source on a picamera2 that plays frames, startup frames, stalls and refusals."""

from __future__ import annotations

import json
import sys
import threading
import time

import numpy as np
import pytest

from edge.capture.errors import (
    CameraAbsent,
    CameraBusy,
    CameraDenied,
    CameraSilent,
    CameraThreadFailed,
    CameraUnsuitable,
    FrameTimeout,
    Picamera2Missing,
    SourceClosed,
)
from edge.capture.gaps import GapDetector
from edge.capture.picamera2 import Patience, Picamera2Source, find_ribbon_cameras
from edge.capture.picamera2_device import system_library
from edge.capture.picamera2_exposure import ExposureLock, FrameMetadata, Metering
from edge.capture.picamera2_mode import ModeCache, SensorMode, choose_sensor_mode, parse_modes
from edge.capture.picamera2_scene import IMX219_MODES, Scene, Shot, Stall, Startup, Unmappable
from edge.capture.picamera2_standin import StandInMappedArray, stand_in_library
from edge.capture.picamera2_view import Orientation
from edge.errors import EXIT_BUG, EXIT_CONFIG, EXIT_DEVICE_ABSENT

INTERVAL_NS = 8_334_000  # 120 Hz in whole microseconds, rounded up
START_NS = 10**9


@pytest.fixture
def shots(bars):
    """Maker of frames: `shots(3, 4)` are those of the fourth and fifth interval."""

    def make(*numbers, **changes):
        pictures = bars(max(numbers) + 1)
        return [Shot(pictures[k], START_NS + k * INTERVAL_NS, **changes) for k in numbers]

    return make


@pytest.fixture
def open_source(tmp_path):
    """Opens a source on a scene; closes it after the test."""
    opened = []

    def make(scene, **changes):
        wishes = {
            "metering": Metering(3, 2, 50),
            "patience": Patience(first_frame_s=20.0, stall_s=0.3, poll_s=0.02, n_restarts=2),
            "cache": ModeCache(tmp_path / "modes.json"),
        }
        number = changes.pop("number", 0)
        fps = changes.pop("fps", 120)
        source = Picamera2Source(number, 64, 48, fps, library=stand_in_library(scene), **(wishes | changes))
        opened.append(source)
        return source

    yield make
    for source in opened:
        source.close()


# ---- modes --------------------------------------------------------------------------------------

IMX219 = parse_modes(IMX219_MODES)
# docs of each sensor's driver: sizes, rates and crops as libcamera lists them
IMX708 = [
    SensorMode(1536, 864, 10, 120.13, 3072, 1728),
    SensorMode(2304, 1296, 10, 56.03, 4608, 2592),
    SensorMode(4608, 2592, 10, 14.35, 4608, 2592),
]
OV5647 = [
    SensorMode(640, 480, 10, 58.92, 2560, 1920),
    SensorMode(1296, 972, 10, 46.34, 2592, 1944),
    SensorMode(1920, 1080, 10, 32.81, 1920, 1080),
    SensorMode(2592, 1944, 10, 15.63, 2592, 1944),
]
IMX477 = [
    SensorMode(1332, 990, 10, 120.05, 2664, 1980),
    SensorMode(2028, 1080, 12, 50.03, 4056, 2160),
    SensorMode(2028, 1520, 12, 40.01, 4056, 3040),
    SensorMode(4056, 3040, 12, 10.0, 4056, 3040),
]
IMX296 = [SensorMode(1456, 1088, 10, 60.38, 1456, 1088)]
OV9281 = [
    SensorMode(640, 400, 8, 309.79, 1280, 800),
    SensorMode(1280, 720, 8, 171.79, 1280, 720),
    SensorMode(1280, 800, 8, 143.66, 1280, 800),
    SensorMode(640, 400, 10, 247.83, 1280, 800),
    SensorMode(1280, 800, 10, 114.93, 1280, 800),
]


@pytest.mark.parametrize(
    ("modes", "fps", "size", "bit_depth"),
    [
        (IMX219, 0.0, (640, 480), 10),
        (IMX219, 120.0, (640, 480), 10),
        (IMX219, 45.0, (1920, 1080), 10),
        (IMX219, 30.0, (1640, 1232), 10),
        (IMX219, 400.0, (640, 480), 10),
        (IMX708, 0.0, (1536, 864), 10),
        (IMX708, 120.0, (1536, 864), 10),
        (IMX708, 50.0, (2304, 1296), 10),
        (OV5647, 0.0, (640, 480), 10),
        (OV5647, 40.0, (1296, 972), 10),
        (IMX477, 0.0, (1332, 990), 10),
        (IMX477, 50.0, (2028, 1080), 12),
        (IMX296, 0.0, (1456, 1088), 10),
        (OV9281, 0.0, (640, 400), 8),
        (OV9281, 120.0, (1280, 800), 8),
    ],
)
def test_mode_is_fast_enough_first_and_then_sees_most(modes, fps, size, bit_depth):
    mode = choose_sensor_mode(modes, 640, 480, fps)
    assert ((mode.width, mode.height), mode.bit_depth) == (size, bit_depth)


def test_no_mode_is_chosen_from_none():
    assert choose_sensor_mode([], 640, 480) is None


def test_entries_that_are_no_raw_modes_are_left_out():
    assert parse_modes([{"format": "MJPEG"}, *IMX219_MODES]) == IMX219


def test_modes_are_asked_of_the_camera_only_once(open_source, shots, tmp_path):
    scenes = [Scene(shots(0)) for _ in range(2)]
    for scene in scenes:
        open_source(scene).close()
    assert [len(scene.calls("sensor_modes")) for scene in scenes] == [1, 0]
    assert scenes[0].calls("configure") == scenes[1].calls("configure")


@pytest.mark.parametrize("content", ["", "[]", '{"imx219": [{"width": 1}]}', "\0"])
def test_damaged_mode_cache_is_not_used(tmp_path, content):
    cache = ModeCache(tmp_path / "modes.json")
    (tmp_path / "modes.json").write_text(content)
    assert cache.get("imx219") == []
    cache.put("imx219", IMX219)
    assert cache.get("imx219") == IMX219
    assert list(json.loads((tmp_path / "modes.json").read_text()))[-1] == "imx219"


def test_mode_cache_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "file").touch()
    cache = ModeCache(tmp_path / "file" / "modes.json")
    cache.put("imx219", IMX219)
    assert cache.get("imx219") == []


# ---- configuration ------------------------------------------------------------------------------


def test_camera_is_configured_for_luma_at_the_rate_and_nothing_else(open_source, shots):
    scene = Scene(shots(0))
    open_source(scene, orientation=Orientation(180))
    ((asked,),) = scene.calls("configure")
    assert asked["main"] == {"size": (64, 48), "format": "YUV420"}
    assert (asked["raw"], asked["lores"], asked["queue"]) == (None, None, False)
    assert asked["sensor"] == {"output_size": (640, 480), "bit_depth": 10}
    assert asked["controls"] == {"FrameDurationLimits": (8334, 8334), "NoiseReductionMode": 0}
    assert asked["transform"] == {"hflip": True, "vflip": True}


def test_fastest_mode_is_run_at_no_more_than_200(open_source, shots):
    source = open_source(Scene(shots(0)), fps=0.0)
    assert source.info.fps == pytest.approx(200.0)
    assert source.info.description == "picamera2:0 imx219 640x480 10-bit"
    assert (source.info.timestamps, source.info.live) == ("sensor", True)


def test_odd_sizes_become_even(tmp_path, shots):
    scene = Scene(shots(0))
    with Opened(scene, tmp_path, 65, 49) as source:
        assert (source.info.width, source.info.height) == (64, 48)


class Opened:
    """A source of any size, closed at the end."""

    def __init__(self, scene, tmp_path, width, height):
        self.source = Picamera2Source(
            *(0, width, height, 120),
            library=stand_in_library(scene),
            cache=ModeCache(tmp_path / "modes.json"),
            metering=Metering(3, 2, 50),
        )

    def __enter__(self):
        return self.source

    def __exit__(self, *exception):
        self.source.close()


def test_mode_that_does_not_start_gives_way_to_the_next(open_source, shots, caplog):
    scene = Scene(shots(0), refusals={"start": [RuntimeError("Failed to start camera: Broken pipe")]})
    source = open_source(scene)
    assert [asked["sensor"]["output_size"] for (asked,) in scene.calls("configure")] == [
        (640, 480),
        (1920, 1080),
    ]
    assert source.info.fps == pytest.approx(47.57, abs=0.01)
    assert "does not start at 640x480, 10 bit: Failed to start camera: Broken pipe" in caplog.text


# ---- exposure -----------------------------------------------------------------------------------


def test_exposure_is_locked_as_metered_before_the_first_frame(open_source, shots, bars):
    scene = Scene(shots(0, 1))
    source = open_source(scene)
    assert scene.calls("set_controls") == [
        (
            {
                "AeEnable": False,
                "ExposureTime": 3000,
                "AnalogueGain": 2.0,
                "AwbEnable": False,
                "ColourGains": (1.5, 1.4),
            },
        )
    ]
    np.testing.assert_array_equal(source.read(1.0).luma, bars(1)[0])
    source.read(1.0)
    assert source.counts.n_exposure_changes == 0


def test_camera_that_cannot_be_locked_is_used_and_said_to_be_so(open_source, shots, caplog):
    scene = Scene(shots(*range(40), exposure_us=7000))
    source = open_source(scene)
    assert "exposure could not be locked" in caplog.text
    assert len(scene.calls("set_controls")) == 3
    assert source.read(1.0).sequence == 0


def test_camera_without_exposure_control_delivers_at_once_and_is_said_to_be_unlocked(
    open_source, shots, play, caplog
):
    missing = frozenset({"AeEnable", "ExposureTime", "AnalogueGain", "AwbEnable", "ColourGains"})
    source = open_source(Scene(shots(*range(3)), missing_controls=missing))
    assert "exposure could not be locked" in caplog.text
    assert sum(1 for _ in play(source)) == 3
    assert source.counts.n_exposure_changes == 0


def test_exposure_that_changes_all_the_same_is_counted(open_source, shots, play):
    script = [*shots(0, 1), *shots(2, exposure_us=4000), *shots(3, exposure_us=4000), *shots(4)]
    source = open_source(Scene(script))
    assert sum(1 for _ in play(source)) == 5
    assert source.counts.n_exposure_changes == 2


def test_monochrome_sensor_is_asked_for_no_colour(open_source, shots):
    missing = frozenset({"ColourGains", "AwbEnable", "NoiseReductionMode"})
    scene = Scene(shots(0), missing_controls=missing)
    open_source(scene)
    ((held,),) = scene.calls("set_controls")
    assert set(held) == {"AeEnable", "ExposureTime", "AnalogueGain"}


def exposed(exposure_us, gain=2.0, digital=1.0):
    frame = FrameMetadata()
    frame.exposure_us, frame.analogue_gain, frame.digital_gain = exposure_us, gain, digital
    frame.frame_duration_us = 8334
    return frame


def test_exposure_that_never_settles_is_locked_all_the_same():
    asked = []
    lock = ExposureLock(asked.append, Metering(5, 2, 20))
    for k in range(20):
        assert not lock.passes(exposed(1000 + k % 2))
    assert len(asked) == 1


def test_lock_waits_until_the_frames_show_it():
    asked = []
    lock = ExposureLock(asked.append, Metering(2, 2, 20))
    values = [4000, 4000, 4200, 4200, 4010, 4010]  # settled, an old correction arrives, then the lock
    assert [lock.passes(exposed(value)) for value in values] == [False, False, False, False, False, True]
    assert len(asked) == 1
    assert lock.verified


def test_exposure_that_comes_loose_is_asked_for_again():
    asked = []
    lock = ExposureLock(asked.append, Metering(2, 2, 20))
    while not lock.passes(exposed(4000)):
        pass
    values = [4000, 4000, 4010, 4010, 5000, 5000, 5100]
    assert [lock.changed(exposed(value)) for value in values] == [
        False,
        False,
        True,
        False,
        True,
        False,
        True,
    ]
    assert asked == [lock.held] * 3
    assert lock.held["ExposureTime"] == 4000


def test_digital_gain_that_moves_is_no_lock():
    lock = ExposureLock(lambda _: None, Metering(2, 2, 20))
    gains = [1.2, 1.2, 1.2, 1.0, 1.0]
    assert [lock.passes(exposed(4000, digital=gain)) for gain in gains] == [False] * 4 + [True]


# ---- frames -------------------------------------------------------------------------------------


def test_startup_frames_are_not_delivered(open_source, shots, play):
    source = open_source(Scene([Startup(), Startup(), *shots(0, 1)]))
    assert [frame.timestamp_ns for frame in play(source)] == [START_NS, START_NS + INTERVAL_NS]


def test_frames_that_no_buffer_was_free_for_are_counted_and_show_as_a_gap(open_source, shots, play):
    source = open_source(Scene(shots(0, 1, 2, 6, 7)))
    gaps = GapDetector(source.info.fps)
    found = [gaps.observe(frame.sequence, frame.timestamp_ns) for frame in play(source)]
    assert [gap.n_missing for gap in found if gap is not None] == [3]
    assert (source.counts.n_frames, source.counts.n_lost) == (5, 3)


def test_late_reader_gets_the_newest_frames_and_the_count_of_the_others(open_source, shots, play):
    scene = Scene(shots(*range(30)))
    source = open_source(scene)
    while source._last_ns < START_NS + 29 * INTERVAL_NS:
        time.sleep(0.01)
    timestamps = [frame.timestamp_ns for frame in play(source)]
    assert (source.counts.n_frames, source.counts.n_lost) == (15, 15)
    assert np.diff(timestamps).tolist() == [INTERVAL_NS] * 14


def test_frame_is_not_what_is_left_in_the_camera_s_buffer(open_source, shots, bars):
    """Buffers are overwritten when picamera2 gets them back, before the reader sees the frame."""
    source = open_source(Scene(shots(0), padding=64))
    time.sleep(0.05)
    np.testing.assert_array_equal(source.read(1.0).luma, bars(1)[0])


def test_buffer_that_cannot_be_mapped_is_counted_and_passed_over(open_source, shots, play):
    source = open_source(Scene([*shots(0), Unmappable(START_NS + INTERVAL_NS), *shots(2)]))
    assert [frame.sequence for frame in play(source)] == [0, 1]
    assert source.counts.n_corrupt == 1


def test_time_that_goes_back_is_not_delivered(open_source, shots, play):
    source = open_source(Scene([*shots(1), *shots(0), *shots(2)]))
    assert [frame.timestamp_ns for frame in play(source)] == [START_NS + k * INTERVAL_NS for k in (1, 2)]
    assert source.counts.n_corrupt == 1


def test_rate_really_reached_is_what_info_says(open_source, shots):
    source = open_source(Scene(shots(0)), fps=119.5)
    assert source.info.fps == pytest.approx(1e6 / 8369)  # whole microseconds, as the frames say


# ---- stalls and failures ------------------------------------------------------------------------


def test_stalled_camera_is_started_again_with_the_same_light(open_source, shots, play, caplog):
    scene = Scene([*shots(0, 1), Stall(), *shots(100, 101)])
    source = open_source(scene)
    gaps = GapDetector(source.info.fps)
    found = [gaps.observe(frame.sequence, frame.timestamp_ns) for frame in play(source)]
    assert [gap.n_missing for gap in found if gap is not None] == [98]
    # once for the stall, and twice in vain at the end of the script; a busy machine may look like a stall
    assert source.counts.n_restarts >= 3
    controls = [controls for (controls,) in scene.calls("set_controls")]
    assert controls[1] == {"FrameDurationLimits": (8334, 8334), "NoiseReductionMode": 0, **controls[0]}
    assert "fell silent and is started again" in caplog.text


def test_another_rate_is_asked_for_while_frames_come_and_again_after_a_restart(open_source, shots, caplog):
    scene = Scene([*shots(*range(12)), Stall(), *shots(*range(20, 30))])
    source = open_source(scene)
    before = len(scene.calls("set_controls"))
    assert source.ask_rate(60.0)
    ((asked,), *_) = scene.calls("set_controls")[before:]
    assert asked == {"FrameDurationLimits": (16667, 16667)}
    for _ in range(100):
        if source.read(20.0).timestamp_ns >= START_NS + 20 * INTERVAL_NS:
            break
    (restarted,) = scene.calls("set_controls")[before + 1]
    assert restarted["FrameDurationLimits"] == (16667, 16667)


def test_camera_that_stays_silent_is_given_up(open_source, shots, play):
    source = open_source(Scene(shots(0)))
    assert sum(1 for _ in play(source)) == 1
    with pytest.raises(CameraSilent, match="stayed so after being restarted 2 times") as caught:
        source.read(0.0)
    assert caught.value.exit_code == EXIT_DEVICE_ABSENT


def test_silence_times_out_and_reading_goes_on_after_it(open_source, shots):
    patience = Patience(first_frame_s=5.0, stall_s=1.0, poll_s=0.02)
    source = open_source(Scene([*shots(0), Stall(), *shots(50)]), patience=patience)
    assert source.read(1.0).sequence == 0
    with pytest.raises(FrameTimeout, match=r"no frame for 0\.01 s after frame 0"):
        source.read(0.01)
    assert source.read(5.0).sequence == 1


def test_camera_that_will_not_start_again_is_given_up(open_source, shots, play, caplog):
    scene = Scene([*shots(0), Stall(), *shots(1)])
    source = open_source(scene)
    scene.refusals = {"start": [RuntimeError("Failed to start camera: Input/output error")] * 9}
    assert sum(1 for _ in play(source)) == 1
    assert "cannot be started again: Failed to start camera: Input/output error" in caplog.text
    with pytest.raises(CameraSilent):
        source.read(0.0)


def test_camera_that_never_sends_times_out_at_the_start(open_source):
    scene = Scene([])
    with pytest.raises(FrameTimeout, match="since it was opened"):
        open_source(scene, patience=Patience(first_frame_s=0.1))
    assert len(scene.calls("close")) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_bug_in_the_callback_is_told_as_one_and_the_camera_still_closed(open_source, shots):
    scene = Scene([*shots(0), Shot(np.zeros((48, 64), np.uint8), "text where a number belongs")])
    source = open_source(scene)
    assert source.read(1.0).sequence == 0
    with pytest.raises(CameraThreadFailed, match="failed by a bug") as caught:
        source.read(5.0)
    assert caught.value.exit_code == EXIT_BUG
    source.close()  # the event loop has died: `Picamera2.stop` would wait for ever
    assert len(scene.calls("close")) == 1


@pytest.mark.parametrize(
    ("message", "kind", "sentence"),
    [
        ("Failed to acquire camera: Device or resource busy", CameraBusy, "another program is using it"),
        ("Failed to acquire camera: Permission denied", CameraDenied, "group `video`"),
        ("Failed to acquire camera: No such device", CameraAbsent, "it does not answer"),
        ("Camera grab failed.", CameraUnsuitable, r"an error \(Camera grab failed.\)"),
    ],
)
def test_refusal_is_explained(open_source, message, kind, sentence):
    refusal = RuntimeError("Camera __init__ sequence did not complete.")
    refusal.__cause__ = RuntimeError(message)
    with pytest.raises(kind, match=sentence):
        open_source(Scene([], refusals={"__init__": [refusal]}))


@pytest.mark.parametrize(("n_cameras", "found"), [(0, "none"), (1, "1")])
def test_number_that_no_camera_has_is_absent(open_source, n_cameras, found):
    with pytest.raises(CameraAbsent, match=f"picamera2:1, but this machine has {found}"):
        open_source(Scene([], cameras=n_cameras), number=1)


def test_usb_camera_under_libcamera_is_unsuitable(open_source):
    scene = Scene([], modes=[{"format": "MJPEG"}])
    with pytest.raises(CameraUnsuitable, match="expected a sensor on the ribbon connector"):
        open_source(scene)
    assert len(scene.calls("close")) == 1


def test_close_releases_the_camera_once(open_source, shots):
    scene = Scene(shots(0))
    source = open_source(scene)
    source.close()
    source.close()
    assert len(scene.calls("close")) == 1
    with pytest.raises(SourceClosed):
        source.read(0.0)


def test_driver_that_hangs_is_left_behind(open_source, shots, caplog):
    released = threading.Event()
    scene = Scene(shots(0))
    source = open_source(scene, patience=Patience(first_frame_s=5.0, stall_s=9.0, close_s=0.2))
    camera = source._device._camera
    camera.close = released.wait  # until the end of the test
    source.close()
    assert "does not close" in caplog.text
    with pytest.raises(SourceClosed):
        source.read(0.0)
    released.set()


# ---- the machine --------------------------------------------------------------------------------


def test_machine_without_picamera2_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "libcamera", None)  # import raises ImportError
    with pytest.raises(Picamera2Missing, match="sudo apt install python3-picamera2") as caught:
        system_library()
    assert caught.value.exit_code == EXIT_CONFIG
    assert find_ribbon_cameras() == []


def test_ribbon_cameras_are_listed():
    found = find_ribbon_cameras(stand_in_library(Scene([], cameras=2, model="imx708")))
    assert [(camera.device, camera.name) for camera in found] == [
        ("picamera2:0", "imx708"),
        ("picamera2:1", "imx708"),
    ]


def test_stand_in_notices_who_keeps_a_view_of_a_buffer(shots):
    camera = stand_in_library(Scene(shots(0))).camera()
    camera.configure(camera.create_video_configuration(main={"size": (64, 48), "format": "YUV420"}))
    camera._active = {"FrameDurationLimits": (8334, 8334)}
    request = camera._completed(shots(0)[0])
    with StandInMappedArray(request, "main") as mapped:
        mapped.array.copy()
    del mapped
    kept = []
    with pytest.raises(BufferError, match="exported pointers"), StandInMappedArray(request, "main") as mapped:
        kept.append(mapped.array[:3])


def test_stand_in_s_buffers_are_gone_once_they_are_released(shots):
    """What the stand-in promises, so that the tests above can fail."""
    scene = Scene(shots(0))
    library = stand_in_library(scene)
    camera = library.camera()
    requests = []
    camera.configure(camera.create_video_configuration(main={"size": (64, 48), "format": "YUV420"}))
    camera.pre_callback = requests.append
    camera._active = {"AeEnable": False}
    camera.start()
    while not requests or requests[0].ref_count:
        time.sleep(0.005)
    camera.close()
    with pytest.raises(RuntimeError, match="failed to find buffer"):
        StandInMappedArray(requests[0], "main")
    with pytest.raises(RuntimeError, match="ref_count 0"):
        requests[0].acquire()
