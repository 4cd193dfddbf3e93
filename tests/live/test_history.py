"""The last seconds, put together from snapshots that overlap."""

from __future__ import annotations

import numpy as np
import pytest

from edge.anatomy import CHANNEL_QUANTA, LOST, N_CHANNELS, SIGNAL_NAMES
from edge.live.history import History
from edge.live.snapshot import Snapshot

FPS = 100
NO_POINTS = np.zeros((0, 2), np.int16)


def snapshot_of(frames, codes=None, session="one", **state):
    times_ns = np.asarray(frames, np.int64) * (10**9 // FPS)
    codes = np.zeros((len(times_ns), N_CHANNELS), np.int16) if codes is None else codes
    return Snapshot(1, {"session_id": session, "live": False, **state}, times_ns, codes, NO_POINTS)


@pytest.fixture
def pulse():
    """int16 [shape=(200, N_CHANNELS)]: the right inner brow is 10 miod off from frame 150 to 160."""
    codes = np.zeros((200, N_CHANNELS), np.int16)
    inner_brow = SIGNAL_NAMES.index("inner_brow_right")
    codes[150:160, inner_brow] = round(10 / CHANNEL_QUANTA[inner_brow])
    return codes


def test_frames_that_two_snapshots_have_are_counted_once():
    history = History(10.0)
    history.add(snapshot_of(range(1, 101)))
    history.add(snapshot_of(range(51, 201)))
    assert len(history._times_ns) == 200
    assert history.fps == pytest.approx(FPS)


def test_only_the_last_seconds_are_kept_and_another_session_begins_anew():
    history = History(1.0)
    history.add(snapshot_of(range(1, 256)))
    assert len(history._times_ns) == FPS
    history.add(snapshot_of(range(1, 11), session="two"))
    assert len(history._times_ns) == 10


def test_a_movement_shows_in_its_region_its_side_and_its_steps(pulse):
    history = History(2.0)
    history.add(snapshot_of(range(1, 201), pulse))
    brow = history.movement("brow", "right", 20)
    assert brow.argmax() in (14, 15)
    assert brow.max() == pytest.approx(10.0, abs=0.02)
    assert brow[:13].max() == 0
    assert history.movement("brow", "left", 20).max() == 0
    assert history.movement("mouth", "right", 20).max() == 0


def test_steps_without_a_frame_and_lost_patches_are_not_zero(pulse):
    pulse[:, SIGNAL_NAMES.index("chin_left")] = LOST
    history = History(4.0)
    history.add(snapshot_of(range(1, 201), pulse))
    assert np.isnan(history.movement("brow", "right", 8)[:3]).all()
    assert np.isnan(history.movement("jaw", "left", 8)).all()
    assert history.movement("jaw", "right", 8)[-1] == 0


def test_of_a_camera_the_time_runs_on_without_a_face():
    history = History(2.0)
    history.add(snapshot_of(range(1, 100), live=True, at_boottime_ns=10**9))
    history.add(snapshot_of(range(1, 100), live=True, at_boottime_ns=2 * 10**9))
    steps = history.movement("brow", "left", 4)
    assert np.isnan(steps[2:]).all()
    assert not np.isnan(steps[:2]).any()


def test_nothing_seen_is_nothing_shown():
    history = History(2.0)
    assert np.isnan(history.newest()).all()
    history.add(snapshot_of([]))
    assert np.isnan(history.head(5)).all()
    assert np.isnan(history.closure(5)).all()
    assert history.fps == 0
