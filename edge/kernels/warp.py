"""Backward warping of a picture by a head pose and a movement field, to better than 0.01 px.

Everything smooth (movement, depth, how much of the head's motion a place shares) lives as cubic
B-spline coefficients on a coarse grid; the picture itself is a grid of step one. A spline is used
rather than bilinear or Catmull-Rom sampling because its position error is smallest for its price
(Thévenaz, Blu & Unser 2000, "Interpolation revisited"), and a warp for measuring must not move
things by a thirty-second of a pixel as fixed-point remapping does.

`grid = (origin_x, origin_y, step)` in px; the step is whole. Places outside a grid are clamped to
its last full cell. A `field` has, at each node, the coefficients of: movement of the skin x and y
(px), depth (px, negative towards the camera), and share (1 where the head's motion is followed in
full, 0 on what stands behind it).

`head` is the head's pose seen by its camera: rotation (9 numbers, row by row), shift x, y, z (px),
principal point x, y, distance of the camera from depth 0, depth of the point about which the head
turns (px), and by how much the whole picture is shifted, background too, x and y (px).
"""

from __future__ import annotations

import numpy as np

from edge.kernels import njit

_POLE = np.sqrt(3.0) - 2.0
# float32 throughout and unsigned flat indices: 13 ns for a pixel, against 58 ns with the float64
# constants and the index checks that numba puts in otherwise
_F, _U = np.float32, np.uint32
_HALF, _ONE, _TWO, _SIXTH, _TWO_THIRDS = _F(0.5), _F(1), _F(2), _F(1 / 6), _F(2 / 3)
_ROOM = _F(2.001)
_U1, _U2, _U3 = _U(1), _U(2), _U(3)


@njit(cache=True, nogil=True, inline="always")
def _filter_line(line, n):
    """Causal and anticausal recursion of the cubic B-spline, mirror boundary."""
    z = _POLE
    if n == 1:
        return
    power, total = z, line[0]
    for k in range(1, 24):  # to 1e-13; a line shorter than that is met again on its way back
        mirrored = k % (2 * n - 2)
        total += power * line[mirrored if mirrored < n else 2 * n - 2 - mirrored]
        power *= z
    line[0] = total
    for k in range(1, n):
        line[k] += z * line[k - 1]
    line[n - 1] = (z / (z * z - 1.0)) * (line[n - 1] + z * line[n - 2])
    for k in range(n - 2, -1, -1):
        line[k] = z * (line[k + 1] - line[k])
    for k in range(n):
        line[k] *= 6.0


@njit("void(float32[:, ::1], float64[::1])", cache=True, nogil=True)
def spline_coefficients(values, line):
    """Turn samples into cubic B-spline coefficients, in place.

    Parameters
    ----------
    values : float32 [shape=(n_rows, n_columns)]
        Samples in, coefficients out.
    line : float64 [shape=(at least max(n_rows, n_columns),)]
        Working memory.

    Notes
    -----
    Recursive filter with pole sqrt(3) - 2 (Unser, Aldroubi & Eden 1993, part II).
    """
    n_rows, n_columns = values.shape
    for row in range(n_rows):
        for column in range(n_columns):
            line[column] = values[row, column]
        _filter_line(line, n_columns)
        for column in range(n_columns):
            values[row, column] = line[column]
    for column in range(n_columns):
        for row in range(n_rows):
            line[row] = values[row, column]
        _filter_line(line, n_rows)
        for row in range(n_rows):
            values[row, column] = line[row]


@njit(cache=True, nogil=True, inline="always", fastmath=True)
def _weights(f):
    """Cubic B-spline weights of the four nodes around a place, `f` in [0, 1) past the second."""
    g = _ONE - f
    w0 = g * g * g * _SIXTH
    w3 = f * f * f * _SIXTH
    w1 = _TWO_THIRDS - _HALF * f * f * (_TWO - f)
    return w0, w1, _ONE - w0 - w1 - w3, w3


@njit(cache=True, nogil=True, inline="always", fastmath=True)
def _field_row(p, at, w0, w1, w2, w3):
    """Four quantities at once along one row of nodes; `at` is the flat index of the first."""
    a = w0 * p[at] + w1 * p[at + _U(4)] + w2 * p[at + _U(8)] + w3 * p[at + _U(12)]
    b = w0 * p[at + _U(1)] + w1 * p[at + _U(5)] + w2 * p[at + _U(9)] + w3 * p[at + _U(13)]
    c = w0 * p[at + _U(2)] + w1 * p[at + _U(6)] + w2 * p[at + _U(10)] + w3 * p[at + _U(14)]
    d = w0 * p[at + _U(3)] + w1 * p[at + _U(7)] + w2 * p[at + _U(11)] + w3 * p[at + _U(15)]
    return a, b, c, d


# written into its callers: a kernel that calls another compiled function rounds differently in the
# process that compiles it and in those that load it
@njit(cache=True, nogil=True, inline="always", fastmath=True)
def _forward(x, y, grid, p, n_rows, n_columns, head):
    """Where the material at neutral place (x, y) is seen, before the whole picture is shifted."""
    u = min(max((x - grid[0]) / grid[2], _ONE), _F(n_columns) - _ROOM)
    v = min(max((y - grid[1]) / grid[2], _ONE), _F(n_rows) - _ROOM)
    column, row = np.int32(u), np.int32(v)
    w0, w1, w2, w3 = _weights(u - _F(column))
    v0, v1, v2, v3 = _weights(v - _F(row))
    at, down = _U(4 * ((row - 1) * n_columns + column - 1)), _U(4 * n_columns)
    a0, b0, c0, d0 = _field_row(p, at, w0, w1, w2, w3)
    a1, b1, c1, d1 = _field_row(p, at + down, w0, w1, w2, w3)
    a2, b2, c2, d2 = _field_row(p, at + down + down, w0, w1, w2, w3)
    a3, b3, c3, d3 = _field_row(p, at + down + down + down, w0, w1, w2, w3)
    px = x + v0 * a0 + v1 * a1 + v2 * a2 + v3 * a3
    py = y + v0 * b0 + v1 * b1 + v2 * b2 + v3 * b3
    z = v0 * c0 + v1 * c1 + v2 * c2 + v3 * c3
    share = v0 * d0 + v1 * d1 + v2 * d2 + v3 * d3
    centre_x, centre_y, away, pivot = head[12], head[13], head[14], head[15]
    lift = (away + z) / away
    lx, ly, lz = (px - centre_x) * lift, (py - centre_y) * lift, z - pivot
    tx = head[0] * lx + head[1] * ly + head[2] * lz + head[9]
    ty = head[3] * lx + head[4] * ly + head[5] * lz + head[10]
    tz = head[6] * lx + head[7] * ly + head[8] * lz + head[11]
    scale = away / (away + tz + pivot)
    return px + share * (tx * scale + centre_x - px), py + share * (ty * scale + centre_y - py)


@njit(
    "void(float32[:, ::1], float32[::1], float32[:, :, ::1], float32[::1], float32[:, ::1])",
    cache=True,
    nogil=True,
    fastmath=True,
)
def forward_points(points, grid, field, head, out):
    """Where neutral places are seen: movement first, then the head's pose, then perspective.

    Parameters
    ----------
    points, out : float32 [shape=(n_points, 2)], px
    grid : float32 [shape=(3,)], px
    field : float32 [shape=(n_rows, n_columns, 4)], px
    head : float32 [shape=(18,)], px
        These three: see the module's docstring.
    """
    p = field.reshape(field.size)
    for k in range(points.shape[0]):
        out[k, 0], out[k, 1] = _forward(
            points[k, 0], points[k, 1], grid, p, field.shape[0], field.shape[1], head
        )
        out[k, 0] += head[16]
        out[k, 1] += head[17]


@njit(
    "int64(float32[::1], float32[:, :, ::1], float32[::1], int64[::1], float32, int64, float32[:, :, ::1])",
    cache=True,
    nogil=True,
    fastmath=True,
)
def invert_map(grid, field, head, nodes, tolerance_px, n_max, out):
    """Solve, for nodes of the grid taken as places in the output, which neutral place is seen there.

    Parameters
    ----------
    grid : float32 [shape=(3,)], px
    field : float32 [shape=(n_rows, n_columns, 4)], px
    head : float32 [shape=(18,)], px
        These three: see the module's docstring.
    nodes : int64 [shape=(4,)]
        First and last column and row to solve, ends excluded: c0, r0, c1, r1.
    tolerance_px : float32
        A node is done when a step is shorter.
    n_max : int
        Steps allowed for one node.
    out : float32 [shape=(2, r1 - r0, c1 - c0)], px
        Neutral place minus output place, as samples.

    Returns
    -------
    int
        Nodes that were not done after `n_max` steps: 0 unless the map folds.

    Notes
    -----
    Fixed-point iteration, started from the neighbours already solved, so that a frame does not
    depend on the frame before it: two threads give the same picture as one.
    """
    n_rows, n_columns = field.shape[0], field.shape[1]
    p = field.reshape(field.size)
    limit = tolerance_px * tolerance_px
    n_open = 0
    for r in range(nodes[3] - nodes[1]):
        y = grid[1] + grid[2] * _F(r + nodes[1]) - head[17]
        for c in range(nodes[2] - nodes[0]):
            x = grid[0] + grid[2] * _F(c + nodes[0]) - head[16]
            dx = dy = _F(0)
            if c > 1:
                dx = _TWO * out[0, r, c - 1] - out[0, r, c - 2]
                dy = _TWO * out[1, r, c - 1] - out[1, r, c - 2]
            elif r > 0:
                dx, dy = out[0, r - 1, c], out[1, r - 1, c]
            miss = limit
            for _ in range(n_max):
                gx, gy = _forward(x + dx, y + dy, grid, p, n_rows, n_columns, head)
                dx, dy = dx + x - gx, dy + y - gy
                miss = (x - gx) * (x - gx) + (y - gy) * (y - gy)
                if miss < limit:
                    break
            if not miss < limit:
                n_open += 1
            out[0, r, c], out[1, r, c] = dx, dy
    for r in range(nodes[3] - nodes[1]):
        for c in range(nodes[2] - nodes[0]):
            out[0, r, c] -= head[16]
            out[1, r, c] -= head[17]
    return n_open


@njit(cache=True, nogil=True, inline="always", fastmath=True)
def _lay_nodes(left, step, x0, n, weights, nodes):
    """For a row of pixels, the same in all rows: the first of the four nodes around, and their weights."""
    for i in range(n):
        ahead = x0 + i - left
        column = ahead // step
        nodes[i] = _U(column - 1)
        f = _F(ahead - column * step) / _F(step)
        weights[10, i], weights[11, i], weights[12, i], weights[13, i] = _weights(f)


@njit(cache=True, nogil=True, inline="always", fastmath=True)
def _spline_row(c, nodes, weights, n, start, slope, out_row):
    """A line plus a spline along a row of pixels."""
    for i in range(n):
        k = nodes[i]
        near = weights[10, i] * c[k] + weights[11, i] * c[k + _U1]
        far = weights[12, i] * c[k + _U2] + weights[13, i] * c[k + _U3]
        out_row[i] = start + slope * _F(i) + near + far


@njit(cache=True, nogil=True, inline="always", fastmath=True)
def _place_row(n, width, x_max, y_max, weights, corners):
    """Weights (rows 0 to 7) and corners of pixels from their places (rows 8 and 9)."""
    for i in range(n):
        x = min(max(weights[8, i], _ONE), x_max)
        y = min(max(weights[9, i], _ONE), y_max)
        column, row = np.int32(x), np.int32(y)
        f, g = x - _F(column), y - _F(row)
        weights[0, i], weights[1, i], weights[2, i], weights[3, i] = _weights(f)
        weights[4, i], weights[5, i], weights[6, i], weights[7, i] = _weights(g)
        corners[i] = _U((row - np.int32(1)) * width + column - np.int32(1))


@njit(cache=True, nogil=True, inline="always", fastmath=True)
def _sample_row(p, width, n, weights, corners, out_row):
    """`_sample` along a row of pixels whose weights and corners are known."""
    for i in range(n):
        b0 = corners[i]
        b1 = b0 + width
        b2 = b1 + width
        b3 = b2 + width
        v0, v1, v2, v3 = weights[4, i], weights[5, i], weights[6, i], weights[7, i]
        s0 = v0 * p[b0] + v1 * p[b1] + v2 * p[b2] + v3 * p[b3]
        s1 = v0 * p[b0 + _U1] + v1 * p[b1 + _U1] + v2 * p[b2 + _U1] + v3 * p[b3 + _U1]
        s2 = v0 * p[b0 + _U2] + v1 * p[b1 + _U2] + v2 * p[b2 + _U2] + v3 * p[b3 + _U2]
        s3 = v0 * p[b0 + _U3] + v1 * p[b1 + _U3] + v2 * p[b2 + _U3] + v3 * p[b3 + _U3]
        out_row[i] = weights[0, i] * s0 + weights[1, i] * s1 + weights[2, i] * s2 + weights[3, i] * s3


@njit(
    "void(float32[::1], float32[:, :, ::1], float32[:, ::1], float32[::1], int64[::1], float32[:, ::1],"
    " float32[:, ::1], uint32[:, ::1], float32[:, ::1])",
    cache=True,
    nogil=True,
    fastmath=True,
)
def warp_picture(grid, inverse, picture, origin, box, line, weights, corners, out):
    """Draw the part of the output inside `box` by looking each pixel up in the picture.

    Parameters
    ----------
    grid : float32 [shape=(3,)], px
        Of `inverse`; origin and step are whole, and `box` lies at least one node inside.
    inverse : float32 [shape=(2, n_rows, n_columns)], px
        Coefficients of neutral place minus output place.
    picture : float32 [shape=(picture_height, picture_width)], grey levels
        Coefficients of the neutral picture.
    origin : float32 [shape=(2,)], px
        Neutral place of the picture's first pixel.
    box : int64 [shape=(4,)], px
        x0, y0, x1, y1 in the output; ends excluded.
    line : float32 [shape=(2, n_columns)]
    weights : float32 [shape=(14, width)]
    corners : uint32 [shape=(2, width)]
        These three: working memory.
    out : float32 [shape=(height, width)], grey levels

    Notes
    -----
    A row at a time: places, then weights, in loops that the compiler can vectorise; then the sixteen
    reads of each pixel, which it cannot.
    """
    n_columns, step, left = inverse.shape[2], int(grid[2]), int(grid[0])
    p, width = picture.reshape(picture.size), np.int32(picture.shape[1])
    x_max, y_max = _F(picture.shape[1]) - _ROOM, _F(picture.shape[0]) - _ROOM
    x0, n = box[0], box[2] - box[0]
    nodes, corner = corners[1], corners[0]
    _lay_nodes(left, step, x0, n, weights, nodes)
    for y in range(box[1], box[3]):
        v = (_F(y) - grid[1]) / grid[2]
        row = int(v)
        v0, v1, v2, v3 = _weights(v - _F(row))
        for a in range(2):
            for k in range(n_columns):
                line[a, k] = (
                    v0 * inverse[a, row - 1, k]
                    + v1 * inverse[a, row, k]
                    + v2 * inverse[a, row + 1, k]
                    + v3 * inverse[a, row + 2, k]
                )
        _spline_row(line[0], nodes, weights, n, _F(x0) - origin[0], _ONE, weights[8])
        _spline_row(line[1], nodes, weights, n, _F(y) - origin[1], _F(0), weights[9])
        _place_row(n, width, x_max, y_max, weights, corner)
        _sample_row(p, _U(width), n, weights, corner, out[y, x0 : box[2]])
