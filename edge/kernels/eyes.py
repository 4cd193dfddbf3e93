"""Eyes in a picture that is drawn by `edge.kernels.warp`: irises that look elsewhere, lids that shut.

`grid`, `inverse`, `picture`, `origin`, `box` and `out` are those of `warp_picture`, which has drawn the
open eye at rest already. `eye` (float32 [shape=(12,)]) is: the corner at the picture's left x, y and
the unit vector to the other corner (px, neutral picture); length (px); margins of the upper lid
(a, b, c) and of the lower (a, b, c), each s (1 - s) (a + b s + c s^2) px below the line of the corners
at share s of it; reach of the stretched skin above the margin (px).
"""

from __future__ import annotations

import numpy as np

from edge.kernels import njit

# float32 throughout and unsigned flat indices, for the reason that kernels/warp.py gives
_F, _U = np.float32, np.uint32
_HALF, _ONE, _TWO, _SIXTH, _TWO_THIRDS = _F(0.5), _F(1), _F(2), _F(1 / 6), _F(2 / 3)
_ROOM = _F(2.001)
_U1, _U2, _U3 = _U(1), _U(2), _U(3)


@njit(cache=True, nogil=True, inline="always", fastmath=True)
def _weights(f):
    """Cubic B-spline weights of the four nodes around a place, `f` in [0, 1) past the second."""
    g = _ONE - f
    w0 = g * g * g * _SIXTH
    w3 = f * f * f * _SIXTH
    w1 = _TWO_THIRDS - _HALF * f * f * (_TWO - f)
    return w0, w1, _ONE - w0 - w1 - w3, w3


@njit(cache=True, nogil=True, inline="always", fastmath=True)
def _sample(p, width, x, y, x_max, y_max):
    """The spline with coefficients `p` (flat) at one place."""
    x = min(max(x, _ONE), x_max)
    y = min(max(y, _ONE), y_max)
    column, row = np.int32(x), np.int32(y)
    w0, w1, w2, w3 = _weights(x - _F(column))
    v0, v1, v2, v3 = _weights(y - _F(row))
    b0 = _U((row - 1) * width + column - 1)
    b1 = b0 + _U(width)
    b2 = b1 + _U(width)
    b3 = b2 + _U(width)
    # down the columns first: four neighbours go into one vector register
    s0 = v0 * p[b0] + v1 * p[b1] + v2 * p[b2] + v3 * p[b3]
    s1 = v0 * p[b0 + _U1] + v1 * p[b1 + _U1] + v2 * p[b2 + _U1] + v3 * p[b3 + _U1]
    s2 = v0 * p[b0 + _U2] + v1 * p[b1 + _U2] + v2 * p[b2 + _U2] + v3 * p[b3 + _U2]
    s3 = v0 * p[b0 + _U3] + v1 * p[b1 + _U3] + v2 * p[b2 + _U3] + v3 * p[b3 + _U3]
    return w0 * s0 + w1 * s1 + w2 * s2 + w3 * s3


@njit(cache=True, nogil=True, inline="always", fastmath=True)
def _neutral(grid, inverse, x, y):
    """The neutral place that is seen at a pixel."""
    n_rows, n_columns = inverse.shape[1], inverse.shape[2]
    across, down = inverse[0].reshape(inverse[0].size), inverse[1].reshape(inverse[1].size)
    u, v = (_F(x) - grid[0]) / grid[2], (_F(y) - grid[1]) / grid[2]
    return (
        _F(x) + _sample(across, np.int32(n_columns), u, v, _F(n_columns), _F(n_rows)),
        _F(y) + _sample(down, np.int32(n_columns), u, v, _F(n_columns), _F(n_rows)),
    )


@njit(
    "void(float32[::1], float32[:, :, ::1], float32[:, ::1], float32[::1], int64[::1], float32[::1],"
    " float32[::1], float32[::1], float32[:, ::1])",
    cache=True,
    nogil=True,
    fastmath=True,
)
def draw_gaze(grid, inverse, picture, origin, box, eye, iris, gaze, out):
    """Let one eye look elsewhere: what lies between the lids moves, lids and skin stay.

    Parameters
    ----------
    grid, inverse, picture, origin, box, eye, out
        See the module's docstring; `box` holds the eye.
    iris : float32 [shape=(4,)]
        Its centre at rest along the line of the corners and its radius (px); how much nearer than
        `eye` tells the eyeball's own margin lies above and below, over s (1 - s) (px).
    gaze : float32 [shape=(2,)], px
        Shift of the iris along the line of the corners and down.

    Notes
    -----
    The iris keeps its shape; the white on either side of it stretches between iris and corner. What
    comes out from under a lid continues what was seen at its margin.
    """
    p, width = picture.reshape(picture.size), np.int32(picture.shape[1])
    x_max, y_max = _F(picture.shape[1]) - _ROOM, _F(picture.shape[0]) - _ROOM
    along_x, along_y, length = eye[2], eye[3], eye[4]
    centre, radius = iris[0], iris[1]
    left, right = centre - radius, centre + radius
    new_left = max(left + gaze[0], _ONE)
    new_right = min(right + gaze[0], length - _ONE)
    for y in range(box[1], box[3]):
        for x in range(box[0], box[2]):
            nx, ny = _neutral(grid, inverse, x, y)
            rx, ry = nx - eye[0], ny - eye[1]
            a = rx * along_x + ry * along_y
            below = ry * along_x - rx * along_y
            if a <= _F(0) or a >= length:
                continue
            s = a / length
            arch = s * (_ONE - s)
            upper = arch * (eye[5] + s * (eye[6] + s * eye[7]) + iris[2])
            lower = arch * (eye[8] + s * (eye[9] + s * eye[10]) - iris[3])
            cover = min(min(below - upper, lower - below) + _HALF, _ONE)
            if cover <= _F(0):
                continue
            if a < new_left:
                from_a = a * left / new_left
            elif a > new_right:
                from_a = length - (length - a) * (length - right) / (length - new_right)
            else:
                from_a = a - gaze[0]
            s = from_a / length
            arch = s * (_ONE - s)
            upper = arch * (eye[5] + s * (eye[6] + s * eye[7]) + iris[2])
            lower = arch * (eye[8] + s * (eye[9] + s * eye[10]) - iris[3])
            back = max(min(below - gaze[1], lower), upper) - below
            ahead = from_a - a
            white = _sample(
                p,
                width,
                nx + ahead * along_x - back * along_y - origin[0],
                ny + ahead * along_y + back * along_x - origin[1],
                x_max,
                y_max,
            )
            out[y, x] = cover * white + (_ONE - cover) * out[y, x]


@njit(
    "void(float32[::1], float32[:, :, ::1], float32[:, ::1], float32[::1], int64[::1], float32[::1],"
    " float32, float32[:, ::1])",
    cache=True,
    nogil=True,
    fastmath=True,
)
def draw_lid(grid, inverse, picture, origin, box, eye, closure, out):
    """Pull one upper lid over its eye: the eye below the margin is covered, the skin above stretches.

    Parameters
    ----------
    grid, inverse, picture, origin, box, eye, out
        See the module's docstring; `box` holds the eye.
    closure : float32 in [0, 1]
        0 leaves the eye as it is, 1 takes the margin of the upper lid to that of the lower.
    """
    p, width = picture.reshape(picture.size), np.int32(picture.shape[1])
    x_max, y_max = _F(picture.shape[1]) - _ROOM, _F(picture.shape[0]) - _ROOM
    along_x, along_y, length, reach = eye[2], eye[3], eye[4], eye[11]
    for y in range(box[1], box[3]):
        for x in range(box[0], box[2]):
            nx, ny = _neutral(grid, inverse, x, y)
            rx, ry = nx - eye[0], ny - eye[1]
            s = (rx * along_x + ry * along_y) / length
            below = ry * along_x - rx * along_y
            if s <= _F(0) or s >= _ONE:
                continue
            arch = s * (_ONE - s)
            upper = arch * (eye[5] + s * (eye[6] + s * eye[7]))
            lower = arch * (eye[8] + s * (eye[9] + s * eye[10]))
            travel = closure * max(lower - upper, _F(0))
            margin = upper + travel
            cover = margin - below + _HALF
            if travel <= _F(0) or cover <= _F(0) or below <= upper - reach:
                continue
            # which skin has come here: bisection, since the stretch only ever grows downwards
            seen = min(below, margin)
            low, high = seen - travel, seen
            for _ in range(14):
                middle = _HALF * (low + high)
                share = min(max((middle - upper + reach) / (_F(0.8) * reach), _F(0)), _ONE)
                if middle + travel * share * share * (_F(3) - _TWO * share) < seen:
                    low = middle
                else:
                    high = middle
            back = _HALF * (low + high) - below
            skin = _sample(
                p, width, nx - back * along_y - origin[0], ny + back * along_x - origin[1], x_max, y_max
            )
            cover = min(cover, _ONE)
            out[y, x] = cover * skin + (_ONE - cover) * out[y, x]
