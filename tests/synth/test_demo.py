import os
from dataclasses import replace
from itertools import pairwise

import pytest

from edge.errors import EXIT_INPUT_OUTPUT
from edge.synth.demo import ClipNotKept, demo_cache_dir, demo_clip, demo_plan
from edge.synth.encode import ClipNotWritten
from edge.synth.plan import Plan, SceneSettings

SHORT = Plan(
    demo_plan().happenings[:1], SceneSettings(fps=20, duration_s=0.4, width=160, height=120, face_width_px=60)
)


def test_the_demo_has_what_it_promises():
    plan = demo_plan()
    movements = [h for h in plan.happenings if h.event == "movement"]
    micro = [h for h in movements if h.duration_s <= 0.5]
    assert (len(micro), len(movements) - len(micro), plan.duration_s) == (24, 2, 60.0)
    assert min(h.duration_s for h in micro) == pytest.approx(0.067)
    assert (min(h.amplitude for h in micro), max(h.amplitude for h in micro)) == (8, 40)
    assert {h.side for h in micro} == {"left", "right", "both"}
    assert all(h.onset_s > 5 for h in plan.happenings if h.event != "blink")
    assert 12 <= sum(h.event == "blink" for h in plan.happenings) <= 20
    ordered = sorted(movements, key=lambda h: h.onset_s)
    assert all(b.onset_s - a.offset_s > 0.5 for a, b in pairwise(ordered))


def test_the_clip_is_made_once_and_then_kept(tmp_path):
    seen = []
    clip, truth = demo_clip(tmp_path, lambda done, total: seen.append((done, total)), SHORT)
    assert seen == [(k, 8) for k in range(1, 9)]
    stamp = clip.stat().st_mtime_ns
    assert truth.is_file()
    assert demo_clip(tmp_path, None, SHORT) == (clip, truth)
    assert clip.stat().st_mtime_ns == stamp
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([clip.name, truth.name])


def test_another_plan_is_another_clip_and_takes_the_place_of_the_old_one(tmp_path):
    one, _ = demo_clip(tmp_path, None, SHORT)
    two, truth = demo_clip(tmp_path, None, replace(SHORT, settings=replace(SHORT.settings, seed=99)))
    assert one != two
    assert sorted(tmp_path.iterdir()) == sorted([two, truth])


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_makes_is_not(tmp_path):
    left, living = tmp_path / ".demo-0.mkv.999999999", tmp_path / f".demo-1.mkv.{os.getpid()}"
    left.touch()
    living.touch()
    demo_clip(tmp_path, None, SHORT)
    assert not left.exists()
    assert living.exists()


def test_an_interrupted_making_leaves_nothing_behind(tmp_path):
    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo_clip(tmp_path, stop, SHORT)
    assert list(tmp_path.iterdir()) == []
    clip, _ = demo_clip(tmp_path, None, SHORT)
    assert clip.stat().st_size > 1000


def test_a_cache_that_cannot_be_made_is_named_with_the_variable_that_moves_it(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ClipNotKept, match=r"file/cache/demo.*Not a directory; set XDG_CACHE_HOME") as caught:
        demo_clip(tmp_path / "file" / "cache", None, SHORT)
    assert caught.value.exit_code == EXIT_INPUT_OUTPUT
    assert ".mkv file" not in str(caught.value)


def test_a_clip_that_cannot_be_written_to_its_cache_says_the_same(monkeypatch, tmp_path):
    def full(*_, **__):
        raise ClipNotWritten("hidden", "the system says: No space left on device")

    monkeypatch.setattr("edge.synth.output.write_clip", full)
    with pytest.raises(
        ClipNotKept, match=r"demo-\w+\.mkv, but .*No space left on device; set XDG_CACHE_HOME"
    ):
        demo_clip(tmp_path, None, SHORT)
    assert list(tmp_path.iterdir()) == []


def test_a_service_keeps_the_clip_in_its_own_cache_directory(monkeypatch, tmp_path):
    monkeypatch.setenv("CACHE_DIRECTORY", f"{tmp_path}:/other")
    assert demo_cache_dir() == tmp_path
    monkeypatch.delenv("CACHE_DIRECTORY")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert demo_cache_dir() == tmp_path / "cache" / "microcue"
