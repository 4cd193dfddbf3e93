"""From followed patches to movement signals, eye closure and light: small per-frame kernels."""

import math

import numpy as np

from edge.kernels import njit

_LUMA = "Array(uint8, 2, 'C', readonly=True)"  # takes writable pictures too
_LOST = -32768
EYE_ROWS, EYE_COLUMNS = 9, 16


@njit(f"void({_LUMA}, int64, int64, int64, int64, int64, uint8[:, ::1])", cache=True, nogil=True)
def shrink(luma, factor, left, top, right, bottom, small):
    """Mean of `factor` x `factor` pixels, inside one rectangle of the small picture.

    Parameters
    ----------
    luma : uint8 [shape=(height, width)]
    factor : int, at least 1
    left, top, right, bottom : int
        Rectangle of `small` to fill, right and bottom excluded; clipped to what exists.
    small : uint8 [shape=(height // factor, width // factor)]
        Overwritten inside the rectangle.
    """
    area = factor * factor
    for j in range(max(top, 0), min(bottom, small.shape[0])):
        for i in range(max(left, 0), min(right, small.shape[1])):
            total = area // 2
            for b in range(factor):
                for a in range(factor):
                    total += luma[j * factor + b, i * factor + a]
            small[j, i] = total // area


@njit(f"float64({_LUMA}, float64, float64, float64)", cache=True, nogil=True)
def mean_level(luma, x, y, half):
    """Mean grey level of a square, from 24 x 24 samples spread over it.

    Parameters
    ----------
    luma : uint8 [shape=(height, width)]
    x, y, half : float, px
        Centre and half side; what lies outside the picture is left out.

    Returns
    -------
    float
        Grey levels; NaN where the square lies wholly outside.
    """
    height, width = luma.shape
    total, n = 0.0, 0
    for j in range(24):
        row = int(y + (j - 11.5) / 11.5 * half)
        if row < 0 or row >= height:
            continue
        for i in range(24):
            column = int(x + (i - 11.5) / 11.5 * half)
            if 0 <= column < width:
                total += luma[row, column]
                n += 1
    return total / n if n > 0 else math.nan


@njit(
    f"int64({_LUMA}, float64, float64, float64, int64, float32[:, ::1], float64[:, ::1], float64[::1],"
    " float64[::1])",
    cache=True,
    nogil=True,
)
def find_shift(small, x, y, level, reach, template, score, best, shift):
    """Search, pixel by pixel, how far a coarse face template moved; sub-pixel by a parabola.

    Parameters
    ----------
    small : uint8 [shape=(height, width)]
        The coarse picture.
    x, y : float, coarse px
        Where the template's centre is expected.
    level : float
        The template's mean, grey levels.
    reach : int, coarse px
        How far to look.
    template : float32 [shape=(n, n)]
        Mean removed.
    score : float64 [shape=(at least 2 reach + 1, at least 2 reach + 1)]
        Overwritten with the normalised correlation at each place; -2 where the template does not fit in.
    best : float64 [shape=(1,)]
        Overwritten with the best normalised correlation; -2 where nothing fits.
    shift : float64 [shape=(2,)], coarse px
        Overwritten with the movement from (x, y).

    Returns
    -------
    int
        Number of places looked at.
    """
    n = template.shape[0]
    left, top = round(x - 0.5 * (n - 1)), round(y - 0.5 * (n - 1))
    energy = 0.0
    for j in range(n):
        for i in range(n):
            energy += template[j, i] * template[j, i]
    side = 2 * reach + 1
    best[0] = -2.0
    shift[0] = shift[1] = 0.0
    n_places, bj, bi = 0, 0, 0
    for dj in range(side):
        for di in range(side):
            oy, ox = top + dj - reach, left + di - reach
            score[dj, di] = -2.0
            if oy < 0 or ox < 0 or oy + n > small.shape[0] or ox + n > small.shape[1]:
                continue
            n_places += 1
            s = ss = st = 0.0
            for j in range(n):
                for i in range(n):
                    v = float(small[oy + j, ox + i]) - level
                    s += v
                    ss += v * v
                    st += v * template[j, i]
            spread = energy * (ss - s * s / (n * n))
            score[dj, di] = st / math.sqrt(spread) if spread > 1e-6 else -1.0
            if score[dj, di] > best[0]:
                best[0], bj, bi = score[dj, di], dj, di
    if best[0] > -2.0:
        shift[0], shift[1] = bi - reach + left - (x - 0.5 * (n - 1)), bj - reach + top - (y - 0.5 * (n - 1))
        if 0 < bi < side - 1 and score[bj, bi - 1] > -2.0 and score[bj, bi + 1] > -2.0:
            bend = score[bj, bi - 1] - 2.0 * score[bj, bi] + score[bj, bi + 1]
            if bend < -1e-9:
                shift[0] += 0.5 * (score[bj, bi - 1] - score[bj, bi + 1]) / bend
        if 0 < bj < side - 1 and score[bj - 1, bi] > -2.0 and score[bj + 1, bi] > -2.0:
            bend = score[bj - 1, bi] - 2.0 * score[bj, bi] + score[bj + 1, bi]
            if bend < -1e-9:
                shift[1] += 0.5 * (score[bj - 1, bi] - score[bj + 1, bi]) / bend
    return n_places


@njit(f"float64({_LUMA}, float64, float64, float64[::1], float32[:, ::1])", cache=True, nogil=True)
def sample_eye(luma, x, y, axes, out):
    """Sample a 9 x 16 grid over an eye opening.

    Parameters
    ----------
    luma : uint8 [shape=(height, width)]
    x, y : float, px
        The opening's centre.
    axes : float64 [shape=(4,)], px
        (right_x, right_y, down_x, down_y): half the opening's width and height in the picture.
    out : float32 [shape=(9, 16)]
        Overwritten with mean removed and unit energy.

    Returns
    -------
    float
        Contrast of the opening (standard deviation, grey levels); 0 where it left the picture.
    """
    height, width = luma.shape
    total = 0.0
    for j in range(EYE_ROWS):
        v = (j - 0.5 * (EYE_ROWS - 1)) / (0.5 * (EYE_ROWS - 1))
        for i in range(EYE_COLUMNS):
            u = (i - 0.5 * (EYE_COLUMNS - 1)) / (0.5 * (EYE_COLUMNS - 1))
            px, py = x + u * axes[0] + v * axes[2], y + u * axes[1] + v * axes[3]
            if not (px >= 0.0 and py >= 0.0 and px < width - 1 and py < height - 1):
                return 0.0
            ix, iy = int(px), int(py)
            a, b = px - ix, py - iy
            upper = (1 - a) * luma[iy, ix] + a * luma[iy, ix + 1]
            lower = (1 - a) * luma[iy + 1, ix] + a * luma[iy + 1, ix + 1]
            out[j, i] = (1 - b) * upper + b * lower
            total += out[j, i]
    mean = total / (EYE_ROWS * EYE_COLUMNS)
    energy = 0.0
    for j in range(EYE_ROWS):
        for i in range(EYE_COLUMNS):
            out[j, i] -= mean
            energy += out[j, i] * out[j, i]
    norm = math.sqrt(max(energy, 1e-6))
    for j in range(EYE_ROWS):
        for i in range(EYE_COLUMNS):
            out[j, i] /= norm
    return norm / math.sqrt(EYE_ROWS * EYE_COLUMNS)


@njit(
    f"void({_LUMA}, float64[:, ::1], float64[:, ::1], float64[:, ::1], float64, float64, float64, float64,"
    " float32[:, :, ::1], float32[:, ::1], uint8[::1], float64[::1], float64[::1])",
    cache=True,
    nogil=True,
)
def look_at_eyes(
    luma,
    place,
    tangent,
    axes,
    looks_open,
    gain_open,
    gain_changed,
    gain_closed,
    usual,
    now,
    known,
    axis,
    closure,
):
    """How little each eye looks like itself when open, and slow learning of that look.

    Parameters
    ----------
    luma : uint8 [shape=(height, width)]
    place : float64 [shape=(2, 2)], px
        Centres of the openings.
    tangent : float64 [shape=(2, 4)]
        How the reference picture is stretched there (`kernels.pose.project_points`).
    axes : float64 [shape=(2, 4)], px
        Half width and half height vectors in the reference picture.
    looks_open : float
        Likeness above which the eye counts as open.
    gain_open, gain_changed, gain_closed : float in [0, 1]
        How much of this frame goes into the usual look: while open, while otherwise (a gaze
        shift), and while it looks like a lid (no likeness at all).
    usual : float32 [shape=(2, 9, 16)]
        State: the usual look, unit energy; updated.
    now : float32 [shape=(9, 16)]
        Room for this frame's sample.
    known : uint8 [shape=(2,)]
        0 makes this frame the usual look; updated.
    axis : float64 [shape=(4,)]
        Room to work in.
    closure : float64 [shape=(2,)], 0 to 1
        Overwritten; NaN out of sight.
    """
    for eye in range(2):
        for half in range(2):
            x, y = axes[eye, 2 * half], axes[eye, 2 * half + 1]
            axis[2 * half] = tangent[eye, 0] * x + tangent[eye, 1] * y
            axis[2 * half + 1] = tangent[eye, 2] * x + tangent[eye, 3] * y
        if not sample_eye(luma, place[eye, 0], place[eye, 1], axis, now) > 0.0:
            closure[eye] = math.nan
            continue
        if known[eye] == 0:
            # not `usual[eye] = now`, which allocates where the shapes may differ
            for j in range(EYE_ROWS):
                for i in range(EYE_COLUMNS):
                    usual[eye, j, i] = now[j, i]
            known[eye] = 1
        likeness = 0.0
        for j in range(EYE_ROWS):
            for i in range(EYE_COLUMNS):
                likeness += usual[eye, j, i] * now[j, i]
        gain = gain_open if likeness > looks_open else gain_changed if likeness > 0.2 else gain_closed
        energy = 0.0
        for j in range(EYE_ROWS):
            for i in range(EYE_COLUMNS):
                usual[eye, j, i] += gain * (now[j, i] - usual[eye, j, i])
                energy += usual[eye, j, i] * usual[eye, j, i]
        norm = math.sqrt(energy) + 1e-6
        for j in range(EYE_ROWS):
            for i in range(EYE_COLUMNS):
                usual[eye, j, i] /= norm
        closure[eye] = min(max(1.0 - likeness, 0.0), 1.0)


@njit(
    "void(float64[:, ::1], float64[:, ::1], float64[:, ::1], float64, float64, float64, uint8[::1],"
    " float64[:, ::1])",
    cache=True,
    nogil=True,
)
def own_movement(found, place, tangent, iod_px, roll_cos, roll_sin, valid, movement):
    """What each point does apart from the head, in the upright, still face.

    Parameters
    ----------
    found, place : float64 [shape=(n, 2)], px
        Where the patch was found, and where the head's pose alone puts it.
    tangent : float64 [shape=(n, 4)]
        From `project_points`.
    iod_px : float
        Inter-ocular distance of the reference picture.
    roll_cos, roll_sin : float
        Of the eye line's angle in the reference picture.
    valid : uint8 [shape=(n,)]
    movement : float64 [shape=(n, 2)], miod
        Overwritten; NaN where not valid.
    """
    for k in range(found.shape[0]):
        a, b, c, d = tangent[k, 0], tangent[k, 1], tangent[k, 2], tangent[k, 3]
        determinant = a * d - b * c
        if valid[k] == 0 or not abs(determinant) > 0.05:
            movement[k, 0] = movement[k, 1] = math.nan
            continue
        ex, ey = found[k, 0] - place[k, 0], found[k, 1] - place[k, 1]
        rx, ry = (d * ex - b * ey) / determinant, (a * ey - c * ex) / determinant
        factor = 1000.0 / iod_px
        movement[k, 0] = factor * (roll_cos * rx + roll_sin * ry)
        movement[k, 1] = factor * (roll_cos * ry - roll_sin * rx)


@njit(
    "void(float64[:, ::1], float64[:, ::1], int32[::1], int32[::1], float64[::1], float64[::1],"
    " float64[::1])",
    cache=True,
    nogil=True,
)
def advance_signals(movement, before, start, member, weight_x, weight_y, signal):
    """Move every signal on by what its patches did since the frame before.

    A signal is a weighted mean of displacements along one direction. Summing differences over
    the patches seen in both frames gives that mean exactly while the set of patches stays, and
    lets a patch come or go without a step.

    Parameters
    ----------
    movement, before : float64 [shape=(n, 2)], miod
        Now and one frame ago; NaN where lost.
    start : int32 [shape=(n_signals + 1,)]
        Signal s owns members start[s] to start[s + 1].
    member : int32 [shape=(n_members,)]
        Point index of each member.
    weight_x, weight_y : float64 [shape=(n_members,)]
        Direction times information; the length is the weight.
    signal : float64 [shape=(n_signals,)], miod
        State, updated in place; not finite ones start again at 0, a signal with under half of
        its weight in sight becomes -inf (lost, its level kept nowhere).
    """
    for s in range(start.shape[0] - 1):
        total = seen = change = 0.0
        for m in range(start[s], start[s + 1]):
            k = member[m]
            weight = math.sqrt(weight_x[m] * weight_x[m] + weight_y[m] * weight_y[m])
            total += weight
            if not (math.isnan(movement[k, 0]) or math.isnan(before[k, 0])):
                seen += weight
                change += weight_x[m] * (movement[k, 0] - before[k, 0])
                change += weight_y[m] * (movement[k, 1] - before[k, 1])
        if not seen > 0.499 * total:
            signal[s] = -math.inf
        elif not math.isfinite(signal[s]):
            signal[s] = 0.0
        else:
            signal[s] += change / seen


@njit("void(float64[::1], float32[::1], int16[::1])", cache=True, nogil=True)
def encode(values, quanta, codes):
    """Round values to int16 codes; what is not finite becomes LOST, what is too large the largest.

    Parameters
    ----------
    values : float64 [shape=(n,)]
    quanta : float32 [shape=(n,)]
        Worth of one code.
    codes : int16 [shape=(n,)]
        Overwritten.
    """
    for k in range(values.shape[0]):
        if not math.isfinite(values[k]):
            codes[k] = _LOST
        else:
            codes[k] = int(min(max(np.floor(values[k] / quanta[k] + 0.5), -32767.0), 32767.0))
