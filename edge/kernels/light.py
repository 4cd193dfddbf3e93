"""What a frame is like as a whole: how bright in each strip, whether it repeats the last one, and flicker.

Strips, not one mean: a rolling shutter reads its rows one after another, so a lamp's flicker stands in
the picture as dark and bright bars, which a mean over all rows takes away.
"""

import math

import numpy as np

from edge.kernels import njit

_LUMA = "Array(uint8, 2, 'C', readonly=True)"  # takes writable pictures too
_N_NEAR = 9  # frequencies looked at around the one expected, half a bin apart
_N_BESIDE = 24  # and on its flanks, for what the light does anyway
_TURN = 2.0 * math.pi


@njit(
    f"UniTuple(float64, 2)({_LUMA}, int64, int64, uint8[:, ::1], float32[::1])",
    cache=True,
    nogil=True,
)
def take_levels(luma, row_step, column_step, thin, levels):
    """Mean level of the picture and its horizontal strips on a thin grid of pixels, and how many are new.

    Parameters
    ----------
    luma : uint8 [shape=(height, width)]
    row_step, column_step : int, px
        Every so-many-th row and column is looked at, from the middle of the first step on.
    thin : uint8 [shape=(n_rows, n_columns)]
        The grid's pixels of the frame before; overwritten. Rows and columns of `luma` cover it.
    levels : float32 [shape=(n_strips,)], grey levels, n_strips <= n_rows
        Overwritten with the strips' means, from the top down.

    Returns
    -------
    level : float, grey levels
        Mean of all strips' pixels.
    share_new : float in [0, 1]
        Of the grid's pixels, those that differ from the frame before.
    """
    n_rows, n_columns = thin.shape
    n_strips = levels.shape[0]
    top, left = row_step // 2, column_step // 2
    n_new = whole = 0
    for strip in range(n_strips):
        first, end = strip * n_rows // n_strips, (strip + 1) * n_rows // n_strips
        total = 0
        for row in range(first, end):
            y = row * row_step + top
            for column in range(n_columns):
                pixel = luma[y, column * column_step + left]
                total += pixel
                n_new += pixel != thin[row, column]
                thin[row, column] = pixel
        whole += total
        levels[strip] = np.float32(total / ((end - first) * n_columns))
    return whole / thin.size, n_new / thin.size


@njit("void(float32[:, ::1], int64, float64[:, ::1])", cache=True, nogil=True)
def _take_window(history, end, window):
    """The newest rows of a ring before row `end`, without level, slope and bend, in a Hann window.

    Parameters
    ----------
    history : float32 [shape=(n_kept, n_strips)], grey levels
    window : float64 [shape=(n_frames, n_strips)], n_frames <= n_kept
        Overwritten.
    """
    n_kept, n_frames = history.shape[0], window.shape[0]
    # polynomials that are orthogonal on evenly spaced points in -1..1
    n_squares = n_bends = 0.0
    mean_square = (n_frames + 1.0) / (3.0 * (n_frames - 1.0))
    for k in range(n_frames):
        x = 2.0 * k / (n_frames - 1.0) - 1.0
        n_squares += x * x
        n_bends += (x * x - mean_square) ** 2
    for strip in range(history.shape[1]):
        level = slope = bend = 0.0
        for k in range(n_frames):
            x = 2.0 * k / (n_frames - 1.0) - 1.0
            value = np.float64(history[(end - n_frames + k) % n_kept, strip])
            level += value
            slope += value * x
            bend += value * (x * x - mean_square)
        for k in range(n_frames):
            x = 2.0 * k / (n_frames - 1.0) - 1.0
            value = np.float64(history[(end - n_frames + k) % n_kept, strip])
            value -= level / n_frames + slope / n_squares * x + bend / n_bends * (x * x - mean_square)
            window[k, strip] = value * (0.5 - 0.5 * math.cos(_TURN * (k + 0.5) / n_frames))


@njit("float64(float64[:, ::1], float64, float64[:, ::1])", cache=True, nogil=True)
def _amplitude(window, per_frame, sums):
    """Amplitude of a line at `per_frame` cycles a frame, grey levels: root mean square over the strips."""
    n_frames, n_strips = window.shape
    turn_real, turn_imaginary = math.cos(_TURN * per_frame), math.sin(_TURN * per_frame)
    real, imaginary = 1.0, 0.0
    sums[:] = 0.0
    for k in range(n_frames):
        for strip in range(n_strips):
            sums[0, strip] += window[k, strip] * real
            sums[1, strip] += window[k, strip] * imaginary
        real, imaginary = (
            real * turn_real - imaginary * turn_imaginary,
            real * turn_imaginary + imaginary * turn_real,
        )
    total = 0.0
    for strip in range(n_strips):
        total += sums[0, strip] ** 2 + sums[1, strip] ** 2
    # a Hann window lets half of the amplitude through
    return 4.0 / n_frames * math.sqrt(total / n_strips)


@njit("void(float64[::1])", cache=True, nogil=True)
def _sort(values):
    """In place, by insertion; numba's own `sort` allocates."""
    for k in range(1, values.shape[0]):
        value, at = values[k], k
        while at > 0 and values[at - 1] > value:
            values[at] = values[at - 1]
            at -= 1
        values[at] = value


@njit(
    "void(float32[:, ::1], int64, float64, float64[::1], float64[:, ::1], float64[:, ::1], float64[::1], "
    "float64[:, ::1])",
    cache=True,
    nogil=True,
)
def find_lines(history, end, fps, lines_hz, window, sums, beside, out):
    """How strongly light varies at given frequencies, after the frame rate has folded them down.

    Parameters
    ----------
    history : float32 [shape=(n_kept, n_strips)], grey levels
        A ring: row k % n_kept is frame k.
    end : int
        Number of the frame after the newest; at least as many came as `window` has rows.
    fps : float > 0, Hz
    lines_hz : float64 [shape=(n_lines,)], Hz
        Such as 100 and 120 for lamps on the mains.
    window : float64 [shape=(n_frames, n_strips)]
    sums : float64 [shape=(2, n_strips)]
    beside : float64 [shape=(24,)]
        Room to work in.
    out : float64 [shape=(n_lines, 3)]
        Overwritten: where the line shows, Hz; its amplitude, grey levels; and the median of what its
        flanks let expect there, were there no line.

    Notes
    -----
    Sampled at `fps`, light that varies with f shows at the distance of f to the nearest multiple of it.
    """
    n_frames = window.shape[0]
    _take_window(history, end, window)
    for line in range(lines_hz.shape[0]):
        shown_hz = abs(lines_hz[line] - fps * np.rint(lines_hz[line] / fps))
        bins = shown_hz / fps * n_frames
        highest = 0.0
        for k in range(_N_NEAR):
            bin_ = min(max(bins + 0.5 * (k - _N_NEAR // 2), 0.0), 0.5 * n_frames)
            highest = max(highest, _amplitude(window, bin_ / n_frames, sums))
        for k in range(_N_BESIDE):
            away = 4.0 + k // 2
            # beyond either end of the spectrum its mirror image
            bin_ = abs(bins + (away if k % 2 else -away))
            bin_ = min(bin_, n_frames - bin_)
            # movement falls off with frequency: on a flank further up it would have been larger here
            beside[k] = _amplitude(window, bin_ / n_frames, sums) * max(bin_ / max(bins, 1.0), 1.0)
        _sort(beside)
        out[line, 0] = shown_hz
        out[line, 1] = highest
        out[line, 2] = 0.5 * (beside[_N_BESIDE // 2 - 1] + beside[_N_BESIDE // 2])
