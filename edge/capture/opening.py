"""Opening a video file: is it one, which of its streams is the picture, and where times come from."""

from __future__ import annotations

import stat
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.capture.errors import FileMissing, NotAVideo, PictureTooLarge
from edge.capture.media_time import MediaTime, StatedTime
from edge.errors import CaptureError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

LIMIT_PX = 16384 * 8192  # 8k has a quarter of this; a forged header may ask for anything
# text and playlists that FFmpeg would gladly draw or follow
_NOT_PICTURES = {"ansi", "bintext", "xbin", "idf"}
_PLAYLISTS = {"hls", "concat", "dash", "sdp", "imf"}
_RATE_OF_RAW_STREAMS_HZ = 25.0  # what FFmpeg assumes, too


def open_video(path: Path) -> tuple[InputContainer, VideoStream]:
    """Open the file and pick its moving picture."""
    import av

    _check_readable(path)
    try:
        # only files: a playlist in disguise must not reach out to the network
        options = {"protocol_whitelist": "file"}
        container = av.open(str(path.absolute()), options=options, **_metadata_options(av.__version__))
    except av.error.FFmpegError as error:
        reason = f"it cannot be read as one ({error.strerror or 'unknown format'})"
        raise NotAVideo(str(path), reason) from error
    try:
        return container, _pick_stream(path, container)
    except CaptureError:
        container.close()
        raise


def _metadata_options(version: str) -> dict[str, Any]:
    """Damaged titles are no reason to refuse a video; PyAV 19 took the option for that away."""
    return {"metadata_errors": "replace"} if int(version.partition(".")[0]) < 19 else {}


def _pick_stream(path: Path, container: InputContainer) -> VideoStream:
    from av.stream import Disposition

    if container.format.name.split(",")[0] in _PLAYLISTS:
        raise NotAVideo(str(path), "it is a list of other files")
    pictures = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not pictures:
        kinds = sorted({stream.type for stream in container.streams})
        raise NotAVideo(str(path), f"it holds only {' and '.join(kinds) or 'an empty header'}")
    # the stubs do not say so, but without a decoder there is no codec context
    readable: list[Any] = [s for s in pictures if getattr(s, "codec_context", None) is not None]
    if not readable:
        raise NotAVideo(str(path), "there is no decoder for its codec")
    stream: VideoStream = max(readable, key=lambda s: s.codec_context.width * s.codec_context.height)
    context = stream.codec_context
    if context.name in _NOT_PICTURES:
        raise NotAVideo(str(path), "it is text")
    if context.width * context.height > LIMIT_PX:
        raise PictureTooLarge(str(path), context.width, context.height, LIMIT_PX)
    # frame threads stay off: they took 15 % more CPU for no more speed on two cores (h264, 640x480)
    return stream


def _check_readable(path: Path) -> None:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise NotAVideo(str(path), "it is a folder or a device")
        with path.open("rb"):
            pass
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileMissing(str(path), "there is no such file") from error
    except OSError as error:
        raise FileMissing(str(path), f"it cannot be opened ({error.strerror})") from error
    if not status.st_size:
        raise NotAVideo(str(path), "it is empty")


def clock_of(
    stream: VideoStream, first: VideoFrame, stated_fps: float, n_fields: int = 1
) -> tuple[MediaTime | StatedTime, str, float]:
    """How frames get their times: the clock, its name in SourceInfo, and the nominal rate.

    Each stored frame comes as `n_fields`.
    """
    # the guessed and base rates of variable-rate video are those of its shortest interval
    stored = (_fraction(rate) for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate))
    rates = tuple(rate and rate * n_fields for rate in stored)
    nominal_fps = float(next((rate for rate in rates if rate), Fraction(0)))
    if stated_fps > 0:
        return StatedTime(stated_fps * n_fields), "stated", stated_fps * n_fields
    if first.pts is None:
        # a raw stream without a container: the codec's own rate is all there is
        rate_hz = nominal_fps or _RATE_OF_RAW_STREAMS_HZ * n_fields
        return StatedTime(rate_hz), "stated", rate_hz
    tick = (_fraction(first.time_base) or Fraction(1, 1000)) / n_fields
    return MediaTime(tick, rates), "media", nominal_fps


def _fraction(rate: Any) -> Fraction | None:
    """PyAV before 19 gives fractions, from 19 on a type of its own; None where it is not known."""
    return Fraction(rate.numerator, rate.denominator) if rate and rate.denominator else None
