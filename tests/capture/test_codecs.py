"""Every video codec that this PyAV can both write and read, through the file source."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from edge.capture.file import FileSource

N = 4
FORMATS = ("yuv420p", "gray", "yuv444p", "rgb24", "yuv422p")
HARDWARE = ("_qsv", "_amf", "_nvenc", "_vaapi", "_v4l2m2m", "_vulkan")
# what people have recordings in; whatever else is there is read too
EXPECTED = {
    "h264",
    "mpeg4",
    "mjpeg",
    "mpeg2video",
    "ffv1",
    "huffyuv",
    "prores",
    "dnxhd",
    "dvvideo",
    "png",
    "vp9",
}
SIZES = {"dnxhd": (144, 256), "dvvideo": (576, 720)}
INTERLACED = {"dvvideo"}  # always


def writable():
    """Names of codecs, and a pixel format each takes."""
    for name in sorted(av.codecs_available):
        try:
            codec = av.Codec(name, "w")
            av.Codec(name, "r")
        except (ValueError, av.error.FFmpegError):
            continue
        if codec.type == "video" and codec.video_formats and not name.endswith(HARDWARE):
            known = [one.name for one in codec.video_formats]
            yield name, next((one for one in FORMATS if one in known), known[0])


def ramps(height, width):
    """Smooth pictures in the middle of the range, so that lossy codecs have little to lose."""
    row, column = np.mgrid[0:height, 0:width]
    return [(60 + (2 * k + row // 4 + column // 4) % 120).astype(np.uint8) for k in range(N)]


def write(path, name, pixel_format, pictures):
    """Write the pictures; False where this container does not take the codec, or the codec not these."""
    options = {"strict": "experimental", "b": "2000000"}
    if name == "dnxhd":
        options["profile"] = "dnxhr_lb"
    try:
        with av.open(str(path), "w") as container:
            stream = container.add_stream(name, rate=25, options=options)
            stream.height, stream.width = pictures[0].shape
            stream.pix_fmt = pixel_format
            for k, luma in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(luma, "gray").reformat(format=pixel_format)
                frame.pts, frame.time_base = k, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except (av.error.FFmpegError, ValueError, OSError):
        return False
    return True


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A clip in each codec, by its name."""
    folder = tmp_path_factory.mktemp("codecs")
    clips = {}
    for name, pixel_format in writable():
        for suffix in ("nut", "mkv", "avi", "mov", "apng"):
            path = folder / f"{name}.{suffix}"
            if write(path, name, pixel_format, ramps(*SIZES.get(name, (144, 176)))):
                clips[name] = path
                break
    return clips


def test_codecs_of_recordings_are_among_them(written):
    assert written.keys() >= EXPECTED


def test_every_codec_is_read_whole_and_looks_as_it_was(written, play):
    wrong = {}
    for name, path in written.items():
        with FileSource(path) as source:
            lumas = [frame.luma.copy() for frame in play(source)]
            counts = source.counts
        n_each = 2 if name in INTERLACED else 1
        pictures = np.repeat(ramps(*SIZES.get(name, (144, 176))), n_each, axis=0)
        if (len(lumas), counts.n_lost, counts.n_corrupt, counts.n_mended_times) != (N * n_each, 0, 0, 0):
            wrong[name] = (len(lumas), counts)
        # grey converted to limited-range video differs by up to 16 levels, and comes out as it is stored
        elif np.abs(np.array(lumas).astype(int) - pictures).mean() > 8:
            wrong[name] = np.abs(np.array(lumas).astype(int) - pictures).mean()
    assert wrong == {}
