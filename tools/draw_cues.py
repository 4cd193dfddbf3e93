"""Draw every micro cue of a session: its signals, and its points from onset to apex, for looking at.

    microcue run --camera file:CLIP.mp4 --data DIR
    python tools/draw_cues.py --data DIR --output PICTURES [--unmarked]

Needs the extra `draw`. Only numbers from the log are drawn; no picture of a face is kept anywhere.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from edge.anatomy import AUX_NAMES, CHANNEL_NAMES, LOST, SIGNAL_NAMES, decode
from edge.record.cue_rows import CUE_COLUMNS
from edge.record.reading import LogReader

mpl.use("Agg")
import matplotlib.pyplot as plt

INK, SIGNAL, CUE, MOVED = "#222222", "#1f5f8b", "#f6d6da", "#d1495b"
AROUND_S = 1.5
ENLARGED = 4.0  # a movement of 25 miod would hardly show
CONTEXT = ("closure_right", "yaw_mrad", "pitch_mrad", "head_y_miod", "light_levels", "quality")


def main() -> None:
    """One picture for each cue."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="data directory")
    parser.add_argument("--session", default="latest")
    parser.add_argument("--output", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--unmarked", action="store_true", help="leave out cues beside blinks or speech")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    with LogReader(arguments.data) as log:
        session = log.resolve(arguments.session)
        rows = [dict(zip(CUE_COLUMNS, row, strict=True)) for row in log.cues(session, "micro")]
        blocks = {face: list(log.signal_blocks(session, face)) for face in log.faces(session)}
        for row in rows:
            if arguments.unmarked and (row["during_blink"] or row["during_speech"]):
                continue
            number = int(str(row["cue_id"]).rpartition("-")[2])
            path = arguments.output / f"cue-{number:04d}.png"
            draw(row, blocks[int(row["face"] or 0)], log.point_light(session, number), path)
            print(path)


def draw(row: dict[str, Any], blocks: list[Any], light: Any, path: Path) -> None:
    """Signals on the left, the strongest first; the points on the right."""
    times_s = np.concatenate([block.times_ns for block in blocks]) / 1e9
    values = decode(np.concatenate([block.codes for block in blocks]))
    near = np.abs(times_s - row["apex_s"]) < AROUND_S
    figure, panels = plt.subplots(1, 3, figsize=(15, 7), facecolor="white", layout="constrained")
    draw_traces(panels[0], times_s[near], values[near], SIGNAL_NAMES, row, 25.0)
    draw_traces(panels[1], times_s[near], values[near], CONTEXT, row, 0.0)
    draw_points(panels[2], light, row)
    marks = [name for name in ("during_blink", "during_speech") if row[name]]
    figure.suptitle(
        f"{row['cue_id']}  {row['onset_s']:.2f} s  {row['movements']}  {row['side']}  "
        f"{row['amplitude_miod']:.1f} miod  {row['duration_ms']:.0f} ms  {' '.join(marks)}",
        color=INK,
        fontsize=11,
    )
    figure.savefig(path, dpi=80)
    plt.close(figure)


def draw_traces(
    panel: Any, times_s: Any, values: Any, names: tuple[str, ...], row: dict[str, Any], step: float
) -> None:
    """Curves below each other; `step` in their own unit, 0 to scale each to its own range."""
    panel.axvspan(row["onset_s"], row["offset_s"], color=CUE, linewidth=0)
    for place, name in enumerate(names):
        curve = values[:, CHANNEL_NAMES.index(name)]
        curve = curve - np.nanmedian(curve) if np.isfinite(curve).any() else curve
        size = step or max(float(np.nanmax(np.abs(curve), initial=0.0)), 1e-9) * 2.2
        panel.plot(times_s, -place + curve / size, color=SIGNAL, linewidth=0.8)
        label = name if name not in AUX_NAMES else f"{name} ±{size / 2.2:.3g}"
        panel.text(times_s[0], -place + 0.12, label, fontsize=7, color=INK)
    panel.set_yticks([])
    panel.set_xlabel("s" + (f"; one line apart: {step:g} miod" if step else ""), fontsize=8)


def draw_points(panel: Any, light: Any, row: dict[str, Any]) -> None:
    """Where the points were at the onset, and how they moved until the apex."""
    if light is None:
        panel.set_axis_off()
        return
    times_s = light.times_ns / 1e9
    points = light.points.astype(np.float64)
    points[light.points == LOST] = np.nan
    onset, apex = (points[np.argmin(np.abs(times_s - row[name]))] / 10.0 for name in ("onset_s", "apex_s"))
    moved = apex - onset
    panel.scatter(*onset.T, s=8, color=SIGNAL)
    panel.quiver(
        *onset.T,
        *(ENLARGED * moved).T,
        angles="xy",
        scale_units="xy",
        scale=1.0,
        color=MOVED,
        width=0.004,
    )
    panel.invert_yaxis()
    panel.set_aspect("equal")
    panel.set_xlabel(f"miod; movement from onset to apex {ENLARGED:g} times enlarged", fontsize=8)


if __name__ == "__main__":
    main()
