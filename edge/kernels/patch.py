"""Sub-pixel patch tracking: inverse-compositional alignment with gain and offset.

Baker & Matthews (2004), "Lucas-Kanade 20 years on", International Journal of Computer Vision
56(3), gives the inverse-compositional idea: linearise the template, not the picture, so that
the normal matrix is computed once per template. Here a picture patch is modelled as
``offset + gain * template(v + d)``; the least-squares answer for gain and shift is joint, so
that a change of light is not read as a movement.

The picture is sampled by translation only, which leaves constant interpolation weights and
contiguous rows (the compiler vectorises them); turning and scaling with the head is done on
the template's side, by `render_template`, whenever the pose has changed enough to matter.
"""

import math

import numpy as np
from numba import boolean, float32, float64, int64, njit, types, uint8, void

_LUMA = types.Array(uint8, 2, "C", readonly=True)  # takes writable pictures too
PATCH = 16  # samples a side; offsets from -7.5 to 7.5 px
HALF = 7.5
SOURCE = 32  # side of the picture window a template is rendered from
_MIDDLE = 15  # index of the pixel just left of (above) the window's centre
# px² per grey level²: half a pixel at a noise of 2 levels, which only faint texture or a straight
# edge at any angle reaches; on a face, patches stand at a hundredth to a tenth of a pixel
_VARIANCE_MOST = 1.0 / 16.0

# sums may be reordered, so that they vectorise; no NaN can come out of uint8 pixels
_SUMS = {"reassoc", "contract", "nsz", "arcp"}


@njit(boolean(_LUMA, float64, float64, float32[:, ::1], float64[::1]), cache=True, nogil=True)
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
    "boolean(float32[:, ::1], float64[::1], float64[:, ::1], float32[:, ::1], float32[:, ::1],"
    " float32[:, ::1], float64[:, ::1], float64[::1])",
    cache=True,
    nogil=True,
)
def render_template(source, centre, to_source, template, gradient_x, gradient_y, covariance, level):
    """Render a template as the head now shows it, with gradients and what follows from them.

    Parameters
    ----------
    source : float32 [shape=(32, 32)]
        From `capture_source`.
    centre : float64 [shape=(2,)], px
        Where the patch's centre lies inside `source`.
    to_source : float64 [shape=(2, 2)]
        Takes an (x, y) offset in today's picture to an offset in `source`.
    template, gradient_x, gradient_y : float32 [shape=(16, 16)]
        Overwritten, each with its mean removed.
    covariance : float64 [shape=(3, 3)]
        Overwritten with the inverse normal matrix of (gain, gain * dx, gain * dy): times the
        variance of the sensor's noise it is the covariance of the estimate.
    level : float64 [shape=(2,)]
        Overwritten with the template's mean, grey levels, and energy, grey levels squared.

    Returns
    -------
    bool
        False where the patch has too little texture to be followed in both directions.
    """
    n = PATCH + 2
    # 2.6 kB of scratch for each rendering, of which a turning head asks for a few a frame
    wide = np.empty((n, n), np.float64)
    wx, wy = np.empty(4), np.empty(4)
    limit = SOURCE - 3.0
    for j in range(n):
        for i in range(n):
            vx, vy = i - 1 - HALF, j - 1 - HALF
            x = min(max(centre[0] + to_source[0, 0] * vx + to_source[0, 1] * vy, 1.0), limit)
            y = min(max(centre[1] + to_source[1, 0] * vx + to_source[1, 1] * vy, 1.0), limit)
            ix, iy = int(x), int(y)
            _cubic_weights(x - ix, wx)
            _cubic_weights(y - iy, wy)
            total = 0.0
            for b in range(4):
                row = 0.0
                for a in range(4):
                    row += wx[a] * source[iy - 1 + b, ix - 1 + a]
                total += wy[b] * row
            wide[j, i] = total
    mean_t = mean_x = mean_y = 0.0
    for j in range(PATCH):
        for i in range(PATCH):
            mean_t += wide[j + 1, i + 1]
            mean_x += 0.5 * (wide[j + 1, i + 2] - wide[j + 1, i])
            mean_y += 0.5 * (wide[j + 2, i + 1] - wide[j, i + 1])
    count = PATCH * PATCH
    mean_t, mean_x, mean_y = mean_t / count, mean_x / count, mean_y / count
    tt = tx = ty = xx = xy = yy = 0.0
    for j in range(PATCH):
        for i in range(PATCH):
            t = wide[j + 1, i + 1] - mean_t
            gx = 0.5 * (wide[j + 1, i + 2] - wide[j + 1, i]) - mean_x
            gy = 0.5 * (wide[j + 2, i + 1] - wide[j, i + 1]) - mean_y
            template[j, i], gradient_x[j, i], gradient_y[j, i] = t, gx, gy
            tt, tx, ty, xx, xy, yy = (
                tt + t * t,
                tx + t * gx,
                ty + t * gy,
                xx + gx * gx,
                xy + gx * gy,
                yy + gy * gy,
            )
    level[0], level[1] = mean_t, tt
    # inverse of the symmetric 3x3 normal matrix by cofactors
    c00, c01, c02 = xx * yy - xy * xy, ty * xy - tx * yy, tx * xy - ty * xx
    determinant = tt * c00 + tx * c01 + ty * c02
    if not determinant > 1e-6 * tt * xx * yy:
        return False
    covariance[0, 0], covariance[0, 1], covariance[0, 2] = (
        c00 / determinant,
        c01 / determinant,
        c02 / determinant,
    )
    covariance[1, 0], covariance[2, 0] = covariance[0, 1], covariance[0, 2]
    covariance[1, 1] = (tt * yy - ty * ty) / determinant
    covariance[1, 2] = covariance[2, 1] = (tx * ty - tt * xy) / determinant
    covariance[2, 2] = (tt * xx - tx * tx) / determinant
    return covariance[1, 1] + covariance[2, 2] < _VARIANCE_MOST


@njit(
    void(
        _LUMA,
        float32[:, :, ::1],
        float32[:, :, ::1],
        float32[:, :, ::1],
        float64[:, :, ::1],
        float64[:, ::1],
        uint8[::1],
        int64,
        float64,
        float64[:, ::1],
        float32[::1],
        float32[::1],
    ),
    cache=True,
    nogil=True,
    fastmath=_SUMS,
)
def follow_patches(
    luma,
    template,
    gradient_x,
    gradient_y,
    covariance,
    level,
    wanted,
    n_iterations,
    reach_px,
    position,
    correlation,
    variance,
):
    """Find each template in the picture, starting from where it is expected.

    Parameters
    ----------
    luma : uint8 [shape=(height, width)]
    template, gradient_x, gradient_y : float32 [shape=(n, 16, 16)]
        As `render_template` leaves them.
    covariance : float64 [shape=(n, 3, 3)]
    level : float64 [shape=(n, 2)]
    wanted : uint8 [shape=(n,)]
        0 leaves a patch alone: its correlation is set to -2.
    n_iterations : int
        At most; a step under 0.04 px ends it, as the next would be about a twentieth of it.
    reach_px : float
        How far from the expected place a patch may be found.
    position : float64 [shape=(n, 2)], px
        Expected place in, found place out.
    correlation : float32 [shape=(n,)], -1 to 1
        Overwritten with the normalised correlation of template and picture; -1 where the patch
        left the picture or went out of reach.
    variance : float32 [shape=(n,)], grey levels squared
        Overwritten with what the fit leaves unexplained, per sample: the noise.
    """
    height, width = luma.shape
    count = PATCH * PATCH
    for k in range(position.shape[0]):
        correlation[k] = -2.0
        if wanted[k] == 0:
            continue
        x0, y0 = position[k, 0], position[k, 1]
        x, y = x0, y0
        mean = np.float32(level[k, 0])
        found = -1.0
        for _ in range(n_iterations):
            left, top = x - HALF, y - HALF
            if not (left >= 0.0 and top >= 0.0 and left + PATCH + 1 < width and top + PATCH + 1 < height):
                found = -1.0
                break
            ix, iy = int(left), int(top)
            a, b = left - ix, top - iy
            w00, w01 = np.float32((1 - a) * (1 - b)), np.float32(a * (1 - b))
            w10, w11 = np.float32((1 - a) * b), np.float32(a * b)
            s = ss = st = sx = sy = np.float32(0.0)
            for j in range(PATCH):
                upper = luma[iy + j, ix : ix + PATCH + 1]
                lower = luma[iy + j + 1, ix : ix + PATCH + 1]
                for i in range(PATCH):
                    v = (
                        w00 * np.float32(upper[i])
                        + w01 * np.float32(upper[i + 1])
                        + w10 * np.float32(lower[i])
                        + w11 * np.float32(lower[i + 1])
                        - mean
                    )
                    s += v
                    ss += v * v
                    st += v * template[k, j, i]
                    sx += v * gradient_x[k, j, i]
                    sy += v * gradient_y[k, j, i]
            energy = float(ss) - float(s) * float(s) / count
            gain = covariance[k, 0, 0] * st + covariance[k, 0, 1] * sx + covariance[k, 0, 2] * sy
            gdx = covariance[k, 1, 0] * st + covariance[k, 1, 1] * sx + covariance[k, 1, 2] * sy
            gdy = covariance[k, 2, 0] * st + covariance[k, 2, 1] * sx + covariance[k, 2, 2] * sy
            if not (gain > 0.05 and energy > 1e-3):  # another texture, or none
                found = 0.0
                break
            dx, dy = gdx / gain, gdy / gain
            length = math.sqrt(dx * dx + dy * dy)
            if length > 2.5:  # beyond the linear range: take a part of the step and look again
                dx, dy = dx * 2.5 / length, dy * 2.5 / length
            x, y = x - dx, y - dy
            found = st / math.sqrt(level[k, 1] * energy)
            variance[k] = max(energy - gain * st - gdx * sx - gdy * sy, 0.0) / (count - 4)
            if (x - x0) * (x - x0) + (y - y0) * (y - y0) > reach_px * reach_px:
                found = -1.0
                break
            if length < 0.04:
                break
        position[k, 0], position[k, 1] = x, y
        correlation[k] = found


@njit(
    "int64(float32[:, :, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1], float64,"
    " int64, uint8[::1], float32[:, :, ::1], float32[:, :, ::1], float32[:, :, ::1], float64[:, :, ::1],"
    " float64[:, ::1])",
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
    template,
    gradient_x,
    gradient_y,
    covariance,
    level,
):
    """Render again the templates that the head has turned away from, the most stale first.

    Parameters
    ----------
    source, centre, template, gradient_x, gradient_y, covariance, level
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

    Returns
    -------
    int
        Number of templates rendered.
    """
    n = centre.shape[0]
    to_source = np.empty((2, 2), np.float64)
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
        to_source[0, 0], to_source[0, 1] = (p * d - q * c) / e, (q * a - p * b) / e
        to_source[1, 0], to_source[1, 1] = (r * d - s * c) / e, (s * a - r * b) / e
        for i in range(4):
            rendered_for[at, i] = to_source[i // 2, i % 2]
        if not render_template(
            source[at],
            centre[at],
            to_source,
            template[at],
            gradient_x[at],
            gradient_y[at],
            covariance[at],
            level[at],
        ):
            state[at] = 0
        n_done += 1
    return n_done
