"""Settings: one TOML file, one frozen dataclass per section, unknown keys refused."""

from __future__ import annotations

import sys
import types
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import platformdirs

from edge.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SYSTEM_FILE = Path("/etc/microcue/microcue.toml")
_Section = TypeVar("_Section")


@dataclass(frozen=True, slots=True)
class CaptureConfig:
    """Where frames come from."""

    camera: str = "auto"  # auto, v4l2:/dev/videoN, file:PATH, demo
    fps: float = 0.0  # asked of a camera; for a file: read it as if recorded at this rate; 0 as it is
    width: int = 640
    height: int = 480
    realtime: bool = False


@dataclass(frozen=True, slots=True)
class PerceiveConfig:
    """The face models, on key frames."""

    runtime: str = "auto"  # auto, litert, tflite
    detector: str = "face_detection_int8"
    landmarks: str = "face_landmark_int8"
    faces: int = 1
    n_threads: int = 1
    presence_min: float = 0.5
    detection_min: float = 0.5


@dataclass(frozen=True, slots=True)
class TrackConfig:
    """How often the landmark model is asked, and when a patch counts as lost."""

    key_frames_max_hz: float = 10.0
    key_frames_steady_hz: float = 2.0
    correlation_min: float = 0.7


@dataclass(frozen=True, slots=True)
class SpotConfig:
    """How many false cues the user accepts, and how long the person is learned."""

    accepted_false_per_hour: float = 6.0
    learning_s: float = 3.0
    macro: bool = True


@dataclass(frozen=True, slots=True)
class RecordConfig:
    """What is kept."""

    signals: bool = True
    traces: bool = True


@dataclass(frozen=True, slots=True)
class IndicateConfig:
    """How it is shown."""

    led: str = "auto"  # auto, gpio:N, rgb:R,G,B, terminal, none
    flagged_cues: bool = False  # also show cues during a blink or speech


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """Who is watched."""

    participant: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """All sections."""

    capture: CaptureConfig = field(default_factory=CaptureConfig)
    perceive: PerceiveConfig = field(default_factory=PerceiveConfig)
    track: TrackConfig = field(default_factory=TrackConfig)
    spot: SpotConfig = field(default_factory=SpotConfig)
    record: RecordConfig = field(default_factory=RecordConfig)
    indicate: IndicateConfig = field(default_factory=IndicateConfig)
    session: SessionConfig = field(default_factory=SessionConfig)
