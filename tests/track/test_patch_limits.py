"""Patches at the physical limit, on a real face: the bars of docs/tracking.md on a small set."""

from __future__ import annotations

import numpy as np
import pytest
from tracking.bias import measure_bias
from tracking.bound import bounds_px, measure_noise
from tracking.cover import BAR_PX, hand_over, sweep
from tracking.faces import Camera, MovedFace, patches_on

from edge.track.patches import FOLLOWED


@pytest.fixture
def face():
    """The portrait, 200 px wide, in a picture of 320 x 320."""
    return MovedFace(200.0, 320, 320)


@pytest.mark.parametrize(("face_width_px", "noise_levels"), [(120.0, 2.0), (200.0, 2.0), (200.0, 6.0)])
def test_noise_of_a_patch_is_near_its_bound(face_width_px, noise_levels):
    row = measure_noise(face_width_px, noise_levels, n_templates=2, n_frames=16)
    assert row["n_patches"] > 60
    # below 1 could only a biased estimate be; the sampling error of the median over patches is 2 %
    assert 0.9 < row["frame_median"] < 1.3


def test_bound_is_that_of_a_plain_shift_where_light_cannot_be_mistaken_for_it(face):
    """With light known the bound is noise² over the sum of squared slopes; not knowing it costs."""
    camera = Camera(2.0)
    h = 0.05
    slope = (face.levels(h, 0).astype(float) - face.levels(-h, 0)) / (2 * h)
    bounds = bounds_px(face, camera, face.points)
    for place, bound in zip(face.points, bounds, strict=True):
        left, top = (round(float(v) - 7.5) for v in place)
        window = np.s_[top : top + 16, left : left + 16]
        known_light = 1 / np.sum(slope[window] ** 2 / camera.variance(face.levels()[window]))
        assert np.isnan(bound[0, 0]) or bound[0, 0] >= known_light


@pytest.mark.parametrize("face_width_px", [120.0, 200.0])
def test_bias_stays_small_at_any_fraction_step_and_distance(face_width_px):
    row = measure_bias(face_width_px, n_phases=3)
    # with the averages' own noise of 0.004 px
    assert row["worst_phase_rms_px"] < 0.02
    for part in ("steps", "far"):
        assert row[part]["lost_share"] == 0
        assert row[part]["mean_px"] < 0.01
        assert row[part]["rms_px"] < 0.02


@pytest.mark.parametrize("speed_px", [4.0, 8.0])
def test_a_patch_is_lost_before_a_hand_moves_it(face, speed_px):
    camera = Camera(2.0)
    largest = np.concatenate([sweep(face, camera, level, (1.0, 0.0), speed_px, 1) for level in (60.0, 130.0)])
    largest = largest[np.isfinite(largest)]
    assert largest.size > 100
    assert np.mean(largest < BAR_PX) > 0.97
    assert np.percentile(largest, 95) < 0.3


def test_a_covered_patch_is_lost_and_found_again_when_the_hand_has_gone(face):
    camera = Camera(2.0)
    rest = face.levels()
    patches = patches_on(camera.shoot(rest), face.points)
    half_covered, _ = hand_over(rest, np.full(rest.shape, 90.0), (1.0, 0.0), 0.0)
    states = []
    for picture in (rest, rest, half_covered, half_covered, rest):
        patches.position[:] = face.points
        patches.follow(camera.shoot(picture), 8.0)
        patches.movement[:] = (patches.position - face.points) * (1000 / face.iod_px)
        patches.judge(1.0 / 120.0)
        states.append(patches.state == FOLLOWED)
    under = face.points[:, 0] < 160 - 10
    beside = face.points[:, 0] > 160 + 10
    assert states[1].mean() > 0.95
    assert not states[2][under].any()
    assert states[3][beside].mean() > 0.95
    assert states[4].mean() > 0.95
