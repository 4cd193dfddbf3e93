"""What `run` and `demo` share: options of a session, faces as they come, the line at the end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from edge.capture.spec import parse_camera
from edge.commands.context import Context
from edge.config import Config, with_overrides
from edge.confine import confine
from edge.errors import ConfigError, UsageError
from edge.messages import Event, FaceFound, FaceLost
from edge.pipeline import Outcome


def add_session_options(parser: argparse.ArgumentParser) -> None:
    """Options of everything that watches."""
    parser.add_argument(
        "--fps", type=float, metavar="N", help="frames per second; for a file: read it as if recorded so"
    )
    parser.add_argument("--led", metavar="LED", help="auto, gpio:N, rgb:R,G,B, terminal or none")
    parser.add_argument("--participant", metavar="CODE", help="a code for the person, never a name")
    parser.add_argument("--duration", type=seconds, metavar="S", help="end after so many seconds")
    parser.add_argument(
        "--faces", type=int, metavar="N", help="how many faces to follow (default: the largest)"
    )
    parser.add_argument("--realtime", action="store_true", default=None, help="play a file at its own pace")


def config_with_options(config: Config, args: argparse.Namespace, camera: str | None) -> Config:
    """The settings with the command line on top; a command need not have every option.

    Raises
    ------
    UsageError
        An option is out of range; the sentence names it as it was typed.
    """
    for option, section, key in (
        ("--camera", "capture", "camera"),
        ("--fps", "capture", "fps"),
        ("--realtime", "capture", "realtime"),
        ("--faces", "perceive", "faces"),
        ("--led", "indicate", "led"),
        ("--participant", "session", "participant"),
    ):
        value = camera if key == "camera" else getattr(args, key, None)
        try:
            config = with_overrides(config, {section: {key: value}})
            if key == "camera" and value is not None:
                parse_camera(value)
        except ConfigError as error:
            raise UsageError(f"{option} {str(error).removeprefix(f'{section}.{key} ')}") from error
    return config


def teller(context: Context) -> Callable[[float, Event], None]:
    """A function that says on standard error when a face comes or goes."""
    silent = context.verbosity < 0 or context.json
    clear = "\r\x1b[K" if sys.stderr.isatty() else ""

    def tell(seconds: float, event: Event) -> None:
        if isinstance(event, FaceFound | FaceLost) and not silent:
            word = "found" if isinstance(event, FaceFound) else "lost"
            print(f"{clear}face {word} at {seconds:.2f} s", file=sys.stderr)

    return tell


def warner(context: Context) -> Callable[[str], None]:
    """A function that says on standard error what frames fall short of; silent as `teller`."""
    clear = "\r\x1b[K" if sys.stderr.isatty() else ""

    def warn(sentence: str) -> None:
        if context.verbosity >= 0 and not context.json:
            print(f"{clear}microcue: {sentence}", file=sys.stderr)

    return warn


def confined(context: Context) -> None:
    """Take the internet away before a camera is opened, and say so where that cannot be done."""
    if unconfined := confine():
        warner(context)(unconfined)


def summary(session_id: str, outcome: Outcome) -> str:
    """The session in one or two lines for people."""
    watched = f"{outcome.n_frames} frames in {outcome.seconds:.1f} s at {outcome.fps:.1f} fps"
    if outcome.first_face_s is None:
        return (
            f"Session {session_id}: {watched}, and no face in any of them; it should be lit from the front, "
            "look towards the camera and be at least 60 px wide."
        )
    share = outcome.n_face_frames / max(outcome.n_frames, 1)
    parts = [
        _counted(outcome.n_micro, "micro cue"),
        _counted(outcome.n_macro, "macro cue"),
        _counted(outcome.n_blinks, "blink"),
        f"face followed in {share:.0%} of {watched}",
    ]
    if outcome.n_missing:
        parts.append(f"{_counted(outcome.n_missing, 'frame')} missing")
    if outcome.n_repeated:
        parts.append(f"{_counted(outcome.n_repeated, 'frame')} repeated")
    if outcome.n_lost or outcome.n_corrupt:
        lost, damaged = _counted(outcome.n_lost, "frame"), _counted(outcome.n_corrupt, "packet")
        parts.append(f"{lost} lost and {damaged} damaged at the source")
    if outcome.n_mended_times:
        parts.append(f"{_counted(outcome.n_mended_times, 'timestamp')} mended")
    if outcome.n_restarts:
        parts.append(f"camera restarted {_counted(outcome.n_restarts, 'time')}")
    if outcome.n_exposure_changes:
        parts.append(f"{_counted(outcome.n_exposure_changes, 'change')} of exposure")
    if outcome.n_light_steps:
        parts.append(f"{_counted(outcome.n_light_steps, 'step')} of light")
    if outcome.lamp_hz is not None:
        parts.append(f"{outcome.lamp_hz:.0f} Hz light flickering at {outcome.flicker_hz:.1f} Hz")
    text = f"Session {session_id}: {', '.join(parts)}."
    if not outcome.has_learned:
        text += (
            "\nThis was too short to learn the person's baseline (spot.learning_s), so no cue could be found."
        )
    return text


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def seconds(text: str) -> float:
    """A duration on the command line, s."""
    try:
        duration_s = float(text)
    except ValueError:
        duration_s = -1.0
    if not 0 < duration_s < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} should be a number of seconds above 0")
    return duration_s
