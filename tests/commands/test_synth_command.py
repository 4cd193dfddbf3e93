import json

import numpy as np
import pytest

from edge.cli import main
from edge.synth.encode import write_clip

PLAN = "# duration_s=0.5\nevent,onset_s,duration_s,movement,side,amplitude\nmovement,0.1,0.2,dimple,left,20\n"
SMALL = ["--fps", "20", "--width", "160", "--height", "120", "--face-width", "60"]


@pytest.fixture
def plan_file(tmp_path):
    path = tmp_path / "plan.csv"
    path.write_text(PLAN)
    return path


def synth(*words):
    return main(["synth", *map(str, words)])


def test_a_clip_and_its_truth_are_written(plan_file, tmp_path, capsys):
    output = tmp_path / "clip.mkv"
    assert synth("--plan", plan_file, "--output", output, *SMALL) == 0
    assert output.stat().st_size > 1000
    assert "dimple" in (tmp_path / "clip.truth.csv").read_text()
    assert "10 frames at 20 per second, 1 movements, 0 blinks" in capsys.readouterr().out


def test_json_names_what_was_written(plan_file, tmp_path, capsys):
    assert synth("--plan", plan_file, "--output", tmp_path / "clip.mkv", "--json", "--lossless", *SMALL) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["frames"], row["movements"], row["blinks"]) == (10, 1, 0)


def test_the_example_plan_can_be_rendered(tmp_path, capsys):
    assert synth("--example-plan") == 0
    plan = tmp_path / "example.csv"
    plan.write_text(capsys.readouterr().out)
    assert synth("--plan", plan, "--output", tmp_path / "clip.mkv", *SMALL) == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--output", "x.mkv"], 2, "expected --plan"),
        (["--plan", "{plan}"], 2, "expected --output"),
        (["--plan", "{plan}", "--output", "x.mkv", "--quality", "50"], 2, "--quality must lie in 2 to 31"),
        (["--plan", "none.csv", "--output", "x.mkv"], 74, "expected a plan"),
        (["--plan", "{plan}", "--output", "x.mkv", "--fps", "0"], 78, "fps must lie in"),
        (["--plan", "{plan}", "--output", "{dir}/no/x.mkv", *SMALL], 74, "expected to write a video"),
        (["--plan", "{plan}", "--output", "x.mkv", "--portrait", "none.png"], 74, "none.png"),
        (["--plan", "{plan}", "--output", "x.mkv", "--portrait", "{plan}"], 74, "plan.csv"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    plan_file, tmp_path, monkeypatch, capsys, words, code, message
):
    monkeypatch.chdir(tmp_path)
    assert synth(*(word.format(plan=plan_file, dir=tmp_path) for word in words)) == code
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "x.mkv").exists()


def test_a_picture_without_a_face_is_refused(plan_file, tmp_path, capsys):
    write_clip([(0, np.full((120, 160), 90, np.uint8))], tmp_path / "grey.mkv", 20.0)
    code = synth("--plan", plan_file, "--output", tmp_path / "x.mkv", "--portrait", tmp_path / "grey.mkv")
    assert code == 74
    assert "expected one face in the portrait" in capsys.readouterr().err
