"""Signals at any zoom: each level says what the frames say, also while the session is still being read."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from edge.anatomy import LOST, N_CHANNELS
from edge.config import RecordConfig
from edge.messages import SessionInfo, SourceInfo, Trace
from edge.record.recorder import Recorder
from edge.record.timeline import TimelineReader
from edge.review.envelope import Envelope
from edge.track.points import N_POINTS

FPS = 16  # as many frames in a block as it has bins, so that a bin is a frame
N_SECONDS = 200


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Data directory, session and codes of 200 s, a few frames of them lost."""
    data_dir = tmp_path_factory.mktemp("recorded")
    rng = np.random.default_rng(5)
    codes = rng.integers(-3000, 3000, (N_SECONDS * FPS, N_CHANNELS)).astype(np.int16)
    codes[1000:1100, :5] = LOST
    recorder = Recorder.open(data_dir, RecordConfig(), N_POINTS)
    info = SessionInfo(SourceInfo("scripted", 640, 480, FPS, "sensor", False), "", "0.1.0", {}, {})
    session_id = recorder.start_session(info, 0, None, True)
    points = np.zeros((N_POINTS, 2), np.int16)
    for frame, row in enumerate(codes):
        recorder.add_trace(Trace(0, frame, frame * 10**9 // FPS, row, points))
    recorder.end_session("done", len(codes))
    recorder.close()
    return data_dir, session_id, codes


@pytest.fixture
def envelope(recorded):
    """An envelope that has read nothing."""
    data_dir, session_id, _ = recorded
    made = Envelope(lambda: TimelineReader(data_dir), session_id, 0, N_CHANNELS)
    yield made
    made.close()


def view(envelope, recorded, from_s, to_s, n_bins):
    with TimelineReader(recorded[0]) as log:
        return envelope.view(log, round(from_s * 1e9), round(to_s * 1e9), n_bins)


def complete(envelope, recorded, from_s, to_s, n_bins):
    """As `view`, once all is read."""
    while (found := view(envelope, recorded, from_s, to_s, n_bins)).share_read < 1:
        threading.Event().wait(0.05)
    return found


def expected(codes, from_s, to_s, n_bins):
    parts = codes[from_s * FPS : to_s * FPS].reshape(n_bins, -1, N_CHANNELS)
    high = parts.max(axis=1)
    low = np.where(parts == LOST, 32767, parts).min(axis=1)
    return np.where(high == LOST, LOST, low), high


@pytest.mark.parametrize(
    ("from_s", "to_s", "n_bins"), [(40, 80, 20), (40, 80, 640), (20, 180, 160), (0, 200, 20), (0, 200, 100)]
)
def test_every_level_has_least_and_greatest_of_its_frames(envelope, recorded, from_s, to_s, n_bins):
    found = complete(envelope, recorded, from_s, to_s, n_bins)
    low, high = expected(recorded[2], from_s, to_s, n_bins)
    np.testing.assert_array_equal(found.low, low)
    np.testing.assert_array_equal(found.high, high)


def test_a_second_look_reads_nothing_again(envelope, recorded):
    first = view(envelope, recorded, 40, 80, 400)
    with TimelineReader(recorded[0]) as log:
        log.blocks_within = None  # whoever asked for a block now would fail
        again = envelope.view(log, 50 * 10**9, 70 * 10**9, 200)
    np.testing.assert_array_equal(again.low, first.low[100:300])


def test_many_look_while_the_session_is_being_read(envelope, recorded):
    failed = []

    def look(seed):
        rng = np.random.default_rng(seed)
        try:
            for _ in range(20):
                from_s = int(rng.integers(0, 100))
                view(envelope, recorded, from_s, from_s + int(rng.integers(1, 100)), 100)
        except (IndexError, ValueError, AttributeError) as error:
            failed.append(error)

    threads = [threading.Thread(target=look, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    low, _ = expected(recorded[2], 0, 200, 100)
    np.testing.assert_array_equal(complete(envelope, recorded, 0, 200, 100).low, low)


def test_two_who_look_at_a_new_session_at_once_take_its_blocks_once(envelope, recorded):
    together = threading.Barrier(2)

    class Slow(TimelineReader):
        def blocks(self, *which):
            found = super().blocks(*which)
            together.wait(10)
            return found

    def look():
        with Slow(recorded[0]) as log:
            envelope.view(log, 0, 200 * 10**9, 100)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    low, _ = expected(recorded[2], 0, 200, 100)
    np.testing.assert_array_equal(complete(envelope, recorded, 0, 200, 100).low, low)
