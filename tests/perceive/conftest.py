"""Fixtures of the perceive tests: the portrait, scenes made of it, and each installed runtime."""

from pathlib import Path

import av
import numpy as np
import pytest

from edge.config import PerceiveConfig
from edge.perceive.runtime import installed_runtimes

PORTRAIT = Path(__file__).parents[2] / "edge" / "synth" / "portrait.png"


@pytest.fixture(scope="session")
def portrait():
    """uint8 [shape=(512, 512)]; one face about 100 px wide, its nose near (223, 130) px."""
    with av.open(str(PORTRAIT)) as container:
        luma = next(container.decode(video=0)).reformat(format="gray").to_ndarray()
    luma.flags.writeable = False
    return luma


@pytest.fixture(scope="session")
def head(portrait):
    """uint8 [shape=(220, 200)]: the portrait's head only."""
    return np.ascontiguousarray(portrait[20:240, 120:320])


@pytest.fixture
def two_faces(head):
    """uint8 [shape=(480, 640)]: a head at the right, and one twice as large at the left."""
    scene = np.full((480, 640), 90, np.uint8)
    scene[20:460, 10:410] = np.kron(head, np.ones((2, 2), np.uint8))
    scene[130:350, 430:630] = head
    return scene


@pytest.fixture(params=installed_runtimes())
def runtime(request):
    """Name of each runtime that can be used here."""
    return request.param


@pytest.fixture
def config():
    """The shipped settings."""
    return PerceiveConfig()
