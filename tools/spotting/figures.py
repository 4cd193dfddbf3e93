"""The benchmark's plots; needs matplotlib, from the extra `benchmark`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spotting.outcomes import Outcome, Watched, recall
from spotting.plans import AMPLITUDES_MIOD, DURATIONS_MS

INK, GRID = "#222222", "#dddddd"
SHADES = ("#c6dbef", "#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#08306b")


def figure(width: float, height: float, **layout: Any) -> tuple[Any, Any]:
    """A figure and its axes, drawn without a screen."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), facecolor="white", layout="constrained", **layout)


def draw_curves(watched: Watched, groups: Sequence[str], path: Path) -> None:
    """Recall against amplitude, a line for each duration, a panel for each condition."""
    groups = [group for group in groups if watched.of(group).outcomes]
    n_columns = min(3, len(groups))
    n_rows = -(-len(groups) // n_columns)
    made, panels = figure(
        4.0 * n_columns, 2.9 * n_rows, nrows=n_rows, ncols=n_columns, squeeze=False, sharey=True
    )
    for panel, group in zip(panels.flat, groups, strict=False):
        _curves(panel, watched.of(group).outcomes)
        panel.set_title(group, fontsize=10, color=INK)
    for panel in panels.flat[len(groups) :]:
        panel.set_axis_off()
    panels.flat[0].legend(title="duration", fontsize=7, title_fontsize=7, frameon=False, loc="lower right")
    made.supxlabel("amplitude, miod", fontsize=9)
    made.supylabel("found", fontsize=9)
    made.savefig(path, dpi=110)


def _curves(panel: Any, outcomes: Sequence[Outcome]) -> None:
    places = np.arange(len(AMPLITUDES_MIOD))
    for shade, duration_ms in zip(SHADES, DURATIONS_MS, strict=True):
        shares = []
        for amplitude in AMPLITUDES_MIOD:
            n_found, n = recall(
                outcomes,
                lambda o, d=duration_ms, a=amplitude: abs(o.duration_ms - d) < 1 and o.amplitude_miod == a,
            )
            shares.append(n_found / n if n else np.nan)
        panel.plot(places, shares, color=shade, marker="o", markersize=3, label=f"{duration_ms:g} ms")
    panel.set_xticks(places, [f"{a:g}" for a in AMPLITUDES_MIOD], fontsize=8)
    panel.set_ylim(-0.02, 1.04)
    panel.grid(color=GRID, linewidth=0.6)
    panel.tick_params(labelsize=8)


def draw_distractors(watched: Watched, groups: Sequence[str], path: Path) -> None:
    """False micro cues a minute, a bar for each distractor; marked ones hatched."""
    groups = [group for group in groups if watched.of(group).seconds][::-1]
    made, panel = figure(8.0, 0.3 * len(groups) + 1.0)
    places = np.arange(len(groups))
    parts = [watched.of(group) for group in groups]
    plain = [part.false_per_minute(flagged=False) for part in parts]
    marked = [part.false_per_minute(flagged=True) for part in parts]
    panel.barh(places, plain, color="#d1495b", label="unmarked")
    panel.barh(places, marked, left=plain, color="#c9d8e4", label="marked beside blink or speech")
    panel.axvline(0.2, color=INK, linewidth=0.8, linestyle=":")
    panel.set_yticks(places, groups, fontsize=8)
    panel.set_xlabel("false micro cues a minute; the dotted line is the bar of 0.2", fontsize=9)
    panel.legend(fontsize=8, frameon=False, loc="lower right")
    panel.grid(axis="x", color=GRID, linewidth=0.6)
    panel.set_axisbelow(True)
    made.savefig(path, dpi=110)
