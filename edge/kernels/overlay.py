"""What stands in front of a face in a picture: a thing with a soft edge, and glasses.

All draw into `out` (float32 [shape=(height, width)], grey levels), within `box` (int64 [shape=(4,)]: x0,
y0, x1, y1 in px, ends excluded) only.

Glasses lie in a plane. `to_plane` (float32 [shape=(9,)], row by row) is the homography from the picture
to it; `lenses` (float32 [shape=(n, 5)], px of the plane) are rectangles with round corners: middle x, y,
half width, half height, radius of the corners.
"""

from __future__ import annotations

import numpy as np

from edge.kernels import njit

_F = np.float32
_HALF, _ONE = _F(0.5), _F(1)


@njit(
    "void(float32[:, ::1], float32[:, ::1], float32, float32, int64[::1], float32[:, ::1])",
    cache=True,
    nogil=True,
    fastmath=True,
)
def lay_over(picture, cover, left, top, box, out):
    """Lay a picture over what was drawn, at a place between pixels.

    Parameters
    ----------
    picture, cover : float32 [shape=(picture_height, picture_width)]
        Grey levels, and how much they hide of what is behind, 0 to 1.
    left, top : float32, px
        Where the picture's first pixel goes.
    box, out
        See the module's docstring.

    Notes
    -----
    Sampled bilinearly: the picture should not change by much from pixel to pixel.
    """
    height, width = picture.shape
    for y in range(box[1], box[3]):
        v = _F(y) - top
        if v < _F(0) or v >= _F(height - 1):
            continue
        row = int(v)
        g = v - _F(row)
        for x in range(box[0], box[2]):
            u = _F(x) - left
            if u < _F(0) or u >= _F(width - 1):
                continue
            column = int(u)
            f = u - _F(column)
            w00, w01 = (_ONE - f) * (_ONE - g), f * (_ONE - g)
            w10, w11 = (_ONE - f) * g, f * g
            hides = (
                w00 * cover[row, column]
                + w01 * cover[row, column + 1]
                + w10 * cover[row + 1, column]
                + w11 * cover[row + 1, column + 1]
            )
            level = (
                w00 * picture[row, column]
                + w01 * picture[row, column + 1]
                + w10 * picture[row + 1, column]
                + w11 * picture[row + 1, column + 1]
            )
            out[y, x] += hides * (level - out[y, x])


@njit(cache=True, nogil=True, inline="always", fastmath=True)
def _on_plane(h, x, y):
    """The place of the plane that is seen at a pixel."""
    w = h[6] * x + h[7] * y + h[8]
    return (h[0] * x + h[1] * y + h[2]) / w, (h[3] * x + h[4] * y + h[5]) / w


@njit(cache=True, nogil=True, inline="always", fastmath=True)
def _outside_lens(lens, u, v):
    """Distance to the rim of a lens, negative inside."""
    qx = abs(u - lens[0]) - lens[2] + lens[4]
    qy = abs(v - lens[1]) - lens[3] + lens[4]
    ox, oy = max(qx, _F(0)), max(qy, _F(0))
    return np.sqrt(ox * ox + oy * oy) + min(max(qx, qy), _F(0)) - lens[4]


@njit(
    "void(float32[::1], float32[:, ::1], float32[:, ::1], float32, float32, int64[::1], float32[:, ::1])",
    cache=True,
    nogil=True,
    fastmath=True,
)
def draw_frames(to_plane, lenses, bars, thickness, level, box, out):
    """Draw the rims of lenses and the bars between and beside them, with an edge of one pixel.

    Parameters
    ----------
    to_plane, lenses, box, out
        See the module's docstring.
    bars : float32 [shape=(n_bars, 4)], px of the plane
        From x, y to x, y.
    thickness : float32, px of the plane
    level : float32, grey levels
    """
    for y in range(box[1], box[3]):
        for x in range(box[0], box[2]):
            u, v = _on_plane(to_plane, _F(x), _F(y))
            nearest = _F(1e9)
            for k in range(lenses.shape[0]):
                nearest = min(nearest, abs(_outside_lens(lenses[k], u, v)))
            for k in range(bars.shape[0]):
                du, dv = bars[k, 2] - bars[k, 0], bars[k, 3] - bars[k, 1]
                share = ((u - bars[k, 0]) * du + (v - bars[k, 1]) * dv) / (du * du + dv * dv)
                share = min(max(share, _F(0)), _ONE)
                eu, ev = u - bars[k, 0] - share * du, v - bars[k, 1] - share * dv
                nearest = min(nearest, np.sqrt(eu * eu + ev * ev))
            hides = min(_HALF * thickness - nearest + _HALF, _ONE)
            if hides > _F(0):
                out[y, x] += hides * (level - out[y, x])


@njit(
    "void(float32[::1], float32[:, ::1], float32[:, ::1], float32, float32, int64[::1], float32[:, ::1])",
    cache=True,
    nogil=True,
    fastmath=True,
)
def draw_glints(to_plane, lenses, spots, rim, level, box, out):
    """Add the reflections of lamps, cut by the rims of their lenses.

    Parameters
    ----------
    to_plane, lenses, box, out
        See the module's docstring.
    spots : float32 [shape=(n_spots, 4)]
        Number of its lens; middle x, y and radius in px of the plane.
    rim : float32, px of the plane
        Nothing is reflected nearer to the rim.
    level : float32, grey levels
        Added in the middle of a spot; the sensor cuts it off at white.
    """
    for y in range(box[1], box[3]):
        for x in range(box[0], box[2]):
            u, v = _on_plane(to_plane, _F(x), _F(y))
            for k in range(spots.shape[0]):
                du, dv = u - spots[k, 1], v - spots[k, 2]
                inside = min(spots[k, 3] - np.sqrt(du * du + dv * dv) + _HALF, _ONE)
                if inside <= _F(0):
                    continue
                inside = min(inside, -_outside_lens(lenses[int(spots[k, 0])], u, v) - rim + _HALF)
                out[y, x] += level * max(inside, _F(0))
