"""What `live` shows, as lines of text that fit any terminal; colour only repeats what words say."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import REGIONS
from edge.live.history import History

if TYPE_CHECKING:
    from rich.text import Text

_BLOCKS, _PLAIN = " ▁▂▃▄▅▆▇█", " .:-=+*#@"
_LOST_BLOCK, _LOST_PLAIN = "·", "~"
_FULL_SCALES_MIOD = (5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
_HEAD_FULL_MRAD = 200.0
_LABEL_COLUMNS, _VALUE_COLUMNS = 9, 7
_STYLES = {
    "watching": "green",
    "learning": "cyan",
    "sparing": "yellow",
    "no face": "yellow",
    "paused": "magenta",
    "fault": "bold red",
}


@dataclass(slots=True)
class Screen:
    """What there is to show.

    Attributes
    ----------
    history : History
    health : str
        The board and the loop in one line; empty where nothing is known.
    marks : list of (float, str)
        s since the session's first frame, and words; the newest last.
    typed : str or None
        The words of a mark that is being typed.
    said : str
        What came of the last key.
    silent_s : float
        How long the run has shown nothing new, where that is long.
    """

    history: History
    health: str = ""
    marks: list[tuple[float, str]] = field(default_factory=list)
    typed: str | None = None
    said: str = ""
    silent_s: float = 0.0


def lines_of(screen: Screen, width: int, height: int, has_blocks: bool = True) -> list[tuple[str, str]]:
    """Lines for a terminal of that size, each with the style that a terminal with colours gives it."""
    top, foot = _folded(_heading(screen), width), _folded(_foot(screen), width)
    traces = [*_traces(screen.history, width, has_blocks)]
    room = height - len(top) - len(foot) - len(traces)
    if room < 2:  # a terminal of a few lines: the sides together, then what fits
        traces = traces[: max(height - len(top) - len(foot), 0)]
        room = height - len(top) - len(foot) - len(traces)
    news = _folded(_news(screen), width)[: max(room, 0)]
    return [(text[:width], style) for text, style in (*top, *traces, *news, *foot)][:height]


def drawn(lines: list[tuple[str, str]]) -> Text:
    """The lines for Rich."""
    from rich.text import Text

    text = Text(no_wrap=True, overflow="crop")
    for k, (line, style) in enumerate(lines):
        text.append(("\n" if k else "") + line, style=style)
    return text


def plain_line(screen: Screen) -> str:
    """The moment in one line, for a pipe."""
    history = screen.history
    state = _state(history)
    if "session_id" not in state:
        return f"{state.get('state', 'nothing yet')}"
    moved = {
        f"{region} {side}": float(np.nanmax(history.movement(region, side, 1), initial=0.0))
        for region in REGIONS
        for side in ("right", "left")
    }
    most = max(moved, key=lambda name: moved[name])
    return (
        f"{state['state']}; {history.fps:.1f} frames/s; {state['n_micro']} micro, {state['n_macro']} macro, "
        f"{state['n_blinks']} blinks; farthest: {most} {moved[most]:.1f} miod"
    )


def _folded(lines: Iterable[tuple[str, str]], width: int) -> list[tuple[str, str]]:
    """Lines too long for the terminal go on below, a little to the right."""
    indent = "  " if width > len("  ") else ""
    return [
        (part, style)
        for text, style in lines
        for part in textwrap.wrap(text, max(width, 1), subsequent_indent=indent)
    ]


def _state(history: History) -> dict[str, Any]:
    return history.snapshot.state if history.snapshot is not None else {}


def _heading(screen: Screen) -> Iterator[tuple[str, str]]:
    state = _state(screen.history)
    light = str(state.get("state", "nothing yet"))
    if screen.silent_s:
        yield f"the run has shown nothing for {screen.silent_s:.0f} s", "bold red"
    if "session_id" not in state:
        yield f"{light}: nobody is watched now", _STYLES.get(light, "")
        return
    rate = f"{screen.history.fps:.1f}" if screen.history.fps else "-"
    promised = f" of {state['fps_promised']:.0f}" if state.get("fps_promised") else ""
    counts = f"{state['n_micro']} micro, {state['n_macro']} macro, {state['n_blinks']} blinks"
    yield f"{light}  {rate}{promised} frames/s  {counts}", _STYLES.get(light, "")
    yield f"session {state['session_id']}  {state['n_frames']} frames", "dim"


def _traces(history: History, width: int, has_blocks: bool) -> Iterator[tuple[str, str]]:
    n_steps = max(width - _LABEL_COLUMNS - _VALUE_COLUMNS, 4)
    rows = {
        (region, side): history.movement(region, side, n_steps)
        for region in REGIONS
        for side in ("right", "left")
    }
    most = max((float(np.nanmax(row, initial=0.0)) for row in rows.values()), default=0.0)
    full = next((one for one in _FULL_SCALES_MIOD if one >= most), _FULL_SCALES_MIOD[-1])
    for (region, side), row in rows.items():
        label = f"{region:<6} {side[0].upper()}"
        colour = "blue" if side == "right" else "dark_orange"
        yield _row(label, row, full, n_steps, has_blocks), colour
    yield _row("lids", history.closure(n_steps), 1.0, n_steps, has_blocks), ""
    yield _row("head", history.head(n_steps), _HEAD_FULL_MRAD, n_steps, has_blocks), ""
    scale = f"R, L: the person's own; full height {full:.0f} miod, lids 1, head 200 mrad"
    yield from _folded([(scale, "dim")], width)


def _row(label: str, row: NDArray[np.float64], full: float, n_steps: int, has_blocks: bool) -> str:
    levels, lost = (_BLOCKS, _LOST_BLOCK) if has_blocks else (_PLAIN, _LOST_PLAIN)
    steps = np.clip(np.nan_to_num(row) / full * (len(levels) - 1), 0, len(levels) - 1).round().astype(int)
    bars = "".join(lost if np.isnan(one) else levels[step] for one, step in zip(row, steps, strict=True))
    value = "" if np.isnan(row[-1]) else f"{row[-1]:6.1f}"
    return f"{label:<{_LABEL_COLUMNS}}{bars[:n_steps]}{value:>{_VALUE_COLUMNS}}"


def _news(screen: Screen) -> Iterator[tuple[str, str]]:
    """Health, marks and the last events, newest first."""
    if screen.health:
        yield screen.health, "dim"
    state = _state(screen.history)
    told = [(float(event["at_s"]), _told(event), event["what"]) for event in state.get("events", [])]
    told += [(at_s, f"mark: {text}", "mark") for at_s, text in screen.marks]
    for at_s, text, what in sorted(told, reverse=True):
        yield f"{_clock(at_s)}  {text}", {"micro": "bold", "mark": "magenta"}.get(what, "")


def _told(event: dict[str, Any]) -> str:
    if "movements" not in event:
        return str(event["what"])
    flags = "".join(f", {flag.replace('_', ' ')}" for flag in event["flags"])
    words = str(event["movements"]).replace("_", " ").replace("+", " + ")
    size = f"{event['duration_ms']:.0f} ms, {event['amplitude_miod']:.1f} miod"
    return f"{event['what']}: {words}, {event['side']}, {size}{flags}"


def _foot(screen: Screen) -> Iterator[tuple[str, str]]:
    if screen.typed is not None:
        yield f"mark: {screen.typed}_   Enter sets it, Esc does not", "bold"
    elif screen.said:
        yield screen.said, "bold"
    is_paused = _state(screen.history).get("state") == "paused"
    yield f"m mark   p {'go on' if is_paused else 'pause'}   q quit", "dim"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{seconds % 60:05.2f}"
