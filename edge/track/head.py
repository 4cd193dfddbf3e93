"""The head's pose from frame to frame, and where it puts each point of the still face."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge.kernels.learned import extrapolate_pose, follow_habit
from edge.kernels.pose import N_POSE, fit_pose, project_points, reset_pose
from edge.track.learned import LearnedResidue
from edge.track.points import N_POINTS, N_RIGID
from edge.track.shape import FaceShape

_N_ITERATIONS = 6
# What a rigid patch is usually off is not the head's doing, so that a patch that drops out behind a lid
# takes nothing with it: it was 6 mrad of pitch in a blink. Followed within seconds, forgotten in
# twenty, since only the mesh knows where the head truly is.
_HABIT_S = 2.0
_HABIT_FORGOTTEN_S = 20.0
# a rigid point off by more than this share of the inter-ocular distance is not the head's doing
_TOLERANCE_IOD = 0.012


class Head:
    """Pose of one head relative to its reference picture.

    Attributes
    ----------
    place : float64 [shape=(N_POINTS + 2, 2)], px
        Where the pose alone puts every followed point and the two eye openings.
    tangent : float64 [shape=(N_POINTS + 2, 4)]
        How the reference picture is stretched there.
    """

    def __init__(self, shape: FaceShape) -> None:
        self.shape = shape
        self._pose = np.zeros(N_POSE)
        self._before = np.zeros(N_POSE)
        self._ahead = np.zeros(N_POSE)
        reset_pose(self._pose)
        self._before[:] = self._pose
        self._normal, self._rows = np.zeros((6, 6)), np.zeros((3, 6))
        self._seen = np.zeros((N_RIGID, 2))
        self._habit = np.zeros((N_RIGID, 2))
        self.learned = LearnedResidue(shape)
        self._rigid_shape = np.ascontiguousarray(shape.points[:N_RIGID])
        self.place = np.zeros((N_POINTS + 2, 2))
        self.tangent = np.zeros((N_POINTS + 2, 4))
        self._project()

    def predict(self, share: float) -> None:
        """Go on as in the frame before, by this share of it: `place` and `tangent` are a guess now."""
        extrapolate_pose(self._before, self._pose, share, self._ahead)
        self._before[:] = self._pose
        self._pose[:] = self._ahead
        self._project()

    def fit(self, seen: NDArray[np.float64], weight: NDArray[np.float64], valid: NDArray[np.uint8]) -> bool:
        """Move the pose from its guess to what the rigid points say; False when too few do.

        Parameters
        ----------
        seen : float64 [shape=(N_RIGID, 2)], px
        weight : float64 [shape=(N_RIGID, 3)]
        valid : uint8 [shape=(N_RIGID,)]
        """
        shape = self.shape
        np.subtract(seen, self.learned.offset[:N_RIGID], out=self._seen)
        self._seen -= self._habit
        left_over = fit_pose(
            self._rigid_shape,
            self._seen,
            weight,
            valid,
            shape.centre,
            shape.distance_px,
            _TOLERANCE_IOD * shape.iod_px,
            _N_ITERATIONS,
            self._pose,
            self._normal,
            self._rows,
        )
        if math.isnan(left_over) or abs(self._pose[11]) > 1.5:
            self.stay()
            return False
        self._project()
        return True

    def get_used(self, seen: NDArray[np.float64], state: NDArray[np.uint8], dt_s: float) -> None:
        """Learn what each rigid patch is usually off; call once a frame, after `fit`.

        Parameters
        ----------
        seen : float64 [shape=(N_RIGID, 2)], px
        state : uint8 [shape=(N_RIGID,)]
            1 where the patch is believed.
        dt_s : float
        """
        follow_habit(
            seen,
            self.place,
            state,
            min(dt_s / _HABIT_S, 1.0),
            max(1.0 - dt_s / _HABIT_FORGOTTEN_S, 0.0),
            self._habit,
        )

    def stay(self) -> None:
        """Back to where the frame before had it, and at rest: nothing tells the pose."""
        self._pose[:] = self._before
        self._project()

    def shift(self, dx_px: float, dy_px: float) -> None:
        """Move the whole head in the picture: a guess from the coarse search."""
        nearer = math.exp(self._pose[11])
        self._pose[9] += dx_px / nearer
        self._pose[10] += dy_px / nearer
        self._before[:] = self._pose
        self._project()

    def angles(self) -> tuple[float, float, float]:
        """Yaw, pitch and roll in radians, the reference picture's own included.

        Positive yaw takes the nose to the picture's right, positive pitch takes it down, positive
        roll turns the head clockwise in the picture.
        """
        r = self._pose
        yaw = math.atan2(r[6], math.hypot(r[0], r[3]))
        pitch = math.atan2(r[7], r[8])
        roll = math.atan2(r[3], r[0])
        return self.shape.yaw + yaw, self.shape.pitch + pitch, self.shape.roll + roll

    @property
    def log_scale(self) -> float:
        """Natural logarithm of how much nearer than the reference."""
        return float(self._pose[11])

    def _project(self) -> None:
        shape = self.shape
        project_points(
            shape.points, shape.slope, self._pose, shape.centre, shape.distance_px, self.place, self.tangent
        )
        self.learned.correct(self._pose, self.tangent, self.place)
