"""Which patches are believed, expected where, and how many: small arithmetic around `patch`."""

import numpy as np

from edge.kernels import njit

_N_FREE = 252.0  # samples of a patch less what is fitted
_MISTAKEN = 0.25
_DOUBT_PX, _DOUBT_RATIO = 0.25, 2.0
# Lips that talk and compressed video leave now more, now less: what is usual follows the higher values
# within a tenth of a second, the lower ones within half a second, and grows while a patch is lost, so that
# none is lost for good. With 50 frames for both, a man in conversation lost cheeks, lips and chin for 50
# to 80 % of the time, with these for 15 to 30 %.
_USUAL_UP_S, _USUAL_DOWN_S, _USUAL_LOST_PER_S = 0.1, 0.5, 2.5
_NOISE_STEP = 1e-3
_TEXTURE_LEAST = 0.3  # share of a template's energy; with less, noise is not made up for any further
_REGAIN_REACH = 0.25  # of the reach: what is found again is near its resting place


@njit(inline="always")
def _is_doubtful(variance, usual, xx, yy):
    """Whether what a fit left unexplained could hide a shift that matters; see `judge_patches`."""
    excess = _MISTAKEN * _MISTAKEN * _N_FREE * max(variance - usual, 0.0)
    return excess * (xx + yy) > _DOUBT_PX * _DOUBT_PX and variance > _DOUBT_RATIO * usual


@njit(
    "void(float32[::1], float32[::1], float64[:, ::1], float64[::1], float64[::1], float64[:, ::1],"
    " float64[::1], float64, float64, float64, uint8[::1], int32[::1])",
    cache=True,
    nogil=True,
)
def judge_patches(
    correlation,
    variance,
    covariance,
    usual,
    noise,
    movement,
    limit_miod,
    keep,
    regain,
    dt_s,
    state,
    lost_frames,
):
    """Decide which patches are followed (1) and which are lost (2).

    Parameters
    ----------
    correlation : float32 [shape=(n,)]
    variance : float32 [shape=(n,)], grey levels squared
        What each fit left unexplained.
    covariance : float64 [shape=(n, 3)], px² per grey level squared
        xx, xy, yy of each template.
    usual : float64 [shape=(n,)], grey levels squared
        What each fit usually leaves unexplained; updated. Negative asks for the first variance.
    noise : float64 [shape=(1,)], grey levels squared
        Median of all variances, followed in small steps; updated.
    movement : float64 [shape=(n, 2)], miod
        Set to NaN where the patch is not followed.
    limit_miod : float64 [shape=(n,)]
        How far from its resting place the anatomy lets the point move.
    keep, regain : float
        Correlation a followed patch must keep, and one a lost patch must reach.
    dt_s : float
        Since the frame before.
    state : uint8 [shape=(n,)]
        0 no template, 1 followed, 2 lost; updated.
    lost_frames : int32 [shape=(n,)]
        Frames since each patch was last followed; updated.

    Notes
    -----
    What covers a part of a patch (a hand, a lid) is a picture difference, of which the fit explains a
    share by a shift that is not there. The rest stands in the residual: were the share `_MISTAKEN`,
    the shift would be `_MISTAKEN` times the residual's excess times the template's own sensitivity.
    A patch that could be off by more than `_DOUBT_PX` is lost until it fits again.
    """
    up, down = min(dt_s / _USUAL_UP_S, 1.0), min(dt_s / _USUAL_DOWN_S, 1.0)
    for k in range(state.shape[0]):
        if state[k] == 1 and variance[k] == variance[k]:
            noise[0] *= 1.0 + _NOISE_STEP if variance[k] > noise[0] else 1.0 / (1.0 + _NOISE_STEP)
            if usual[k] < 0.0:
                usual[k] = variance[k]
        if state[k] != 0:
            length = movement[k, 0] * movement[k, 0] + movement[k, 1] * movement[k, 1]
            reach = limit_miod[k] if state[k] == 1 else _REGAIN_REACH * limit_miod[k]
            near = length < reach * reach  # False for NaN
            needed = keep if state[k] == 1 else regain
            wrong = _is_doubtful(variance[k], usual[k], covariance[k, 0], covariance[k, 2])
            state[k] = 1 if near and correlation[k] >= needed and not wrong else 2
        if state[k] == 1:
            lost_frames[k] = 0
            usual[k] += (up if variance[k] > usual[k] else down) * (variance[k] - usual[k])
        else:
            lost_frames[k] += 1
            if state[k] == 2 and variance[k] > usual[k] and usual[k] >= 0.0:
                usual[k] *= 1.0 + _USUAL_LOST_PER_S * dt_s
            movement[k, 0] = movement[k, 1] = np.nan


@njit(
    "void(float64[:, ::1], uint8[::1], float64[:, ::1], float64, float64)",
    cache=True,
    nogil=True,
)
def expect_patches(position, state, place, dx, dy):
    """Move every patch on with the head; a lost one is expected at rest.

    Parameters
    ----------
    position : float64 [shape=(n, 2)], px
        Updated.
    state : uint8 [shape=(n,)]
        2 is lost.
    place : float64 [shape=(at least n, 2)], px
        Where the head's last pose puts each point.
    dx, dy : float, px
        How far the head goes in a frame.
    """
    for k in range(position.shape[0]):
        if state[k] == 2:
            position[k, 0], position[k, 1] = place[k, 0], place[k, 1]
        position[k, 0] += dx
        position[k, 1] += dy


@njit(
    "int64(float32[::1], float32[::1], float64[:, ::1], float64[::1], float32, int64, boolean, uint8[::1])",
    cache=True,
    nogil=True,
)
def sound_patches(correlation, variance, covariance, usual, least, n_first, doubts, valid):
    """Mark the patches that match well enough to tell the head's pose.

    Parameters
    ----------
    correlation : float32 [shape=(n,)]
    variance, covariance, usual
        As in `judge_patches`.
    least : float
    n_first : int
    doubts : bool
        Whether a patch whose residual could hide a shift is left out.
    valid : uint8 [shape=(n,)]
        Overwritten with 1 or 0.

    Returns
    -------
    int
        How many of the first `n_first` are valid.
    """
    n_valid = 0
    for k in range(correlation.shape[0]):
        sound = correlation[k] >= least
        if doubts and sound and usual[k] >= 0.0:
            sound = not _is_doubtful(variance[k], usual[k], covariance[k, 0], covariance[k, 2])
        valid[k] = 1 if sound else 0
        if k < n_first:
            n_valid += valid[k]
    return n_valid


@njit(
    "void(float32[::1], uint8[::1], int64, float32, float32[::1], float64[::1])",
    cache=True,
    nogil=True,
)
def sum_up_patches(correlation, state, n_rigid, gain, likeness, out):
    """Smooth each patch's correlation and count what is followed.

    Parameters
    ----------
    correlation : float32 [shape=(n,)]
    state : uint8 [shape=(n,)]
    n_rigid : int
        The first so many patches are rigid.
    gain : float in [0, 1]
    likeness : float32 [shape=(n,)]
        Smoothed correlation, updated where followed.
    out : float64 [shape=(3,)]
        Overwritten: lowest likeness; share followed of all; share followed of the rigid ones.
    """
    n = state.shape[0]
    n_followed = n_rigid_followed = 0
    lowest = 1.0
    for k in range(n):
        if state[k] == 1:
            likeness[k] += gain * (correlation[k] - likeness[k])
            n_followed += 1
            if k < n_rigid:
                n_rigid_followed += 1
            lowest = min(lowest, likeness[k])
    out[0], out[1], out[2] = lowest, n_followed / n, n_rigid_followed / n_rigid


@njit("void(float64[:, ::1], float64, float32[::1])", cache=True, nogil=True)
def allow_for_noise(level, noise_energy, correlation):
    """Correlations as they would be without the sensor's noise, which lowers them where texture is faint.

    Template and picture are both the same texture with noise of its own, so that a perfect match
    correlates by the share of the template's energy that is texture.

    Parameters
    ----------
    level : float64 [shape=(n, 2)]
        Mean of each template, grey levels, and its energy, grey levels squared.
    noise_energy : float, grey levels squared
        Of the noise in a whole template.
    correlation : float32 [shape=(n,)], -1 to 1
        Updated; what is not above 0 stays.
    """
    for k in range(correlation.shape[0]):
        if correlation[k] > 0.0 and level[k, 1] > 0.0:
            texture = max(1.0 - noise_energy / level[k, 1], _TEXTURE_LEAST)
            correlation[k] = min(correlation[k] / texture, 1.0)
