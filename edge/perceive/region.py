"""Where to cut the face out of the picture: a rotated square.

The rules (1.5 times the longer side of the face's box, upright by the line between the eyes)
are those of the published graphs `face_landmark_front_cpu` and
`face_detection_front_detection_to_roi` of MediaPipe 0.10.21, which the landmark model was trained
for; the box is taken in the turned frame, so that a tilted head is not cut larger.

Coordinates are pixels with integers at pixel centres. A model's own coordinates run from 0 at
the crop's left edge to n at its right edge: seen in the mean of a face and its mirror image,
191.9 ± 0.04 of 192 (134 faces), where integers at pixel centres would give 191.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RIGHT_EYE_OUTER, LEFT_EYE_OUTER = 33, 263
_MARGIN = 1.5


@dataclass(frozen=True, slots=True)
class Detection:
    """One face found by the detector.

    Attributes
    ----------
    score : float in [0, 1]
    box : float32 [shape=(4,)], px
        Left, top, right, bottom.
    keypoints : float32 [shape=(6, 2)], px
        The person's right eye, left eye, nose, mouth, right ear, left ear.
    """

    score: float
    box: NDArray[np.float32]
    keypoints: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Region:
    """A square of the picture, turned by `angle_rad` (clockwise as seen)."""

    centre_x_px: float
    centre_y_px: float
    size_px: float
    angle_rad: float


def region_from_detection(detection: Detection) -> Region:
    """The square around a detected face."""
    left, top, right, bottom = (float(edge) for edge in detection.box)
    to_left_eye = detection.keypoints[1] - detection.keypoints[0]
    return Region(
        centre_x_px=(left + right) / 2,
        centre_y_px=(top + bottom) / 2,
        size_px=_MARGIN * max(right - left, bottom - top),
        angle_rad=math.atan2(float(to_left_eye[1]), float(to_left_eye[0])),
    )


def region_from_landmarks(points: NDArray[np.float32]) -> Region:
    """The square around a face whose landmarks are known.

    Parameters
    ----------
    points : float32 [shape=(468, 2 or 3)], px
    """
    plane = points[:, :2].astype(np.float64)
    across = plane[LEFT_EYE_OUTER] - plane[RIGHT_EYE_OUTER]
    angle = math.atan2(across[1], across[0])
    turn = _rotation(angle)
    upright = plane @ turn  # rows times R = R^T times columns
    low, high = upright.min(axis=0), upright.max(axis=0)
    centre = turn @ ((low + high) / 2)
    return Region(float(centre[0]), float(centre[1]), _MARGIN * float((high - low).max()), angle)


def crop_matrix(region: Region, n: int) -> NDArray[np.float64]:
    """Map from the pixels of an n x n crop to the picture.

    Returns
    -------
    float64 [shape=(2, 3)], px
        Takes (column, row, 1), integers at pixel centres in both.
    """
    turn = _rotation(region.angle_rad) * (region.size_px / n)
    middle = np.array([region.centre_x_px, region.centre_y_px]) + turn @ np.full(2, 0.5 - n / 2)
    return np.ascontiguousarray(np.column_stack([turn, middle]))


def to_picture(points: NDArray[np.float32], region: Region, n: int) -> NDArray[np.float32]:
    """Landmarks from the model's coordinates to the picture's.

    Parameters
    ----------
    points : float32 [shape=(..., 2 or 3)]
        From 0 to n, edge to edge; depth, if there, in the same unit.

    Returns
    -------
    float32 [same shape], px
    """
    scale = region.size_px / n
    placed = points.astype(np.float64) * scale
    placed[..., :2] = (placed[..., :2] - region.size_px / 2) @ _rotation(region.angle_rad).T
    placed[..., :2] += (region.centre_x_px, region.centre_y_px)
    return placed.astype(np.float32)


def is_same_face(one: Region, other: Region) -> bool:
    """Whether two regions hold the same face: centres closer than a third of the larger side.

    A face fills two thirds of its region, so two heads side by side are at least that far apart.
    """
    distance = math.hypot(one.centre_x_px - other.centre_x_px, one.centre_y_px - other.centre_y_px)
    return distance < max(one.size_px, other.size_px) / 3


def is_inside(region: Region, height: int, width: int) -> bool:
    """Whether the region can still be looked at: finite, its centre in the picture, not tiny or vast.

    Under 24 px, one pixel is an eighth of the inter-ocular distance; four times the picture is no face.
    """
    values = (region.centre_x_px, region.centre_y_px, region.size_px, region.angle_rad)
    return (
        all(math.isfinite(value) for value in values)
        and 24 <= region.size_px <= 4 * max(height, width)
        and 0 <= region.centre_x_px < width
        and 0 <= region.centre_y_px < height
    )


def _rotation(angle_rad: float) -> NDArray[np.float64]:
    cosine, sine = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[cosine, -sine], [sine, cosine]])
