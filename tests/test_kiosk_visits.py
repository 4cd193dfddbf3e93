"""Whole visits at a kiosk: pictures of faces through every stage, the camera's light, the log."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from edge import app
from edge.app import run_sessions
from edge.capture.scripted import ScriptedSource
from edge.config import Config, with_overrides
from edge.errors import ConfigError, IndicateError
from edge.indicate.gestures import Gesture
from edge.indicate.indicator import State
from edge.indicate.patterns import DARK, WHITE
from edge.indicate.recorded import RecordedIndicator, RecordedLight
from edge.kiosk import DOUBTFUL, LEFT, WITHDRAWN
from edge.messages import Frame, SourceInfo
from edge.record.forget import participants, sessions_of
from edge.record.people import withdraw_consent
from edge.record.reading import LogReader
from edge.synth.portrait import built_in_portrait

FPS = 30
HEIGHT, WIDTH = 480, 640
INFO = SourceInfo("pictures", WIDTH, HEIGHT, float(FPS), "sensor", live=False)


def scene(*faces):
    """uint8 [shape=(480, 640)]: a head at each (left, top, times its size), the last in front."""
    head = built_in_portrait().luma[20:240, 120:320]
    picture = np.full((HEIGHT, WIDTH), 90, np.uint8)
    for left, top, times in faces:
        larger = np.kron(head, np.ones((times, times), np.uint8))
        picture[top : top + larger.shape[0], left : left + larger.shape[1]] = larger
    return picture


PERSON, BYSTANDER = (430, 130, 1), (10, 20, 2)
ALONE, BOTH, OTHER, EMPTY = scene(PERSON), scene(PERSON, BYSTANDER), scene(BYSTANDER), scene()


class Camera(ScriptedSource):
    """Plays pictures for so many seconds each; what is to happen at a frame happens as it is read."""

    def __init__(self, parts, events, rng):
        self.is_open = True
        self._events = dict(events)
        super().__init__(self._frames(parts, rng), INFO)

    def _frames(self, parts, rng):
        sequence = 0
        for picture, seconds in parts:
            for _ in range(round(seconds * FPS)):
                noisy = picture + rng.normal(0, 1.5, picture.shape)
                luma = noisy.clip(0, 255).astype(np.uint8)
                yield Frame(sequence, round((5 + sequence / FPS) * 1e9), luma)
                sequence += 1

    def read(self, timeout_s):
        frame = super().read(timeout_s)
        self._events.pop(frame.sequence, lambda: None)()
        return frame

    def close(self):
        self.is_open = False
        super().close()


@pytest.fixture
def world(monkeypatch):
    """Cameras, lights, indicator and button in memory.

    `visits` says what each camera shows and what happens at which frame; `act` is where gestures go.
    """
    world = SimpleNamespace(visits=[], cameras=[], lights=[], now=0, act=None, when_asked=[])
    rng = np.random.default_rng(4)

    class Asking(RecordedIndicator):
        def show(self, state):
            is_news = not self.states or self.states[-1][1] is not state
            super().show(state)
            if is_news and state is State.ASKING:
                assert not any(camera.is_open for camera in world.cameras)
                assert all(light.is_closed for light in world.lights)
                world.when_asked.pop(0)()

    def open_source(config, find_face=None):
        world.cameras.append(Camera(*world.visits.pop(0), rng))
        return world.cameras[-1]

    def open_light(setting, what):
        world.lights.append(RecordedLight(lambda: 0))
        return world.lights[-1]

    def open_button(setting, act):
        world.act = act
        return SimpleNamespace(name="button", is_alive=True, close=lambda: None)

    world.indicator = Asking(lambda: 0)
    monkeypatch.setattr(app, "open_source", open_source)
    monkeypatch.setattr(app, "open_indicator", lambda *_, **__: world.indicator)
    monkeypatch.setattr(app, "open_light", open_light)
    monkeypatch.setattr(app, "open_button", open_button)
    return world


@pytest.fixture
def config(tmp_path):
    """A kiosk with a button, a camera and its light."""
    (tmp_path / "consent.txt").write_text("I agree.", encoding="utf-8")
    return with_overrides(
        Config(),
        {
            "session": {"mode": "kiosk", "button": "gpio:5"},
            "kiosk": {"consent_text": str(tmp_path / "consent.txt"), "leave_s": 2.0, "grace_s": 0.0},
            "capture": {"camera": "v4l2:/dev/video9"},
            "indicate": {"camera_led": "gpio:22"},
        },
    )


@pytest.fixture
def data_dir(tmp_path):
    """Where the log is."""
    return tmp_path / "data"


def press(world):
    from edge.clock import boottime_ns

    return lambda: world.act(Gesture.PRESS, boottime_ns())


def end(world):
    return lambda: world.act(Gesture.LONG_HOLD, 0)


def test_two_visitors_one_after_the_other_each_with_a_session_of_their_own(config, world, data_dir):
    gone = (EMPTY, 2.5)
    world.visits = [([(ALONE, 1.0), gone], {}), ([(OTHER, 1.0), gone], {})]
    world.when_asked = [press(world), press(world), end(world)]
    sessions = list(run_sessions(config, data_dir))
    assert [outcome.reason for _, outcome in sessions] == [LEFT, LEFT]
    assert [outcome.has_learned for _, outcome in sessions] == [False, False]
    first, second = participants(data_dir)
    assert sessions_of(data_dir, first) == [sessions[0][0]]
    assert sessions_of(data_dir, second) == [sessions[1][0]]
    assert [camera.is_open for camera in world.cameras] == [False, False]
    # one look whether it can be driven, then one light for each visit
    lit = [[colour for _, colour in light.history] for light in world.lights]
    assert lit == [[DARK], [WHITE, DARK], [WHITE, DARK]]


def test_a_bystander_is_neither_tracked_nor_logged_and_takes_nothing_over(config, world, data_dir):
    world.visits = [([(ALONE, 1.0), (BOTH, 1.0), (OTHER, 3.0)], {})]
    world.when_asked = [press(world), end(world)]
    ((session_id, outcome),) = run_sessions(config, data_dir)
    assert outcome.reason == DOUBTFUL
    assert outcome.seconds < 3.5
    assert outcome.n_face_frames == pytest.approx(2 * FPS, abs=FPS)
    with LogReader(data_dir) as log:
        assert log.faces(session_id) == [0]
    # all that was followed was where the person sat
    assert outcome.first_face_s < 0.5


def test_a_hold_during_a_visit_deletes_it_on_the_spot(config, world, data_dir):
    hold = {20: lambda: world.act(Gesture.HOLD, 0)}
    world.visits = [([(ALONE, 3.0)], hold)]
    world.when_asked = [press(world), end(world)]
    ((session_id, outcome),) = run_sessions(config, data_dir)
    assert outcome.reason == WITHDRAWN
    assert outcome.n_frames < FPS
    assert participants(data_dir) == []
    for path in data_dir.rglob("*"):
        assert session_id.encode() not in path.read_bytes()
    assert State.DELETED in [state for _, state in world.indicator.states]


def test_a_withdrawal_by_command_deletes_it_as_well(config, world, data_dir):
    def withdraw():
        (code,) = participants(data_dir)
        withdraw_consent(data_dir, code)
        turns = world.act.__self__
        turns._withdrawal._thread.join(60.0)

    world.visits = [([(ALONE, 3.0)], {20: withdraw})]
    world.when_asked = [press(world), end(world)]
    ((_, outcome),) = run_sessions(config, data_dir)
    assert outcome.reason == WITHDRAWN
    assert participants(data_dir) == []


def test_a_kiosk_without_its_light_or_with_an_open_camera_does_not_start(
    config, world, data_dir, monkeypatch
):
    with pytest.raises(ConfigError, match="camera_led"):
        next(run_sessions(with_overrides(config, {"indicate": {"camera_led": ""}}), data_dir))
    with pytest.raises(ConfigError, match="camera_led"):  # nor by aim or doctor
        app.open_camera(with_overrides(config, {"indicate": {"camera_led": ""}}))
    with pytest.raises(ConfigError, match="found an open one"):
        next(run_sessions(config, data_dir, source=ScriptedSource([])))

    def dead(setting, what):
        raise IndicateError("the pin is in use")

    monkeypatch.setattr(app, "open_light", dead)
    with pytest.raises(IndicateError):
        next(run_sessions(config, data_dir))
    assert world.cameras == []
    assert not data_dir.exists()
