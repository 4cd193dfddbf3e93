"""The file source on whole videos of many kinds; `test_hostile_files` has the broken ones."""

from __future__ import annotations

import struct

import av
import numpy as np
import pytest

from edge.capture.errors import FrameTimeout
from edge.capture.file import FileSource
from edge.capture.gaps import GapDetector


@pytest.fixture
def read_all(play):
    """Reads to the end: luma [n, height, width] and timestamps [n]."""

    def read(source):
        read = [(frame.luma.copy(), frame.timestamp_ns) for frame in play(source)]
        source.close()
        lumas, timestamps = zip(*read, strict=True)
        return np.array(lumas), np.array(timestamps)

    return read


@pytest.mark.parametrize(
    "pixel_format",
    [
        "gray",
        "yuv420p",
        "yuv422p",
        "yuv444p",
        "yuv420p10le",
        "yuv422p12le",
        "yuv444p16le",
        "gray10le",
        "gray16le",
    ],
)
def test_luma_comes_out_as_it_is_stored(write_video, bars, pixel_format, read_all):
    pictures = bars(5)
    source = FileSource(write_video(pictures, pixel_format=pixel_format))
    np.testing.assert_array_equal(read_all(source)[0], pictures)


@pytest.mark.parametrize("pixel_format", ["bgr24", "rgb24"])
def test_colour_without_a_luma_plane_is_converted(write_video, bars, pixel_format, read_all):
    pictures = bars(3)
    codec = "rawvideo" if pixel_format == "bgr24" else "png"
    source = FileSource(write_video(pictures, "clip.mov", codec, pixel_format))
    np.testing.assert_allclose(read_all(source)[0], pictures, atol=1)


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "tolerance"),
    [
        ("clip.mp4", "libx264", "yuv420p", 12),
        ("clip.mkv", "libx264", "yuv420p10le", 12),
        ("clip.avi", "mjpeg", "yuvj420p", 12),
        ("clip.mov", "mjpeg", "yuvj422p", 12),
        ("clip.avi", "rawvideo", "yuv420p", 0),
    ],
)
def test_lossy_codecs_come_out_close(write_video, bars, name, codec, pixel_format, tolerance, read_all):
    pictures = bars(8, 64, 96)
    lumas, timestamps = read_all(FileSource(write_video(pictures, name, codec, pixel_format)))
    assert np.abs(lumas.astype(int) - pictures).mean() <= tolerance
    np.testing.assert_allclose(timestamps, np.arange(8) / 120 * 1e9, atol=1)


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 31), (480, 2), (3, 640)])
def test_any_size_is_read(write_video, bars, size, read_all):
    pictures = bars(3, *size)
    source = FileSource(write_video(pictures))
    assert (source.info.height, source.info.width) == size
    np.testing.assert_array_equal(read_all(source)[0], pictures)


def test_still_picture_is_a_video_of_one_frame(tmp_path, bars, as_video_frame, read_all):
    picture = bars(1)[0]
    path = tmp_path / "portrait.png"
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "gray"
        container.mux(stream.encode(as_video_frame(picture, "gray")))
        container.mux(stream.encode(None))
    lumas, _ = read_all(FileSource(path))
    np.testing.assert_array_equal(lumas, picture[None])


def test_raw_stream_without_timestamps_says_that_its_rate_is_stated(write_video, bars, read_all):
    source = FileSource(write_video(bars(6), "clip.h264", "libx264", "yuv420p", fps=120))
    assert source.info.timestamps == "stated"
    _, timestamps = read_all(source)
    np.testing.assert_allclose(np.diff(timestamps), 1e9 / source.info.fps, atol=1)


@pytest.mark.parametrize("fps", [30, 60, 120, 200])
def test_rounded_timestamps_go_back_to_their_even_grid(write_video, bars, fps, read_all):
    path = write_video(bars(300, 8, 8), fps=fps)
    _, timestamps = read_all(FileSource(path))
    np.testing.assert_array_equal(timestamps, np.rint(np.arange(300) * 1e9 / fps))


def test_dropped_frames_are_exact_multiples_of_the_interval(write_video, bars, play):
    ticks = [k for k in range(240) if k not in (50, 120, 121, 122)]
    source = FileSource(write_video(bars(len(ticks), 8, 8), ticks=ticks))
    gaps = GapDetector(source.info.fps)
    found = []
    for frame in play(source):
        assert frame.timestamp_ns == round(ticks[frame.sequence] * 1e9 / 120)
        if (gap := gaps.observe(frame.sequence, frame.timestamp_ns)) is not None:
            found.append((gap.sequence, gap.n_missing))
    assert found == [(50, 1), (119, 3)]
    assert source.counts.n_mended_times == 0


def test_variable_rate_keeps_its_own_times(write_video, bars, read_all):
    rng = np.random.default_rng(7)
    ticks = np.cumsum(rng.integers(9, 60, 80)).tolist()  # thousandths of a second
    source = FileSource(write_video(bars(80, 8, 8), fps=1000, ticks=ticks))
    _, timestamps = read_all(source)
    np.testing.assert_allclose(timestamps / 1e6, ticks, atol=1e-6)


def test_first_timestamp_is_kept_as_media_time(write_video, bars, read_all):
    path = write_video(bars(4, 8, 8), ticks=[600, 601, 602, 603])
    _, timestamps = read_all(FileSource(path))
    assert timestamps[0] == 5_000_000_000


@pytest.mark.parametrize("fps", [25.0, 119.88, 200.0])
def test_stated_rate_replaces_the_times_of_the_file(write_video, bars, fps, read_all):
    source = FileSource(write_video(bars(10), fps=30), fps=fps)
    assert (source.info.fps, source.info.timestamps) == (fps, "stated")
    _, timestamps = read_all(source)
    np.testing.assert_allclose(timestamps, np.arange(10) / fps * 1e9, atol=1)


@pytest.fixture
def write_interlaced(write_video):
    """Writes a bar that moves by two pixels a field; the lower field is the earlier one, as x264 has it."""

    def write(name="clip.mkv", codec="libx264", pixel_format="yuv420p", n=12):
        fields = np.full((2 * n, 64, 96), 60, np.uint8)
        for k, field in enumerate(fields):
            field[:, 5 + 2 * k : 25 + 2 * k] = 200
        woven = fields[::2].copy()
        woven[:, ::2] = fields[1::2, ::2]
        options = {"x264-params": "bff=1", "qp": "2", "bf": "0"}
        if codec == "mpeg2video":
            options = {"flags": "+ildct+ilme", "qmin": "1", "qmax": "2", "bf": "0"}
        return write_video(woven, name, codec, pixel_format, fps=25, options=options), fields

    return write


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("clip.mkv", "libx264", "yuv420p"),
        ("clip.mkv", "libx264", "yuv420p10le"),
        ("clip.mp4", "libx264", "yuv420p"),
        ("clip.mpg", "mpeg2video", "yuv420p"),
    ],
)
def test_interlaced_video_is_read_field_by_field(
    write_interlaced, name, codec, pixel_format, read_all, caplog
):
    path, fields = write_interlaced(name, codec, pixel_format)
    source = FileSource(path)
    assert source.info.fps == 50.0
    assert "is interlaced" in caplog.text
    lumas, timestamps = read_all(source)
    np.testing.assert_allclose(np.diff(timestamps), 20e6, atol=1)
    assert len(lumas) == len(fields)
    middle = slice(4, -4)  # edges of the picture and of time have fewer neighbours
    np.testing.assert_allclose(lumas[middle, 4:-4].astype(int), fields[middle, 4:-4], atol=25)


def test_stated_rate_of_interlaced_video_is_that_of_its_pictures(write_interlaced, read_all):
    path, _ = write_interlaced()
    source = FileSource(path, fps=100.0)
    assert source.info.fps == 200.0
    np.testing.assert_allclose(np.diff(read_all(source)[1]), 5e6, atol=1)


def test_interlaced_video_cut_short_gives_what_is_there(write_interlaced, read_all):
    path, _ = write_interlaced("clip.mpg", "mpeg2video")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    lumas, timestamps = read_all(FileSource(path))
    assert 0 < len(lumas) < 24
    assert len(lumas) % 2 == 0
    assert np.all(np.diff(timestamps) > 0)


def turn(path, a, b, c, d):
    """Write a display matrix into the track header of an MP4 file."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 4 + 20 + 16  # ISO 14496-12, 8.3.2, version 0
    struct.pack_into(">9i", content, at, a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("matrix", "upright"),
    [
        ((1, 0, 0, 1), lambda stored: stored),
        ((0, 1, -1, 0), lambda stored: np.rot90(stored, -1)),
        ((-1, 0, 0, -1), lambda stored: np.rot90(stored, 2)),
        ((0, -1, 1, 0), lambda stored: np.rot90(stored, 1)),
        ((-1, 0, 0, 1), np.fliplr),
        ((1, 0, 0, -1), np.flipud),
        ((0, 1, 1, 0), np.transpose),
    ],
)
def test_picture_is_turned_upright(write_video, bars, matrix, upright, read_all):
    pictures = bars(2)
    path = write_video(pictures, "clip.mov", "png", "gray")
    turn(path, *matrix)
    source = FileSource(path)
    expected = [upright(picture) for picture in pictures]
    lumas, _ = read_all(source)
    assert (source.info.height, source.info.width) == expected[0].shape
    np.testing.assert_array_equal(lumas, expected)


def test_frame_survives_three_more_reads(write_video, bars):
    pictures = bars(8)
    source = FileSource(write_video(pictures))
    first = source.read(1.0)
    for _ in range(3):
        source.read(1.0)
    np.testing.assert_array_equal(first.luma, pictures[0])
    source.close()


def test_realtime_waits_for_the_next_frame_and_gives_up_in_time(write_video, bars):
    source = FileSource(write_video(bars(3), fps=1), realtime=True)
    assert source.read(timeout_s=0.01).sequence == 0
    for _ in range(2):
        with pytest.raises(FrameTimeout, match="after frame 0"):
            source.read(timeout_s=0.01)
    assert source.read(timeout_s=2.0).sequence == 1
    assert source.counts.n_frames == 2
    source.close()
