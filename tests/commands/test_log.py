"""`microcue sessions`, `cues` and `export`, as a person or a script calls them."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from edge.cli import main
from edge.config import RecordConfig
from edge.messages import Blink, Cue, FaceFound, SessionInfo, SourceInfo
from edge.record.cue_rows import CUE_COLUMNS
from edge.record.reading import SESSION_COLUMNS
from edge.record.recorder import Recorder
from edge.record.schema import DATABASE_NAME

START_NS = 10**12


def make_cue(onset_s, duration_s, kind, movements):
    onset_ns, offset_ns = (START_NS + round(time_s * 1e9) for time_s in (onset_s, onset_s + duration_s))
    apex_ns = (onset_ns + offset_ns) // 2
    frames = [round((time_ns - START_NS) * 120e-9) for time_ns in (onset_ns, apex_ns, offset_ns)]
    return Cue(
        *(0, kind, onset_ns, apex_ns, offset_ns, *frames, 8.333, ("mouth",), movements, "left", 112.25, 6.5),
        *(0.0123, 3.5, 120.0, 0, kind == "macro", False, "flicker" if kind == "macro" else "ok"),
    )


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """No width, as in a pipe."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def data_dir(tmp_path):
    """A log with two finished sessions; the second has a micro cue, a macro cue and a blink."""
    recorder = Recorder.open(tmp_path, RecordConfig(), 4)
    for participant in ("", "P01"):
        source = SourceInfo("file:/home/somebody/clip one.mkv", 640, 480, 120.0, "sensor", live=True)
        recorder.start_session(SessionInfo(source, participant), START_NS, 1_700_000_000 * 10**9, True)
        recorder.append(FaceFound(0, 0, START_NS))
        recorder.append(make_cue(3725.5, 0.1, "micro", ("lip_corner_pull",)))
        if participant:
            recorder.append(
                make_cue(12, 1.5, "macro", ("lip_corner_pull", "lip_corner_depress", "chin_raise"))
            )
            recorder.append(Blink(0, START_NS + 10**9, START_NS + 11 * 10**8, START_NS + 12 * 10**8, "both"))
        recorder.saw_frame(4000 * 120, START_NS + 4000 * 10**9)
        recorder.end_session("done", 4000 * 120 + 1)
    recorder.close()
    return tmp_path


def words_of(line):
    return " ".join(line.split())


def session_ids(microcue):
    return [session["session_id"] for session in json.loads(microcue("sessions", "--json")[1])]


def test_sessions_are_listed_for_people(microcue):
    code, out, _ = microcue("sessions")
    assert code == 0
    heading, _, first, second, advice = out.splitlines()[1:]
    assert words_of(heading) == "session who source length fps watched micro macro /min"
    assert advice.endswith("never between people.")
    assert words_of(first).split(maxsplit=1)[1] == "clip one.mkv 1:06:40 120 100% 1 0 0.0"
    assert second.split()[1] == "P01"


def test_a_session_that_did_not_finish_says_so_below_its_name(microcue, data_dir):
    with closing(sqlite3.connect(data_dir / "microcue.db")) as connection, connection:
        connection.execute("UPDATE sessions SET end_reason = NULL")
    assert microcue("sessions", "--limit", "1")[1].splitlines()[-1] == "interrupted"


def test_sessions_are_listed_for_programs(microcue):
    code, out, _ = microcue("sessions", "--json")
    sessions = json.loads(out)
    assert code == 0
    assert [tuple(session) for session in sessions] == [SESSION_COLUMNS] * 2
    assert [session["participant"] for session in sessions] == [None, "P01"]


def test_what_was_wrong_with_frames_is_a_column_where_anything_was(microcue, data_dir):
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection, connection:
        connection.execute(
            "INSERT INTO frame_reports SELECT session_key, 0, 1000000000, 120, 3, 2, 0, 0, 0, 0, 0, 0.1, "
            "90.0, 100.0, 20.0 FROM sessions WHERE session_key = 1"
        )
        connection.execute("UPDATE sessions SET n_dropped_frames = 3 WHERE session_key = 1")
    _, out, _ = microcue("sessions")
    heading, _, first, *more, second, _ = out.splitlines()[1:]
    assert "frames" in words_of(heading)
    told = words_of(" ".join([first, *more]))
    assert [text for text in ("3 missing", "2 repeated", "flicker 20 Hz") if text not in told] == []
    assert "missing" not in second


def test_only_the_newest_sessions_are_listed_when_asked(microcue):
    _, out, _ = microcue("sessions", "--json", "--limit", "1")
    assert [session["session_id"] for session in json.loads(out)] == session_ids(microcue)[1:]


def test_cues_of_the_latest_session_are_listed(microcue):
    code, out, _ = microcue("cues")
    assert code == 0
    title, heading, _, *lines = out.splitlines()
    assert title.split()[-1] == session_ids(microcue)[-1]
    assert words_of(heading) == "cue at kind ms movements side miod false/h during"
    assert words_of(lines[0]) == "0002 00:12.0 macro 1500±8 lip corner pull left 112.2 0.012 blink"
    assert words_of(lines[1]) == "lip corner depress flicker"
    assert words_of(lines[3]) == "0001 1:02:05.5 micro 100±8 lip corner pull left 112.2 0.012"


def test_cues_can_be_chosen(microcue):
    def kinds(*words):
        return [cue["kind"] for cue in json.loads(microcue("cues", "--json", *words)[1])]

    first, latest = session_ids(microcue)
    assert kinds() == kinds("latest") == kinds(latest) == ["macro", "micro"]
    assert kinds(first) == ["micro"]
    assert kinds("--kind", "micro") == ["micro"]
    assert kinds("--blinks") == ["blink", "macro", "micro"]
    assert kinds("--limit", "1") == ["macro"]
    assert kinds(first, "--kind", "macro") == []


def test_cues_for_programs_have_every_column(microcue):
    _, out, _ = microcue("cues", "--json", "--blinks")
    assert {tuple(cue) for cue in json.loads(out)} == {CUE_COLUMNS}


@pytest.mark.parametrize("words", [("cues", "yesterday"), ("export", "yesterday")])
def test_an_unknown_session_is_a_usage_error(microcue, words):
    code, out, err = microcue(*words)
    assert code == 2
    assert out == ""
    assert "there is no session 'yesterday'" in err


def test_what_is_not_there_is_named(microcue):
    first = session_ids(microcue)[0]
    assert microcue("cues", first, "--kind", "macro")[1] == f"Session {first} has no macro cues.\n"


@pytest.mark.parametrize("limit", ["-1", "0", "some", "²"])
def test_a_limit_that_is_no_count_is_refused(microcue, limit):
    code, _, err = microcue("cues", "--limit", limit)
    assert code == 2
    assert "should be a whole number" in err or "expected one argument" in err


def test_an_empty_log_is_friendly_to_sessions_and_an_error_to_cues(tmp_path, capsys):
    empty = str(tmp_path / "empty")
    assert main(["sessions", "--data", empty]) == 0
    assert "start one with `microcue run`" in capsys.readouterr().out
    assert main(["sessions", "--json", "--data", empty]) == 0
    assert json.loads(capsys.readouterr().out) == []
    for command in ("cues", "export"):
        assert main([command, "--data", empty]) == 2
        assert "no session has been recorded" in capsys.readouterr().err


def test_a_damaged_log_is_an_input_output_error(microcue, data_dir):
    (data_dir / "microcue.db").write_bytes(b"no database" * 100)
    code, _, err = microcue("sessions")
    assert code == 74
    assert "damaged" in err


@pytest.mark.parametrize("columns", [80, 60])
@pytest.mark.parametrize("command", ["cues", "sessions"])
def test_a_table_fits_a_pipe_of_that_many_columns(microcue, monkeypatch, command, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, _ = microcue(command)
    ids = session_ids(microcue)
    # title and note are sentences, as long as they are
    lines = [line for line in out.splitlines()[1:] if not line.startswith("Left out")]
    assert code == 0
    assert max(map(len, lines)) <= columns
    assert [line for line in out.splitlines() if line != line.rstrip()] == []
    # three digits, and all of them
    whole = [*ids, "clip one.mkv"] if command == "sessions" else ["1500±8", "112.2", "1:02:05.5", "0.012"]
    if columns == 80 or command == "cues":
        assert [text for text in whole if text not in out] == []
    if command == "sessions":
        assert [text for text in ids if text not in out] == []
    if columns < 80:
        assert f"Left out in {columns} columns: " in out


def test_a_table_fits_a_terminal_of_80_columns(data_dir):
    terminal, other_end = pty.openpty()
    command = [sys.executable, "-m", "edge.cli", "cues", "--data", str(data_dir)]
    environment = os.environ | {"COLUMNS": "80", "TERM": "dumb"}
    subprocess.run(command, stdout=other_end, env=environment, check=True)
    lines = os.read(terminal, 10_000).decode().splitlines()
    os.close(terminal)
    os.close(other_end)
    assert max(map(len, lines)) <= 80
    assert any("lip corner depress" in line for line in lines)


def test_export_writes_all_sessions_as_csv_unless_told_otherwise(microcue):
    code, out, err = microcue("export")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (code, err) == (0, "")
    assert tuple(rows[0]) == CUE_COLUMNS
    assert [row["session_id"] for row in rows] == [session_ids(microcue)[index] for index in (0, 1, 1)]


def test_export_writes_a_file_and_says_so(microcue, tmp_path):
    path = tmp_path / "cues.jsonl"
    code, out, _ = microcue("export", "latest", "--format", "jsonl", "--output", str(path), "--blinks")
    assert code == 0
    assert out == f"3 rows of 1 session written to {path}\n"
    kinds = [json.loads(line)["kind"] for line in path.read_text().splitlines()]
    assert kinds == ["blink", "macro", "micro"]


def test_export_of_a_session_named_twice_has_it_once(microcue):
    _, out, _ = microcue("export", "latest", session_ids(microcue)[-1])
    assert len(out.splitlines()) == 3


def test_export_for_programs_is_json(microcue, tmp_path):
    _, out, _ = microcue("export", "latest", "--json")
    assert [json.loads(line)["kind"] for line in out.splitlines()] == ["macro", "micro"]
    assert microcue("export", "--json", "--format", "csv")[1].startswith("cue_id,session_id")
    path = str(tmp_path / "cues.jsonl")
    _, out, _ = microcue("export", "--json", "--output", path)
    assert json.loads(out) == {"output": path, "n_rows": 3, "n_sessions": 2}


def test_export_refuses_what_it_cannot_do(microcue, tmp_path):
    code, _, err = microcue("export", "--format", "elan")
    assert (code, "give --output" in err) == (2, True)
    code, _, err = microcue("export", "--format", "npz", "--output", str(tmp_path / "x"))
    assert (code, "choose one of them" in err) == (2, True)
    code, _, err = microcue("export", "--signals", "--format", "csv")
    assert (code, "signals are written as parquet, npz" in err) == (2, True)
    code, _, err = microcue("export", "--format", "pdf")
    assert (code, "invalid choice" in err) == (2, True)
    code, _, err = microcue("export", "--output", str(tmp_path / "absent" / "cues.csv"))
    assert (code, "give another --output" in err) == (74, True)


@pytest.mark.parametrize("command", ["sessions", "cues", "export"])
def test_help_has_an_example(microcue, command):
    code, out, _ = microcue(command, "--help")
    assert code == 0
    assert f"  microcue {command}" in out
