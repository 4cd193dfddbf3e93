"""Small scenes, so that each test draws in milliseconds."""

from __future__ import annotations

import numpy as np
import pytest

from edge.synth.plan import Happening, Plan, SceneSettings
from edge.synth.portrait import built_in_portrait
from edge.synth.scene import Scene

STILL = {"sway_miod": 0.0, "turn_sway_deg": 0.0, "pulse_miod": 0.0, "noise_levels": 0.0}


@pytest.fixture(scope="session")
def portrait():
    """The built-in photograph."""
    return built_in_portrait()


@pytest.fixture(scope="session")
def scene_of(portrait):
    """Builds a scene of 320x240 px with a face of 150 px that keeps still but for what is given."""

    def build(*happenings: Happening, **settings: float) -> Scene:
        size = {"width": 320, "height": 240, "face_width_px": 150.0, "duration_s": 1.0}
        return Scene(Plan(happenings, SceneSettings(**{**size, **STILL, **settings})), portrait)

    return build


@pytest.fixture
def rng():
    return np.random.default_rng(20)
