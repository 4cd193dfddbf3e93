"""Each kernel against its definition, in float64 and slow on purpose."""

import numpy as np
import pytest

from edge.kernels.eyes import draw_gaze
from edge.kernels.overlay import draw_frames, draw_glints, lay_over

BOX = np.array([2, 3, 58, 37])
LENSES = np.array([[18, 20, 12, 9, 5], [44, 20, 12, 9, 5]], np.float32)
BARS = np.array([[30, 18, 32, 18], [2, 16, 6, 17]], np.float32)


@pytest.fixture
def to_plane():
    """A homography that turns and shifts a little, float32 [shape=(9,)]."""
    return np.array([1.02, 0.03, -1.5, -0.02, 0.98, 0.8, 1e-4, -2e-4, 1.0], np.float32)


def on_plane(h, x, y):
    u, v, w = h.astype(float).reshape(3, 3) @ (x, y, 1.0)
    return u / w, v / w


def to_segment(bar, u, v):
    a, b, p = np.array(bar[:2], float), np.array(bar[2:], float), np.array([u, v])
    share = np.clip((p - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
    return float(np.hypot(*(p - a - share * (b - a))))


def to_rim(lens, u, v):
    """Distance to a rectangle with round corners, negative inside: the rim as many points."""
    x, y, half_w, half_h, corner = lens.astype(float)
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    cx, cy = np.cos(angle), np.sin(angle)
    arcs = np.stack(
        [
            x + np.sign(cx) * (half_w - corner) + corner * cx,
            y + np.sign(cy) * (half_h - corner) + corner * cy,
        ],
        1,
    )
    along = np.linspace(0, 1, 150)[:, None, None]
    rim = ((1 - along) * arcs + along * np.roll(arcs, -1, axis=0)).reshape(-1, 2)
    inside = abs(u - x) <= half_w and abs(v - y) <= half_h
    qx, qy = abs(u - x) - half_w + corner, abs(v - y) - half_h + corner
    inside &= not (qx > 0 and qy > 0 and np.hypot(qx, qy) > corner)
    return (-1 if inside else 1) * float(np.hypot(rim[:, 0] - u, rim[:, 1] - v).min())


def test_lay_over_matches_the_definition_and_stays_in_its_box(rng):
    picture, cover = rng.uniform(0, 255, (20, 30)).astype(np.float32), rng.random((20, 30), np.float32)
    before = rng.uniform(0, 255, (40, 60)).astype(np.float32)
    for left, top in ((7.3, 9.8), (-12.5, 28.1), (50.0, -3.0), (500.0, 0.0)):
        out = before.copy()
        lay_over(picture, cover, np.float32(left), np.float32(top), BOX, out)
        expected = before.astype(float)
        for y in range(3, 37):
            for x in range(2, 58):
                u, v = x - np.float32(left), y - np.float32(top)
                if not (0 <= u < 29 and 0 <= v < 19):
                    continue
                k, j = int(u), int(v)
                weights = np.outer([1 - (v - j), v - j], [1 - (u - k), u - k])
                hides = (weights * cover[j : j + 2, k : k + 2]).sum()
                level = (weights * picture[j : j + 2, k : k + 2]).sum()
                expected[y, x] = hides * level + (1 - hides) * expected[y, x]
        np.testing.assert_allclose(out, expected, atol=0.02)


def test_draw_frames_matches_the_definition(rng, to_plane):
    before = rng.uniform(100, 200, (40, 60)).astype(np.float32)
    out = before.copy()
    draw_frames(to_plane, LENSES, BARS, np.float32(2.0), np.float32(30.0), BOX, out)
    assert np.mean(out != before) > 0.05
    for x, y in rng.integers([0, 0], [60, 40], (150, 2)):
        u, v = on_plane(to_plane, x, y)
        nearest = min([abs(to_rim(lens, u, v)) for lens in LENSES] + [to_segment(bar, u, v) for bar in BARS])
        hides = np.clip(1.5 - nearest, 0, 1) if BOX[0] <= x < BOX[2] and BOX[1] <= y < BOX[3] else 0
        assert out[y, x] == pytest.approx(before[y, x] * (1 - hides) + 30 * hides, abs=2.0)


def test_draw_glints_matches_the_definition(rng, to_plane):
    spots = np.array([[0, 15, 17, 4], [1, 54, 14, 6]], np.float32)  # the second is cut by the rim
    before = rng.uniform(50, 100, (40, 60)).astype(np.float32)
    out = before.copy()
    draw_glints(to_plane, LENSES, spots, np.float32(1.0), np.float32(200.0), BOX, out)
    for x, y in rng.integers([2, 3], [58, 37], (150, 2)):
        u, v = on_plane(to_plane, x, y)
        added = 0.0
        for lens, sx, sy, radius in spots:
            disc = np.clip(radius - np.hypot(u - sx, v - sy) + 0.5, 0, 1)
            if disc > 0:
                added += max(min(disc, -to_rim(LENSES[int(lens)], u, v) - 1.0 + 0.5), 0)
        assert out[y, x] == pytest.approx(before[y, x] + 200 * added, abs=4.0)


def test_nothing_is_drawn_in_an_empty_box(to_plane):
    out = np.full((40, 60), 7, np.float32)
    empty = np.array([60, 0, 60, 40])
    draw_frames(to_plane, LENSES, BARS, np.float32(2), np.float32(30), empty, out)
    draw_glints(to_plane, LENSES, np.zeros((0, 4), np.float32), np.float32(1), np.float32(200), BOX, out)
    assert np.all(out == 7)


EYE = np.array([20, 20, 1, 0, 40, -30, 0, 0, 24, 0, 0, 12], np.float32)
IRIS = np.array([18, 7, 2, 2], np.float32)


@pytest.mark.parametrize("gaze", [(0.0, 0.0), (6.0, 0.0), (-5.0, 2.0), (0.0, -3.0)])
def test_draw_gaze_shows_what_was_as_far_aside_and_keeps_the_skin(gaze):
    grid = np.array([-16.0, -16.0, 8.0], np.float32)
    still = np.zeros((2, 14, 16), np.float32)
    rows, columns = np.mgrid[:60, :90].astype(np.float32)
    picture = 3 * columns + 2 * rows  # linear: its own spline coefficients
    origin = np.array([-5.0, -6.0], np.float32)
    before = np.full((50, 80), -1, np.float32)
    out = before.copy()
    box = np.array([10, 5, 70, 40])
    draw_gaze(grid, still, picture, origin, box, EYE, IRIS, np.array(gaze, np.float32), out)
    for y in range(50):
        for x in range(80):
            s = (x - 20) / 40
            upper, lower = s * (1 - s) * (-30 + 2), s * (1 - s) * (24 - 2)
            below = y - 20
            if not (0 < s < 1 and upper - 0.49 < below < lower + 0.49):
                if not (0 < s < 1 and upper - 0.51 < below < lower + 0.51):
                    assert out[y, x] == -1
                continue
            start, end = 18 - 7, 18 + 7
            knots = [0, start + gaze[0], end + gaze[0], 40]
            ahead = np.interp(x - 20, knots, [0, start, end, 40])
            share = ahead / 40
            low, high = share * (1 - share) * (-30 + 2), share * (1 - share) * (24 - 2)
            source = min(max(below - gaze[1], low), high)
            expected = 3 * (20 + ahead + 5) + 2 * (20 + source + 6)
            cover = np.clip(min(below - upper, lower - below) + 0.5, 0, 1)
            assert out[y, x] == pytest.approx(cover * expected - (1 - cover), abs=0.1)
