"""Templates of patches: captured once from the picture, rendered again as the head turns."""

import math

from edge.kernels import njit

_LUMA = "Array(uint8, 2, 'C', readonly=True)"  # takes writable pictures too
PATCH = 16  # samples a side, as in `edge.kernels.patch`; offsets from -7.5 to 7.5 px
HALF = 7.5
SOURCE = 32  # side of the picture window a template is rendered from
RIM = 2  # samples around a template that its derivatives reach
WIDE = PATCH + 2 * RIM
SCRATCH = (WIDE + 5, WIDE)
_SIDE, _STRAIGHT = 3.0 / 32.0, 10.0 / 32.0  # Scharr's gradient
_MIDDLE = 15  # index of the pixel just left of (above) the window's centre
# What the template's noise adds to the product of its Scharr and five-tap gradients, per sample and unit
# of variance: 5/12 from the taps both use, 0.65 of it after bicubic sampling (mean over fractions).
_NOISE_SHARE = 0.65 * 5.0 / 12.0
_NOISE_SHARE_MOST = 0.35  # of what it is taken from: overestimated by more, steps would not settle
# px² per grey level²: half a pixel at a noise of 2 levels, which only faint texture or a straight
# edge at any angle reaches; on a face, patches stand at a hundredth to a tenth of a pixel
_VARIANCE_MOST = 1.0 / 16.0


@njit(f"boolean({_LUMA}, float64, float64, float32[:, ::1], float64[::1])", cache=True, nogil=True)
def capture_source(luma, x, y, source, centre):
    """Copy the pixels around (x, y) px, without interpolation.

    Parameters
    ----------
    luma : uint8 [shape=(height, width)]
    x, y : float, px
    source : float32 [shape=(32, 32)]
        Overwritten.
    centre : float64 [shape=(2,)], px
        Overwritten with where (x, y) lies inside `source`.

    Returns
    -------
    bool
        False where the window does not fit into the picture; nothing is written then.
    """
    height, width = luma.shape
    left, top = math.floor(x) - _MIDDLE, math.floor(y) - _MIDDLE
    if not (left >= 0 and top >= 0 and left + SOURCE <= width and top + SOURCE <= height):
        return False
    for j in range(SOURCE):
        for i in range(SOURCE):
            source[j, i] = luma[top + j, left + i]
    centre[0], centre[1] = x - left, y - top
    return True


@njit("void(float64, float64[::1])", cache=True, nogil=True)
def _cubic_weights(t, weights):
    """Catmull-Rom weights of the four samples around fraction `t` in [0, 1)."""
    weights[0] = ((-0.5 * t + 1.0) * t - 0.5) * t
    weights[1] = (1.5 * t - 2.5) * t * t + 1.0
    weights[2] = ((-1.5 * t + 2.0) * t + 0.5) * t
    weights[3] = (0.5 * t - 0.5) * t * t


@njit(
    "void(float32[:, ::1], float64[::1], float64[:, ::1], float64[:, ::1], float64[:, ::1])",
    cache=True,
    nogil=True,
)
def _resample(source, centre, to_source, weights, wide):
    """Bicubic samples of the source around a patch, two px wider on each side [shape=(20, 20)]."""
    limit = SOURCE - 3.0
    middle = HALF + RIM
    for j in range(WIDE):
        for i in range(WIDE):
            vx, vy = i - middle, j - middle
            x = min(max(centre[0] + to_source[0, 0] * vx + to_source[0, 1] * vy, 1.0), limit)
            y = min(max(centre[1] + to_source[1, 0] * vx + to_source[1, 1] * vy, 1.0), limit)
            ix, iy = int(x), int(y)
            _cubic_weights(x - ix, weights[0])
            _cubic_weights(y - iy, weights[1])
            total = 0.0
            for b in range(4):
                row = 0.0
                for a in range(4):
                    row += weights[0, a] * source[iy - 1 + b, ix - 1 + a]
                total += weights[1, b] * row
            wide[j, i] = total


@njit("float64(float64[:, ::1], float32[:, :, ::1])", cache=True, nogil=True)
def _fill_basis(wide, basis):
    """Template and Scharr gradients, each with its mean removed; returns the template's mean."""
    mean_t = mean_x = mean_y = 0.0
    for j in range(PATCH):
        for i in range(PATCH):
            r, c = j + RIM, i + RIM
            gx = _SIDE * (wide[r - 1, c + 1] - wide[r - 1, c - 1] + wide[r + 1, c + 1] - wide[r + 1, c - 1])
            gy = _SIDE * (wide[r + 1, c - 1] - wide[r - 1, c - 1] + wide[r + 1, c + 1] - wide[r - 1, c + 1])
            gx += _STRAIGHT * (wide[r, c + 1] - wide[r, c - 1])
            gy += _STRAIGHT * (wide[r + 1, c] - wide[r - 1, c])
            basis[0, j, i], basis[1, j, i], basis[2, j, i] = wide[r, c], gx, gy
            mean_t, mean_x, mean_y = mean_t + wide[r, c], mean_x + gx, mean_y + gy
    count = PATCH * PATCH
    for j in range(PATCH):
        for i in range(PATCH):
            basis[0, j, i] -= mean_t / count
            basis[1, j, i] -= mean_x / count
            basis[2, j, i] -= mean_y / count
    return mean_t / count


@njit("void(float64[:, ::1], float32[:, :, ::1], float64[:, ::1])", cache=True, nogil=True)
def _correlate(wide, basis, sums):
    """Products of the basis with itself (columns 0 to 2) and with derivatives of the template.

    Columns 3 and 4 hold the exact slopes (five taps), 5 to 8 half the second and a sixth of the
    third derivatives, x before y.
    """
    sums[:, :] = 0.0
    for j in range(PATCH):
        for i in range(PATCH):
            r, c = j + RIM, i + RIM
            west, w, o, e, east = wide[r, c - 2], wide[r, c - 1], wide[r, c], wide[r, c + 1], wide[r, c + 2]
            north, n, s, south = wide[r - 2, c], wide[r - 1, c], wide[r + 1, c], wide[r + 2, c]
            for m in range(3):
                z = float(basis[m, j, i])
                for q in range(3):
                    sums[m, q] += z * basis[q, j, i]
                sums[m, 3] += z * (8.0 * (e - w) - (east - west)) / 12.0
                sums[m, 4] += z * (8.0 * (s - n) - (south - north)) / 12.0
                sums[m, 5] += z * (e - 2.0 * o + w) / 2.0
                sums[m, 6] += z * (s - 2.0 * o + n) / 2.0
                sums[m, 7] += z * (east - 2.0 * (e - w) - west) / 12.0
                sums[m, 8] += z * (south - 2.0 * (s - n) - north) / 12.0


@njit("boolean(float64[:, ::1], float64[:, ::1])", cache=True, nogil=True)
def _invert(sums, projector):
    """Inverse of columns 0, 3 and 4 by cofactors; False where they are almost singular."""
    for m in range(3):
        p, q = (m + 1) % 3, (m + 2) % 3
        projector[0, m] = sums[p, 3] * sums[q, 4] - sums[p, 4] * sums[q, 3]
        projector[1, m] = sums[p, 4] * sums[q, 0] - sums[p, 0] * sums[q, 4]
        projector[2, m] = sums[p, 0] * sums[q, 3] - sums[p, 3] * sums[q, 0]
    determinant = sums[0, 0] * projector[0, 0] + sums[1, 0] * projector[0, 1] + sums[2, 0] * projector[0, 2]
    if not determinant > 1e-6 * sums[0, 0] * sums[1, 1] * sums[2, 2]:
        return False
    for m in range(3):
        for p in range(3):
            projector[m, p] /= determinant
    return True


@njit(
    "boolean(float32[:, ::1], float64[::1], float64[:, ::1], float64, float64[:, ::1], float32[:, :, ::1],"
    " float64[:, ::1], float64[::1], float64[:, ::1], float64[::1])",
    cache=True,
    nogil=True,
)
def render_template(
    source, centre, to_source, noise_variance, scratch, basis, projector, covariance, blur, level
):
    """Render a template as the head now shows it, with gradients and what follows from them.

    Parameters
    ----------
    source : float32 [shape=(32, 32)]
        From `capture_source`.
    centre : float64 [shape=(2,)], px
        Where the patch's centre lies inside `source`.
    to_source : float64 [shape=(2, 2)]
        Takes an (x, y) offset in today's picture to an offset in `source`.
    noise_variance : float, grey levels squared
        Of a pixel. It makes gradients look steeper than they are, and steps fall short: at a noise of
        6 levels, half of a step on a smooth cheek. What it adds is taken from `projector` again.
    scratch : float64 [shape=(25, 20)]
        Overwritten; worth nothing afterwards.
    basis : float32 [shape=(3, 16, 16)]
        Overwritten with the template and what its movement is read with: gradients smoothed across
        their direction (Scharr), so that the template's own noise weighs less in them. Each with
        its mean removed.
    projector : float64 [shape=(3, 3)]
        Overwritten: times the picture's products with `basis`, it gives (gain, gain * dx,
        gain * dy). The inverse of the products of `basis` with template and exact slopes.
    covariance : float64 [shape=(3,)], px² per grey level squared
        Overwritten with xx, xy, yy: times the variance of the sensor's noise, the estimate's.
    blur : float64 [shape=(2, 4)], px
        Overwritten: what bilinear sampling adds to the estimate, per unit of a (1 - a) in x and y,
        then of a (1 - a) (1 - 2 a), at fractions a of a pixel (see `follow_patches`).
    level : float64 [shape=(2,)]
        Overwritten with the template's mean, grey levels, and energy, grey levels squared.

    Returns
    -------
    bool
        False where the patch has too little texture to be followed in both directions.
    """
    wide, sums, weights = scratch[:WIDE], scratch[WIDE : WIDE + 3], scratch[WIDE + 3 : WIDE + 5]
    _resample(source, centre, to_source, weights, wide)
    level[0] = _fill_basis(wide, basis)
    _correlate(wide, basis, sums)
    level[1] = sums[0, 0]
    for axis in range(2):
        steep = sums[axis + 1, axis + 3]
        sums[axis + 1, axis + 3] = steep - min(
            _NOISE_SHARE * noise_variance * PATCH * PATCH, _NOISE_SHARE_MOST * steep
        )
    if not _invert(sums, projector):
        return False
    xx = xy = yy = 0.0
    for m in range(3):
        for p in range(3):
            xx += projector[1, m] * sums[m, p] * projector[1, p]
            xy += projector[1, m] * sums[m, p] * projector[2, p]
            yy += projector[2, m] * sums[m, p] * projector[2, p]
    covariance[0], covariance[1], covariance[2] = xx, xy, yy
    for axis in range(2):
        for q in range(4):
            blur[axis, q] = 0.0
            for m in range(3):
                blur[axis, q] += projector[axis + 1, m] * sums[m, 5 + q]
    return xx + yy < _VARIANCE_MOST


@njit(
    "int64(float32[:, :, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1], float64,"
    " int64, uint8[::1], float64, float64[:, ::1], float32[:, :, :, ::1], float64[:, :, ::1],"
    " float64[:, ::1], float64[:, :, ::1], float64[:, ::1])",
    cache=True,
    nogil=True,
)
def render_stale(
    source,
    centre,
    tangent_then,
    tangent_now,
    rendered_for,
    stale,
    n_most,
    state,
    noise_variance,
    scratch,
    basis,
    projector,
    covariance,
    blur,
    level,
):
    """Render again the templates that the head has turned away from, the most stale first.

    Parameters
    ----------
    source, centre, basis, projector, covariance, blur, level
        As in `render_template`, stacked along a first axis of n patches.
    tangent_then, tangent_now : float64 [shape=(n, 4)]
        How the reference picture is stretched at each patch (`project_points`), when the source
        was captured and now.
    rendered_for : float64 [shape=(n, 4)]
        The (now to source) map each template was last rendered with; updated.
    stale : float
        Largest change of that map, per px of offset, that needs no rendering.
    n_most : int
        Templates rendered in one call; what is left waits for the next frame.
    state : uint8 [shape=(n,)]
        0 has no template; set to 0 where the texture no longer suffices.
    noise_variance : float, grey levels squared
    scratch : float64 [shape=(25, 20)]
        Overwritten; worth nothing afterwards.

    Returns
    -------
    int
        Number of templates rendered.
    """
    n = centre.shape[0]
    n_done = 0
    while n_done < n_most:
        worst, at = stale, -1
        for k in range(n):
            if state[k] == 0:
                continue
            a, b, c, d = tangent_now[k, 0], tangent_now[k, 1], tangent_now[k, 2], tangent_now[k, 3]
            e = a * d - b * c
            if not e > 0.1:
                continue
            p, q, r, s = tangent_then[k, 0], tangent_then[k, 1], tangent_then[k, 2], tangent_then[k, 3]
            change = max(
                abs((p * d - q * c) / e - rendered_for[k, 0]),
                abs((q * a - p * b) / e - rendered_for[k, 1]),
                abs((r * d - s * c) / e - rendered_for[k, 2]),
                abs((s * a - r * b) / e - rendered_for[k, 3]),
            )
            if change > worst:
                worst, at = change, k
        if at < 0:
            break
        a, b, c, d = tangent_now[at, 0], tangent_now[at, 1], tangent_now[at, 2], tangent_now[at, 3]
        e = a * d - b * c
        p, q, r, s = tangent_then[at, 0], tangent_then[at, 1], tangent_then[at, 2], tangent_then[at, 3]
        rendered_for[at, 0], rendered_for[at, 1] = (p * d - q * c) / e, (q * a - p * b) / e
        rendered_for[at, 2], rendered_for[at, 3] = (r * d - s * c) / e, (s * a - r * b) / e
        if not render_template(
            source[at],
            centre[at],
            rendered_for[at].reshape(2, 2),
            noise_variance,
            scratch,
            basis[at],
            projector[at],
            covariance[at],
            blur[at],
            level[at],
        ):
            state[at] = 0
        n_done += 1
    return n_done
