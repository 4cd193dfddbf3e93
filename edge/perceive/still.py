"""Landmarks of one still picture, as exactly as the model can give them: for offline use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.config import PerceiveConfig
from edge.errors import EXIT_INPUT_OUTPUT, EdgeError
from edge.messages import FaceLandmarks
from edge.perceive.detector import FaceDetector
from edge.perceive.landmarks import LandmarkFinder
from edge.perceive.models import LoadedModel
from edge.perceive.region import Region, is_inside, region_from_detection, region_from_landmarks

# (shift along x, along y, in region sizes; scale; turn, rad): the model's answer depends a little
# on where its crop lies, and the mean over these depends on it less
_JITTER = (
    (0.0, 0.0, 1.0, 0.0),
    (0.02, 0.01, 1.03, 0.05),
    (-0.02, -0.01, 0.97, -0.05),
    (0.01, -0.02, 1.05, -0.03),
    (-0.01, 0.02, 0.95, 0.03),
    (0.03, 0.0, 1.0, 0.08),
    (-0.03, 0.0, 1.0, -0.08),
    (0.0, 0.03, 1.08, 0.0),
    (0.0, -0.03, 0.92, 0.0),
)


class NoFace(EdgeError):
    """A picture that must show a face shows none that the models find."""

    exit_code = EXIT_INPUT_OUTPUT

    def __init__(self, width: int, height: int) -> None:
        super().__init__(width, height)
        self.width = width
        self.height = height

    def __str__(self) -> str:
        return (
            f"expected a face in the {self.width}x{self.height} px picture and found none; "
            "take one where a face, seen from the front, is at least 100 px wide"
        )


class StillFinder:
    """Landmarks of the largest face in single pictures, with no memory between them.

    Raises
    ------
    ModelMissing, ModelAltered, RuntimeUnusable
    """

    def __init__(self, config: PerceiveConfig | None = None, directory: Path | None = None) -> None:
        self._config = config = config or PerceiveConfig()
        self._detector = FaceDetector(
            LoadedModel(config.detector, "detector", config.n_threads, config.runtime, directory)
        )
        self._landmarks = LandmarkFinder(
            LoadedModel(config.landmarks, "landmarks", config.n_threads, config.runtime, directory)
        )

    def find(self, luma: NDArray[np.uint8], n_passes: int = 4) -> FaceLandmarks:
        """Refine the region `n_passes` times, then take the mean over slightly moved crops.

        Parameters
        ----------
        luma : uint8 [shape=(height, width)]
        n_passes : int, at least 1

        Raises
        ------
        NoFace
        """
        luma = np.ascontiguousarray(luma)
        for detection in self._detector.find(luma, self._config.detection_min):
            region = region_from_detection(detection)
            presence = 0.0
            for _ in range(n_passes):
                if not is_inside(region, *luma.shape):
                    break
                points, presence = self._landmarks.find(luma, region)
                region = region_from_landmarks(points)
            if presence >= self._config.presence_min and is_inside(region, *luma.shape):
                return self._mean_over_crops(luma, region, presence)
        raise NoFace(luma.shape[1], luma.shape[0])

    def _mean_over_crops(self, luma: NDArray[np.uint8], region: Region, presence: float) -> FaceLandmarks:
        total = np.zeros((468, 3))
        for x, y, scale, turn in _JITTER:
            moved = replace(
                region,
                centre_x_px=region.centre_x_px + x * region.size_px,
                centre_y_px=region.centre_y_px + y * region.size_px,
                size_px=region.size_px * scale,
                angle_rad=region.angle_rad + turn,
            )
            total += self._landmarks.find(luma, moved)[0]
        return FaceLandmarks(0, (total / len(_JITTER)).astype(np.float32), presence)


def landmarks_of_picture(luma: NDArray[np.uint8], config: PerceiveConfig | None = None) -> FaceLandmarks:
    """Landmarks of the largest face in one picture; `StillFinder` where there are several pictures.

    Parameters
    ----------
    luma : uint8 [shape=(height, width)]

    Returns
    -------
    FaceLandmarks
        `face` is 0; `points` in the picture's pixels.

    Raises
    ------
    NoFace, ModelMissing, ModelAltered, RuntimeUnusable
    """
    return StillFinder(config).find(luma)
