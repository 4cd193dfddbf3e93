"""A camera with a light beside it: never read in the dark, never lit without being read."""

from __future__ import annotations

import numpy as np
import pytest

from edge.capture.scripted import ScriptedSource
from edge.errors import DeviceAbsent, IndicateError
from edge.indicate.patterns import DARK, WHITE
from edge.indicate.recorded import RecordedLight
from edge.lit_source import LitSource
from edge.messages import Frame


@pytest.fixture
def light():
    """A light that remembers."""
    return RecordedLight(lambda: 0)


def test_the_light_is_on_from_before_the_camera_opens_until_after_it_closes(light):
    seen = []

    class Watched(ScriptedSource):
        def __init__(self):
            seen.append(("open", light.history[-1][1]))
            super().__init__([Frame(0, 5, np.zeros((4, 6), np.uint8))])

        def close(self):
            seen.append(("close", light.history[-1][1]))
            super().close()

    source = LitSource(light, Watched)
    assert source.read(1.0).timestamp_ns == 5
    assert (source.counts.n_frames, source.info.width) == (1, 6)
    assert light.history == [(0, WHITE)]
    source.close()
    source.close()
    assert seen == [("open", WHITE), ("close", WHITE)]
    assert light.history == [(0, WHITE), (0, DARK)]
    assert light.is_closed


def test_without_its_light_no_camera_is_opened():
    opened = []
    dead = RecordedLight(lambda: 0, [IndicateError("the pin is gone")])
    with pytest.raises(IndicateError, match="gone"):
        LitSource(dead, lambda: opened.append(1))
    assert opened == []
    assert dead.is_closed


def test_without_a_camera_the_light_goes_off_again(light):
    def absent():
        raise DeviceAbsent("no camera")

    with pytest.raises(DeviceAbsent):
        LitSource(light, absent)
    assert [colour for _, colour in light.history] == [WHITE, DARK]
    assert light.is_closed
