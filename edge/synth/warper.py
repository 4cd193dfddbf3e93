"""The arrays and steps of drawing one warped picture; one per thread, since the kernels share its memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.kernels.eyes import draw_gaze, draw_lid
from edge.kernels.warp import invert_map, spline_coefficients, warp_picture

_TOLERANCE_PX = np.float32(1e-3)
_N_STEPS_MAX = 80


def coefficients(samples: NDArray[np.floating] | NDArray[np.uint8]) -> NDArray[np.float32]:
    """Cubic B-spline coefficients of samples on a grid, in a new array."""
    out = np.array(samples, np.float32, order="C")
    spline_coefficients(out, np.empty(max(out.shape), np.float64))
    return out


class Warper:
    """Draws a picture, given as B-spline coefficients, through an inverse map on a grid.

    Parameters
    ----------
    picture : float32 [shape=(picture_height, picture_width)], grey levels
        Coefficients.
    origin_px : float32 [shape=(2,)]
        Neutral place of the picture's first pixel.
    grid : float32 [shape=(3,)], px
        Origin and step of the inverse map's nodes, whole numbers.
    grid_shape : (int, int)
        Rows and columns of nodes; they cover the output and at least one node more on each side.
    shape : (int, int)
        Rows and columns of the output.

    Attributes
    ----------
    inverse : float32 [shape=(2, *grid_shape)], px
        Coefficients of neutral place minus output place.
    out : float32 [shape=shape], grey levels
    """

    def __init__(
        self,
        picture: NDArray[np.float32],
        origin_px: NDArray[np.float32],
        grid: NDArray[np.float32],
        grid_shape: tuple[int, int],
        shape: tuple[int, int],
    ) -> None:
        self._picture, self._origin_px, self._grid = picture, origin_px, grid
        self.inverse = np.zeros((2, *grid_shape), np.float32)
        self.out = np.empty(shape, np.float32)
        self._long_line = np.empty(max(grid_shape), np.float64)
        self._line = np.empty((2, grid_shape[1]), np.float32)
        self._weights = np.empty((14, shape[1]), np.float32)
        self._corners = np.empty((2, shape[1]), np.uint32)
        self.everywhere = np.array([0, 0, shape[1], shape[0]], np.int64)

    def solve(
        self,
        field_grid: NDArray[np.float32],
        field: NDArray[np.float32],
        head: NDArray[np.float32],
        nodes: NDArray[np.int64],
    ) -> int:
        """Set `inverse` from a forward field; see `kernels.warp.invert_map`. Returns open nodes."""
        n_open: int = invert_map(field_grid, field, head, nodes, _TOLERANCE_PX, _N_STEPS_MAX, self.inverse)
        for axis in self.inverse:
            spline_coefficients(axis, self._long_line)
        return n_open

    def draw(self, box: NDArray[np.int64]) -> None:
        """Draw the part of the output inside `box` (x0, y0, x1, y1)."""
        scratch = (self._line, self._weights, self._corners)
        warp_picture(self._grid, self.inverse, self._picture, self._origin_px, box, *scratch, self.out)

    def draw_lid(self, box: NDArray[np.int64], eye: NDArray[np.float32], closure: float) -> None:
        """Close one eye in what was drawn."""
        draw_lid(
            self._grid, self.inverse, self._picture, self._origin_px, box, eye, np.float32(closure), self.out
        )

    def draw_gaze(
        self,
        box: NDArray[np.int64],
        eye: NDArray[np.float32],
        iris: NDArray[np.float32],
        gaze_px: NDArray[np.float32],
    ) -> None:
        """Let one eye look elsewhere in what was drawn; before its lid is drawn."""
        where = (self._grid, self.inverse, self._picture, self._origin_px, box)
        draw_gaze(*where, eye, iris, gaze_px, self.out)
