"""`microcue aim`: a camera is pointed at a face, with advice in words, also over SSH."""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.commands.context import Context
from edge.errors import EXIT_DONE, EXIT_NOT_READY

if TYPE_CHECKING:
    from edge.capture.source import FrameSource
    from edge.commands.framing import Line
    from edge.messages import Frame, FrameReport
    from edge.perceive.face_picture import FacePicture
    from edge.perceive.worker import KeyFrameWorker

_EXAMPLES = """\
examples:
  microcue aim                                  until Ctrl-C
  microcue aim --camera v4l2:/dev/video2 --fps 120
  microcue aim --duration 5 --quiet && microcue run      watch only where the face is well in view
  microcue aim --camera file:interview.mp4      is this recording good enough?

Exits 0 when nothing fails at the end, 1 when something does; what is only worse than it could be is told and
does not fail. Nothing is logged, and no picture is kept or shown. Left and right are the person's own.
"""
_LOOK_NS = 100_000_000  # from one look at the face to the next
_TELL_NS = 1_000_000_000
_N_LOOKS = 7  # the median of these is what is told
_READ_S = 0.5
_N_SILENT = 20  # reads in a row


def register(subparsers: Any) -> None:
    """Add `aim` to the command line."""
    parser = subparsers.add_parser(
        "aim",
        help="point the camera, with advice",
        description="Says whether the face is well in view: found, large enough, in the middle, lit, sharp; "
        "whether frames come as fast as they should, and whether lamps flicker.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--camera",
        metavar="CAMERA",
        help="auto, picamera2[:N], v4l2:/dev/videoN, gst:PIPELINE, file:PATH or demo (default: auto)",
    )
    from edge.commands.session import seconds

    parser.add_argument("--fps", type=float, metavar="N", help="frames per second asked of the camera")
    parser.add_argument("--duration", type=seconds, metavar="S", help="end after so many seconds")
    parser.add_argument("--realtime", action="store_true", default=None, help="play a file at its own pace")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Look until asked to stop; the exit code says whether the last look was good."""
    from edge.app import face_box_finder, open_camera
    from edge.commands.aim_display import display_for
    from edge.commands.session import config_with_options, confined
    from edge.perceive.finder import FaceFinder
    from edge.perceive.worker import KeyFrameWorker
    from edge.service import StopRequest

    config = config_with_options(context.config, args, camera=args.camera)
    confined(context)
    finder = FaceFinder(config.perceive)
    source = open_camera(config, face_box_finder(config.perceive))
    try:
        info = source.info
        worker = KeyFrameWorker(finder, info.height, info.width, None if info.live else 0)
        try:
            with StopRequest() as stop, display_for(context, info) as show:
                aim = Aim(source, worker, config.spot.shortest_ms, show)
                lines = aim.until(stop.is_set, args.duration or 0.0)
        finally:
            worker.close()
    finally:
        source.close()
    if context.json:
        context.print_table("", ("check", "level", "found", "advice"), lines)
    return EXIT_NOT_READY if any(line.level == "fail" for line in lines) else EXIT_DONE


@dataclass(slots=True)
class _Look:
    """A key frame under way: copies of it and of the frame after it."""

    key: np.ndarray[Any, np.dtype[np.uint8]]
    following: np.ndarray[Any, np.dtype[np.uint8]]
    sequence: int = -1
    complete: bool = False


class Aim:
    """Looks at frames, at the face ten times a second, and tells once a second.

    Parameters
    ----------
    source : FrameSource
    worker : KeyFrameWorker
    shortest_ms : float
        The shortest movement asked for.
    show : callable
        Given the lines, and the face as it was last seen or None.
    """

    def __init__(
        self,
        source: FrameSource,
        worker: KeyFrameWorker,
        shortest_ms: float,
        show: Callable[[list[Line], FacePicture | None], None],
    ) -> None:
        from edge.capture.frame_history import FrameHistory

        info = source.info
        self._source, self._worker, self._shortest_ms, self._show = source, worker, shortest_ms, show
        self._history = FrameHistory(info.height, info.width, info.fps)
        shape = (info.height, info.width)
        self._look = _Look(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))
        self._seen: deque[FacePicture | None] = deque(maxlen=_N_LOOKS)
        self._looked_ns = self._told_ns = self._first_ns = 0

    def until(self, stopped: Callable[[], bool], duration_s: float) -> list[Line]:
        """Look until the source ends, `stopped` says so, or so many seconds of frames are over (0: no end).

        Returns
        -------
        list of Line
            As they were told last.
        """
        lines: list[Line] = []
        now_ns = 0
        frame = self._next(stopped)
        if frame is not None:
            self._first_ns = self._told_ns = frame.timestamp_ns
            self._looked_ns = frame.timestamp_ns - _LOOK_NS
        while frame is not None:
            now_ns = frame.timestamp_ns
            self._history.observe(frame, self._source.counts)
            self._look_at_the_face(frame)
            over = bool(duration_s) and now_ns - self._first_ns >= duration_s * 1e9
            if now_ns - self._told_ns >= _TELL_NS or over:
                lines = self._tell(now_ns) or lines
            if over or stopped():
                break
            frame = self._next(stopped)
        # the last seconds' rest tells little by itself
        return lines if lines and now_ns - self._told_ns < _TELL_NS // 2 else self._tell(now_ns) or lines

    def _next(self, stopped: Callable[[], bool]) -> Frame | None:
        from edge.capture.errors import CameraAway, FrameTimeout, SourceEnded

        n_silent = 0
        while True:
            try:
                return self._source.read(_READ_S)
            except SourceEnded:
                return None
            except FrameTimeout as silence:
                n_silent += not isinstance(silence, CameraAway)
                if n_silent == _N_SILENT:
                    raise
                if stopped():
                    return None

    def _look_at_the_face(self, frame: Frame) -> None:
        from edge.perceive.face_picture import measure_face

        look = self._look
        if look.sequence + 1 == frame.sequence and not look.complete:
            np.copyto(look.following, frame.luma)
            look.complete = True
        if look.complete and (answer := self._worker.collect(frame.timestamp_ns)) is not None:
            face = max(answer.faces, key=lambda one: float(np.ptp(one.points[:, 0])), default=None)
            measured = None if face is None else measure_face(look.key, look.following, face.points)
            self._seen.append(measured)
            look.sequence, look.complete = -1, False
        if frame.timestamp_ns - self._looked_ns >= _LOOK_NS and self._worker.submit(frame):
            np.copyto(look.key, frame.luma)
            look.sequence, look.complete = frame.sequence, False
            self._looked_ns = frame.timestamp_ns

    def _tell(self, now_ns: int) -> list[Line]:
        from edge.commands.framing import judged

        report: FrameReport | None = self._history.report(now_ns, self._source.counts, at_once=True)
        if report is None:
            return []
        self._told_ns = now_ns
        face = _typical(list(self._seen))
        lines = judged(face, report, self._source.info, self._shortest_ms)
        self._show(lines, face)
        return lines


def _typical(seen: list[FacePicture | None]) -> FacePicture | None:
    """The median of what was seen lately; None where the face was missing in most looks."""
    known = [face for face in seen if face is not None]
    if not known or 2 * len(known) < len(seen):
        return None
    first = known[0]
    names = (one.name for one in fields(first))
    return type(first)(**{name: float(median(getattr(face, name) for face in known)) for name in names})
