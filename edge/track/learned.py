"""What the head's own movements teach about each point: see `kernels.learned`."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge.kernels.learned import N_TERMS, add_learned, advance_gain, angle_terms, learn_points
from edge.track.points import N_POINTS
from edge.track.shape import FaceShape

# What is expected before anything was seen: at 11 degrees a good mesh leaves about 10 miod.
_EXPECTED_MIOD = 10.0
# One second of observations counts as one of this size, whatever the frame rate. What a face does by
# itself is not new in every frame, and a brow that goes up with every nod must not be taken for shape
# at once: with 20, a raise of 15 miod in each of eight nods of 8 degrees reads 14, 9, 7 ... 3; with
# 0.5 it reads 4 and then nothing. Known shape is learned from three turns either way.
_NOISE_MIOD2_S = 20.0
_LEVEL_WANDERS_MIOD2_PER_S = 0.1  # with the noise: slower than 14 s is the level's, not the angle's
_ANGLE_WANDERS_MIOD2_PER_S = 0.002
_SURPRISE_MOST_MIOD = 6.0


class LearnedResidue:
    """Coefficients of every followed point, for one reference picture.

    Attributes
    ----------
    offset : float64 [shape=(N_POINTS, 2)], px
        What `correct` added last.
    """

    def __init__(self, shape: FaceShape) -> None:
        self._px_per_miod = shape.iod_px / 1000.0
        self._roll = math.cos(shape.roll), math.sin(shape.roll)
        self._coefficient = np.zeros((N_POINTS, 2, N_TERMS))
        self._covariance = np.diag(np.full(N_TERMS, _EXPECTED_MIOD**2))
        self._covariance[0, 0] = 1.0  # nothing has moved yet in the reference picture
        self._wander = np.zeros(N_TERMS)
        self._gain = np.zeros(N_TERMS)
        self._terms = np.zeros(N_TERMS)
        self.offset = np.zeros((N_POINTS, 2))

    def correct(
        self, pose: NDArray[np.float64], tangent: NDArray[np.float64], place: NDArray[np.float64]
    ) -> None:
        """Add to `place` what the head's angle does to each point beyond the rigid shape."""
        angle_terms(pose, self._terms)
        add_learned(self._coefficient, self._terms, self._px_per_miod, tangent, self.offset, place)

    def learn(self, movement: NDArray[np.float64], before: NDArray[np.float64], dt_s: float) -> None:
        """Take in what one frame left, at the pose that was corrected last.

        Parameters
        ----------
        movement, before : float64 [shape=(N_POINTS, 2)], miod
            Now and one frame ago, NaN where lost; both are shifted by what was learned, so that
            their difference stays.
        dt_s : float
        """
        if not dt_s > 0.0:
            return
        self._wander[:] = _ANGLE_WANDERS_MIOD2_PER_S * dt_s
        self._wander[0] = _LEVEL_WANDERS_MIOD2_PER_S * dt_s
        advance_gain(self._terms, self._wander, _NOISE_MIOD2_S / dt_s, self._covariance, self._gain)
        learn_points(
            movement, self._terms, self._gain, _SURPRISE_MOST_MIOD, *self._roll, self._coefficient, before
        )
