"""The main loop with played frames, answers and a log in memory: what happens, and in which order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from edge.anatomy import LOST, N_CHANNELS
from edge.capture.errors import CameraAway, FrameTimeout, StreamDamaged
from edge.capture.memory import MemorySource
from edge.capture.scripted import ScriptedSource
from edge.config import IndicateConfig, SpotConfig, TrackConfig
from edge.health.relief import Relief
from edge.indicate.indicator import State
from edge.indicate.recorded import RecordedIndicator
from edge.messages import (
    Blink,
    Cue,
    FaceFound,
    FaceLandmarks,
    FaceLost,
    Frame,
    FrameReport,
    Gap,
    KeyFrameAnswer,
    SourceInfo,
)
from edge.perceive.scripted import ScriptedFinder
from edge.perceive.worker import KeyFrameWorker
from edge.pipeline import STAGES, Watch
from edge.record.memory import MemoryRecorder
from edge.spot.spotter import Spotter
from edge.synth.plan import Happening, Plan, SceneSettings
from edge.synth.portrait import built_in_portrait
from edge.synth.scene import Scene
from edge.track.tracker import Tracker

FPS = 100.0
INTERVAL_NS = 10_000_000
INFO = SourceInfo("script", 320, 240, FPS, "media", live=False)


@dataclass(frozen=True)
class Clip:
    """A rendered face, its frames, and the landmarks it had in the first one."""

    frames: tuple[Frame, ...]
    points: np.ndarray

    @property
    def faces(self):
        return (FaceLandmarks(0, self.points, 1.0),)


@pytest.fixture(scope="module")
def clip():
    """0.4 s of a face that keeps still."""
    still = {"sway_miod": 0.0, "turn_sway_deg": 0.0, "pulse_miod": 0.0}
    settings = SceneSettings(fps=FPS, duration_s=0.4, width=320, height=240, face_width_px=130, **still)
    scene = Scene(Plan((), settings), built_in_portrait())
    frames = tuple(Frame(k, ns, luma.copy()) for k, (ns, luma) in enumerate(scene.render()))
    points = np.column_stack([scene.true_points(0.0), scene.canvas.points[:, 2]]).astype(np.float32)
    return Clip(frames, points)


def endless(clip, n, first=0):
    """n frames of the clip, there and back, with numbers and times that go on."""
    way = [*range(len(clip.frames)), *range(len(clip.frames) - 2, 0, -1)]
    return [Frame(k, k * INTERVAL_NS, clip.frames[way[k % len(way)]].luma) for k in range(first, first + n)]


class Model:
    """Key frames with answers `late_frames` later; `faces(timestamp_ns)` says what is seen."""

    def __init__(self, faces, late_frames=5):
        self._faces, self._late_ns = faces, late_frames * INTERVAL_NS
        self._asked = None
        self.submitted = []

    def submit(self, frame):
        if self._asked is not None:
            return False
        self._asked = frame
        self.submitted.append(frame.sequence)
        return True

    def collect(self, now_ns):
        if self._asked is None or now_ns < self._asked.timestamp_ns + self._late_ns:
            return None
        asked, self._asked = self._asked, None
        return KeyFrameAnswer(asked.sequence, asked.timestamp_ns, self._faces(asked.timestamp_ns))


def make_cue(face, sequence, kind="micro", during_blink=False):
    """A cue that ended at a frame, 100 ms after its onset."""
    at_ns = sequence * INTERVAL_NS
    return Cue(
        face=face,
        kind=kind,
        onset_ns=at_ns - 100_000_000,
        apex_ns=at_ns - 50_000_000,
        offset_ns=at_ns,
        onset_frame=sequence - 10,
        apex_frame=sequence - 5,
        offset_frame=sequence,
        duration_error_ms=10.0,
        regions=("brow",),
        movements=("inner_brow_raise",),
        side="left",
        amplitude_miod=12.0,
        score=9.0,
        expected_false_per_hour=0.1,
        head_motion_miod_s=1.0,
        fps=FPS,
        dropped_frames=0,
        during_blink=during_blink,
        during_speech=False,
        lighting="ok",
    )


@dataclass
class PlayedSpotter:
    """Learns for some frames, then says what the script holds for the frame in hand."""

    script: dict = field(default_factory=dict)
    at_end: tuple = ()
    learning_frames: int = 10
    sequences: list = field(default_factory=list)

    @property
    def learning(self):
        return len(self.sequences) < self.learning_frames

    def step(self, trace):
        self.sequences.append(trace.sequence)
        return self.script.get(trace.sequence, ())

    def flush(self):
        rest, self.at_end = self.at_end, ()
        return rest


class Session:
    """A watch put together of stand-ins, and what it came to."""

    def __init__(self, source, model, spotters=(), shown=None):
        self.source = source
        self.log = MemoryRecorder()
        self.frame_ns = 0
        self.indicator = RecordedIndicator(lambda: self.frame_ns)
        self.told = []
        self.made = []
        waiting = deque(spotters)

        def new_spotter(fps):
            self.made.append(waiting.popleft() if waiting else PlayedSpotter())
            assert fps == source.info.fps
            return self.made[-1]

        self.watch = Watch(
            source=source,
            key_frames=model,
            tracker=Tracker(TrackConfig(), 240, 320),
            new_spotter=new_spotter,
            log=self.log,
            indicator=self.indicator,
            shown=shown or IndicateConfig(),
            tell=self.hear,
        )

    def hear(self, seconds, event):
        if not isinstance(event, FrameReport):
            self.told.append((seconds, event))

    def run(self, stop=lambda _: False):
        def stopped(frame):
            self.frame_ns = frame.timestamp_ns
            return stop(frame)

        return self.watch.run(self.source.read(0.5), stopped)

    @property
    def states(self):
        return [state for _, state in self.indicator.states]

    @property
    def kinds(self):
        return [type(event) for event in self.log.events]


def scripted(steps, info=INFO):
    return ScriptedSource(steps, info)


@pytest.fixture
def always(clip):
    """A model that sees the face on every key frame."""
    return Model(lambda _: clip.faces)


class Gallery:
    """Wants pictures, and notes what it is shown."""

    def __init__(self):
        self.seen = []

    def add(self, face, frame, place_px):
        self.seen.append((face, frame.sequence, place_px))


def test_whoever_wants_pictures_is_shown_each_frame_of_a_face_and_where_it_is(clip, always):
    session = Session(scripted(endless(clip, 20)), always)
    session.watch.pictures = gallery = Gallery()
    session.run()
    assert [(face, sequence) for face, sequence, _ in gallery.seen] == [(0, k) for k in range(6, 20)]
    x, y, iod_px = np.array([place_px for _, _, place_px in gallery.seen]).T
    assert np.abs(x - clip.points[168, 0]).max() < 2
    assert np.abs(y - clip.points[168, 1]).max() < 2
    corners_px = np.hypot(*(clip.points[263, :2] - clip.points[33, :2]))
    assert np.abs(iod_px - corners_px).max() < 0.02 * corners_px


def test_watch_takes_every_frame_through_every_stage(clip, always):
    session = Session(scripted(endless(clip, 60)), always)
    session.watch.tracker = Tracker(TrackConfig(key_frames_steady_hz=4), 240, 320)
    outcome = session.run()
    assert outcome.n_frames == session.log.n_frames == 60
    assert outcome.reason == "the source ended"
    assert outcome.seconds == pytest.approx(0.59)
    assert outcome.fps == pytest.approx(100)
    assert outcome.n_missing == outcome.n_timeouts == 0
    # found with frame 5, followed from the next one on
    assert [trace.sequence for trace in session.log.traces] == list(range(6, 60))
    assert outcome.n_face_frames == 54
    assert outcome.first_face_s == pytest.approx(0.05)
    # the first answer, one that confirms it, and from then on four a second
    assert always.submitted == [0, 10, 35]
    assert outcome.n_key_frames == 3
    assert [row.stage for row in session.watch.timer.figures()] == [*STAGES, "whole"]


def test_watch_gives_the_spotter_the_traces_that_the_log_gets(clip, always):
    session = Session(scripted(endless(clip, 30)), always)
    session.run()
    (spotter,) = session.made
    assert spotter.sequences == [trace.sequence for trace in session.log.traces]


def test_watch_logs_events_in_the_order_they_happen(clip):
    """Found, a gap, a cue and a blink of one frame, lost with what was held back, in that order."""
    frames = endless(clip, 80)
    del frames[20:23]
    cue, blink, late = make_cue(0, 30), Blink(0, 0, 1, 2, "both"), make_cue(0, 35)
    spotter = PlayedSpotter({30: (cue, blink)}, at_end=(late,))
    model = Model(lambda at_ns: clip.faces if at_ns < 40 * INTERVAL_NS else ())
    session = Session(scripted(frames), model, [spotter])
    session.watch.tracker = Tracker(TrackConfig(key_frames_steady_hz=10), 240, 320)
    session.run()
    found, gap, *rest = session.log.events
    assert (found, gap) == (FaceFound(0, 5, 5 * INTERVAL_NS), Gap(23, 23 * INTERVAL_NS, 3))
    assert rest[:3] == [cue, blink, late]
    assert session.kinds[5:] == [FaceLost]


def test_watch_tells_each_event_with_its_time_since_the_first_frame(clip, always):
    frames = endless(clip, 40, first=700)
    session = Session(scripted(frames), always, [PlayedSpotter({730: (make_cue(0, 730),)})])
    session.run()
    assert [event for _, event in session.told] == session.log.events
    assert [seconds for seconds, _ in session.told] == pytest.approx([0.05, 0.2])  # the cue's onset


def test_watch_reports_on_frames_after_three_seconds_and_at_the_end(clip, always):
    frames = endless(clip, 420)
    frames[350] = replace(frames[350], luma=frames[349].luma)
    del frames[40]
    session = Session(scripted(frames), always)
    outcome = session.run()
    assert [
        (report.n_frames, report.n_missing, report.n_repeated) for report in session.log.frame_reports
    ] == [
        (300, 1, 0),
        (119, 0, 1),
    ]
    assert [report.fps for report in session.log.frame_reports] == pytest.approx(
        [100 * 300 / 301, 100], rel=1e-3
    )
    assert (outcome.n_repeated, outcome.n_light_steps, outcome.flicker_hz) == (1, 0, None)


def test_watch_says_beside_a_cue_what_the_frames_around_it_were_like(clip, always):
    frames = endless(clip, 80)
    frames[25] = replace(frames[25], luma=frames[24].luma)
    for k in range(45, 80):  # the light goes up after the first cue's offset and its margin
        frames[k] = replace(frames[k], luma=(frames[k].luma * 0.9).astype(np.uint8))
    script = {32: (make_cue(0, 30),), 60: (make_cue(0, 50),)}
    session = Session(scripted(frames), always, [PlayedSpotter(script)])
    session.run()
    steady, stepped = (event.frames for event in session.log.events if isinstance(event, Cue))
    assert (steady.n_repeated, stepped.n_repeated) == (1, 0)
    assert steady.light_step_percent < 0.5 < 8 < stepped.light_step_percent < 12
    assert steady.light_level == pytest.approx(148, abs=1)


def test_watch_counts_missing_frames(clip, always):
    frames = endless(clip, 60)
    del frames[40]
    del frames[20:24]
    session = Session(scripted(frames), always)
    outcome = session.run()
    assert outcome.n_missing == 5
    assert [e.n_missing for e in session.log.events if isinstance(e, Gap)] == [4, 1]
    assert outcome.n_frames == 55


def test_watch_shows_no_face_then_learning_then_watching(clip, always):
    session = Session(scripted(endless(clip, 40)), always)
    session.run()
    assert session.states == [State.NO_FACE, State.LEARNING, State.WATCHING]
    (none_ns, _), (learning_ns, _), (watching_ns, _) = session.indicator.states
    assert (none_ns, learning_ns, watching_ns) == (0, 5 * INTERVAL_NS, 15 * INTERVAL_NS)


def test_watch_shows_a_fault_of_the_log_for_as_long_as_it_lasts(clip, always):
    session = Session(scripted(endless(clip, 60)), always)

    def fault_for_a_while(frame):
        session.log.fault = "the disk is full" if 30 <= frame.sequence < 40 else None
        return False

    session.run(fault_for_a_while)
    assert session.states == [State.NO_FACE, State.LEARNING, State.WATCHING, State.FAULT, State.WATCHING]
    assert session.log.n_frames == 60


def test_watch_shows_a_cue_and_logs_those_it_does_not_show(clip, always):
    shown, macro, flagged = make_cue(0, 20), make_cue(0, 25, "macro"), make_cue(0, 30, during_blink=True)
    script = {20: (shown,), 25: (macro,), 30: (flagged,), 31: (Blink(0, 0, 1, 2, "both"),)}
    session = Session(scripted(endless(clip, 40)), always, [PlayedSpotter(script)])
    outcome = session.run()
    assert [cue for _, cue in session.indicator.cues] == [shown]
    assert [event for event in session.log.events if isinstance(event, Cue)] == [shown, macro, flagged]
    assert (outcome.n_micro, outcome.n_macro, outcome.n_blinks) == (2, 1, 1)


def test_watch_shows_flagged_cues_where_asked_to(clip, always):
    flagged = make_cue(0, 30, during_blink=True)
    shown = IndicateConfig(flagged_cues=True)
    session = Session(scripted(endless(clip, 40)), always, [PlayedSpotter({30: (flagged,)})], shown)
    session.run()
    assert [cue for _, cue in session.indicator.cues] == [flagged]


def test_watch_decides_what_is_open_when_the_source_ends(clip, always):
    late = make_cue(0, 39)
    session = Session(scripted(endless(clip, 40)), always, [PlayedSpotter(at_end=(late,))])
    outcome = session.run()
    assert session.log.events[-1] == late
    assert outcome.n_micro == 1


def test_watch_ends_before_the_frame_at_which_it_is_asked_to(clip, always):
    late = make_cue(0, 20)
    session = Session(scripted(endless(clip, 40)), always, [PlayedSpotter(at_end=(late,))])
    outcome = session.run(lambda frame: frame.sequence == 25)
    assert outcome.n_frames == session.log.n_frames == 25
    assert session.log.events[-1] == late
    assert outcome.reason == ""  # whoever asked gives it


def test_watch_waits_for_a_camera_that_is_away_for_as_long_as_the_source_does(clip, always):
    away = [CameraAway(0.5, 39, "/dev/video0", 60.0)] * 20
    frames = endless(clip, 60)
    session = Session(scripted([*frames[:40], *away, *frames[40:]]), always)
    outcome = session.run()
    assert (outcome.n_frames, outcome.n_timeouts) == (60, 20)
    assert State.FAULT in session.states


# ---- faces that leave and come back ----------------------------------------------------------


def leave(clip, from_frame, to_frame, n_frames):
    """A session whose model sees no face between two frames, with key frames ten times a second."""
    away = range(from_frame * INTERVAL_NS, to_frame * INTERVAL_NS)
    model = Model(lambda at_ns: () if at_ns in away else clip.faces)
    session = Session(scripted(endless(clip, n_frames)), model)
    session.watch.tracker = Tracker(TrackConfig(key_frames_steady_hz=10), 240, 320)
    return session


def test_watch_keeps_the_spotter_of_a_face_that_comes_back_soon(clip):
    session = leave(clip, 40, 300, 360)
    session.run()
    assert session.kinds == [FaceFound, FaceLost, FaceFound]
    assert len(session.made) == 1
    assert session.states[-3:] == [State.WATCHING, State.NO_FACE, State.WATCHING]


def test_watch_makes_a_new_spotter_for_a_face_that_comes_back_late(clip):
    session = leave(clip, 40, 600, 660)
    session.run()
    lost, found = session.log.events[1:3]
    assert found.timestamp_ns - lost.timestamp_ns > 5_000_000_000
    assert len(session.made) == 2
    assert session.states[-3:] == [State.NO_FACE, State.LEARNING, State.WATCHING]


def test_watch_follows_faces_with_a_spotter_each(clip):
    beside = clip.points + np.float32([320, 0, 0])
    frames = [
        Frame(f.sequence, f.timestamp_ns, np.ascontiguousarray(np.hstack([f.luma] * 2)))
        for f in endless(clip, 30)
    ]
    both = (FaceLandmarks(0, clip.points, 1.0), FaceLandmarks(1, beside, 1.0))
    session = Session(scripted(frames), Model(lambda _: both))
    session.watch.tracker = Tracker(TrackConfig(), 240, 640)
    session.run()
    assert session.kinds == [FaceFound, FaceFound]
    assert len(session.made) == 2
    assert [trace.face for trace in session.log.traces[:4]] == [0, 1, 0, 1]


# ---- sources that stall or break -------------------------------------------------------------


def test_watch_bears_a_silence_and_shows_it_as_a_fault(clip, always):
    frames = endless(clip, 40)
    silence = [FrameTimeout(0.5, 29)] * 5
    session = Session(scripted([*frames[:30], *silence, *frames[30:]]), always)
    outcome = session.run()
    assert outcome.n_frames == 40
    assert outcome.n_timeouts == 5
    assert session.states == [State.NO_FACE, State.LEARNING, State.WATCHING, State.FAULT, State.WATCHING]


def test_watch_gives_up_after_six_silences_in_a_row(clip, always):
    frames = endless(clip, 40)
    session = Session(scripted([*frames[:30], *[FrameTimeout(0.5, 29)] * 6, *frames[30:]]), always)
    with pytest.raises(FrameTimeout, match="after frame 29"):
        session.run()
    assert session.watch.outcome.n_frames == 30
    assert session.watch.outcome.n_timeouts == 6


def test_watch_counts_silences_anew_after_each_frame(clip, always):
    steps = []
    for frame in endless(clip, 6):
        steps += [frame, *[FrameTimeout(0.5, frame.sequence)] * 5]
    session = Session(scripted(steps), always)
    assert session.run().n_timeouts == 30


def test_watch_can_be_stopped_while_the_camera_is_silent(clip, always):
    session = Session(scripted([*endless(clip, 10), *[FrameTimeout(0.5, 9)] * 6]), always)
    outcome = session.run(lambda _: session.watch.outcome.n_timeouts >= 2)
    assert outcome.n_frames == 10
    assert outcome.n_timeouts == 2


def test_watch_passes_on_a_broken_source_with_what_it_saw(clip, always):
    session = Session(scripted([*endless(clip, 20), StreamDamaged("script", 19, 9)]), always)
    with pytest.raises(StreamDamaged):
        session.run()
    assert session.watch.outcome.n_frames == session.log.n_frames == 20
    assert session.watch.outcome.fps == pytest.approx(100)
    assert session.watch.spotters == {}  # what they still held was decided
    assert session.kinds == [FaceFound]


def test_watch_without_any_face_asks_the_model_again_and_again(clip):
    model = Model(lambda _: ())
    session = Session(scripted(endless(clip, 100)), model)
    outcome = session.run()
    assert session.states == [State.NO_FACE]
    assert session.log.events == session.log.traces == []
    assert outcome.first_face_s is None
    assert model.submitted == list(range(0, 100, 10))


def test_watch_does_not_count_a_key_frame_that_the_busy_model_refuses(clip):
    model = Model(lambda _: (), late_frames=25)
    session = Session(scripted(endless(clip, 100)), model)
    assert session.run().n_key_frames == len(model.submitted) == 4


# ---- doing less on purpose -------------------------------------------------------------------


def relieved(clip, steps, n_frames=120, source=scripted, key_frames_hz=10):
    """A session that is ordered to each relief at its frame; what it was asked for new spotters, too."""
    session = Session(source(endless(clip, n_frames)), Model(lambda _: clip.faces))
    session.watch.tracker = Tracker(TrackConfig(key_frames_steady_hz=key_frames_hz), 240, 320)
    rates = []

    def new_spotter(fps):
        rates.append(fps)
        session.made.append(PlayedSpotter())
        return session.made[-1]

    def order(frame):
        session.watch.orders.relief = steps.get(frame.sequence, session.watch.orders.relief)
        return False

    session.watch.new_spotter = new_spotter
    session.outcome = session.run(order)
    return session, rates


@pytest.mark.parametrize(
    ("relief", "submitted"),
    [
        (Relief.NONE, [*range(0, 120, 10)]),
        (Relief.FEWER_KEY_FRAMES, [0, 10, 20, 30, 40, 74, 108]),
        (Relief.FEWEST_KEY_FRAMES, [0, 10, 20, 30, 40]),
    ],
)
def test_watch_thins_key_frames_and_nothing_else(clip, relief, submitted):
    session, rates = relieved(clip, {35: relief})
    assert session.watch.key_frames.submitted == submitted
    assert session.outcome.n_frames == 120
    assert rates == [FPS]
    assert session.states[-1] is (State.SPARING if relief else State.WATCHING)


def test_watch_leaves_out_every_second_frame_where_the_source_cannot_slow_down(clip):
    session, rates = relieved(clip, {40: Relief.HALF_RATE})
    sequences = [trace.sequence for trace in session.log.traces]
    assert sequences[-3:] == [114, 116, 118]
    assert session.outcome.n_left_out == 40
    assert session.outcome.n_frames == 80
    assert session.outcome.n_missing == 0
    assert Gap not in session.kinds
    assert rates == [FPS, FPS / 2]
    assert session.made[1].sequences[0] == 42  # it is learned anew
    assert session.states[-2:] == [State.LEARNING, State.SPARING]


def test_watch_decides_what_is_open_before_the_rate_changes(clip, always):
    late = make_cue(0, 39)
    session = Session(scripted(endless(clip, 60)), always, [PlayedSpotter(at_end=(late,))])
    made = session.watch.new_spotter
    session.watch.new_spotter = lambda _fps: made(FPS)

    def order(frame):
        if frame.sequence == 40:
            session.watch.orders.relief = Relief.HALF_RATE
        return False

    session.run(order)
    assert [event for event in session.log.events if isinstance(event, Cue)] == [late]


def test_watch_goes_back_to_every_frame(clip):
    session, rates = relieved(clip, {40: Relief.HALF_RATE, 80: Relief.FEWEST_KEY_FRAMES})
    assert rates == [FPS, FPS / 2, FPS]
    assert session.outcome.n_left_out == 20
    assert session.outcome.n_missing == 0
    assert [trace.sequence for trace in session.log.traces][-3:] == [117, 118, 119]


class SlowableSource(ScriptedSource):
    """A camera that takes another rate at once."""

    def __init__(self, steps):
        super().__init__(steps, INFO)
        self.asked = []

    def ask_rate(self, fps):
        self.asked.append(fps)
        return True

    def read(self, timeout_s):
        frame = super().read(timeout_s)
        return super().read(timeout_s) if self.asked[-1:] == [FPS / 2] and frame.sequence % 2 else frame


def test_watch_asks_a_source_that_can_for_half_the_rate_and_leaves_nothing_out(clip):
    session, rates = relieved(clip, {40: Relief.HALF_RATE, 80: Relief.NONE}, source=SlowableSource)
    assert session.source.asked == [FPS / 2, FPS]
    assert session.outcome.n_left_out == 0
    assert session.outcome.n_missing == 0
    assert rates == [FPS, FPS / 2, FPS]


# ---- with the real parts ---------------------------------------------------------------------


def test_watch_runs_with_the_real_worker_and_spotter(clip):
    """Everything but pictures from a camera, models and the disk."""
    finder = ScriptedFinder([clip.faces] * 99)
    worker = KeyFrameWorker(finder, 240, 320, latency_ns=50_000_000)
    pictures = np.stack([frame.luma for frame in clip.frames])
    session = Session(MemorySource(pictures, FPS), worker)
    session.watch.new_spotter = lambda fps: Spotter(SpotConfig(), fps)
    try:
        outcome = session.run()
    finally:
        worker.close()
    assert outcome.n_frames == len(pictures)
    assert outcome.n_key_frames == len(finder.seen)
    assert session.states == [State.NO_FACE, State.LEARNING]
    assert outcome.n_micro == outcome.n_macro == 0
    codes = np.stack([trace.codes for trace in session.log.traces])
    assert codes.shape == (len(pictures) - 6, N_CHANNELS)
    assert np.all(codes[1:] != LOST)


def test_watch_spots_a_planned_movement(clip):
    """A brow raise of 20 miod after learning, through tracker and spotter, is one micro cue."""
    brow = Happening("movement", 2.2, 0.2, 20, movement="inner_brow_raise", side="left")
    settings = SceneSettings(fps=60.0, duration_s=3.2, width=320, height=240, face_width_px=130)
    scene = Scene(Plan((brow,), settings), built_in_portrait())
    frames = [Frame(k, ns, luma) for k, (ns, luma) in enumerate(scene.render())]

    def faces(at_ns):
        points = np.column_stack([scene.true_points(at_ns / 1e9), scene.canvas.points[:, 2]])
        return (FaceLandmarks(0, points.astype(np.float32), 1.0),)

    info = SourceInfo("script", 320, 240, 60.0, "media", live=False)
    session = Session(scripted(frames, info), Model(faces))
    session.watch.new_spotter = lambda fps: Spotter(SpotConfig(learning_s=1.0), fps)
    outcome = session.run()
    cues = [event for event in session.log.events if isinstance(event, Cue)]
    assert outcome.n_micro == len(cues) == 1
    (cue,) = cues
    assert "inner_brow_raise" in cue.movements
    assert cue.side == "left"
    assert abs(cue.apex_ns / 1e9 - 2.3) < 0.05
    assert [event for _, event in session.indicator.cues] == [cue]
