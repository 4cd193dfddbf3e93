"""What is wrong with a camera's frames, in words, and what helps: for `doctor`, `aim` and `run`."""

from __future__ import annotations

from typing import NamedTuple

from edge.messages import FrameReport, SourceInfo
from edge.spot.cadence import FRAMES_NEEDED

DARK, BRIGHT = 50.0, 210.0  # of 255, the mean: below and above it skin has little texture left
_RATE_SHARE = 0.9  # of what was promised
_MANY = 0.01  # of the frames
_UNEVEN = 0.1  # of the interval: as much as UVC cameras were seen to jitter


class Shortcoming(NamedTuple):
    """One thing that is wrong with frames; `name` is the same whenever it comes back."""

    name: str
    found: str
    fix: str


def frames_in_words(report: FrameReport, info: SourceInfo) -> str:
    """All that was measured, in one line."""
    of = f" of {info.fps:.1f}" if info.fps else ""
    parts = [
        f"{report.fps:.1f} frames/s{of}",
        f"{info.timestamps} times",
        f"jitter {report.jitter_ms:.2f} ms",
        f"{report.n_missing} missing",
        f"{report.n_repeated} repeated",
        f"light {report.light_level:.0f} of 255",
    ]
    if report.n_exposure_changes or report.n_light_steps:
        parts.append(
            f"{report.n_exposure_changes} changes of exposure, {report.n_light_steps} steps of light"
        )
    if report.lamp_hz is not None:
        parts.append(f"flicker of {report.lamp_hz:.0f} Hz light shows at {report.flicker_hz:.1f} Hz")
    return ", ".join(parts)


def shortcomings(report: FrameReport, info: SourceInfo, shortest_ms: float) -> list[Shortcoming]:
    """What is wrong, the cause of others first; empty where all is well.

    Parameters
    ----------
    shortest_ms : float
        The shortest movement asked for (`spot.shortest_ms`).
    """
    return [*_of_light(report), *_of_time(report, info, shortest_ms), *_of_steadiness(report)]


def slow_rate(fps: float, shortest_ms: float) -> str:
    """Why a frame rate is too low for the shortest movement asked for; empty where it is not."""
    if not fps or FRAMES_NEEDED * 1e3 / fps <= 1.005 * shortest_ms:
        return ""
    return (
        f"{fps:.3g} frames a second show movements of about {FRAMES_NEEDED * 1e3 / fps:.0f} ms and longer; "
        f"{shortest_ms:.0f} ms, as spot.shortest_ms asks, take {FRAMES_NEEDED * 1e3 / shortest_ms:.0f}"
    )


def _of_light(report: FrameReport) -> list[Shortcoming]:
    if report.light_level < DARK:
        return [Shortcoming("light", f"light {report.light_level:.0f} of 255", "more light from the front")]
    if report.light_level > BRIGHT:
        return [Shortcoming("light", f"light {report.light_level:.0f} of 255", "less light")]
    return []


def _of_time(report: FrameReport, info: SourceInfo, shortest_ms: float) -> list[Shortcoming]:
    found = []
    made_fps = report.fps * (1 + report.n_missing / max(report.n_frames, 1))
    if info.live and info.fps and made_fps < _RATE_SHARE * info.fps:
        slow = f"{report.fps:.1f} frames/s of {info.fps:.1f}"
        fix = "more light (cameras slow down in the dark), or another size or --fps"
        found.append(Shortcoming("rate", slow, fix))
    if sentence := slow_rate(made_fps, shortest_ms):
        found.append(Shortcoming("short movements", sentence, "a faster camera or mode: `microcue cameras`"))
    if report.n_missing > _MANY * report.n_frames:
        missing = f"{report.n_missing} of {report.n_missing + report.n_frames} frames missing"
        found.append(
            Shortcoming("missing", missing, "close other programs, or ask for fewer frames with --fps")
        )
    if report.n_repeated > _MANY * report.n_frames:
        repeated = f"{report.n_repeated} of {report.n_frames} frames repeat the one before"
        found.append(Shortcoming("repeated", repeated, "ask for a rate that the camera really has"))
    if report.jitter_ms * report.fps > 1e3 * _UNEVEN:
        uneven = f"frames come unevenly, by {report.jitter_ms:.1f} ms of {1e3 / report.fps:.1f}"
        found.append(
            Shortcoming("uneven", uneven, "another cable or port; a camera that stamps frames itself")
        )
    return found


def _of_steadiness(report: FrameReport) -> list[Shortcoming]:
    found = []
    if report.lamp_hz is not None:
        lamp = f"flicker of {report.lamp_hz:.0f} Hz light shows at {report.flicker_hz:.1f} Hz"
        fix = f"daylight, a lamp on direct current, or --fps {_steady_rate(report):.0f}, which divides it"
        found.append(Shortcoming("flicker", lamp, fix))
    if report.n_exposure_changes:
        changes = f"exposure changed {_times(report.n_exposure_changes)} though it was locked"
        found.append(Shortcoming("exposure", changes, "steadier light; another program may be changing it"))
    elif report.n_light_steps and report.lamp_hz is None:
        steps = f"the light stepped {_times(report.n_light_steps)} by more than 2 %"
        found.append(Shortcoming("light steps", steps, "lock the exposure, and switch no lamp"))
    return found


def _steady_rate(report: FrameReport) -> float:
    """The rate nearest to the present one at which the lamp's flicker stands still."""
    lamp_hz = report.lamp_hz or 0.0
    return min((lamp_hz / n for n in range(1, 6)), key=lambda fps: abs(fps - report.fps))


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"
