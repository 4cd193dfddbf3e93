"""Pictures of a real face moved by any amount, and patches on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.synth.photometry import Sensor
from edge.synth.plan import SceneSettings
from edge.synth.portrait import built_in_portrait, place_portrait
from edge.synth.warper import Warper
from edge.track.patches import FOLLOWED, PatchSet
from edge.track.points import OUTER_CORNERS, POINT_LANDMARKS, reach_miod

UPRIGHT = np.array([1.0, 0.0, 0.0, 1.0])
ANYWHERE_PX = 1e3
_GRID_STEP = 64


class MovedFace:
    """The built-in portrait as a continuous picture (a cubic B-spline), drawn with any translation.

    Attributes
    ----------
    points : float64 [shape=(N_POINTS, 2)], px
        Where the tracker's points are at no translation.
    iod_px : float
        Distance of the outer eye corners.
    """

    def __init__(self, face_width_px: float, width: int = 640, height: int = 480) -> None:
        canvas = place_portrait(built_in_portrait(), width, height, face_width_px)
        grid = np.array([-2 * _GRID_STEP, -2 * _GRID_STEP, _GRID_STEP], np.float32)
        grid_shape = (height // _GRID_STEP + 6, width // _GRID_STEP + 6)
        self._warper = Warper(canvas.coefficients, canvas.origin_px, grid, grid_shape, (height, width))
        corners = canvas.points[list(OUTER_CORNERS), :2]
        self.iod_px = float(np.hypot(*(corners[1] - corners[0])))
        self.points = np.ascontiguousarray(canvas.points[POINT_LANDMARKS, :2])

    def levels(self, dx_px: float = 0.0, dy_px: float = 0.0) -> NDArray[np.float32]:
        """Grey levels without noise [shape=(height, width)], everything moved by (dx, dy)."""
        self._warper.inverse[0], self._warper.inverse[1] = -dx_px, -dy_px
        self._warper.draw(self._warper.everywhere)
        return self._warper.out.copy()


class Camera:
    """The synthesiser's sensor: read noise and shot noise, rounded to grey levels."""

    def __init__(self, noise_levels: float, seed: int = 1) -> None:
        self.noise_levels = noise_levels
        self._sensor = Sensor(SceneSettings(noise_levels=noise_levels, seed=seed))
        self._frame = 0

    def shoot(self, levels: NDArray[np.float32]) -> NDArray[np.uint8]:
        """One frame, with noise of its own."""
        luma = np.empty(levels.shape, np.uint8)
        self._sensor.expose(levels, self._frame, 0.0, luma)
        self._frame += 1
        return luma

    def variance(self, levels: NDArray[np.floating]) -> NDArray[np.float64]:
        """Variance of each pixel, grey levels squared: a quarter read noise at mid grey, rounding."""
        return self.noise_levels**2 * (0.25 + 0.75 * levels.astype(np.float64) / 128.0) + 1.0 / 12.0


def patches_on(luma: NDArray[np.uint8], points: NDArray[np.float64], noise_levels: float = 2.0) -> PatchSet:
    """Templates at the points of one picture; those without texture stay out."""
    patches = PatchSet(len(points), 0.7, reach_miod())
    patches.noise[0] = max(noise_levels**2, 0.1)  # learned by then
    patches.position[:] = points
    for k in range(len(points)):
        patches.capture(luma, k, UPRIGHT)
    return patches


def find(
    patches: PatchSet, luma: NDArray[np.uint8], start: NDArray[np.float64], reach_px: float = ANYWHERE_PX
) -> NDArray[np.float64]:
    """Where the patches are, looked for from `start`; NaN where there is no template or no match."""
    patches.position[:] = start
    patches.follow(luma, reach_px)
    sound = (patches.state == FOLLOWED) & (patches.correlation > 0)
    return np.where(sound[:, None], patches.position, np.nan)
