"""What a moving head explains of a face's signals, and what it does not."""

import numpy as np
import pytest

from edge.anatomy import N_SIGNALS, SIGNAL_NAMES, SIGNALS
from edge.spot.rigid import _PLACES, EXPLAINED_MOST, N_KNOWN_LEAST, N_WAYS, rigid_patterns, rigid_share
from edge.synth.portrait import built_in_portrait

SIGMA = np.full(N_SIGNALS, 0.3, np.float32)
CHIN = SIGNAL_NAMES.index("chin_right")
BROW = SIGNAL_NAMES.index("inner_brow_left")


def pulse_of(heights, n_samples=25):
    """Signals that rise and return together, on slopes of their own."""
    arch = np.sin(np.pi * np.arange(n_samples) / (n_samples - 1)) ** 2
    slopes = np.linspace(-3.0, 3.0, N_SIGNALS) * np.linspace(0.0, 1.0, n_samples)[:, None]
    return (arch[:, None] * heights + slopes).astype(np.float32), (n_samples - 1) // 2


def test_places_are_those_of_the_portrait():
    points = built_in_portrait().points
    outer = points[[33, 263]]
    local = (points - outer.mean(axis=0)) / np.linalg.norm(outer[0, :2] - outer[1, :2])
    for right, left in zip(SIGNALS[0::2], SIGNALS[1::2], strict=True):
        at_right = local[list(right.landmarks)].mean(axis=0) * (-1.0, 1.0, 1.0)
        at_left = local[list(left.landmarks)].mean(axis=0)
        expected = 0.5 * (at_right + at_left)
        np.testing.assert_allclose(_PLACES[right.name.rpartition("_")[0]], expected, atol=0.006)


@pytest.mark.parametrize("way", range(N_WAYS))
@pytest.mark.parametrize("size", [2.0, -4.0])
def test_a_rigid_motion_is_explained_though_it_is_noisy(rng, way, size):
    heights = size * rigid_patterns()[:, way] + rng.normal(scale=0.05, size=N_SIGNALS)
    values, apex = pulse_of(heights)
    assert rigid_share(values, CHIN, apex, SIGMA) > EXPLAINED_MOST


@pytest.mark.parametrize("size", [2.0, 8.0, 40.0])
@pytest.mark.parametrize(
    "moved",
    [
        {"chin": -1.0, "lower_lip": 0.8, "mouth_corner_up": -0.3},
        {"inner_brow": 1.0, "outer_brow": 0.6},
        {"mouth_corner_up": 1.0, "mouth_corner_out": 0.7, "cheek": 0.4},
        {"inner_brow_left": 1.0},
    ],
)
def test_a_movement_of_the_face_is_not(moved, size):
    heights = np.zeros(N_SIGNALS)
    for row, signal in enumerate(SIGNALS):
        stem = signal.name.rpartition("_")[0]
        heights[row] = size * moved.get(signal.name, moved.get(stem, 0.0))
    values, apex = pulse_of(heights)
    lead = int(np.argmax(np.abs(heights)))
    assert rigid_share(values, lead, apex, SIGMA) < EXPLAINED_MOST


def test_a_brow_that_goes_far_is_no_shift_of_the_head_where_speech_hides_the_mouth():
    heights = np.array([25.0 if s.region == "brow" and s.direction[1] < 0 else 0.0 for s in SIGNALS])
    sigma = np.where([s.region in ("brow", "eyes") for s in SIGNALS], 1.0, 30.0).astype(np.float32)
    values, apex = pulse_of(heights)
    assert rigid_share(values, BROW, apex, sigma) < EXPLAINED_MOST


def test_lids_that_go_by_themselves_hide_no_rigid_motion():
    heights = 2.0 * rigid_patterns()[:, 1]
    heights[[s.region == "eyes" for s in SIGNALS]] -= 60.0
    values, apex = pulse_of(heights)
    assert rigid_share(values, CHIN, apex, SIGMA) > EXPLAINED_MOST


def test_lost_signals_are_left_out_and_too_few_explain_nothing():
    values, apex = pulse_of(3.0 * rigid_patterns()[:, 2])
    values[5, :4] = np.nan  # away from the apex: the value there is known
    values[apex, 4:6] = np.nan
    assert rigid_share(values, CHIN, apex, SIGMA) > EXPLAINED_MOST
    values[apex, : N_SIGNALS - N_KNOWN_LEAST + 1] = np.nan
    assert rigid_share(values, CHIN, apex, SIGMA) == 0.0


def test_noise_alone_is_not_explained(rng):
    shares = []
    for _ in range(200):
        values, apex = pulse_of(rng.normal(scale=0.3, size=N_SIGNALS))
        shares.append(rigid_share(values, CHIN, apex, SIGMA))
    assert np.median(shares) < 0.5
    values, apex = pulse_of(np.zeros(N_SIGNALS))
    assert rigid_share(values, CHIN, apex, SIGMA) <= 1.0
