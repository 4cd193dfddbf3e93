"""Draws docs/images/head.png: where a brow is seen, where the head alone would put it, and what is left.

    python tools/draw_head.py

Follows the built-in clip through its turn of 6 degrees. Needs the extra `draw`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from edge.anatomy import CHANNEL_NAMES, decode
from edge.capture.file import FileSource
from edge.config import PerceiveConfig, TrackConfig
from edge.perceive.finder import FaceFinder
from edge.perceive.worker import KeyFrameWorker
from edge.synth.demo import demo_clip
from edge.track.points import POINT_LANDMARKS
from edge.track.tracker import Tracker
from edge.watching import FILE_LATENCY_NS

mpl.use("Agg")
import matplotlib.pyplot as plt

OUTPUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "head.png"
SHOWN_S = (11.8, 18.6)
BROW = int(np.flatnonzero(POINT_LANDMARKS == 107)[0])
SIGNAL = "inner_brow_right"
BLUE, RED, GREEN = "#1f5f8b", "#d1495b", "#3a7d44"


def main() -> None:
    """Three panels."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    times_s, seen, placed, values = follow()
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
    for name, colour in (("yaw_mrad", BLUE), ("pitch_mrad", GREEN), ("roll_mrad", RED)):
        angle_deg = np.degrees(values[:, CHANNEL_NAMES.index(name)] / 1000.0)
        left.plot(
            times_s, angle_deg - angle_deg[0], color=colour, label=name.partition("_")[0], linewidth=1.2
        )
    left.set(title="the head, against the first frame", xlabel="s", ylabel="degrees")
    for places, colour, label in ((seen, RED, "seen"), (placed, BLUE, "where the head alone puts it")):
        middle.plot(times_s, places - seen[0], color=colour, label=label, linewidth=1.1)
    middle.set(title="inner end of the right brow, across the picture", xlabel="s", ylabel="miod")
    signal = values[:, CHANNEL_NAMES.index(SIGNAL)]
    right.plot(times_s, signal - np.median(signal), color=BLUE, label="the signal", linewidth=1.1)
    right.set(title="what is left of it along the brow's way up", xlabel="s", ylabel="miod")
    for panel in (left, middle):
        panel.legend(fontsize=8, frameon=False)
    figure.savefig(arguments.output, dpi=100, metadata={"Software": None})


def follow() -> tuple[Any, Any, Any, Any]:
    """Times in s, x of the brow's patch and of its place on the rigid head in miod, channel values."""
    rows = []
    clip, _ = demo_clip()
    with FileSource(clip) as source:
        frame = source.read(1.0)
        tracker = Tracker(TrackConfig(), *frame.luma.shape)
        worker = KeyFrameWorker(FaceFinder(PerceiveConfig()), *frame.luma.shape, FILE_LATENCY_NS)
        while frame.timestamp_ns < SHOWN_S[1] * 1e9:
            traces = tracker.follow(frame)
            at_s = frame.timestamp_ns / 1e9
            if at_s >= SHOWN_S[0]:
                rows += [(at_s, *places_miod(tracker), *decode(trace.codes)) for trace in traces]
            if (answer := worker.collect(frame.timestamp_ns)) is not None:
                tracker.reseat(answer, frame)
            if tracker.wants_key_frame(frame) and worker.submit(frame):
                tracker.remember_key_frame(frame)
            frame = source.read(1.0)
        worker.close()
    table = np.array(rows)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3:]


def places_miod(tracker: Tracker) -> tuple[float, float]:
    """x of the patch and of the rigid head's point below it; inner workings that no interface needs."""
    face = tracker._faces[0]
    head = face._require_head()
    per_px = 1000.0 / head.shape.iod_px
    return float(face._patches.position[BROW, 0]) * per_px, float(head.place[BROW, 0]) * per_px


if __name__ == "__main__":
    main()
