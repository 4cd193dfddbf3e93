"""A picture is found however it was put away; what is no picture is not."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sqlite3
import zlib
from contextlib import closing

import av
import numpy as np
import pytest

from edge.proof.search import PictureSearch

SHAPE = (240, 320)


@pytest.fixture(scope="module")
def picture():
    """uint8 [shape=(240, 320)]: noise, as a sensor without light has it."""
    return np.random.default_rng(5).integers(0, 256, SHAPE, np.uint8)


@pytest.fixture(scope="module")
def search(picture):
    """Knows the picture."""
    return PictureSearch([picture])


@pytest.mark.parametrize(
    "put_away",
    [
        lambda picture: picture.tobytes(),
        lambda picture: b"odd" + picture[100, 50:150].tobytes(),
        lambda picture: picture.T.tobytes(),
        lambda picture: zlib.compress(picture.tobytes()),
        lambda picture: b"before" + zlib.compress(np.diff(picture, axis=1).tobytes()),
        lambda picture: gzip.compress(np.diff(picture, axis=0).tobytes()),
        lambda picture: bz2.compress(picture.tobytes()),
        lambda picture: lzma.compress(picture.tobytes()),
    ],
    ids=["raw", "part of a row", "columns", "zlib", "differences", "gzip", "bzip2", "xz"],
)
def test_picture_is_found(search, picture, put_away):
    assert search.found_in(put_away(picture)).startswith("rows of a picture")


def test_picture_in_a_database_is_found_though_pages_cut_it_up(search, picture, tmp_path):
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE things (name TEXT, content BLOB)")
        hidden = zlib.compress(np.concatenate([np.zeros((90, 320), np.uint8), picture]).tobytes(), 9)
        connection.execute("INSERT INTO things VALUES ('much', zeroblob(9000)), ('hidden', ?)", (hidden,))
    # zlib leaves noise as it is, in pieces
    assert search.found_in_file(path).startswith("rows of a picture")


@pytest.mark.parametrize("codec", ["png", "mjpeg"])
def test_picture_file_is_found_by_its_kind(search, codec):
    other = np.full(SHAPE, 90, np.uint8)
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.time_base = SHAPE[1], SHAPE[0], 1
    encoder.pix_fmt = {"png": "gray", "mjpeg": "yuvj420p"}[codec]
    frame = av.VideoFrame.from_ndarray(other, format="gray").reformat(format=encoder.pix_fmt)
    data = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    if codec == "mjpeg":  # a bare frame of it has no name in it; a file has
        data = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + data[2:]
    assert search.found_in(data) == "a picture file"


def test_what_is_no_picture_is_not_found(search, tmp_path):
    rng = np.random.default_rng(6)
    signals = np.cumsum(rng.integers(-3, 4, (120, 34)), axis=0).astype(np.int16)
    assert search.found_in(rng.bytes(1 << 20)) == ""
    assert search.found_in(zlib.compress(signals.tobytes()) * 20) == ""
    assert search.found_in(bytes(range(256)) * 100) == ""
    assert search.found_in(b"") == ""
    empty = tmp_path / "empty"
    empty.touch()
    assert search.found_in_file(empty) == ""
