"""What happens in a synthetic clip: a CSV of happenings, and the settings of the scene.

A plan file is a CSV with the columns of `COLUMNS`; lines that start with `# key=value` before the
header set the scene. Durations, rise fractions and amplitudes that occur in labelled data are
summarised in docs/synthesis.md.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from edge.anatomy import ACTION_UNITS
from edge.errors import ConfigError, EdgeError

EVENTS = (
    "movement", "blink", "speech", "gaze", "gaze_up", "turn", "nod", "tilt", "leave", "hand", "glint",
    "knock", "exposure", "drop", "duplicate",
)  # fmt: skip
SIDES = ("left", "right", "both")
COLUMNS = (
    "event",
    "onset_s",
    "duration_s",
    "rise_fraction",
    "hold_fraction",
    "movement",
    "side",
    "amplitude",
    "note",
)
_REQUIRED = ("event", "onset_s", "duration_s", "amplitude")


class PlanError(ConfigError):
    """A plan cannot be used. The place is a file and, where there is one, its line."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(place, problem)
        self.place = place
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}"


class PlanMissing(EdgeError):
    """The plan file cannot be read."""

    exit_code = 74

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"expected a plan as a CSV file at {self.path} but it cannot be read ({self.reason});"
            " see one with: microcue synth --example-plan"
        )


@dataclass(frozen=True, slots=True)
class Happening:
    """One row of a plan.

    Attributes
    ----------
    event : one of EVENTS
    onset_s, duration_s : float, s
        From the clip's first frame.
    amplitude : float
        movement and speech: miod at the apex; blink: closure in 0..1; turn (yaw, the nose to the
        picture's right), nod (pitch, the nose down) and tilt (roll, clockwise in the picture):
        degrees; gaze (to the picture's right) and gaze_up: miod that the irises travel; leave (to the
        picture's right): miod that the person slides; hand: share of the face's height (from below) or
        width (from a side) that it covers at most; glint: grey levels; knock: miod of its first swing;
        exposure: relative change of light; drop and duplicate: not used.
    rise_fraction, hold_fraction : float in [0, 1]
        Share of the duration from onset to apex, and at the apex; the rest is the fall. Not used by
        gaze, knock, exposure, drop and duplicate, which have a course of their own.
    movement : a key of anatomy.ACTION_UNITS, for event "movement"
    side : one of SIDES, the person's own; for movement and blink; where a hand comes from: "both" is below
    """

    event: str
    onset_s: float
    duration_s: float
    amplitude: float
    rise_fraction: float = 0.5
    hold_fraction: float = 0.0
    movement: str = ""
    side: str = "both"
    note: str = ""

    @property
    def offset_s(self) -> float:
        """When all is as before."""
        return self.onset_s + self.duration_s

    @property
    def apex_s(self) -> float:
        """Middle of the hold: where there is none, the moment of the peak."""
        return self.onset_s + self.duration_s * (self.rise_fraction + 0.5 * self.hold_fraction)


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """The camera, the light and how still the head is kept.

    Attributes
    ----------
    duration_s : float
        0: one second longer than the plan.
    face_width_px : float
        Width of the landmark mesh in the output.
    sway_miod, turn_sway_deg : float
        Standard deviation of the smooth random motion of the head, per axis.
    sway_hz : float
        Highest frequency in it.
    pulse_miod, pulse_hz : float
        Amplitude and rate of the nod that each heartbeat gives (Balakrishnan et al. 2013).
    noise_levels : float
        Standard deviation at grey 128; variance = read^2 + k * light, a quarter of it read noise.
    flicker_depth, mains_hz : float
        Relative amplitude of the lamps' light, at twice the mains frequency.
    drop_rate : float in [0, 1)
        Probability that a frame is not delivered.
    blink_leak_miod : float
        How far a full blink pulls the inner brows down and the cheeks up.
    speech_floor : float in [0, 0.9]
        Share of a speech's amplitude at which the jaw stays between syllables; 0 shuts it each time.
    glasses : int
        1 draws the frames of glasses through the whole clip.
    duplicate_rate : float in [0, 1)
        Probability that a frame shows the picture of the one before it.
    """

    fps: float = 120.0
    duration_s: float = 0.0
    width: int = 640
    height: int = 480
    face_width_px: float = 230.0
    seed: int = 1
    sway_miod: float = 20.0
    sway_hz: float = 0.6
    turn_sway_deg: float = 0.8
    pulse_miod: float = 4.0
    pulse_hz: float = 1.0
    noise_levels: float = 2.0
    flicker_depth: float = 0.0
    mains_hz: float = 50.0
    drop_rate: float = 0.0
    blink_leak_miod: float = 6.0
    speech_floor: float = 0.0
    glasses: int = 0
    duplicate_rate: float = 0.0


_RANGES: dict[str, tuple[float, float]] = {
    "fps": (1, 1000),
    "duration_s": (0, 36000),
    "width": (64, 7680),
    "height": (64, 4320),
    "face_width_px": (40, 4000),
    "seed": (0, 2**31),
    "sway_miod": (0, 500),
    "sway_hz": (0.05, 5),
    "turn_sway_deg": (0, 10),
    "pulse_miod": (0, 100),
    "pulse_hz": (0.3, 5),
    "noise_levels": (0, 60),
    "flicker_depth": (0, 0.5),
    "mains_hz": (10, 1000),
    "drop_rate": (0, 0.9),
    "blink_leak_miod": (0, 50),
    "speech_floor": (0, 0.9),
    "glasses": (0, 1),
    "duplicate_rate": (0, 0.9),
}
_AMPLITUDES = {
    "movement": (0.0, 400.0),
    "blink": (0.0, 1.0),
    "speech": (0.0, 300.0),
    "gaze": (-50.0, 50.0),
    "gaze_up": (-25.0, 25.0),
    "turn": (-20.0, 20.0),
    "nod": (-20.0, 20.0),
    "tilt": (-30.0, 30.0),
    "leave": (-5000.0, 5000.0),
    "hand": (0.0, 1.0),
    "glint": (0.0, 255.0),
    "knock": (0.0, 100.0),
    "exposure": (-0.9, 2.0),
    "drop": (-1e9, 1e9),
    "duplicate": (-1e9, 1e9),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Happenings in order of onset, and the scene they happen in."""

    happenings: tuple[Happening, ...]
    settings: SceneSettings = field(default_factory=SceneSettings)

    @property
    def duration_s(self) -> float:
        """As set, or a second longer than the last happening."""
        if self.settings.duration_s > 0:
            return self.settings.duration_s
        return max((h.offset_s for h in self.happenings), default=0.0) + 1.0


def checked_settings(settings: SceneSettings, place: str = "scene") -> SceneSettings:
    """The same settings, or PlanError where one is out of its range."""
    for name in _RANGES:
        if problem := out_of_range(name, getattr(settings, name)):
            raise PlanError(place, f"{name} {problem}")
    return settings


def out_of_range(setting: str, value: float) -> str:
    """What is wrong with a setting's value, as the end of a sentence; empty where nothing is."""
    low, high = _RANGES[setting]
    return "" if low <= value <= high else f"must lie in {low:g} to {high:.10g}, but is {value:.10g}"


def read_plan(path: str | Path, settings: SceneSettings | None = None) -> Plan:
    """Read a plan file.

    Parameters
    ----------
    path : str or Path
    settings : SceneSettings, optional
        What the file's `# key=value` lines start from.

    Raises
    ------
    PlanMissing
        The file cannot be read.
    PlanError
        An unknown column, event, movement, side or setting, a value out of range, or a row that the
        clip's own `duration_s` cuts off.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PlanMissing(str(path), error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise PlanError(str(path), "expected text in UTF-8; save the plan as CSV") from error
    return parse_plan(text, str(path), settings)


def parse_plan(text: str, place: str = "plan", settings: SceneSettings | None = None) -> Plan:
    """The plan written in `text`; see `read_plan`."""
    scene = settings or SceneSettings()
    lines = text.splitlines()
    start = 0
    while start < len(lines) and (not lines[start].strip() or lines[start].lstrip().startswith("#")):
        scene = _with_setting(scene, lines[start], f"{place}, line {start + 1}")
        start += 1
    rows = csv.reader(lines[start:])
    header = [name.strip() for name in next(rows, [])]
    if not header:
        raise PlanError(place, f"expected a header line with the columns {','.join(COLUMNS)}")
    if unknown := [name for name in header if name not in COLUMNS]:
        raise PlanError(
            f"{place}, line {start + 1}", f"{unknown[0]!r} is not a column; known: {', '.join(COLUMNS)}"
        )
    if missing := [name for name in _REQUIRED if name not in header]:
        raise PlanError(f"{place}, line {start + 1}", f"the column {missing[0]} is missing")
    happenings = []
    for row in rows:
        here = f"{place}, line {start + rows.line_num}"
        if not any(cell.strip() for cell in row) or row[0].lstrip().startswith("#"):
            continue
        if len(row) > len(header):
            raise PlanError(here, f"has {len(row)} cells for {len(header)} columns")
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        happenings.append(_within(_checked(_happening(cells, here), here), scene.duration_s, here))
    ordered = tuple(sorted(happenings, key=lambda h: h.onset_s))
    return Plan(ordered, checked_settings(scene, place))


def write_plan(plan: Plan) -> str:
    """The plan as text that `parse_plan` reads back to the same plan."""
    out = io.StringIO()
    for item in fields(SceneSettings):
        out.write(f"# {item.name}={getattr(plan.settings, item.name)!r}\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for happening in plan.happenings:
        writer.writerow([_plain(getattr(happening, name)) for name in COLUMNS])
    return out.getvalue()


def _plain(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _with_setting(settings: SceneSettings, line: str, place: str) -> SceneSettings:
    key, equals, value = line.lstrip().lstrip("#").partition("=")
    key, value = key.strip(), value.strip()
    if not equals or " " in key:  # a remark
        return settings
    types = get_type_hints(SceneSettings)
    if key not in types:
        raise PlanError(place, f"{key} is not a setting; known: {', '.join(types)}")
    changes: dict[str, Any] = {key: _number(value, types[key], key, place)}
    return replace(settings, **changes)


def _number(text: str, kind: type, name: str, place: str) -> float:
    try:
        value = kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise PlanError(place, f"{name} must be {wanted}, but is {text!r}") from None
    if value != value or abs(value) == float("inf"):
        raise PlanError(place, f"{name} must be finite, but is {text!r}")
    return float(value) if kind is float else int(value)


def _happening(cells: dict[str, str], place: str) -> Happening:
    numbers = {
        name: _number(cells[name], float, name, place)
        for name in ("onset_s", "duration_s", "amplitude", "rise_fraction", "hold_fraction")
        if cells.get(name)
    }
    event = cells.get("event", "")
    if missing := [n for n in ("onset_s", "duration_s", "amplitude") if n not in numbers]:
        if missing != ["amplitude"] or event not in ("drop", "duplicate"):
            raise PlanError(place, f"{missing[0]} is empty")
        numbers["amplitude"] = 0.0
    if event == "blink" and "rise_fraction" not in numbers:
        numbers["rise_fraction"] = BLINK_RISE * (1.0 - numbers.get("hold_fraction", 0.0))
    words = {name: cells[name] for name in ("movement", "side", "note") if cells.get(name)}
    return Happening(event=event, **numbers, **words)  # type: ignore[arg-type]


# closing takes 1 part and opening 1.75 (median of 116 blinks at 60 Hz; docs/synthesis.md)
BLINK_RISE = 1.0 / 2.75


def _checked(h: Happening, place: str) -> Happening:
    if h.event not in EVENTS:
        raise PlanError(place, f"{h.event!r} is not an event; known: {', '.join(EVENTS)}")
    if h.event == "movement" and h.movement not in ACTION_UNITS:
        raise PlanError(place, f"{h.movement!r} is not a movement; known: {', '.join(ACTION_UNITS)}")
    if h.event != "movement" and h.movement:
        raise PlanError(place, f"a {h.event} has no movement, but {h.movement!r} is given")
    if h.side not in SIDES:
        raise PlanError(place, f"{h.side!r} is not a side; known: {', '.join(SIDES)}")
    if h.onset_s < 0 or h.duration_s <= 0:
        raise PlanError(place, "onset_s must not be negative and duration_s must be above 0")
    if h.rise_fraction < 0 or h.hold_fraction < 0 or h.rise_fraction + h.hold_fraction > 1:
        raise PlanError(place, "rise_fraction and hold_fraction must be at least 0 and together at most 1")
    low, high = _AMPLITUDES[h.event]
    if not low <= h.amplitude <= high:
        raise PlanError(
            place, f"the amplitude of a {h.event} must lie in {low:g} to {high:g}, but is {h.amplitude:g}"
        )
    return h


def _within(h: Happening, clip_s: float, place: str) -> Happening:
    """A movement or blink must end before the clip does, or the truth would tell of what is not there."""
    ends = h.event in ("movement", "blink")
    at_s = h.offset_s if ends else h.onset_s
    if clip_s > 0 and at_s > clip_s + 1e-6:  # 0.1 + 0.2 must fit into 0.3
        raise PlanError(
            place,
            f"the {h.event} {'ends' if ends else 'starts'} at {at_s:g} s, but the clip at {clip_s:g} s;"
            " raise duration_s or leave that line out",
        )
    return h
