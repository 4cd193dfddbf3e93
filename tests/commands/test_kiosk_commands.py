"""What the command line says at a kiosk, and what it keeps to itself."""

from __future__ import annotations

import json
import threading

import pytest

from edge.config import RecordConfig
from edge.messages import SessionInfo, SourceInfo
from edge.record import visitors
from edge.record.forget import participants
from edge.record.people import consents_of
from edge.record.recorder import Recorder


@pytest.fixture
def data_dir(tmp_path):
    """Where the log is."""
    return tmp_path / "data"


@pytest.fixture
def settings(tmp_path):
    """A kiosk's settings file."""
    (tmp_path / "consent.txt").write_text("I agree.", encoding="utf-8")
    path = tmp_path / "kiosk.toml"
    path.write_text(f'[session]\nmode = "kiosk"\n[kiosk]\nconsent_text = "{tmp_path}/consent.txt"\n')
    return path


@pytest.fixture
def recorder(data_dir):
    """The log of a kiosk that runs."""
    recorder = Recorder.open(data_dir, RecordConfig(), 3)
    yield recorder
    recorder.close()


def test_consent_is_given_where_a_kiosk_takes_it_up(microcue, settings, data_dir, recorder):
    def take_up():
        while not (code := visitors.wishes(data_dir).waiting):
            waited.wait(0.05)
        source = SourceInfo("a camera", 64, 48, 30.0, "sensor", live=False)
        recorder.start_session(SessionInfo(source, code), 5, None, True)

    waited = threading.Event()
    kiosk = threading.Thread(target=take_up)
    kiosk.start()
    code, out, _ = microcue("consent", "--give", "--agreed", "traces", "--config", str(settings), "--json")
    kiosk.join()
    assert code == 0
    visitor = json.loads(out)["participant"]
    assert visitor.startswith("K-0001-")
    assert consents_of(data_dir, visitor)[0].agreed == ("traces",)


def test_somebody_with_a_code_is_watched_under_it_again(microcue, settings, data_dir, recorder, tmp_path):
    visitor = visitors.admit(data_dir, (), visitors.read_consent_text(tmp_path / "consent.txt"))
    source = SourceInfo("a camera", 64, 48, 30.0, "sensor", live=False)
    recorder.start_session(SessionInfo(source, visitor), 5, None, True)
    recorder.end_session("the person left", 0)
    assert recorder.flush(10.0)

    def take_up():
        while visitors.wishes(data_dir).waiting != visitor:
            waited.wait(0.05)
        recorder.start_session(SessionInfo(source, visitor), 5, None, True)

    waited = threading.Event()
    kiosk = threading.Thread(target=take_up)
    kiosk.start()
    code, out, _ = microcue("consent", visitor, "--give", "--config", str(settings), "--json")
    kiosk.join()
    assert (code, json.loads(out)["participant"]) == (0, visitor)
    assert (participants(data_dir), len(consents_of(data_dir, visitor))) == ([visitor], 2)


def test_consent_that_no_kiosk_takes_up_is_withdrawn_again(settings, data_dir, recorder, tmp_path):
    text = visitors.read_consent_text(tmp_path / "consent.txt")
    with pytest.raises(visitors.KioskBusy, match="watches somebody else"):
        visitors.begin_visit(data_dir, (), text, patience_s=0.0)
    assert visitors.wishes(data_dir).withdrawn == participants(data_dir)


def test_a_withdrawal_says_what_becomes_of_what_was_logged(microcue, settings, data_dir, recorder, tmp_path):
    text = visitors.read_consent_text(tmp_path / "consent.txt")
    visitor = visitors.admit(data_dir, (), text)
    _, out, _ = microcue("consent", visitor, "--withdraw", "--config", str(settings))
    assert f"The kiosk deletes all of {visitor} within seconds" in out
    recorder.close()
    _, out, _ = microcue("consent", visitor, "--withdraw", "--config", str(settings))
    assert f"No kiosk runs here: the next start of one deletes all of {visitor}" in out
    microcue("consent", "P07", "--agreed", "none", "--version", "1")
    _, out, _ = microcue("consent", "P07", "--withdraw")
    assert "What was logged stays until `microcue forget --participant P07`" in out


def test_consent_is_given_to_no_kiosk_that_does_not_run(microcue, settings, data_dir):
    code, _, err = microcue("consent", "--give", "--config", str(settings))
    assert (code, "nothing runs there" in err) == (74, True)
    assert not data_dir.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--give",), 'session.mode is "person"'),
        (("--give", "P07", "--withdraw"), "goes with CODE and --agreed alone"),
        (("--give", "no/code"), "a code, never a name"),
        (("--withdraw",), "expect CODE"),
    ],
)
def test_consent_says_what_does_not_go_together(microcue, words, said):
    code, _, err = microcue("consent", *words)
    assert (code, said in err) == (2, True)


def test_run_at_a_kiosk_refuses_without_a_light(microcue, settings, data_dir):
    code, _, err = microcue("run", "--config", str(settings), "--camera", "v4l2:/dev/video99")
    assert (code, "indicate.camera_led is empty" in err) == (78, True)
    assert not data_dir.exists()


def test_run_at_a_kiosk_prints_neither_code_nor_session_nor_cue(microcue, settings, monkeypatch):
    from types import SimpleNamespace

    from edge import app

    def run_sessions(config, data_dir, duration_s, tell, warn, marks):
        tell(1.0, "a face")
        yield "20260101-000000-abcd", SimpleNamespace(reason="the person left", n_micro=2, n_macro=0)

    monkeypatch.setattr(app, "run_sessions", run_sessions)
    code, out, err = microcue("run", "--config", str(settings))
    assert (code, out, err) == (0, "A session ended: the person left.\n", "")
