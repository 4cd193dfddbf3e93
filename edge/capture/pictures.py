"""A folder of numbered pictures as a video: how the research corpora ship their recordings.

The number is the time: picture k of a sequence was taken k intervals after number 0, so a number that is
missing is a lost frame and shows as a gap. The rate is nowhere in the folder and must be stated.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.capture.errors import (
    FileMissing,
    NoFrames,
    NotAVideo,
    PictureTooLarge,
    RateUnstated,
    SizeChanged,
    SourceClosed,
    SourceEnded,
)
from edge.capture.luma import LumaReader
from edge.capture.opening import LIMIT_PX
from edge.capture.pace import Pace
from edge.capture.source import SourceCounts
from edge.errors import EdgeError
from edge.messages import Frame, SourceInfo

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

log = logging.getLogger(__name__)

_CODECS = {
    ".png": "png",
    ".jpg": "mjpeg",
    ".jpeg": "mjpeg",
    ".bmp": "bmp",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".pgm": "pgm",
}
_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)")
_N_SLOTS = 4  # a reader may hold a frame while the next ones are read
_FILE_BYTES = 1 << 28  # no picture of a camera is larger


def find_sequence(folder: Path) -> list[tuple[int, Path]]:
    """The longest sequence of numbered pictures in a folder, by number.

    Names of one sequence differ only in their last number: `reg_img12.jpg` and `img12.jpg` are of
    two. Of names with the same number (`img1`, `img01`) the first in the alphabet counts.

    Raises
    ------
    FileMissing, NotAVideo
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise FileMissing(str(folder), f"the folder cannot be read ({error.strerror})") from error
    sequences: dict[tuple[str, str, str], dict[int, Path]] = defaultdict(dict)
    for path in paths:
        named = _NUMBERED.fullmatch(path.stem)
        if named and path.suffix.lower() in _CODECS and not path.name.startswith("."):
            before, number, after = named.groups()
            sequences[before, after, path.suffix.lower()].setdefault(int(number), path)
    if not sequences:
        raise NotAVideo(str(folder), "it is a folder without numbered pictures")
    longest = max(sequences.values(), key=len)
    if len(sequences) > 1:
        first = longest[min(longest)].name
        log.warning(
            "%s holds %d sequences of pictures; the longest is read: %s and %d more",
            *(folder, len(sequences), first, len(longest) - 1),
        )
    return sorted(longest.items())


class PictureSequenceSource:
    """Reads a folder of numbered PNG, JPEG, BMP, TIFF or PGM pictures.

    Parameters
    ----------
    folder : Path
    fps : float, Hz
        The rate they were recorded at.
    realtime : bool
        Hand frames out at their own pace instead of as fast as they decode.

    Raises
    ------
    RateUnstated, FileMissing, NotAVideo, NoFrames, PictureTooLarge
        At once, not at the first `read`.

    Notes
    -----
    Pictures that cannot be decoded count as damaged and lost, missing numbers as lost.
    """

    def __init__(self, folder: Path, fps: float, realtime: bool = False) -> None:
        import av

        if fps <= 0:
            raise RateUnstated(str(folder))
        self.path = folder
        self.counts = SourceCounts()
        self._pictures = find_sequence(folder)
        self._first_number, self._last_number = self._pictures[0][0], self._pictures[0][0] - 1
        self._next = 0
        self._end: EdgeError | None = None
        self._pace = Pace() if realtime else None
        self._interval_ns = 1_000_000_000 / Fraction(fps).limit_denominator(100_000)
        self._av: Any = av
        self._decoder: Any = av.CodecContext.create(_CODECS[self._pictures[0][1].suffix.lower()], "r")
        self._decoder.thread_count = 1  # frame threads would hold pictures back
        self._decoder.options = {"max_pixels": str(LIMIT_PX)}
        found = self._decode_next()
        if found is None:
            raise NoFrames(str(folder), self.counts.n_corrupt)
        if found[1].width * found[1].height > LIMIT_PX:
            raise PictureTooLarge(str(folder), found[1].width, found[1].height, LIMIT_PX)
        self._decoded: tuple[int, VideoFrame] | None = found
        self._reader = LumaReader(found[1])
        self._slots = np.empty((_N_SLOTS, self._reader.height, self._reader.width), np.uint8)
        n_intervals = self._pictures[-1][0] - self._first_number + 1
        self.info = SourceInfo(
            f"file:{folder}",
            self._reader.width,
            self._reader.height,
            fps,
            "stated",
            live=False,
            duration_s=n_intervals / fps,
        )

    def read(self, timeout_s: float) -> Frame:
        """Return the next picture; waits only when playing at its own pace."""
        if self._pace is None:
            frame = self._next_frame()
        else:
            frame = self._pace.take_pending() or self._next_frame()
            self._pace.wait_for(frame, timeout_s)
        self.counts.n_frames += 1
        return frame

    def close(self) -> None:
        """Let go of the folder."""
        self._end = SourceClosed()
        self._pace = None

    def _next_frame(self) -> Frame:
        if self._end is not None:
            raise self._end
        found = self._decoded if self._decoded is not None else self._decode_next()
        self._decoded = None
        sequence = self.counts.n_frames
        if found is None:
            self._end = SourceEnded(sequence)
            raise self._end
        number, picture = found
        if (picture.width, picture.height) != self._reader.stored_size:
            expected = "{}x{}".format(*self._reader.stored_size)
            self._end = SizeChanged(str(self.path), expected, f"{picture.width}x{picture.height}", sequence)
            raise self._end
        slot = self._slots[sequence % _N_SLOTS]
        self._reader.copy(picture, slot)
        return Frame(sequence, round((number - self._first_number) * self._interval_ns), slot)

    def _decode_next(self) -> tuple[int, VideoFrame] | None:
        """The next picture that can be decoded, with its number; None after the last."""
        while self._next < len(self._pictures):
            number, path = self._pictures[self._next]
            self._next += 1
            self.counts.n_lost += number - self._last_number - 1
            self._last_number = number
            if (picture := self._decode(path)) is not None:
                return number, picture
            self.counts.n_corrupt += 1
            self.counts.n_lost += 1
        return None

    def _decode(self, path: Path) -> VideoFrame | None:
        try:
            if not 0 < path.stat().st_size <= _FILE_BYTES:  # an empty packet would end the decoder
                return None
            packet = self._av.Packet(path.read_bytes())
            packet.is_keyframe = True  # FFmpeg adds other PNGs to the one before
            pictures = self._decoder.decode(packet)
        except (OSError, self._av.error.FFmpegError):
            return None
        if len(pictures) != 1 or pictures[0].is_corrupt:
            return None
        return pictures[0]
