"""`microcue evaluate` from folder to figures: a small corpus, rendered once and watched."""

from __future__ import annotations

import csv
import importlib.util
import json

import pytest
from corpora.layouts import samm_long, touch
from corpora.rendered import Film, brow

from edge.cli import main
from edge.config import Config
from edge.evaluate import recording
from edge.evaluate.cluster_run import watch_on_cluster
from edge.evaluate.corpora.tables import read_csv
from edge.evaluate.corpus_run import watch_corpus

FPS = 60.0


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Two people at 60 fps: one with two movements, one with one; a third labelled event never happens."""
    root = tmp_path_factory.mktemp("corpus")
    film = Film(FPS)
    first = film.shoot(9.0, [brow(4.5, 0.3), brow(7.0, 0.4)], seed=1)
    second = film.shoot(7.0, [brow(4.5, 0.35)], seed=2)
    film.draw(first, root / "p1" / "a", lambda k: f"img_{k + 1}.jpg")
    film.draw(second, root / "p2" / "b", lambda k: f"img_{k + 1}.jpg")
    lines = ["video,subject,onset,apex,offset,kind"]
    for name, take in (("p1/a", first), ("p2/b", second)):
        for event in take.events:
            frames = (event.onset_frame + 1, event.apex_frame + 1, event.offset_frame + 1)
            lines.append(f"{name},{name[:2]},{frames[0]},{frames[1]},{frames[2]},micro")
    lines.append("p2/b,p2,20,25,30,micro")
    (root / "events.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("out")


@pytest.fixture
def evaluate(corpus, out, capsys):
    """Runs the command on the corpus; its JSON."""

    def run(*more, json_wanted=True):
        words = ["evaluate", str(corpus / "events.csv"), "--fps", str(FPS), "--out", str(out), *more]
        assert main([*words, *(["--json"] if json_wanted else [])]) == 0
        said = capsys.readouterr().out
        return json.loads(said) if json_wanted else said

    return run


def test_a_corpus_is_watched_and_scored(evaluate, out):
    values = evaluate("--as", "strs")
    assert (values["n_videos"], values["n_subjects"]) == (2, 2)
    score = values["scores"]["micro"]
    assert (score["n_true"], score["n_false"], score["n_missed"]) == (3, 0, 1)
    assert score["f1"] == pytest.approx(6 / 7)
    assert values["minutes"] == pytest.approx(16 / 60)
    assert values["boundaries"]["onset_ms"]["median"] < 1.5 * 1000 / FPS
    assert values["boundaries"]["latency_ms"]["n"] == 3
    assert values["by_subject"]["p2"]["n_missed"] == 1
    with (out / "events.csv").open() as file:
        met = [bool(row["iou"]) for row in csv.DictReader(file)]
    assert met == [True, True, False, True]
    assert {path.name for path in out.iterdir()} >= {
        "results.json",
        "cues.parquet",
        "curve.png",
        "remarks.csv",
    }


def test_what_was_watched_is_not_watched_again(evaluate, monkeypatch):
    first = evaluate()

    def watched_again(*_, **__):
        raise AssertionError("watched again")

    monkeypatch.setattr(recording, "follow", watched_again)
    assert evaluate()["scores"] == first["scores"]


def test_people_read_tables(evaluate):
    said = evaluate("--as", "all", "--subjects", json_wanted=False)
    for words in ("events.csv: 2 recordings of 2 people", "By person", "softnet", "for a minute of video"):
        assert words in said


def test_a_batch_finds_the_same_cues(corpus, out):
    """The way a cluster watches, here with its one process of its own and without Dask."""
    labelled = read_csv(corpus / "events.csv", corpus, FPS, first_frame=1).videos
    here = [outcome.video for outcome in watch_corpus(labelled, Config(), out / "signals")]
    there = {o.video.name: o.video for o in watch_on_cluster(labelled, Config(), None, scheduler="")}
    assert len(there) == 2
    for video in here:
        other = there[video.name]
        assert (other.fps, other.n_frames, other.subject) == (video.fps, video.n_frames, video.subject)
        assert [frames(cue) for cue in other.cues] == [frames(cue) for cue in video.cues]


def frames(cue):
    return cue.kind, cue.onset_frame, cue.apex_frame, cue.offset_frame, cue.is_flagged


def test_tuning_scores_each_person_with_settings_from_the_others(evaluate):
    tuned = evaluate("--tune", "accepted_false_per_hour=0.05,6")["tuned"]
    assert set(tuned["chosen"]) == {"p1", "p2"}
    assert tuned["n_choices"] == 2
    held_out = tuned["scores"]["picked on the others (held out)"]
    assert held_out["n_true"] + held_out["n_missed"] == 4


def test_cues_of_another_system_are_scored_alike(evaluate, corpus, tmp_path):
    theirs = tmp_path / "theirs.csv"
    with (corpus / "events.csv").open() as file:
        event = next(csv.DictReader(file))
    theirs.write_text(f"video,onset,offset\n{event['video']},{event['onset']},{event['offset']}\na,3,9\n")
    score = evaluate("--cues", str(theirs))["scores"]["micro"]
    assert (score["n_true"], score["n_false"], score["n_missed"]) == (1, 1, 3)


def test_a_submission_counts_frames_as_the_corpus_does(evaluate, tmp_path, corpus):
    path = tmp_path / "submission.csv"
    evaluate("--submission", str(path))
    with path.open() as file:
        rows = list(csv.DictReader(file))
    with (corpus / "events.csv").open() as file:
        onsets = [int(row["onset"]) for row in csv.DictReader(file)][:3]
    assert [row["video"] for row in rows] == ["a", "a", "b"]
    assert [int(row["onset"]) for row in rows] == pytest.approx(onsets, abs=2)


def test_a_recording_that_cannot_be_read_misses_its_events(tmp_path, capsys):
    (tmp_path / "broken.mp4").write_bytes(b"no video at all")
    (tmp_path / "events.csv").write_text("video,onset,offset,kind\nbroken.mp4,5,9,micro\n")
    assert main(["evaluate", str(tmp_path / "events.csv"), "--json"]) == 74
    values = json.loads(capsys.readouterr().out)
    assert list(values["not_watched"]) == ["broken.mp4"]
    assert values["scores"]["micro"]["n_missed"] == 1


def test_the_checklist_says_what_is_missing(tmp_path, capsys):
    from corpora.layouts import Take

    from edge.evaluate.intervals import FrameInterval

    takes = [Take(50, (FrameInterval(10, 20, "micro", 14), FrameInterval(25, 40, "macro", 30)))] * 2
    samm_long(tmp_path, takes, touch)
    assert main(["evaluate", "samm-lv", "--root", str(tmp_path), "--check"]) == 0
    said = capsys.readouterr().out
    assert "343, as published" in said
    assert "apex -1" in said
    for picture in (tmp_path / "SAMM_longvideos" / "007_1").iterdir():
        picture.unlink()
    assert main(["evaluate", "samm-lv", "--root", str(tmp_path), "--check"]) == 1
    assert "2 found, 1 not" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nothing", "--root", "."], "known: casme2"),
        (["samm-lv"], "--root DIR"),
        (["samm-lv", "--root", "/nowhere"], "no such folder"),
    ],
)
def test_what_cannot_be_evaluated_is_told(words, sentence, capsys):
    assert main(["evaluate", *words]) in (2, 74)
    assert sentence in capsys.readouterr().err


def test_a_missing_extra_is_told_before_anything_is_watched(corpus, capsys, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "scipy" else find_spec(name)
    )
    monkeypatch.setattr(recording, "follow", None)
    assert main(["evaluate", str(corpus / "events.csv"), "--fps", "60"]) == 78
    assert "microcue[evaluate]" in capsys.readouterr().err


def test_tuning_needs_a_folder_and_settings_that_there_are(corpus, tmp_path, capsys):
    words = ["evaluate", str(corpus / "events.csv"), "--fps", "60"]
    assert main([*words, "--tune"]) == 2
    assert "--out DIR" in capsys.readouterr().err
    for wrong, sentence in (("nothing=1", "none of them"), ("learning_s=x", "KEY=NUMBER")):
        assert main([*words, "--out", str(tmp_path), "--tune", wrong]) == 2
        assert sentence in capsys.readouterr().err
