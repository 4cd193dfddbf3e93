"""Draws docs/images/recording.png: what a second of signals takes in the log, and why.

    microcue run --camera demo --data DIR
    python tools/draw_recording.py --data DIR

Packs the newest session's own signals in five ways. Needs the extra `draw`.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from edge.record.codec import pack_codes
from edge.record.reading import LogReader

mpl.use("Agg")
import matplotlib.pyplot as plt

OUTPUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "recording.png"
BLUE, RED = "#1f5f8b", "#d1495b"
LEVEL = 6


def main() -> None:
    """Two panels."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="data directory with a session")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    with LogReader(arguments.data) as log:
        blocks = [block.codes for block in log.signal_blocks(log.resolve("latest"), 0)]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
    draw_sizes(left, blocks)
    draw_steps(right, blocks)
    figure.savefig(arguments.output, dpi=100, metadata={"Software": None})


def draw_sizes(panel: Any, blocks: list[Any]) -> None:
    """Mean bytes of a block, packed in each way."""
    ways = {
        "two bytes a value": lambda codes: codes.tobytes(),
        "zlib": lambda codes: zlib.compress(codes.tobytes(), LEVEL),
        "differences, zlib": lambda codes: zlib.compress(steps_of(codes).tobytes(), LEVEL),
        "low and high bytes apart": lambda codes: zlib.compress(planes_of(steps_of(codes)), LEVEL),
        "sign in the lowest bit: the log": pack_codes,
    }
    n_bytes = [float(np.mean([len(way(codes)) for codes in blocks])) for way in ways.values()]
    bars = panel.barh(list(ways)[::-1], n_bytes[::-1], color=[RED, *[BLUE] * 4])
    panel.bar_label(bars, fmt=" %.0f", fontsize=8)
    panel.set(title="bytes for a second of signals", xlim=(0, max(n_bytes) * 1.15))
    panel.tick_params(labelsize=8)


def steps_of(codes: Any) -> Any:
    """int16 [shape=(n_channels, n_frames)]: each channel's differences along time; they may wrap."""
    steps = np.array(codes.T, np.int16, order="C")
    steps[:, 1:] -= codes.T[:, :-1]
    return steps


def planes_of(steps: Any) -> bytes:
    """All low bytes, then all high ones."""
    return np.ascontiguousarray(np.moveaxis(steps.view(np.uint8).reshape(*steps.shape, 2), -1, 0)).tobytes()


def draw_steps(panel: Any, blocks: list[Any]) -> None:
    """How large the differences from frame to frame are."""
    steps = np.concatenate([steps_of(codes)[:, 1:].ravel() for codes in blocks]).astype(np.int64)
    panel.hist(np.clip(steps, -200, 200), bins=np.arange(-200.5, 201.5), color=BLUE, log=True)
    in_one_byte = np.mean((steps >= -128) & (steps <= 127)) * 100
    for edge in (-128, 127):
        panel.axvline(edge, color=RED, linewidth=0.8)
    panel.set_ylim(top=1e5)
    panel.text(
        0,
        3e4,
        f"{in_one_byte:.1f} % fit into one byte; the ends hold what is larger",
        fontsize=8,
        ha="center",
    )
    panel.set(title="differences from frame to frame", xlabel="one code is 0.02 miod in a movement signal")


if __name__ == "__main__":
    main()
