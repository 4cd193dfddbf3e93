"""Which way up a Raspberry Pi camera's picture is, and which part of the sensor fills it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.picamera2_view import Orientation, Rectangle, crop_to_face

MOUNTED = [Orientation(turn_deg, mirror) for turn_deg in (0, 90, 180, 270) for mirror in (False, True)]


def read_out(picture, orientation):
    """What the sensor sends: flipped as it was told to."""
    horizontally, vertically = orientation.flips()
    return picture[:: -1 if vertically else 1, :: -1 if horizontally else 1]


def upright(picture, orientation):
    """The definition: turned clockwise, then mirrored."""
    turned = np.rot90(picture, -orientation.turn_deg // 90)
    return turned[:, ::-1] if orientation.mirror else turned


@pytest.mark.parametrize("orientation", MOUNTED)
@pytest.mark.parametrize("size", [(48, 64), (130, 200)])
def test_picture_is_turned_and_mirrored_as_it_is_mounted(orientation, size):
    picture = np.random.default_rng(5).integers(0, 255, size, np.uint8)
    expected = upright(picture, orientation)
    out = np.zeros(expected.shape, np.uint8)
    orientation.copy(read_out(picture, orientation), out)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("orientation", MOUNTED)
def test_box_of_the_upright_picture_is_found_on_the_sensor(orientation):
    read = np.zeros((48, 64), np.uint8)
    read[5:20, 30:57] = 1  # as it leaves the sensor, flips done
    out = np.zeros((64, 48) if orientation.on_its_side else (48, 64), np.uint8)
    orientation.copy(read, out)
    rows, columns = np.nonzero(out)
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert orientation.on_sensor(box, out.shape[1], out.shape[0]) == (30, 5, 57, 20)


WHOLE = Rectangle(1000, 752, 1280, 960)
edge = st.floats(0, 1)


@given(edge, edge, st.floats(0.02, 1), st.floats(0.02, 1), st.floats(0.25, 2))
def test_crop_keeps_its_shape_stays_inside_and_enlarges_nothing(x, y, width, height, binning):
    left, top = x * 640 * (1 - width), y * 480 * (1 - height)
    box = (left, top, left + 640 * width, top + 480 * height)
    crop = crop_to_face(box, (640, 480), WHOLE, binning)
    if crop is None:
        return
    assert crop.width / crop.height == pytest.approx(4 / 3, rel=0.02)
    assert WHOLE.x <= crop.x
    assert WHOLE.y <= crop.y
    assert crop.x + crop.width <= WHOLE.x + WHOLE.width
    assert crop.y + crop.height <= WHOLE.y + WHOLE.height
    assert crop.width + 1 >= 640 * binning
    # all of the face is in it
    assert crop.x <= WHOLE.x + 2 * box[0] + 1
    assert crop.x + crop.width >= WHOLE.x + 2 * box[2] - 1
    assert crop.height >= 2 * (box[3] - box[1])


def test_crop_is_centred_on_the_face_which_fills_nearly_half_of_it():
    crop = crop_to_face((300, 200, 380, 290), (640, 480), WHOLE, 0.5)
    assert crop == Rectangle(1000 + 680 - 266, 752 + 490 - 200, 533, 400)
    assert 2 * 90 / crop.height == pytest.approx(0.45)


@pytest.mark.parametrize(
    ("box", "sensor_px_per_pixel"),
    [((200, 100, 440, 330), 0.5), ((300, 200, 380, 290), 2.0)],
    ids=["face is large already", "mode has no finer pixels"],
)
def test_crop_that_would_gain_nothing_is_none(box, sensor_px_per_pixel):
    assert crop_to_face(box, (640, 480), WHOLE, sensor_px_per_pixel) is None
