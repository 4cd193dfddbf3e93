"""`microcue demo`: which clip is watched, and what the score's sentence says."""

from __future__ import annotations

import pytest

from edge.cli import main
from edge.commands import demo
from edge.commands.context import Context
from edge.config import Config
from edge.evaluate.score import Interval, score
from edge.synth.demo import demo_plan


def test_another_seed_keeps_the_movements_and_has_a_folder_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setenv("CACHE_DIRECTORY", str(tmp_path))
    monkeypatch.setattr("edge.synth.demo.demo_clip", lambda directory, _, plan: (directory, plan))
    directory, plan = demo._clip(8, lambda *_: None)
    assert directory == tmp_path / "seed-8"
    assert plan.happenings == demo_plan().happenings
    assert plan.settings.seed == 8 != demo_plan().settings.seed


@pytest.mark.parametrize("seed", ["-1", "x", "99999999999"])
def test_a_seed_that_is_none_is_a_usage_error(seed, capsys):
    with pytest.raises(SystemExit) as end:
        main(["demo", f"--seed={seed}"])
    assert end.value.code == 2
    assert "should be a whole number" in capsys.readouterr().err


def test_verdict_counts_what_was_found_named_and_false():
    truth = [Interval(1.0, 1.2, "micro", "brow_lower", "left"), Interval(3.0, 3.2, "micro", "dimple", "both")]
    cues = [
        Interval(1.0, 1.2, "micro", "brow_lower", "left"),
        Interval(5.0, 5.2, "micro", "jaw_drop", "both", flagged=True),
    ]
    text = demo.verdict(score(truth, cues, 30.0))
    assert "1 of 2 planned movements found, 1 with IoU of at least 0.5, 1 with the right movement" in text
    assert "1 false cue in 30 s (2.0 a minute, 1 of them marked as beside a blink or speech)" in text


def test_whoever_has_no_terminal_hears_of_the_clip_in_quarters(capsys, tmp_path):
    with demo._Making(Context(Config(), tmp_path)) as making:
        for n_done in range(0, 1001, 10):
            making(n_done, 1000)
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("Making the demo clip; this happens once")
    assert [line[-5:].strip() for line in said[1:]] == ["25 %", "50 %", "75 %", "100 %"]
