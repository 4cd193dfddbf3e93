"""Random numbers, and small clips of a face whose every movement is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from edge.anatomy import AUX_NAMES, N_CHANNELS, N_SIGNALS, SIGNAL_NAMES, decode
from edge.config import TrackConfig
from edge.messages import FaceLandmarks, Frame, KeyFrameAnswer
from edge.synth.plan import Plan, SceneSettings
from edge.synth.portrait import built_in_portrait
from edge.synth.scene import Scene
from edge.track.tracker import Tracker

FPS = 100.0
WIDTH, HEIGHT = 320, 240


@pytest.fixture
def rng():
    """A generator with the same numbers in every run."""
    return np.random.default_rng(20240611)


@dataclass(frozen=True)
class Clip:
    """A rendered scene: frames, and what the landmark model would have to say about each."""

    scene: Scene
    frames: tuple[Frame, ...]

    @property
    def iod_px(self):
        return self.scene.iod_px

    def landmarks(self, k):
        """float32 [shape=(468, 3)]: the true points with the portrait's own depth."""
        places = self.scene.true_points(self.frames[k].timestamp_ns / 1e9)
        return np.column_stack([places, self.scene.canvas.points[:, 2]]).astype(np.float32)

    def with_pictures(self, change):
        """The same clip with `change(k, luma)` in place of each picture."""
        frames = tuple(Frame(f.sequence, f.timestamp_ns, change(f.sequence, f.luma)) for f in self.frames)
        return Clip(self.scene, frames)


@pytest.fixture(scope="session")
def film():
    """Renders clips, each once: `film(*happenings, **settings)`."""
    portrait, made = built_in_portrait(), {}

    def shoot(*happenings, **settings):
        key = (happenings, tuple(sorted(settings.items())))
        if key not in made:
            defaults = {"fps": FPS, "duration_s": 1.2, "width": WIDTH, "height": HEIGHT, "face_width_px": 130}
            scene = Scene(Plan(happenings, SceneSettings(**(defaults | settings))), portrait)
            frames = tuple(Frame(k, ns, luma.copy()) for k, (ns, luma) in enumerate(scene.render()))
            made[key] = Clip(scene, frames)
        return made[key]

    return shoot


@dataclass
class Followed:
    """What the tracker said of a clip, frame by frame; NaN rows where there was no face."""

    rows: list = field(default_factory=list)
    news: list = field(default_factory=list)
    restarts: list = field(default_factory=list)

    def signals(self, start=0, end=None):
        """float64 [shape=(n, N_SIGNALS)], miod."""
        return np.array(self.rows)[start:end, :N_SIGNALS]

    def signal(self, name):
        """float64 [shape=(n_frames,)], miod."""
        return np.array(self.rows)[:, SIGNAL_NAMES.index(name)]

    def aux(self, name):
        """float64 [shape=(n_frames,)], unit by channel."""
        return np.array(self.rows)[:, N_SIGNALS + AUX_NAMES.index(name)]

    def largest_step(self, start=0, end=None):
        """Largest change of any signal from one frame to the next, miod."""
        return float(np.nanmax(np.abs(np.diff(self.signals(start, end), axis=0))))

    def swing(self, start=0, end=None):
        """float64 [shape=(N_SIGNALS,)]: highest less lowest of each signal, miod."""
        return np.ptp(self.signals(start, end), axis=0)


def follow_clip(clip, late_frames=5, every=10, answer=None, before_answer=None):
    """Play a clip through a tracker, with its own truth as the model's late answers.

    `answer(k, points)` may change what the model says about key frame k (None: no face).
    `before_answer(tracker, frame)` is called once per frame after it was followed.
    """
    tracker, followed, pending = Tracker(TrackConfig(), *clip.frames[0].luma.shape), Followed(), None
    for k, frame in enumerate(clip.frames):
        traces = tracker.follow(frame)
        followed.rows.append(decode(traces[0].codes) if traces else np.full(N_CHANNELS, np.nan))
        if before_answer is not None:
            before_answer(tracker, frame)
        if pending is not None and k - pending >= late_frames:
            points = clip.landmarks(pending)
            points = points if answer is None else answer(pending, points)
            faces = () if points is None else (FaceLandmarks(0, points, 1.0),)
            tracker.reseat(KeyFrameAnswer(pending, clip.frames[pending].timestamp_ns, faces), frame)
            followed.news += tracker.take_news()
            pending = None
        if pending is None and k % every == 0:
            tracker.remember_key_frame(frame)
            pending = k
        followed.restarts.append(sum(face.n_restarts for face in tracker._faces.values()))
    return followed


@pytest.fixture(scope="session")
def follow():
    """Plays clips through a tracker: see `follow_clip`."""
    return follow_clip


@pytest.fixture(scope="session")
def swaying(film):
    """1.2 s of a head that sways, turns and pulses, without expression."""
    return film()


@pytest.fixture(scope="session")
def swaying_followed(swaying):
    """The tracker's word on it, with perfect landmarks five frames late."""
    return follow_clip(swaying)
