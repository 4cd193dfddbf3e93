"""Glasses that stand rigidly before a head, and lamps that their lenses reflect.

Sizes are those of common adult frames (lens 48 x 34 mm, bridge 18 mm) at 90 mm between the outer eye
corners. A lens is a convex mirror: when it turns by an angle, its normal meets the lamp's direction again
at a place that lies radius times angle the other way, while a flat mirror's reflection would turn by
twice the angle and leave it at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.kernels.overlay import draw_frames, draw_glints
from edge.synth.field import FaceFrame
from edge.synth.pose import Camera, HeadPose

_LENS_HALF_IOD = (0.265, 0.19)
_LENS_CORNER_IOD = 0.13
_RIM_IOD = 0.022
_RIM_LEVEL = 30.0
# front curve of 5 dioptres: 0.53 / 5 m
_LENS_RADIUS_IOD = 1.18
# (towards the picture's right, down, radius) on a lens of a head that faces the camera: a lamp, a window
_LAMPS_IOD = ((-0.07, -0.06, 0.045), (0.08, -0.02, 0.022))
_EYES = {"right": (33, 133, 159, 145), "left": (362, 263, 386, 374)}


class Glasses:
    """Lenses, rims and bars in one plane before the eyes of a face.

    Parameters
    ----------
    points : float64 [shape=(468, 3)], px
        Landmarks at rest.
    camera : Camera
    """

    def __init__(self, points: NDArray[np.float64], camera: Camera) -> None:
        face = FaceFrame.of(points)
        self._camera, self._unit = camera, face.iod_px
        # the bridge rests on the nose
        self._depth_px = float(points[[168, 6], 2].mean())
        middles = [points[list(eye), :2].mean(axis=0) for eye in _EYES.values()]
        half = (_LENS_HALF_IOD[0] * self._unit, _LENS_HALF_IOD[1] * self._unit)
        # the pupils look through the upper part
        self._lenses = np.array(
            [(x, y + 0.02 * self._unit, *half, _LENS_CORNER_IOD * self._unit) for x, y in middles], np.float32
        )
        (rx, ry, *_), (lx, ly, *_) = self._lenses.tolist()
        high = 0.08 * self._unit
        reach = 0.12 * self._unit
        bars = (
            (rx + half[0], ry - high, lx - half[0], ly - high),
            (rx - half[0] - reach, ry - high, rx - half[0], ry - high),
            (lx + half[0], ly - high, lx + half[0] + reach, ly - high),
        )
        self._bars = np.array(bars, np.float32)

    def draw(self, pose: HeadPose, shift_px: tuple[float, float], out: NDArray[np.float32]) -> None:
        """Draw the frames as a head in this pose wears them, into a picture that is shifted as a whole."""
        seen = self._from_plane(pose, shift_px)
        thickness, level = np.float32(_RIM_IOD * self._unit), np.float32(_RIM_LEVEL)
        box = self._box(seen, out)
        draw_frames(_inverse(seen), self._lenses, self._bars, thickness, level, box, out)

    def glint(
        self, pose: HeadPose, shift_px: tuple[float, float], level: float, out: NDArray[np.float32]
    ) -> None:
        """Add the lamps' reflections, `level` grey levels bright."""
        seen = self._from_plane(pose, shift_px)
        drift = self._drift_px(pose)
        spots = [
            (lens, x + right * self._unit + drift[0], y + down * self._unit + drift[1], radius * self._unit)
            for lens, (x, y, *_) in enumerate(self._lenses.tolist())
            for right, down, radius in _LAMPS_IOD
        ]
        rim = np.float32(0.5 * _RIM_IOD * self._unit)
        box = self._box(seen, out)
        draw_glints(
            _inverse(seen), self._lenses, np.array(spots, np.float32), rim, np.float32(level), box, out
        )

    def _drift_px(self, pose: HeadPose) -> tuple[float, float]:
        """How far reflections have gone across the lenses since the head faced the camera."""
        radius = _LENS_RADIUS_IOD * self._unit
        normal = pose.rotation() @ np.array([0.0, 0.0, -1.0])
        return -radius * float(normal[0]), -radius * float(normal[1])

    def _from_plane(self, pose: HeadPose, shift_px: tuple[float, float]) -> NDArray[np.float64]:
        """Homography [shape=(3, 3)] from neutral places of the glasses' plane to the picture."""
        camera = self._camera
        centre = np.array([camera.centre_x_px, camera.centre_y_px])
        lift = (camera.distance_px + self._depth_px) / camera.distance_px
        turn = pose.rotation()
        body = np.zeros((3, 3))
        body[:, :2] = lift * turn[:, :2]
        body[:, 2] = -lift * turn[:, :2] @ centre + (self._depth_px - camera.pivot_depth_px) * turn[:, 2]
        body[:, 2] += pose.shift_px
        body[2, 2] += camera.pivot_depth_px + camera.distance_px
        lens = np.diag([camera.distance_px, camera.distance_px, 1.0])
        lens[:2, 2] = centre + shift_px
        return np.asarray(lens @ body)

    def _box(self, seen: NDArray[np.float64], out: NDArray[np.float32]) -> NDArray[np.int64]:
        low, high = self._bars.reshape(-1, 2).min(axis=0), self._bars.reshape(-1, 2).max(axis=0)
        room = (_LENS_HALF_IOD[1] + 0.12) * self._unit
        x, y = np.meshgrid((low[0] - 4, high[0] + 4), (low[1] - room, high[1] + room))
        places = seen @ np.stack([x.ravel(), y.ravel(), np.ones(4)])
        corners = places[:2] / places[2]
        limits = np.array([out.shape[1], out.shape[0]])
        first = np.clip(np.floor(corners.min(axis=1)), 0, limits)
        last = np.clip(np.ceil(corners.max(axis=1)) + 1, 0, limits)
        return np.array([*first, *last], np.int64)


def _inverse(homography: NDArray[np.float64]) -> NDArray[np.float32]:
    inverse = np.linalg.inv(homography)
    return np.asarray(inverse / inverse[2, 2], np.float32).ravel()
