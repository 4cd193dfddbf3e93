"""Whether a face is well in view, judged line by line, with advice in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from edge.frame_advice import Shortcoming, shortcomings
from edge.messages import FrameReport, SourceInfo
from edge.perceive.face_picture import FacePicture

# recall falls at 120 px (docs/accuracy.md), and below 60 the models lose the face
WIDTH_MIN_PX, WIDTH_GOOD_PX = 60.0, 120.0
_ROOM, _ROOM_LEAST = 0.2, 0.05  # around the face, in face widths: heads move
_LEVEL_FAIL, _LEVEL_LOW, _LEVEL_HIGH = 30.0, 60.0, 200.0
_CLIPPED, _CLIPPED_FAIL = 0.02, 0.2
_ONE_SIDED = 1.6
_SOFT, _BLURRED = 0.8, 0.9
_NOISY = 6.0  # grey levels: what docs/accuracy.md calls noisy
_FRAMES = ("rate", "short movements", "missing", "repeated", "uneven")


class Line(NamedTuple):
    """One line of the framing assistant; `advice` is empty where nothing need be done."""

    name: str
    level: Literal["ok", "warn", "fail", "unknown"]
    found: str
    advice: str = ""


def judged(face: FacePicture | None, report: FrameReport, info: SourceInfo, shortest_ms: float) -> list[Line]:
    """Every line, in the order in which to put things right.

    Parameters
    ----------
    face : FacePicture or None
        None where no face is seen.
    report : FrameReport
        Of the last second or so.
    shortest_ms : float
        The shortest movement asked for.
    """
    told = {one.name: one for one in shortcomings(report, info, shortest_ms)}
    if face is None:
        picture_light = told.get("light")
        advice = f"look towards the camera{f', {picture_light.fix}' if picture_light else ''}"
        lines = [Line("face", "fail", "none found", advice)]
        lines += [Line(name, "unknown", "") for name in ("size", "place", "light", "sharp")]
    else:
        lines = [Line("face", "ok", "found"), _size(face), _place(face), _light(face), _sharp(face)]
    return [*lines, *_of_frames(report, info, told)]


def _size(face: FacePicture) -> Line:
    found = f"{face.width_px:.0f} px wide"
    if face.width_px >= WIDTH_GOOD_PX:
        return Line("size", "ok", found)
    share = face.width_px / WIDTH_GOOD_PX
    advice = f"come closer, to {share:.1f} of the distance, or zoom in: {WIDTH_GOOD_PX:.0f} px are needed"
    return Line("size", "warn" if face.width_px >= WIDTH_MIN_PX else "fail", found, advice)


def _place(face: FacePicture) -> Line:
    """Which way to go: directions are the person's own, and say what to do with the camera too."""
    room = {
        "move to your own left, or turn the camera to its left": face.left_px,
        "move to your own right, or turn the camera to its right": face.right_px,
        "sit lower, or tilt the camera up": face.top_px,
        "sit higher, or tilt the camera down": face.bottom_px,
    }
    advice, least_px = min(room.items(), key=lambda item: item[1])
    least = least_px / face.width_px
    across = face.left_px + face.right_px, face.top_px + face.bottom_px
    off = max(abs(face.left_px - face.right_px) / 2, abs(face.top_px - face.bottom_px) / 2) / face.width_px
    found = "in the middle" if off < _ROOM else f"{off:.1f} face widths off the middle"
    if least >= _ROOM:
        return Line("place", "ok", found)
    # centring would not give it room enough
    if min(across) / 2 < _ROOM * face.width_px and off < _ROOM:
        advice = "move back a little, or zoom out"
    found += f", {max(least_px, 0.0):.0f} px from the edge"
    return Line("place", "warn" if least > _ROOM_LEAST else "fail", found, advice)


def _light(face: FacePicture) -> Line:
    found = f"face {face.level:.0f} of 255, {face.clipped_share:.0%} clipped"
    if face.level < _LEVEL_LOW:
        return Line(
            "light", "fail" if face.level < _LEVEL_FAIL else "warn", found, "more light from the front"
        )
    if face.level > _LEVEL_HIGH or face.clipped_share > _CLIPPED:
        level: Literal["warn", "fail"] = "fail" if face.clipped_share > _CLIPPED_FAIL else "warn"
        return Line("light", level, found, "less light, or light that is spread, as through a curtain")
    if face.side_ratio > _ONE_SIDED:
        found += f", one side {face.side_ratio:.1f} times the other"
        return Line("light", "warn", found, "light from the front instead of the side")
    return Line("light", "ok", found)


def _sharp(face: FacePicture) -> Line:
    found = f"blur {face.blur:.2f}, noise {face.noise_levels:.1f}"
    if face.blur > _SOFT:
        level: Literal["warn", "fail"] = "fail" if face.blur > _BLURRED else "warn"
        return Line("sharp", level, found, "focus the lens on the eyes, clean it, or expose for less time")
    if face.noise_levels > _NOISY:
        return Line("sharp", "warn", found, "more light: the camera amplifies what little it gets")
    return Line("sharp", "ok", found)


def _of_frames(report: FrameReport, info: SourceInfo, told: dict[str, Shortcoming]) -> Iterator[Line]:
    of = f" of {info.fps:.0f}" if info.fps else ""
    found = f"{report.fps:.1f} frames/s{of}, {report.n_missing} missing, {report.n_repeated} repeated"
    first = next((told[name] for name in _FRAMES if name in told), None)
    if first is None:
        yield Line("rate", "ok", found)
    else:
        counted = first.name in ("rate", "missing", "repeated")  # and so in `found`
        yield Line("rate", "warn", found, first.fix if counted else f"{first.found}; {first.fix}")
    steady = next((told[name] for name in ("flicker", "exposure", "light steps") if name in told), None)
    if steady is None:
        yield Line("steady light", "ok", "no flicker, no steps")
    else:
        yield Line("steady light", "warn", steady.found, steady.fix)
