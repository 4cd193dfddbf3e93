"""Corpora in their real folders and spreadsheets, with the traps that the real ones hold."""

from __future__ import annotations

import pytest
from corpora.layouts import LAYOUTS, Take, samm_long, touch, write_sheets

from edge.evaluate.corpora.checklist import checklist
from edge.evaluate.corpora.corpus import CorpusError
from edge.evaluate.corpora.known import CORPORA
from edge.evaluate.corpora.tables import read_csv
from edge.evaluate.intervals import FrameInterval
from edge.evaluate.tally import Tally, WatchedVideo, overall


def micro(onset, apex, offset):
    return FrameInterval(onset, offset, "micro", apex)


def macro(onset, apex, offset):
    return FrameInterval(onset, offset, "macro", apex)


@pytest.fixture
def takes():
    """Three recordings of 120 frames."""
    return [
        Take(120, (micro(20, 24, 30), macro(60, 70, 90))),
        Take(120, (micro(15, 20, 27),)),
        Take(120, (micro(10, 14, 20), micro(40, 45, 52), macro(70, 80, 99))),
    ]


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_corpus_is_read_as_it_was_planted(tmp_path, takes, name):
    planted = LAYOUTS[name](tmp_path, takes, touch)
    corpus = CORPORA[name].read(tmp_path, 0.0)
    assert {video.name: list(video.events) for video in corpus.videos} == planted.events
    assert all(video.path is not None and video.path.is_dir() for video in corpus.videos)
    said = [f"{remark.where}: {remark.found}" for remark in corpus.remarks]
    for piece in planted.remarks:
        assert any(piece in line for line in said), (piece, said)
    assert len(said) == len(planted.remarks), said


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_corpus_is_scored_with_the_counts_that_were_planted(tmp_path, takes, name):
    """Cues by hand: each event is met two frames late, but the first of a video, and one cue is false."""
    LAYOUTS[name](tmp_path, takes, touch)
    corpus = CORPORA[name].read(tmp_path, 0.0)
    watched = []
    for video in corpus.videos:
        cues = [
            FrameInterval(event.onset_frame + 2, event.offset_frame, event.kind) for event in video.events[1:]
        ]
        cues.append(FrameInterval(110, 114, "micro"))
        watched.append(WatchedVideo(video.name, video.subject, video.fps, 120, video.events, tuple(cues)))
    counted = overall(watched)
    n_events = sum(len(video.events) for video in corpus.videos)
    n_videos_with_events = sum(bool(video.events) for video in corpus.videos)
    minutes = sum(120 / video.fps / 60 for video in corpus.videos)
    assert counted["overall"] == Tally(
        n_events - n_videos_with_events, len(corpus.videos), n_videos_with_events, pytest.approx(minutes)
    )


def test_rates_are_those_of_the_corpora(tmp_path, takes):
    rates = {"casme2": 200, "samm": 200, "samm-lv": 200, "cas2": 30, "cas3": 30, "smic-hs": 100}
    for name, fps in rates.items():
        LAYOUTS[name](tmp_path / name, takes, touch)
        assert {video.fps for video in CORPORA[name].read(tmp_path / name, 0.0).videos} == {fps}
    LAYOUTS["megc"](tmp_path / "megc", takes, touch)
    videos = CORPORA["megc"].read(tmp_path / "megc", 0.0).videos
    assert {video.name.split("/")[0]: video.fps for video in videos} == {
        "SAMM_Challenge": 200,
        "CAS_Test_cropped": 30,
    }


def test_an_event_whose_end_was_not_seen_ends_where_one_says(tmp_path, takes):
    LAYOUTS["cas2"](tmp_path, takes, touch)
    corpus = CORPORA["cas2"].read(tmp_path, 2 / 3)
    (event,) = [event for event in corpus.videos[0].events if event.kind == "macro"]
    assert event.offset_frame == event.apex_frame + 20
    assert any("apex + 20 frames" in remark.done for remark in corpus.remarks)


def test_an_open_end_changes_no_kind(tmp_path, takes):
    """By length, an event cut at its apex would be called micro."""
    LAYOUTS["cas2"](tmp_path, takes, touch)
    (event,) = [
        e for e in CORPORA["cas2"].read(tmp_path, 0.0).videos[0].events if e.offset_frame == e.apex_frame
    ]
    assert event.kind == "macro"
    assert event.n_frames / 30 < 0.5


def test_the_counts_of_the_literature_are_held_against_the_table(tmp_path):
    takes = [
        Take(130, (*(micro(k, k, k) for k in range(106)), *(macro(k, k, k) for k in range(114))))
        for _ in range(3)
    ]
    samm_long(tmp_path, takes, touch)
    corpus = CORPORA["samm-lv"].read(tmp_path, 0.0)
    # 318 micro and 342 macro planted, and the one with onset 0: macro is as published, micro is not
    told = [remark.found for remark in corpus.count_remarks()]
    assert told == ["318 micro events, where the literature has 159"]


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"table of SAMM Long Videos.*there is none"):
        CORPORA["samm-lv"].read(tmp_path, 0.0)
    (tmp_path / "SAMM_LongVideos_V3_Release.xls").touch()
    with pytest.raises(CorpusError, match="save it as"):
        CORPORA["samm-lv"].read(tmp_path, 0.0)


def test_a_table_without_its_columns_is_named(tmp_path):
    write_sheets(tmp_path / "SAMM_LongVideos_V3_Release.xlsx", {"FACS": [["Subject", "Filename"]]})
    with pytest.raises(CorpusError, match="a row with the columns Subject, Filename, Onset"):
        CORPORA["samm-lv"].read(tmp_path, 0.0)


def test_a_file_that_is_no_spreadsheet_is_named(tmp_path):
    (tmp_path / "SAMM_LongVideos_V3_Release.xlsx").write_text("nothing of that kind")
    with pytest.raises(CorpusError, match="cannot be read"):
        CORPORA["samm-lv"].read(tmp_path, 0.0)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CorpusError, match="no such folder"):
        CORPORA["cas2"].read(tmp_path / "nowhere", 0.0)


@pytest.fixture
def recordings(tmp_path, takes):
    touch(takes[0], tmp_path / "a", lambda k: f"{k + 1}.png")
    (tmp_path / "b.mp4").touch()
    return tmp_path


def test_a_csv_names_videos_by_path_or_name(recordings):
    table = recordings / "events.csv"
    table.write_text(
        "video,onset,offset,kind,subject,apex\na,11,21,micro,p1,14\nb.mp4,1,5,macro,p2,\nb,31,35,micro,p2,\n"
        "a,41,45,smile,p1,\nc,1,2,micro,p3,\nb.mp4,,9,micro,p2,\n"
    )
    corpus = read_csv(table, recordings, 100.0, first_frame=1)
    assert {video.name: list(video.events) for video in corpus.videos} == {
        "a": [FrameInterval(10, 20, "micro", 13)],
        "b": [FrameInterval(30, 34, "micro")],
        "b.mp4": [FrameInterval(0, 4, "macro")],
    }
    assert [remark.found for remark in corpus.remarks] == ["kind smile", "no recording of c", "no onset"]


def test_a_csv_may_count_from_nought(recordings):
    table = recordings / "events.csv"
    table.write_text("video,onset,offset,kind\nb.mp4,0,4,macro\n")
    (video,) = read_csv(table, recordings, 0.0, first_frame=0).videos
    assert video.events == (FrameInterval(0, 4, "macro"),)


def test_synthetic_clips_bring_their_truth(tmp_path):
    (tmp_path / "one.mkv").touch()
    (tmp_path / "one.truth.csv").write_text(
        "event,kind,onset_frame,apex_frame,offset_frame\n1,micro,100,106,112\n2,blink,150,152,160\n"
    )
    (tmp_path / "lost.truth.csv").write_text("event,kind,onset_frame,apex_frame,offset_frame\n")
    corpus = CORPORA["synth"].read(tmp_path, 0.0)
    assert [(video.name, video.events) for video in corpus.videos] == [("one", (micro(100, 106, 112),))]
    assert [remark.found for remark in corpus.remarks] == ["no clip beside it"]


def test_missing_pictures_and_recordings_fail_the_checklist(tmp_path, takes):
    LAYOUTS["casme2"](tmp_path, takes, touch)
    (tmp_path / "CASME2-RAW" / "sub02" / "EP02_02f" / "img77.jpg").unlink()
    items = {item.what: item for item in checklist(CORPORA["casme2"].read(tmp_path, 0.0))}
    assert items["recordings"].verdict == "missing"
    assert items["recordings"].found == "3 found, 1 not"
    assert items["pictures"].found == "1 missing in 1 recordings"
    assert items["micro events"].verdict == "differs"


def test_a_whole_corpus_passes_the_checklist(tmp_path):
    (tmp_path / "one.mkv").touch()
    (tmp_path / "one.truth.csv").write_text(
        "event,kind,onset_frame,apex_frame,offset_frame\n1,micro,9,10,12\n"
    )
    items = checklist(CORPORA["synth"].read(tmp_path, 0.0))
    assert {item.verdict for item in items} == {"ok"}
