"""Frames averaged into slower samples."""

from __future__ import annotations

import numpy as np

from edge.kernels import njit

LOST = -32768  # `anatomy.LOST`


@njit("void(int16[:, ::1], int16[::1])", cache=True, nogil=True)
def average_rows(codes, mean):
    """Mean of some samples, channel by channel, to the nearest code (halves to even).

    Parameters
    ----------
    codes : int16 [shape=(n_samples, n_padded)]
    mean : int16 [shape=(n_channels,)], n_channels <= n_padded
        Overwritten; LOST where more than half of the samples are lost.
    """
    n_samples = codes.shape[0]
    for channel in range(mean.shape[0]):
        total, count = 0, 0
        for k in range(n_samples):
            if codes[k, channel] != LOST:
                total += codes[k, channel]
                count += 1
        if 2 * count >= n_samples and count > 0:
            mean[channel] = np.int16(np.rint(total / count))
        else:
            mean[channel] = LOST
