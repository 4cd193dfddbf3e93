"""`microcue forget`, `keep` and `privacy`, as a person or a script calls them."""

import json
from datetime import date, timedelta

import pytest

from edge.cli import main
from edge.config import RecordConfig
from edge.messages import SessionInfo, SourceInfo
from edge.record.lock import DataDirLock
from edge.record.recorder import Recorder


@pytest.fixture
def data_dir(tmp_path):
    """A log with three sessions: two of P07, one of nobody."""
    recorder = Recorder.open(tmp_path, RecordConfig(), 4)
    source = SourceInfo("scripted", 640, 480, 120.0, "sensor", live=False)
    for day, participant in enumerate(("P07", "", "P07")):
        recorder.start_session(
            SessionInfo(source, participant), 0, (1_700_000_000 + day * 86400) * 10**9, True
        )
        recorder.end_session("done", 0)
    recorder.close()
    return tmp_path


def participants_left(microcue):
    return [session["participant"] for session in json.loads(microcue("sessions", "--json")[1])]


def test_forget_deletes_a_participant_and_says_that_nothing_was_found(microcue):
    code, out, _ = microcue("forget", "--participant", "P07", "--yes")
    assert code == 0
    assert "Deleted 2 sessions and participant P07, " in out
    assert "none was found." in out
    assert out.endswith("is not looked for: it turns up by chance.\n")
    assert participants_left(microcue) == [None]
    assert microcue("forget", "--participant", "P07", "--yes")[0] == 2


def test_forget_deletes_a_session_or_all(microcue):
    assert microcue("forget", "latest", "--yes")[0] == 0
    assert participants_left(microcue) == ["P07", None]
    _, out, _ = microcue("forget", "--all", "--yes", "--json")
    assert len(json.loads(out)["sessions"]) == 2
    assert participants_left(microcue) == []


def test_forget_all_deletes_people_whose_sessions_are_gone(microcue, data_dir):
    assert microcue("consent", "P09", "--agreed", "none", "--version", "1")[0] == 0
    assert microcue("forget", "--all", "--yes")[0] == 0
    assert microcue("consent", "P09", "--agreed", "none", "--version", "1")[0] == 0
    _, out, _ = microcue("consent", "--json")
    assert [(one["participant"], one["n_sessions"]) for one in json.loads(out)] == [("P09", 0)]
    _, out, _ = microcue("forget", "--all", "--yes")
    assert "Deleted 0 sessions and participant P09, 2 rows in all" in out
    assert json.loads(microcue("consent", "--json")[1]) == []
    assert "No participant is recorded" in microcue("consent")[1]
    assert microcue("forget", "--all", "--yes")[0] == 2


@pytest.mark.parametrize("words", [(), ("latest", "--all"), ("--all", "--participant", "P07")])
def test_forget_wants_to_know_exactly_what(microcue, words):
    code, _, err = microcue("forget", *words, "--yes")
    assert (code, "one of the three" in err) == (2, True)
    assert len(participants_left(microcue)) == 3


def test_forget_asks_a_person_and_refuses_to_guess_for_a_script(microcue, monkeypatch):
    code, _, err = microcue("forget", "latest")
    assert (code, "give --yes" in err) == (2, True)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    for answer, n_left in (("n", 3), ("", 3), ("y", 2)):
        monkeypatch.setattr("builtins.input", lambda *_, answer=answer: answer)
        microcue("forget", "latest")
        assert len(participants_left(microcue)) == n_left


def test_forget_names_what_is_not_there(microcue):
    assert "there is no session" in microcue("forget", "yesterday", "--yes")[2]
    assert "there is no participant 'P99'" in microcue("forget", "--participant", "P99", "--yes")[2]


def test_forget_claims_no_search_where_there_was_nothing_to_look_for(microcue):
    microcue("consent", "P31", "--agreed", "none", "--version", "1")
    out = microcue("forget", "--participant", "P31", "--yes")[1]
    assert "long enough to search for" in out
    assert "none was found" not in out


def rows_of_privacy(microcue, *words):
    return {row["what"]: row for row in json.loads(microcue("privacy", "--json", *words)[1])}


def test_keep_marks_a_session_and_takes_the_mark_away(microcue):
    assert microcue("keep", "latest")[1].endswith(": kept\n")
    assert rows_of_privacy(microcue)["kept sessions"]["n"] == 1
    assert microcue("keep", "latest", "--not")[0] == 0
    assert "kept sessions" not in rows_of_privacy(microcue)


def test_privacy_says_what_is_there_and_until_when(microcue, tmp_path):
    rows = rows_of_privacy(microcue)
    assert {name: rows[name]["n"] for name in ("sessions", "participants (codes)")} == {
        "sessions": 3,
        "participants (codes)": 1,
    }
    assert (rows["sessions"]["since"], rows["sessions"]["until"]) == ("2023-11-14", "until forgotten")
    assert "backup" not in rows
    microcue("backup")
    assert rows_of_privacy(microcue)["backup"]["n"] == 1
    settings = tmp_path / "microcue.toml"
    settings.write_text("[record]\nkeep_days = 30\nkeep_gb = 2\n")
    rows = rows_of_privacy(microcue, "--config", str(settings))
    until = f"after 30 days, the first on {date(2023, 11, 14) + timedelta(30)}; beyond 2 GB"
    assert rows["sessions"]["until"] == until
    assert rows["participants (codes)"]["until"] == "until forgotten"  # retention deletes sessions only


def test_privacy_asks_the_kernel_what_the_run_may_not_do(microcue, data_dir):
    assert not [name for name in rows_of_privacy(microcue) if name.startswith("process")]
    lock = DataDirLock(data_dir)
    rows = [row for name, row in rows_of_privacy(microcue).items() if name.startswith("process")]
    lock.release()
    assert [row["what"].partition(": ")[2] for row in rows] == [
        "system calls",
        "new privileges",
        "capabilities",
    ]
    assert {row["until"] for row in rows} <= {
        "filtered",
        "all allowed",
        "forbidden",
        "allowed",
        "none",
        "some",
    }


def test_privacy_of_an_empty_directory(tmp_path, capsys):
    assert main(["privacy", "--json", "--data", str(tmp_path / "none")]) == 0
    assert json.loads(capsys.readouterr().out)[0]["what"] == "nothing"
