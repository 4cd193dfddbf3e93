"""What is shown: the last frames, the state, the last events; nothing of whoever is watched no more."""

from __future__ import annotations

import threading

import numpy as np

from edge.health.loop import LoopVitals
from edge.indicate.indicator import State
from edge.live.file import LiveReader
from edge.live.publisher import LivePublisher
from edge.live.snapshot import N_FRAMES_MAX, SLOT_BYTES, packed
from edge.messages import Blink, FaceFound, FaceLost, SourceInfo


def test_the_newest_frames_are_shown_oldest_first(values, trace_of):
    values.want(True)
    for frame in range(1, 1000):
        values.add_trace(trace_of(frame))
    shown = values.snapshot()
    assert shown.times_ns.tolist() == [10_000_000 * frame for frame in range(1000 - N_FRAMES_MAX, 1000)]
    np.testing.assert_array_equal(shown.codes[:, 0], np.arange(1000 - N_FRAMES_MAX, 1000))
    assert (shown.points == 999).all()


def test_what_was_shown_to_somebody_before_is_not_shown_again(values, trace_of):
    values.want(True)
    values.add_trace(trace_of(1))
    values.want(False)
    values.want(True)
    assert len(values.snapshot().times_ns) == 0
    values.add_trace(trace_of(2))
    assert values.snapshot().times_ns.tolist() == [20_000_000]


def test_of_two_faces_the_first_is_shown_until_it_is_lost(values, trace_of):
    values.want(True)
    for face in (0, 1):
        values.add_trace(trace_of(5 + face, face))
    assert values.snapshot().codes[:, 0].tolist() == [5]
    values.hear(1.0, FaceLost(0, 7, 70_000_000))
    values.add_trace(trace_of(8, 1))
    assert values.snapshot().codes[:, 0].tolist() == [5, 8]


def test_events_and_counts_are_shown_with_their_flags(values, cue):
    values.hear(0.5, FaceFound(0, 0, 0))
    values.hear(1.2, cue)
    values.hear(2.0, Blink(0, 0, 1, 2, "both"))
    values.show(State.WATCHING)
    state = values.state()
    assert (state["n_micro"], state["n_macro"], state["n_blinks"]) == (1, 0, 1)
    assert [event["what"] for event in state["events"]] == ["face found", "micro", "blink"]
    assert state["events"][1]["movements"] == "inner_brow_raise"
    assert state["events"][1]["flags"] == ["during_blink"]
    assert state["state"] == "watching"
    assert state["session_id"] == "20260101-000000-abcd"


def test_the_fullest_state_fits_into_its_slot(values, cue, trace_of):
    wordy = SourceInfo("ü" * 5000, 640, 480, 100.0, "sensor", True)
    values.begin("20260101-000000-abcd", wordy, LoopVitals())
    values.want(True)
    for frame in range(1, 600):
        values.add_trace(trace_of(frame))
        values.hear(1e6 + frame / 3, cue)
    assert len(packed(values.snapshot())) == SLOT_BYTES
    assert len(values.state()["events"]) == 12


def test_after_a_session_nothing_of_the_person_is_left(values, cue, trace_of):
    values.want(True)
    values.add_trace(trace_of(77))
    values.hear(1.0, cue)
    values.end()
    shown = values.snapshot()
    assert len(shown.times_ns) == len(shown.points) == 0
    assert "session_id" not in shown.state
    assert shown.state["events"] == []
    assert shown.state["n_micro"] == 0
    assert not values._codes.any()


def test_snapshots_taken_while_the_loop_goes_on_never_mix_frames(values, trace_of):
    values.want(True)
    traces, is_over = [trace_of(frame) for frame in range(1, 2000)], threading.Event()

    def loop():
        while not is_over.is_set():
            for trace in traces:
                values.add_trace(trace)

    writer = threading.Thread(target=loop)
    writer.start()
    try:
        for _ in range(300):
            shown = values.snapshot()
            assert (shown.codes == (shown.times_ns // 10_000_000)[:, None]).all()
    finally:
        is_over.set()
        writer.join()


def test_values_are_wanted_while_somebody_looks(values, file, trace_of, tmp_path):
    heard = []
    publisher = LivePublisher(values, file, lambda: heard.append(1))
    assert publisher.publish() > 0.1
    assert not values.is_wanted
    assert file.path.stat().st_size == 0
    reader = LiveReader(tmp_path)
    assert publisher.publish() < 0.1
    assert values.is_wanted
    values.add_trace(trace_of(3))
    publisher.publish()
    assert reader.read().codes[:, 0].tolist() == [3]
    reader.close()
    publisher.publish()
    assert not values.is_wanted
    assert file.path.stat().st_size == 0
    assert heard == []


def test_a_publishers_thread_shows_and_listens_until_it_is_closed(values, file, tmp_path):
    heard = threading.Event()
    publisher = LivePublisher(values, file, heard.set).start()
    reader = LiveReader(tmp_path)
    values.show(State.LEARNING)
    assert heard.wait(20)
    while (shown := reader.read()) is None:
        assert publisher.is_alive
    assert shown.state["state"] == "learning"
    publisher.close()
    publisher.close()
    assert reader.has_ended
    reader.close()
