"""Per-frame kernels of a face, each against its definition in plain NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge.anatomy import LOST
from edge.kernels.face import (
    EYE_COLUMNS,
    EYE_ROWS,
    advance_signals,
    encode,
    find_shift,
    look_at_eyes,
    mean_level,
    own_movement,
    sample_eye,
    shrink,
)

# ---- the small picture -----------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1, 2, 3, 5])
def test_shrink_is_the_rounded_mean_of_each_square(rng, factor):
    luma = rng.integers(0, 256, (41, 53), np.uint8)
    small = np.zeros((41 // factor, 53 // factor), np.uint8)
    shrink(luma, factor, 0, 0, 10**6, 10**6, small)
    for row, column in np.ndindex(small.shape):
        square = luma[row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
        assert small[row, column] == math.floor(square.astype(np.float64).mean() + 0.5)


def test_shrink_keeps_black_black_and_white_white():
    for level in (0, 255):
        small = np.full((5, 5), 77, np.uint8)
        shrink(np.full((15, 15), level, np.uint8), 3, 0, 0, 5, 5, small)
        assert np.all(small == level)


def test_shrink_writes_inside_its_rectangle_only(rng):
    luma = rng.integers(0, 250, (40, 40), np.uint8)
    whole, part = np.zeros((20, 20), np.uint8), np.full((20, 20), 251, np.uint8)
    shrink(luma, 2, 0, 0, 20, 20, whole)
    shrink(luma, 2, 3, 5, 9, 99, part)
    assert np.all(part[5:, 3:9] == whole[5:, 3:9])
    part[5:, 3:9] = 251
    assert np.all(part == 251)


@pytest.mark.parametrize("box", [(0, 0, 0, 0), (5, 5, 3, 3), (-9, -9, -1, -1), (30, 30, 40, 40)])
def test_shrink_takes_rectangles_that_hold_nothing(box):
    small = np.full((10, 10), 9, np.uint8)
    shrink(np.zeros((20, 20), np.uint8), 2, *box, small)
    assert np.all(small == 9)


# ---- the coarse search -----------------------------------------------------------------------


def reference_correlations(small, x, y, reach, template):
    """Normalised correlation at every whole shift; NaN outside the picture."""
    n = len(template)
    left, top = round(x - (n - 1) / 2), round(y - (n - 1) / 2)
    scores = np.full((2 * reach + 1, 2 * reach + 1), np.nan)
    for dj, di in np.ndindex(scores.shape):
        oy, ox = top + dj - reach, left + di - reach
        if oy >= 0 and ox >= 0 and oy + n <= small.shape[0] and ox + n <= small.shape[1]:
            patch = small[oy : oy + n, ox : ox + n].astype(np.float64)
            scores[dj, di] = np.corrcoef(patch.ravel(), template.ravel().astype(np.float64))[0, 1]
    return scores


def coarse_search(small, x, y, template, reach, level=0.0):
    best, shift = np.full(1, np.nan), np.full(2, np.nan)
    score = np.full((2 * reach + 2, 2 * reach + 1), np.nan)
    n_places = find_shift(small, x, y, level, reach, template, score, best, shift)
    return n_places, best[0], shift


def centred(patch):
    """A template: float32, mean removed; and the mean."""
    level = float(patch.mean())
    return np.ascontiguousarray(patch - level, np.float32), level


def test_find_shift_finds_what_the_plain_search_finds(rng):
    small = rng.integers(0, 256, (40, 50), np.uint8)
    template, level = centred(small[12:23, 18:29].astype(np.float64) + rng.normal(scale=20, size=(11, 11)))
    scores = reference_correlations(small, 22.0, 16.0, 4, template)
    n_places, best, shift = coarse_search(small, 22.0, 16.0, template, 4, level)
    assert n_places == 81
    assert best == pytest.approx(np.nanmax(scores), abs=1e-5)
    row, column = np.unravel_index(np.nanargmax(scores), scores.shape)
    np.testing.assert_allclose(shift, (column - 4, row - 4), atol=0.5)
    assert (column, row) == (5, 5)  # cut at (23, 17), looked for at (22, 16)


def test_find_shift_refines_by_a_parabola(rng):
    """A smooth picture moved by fractions, so that the correlation's top is nearly a parabola."""
    y, x = np.mgrid[:40, :40].astype(np.float64)

    def blob(dx, dy):
        hill = 200 * np.exp(-((x - 20 - dx) ** 2 / 90 + (y - 20 - dy) ** 2 / 60))
        return np.round(hill + 20).astype(np.uint8)

    template, level = centred(blob(0, 0)[8:33, 8:33].astype(np.float64))
    for dx, dy in ((0.0, 0.0), (1.4, -0.6), (-2.3, 2.5), (0.5, 0.5)):
        _, best, shift = coarse_search(blob(dx, dy), 20.0, 20.0, template, 4, level)
        np.testing.assert_allclose(shift, (dx, dy), atol=0.1)
        assert best > 0.99


def test_find_shift_does_not_depend_on_level_nor_on_light(rng):
    small = rng.integers(40, 120, (40, 40), np.uint8)
    template, level = centred(small[10:21, 10:21].astype(np.float64))
    plain = coarse_search(small, 14.2, 16.4, template, 3, level)
    shifted = coarse_search(small, 14.2, 16.4, template, 3, 0.0)
    brighter = coarse_search((2 * small).astype(np.uint8), 14.2, 16.4, template, 3, level)
    for other in (shifted, brighter):
        assert other[0] == plain[0]
        assert other[1] == pytest.approx(plain[1], abs=1e-4)
        np.testing.assert_allclose(other[2], plain[2], atol=1e-3)


def test_find_shift_looks_only_where_the_template_fits(rng):
    small = rng.integers(0, 256, (30, 30), np.uint8)
    template, level = centred(small[0:11, 0:11].astype(np.float64))
    n_places, best, shift = coarse_search(small, 6.0, 6.0, template, 3, level)
    assert n_places == np.isfinite(reference_correlations(small, 6.0, 6.0, 3, template)).sum() == 25
    assert best == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(shift, (-1.0, -1.0))  # at the border there is no parabola


@pytest.mark.parametrize("place", [(-50.0, 5.0), (5.0, 500.0)])
def test_find_shift_says_minus_two_where_nothing_fits(place):
    small = np.zeros((30, 30), np.uint8)
    n_places, best, shift = coarse_search(small, *place, np.ones((11, 11), np.float32), 3)
    assert (n_places, best) == (0, -2.0)
    np.testing.assert_array_equal(shift, (0, 0))


def test_find_shift_finds_nothing_on_a_flat_picture_or_with_a_flat_template(rng):
    flat = np.full((40, 40), 90, np.uint8)
    template, _ = centred(rng.normal(size=(11, 11)))
    assert coarse_search(flat, 20.0, 20.0, template, 3)[1] <= 0
    noisy = rng.integers(0, 256, (40, 40), np.uint8)
    assert coarse_search(noisy, 20.0, 20.0, np.zeros((11, 11), np.float32), 3)[1] <= 0


# ---- eyes ------------------------------------------------------------------------------------


def reference_eye(luma, x, y, axes):
    """Grid of bilinear samples, mean removed, unit energy; and the contrast."""
    out = np.empty((EYE_ROWS, EYE_COLUMNS))
    for row, v in enumerate(np.linspace(-1, 1, EYE_ROWS)):
        for column, u in enumerate(np.linspace(-1, 1, EYE_COLUMNS)):
            px, py = np.array([x, y]) + u * axes[:2] + v * axes[2:]
            ix, iy = int(px), int(py)
            a, b = px - ix, py - iy
            four = luma[iy : iy + 2, ix : ix + 2].astype(np.float64)
            out[row, column] = np.array([1 - b, b]) @ four @ np.array([1 - a, a])
    contrast = out.std()
    out -= out.mean()
    return out / np.sqrt((out**2).sum()), contrast


def test_sample_eye_matches_reference(rng):
    luma = rng.integers(0, 256, (60, 80), np.uint8)
    axes = np.array([18.3, 2.1, -1.2, 9.7])
    out = np.full((EYE_ROWS, EYE_COLUMNS), np.nan, np.float32)
    contrast = sample_eye(luma, 40.2, 30.9, axes, out)
    expected, expected_contrast = reference_eye(luma, 40.2, 30.9, axes)
    np.testing.assert_allclose(out, expected, atol=1e-5)
    assert contrast == pytest.approx(expected_contrast, rel=1e-5)


@pytest.mark.parametrize("place", [(10.0, 30.0), (70.0, 30.0), (40.0, 5.0), (40.0, 55.0), (np.nan, 30.0)])
def test_sample_eye_says_zero_where_the_opening_leaves_the_picture(rng, place):
    luma = rng.integers(0, 256, (60, 80), np.uint8)
    out = np.zeros((EYE_ROWS, EYE_COLUMNS), np.float32)
    assert sample_eye(luma, *place, np.array([15.0, 0, 0, 8.0]), out) == 0.0


class Eyes:
    """Both eyes in one picture: dark discs on a light ground, or a lid over them."""

    place = np.array([[30.0, 30.0], [90.0, 30.0]])
    axes = np.array([[14.0, 0, 0, 7.0], [14.0, 0, 0, 7.0]])
    upright = np.array([[1.0, 0, 0, 1.0], [1.0, 0, 0, 1.0]])

    def __init__(self):
        self.usual = np.zeros((2, EYE_ROWS, EYE_COLUMNS), np.float32)
        self.now = np.zeros((EYE_ROWS, EYE_COLUMNS), np.float32)
        self.known = np.zeros(2, np.uint8)
        self.closure = np.full(2, np.nan)

    def picture(self, lids=(0.0, 0.0), gaze_px=0.0, gain=1.0):
        """uint8 [shape=(60, 120)]: each lid covers its share of the opening from above."""
        y, x = np.mgrid[:60, :120].astype(np.float64)
        out = np.full((60, 120), 170.0)
        for (cx, cy), lid in zip(self.place, lids, strict=True):
            disc = np.hypot(x - cx - gaze_px, y - cy) < 6
            hidden = y < cy - 8 + 16 * lid
            out[disc & ~hidden] = 50
            out[hidden & (abs(x - cx) < 15) & (abs(y - cy) < 8)] = 150 + ((x + y) % 3)[0, 0]
        return np.round(gain * out).astype(np.uint8)

    def look(self, luma, gains=(0.01, 0.002, 0.0005), tangent=None, place=None):
        look_at_eyes(
            luma,
            self.place if place is None else place,
            self.upright if tangent is None else tangent,
            self.axes,
            0.8,
            *gains,
            self.usual,
            self.now,
            self.known,
            np.full(4, np.nan),
            self.closure,
        )
        return self.closure.copy()


@pytest.fixture
def eyes():
    """Two eyes, seen open once."""
    eyes = Eyes()
    eyes.look(eyes.picture())
    return eyes


def test_look_at_eyes_takes_the_first_look_as_open():
    eyes = Eyes()
    np.testing.assert_allclose(eyes.look(eyes.picture()), 0, atol=1e-6)
    assert eyes.known.tolist() == [1, 1]
    energy = (eyes.usual.astype(np.float64) ** 2).sum(axis=(1, 2))
    np.testing.assert_allclose(energy, 1, atol=1e-4)


def test_look_at_eyes_sees_one_lid_close_and_not_the_other(eyes):
    right, left = eyes.look(eyes.picture(lids=(1.0, 0.0)))
    assert right > 0.7
    assert left < 0.01


def test_look_at_eyes_rises_with_the_lid(eyes):
    closures = [eyes.look(eyes.picture(lids=(lid, lid)))[0] for lid in (0, 0.25, 0.5, 0.75, 1.0)]
    assert np.all(np.diff(closures) >= -1e-3)
    assert 0.05 < closures[2] < closures[4]


def test_look_at_eyes_does_not_mind_the_light(eyes):
    assert eyes.look(eyes.picture(gain=0.5)).max() < 0.02


def test_look_at_eyes_follows_the_stretch_of_the_head(eyes):
    """The same picture twice as large, looked at through a tangent that says so."""
    big = np.kron(eyes.picture(), np.ones((2, 2), np.uint8))
    closure = eyes.look(big, tangent=2 * Eyes.upright, place=2 * Eyes.place + 0.5)
    assert closure.max() < 0.05


def test_look_at_eyes_says_nan_out_of_sight_and_keeps_what_it_knew(eyes):
    usual = eyes.usual.copy()
    place = Eyes.place.copy()
    place[0, 0] = -5.0
    right, left = eyes.look(eyes.picture(), place=place)
    assert np.isnan(right)
    assert left < 0.01
    np.testing.assert_array_equal(eyes.usual[0], usual[0])


def test_look_at_eyes_gets_used_to_a_gaze_sooner_than_to_a_lid(eyes):
    gains = (0.1, 0.05, 0.0005)
    looks = {"gaze": {"gaze_px": 4.0}, "lid": {"lids": (1.0, 1.0)}}
    faded = {}
    for name, how in looks.items():
        other = Eyes()
        other.look(other.picture())
        first = other.look(other.picture(**how), gains)[0]
        for _ in range(60):
            last = other.look(other.picture(**how), gains)[0]
        faded[name] = last / first
    assert faded["gaze"] < 0.5
    assert faded["lid"] > 0.9


# ---- movement and signals --------------------------------------------------------------------


def test_own_movement_takes_back_what_the_head_does_to_a_movement(rng):
    n, iod_px, roll = 40, 87.0, 0.3
    place = rng.uniform(0, 300, (n, 2))
    tangent = np.array([1.0, 0, 0, 1.0]) + rng.uniform(-0.3, 0.3, (n, 4))
    movement = rng.normal(scale=30, size=(n, 2))
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    in_reference_px = movement @ turn.T * iod_px / 1000
    found = place + np.einsum("nij,nj->ni", tangent.reshape(n, 2, 2), in_reference_px)
    out = np.full((n, 2), np.nan)
    own_movement(found, place, tangent, iod_px, np.cos(roll), np.sin(roll), np.ones(n, np.uint8), out)
    np.testing.assert_allclose(out, movement, atol=1e-9)


def test_own_movement_says_nan_where_nothing_is_known(rng):
    tangent = np.array(
        [[1.0, 0, 0, 1], [0.1, 0, 0, 0.1], [1.0, 2, 0.5, 1], [np.nan, 0, 0, 1], [1.0, 0, 0, 1]]
    )
    valid = np.array([0, 1, 1, 1, 1], np.uint8)
    out = np.zeros((5, 2))
    own_movement(np.ones((5, 2)), np.zeros((5, 2)), tangent, 100.0, 1.0, 0.0, valid, out)
    assert np.isnan(out).all(axis=1).tolist() == [True, True, True, True, False]
    np.testing.assert_allclose(out[4], 10.0)


class Board:
    """Three signals of 1, 3 and 2 members among five points."""

    start = np.array([0, 1, 4, 6], np.int32)
    member = np.array([0, 0, 1, 2, 3, 4], np.int32)

    def __init__(self, rng):
        angle = rng.uniform(0, 2 * np.pi, 6)
        self.weight = rng.uniform(0.5, 2.0, 6)
        self.direction = np.column_stack([np.cos(angle), np.sin(angle)])
        self.signal = np.full(3, -np.inf)
        self.before = np.full((5, 2), np.nan)

    def advance(self, movement):
        wx, wy = np.ascontiguousarray((self.weight[:, None] * self.direction).T)
        advance_signals(movement, self.before, self.start, self.member, wx, wy, self.signal)
        self.before[:] = movement
        return self.signal.copy()

    def mean(self, movement):
        """Weighted mean of displacements along each member's direction, signal by signal."""
        along = (movement[self.member] * self.direction).sum(axis=1)
        bounds = zip(self.start[:-1], self.start[1:], strict=True)
        return np.array([np.average(along[a:b], weights=self.weight[a:b]) for a, b in bounds])


@pytest.fixture
def board(rng):
    """Signals without a past."""
    return Board(rng)


def test_advance_signals_telescopes_to_the_weighted_mean(rng, board):
    movements = rng.normal(scale=10, size=(100, 5, 2)).cumsum(axis=0)
    board.advance(movements[0])
    np.testing.assert_array_equal(board.advance(movements[0]), 0)
    for movement in movements[1:]:
        np.testing.assert_allclose(board.advance(movement), board.mean(movement - movements[0]), atol=1e-9)


def test_advance_signals_starts_at_zero_and_knows_nothing_of_the_first_frame(rng, board):
    assert np.all(np.isneginf(board.advance(rng.normal(size=(5, 2)))))
    np.testing.assert_array_equal(board.advance(rng.normal(size=(5, 2))), 0)


def test_advance_signals_makes_no_step_when_a_patch_comes_or_goes(board):
    """Points rest at very different places; losing one or getting it back must not show."""
    rest = np.array([[5.0, 5], [-90, 40], [300, -200], [7, 7], [7, 7]])
    for _ in range(3):
        board.advance(rest)
    without = rest.copy()
    without[int(np.argmin(board.weight[1:4]))] = np.nan
    for movement in (without, without, rest, rest):
        assert board.advance(movement)[1] == pytest.approx(0, abs=1e-12)


def test_advance_signals_loses_a_signal_with_under_half_of_its_weight(board):
    board.weight[:] = 1.0
    movement = np.zeros((5, 2))
    board.advance(movement)
    board.advance(movement)
    movement[[1, 2]] = np.nan  # two of the three members of signal 1
    signal = board.advance(movement)
    assert np.isneginf(signal).tolist() == [False, True, False]
    movement[4] = np.nan  # one of the two members of signal 2: half is enough
    assert np.isneginf(board.advance(movement)).tolist() == [False, True, False]
    movement[:] = 0.0
    board.advance(movement)
    np.testing.assert_array_equal(board.advance(movement), 0.0)


def test_advance_signals_recovers_from_movements_that_are_not_finite(board):
    board.advance(np.zeros((5, 2)))
    board.advance(np.zeros((5, 2)))
    board.advance(np.full((5, 2), np.inf))
    for _ in range(3):
        signal = board.advance(np.zeros((5, 2)))
    np.testing.assert_array_equal(signal, 0.0)


def test_advance_signals_takes_no_signals():
    empty = np.zeros(0, np.int32)
    advance_signals(
        np.zeros((3, 2)),
        np.zeros((3, 2)),
        np.zeros(1, np.int32),
        empty,
        np.zeros(0),
        np.zeros(0),
        np.zeros(0),
    )


# ---- codes -----------------------------------------------------------------------------------


def reference_encode(value, quantum):
    """Nearest code, halves upwards; the largest code for what is too large."""
    if not math.isfinite(value):
        return LOST
    nearest = min(max(value / float(quantum) + 0.5, -32767.0), 32767.5)
    return math.floor(nearest)


@settings(deadline=None)
@given(values=arrays(np.float64, st.integers(0, 30), elements=st.floats()), quantum=st.floats(1e-4, 10))
def test_encode_matches_reference_for_any_value(values, quantum):
    quanta = np.full(values.shape, quantum, np.float32)
    codes = np.full(values.shape, 5, np.int16)
    encode(values, quanta, codes)
    assert codes.tolist() == [reference_encode(float(v), quanta[0]) for v in values]


def test_encode_never_says_lost_of_a_number():
    codes = np.zeros(4, np.int16)
    encode(np.array([-1e300, -32768.0, -32767.0, 1e300]), np.ones(4, np.float32), codes)
    assert codes.tolist() == [-32767, -32767, -32767, 32767]
    encode(np.array([np.nan, np.inf, -np.inf, 0.0]), np.ones(4, np.float32), codes)
    assert codes.tolist() == [LOST, LOST, LOST, 0]


# ---- light -----------------------------------------------------------------------------------


def test_mean_level_is_the_mean_of_samples_spread_over_the_square(rng):
    luma = rng.integers(0, 256, (60, 80), np.uint8)
    spread = np.linspace(-10.0, 10.0, 24)
    samples = [luma[int(30.3 + dy), int(40.7 + dx)] for dy in spread for dx in spread]
    assert mean_level(luma, 40.7, 30.3, 10.0) == pytest.approx(np.mean(samples))


def test_mean_level_leaves_out_what_lies_outside_the_picture():
    luma = np.full((20, 20), 90, np.uint8)
    assert mean_level(luma, 0.0, 0.0, 30.0) == 90.0


@pytest.mark.parametrize("place", [(-50.0, 5.0), (5.0, 500.0)])
def test_mean_level_says_nan_wholly_outside(place):
    assert np.isnan(mean_level(np.full((20, 20), 90, np.uint8), *place, 8.0))


def test_kernels_take_pictures_that_may_not_be_written_to(rng):
    luma = rng.integers(0, 256, (60, 80), np.uint8)
    expected = mean_level(luma, 40.0, 30.0, 10.0)
    luma.flags.writeable = False
    assert mean_level(luma, 40.0, 30.0, 10.0) == expected
    small = np.zeros((30, 40), np.uint8)
    shrink(luma, 2, 0, 0, 40, 30, small)
    assert small.any()
