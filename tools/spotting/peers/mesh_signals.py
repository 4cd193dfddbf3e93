"""The product's channels from a mesh in every frame, which takes the head's motion away by itself too."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import AUX_NAMES, CHANNEL_QUANTA, LOST, N_AUX, N_CHANNELS, N_SIGNALS, SIGNALS
from edge.track.points import RIGID_LANDMARKS

NO_POINTS: NDArray[np.int16] = np.zeros((0, 2), np.int16)  # nothing is drawn from its traces
_OUTER = (33, 263)
_BRIDGE = 168
# lid margins above and below the pupil, then the corners of each eye
_LIDS = ((159, 145, 33, 133), (386, 374, 263, 362))
# a lid distance down by this share counts as shut: from 0.25 to 0.05-0.10 of the eye's width in a blink
_SHUT = 0.6
_OPEN_GAIN = 0.002  # of each frame in what counts as open
_RIGID = np.array(sorted(set(RIGID_LANDMARKS)))
_QUALITY = AUX_NAMES.index("quality")


def signal_matrix() -> NDArray[np.float64]:
    """Weight of each coordinate in each signal: float64 [shape=(N_SIGNALS, 468, 2)]."""
    matrix = np.zeros((N_SIGNALS, 468, 2))
    for row, signal in zip(matrix, SIGNALS, strict=True):
        for index in signal.landmarks:
            row[index] += np.array(signal.direction) / len(signal.landmarks)
    return matrix


def similarity(
    moved: NDArray[np.float64], still: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Turn, shift and scale that take some points to others best, by least squares.

    Parameters
    ----------
    moved, still : float64 [shape=(n, d)]

    Returns
    -------
    turn : float64 [shape=(d, d)]
    shift : float64 [shape=(d,)]
    scale : float
        ``still ~ scale * moved @ turn.T + shift`` (Umeyama 1991, IEEE Transactions on Pattern Analysis and
        Machine Intelligence 13(4):376-380).
    """
    centre_moved, centre_still = moved.mean(axis=0), still.mean(axis=0)
    a, b = moved - centre_moved, still - centre_still
    u, spread, vt = np.linalg.svd(b.T @ a)
    sign = np.ones(len(spread))
    sign[-1] = math.copysign(1.0, np.linalg.det(u) * np.linalg.det(vt))
    turn = (u * sign) @ vt
    scale = float((spread * sign).sum() / (a * a).sum())
    return turn, centre_still - scale * turn @ centre_moved, scale


class MeshSignals:
    """Channel values of one face from its mesh, against the first mesh that was seen.

    The head is turned back in space, as the mesh has a depth. That leaves as little of the head's motion as
    the product's perspective fit of the same landmarks, and half of what a similarity in the picture leaves.
    """

    def __init__(self) -> None:
        self._matrix = signal_matrix().reshape(N_SIGNALS, -1)
        self._still: NDArray[np.float64] | None = None
        self._miod = 0.0
        self._open = np.zeros(2)
        self._values = np.full(N_CHANNELS, np.nan)
        self.codes = np.full(N_CHANNELS, LOST, np.int16)

    def advance(self, mesh: NDArray[np.float64], light_levels: float) -> NDArray[np.int16] | None:
        """Codes of one frame, borrowed; None until a first face is seen.

        Parameters
        ----------
        mesh : float64 [shape=(468, 3)], px
            NaN where there is no face.
        light_levels : float
        """
        if not np.isfinite(mesh[0, 0]):
            self.codes[:] = LOST
            return None if self._still is None else self.codes
        if self._still is None:
            self._begin(mesh)
        assert self._still is not None
        turn, shift, scale = similarity(mesh[_RIGID], self._still[_RIGID])
        aligned = scale * mesh @ turn.T + shift
        movement = aligned[:, :2] - self._still[:, :2]
        self._values[:N_SIGNALS] = self._matrix @ movement.ravel()
        self._values[N_SIGNALS:] = self._aux(mesh, turn, scale, light_levels)
        self._encode()
        return self.codes

    def _begin(self, mesh: NDArray[np.float64]) -> None:
        """Take the first mesh as the still face: upright, in thousandths of the inter-ocular distance."""
        line = mesh[_OUTER[1], :2] - mesh[_OUTER[0], :2]
        iod_px, roll = float(np.hypot(*line)), math.atan2(line[1], line[0])
        c, s = math.cos(roll), math.sin(roll)
        upright = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        self._miod = 1000.0 / iod_px
        self._still = (mesh - mesh[_BRIDGE]) @ upright.T * self._miod
        self._open = openings(mesh)

    def _aux(
        self, mesh: NDArray[np.float64], turn: NDArray[np.float64], scale: float, light_levels: float
    ) -> NDArray[np.float64]:
        opening = openings(mesh)
        # rises at once, sinks slowly: the widest of late is open
        self._open = np.maximum(self._open + _OPEN_GAIN * (opening - self._open), np.minimum(opening, 0.6))
        closure = np.clip((1.0 - opening / np.maximum(self._open, 1e-3)) / _SHUT, 0.0, 1.0)
        aux = np.full(N_AUX, 1.0)
        aux[:2] = closure
        aux[2:5] = 1e3 * angles(turn)
        aux[5:7] = mesh[_BRIDGE, :2] * self._miod
        aux[7] = -1e3 * math.log(scale / self._miod)
        aux[8] = light_levels
        return aux

    def _encode(self) -> None:
        steps = np.floor(self._values / CHANNEL_QUANTA + 0.5)
        lost = ~np.isfinite(steps)
        self.codes[:] = np.clip(np.where(lost, 0.0, steps), -32767, 32767)
        self.codes[lost] = LOST


def openings(mesh: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lid distance over eye width of the person's right and left eye [shape=(2,)]."""
    return np.array(
        [
            np.linalg.norm(mesh[up] - mesh[low]) / max(np.linalg.norm(mesh[outer] - mesh[inner]), 1e-9)
            for up, low, outer, inner in _LIDS
        ]
    )


def angles(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Yaw, pitch and roll (rad) of the head, whose turn back to rest this is; as `track.head` tells them."""
    r = turn.T
    return np.array(
        [
            math.atan2(r[2, 0], math.hypot(r[0, 0], r[1, 0])),
            math.atan2(r[2, 1], r[2, 2]),
            math.atan2(r[1, 0], r[0, 0]),
        ]
    )
