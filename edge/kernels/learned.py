"""What head motion leaves in each point, learned from the head's own movements.

Whatever is wrong with the still face's depth, slopes or camera distance, and whatever skin does
that a rigid surface does not, shows as a displacement that depends on the head's angle alone. Close
to it is ``c . u`` with ``u = (a, b, a a, a b, b b, a a a, b b b)``, a and b the yaw and pitch in units
of `ANGLE_UNIT`. The coefficients are the state of a Kalman filter (Kalman 1960)
together with a level that wanders, which stands for the face's own slow changes. All points see the
same regressors, so that one covariance, and one gain, serves them all.
"""

import math

from edge.kernels import njit

N_TERMS = 8  # the level, then the seven that are angle's doing
ANGLE_UNIT = 0.2  # radians: terms are about 1 at 11 degrees


@njit("void(float64[::1], float64[::1])", cache=True, nogil=True)
def angle_terms(pose, terms):
    """Regressors of a pose, free of its roll.

    Parameters
    ----------
    pose : float64 [shape=(12,)]
        As in `kernels.pose`; the third row of R says where the camera's axis lies in the head.
    terms : float64 [shape=(8,)]
        Overwritten: 1, a, b, a a, a b, b b, a a a, b b b.
    """
    a, b = pose[6] / ANGLE_UNIT, pose[7] / ANGLE_UNIT
    terms[0], terms[1], terms[2] = 1.0, a, b
    terms[3], terms[4], terms[5] = a * a, a * b, b * b
    terms[6], terms[7] = a * a * a, b * b * b


@njit(
    "void(float64[:, :, ::1], float64[::1], float64, float64[:, ::1], float64[:, ::1], float64[:, ::1])",
    cache=True,
    nogil=True,
)
def add_learned(coefficient, terms, px_per_miod, tangent, offset, place):
    """Move the places on by what the head's angle is known to do to each point.

    Parameters
    ----------
    coefficient : float64 [shape=(n, 2, 8)], miod
        x and y in the reference picture; the level (first) moves nothing.
    terms : float64 [shape=(8,)]
    px_per_miod : float
    tangent : float64 [shape=(at least n, 4)]
        From `project_points`.
    offset : float64 [shape=(n, 2)], px
        Overwritten with what is added to `place`.
    place : float64 [shape=(at least n, 2)], px
        Updated.
    """
    for k in range(coefficient.shape[0]):
        x = y = 0.0
        for i in range(1, N_TERMS):
            x += coefficient[k, 0, i] * terms[i]
            y += coefficient[k, 1, i] * terms[i]
        x, y = x * px_per_miod, y * px_per_miod
        offset[k, 0] = tangent[k, 0] * x + tangent[k, 1] * y
        offset[k, 1] = tangent[k, 2] * x + tangent[k, 3] * y
        place[k, 0] += offset[k, 0]
        place[k, 1] += offset[k, 1]


@njit("void(float64[::1], float64[::1], float64, float64[:, ::1], float64[::1])", cache=True, nogil=True)
def advance_gain(terms, wander, noise, covariance, gain):
    """The filter's covariance after one more frame, and how much each state follows it.

    Parameters
    ----------
    terms : float64 [shape=(8,)]
    wander : float64 [shape=(8,)], miod squared
        Added to the variances: how far each state may have gone by itself since the frame before.
    noise : float, miod squared
        Variance of one observation.
    covariance : float64 [shape=(8, 8)], miod squared
        Updated.
    gain : float64 [shape=(8,)]
        Overwritten.
    """
    for i in range(N_TERMS):
        covariance[i, i] += wander[i]
    spread = noise
    for i in range(N_TERMS):
        total = 0.0
        for j in range(N_TERMS):
            total += covariance[i, j] * terms[j]
        gain[i] = total
        spread += total * terms[i]
    # gain still is covariance . terms: P - g g'/s keeps the symmetry to the last bit
    for i in range(N_TERMS):
        for j in range(i + 1):
            covariance[i, j] -= gain[i] * gain[j] / spread
            covariance[j, i] = covariance[i, j]
    for i in range(N_TERMS):
        gain[i] /= spread


@njit(
    "void(float64[:, ::1], float64[::1], float64[::1], float64, float64, float64, float64[:, :, ::1],"
    " float64[:, ::1])",
    cache=True,
    nogil=True,
)
def learn_points(movement, terms, gain, surprise_most, roll_cos, roll_sin, coefficient, before):
    """Let every point's coefficients follow what is left of it, without moving any signal.

    Parameters
    ----------
    movement : float64 [shape=(n, 2)], miod
        What the learned correction left, in the upright face; NaN where lost. Updated to what it
        is with the new coefficients.
    terms, gain : float64 [shape=(8,)]
    surprise_most : float, miod
        A larger surprise counts as one of this size (Huber 1964): a face that moves by itself
        teaches little.
    roll_cos, roll_sin : float
        Of the eye line's angle in the reference picture.
    coefficient : float64 [shape=(n, 2, 8)], miod
        Updated, x and y in the reference picture.
    before : float64 [shape=(n, 2)], miod
        The same one frame ago: NaN marks a point that has just come back. Shifted as `movement` is,
        so that the difference, of which signals are made, stays.
    """
    turned = 0.0
    for i in range(1, N_TERMS):
        turned += gain[i] * terms[i]
    for k in range(movement.shape[0]):
        if math.isnan(movement[k, 0]):
            continue
        x = roll_cos * movement[k, 0] - roll_sin * movement[k, 1]
        y = roll_sin * movement[k, 0] + roll_cos * movement[k, 1]
        if math.isnan(before[k, 0]):  # taken up anew: its level is where it stands
            coefficient[k, 0, 0], coefficient[k, 1, 0] = x, y
            continue
        ex, ey = x - coefficient[k, 0, 0], y - coefficient[k, 1, 0]
        length = math.sqrt(ex * ex + ey * ey)
        if length > surprise_most:
            ex, ey = ex * surprise_most / length, ey * surprise_most / length
        for i in range(N_TERMS):
            coefficient[k, 0, i] += gain[i] * ex
            coefficient[k, 1, i] += gain[i] * ey
        dx, dy = turned * ex, turned * ey
        along, across = roll_cos * dx + roll_sin * dy, roll_cos * dy - roll_sin * dx
        movement[k, 0] -= along
        movement[k, 1] -= across
        before[k, 0] -= along
        before[k, 1] -= across


@njit("void(float64[::1], float64[::1], float64, float64[::1])", cache=True, nogil=True)
def extrapolate_pose(before, pose, share, ahead):
    """Where the pose will be when it goes on as it did.

    Parameters
    ----------
    before, pose : float64 [shape=(12,)]
        As in `kernels.pose`, one frame ago and now.
    share : float
        Of the last frame's movement: the ratio of the times, less what is not trusted.
    ahead : float64 [shape=(12,)]
        Overwritten; its R is a rotation to second order in what is added.
    """
    for k in range(9, 12):
        ahead[k] = pose[k] + share * (pose[k] - before[k])
    # R_now R_before' = 1 + [w]x for a small turn w
    wx = wy = wz = 0.0
    for c in range(3):
        wx += 0.5 * (pose[6 + c] * before[3 + c] - pose[3 + c] * before[6 + c])
        wy += 0.5 * (pose[c] * before[6 + c] - pose[6 + c] * before[c])
        wz += 0.5 * (pose[3 + c] * before[c] - pose[c] * before[3 + c])
    wx, wy, wz = share * wx, share * wy, share * wz
    norm = 1.0 + 0.25 * (wx * wx + wy * wy + wz * wz)
    for c in range(3):  # Cayley's transform: a rotation exactly, by the vector w to second order
        x, y, z = pose[c], pose[3 + c], pose[6 + c]
        px, py, pz = (wy * z - wz * y), (wz * x - wx * z), (wx * y - wy * x)
        qx, qy, qz = (wy * pz - wz * py), (wz * px - wx * pz), (wx * py - wy * px)
        ahead[c] = x + (px + 0.5 * qx) / norm
        ahead[3 + c] = y + (py + 0.5 * qy) / norm
        ahead[6 + c] = z + (pz + 0.5 * qz) / norm


@njit(
    "void(float64[:, ::1], float64[:, ::1], uint8[::1], float64, float64, float64[:, ::1])",
    cache=True,
    nogil=True,
)
def follow_habit(seen, place, state, gain, keep, habit):
    """Follow what each rigid patch is usually off.

    Parameters
    ----------
    seen, place : float64 [shape=(n, 2), (at least n, 2)], px
        Where each patch was found, and where the pose puts it.
    state : uint8 [shape=(n,)]
        1 where the patch is believed; the others keep their habit.
    gain, keep : float in [0, 1]
        How much of this frame goes in, and how much of what is known stays.
    habit : float64 [shape=(n, 2)], px
        Updated.
    """
    for k in range(habit.shape[0]):
        for axis in range(2):
            if state[k] == 1:
                habit[k, axis] += gain * (seen[k, axis] - place[k, axis] - habit[k, axis])
            habit[k, axis] *= keep
