"""One segment of a video, watched as `microcue run` would, with what came before it in place.

A segment ends before a frame, where every stage has done its work on the one before; there all state is
kept, and the next segment goes on from it. So cues do not depend on how a video is cut.
"""

from __future__ import annotations

import sys
import time
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from edge import __version__
from edge.app import open_source
from edge.batch.answers import PromptAnswers
from edge.batch.errors import OtherVersion, VideoChanged
from edge.batch.job import Job
from edge.batch.result import VideoResult
from edge.batch.rows import blink_rows, cue_rows
from edge.batch.state import Saved, States
from edge.capture.errors import SourceEnded
from edge.capture.file import FilePlace, FileSource
from edge.capture.source import FrameSource
from edge.config import Config
from edge.errors import EdgeError
from edge.indicate.indicator import NullIndicator
from edge.messages import Event, Frame, FrameReport, Trace
from edge.perceive.finder import FaceFinder
from edge.pipeline import Outcome, Watch
from edge.spot.spotter import Spotter
from edge.track.tracker import Tracker
from edge.watching import FILE_LATENCY_NS

# As many as a video decoder may look back at: where these are the same, so is all that comes after.
SEAM_FRAMES = 32
_UNKNOWN_FPS = 30.0
_READ_S = 5.0


class EventList:
    """The log of a video: its events, in the order of decisions."""

    fault: str | None = None

    def __init__(self, events: list[Event]) -> None:
        self.events = events

    def append(self, event: Event) -> None:
        """Keep what somebody asks for later."""
        if not isinstance(event, FrameReport):
            self.events.append(event)

    def add_trace(self, trace: Trace) -> None:
        """Signals are not kept."""

    def saw_frame(self, sequence: int, timestamp_ns: int) -> None:
        """Counted elsewhere."""


def watch_segment(
    job: Job, number: int, finder: FaceFinder, look: Callable[[], None] = lambda: None
) -> VideoResult | None:
    """Watch a video from where it is up to the end of segment `number`, counted from 0.

    Parameters
    ----------
    job : Job
    number : int
    finder : FaceFinder
        With the job's settings; what it remembers is replaced.
    look : callable
        Called before every frame; may raise.

    Returns
    -------
    VideoResult or None
        None where the video goes on after the segment, whose state is kept then.

    Raises
    ------
    CaptureError, ModelError
        The video cannot be read, or the models not be used.
    VideoChanged, OtherVersion
    OSError
        The state cannot be kept.
    """
    if job.version != __version__:
        raise OtherVersion(job.version, __version__)
    states = States(Path(job.states), job.key)
    if states.has(number + 1):
        return None
    begin_s = time.process_time()
    saved = states.newest(number)
    config = job.config()
    source, first, n_again = _opened(job, config, saved)
    n_again += saved.n_frames_again if saved else 0
    begin_s -= saved.cpu_s if saved else 0.0
    with closing(source):
        watch, answers, events = stages_of(config, source, first, finder, saved)
        seam = _Seam(source, job.segment_s, number + 1)

        def stop(frame: Frame) -> bool:
            look()
            if not seam.ends_before(frame):
                return False
            cpu_s = time.process_time() - begin_s
            states.keep(_saved(watch, answers, finder, events, seam, cpu_s, n_again))
            return True

        if saved is None:
            watch.run(first, stop)
        else:
            watch.go_on(first, stop)
    if seam.is_complete:
        return None
    return _result(job, watch.outcome, events, number + 1, n_again, time.process_time() - begin_s)


class _Seam:
    """Where a segment ends, and what the frames there look like.

    Parameters
    ----------
    source : FrameSource
    segment_s : float, s
        0 for no end.
    n_segments : int
        The segments that will be done then.
    """

    def __init__(self, source: FrameSource, segment_s: float, n_segments: int) -> None:
        n_frames = max(round(segment_s * (source.info.fps or _UNKNOWN_FPS)), 2 * SEAM_FRAMES)
        self.next_frame = n_segments * n_frames if segment_s > 0 else sys.maxsize
        self.n_segments = n_segments
        self.place: FilePlace | None = None
        self.marks: list[tuple[int, int]] = []
        self._source = source

    @property
    def is_complete(self) -> bool:
        """Whether the end was reached, not only the video's."""
        return len(self.marks) > SEAM_FRAMES

    def ends_before(self, frame: Frame) -> bool:
        """Whether the segment ends before this frame; every one is asked about, in order."""
        if frame.sequence < self.next_frame - SEAM_FRAMES:
            return False
        if not self.marks and isinstance(self._source, FileSource):
            self.place = self._source.place()
        self.marks.append(_mark(frame))
        return self.is_complete


def _mark(frame: Frame) -> tuple[int, int]:
    """What a frame is known again by: its time, ns, and a checksum of its pixels."""
    return frame.timestamp_ns, zlib.crc32(frame.luma.data)


def _opened(job: Job, config: Config, saved: Saved | None) -> tuple[FrameSource, Frame, int]:
    """The video, the frame to go on with, and how many were read once more to get there."""
    source = open_source(config.capture)
    try:
        if saved is None:
            return source, source.read(_READ_S), 0
        if saved.place is not None and isinstance(source, FileSource) and source.go_to(saved.place):
            marks, frame = _read(source, SEAM_FRAMES)
            if frame is not None and marks == saved.seam[1:]:
                return source, frame, SEAM_FRAMES
        source.close()
        source = open_source(config.capture)
        _read(source, saved.next_frame - SEAM_FRAMES, is_marked=False)
        marks, frame = _read(source, SEAM_FRAMES + 1)
        if frame is None or marks != saved.seam:
            raise VideoChanged(job.path, saved.next_frame)
        return source, frame, saved.next_frame
    except EdgeError:
        source.close()
        raise


def _read(
    source: FrameSource, n_frames: int, is_marked: bool = True
) -> tuple[list[tuple[int, int]], Frame | None]:
    """Read so many frames: their marks and the last one, None where the video ends before."""
    marks = []
    frame: Frame | None = None
    try:
        for _ in range(n_frames):
            frame = source.read(_READ_S)
            if is_marked:
                marks.append(_mark(frame))
    except SourceEnded:
        return marks, None
    return marks, frame


def stages_of(
    config: Config, source: FrameSource, first: Frame, finder: FaceFinder, saved: Saved | None
) -> tuple[Watch, PromptAnswers, list[Event]]:
    """The stages of a session, their key frames and events; as after the segment before, if there was one."""
    height, width = first.luma.shape
    answers = PromptAnswers(finder, FILE_LATENCY_NS)
    events: list[Event] = [] if saved is None else saved.events
    watch = Watch(
        source=source,
        key_frames=answers,
        tracker=Tracker(config.track, height, width) if saved is None else saved.tracker,
        new_spotter=lambda fps: Spotter(config.spot, fps),
        log=EventList(events),
        indicator=NullIndicator(),
        shown=config.indicate,
        tell=lambda _seconds, _event: None,
    )
    finder.begin()
    if saved is not None:
        finder.recall(saved.finder)
        answers.asked = saved.asked
        watch.spotters, watch.resting = saved.spotters, saved.resting
        watch.outcome, watch.frames = saved.outcome, saved.frames
    return watch, answers, events


def _saved(
    watch: Watch,
    answers: PromptAnswers,
    finder: FaceFinder,
    events: list[Event],
    seam: _Seam,
    cpu_s: float,
    n_again: int,
) -> Saved:
    return Saved(
        n_segments=seam.n_segments,
        next_frame=seam.next_frame,
        place=seam.place,
        seam=seam.marks,
        finder=finder.remember(),
        asked=answers.asked,
        tracker=watch.tracker,
        spotters=watch.spotters,
        resting=watch.resting,
        outcome=watch.outcome,
        frames=watch.frames,
        events=events,
        cpu_s=cpu_s,
        n_frames_again=n_again,
    )


def _result(
    job: Job, outcome: Outcome, events: list[Event], n_segments: int, n_again: int, cpu_s: float
) -> VideoResult:
    return VideoResult(
        video=job.path,
        key=job.key,
        cues=cue_rows(job.key, outcome.first_ns, events),
        blinks=blink_rows(job.key, outcome.first_ns, events),
        n_frames=outcome.n_frames,
        n_face_frames=outcome.n_face_frames,
        n_missing=outcome.n_missing,
        n_repeated=outcome.n_repeated,
        n_lost=outcome.n_lost,
        n_corrupt=outcome.n_corrupt,
        n_mended_times=outcome.n_mended_times,
        fps=outcome.fps,
        seconds=outcome.seconds,
        has_learned=outcome.has_learned,
        n_segments=n_segments,
        n_frames_again=n_again,
        cpu_s=cpu_s,
    )
