"""Draws docs/images/perception.png: detector, face region and crop; the model on each frame beside patches.

    python tools/draw_perception.py

Shows the built-in clip, made from NASA's public-domain portrait (edge/synth/PORTRAIT.md). Needs the extra
`draw`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from edge.anatomy import SIGNAL_NAMES, SIGNALS, decode
from edge.capture.file import FileSource
from edge.config import PerceiveConfig, TrackConfig
from edge.messages import Frame
from edge.perceive.detector import FaceDetector
from edge.perceive.finder import FaceFinder
from edge.perceive.landmarks import LandmarkFinder
from edge.perceive.models import LoadedModel
from edge.perceive.region import Region, crop_matrix, region_from_detection, region_from_landmarks
from edge.perceive.worker import KeyFrameWorker
from edge.synth.demo import demo_clip
from edge.track.points import OUTER_CORNERS
from edge.track.tracker import Tracker
from edge.watching import FILE_LATENCY_NS

mpl.use("Agg")
import matplotlib.pyplot as plt

OUTPUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "perception.png"
SIGNAL = SIGNAL_NAMES.index("inner_brow_right")
BRIDGE = 168
SHOWN_S = (4.6, 6.4)  # the inner brows go up by 20 miod at 5.6 s, a blink comes before and one after
BLUE, RED, YELLOW = "#1f5f8b", "#d1495b", "#ffd166"


def main() -> None:
    """A frame, its crop, and two ways to a signal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    clip, _ = demo_clip()
    figure = plt.figure(figsize=(13, 4.0), facecolor="white", layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.15, 0.85, 1.6))
    draw_search(left, middle, clip)
    draw_signals(right, clip)
    figure.savefig(arguments.output, dpi=100, metadata={"Software": None})


def draw_search(whole: Any, crop: Any, clip: Path) -> None:
    """What the detector says, where the landmark model looks, and what it sees and answers."""
    config = PerceiveConfig()
    detector = LoadedModel(config.detector, "detector", config.n_threads, config.runtime, None)
    landmarks = LoadedModel(config.landmarks, "landmarks", config.n_threads, config.runtime, None)
    with FileSource(clip) as source:
        luma = source.read(1.0).luma.copy()
    detection = FaceDetector(detector).find(luma, config.detection_min)[0]
    finder = LandmarkFinder(landmarks)
    points, _ = finder.find(luma, region_from_detection(detection))
    region = region_from_landmarks(points)
    points, _ = finder.find(luma, region)
    whole.imshow(luma, cmap="gray", vmin=0, vmax=255)
    box = detection.box
    whole.plot(box[[0, 2, 2, 0, 0]], box[[1, 1, 3, 3, 1]], color=YELLOW, linewidth=1.5, label="detector")
    whole.scatter(*detection.keypoints.T, s=14, color=YELLOW)
    whole.plot(*corners(region), color=RED, linewidth=1.5, label="region of the landmark model")
    whole.legend(fontsize=8, loc="lower left")
    seen = landmarks.picture[0, :, :, 0]
    crop.imshow(seen, cmap="gray")
    matrix = crop_matrix(region, seen.shape[0])
    inside = np.linalg.solve(matrix[:, :2], points[:, :2].T.astype(np.float64) - matrix[:, 2:])
    crop.scatter(*inside, s=2, color=RED)
    whole.set_title("key frame")
    crop.set_title(f"{seen.shape[1]} x {seen.shape[0]} px crop, 468 landmarks")
    for panel in (whole, crop):
        panel.set_xticks([])
        panel.set_yticks([])


def corners(region: Region) -> Any:
    """float64 [shape=(2, 5)], px: the square's outline."""
    cosine, sine = np.cos(region.angle_rad), np.sin(region.angle_rad)
    square = np.array([[-1, 1, 1, -1, -1], [-1, -1, 1, 1, -1]]) * region.size_px / 2
    turned = np.array([[cosine, -sine], [sine, cosine]]) @ square
    return turned + np.array([[region.centre_x_px], [region.centre_y_px]])


def draw_signals(panel: Any, clip: Path) -> None:
    """The landmark model on every frame, and the tracker with the model on key frames only."""
    finder = FaceFinder(PerceiveConfig())
    by_model: list[tuple[float, float]] = []
    by_patches: list[tuple[float, float]] = []
    answers_s: list[float] = []
    with FileSource(clip) as source:
        frame = source.read(1.0)
        tracker = Tracker(TrackConfig(), *frame.luma.shape)
        worker = KeyFrameWorker(FaceFinder(PerceiveConfig()), *frame.luma.shape, FILE_LATENCY_NS)
        while frame.timestamp_ns < SHOWN_S[1] * 1e9:
            at_s = frame.timestamp_ns / 1e9
            traces = tracker.follow(frame)
            by_patches += [(at_s, float(decode(trace.codes)[SIGNAL])) for trace in traces]
            if (answer := worker.collect(frame.timestamp_ns)) is not None:
                tracker.reseat(answer, frame)
                answers_s.append(at_s)
            if tracker.wants_key_frame(frame) and worker.submit(frame):
                tracker.remember_key_frame(frame)
            if at_s >= SHOWN_S[0]:
                by_model.append((at_s, told_by_model(finder, frame)))
            frame = source.read(1.0)
        worker.close()
    for told, colour, label in (
        (by_model, RED, "landmark model on each frame"),
        (by_patches, BLUE, "patches between key frames"),
    ):
        at_s, miod = np.array(told).T
        shown = at_s >= SHOWN_S[0]
        panel.plot(
            at_s[shown], miod[shown] - np.median(miod[shown]), color=colour, label=label, linewidth=1.1
        )
    for at_s in answers_s:
        if at_s >= SHOWN_S[0]:
            panel.axvspan(at_s - FILE_LATENCY_NS / 1e9, at_s, color="#c9d8e4", linewidth=0)
    panel.set(title="inner brow, right", xlabel="s; shaded: from a key frame to its answer", ylabel="miod")
    panel.legend(fontsize=8, frameon=False, loc="upper left")


def told_by_model(finder: FaceFinder, frame: Frame) -> float:
    """The signal as the landmarks alone give it: brow against bridge, along the upright face, miod."""
    (face,) = finder.find(frame.luma, frame.sequence, frame.timestamp_ns).faces
    points = face.points[:, :2].astype(np.float64)
    across = points[OUTER_CORNERS[1]] - points[OUTER_CORNERS[0]]
    iod_px = np.hypot(*across)
    up = np.array([across[1], -across[0]]) / iod_px
    members = list(SIGNALS[SIGNAL].landmarks)
    return float((points[members].mean(axis=0) - points[BRIDGE]) @ up / iod_px * 1000.0)


if __name__ == "__main__":
    main()
