"""`microcue run` on files that are broken, lying or no video: a sentence or a counted loss, and a sound log.

Never a traceback, never a hang, and what was logged before is still there.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from edge.capture.errors import SourceEnded
from edge.capture.file import FileSource
from edge.cli import main
from edge.errors import EXIT_BUG, EXIT_DONE, EXIT_INPUT_OUTPUT, CaptureError
from edge.record.reading import SESSION_COLUMNS, LogReader
from edge.record.schema import DATABASE_NAME

HEIGHT, WIDTH = 96, 128
N = 30


def pictures(n=N, height=HEIGHT, width=WIDTH):
    """Noise on a slope: nothing that a codec could leave out."""
    noise = np.random.default_rng(8).normal(0, 3, (n, height, width))
    return (80 + np.arange(width) / width * 60 + noise).clip(16, 235).astype(np.uint8)


def film(path: Path, lumas, codec="mpeg4", pixel_format="yuv420p", options=None, fps=30) -> Path:
    """Write pictures; gives the path back."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(
            codec, rate=fps, options={"g": "5", "qmax": "3"} if codec == "mpeg4" else {}
        )
        stream.height, stream.width = lumas[0].shape
        stream.pix_fmt = pixel_format
        for k, luma in enumerate(lumas):
            frame = av.VideoFrame.from_ndarray(luma, "gray").reformat(format=pixel_format)
            frame.pts, frame.time_base = k, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def cut(path: Path, share: float) -> Path:
    os.truncate(path, int(path.stat().st_size * share))
    return path


def at_the_index(folder):
    """An MP4 without the index at its end: a camera whose battery ran out."""
    path = film(folder / "clip.mp4", pictures())
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"moov") - 4])
    return path


def in_the_index(folder):
    path = film(folder / "clip.mp4", pictures())
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"moov") + 60])
    return path


def index_only(folder):
    """The index comes first, and of the pictures nothing."""
    path = film(folder / "clip.mp4", pictures(), options={"movflags": "faststart"})
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"mdat") + 4])
    return path


def video_by_another_name(folder):
    return film(folder / "clip.avi", pictures()).rename(folder / "clip.txt")


def text_by_a_video_s_name(folder):
    path = folder / "clip.mp4"
    path.write_text("a few words\n" * 500)
    return path


def without_frames(folder):
    path = folder / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "gray"
        stream.codec_context.open()
        container.start_encoding()
    return path


def sound_only(folder):
    path = folder / "speech.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def endless_list(folder):
    """A list that names itself."""
    path = folder / "list.ffconcat"
    path.write_text("ffconcat version 1.0\nfile 'list.ffconcat'\n")
    return path


def endless_loop(folder):
    """A GIF that says to play it for ever."""
    return film(folder / "loop.gif", pictures(6), "gif", "gray", {"loop": "0"}, fps=10)


def of_unknown_length(folder):
    """A live stream's Matroska: no length, no index."""
    return film(folder / "live.mkv", pictures(), options={"live": "1"})


def size_that_changes(folder):
    """Transport streams may be joined end to end."""
    small = film(folder / "a.ts", pictures(), "mpeg2video")
    large = film(folder / "b.ts", pictures(6, 2 * HEIGHT, 2 * WIDTH), "mpeg2video")
    joined = folder / "joined.ts"
    joined.write_bytes(small.read_bytes() + large.read_bytes())
    return joined


def header_that_lies(folder):
    path = film(folder / "clip.avi", pictures(3), "rawvideo", "yuv420p")
    content = bytearray(path.read_bytes())
    struct.pack_into("<ii", content, content.index(b"strf") + 12, 60_000, 60_000)
    path.write_bytes(content)
    return path


def damaged_all_over(folder):
    path = film(folder / "clip.avi", pictures(), "mjpeg", "yuvj420p")
    content, dice = bytearray(path.read_bytes()), np.random.default_rng(2)
    for at in dice.integers(3000, len(content), 400):
        content[at] = dice.integers(256)
    path.write_bytes(content)
    return path


def middle_missing(folder):
    path = film(folder / "clip.ts", pictures(), "mpeg2video")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3] + content[-len(content) // 3 :])
    return path


def times_that_start_over(folder):
    part = film(folder / "a.ts", pictures(15), "mpeg2video").read_bytes()
    path = folder / "twice.ts"
    path.write_bytes(part + part)
    return path


HOSTILE: dict[str, Callable[[Path], Path]] = {
    "cut in the header": lambda folder: cut(film(folder / "clip.mkv", pictures()), 0.002),
    "cut after the header": lambda folder: cut(film(folder / "clip.mkv", pictures()), 0.03),
    "cut in the middle": lambda folder: cut(film(folder / "clip.mkv", pictures()), 0.5),
    "cut in the last frame": lambda folder: cut(film(folder / "clip.avi", pictures()), 0.985),
    "cut at the index": at_the_index,
    "cut in the index": in_the_index,
    "nothing after the index": index_only,
    "a video by another name": video_by_another_name,
    "a text by a video's name": text_by_a_video_s_name,
    "no frames": without_frames,
    "sound only": sound_only,
    "endless list": endless_list,
    "endless loop": endless_loop,
    "unknown length": of_unknown_length,
    "size that changes": size_that_changes,
    "header that lies": header_that_lies,
    "damaged all over": damaged_all_over,
    "middle missing": middle_missing,
    "times that start over": times_that_start_over,
    "8k": lambda folder: film(folder / "8k.nut", pictures(2, 4320, 7680), "rawvideo", "gray"),
    "one pixel": lambda folder: film(folder / "dot.nut", pictures(N, 1, 1), "ffv1", "gray"),
    "one frame": lambda folder: film(folder / "one.mkv", pictures(1), "ffv1", "gray"),
}
# what is read to its end, and how many frames that gives at least and at most
READ = {
    "cut in the middle": (1, N - 1),
    "cut in the last frame": (1, N),
    "a video by another name": (N, N),
    "endless loop": (6, 6),
    "unknown length": (N, N),
    "damaged all over": (1, N),
    "middle missing": (1, N - 1),
    "times that start over": (28, 30),
    "8k": (2, 2),
    "one pixel": (N, N),
    "one frame": (1, 1),
}
REFUSED = {
    *(
        "cut in the header",
        "cut after the header",
        "cut at the index",
        "cut in the index",
        "nothing after the index",
        "endless list",
    ),
    *("a text by a video's name", "no frames", "sound only", "header that lies"),
}


def sessions(data: Path):
    with LogReader(data) as log:
        return [dict(zip(SESSION_COLUMNS, row, strict=True)) for row in log.sessions()]


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """A data directory with a finished session in it."""
    folder = tmp_path_factory.mktemp("before")
    clip = film(folder / "clip.mkv", pictures(6), "ffv1", "gray")
    assert main(["run", "--camera", f"file:{clip}", "--led", "none", "--data", str(folder / "data")]) == 0
    return folder / "data"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_ends_in_a_sentence_or_a_counted_loss(name, logged, tmp_path, capsys):
    before = [session["session_id"] for session in sessions(logged)]
    path = HOSTILE[name](tmp_path)
    capsys.readouterr()
    code = main(["run", "--camera", f"file:{path}", "--led", "none", "--data", str(logged)])
    _, err = capsys.readouterr()
    assert "Traceback" not in err
    assert code != EXIT_BUG
    after = sessions(logged)
    assert [session["session_id"] for session in after][: len(before)] == before
    with closing(sqlite3.connect(logged / DATABASE_NAME)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    if name in REFUSED:
        assert code == EXIT_INPUT_OUTPUT
        assert "expected" in err
        assert len(after) == len(before)  # nothing was begun
    elif name == "size that changes":
        assert code == EXIT_INPUT_OUTPUT
        assert "split the recording where the size changes" in err
        assert "128x96" in after[-1]["end_reason"]
        assert after[-1]["n_frames"] >= N - 1
    else:
        least, most = READ[name]
        assert code == EXIT_DONE
        assert least <= after[-1]["n_frames"] <= most
        assert after[-1]["end_reason"] == "the source ended"


def n_rest(source: FileSource) -> int:
    """Frames until it ends; any other way to end is an error."""
    n = 0
    while True:
        try:
            source.read(1.0)
        except SourceEnded:
            return n
        n += 1


def n_read_to_the_end(path: Path) -> int:
    """Frames of a file; one that is refused, with a sentence, has none."""
    try:
        source = FileSource(path)
    except CaptureError as refused:
        return 0 if "expected" in str(refused) else 10**9
    with source:
        return n_rest(source)


def test_no_hostile_file_is_left_out():
    assert HOSTILE.keys() == READ.keys() | REFUSED | {"size that changes"}
    assert len(HOSTILE) >= 20


@pytest.mark.parametrize(
    ("name", "codec"), [("clip.mp4", "mpeg4"), ("clip.mkv", "mpeg4"), ("clip.avi", "mjpeg")]
)
def test_a_file_cut_at_any_byte_ends(name, codec, tmp_path):
    lumas = pictures(8, 32, 48)
    whole = film(tmp_path / name, lumas, codec, "yuvj420p" if codec == "mjpeg" else "yuv420p").read_bytes()
    path = tmp_path / f"cut{Path(name).suffix}"
    for n_bytes in range(1, len(whole), max(len(whole) // 60, 1)):
        path.write_bytes(whole[:n_bytes])
        assert n_read_to_the_end(path) <= len(lumas)


def test_a_file_that_grows_while_it_is_read_ends(tmp_path):
    """A recording that is still going on: what is there by then is read, and then it is over."""
    whole = film(tmp_path / "clip.ts", pictures(), "mpeg2video").read_bytes()
    path = tmp_path / "growing.ts"
    path.write_bytes(whole[: len(whole) // 2])
    with FileSource(path) as source:
        source.read(1.0)
        with path.open("ab") as file:
            file.write(whole[len(whole) // 2 :])
        assert 1 < 1 + n_rest(source) <= N
