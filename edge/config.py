"""Settings: one TOML file, one frozen dataclass per section, unknown keys refused.

The first file found counts, whole: `--config`, then the person's own, then the machine's.
Nothing is merged, so that what a file says is what is used. Every setting carries its sentence
and its range beside its default; `microcue config` prints both.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeAlias

import platformdirs

from edge.errors import ConfigError
from edge.setting import Setting, nearest, read_section, setting

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SYSTEM_FILE = Path("/etc/microcue/microcue.toml")
FILE_NAME = "microcue.toml"
FILE_MAX_BYTES = 1_000_000  # all settings fit in 6 kB; this is another file under our name

Overrides: TypeAlias = Mapping[str, Mapping[str, object]]


# gpiod:CHIP:LINE is a line of /dev/gpiochipCHIP, for boards that gpiozero does not know
_ONE_PIN = r"gpio:\d{1,3}|gpiod:\d{1,2}:\d{1,3}"
_THREE_PINS = r"(rgb|gpiod:\d{1,2}):\d{1,3},\d{1,3},\d{1,3}"
LED_PATTERN = rf"auto|terminal|none|{_ONE_PIN}|{_THREE_PINS}"
PIN_PATTERN = rf"({_ONE_PIN})?"
_HOUR = r"([01]\d|2[0-3]):[0-5]\d"


@dataclass(frozen=True, slots=True)
class CaptureConfig:
    """Where frames come from."""

    camera: str = setting(
        "auto", "auto, picamera2[:N], v4l2:/dev/videoN, gst:PIPELINE, file:PATH or demo", pattern=r"(?s).+"
    )
    fps: float = setting(
        0.0,
        "frames per second asked of a camera; a file is read as if recorded so; 0: as it comes",
        low=0,
        high=1000,
    )
    width: int = setting(640, "picture width asked of a camera, px", low=16, high=8192)
    height: int = setting(480, "picture height asked of a camera, px", low=16, high=8192)
    mains: str = setting(
        "unknown",
        "frequency of the mains that lamps flicker with, Hz; for a USB camera's anti-flicker",
        choices=("unknown", "50", "60"),
    )
    turn_deg: int = setting(
        0,
        "degrees clockwise until the picture stands upright (picamera2 only; a file says so itself)",
        low=0,
        high=270,
        choices=(0, 90, 180, 270),
    )
    mirror: bool = setting(False, "the upright picture is mirrored, left for right (picamera2 only)")
    meter_face: bool = setting(
        True, "expose for the face that is seen first, not for the whole picture (not for gst:)"
    )
    zoom_to_face: bool = setting(
        False, "crop the sensor to the face that is there at the start (picamera2 only)"
    )
    realtime: bool = setting(False, "play a file at its own pace instead of as fast as it goes")


@dataclass(frozen=True, slots=True)
class PerceiveConfig:
    """The face models, on key frames."""

    runtime: str = setting("auto", "which interpreter runs the models", choices=("auto", "litert", "tflite"))
    detector: str = setting(
        "face_detection_int8", "face detector, a file name in models/", pattern=r"[\w.-]+"
    )
    landmarks: str = setting(
        "face_landmark_int8", "landmark model, a file name in models/", pattern=r"[\w.-]+"
    )
    faces: int = setting(
        1, "faces followed, the largest first; others are not tracked or logged", low=1, high=4
    )
    n_threads: int = setting(1, "threads of the interpreter", low=1, high=16)
    presence_min: float = setting(0.5, "below this the landmark model has lost the face", low=0, high=1)
    detection_min: float = setting(0.5, "below this the detector has not found one", low=0, high=1)


@dataclass(frozen=True, slots=True)
class TrackConfig:
    """How often the landmark model is asked, and when a patch counts as lost."""

    key_frames_max_hz: float = setting(10.0, "key frames a second while the head moves", low=0.1, high=60)
    key_frames_steady_hz: float = setting(1.0, "key frames a second on a steady head", low=0.1, high=60)
    correlation_min: float = setting(0.7, "a patch that matches its template less is lost", low=0, high=1)


@dataclass(frozen=True, slots=True)
class SpotConfig:
    """How many false cues the user accepts, and how long the person is learned."""

    accepted_false_per_hour: float = setting(
        6.0, "cues an hour that chance alone may make", low=0.01, high=3600
    )
    learning_s: float = setting(
        3.0, "seconds of the person's own baseline before the first cue", low=0.5, high=60
    )
    macro: bool = setting(True, "also look for movements of 0.5 to 4 s")
    shortest_ms: float = setting(
        40.0,
        "the shortest movement asked for; a frame rate that cannot show it is warned of",
        low=5,
        high=4000,
    )


@dataclass(frozen=True, slots=True)
class RecordConfig:
    """What is kept."""

    signals: bool = setting(True, "keep the movement signals, so that spotting can run again")
    traces: bool = setting(True, "keep the tracked points around each cue, for replay without a picture")
    pictures: bool = setting(
        False, "keep pictures of the face around each cue, encrypted; only with a consent to them"
    )
    pictures_to: str = setting(
        "",
        "public keys that pictures are encrypted to (microcue key), with a space between two",
        pattern=r"(age1[0-9a-z]{58}( age1[0-9a-z]{58})*)?",
    )
    backup_hours: float = setting(
        24.0, "a camera's run copies the log so often, checked, into backups/; 0: never", low=0, high=8760
    )
    keep_days: float = setting(
        0.0, "sessions older than this are deleted, unless kept; 0: never", low=0, high=36500
    )
    keep_gb: float = setting(
        0.0, "the oldest are deleted where log and backup take more than this; 0: never", low=0, high=1e6
    )
    keep_sessions: int = setting(
        0, "only so many of the newest sessions stay; kept ones are not counted; 0: all", low=0, high=10**6
    )


@dataclass(frozen=True, slots=True)
class IndicateConfig:
    """How it is shown."""

    led: str = setting(
        "auto",
        "auto, gpio:N, rgb:R,G,B (BCM numbers), gpiod:CHIP:N, gpiod:CHIP:R,G,B, terminal or none",
        pattern=LED_PATTERN,
    )
    flagged_cues: bool = setting(False, "also show cues during a blink or speech")
    led_cues: bool = setting(
        True, "pulse an LED on pins at each cue; false where the person watched is not to see that"
    )
    brightness_percent: int = setting(
        100, "of an LED on gpio or rgb pins; below 100 it is dimmed", low=1, high=100
    )
    quiet_hours: str = setting(
        "",
        "such as 22:00-07:00, local time: no beep, and the LED shows faults and pauses only; empty: never",
        pattern=rf"({_HOUR}-{_HOUR})?",
    )
    buzzer: str = setting(
        "", "gpio:N or gpiod:CHIP:N for a buzzer that beeps at a cue; empty for none", pattern=PIN_PATTERN
    )
    marker: str = setting(
        "",
        "gpio:N or gpiod:CHIP:N for a pin that goes high at a cue, for EEG and eye trackers; empty for none",
        pattern=PIN_PATTERN,
    )
    marker_ms: float = setting(10.0, "how long the marker pin stays high, ms", low=1, high=1000)
    camera_led: str = setting(
        "",
        "gpio:N or gpiod:CHIP:N for a light that is on whenever a camera is read; empty for none",
        pattern=PIN_PATTERN,
    )


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """Who is watched."""

    mode: str = setting(
        "person",
        "person: watch from the start; kiosk: watch nobody who has not agreed, and delete on request",
        choices=("person", "kiosk"),
    )
    participant: str = setting(
        "", "a code of up to 64 letters, digits, - or _; never a name", pattern=r"[A-Za-z0-9_-]{0,64}"
    )
    consent_required: bool = setting(False, "watch nobody whose consent is not recorded (microcue consent)")
    button: str = setting(
        "",
        "gpio:N or gpiod:CHIP:N for a button: press to mark, hold to pause or to end; empty for none",
        pattern=PIN_PATTERN,
    )


@dataclass(frozen=True, slots=True)
class KioskConfig:
    """How visitors come and go; only with session.mode = "kiosk"."""

    consent_text: str = setting(
        "", "file with the text that visitors agree to; its words and their hash are kept with each consent"
    )
    arrive_s: float = setting(
        20.0, "a session ends where no face is seen for so long at its start, s", low=2, high=600
    )
    leave_s: float = setting(5.0, "a session ends when the face is gone for so long, s", low=2, high=600)
    limit_s: float = setting(900.0, "a session ends after so long in any case, s", low=5, high=86400)
    grace_s: float = setting(
        60.0, "after a session its visitor can delete it by the button for so long, s", low=0, high=3600
    )


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
    kiosk: KioskConfig = field(default_factory=KioskConfig)


def load_config(path: Path | None = None, overrides: Overrides | None = None) -> Config:
    """Read the settings that count here.

    Parameters
    ----------
    path : Path, optional
        From `--config`; must exist. Without it the person's own file, else the machine's, else
        the defaults.
    overrides : mapping of section to mapping of key to value, optional
        From the command line; they win over the file. None stands for "not given".

    Raises
    ------
    ConfigError
        The file cannot be read or is not TOML, or a key is unknown, of the wrong type or out
        of range.
    """
    config = Config()
    chosen = path if path is not None else found_file()
    if chosen is not None:
        config = with_overrides(config, read_tables(chosen), origin=f"{chosen}: ")
    return with_overrides(config, overrides or {})


def found_file() -> Path | None:
    """The settings file that counts without `--config`, or None."""
    own = platformdirs.user_config_path("microcue") / FILE_NAME
    return next((file for file in (own, SYSTEM_FILE) if file.is_file()), None)


def with_overrides(config: Config, overrides: Overrides, origin: str = "") -> Config:
    """The same settings with some replaced, all checked. Values that are None are left out.

    Raises
    ------
    ConfigError
        Names the key, what is allowed and what came; `origin` is put before the sentence.
    """
    sections = {}
    for name, table in overrides.items():
        if name not in {section.name for section in fields(Config)}:
            raise ConfigError(f"{origin}[{name}] is not a section; {nearest(name, fields(Config))}")
        if not isinstance(table, Mapping):
            raise ConfigError(f"{origin}expected the section [{name}], found {name} = {table!r}")
        sections[name] = read_section(getattr(config, name), name, table, origin)
    return replace(config, **sections)


def data_dir(named: Path | None = None) -> Path:
    """Where the log lives: `--data`, else the service's state directory, else the person's own.

    systemd sets STATE_DIRECTORY for a unit with `StateDirectory=microcue`.
    """
    if named is not None:
        return named
    if state := os.environ.get("STATE_DIRECTORY"):
        return Path(state.split(":")[0])
    return platformdirs.user_data_path("microcue")


def as_tables(config: Config) -> dict[str, dict[str, Setting]]:
    """Every section with every key, as plain values."""
    return {
        section.name: {
            item.name: getattr(getattr(config, section.name), item.name)
            for item in fields(getattr(config, section.name))
        }
        for section in fields(Config)
    }


def changed(config: Config) -> dict[str, dict[str, Setting]]:
    """Only what differs from the defaults; sections without a difference are left out."""
    defaults = as_tables(Config())
    tables = {
        name: {key: value for key, value in table.items() if value != defaults[name][key]}
        for name, table in as_tables(config).items()
    }
    return {name: table for name, table in tables.items() if table}


def read_tables(path: Path) -> dict[str, Any]:
    """The tables of a TOML file that people edit.

    Raises
    ------
    ConfigError
        It cannot be read, is no text or no TOML, or far too large.
    """
    try:
        with path.open("rb") as file:
            content = file.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"expected a settings file at {path}, found none that can be read ({error.strerror}); "
            "check the path, or leave --config out for the defaults"
        ) from error
    if len(content) > FILE_MAX_BYTES:
        raise ConfigError(
            f"expected a settings file of at most {FILE_MAX_BYTES} bytes, {path} has {path.stat().st_size}; "
            "start again from `microcue config`"
        )
    try:
        # utf-8-sig, as editors on Windows put a byte order mark first
        tables: dict[str, Any] = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: expected UTF-8 text, found byte {error.start} that is none; save it as UTF-8"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: expected TOML, found: {error}; mend that line") from error
    return tables
