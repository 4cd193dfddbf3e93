"""Draws docs/images/capture.png: a file's times put back on their grid, what a late loop loses, flicker.

    python tools/draw_capture.py

The recording is the built-in clip, the code is the product's; time in the middle panel is counted, not
waited for, so that the picture is the same on every machine. Needs the extra `draw`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import av
import matplotlib as mpl
import numpy as np

from edge.capture.delivery import Delivery
from edge.capture.file import FileSource
from edge.capture.frame_history import FLICKER_GREY, N_STRIPS
from edge.capture.gaps import GapDetector
from edge.kernels.light import take_levels
from edge.synth.demo import demo_clip

mpl.use("Agg")
import matplotlib.pyplot as plt

OUTPUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "capture.png"
AROUND_S = (47.85, 48.15)  # the built-in plan drops three frames here
FLICKER_S = (0.5, 2.5)
BLUE, RED, GREEN, GREY = "#1f5f8b", "#d1495b", "#3a7d44", "#bbb"


def main() -> None:
    """Three panels."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    clip, _ = demo_clip()
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 3.9), layout="constrained")
    draw_times(left, clip)
    draw_late_loop(middle)
    draw_flicker(right, clip)
    figure.savefig(arguments.output, dpi=100, metadata={"Software": None})


def draw_times(panel: Any, clip: Path) -> None:
    """Intervals as the file stores them, as frames carry them, and the gap that is reported."""
    with av.open(str(clip)) as container:
        (stream,) = container.streams.video
        stored_s = np.array(
            [float(p.pts * p.time_base) for p in container.demux(stream) if p.pts is not None]
        )
    stored_s.sort()
    times_s, missing = [], []
    with FileSource(clip) as source:
        gaps = GapDetector(source.info.fps)
        while not times_s or times_s[-1] < AROUND_S[1]:
            frame = source.read(1.0)
            times_s.append(frame.timestamp_ns / 1e9)
            if (gap := gaps.observe(frame.sequence, frame.timestamp_ns)) is not None:
                missing.append((gap.timestamp_ns / 1e9, gap.n_missing))
    for at_s, colour, label, style in (
        (stored_s, RED, "stored, in whole ms", "o"),
        (np.array(times_s), BLUE, "as frames carry it", "."),
    ):
        near = (at_s[1:] >= AROUND_S[0]) & (at_s[1:] < AROUND_S[1])
        panel.plot(at_s[1:][near], np.diff(at_s)[near] * 1e3, style, color=colour, label=label, markersize=4)
    for at_s, n_missing in missing:
        if at_s >= AROUND_S[0]:
            panel.annotate(f"{n_missing} frames missing", (at_s, 27.0), fontsize=8, ha="center")
    panel.set(title="interval before each frame", xlabel="s", ylabel="ms", ylim=(0, 38))
    panel.legend(fontsize=8, frameon=False)


def draw_late_loop(panel: Any) -> None:
    """Frames lost while the main loop is busy for once, by the depth of the ring."""
    busy_ms = np.arange(0, 301, 10)
    for colour, fps in ((BLUE, 120.0), (GREEN, 200.0)):
        lost = [lost_while_busy(fps, ms) for ms in busy_ms]
        panel.plot(busy_ms, lost, color=colour, label=f"{fps:.0f} frames a second", linewidth=1.2)
    panel.set(title="frames lost while the loop is busy", xlabel="ms without a read")
    panel.legend(fontsize=8, frameon=False)


def lost_while_busy(fps: float, busy_ms: float) -> int:
    """Frames that a real ring overwrites when its reader is away once for so long."""
    ring = Delivery(4, 4, fps).ring
    for frame in range(100):
        ring.begin()
        ring.commit()
        in_time = not 10 <= frame < 10 + busy_ms * fps / 1e3
        while in_time and ring.take(0.0) is not None:
            pass
    return ring.n_overwritten


def draw_flicker(panel: Any, clip: Path) -> None:
    """Amplitude of what shows in one strip of the picture, by frequency."""
    levels: list[Any] = []
    with FileSource(clip) as source:
        frame = source.read(1.0)
        steps = max(1, frame.luma.shape[0] // 32), max(1, frame.luma.shape[1] // 80)
        thin = np.zeros((frame.luma.shape[0] // steps[0], frame.luma.shape[1] // steps[1]), np.uint8)
        while frame.timestamp_ns < FLICKER_S[1] * 1e9:
            strips = np.zeros(N_STRIPS, np.float32)
            take_levels(frame.luma, *steps, thin, strips)
            if frame.timestamp_ns >= FLICKER_S[0] * 1e9:
                levels.append(strips)
            frame = source.read(1.0)
        fps = source.info.fps
    strip = np.array(levels, np.float64)[:, N_STRIPS // 2]
    window = np.hanning(len(strip))
    shown = np.abs(np.fft.rfft((strip - strip.mean()) * window)) * 2 / window.sum()
    panel.plot(np.fft.rfftfreq(len(strip), 1 / fps), shown, color=BLUE, linewidth=1.2)
    panel.axhline(FLICKER_GREY, color=GREY, linewidth=0.8)
    panel.text(58, FLICKER_GREY, "told from here on", fontsize=8, ha="right", va="bottom")
    panel.annotate("|100 − 120| Hz", (20, shown.max()), (24, shown.max() * 0.95), fontsize=8)
    panel.set(title="light of a 50 Hz lamp in one strip", xlabel="Hz", ylabel="grey levels", xlim=(0, 60))


if __name__ == "__main__":
    main()
