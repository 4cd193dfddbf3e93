"""Frames into a video file, each with its true time; a dropped frame is simply not there."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import EXIT_INPUT_OUTPUT, EdgeError

# Motion JPEG: each frame stands alone, so that noise and slow motion cannot freeze from frame to
# frame as they do in H.264, which at the same size shows three times the error in a mean of 108 ms
# (docs/synthesis.md has the table). Quantiser 2 (best) to 31.
QUANTISER = 3
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG: the luma uses all of 0-255
_NO_COLOUR = 128
_QUANTISER_UNIT = 118  # FF_QP2LAMBDA
# Matroska rounds to whole milliseconds whatever is asked; the stated rate lets a reader undo it
_TIME_BASE = Fraction(1, 90_000)


class ClipNotWritten(EdgeError):
    """A video file cannot be written."""

    exit_code = EXIT_INPUT_OUTPUT

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"expected to write a video to {self.path}, but {self.reason}; choose a writable .mkv file"


def write_clip(
    frames: Iterable[tuple[int, NDArray[np.uint8]]],
    path: str | Path,
    fps: float,
    lossless: bool = False,
    quantiser: int = QUANTISER,
) -> int:
    """Encode frames into a Matroska file.

    Parameters
    ----------
    frames : iterable of (int, uint8 [shape=(height, width)])
        Timestamp in ns, strictly increasing, and luma of one size.
    path : path
    fps : float, Hz
        Nominal rate, stated in the file.
    lossless : bool
        FFV1 instead of Motion JPEG: three to five times the size.
    quantiser : int in [2, 31]
        Of Motion JPEG: 2 is best.

    Returns
    -------
    int
        Frames written.

    Raises
    ------
    ClipNotWritten
    """
    import av

    n_written = 0
    try:
        with av.open(str(path), "w", format="matroska") as container:
            stream: Any = None
            for timestamp_ns, luma in frames:
                if stream is None:
                    stream = container.add_stream(
                        "ffv1" if lossless else "mjpeg", rate=Fraction(fps).limit_denominator(1001)
                    )
                    _configure(stream, luma.shape, None if lossless else quantiser)
                picture = _picture(luma, stream.pix_fmt)
                picture.pts = round(timestamp_ns * _TIME_BASE.denominator / 1e9)
                picture.time_base = _TIME_BASE
                container.mux(stream.encode(picture))
                n_written += 1
            if stream is not None:
                container.mux(stream.encode(None))
    except (av.error.FFmpegError, OSError) as error:
        raise ClipNotWritten(str(path), f"the system says: {error.strerror or error}") from error
    return n_written


def _configure(stream: Any, shape: tuple[int, ...], quantiser: int | None) -> None:
    stream.height, stream.width = shape
    context = stream.codec_context
    context.time_base = _TIME_BASE
    context.thread_count = 1
    context.color_range = _FULL_RANGE
    stream.pix_fmt = "gray" if quantiser is None else "yuvj420p"
    if quantiser is not None:
        context.qmin = context.qmax = quantiser
        context.options = {"flags": "+qscale", "global_quality": str(quantiser * _QUANTISER_UNIT)}


def _picture(luma: NDArray[np.uint8], pix_fmt: str) -> Any:
    """The luma as it is; where the codec needs chroma, that of grey. Any size, odd ones too."""
    import av

    height, width = luma.shape
    picture = av.VideoFrame(width, height, pix_fmt)
    for number, plane in enumerate(picture.planes):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        rows[:height, :width] = luma if number == 0 else _NO_COLOUR
    return picture
