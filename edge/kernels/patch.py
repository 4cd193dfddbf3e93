"""Sub-pixel patch tracking: inverse-compositional alignment with gain and offset.

Baker & Matthews (2004), "Lucas-Kanade 20 years on", International Journal of Computer Vision
56(3), gives the inverse-compositional idea: linearise the template, not the picture, so that
the normal matrix is computed once per template. Here a picture patch is modelled as
``offset + gain * template(v + d)``; the least-squares answer for gain and shift is joint, so
that a change of light is not read as a movement.

The picture is sampled by translation only, which leaves constant interpolation weights and
contiguous rows (the compiler vectorises them); turning and scaling with the head is done on
the template's side (`edge.kernels.template`), whenever the pose has changed enough to matter.
"""

import math

import numpy as np

from edge.kernels import njit

_LUMA = "Array(uint8, 2, 'C', readonly=True)"  # takes writable pictures too
PATCH = 16  # samples a side; offsets from -7.5 to 7.5 px
HALF = 7.5
_STOP_PX = 0.12

# sums may be reordered, so that they vectorise; no NaN can come out of uint8 pixels
_SUMS = {"reassoc", "contract", "nsz", "arcp"}


@njit(
    "float32(uint8, uint8, float32, float32, float32)",
    cache=True,
    nogil=True,
    fastmath=_SUMS,
    inline="always",
)
def _between(left, right, weight_left, weight_right, mean):
    return weight_left * np.float32(left) + (weight_right * np.float32(right) - mean)


@njit(
    f"UniTuple(float32, 5)({_LUMA}, float64, float64, float64, float32[:, :, :, ::1], int64)",
    cache=True,
    nogil=True,
    fastmath=_SUMS,
)
def _products(luma, left, top, mean, basis, k):
    """Sample the picture, its corner at (left, top) px, and multiply with itself and the basis.

    Returns the sum of samples, of their squares, and of their products with template and gradients;
    `mean` is taken from each sample. Four rows at once: five rows of pixels are read for them, and the
    five sums are added up across a vector four times in all (docs/decisions/0008-patch-arithmetic.md).
    """
    # unsigned, so that no index is tested for being negative
    y0, x0, at = np.uint64(top), np.uint64(left), np.uint64(k)
    n1, n2, n3, n4 = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    right, lower, m = np.float32(left - int(left)), np.float32(top - int(top)), np.float32(mean)
    kept, upper = np.float32(1.0) - right, np.float32(1.0) - lower
    s = ss = st = sx = sy = np.float32(0.0)
    for block in range(np.uint64(PATCH // 4)):
        j = block * n4
        y = y0 + j
        for i in range(np.uint64(PATCH)):
            x = x0 + i
            h0 = _between(luma[y, x], luma[y, x + n1], kept, right, m)
            h1 = _between(luma[y + n1, x], luma[y + n1, x + n1], kept, right, m)
            h2 = _between(luma[y + n2, x], luma[y + n2, x + n1], kept, right, m)
            h3 = _between(luma[y + n3, x], luma[y + n3, x + n1], kept, right, m)
            h4 = _between(luma[y + n4, x], luma[y + n4, x + n1], kept, right, m)
            v0, v1 = upper * h0 + lower * h1, upper * h1 + lower * h2
            v2, v3 = upper * h2 + lower * h3, upper * h3 + lower * h4
            s += (v0 + v1) + (v2 + v3)
            ss += (v0 * v0 + v1 * v1) + (v2 * v2 + v3 * v3)
            st += v0 * basis[at, 0, j, i] + v1 * basis[at, 0, j + n1, i]
            st += v2 * basis[at, 0, j + n2, i] + v3 * basis[at, 0, j + n3, i]
            sx += v0 * basis[at, 1, j, i] + v1 * basis[at, 1, j + n1, i]
            sx += v2 * basis[at, 1, j + n2, i] + v3 * basis[at, 1, j + n3, i]
            sy += v0 * basis[at, 2, j, i] + v1 * basis[at, 2, j + n1, i]
            sy += v2 * basis[at, 2, j + n2, i] + v3 * basis[at, 2, j + n3, i]
    return s, ss, st, sx, sy


@njit(
    f"void({_LUMA}, float32[:, :, :, ::1], float64[:, :, ::1], float64[:, :, ::1], float64[:, ::1],"
    " uint8[::1], int64, float64, float64[:, ::1], float32[::1], float32[::1])",
    cache=True,
    nogil=True,
    fastmath=_SUMS,
)
def follow_patches(
    luma, basis, projector, blur, level, wanted, n_iterations, reach_px, position, correlation, variance
):
    """Find each template in the picture, starting from where it is expected.

    Parameters
    ----------
    luma : uint8 [shape=(height, width)]
    basis : float32 [shape=(n, 3, 16, 16)]
        As `render_template` leaves it, like the next three.
    projector : float64 [shape=(n, 3, 3)]
    blur : float64 [shape=(n, 2, 4)]
    level : float64 [shape=(n, 2)]
    wanted : uint8 [shape=(n,)]
        0 leaves a patch alone: its correlation is set to -2.
    n_iterations : int
        At most; a step under 0.12 px ends it, as the next would be about a tenth of it.
    reach_px : float
        How far from the expected place a patch may be found.
    position : float64 [shape=(n, 2)], px
        Expected place in, found place out.
    correlation : float32 [shape=(n,)], -1 to 1
        Overwritten with the normalised correlation of template and picture; -1 where the patch
        left the picture or went out of reach.
    variance : float32 [shape=(n,)], grey levels squared
        Overwritten with what the fit leaves unexplained, per sample: the noise.

    Notes
    -----
    A bilinear sample at fraction a is the mean over a coin that shows 1 with probability a. Its
    cumulants give what is sampled in place of the picture f: with D a derivative,
    exp(a D + a (1 - a) D² / 2 + a (1 - a) (1 - 2 a) D³ / 6 + ...) f. The first term is the shift that is
    wanted; what the next two do to the estimate follows from the template (`blur`) and is taken away.
    """
    height, width = luma.shape
    count = PATCH * PATCH
    for k in range(position.shape[0]):
        correlation[k] = -2.0
        if wanted[k] == 0:
            continue
        x0, y0 = position[k, 0], position[k, 1]
        x, y = x0, y0
        found = -1.0
        for _ in range(n_iterations):
            left, top = x - HALF, y - HALF
            if not (left >= 0.0 and top >= 0.0 and left + PATCH + 1 < width and top + PATCH + 1 < height):
                found = -1.0
                break
            s, ss, st, sx, sy = _products(luma, left, top, level[k, 0], basis, k)
            energy = float(ss) - float(s) * float(s) / count
            gain = projector[k, 0, 0] * st + projector[k, 0, 1] * sx + projector[k, 0, 2] * sy
            gdx = projector[k, 1, 0] * st + projector[k, 1, 1] * sx + projector[k, 1, 2] * sy
            gdy = projector[k, 2, 0] * st + projector[k, 2, 1] * sx + projector[k, 2, 2] * sy
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
            if length < _STOP_PX:
                a, b = x - HALF - math.floor(x - HALF), y - HALF - math.floor(y - HALF)
                a2, b2 = a * (1.0 - a), b * (1.0 - b)
                a3, b3 = a2 * (1.0 - 2.0 * a), b2 * (1.0 - 2.0 * b)
                x += blur[k, 0, 0] * a2 + blur[k, 0, 1] * b2 + blur[k, 0, 2] * a3 + blur[k, 0, 3] * b3
                y += blur[k, 1, 0] * a2 + blur[k, 1, 1] * b2 + blur[k, 1, 2] * a3 + blur[k, 1, 3] * b3
                break
        position[k, 0], position[k, 1] = x, y
        correlation[k] = found
