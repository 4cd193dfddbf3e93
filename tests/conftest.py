"""How tests run: with numba's kernels, the same examples every time, no limit on how long one takes, and no
filter for good."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from edge import ahead, confine

# a build that somebody left in the checkout is tested by `make test-ahead`, which names it
os.environ.setdefault(ahead.VARIABLE, ahead.OFF)

# a deadline would fail on a busy machine, and examples that change would fail on somebody else's commit
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


@pytest.fixture(scope="session", autouse=True)
def unfiltered() -> Iterator[None]:
    """Sessions within this process put no filter in place.

    It could not be taken off again, and would bind every later test and its children; sessions that
    are run as programs of their own have it as users do (tests/test_confine.py, tests/proof).
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(confine, "_load_filter", lambda: None)
        yield
