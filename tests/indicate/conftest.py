"""What the indicator's tests share: a clock that moves when told to, and cues."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.messages import Cue


class VirtualClock:
    """Time that moves when a test says so, ns."""

    def __init__(self) -> None:
        self.time_ns = 5_000_000_000  # anything but zero

    def __call__(self) -> int:
        return self.time_ns


@pytest.fixture
def clock():
    """A clock that stands still until moved."""
    return VirtualClock()


@pytest.fixture
def make_cue():
    """Build a micro cue of 120 ms in the left inner brow, with some attributes replaced."""
    cue = Cue(
        face=0,
        kind="micro",
        onset_ns=1_000_000_000,
        apex_ns=1_050_000_000,
        offset_ns=1_120_000_000,
        onset_frame=120,
        apex_frame=126,
        offset_frame=134,
        duration_error_ms=8.4,
        regions=("brow",),
        movements=("inner_brow_raise",),
        side="left",
        amplitude_miod=18.2,
        score=9.1,
        expected_false_per_hour=0.3,
        head_motion_miod_s=4.0,
        fps=120.0,
        dropped_frames=0,
        during_blink=False,
        during_speech=False,
        lighting="ok",
    )
    return lambda **changes: replace(cue, **changes)
