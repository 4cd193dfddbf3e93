"""Short videos of a face that moves, and settings under which that is soon seen."""

from __future__ import annotations

import pytest

from edge.config import Config, with_overrides
from edge.perceive.finder import FaceFinder
from edge.synth.encode import write_clip
from edge.synth.plan import parse_plan
from edge.synth.portrait import built_in_portrait
from edge.synth.scene import Scene

PLAN = """\
# fps=60
# duration_s=5
# width=320
# height=240
# face_width_px=130
# seed=3
# sway_miod=10
event,onset_s,duration_s,rise_fraction,hold_fraction,movement,side,amplitude,note
blink,1.2,0.21,,,,both,1,
movement,2.0,0.25,0.5,0,inner_brow_raise,both,30,
movement,3.2,0.3,0.45,0,lip_corner_pull,right,30,
"""


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    """Five seconds at 60 frames/s with two movements and a blink."""
    path = tmp_path_factory.mktemp("videos") / "face.mkv"
    write_clip(Scene(parse_plan(PLAN), built_in_portrait()).render(), path, 60.0)
    return path


@pytest.fixture(scope="session")
def config():
    """Settings that learn a person in a second, so that two movements in five are found."""
    return with_overrides(Config(), {"spot": {"learning_s": 1.0, "accepted_false_per_hour": 60.0}})


@pytest.fixture(scope="session")
def finder(config):
    """The models, loaded once."""
    return FaceFinder(config.perceive)
