"""The GStreamer source on a child process that plays frames, deaths, silences and refusals."""

from __future__ import annotations

import os
import shutil
import signal
import time

import numpy as np
import pytest

from edge.capture import argus
from edge.capture.argus import ArgusMode
from edge.capture.errors import (
    CameraAbsent,
    CameraBusy,
    CameraDenied,
    CameraSilent,
    CameraUnsuitable,
    FrameTimeout,
    GStreamerMissing,
    SizeChanged,
    SourceClosed,
    SourceEnded,
)
from edge.capture.gaps import GapDetector
from edge.capture.gstreamer import GStreamerSource, PipelinePatience
from edge.capture.gstreamer_child import command_of
from edge.capture.gstreamer_standin import command
from edge.errors import EXIT_CONFIG, EXIT_DEVICE_ABSENT

INTERVAL_NS = 8_330_000
QUICK = PipelinePatience(first_frame_s=20.0, stall_s=5.0, settle_s=0.0, again_s=0.01, n_restarts=2)


@pytest.fixture
def life(bars, tmp_path):
    """Maker of one life of the child: `life(0, 1)` writes the first two pictures and ends well."""

    def make(*numbers, **changes):
        path = tmp_path / "pictures.grey"
        path.write_bytes(bars(64).tobytes())
        frames = {"pictures": str(path), "size": (64, 48), "interval_ns": INTERVAL_NS, "start_ns": 10**9}
        return {**frames, "numbers": numbers, **changes}

    return make


@pytest.fixture
def open_source(tmp_path):
    """Opens a source on lives of a child; closes it after the test."""
    opened = []

    def make(*lives, patience=QUICK):
        source = GStreamerSource("standin", patience, command(tmp_path / "play.json", lives))
        opened.append(source)
        return source

    yield make
    for source in opened:
        source.close()


def test_pipeline_that_ends_by_itself_ends_the_source(open_source, life, play):
    source = open_source(life(0, 1, 2))
    assert (source.info.description, source.info.fps) == ("gst:standin", pytest.approx(120, abs=0.1))
    assert (source.info.timestamps, source.info.live) == ("pipeline", True)
    assert sum(1 for _ in play(source)) == 3
    with pytest.raises(SourceEnded, match="ended after 3 frames"):
        source.read(0.0)


def test_first_frame_s_time_is_when_it_arrived(open_source, life):
    before_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    frame = open_source(life(0)).read(5.0)
    assert before_ns <= frame.timestamp_ns <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def test_frames_while_exposure_settles_are_not_delivered(open_source, life):
    patience = PipelinePatience(first_frame_s=20.0, settle_s=0.05)
    source = open_source(life(*range(30), pace_s=0.01), patience=patience)
    first = source.read(5.0)
    # the moving bars of the first pictures differ from each other everywhere
    assert first.luma[0, 0] > 16 + 3


def test_frames_that_the_pipeline_dropped_are_counted_and_show_as_a_gap(open_source, life, play):
    source = open_source(life(0, 1, 2, 6, 7))
    gaps = GapDetector(source.info.fps)
    found = [gaps.observe(frame.sequence, frame.timestamp_ns) for frame in play(source)]
    assert [gap.n_missing for gap in found if gap is not None] == [3]
    assert source.counts.n_lost == 3


@pytest.mark.parametrize("ending", [{"exit_code": 1}, {"cut": 2}, {"silent_s": 30.0}])
def test_child_that_dies_breaks_off_or_falls_silent_is_started_again(open_source, life, play, ending, caplog):
    patience = PipelinePatience(first_frame_s=20.0, stall_s=1.0, settle_s=0.0, again_s=0.01)
    source = open_source(life(0, 1, 2, **ending), life(0, 1, 2), patience=patience)
    timestamps = [frame.timestamp_ns for frame in play(source)]
    assert len(timestamps) == (5 if "cut" in ending else 6)
    assert np.all(np.diff(timestamps) > 0)
    assert source.counts.n_restarts == 1
    assert "is started again" in caplog.text


def test_child_that_never_comes_back_is_given_up(open_source, life, play):
    source = open_source(life(0, exit_code=1), {"exit_code": 1})
    assert sum(1 for _ in play(source)) == 1
    with pytest.raises(CameraSilent, match="restarted 2 times") as caught:
        source.read(0.0)
    assert caught.value.exit_code == EXIT_DEVICE_ABSENT


def test_killed_child_is_replaced_and_none_is_left_behind(open_source, life):
    source = open_source(life(0, silent_s=60.0), life(1, silent_s=60.0))
    assert source.read(5.0).sequence == 0
    first = source._child.pid
    os.kill(first, signal.SIGKILL)
    assert source.read(30.0).sequence == 1
    second = source._child.pid
    source.close()
    for pid in (first, second):
        with pytest.raises(ProcessLookupError):  # neither running nor waiting to be asked for its exit code
            os.kill(pid, 0)


def test_silence_times_out_and_close_does_not_wait_for_it(open_source, life):
    source = open_source(life(0, silent_s=60.0))
    source.read(5.0)
    with pytest.raises(FrameTimeout, match=r"no frame for 0\.01 s after frame 0"):
        source.read(0.01)
    source.close()
    source.close()
    with pytest.raises(SourceClosed):
        source.read(0.0)


def test_late_reader_gets_the_newest_frames_and_the_count_of_the_others(open_source, life, play):
    source = open_source(life(*range(30)))
    source._thread.join()
    assert sum(1 for _ in play(source)) == 15
    assert source.counts.n_lost == 15


def test_size_that_changes_in_a_later_life_is_told(open_source, life):
    source = open_source(life(0, exit_code=1), life(0, size=(64, 24)))
    source.read(5.0)
    with pytest.raises(SizeChanged, match=r"expected 64x48 pictures .* but frame 1 is 64x24"):
        source.read(30.0)


@pytest.mark.parametrize(
    ("said", "kind", "sentence"),
    [
        ('WARNING: erroneous pipeline: no element "nosuchsrc"', CameraUnsuitable, 'no element "nosuchsrc"'),
        ("ERROR: from element /v4l2src0: Device '/dev/video0' is busy", CameraBusy, "another program"),
        (
            "ERROR: from element /v4l2src0: Could not open device\nsystem error: Permission denied",
            CameraDenied,
            "group",
        ),
        (
            "ERROR: from element /v4l2src0: Cannot identify device '/dev/video9'.",
            CameraAbsent,
            "there is none",
        ),
        ("ERROR: from element /nvargus: No cameras available", CameraAbsent, "there is none"),
        ("", CameraUnsuitable, "no word"),
    ],
)
def test_refusal_is_explained_in_the_pipeline_s_own_words(open_source, said, kind, sentence):
    with pytest.raises(kind, match=sentence):
        open_source({"says": said, "exit_code": 1})


def test_program_that_writes_something_else_is_unsuitable(open_source):
    with pytest.raises(CameraUnsuitable, match="expected video from gst:standin"):
        open_source({"raw": b"\xff\xd8\xff\xe0".hex()})


def test_child_that_never_writes_times_out_at_the_start(open_source):
    patience = PipelinePatience(first_frame_s=0.1, settle_s=0.0)
    with pytest.raises(FrameTimeout, match="since it was opened"):
        open_source({"silent_s": 60.0}, patience=patience)


def test_machine_without_gstreamer_says_how_to_get_it():
    with pytest.raises(GStreamerMissing, match="sudo apt install gstreamer1") as caught:
        GStreamerSource("videotestsrc", command=["no-such-gst-launch"])
    assert caught.value.exit_code == EXIT_CONFIG


def test_pipeline_is_passed_in_words_that_no_shell_sees():
    words = command_of(
        "nvarguscamerasrc exposuretimerange='4000000 4000000' ! video/x-raw(memory:NVMM),width=1280"
    )
    assert words[:6] == [
        *("gst-launch-1.0", "-q", "nvarguscamerasrc", "exposuretimerange=4000000 4000000", "!"),
        "video/x-raw(memory:NVMM),width=1280",
    ]
    assert words[-2:] == ["fdsink", "sync=false"]  # the number of the pipe comes behind


# as in LI-AR0234CS-STEREO-GMSL2 issue 4 and, with a comma, CSI-Camera issue 13
ARGUS = """\
GST_ARGUS: Creating output stream
CONSUMER: Waiting until producer is connected...
GST_ARGUS: Available Sensor modes :
GST_ARGUS: 1920 x 1200 FR = 59.999999 fps Duration = 16666667 ; Analog Gain range min 1.000000, max 16.000000;
GST_ARGUS: 960 x 600 FR = 120,000005 fps Duration = 8333333 ; Analog Gain range min 1.000000, max 16.000000;
GST_ARGUS: NvArgusCameraSrc: Setting Exposure Time Range : 13000 13000
GST_ARGUS: Invalid Exposure Time Range Input
GST_ARGUS: Running with following settings:
   Camera index = 0
   Camera mode  = 1
GST_ARGUS: Setup Complete, Starting captures for 0 seconds
"""


def test_what_argus_prints_is_no_picture_and_its_modes_are_known(open_source, life, play, caplog):
    source = open_source(life(*range(5), prints=ARGUS))
    assert source.sensor_modes == [ArgusMode(1920, 1200, 59.999999), ArgusMode(960, 600, 120.000005)]
    assert source.info.description == "gst:standin, sensor mode 960x600 at up to 120 Hz"
    assert "Argus says 'Invalid Exposure Time Range Input'" in caplog.text
    assert sum(1 for _ in play(source)) == 5


def test_other_pipelines_say_nothing_of_modes(open_source, life, caplog):
    source = open_source(life(0, prints="Setting pipeline to PLAYING ..."))
    assert (source.sensor_modes, source.info.description, caplog.text) == ([], "gst:standin", "")


@pytest.mark.parametrize(
    "said", ["", "GST_ARGUS: 1280 x 720", "Camera mode = 3", "GST_ARGUS: 8 x 8 FR = . fps", "\ufffd" * 40]
)
def test_mode_that_is_not_said_is_not_made_up(said):
    assert argus.chosen_in(said) is None
    assert argus.modes_in(said) == []


# ---- the real one: make test-gstreamer -----------------------------------------------------------

if os.environ.get("MICROCUE_GSTREAMER") and shutil.which("gst-launch-1.0"):
    TEST_PICTURES = (
        "videotestsrc is-live=true pattern=ball {} ! video/x-raw,width=640,height=480,framerate=200/1"
    )

    def test_real_pipeline_delivers_every_frame_at_its_rate(play):
        source = GStreamerSource(TEST_PICTURES.format("num-buffers=400"))
        timestamps = [frame.timestamp_ns for frame in play(source)]
        source.close()
        assert (source.info.width, source.info.height, source.info.fps) == (640, 480, 200.0)
        assert source.counts.n_lost == 0
        assert len(timestamps) >= 250  # the rest was for settling
        np.testing.assert_allclose(np.diff(timestamps), 5_000_000, atol=10_000)

    @pytest.mark.parametrize("width", [64, 62])
    @pytest.mark.parametrize("pixel_format", ["GRAY8", "I420", "YUY2", "NV12"])
    def test_real_pictures_are_those_of_the_pattern(play, width, pixel_format):
        caps = f"video/x-raw,format={pixel_format},width={width},height=48,framerate=30/1"
        patience = PipelinePatience(settle_s=0.0)
        source = GStreamerSource(f"videotestsrc num-buffers=3 pattern=white ! {caps}", patience)
        lumas = [frame.luma.copy() for frame in play(source)]
        source.close()
        assert np.array(lumas).shape == (3, 48, width)
        assert np.min(lumas) >= 235  # limited range, or full where the pipeline converts to it

    def test_real_child_that_is_killed_comes_back_with_the_gap_recorded():
        source = GStreamerSource(TEST_PICTURES.format(""))
        gaps = GapDetector(source.info.fps)
        for _ in range(50):
            frame = source.read(1.0)
            gaps.observe(frame.sequence, frame.timestamp_ns)
        os.kill(source._child.pid, signal.SIGKILL)
        while source.counts.n_restarts == 0:
            frame = source.read(5.0)
            gaps.observe(frame.sequence, frame.timestamp_ns)
        frame = source.read(5.0)
        gaps.observe(frame.sequence, frame.timestamp_ns)
        source.close()
        assert gaps.n_gaps >= 1
        assert gaps.n_missing >= 20

    @pytest.mark.parametrize(
        ("pipeline", "kind", "sentence"),
        [
            ("nosuchsrc", CameraUnsuitable, 'no element "nosuchsrc"'),
            ("v4l2src device=/dev/video99", CameraAbsent, "there is none"),
            ("videotestsrc ! video/x-raw,width=-1", CameraUnsuitable, "expected video"),
        ],
    )
    def test_real_refusals_are_explained(pipeline, kind, sentence):
        with pytest.raises(kind, match=sentence):
            GStreamerSource(pipeline)
