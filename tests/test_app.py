"""How a session is put together: drivers by name, clocks, endings."""

from __future__ import annotations

import itertools
import json
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyrage
import pytest

from edge import __version__, ahead, app
from edge.app import SessionClock, face_box_finder, open_camera, open_source, run_session, run_sessions
from edge.capture.errors import FileMissing, Picamera2Missing, RateUnstated
from edge.capture.file import FileSource
from edge.capture.gstreamer_standin import command
from edge.capture.picamera2_metering import face_light
from edge.capture.picamera2_room import Room
from edge.capture.picamera2_scene import Live, Shot
from edge.capture.picamera2_scene import Scene as CameraScene
from edge.capture.picamera2_standin import stand_in_library
from edge.capture.pictures import PictureSequenceSource
from edge.capture.spec import parse_camera
from edge.clock import boottime_ns
from edge.config import CaptureConfig, Config, with_overrides
from edge.errors import CaptureError, ConfigError, DeviceAbsent
from edge.indicate.gestures import Gesture
from edge.indicate.indicator import State
from edge.indicate.patterns import DARK, WHITE
from edge.indicate.recorded import RecordedIndicator, RecordedLight
from edge.live import publisher
from edge.live.file import LiveReader
from edge.live.wishes import WishListener, wish_pause
from edge.messages import FaceFound, Frame
from edge.record.errors import ConsentWithdrawn
from edge.record.people import add_consent, withdraw_consent
from edge.record.pictures import PicturesRefused
from edge.record.reading import SESSION_COLUMNS, LogReader
from edge.record.writer import Writer
from edge.synth.encode import write_clip
from edge.synth.plan import Plan, SceneSettings
from edge.synth.portrait import built_in_portrait
from edge.synth.scene import Scene
from edge.track.points import N_POINTS


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """One second of a face at 60 fps."""
    settings = SceneSettings(fps=60.0, duration_s=1.0, width=320, height=240, face_width_px=130)
    path = tmp_path_factory.mktemp("clips") / "face.mkv"
    write_clip(Scene(Plan((), settings), built_in_portrait()).render(), path, 60.0)
    return path


@pytest.fixture
def config(clip):
    """Settings that play the clip and show nothing."""
    return with_overrides(Config(), {"capture": {"camera": f"file:{clip}"}, "indicate": {"led": "none"}})


def only_session(data):
    """The log's one session as a dictionary."""
    with LogReader(data) as log:
        (row,) = log.sessions()
    return dict(zip(SESSION_COLUMNS, row, strict=True))


def frame_at(seconds, sequence=0):
    return Frame(sequence, round(5e9 + seconds * 1e9), np.zeros((2, 2), np.uint8))


def test_open_source_opens_a_file_at_the_stated_rate(clip):
    with open_source(CaptureConfig(camera=f"file:{clip}", fps=90.0)) as source:
        assert isinstance(source, FileSource)
        assert source.info.fps == 90.0


def test_open_source_passes_on_what_the_driver_says(tmp_path):
    with pytest.raises(FileMissing):
        open_source(CaptureConfig(camera=f"file:{tmp_path / 'none.mkv'}"))
    with pytest.raises(DeviceAbsent, match="/dev/video99"):
        open_source(CaptureConfig(camera="v4l2:/dev/video99"))


def test_open_source_opens_a_ribbon_camera_as_the_settings_say(monkeypatch, tmp_path):
    shots = [Shot(np.full((48, 64), 7, np.uint8), 10**9 + k * 8_334_000) for k in range(40)]
    scene = CameraScene(shots)
    monkeypatch.setattr("edge.capture.picamera2.system_library", lambda: stand_in_library(scene))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for camera in ("picamera2", "auto"):
        source = open_source(CaptureConfig(camera=camera, fps=120, width=64, height=48, turn_deg=180))
        assert source.info.description.startswith("picamera2:0 imx219")
        source.close()
    assert [asked["transform"]["hflip"] for (asked,) in scene.calls("configure")] == [True, True]


def backlit_room(share):
    """The built-in portrait before a white wall, left of the middle, with a share of the wall's light."""
    nearest = np.arange(400) * 300 // 400
    portrait = built_in_portrait().luma[np.ix_(nearest, nearest + 106)].astype(np.float32) / 255
    reflectance = np.full((600, 800), 1.0, np.float32)
    reflectance[:400, 100:500] = share * portrait**2.2
    return Room(reflectance, light=60.0)


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_ribbon_camera_looks_closer_at_a_real_face_and_exposes_for_it(monkeypatch, tmp_path, share):
    steps = (Live(10**9 + k * 25_000_000) for k in itertools.count())
    scene = CameraScene(steps, room=backlit_room(share))
    monkeypatch.setattr("edge.capture.picamera2.system_library", lambda: stand_in_library(scene))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    find_face = face_box_finder(Config().perceive)
    seen = []
    for zooms in (False, True):
        settings = CaptureConfig(camera="picamera2", fps=40, zoom_to_face=zooms, meter_face=zooms)
        source = open_source(settings, find_face)
        luma = source.read(5.0).luma.copy()
        source.close()
        seen.append((find_face(luma), luma))
    (far, dark), (near, lit) = seen
    assert near[3] - near[1] > 1.5 * (far[3] - far[1])
    assert abs((near[0] + near[2]) / 2 - 320) < 40
    assert face_light(dark, far).level < 60
    assert face_light(lit, near).is_good


def test_open_source_says_that_picamera2_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "libcamera", None)  # importing it raises ImportError
    with pytest.raises(Picamera2Missing, match="python3-picamera2"):
        open_source(CaptureConfig(camera="picamera2:1"))


def test_open_source_reads_a_folder_of_pictures_at_the_stated_rate(tmp_path):
    (tmp_path / "img1.pgm").write_bytes(b"P5 64 48 255\n" + bytes(64 * 48))
    source = open_source(CaptureConfig(camera=f"file:{tmp_path}", fps=200.0))
    assert isinstance(source, PictureSequenceSource)
    assert source.info.fps == 200.0
    with pytest.raises(RateUnstated):
        open_source(CaptureConfig(camera=f"file:{tmp_path}"))


def test_open_source_runs_a_pipeline_as_the_settings_say(monkeypatch, tmp_path):
    path = tmp_path / "pictures.grey"
    path.write_bytes(bytes(64 * 48))
    life = {"pictures": str(path), "size": (64, 48), "interval_ns": 10**7, "start_ns": 0, "numbers": [0]}
    asked = []

    def stand_in(pipeline):
        asked.append(pipeline)
        return command(tmp_path / "play.json", [{**life, "numbers": [0] * 30, "pace_s": 0.05}])

    monkeypatch.setattr("edge.capture.gstreamer.command_of", stand_in)
    source = open_source(CaptureConfig(camera="gst:videotestsrc ! video/x-raw"))
    assert (source.info.width, source.info.height) == (64, 48)
    assert asked == ["videotestsrc ! video/x-raw"]
    source.close()


def test_open_source_refuses_a_name_that_is_none():
    with pytest.raises(ConfigError, match="nonsense"):
        parse_camera("nonsense")


def test_session_clock_counts_the_frames_own_time():
    clock = SessionClock()
    assert (clock.seconds, clock.text()) == (0.0, "0:00")
    clock.begin(frame_at(0), 75.0)
    clock.tick(frame_at(64.5))
    assert clock.seconds == pytest.approx(64.5)
    assert clock.text() == "1:04 of 1:15"


def test_run_session_returns_what_it_logged(config, tmp_path):
    told = []
    session_id, outcome = run_session(
        config, tmp_path, tell=lambda seconds, event: told.append((seconds, event))
    )
    session = only_session(tmp_path)
    assert session["session_id"] == session_id
    assert session["n_frames"] == outcome.n_frames == 60
    assert session["end_reason"] == outcome.reason == "the source ended"
    assert session["fps"] == pytest.approx(outcome.fps) == pytest.approx(60.0)
    (found,) = told
    assert isinstance(found[1], FaceFound)
    assert found[0] == outcome.first_face_s == pytest.approx(0.05, abs=0.02)


def test_run_session_keeps_settings_and_models_with_the_session(config, tmp_path):
    config = with_overrides(config, {"spot": {"learning_s": 1.5}, "session": {"participant": "P07"}})
    run_session(config, tmp_path, duration_s=0.2)
    assert only_session(tmp_path)["participant"] == "P07"
    with closing(sqlite3.connect(tmp_path / "microcue.db")) as connection, connection:
        (settings,) = connection.execute("SELECT settings FROM sessions").fetchone()
        versions = dict(connection.execute("SELECT name, version FROM versions"))
    assert json.loads(settings)["spot"]["learning_s"] == 1.5
    assert versions.keys() == {"microcue", "face_detection_int8", "face_landmark_int8"}
    assert versions["microcue"] == __version__


def test_run_session_puts_marks_where_they_belong_and_keeps_within_the_consent(config, tmp_path):
    add_consent(tmp_path, "P07", ("traces",), "1")
    config = with_overrides(config, {"session": {"participant": "P07"}})
    run_session(config, tmp_path, duration_s=0.2, marks=[(0.1, "a question")])
    with LogReader(tmp_path) as log:
        session_id = log.resolve("latest")
        assert list(log.marks(session_id)) == [(0.1, "a question")]
        assert log.faces(session_id) == []
    withdraw_consent(tmp_path, "P07")
    with pytest.raises(ConsentWithdrawn):
        run_session(config, tmp_path, duration_s=0.2)


def test_run_session_keeps_pictures_of_the_face_from_a_consent_and_a_key_alone(config, tmp_path):
    key = str(pyrage.x25519.Identity.generate().to_public())
    record = {"record": {"pictures": True, "pictures_to": key}, "session": {"participant": "P07"}}
    config = with_overrides(config, record)
    with pytest.raises(PicturesRefused, match="none of P07"):
        run_session(config, tmp_path, duration_s=0.2)
    add_consent(tmp_path, "P07", ("pictures",), "1")
    with pytest.raises(PicturesRefused, match=r"perceive\.faces is 2"):
        run_session(with_overrides(config, {"perceive": {"faces": 2}}), tmp_path, duration_s=0.2)
    run_session(config, tmp_path, duration_s=0.2)
    with LogReader(tmp_path) as log:
        assert len(log.session_ids()) == 1


def test_a_session_is_handed_out_when_the_log_has_it(config, tmp_path, monkeypatch):
    collect = Writer._collect

    def collect_late(writer):
        time.sleep(0.3)
        collect(writer)

    monkeypatch.setattr(Writer, "_collect", collect_late)
    for session_id, _ in run_sessions(config, tmp_path, duration_s=0.1):
        with LogReader(tmp_path) as log:
            session = dict(zip(SESSION_COLUMNS, log.session(session_id), strict=True))
        assert session["end_reason"] == "duration reached"


def test_run_session_ends_when_the_duration_is_reached(config, tmp_path):
    _, outcome = run_session(config, tmp_path, duration_s=0.5)
    assert outcome.reason == "duration reached"
    assert outcome.n_frames == 30
    assert only_session(tmp_path)["end_reason"] == "duration reached"


def test_run_session_leaves_the_data_directory_free_after_a_failure(config, tmp_path):
    wrong = with_overrides(config, {"capture": {"camera": f"file:{tmp_path / 'none.mkv'}"}})
    with pytest.raises(CaptureError):
        run_session(wrong, tmp_path / "data")
    assert run_session(config, tmp_path / "data", duration_s=0.1)[1].n_frames == 6


def test_run_session_gives_the_same_cues_and_signals_each_time(config, tmp_path):
    codes = []
    for name in ("one", "two"):
        session_id, _ = run_session(config, tmp_path / name)
        with LogReader(tmp_path / name) as log:
            codes.append(np.concatenate([block.codes for block in log.signal_blocks(session_id, 0)]))
    np.testing.assert_array_equal(*codes)


class LiveSource:
    """The clip, as if it came from a camera; `at` calls back when a frame of that number is read."""

    def __init__(self, clip, at=None):
        self._file = FileSource(clip, 0.0, False)
        self._at = at or {}
        self.is_open = True
        self.info = replace(self._file.info, live=True)
        self.counts = self._file.counts

    def read(self, timeout_s):
        frame = self._file.read(timeout_s)
        if frame.sequence in self._at:
            self._at[frame.sequence]()
        return frame

    def close(self):
        self._file.close()
        self.is_open = False


@pytest.fixture
def played(monkeypatch, clip):
    """Cameras, indicator and button in memory.

    `at` says what happens at which frame of the first camera; `sources` are the cameras opened, and
    `act` is what the button's gestures go to.
    """
    world = SimpleNamespace(sources=[], indicator=RecordedIndicator(lambda: 0), act=None, closed=[], at={})

    def camera(config, find_face=None):
        world.sources.append(LiveSource(clip, {} if world.sources else world.at))
        return world.sources[-1]

    def button(setting, act):
        world.act = act
        return SimpleNamespace(name="button", is_alive=True, close=lambda: world.closed.append(setting))

    monkeypatch.setattr(app, "open_source", camera)
    monkeypatch.setattr(app, "open_indicator", lambda *_, **__: world.indicator)
    monkeypatch.setattr(app, "open_button", button)
    return world


@pytest.fixture
def live_config(config):
    """Settings with a camera and a button."""
    return with_overrides(
        config, {"capture": {"camera": "v4l2:/dev/video9"}, "session": {"button": "gpio:5"}}
    )


def test_a_held_button_closes_the_camera_and_a_second_hold_begins_another_session(
    live_config, played, tmp_path
):
    played.at = {
        9: lambda: played.act(Gesture.PRESS, boottime_ns()),
        20: lambda: played.act(Gesture.HOLD, boottime_ns()),
    }
    sessions = run_sessions(live_config, tmp_path)
    first_id, first = next(sessions)
    assert (first.reason, first.n_frames) == ("paused by the button", 20)
    assert [source.is_open for source in played.sources] == [False]
    assert played.indicator.states[-1][1] is State.PAUSED
    assert len(played.indicator.marks) == 1
    played.act(Gesture.LET_GO, 0)  # of the hold that paused: means nothing
    played.act(Gesture.HOLD, 0)
    played.act(Gesture.LET_GO, 0)
    second_id, second = next(sessions)
    assert second_id != first_id
    assert (second.reason, second.n_frames) == ("the source ended", 60)
    assert list(sessions) == []
    assert [source.is_open for source in played.sources] == [False, False]
    assert played.indicator.is_closed
    assert played.closed == ["gpio:5"]
    with LogReader(tmp_path) as log:
        reasons = {row[SESSION_COLUMNS.index("end_reason")] for row in log.sessions()}
        assert [text for _, text in log.marks(first_id)] == ["button"]
    assert reasons == {"the source ended", "paused by the button"}


def test_a_wish_from_elsewhere_pauses_and_another_goes_on(live_config, played, tmp_path, monkeypatch):
    monkeypatch.setattr(publisher, "_IDLE_S", 3600.0)  # its thread stays out of it
    made = []

    def listener(data_dir, pause):
        made.append(WishListener(data_dir, pause))
        return made[0]

    monkeypatch.setattr(app, "WishListener", listener)

    def wish(is_paused):
        wish_pause(tmp_path, is_paused)
        made[0]()

    played.at = {20: lambda: wish(True)}
    sessions = run_sessions(live_config, tmp_path)
    _, first = next(sessions)
    assert (first.reason, first.n_frames) == ("paused from the live view", 20)
    assert [source.is_open for source in played.sources] == [False]
    assert played.indicator.states[-1][1] is State.PAUSED
    wish(False)
    _, second = next(sessions)
    assert (second.reason, second.n_frames) == ("the source ended", 60)
    assert list(sessions) == []


def test_who_looks_sees_the_frames_of_a_run_and_its_end(live_config, played, tmp_path, monkeypatch):
    monkeypatch.setattr(publisher, "_IDLE_S", 0.01)
    readers, seen = [], []

    def look():
        readers.append(LiveReader(tmp_path))
        while readers[0].read() is None:
            time.sleep(0.01)

    def see():
        while len((shown := readers[0].read()).times_ns) < 20:
            time.sleep(0.01)
        seen.append(shown)

    played.at = {20: look, 50: see}
    run_session(live_config, tmp_path)
    (shown,) = seen
    assert shown.state["session_id"] == only_session(tmp_path)["session_id"]
    assert 20 < shown.state["n_frames"] <= 50
    assert (np.diff(shown.times_ns) > 0).all()
    assert shown.points.shape == (N_POINTS, 2)
    assert readers[0].has_ended
    readers[0].close()


def test_a_long_hold_in_a_pause_ends_it_and_opens_no_camera_again(live_config, played, tmp_path):
    played.at = {5: lambda: played.act(Gesture.HOLD, 0)}
    sessions = run_sessions(live_config, tmp_path)
    next(sessions)
    played.act(Gesture.HOLD, 0)  # nothing is opened while it is down
    played.act(Gesture.LONG_HOLD, 0)
    played.act(Gesture.LET_GO, 0)
    assert list(sessions) == []
    assert len(played.sources) == 1


def test_refused_build_of_kernels_is_said_and_logged(config, monkeypatch, tmp_path):
    monkeypatch.setattr(app.ahead, "build", lambda: ahead.Build(tmp_path / "k.so", refusal="they are of old"))
    said = []
    run_session(config, tmp_path, warn=said.append)
    assert "they are of old" in said
    with closing(sqlite3.connect(tmp_path / "microcue.db")) as base:
        rows = base.execute("SELECT value FROM health WHERE name = 'kernels_refused'").fetchall()
    assert rows == [(1.0,)]


def test_a_long_hold_while_watching_is_the_reason_in_the_log(live_config, played, tmp_path):
    played.at = {5: lambda: played.act(Gesture.LONG_HOLD, 0)}
    _, outcome = run_session(live_config, tmp_path)
    assert only_session(tmp_path)["end_reason"] == outcome.reason == "ended by the button"


def test_a_pause_does_not_use_up_the_duration(live_config, played, tmp_path):
    played.at = {12: lambda: played.act(Gesture.HOLD, 0)}
    sessions = run_sessions(live_config, tmp_path, 0.5)
    _, first = next(sessions)
    played.act(Gesture.HOLD, 0)
    played.act(Gesture.LET_GO, 0)
    _, second = next(sessions)
    assert second.reason == "duration reached"
    assert first.seconds + second.seconds == pytest.approx(0.5, abs=0.05)


def test_open_camera_lights_the_camera_light_for_a_camera_and_not_for_a_recording(
    config, live_config, played, monkeypatch
):
    lights = []

    def open_light(setting, what):
        lights.append((setting, RecordedLight(lambda: 0)))
        return lights[-1][1]

    monkeypatch.setattr(app, "open_light", open_light)
    led = {"indicate": {"camera_led": "gpio:22"}}
    open_camera(with_overrides(config, led)).close()
    open_camera(live_config).close()
    assert lights == []
    open_camera(with_overrides(live_config, led)).close()
    ((setting, light),) = lights
    assert setting == "gpio:22"
    assert [colour for _, colour in light.history] == [WHITE, DARK]
    assert [source.is_open for source in played.sources] == [False, False, False]
