"""A camera with a light beside it: no frame is read in the dark."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from edge.capture.source import FrameSource, RateControl, SourceCounts
from edge.indicate.patterns import WHITE
from edge.indicate.player import Light
from edge.messages import Frame, SourceInfo


class LitSource:
    """Any source, with a light that goes on before it is opened and off after it is closed.

    Parameters
    ----------
    light : Light
        Owned from here on.
    open_source : callable

    Raises
    ------
    IndicateError
        The light refuses; then nothing is opened.
    CaptureError, DeviceAbsent
        What `open_source` raises; the light is off again.
    """

    def __init__(self, light: Light, open_source: Callable[[], FrameSource]) -> None:
        with ExitStack() as held:
            held.callback(light.close)
            light.set(WHITE)
            self._source = open_source()
            held.callback(self._source.close)  # before the light
            self._held = held.pop_all()

    @property
    def info(self) -> SourceInfo:
        """The source's."""
        return self._source.info

    @property
    def counts(self) -> SourceCounts:
        """The source's."""
        return self._source.counts

    def read(self, timeout_s: float) -> Frame:
        """As the source does."""
        return self._source.read(timeout_s)

    def ask_rate(self, fps: float) -> bool:
        """As the source does, where it can."""
        return isinstance(self._source, RateControl) and self._source.ask_rate(fps)

    def close(self) -> None:
        """Release the source, then go dark. Safe to call twice."""
        self._held.close()
