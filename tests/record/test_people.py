"""Consents, marks and notes: who agreed to what, and what people added."""

import pytest

from edge.clock import boottime_ns
from edge.config import RecordConfig
from edge.messages import Mark
from edge.record import annotate
from edge.record.annotate import mark_at, mark_now, note_cue, note_session
from edge.record.errors import ConsentMissing, ConsentWithdrawn, CueUnknown, NotRunning
from edge.record.people import add_consent, consents_of, withdraw_consent, within_consent
from edge.record.reading import SESSION_COLUMNS, LogReader


def session_row(data_dir):
    with LogReader(data_dir) as log:
        return dict(zip(SESSION_COLUMNS, list(log.sessions())[-1], strict=True))


def test_consents_are_kept_with_their_text_and_the_newest_counts(data_dir):
    add_consent(data_dir, "P07", ("traces", "signals"), "2026-01", "We watch your face.")
    add_consent(data_dir, "P07", (), "2026-02")
    first, second = consents_of(data_dir, "P07")
    assert (first.agreed, first.text_version, first.text) == (
        ("signals", "traces"),
        "2026-01",
        "We watch your face.",
    )
    assert (second.agreed, second.withdrawn_unix_ns) == ((), None)
    assert first.at_unix_ns < second.at_unix_ns
    assert consents_of(data_dir, "P08") == []


@pytest.mark.parametrize(
    ("agreed", "kept"),
    [(("signals", "traces"), (True, True)), (("traces",), (False, True)), ((), (False, False))],
)
def test_no_more_is_kept_than_was_agreed_to(data_dir, scene, agreed, kept):
    add_consent(data_dir, "P01", agreed, "2026-01")
    recorder = scene.open(data_dir)
    recorder.keep_within_consent("P01", is_required=True)
    session_id = scene.start(recorder, live=False, clock_offset_ns=None)
    for frame in range(600):
        recorder.add_trace(scene.trace(frame))
    recorder.append(scene.cue(200, 212))
    recorder.close()
    with LogReader(data_dir) as log:
        assert (log.faces(session_id) == [0], log.point_light(session_id, 1) is not None) == kept
        assert len(list(log.cues(session_id))) == 1
    assert session_row(data_dir)["consent_version"] == "2026-01"


def test_settings_are_not_widened_by_a_consent(data_dir):
    add_consent(data_dir, "P01", ("signals", "traces"), "1")
    config = within_consent(RecordConfig(traces=False), consents_of(data_dir, "P01"), "P01", False)
    assert (config.signals, config.traces) == (True, False)


def test_without_a_consent_nobody_is_watched_where_one_is_required(data_dir, recorder):
    recorder.keep_within_consent("P01", is_required=False)
    for code in ("P01", ""):
        with pytest.raises(ConsentMissing, match=r"session\.consent_required"):
            recorder.keep_within_consent(code, is_required=True)


def test_who_withdrew_is_not_watched_until_a_new_consent(data_dir, recorder):
    add_consent(data_dir, "P01", ("signals",), "1")
    assert withdraw_consent(data_dir, "P01") == (1, 0)
    assert withdraw_consent(data_dir, "P01") == (0, 0)
    with pytest.raises(ConsentWithdrawn, match="forget --participant P01"):
        recorder.keep_within_consent("P01", is_required=False)
    add_consent(data_dir, "P01", ("signals",), "2")
    recorder.keep_within_consent("P01", is_required=True)


def test_marks_of_all_kinds_are_numbered_together_and_none_twice(scene, recorder, data_dir, monkeypatch):
    session_id = scene.start(recorder)
    recorder.append(Mark(scene.frame_ns(120), "from a file"))
    recorder.append(Mark(scene.frame_ns(120), "from a file"))
    recorder.flush(10.0)
    monkeypatch.setattr(annotate, "boottime_ns", lambda: scene.frame_ns(240))
    assert mark_now(data_dir, "by command") == (session_id, 2.0)
    recorder.append(Mark(scene.frame_ns(360), "button"))
    recorder.flush(10.0)
    mark_at(data_dir, session_id, 0.5, "afterwards")
    with LogReader(data_dir) as log:
        assert list(log.marks(session_id)) == [
            (0.5, "afterwards"),
            (1.0, "from a file"),
            (2.0, "by command"),
            (3.0, "button"),
        ]
    assert session_row(data_dir)["n_marks"] == 4
    assert recorder.counts.n_lost_rows == 0


def test_a_mark_for_now_needs_a_camera_that_is_watched(scene, data_dir):
    with pytest.raises(NotRunning, match="microcue run"):
        mark_now(data_dir, "too early")
    recorder = scene.open(data_dir)
    scene.start(recorder, live=False, clock_offset_ns=None)
    recorder.flush(10.0)
    with pytest.raises(NotRunning, match="--session and --at"):
        mark_now(data_dir, "a file has its own time")
    recorder.end_session("done", 1)
    scene.start(recorder)
    recorder.flush(10.0)
    assert mark_now(data_dir, "now")[1] == pytest.approx((boottime_ns() - scene.first_frame_ns) / 1e9, abs=60)
    recorder.close()
    with pytest.raises(NotRunning):
        mark_now(data_dir, "too late")


def test_notes_stand_beside_sessions_and_cues(scene, recorder, data_dir):
    session_id = scene.start(recorder)
    recorder.append(scene.cue(10, 20))
    recorder.flush(10.0)
    note_session(data_dir, session_id, "glasses off")
    note_cue(data_dir, f"{session_id}-0001", "a yawn")
    assert session_row(data_dir)["note"] == "glasses off"
    with LogReader(data_dir) as log:
        (row,) = log.cues(session_id)
    assert "a yawn" in row
    for unknown in (f"{session_id}-0002", "yesterday", "nobody-0001", ""):
        with pytest.raises(CueUnknown):
            note_cue(data_dir, unknown, "?")
