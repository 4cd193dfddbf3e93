"""The worker's two modes, played with a scripted finder; no test depends on time."""

import ctypes
import threading
from concurrent.futures import wait

import numpy as np
import pytest

from edge.messages import FaceLandmarks, Frame
from edge.perceive.models import ModelMissing
from edge.perceive.scripted import ScriptedFinder
from edge.perceive.worker import FrameShapeChanged, KeyFrameThreadLost, KeyFrameWorker

LATENCY_NS = 50_000_000


def frame(sequence, timestamp_ns=None, shape=(48, 64), level=0):
    timestamp_ns = sequence * 10_000_000 if timestamp_ns is None else timestamp_ns
    return Frame(sequence, timestamp_ns, np.full(shape, level, np.uint8))


def face(x):
    return FaceLandmarks(0, np.full((468, 3), x, np.float32), 0.9)


@pytest.fixture
def gate():
    """Closed: the finder is busy until it is set."""
    return threading.Event()


@pytest.fixture
def worker_of(gate):
    """Makes workers around a finder and ends their threads."""
    workers = []

    def make(finder, latency_ns=None):
        workers.append(KeyFrameWorker(finder, 48, 64, latency_ns))
        return workers[-1]

    yield make
    gate.set()
    for worker in workers:
        worker.close()


def finish(worker):
    """Wait until the thread has done what it was given."""
    wait([worker._answer], timeout=60)


def test_live_a_busy_worker_refuses_a_key_frame_and_has_no_answer_yet(worker_of, gate):
    worker = worker_of(ScriptedFinder([(face(1.0),)], gate))
    assert worker.submit(frame(0))
    assert not worker.submit(frame(1))
    assert worker.collect(10**12) is None


def test_live_an_answer_is_handed_over_once_and_then_the_next_frame_is_taken(worker_of, gate):
    finder = ScriptedFinder([(face(1.0),), (face(2.0),)], gate)
    worker = worker_of(finder)
    gate.set()
    for sequence, x in ((3, 1.0), (9, 2.0)):
        assert worker.submit(frame(sequence))
        finish(worker)
        answer = worker.collect(0)
        assert (answer.sequence, answer.timestamp_ns) == (sequence, sequence * 10_000_000)
        assert answer.faces[0].points[0, 0] == x
        assert worker.collect(0) is None
    assert finder.seen == [(3, 30_000_000), (9, 90_000_000)]


def test_the_finder_sees_the_key_frame_even_after_its_buffer_was_reused(worker_of, gate):
    seen = []

    class Looking(ScriptedFinder):
        def find(self, luma, sequence, timestamp_ns):
            answer = super().find(luma, sequence, timestamp_ns)
            seen.append(int(luma[0, 0]))
            return answer

    worker = worker_of(Looking([], gate))
    borrowed = frame(0, level=77)
    worker.submit(borrowed)
    borrowed.luma[:] = 0
    gate.set()
    finish(worker)
    assert seen == [77]


@pytest.mark.parametrize("ready_first", [True, False])
def test_with_a_latency_the_answer_comes_exactly_when_due(worker_of, gate, ready_first):
    """Whether the thread was quick or must be waited for makes no difference."""
    worker = worker_of(ScriptedFinder([(face(1.0),)], gate), LATENCY_NS)
    worker.submit(frame(0, 1000))
    if ready_first:
        gate.set()
        finish(worker)
    assert worker.collect(1000) is None
    assert worker.collect(1000 + LATENCY_NS - 1) is None
    assert not worker.submit(frame(1, 2000))
    gate.set()
    assert worker.collect(1000 + LATENCY_NS).sequence == 0
    assert worker.submit(frame(2, 3000))


def test_collect_without_a_key_frame_is_none_in_both_modes(worker_of):
    assert worker_of(ScriptedFinder([])).collect(0) is None
    assert worker_of(ScriptedFinder([]), LATENCY_NS).collect(10**12) is None


@pytest.mark.parametrize("latency_ns", [None, LATENCY_NS])
def test_a_failure_in_the_thread_surfaces_at_collect(worker_of, gate, latency_ns):
    worker = worker_of(ScriptedFinder([ModelMissing("x", "there", ""), (face(1.0),)], gate), latency_ns)
    gate.set()
    worker.submit(frame(0, 0))
    finish(worker)
    with pytest.raises(ModelMissing, match=r"expected x\.toml"):
        worker.collect(LATENCY_NS)
    worker.submit(frame(1, 0))
    finish(worker)
    assert worker.collect(LATENCY_NS).faces[0].points[0, 0] == 1.0


def test_another_resolution_is_refused_with_both_sizes(worker_of):
    worker = worker_of(ScriptedFinder([]))
    with pytest.raises(
        FrameShapeChanged, match="expected frames of 64x48 px, but frame 5 has 32x24; start a new"
    ):
        worker.submit(frame(5, shape=(24, 32)))


def test_close_is_safe_twice_and_ends_the_thread(gate):
    gate.set()
    worker = KeyFrameWorker(ScriptedFinder([], gate), 48, 64)
    worker.submit(frame(0))
    worker.close()
    worker.close()
    assert not any(thread.name.startswith("perceive") for thread in threading.enumerate())


def kill(thread):
    """Have a thread end as if by itself, at the next thing it does in Python."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))


@pytest.mark.parametrize("latency_ns", [None, LATENCY_NS])
def test_a_thread_that_died_is_started_again_and_the_key_frame_in_its_hands_is_lost(
    worker_of, gate, latency_ns
):
    gate.set()
    worker = worker_of(ScriptedFinder([(face(1.0),), (face(2.0),), (face(3.0),)], gate), latency_ns)
    worker.submit(frame(0))
    finish(worker)
    assert worker.collect(LATENCY_NS).faces[0].points[0, 0] == 1.0
    kill(worker._ran)
    worker.submit(frame(10))  # wakes it, and it dies of it
    worker._ran.join(20)
    assert worker.collect(10**12) is None
    assert worker.n_revived == 1
    assert worker.submit(frame(20))
    finish(worker)
    assert worker.collect(10**12).sequence == 20


def test_a_thread_that_dies_again_and_again_is_given_up(worker_of):
    worker = worker_of(ScriptedFinder([]))
    worker.n_revived = 20
    worker.submit(frame(0))
    finish(worker)
    worker.collect(0)
    kill(worker._ran)
    worker.submit(frame(1))
    worker._ran.join(20)
    with pytest.raises(KeyFrameThreadLost, match="20 times"):
        worker.collect(0)
