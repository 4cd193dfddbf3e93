"""What `--camera` may say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.errors import ConfigError

CameraKind = Literal["auto", "picamera2", "v4l2", "gst", "file", "demo"]

_FORMS = "auto, picamera2[:N], v4l2:/dev/videoN, gst:PIPELINE, file:PATH or demo"


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """A camera setting taken apart.

    Attributes
    ----------
    kind : str
    where : str
        Device node, pipeline, path, or number of the camera; empty for `auto` and `demo`.
    """

    kind: CameraKind
    where: str = ""


def parse_camera(text: str) -> CameraSpec:
    """Take a camera setting apart; the bare path of an existing file or folder means `file:`.

    Raises
    ------
    ConfigError
        It has none of the forms.
    """
    kind, colon, where = text.strip().partition(":")
    if kind in ("auto", "demo") and not colon:
        return CameraSpec("auto" if kind == "auto" else "demo")
    if kind == "picamera2" and (not colon or where.isdecimal()):
        return CameraSpec("picamera2", where or "0")
    if kind == "v4l2" and where.startswith("/dev/"):
        return CameraSpec("v4l2", where)
    if kind == "v4l2" and where.isdecimal():
        return CameraSpec("v4l2", f"/dev/video{where}")
    if kind == "gst" and where.strip():
        return CameraSpec("gst", where.strip())
    if kind == "file" and where:
        return CameraSpec("file", where)
    if text.startswith("/dev/video"):
        return CameraSpec("v4l2", text)
    if text and (Path(text).is_file() or Path(text).is_dir()):
        return CameraSpec("file", text)
    raise ConfigError(f"capture.camera expects {_FORMS}, found {text!r}; for a video file write file:PATH")
