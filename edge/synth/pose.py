"""The head's pose and the camera that sees it.

Axes as in the picture: x to the right, y down, z away from the camera; depth 0 is the plane in
which the neutral picture is drawn at its own scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# distance of the camera, in inter-ocular distances: about 60 cm for an adult's 9 to 10 cm between
# the outer eye corners
CAMERA_DISTANCE_IOD = 6.0
# depth, behind the middle of the mesh, of the axis that head turns go about: between the ears
PIVOT_DEPTH_IOD = 0.6


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Where the head is, against its neutral place in the picture.

    Attributes
    ----------
    yaw_deg : float
        About the vertical axis; positive turns the nose to the picture's right.
    pitch_deg : float
        About the horizontal axis; positive takes the nose down.
    roll_deg : float
        In the picture; positive is clockwise as seen.
    shift_px : (float, float, float)
        Of the pivot, x, y and z; positive z is away from the camera.
    """

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    shift_px: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def rotation(self) -> NDArray[np.float64]:
        """Rotation matrix [shape=(3, 3)]: pitch first, then yaw, then roll."""
        yaw, pitch, roll = (math.radians(a) for a in (-self.yaw_deg, self.pitch_deg, self.roll_deg))
        about_y = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
        about_x = np.array(
            [[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]]
        )
        about_z = np.array(
            [[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]]
        )
        return np.asarray(about_z @ about_y @ about_x)


@dataclass(frozen=True, slots=True)
class Camera:
    """Perspective of the scene, px."""

    centre_x_px: float
    centre_y_px: float
    distance_px: float
    pivot_depth_px: float

    def head_parameters(
        self, pose: HeadPose, picture_shift_px: tuple[float, float] = (0.0, 0.0)
    ) -> NDArray[np.float32]:
        """The 18 numbers that the warp kernels call `head`."""
        lens = (self.centre_x_px, self.centre_y_px, self.distance_px, self.pivot_depth_px)
        return np.array([*pose.rotation().ravel(), *pose.shift_px, *lens, *picture_shift_px], np.float32)
