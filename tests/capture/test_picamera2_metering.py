"""From what a face looked like to the next exposure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.picamera2_metering import (
    TARGET_LEVEL,
    Exposure,
    ExposureLimits,
    FaceLight,
    face_light,
    next_exposure,
)

LIMITS = ExposureLimits(14, 8334, 1.0, 10.7)
GAMMAS = st.sampled_from([1.0, 0.7, 1 / 2.2])


def light_of(exposure, grey_per_ms, gamma):
    """A face that has so many grey levels (linear) after a millisecond at gain 1."""
    linear = grey_per_ms * exposure.total / 1000
    level = 255 * min(linear / 255, 1.0) ** gamma
    return FaceLight(level, 1.0 if linear >= 255 else 0.0)


@given(GAMMAS, st.floats(1.0, 300), st.floats(14, 8334), st.floats(1, 10.7))
def test_steps_come_to_a_well_lit_face_or_to_the_camera_s_limit(gamma, grey_per_ms, time_us, gain):
    exposure = Exposure(time_us, gain)
    for _ in range(12):
        light = light_of(exposure, grey_per_ms, gamma)
        if light.is_good:
            return
        exposure = next_exposure(light, exposure, LIMITS)
    light = light_of(exposure, grey_per_ms, gamma)
    too_dark = light.level < TARGET_LEVEL and exposure.total >= 0.99 * 8334 * 10.7
    too_bright = light.level > TARGET_LEVEL and exposure.total <= 1.01 * 14
    assert light.is_good or too_dark or too_bright


def test_time_is_used_up_before_gain():
    assert LIMITS.spread(6000) == Exposure(6000, 1.0)
    assert LIMITS.spread(16668) == Exposure(8334, 2.0)
    assert LIMITS.spread(10**9) == Exposure(8334, 10.7)
    assert LIMITS.spread(1) == Exposure(14, 1.0)


def test_white_skin_means_much_less_light_whatever_its_mean():
    less = next_exposure(FaceLight(TARGET_LEVEL, 0.4), Exposure(5000, 1.0), LIMITS)
    assert less == Exposure(3000, 1.0)


def test_only_the_middle_of_the_box_is_metered():
    luma = np.full((100, 200), 10, np.uint8)
    luma[20:80, 60:140] = 250  # hair, ears and whatever is behind
    luma[35:74, 76:124] = 90
    assert face_light(luma, (60, 20, 140, 80)) == FaceLight(90.0, 0.0)


@pytest.mark.parametrize("box", [(-50, -40, 30, 30), (170, 60, 250, 140)])
def test_face_that_is_half_outside_is_metered_by_the_half_inside(box):
    luma = np.full((100, 200), 90, np.uint8)
    assert face_light(luma, box).level == 90


def test_face_outside_the_picture_changes_nothing():
    assert face_light(np.zeros((100, 200), np.uint8), (300, 10, 400, 60)).is_good
