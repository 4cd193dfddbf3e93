"""Cut a rotated square out of a picture, straight into a model's input.

One affine map serves the landmark model's rotated face region and the detector's letterbox.
Where the map shrinks, each output pixel is the mean of a grid of bilinear samples, about one
per picture pixel and axis: plain bilinear sampling would read two of ten pixels and let
sensor noise and fine texture alias into the landmarks.
"""

import math

import numpy as np

from edge.kernels import njit

_LUMA = "Array(uint8, 2, 'C', readonly=True)"  # takes writable pictures too
# sums may be reordered, so that they vectorise; no NaN can come out of uint8 pixels
_SUMS = {"reassoc", "contract", "nsz", "arcp"}


@njit(inline="always")
def _blend_four(luma, x, y, to_right, to_below):
    """Bilinear value at (x, y) >= 0; unsigned indices spare the test for counting from the end."""
    left = np.uint64(x)
    top = np.uint64(y)
    fx = x - left
    fy = y - top
    upper_left = np.float64(luma[top, left])
    lower_left = np.float64(luma[top + to_below, left])
    upper = upper_left + fx * (np.float64(luma[top, left + to_right]) - upper_left)
    lower = lower_left + fx * (np.float64(luma[top + to_below, left + to_right]) - lower_left)
    return upper + fy * (lower - upper)


@njit(
    f"void({_LUMA}, float64[:, ::1], float64, float64, boolean, int64, float32[:, :, :, ::1])",
    cache=True,
    nogil=True,
    fastmath=_SUMS,
)
def crop_luma(luma, to_picture, low, high, replicate, n_samples_max, out):
    """Sample a picture along an affine map and scale grey levels to the model's range.

    Parameters
    ----------
    luma : uint8 [shape=(height, width)], both at least 1
    to_picture : float64 [shape=(2, 3)], px
        Takes (column, row, 1) in the crop to (x, y) in the picture. In both, integers are
        pixel centres. Entries are finite.
    low, high : float
        What grey levels 0 and 255 become.
    replicate : bool
        Beyond the border: True repeats the nearest pixel, False is black (`low`).
    n_samples_max : int, at least 1
        Most samples per output pixel and axis. The count is the map's longer step, rounded.
    out : float32 [shape=(1, n, n, 3)]
        Overwritten; all three channels are the same.
    """
    height, width = luma.shape
    a, b, x0 = to_picture[0, 0], to_picture[0, 1], to_picture[0, 2]
    c, d, y0 = to_picture[1, 0], to_picture[1, 1], to_picture[1, 2]
    step = max(math.sqrt(a * a + c * c), math.sqrt(b * b + d * d))
    n_samples = int(min(max(math.floor(step + 0.5), 1.0), float(n_samples_max)))
    gain = (high - low) / (255.0 * n_samples * n_samples)
    first = 0.5 / n_samples - 0.5  # of the samples within a pixel, relative to its centre
    last = out.shape[2] - 1 - first
    low_x = min(a * first, a * last) + min(b * first, b * last) + x0
    high_x = max(a * first, a * last) + max(b * first, b * last) + x0
    low_y = min(c * first, c * last) + min(d * first, d * last) + y0
    high_y = max(c * first, c * last) + max(d * first, d * last) + y0
    # the thousandth outweighs rounding: no sample then reads past the last row
    interior = min(low_x, low_y) >= 0.0 and high_x < width - 1.001 and high_y < height - 1.001
    for row in range(out.shape[1]):
        for column in range(out.shape[2]):
            total = 0.0
            for j in range(n_samples):
                v = row + first + j / n_samples
                for i in range(n_samples):
                    u = column + first + i / n_samples
                    x = a * u + b * v + x0
                    y = c * u + d * v + y0
                    if interior:
                        total += _blend_four(luma, x, y, np.uint64(1), np.uint64(1))
                    elif replicate or (-0.5 <= x < width - 0.5 and -0.5 <= y < height - 0.5):
                        x = min(max(x, 0.0), width - 1.0)
                        y = min(max(y, 0.0), height - 1.0)
                        # at the last column and row the right and lower neighbours are itself
                        total += _blend_four(luma, x, y, np.uint64(x < width - 1), np.uint64(y < height - 1))
            value = np.float32(low + gain * total)
            out[0, row, column, 0] = value
            out[0, row, column, 1] = value
            out[0, row, column, 2] = value
