"""Codes and wishes of visitors, and a recorder that goes on after some were forgotten."""

from __future__ import annotations

import threading

import pytest

from edge.config import RecordConfig
from edge.messages import SessionInfo, SourceInfo
from edge.record.errors import ConsentWithdrawn, ParticipantUnknown
from edge.record.forget import participants, sessions_of
from edge.record.people import add_consent, consents_of, withdraw_consent
from edge.record.recorder import Recorder
from edge.record.visitors import (
    ConsentText,
    KioskBusy,
    Wishes,
    admit,
    begin_visit,
    forget_visitors,
    kept_by,
    wishes,
)

TEXT = ConsentText("I agree.", "sha256:1")


@pytest.fixture
def recorder(tmp_path):
    """A kiosk's log."""
    recorder = Recorder.open(tmp_path, RecordConfig(), 3)
    yield recorder
    recorder.close()


def begin(recorder, code):
    source = SourceInfo("a camera", 64, 48, 30.0, "sensor", live=True)
    return recorder.start_session(SessionInfo(source, code), 5, 0, True)


def test_visitors_who_agree_at_the_same_moment_have_different_codes(tmp_path, recorder):
    threads = [threading.Thread(target=admit, args=(tmp_path, (), TEXT)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [code[:7] for code in participants(tmp_path)] == ["K-0001-", "K-0002-", "K-0003-", "K-0004-"]


def test_who_waits_longest_is_next_until_watched_or_withdrawn(tmp_path, recorder):
    assert wishes(tmp_path / "none") == Wishes(None, [])
    first, second = admit(tmp_path, (), TEXT), admit(tmp_path, (), TEXT)
    assert wishes(tmp_path) == Wishes(first, [])
    withdraw_consent(tmp_path, first)
    assert wishes(tmp_path) == Wishes(second, [first])
    begin(recorder, second)
    assert recorder.flush(10.0)
    assert wishes(tmp_path) == Wishes(None, [first])


def test_who_comes_again_with_the_code_waits_until_watched_under_the_new_consent(tmp_path, recorder):
    code = admit(tmp_path, ("signals",), TEXT)
    begin(recorder, code)
    recorder.end_session("the person left", 0)
    assert recorder.flush(10.0)
    assert wishes(tmp_path) == Wishes(None, [])
    assert admit(tmp_path, (), TEXT, code) == code
    assert admit(tmp_path, (), TEXT, code) == code  # pressed twice: one visit
    assert wishes(tmp_path) == Wishes(code, [])
    begin(recorder, code)
    recorder.end_session("the person left", 0)
    assert recorder.flush(10.0)
    assert wishes(tmp_path) == Wishes(None, [])
    assert (participants(tmp_path), len(sessions_of(tmp_path, code))) == ([code], 2)


def test_a_second_visit_that_no_kiosk_takes_up_leaves_the_first_alone(tmp_path, recorder):
    code = admit(tmp_path, ("signals",), TEXT)
    begin(recorder, code)
    recorder.end_session("the person left", 0)
    assert recorder.flush(10.0)
    with pytest.raises(KioskBusy):
        begin_visit(tmp_path, (), TEXT, code, patience_s=0.0)
    assert wishes(tmp_path) == Wishes(None, [])
    first, second = consents_of(tmp_path, code)
    assert (first.withdrawn_unix_ns, first.agreed) == (None, ("signals",))
    assert second.withdrawn_unix_ns is not None


@pytest.mark.parametrize("code", ["K-0009-hbkd", "P07"])
def test_only_a_code_of_this_kiosk_comes_again(tmp_path, recorder, code):
    add_consent(tmp_path, "P07", (), "1")
    with pytest.raises(ParticipantUnknown, match=code):
        admit(tmp_path, (), TEXT, code)
    assert participants(tmp_path) == ["P07"]


def test_whose_visits_wait_for_being_deleted_does_not_come_again(tmp_path, recorder):
    code = admit(tmp_path, (), TEXT)
    withdraw_consent(tmp_path, code)
    with pytest.raises(ConsentWithdrawn):
        admit(tmp_path, (), TEXT, code)
    assert wishes(tmp_path) == Wishes(None, [code])


def test_a_recorder_goes_on_after_visitors_were_forgotten(tmp_path, recorder):
    first, second = admit(tmp_path, (), TEXT), admit(tmp_path, (), TEXT)
    gone = begin(recorder, first)
    with pytest.raises(RuntimeError, match="not ended"):
        forget_visitors(recorder, tmp_path, [first])
    recorder.end_session("the person left", 0)
    assert forget_visitors(recorder, tmp_path, [first]).n_sessions == 1
    stays = begin(recorder, second)
    recorder.end_session("the person left", 0)
    assert recorder.flush(10.0)
    assert (participants(tmp_path), sessions_of(tmp_path, second)) == ([second], [stays])
    assert gone not in str(list(tmp_path.rglob("*")))
    assert recorder.fault is None


def test_a_press_covers_what_the_settings_keep_and_no_pictures():
    assert kept_by(RecordConfig()) == ("signals", "traces")
    assert kept_by(RecordConfig(signals=False)) == ("traces",)
    assert kept_by(RecordConfig(pictures=True, traces=False)) == ("signals",)
