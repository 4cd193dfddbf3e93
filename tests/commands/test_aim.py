"""`microcue aim`: what it says of faces small, aside, dark and soft, where it says it, and how it ends."""

from __future__ import annotations

import json
from dataclasses import replace

import av
import numpy as np
import pytest

from edge.capture.errors import FrameTimeout
from edge.capture.scripted import ScriptedSource
from edge.cli import main
from edge.commands.aim import Aim
from edge.commands.aim_display import PlainLines, drawn, sketch
from edge.commands.framing import judged
from edge.messages import FaceLandmarks, Frame, FrameReport, SourceInfo
from edge.perceive.face_picture import FacePicture
from edge.perceive.scripted import ScriptedFinder
from edge.perceive.worker import KeyFrameWorker
from edge.synth.plan import Plan, SceneSettings
from edge.synth.portrait import built_in_portrait
from edge.synth.scene import Scene

INFO = SourceInfo("camera", 640, 480, 120.0, "sensor", live=True)
REPORT = FrameReport(0, 10**9, 120, 0, 0, 0, 0, 0, 0, 0, 0.02, 120.0, None, None)
FACE = FacePicture(200.0, 220.0, 220.0, 110.0, 110.0, 120.0, 0.0, 1.1, 2.0, 0.6)

TOO_CLOSE = {"width_px": 600.0, "left_px": 20.0, "right_px": 20.0, "top_px": -99, "bottom_px": -99}


def line(name, face=FACE, report=REPORT):
    return next(one for one in judged(face, report, INFO, 40.0) if one.name == name)


def test_a_face_well_in_view_needs_nothing():
    lines = judged(FACE, REPORT, INFO, 40.0)
    assert [one.name for one in lines] == ["face", "size", "place", "light", "sharp", "rate", "steady light"]
    assert {one.level for one in lines} == {"ok"}
    assert {one.advice for one in lines} == {""}


@pytest.mark.parametrize(
    ("name", "changes", "level", "advice"),
    [
        ("size", {"width_px": 90.0}, "warn", "come closer, to 0.8 of the distance"),
        ("size", {"width_px": 50.0}, "fail", "120 px are needed"),
        ("place", {"left_px": 25.0, "right_px": 415.0}, "warn", "left, or turn the camera to its left"),
        ("place", {"left_px": 415.0, "right_px": 25.0}, "warn", "move to your own right"),
        ("place", {"left_px": -30.0, "right_px": 470.0}, "fail", "your own left"),
        ("place", {"top_px": 5.0, "bottom_px": 215.0}, "fail", "sit lower, or tilt the camera up"),
        ("place", {"top_px": 215.0, "bottom_px": 25.0}, "warn", "sit higher"),
        ("place", TOO_CLOSE, "fail", "move back"),
        ("light", {"level": 50.0}, "warn", "more light from the front"),
        ("light", {"level": 20.0}, "fail", "more light from the front"),
        ("light", {"level": 220.0}, "warn", "less light"),
        ("light", {"clipped_share": 0.3}, "fail", "less light"),
        ("light", {"side_ratio": 2.0}, "warn", "from the front instead of the side"),
        ("sharp", {"blur": 0.85}, "warn", "focus the lens"),
        ("sharp", {"blur": 0.95}, "fail", "focus the lens"),
        ("sharp", {"noise_levels": 8.0}, "warn", "more light"),
    ],
)  # fmt: skip
def test_each_fault_of_the_view_has_its_advice(name, changes, level, advice):
    told = line(name, replace(FACE, **changes))
    assert told.level == level
    assert advice in told.advice
    others = [one for one in judged(replace(FACE, **changes), REPORT, INFO, 40.0) if one.name != name]
    assert {one.level for one in others} <= {"ok"} | ({"warn"} if "width_px" in changes else set())


@pytest.mark.parametrize(
    ("name", "changes", "advice"),
    [
        ("rate", {"n_frames": 90}, "more light"),
        ("rate", {"n_frames": 30}, "more light"),
        ("rate", {"n_missing": 30}, "close other programs"),
        ("rate", {"jitter_ms": 3.0}, "frames come unevenly, by 3.0 ms of 8.3; another cable"),
        ("steady light", {"lamp_hz": 100.0, "flicker_hz": 20.0}, "--fps 100"),
        ("steady light", {"n_light_steps": 2}, "lock the exposure"),
    ],
)
def test_faults_of_frames_are_told_and_do_not_fail(name, changes, advice):
    told = line(name, report=replace(REPORT, **changes))
    assert told.level == "warn"
    assert advice in told.advice


def test_no_face_fails_and_leaves_the_rest_unknown():
    face, *others = judged(None, replace(REPORT, light_level=20.0), INFO, 40.0)
    assert (face.level, face.advice) == ("fail", "look towards the camera, more light from the front")
    assert [one.level for one in others[:4]] == ["unknown"] * 4


def test_plain_lines_come_when_something_changes_in_kind(capsys):
    show = PlainLines()
    for face in (FACE, replace(FACE, level=121.0), replace(FACE, level=25.0), None):
        show(judged(face, REPORT, INFO, 40.0), face)
    ready, dark, none = capsys.readouterr().out.splitlines()
    assert ready.startswith("ready: 200 px wide; in the middle")
    assert dark == "light (face 25 of 255, 0% clipped): more light from the front"
    assert none == "face (none found): look towards the camera"


def test_sketch_has_the_face_where_it_is():
    rows = sketch(replace(FACE, left_px=0.0, right_px=440.0, top_px=0.0, bottom_px=220.0), INFO).splitlines()
    filled = np.array([[mark == "o" for mark in row] for row in rows])
    y, x = np.nonzero(filled)
    assert {len(row) for row in rows} == {30}
    assert x.mean() < 8
    assert y.mean() < 5
    assert "o" not in sketch(None, INFO)


def test_drawing_says_what_is_missing_first():
    from rich.console import Console

    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        console.print(drawn(judged(replace(FACE, blur=0.95), REPORT, INFO, 40.0), FACE, INFO))
    assert "not yet: sharp" in capture.get()


@pytest.fixture(scope="module")
def pictures():
    """One second of a face 130 px wide, in noise, and its landmarks."""
    settings = SceneSettings(fps=100.0, duration_s=1.0, width=320, height=240, face_width_px=130)
    scene = Scene(Plan((), settings), built_in_portrait())
    points = np.column_stack([scene.true_points(0.0), np.zeros(468)]).astype(np.float32)
    return [luma.copy() for _, luma in scene.render()], points


@pytest.fixture
def aim(pictures):
    """Runs an Aim on frames, with a model that answers as told: its last lines, and all that was shown."""
    lumas, points = pictures
    info = SourceInfo("script", 320, 240, 100.0, "media", live=False)

    def run(n_frames, answers=None, failures=(), duration_s=0.0, stopped=lambda: False):
        frames = [Frame(k, k * 10**7, lumas[k % len(lumas)]) for k in range(n_frames)]
        seen = [(FaceLandmarks(0, points, 1.0),)] * 1000 if answers is None else answers
        worker = KeyFrameWorker(ScriptedFinder(seen), 240, 320, 0)
        shown = []
        source = ScriptedSource([*frames, *failures], info)
        try:
            aim = Aim(source, worker, 40.0, lambda lines, face: shown.append((lines, face)))
            return aim.until(stopped, duration_s), shown
        finally:
            worker.close()

    return run


def test_aim_tells_once_a_second_and_at_the_end(aim):
    lines, shown = aim(270)
    assert len(shown) == 3
    assert shown[-1][0] == lines
    assert [one.level for one in lines[:5]] == ["ok"] * 5


def test_aim_ends_after_its_time(aim):
    _, shown = aim(1000, duration_s=2.5)
    assert len(shown) == 3


def test_aim_ends_when_asked_to(aim):
    calls = iter([False] * 49 + [True] * 9)
    lines, shown = aim(1000, stopped=lambda: next(calls))
    assert len(shown) == 1
    assert "100.0 frames/s" in next(one for one in lines if one.name == "rate").found


def test_a_face_that_is_mostly_gone_is_gone(aim, pictures):
    face = (FaceLandmarks(0, pictures[1], 1.0),)
    lines, _ = aim(110, answers=[face, (), (), face, (), (), (), (), (), (), ()])
    assert lines[0].level == "fail"


def test_a_camera_that_stays_silent_is_an_error(aim):
    with pytest.raises(FrameTimeout):
        aim(20, failures=[FrameTimeout(0.5, 19)] * 20)


def test_a_camera_that_stumbles_is_waited_for(aim):
    lines, _ = aim(120, failures=[FrameTimeout(0.5, 119)] * 3)
    assert lines[0].level == "ok"


@pytest.fixture
def film(tmp_path):
    """Writes pictures as a lossless clip."""

    def write(lumas, fps=100):
        path = tmp_path / "clip.mkv"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("ffv1", rate=fps)
            stream.height, stream.width = lumas[0].shape
            stream.pix_fmt = "gray"
            for luma in lumas:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(luma, "gray")))
            container.mux(stream.encode(None))
        return path

    return write


def test_a_good_recording_ends_with_0_and_says_ready(film, pictures, capsys):
    path = film(pictures[0])
    assert main(["aim", "--camera", f"file:{path}"]) == 0
    assert capsys.readouterr().out.startswith("ready: 1")


def test_a_recording_without_a_face_ends_with_1_and_json_says_why(film, capsys):
    noise = np.random.default_rng(0).normal(120, 3, (60, 240, 320)).astype(np.uint8)
    assert main(["aim", "--camera", f"file:{film(noise)}", "--json"]) == 1
    (face, *others) = json.loads(capsys.readouterr().out)
    assert (face["check"], face["level"]) == ("face", "fail")
    assert [one["check"] for one in others] == ["size", "place", "light", "sharp", "rate", "steady light"]


def test_quiet_says_nothing_but_by_its_exit_code(film, pictures, capsys):
    assert main(["aim", "--camera", f"file:{film(pictures[0])}", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
