"""Signals replayed say what they said live; other settings say otherwise, and what changed is named."""

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from edge.anatomy import CHANNELS
from edge.cli import main
from edge.config import RecordConfig, SpotConfig
from edge.evaluate.compare import compare
from edge.evaluate.respot import OtherSignals, respot
from edge.messages import Blink, Cue, FaceFound, FaceLost, SessionInfo, SourceInfo
from edge.pipeline import SAME_PERSON_NS
from edge.record.codec import pack_codes, unpack_codes
from edge.record.cue_rows import CUE_COLUMNS
from edge.record.errors import NoSignals
from edge.record.export import SIGNAL_FORMATS
from edge.record.reading import LogReader
from edge.record.recorder import Recorder
from edge.record.schema import DATABASE_NAME
from edge.record.selection import Selection
from edge.spot.simulated import SimulatedFace
from edge.spot.spotter import Spotter

FPS = 60.0
FIRST_NS = 7_000_000_000_000


def simulated(seed):
    """Forty seconds of one face with brief and long movements of several sizes, and blinks."""
    face = SimulatedFace(40.0, FPS, seed)
    for onset_s, size_miod in ((12.0, 20.0), (16.0, 7.0), (21.0, 12.0), (27.0, 5.0), (33.0, 9.0)):
        face.add_movement(("inner_brow_right", "inner_brow_left"), onset_s, 0.2, size_miod)
    face.add_movement(("mouth_corner_up_left",), 30.0, 1.2, 40.0)
    return face


def record_live(data_dir, traces, absent, signals=True):
    """What the main loop does with traces, the face being lost in the spans `absent` (s)."""
    recorder = Recorder.open(data_dir, RecordConfig(signals=signals), traces[0].points.shape[0])
    source = SourceInfo("scripted", 640, 480, FPS, "sensor", live=False)
    session_id = recorder.start_session(SessionInfo(source), FIRST_NS, None, False)
    spotter, live, lost_ns = None, [], None
    for trace in traces:
        at_s = (trace.timestamp_ns - FIRST_NS) / 1e9
        is_away = any(begin <= at_s < end for begin, end in absent)
        if is_away or lost_ns is not None or spotter is None:
            if is_away and lost_ns is None and spotter is not None:
                live += spotter.flush()
                lost_ns = trace.timestamp_ns
                recorder.append(FaceLost(0, trace.sequence, trace.timestamp_ns))
            elif not is_away:
                if spotter is None or trace.timestamp_ns - lost_ns > SAME_PERSON_NS:
                    spotter = Spotter(SpotConfig(), FPS)
                lost_ns = None
                recorder.append(FaceFound(0, trace.sequence, trace.timestamp_ns))
            continue
        live += spotter.step(trace)
        recorder.add_trace(trace)
    live += spotter.flush()
    for event in live:
        recorder.append(event)
    recorder.end_session("done", len(traces))
    recorder.close()
    return session_id, live


def traces_of(face):
    copied = []
    for trace in face.traces():
        trace = replace(trace, timestamp_ns=trace.timestamp_ns + FIRST_NS)
        copied.append(replace(trace, codes=trace.codes.copy(), points=trace.points.copy()))
    return copied


@pytest.mark.parametrize("absent", [((18.0, 20.0),), ((14.0, 15.0), (22.5, 28.5))])
def test_the_same_settings_find_the_same_cues_and_blinks(tmp_path, absent):
    session_id, live = record_live(tmp_path, traces_of(simulated(3)), absent)
    with LogReader(tmp_path) as log:
        again = list(respot(log, session_id, SpotConfig()))
    assert again == live
    assert sum(isinstance(event, Cue) for event in live) >= 2
    assert all(isinstance(event, Cue | Blink) for event in live)


def test_a_session_without_signals_is_refused(tmp_path):
    session_id, _ = record_live(tmp_path, traces_of(simulated(3))[:300], (), signals=False)
    with LogReader(tmp_path) as log, pytest.raises(NoSignals, match=r"record\.signals was false"):
        list(respot(log, session_id, SpotConfig()))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A log with one such session."""
    data_dir = tmp_path_factory.mktemp("recorded")
    record_live(data_dir, traces_of(simulated(3)), ())
    return data_dir


@pytest.fixture
def microcue(recorded, tmp_path, capsys):
    """Runs a command on a copy of that log: (exit code, standard output, standard error)."""
    data_dir = shutil.copytree(recorded, tmp_path / "data")

    def run(*words):
        code = main([*words, "--data", str(data_dir)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def cues_of(microcue, *words):
    return json.loads(microcue("cues", "latest", "--json", *words)[1])


def test_an_analysis_is_kept_beside_what_was_spotted_live(microcue):
    live = cues_of(microcue)
    code, out, _ = microcue("respot", "--json")
    assert (code, json.loads(out)["analysis"]) == (0, 1)
    assert microcue("respot", "--set", "macro=false", "--set", "accepted_false_per_hour=0.05")[0] == 0
    assert cues_of(microcue) == live
    assert cues_of(microcue, "--analysis", "1") == live
    fewer = cues_of(microcue, "--analysis", "2")
    assert 0 < len(fewer) < len(live)
    assert {cue["kind"] for cue in fewer} == {"micro"}
    code, _, err = microcue("cues", "latest", "--analysis", "3")
    assert (code, "has no analysis 3" in err) == (2, True)


def test_compare_says_what_changed(microcue):
    assert microcue("compare")[0] == 2
    microcue("respot")
    assert "0 changed, 0 gone, 0 new" in microcue("compare")[1]
    microcue("respot", "--set", "macro=false")
    out = json.loads(microcue("compare", "latest", "1", "--json")[1])
    gone = [row for row in out if row["change"] == "gone"]
    assert {row["kind"] for row in gone} == {"macro"}
    assert all(row["other_ms"] is None and row["one_ms"] > 500 for row in gone)
    text = microcue("compare", "latest", "2", "1")[1]
    assert f"{len(gone)} new" in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("learning_s=2000", "learning_s expects a number from 0.5 to 60"),
        ("speed=1", "speed is not a setting"),
        ("learning_s", "KEY=VALUE"),
        ("learning_s=soon", "no number, true or false"),
    ],
)
def test_respot_refuses_settings_that_are_none(microcue, change, said):
    code, _, err = microcue("respot", "--set", change)
    assert code == 2
    assert said in err


def row(onset_s, offset_s, kind="micro", face=0, **values):
    known = dict.fromkeys(CUE_COLUMNS, 0)
    return known | {"onset_s": onset_s, "offset_s": offset_s, "kind": kind, "face": face} | values


def test_each_cue_is_paired_once_with_the_one_it_shares_most_with():
    ones = [row(1.0, 1.2), row(1.1, 2.9, "macro"), row(5.0, 5.1), row(9.0, 9.1)]
    others = [row(1.0, 1.2, score=1), row(1.05, 3.0, "macro"), row(9.0, 9.1, face=1), row(20.0, 20.2)]
    found = [(pair.change, pair.onset_s) for pair in compare(ones, others)]
    assert found == [
        ("changed", 1.0),
        ("changed", 1.05),
        ("gone", 5.0),
        ("gone", 9.0),
        ("new", 9.0),
        ("new", 20.0),
    ]


def test_many_equal_cues_are_paired_each_with_its_own():
    rows = [row(at_s, at_s + 0.2) for at_s in np.arange(0, 500, 0.5)]
    assert {pair.change for pair in compare(rows, rows)} == {"same"}


def test_signals_of_a_version_that_measured_others_are_exported_and_not_spotted_again(tmp_path):
    record_live(tmp_path, traces_of(simulated(3))[:600], ())
    stored = dict(list(CHANNELS.items())[:-1])
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as connection, connection:
        connection.execute("UPDATE sessions SET channels = ?", (json.dumps(stored),))
        blocks = connection.execute("SELECT rowid, n_frames, codes FROM signal_blocks").fetchall()
        for rowid, n_frames, codes in blocks:
            narrow = pack_codes(unpack_codes(codes, n_frames, len(CHANNELS))[:, :-1])
            connection.execute("UPDATE signal_blocks SET codes = ? WHERE rowid = ?", (narrow, rowid))
    with LogReader(tmp_path) as log:
        (session_id,) = log.session_ids()
        with pytest.raises(OtherSignals, match=f"found {len(stored)} of another version"):
            next(respot(log, session_id, SpotConfig()))
        path = tmp_path / "signals.npz"
        assert SIGNAL_FORMATS["npz"](Selection(log, (session_id,)), str(path)) > 500
    with np.load(path) as arrays:
        assert tuple(arrays["channels"]) == tuple(stored)
        assert arrays["face0_signals"].shape[1] == len(stored)
