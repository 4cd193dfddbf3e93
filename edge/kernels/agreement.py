"""How much each patch of a signal moves unlike the others: what its own noise does not tell."""

import math

from edge.kernels import njit

# Up to so many times what noise alone gives, patches are alike: twice, for a difference between frames, and
# twice again, as the noise is known only so well. With fewer than three nobody can say which is the odd one.
ALLOWED = 4.0
LEAST_MEMBERS = 3
# One frame says no more than this, squared: a patch that jumps to another edge is known by jumping often.
MOST_MIOD = 20.0


@njit(
    "void(float64[:, ::1], float64[:, ::1], int32[::1], int32[::1], float64[:, ::1], float64[::1], float64,"
    " float64, float64[::1], float64[::1], float64[::1])",
    cache=True,
    nogil=True,
)
def weigh_members(
    movement, before, start, member, direction, variance, noise, gain, unlike, weight_x, weight_y
):
    """Follow how unlike its signal each member moves from frame to frame, and weigh it by that.

    Parameters
    ----------
    movement, before : float64 [shape=(n, 2)], miod
        Now and one frame ago; NaN where lost.
    start : int32 [shape=(n_signals + 1,)]
        Signal s owns members start[s] to start[s + 1].
    member : int32 [shape=(n_members,)]
        Point index of each member.
    direction : float64 [shape=(n_members, 2)]
        Unit vectors.
    variance : float64 [shape=(n_members,)], miod²
        Of each member's place, as its template tells.
    noise : float
        Today's noise of the sensor over the one that `variance` is for.
    gain : float
        Share of `unlike` that this frame replaces.
    unlike : float64 [shape=(n_members,)], miod²
        Running mean square of a member's change less its signal's; updated in place.
    weight_x, weight_y : float64 [shape=(n_members,)], 1/miod²
        Direction over `variance` and what of `unlike` noise does not explain. Taken as the weights of the
        mean that changes are compared with, then overwritten.
    """
    for s in range(start.shape[0] - 1):
        seen = change = 0.0
        n_members = start[s + 1] - start[s]
        for m in range(start[s], start[s + 1]):
            k = member[m]
            x, y = movement[k, 0] - before[k, 0], movement[k, 1] - before[k, 1]
            if math.isfinite(x) and math.isfinite(y):
                weight = math.sqrt(weight_x[m] * weight_x[m] + weight_y[m] * weight_y[m])
                seen += weight
                change += weight * (direction[m, 0] * x + direction[m, 1] * y)
        for m in range(start[s], start[s + 1]):
            k = member[m]
            x, y = movement[k, 0] - before[k, 0], movement[k, 1] - before[k, 1]
            if seen > 0.0 and math.isfinite(x) and math.isfinite(y):
                off = direction[m, 0] * x + direction[m, 1] * y - change / seen
                unlike[m] += gain * (min(off * off, MOST_MIOD * MOST_MIOD) - unlike[m])
            odd = unlike[m] - ALLOWED * noise * variance[m] if n_members >= LEAST_MEMBERS else 0.0
            weight = 1.0 / (variance[m] + max(odd, 0.0))
            weight_x[m], weight_y[m] = direction[m, 0] * weight, direction[m, 1] * weight
