"""Files that are broken, empty, lying or no video at all: a clear sentence or a count, never a hang."""

from __future__ import annotations

import os
import pickle
import struct

import av
import numpy as np
import pytest

from edge.capture.errors import (
    FileMissing,
    NoFrames,
    NotAVideo,
    PictureTooLarge,
    SizeChanged,
    SourceEnded,
)
from edge.capture.file import FileSource
from edge.errors import EXIT_INPUT_OUTPUT, CaptureError


@pytest.fixture
def n_frames_of(play):
    """Frames read to the end, and what was counted; a CaptureError at opening counts as none."""

    def count(path):
        try:
            source = FileSource(path)
        except CaptureError as error:
            return 0, str(error)
        n = sum(1 for _ in play(source))
        source.close()
        return n, source.counts

    return count


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileMissing, match=r"nothing\.mkv, but there is no such file"):
        FileSource(tmp_path / "nothing.mkv")


def test_file_below_a_file_is_missing(tmp_path):
    (tmp_path / "plain").write_text("x")
    with pytest.raises(FileMissing, match="no such file"):
        FileSource(tmp_path / "plain" / "clip.mkv")


@pytest.fixture
def nobody():
    """Root may read everything, so root becomes nobody for a while."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    yield
    os.seteuid(me)


def test_unreadable_file_says_permission(write_video, bars, request):
    path = write_video(bars(2))
    path.chmod(0)
    request.getfixturevalue("nobody")
    with pytest.raises(FileMissing, match="Permission denied"):
        FileSource(path)


def test_folder_is_no_video(tmp_path):
    with pytest.raises(NotAVideo, match="a folder or a device"):
        FileSource(tmp_path)


def test_pipe_without_a_writer_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotAVideo, match="a folder or a device"):
        FileSource(tmp_path / "pipe")


def test_empty_file_says_so(tmp_path):
    (tmp_path / "clip.mp4").touch()
    with pytest.raises(NotAVideo, match="it is empty"):
        FileSource(tmp_path / "clip.mp4")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.txt", b"a few words\n" * 100),
        ("notes.mp4", b"a few words\n" * 100),
        ("table.csv", b"onset_s,offset_s\n1.0,1.2\n" * 50),
        ("noise.mkv", np.random.default_rng(3).bytes(50_000)),
        ("zeros.mp4", bytes(10_000)),
        ("words.srt", b"1\n00:00:01,000 --> 00:00:02,000\nhello\n\n"),
        ("page.html", b"<html><body>video</body></html>"),
        (
            "list.m3u8",
            b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
        ),
        ("list.ffconcat", b"ffconcat version 1.0\nfile 'a.mkv'\n"),
    ],
)
def test_other_kinds_of_file_are_no_video(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(NotAVideo, match=f"expected a video in .*{name}, but it"):
        FileSource(path)


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "speech.mka"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(NotAVideo, match="holds only audio"):
        FileSource(path)


@pytest.mark.parametrize(
    ("name", "codec"), [("clip.mkv", "ffv1"), ("clip.avi", "rawvideo"), ("clip.mov", "png")]
)
def test_video_without_a_frame_says_so(tmp_path, name, codec):
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "gray" if codec != "rawvideo" else "yuv420p"
        stream.codec_context.open()
        container.start_encoding()
    with pytest.raises((NoFrames, NotAVideo), match="but it"):
        FileSource(path)


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("clip.mkv", "libx264", "yuv420p"),
        ("clip.mp4", "libx264", "yuv420p"),
        ("clip.avi", "mjpeg", "yuvj420p"),
        ("clip.ts", "mpeg2video", "yuv420p"),
        ("clip.mkv", "ffv1", "gray"),
    ],
)
def test_truncated_file_ends_and_never_invents_frames(
    write_video, bars, n_frames_of, name, codec, pixel_format, share
):
    path = write_video(bars(60, 64, 96), name, codec, pixel_format, fps=30)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    n, told = n_frames_of(path)
    assert n < 60 or told.n_corrupt + told.n_lost == 0
    if n == 0:
        assert "but it" in told
    elif name == "clip.avi" and share > 0.1:
        assert n >= int(60 * share) - 6


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [("clip.avi", "mjpeg", "yuvj420p"), ("clip.mkv", "ffv1", "gray"), ("clip.ts", "libx264", "yuv420p")],
)
def test_damage_in_the_middle_is_counted_and_passed_over(
    write_video, bars, n_frames_of, name, codec, pixel_format
):
    options = {"g": "10", "bf": "0"} if codec == "libx264" else {"slicecrc": "1"} if codec == "ffv1" else {}
    path = write_video(bars(60, 64, 96), name, codec, pixel_format, fps=30, options=options)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = np.random.default_rng(1).bytes(4000)
    path.write_bytes(content)
    n, counts = n_frames_of(path)
    assert 20 <= n < 60
    assert counts.n_corrupt + counts.n_lost > 0


def test_frame_times_go_on_truthfully_after_damage(write_video, bars, play):
    path = write_video(bars(60, 64, 96), "clip.mkv", "ffv1", fps=30, options={"slicecrc": "1"})
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    path.write_bytes(content)
    timestamps = np.array([frame.timestamp_ns for frame in play(FileSource(path))])
    assert len(timestamps) < 60
    indices = timestamps * 30 / 1e9
    np.testing.assert_allclose(indices, np.rint(indices), atol=1e-6)
    assert np.all(np.diff(indices) > 0.99)
    assert indices[-1] == pytest.approx(59)


def test_change_of_size_is_an_error_that_names_both(write_video, bars, tmp_path):
    # MPEG transport streams may be joined end to end
    small = write_video(bars(6, 48, 64), "a.ts", "mpeg2video", "yuv420p", fps=25).read_bytes()
    large = write_video(bars(6, 96, 128), "b.ts", "mpeg2video", "yuv420p", fps=25).read_bytes()
    joined = tmp_path / "joined.ts"
    joined.write_bytes(small + large)
    source = FileSource(joined)
    for sequence in range(5):  # the decoder drops the one it held back
        assert source.read(1.0).sequence == sequence
    for _ in range(2):
        with pytest.raises(SizeChanged, match=r"expected 64x48 .* but frame 5 is 128x96"):
            source.read(1.0)
    source.close()


def test_header_that_lies_about_its_size_is_refused(write_video, bars):
    path = write_video(bars(2), "clip.avi", "rawvideo", "yuv420p")
    content = bytearray(path.read_bytes())
    header = content.index(b"strf") + 8
    struct.pack_into("<ii", content, header + 4, 60_000, 60_000)
    path.write_bytes(content)
    with pytest.raises((PictureTooLarge, NoFrames, NotAVideo)):
        FileSource(path)


def test_title_in_a_broken_encoding_does_no_harm(tmp_path, bars, as_video_frame):
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "a very plain title"
        stream = container.add_stream("ffv1", rate=30)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "gray"
        container.mux(stream.encode(as_video_frame(bars(1)[0], "gray")))
        container.mux(stream.encode(None))
    content = path.read_bytes()
    assert b"very plain" in content
    path.write_bytes(content.replace(b"very plain", b"v\xffry pl\xe9in"))
    with FileSource(path) as source:
        assert source.read(1.0).sequence == 0


def test_8k_is_read(write_video):
    picture = np.zeros((4320, 7680), np.uint8)
    picture[::2] = 200
    source = FileSource(write_video([picture], "clip.nut", "rawvideo", fps=1))
    np.testing.assert_array_equal(source.read(1.0).luma, picture)
    source.close()


def test_name_that_looks_like_an_address_is_still_a_file(write_video, bars, tmp_path, monkeypatch):
    path = write_video(bars(2))
    path.rename(tmp_path / "http:clip.mkv")
    monkeypatch.chdir(tmp_path)
    with FileSource("http:clip.mkv") as source:
        assert source.read(1.0).sequence == 0


def test_timestamps_that_start_over_are_mended_and_counted(write_video, bars, play, tmp_path):
    part = write_video(bars(6), "a.ts", "mpeg2video", "yuv420p", fps=25).read_bytes()
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part + part)
    source = FileSource(joined)
    timestamps = [frame.timestamp_ns for frame in play(source)]
    np.testing.assert_allclose(np.diff(timestamps), 40e6, atol=1)
    assert source.counts.n_mended_times == len(timestamps) - 6 > 0
    source.close()


def stumbling(error):
    raise error
    yield


@pytest.mark.parametrize(
    ("error", "n_corrupt"),
    [(av.error.InvalidDataError(1, "damaged"), 1), (IndexError("a stream that was not announced"), 0)],
)
def test_reading_goes_on_where_the_demuxer_stumbles(write_video, bars, play, error, n_corrupt):
    with FileSource(write_video(bars(12))) as source:
        source._packets = stumbling(error)
        assert sum(1 for _ in play(source)) == 12
        assert source.counts.n_corrupt == n_corrupt


def test_demuxer_that_only_stumbles_is_given_up(write_video, bars, play):
    class Container:
        format = av.format.ContainerFormat("matroska")

        def demux(self, stream):
            return stumbling(av.error.InvalidDataError(1, "damaged"))

        def close(self):
            """Nothing to close."""

    with FileSource(write_video(bars(12))) as source:
        source._container.close()
        source._container, source._packets = Container(), Container().demux(None)
        assert sum(1 for _ in play(source)) == 1  # decoded when it was opened
        assert source.counts.n_corrupt == 8


def test_errors_are_of_the_tree_and_survive_pickling(tmp_path):
    with pytest.raises(FileMissing) as caught:
        FileSource(tmp_path / "nothing.mkv")
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.exit_code == EXIT_INPUT_OUTPUT
    assert str(pickle.loads(pickle.dumps(SourceEnded(7)))) == "the source ended after 7 frames"
