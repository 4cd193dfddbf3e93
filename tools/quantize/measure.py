"""How far a shipped model is from its float original, on pictures it was not calibrated on.

There is no ground truth in this: the original's answer is what is compared with. Landmark errors
are distances in the picture plane over all 468 landmarks, in per cent of the distance between the
outer eye corners.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from edge.perceive.detector import FaceDetector
from edge.perceive.landmarks import LandmarkFinder
from edge.perceive.models import LoadedModel
from edge.perceive.region import (
    LEFT_EYE_OUTER,
    RIGHT_EYE_OUTER,
    Detection,
    Region,
    region_from_detection,
    region_from_landmarks,
)
from quantize.pictures import PictureInput, scene_crops

Figures = dict[str, float | int]
Frame = NDArray[np.uint8]

_FRAMES_PER_CLIP = 60
_N_SCENES = 100
_SCENE_SEED = 1  # calibration has seed 0
_SCORE_MIN = 0.5
_SCORE_MARGIN = 0.1
_MATCH_IOU = 0.5


def frames_of_portrait(portrait: Frame) -> list[Frame]:
    """Other augmentations of the calibration portrait: the same person, so a mild test."""
    scenes = scene_crops(portrait, PictureInput(320, 0.0, 255.0), _N_SCENES, _SCENE_SEED)
    return [np.ascontiguousarray(scene[..., 0]).astype(np.uint8) for scene in scenes]


def frames_of_clips(folder: Path) -> list[Frame]:
    """Luma of at most 60 frames of each video in a folder, spread evenly."""
    frames: list[Frame] = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".mp4", ".mov", ".mpg", ".avi", ".mkv"):
            clip = list(_luma_of_clip(path))
            chosen = np.unique(np.linspace(0, len(clip) - 1, _FRAMES_PER_CLIP).astype(int))
            frames += [clip[index] for index in chosen]
    return frames


def _luma_of_clip(path: Path) -> Iterator[Frame]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
            yield rows[: frame.height, : frame.width].copy()


class Comparison:
    """Compares variants with the float models found in `references`.

    Parameters
    ----------
    references : Path
        Folder with the models `landmarks` and `detector`, in float.
    frames : list of uint8 [shape=(height, width)]
    """

    def __init__(self, references: Path, frames: list[Frame]) -> None:
        self._frames = frames
        self._landmarks = LandmarkFinder(LoadedModel("landmarks", "landmarks", directory=references))
        detector = FaceDetector(LoadedModel("detector", "detector", directory=references))
        self._likely = [detector.find(frame, _SCORE_MIN - _SCORE_MARGIN) for frame in frames]
        self._detections = [_accepted(likely) for likely in self._likely]
        self._faces = list(self._find_faces())

    def _find_faces(self) -> Iterator[tuple[Frame, Region]]:
        for frame, detections in zip(self._frames, self._detections, strict=True):
            for detection in detections[:1]:
                region = region_from_detection(detection)
                for _ in range(2):
                    points, presence = self._landmarks.find(frame, region)
                    region = region_from_landmarks(points)
                if presence >= _SCORE_MIN:
                    yield frame, region

    def landmark_figures(self, folder: Path, name: str) -> Figures:
        """Errors of a landmark model; regions are the float model's own.

        Presence is compared at each face and at a place beside it, as the decision at 0.5.
        """
        variant = LandmarkFinder(LoadedModel(name, "landmarks", directory=folder))
        errors, agreed = [], []
        for frame, region in self._faces:
            expected, expected_presence = self._landmarks.find(frame, region)
            found, presence = variant.find(frame, region)
            across = np.linalg.norm(expected[LEFT_EYE_OUTER, :2] - expected[RIGHT_EYE_OUTER, :2])
            errors.append(100 * np.linalg.norm((found - expected)[:, :2], axis=1) / across)
            agreed.append((presence >= 0.5) == (expected_presence >= 0.5))
            beside = replace(region, centre_x_px=region.centre_x_px + 0.8 * region.size_px)
            decisions = [finder.find(frame, beside)[1] >= 0.5 for finder in (variant, self._landmarks)]
            agreed.append(decisions[0] == decisions[1])
        every = np.concatenate(errors)
        return {
            "n_faces": len(errors),
            "mean_percent_iod": round(float(every.mean()), 3),
            "p95_percent_iod": round(float(np.percentile(every, 95)), 3),
            "presence_agrees_percent": round(100 * float(np.mean(agreed)), 1),
        }

    def detector_figures(self, folder: Path, name: str) -> Figures:
        """Faces missed and added at a score of 0.5, and how well the others agree.

        `n_beyond_margin` counts those of them that the other model does not even give 0.4: a score
        of 0.51 against 0.49 is no other opinion.
        """
        variant = FaceDetector(LoadedModel(name, "detector", directory=folder))
        overlaps, shifts = [], []
        n_missed = n_extra = n_beyond_margin = 0
        for frame, expected, likely in zip(self._frames, self._detections, self._likely, strict=True):
            found_likely = variant.find(frame, _SCORE_MIN - _SCORE_MARGIN)
            found = _accepted(found_likely)
            n_missed += sum(_best_match(one, found) is None for one in expected)
            n_extra += sum(_best_match(one, expected) is None for one in found)
            n_beyond_margin += sum(_best_match(one, found_likely) is None for one in expected)
            n_beyond_margin += sum(_best_match(one, likely) is None for one in found)
            for one in expected:
                other = _best_match(one, found)
                if other is None:
                    continue
                overlaps.append(_overlap(one.box, other.box))
                across = np.linalg.norm(one.keypoints[1] - one.keypoints[0])
                off = np.linalg.norm(one.keypoints[:4] - other.keypoints[:4], axis=1)
                shifts.append(100 * float(off.mean() / across))
        return {
            "n_frames": len(self._frames),
            "n_faces": sum(len(found) for found in self._detections),
            "n_missed": n_missed,
            "n_extra": n_extra,
            "n_beyond_margin": n_beyond_margin,
            "iou_mean": round(float(np.mean(overlaps)), 3) if overlaps else 0.0,
            "iou_min": round(float(np.min(overlaps)), 3) if overlaps else 0.0,
            "keypoint_mean_percent": round(float(np.mean(shifts)), 2) if shifts else 100.0,
        }


def _accepted(likely: list[Detection]) -> list[Detection]:
    return [face for face in likely if face.score >= _SCORE_MIN]


def _best_match(one: Detection, found: list[Detection]) -> Detection | None:
    best = max(found, key=lambda other: _overlap(one.box, other.box), default=None)
    return best if best is not None and _overlap(one.box, best.box) >= _MATCH_IOU else None


def _overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    sides = np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None)
    areas = [float((box[2:] - box[:2]).prod()) for box in (one, other)]
    shared = float(sides.prod())
    return shared / (sum(areas) - shared)
