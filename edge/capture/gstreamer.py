"""Any GStreamer pipeline as a camera: a child process writes grey pictures with their times into a pipe.

No bindings are needed, so any Python will do (a Jetson's system Python is often too old for us).
The pipeline's own timestamps come along in a Matroska stream, to 10 us.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from edge.capture.argus import ArgusMode, chosen_in, modes_in, refusals_in
from edge.capture.delivery import Delivery
from edge.capture.errors import (
    CameraSilent,
    CameraThreadFailed,
    FrameTimeout,
    SizeChanged,
    SourceEnded,
)
from edge.capture.gstreamer_child import Child, ChildClosing, ChildSilent, command_of
from edge.capture.matroska import MatroskaPictures, StreamBroken
from edge.capture.source import SourceCounts
from edge.clock import boottime_ns
from edge.errors import EdgeError
from edge.messages import Frame, SourceInfo

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PipelinePatience:
    """How long a pipeline may be silent; `settle_s` of frames at the start are for exposure to settle."""

    first_frame_s: float = 10.0  # Argus on a Jetson takes several seconds
    stall_s: float = 1.0
    settle_s: float = 0.5
    again_s: float = 0.2
    n_restarts: int = 3


class GStreamerSource:
    """A pipeline that ends in raw video; grey, a muxer and the pipe are added to it.

    Parameters
    ----------
    pipeline : str
        As for `gst-launch-1.0`, up to and without the sink, such as
        "v4l2src device=/dev/video0 ! video/x-raw,framerate=120/1".
    patience : PipelinePatience, optional
    command : sequence of str, optional
        Another program that writes such a stream: the stand-in.

    Raises
    ------
    GStreamerMissing, CameraAbsent, CameraBusy, CameraDenied, CameraUnsuitable, FrameTimeout
        At once: the first frame has come when this returns.

    Notes
    -----
    Intervals are those of the pipeline's timestamps. Where CLOCK_BOOTTIME stands against them is taken
    from the arrival of the quickest frame while exposure settles, and then kept, so a frame's time is late by
    the least delay that the pipeline has (100 to 200 ms reported for Argus), the same for all.
    A pipeline that dies or falls silent is started again; one that ends by itself ends the source.
    """

    def __init__(
        self,
        pipeline: str,
        patience: PipelinePatience | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        self.counts = SourceCounts()
        self._description = f"gst:{pipeline}"
        self._command = command if command is not None else command_of(pipeline)
        self._patience = patience if patience is not None else PipelinePatience()
        self._closing = threading.Event()
        self._settled = threading.Event()
        self._failure: EdgeError | None = None
        self._delivery: Delivery | None = None
        self._size = (0, 0)
        self._frame_time_ns = self._last_ns = self._settling_until_ns = self._n_committed = 0
        self._to_boottime_ns: int | None = None
        self._child = self._new_child()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()
        self._reader = self._wait_for_the_first()
        fps = 1e9 / self._frame_time_ns if self._frame_time_ns else 0.0
        self.info = SourceInfo(self._told(), *self._size, fps, "pipeline", live=True)

    @property
    def sensor_modes(self) -> list[ArgusMode]:
        """Those that Argus listed as the pipeline started; empty for other pipelines."""
        return modes_in(self._child.said)

    def _told(self) -> str:
        """What the session says of the pipeline; what Argus refused is warned of."""
        said = self._child.said
        for refusal in refusals_in(said):
            log.warning(
                "%s: Argus says %r, so it is not held; check it against the modes", self._description, refusal
            )
        if (chosen := chosen_in(said)) is None:
            return self._description
        return f"{self._description}, sensor mode {chosen.width}x{chosen.height} at up to {chosen.fps:.0f} Hz"

    def read(self, timeout_s: float) -> Frame:
        """Return the oldest frame in the ring; frames before a failure come first."""
        return self._reader.read(timeout_s, self.counts)

    def close(self) -> None:
        """End the child and the thread."""
        self._closing.set()
        self._thread.join()
        if self._delivery is not None:
            self._delivery.close()

    def _wait_for_the_first(self) -> Delivery:
        came = self._settled.wait(self._patience.first_frame_s + self._patience.settle_s)
        if self._delivery is not None and self._last_ns:
            return self._delivery
        self.close()
        raise self._failure if came and self._failure else FrameTimeout(self._patience.first_frame_s, -1)

    def _run(self) -> None:
        """The camera thread: one child after another."""
        try:
            self._play_all()
        except EdgeError as error:
            self._fail(error)
        except ChildClosing:
            pass
        finally:
            if self._failure is None and not self._closing.is_set():
                self._fail(CameraThreadFailed(self._description))
            self._child.end()

    def _fail(self, failure: EdgeError) -> None:
        self._failure = failure
        if self._delivery is not None:
            self._delivery.fail(failure)
        self._settled.set()

    def _new_child(self) -> Child:
        patience = self._patience
        return Child(self._command, self._closing, patience.first_frame_s, patience.stall_s)

    def _play_all(self) -> None:
        n_in_a_row = 0
        while True:
            last_ns = self._last_ns
            reason = self._play()
            if not self._last_ns:  # it never worked: starting it again would not help
                raise self._child.explained(self._description)
            if not reason:
                raise SourceEnded(self._n_committed)
            n_in_a_row = n_in_a_row + 1 if self._last_ns == last_ns else 1
            if n_in_a_row > self._patience.n_restarts:
                raise CameraSilent(self._description, self._patience.n_restarts)
            log.warning("%s %s and is started again", self._description, reason)
            if self._closing.wait(self._patience.again_s):
                raise ChildClosing
            if self._delivery is not None:
                self._delivery.n_restarts += 1
            self._to_boottime_ns = None
            self._child = self._new_child()

    def _play(self) -> str:
        """One child's pictures; why it ended, empty where it simply did."""
        pictures = MatroskaPictures(self._child.read_into)
        try:
            while (time_ns := pictures.next_time()) is not None:
                self._accept(pictures, time_ns)
        except ChildSilent:
            self._child.end()
            return "fell silent"
        except StreamBroken as error:
            code = self._child.wait()
            return f"broke off ({error}; exit code {code})"
        code = self._child.wait()
        return f"ended with exit code {code}" if code else ""

    def _accept(self, pictures: MatroskaPictures, time_ns: int) -> None:
        arrived_ns = boottime_ns()
        offset_ns = arrived_ns - time_ns
        if self._to_boottime_ns is None:
            self._to_boottime_ns = offset_ns
            if not self._last_ns:
                self._settling_until_ns = arrived_ns + round(self._patience.settle_s * 1e9)
        if arrived_ns < self._settling_until_ns:
            self._to_boottime_ns = min(self._to_boottime_ns, offset_ns)
            return
        delivery = self._delivery_for(pictures)
        timestamp_ns = time_ns + self._to_boottime_ns
        if timestamp_ns <= self._last_ns:  # time must not go back
            delivery.n_corrupt += 1
            return
        if self._last_ns and (interval_ns := self._frame_time_ns):
            n_intervals = (timestamp_ns - self._last_ns + interval_ns // 2) // interval_ns
            delivery.n_skipped += max(0, n_intervals - 1)
        slot = delivery.ring.begin()
        pictures.copy(slot.luma)
        slot.timestamp_ns = self._last_ns = timestamp_ns
        delivery.ring.commit()
        self._n_committed += 1
        if not self._settled.is_set():
            self._settled.set()

    def _delivery_for(self, pictures: MatroskaPictures) -> Delivery:
        """The ring; made by the first picture, whose size all others must have."""
        size = (pictures.format.width, pictures.format.height)
        if self._delivery is None:
            self._size = size
            self._frame_time_ns = pictures.format.frame_time_ns
            fps = 1e9 / self._frame_time_ns if self._frame_time_ns else 0.0
            self._delivery = Delivery(size[1], size[0], fps)
        elif size != self._size:
            expected, came = (f"{width}x{height}" for width, height in (self._size, size))
            raise SizeChanged(self._description, expected, came, self._n_committed)
        return self._delivery
