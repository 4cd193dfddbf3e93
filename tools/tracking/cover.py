"""A hand's edge sweeping over the face: how far a patch seems to move before it is given up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.track.patches import FOLLOWED
from tracking.faces import Camera, MovedFace, patches_on

SPEEDS_PX = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
HAND_LEVELS = (60.0, 130.0, 200.0)
_DIRECTIONS = ((1.0, 0.0), (0.0, -1.0), (-0.8, 0.6))
_REACH_IOD = 0.09  # as edge.track.face_track looks
_HALF = 8.0
BAR_PX = 0.4
_LATE_FRAMES = 3
# a patch whose own noise comes near the bar in some of its frames would tell nothing about hands
_N_SIGMA, _NOISE_MOST_PX = 4.0, 0.3


def hand_over(
    levels: NDArray[np.float32], hand: NDArray[np.float64], direction: tuple[float, float], edge_px: float
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The picture with everything on one side of a line replaced, and how much of each pixel is."""
    height, width = levels.shape
    y, x = np.mgrid[:height, :width]
    along = (x - width / 2) * direction[0] + (y - height / 2) * direction[1]
    share = np.clip(0.5 + (edge_px - along) / 2.0, 0.0, 1.0)  # a lens draws no edge sharper than 2 px
    return (levels * (1 - share) + hand * share).astype(np.float32), share


def texture(shape: tuple[int, int], level: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Skin of another part: a level, slow shading and a little grain."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    waves = rng.uniform(0.02, 0.3, (6, 2)) * rng.choice([-1, 1], (6, 2))
    phases = rng.uniform(0, 2 * np.pi, 6)
    shading = sum(np.cos(a * x + b * y + p) for (a, b), p in zip(waves, phases, strict=True))
    return np.asarray(level + 3.0 * shading)


def sweep(
    face: MovedFace, camera: Camera, level: float, direction: tuple[float, float], speed_px: float, seed: int
) -> NDArray[np.float64]:
    """Largest movement each patch reports once the hand has reached it, px; NaN where noise is as large."""
    rest = face.levels()
    hand = texture(rest.shape, level, np.random.default_rng(seed))
    patches = patches_on(camera.shoot(rest), face.points, camera.noise_levels)
    along = (face.points - np.array(rest.shape[::-1]) / 2) @ direction
    # a patch's farthest sample along the direction
    radius = _HALF * (abs(direction[0]) + abs(direction[1])) + 2.0
    largest = np.zeros(len(along))
    edges = np.arange(
        along.min() - radius - 2 * speed_px, along.max() + radius + _LATE_FRAMES * speed_px, speed_px
    )
    for edge_px in edges:
        picture, _ = hand_over(rest, hand, direction, float(edge_px))
        lost = patches.state != FOLLOWED
        patches.position[lost] = face.points[lost]
        patches.follow(camera.shoot(picture), _REACH_IOD * face.iod_px)
        moved = patches.position - face.points
        patches.movement[:] = moved * (1000.0 / face.iod_px)
        patches.judge(1.0 / 120.0)
        reports = (edge_px - along > -radius) & (patches.state == FOLLOWED)
        largest[reports] = np.maximum(largest[reports], np.hypot(*moved[reports].T))
    own_noise_px = camera.noise_levels * np.sqrt(patches.covariance[:, 0] + patches.covariance[:, 2])
    return np.where(_N_SIGMA * own_noise_px < _NOISE_MOST_PX, largest, np.nan)


def measure_cover(face_width_px: float, noise_levels: float, seed: int = 1) -> list[dict[str, float]]:
    """One row for each speed, over levels and directions."""
    face, camera = MovedFace(face_width_px, 320, 320), Camera(noise_levels, seed)
    rows = []
    for speed_px in SPEEDS_PX:
        largest = np.concatenate(
            [
                sweep(face, camera, level, direction, speed_px, seed + i)
                for i, level in enumerate(HAND_LEVELS)
                for direction in (_DIRECTIONS if speed_px >= 2 else _DIRECTIONS[i : i + 1])
            ]
        )
        n_all = largest.size
        largest = largest[np.isfinite(largest)]
        rows.append(
            {
                "tested_share": largest.size / n_all,
                "over_bar_share": float(np.mean(largest > BAR_PX)),
                "speed_px": speed_px,
                "median_px": float(np.median(largest)),
                "p95_px": float(np.percentile(largest, 95)),
                "p99_px": float(np.percentile(largest, 99)),
                "most_px": float(largest.max()),
            }
        )
    return rows
