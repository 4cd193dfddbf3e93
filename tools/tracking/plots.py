"""Plots of what tools/benchmark_tracking.py measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt


def draw(results: dict[str, Any], folder: Path) -> None:
    """Write one picture for each part that was measured."""
    folder.mkdir(parents=True, exist_ok=True)
    drawings = {"noise": _noise, "bias": _bias, "cover": _cover}
    for name, drawing in drawings.items():
        if name in results:
            figure, axes = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
            drawing(axes, results[name])
            figure.savefig(folder / f"tracking_{name}.png", dpi=100)
            plt.close(figure)


def _noise(axes: Any, rows: list[dict[str, Any]]) -> None:
    names = [f"{row['face_width_px']:.0f} px\nnoise {row['noise_levels']:.0f}" for row in rows]
    axes.bar(names, [row["frame_median"] for row in rows], color="#4477aa", label="median")
    axes.plot(names, [row["frame_p95"] for row in rows], "k_", markersize=14, label="95 % of patches below")
    axes.axhline(1.0, color="grey", linewidth=1)
    axes.axhline(1.3, color="#cc6677", linewidth=1, linestyle="--", label="bar for the median")
    axes.set_ylabel("noise / Cramér–Rao bound")
    axes.legend()


def _bias(axes: Any, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        label = f"face {row['face_width_px']:.0f} px"
        axes.plot(row["phases"], row["rms_by_phase_px"], marker="o", label=label)
    axes.axhline(0.02, color="#cc6677", linewidth=1, linestyle="--", label="bar")
    axes.set(xlabel="fraction of a pixel moved", ylabel="bias, root mean square, px", ylim=(0, None))
    axes.legend()


def _cover(axes: Any, rows: list[dict[str, Any]]) -> None:
    for width in sorted({row["face_width_px"] for row in rows}):
        own = [row for row in rows if row["face_width_px"] == width]
        axes.plot(
            [r["speed_px"] for r in own], [r["p95_px"] for r in own], marker="o", label=f"face {width:.0f} px"
        )
    axes.axhline(0.4, color="#cc6677", linewidth=1, linestyle="--", label="bar")
    axes.set(xscale="log", xlabel="speed of the hand's edge, px per frame", ylabel="reported, 95 % below, px")
    axes.legend()
