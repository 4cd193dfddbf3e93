"""The still face in three dimensions, from one answer of the landmark model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.track.points import EYE_CORNERS, OUTER_CORNERS, POINT_LANDMARKS

# A camera with a normal lens sees a face that fills the picture from about six inter-ocular
# distances; 20 % more or less changes the residue of a 15 degree turn by under 3 miod.
CAMERA_DISTANCE_IOD = 6.0
_NEIGHBOURS = 14  # mesh points in each fit of the surface's slope
# How far a face recedes with the square of the way from its middle, both in inter-ocular distances:
# 1.1 on adults' meshes. A turn cannot be told on a flatter one, so that depth is bent to the nearest.
_ROUNDNESS = (1.0, 1.25)


@dataclass(frozen=True, slots=True)
class FaceShape:
    """Followed points, then the two eye openings, lifted into the still head.

    Attributes
    ----------
    points : float64 [shape=(n, 3)], px
        x and y from `centre`, z away from the camera, at the reference pose.
    slope : float64 [shape=(n, 2)]
        dz/dx and dz/dy of the surface.
    centre : float64 [shape=(2,)], px
    iod_px, distance_px, roll : float
        Inter-ocular distance, camera distance, angle of the eye line (radians).
    yaw, pitch : float, radians
        Of the reference picture itself, read off the mesh.
    eye_axes : float64 [shape=(2, 4)], px
        Half width and half height of each eye opening as vectors in the reference picture.
    """

    points: NDArray[np.float64]
    slope: NDArray[np.float64]
    centre: NDArray[np.float64]
    iod_px: float
    distance_px: float
    roll: float
    yaw: float
    pitch: float
    eye_axes: NDArray[np.float64]


def shape_of(mesh: NDArray[np.float64]) -> FaceShape:
    """Build the still face from 468 landmarks.

    Parameters
    ----------
    mesh : float64 [shape=(468, 3)], px
        z negative towards the camera.
    """
    line = mesh[OUTER_CORNERS[1], :2] - mesh[OUTER_CORNERS[0], :2]
    iod_px = float(np.hypot(*line))
    distance_px = CAMERA_DISTANCE_IOD * iod_px
    centre = mesh[168, :2].copy()
    upright = (mesh[:, :2] - centre) @ np.array([[line[0], -line[1]], [line[1], line[0]]]) / iod_px**2
    depth = iod_px * _rounded(upright, (mesh[:, 2] - mesh[168, 2]) / iod_px)
    eyes = np.array([0.5 * (mesh[a, :2] + mesh[b, :2]) for a, b in EYE_CORNERS])
    places = np.vstack([mesh[POINT_LANDMARKS, :2], eyes])
    z, slope = _surface(mesh[:, :2], depth, places)
    away = (distance_px + z) / distance_px
    points = np.column_stack([(places - centre) * away[:, None], z])
    across = mesh[OUTER_CORNERS[1]] - mesh[OUTER_CORNERS[0]]
    down = mesh[152] - mesh[10]
    return FaceShape(
        points=np.ascontiguousarray(points),
        slope=np.ascontiguousarray(slope),
        centre=centre,
        iod_px=iod_px,
        distance_px=distance_px,
        roll=float(np.arctan2(line[1], line[0])),
        yaw=float(np.arctan2(across[2], np.hypot(across[0], across[1]))),
        pitch=float(np.arctan2(down[2], np.hypot(down[0], down[1]))),
        eye_axes=np.array([_eye_axes(mesh, a, b) for a, b in EYE_CORNERS]),
    )


def _rounded(places: NDArray[np.float64], depth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Depth with a believable roundness across the face; all in inter-ocular distances, upright."""
    x, y = places.T
    design = np.column_stack([np.ones_like(x), x, y, y * y, x * x])
    roundness = np.linalg.lstsq(design, depth, rcond=None)[0][-1]
    return np.asarray(depth + (np.clip(roundness, *_ROUNDNESS) - roundness) * x * x)


def _surface(
    mesh: NDArray[np.float64], depth: NDArray[np.float64], places: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Depth and slope at some places, from a plane through the nearest mesh points."""
    z, slope = np.empty(len(places)), np.empty((len(places), 2))
    for k, place in enumerate(places):
        square = ((mesh - place) ** 2).sum(axis=1)
        near = np.argsort(square)[:_NEIGHBOURS]
        weight = 1.0 / (square[near] + square[near[-1]] * 0.1 + 1e-9)
        plane = np.column_stack([np.ones(_NEIGHBOURS), mesh[near] - place])
        root = np.sqrt(weight)[:, None]
        answer = np.linalg.lstsq(plane * root, depth[near] * root[:, 0], rcond=None)[0]
        z[k], slope[k] = answer[0], answer[1:]
    return z, np.clip(slope, -2.0, 2.0)


def _eye_axes(mesh: NDArray[np.float64], outer: int, inner: int) -> NDArray[np.float64]:
    """Half width and half height vectors of an eye opening, px; width towards picture right."""
    half = 0.5 * (mesh[inner, :2] - mesh[outer, :2])
    if half[0] < 0:
        half = -half
    return np.array([0.8 * half[0], 0.8 * half[1], -0.55 * half[1], 0.55 * half[0]])
