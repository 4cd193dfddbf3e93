"""Simulated faces and spotters for the spotter's tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edge.config import SpotConfig
from edge.messages import Blink, Cue
from edge.spot import Spotter
from edge.spot.simulated import SimulatedFace


@pytest.fixture
def rng():
    """A generator with a fixed seed."""
    return np.random.default_rng(20260101)


@pytest.fixture
def watch() -> Callable[..., tuple[Spotter, list[Cue], list[Blink]]]:
    """A function: a simulated face in, its spotter, cues and blinks out."""

    def run(face: SimulatedFace, config: SpotConfig | None = None) -> tuple[Spotter, list[Cue], list[Blink]]:
        spotter = Spotter(config or SpotConfig(), face.fps)
        events = [event for trace in face.traces() for event in spotter.step(trace)]
        events.extend(spotter.flush())
        cues = [event for event in events if isinstance(event, Cue)]
        return spotter, cues, [event for event in events if isinstance(event, Blink)]

    return run
