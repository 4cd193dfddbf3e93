"""Going on in a file where another reader was: the same frames, times and counts, or a plain no."""

from __future__ import annotations

import numpy as np
import pytest

from edge.capture.errors import SourceEnded
from edge.capture.file import FilePlace, FileSource
from edge.capture.media_time import StatedTime
from edge.capture.source import SourceCounts


@pytest.fixture
def bars():
    """uint8 [shape=(90, 48, 64)]: no two frames alike."""
    row, column = np.mgrid[0:48, 0:64]
    return np.array([16 + (3 * k + 2 * row + 5 * column) % 220 for k in range(90)], np.uint8)


def rest_of(source):
    """Everything from here to the end: number, time and pixels."""
    found = []
    try:
        while True:
            frame = source.read(1.0)
            found.append((frame.sequence, frame.timestamp_ns, frame.luma.tobytes()))
    except SourceEnded:
        return found


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "options"),
    [
        ("clip.mkv", "ffv1", "gray", {}),
        ("clip.mp4", "libx264", "yuv420p", {"g": "12", "bf": "3", "preset": "ultrafast"}),
        ("clip.mkv", "libx264", "yuv420p", {"g": "40", "bf": "2", "refs": "4"}),
        ("clip.mov", "mjpeg", "yuvj420p", {}),
    ],
)
@pytest.mark.parametrize("n_read", [1, 13, 60])
def test_reading_goes_on_as_if_it_had_not_been_left(
    write_video, bars, name, codec, pixel_format, options, n_read
):
    path = write_video(bars, name, codec, pixel_format, fps=25, options=options)
    with FileSource(path) as first:
        for _ in range(n_read):
            first.read(1.0)
        place = first.place()
        expected, counts = rest_of(first), first.counts
    assert place is not None
    with FileSource(path) as second:
        assert second.go_to(place)
        assert rest_of(second) == expected
        assert second.counts == counts
    assert len(expected) == len(bars) - n_read


def test_a_place_is_not_moved_by_reading_on(write_video, bars):
    with FileSource(write_video(bars)) as source:
        source.read(1.0)
        place = source.place()
        expected = rest_of(source)
        for _ in range(2):
            assert source.go_to(place)
            assert rest_of(source) == expected


def test_a_place_that_is_not_in_the_file_is_refused(write_video, bars):
    with FileSource(write_video(bars)) as source:
        assert not source.go_to(FilePlace(10**9, StatedTime(25.0), SourceCounts()))


def test_a_file_without_timestamps_has_no_places(write_video, bars):
    with FileSource(write_video(bars, "clip.avi", "mjpeg", "yuvj420p")) as source:
        source.read(1.0)
        assert source.place() is None


def test_a_file_that_is_damaged_before_it_has_no_places(write_video, bars):
    with FileSource(write_video(bars)) as source:
        source.read(1.0)
        source.counts.n_corrupt = 1
        assert source.place() is None
