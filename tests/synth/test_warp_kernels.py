"""Each kernel against its definition, in float64 and slow on purpose."""

import numpy as np
import pytest

from edge.kernels.eyes import draw_lid
from edge.kernels.sensor import expose
from edge.kernels.warp import forward_points, invert_map, spline_coefficients, warp_picture

GRID = np.array([-24.0, -24.0, 8.0], np.float32)
SHAPE = (18, 22)
WHERE = np.array([0, 0, 120, 90])


def basis(u):
    """The cubic B-spline."""
    u = np.abs(u)
    return np.where(u < 1, 2 / 3 - u**2 + u**3 / 2, np.where(u < 2, (2 - u) ** 3 / 6, 0.0))


def reference_sample(coefficients, x, y):
    n_rows, n_columns = coefficients.shape
    x, y = np.clip(x, 1, n_columns - 2.001), np.clip(y, 1, n_rows - 2.001)
    return basis(y - np.arange(n_rows)) @ coefficients.astype(np.float64) @ basis(x - np.arange(n_columns))


def reference_forward(x, y, field, head):
    u, v = (x - GRID[0]) / GRID[2], (y - GRID[1]) / GRID[2]
    mx, my, z, share = (reference_sample(field[..., k], u, v) for k in range(4))
    rotation, shift = head[:9].reshape(3, 3).astype(np.float64), head[9:12].astype(np.float64)
    centre, away, pivot = head[12:14].astype(np.float64), float(head[14]), float(head[15])
    place = np.array([x + mx, y + my])
    body = np.array([*((place - centre) * (away + z) / away), z - pivot])
    turned = rotation @ body + shift + np.array([0, 0, pivot])
    seen = turned[:2] * away / (away + turned[2]) + centre
    return place + share * (seen - place) + head[16:18]


@pytest.fixture
def head():
    """A pose turned by about 6 degrees and shifted, in a shifted picture, float32 [shape=(18,)]."""
    a, b = 0.1, -0.06
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return np.array(
        [*(about_y @ about_x).ravel(), 2.0, -1.5, 4.0, 60.0, 45.0, 500.0, 40.0, 1.5, -2.5], np.float32
    )


@pytest.fixture
def field(rng):
    """Smooth movement of some px, depth of some tens, and a head that fades out; coefficients."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    near = np.exp(-((rows - 8.5) ** 2 + (columns - 10.5) ** 2) / 20)
    out = np.stack([3 * near, -2 * near, -30 * near, np.clip(1.6 * near, 0, 1)], axis=2)
    return (out + 0.01 * rng.normal(size=out.shape) * near[..., None]).astype(np.float32)


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (40, 33), (5, 300)])
def test_spline_coefficients_give_the_samples_back_at_the_nodes(rng, shape):
    samples = rng.normal(100, 60, shape).astype(np.float32)
    coefficients = samples.copy()
    spline_coefficients(coefficients, np.zeros(max(shape)))
    mirrored = np.pad(coefficients, [(1, 1) if n > 1 else (0, 0) for n in shape], mode="reflect").astype(
        float
    )
    for axis, n in enumerate(shape):
        if n > 1:
            take = [np.take(mirrored, np.arange(n) + k, axis=axis) for k in range(3)]
            mirrored = (take[0] + 4 * take[1] + take[2]) / 6
    np.testing.assert_allclose(mirrored, samples, atol=2e-3)


def test_forward_points_match_the_definition(rng, field, head):
    points = rng.uniform(-40, 160, (60, 2)).astype(np.float32)
    out = np.empty_like(points)
    forward_points(points, GRID, field, head, out)
    expected = np.array([reference_forward(x, y, field, head) for x, y in points.astype(float)])
    np.testing.assert_allclose(out, expected, atol=2e-4)


def test_invert_map_undoes_forward_points(field, head):
    nodes = np.array([1, 1, SHAPE[1] - 1, SHAPE[0] - 1])
    inverse = np.empty((2, SHAPE[0] - 2, SHAPE[1] - 2), np.float32)
    assert invert_map(GRID, field, head, nodes, np.float32(1e-3), 80, inverse) == 0
    rows, columns = np.mgrid[1 : SHAPE[0] - 1, 1 : SHAPE[1] - 1]
    places = np.stack([GRID[0] + 8 * columns, GRID[1] + 8 * rows], axis=-1).astype(np.float32)
    start = np.ascontiguousarray((places + np.moveaxis(inverse, 0, -1)).reshape(-1, 2))
    seen = np.empty_like(start)
    forward_points(start, GRID, field, head, seen)
    assert np.abs(seen - places.reshape(-1, 2)).max() < 1.5e-3


def test_invert_map_counts_the_nodes_of_a_map_that_folds(field, head):
    field[..., 0] *= 40
    inverse = np.empty((2, *SHAPE), np.float32)
    assert (
        invert_map(GRID, field, head, np.array([0, 0, SHAPE[1], SHAPE[0]]), np.float32(1e-3), 40, inverse) > 0
    )


def warped(inverse, picture, box=WHERE):
    out = np.full((90, 120), -1, np.float32)
    scratch = (
        np.empty((2, SHAPE[1]), np.float32),
        np.empty((14, 120), np.float32),
        np.empty((2, 120), np.uint32),
    )
    warp_picture(GRID, inverse, picture, np.array([-10.0, -12.0], np.float32), box, *scratch, out)
    return out


def test_warp_picture_matches_the_definition_and_stays_in_its_box(rng):
    inverse = rng.normal(0, 4, (2, *SHAPE)).astype(np.float32)
    inverse[0, 3] = 1e4  # far outside: clamped
    picture = rng.normal(100, 40, (110, 150)).astype(np.float32)
    box = np.array([3, 5, 117, 88])
    out = warped(inverse, picture, box)
    for x, y in rng.integers([3, 5], [117, 88], (80, 2)):
        u, v = (x - GRID[0]) / 8, (y - GRID[1]) / 8
        nx = x + 10 + reference_sample(inverse[0], u, v)
        ny = y + 12 + reference_sample(inverse[1], u, v)
        assert out[y, x] == pytest.approx(reference_sample(picture, nx, ny), abs=0.05)
    outside = out.copy()
    outside[5:88, 3:117] = -1
    assert np.all(outside == -1)


EYE = np.array([40, 40, 1, 0, 40, -30, 0, 0, 24, 0, 0, 12], np.float32)


@pytest.mark.parametrize("closure", [0.0, 0.4, 1.0])
def test_draw_lid_covers_the_eye_above_its_margin_and_leaves_the_rest(closure):
    rows = np.mgrid[:110, :150][0].astype(np.float32)
    picture = 100 - rows  # brighter above: the skin that comes down is brighter than the eye
    still = np.zeros((2, *SHAPE), np.float32)
    before = warped(still, picture)
    out = before.copy()
    draw_lid(GRID, still, picture, np.array([-10.0, -12.0], np.float32), WHERE, EYE, np.float32(closure), out)
    for x in range(42, 79):
        s = (x - 40) / 40
        upper, lower = -30 * s * (1 - s), 24 * s * (1 - s)
        margin = upper + closure * (lower - upper)
        below = np.arange(90) - 40
        untouched = (below > margin + 1) | (below < upper - 12)
        np.testing.assert_array_equal(out[untouched, x], before[untouched, x])
        lid = (below > upper + 1) & (below < margin - 1)
        # what lies on the eye comes from above the open margin
        assert np.all(out[lid, x] > before[int(40 + upper), x] - 1.6)
    assert closure > 0 or np.array_equal(out, before)


def test_expose_matches_the_definition_at_every_light(rng):
    scene = rng.uniform(-20, 320, (20, 64)).astype(np.float32)
    normals = rng.standard_normal(500).astype(np.float32)
    starts = rng.integers(0, 400, 20)
    out = np.empty((20, 64), np.uint8)
    for light in (0.0, 0.5, 1.3):
        expose(scene, np.float32(light), np.float32(1.0), np.float32(0.02), normals, starts, out)
        level = scene.astype(np.float64) * light
        noise = np.array([normals[start : start + 64] for start in starts])
        expected = level + np.sqrt(1.0 + 0.02 * np.maximum(level, 0)) * noise
        assert np.abs(np.clip(np.rint(expected), 0, 255) - out).max() <= 1
        assert np.mean(np.clip(np.rint(expected), 0, 255) != out) < 0.002
