"""The last seconds of a face as pictures, in memory alone: a ring that the frame path copies into."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.messages import Frame
from edge.record.buffers import frames_in

# A macro movement of 4 s with a second before and after it; the rest is the picture writer's to be late.
FILM_S = 8.0
SIDE_MAX_PX = 256
# Forehead to chin is about twice the distance of the outer eye corners, and the eyes are not its middle.
_SIDE_IOD = 2.4
_BELOW_EYES_IOD = 0.3
# The cut-out stands still until the face has left its middle so far, or has so much another size: what moves
# in it then is the face.
_OFF_CENTRE = 0.08
_OTHER_SIZE = 0.15


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture out of the film.

    Attributes
    ----------
    sequence : int
        The frame it was cut out of.
    timestamp_ns : int
    left, top : int, px
        Where in the frame its first pixel was.
    step : int
        Every so many-th pixel of the frame was taken, across and down.
    luma : uint8 [shape=(side, side)], side up to SIDE_MAX_PX
    """

    sequence: int
    timestamp_ns: int
    left: int
    top: int
    step: int
    luma: NDArray[np.uint8]

    @property
    def side_px(self) -> int:
        """How much of the frame it shows, across and down."""
        return self.luma.shape[0] * self.step


class Film:
    """One writer, which never waits; a reader on another thread learns which pictures it came too late for.

    Parameters
    ----------
    fps : float
        Nominal rate, 0 where unknown; with it the room for `FILM_S` is made.
    """

    def __init__(self, fps: float) -> None:
        self._capacity_frames = frames_in(FILM_S, fps)
        self._luma = np.empty((self._capacity_frames, SIDE_MAX_PX, SIDE_MAX_PX), np.uint8)
        self._luma.fill(0)  # each page is there before the first frame comes
        # face, frame, left, top, step, side of each
        self._told = np.zeros((self._capacity_frames, 6), np.int64)
        self._times_ns = np.zeros(self._capacity_frames, np.int64)
        self._n_begun = 0
        self._n_added = 0
        self._left = self._top = self._step = self._side = 0
        self._centre = (0.0, 0.0)
        self._iod_px = 0.0

    def add(self, face: int, frame: Frame, place_px: tuple[float, float, float]) -> None:
        """Copy the face's part of the frame in, over the oldest.

        Parameters
        ----------
        face : int
        frame : Frame
        place_px : (float, float, float)
            The middle between the eyes, x and y, and the distance of the outer eye corners.
        """
        x, y, iod_px = place_px
        y += _BELOW_EYES_IOD * iod_px
        if self._has_left(x, y, iod_px):
            self._place(x, y, iod_px, frame.luma.shape)
        if self._side < 1:
            return
        self._n_begun += 1
        index = self._n_added % self._capacity_frames
        left, top, step, side = self._left, self._top, self._step, self._side
        np.copyto(
            self._luma[index, :side, :side],
            frame.luma[top : top + side * step : step, left : left + side * step : step],
        )
        self._told[index] = (face, frame.sequence, left, top, step, side)
        self._times_ns[index] = frame.timestamp_ns
        self._n_added += 1

    def numbers(self, face: int, start_ns: int, stop_ns: int) -> list[int]:
        """What `shot` takes, for a face's pictures with `start_ns <= time <= stop_ns`; oldest first."""
        n_added = self._n_added
        numbers = np.arange(max(0, n_added - self._capacity_frames), n_added)
        order = numbers % self._capacity_frames
        times_ns, faces = self._times_ns[order], self._told[order, 0]
        wanted: list[int] = numbers[(times_ns >= start_ns) & (times_ns <= stop_ns) & (faces == face)].tolist()
        return wanted

    def shot(self, number: int) -> Shot | None:
        """A copy of one picture; None where it was overwritten meanwhile."""
        index = number % self._capacity_frames
        _, sequence, left, top, step, side = self._told[index].tolist()
        timestamp_ns = int(self._times_ns[index])
        luma = self._luma[index, :side, :side].copy()
        if self._n_begun > number + self._capacity_frames:
            return None
        return Shot(sequence, timestamp_ns, left, top, step, luma)

    def wipe(self) -> None:
        """Overwrite every picture; when no more frames come and nobody reads."""
        self._luma.fill(0)
        self._n_begun = self._n_added = 0

    def _has_left(self, x: float, y: float, iod_px: float) -> bool:
        is_away = math.hypot(x - self._centre[0], y - self._centre[1]) > _OFF_CENTRE * _SIDE_IOD * iod_px
        return is_away or abs(iod_px - self._iod_px) > _OTHER_SIZE * iod_px

    def _place(self, x: float, y: float, iod_px: float, shape: tuple[int, ...]) -> None:
        """Choose the square that is cut out: within the frame, and by whole steps small enough."""
        self._centre, self._iod_px = (x, y), iod_px
        height, width = shape
        wanted_px = min(_SIDE_IOD * iod_px, height, width)
        if not wanted_px >= 1.0:  # no face is so small, and no number is none
            self._side = 0
            return
        self._step = max(1, math.ceil(wanted_px / SIDE_MAX_PX))
        self._side = int(wanted_px) // self._step
        reach_px = self._side * self._step
        self._left = min(max(round(x - reach_px / 2), 0), width - reach_px)
        self._top = min(max(round(y - reach_px / 2), 0), height - reach_px)
