"""What blinks pull along is learned from the person's own, and movements are not learned away."""

from __future__ import annotations

import numpy as np
import pytest

from edge.anatomy import N_SIGNALS, SIGNAL_NAMES
from edge.kernels import pulse
from edge.spot.leaks import BlinkLeak, leak_table

BROW = SIGNAL_NAMES.index("inner_brow_left")
CHIN = SIGNAL_NAMES.index("chin_left")
LID = SIGNAL_NAMES.index("upper_lid_left")


def blink(rng, dragged, n_samples=40):
    """All signals through one blink: noise of 0.3 miod, and what is dragged along."""
    values = 0.3 * rng.normal(size=(n_samples, N_SIGNALS)) + np.linspace(0.0, 5.0, n_samples)[:, None]
    arch = np.sin(np.pi * np.arange(n_samples) / (n_samples - 1)) ** 2
    for signal, miod in dragged.items():
        values[:, signal] += miod * arch
    return values.astype(np.float32)


def closure_leak(leak):
    return leak.table[pulse.CLOSURE_LEAK]


def test_the_table_is_believed_before_the_first_blink():
    np.testing.assert_array_equal(BlinkLeak().table, leak_table())


def test_what_every_blink_drags_along_raises_the_bar(rng):
    leak = BlinkLeak()
    for _ in range(15):
        leak.learn(blink(rng, {CHIN: -9.0, LID: -90.0}), 0.8)
    # a travel of 1.2, five sigma of it half as much again as the usual 9 miod
    assert 5.0 * 1.2 * closure_leak(leak)[CHIN] == pytest.approx(13.5, rel=0.25)
    assert closure_leak(leak)[LID] == leak_table()[pulse.CLOSURE_LEAK, LID]


def test_who_blinks_gently_gets_a_lower_bar_than_the_table(rng):
    leak = BlinkLeak()
    for _ in range(15):
        leak.learn(blink(rng, {LID: -90.0}), 0.8)
    assert closure_leak(leak)[BROW] < 0.4 * leak_table()[pulse.CLOSURE_LEAK, BROW]


def test_a_movement_with_some_blinks_is_not_learned_away(rng):
    with_some, without = BlinkLeak(), BlinkLeak()
    for count in range(15):
        with_some.learn(blink(rng, {BROW: 25.0} if count % 3 == 0 else {}), 0.8)
        without.learn(blink(rng, {}), 0.8)
    assert closure_leak(with_some)[BROW] < closure_leak(without)[BROW] + 0.15


def test_lost_signals_teach_nothing_wild(rng):
    leak = BlinkLeak()
    values = blink(rng, {})
    values[:, CHIN] = np.nan
    values[10:, BROW] = np.nan
    for _ in range(15):
        leak.learn(values, 0.8)
    assert np.isfinite(leak.table).all()
    assert closure_leak(leak)[[CHIN, BROW]].max() < leak_table()[pulse.CLOSURE_LEAK, BROW]
