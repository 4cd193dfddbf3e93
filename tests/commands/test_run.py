"""`microcue run` from the command line to the log, on small clips made here."""

from __future__ import annotations

import json
import os
import re
import resource
import select
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from fractions import Fraction

import av
import numpy as np
import pytest

from edge.anatomy import AUX_NAMES, N_SIGNALS, decode
from edge.cli import main
from edge.record.reading import LogReader
from edge.record.schema import DATABASE_NAME
from edge.synth.encode import write_clip
from edge.synth.plan import Happening, Plan, SceneSettings
from edge.synth.portrait import built_in_portrait
from edge.synth.scene import Scene

FPS = 60.0
N_FRAMES = 192
WAIT_S = 120  # for another process, on a busy machine


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty home, and a settings file by which a person is learned in a second."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    settings = tmp_path / "microcue" / "microcue.toml"
    settings.parent.mkdir()
    settings.write_text("[spot]\nlearning_s = 1.0\n")
    return tmp_path


def shoot(path, happenings=(), **settings):
    """Write a clip of the portrait; returns its path."""
    defaults = {"fps": FPS, "duration_s": N_FRAMES / FPS, "width": 320, "height": 240, "face_width_px": 130}
    scene = Scene(Plan(tuple(happenings), SceneSettings(**(defaults | settings))), built_in_portrait())
    write_clip(scene.render(), path, scene.plan.settings.fps)
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """3.2 s at 60 fps: the left brow goes up by 20 miod at 1.9 s, a blink at 2.6 s."""
    brow = Happening("movement", 1.9, 0.25, 20, movement="inner_brow_raise", side="left")
    blink = Happening("blink", 2.6, 0.15, 1.0)
    return shoot(tmp_path_factory.mktemp("clips") / "brow.mkv", [brow, blink])


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory):
    """A minute of a face at 30 fps, to be stopped in the middle: three seconds there and back."""
    settings = SceneSettings(fps=30.0, duration_s=1.0, width=320, height=240, face_width_px=130)
    scene = Scene(Plan((), settings), built_in_portrait())
    pictures = [luma.copy() for _, luma in scene.render()]
    turns = [*pictures, *pictures[-2:0:-1]]
    frames = ((round(k * 1e9 / 30), turns[k % len(turns)]) for k in range(1800))
    path = tmp_path_factory.mktemp("clips") / "long.mkv"
    write_clip(frames, path, 30.0)
    return path


@pytest.fixture
def data(tmp_path):
    """A data directory that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def microcue(data, capsys):
    """Runs a command in this process: (exit code, standard output, standard error)."""

    def run(*words):
        capsys.readouterr()
        try:
            code = main([*map(str, words), "--data", str(data)])
        except SystemExit as ended:  # argparse
            code = ended.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def watch(microcue):
    """Runs `microcue run` on a file."""
    return lambda path, *words: microcue("run", "--camera", f"file:{path}", "--led", "none", *words)


def sessions(data):
    """All sessions of a log, as dictionaries."""
    from edge.record.reading import SESSION_COLUMNS

    with LogReader(data) as log:
        return [dict(zip(SESSION_COLUMNS, row, strict=True)) for row in log.sessions()]


def logged_frames(data):
    """Frame numbers of the only session's only face, as its signal blocks have them."""
    with LogReader(data) as log:
        return np.concatenate([block.frames for block in log.signal_blocks(log.resolve("latest"), 0)])


def is_sound(data):
    """Whether SQLite finds nothing wrong with the log."""
    with closing(sqlite3.connect(data / DATABASE_NAME)) as connection, connection:
        return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def one_sentence(err):
    """The line of an error, without what was said of faces and frames before it."""
    said = re.compile(r"face |microcue: \d+ (of \d+ )?frames ")
    lines = [line for line in err.splitlines() if not said.match(line)]
    assert len(lines) == 1, err
    assert lines[0].startswith("microcue: ")
    return lines[0]


# ---- the main job ----------------------------------------------------------------------------


def test_run_finds_logs_and_prints_a_planned_movement(clip, data, watch):
    code, out, err = watch(clip)
    assert code == 0
    assert "face found at 0.0" in err
    assert "inner brow raise" in out
    assert "left" in out
    (session,) = sessions(data)
    assert session["session_id"] in out
    assert (session["state"], session["end_reason"]) == ("finished", "the source ended")
    assert session["n_frames"] == N_FRAMES
    assert session["n_micro"] >= 1
    assert session["n_blinks"] == 1
    assert session["coverage"] > 0.95
    assert session["n_lost_rows"] == session["n_lost_signal_frames"] == 0
    frames = logged_frames(data)
    np.testing.assert_array_equal(frames, np.arange(frames[0], N_FRAMES))
    assert frames[0] < 10
    assert is_sound(data)


def test_run_prints_json_for_programs_and_nothing_else(clip, watch):
    code, out, err = watch(clip, "--json")
    assert code == 0
    assert err == ""
    cues = json.loads(out)
    brow = cues[0]
    assert brow["kind"] == "micro"
    assert "inner_brow_raise" in brow["movements"].split("+")
    assert brow["side"] == "left"
    assert brow["onset_s"] == pytest.approx(1.9, abs=0.06)
    assert brow["offset_s"] == pytest.approx(2.15, abs=0.06)
    assert brow["amplitude_miod"] == pytest.approx(20, rel=0.35)
    assert all(cue["during_blink"] for cue in cues[1:])


def test_run_gives_the_same_cues_each_time(clip, watch):
    first, second = (json.loads(watch(clip, "--json")[1]) for _ in range(2))
    for cue in (*first, *second):
        del cue["cue_id"], cue["session_id"]
    assert first
    assert first == second


def test_run_says_the_same_as_cues_and_export_do(clip, watch, microcue):
    _, printed, _ = watch(clip, "--json")
    assert json.loads(microcue("cues", "latest", "--json")[1]) == json.loads(printed)
    code, csv, _ = microcue("export", "--format", "csv")
    assert code == 0
    assert len(csv.splitlines()) == 1 + len(json.loads(printed))


def test_run_keeps_earlier_sessions(clip, data, watch):
    for participant in ("P01", "P02"):
        assert watch(clip, "--participant", participant, "--duration", "0.3")[0] == 0
    assert [session["participant"] for session in sessions(data)] == ["P01", "P02"]


def test_run_ends_after_the_duration_in_the_frames_own_time(clip, data, watch):
    assert watch(clip, "--duration", "1.5")[0] == 0
    (session,) = sessions(data)
    assert session["end_reason"] == "duration reached"
    assert session["n_frames"] == 90


def test_run_reads_a_file_at_a_stated_rate(clip, data, watch):
    assert watch(clip, "--fps", "120", "--duration", "0.5")[0] == 0
    (session,) = sessions(data)
    assert session["fps"] == pytest.approx(120)
    assert session["timestamps"] == "stated"
    assert session["n_frames"] == 60


def test_run_is_silent_when_asked_to(clip, watch):
    code, _, err = watch(clip, "-q", "--duration", "0.5")
    assert (code, err) == (0, "")


def test_run_leaves_no_picture_in_the_data_directory(clip, data, watch):
    watch(clip)
    assert {path.name.removesuffix("-wal").removesuffix("-shm") for path in data.iterdir()} <= {
        DATABASE_NAME,
        "microcue.lock",
    }
    # 192 pictures of 77 kB would be 15 MB
    assert sum(path.stat().st_size for path in data.iterdir()) < 1_000_000


# ---- input that is not what it should be -----------------------------------------------------


def test_run_names_a_file_that_is_missing(watch, tmp_path):
    code, out, err = watch(tmp_path / "nobody.mkv")
    assert (code, out) == (74, "")
    assert "nobody.mkv" in one_sentence(err)
    assert "check the path" in err


def test_run_refuses_what_is_no_video(watch, tmp_path):
    path = tmp_path / "letter.mkv"
    path.write_text("Dear Sir or Madam,\n" * 500)
    code, _, err = watch(path)
    assert code == 74
    assert "expected a video" in one_sentence(err)


def test_run_refuses_a_folder_without_a_stated_rate(watch, tmp_path):
    code, _, err = watch(tmp_path)
    assert code == 2
    one_sentence(err)


def test_run_refuses_a_video_without_a_frame(watch, tmp_path, clip):
    """A header, and then nothing."""
    path = tmp_path / "empty.mkv"
    path.write_bytes(clip.read_bytes()[:700])
    code, _, err = watch(path)
    assert code == 74
    assert "expected" in one_sentence(err)
    empty = tmp_path / "zero.mkv"
    empty.touch()
    code, _, err = watch(empty)
    assert code == 74
    one_sentence(err)


def test_run_refuses_before_it_makes_a_session(watch, data, tmp_path):
    watch(tmp_path / "nobody.mkv")
    assert not data.exists() or sessions(data) == []


def test_run_takes_a_truncated_video_as_far_as_it_goes(watch, data, tmp_path, clip):
    path = tmp_path / "cut.mkv"
    content = clip.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    code, _, _ = watch(path)
    assert code == 0
    (session,) = sessions(data)
    assert 0.4 * N_FRAMES < session["n_frames"] < 0.6 * N_FRAMES
    assert session["state"] == "finished"


def test_run_takes_a_video_smaller_than_any_face(watch, data, tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, (40, 16, 16), np.uint8)
    path = tmp_path / "tiny.mkv"
    write_clip(((k * 20_000_000, luma) for k, luma in enumerate(noise)), path, 50.0, lossless=True)
    code, out, _ = watch(path)
    assert code == 0
    assert "no face in any of them" in out
    assert sessions(data)[0]["n_frames"] == 40


def test_run_says_that_there_was_no_face(watch, data, tmp_path):
    y, x = np.mgrid[:240, :320]
    path = tmp_path / "wall.mkv"
    wall = (128 + 60 * np.sin(x / 9) * np.cos(y / 7)).astype(np.uint8)
    write_clip(((k * 20_000_000, np.roll(wall, k, 1)) for k in range(60)), path, 50.0)
    code, out, _ = watch(path)
    assert code == 0
    assert "no face in any of them" in out
    (session,) = sessions(data)
    assert (session["n_frames"], session["coverage"], session["n_micro"]) == (60, 0, 0)
    code, out, _ = watch(path, "--json")
    assert (code, json.loads(out)) == (0, [])


def test_run_follows_the_larger_of_two_faces_and_logs_no_other(watch, data, tmp_path):
    scenes = [
        Scene(
            Plan((), SceneSettings(fps=FPS, duration_s=1.0, width=320, height=300, face_width_px=size)),
            portrait,
        )
        for portrait in [built_in_portrait()]
        for size in (90, 150)
    ]
    path = tmp_path / "two.mkv"
    pairs = zip(*(scene.render() for scene in scenes), strict=True)
    write_clip(((ns, np.hstack([small, large])) for (ns, small), (_, large) in pairs), path, FPS)
    code, _, err = watch(path)
    assert code == 0
    assert err.count("face found") == 1
    with LogReader(data) as log:
        session = log.resolve("latest")
        assert log.faces(session) == [0]
        values = decode(np.concatenate([block.codes for block in log.signal_blocks(session, 0)]))
    head_x_miod = np.nanmedian(values[:, N_SIGNALS + AUX_NAMES.index("head_x_miod")])
    nose_px = scenes[1].canvas.points[168, 0] + 320
    assert head_x_miod * scenes[1].iod_px / 1000 == pytest.approx(nose_px, abs=12)


def test_run_ends_a_session_whose_picture_changes_size_with_the_reason(watch, data, tmp_path):
    path = tmp_path / "grows.mjpeg"
    with path.open("wb") as file:
        for height, width in [(120, 160)] * 30 + [(240, 320)] * 5:
            encoder = av.CodecContext.create("mjpeg", "w")
            encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
            encoder.time_base = Fraction(1, 25)
            picture = av.VideoFrame(width, height, "yuvj420p")
            for plane in picture.planes:
                plane.update(bytes([120]) * plane.buffer_size)
            picture.pts = 0
            for packet in (*encoder.encode(picture), *encoder.encode(None)):
                file.write(bytes(packet))
    code, _, err = watch(path)
    assert code == 74
    assert "320x240" in one_sentence(err)
    (session,) = sessions(data)
    assert session["n_frames"] == 30
    assert session["state"] == "finished"
    assert "320x240" in session["end_reason"]


# ---- settings and options --------------------------------------------------------------------


def test_run_refuses_an_unknown_setting(watch, clip, tmp_path):
    settings = tmp_path / "wrong.toml"
    settings.write_text("[spot]\nlearning_seconds = 1\n")
    code, out, err = watch(clip, "--config", settings)
    assert (code, out) == (78, "")
    assert "spot.learning_seconds is not a setting; did you mean learning_s?" in one_sentence(err)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--camera", "picamera2:left"], 2),
        (["--camera", "gst:"], 2),
        (["--camera", "v4l2:/dev/video99"], 69),
        (["--camera", "nonsense"], 2),
        (["--led", "lamp"], 2),
        (["--faces", "0"], 2),
        (["--fps", "-3"], 2),
        (["--duration", "0"], 2),
        (["--participant", "John Doe"], 2),
        (["--nonsense"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_run_refuses_options_with_the_right_exit_code(watch, clip, words, code):
    got, out, err = watch(clip, *words)
    assert (got, out) == (code, "")
    assert "Traceback" not in err
    assert words[0] in err or words[-1].removeprefix("v4l2:") in err, "what was typed is named"
    assert "capture." not in err


def test_run_shows_the_traceback_with_v_only(watch, tmp_path):
    assert "Traceback" not in watch(tmp_path / "nobody.mkv")[2]
    assert "Traceback" in watch(tmp_path / "nobody.mkv", "-v")[2]


def test_run_explains_a_model_that_is_not_there(watch, clip, tmp_path):
    settings = tmp_path / "model.toml"
    settings.write_text('[perceive]\nlandmarks = "no_such_model"\n')
    code, _, err = watch(clip, "--config", settings)
    assert code == 74
    assert "no_such_model" in one_sentence(err)


# ---- the data directory ----------------------------------------------------------------------


def test_run_explains_a_data_directory_that_cannot_be_made(clip, tmp_path, capsys):
    (tmp_path / "file").write_text("not a directory")
    code = main(
        ["run", "--camera", f"file:{clip}", "--led", "none", "--data", str(tmp_path / "file" / "data")]
    )
    assert code == 74
    assert "give another one with --data" in one_sentence(capsys.readouterr().err)


def test_run_explains_a_data_directory_that_is_a_file(clip, data, watch):
    data.write_text("not a directory")
    code, _, err = watch(clip)
    assert code == 74
    assert str(data) in one_sentence(err)


def test_run_explains_a_database_of_another_program(clip, data, watch):
    data.mkdir()
    with closing(sqlite3.connect(data / DATABASE_NAME)) as connection, connection:
        connection.execute("PRAGMA application_id = 42")
        connection.execute("CREATE TABLE t (x)")
    code, _, err = watch(clip)
    assert code == 74
    assert "another program's database" in one_sentence(err)


class Process:
    """`microcue run` on its own, with its log and what it said."""

    def __init__(self, data, *words, limit_bytes=resource.RLIM_INFINITY):
        script = (
            "import resource, sys; from edge.cli import main;"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit_bytes}, {limit_bytes}));"
            "sys.exit(main(sys.argv[1:]))"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, "run", "--led", "none", "--data", str(data), *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.err = b""

    def wait_for(self, text):
        """Read standard error until it holds a text."""
        deadline_s = time.monotonic() + WAIT_S
        while text.encode() not in self.err:
            ready, _, _ = select.select([self.process.stderr], [], [], max(0, deadline_s - time.monotonic()))
            assert ready, f"{text!r} never came, only {self.err!r}"
            came = os.read(self.process.stderr.fileno(), 4096)
            assert came, f"it ended with {self.err!r}"
            self.err += came

    def end(self, number=None):
        """Send a signal, wait; returns exit code, standard output and error."""
        if number is not None:
            self.process.send_signal(number)
        out, rest = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, out.decode(), (self.err + rest).decode()


@pytest.fixture
def start(data):
    """Starts `microcue run` in another process; it is gone after the test."""
    started = []

    def begin(*words, **options):
        started.append(Process(data, *words, **options))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_ends_its_session_when_it_is_asked_to_stop(start, data, long_clip, number):
    running = start("--camera", f"file:{long_clip}", "--realtime")
    running.wait_for("face found")
    time.sleep(1.2)  # media time, so that more than one block of signals is due
    code, out, err = running.end(number)
    assert code == 0, err
    assert "Traceback" not in err
    (session,) = sessions(data)
    assert session["session_id"] in out
    assert session["state"] == "finished"
    assert session["end_reason"] == number.name
    assert 20 < session["n_frames"] < 1800
    frames = logged_frames(data)
    np.testing.assert_array_equal(frames, np.arange(frames[0], session["n_frames"]))
    assert is_sound(data)


def test_run_refuses_a_data_directory_that_another_run_uses(start, data, long_clip, clip, watch):
    running = start("--camera", f"file:{long_clip}", "--realtime")
    running.wait_for("face found")
    code, out, err = watch(clip)
    assert (code, out) == (74, "")
    assert f"process {running.process.pid} already does" in one_sentence(err)
    assert running.end(signal.SIGTERM)[0] == 0
    assert watch(clip, "--duration", "0.2")[0] == 0  # and it is free again
    assert len(sessions(data)) == 2


def wait_for_frames_in_log(data):
    """The log follows what is watched by up to half a second, and by more on a busy machine."""
    deadline_s = time.monotonic() + WAIT_S
    while not ((rows := sessions(data)) and rows[-1]["n_frames"]):
        assert time.monotonic() < deadline_s, "nothing came into the log"
        time.sleep(0.1)


def test_run_can_be_read_while_it_runs(start, data, long_clip, microcue):
    running = start("--camera", f"file:{long_clip}", "--realtime")
    running.wait_for("face found")
    wait_for_frames_in_log(data)
    (session,) = json.loads(microcue("sessions", "--json")[1])
    assert session["state"] == "running"
    assert running.end(signal.SIGTERM)[0] == 0


def test_run_killed_outright_leaves_a_log_that_is_read_and_written_again(start, data, long_clip, clip, watch):
    running = start("--camera", f"file:{long_clip}", "--realtime")
    running.wait_for("face found")
    wait_for_frames_in_log(data)
    running.end(signal.SIGKILL)
    (session,) = sessions(data)
    assert session["state"] == "interrupted"
    assert session["n_frames"] > 0
    assert watch(clip, "--duration", "0.2")[0] == 0
    assert [one["state"] for one in sessions(data)] == ["interrupted", "finished"]
    assert is_sound(data)


def test_run_explains_a_disk_that_fills_up_and_keeps_what_was_logged(start, data, long_clip, watch, clip):
    """No file may grow beyond 60 kB, less than a minute takes: as though nothing were left then."""
    watch(clip, "--duration", "0.5")
    before = [session["session_id"] for session in sessions(data)]
    running = start("--camera", f"file:{long_clip}", limit_bytes=60_000)
    code, _, err = running.end()
    assert code == 74
    assert "Traceback" not in err
    assert "what was logged before is safe" in one_sentence(err)
    assert is_sound(data)
    assert [session["session_id"] for session in sessions(data)][: len(before)] == before
    assert watch(clip, "--duration", "0.5")[0] == 0
