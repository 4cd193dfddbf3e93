"""`microcue key`, `bundle`, `unbundle` and `collect`: nothing is readable on the way, nothing comes twice."""

import json
import sys

import duckdb
import numpy as np
import pyrage
import pytest

from edge.anatomy import N_CHANNELS
from edge.cli import main
from edge.config import RecordConfig
from edge.messages import Blink, Cue, FaceFound, Mark, SessionInfo, SourceInfo, Trace
from edge.record import collect
from edge.record.people import add_consent, consents_of
from edge.record.recorder import Recorder


def record(data_dir, participant, n_cues=3):
    recorder = Recorder.open(data_dir, RecordConfig(), 4)
    source = SourceInfo("scripted", 640, 480, 120.0, "sensor", live=False)
    session_id = recorder.start_session(SessionInfo(source, participant), 0, 10**18, True)
    recorder.append(FaceFound(0, 0, 0))
    for number in range(n_cues):
        begin_ns = number * 10**9
        times = (begin_ns, begin_ns + 10**8, begin_ns + 2 * 10**8, 1, 2, 3)
        measured = (8.3, ("mouth",), ("lips_part",), "left", 2.0, 6.0, 0.1, 1.0, 120.0, 0)
        recorder.append(Cue(0, "micro", *times, *measured, False, False, "ok"))
    recorder.append(Blink(0, 10**9, 11 * 10**8, 12 * 10**8, "both"))
    recorder.append(Mark(10**9, "a question"))
    recorder.saw_frame(1200, 10**10)
    recorder.end_session("done", 1201)
    recorder.close()
    return session_id


@pytest.fixture
def rig(tmp_path):
    """A device's log: a session of P07, who agreed to something, and one of P08."""
    data_dir = tmp_path / "rig"
    add_consent(data_dir, "P07", ("signals",), "2026-03", "We watch your face.")
    record(data_dir, "P07")
    record(data_dir, "P08")
    return data_dir


@pytest.fixture
def key(tmp_path, capsys):
    """A lab's secret key file and its public key."""
    path = tmp_path / "lab.key"
    assert main(["key", str(path), "--json"]) == 0
    return path, json.loads(capsys.readouterr().out)["public"]


@pytest.fixture
def microcue(capsys):
    """Runs a command: (exit code, standard output, standard error)."""

    def run(*words):
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def bundle(rig, key, microcue, tmp_path):
    """A bundle of that log, for that key."""
    path = tmp_path / "rig.age"
    assert microcue("bundle", "--to", key[1], "--output", path, "--data", rig)[0] == 0
    return path


def test_a_key_is_its_owner_s_and_never_written_over(key, microcue):
    assert key[0].stat().st_mode & 0o077 == 0
    assert key[1].startswith("age1")
    code, _, err = microcue("key", key[0])
    assert (code, "File exists" in err) == (74, True)


def test_what_comes_out_is_what_went_in(rig, key, bundle, microcue, tmp_path):
    assert microcue("unbundle", bundle, "--key", key[0], "--into", tmp_path / "lab")[0] == 0
    for words in (
        ("export", "--blinks", "--format", "csv"),
        ("sessions", "--json"),
        ("export", "--format", "jsonl"),
    ):
        there, here = (microcue(*words, "--data", place)[1] for place in (rig, tmp_path / "lab"))
        assert here == there != ""
    assert [one.text for one in consents_of(tmp_path / "lab", "P07")] == ["We watch your face."]


def test_a_bundle_says_nothing_and_leaves_nothing_behind(rig, bundle):
    content = bundle.read_bytes()
    # long enough that encrypted bytes do not spell them by chance, as they did with three of them
    told = (b"We watch your face", b"SQLite", b"lips_part", b"question")
    assert [text for text in told if text in content] == []
    assert content.startswith(b"age-encryption.org/v1")
    assert bundle.stat().st_mode & 0o077 == 0
    assert [path.name for path in rig.iterdir() if path.name.startswith(".")] == []


def test_a_bundle_of_one_session_has_nobody_else_in_it(rig, key, microcue, tmp_path):
    path = tmp_path / "one.age"
    assert microcue("bundle", "latest", "--to", key[1], "--output", path, "--data", rig)[0] == 0
    microcue("unbundle", path, "--key", key[0], "--into", tmp_path / "lab")
    sessions = json.loads(microcue("sessions", "--json", "--data", tmp_path / "lab")[1])
    assert [session["participant"] for session in sessions] == ["P08"]
    assert b"P07" not in (tmp_path / "lab" / "microcue.db").read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content[: len(content) // 2],
        lambda _: b"",
        lambda content: content[:-500] + bytes([content[-500] ^ 1]) + content[-499:],
        lambda _: b"no bundle at all",
    ],
)
def test_a_bundle_that_was_cut_or_altered_is_refused(bundle, key, microcue, tmp_path, damage):
    bundle.write_bytes(damage(bundle.read_bytes()))
    code, _, err = microcue("unbundle", bundle, "--key", key[0], "--into", tmp_path / "lab")
    assert (code, "not cut or altered" in err) == (74, True)
    assert list((tmp_path / "lab").iterdir()) == []


def test_another_key_does_not_open_it(bundle, microcue, tmp_path):
    other = tmp_path / "other.key"
    microcue("key", other)
    code, _, err = microcue("unbundle", bundle, "--key", other, "--into", tmp_path / "lab")
    assert (code, "the key fits" in err) == (74, True)
    (tmp_path / "none.key").write_text("# nothing\n")
    code, _, err = microcue("unbundle", bundle, "--key", tmp_path / "none.key", "--into", tmp_path / "lab")
    assert (code, "AGE-SECRET-KEY-1" in err) == (2, True)


def test_what_is_no_public_key_is_refused_before_anything_is_written(rig, microcue, tmp_path):
    code, _, err = microcue("bundle", "--to", "age1nonsense", "--output", tmp_path / "x", "--data", rig)
    assert (code, "age1nonsense" in err) == (2, True)
    assert not (tmp_path / "x").exists()


def test_age_itself_opens_a_bundle(bundle, key):
    """The format is age's: any program that reads it opens a bundle."""
    identity = pyrage.x25519.Identity.from_str(key[0].read_text().splitlines()[-1])
    assert pyrage.decrypt(bundle.read_bytes(), [identity]).startswith(b"SQLite format 3\0")


def count(path, table):
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_collect_takes_each_session_once_and_renews_one_that_grew(rig, key, bundle, microcue, tmp_path):
    lab, other = tmp_path / "lab.duckdb", tmp_path / "other"
    record(other, "P09", n_cues=5)
    code, out, _ = microcue("collect", bundle, other, "--key", key[0], "--into", lab, "--json")
    assert code == 0
    assert [(one["n_new"], one["n_known"]) for one in json.loads(out)] == [(2, 0), (1, 0)]
    assert lab.stat().st_mode & 0o077 == 0  # a copy of a log is its owner's alone
    assert (count(lab, "sessions"), count(lab, "cues"), count(lab, "marks")) == (3, 11 + 3, 3)
    record(rig, "P07")
    code, out, _ = microcue("collect", rig, other, "--into", lab, "--json")
    assert [(one["n_new"], one["n_known"]) for one in json.loads(out)] == [(1, 2), (0, 1)]
    assert (count(lab, "sessions"), count(lab, "cues")) == (4, 11 + 3 + 4)
    with duckdb.connect(str(lab)) as connection:
        sql = (
            "SELECT participant, count(*) FROM cues JOIN sessions USING (session_id) "
            "WHERE kind = 'micro' GROUP BY 1 ORDER BY 1"
        )
        assert connection.execute(sql).fetchall() == [("P07", 6), ("P08", 3), ("P09", 5)]
        connection.execute("UPDATE sessions SET n_frames = 600 WHERE participant = 'P09'")
    _, out, _ = microcue("collect", other, "--into", lab, "--json")
    assert json.loads(out)[0]["n_renewed"] == 1
    assert count(lab, "cues") == 11 + 3 + 4


def test_collect_adds_signals_that_are_wanted_later(microcue, tmp_path):
    scene_rig = tmp_path / "rig"
    recorder = Recorder.open(scene_rig, RecordConfig(), 4)
    source = SourceInfo("scripted", 640, 480, 120.0, "sensor", live=False)
    recorder.start_session(SessionInfo(source), 0, 10**18, True)
    recorder.append(FaceFound(0, 0, 0))
    codes, points = np.zeros(N_CHANNELS, np.int16), np.zeros((4, 2), np.int16)
    for frame in range(120):
        recorder.add_trace(Trace(0, frame, frame * 10**7, codes, points))
    recorder.end_session("done", 120)
    recorder.close()
    lab = tmp_path / "lab.duckdb"
    told = [
        microcue("collect", scene_rig, "--into", lab, "--json", *words)[1]
        for words in ((), ("--signals",), ("--signals",))
    ]
    assert [(one["n_new"], one["n_renewed"], one["n_known"]) for (one,) in map(json.loads, told)] == [
        (1, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
    ]
    with duckdb.connect(str(lab)) as own:
        assert own.execute("SELECT count(*) FROM signals").fetchone()[0] > 0


def test_collect_forgets_a_participant_and_leaves_no_byte_of_the_code(rig, microcue, tmp_path):
    lab = tmp_path / "it's a lab.duckdb"
    add_consent(rig, "K-0007-hbkd", (), "1")
    record(rig, "K-0007-hbkd")
    assert microcue("collect", rig, "--into", lab, "--signals")[0] == 0
    with duckdb.connect(str(lab)) as own:
        own.execute("CREATE TABLE coded AS SELECT session_id, 'calm' AS word FROM sessions")
        own.execute("CREATE VIEW micro AS SELECT * FROM cues WHERE kind = 'micro'")
        before = dict(
            own.execute(
                "SELECT participant, count(*) FROM sessions JOIN cues USING (session_id) GROUP BY 1"
            ).fetchall()
        )
    assert b"K-0007-hbkd" in lab.read_bytes()
    lab.chmod(0o600)
    code, out, _ = microcue("collect", "--forget", "K-0007-hbkd", "--into", lab, "--json")
    assert (code, json.loads(out)) == (0, {"participant": "K-0007-hbkd", "n_sessions": 1})
    assert b"K-0007-hbkd" not in lab.read_bytes()
    assert (lab.stat().st_mode & 0o777, sorted(path.name for path in tmp_path.glob("*lab*"))) == (
        0o600,
        [lab.name],
    )
    with duckdb.connect(str(lab)) as own:
        after = dict(
            own.execute(
                "SELECT participant, count(*) FROM sessions JOIN cues USING (session_id) GROUP BY 1"
            ).fetchall()
        )
        counts = [
            own.execute(f"SELECT count(DISTINCT session_id) FROM {table}").fetchone()[0]
            for table in ("marks", "coded", "micro")
        ]
    assert after == {name: n for name, n in before.items() if name != "K-0007-hbkd"}
    assert counts == [2, 3, 2]
    code, _, err = microcue("collect", "--forget", "K-0007-hbkd", "--into", lab)
    assert (code, "no session of 'K-0007-hbkd'" in err) == (2, True)


def test_a_collection_stays_as_it_was_where_it_cannot_be_written_anew(rig, microcue, tmp_path, monkeypatch):
    lab = tmp_path / "lab.duckdb"
    assert microcue("collect", rig, "--into", lab)[0] == 0
    real = collect._copied

    def full(connection, database, path):
        if path.name == "fresh.duckdb":
            raise duckdb.IOException("No space left on device")
        return real(connection, database, path)

    monkeypatch.setattr(collect, "_copied", full)
    code, _, err = microcue("collect", "--forget", "P07", "--into", lab)
    assert (code, "No space left" in err, [path.name for path in tmp_path.glob(".forget*")]) == (74, True, [])
    monkeypatch.undo()
    assert microcue("collect", "--forget", "P07", "--into", lab)[0] == 0


def test_collect_forgets_in_a_collection_only(rig, microcue, tmp_path):
    assert microcue("collect", "--forget", "P07", "--into", tmp_path / "none.duckdb")[0] == 74
    duckdb.connect(str(tmp_path / "other.duckdb")).close()
    code, _, err = microcue("collect", "--forget", "P07", "--into", tmp_path / "other.duckdb")
    assert (code, "other.duckdb cannot be collected into" in err) == (74, True)
    for words in ((), (rig, "--forget", "P07")):
        code, _, err = microcue("collect", *words, "--into", tmp_path / "lab.duckdb")
        assert (code, "and not both" in err) == (2, True)
    assert not (tmp_path / "lab.duckdb").exists()


def test_collect_refuses_what_it_cannot_open(rig, bundle, microcue, tmp_path):
    lab = tmp_path / "lab.duckdb"
    assert "needs --key" in microcue("collect", bundle, "--into", lab)[2]
    (tmp_path / "empty").mkdir()
    assert "has no microcue.db" in microcue("collect", tmp_path / "empty", "--into", lab)[2]
    lab.write_bytes(b"no database" * 1000)
    code, _, err = microcue("collect", rig, "--into", lab)
    assert (code, "lab.duckdb" in err) == (74, True)


@pytest.mark.parametrize(
    ("package", "words"),
    [
        ("pyrage", ("key", "new.key")),
        ("duckdb", ("collect", "RIG", "--into", "lab.duckdb")),
    ],
)
def test_without_its_library_each_names_its_extra(rig, microcue, monkeypatch, tmp_path, package, words):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.chdir(tmp_path)
    code, _, err = microcue(*(rig if word == "RIG" else word for word in words))
    assert (code, "pip install 'microcue[" in err) == (78, True)
