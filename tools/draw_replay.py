"""Draws the picture in README.md: a cue as points of light, and the signals around it with every cue found.

    microcue run --camera demo --duration 25 --data DIR
    python tools/draw_replay.py --data DIR [--cue 1] [--output docs/images/replay.svg]

Only numbers of the log are drawn; there is no picture of a face in it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import numpy as np

from edge.anatomy import LOST, SIGNAL_NAMES, decode
from edge.record.cue_rows import CUE_COLUMNS
from edge.record.reading import LogReader

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT = 960, 520
SHOWN = (
    ("inner_brow_right", "inner brow, right"),
    ("outer_brow_left", "outer brow, left"),
    ("mouth_corner_up_left", "mouth corner, left"),
    ("mouth_corner_out_right", "mouth corner outward, right"),
    ("chin_right", "chin"),
)
ENLARGED = 8.0  # a movement of 20 miod would hardly show
POINTS_PER_TRACE = 700
INK, NIGHT, LIGHT, MOVED, SIGNAL, CUE = "#222", "#10161c", "#ffe9a8", "#ff6b57", "#1f5f8b", "#f3b9c1"


class Session(NamedTuple):
    """What is drawn: times in s, signals in miod, cues as rows, the points around one cue."""

    times_s: Any
    signals: Any
    cues: list[dict[str, Any]]
    light: Any


def main() -> None:
    """Read the newest session and draw it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="data directory with a session")
    parser.add_argument("--cue", type=int, default=1, help="number of the cue shown as points")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images" / "replay.svg")
    arguments = parser.parse_args()
    session = read(arguments.data, arguments.cue)
    arguments.output.write_text(drawing(session, arguments.cue), encoding="utf-8")


def read(data_dir: Path, cue: int) -> Session:
    """The newest session of a log."""
    with LogReader(data_dir) as log:
        name = log.resolve("latest")
        blocks = list(log.signal_blocks(name, 0))
        cues = [dict(zip(CUE_COLUMNS, row, strict=True)) for row in log.cues(name, "micro")]
        light = log.point_light(name, cue)
    times_s = np.concatenate([block.times_ns for block in blocks]) / 1e9
    return Session(times_s, decode(np.concatenate([block.codes for block in blocks])), cues, light)


def drawing(session: Session, number: int) -> str:
    """The whole SVG."""
    cue = session.cues[number - 1]
    parts = [text(20, 24, "one cue as points of light, each movement enlarged " + f"{ENLARGED:.0f} times")]
    for place, moment in enumerate(("onset", "apex", "offset")):
        parts += head(session.light, cue, moment, 20 + place * 310)
    parts.append(text(20, 300, "the signals around it, and every candidate cue that was logged (shaded)"))
    parts += traces(session)
    style = "font-family=\"'DejaVu Sans', Verdana, sans-serif\" font-size='13'"
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' {style}>\n"
        "<title>A brief movement of the brows as points of light, and the movement signals</title>\n"
        f"<rect width='{WIDTH}' height='{HEIGHT}' fill='white'/>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def head(light: Any, cue: dict[str, Any], moment: str, left: float) -> list[str]:
    """The points at one moment; what moved since the onset is drawn out and red."""
    at_onset, now = (places(light, cue[f"{name}_s"]) for name in ("onset", moment))
    drawn = at_onset + ENLARGED * (now - at_onset)
    kept = np.isfinite(drawn).all(axis=1)
    size = 196 / np.ptp(at_onset[kept], axis=0).max()
    centre = (np.nanmax(at_onset, axis=0) + np.nanmin(at_onset, axis=0)) / 2
    spots = (drawn - centre) * size + (left + 145, 164)
    moved = np.hypot(*(now - at_onset).T) > 0.25 * cue["amplitude_miod"]
    after_ms = (cue[f"{moment}_s"] - cue["onset_s"]) * 1000
    parts = [
        f"<rect x='{left}' y='36' width='290' height='238' rx='6' fill='{NIGHT}'/>",
        text(left + 12, 56, moment + (f", {after_ms:.0f} ms later" if after_ms else ""), "#cfd8dc"),
    ]
    for (x, y), is_moved in zip(spots[kept], moved[kept], strict=True):
        parts.append(
            f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{3.2 if is_moved else 2.4}' "
            f"fill='{MOVED if is_moved else LIGHT}'/>"
        )
    return parts


def places(light: Any, at_s: float) -> Any:
    """float64 [shape=(n_points, 2)], miod, NaN where lost."""
    index = int(np.argmin(np.abs(light.times_ns / 1e9 - at_s)))
    points = light.points[index].astype(np.float64)
    points[(light.points[index] == LOST).any(axis=1)] = np.nan
    return points / 10.0


def traces(session: Session) -> list[str]:
    """Signals below each other on one axis of time, cues behind them."""
    left, right, top, step = 20.0, 940.0, 312.0, 36.0
    first, last = float(session.times_s[0]), float(session.times_s[-1])

    def across(at_s: Any) -> Any:
        return left + (at_s - first) / (last - first) * (right - left)

    bottom = top + step * len(SHOWN)
    parts = [
        f"<rect x='{across(cue['onset_s']):.1f}' y='{top}' height='{bottom - top}' fill='{CUE}' "
        f"width='{max(across(cue['offset_s']) - across(cue['onset_s']), 1.5):.1f}'/>"
        for cue in session.cues
    ]
    thinned = max(len(session.times_s) // POINTS_PER_TRACE, 1)
    for row, (name, label) in enumerate(SHOWN):
        signal = session.signals[:, SIGNAL_NAMES.index(name)]
        extreme = extremes(signal - np.nanmedian(signal), thinned)
        times = session.times_s[: len(extreme) * thinned : thinned]
        middle = top + step * (row + 0.5)
        line = " ".join(
            f"{across(t):.1f},{middle - 0.8 * v:.1f}" for t, v in zip(times, extreme, strict=True) if v == v
        )
        parts.append(f"<polyline points='{line}' fill='none' stroke='{SIGNAL}' stroke-width='1'/>")
        parts.append(text(left + 4, middle - 5, label, INK, 10))
    seconds = range(0, int(last) + 1, 5)
    return [*parts, *(text(across(at), bottom + 16, f"{at} s", "#666", 10) for at in seconds)]


def extremes(signal: Any, thinned: int) -> Any:
    """Of every so many values the one farthest from zero, so that a brief movement stays."""
    rows = signal[: len(signal) // thinned * thinned].reshape(-1, thinned)
    filled = np.nan_to_num(rows)
    return filled[np.arange(len(rows)), np.abs(filled).argmax(axis=1)]


def text(x: float, y: float, words: str, colour: str = INK, size: int = 13) -> str:
    """One line of words."""
    return f"<text x='{x:.1f}' y='{y:.1f}' fill='{colour}' font-size='{size}'>{escape(words)}</text>"


if __name__ == "__main__":
    main()
