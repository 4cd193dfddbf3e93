"""A video file as a source: decoded by PyAV, frame by frame, none dropped."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.capture.errors import (
    NoFrames,
    PictureTooLarge,
    SizeChanged,
    SourceClosed,
    SourceEnded,
)
from edge.capture.fields import FIELDS, FieldSplitter, is_interlaced
from edge.capture.luma import LumaReader
from edge.capture.media_time import MediaTime, StatedTime
from edge.capture.opening import LIMIT_PX, clock_of, open_video
from edge.capture.pace import Pace
from edge.capture.source import SourceCounts
from edge.errors import CaptureError
from edge.messages import Frame, SourceInfo

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

log = logging.getLogger(__name__)

_N_SLOTS = 4  # a reader may hold a frame while the next ones are read
_DEMUX_TRIES = 8  # damaged places passed over in a row


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Just behind a frame of a file: its timestamp there, and what had been counted."""

    pts: int
    clock: MediaTime | StatedTime
    counts: SourceCounts


class FileSource:
    """Reads a video file (or one still picture, as a video of one frame).

    Parameters
    ----------
    path : path
    fps : float, Hz
        Read it as if recorded at this rate; 0 takes the file's own times.
    realtime : bool
        Hand frames out at the file's own pace instead of as fast as they decode.

    Raises
    ------
    FileMissing, NotAVideo, NoFrames, PictureTooLarge
        At once, not at the first `read`.

    Notes
    -----
    Damaged packets are counted and passed over. A frame that the decoder had to patch up counts as
    lost, since patched pixels move. `read` raises SizeChanged where the picture changes size. Interlaced
    video gives two frames for each stored one; `fps` is that of the stored ones.
    """

    def __init__(self, path: Path | str, fps: float = 0.0, realtime: bool = False) -> None:
        self.path = Path(path)
        self.counts = SourceCounts()
        self._container, self._stream = open_video(self.path)
        self._packets: Iterator[Packet[VideoStream]] = self._container.demux(self._stream)
        self._demux_tries_left = _DEMUX_TRIES
        self._n_packets = 0
        self._decoded: deque[VideoFrame] = deque()
        self._end: CaptureError | None = None
        self._last_pts: int | None = None
        self._pace = Pace() if realtime else None
        try:
            first = self._decode_first()
        except CaptureError:
            self._container.close()
            raise
        self._reader = LumaReader(first)
        self._stored_format = first.format.name
        self._slots = np.empty((_N_SLOTS, self._reader.height, self._reader.width), np.uint8)
        self._splitter: FieldSplitter | None = None
        n_fields = 1
        if is_interlaced(first):
            log.warning("%s is interlaced: each half of its pictures is read as a frame", self.path)
            self._splitter, n_fields = FieldSplitter(first), FIELDS
        self._fields: deque[VideoFrame] = deque()
        self._fields_ended = False
        self._time, timestamps, nominal_fps = clock_of(self._stream, first, fps, n_fields)
        size = (self._reader.width, self._reader.height)
        self.info = SourceInfo(
            f"file:{self.path}", *size, nominal_fps, timestamps, live=False, duration_s=self._duration_s(fps)
        )

    def _duration_s(self, fps: float) -> float:
        """How long the container says it is, or how long it will take at a stated rate; 0 unknown."""
        if fps > 0 and self._stream.frames:
            return self._stream.frames / fps
        return self._container.duration / 1e6 if self._container.duration and fps <= 0 else 0.0

    def read(self, timeout_s: float) -> Frame:
        """Return the next frame; waits only when playing at the file's own pace."""
        if self._pace is None:
            frame = self._next_frame()
        else:
            frame = self._pace.take_pending() or self._next_frame()
            self._pace.wait_for(frame, timeout_s)
        self.counts.n_frames += 1
        return frame

    def place(self) -> FilePlace | None:
        """Behind the frame read last, to go on there in another process; None where that would be inexact.

        Damage is counted ahead of the frames, halves of pictures share a timestamp, and AVI has none.
        """
        is_sound = not (self.counts.n_lost or self.counts.n_corrupt)
        can_seek = self._splitter is None and self._container.format.name != "avi"
        if self._last_pts is None or not (is_sound and can_seek):
            return None
        return FilePlace(self._last_pts, deepcopy(self._time), deepcopy(self.counts))

    def go_to(self, place: FilePlace) -> bool:
        """Read on behind a place; False where seeking does not lead there: then open the file anew.

        Whether the pictures from there on are those of an uninterrupted reading depends on the file; who
        needs to know compares some.
        """
        import av

        self._end = None
        self._decoded.clear()
        try:
            self._container.seek(place.pts, stream=self._stream, backward=True)
        except av.error.FFmpegError:
            return False
        self._packets = self._container.demux(self._stream)
        pts: int | None = None
        while (frame := self._decode_next()) is not None:
            pts = frame.pts
            if pts is None or pts >= place.pts:
                break
        self._time = deepcopy(place.clock)
        for field in fields(SourceCounts):
            setattr(self.counts, field.name, getattr(place.counts, field.name))
        return pts == place.pts

    def close(self) -> None:
        """Close the file."""
        self._end = SourceClosed()
        self._pace = None
        self._decoded.clear()
        self._container.close()

    def __enter__(self) -> FileSource:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _next_frame(self) -> Frame:
        if self._end is not None:
            raise self._end
        decoded = self._next_whole() if self._splitter is None else self._next_field(self._splitter)
        sequence = self.counts.n_frames
        if decoded is None:
            self._count_vanished()
            self._end = SourceEnded(sequence)
            raise self._end
        slot = self._slots[sequence % _N_SLOTS]
        self._reader.copy(decoded, slot)
        self._last_pts = decoded.pts
        timestamp_ns = self._time.of(decoded.pts)
        self.counts.n_mended_times = self._time.n_mended
        return Frame(sequence, timestamp_ns, slot)

    def _next_whole(self) -> VideoFrame | None:
        """The next stored picture, of the size that all have; None after the last."""
        decoded = self._decoded.popleft() if self._decoded else self._decode_next()
        if decoded is not None and (decoded.width, decoded.height) != self._reader.stored_size:
            self._end = SizeChanged(
                str(self.path),
                "{}x{}".format(*self._reader.stored_size),
                f"{decoded.width}x{decoded.height}",
                self.counts.n_frames,
            )
            raise self._end
        return decoded

    def _next_field(self, splitter: FieldSplitter) -> VideoFrame | None:
        while not self._fields:
            if self._fields_ended:
                return None
            whole = self._next_whole()
            self._fields_ended = whole is None
            if whole is not None and whole.format.name != self._stored_format:
                whole = whole.reformat(format=self._stored_format)  # the filter takes one format only
            self._fields.extend(splitter.split(whole))
        return self._fields.popleft()

    def _decode_first(self) -> VideoFrame:
        first = self._decode_next()
        if first is None:
            raise NoFrames(str(self.path), self.counts.n_corrupt + self.counts.n_lost)
        if first.width * first.height > LIMIT_PX:
            raise PictureTooLarge(str(self.path), first.width, first.height, LIMIT_PX)
        self._decoded.appendleft(first)
        return first

    def _decode_next(self) -> VideoFrame | None:
        """Decode until there is a sound frame; None at the end of the file."""
        import av

        while True:
            while self._decoded:
                frame = self._decoded.popleft()
                if not frame.is_corrupt:
                    return frame
                self.counts.n_lost += 1
            packet = self._next_packet()
            if packet is None:
                return None
            try:
                self._decoded.extend(packet.decode())
            except av.error.FFmpegError:
                self.counts.n_corrupt += 1
            else:
                self.counts.n_corrupt += packet.is_corrupt

    def _count_vanished(self) -> None:
        """AVI has no timestamps: a destroyed chunk shows only against the header's own count."""
        if self._container.format.name == "avi":
            n_vanished = self._stream.frames - self._n_packets
            self.counts.n_lost += max(0, n_vanished)

    def _next_packet(self) -> Packet[VideoStream] | None:
        import av

        while self._demux_tries_left:
            try:
                packet = next(self._packets, None)
            except av.error.FFmpegError:
                self.counts.n_corrupt += 1
                self._demux_tries_left -= 1
                self._packets = self._container.demux(self._stream)
            except IndexError:
                # PyAV 15 to 18 stumbles at the end over a stream that the header did not announce
                self._demux_tries_left -= 1
                self._packets = self._container.demux(self._stream)
            else:
                self._demux_tries_left = _DEMUX_TRIES
                self._n_packets += packet is not None and packet.size > 0
                return packet
        return None
