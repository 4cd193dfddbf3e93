"""Templates: how pixels become what a patch is compared with. References restate the docstrings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.kernels import patch
from edge.kernels.template import (
    HALF,
    PATCH,
    RIM,
    SCRATCH,
    SOURCE,
    WIDE,
    capture_source,
    render_stale,
    render_template,
)

NOISE_VARIANCE = 5000.0  # of the random pixels of `source`: half of it, so that it is seen to matter


def reference_cubic(distance):
    """Catmull-Rom weight of a sample at a distance (Keys 1981, a = -1/2)."""
    d = abs(distance)
    if d <= 1:
        return 1.5 * d**3 - 2.5 * d**2 + 1
    if d < 2:
        return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return 0.0


def reference_sample(source, x, y):
    """One bicubic sample: the sum over every pixel that has a weight."""
    total = 0.0
    for row in range(int(np.floor(y)) - 1, int(np.floor(y)) + 3):
        for column in range(int(np.floor(x)) - 1, int(np.floor(x)) + 3):
            total += reference_cubic(x - column) * reference_cubic(y - row) * float(source[row, column])
    return total


def correlated(wide, along_x, along_y):
    """The 16 x 16 middle of `wide`, correlated with odd-sized taps along each axis."""
    rx, ry = len(along_x) // 2, len(along_y) // 2
    out = np.zeros((PATCH, PATCH))
    for b, tap_y in enumerate(along_y):
        for a, tap_x in enumerate(along_x):
            top, left = RIM + b - ry, RIM + a - rx
            out += tap_x * tap_y * wide[top : top + PATCH, left : left + PATCH]
    return out


@dataclass
class ReferenceTemplate:
    """What `render_template` promises, in float64, with numpy's own inverse."""

    basis: np.ndarray
    projector: np.ndarray
    covariance: np.ndarray
    blur: np.ndarray
    level: tuple[float, float]


def reference_template(source, centre, to_source):
    """Each array by its definition in the docstring."""
    wide = np.empty((WIDE, WIDE))
    for row in range(WIDE):
        for column in range(WIDE):
            offset = np.array([column - RIM - HALF, row - RIM - HALF])
            x, y = np.asarray(centre) + to_source @ offset
            wide[row, column] = reference_sample(source, x, y)
    one, slope, across = [1], np.array([-1, 0, 1]) / 2, np.array([3, 10, 3]) / 16
    exact = np.array([1, -8, 0, 8, -1]) / 12
    second, third = np.array([1, -2, 1]), np.array([-1, 2, 0, -2, 1]) / 2

    def both(taps, other):
        return [correlated(wide, taps, other), correlated(wide, other, taps)]

    inner = correlated(wide, one, one)
    basis = np.array([inner, *both(slope, across)])
    basis -= basis.mean(axis=(1, 2), keepdims=True)
    flat = basis.reshape(3, -1)
    design = np.array([basis[0], *both(exact, one)]).reshape(3, -1)
    normal = flat @ design.T
    for axis in (1, 2):
        normal[axis, axis] -= min(0.65 * 5 / 12 * NOISE_VARIANCE * PATCH**2, 0.35 * normal[axis, axis])
    projector = np.linalg.inv(normal)
    spread = projector @ flat @ flat.T @ projector.T
    added = np.array([m / 2 for m in both(second, one)] + [m / 6 for m in both(third, one)]).reshape(4, -1)
    blur = (projector @ flat @ added.T)[1:]
    covariance = spread[[1, 1, 2], [1, 2, 2]]
    return ReferenceTemplate(basis, projector, covariance, blur, (inner.mean(), flat[0] @ flat[0]))


class Rendered:
    """Room for one template, and the kernel's answer."""

    def __init__(self, source, centre, to_source):
        self.basis = np.full((3, PATCH, PATCH), np.nan, np.float32)
        self.projector = np.full((3, 3), np.nan)
        self.covariance, self.blur = np.full(3, np.nan), np.full((2, 4), np.nan)
        self.level = np.full(2, np.nan)
        self.usable = render_template(
            source,
            np.asarray(centre, np.float64),
            np.ascontiguousarray(to_source, np.float64),
            NOISE_VARIANCE,
            np.full(SCRATCH, np.nan),
            self.basis,
            self.projector,
            self.covariance,
            self.blur,
            self.level,
        )


@pytest.fixture
def source(rng):
    """float32 [shape=(32, 32)], grey levels 0-255: noise, the hardest picture to interpolate."""
    return rng.integers(0, 256, (SOURCE, SOURCE)).astype(np.float32)


@pytest.mark.parametrize("place", [(20.0, 15.0), (31.75, 40.25), (15.0, 30.999), (47.999, 42.5)])
def test_capture_source_copies_the_window_around_the_place(rng, place):
    luma = rng.integers(0, 256, (60, 65), np.uint8)
    source, centre = np.full((SOURCE, SOURCE), np.nan, np.float32), np.full(2, np.nan)
    assert capture_source(luma, *place, source, centre)
    left, top = int(place[0]) - 15, int(place[1]) - 15
    np.testing.assert_array_equal(source, luma[top : top + 32, left : left + 32])
    np.testing.assert_allclose(centre, (place[0] - left, place[1] - top), atol=1e-12)
    assert np.all((centre >= 15) & (centre < 16))


@pytest.mark.parametrize(
    "place", [(14.99, 20), (20, 14.99), (49, 20), (20, 44), (-1, 20), (1e9, 20), (np.nan, 20)]
)
def test_capture_source_writes_nothing_when_the_window_leaves_the_picture(rng, place):
    luma = rng.integers(0, 256, (60, 65), np.uint8)
    luma[:] = 7
    source, centre = np.full((SOURCE, SOURCE), -1, np.float32), np.full(2, -1.0)
    assert not capture_source(luma, *place, source, centre)
    assert np.all(source == -1)
    assert np.all(centre == -1)


def test_capture_source_refuses_a_picture_smaller_than_its_window():
    source, centre = np.zeros((SOURCE, SOURCE), np.float32), np.zeros(2)
    assert not capture_source(np.zeros((16, 16), np.uint8), 8.0, 8.0, source, centre)
    assert not capture_source(np.zeros((0, 0), np.uint8), 0.0, 0.0, source, centre)


@pytest.mark.parametrize(
    "to_source",
    [
        np.eye(2),
        [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]],
        [[1.2, 0.1], [-0.05, 0.8]],
        [[-1.0, 0.0], [0.0, 1.0]],
    ],
    ids=["upright", "turned", "stretched", "mirrored"],
)
def test_render_template_matches_reference(source, to_source):
    centre = (15.3, 15.85)
    to_source = np.asarray(to_source, np.float64)
    got = Rendered(source, centre, to_source)
    expected = reference_template(source, centre, to_source)
    assert got.usable
    np.testing.assert_allclose(got.basis, expected.basis, atol=1e-3)
    scale = np.abs(expected.projector).max(axis=1, keepdims=True)
    np.testing.assert_allclose(got.projector / scale, expected.projector / scale, atol=1e-5)
    np.testing.assert_allclose(got.covariance, expected.covariance, rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(got.blur, expected.blur, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(got.level, expected.level, rtol=1e-6)


def test_templates_have_the_size_that_is_followed():
    assert (PATCH, HALF) == (patch.PATCH, patch.HALF)


def test_render_template_reproduces_the_pixels_where_the_centre_is_between_four(source):
    got = Rendered(source, (15.5, 15.5), np.eye(2))
    pixels = source[8:24, 8:24].astype(np.float64)
    np.testing.assert_allclose(got.basis[0], pixels - pixels.mean(), atol=1e-3)


def test_render_template_has_a_negative_gradient_where_the_map_mirrors(source):
    upright = Rendered(source, (15.5, 15.5), np.eye(2))
    mirrored = Rendered(source, (15.5, 15.5), [[-1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(mirrored.basis[0], upright.basis[0][:, ::-1], atol=1e-3)
    np.testing.assert_allclose(mirrored.basis[1], -upright.basis[1][:, ::-1], atol=1e-3)


def test_render_template_leaves_no_mean_in_any_of_its_arrays(source):
    got = Rendered(source, (15.1, 15.9), np.eye(2))
    assert np.abs(got.basis.astype(np.float64).mean(axis=(1, 2))).max() < 1e-4


@pytest.mark.parametrize("levels", [0.0, 128.0, 255.0])
def test_render_template_refuses_flat_texture(levels):
    assert not Rendered(np.full((SOURCE, SOURCE), levels, np.float32), (15.5, 15.5), np.eye(2)).usable


@pytest.mark.parametrize("angle", [0.0, 0.4, np.pi / 2, 2.5])
def test_render_template_refuses_texture_that_varies_in_one_direction_only(angle):
    y, x = np.mgrid[:SOURCE, :SOURCE].astype(np.float64)
    along = np.cos(angle) * x + np.sin(angle) * y
    edge = (128 + 100 * np.tanh((along - along[15, 15]) / 6)).astype(np.float32)
    assert not Rendered(edge, (15.5, 15.5), np.eye(2)).usable


def test_render_template_refuses_a_linear_ramp():
    y, x = np.mgrid[:SOURCE, :SOURCE]
    assert not Rendered((3 * x + 4 * y).astype(np.float32), (15.5, 15.5), np.eye(2)).usable


@pytest.mark.parametrize("stretch", [3.0, 50.0, 1e6])
def test_render_template_reads_only_inside_the_source_however_far_the_map_reaches(source, stretch):
    got = Rendered(source, (15.5, 15.5), np.eye(2) * stretch)
    assert np.isfinite(got.basis[0]).all()
    assert np.abs(got.basis[0]).max() < 1000  # bicubic weights overshoot by under a third of the range


def test_render_template_refuses_what_is_not_finite(source):
    source[15, 15] = np.nan
    assert not Rendered(source, (15.5, 15.5), np.eye(2)).usable


# ---- templates that the head has turned away from ------------------------------------------


class Stack:
    """Some patches with sources and templates for an upright head."""

    def __init__(self, rng, n):
        self.n = n
        self.source = rng.integers(0, 256, (n, SOURCE, SOURCE)).astype(np.float32)
        self.centre = np.full((n, 2), 15.5)
        self.tangent_then = np.tile(np.array([1.0, 0, 0, 1.0]), (n, 1))
        self.rendered_for = self.tangent_then.copy()
        self.state = np.ones(n, np.uint8)
        self.basis = np.full((n, 3, PATCH, PATCH), np.nan, np.float32)
        self.projector, self.covariance = np.full((n, 3, 3), np.nan), np.full((n, 3), np.nan)
        self.blur = np.full((n, 2, 4), np.nan)
        self.level = np.full((n, 2), np.nan)

    def render(self, tangent_now, stale=0.01, n_most=6):
        return render_stale(
            self.source,
            self.centre,
            self.tangent_then,
            np.ascontiguousarray(tangent_now, np.float64),
            self.rendered_for,
            stale,
            n_most,
            self.state,
            NOISE_VARIANCE,
            np.full(SCRATCH, np.nan),
            self.basis,
            self.projector,
            self.covariance,
            self.blur,
            self.level,
        )

    @property
    def rendered(self):
        """Indices of patches whose template was written."""
        return np.flatnonzero(~np.isnan(self.basis[:, 0, 0, 0])).tolist()


def stretched(*amounts):
    """Tangents that stretch patch k by amounts[k] along x."""
    return np.array([[1.0 + a, 0.0, 0.0, 1.0] for a in amounts])


def test_render_stale_renders_the_most_stale_first_and_no_more_than_asked(rng):
    stack = Stack(rng, 5)
    tangent = stretched(0.02, 0.10, 0.0, 0.05, 0.005)
    assert stack.render(tangent, n_most=2) == 2
    assert stack.rendered == [1, 3]
    assert stack.render(tangent, n_most=2) == 1
    assert stack.rendered == [0, 1, 3]
    assert stack.render(tangent, n_most=2) == 0


def test_render_stale_maps_today_to_the_source_by_the_tangents_of_both_moments(rng):
    stack = Stack(rng, 1)
    then = np.array([[1.05, 0.02], [-0.01, 0.96]])
    now = np.array([[0.93, -0.08], [0.07, 1.02]])
    stack.tangent_then[0] = then.ravel()
    assert stack.render(now.reshape(1, 4)) == 1
    to_source = then @ np.linalg.inv(now)
    np.testing.assert_allclose(stack.rendered_for[0], to_source.ravel(), atol=1e-12)
    expected = reference_template(stack.source[0], stack.centre[0], to_source)
    np.testing.assert_allclose(stack.basis[0], expected.basis, atol=1e-3)


def test_render_stale_leaves_alone_what_has_no_template(rng):
    stack = Stack(rng, 3)
    stack.state[1] = 0
    assert stack.render(stretched(0.1, 0.5, 0.1)) == 2
    assert stack.rendered == [0, 2]


def test_render_stale_marks_a_patch_whose_texture_no_longer_suffices(rng):
    stack = Stack(rng, 2)
    stack.source[0] = 90.0
    assert stack.render(stretched(0.1, 0.1)) == 2
    assert stack.state.tolist() == [0, 1]


@pytest.mark.parametrize(
    "tangent", [[0.0, 0, 0, 0], [1.0, 1, 1, 1], [-1.0, 0, 0, 1], [np.nan, 0, 0, 1]], ids=str
)
def test_render_stale_passes_over_a_patch_seen_edge_on_or_from_behind(rng, tangent):
    stack = Stack(rng, 2)
    assert stack.render(np.array([tangent, [1.2, 0, 0, 1]])) == 1
    assert stack.rendered == [1]


def test_render_stale_takes_no_patches_and_no_turns(rng):
    assert Stack(rng, 0).render(np.zeros((0, 4))) == 0
    stack = Stack(rng, 2)
    assert stack.render(stretched(0.5, 0.5), n_most=0) == 0
    assert stack.rendered == []


@settings(deadline=None)
@given(
    amounts=st.lists(st.floats(-0.3, 0.6), min_size=1, max_size=6),
    n_most=st.integers(0, 7),
)
def test_render_stale_renders_exactly_the_stalest_few(amounts, n_most):
    stack = Stack(np.random.default_rng(3), len(amounts))
    change = np.abs(1.0 / (1.0 + np.array(amounts)) - 1.0)
    expected = [int(k) for k in np.argsort(-change, kind="stable")[:n_most] if change[k] > 0.01]
    assert stack.render(stretched(*amounts), n_most=n_most) == len(expected)
    np.testing.assert_allclose(np.sort(change[stack.rendered]), np.sort(change[expected]))
