"""Every format read back by the library that others read it with, and the same values found."""

import json
import re
import sys
import warnings
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from edge.anatomy import CHANNEL_NAMES, decode
from edge.errors import MissingExtra
from edge.messages import Mark, SessionInfo, SourceInfo
from edge.record.cue_rows import CUE_COLUMNS
from edge.record.errors import OneSessionNeeded, OutputNeeded
from edge.record.export import FORMATS, SIGNAL_FORMATS
from edge.record.reading import LogReader
from edge.record.selection import Lanes, Selection

MEDIA_FIRST_NS = 2_500_000_000  # the file's first picture is not at zero


@pytest.fixture(scope="module")
def data_dir(scene, tmp_path_factory):
    """Two sessions: a camera's of P_07-a, and a recording's of nobody, with marks, blinks and odd texts."""
    data_dir = tmp_path_factory.mktemp("log")
    recorder = scene.open(data_dir)
    scene.start(recorder, participant="P_07-a")
    recorder.append(scene.found(0))
    for frame in range(300):
        recorder.add_trace(scene.trace(frame))
        recorder.add_trace(scene.trace(frame, face=1))
    recorder.append(scene.cue(30, 42))
    recorder.append(scene.cue(36, 60, side="left"))
    recorder.append(scene.cue(38, 41))  # within the first, the same movement and side
    recorder.append(scene.cue(40, 200, kind="macro", face=1, movements=("jaw_drop",)))
    recorder.append(scene.blink(70, 90))
    recorder.append(Mark(scene.frame_ns(50), 'he said\t"<no> & left"\x00\n— ü'))
    recorder.append(Mark(scene.frame_ns(51), "again"))
    recorder.end_session("done", 300)
    source = SourceInfo("file:/media/talk & more.mp4", 640, 480, 120.0, "media", live=False)
    shift_ns = MEDIA_FIRST_NS - scene.first_frame_ns
    recorder.start_session(SessionInfo(source), MEDIA_FIRST_NS, None, False)
    cue = scene.cue(12, 24)
    times = {name: getattr(cue, name) + shift_ns for name in ("onset_ns", "apex_ns", "offset_ns")}
    recorder.append(scene.cue(12, 24, **times))
    recorder.saw_frame(300, MEDIA_FIRST_NS + 2_500_000_000)
    recorder.end_session("the source ended", 301)
    recorder.close()
    return data_dir


@pytest.fixture
def log(data_dir):
    """That log, open."""
    with LogReader(data_dir) as log:
        yield log


def selected(log, which=slice(None), blinks=True):
    return Selection(log, tuple(log.session_ids()[which]), blinks)


def rows_of(selection):
    return [dict(zip(CUE_COLUMNS, row, strict=True)) for row in selection.rows()]


class CountedBar:
    """Notes what it is told."""

    def __init__(self):
        self.n_expected = self.n_done = 0
        self.never_beyond = True

    def expect(self, n):
        self.n_expected += n

    def advance(self, n=1):
        self.n_done += n
        self.never_beyond &= self.n_done <= self.n_expected


@pytest.mark.parametrize("name", FORMATS)
def test_whoever_waits_for_an_export_sees_how_far_it_is(log, tmp_path, name):
    bar = CountedBar()
    FORMATS[name](replace(selected(log), bar=bar), str(tmp_path / "output"))
    assert bar.n_done == bar.n_expected >= 6
    assert bar.never_beyond


@pytest.mark.parametrize("name", SIGNAL_FORMATS)
def test_whoever_waits_for_signals_sees_how_far_it_is(log, tmp_path, name):
    bar = CountedBar()
    SIGNAL_FORMATS[name](replace(selected(log, slice(1)), bar=bar), str(tmp_path / "output"))
    assert bar.n_done == bar.n_expected > 0
    assert bar.never_beyond


def test_parquet_gives_every_value_back_with_its_type(log, tmp_path):
    import pyarrow.parquet as parquet

    path = tmp_path / "cues.parquet"
    selection = selected(log)
    assert FORMATS["parquet"](selection, str(path)) == 6
    table = parquet.read_table(path)
    assert tuple(table.column_names) == CUE_COLUMNS
    assert table.to_pylist() == rows_of(selection)
    assert path.stat().st_mode & 0o077 == 0


def test_parquet_is_written_in_groups(log, tmp_path, monkeypatch):
    import pyarrow.parquet as parquet

    monkeypatch.setattr("edge.record.formats.parquet._N_GROUP_ROWS", 4)
    path = tmp_path / "cues.parquet"
    FORMATS["parquet"](selected(log), str(path))
    assert parquet.ParquetFile(path).num_row_groups == 2


def test_parquet_without_its_library_names_the_extra(log, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"microcue\[parquet\]"):
        FORMATS["parquet"](selected(log), str(tmp_path / "cues.parquet"))


def test_signals_as_parquet_are_what_was_measured(log, scene, tmp_path):
    import pyarrow.parquet as parquet

    path = tmp_path / "signals.parquet"
    assert SIGNAL_FORMATS["parquet"](selected(log), str(path)) == 600
    table = parquet.read_table(path)
    assert table.column_names == ["session_id", "face", "frame", "time_s", "sensor_ns", *CHANNEL_NAMES]
    expected = decode(scene.expected_codes(np.arange(300)))
    for face in (0, 1):
        one = table.filter(np.array(table["face"]) == face)
        values = np.stack([one[name].to_numpy() for name in CHANNEL_NAMES], axis=1)
        np.testing.assert_allclose(values, expected, rtol=1e-6)
        assert one["frame"].to_pylist() == list(range(300))
        assert one["sensor_ns"].to_pylist() == [scene.frame_ns(frame) for frame in range(300)]
        assert one["time_s"].to_pylist()[120] == pytest.approx(1.0)


def test_signals_as_npz_are_what_was_measured(log, scene, tmp_path):
    path = tmp_path / "signals.npz"
    assert SIGNAL_FORMATS["npz"](selected(log, slice(0, 1)), str(path)) == 600
    with np.load(path) as arrays:
        assert tuple(arrays["channels"]) == CHANNEL_NAMES
        assert arrays["first_frame_ns"] == scene.first_frame_ns
        for face in (0, 1):
            np.testing.assert_array_equal(arrays[f"face{face}_frames"], np.arange(300))
            np.testing.assert_allclose(
                arrays[f"face{face}_signals"], decode(scene.expected_codes(np.arange(300))), rtol=1e-6
            )
            assert arrays[f"face{face}_times_ns"][120] == 10**9
    with pytest.raises(OneSessionNeeded, match="choose parquet"):
        SIGNAL_FORMATS["npz"](selected(log), str(path))


@pytest.fixture
def eaf():
    """Reads an ELAN document as others do."""
    import pympi

    return lambda path: pympi.Elan.Eaf(str(path), suppress_version_warning=True)


def test_elan_documents_are_read_by_pympi_with_the_same_times_and_words(log, tmp_path, eaf):
    folder = tmp_path / "elan"
    selection = selected(log)
    assert FORMATS["elan"](selection, str(folder)) == 6
    camera, recording = (eaf(folder / f"{session_id}.eaf") for session_id in selection.session_ids)
    found = {
        (onset, offset, text)
        for tier in camera.get_tier_names()
        if not tier.startswith("marks")
        for onset, offset, text, *_ in camera.get_annotation_data_for_tier(tier)
    }
    expected = set()
    for row in rows_of(selected(log, slice(0, 1))):
        size = "" if row["amplitude_miod"] is None else f"; {row['amplitude_miod']} miod"
        text = f"{row['movements']}; {row['side']}{size}; {row['cue_id']}"
        expected.add((round(row["onset_s"] * 1000), round(row["offset_s"] * 1000), text))
    assert found == expected
    assert {camera.tiers[tier][2]["PARTICIPANT"] for tier in camera.get_tier_names()} == {"P_07-a"}
    marks = [one for tier in ("marks", "marks (2)") for one in camera.get_annotation_data_for_tier(tier)]
    assert sorted((onset, text) for onset, _, text, *_ in marks) == [
        (417, 'he said\t"<no> & left"\n— ü'),
        (425, "again"),
    ]
    # a recording's times are those of its file
    ((onset, offset, _),) = recording.get_annotation_data_for_tier("micro")
    assert (onset, offset) == (2600, 2700)
    (media,) = recording.media_descriptors
    assert media["MEDIA_URL"] == "file:///media/talk%20%26%20more.mp4"
    assert media["MIME_TYPE"] == "video/mp4"


def test_nothing_overlaps_in_one_tier(log, tmp_path, eaf):
    path = tmp_path / "one.eaf"
    FORMATS["elan"](selected(log, slice(0, 1)), str(path))
    document = eaf(path)
    assert sorted(document.get_tier_names()) == [
        *("blink", "macro face 1", "marks", "marks (2)", "micro", "micro (2)", "micro (3)")
    ]
    for tier in document.get_tier_names():
        spans = sorted(one[:2] for one in document.get_annotation_data_for_tier(tier))
        assert all(first[1] <= second[0] for first, second in pairwise(spans)), tier


def test_lanes_are_taken_again_when_they_are_free():
    lanes = Lanes()
    spans = [(0, 10), (5, 6), (6, 20), (10, 11), (12, 13)]
    assert [lanes.lane("a", *span) for span in spans] == ["a", "a (2)", "a (2)", "a", "a"]
    assert lanes.lane("b", 0, 1) == "b"


@pytest.fixture
def dataset(log, tmp_path):
    """A BIDS dataset of both sessions."""
    assert FORMATS["bids"](selected(log), str(tmp_path / "dataset")) == 6
    return tmp_path / "dataset"


def test_bids_file_names_are_those_of_the_schema(dataset):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from bidsschematools.validator import validate_bids

        result = validate_bids(str(dataset))
    names = {path.relative_to(dataset).as_posix() for path in dataset.rglob("*") if path.is_file()}
    assert [path for path in result["path_tracking"] if "participants.json" not in str(path)] == []
    assert len(names) == 8


def test_bids_columns_are_described_and_in_the_order_of_the_schema(dataset):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from bidsschematools.schema import load_schema

        schema = load_schema()
    for path in dataset.rglob("*_events.tsv"):
        header, *lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        columns = header.split("\t")
        rule = schema.rules.tabular_data.events.Events
        assert columns[:2] == list(rule.initial_columns)
        assert re.fullmatch(r"[a-z_]+(\t[a-z_]+)*", header)
        sidecar = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        assert set(columns) <= set(sidecar)
        cells = [line.split("\t") for line in lines]
        assert {len(row) for row in cells} == {len(columns)}
        assert "" not in {cell for row in cells for cell in row}
        onsets = [float(row[0]) for row in cells]
        assert onsets == sorted(onsets)


def test_bids_events_have_the_same_values(log, dataset):
    session_id = log.session_ids()[0]
    (path,) = dataset.glob(f"sub-P07a/ses-{session_id.replace('-', '')}/beh/*_events.tsv")
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    rows = [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]
    marks = [row for row in rows if row["trial_type"] == "mark"]
    assert [(row["onset"], row["note"]) for row in marks] == [
        ("0.416667", 'he said "<no> & left"\x00 — ü'),
        ("0.425", "again"),
    ]
    cues = [row for row in rows if row["trial_type"] != "mark"]
    for row, cue in zip(cues, rows_of(selected(log, slice(0, 1))), strict=True):
        assert float(row["onset"]) == cue["onset_s"]
        assert float(row["onset"]) + float(row["duration"]) == pytest.approx(cue["offset_s"])
        assert row["trial_type"] == cue["kind"]
        for name, value in cue.items():
            if name in row and name not in ("onset", "duration"):
                assert row[name] == ("n/a" if value in (None, "") else str(value))
    participants = (dataset / "participants.tsv").read_text().splitlines()
    assert participants == ["participant_id\tcode", "sub-P07a\tP_07-a", "sub-unnamed\tunnamed"]


def test_codes_that_are_alike_without_their_dashes_stay_apart(scene, tmp_path):
    recorder = scene.open(tmp_path / "log")
    for code in ("P-1", "P1", "P_1", "--"):
        scene.start(recorder, participant=code)
        recorder.end_session("done", 0)
    recorder.close()
    with LogReader(tmp_path / "log") as log:
        FORMATS["bids"](selected(log), str(tmp_path / "dataset"))
    lines = (tmp_path / "dataset" / "participants.tsv").read_text().splitlines()[1:]
    assert lines == ["sub-P1\tP-1", "sub-P1x2\tP1", "sub-P1x3\tP_1", "sub-unnamed\t--"]


def test_a_boris_project_has_each_cue_as_a_pair_of_one_behaviour(log, tmp_path):
    path = tmp_path / "cues.boris"
    selection = selected(log)
    assert FORMATS["boris"](selection, str(path)) == 6
    project = json.loads(path.read_text(encoding="utf-8"))
    assert project["project_format_version"] == "7.0"
    kinds = {behaviour["code"]: behaviour["type"] for behaviour in project["behaviors_conf"].values()}
    subjects = {subject["name"] for subject in project["subjects_conf"].values()}
    spans = []
    for session_id, observation in project["observations"].items():
        events = observation["events"]
        assert [event[0] for event in events] == sorted(event[0] for event in events)
        open_since = {}
        for at_s, subject, code, modifier, comment, *frame in events:
            assert subject in subjects | {""}
            if kinds[code] == "Point event":
                continue
            # as BORIS pairs them: the second of the same ends the first
            key = (subject, code, modifier)
            if key in open_since:
                since_s, started = open_since.pop(key)
                assert started == comment
                spans.append((session_id, comment.split()[0], since_s, at_s, modifier))
            else:
                open_since[key] = (at_s, comment)
            assert len(frame) == (observation["type"] == "MEDIA")
        assert open_since == {}
    assert sorted(spans) == sorted(
        (row["session_id"], row["cue_id"], row["onset_s"], row["offset_s"], row["side"])
        for row in rows_of(selection)
    )
    media = project["observations"][selection.session_ids[1]]
    assert media["file"]["1"] == ["/media/talk & more.mp4"]
    assert media["media_info"]["length"] == {"/media/talk & more.mp4": 2.5}


@pytest.mark.parametrize("name", ["parquet", "elan", "bids", "boris"])
def test_what_is_no_text_is_not_written_to_standard_output(log, name):
    with pytest.raises(OutputNeeded, match=name):
        FORMATS[name](selected(log), "-")


def test_an_export_that_fails_leaves_nothing_behind(log, tmp_path, monkeypatch):
    def broken(self, session_id, blinks=False):
        yield from ()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LogReader, "cues", broken)
    for name in ("parquet", "elan", "bids", "boris"):
        with pytest.raises(Exception, match="No space left"):
            FORMATS[name](selected(log), str(tmp_path / name))
    assert list(tmp_path.iterdir()) == []
