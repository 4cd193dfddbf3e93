"""The head as a rigid body seen with perspective.

A point of the still face is ``X = (x, y, z)`` in pixels of the reference picture, z away from
the camera. The head turns by ``R``, shifts by ``(tx, ty)`` and comes nearer by ``exp(s)``:
``Y = R X + (tx, ty, 0)`` is seen at ``centre + exp(s) * D / (D + Y_z) * Y_xy``, with the camera
``D`` px away. The pose is float64 [shape=(12,)]: R by rows, tx, ty, s.
"""

import math

from edge.kernels import njit

N_POSE = 12


@njit("void(float64[::1])", cache=True, nogil=True)
def reset_pose(pose):
    """Set `pose` to the reference: no turn, no shift, no change of scale."""
    for k in range(12):
        pose[k] = 0.0
    pose[0] = pose[4] = pose[8] = 1.0


@njit(
    "void(float64[:, ::1], float64[:, ::1], float64[::1], float64[::1], float64, float64[:, ::1],"
    " float64[:, ::1])",
    cache=True,
    nogil=True,
)
def project_points(shape, slope, pose, centre, distance_px, place, tangent):
    """Where the points of the still face are seen, and how its surface is stretched there.

    Parameters
    ----------
    shape : float64 [shape=(n, 3)], px
    slope : float64 [shape=(n, 2)]
        Depth gradient (dz/dx, dz/dy) of the surface in the reference picture.
    pose : float64 [shape=(12,)]
    centre : float64 [shape=(2,)], px
    distance_px : float
    place : float64 [shape=(n, 2)], px
        Overwritten.
    tangent : float64 [shape=(n, 4)]
        Overwritten with d(place) / d(reference picture), row by row; the identity at the
        reference pose.
    """
    scale = math.exp(pose[11]) * distance_px
    for k in range(shape.shape[0]):
        x, y, z = shape[k, 0], shape[k, 1], shape[k, 2]
        yx = pose[0] * x + pose[1] * y + pose[2] * z + pose[9]
        yy = pose[3] * x + pose[4] * y + pose[5] * z + pose[10]
        yz = pose[6] * x + pose[7] * y + pose[8] * z
        f = scale / (distance_px + yz)
        place[k, 0], place[k, 1] = centre[0] + f * yx, centre[1] + f * yy
        # lifting a step (1, 0) or (0, 1) of the reference picture onto the surface
        away = (distance_px + z) / distance_px
        px, py = x / away, y / away  # where the point was in the reference picture
        for axis in range(2):
            g = slope[k, axis]
            dx = px * g / distance_px + (away if axis == 0 else 0.0)
            dy = py * g / distance_px + (away if axis == 1 else 0.0)
            ex = pose[0] * dx + pose[1] * dy + pose[2] * g
            ey = pose[3] * dx + pose[4] * dy + pose[5] * g
            ez = pose[6] * dx + pose[7] * dy + pose[8] * g
            tangent[k, axis] = f * (ex - yx * ez / (distance_px + yz))
            tangent[k, 2 + axis] = f * (ey - yy * ez / (distance_px + yz))


@njit("boolean(float64[:, ::1], float64[::1])", cache=True, nogil=True)
def _solve_in_place(matrix, right):
    """Solve a symmetric positive 6x6 system by Cholesky; the answer replaces `right`."""
    n = right.shape[0]
    for j in range(n):
        d = matrix[j, j]
        for k in range(j):
            d -= matrix[j, k] * matrix[j, k]
        if not d > 1e-12:
            return False
        d = math.sqrt(d)
        matrix[j, j] = d
        for i in range(j + 1, n):
            e = matrix[i, j]
            for k in range(j):
                e -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = e / d
    for i in range(n):
        for k in range(i):
            right[i] -= matrix[i, k] * right[k]
        right[i] /= matrix[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            right[i] -= matrix[k, i] * right[k]
        right[i] /= matrix[i, i]
    return True


@njit("void(float64[::1], float64, float64, float64)", cache=True, nogil=True)
def _turn(pose, wx, wy, wz):
    """Multiply R from the left by a small rotation (Rodrigues), in place."""
    angle = math.sqrt(wx * wx + wy * wy + wz * wz)
    if angle < 1e-15:
        return
    x, y, z = wx / angle, wy / angle, wz / angle
    c, s = math.cos(angle), math.sin(angle)
    t = 1.0 - c
    for column in range(3):
        a, b, d = pose[column], pose[3 + column], pose[6 + column]
        pose[column] = (t * x * x + c) * a + (t * x * y - s * z) * b + (t * x * z + s * y) * d
        pose[3 + column] = (t * x * y + s * z) * a + (t * y * y + c) * b + (t * y * z - s * x) * d
        pose[6 + column] = (t * x * z - s * y) * a + (t * y * z + s * x) * b + (t * z * z + c) * d


@njit(
    "float64(float64[:, ::1], float64[:, ::1], float64[:, ::1], uint8[::1], float64[::1], float64, float64,"
    " int64, float64[::1], float64[:, ::1], float64[:, ::1])",
    cache=True,
    nogil=True,
)
def fit_pose(shape, seen, weight, valid, centre, distance_px, tolerance_px, n_iterations, pose, normal, rows):
    """Find the pose that explains the seen points, by Gauss-Newton with robust weights.

    A point further off than `tolerance_px` counts less (Geman & McClure 1987 weights), so that
    a raised brow does not turn the head.

    Parameters
    ----------
    shape : float64 [shape=(n, 3)], px
    seen : float64 [shape=(n, 2)], px
    weight : float64 [shape=(n, 3)]
        Information (xx, xy, yy) of each point, any common unit; zero where it says nothing.
    valid : uint8 [shape=(n,)]
        0 leaves a point out.
    centre, distance_px
        As in `project_points`.
    tolerance_px : float
    n_iterations : int
        At most; ends when the pose moves the points by less than about 1e-4 px.
    pose : float64 [shape=(12,)]
        Start in, answer out; untouched when there are under four valid points.
    normal : float64 [shape=(6, 6)]
    rows : float64 [shape=(3, 6)]
        Room to work in.

    Returns
    -------
    float
        Robust root mean square of what is left, px; NaN when the pose could not be fitted.
    """
    right, jx, jy = rows[0], rows[1], rows[2]
    square = tolerance_px * tolerance_px
    left_over = math.nan
    for _ in range(n_iterations):
        n_used, total, error = 0, 0.0, 0.0
        for a in range(6):
            right[a] = 0.0
            for b in range(6):
                normal[a, b] = 0.0
        scale = math.exp(pose[11]) * distance_px
        for k in range(shape.shape[0]):
            if valid[k] == 0:
                continue
            x, y, z = shape[k, 0], shape[k, 1], shape[k, 2]
            rx = pose[0] * x + pose[1] * y + pose[2] * z
            ry = pose[3] * x + pose[4] * y + pose[5] * z
            rz = pose[6] * x + pose[7] * y + pose[8] * z
            yx, yy = rx + pose[9], ry + pose[10]
            f = scale / (distance_px + rz)
            u, v = f * yx, f * yy
            ex, ey = seen[k, 0] - centre[0] - u, seen[k, 1] - centre[1] - v
            g = 1.0 + (ex * ex + ey * ey) / square
            w = 1.0 / (g * g)
            q = 1.0 / (distance_px + rz)
            # small turn (wx, wy, wz): dY = w x (R X)
            jx[0], jy[0] = -u * ry * q, -f * rz - v * ry * q
            jx[1], jy[1] = f * rz + u * rx * q, v * rx * q
            jx[2], jy[2] = -f * ry, f * rx
            jx[3], jy[3] = f, 0.0
            jx[4], jy[4] = 0.0, f
            jx[5], jy[5] = u, v
            wxx, wxy, wyy = w * weight[k, 0], w * weight[k, 1], w * weight[k, 2]
            for a in range(6):
                ax, ay = wxx * jx[a] + wxy * jy[a], wxy * jx[a] + wyy * jy[a]
                right[a] += ax * ex + ay * ey
                for b in range(a + 1):
                    normal[a, b] += ax * jx[b] + ay * jy[b]
            total += w
            error += w * (ex * ex + ey * ey)
            n_used += 1
        if n_used < 4 or not math.isfinite(error):
            return math.nan
        for a in range(6):
            normal[a, a] *= 1.0 + 1e-9
        if not _solve_in_place(normal, right):
            return math.nan
        left_over = math.sqrt(error / max(total, 1e-9))
        _turn(pose, right[0], right[1], right[2])
        pose[9] += right[3]
        pose[10] += right[4]
        pose[11] += right[5]
        moved = (
            abs(right[3])
            + abs(right[4])
            + 100.0 * (abs(right[0]) + abs(right[1]) + abs(right[2]) + abs(right[5]))
        )
        if moved < 1e-4:
            break
    return left_over
