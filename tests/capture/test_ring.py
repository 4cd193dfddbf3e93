"""The frame ring against a plain model, and with two threads."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.capture.ring import FrameRing


def write(ring, number):
    slot = ring.begin()
    slot.timestamp_ns = number
    slot.luma.fill(number % 251)
    ring.commit()


@settings(deadline=None)
@given(n_slots=st.integers(4, 9), steps=st.lists(st.booleans(), max_size=80))
def test_ring_gives_the_newest_frames_in_order_and_counts_the_rest(n_slots, steps):
    ring = FrameRing(n_slots, 2, 3)
    expected: deque[int] = deque()
    n_written = n_overwritten = 0
    lent = False
    for is_write in steps:
        if is_write:
            if len(expected) == n_slots - lent:
                expected.popleft()
                n_overwritten += 1
            expected.append(n_written)
            write(ring, n_written)
            n_written += 1
        else:
            slot = ring.take(0.0)
            lent = slot is not None
            assert (slot.timestamp_ns if slot else None) == (expected.popleft() if expected else None)
        assert ring.n_overwritten == n_overwritten


@settings(deadline=None)
@given(n_writes=st.integers(0, 40))
def test_lent_frame_is_never_overwritten(n_writes):
    ring = FrameRing(4, 2, 3)
    write(ring, 7)
    slot = ring.take(0.0)
    for number in range(100, 100 + n_writes):
        write(ring, number)
    assert slot.timestamp_ns == 7
    assert np.all(slot.luma == 7)


def test_frame_is_poisoned_once_it_is_given_back():
    ring = FrameRing(4, 2, 3, poison=True)
    write(ring, 7)
    luma = ring.take(0.0).luma
    assert np.all(luma == 7)
    ring.take(0.0)
    assert np.all(luma == 0xA5)


def test_begin_gives_the_same_slot_until_commit():
    ring = FrameRing(4, 2, 3)
    assert ring.begin() is ring.begin()
    ring.commit()
    with pytest.raises(ValueError, match="commit without begin"):
        ring.commit()


def test_ended_ring_gives_what_is_left_and_then_does_not_wait():
    ring = FrameRing(4, 2, 3)
    write(ring, 1)
    ring.end()
    assert ring.take(1000.0).timestamp_ns == 1
    assert ring.take(1000.0) is None


def test_ring_refuses_to_be_too_small():
    with pytest.raises(ValueError, match="4 slots or more, not 3"):
        FrameRing(3, 2, 3)


def test_reader_and_writer_threads_agree_on_every_frame():
    ring = FrameRing(5, 8, 8)
    n = 3000

    def produce():
        for number in range(n):
            write(ring, number)
        ring.end()

    writer = threading.Thread(target=produce)
    writer.start()
    seen = []
    while (slot := ring.take(5.0)) is not None:
        number = slot.timestamp_ns
        assert np.all(slot.luma == number % 251)
        assert slot.timestamp_ns == number
        seen.append(number)
    writer.join()
    assert seen == sorted(set(seen))
    assert len(seen) + ring.n_overwritten == n
    assert seen[-1] == n - 1
