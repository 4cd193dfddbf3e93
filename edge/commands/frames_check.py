"""The doctor's look through the camera: the rate really reached, lost and repeated frames, light, flicker."""

from __future__ import annotations

from collections.abc import Callable

from edge.capture.errors import SourceEnded
from edge.capture.frame_history import FrameHistory
from edge.capture.source import FrameSource
from edge.capture.spec import parse_camera
from edge.commands.checks import Finding
from edge.config import Config
from edge.errors import DeviceAbsent, MissingExtra
from edge.frame_advice import frames_in_words, shortcomings
from edge.messages import FrameReport

SECONDS = 2.0
_READ_S = 3.0


def look_at(source: FrameSource, seconds: float = SECONDS) -> FrameReport | None:
    """What the frames of so long are like, in their own time, or of what there is; None without any."""
    history: FrameHistory | None = None
    first_ns = now_ns = 0
    while history is None or now_ns - first_ns < seconds * 1e9:
        try:
            frame = source.read(_READ_S)
        except SourceEnded:
            break
        now_ns = frame.timestamp_ns
        if history is None:
            height, width = frame.luma.shape
            history, first_ns = FrameHistory(height, width, source.info.fps), now_ns
        history.observe(frame, source.counts)
    return history.report(now_ns, source.counts, at_once=True) if history is not None else None


def check_frames(config: Config, open_camera: Callable[[Config], FrameSource] | None = None) -> Finding:
    """Look through the camera for two seconds; a recording is not looked at."""
    if parse_camera(config.capture.camera).kind in ("file", "demo"):
        return Finding("ok", "a recording; its own times count")
    if open_camera is None:
        from edge import app

        open_camera = app.open_camera
    try:
        source = open_camera(config)
    except (DeviceAbsent, MissingExtra):  # the line above says so
        return Finding("unknown", "no camera to look through")
    try:
        report = look_at(source)
    finally:
        source.close()
    if report is None:
        return Finding("warn", "the camera sent no frame", "plug it in again")
    found = frames_in_words(report, source.info)
    wrong = shortcomings(report, source.info, config.spot.shortest_ms)
    return Finding("warn", found, wrong[0].fix) if wrong else Finding("ok", found)
