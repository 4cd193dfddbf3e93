"""Movement signals and the other channels of a trace, from followed points."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import CHANNEL_QUANTA, LOST, N_AUX, N_CHANNELS, N_SIGNALS
from edge.kernels.agreement import weigh_members
from edge.kernels.face import advance_signals, encode
from edge.track.points import N_POINTS, signal_members
from edge.track.shape import FaceShape

_POINT_QUANTUM_MIOD = 0.1
_NO_TEMPLATE_MIOD2 = 1e12
# A patch across the rim of glasses and a brow jumps between the two several times a second, though its
# template promises a quarter of a miod; movements of the skin differ from patch to patch much less.
_UNLIKE_S = 2.0


class SignalBoard:
    """Channel values of one face, carried from frame to frame.

    Attributes
    ----------
    before : float64 [shape=(N_POINTS, 2)], miod
        Movement of the last frame that was taken in; NaN where lost. The next difference is taken
        from it.
    codes : int16 [shape=(N_CHANNELS,)]
    points : int16 [shape=(N_POINTS, 2)], tenths of a miod
    """

    def __init__(self) -> None:
        self._start, self._member, self._direction = signal_members()
        self._variance = np.full(len(self._member), _NO_TEMPLATE_MIOD2)
        self._unlike = np.zeros(len(self._member))
        self._miod_per_px = 1.0
        self._weight_x = np.zeros(len(self._member))
        self._weight_y = np.zeros(len(self._member))
        self.before = np.full((N_POINTS, 2), np.nan)
        self._signal = np.full(N_SIGNALS, -math.inf)
        self._value = np.full(N_CHANNELS, np.nan)
        self._point = np.zeros(2 * N_POINTS)
        self._point_quanta = np.full(2 * N_POINTS, _POINT_QUANTUM_MIOD, np.float32)
        self._rest_miod = np.zeros((N_POINTS, 2))
        self.codes = np.full(N_CHANNELS, LOST, np.int16)
        self.points = np.full((N_POINTS, 2), LOST, np.int16)

    def begin(self, shape: FaceShape) -> None:
        """Start on a new reference picture: no movement can be told across it."""
        self.before[:] = np.nan
        self._unlike[:] = 0.0
        self._miod_per_px = 1000.0 / shape.iod_px
        c, s = math.cos(shape.roll), math.sin(shape.roll)
        flat = shape.points[:N_POINTS, :2]
        self._rest_miod[:, 0] = (c * flat[:, 0] + s * flat[:, 1]) * 1000.0 / shape.iod_px
        self._rest_miod[:, 1] = (c * flat[:, 1] - s * flat[:, 0]) * 1000.0 / shape.iod_px

    def weigh(self, information: NDArray[np.float64]) -> None:
        """Set how well each patch's place is known along its signals' directions.

        Parameters
        ----------
        information : float64 [shape=(N_POINTS, 3)], 1/px²
            From `PatchSet.information`.
        """
        d = self._direction
        xx, xy, yy = information[self._member].T
        # The variance along d is d' J^-1 d, whatever the other coordinate is; 1 / (d' J d) would take that
        # one for known, and a patch on a slanting edge slides along it.
        determinant = xx * yy - xy * xy
        across = yy * d[:, 0] ** 2 - 2 * xy * d[:, 0] * d[:, 1] + xx * d[:, 1] ** 2
        known = determinant > 0
        self._variance[:] = _NO_TEMPLATE_MIOD2
        self._variance[known] = across[known] / determinant[known] * self._miod_per_px**2

    def advance(
        self, movement: NDArray[np.float64], aux: NDArray[np.float64], dt_s: float, noise: float
    ) -> None:
        """Take in one frame and fill `codes` and `points`.

        Parameters
        ----------
        movement : float64 [shape=(N_POINTS, 2)], miod
            NaN where lost.
        aux : float64 [shape=(N_AUX,)]
            In the order of `anatomy.AUX_NAMES`; NaN where not known.
        dt_s : float
            Since the frame before.
        noise : float
            Variance of the sensor's noise over the one that `weigh` was told for.
        """
        weigh_members(
            movement,
            self.before,
            self._start,
            self._member,
            self._direction,
            self._variance,
            noise,
            min(dt_s / _UNLIKE_S, 1.0),
            self._unlike,
            self._weight_x,
            self._weight_y,
        )
        advance_signals(
            movement,
            self.before,
            self._start,
            self._member,
            self._weight_x,
            self._weight_y,
            self._signal,
        )
        self.before[:] = movement
        self._value[:N_SIGNALS] = self._signal
        self._value[N_SIGNALS : N_SIGNALS + N_AUX] = aux
        encode(self._value, CHANNEL_QUANTA, self.codes)
        np.add(self._rest_miod, movement, out=self._point.reshape(N_POINTS, 2))
        encode(self._point, self._point_quanta, self.points.reshape(-1))
