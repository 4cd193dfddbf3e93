"""The seam to every camera and file: what a source is, and what it counts while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from edge.messages import Frame, SourceInfo


@dataclass(slots=True)
class SourceCounts:
    """What a source did so far. Degraded input shows here and is never silent.

    Attributes
    ----------
    n_frames : int
        Frames delivered by `read`.
    n_lost : int
        Frames known to have been made and not delivered: skipped sequence numbers of a
        driver, frames overwritten in the ring, frames that were decoded but damaged.
    n_corrupt : int
        Packets or buffers that could not be decoded.
    n_mended_times : int
        Frames whose timestamp was missing or did not increase, and was set from the rate.
    n_restarts : int
        Times a camera fell silent and was started again.
    n_exposure_changes : int
        Frames whose exposure or gain differs from the frame before, though both were locked.
    """

    n_frames: int = 0
    n_lost: int = 0
    n_corrupt: int = 0
    n_mended_times: int = 0
    n_restarts: int = 0
    n_exposure_changes: int = 0


class FrameSource(Protocol):
    """Delivers frames in sensor order and owns the camera or file until `close`."""

    @property
    def info(self) -> SourceInfo:
        """What is delivered; fixed from the moment the source is open."""

    @property
    def counts(self) -> SourceCounts:
        """Updated by every `read`; the same object throughout."""

    def read(self, timeout_s: float) -> Frame:
        """Return the next frame.

        Its luma is borrowed: valid until the next `read`.

        Raises
        ------
        FrameTimeout
            Nothing came within `timeout_s`; reading again is allowed.
        SourceEnded
            There are no more frames; every later call raises it again.
        SourceClosed
            After `close`.
        CaptureError, DeviceAbsent
            The source broke; it will not recover by itself.
        """

    def close(self) -> None:
        """Release the camera or file. Safe to call twice."""


@runtime_checkable
class RateControl(Protocol):
    """A source whose frame rate can be changed while it delivers; most cannot."""

    def ask_rate(self, fps: float) -> bool:
        """Deliver so many frames a second from now on; False, at once, where it stays as it is."""
