"""The measuring of speed: what it plays, and that its table holds what was done. No times are judged."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from edge.capture.errors import SourceEnded
from edge.cli import main
from edge.commands.bench import verdict
from edge.config import Config
from edge.evaluate.speed import SteadySource, measure, steady_face


@pytest.fixture(scope="module")
def pictures():
    """uint8 [shape=(24, 240, 320)]: the portrait at 60 fps, a face 115 px wide."""
    return steady_face(60.0, 320, 240, n=24)


def test_steady_face_hardly_moves(pictures):
    assert pictures.shape == (24, 240, 320)
    assert pictures.dtype == np.uint8
    steps = np.abs(np.diff(pictures.astype(int), axis=0)).mean(axis=(1, 2))
    assert steps.max() < 6  # two grey levels of noise in both, and a slow sway
    assert steps.min() > 0


def test_steady_source_plays_there_and_back_and_ends(pictures):
    source = SteadySource(pictures[:4], 100.0, 15)
    frames = [source.read(0.0) for _ in range(4)]
    order = [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2]
    for k in range(15):
        frame = frames[k] if k < 4 else source.read(0.0)
        assert (frame.sequence, frame.timestamp_ns) == (k, k * 10_000_000)
        np.testing.assert_array_equal(frame.luma, pictures[order[k]])
    for _ in range(2):
        with pytest.raises(SourceEnded):
            source.read(0.0)
    assert source.counts.n_frames == 15
    assert source.rss_warm_mb > 0
    source.close()


def test_steady_source_hands_out_copies(pictures):
    source = SteadySource(pictures[:4].copy(), 100.0, 8)
    source.read(0.0).luma[:] = 0
    assert pictures[0].any()
    np.testing.assert_array_equal([source.read(0.0) for _ in range(6)][-1].luma, pictures[0])


def test_measure_watches_every_frame_and_tells_each_stage(pictures, tmp_path):
    report = measure(Config(), pictures, 60.0, 90, tmp_path)
    assert (report.width, report.height, report.fps, report.n_frames) == (320, 240, 60.0, 90)
    assert report.n_key_frames >= 2
    assert report.quality > 0.9  # the face was followed, or the figures would mean nothing
    stages = {row.stage: row for row in report.stages}
    assert list(stages) == ["capture", "track", "spot", "record", "perceive", "indicate", "whole"]
    assert {row.n for row in report.stages} == {90}
    for row in report.stages:
        assert 0 <= row.p50_us <= row.p99_us <= row.p999_us <= row.largest_us
    assert report.key_frame_cpu_us > 0
    assert report.process_cpu_us_per_frame > 0
    assert report.rss_end_mb > 20
    assert json.loads(json.dumps(report.as_dict()))["stages"][1]["stage"] == "track"
    assert (tmp_path / "microcue.db").exists()


def test_resident_memory_is_told_in_megabytes():
    # a process of its own: a used one has freed memory to hand out first
    script = (
        "import numpy as np; from edge.evaluate.speed import resident_mb; before = resident_mb(); "
        "block = np.ones(40_000_000, np.uint8); print(resident_mb() - before, block[-1])"
    )
    answer = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert 35 < float(answer.stdout.split()[0]) < 45


def test_bench_prints_a_table_for_people_and_json_for_programs(tmp_path, monkeypatch, capsys):
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    small = ["bench", "--frames", "40", "--width", "160", "--height", "120", "--fps", "60", "--pulses", "0"]
    assert main([*small, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["n_frames"] == 40
    assert report["cue_to_pin"] is None
    assert report["fast_enough"] == (0.9 * report["frames_per_second"] >= 60)
    assert main(small) == 0
    out = capsys.readouterr().out
    assert "40 frames of 160x120 at 60 fps" in out
    assert "MB resident" in out
    assert out.splitlines()[-1].startswith(("Fast enough for 60 fps at 160x120", "Too slow for 60 fps"))


def test_the_verdict_of_bench_says_what_this_machine_can_do():
    assert (
        verdict(120, 400, "640x480")
        == "Fast enough for 120 fps at 640x480: it takes 30% of the time there is."
    )
    assert verdict(95, 100, "640x480").startswith("Too slow for 95 fps at 640x480, which would take 95% ")
    assert verdict(200, 100, "640x480").endswith("record at 90 fps or less, or with a smaller picture.")


@pytest.mark.parametrize(
    "words", [["--fps", "0"], ["--frames", "3"], ["--width", "-1"], ["--height", "32000"]]
)
def test_bench_refuses_what_it_cannot_measure(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["bench", *words])
    assert caught.value.code == 2
    assert f"argument {words[0]}: " in capsys.readouterr().err
