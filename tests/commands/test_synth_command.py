import io
import json
import os

import numpy as np
import pytest

from edge.cli import main
from edge.synth.encode import write_clip
from edge.synth.plan import EVENTS, parse_plan

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
    assert "10 frames at 20 per second, 1 movement, 0 blinks" in capsys.readouterr().out


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
        (["--plan", "{plan}", "--output", "x.mkv", "--fps", "0"], 2, "--fps must lie in 1 to 1000, but is 0"),
        (["--plan", "{plan}", "--output", "x.mkv", "--fps", "nan"], 2, "--fps must lie in"),
        (["--plan", "{plan}", "--output", "x.mkv", "--width", "32000"], 2, "--width must lie in 64 to 7680"),
        (["--plan", "{plan}", "--output", "x.mkv", "--face-width", "1"], 2, "--face-width must lie in"),
        (["--plan", "{plan}", "--output", "x.mkv", "--noise", "-1"], 2, "--noise must lie in 0 to 60"),
        (["--plan", "{dir}/wide.csv", "--output", "x.mkv"], 78, "width must lie in 64 to 7680"),
        (["--plan", "{plan}", "--output", "x.gif"], 2, "--output must end in .mkv"),
        (["--plan", "{plan}", "--output", "{plan}"], 2, "--output must end in .mkv"),
        (["--plan", "{plan}", "--output", "{dir}/folder.mkv"], 2, "folder.mkv is a folder"),
        (["--plan", "{plan}", "--output", "{dir}/no/x.mkv", *SMALL], 74, "expected to write a video"),
        (["--plan", "{plan}", "--output", "x.mkv", "--portrait", "none.png"], 74, "none.png"),
        (["--plan", "{plan}", "--output", "x.mkv", "--portrait", "{plan}"], 74, "plan.csv"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    plan_file, tmp_path, monkeypatch, capsys, words, code, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.mkv").mkdir()
    (tmp_path / "wide.csv").write_text("# width=32000\n" + PLAN)
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


@pytest.mark.parametrize("name", ["clip.mkv", "clip.truth.csv", "link.mkv"])
@pytest.mark.parametrize("option", ["--plan", "--portrait"])
def test_what_a_clip_is_made_from_is_never_written_over(plan_file, tmp_path, capsys, name, option):
    source = tmp_path / ("clip.mkv" if name == "link.mkv" else name)
    source.write_text(PLAN)
    if name == "link.mkv":
        (tmp_path / name).symlink_to(source)
    output = tmp_path / (name if name == "link.mkv" else "clip.mkv")
    words = ["--plan", plan_file, "--portrait", source] if option == "--portrait" else ["--plan", source]
    assert synth(*words, "--output", output, *SMALL) == 2
    assert f"over the {option} it is made from" in capsys.readouterr().err
    assert source.read_text() == PLAN


def test_a_source_named_another_way_is_still_recognised(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    (tmp_path / "clip.mkv").write_text(PLAN)
    assert synth("--plan", tmp_path / "clip.mkv", "--output", "here/../clip.mkv", *SMALL) == 2
    assert "over the --plan" in capsys.readouterr().err


def test_an_interrupt_leaves_what_was_there_and_says_so(plan_file, tmp_path, monkeypatch, capsys):
    output = tmp_path / "clip.mkv"
    output.write_text("an older clip")
    begun = []

    def interrupted(frames, *rest):
        for number, frame in enumerate(frames):
            if number == 4:
                begun.extend(path.name for path in tmp_path.iterdir() if path.name.startswith(".clip"))
                raise KeyboardInterrupt
            yield frame

    monkeypatch.setattr("edge.commands.synth.with_progress", interrupted)
    assert synth("--plan", plan_file, "--output", output, *SMALL) == 130
    assert capsys.readouterr().err == "microcue: interrupted, nothing written\n"
    assert begun == [f".clip.mkv.{os.getpid()}"]
    assert output.read_text() == "an older clip"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mkv", "plan.csv"]


def test_one_is_singular_and_more_are_plural(plan_file, tmp_path, capsys):
    plan_file.write_text(PLAN + "blink,0.1,0.2,,both,1\nblink,0.3,0.2,,both,1\n")
    assert synth("--plan", plan_file, "--output", tmp_path / "clip.mkv", *SMALL) == 0
    assert "1 movement, 2 blinks" in capsys.readouterr().out


def test_the_example_plan_is_csv_with_json_too_and_the_help_says_so(capsys):
    assert synth("--example-plan", "--json") == 0
    assert "event,onset_s," in capsys.readouterr().out
    with pytest.raises(SystemExit):
        synth("--help")
    assert "CSV, with --json too" in " ".join(capsys.readouterr().out.split())


def test_the_example_plan_shows_every_event_and_the_help_names_them(capsys):
    assert synth("--example-plan") == 0
    plan = parse_plan(capsys.readouterr().out)
    assert {h.event for h in plan.happenings} == set(EVENTS)
    with pytest.raises(SystemExit):
        synth("--help")
    words = capsys.readouterr().out.replace(",", " ").replace(".", " ").split()
    assert set(EVENTS) <= set(words)


def test_at_a_terminal_the_bar_is_gone_before_the_interrupt_is_told(plan_file, tmp_path, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    def interrupted(self, *_):
        raise KeyboardInterrupt

    file = Terminal()
    monkeypatch.setattr("sys.stderr", file)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("edge.commands.progress._PATIENCE_S", -1.0)
    monkeypatch.setattr("edge.synth.output.write_truth", interrupted)  # while the bar may still stand
    monkeypatch.setattr("edge.synth.output.write_clip", lambda frames, *_: [next(frames) for _ in range(3)])
    assert synth("--plan", plan_file, "--output", tmp_path / "clip.mkv", *SMALL) == 130
    assert "rendering" in file.getvalue()
    assert file.getvalue().endswith("microcue: interrupted, nothing written\n")
