"""Folders of numbered pictures: every corpus's way of naming, gaps, damage, and what is no sequence."""

from __future__ import annotations

import time
from fractions import Fraction

import av
import numpy as np
import pytest

from edge.capture.errors import (
    FileMissing,
    FrameTimeout,
    NoFrames,
    NotAVideo,
    RateUnstated,
    SizeChanged,
    SourceClosed,
)
from edge.capture.gaps import GapDetector
from edge.capture.pictures import PictureSequenceSource, find_sequence
from edge.errors import EXIT_USAGE

ENCODERS = {".png": ("png", "gray"), ".jpg": ("mjpeg", "yuvj420p"), ".bmp": ("bmp", "gray")} | {
    ".tif": ("tiff", "gray"),
    ".pgm": ("pgm", "gray"),
}


def encoded(luma, suffix, pixel_format=None):
    """One picture as a file of that kind holds it."""
    codec, usual = ENCODERS[suffix]
    encoder = av.CodecContext.create(codec, "w")
    encoder.height, encoder.width = luma.shape
    encoder.pix_fmt, encoder.time_base = pixel_format or usual, Fraction(1, 25)
    if suffix == ".jpg":
        encoder.options = {"qscale": "2", "qmin": "1", "qmax": "2"}
    frame = av.VideoFrame.from_ndarray(luma, "gray").reformat(format=encoder.pix_fmt)
    frame.pts = 0
    return b"".join(bytes(packet) for packet in encoder.encode(frame) + encoder.encode(None))


@pytest.fixture
def folder(tmp_path, bars):
    """Maker of a folder: `folder("img{}.png", 1, 2, 5)` has three pictures."""

    def make(name, *numbers, **changes):
        (tmp_path / "pictures").mkdir(exist_ok=True)
        pictures = bars(max(numbers) + 1)
        for number in numbers:
            path = tmp_path / "pictures" / name.format(number)
            path.write_bytes(encoded(pictures[number], path.suffix.lower(), **changes))
        return tmp_path / "pictures"

    return make


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".pgm"])
def test_pictures_come_out_unchanged_in_the_order_of_their_numbers(folder, bars, play, suffix):
    source = PictureSequenceSource(folder("img{}" + suffix, *range(8, 12)), fps=200.0)
    frames = [(frame.sequence, frame.timestamp_ns, frame.luma.copy()) for frame in play(source)]
    assert [frame[:2] for frame in frames] == [(k, k * 5_000_000) for k in range(4)]
    # grey BMPs have a palette of colours, and turning those into grey rounds
    found = np.array([frame[2] for frame in frames], int)
    assert np.abs(found - bars(12)[8:]).max() <= (1 if suffix == ".bmp" else 0)
    assert (source.info.fps, source.info.timestamps, source.info.live) == (200.0, "stated", False)
    assert source.info.duration_s == pytest.approx(4 / 200)


def test_jpeg_luma_is_that_of_the_picture(folder, bars):
    source = PictureSequenceSource(folder("006_{:05d}.JPG".replace("JPG", "jpg"), 1, 2), fps=200.0)
    row, column = np.mgrid[0:48, 0:64]
    smooth = (60 + 2 * row + column).astype(np.uint8)
    path = source.path / "006_00001.jpg"
    path.write_bytes(encoded(smooth, ".jpg"))
    found = PictureSequenceSource(source.path, fps=200.0).read(0.0).luma
    assert np.abs(found.astype(int) - smooth).max() <= 6


def test_sixteen_bit_and_colour_pictures_are_read_as_luma(tmp_path, bars):
    luma = bars(1)[0]
    for pixel_format in ("gray16be", "rgb24", "rgba"):
        (tmp_path / "f1.png").write_bytes(encoded(luma, ".png", pixel_format))
        found = PictureSequenceSource(tmp_path, fps=100.0).read(0.0).luma
        assert np.abs(found.astype(int) - luma).max() <= 2, pixel_format


def test_missing_numbers_are_lost_frames_and_a_gap(folder, play):
    source = PictureSequenceSource(folder("img{:03d}.png", *range(40, 50), 53, 54), fps=100.0)
    gaps = GapDetector(source.info.fps)
    found = [gaps.observe(frame.sequence, frame.timestamp_ns) for frame in play(source)]
    assert [gap.n_missing for gap in found if gap is not None] == [3]
    assert (source.counts.n_frames, source.counts.n_lost, source.counts.n_corrupt) == (12, 3, 0)


@pytest.mark.parametrize("damage", [b"", b"no picture", None])
def test_damaged_picture_is_counted_and_its_time_stays_empty(folder, play, damage):
    path = folder("img{}.png", 1, 2, 3, 4)
    whole = (path / "img2.png").read_bytes()
    (path / "img2.png").write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    source = PictureSequenceSource(path, fps=100.0)
    assert [frame.timestamp_ns for frame in play(source)] == [0, 20_000_000, 30_000_000]
    assert (source.counts.n_lost, source.counts.n_corrupt) == (1, 1)


def test_damaged_first_picture_leaves_the_clock_at_its_number(folder, play):
    path = folder("img{}.png", 1, 2)
    (path / "img1.png").write_bytes(b"no picture")
    assert [frame.timestamp_ns for frame in play(PictureSequenceSource(path, fps=100.0))] == [10_000_000]


def test_longest_sequence_of_a_folder_is_read_and_the_others_named(folder, caplog):
    folder("img{}.png", 1, 2, 10)
    path = folder("reg_img{}.png", 1, 2)
    (path / "notes.txt").touch()
    (path / ".img3.png").touch()
    assert [(number, one.name) for number, one in find_sequence(path)] == [
        (1, "img1.png"),
        (2, "img2.png"),
        (10, "img10.png"),
    ]
    assert "holds 2 sequences of pictures; the longest is read: img1.png and 2 more" in caplog.text


def test_same_number_twice_counts_once(folder):
    folder("img{}.png", 1, 2)
    path = folder("img{:02d}.png", 1)
    assert [number for number, _ in find_sequence(path)] == [1, 2]


def test_rate_must_be_stated(folder):
    with pytest.raises(RateUnstated, match="add --fps") as caught:
        PictureSequenceSource(folder("img{}.png", 1), fps=0.0)
    assert caught.value.exit_code == EXIT_USAGE


def test_folder_without_numbered_pictures_is_no_video(tmp_path):
    (tmp_path / "portrait.png").touch()
    (tmp_path / "clip1.mkv").touch()
    with pytest.raises(NotAVideo, match="a folder without numbered pictures"):
        PictureSequenceSource(tmp_path, fps=100.0)


def test_folder_that_is_gone_is_missing(tmp_path):
    with pytest.raises(FileMissing, match="the folder cannot be read"):
        PictureSequenceSource(tmp_path / "gone", fps=100.0)


def test_nothing_but_damage_is_no_video(tmp_path):
    for number in range(3):
        (tmp_path / f"img{number}.jpg").write_bytes(b"\xff\xd8 no picture")
    with pytest.raises(NoFrames, match="it holds none and 3 damaged packets"):
        PictureSequenceSource(tmp_path, fps=100.0)


def test_size_that_changes_is_told(folder, bars):
    path = folder("img{}.png", 1, 2)
    (path / "img2.png").write_bytes(encoded(bars(1, height=24)[0], ".png"))
    source = PictureSequenceSource(path, fps=100.0)
    source.read(0.0)
    for _ in range(2):
        with pytest.raises(SizeChanged, match=r"expected 64x48 pictures .* but frame 1 is 64x24"):
            source.read(0.0)


def test_own_pace_is_kept_and_gives_up_in_time(folder):
    source = PictureSequenceSource(folder("img{}.png", 1, 2, 103), fps=100.0, realtime=True)
    started = time.monotonic()
    source.read(1.0)
    source.read(1.0)
    assert time.monotonic() - started >= 0.01
    with pytest.raises(FrameTimeout):
        source.read(0.01)
    assert source.read(5.0).sequence == 2
    source.close()
    with pytest.raises(SourceClosed):
        source.read(0.0)
