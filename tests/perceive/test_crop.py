"""The crop kernel against its definition, one sample at a time in Python floats."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.kernels.crop import crop_luma


def reference_sample(luma, x, y, replicate):
    """Bilinear value at (x, y); slow on purpose."""
    height, width = luma.shape
    if not replicate and not (-0.5 <= x < width - 0.5 and -0.5 <= y < height - 0.5):
        return 0.0
    x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    left, top = math.floor(x), math.floor(y)
    total = 0.0
    for row, weight_y in ((top, 1 - (y - top)), (top + 1, y - top)):
        for column, weight_x in ((left, 1 - (x - left)), (left + 1, x - left)):
            if weight_x * weight_y > 0:
                total += weight_x * weight_y * float(luma[row, column])
    return total


def reference_crop(luma, matrix, low, high, replicate, n_samples_max, n):
    step = max(math.hypot(*matrix[:, 0]), math.hypot(*matrix[:, 1]))
    n_samples = min(max(math.floor(step + 0.5), 1), n_samples_max)
    offsets = [(k + 0.5) / n_samples - 0.5 for k in range(n_samples)]
    out = np.empty((n, n))
    for row in range(n):
        for column in range(n):
            samples = [
                reference_sample(luma, *(matrix @ (column + du, row + dv, 1.0)), replicate)
                for dv in offsets
                for du in offsets
            ]
            out[row, column] = low + (high - low) * np.mean(samples) / 255
    return out


def crop(luma, matrix, low=0.0, high=255.0, replicate=True, n_samples_max=8, n=12):
    out = np.full((1, n, n, 3), np.nan, np.float32)
    crop_luma(luma, np.ascontiguousarray(matrix, np.float64), low, high, replicate, n_samples_max, out)
    return out


@pytest.fixture
def picture(rng):
    """uint8 [shape=(40, 50)], noise: nothing in it is smooth."""
    return rng.integers(0, 256, (40, 50), dtype=np.uint8)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("replicate", [True, False])
@pytest.mark.parametrize(
    "matrix",
    [
        [[1, 0, 10], [0, 1, 10]],
        [[0.3, -0.1, 20.2], [0.1, 0.3, 17.7]],
        [[2.6, 0.4, 5.3], [-0.4, 2.6, 8.1]],
        [[1.0, 0.0, -6.0], [0.0, 1.0, 33.5]],
        [[9.0, 0.0, -30.0], [0.0, 9.0, -30.0]],
        [[0.0, -1.0, 48.9], [1.0, 0.0, 0.0]],
        [[1.0, 0.0, 1e6], [0.0, 1.0, -1e6]],
    ],
)
def test_crop_matches_reference_inside_across_and_beyond_the_border(picture, matrix, replicate):
    matrix = np.array(matrix, np.float64)
    expected = reference_crop(picture, matrix, -1.0, 1.0, replicate, 4, 12)
    out = crop(picture, matrix, -1.0, 1.0, replicate, 4)
    for channel in range(3):
        np.testing.assert_allclose(out[0, :, :, channel], expected, atol=2e-5)


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    entries=st.lists(st.floats(-12, 12), min_size=6, max_size=6),
    replicate=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_crop_matches_reference_for_tiny_pictures_and_any_map(size, entries, replicate, seed):
    luma = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
    # away from the exact border of half a pixel, where rounding decides what is outside
    matrix = np.array(entries, np.float64).reshape(2, 3) + 1e-4
    expected = reference_crop(luma, matrix, 0.0, 255.0, replicate, 3, 4)
    found = crop(luma, matrix, replicate=replicate, n_samples_max=3, n=4)[0, :, :, 0]
    close = np.isclose(found, expected, atol=2e-3)
    assert close.all() or (not replicate and close.mean() > 0.8)


def test_crop_of_the_identity_is_the_picture(picture):
    out = crop(picture, [[1, 0, 0], [0, 1, 0]], n=40)
    np.testing.assert_allclose(out[0, :, :, 0], picture[:, :40], atol=1e-4)


def test_crop_of_a_shrunk_checkerboard_is_its_mean_not_an_alias():
    board = (255 * (np.indices((96, 96)).sum(axis=0) % 2)).astype(np.uint8)
    out = crop(board, [[6, 0, 2.5], [0, 6, 2.5]], n=12)
    np.testing.assert_allclose(out, 127.5, atol=0.5)
