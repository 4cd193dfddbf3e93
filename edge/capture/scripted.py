"""Frames and failures played in order: the camera of every test, and of rehearsed faults."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from edge.capture.errors import SourceClosed, SourceEnded
from edge.capture.source import SourceCounts
from edge.errors import EdgeError
from edge.messages import Frame, SourceInfo


class ScriptedSource:
    """Plays back frames and failures in order.

    Parameters
    ----------
    script : iterable of Frame or EdgeError
        A frame is handed out as it is; an error is raised in its place. May be endless.
    info : SourceInfo, optional
        Taken from the first frame where it is not given.
    """

    def __init__(self, script: Iterable[Frame | EdgeError], info: SourceInfo | None = None) -> None:
        self._script = iter(script)
        self._looked_at: deque[Frame | EdgeError] = deque()
        self._closed = False
        self.counts = SourceCounts()
        self.info = info if info is not None else self._info_of_first_frame()

    def _info_of_first_frame(self) -> SourceInfo:
        height = width = 0
        for step in self._script:
            self._looked_at.append(step)
            if isinstance(step, Frame):
                height, width = step.luma.shape
                break
        return SourceInfo("script", width, height, 0.0, "sensor", live=False)

    def read(self, timeout_s: float) -> Frame:  # noqa: ARG002 - the protocol's
        """Return the script's next frame, or raise its next failure; `timeout_s` is not waited for."""
        if self._closed:
            raise SourceClosed
        step = self._looked_at.popleft() if self._looked_at else next(self._script, None)
        if step is None:
            raise SourceEnded(self.counts.n_frames)
        if isinstance(step, EdgeError):
            raise step
        self.counts.n_frames += 1
        return step

    def close(self) -> None:
        """End it; later reads raise SourceClosed."""
        self._closed = True
