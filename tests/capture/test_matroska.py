"""The Matroska reader: streams of every chunking, streams cut and altered at every place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.capture.gstreamer_standin import block, header
from edge.capture.matroska import MatroskaPictures, StreamBroken

INTERVAL_NS = 8_330_000


def picture_block(luma, time_ns):
    return block(luma.tobytes(), luma.shape[1], time_ns)


def stream_of(pictures):
    height, width = pictures[0].shape
    blocks = [picture_block(luma, 5_000_000_000 + k * INTERVAL_NS) for k, luma in enumerate(pictures)]
    return header(width, height, INTERVAL_NS) + b"".join(blocks)


def reader_of(stream, chunk_bytes=1 << 20):
    left = memoryview(stream)

    def read_into(out):
        nonlocal left
        n = min(len(out), len(left), chunk_bytes)
        out[:n] = left[:n]
        left = left[n:]
        return n

    return MatroskaPictures(read_into)


def read_all(reader):
    times, lumas = [], []
    while (time_ns := reader.next_time()) is not None:
        luma = np.empty((reader.format.height, reader.format.width), np.uint8)
        reader.copy(luma)
        times.append(time_ns)
        lumas.append(luma)
    return times, lumas


@pytest.mark.parametrize("width", [64, 62, 61])
@pytest.mark.parametrize("chunk_bytes", [1, 7, 1000, 1 << 20])
def test_pictures_and_times_come_out_whatever_the_chunks(bars, width, chunk_bytes):
    pictures = bars(4, width=width)
    reader = reader_of(stream_of(pictures), chunk_bytes)
    times, lumas = read_all(reader)
    np.testing.assert_array_equal(lumas, pictures)
    assert times == [5_000_000_000 + k * INTERVAL_NS for k in range(4)]
    assert (reader.format.width, reader.format.height) == (width, 48)
    assert reader.format.frame_time_ns == INTERVAL_NS


def test_blocks_count_from_their_cluster_s_time_in_both_directions(bars):
    luma = bars(1)[0]
    one = picture_block(luma, 5_000_000_000)
    # the same picture again in this cluster, 3 ticks later and 2 earlier
    start = one.index(bytes.fromhex("a3"), 12 + 10)
    later, earlier = (
        one[start:].replace(b"\x81\0\0\x80", b"\x81" + ticks.to_bytes(2, "big", signed=True) + b"\x80", 1)
        for ticks in (3, -2)
    )
    times, _ = read_all(reader_of(header(64, 48, INTERVAL_NS) + one + later + earlier))
    assert times == [5_000_000_000, 5_000_030_000, 4_999_980_000]


def test_picture_in_a_block_group_is_read(bars):
    luma = bars(1)[0]
    one = picture_block(luma, 0)
    start = one.index(bytes.fromhex("a3"), 12 + 10)
    group = (
        one[:start] + bytes.fromhex("a0") + b"\x01\xff\xff\xff\xff\xff\xff\xff" + b"\xa1" + one[start + 1 :]
    )
    _, lumas = read_all(reader_of(header(64, 48, INTERVAL_NS) + group))
    np.testing.assert_array_equal(lumas, [luma])


def test_picture_that_nobody_takes_is_passed_over(bars):
    pictures = bars(3)
    reader = reader_of(stream_of(pictures), 999)
    reader.next_time()
    reader.next_time()
    luma = np.empty((48, 64), np.uint8)
    reader.copy(luma)
    np.testing.assert_array_equal(luma, pictures[1])


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"\xff\xd8\xff\xe0 a JPEG", "does not begin as Matroska does"),
        (b"\0" * 100, "a number has no length"),
        (
            header(64, 48, 1, b"YUY2") + picture_block(np.zeros((48, 64), np.uint8), 0),
            "holds no grey pictures",
        ),
        (header(0, 48, 1) + picture_block(np.zeros((48, 64), np.uint8), 0), "holds no grey pictures"),
        (header(64, 48, 1) + bytes.fromhex("ec10ffffff"), "an element is too long"),
    ],
)
def test_other_streams_are_refused(stream, reason):
    with pytest.raises(StreamBroken, match=reason):
        read_all(reader_of(stream))


def test_picture_of_another_size_than_the_header_s_is_refused(bars):
    stream = header(64, 48, 1) + picture_block(bars(1, height=47)[0], 0)
    with pytest.raises(StreamBroken, match="a picture has 3008 bytes instead of 64x48"):
        read_all(reader_of(stream))


@settings(max_examples=60)
@given(cut=st.integers(0, 7000), altered=st.integers(0, 6999), value=st.integers(0, 255))
def test_damaged_stream_ends_or_is_refused_and_never_hangs(cut, altered, value):
    stream = bytearray(stream_of([np.full((48, 64), 9, np.uint8)] * 2)[:cut])
    if altered < len(stream):
        stream[altered] = value
    try:
        _, lumas = read_all(reader_of(bytes(stream), 512))
    except (StreamBroken, MemoryError):
        return
    assert len(lumas) <= 2
