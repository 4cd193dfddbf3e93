"""Draw the picture in README.md: the demo clip's face, its signals, what was planned and what was found.

    microcue demo --data DIR && python tools/draw_demo.py --data DIR --output docs/images/demo.png

Needs the extra `draw`. The face is NASA's public-domain portrait (edge/synth/PORTRAIT.md).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from edge.anatomy import SIGNAL_NAMES, decode
from edge.capture.file import FileSource
from edge.config import PerceiveConfig
from edge.evaluate.score import Interval, read_truth
from edge.messages import Frame
from edge.perceive.finder import FaceFinder
from edge.record.cue_rows import CUE_COLUMNS
from edge.record.reading import LogReader
from edge.synth.demo import demo_clip
from edge.track.points import N_RIGID, POINT_LANDMARKS

mpl.use("Agg")
import matplotlib.pyplot as plt

SHOWN = (
    ("inner_brow_right", "inner brow, right"),
    ("outer_brow_left", "outer brow, left"),
    ("nose_wing_right", "nose wing, right"),
    ("mouth_corner_up_left", "mouth corner, left"),
    ("mouth_corner_out_right", "mouth corner outward, right"),
    ("chin_right", "chin"),
)
INK, SIGNAL, PLANNED, FOUND = "#222222", "#1f5f8b", "#c9d8e4", "#d1495b"


def main() -> None:
    """Read the newest session of the data directory and draw it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="data directory with a demo session")
    parser.add_argument("--output", type=Path, required=True, help="PNG to write")
    parser.add_argument("--from", dest="from_s", type=float, default=5.0, help="s (default: 5)")
    parser.add_argument("--to", dest="to_s", type=float, default=28.0, help="s (default: 28)")
    arguments = parser.parse_args()
    clip, truth_file = demo_clip()
    times_s, values, cues = logged(arguments.data)
    figure = plt.figure(figsize=(12, 5.6), facecolor="white")
    grid = figure.add_gridspec(len(SHOWN), 2, width_ratios=(1, 1.75), wspace=0.16, hspace=0.12)
    draw_face(figure.add_subplot(grid[:, 0]), clip)
    span = (times_s >= arguments.from_s) & (times_s < arguments.to_s)
    planned = [e for e in read_truth(truth_file) if arguments.from_s <= e.onset_s < arguments.to_s]
    for row, (name, label) in enumerate(SHOWN):
        axes = figure.add_subplot(grid[row, 1])
        draw_signal(axes, times_s[span], values[span, SIGNAL_NAMES.index(name)], label, planned, cues)
        axes.set_xlim(arguments.from_s, arguments.to_s)
        if row < len(SHOWN) - 1:
            axes.set_xticklabels([])
    axes.set_xlabel(
        "seconds    shaded: a movement was planned    red: a candidate cue was logged (pale: beside a blink)",
        color=INK,
    )
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(arguments.output, dpi=110, bbox_inches="tight", metadata={"Software": None})


def logged(data_dir: Path) -> tuple[Any, Any, list[Interval]]:
    """Times, signals and micro cues of the newest session."""
    with LogReader(data_dir) as log:
        session = log.resolve("latest")
        blocks = list(log.signal_blocks(session, 0))
        rows = [dict(zip(CUE_COLUMNS, row, strict=True)) for row in log.cues(session)]
    cues = [
        Interval(
            float(row["onset_s"] or 0.0),
            float(row["offset_s"] or 0.0),
            str(row["kind"]),
            str(row["movements"]),
            flagged=bool(row["during_speech"] or row["during_blink"]),
        )
        for row in rows
    ]
    times_s = np.concatenate([block.times_ns for block in blocks]) / 1e9
    return times_s, decode(np.concatenate([block.codes for block in blocks])), cues


def draw_face(axes: Any, clip: Path) -> None:
    """One frame with the points that are followed in every frame."""
    source = FileSource(clip)
    frame: Frame = source.read(1.0)
    points = FaceFinder(PerceiveConfig()).find(frame.luma, 0, 0).faces[0].points[POINT_LANDMARKS]
    centre, half = points[:, :2].mean(axis=0), 0.95 * np.ptp(points[:, 1])
    axes.imshow(frame.luma, cmap="gray", vmin=0, vmax=255, interpolation="lanczos")
    axes.scatter(*points[:N_RIGID, :2].T, s=13, c="#ffd166", linewidths=0, label="tell the head's pose")
    axes.scatter(*points[N_RIGID:, :2].T, s=13, c="#4cc9f0", linewidths=0, label="tell a movement")
    axes.set_xlim(centre[0] - half, centre[0] + half)
    axes.set_ylim(min(centre[1] + 1.08 * half, frame.luma.shape[0]), max(centre[1] - 1.15 * half, 0))
    axes.legend(loc="lower left", fontsize=8, framealpha=0.85)
    axes.set_xticks([])
    axes.set_yticks([])
    source.close()


def draw_signal(
    axes: Any, times_s: Any, signal: Any, label: str, planned: list[Interval], cues: list[Interval]
) -> None:
    """One signal with what was planned behind it and what was found above it."""
    for event in planned:
        axes.axvspan(event.onset_s, event.offset_s, color=PLANNED, linewidth=0)
    signal = signal - np.nanmedian(signal)
    axes.plot(times_s, signal, color=SIGNAL, linewidth=0.8)
    top = max(np.nanmax(np.abs(signal)) * 1.25, 12.0)
    for cue in cues:
        axes.plot(
            (cue.onset_s, cue.offset_s),
            (top * 0.93,) * 2,
            color=FOUND,
            alpha=0.45 if cue.flagged else 1.0,
            linewidth=3,
            solid_capstyle="butt",
        )
    axes.set_ylim(-top, top)
    axes.text(0.008, 0.1, label, transform=axes.transAxes, fontsize=8, color=INK)
    axes.tick_params(labelsize=7, colors=INK)
    axes.set_ylabel("miod", fontsize=7, color=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


if __name__ == "__main__":
    main()
