"""Random numbers, and small clips of a face whose every movement is known."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def rng():
    """A generator with the same numbers in every run."""
    return np.random.default_rng(20240611)
