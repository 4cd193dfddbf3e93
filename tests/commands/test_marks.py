"""`microcue consent`, `mark` and `note`, and the file that `run --marks` reads."""

import json

import pytest

from edge.commands.marks_file import MarksFileUnreadable, read_marks
from edge.config import RecordConfig
from edge.messages import Mark, SessionInfo, SourceInfo
from edge.record.reading import LogReader
from edge.record.recorder import Recorder


@pytest.fixture
def data_dir(tmp_path):
    """A log with one finished session that has a mark."""
    recorder = Recorder.open(tmp_path, RecordConfig(), 4)
    source = SourceInfo("scripted", 640, 480, 120.0, "sensor", live=False)
    recorder.start_session(SessionInfo(source, "P07"), 0, None, False)
    recorder.append(Mark(10**9, "first"))
    recorder.close()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("", []),
        ("1.5,hello\n0.5,before\n", [(0.5, "before"), (1.5, "hello")]),
        ("1\ta, with a comma\n\n2\tb\n", [(1.0, "a, with a comma"), (2.0, "b")]),
        ('3,"said ""no"", twice"\n', [(3.0, 'said "no", twice')]),
        ("onset\tduration\ttrial_type\n4.0\t0\tstimulus\n", [(4.0, "stimulus")]),
        ("seconds,words\n4,x\n", [(4.0, "x")]),
        ("\ufeff0,byte order mark\n", [(0.0, "byte order mark")]),
    ],
)
def test_a_table_of_marks_is_read_as_other_programs_write_it(tmp_path, text, marks):
    path = tmp_path / "marks"
    path.write_text(text, encoding="utf-8")
    assert read_marks(path) == marks


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"1,a\nsoon,b\n", "line 2: 'soon,b'"),
        (b"1\n", "line 1: '1'"),
        (b"-1,a\n2,b\nnan,c", "line 3"),
        (b"\xff\xfe1,a", "no UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_a_table_that_is_none_is_refused_with_its_line(tmp_path, content, said):
    path = tmp_path / "marks"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MarksFileUnreadable, match=said):
        read_marks(path)


def test_mark_goes_to_a_given_time_of_a_finished_session(microcue, data_dir):
    code, out, _ = microcue("mark", "second", "--at", "2.5", "--json")
    assert (code, json.loads(out)["at_s"]) == (0, 2.5)
    with LogReader(data_dir) as log:
        assert list(log.marks(log.resolve("latest"))) == [(1.0, "first"), (2.5, "second")]
    assert microcue("mark", "now")[0] == 2
    assert microcue("mark", " ", "--at", "1")[0] == 2
    assert microcue("mark", "x", "--at", "-1")[0] == 2


def test_note_is_written_to_a_session_and_refused_for_what_is_unknown(microcue):
    assert microcue("note", "latest", "glasses off")[0] == 0
    assert json.loads(microcue("sessions", "--json")[1])[0]["note"] == "glasses off"
    code, _, err = microcue("note", "yesterday", "x")
    assert (code, "no session and no cue" in err) == (2, True)


def test_consent_is_recorded_shown_and_withdrawn(microcue, tmp_path):
    text = tmp_path / "consent.txt"
    text.write_text("We watch your face.")
    words = ("consent", "P07", "--agreed", "signals, traces", "--version", "2026-03", "--text", str(text))
    assert microcue(*words)[0] == 0
    (consent,) = json.loads(microcue("consent", "P07", "--json")[1])
    assert (consent["agreed"], consent["version"]) == ("signals traces", "2026-03")
    assert (consent["text"], consent["withdrawn_utc"]) == ("19 characters", "")
    assert microcue("consent", "P07", "--withdraw")[0] == 0
    (consent,) = json.loads(microcue("consent", "P07", "--json")[1])
    assert consent["withdrawn_utc"] != ""
    assert microcue("consent", "P08")[1].startswith("No consent of P08 is recorded")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Jane Doe",), "never a name"),
        (("P07", "--agreed", "everything", "--version", "1"), "found 'everything'"),
        (("P07", "--agreed", "none"), "needs --version"),
        (("P07", "--agreed", "none", "--version", "1", "--withdraw"), "not both"),
        (("P08", "--withdraw"), "no participant 'P08'"),
        (("P07", "--agreed", "none", "--version", "1", "--text", "absent.txt"), "cannot be read"),
    ],
)
def test_consent_refuses_what_it_cannot_record(microcue, words, said):
    code, _, err = microcue("consent", *words)
    assert code == 2
    assert said in err
