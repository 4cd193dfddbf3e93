"""Small videos, made on the spot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.capture.errors import SourceEnded
from edge.capture.source import FrameSource
from edge.errors import DeviceAbsent
from edge.messages import Frame

WriteVideo = Callable[..., Path]


def moving_bars(n: int, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """uint8 [shape=(n, height, width)] in 16-235: no two frames, and no two rows or columns, alike."""
    row, column = np.mgrid[0:height, 0:width]
    pictures = [16 + (3 * k + 2 * row + 5 * column) % 220 for k in range(n)]
    return np.array(pictures, np.uint8)


def video_frame(luma: NDArray[np.uint8], pixel_format: str) -> av.VideoFrame:
    """A frame whose luma plane holds exactly `luma`; chroma is neutral."""
    height, width = luma.shape
    if pixel_format in ("rgb24", "bgr24"):
        return av.VideoFrame.from_ndarray(np.repeat(luma[..., None], 3, axis=2), pixel_format)
    frame = av.VideoFrame(width, height, pixel_format)
    bits = frame.format.components[0].bits
    dtype = np.dtype("u1" if bits == 8 else "<u2")
    for number, plane in enumerate(frame.planes):
        padded = np.full((plane.height, plane.line_size // dtype.itemsize), 1 << (bits - 1), dtype)
        if number == 0:
            # the lower bits of deeper samples are set, and must be cut off
            padded[:, :width] = (luma.astype(dtype) << (bits - 8)) + (1 << (bits - 8)) - 1
        plane.update(padded.tobytes())
    return frame


@pytest.fixture
def write_video(tmp_path: Path) -> WriteVideo:
    """Writes pictures [n, height, width] with a codec; `ticks` gives each frame's time in 1/fps."""

    def write(
        pictures: Sequence[NDArray[np.uint8]],
        name: str = "clip.mkv",
        codec: str = "ffv1",
        pixel_format: str = "gray",
        fps: int = 120,
        ticks: Sequence[int] | None = None,
        options: dict[str, str] | None = None,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=fps, options=options or {})
            stream.height, stream.width = pictures[0].shape
            stream.pix_fmt = pixel_format
            for k, luma in enumerate(pictures):
                frame = video_frame(luma, pixel_format)
                frame.pts = ticks[k] if ticks is not None else k
                frame.time_base = Fraction(1, fps)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


def frames_of(pictures: NDArray[np.uint8], fps: float = 120.0) -> list[Frame]:
    """The pictures as frames at an even rate."""
    return [Frame(k, round(k * 1e9 / fps), luma) for k, luma in enumerate(pictures)]


@pytest.fixture
def bars() -> Callable[..., NDArray[np.uint8]]:
    """Maker of test pictures: see `moving_bars`."""
    return moving_bars


def frames_to_the_end(source: FrameSource) -> Iterator[Frame]:
    """Every frame until the source ends, by itself or by unplugging; each is valid until the next."""
    while True:
        try:
            frame = source.read(timeout_s=5.0)
        except (SourceEnded, DeviceAbsent):
            return
        yield frame


@pytest.fixture
def play() -> Callable[[FrameSource], Iterator[Frame]]:
    """Reader of whole sources: see `frames_to_the_end`."""
    return frames_to_the_end


@pytest.fixture
def as_frames() -> Callable[..., list[Frame]]:
    """Maker of frames: see `frames_of`."""
    return frames_of


@pytest.fixture
def as_video_frame() -> Callable[..., av.VideoFrame]:
    """Maker of decoded frames: see `video_frame`."""
    return video_frame
