"""Where a patch seems to be when its template is not quite as the head now shows it.

A template is rendered again only when the head has turned by a degree or so. In between picture and
template differ by a small linear map, ``picture(v) = template(v + E v)``. To first order that adds
``E v . grad(template)`` to the picture, and what a least-squares fit of a shift makes of it is
linear in E: a 2 x 4 matrix for each template, from its own gradients. Taking it away costs eight
products a patch, where rendering costs five thousand.
"""

import math

from edge.kernels import njit

# Share of a template's energy that a turn may leave unexplained, per square of the map's change: skin
# is no plane within a patch. Measured at 15 degrees: 3 to 10 % at a change of 0.25.
_TURN_EXPLAINS = 4.0


@njit(
    "void(float32[:, :, ::1], float64[:, ::1], float64[:, ::1])",
    cache=True,
    nogil=True,
)
def measure_lean(basis, projector, lean):
    """How far off a patch is found for each element of a small linear map.

    Parameters
    ----------
    basis : float32 [shape=(3, n, n)]
        Template and gradients, means removed, as `kernels.template.render_template` leaves them.
    projector : float64 [shape=(3, 3)]
        Makes (gain, gain * dx, gain * dy) of the picture's products with `basis`.
    lean : float64 [shape=(2, 4)], px
        Overwritten: what to add to the place found, x and y, for each of (E_xx, E_xy, E_yx, E_yy).
    """
    n = basis.shape[1]
    mean_x = mean_y = 0.0
    for j in range(n):
        mean_x += basis[0, j, n - 1] - basis[0, j, 0]
        mean_y += basis[0, n - 1, j] - basis[0, 0, j]
    mean_x, mean_y = mean_x / (n * (n - 1)), mean_y / (n * (n - 1))
    for axis in range(4):
        t = x = y = 0.0
        for j in range(n):
            for i in range(n):
                slope = basis[1, j, i] + mean_x if axis < 2 else basis[2, j, i] + mean_y
                change = slope * ((i if axis % 2 == 0 else j) - 0.5 * (n - 1))
                t += change * basis[0, j, i]
                x += change * basis[1, j, i]
                y += change * basis[2, j, i]
        lean[0, axis] = projector[1, 0] * t + projector[1, 1] * x + projector[1, 2] * y
        lean[1, axis] = projector[2, 0] * t + projector[2, 1] * x + projector[2, 2] * y


@njit(
    "void(float32[:, :, :, ::1], float64[:, :, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1],"
    " uint8[::1], float64[:, ::1], float64[:, ::1], float64, float64[:, :, ::1], float64[:, ::1],"
    " float32[::1])",
    cache=True,
    nogil=True,
)
def correct_lean(
    basis,
    projector,
    tangent_then,
    tangent_now,
    rendered_for,
    state,
    level,
    measured_for,
    noise,
    lean,
    position,
    variance,
):
    """Move every found place by what its template's staleness did to it.

    Parameters
    ----------
    basis : float32 [shape=(m, 3, n, n)]
    projector : float64 [shape=(m, 3, 3)]
    tangent_then, rendered_for : float64 [shape=(m, 4)]
        As in `kernels.template.render_stale`.
    tangent_now : float64 [shape=(at least m, 4)]
    state : uint8 [shape=(m,)]
        0 has no template and stays where it is.
    level : float64 [shape=(m, 2)]
        Mean and energy of each template.
    measured_for : float64 [shape=(m, 4)]
        The map each `lean` was measured with; NaN asks for a measurement. Updated.
    noise : float, grey levels squared
        Of the sensor.
    lean : float64 [shape=(m, 2, 4)], px
        Updated where the template was rendered since.
    position : float64 [shape=(m, 2)], px
        Updated.
    variance : float32 [shape=(m,)], grey levels squared
        What each fit left unexplained; lessened, down to the noise, by what a turn accounts for, so
        that a head that turns is not taken for something before the face.
    """
    for k in range(state.shape[0]):
        if state[k] == 0:
            continue
        fresh = False
        for part in range(4):
            if measured_for[k, part] != rendered_for[k, part]:
                fresh = True
        if fresh:
            measure_lean(basis[k], projector[k], lean[k])
            for part in range(4):
                measured_for[k, part] = rendered_for[k, part]
        a, b, c, d = tangent_now[k, 0], tangent_now[k, 1], tangent_now[k, 2], tangent_now[k, 3]
        f, g, h, i = rendered_for[k, 0], rendered_for[k, 1], rendered_for[k, 2], rendered_for[k, 3]
        e, w = a * d - b * c, f * i - g * h
        if not (e > 0.1 and abs(w) > 0.1):
            continue
        p, q, r, s = tangent_then[k, 0], tangent_then[k, 1], tangent_then[k, 2], tangent_then[k, 3]
        m0, m1 = (p * d - q * c) / e - f, (q * a - p * b) / e - g
        m2, m3 = (r * d - s * c) / e - h, (s * a - r * b) / e - i
        exx, exy = (i * m0 - g * m2) / w, (i * m1 - g * m3) / w
        eyx, eyy = (f * m2 - h * m0) / w, (f * m3 - h * m1) / w
        turned = max(abs(m0 + f - 1.0), abs(m1 + g), abs(m2 + h), abs(m3 + i - 1.0))
        stale = max(abs(exx), abs(exy), abs(eyx), abs(eyy))
        if math.isnan(exx + exy + eyx + eyy):
            continue
        position[k, 0] += (
            lean[k, 0, 0] * exx + lean[k, 0, 1] * exy + lean[k, 0, 2] * eyx + lean[k, 0, 3] * eyy
        )
        position[k, 1] += (
            lean[k, 1, 0] * exx + lean[k, 1, 1] * exy + lean[k, 1, 2] * eyx + lean[k, 1, 3] * eyy
        )
        slack = _TURN_EXPLAINS * (turned * turned + stale * stale) * level[k, 1] / basis[k, 0].size
        variance[k] = min(variance[k], max(variance[k] - slack, noise))
