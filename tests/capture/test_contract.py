"""What every source promises, asked of each of them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.capture.errors import CameraAbsent, SourceClosed, SourceEnded
from edge.capture.file import FileSource
from edge.capture.gstreamer import GStreamerSource, PipelinePatience
from edge.capture.gstreamer_standin import command
from edge.capture.memory import MemorySource
from edge.capture.picamera2 import Patience, Picamera2Source
from edge.capture.picamera2_exposure import Metering
from edge.capture.picamera2_mode import ModeCache
from edge.capture.picamera2_scene import Scene, Shot
from edge.capture.picamera2_standin import stand_in_library
from edge.capture.pictures import PictureSequenceSource
from edge.capture.scripted import ScriptedSource
from edge.capture.source import FrameSource
from edge.capture.v4l2 import V4L2Source
from edge.capture.v4l2_device import CameraMode
from edge.capture.v4l2_standin import Picture, StandInDevice, yuyv_bytes
from edge.errors import DeviceAbsent, EdgeError

N = 6
FPS = 120
INTERVAL_NS = round(1e9 / FPS)
AT_THE_END = (SourceEnded, DeviceAbsent)


@pytest.fixture
def pictures(bars):
    """uint8 [shape=(6, 48, 64)]."""
    return bars(N)


def unplugged() -> OSError:
    return OSError(errno.ENODEV, os.strerror(errno.ENODEV))


def v4l2_source(
    pictures: np.ndarray, pixel_format: str, to_bytes: Callable[[np.ndarray], bytes]
) -> V4L2Source:
    script = [Picture(to_bytes(luma), k, 10**9 + k * INTERVAL_NS) for k, luma in enumerate(pictures)]
    device = StandInDevice([*script, unplugged()], [CameraMode(pixel_format, 64, 48, FPS)])
    return V4L2Source(device, 64, 48, FPS)


def picamera2_source(pictures: np.ndarray, padding: int, cache: ModeCache) -> Picamera2Source:
    scene = Scene([Shot(luma, 10**9 + k * INTERVAL_NS) for k, luma in enumerate(pictures)], padding)
    return Picamera2Source(
        *(0, 64, 48, FPS),
        library=stand_in_library(scene),
        cache=cache,
        metering=Metering(3, 2, 50),
        patience=Patience(stall_s=0.1, poll_s=0.02, n_restarts=1),
    )


def picture_source(pictures: np.ndarray, folder: Path) -> PictureSequenceSource:
    for k, luma in enumerate(pictures):
        (folder / f"img{k + 9}.pgm").write_bytes(b"P5 64 48 255\n" + luma.tobytes())
    return PictureSequenceSource(folder, FPS)


def gstreamer_source(pictures: np.ndarray, folder: Path) -> GStreamerSource:
    path = folder / "pictures.grey"
    path.write_bytes(pictures.tobytes())
    life = {"pictures": str(path), "size": (64, 48), "interval_ns": INTERVAL_NS, "start_ns": 10**9}
    lives = [{**life, "numbers": list(range(N))}]
    patience = PipelinePatience(first_frame_s=20.0, settle_s=0.0)
    return GStreamerSource("standin", patience, command(folder / "play.json", lives))


@pytest.fixture(
    params=[
        *("file", "memory", "scripted", "v4l2-grey", "v4l2-yuyv"),
        *("picamera2", "picamera2-padded", "gstreamer", "pictures"),
    ]
)
def source(request, pictures, write_video, as_frames, tmp_path) -> Iterator[FrameSource]:
    """Each kind of source, about to deliver the same six pictures."""
    made: FrameSource
    if request.param == "file":
        made = FileSource(write_video(pictures))
    elif request.param == "memory":
        made = MemorySource(pictures, FPS)
    elif request.param == "scripted":
        made = ScriptedSource(as_frames(pictures))
    elif request.param == "v4l2-grey":
        made = v4l2_source(pictures, "GREY", lambda luma: luma.tobytes())
    elif request.param == "v4l2-yuyv":
        made = v4l2_source(pictures, "YUYV", yuyv_bytes)
    elif request.param == "pictures":
        made = picture_source(pictures, tmp_path)
    elif request.param == "gstreamer":
        made = gstreamer_source(pictures, tmp_path)
    else:
        padding = 64 if request.param == "picamera2-padded" else 0
        made = picamera2_source(pictures, padding, ModeCache(tmp_path / "modes.json"))
    yield made
    made.close()


@pytest.fixture
def read_all(play):
    """Reads to the end: lists of sequence numbers, timestamps and luma copies."""

    def read(source: FrameSource) -> tuple[list[int], list[int], list[np.ndarray]]:
        read = [(frame.sequence, frame.timestamp_ns, frame.luma.copy()) for frame in play(source)]
        sequences, timestamps, lumas = zip(*read, strict=True)
        return list(sequences), list(timestamps), list(lumas)

    return read


def test_source_delivers_every_picture_unchanged_and_in_order(source, pictures, read_all):
    sequences, _, lumas = read_all(source)
    assert sequences == list(range(N))
    np.testing.assert_array_equal(lumas, pictures)


def test_source_keeps_the_interval_between_timestamps(source, read_all):
    _, timestamps, _ = read_all(source)
    # a pipeline's times come in ticks of 10 us
    atol_ns = 10_000 if source.info.timestamps == "pipeline" else 1
    np.testing.assert_allclose(np.diff(timestamps), INTERVAL_NS, atol=atol_ns)


def test_luma_is_contiguous_and_of_the_size_that_info_says(source):
    luma = source.read(timeout_s=5.0).luma
    assert luma.dtype == np.uint8
    assert luma.flags.c_contiguous
    assert luma.shape == (source.info.height, source.info.width)


def test_frame_stays_as_it_was_until_the_next_read(source, pictures):
    for expected in pictures:
        frame = source.read(timeout_s=5.0)
        np.testing.assert_array_equal(frame.luma, expected)


def test_source_counts_what_it_delivered_and_lost_nothing(source, read_all):
    read_all(source)
    counts = source.counts
    assert (counts.n_frames, counts.n_lost, counts.n_corrupt, counts.n_mended_times) == (N, 0, 0, 0)


def test_source_goes_on_ending_once_it_has_ended(source, read_all):
    read_all(source)
    for _ in range(2):
        with pytest.raises(AT_THE_END):
            source.read(timeout_s=0.1)


def test_source_may_be_closed_twice_and_then_refuses_to_read(source):
    source.read(timeout_s=5.0)
    source.close()
    source.close()
    with pytest.raises(SourceClosed, match="closed before this read"):
        source.read(timeout_s=0.1)


def test_scripted_source_raises_the_failure_in_its_place(as_frames, pictures):
    first, second = as_frames(pictures)[:2]
    source = ScriptedSource([first, CameraAbsent("/dev/video0", "it was unplugged"), second])
    assert source.read(timeout_s=0.5).sequence == 0
    with pytest.raises(EdgeError, match="expected a camera at /dev/video0, but it was unplugged"):
        source.read(timeout_s=0.5)
    assert source.read(timeout_s=0.5).sequence == 1


def test_scripted_source_may_start_with_a_failure(as_frames, pictures):
    source = ScriptedSource([CameraAbsent("/dev/video0"), *as_frames(pictures)])
    assert (source.info.width, source.info.height) == (64, 48)
    with pytest.raises(CameraAbsent):
        source.read(timeout_s=0.5)
    assert source.read(timeout_s=0.5).sequence == 0


def test_memory_source_loops_with_time_going_on(pictures, read_all):
    source = MemorySource(pictures, fps=30.0, n_loops=3)
    sequences, timestamps, lumas = read_all(source)
    assert sequences == list(range(3 * N))
    assert timestamps[-1] == round((3 * N - 1) / 30 * 1e9)
    np.testing.assert_array_equal(lumas[2 * N :], pictures)


def test_memory_source_pictures_cannot_be_written_to(pictures):
    with pytest.raises(ValueError, match="read-only"):
        MemorySource(pictures, fps=30.0).read(0.0).luma[0, 0] = 1


@pytest.mark.parametrize("wrong", [np.zeros((2, 3), np.uint8), np.zeros((1, 2, 3), np.float32)])
def test_memory_source_refuses_other_arrays(wrong):
    with pytest.raises(ValueError, match="uint8"):
        MemorySource(wrong, fps=30.0)
