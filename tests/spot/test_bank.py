"""How far the pulse bank's filters look before and behind a pulse."""

from __future__ import annotations

import numpy as np
import pytest

from edge.anatomy import SIGNAL_NAMES
from edge.kernels import pulse
from edge.spot.bank import MACRO_PLAN, MICRO_PLAN, PulseBank
from edge.spot.leaks import leak_table
from edge.spot.simulated import SimulatedFace

LOST_UNTIL_S = 5.0


@pytest.mark.parametrize(
    ("plan", "rate_hz", "before_s", "pulse_s", "behind_s"),
    [(MICRO_PLAN, 200.0, 0.15, 0.566, 0.07), (MACRO_PLAN, 25.0, 0.6, 3.96, 0.4)],
    ids=["micro", "macro"],
)
def test_the_longest_filter_sees_again_when_its_pulse_and_two_short_shoulders_are_past(
    plan, rate_hz, before_s, pulse_s, behind_s
):
    """Shoulders of half and a third of the pulse would keep a signal that was lost unseen for longer."""
    face = SimulatedFace(15.0, fps=rate_hz, seed=3)
    face.lose(("inner_brow_left",), 2.0, LOST_UNTIL_S)
    bank, signal = PulseBank(plan, rate_hz, leak_table()), SIGNAL_NAMES.index("inner_brow_left")
    blind_until_s = 0.0
    for trace in face.traces():
        bank.push(trace.codes, trace.timestamp_ns, trace.sequence)
        if np.isnan(bank.work[pulse.RESPONSE, -1, signal]):
            blind_until_s = trace.timestamp_ns / 1e9
    # every window is rounded to samples by itself
    assert blind_until_s - LOST_UNTIL_S == pytest.approx(before_s + pulse_s + behind_s, abs=2.5 / rate_hz)
