"""Puts a session together: the one place that names drivers and knows every stage."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from edge import ahead
from edge.capture.errors import CameraAbsent
from edge.capture.picamera2_view import Box, FindFace, Luma
from edge.capture.source import FrameSource
from edge.capture.spec import CameraSpec, parse_camera
from edge.config import CaptureConfig, Config, PerceiveConfig
from edge.confine import confine
from edge.health.board import Board
from edge.health.monitor import HealthMonitor
from edge.health.state_file import StateFile
from edge.indicate.indicator import Indicator, IndicatorGroup
from edge.indicate.opening import open_button, open_indicator, open_light, players_of
from edge.kiosk import Kiosk, check_kiosk, is_kiosk, require_light
from edge.lit_source import LitSource
from edge.live.file import LiveFile
from edge.live.publisher import LivePublisher
from edge.live.values import LiveValues
from edge.live.wishes import WishListener
from edge.messages import Event
from edge.perceive.detector import FaceDetector
from edge.perceive.finder import FaceFinder, SessionFinder
from edge.perceive.models import LoadedModel
from edge.perceive.same_person import SamePerson
from edge.pipeline import Outcome
from edge.proof.process import disk_swap, swap_limit
from edge.record.pictures import PicturesRefused
from edge.record.recorder import Recorder
from edge.record.writer import NewestWriter
from edge.service import StopRequest, forbid_core_dumps, is_journalled
from edge.session_control import SessionControl, Turns
from edge.supervision import SignsOfLife, Supervised
from edge.track.points import N_POINTS
from edge.watching import SessionClock, Watching

log = logging.getLogger(__name__)

_WRITTEN_WITHIN_S = 5.0  # after a session's end; the unit has ten until systemd kills it
_SWAPPED = (
    "pictures of the last seconds stand in memory until a cue is over, and this machine may swap memory to "
    "{areas}; swapoff -a, use zram, or run microcue as a service"
)


def open_source(config: CaptureConfig, find_face: FindFace | None = None) -> FrameSource:
    """Open the camera or file that the settings name.

    Parameters
    ----------
    config : CaptureConfig
    find_face : callable, optional
        For cameras whose light is metered on a face: given luma, the box of the largest or None.

    Raises
    ------
    CaptureError, DeviceAbsent, Picamera2Missing, GStreamerMissing, MissingExtra
    """
    spec = parse_camera(config.camera)
    if spec.kind == "auto":
        spec = _attached_camera()
    if spec.kind == "file":
        if Path(spec.where).is_dir():
            from edge.capture.pictures import PictureSequenceSource

            return PictureSequenceSource(Path(spec.where), config.fps, config.realtime)
        from edge.capture.file import FileSource

        return FileSource(Path(spec.where), config.fps, config.realtime)
    if spec.kind == "demo":
        from edge.capture.file import FileSource
        from edge.synth.demo import demo_clip

        return FileSource(demo_clip()[0], config.fps, config.realtime)
    if spec.kind == "v4l2":
        from edge.capture.v4l2 import V4L2Source

        mains_hz = int(config.mains) if config.mains.isdecimal() else 0
        finder = find_face if config.meter_face else None
        return V4L2Source(spec.where, config.width, config.height, config.fps, mains_hz, finder)
    if spec.kind == "picamera2":
        return _ribbon_camera(int(spec.where), config, find_face)
    from edge.capture.gstreamer import GStreamerSource

    return GStreamerSource(spec.where)


def _ribbon_camera(number: int, config: CaptureConfig, find_face: FindFace | None) -> FrameSource:
    from edge.capture.picamera2 import Picamera2Source
    from edge.capture.picamera2_view import Orientation

    return Picamera2Source(
        *(number, config.width, config.height, config.fps),
        orientation=Orientation(config.turn_deg, config.mirror),
        find_face=find_face,
        meter_face=config.meter_face,
        zoom_to_face=config.zoom_to_face,
    )


def face_box_finder(config: PerceiveConfig) -> FindFace:
    """Finds the box of the largest face, px; loads the detector at the first call, on the caller's thread."""
    detectors: list[FaceDetector] = []

    def find_face(luma: Luma) -> Box | None:
        if not detectors:
            model = LoadedModel(config.detector, "detector", config.n_threads, config.runtime)
            detectors.append(FaceDetector(model))
        found = detectors[0].find(luma, config.detection_min)
        left, top, right, bottom = found[0].box.tolist() if found else (0.0, 0.0, 0.0, 0.0)
        return (left, top, right, bottom) if found else None

    return find_face


def _attached_camera() -> CameraSpec:
    """A camera on the ribbon connector first: it is the faster one, and its nodes look like USB's."""
    from edge.capture.picamera2 import find_ribbon_cameras
    from edge.capture.v4l2_finding import find_cameras

    if ribbon := find_ribbon_cameras():
        return parse_camera(ribbon[0].device)
    cameras = find_cameras()
    if not cameras:
        raise CameraAbsent("auto", "no camera is attached")
    return CameraSpec("v4l2", cameras[0].device)


def open_camera(config: Config, find_face: FindFace | None = None) -> FrameSource:
    """As `open_source`, with the light of `indicate.camera_led` on for as long as a camera is open.

    Raises
    ------
    CaptureError, ConfigError, DeviceAbsent, IndicateError, Picamera2Missing, GStreamerMissing, MissingExtra
    """
    require_light(config)
    is_recording = parse_camera(config.capture.camera).kind in ("file", "demo")
    if is_recording or not config.indicate.camera_led:
        return open_source(config.capture, find_face)
    light = open_light(config.indicate.camera_led, what="the camera's light")
    return LitSource(light, partial(open_source, config.capture, find_face))


def run_sessions(
    config: Config,
    data_dir: Path,
    duration_s: float = 0.0,
    tell: Callable[[float, Event], None] = lambda _seconds, _event: None,
    warn: Callable[[str], None] = log.warning,
    marks: Sequence[tuple[float, str]] = (),
    source: FrameSource | None = None,
) -> Iterator[tuple[str, Outcome]]:
    """Watch until the source ends, someone asks to stop or the time is up.

    A pause by the button closes the camera and ends the session; going on begins another, with a new
    baseline, for whoever sits there then. So does each visitor of a kiosk who agrees (`edge/kiosk.py`).

    Parameters
    ----------
    config : Config
    data_dir : Path
    duration_s : float
        Of the frames' own time, pauses left out; 0 for no end.
    tell : callable
        Given every event as it is logged, and its time since the session's first frame, s.
    warn : callable
        Given a sentence where frames fall short of what was asked for; each kind once a session.
    marks : sequence of (float, str)
        Known beforehand: s since the first frame of all, and words.
    source : FrameSource, optional
        Watched first instead of the camera that the settings name, and closed at the end.

    Yields
    ------
    session_id, outcome
        When the session has ended, the camera is closed and the log has it; at least one.

    Raises
    ------
    EdgeError
        Whatever made it impossible; what was logged until then is kept.
    """
    if config.record.pictures and config.perceive.faces > 1:
        raise PicturesRefused(f"perceive.faces is {config.perceive.faces}")
    forbid_core_dumps()
    if unconfined := confine():
        warn(unconfined)
    if refusal := ahead.build().refusal:
        warn(refusal)
    find_face = face_box_finder(config.perceive)
    with ExitStack() as stack:
        camera = stack.enter_context(ExitStack())
        if is_kiosk(config):
            _prepare_kiosk(config, source)
        else:
            source = source or open_camera(config, find_face)
            camera.callback(source.close)
        recorder = Recorder.open(data_dir, config.record, N_POINTS)
        stack.callback(recorder.close)
        clock = SessionClock()
        health = HealthMonitor(Board(data_dir), StateFile(data_dir), [NewestWriter(recorder)], warn)
        led = open_indicator(config.indicate, clock.text, not is_read_along(config), health.cue_to_pin)
        indicator = IndicatorGroup([led, live := LiveValues(N_POINTS)])
        stack.callback(indicator.close)
        health.workers += players_of(indicator)
        stop = stack.enter_context(StopRequest())
        turns, finder = _turns(config, data_dir, recorder, indicator, stop, health, warn)
        wishes = _wishes(config, data_dir, source, turns, health, stack)
        stack.callback(_publish(live, health, wishes).close)
        stack.callback(health.start().close)
        signs = SignsOfLife()
        stack.enter_context(Supervised(lambda: signs.n, signs.text))
        while (turn := turns.next_turn(signs.add)) is not None:
            if source is None:
                source = open_camera(config, find_face)
                camera.callback(source.close)
            outlives = (recorder, clock, indicator, finder, stop, turns, signs, health, unconfined, live)
            session_id, outcome = Watching(turn, *outlives).run(source, duration_s, tell, warn, marks)
            _settle(camera, recorder)
            turns.ended(outcome.reason)
            yield session_id, outcome
            duration_s = max(duration_s - outcome.seconds, 1e-3) if duration_s else 0.0
            marks, source = (), None


def _settle(camera: ExitStack, recorder: Recorder) -> None:
    """Have no camera open, and the session on the disk; where it is refused, closing the log says why."""
    camera.close()
    if recorder.fault is None:
        recorder.flush(_WRITTEN_WITHIN_S)


def _wishes(
    config: Config,
    data_dir: Path,
    source: FrameSource | None,
    turns: Turns,
    health: HealthMonitor,
    stack: ExitStack,
) -> Callable[[], None]:
    """Open the button, and give what listens for wishes from elsewhere; nobody can pause a recording."""
    if source is not None and not source.info.live:
        return lambda: None
    if config.session.button:
        health.workers.append(button := open_button(config.session.button, turns.act))
        stack.callback(button.close)
    return WishListener(data_dir, turns.pause)


def _publish(values: LiveValues, health: HealthMonitor, listen: Callable[[], None]) -> LivePublisher:
    """Show the run to who looks."""
    publisher = LivePublisher(values, LiveFile(), listen)
    health.live_file = str(publisher.path or "")
    health.workers.append(publisher)
    return publisher.start()


def is_read_along(config: Config) -> bool:
    """Whether others than the person watched read what is printed: at a kiosk, or later in the journal."""
    return is_kiosk(config) or is_journalled()


def _prepare_kiosk(config: Config, source: FrameSource | None) -> None:
    """Refuse what nobody should be watched under, and see now that the camera's light can be driven."""
    check_kiosk(config, is_open=source is not None)
    if config.indicate.camera_led:
        open_light(config.indicate.camera_led, what="the camera's light").close()


def _turns(
    config: Config,
    data_dir: Path,
    recorder: Recorder,
    indicator: Indicator,
    stop: StopRequest,
    health: HealthMonitor,
    warn: Callable[[str], None],
) -> tuple[Turns, SessionFinder]:
    """Who is watched when, and what finds their faces."""
    finder = FaceFinder(config.perceive)
    if is_kiosk(config):
        person = SamePerson(finder)
        return Kiosk(config, data_dir, recorder, indicator, stop, person, tell=health.dismiss), person
    recorder.keep_within_consent(config.session.participant, config.session.consent_required)
    if recorder.pictures is not None and (areas := disk_swap()) and swap_limit() != "0":
        warn(_SWAPPED.format(areas=", ".join(areas)))
    return SessionControl(config, indicator, stop), finder


def run_session(
    config: Config,
    data_dir: Path,
    duration_s: float = 0.0,
    tell: Callable[[float, Event], None] = lambda _seconds, _event: None,
    warn: Callable[[str], None] = log.warning,
    marks: Sequence[tuple[float, str]] = (),
    source: FrameSource | None = None,
) -> tuple[str, Outcome]:
    """As `run_sessions`, to the end; the last session's id and outcome."""
    *_, last = run_sessions(config, data_dir, duration_s, tell, warn, marks, source)
    return last
