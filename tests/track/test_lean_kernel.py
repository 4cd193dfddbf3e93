"""A template that is not quite of today's pose: what it does to the place, and that it is taken away."""

from __future__ import annotations

import numpy as np
import pytest

from edge.kernels.lean import correct_lean, measure_lean

N = 16
SMALL_MAPS = [(0.03, 0, 0, 0), (0, 0.03, 0, 0), (0, 0, 0.03, 0), (0, 0, 0, 0.03), (0.02, -0.01, 0.015, -0.02)]


def texture(v):
    """Grey levels at places [shape=(..., 2)], smooth as a lens leaves them."""
    x, y = v[..., 0], v[..., 1]
    waves = 15 * np.sin(0.5 * x + 0.3 * y) + 12 * np.cos(0.2 * x - 0.6 * y + 1)
    return waves + 60 * np.exp(-((x - 4) ** 2 + (y + 3) ** 2) / 20)


GRID = np.stack(np.meshgrid(np.arange(N) - 7.5, np.arange(N) - 7.5), axis=-1)


@pytest.fixture(scope="module")
def template():
    """(basis, projector) as `render_template` makes them, by their definition."""
    step = np.array([1.0, 0.0])
    values = [
        texture(GRID),
        0.5 * (texture(GRID + step) - texture(GRID - step)),
        0.5 * (texture(GRID + step[::-1]) - texture(GRID - step[::-1])),
    ]
    values = [v - v.mean() for v in values]
    rows = np.stack([v.ravel() for v in values])
    return np.stack(values).astype(np.float32), np.linalg.inv(rows @ rows.T)


def found(template, change):
    """Where least squares finds the texture as the map 1 + `change` shows it: the slow reference."""
    design = np.stack([part.ravel().astype(float) for part in template[0]], axis=1)
    place = np.zeros(2)
    for _ in range(30):
        seen = texture((GRID + place) @ (np.eye(2) + change).T).ravel()
        gain, gdx, gdy = np.linalg.lstsq(design, seen - seen.mean(), rcond=None)[0]
        place -= np.array([gdx, gdy]) / gain
    return place


@pytest.mark.parametrize("change", SMALL_MAPS, ids=str)
def test_a_lean_is_told_to_a_tenth(template, change):
    change = np.array(change).reshape(2, 2)
    lean = np.full((2, 4), np.nan)
    measure_lean(*template, lean)
    off = found(template, change)
    assert np.hypot(*off) > 0.01
    assert np.hypot(*(off + lean @ change.ravel())) < 0.1 * np.hypot(*off) + 0.008


@pytest.fixture
def patches(template):
    """Arguments of `correct_lean` for three patches: one as rendered, one stale, one without template."""
    stacked = [np.stack([part] * 3) for part in template]
    then, now = np.tile([1.0, 0, 0, 1], (3, 1)), np.tile([1.0, 0, 0, 1], (3, 1))
    now[1:] = (0.97, 0.0, 0.01, 1.0)
    rendered = np.tile([1.0, 0, 0, 1], (3, 1))
    state = np.array([1, 2, 0], np.uint8)
    return [
        *stacked,
        then,
        now,
        rendered,
        state,
        np.tile([100.0, N * N * 500.0], (3, 1)),
        np.full((3, 4), np.nan),
        4.0,
        np.zeros((3, 2, 4)),
        np.ones((3, 2)),
        np.array([9.0, 9.0, 9.0], np.float32),
    ]


def test_only_a_stale_template_moves_its_place(template, patches):
    correct_lean(*patches)
    position, lean = patches[-2], np.zeros((2, 4))
    measure_lean(*template, lean)
    change = np.linalg.inv([[0.97, 0.0], [0.01, 1.0]]) - np.eye(2)
    np.testing.assert_array_equal(position[[0, 2]], 1.0)
    np.testing.assert_allclose(position[1], 1.0 + lean @ change.ravel(), atol=1e-12)


def test_a_lean_is_measured_again_once_the_template_is_another(patches):
    correct_lean(*patches)
    patches[0][:] = patches[0][:, :, ::-1]
    known = patches[-3].copy()
    correct_lean(*patches)
    np.testing.assert_array_equal(patches[-3], known)
    patches[7][1] = np.nan  # captured anew
    correct_lean(*patches)
    assert not np.array_equal(patches[-3][1], known[1])
    np.testing.assert_array_equal(patches[-3][0], known[0])


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_a_view_that_cannot_be_leaves_the_place(patches, value):
    patches[3][1] = value
    correct_lean(*patches)
    np.testing.assert_array_equal(patches[-2], 1.0)
    np.testing.assert_array_equal(patches[-1], 9.0)


def test_what_a_turn_leaves_unexplained_is_taken_off_down_to_the_noise(patches):
    patches[3][1] = (0.8, 0.0, 0.0, 1.0)
    correct_lean(*patches)
    np.testing.assert_array_equal(patches[-1], [9.0, 4.0, 9.0])
    patches[-1][1] = 3.0
    correct_lean(*patches)
    assert patches[-1][1] == 3.0
