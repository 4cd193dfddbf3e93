"""One frame's codes made into numbers, and frames averaged into slower samples."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit("void(int16[::1], float32[::1], int64, float32[::1])", cache=True, nogil=True)
def decode_row(codes, quanta, lost, row):
    """Turn one frame's codes into float32 values; NaN where lost.

    Parameters
    ----------
    codes : int16 [shape=(n_channels,)]
    quanta : float32 [shape=(n_channels,)], unit per code
    lost : int
        The code that stands for a lost patch.
    row : float32 [shape=(n_padded,)], n_padded >= n_channels
        Overwritten up to n_channels.
    """
    for channel in range(codes.shape[0]):
        if codes[channel] == lost:
            row[channel] = np.nan
        else:
            row[channel] = np.float32(codes[channel]) * quanta[channel]


@njit("void(float32[::1], float32[::1], int64[::1])", cache=True, nogil=True)
def accumulate(row, totals, counts):
    """Add one sample to running sums, channel by channel; NaN samples are left out.

    Parameters
    ----------
    row : float32 [shape=(n_padded,)]
    totals : float32 [shape=(n_padded,)], counts : int64 [shape=(n_padded,)], updated in place
    """
    for channel in range(row.shape[0]):
        if not np.isnan(row[channel]):
            totals[channel] += row[channel]
            counts[channel] += 1
