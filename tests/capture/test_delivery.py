"""What every live source hands its frames to: how late a reader may be, and how failures arrive."""

from __future__ import annotations

from contextlib import suppress

import pytest

from edge.capture.delivery import Delivery
from edge.capture.errors import CameraAbsent, CameraBusy, SourceClosed
from edge.capture.source import SourceCounts


@pytest.mark.parametrize(("fps", "n_kept"), [(0.0, 8), (30.0, 8), (120.0, 15), (200.0, 24), (1000.0, 32)])
def test_reader_may_be_late_by_an_eighth_of_a_second(fps, n_kept):
    delivery, counts = Delivery(4, 6, fps), SourceCounts()
    for number in range(40):
        delivery.ring.begin().timestamp_ns = number
        delivery.ring.commit()
    delivery.fail(CameraAbsent("here"))
    kept = []
    with suppress(CameraAbsent):  # told after the frames before it
        while True:
            kept.append(delivery.read(0.0, counts).timestamp_ns)
    assert kept == list(range(40 - n_kept, 40))
    assert (counts.n_frames, counts.n_lost) == (n_kept, 40 - n_kept)


def test_first_failure_is_the_one_that_is_told():
    delivery = Delivery(4, 6, 120.0)
    delivery.fail(CameraBusy("here"))
    delivery.fail(CameraAbsent("here"))
    with pytest.raises(CameraBusy):
        delivery.read(0.0, SourceCounts())
    delivery.close()
    with pytest.raises(SourceClosed):
        delivery.read(0.0, SourceCounts())
