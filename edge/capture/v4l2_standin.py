"""A V4L2 device that plays a script: frames, lost ones, silence, damage, unplugging, refusal."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.capture.v4l2_device import CameraMode, RawBuffer

_POISON = 0x5A


@dataclass(frozen=True, slots=True)
class Picture:
    """A filled buffer: the bytes on the wire and what the kernel writes beside them."""

    data: bytes
    sequence: int
    timestamp_ns: int
    monotonic: bool = True
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """No buffer for `n_polls` waits."""

    n_polls: int = 1


Step: TypeAlias = Picture | Silence | OSError


class StandInDevice:
    """Plays `script` in order, then stays silent.

    Buffers are overwritten when they are given back, as a driver would do; and none is lent twice.

    Parameters
    ----------
    script : iterable of Picture, Silence or OSError
    modes : sequence of CameraMode
    granted : CameraMode, optional
        What `start` grants instead of the mode asked for.
    refusal : OSError, optional
        What `start` raises.
    """

    def __init__(
        self,
        script: Iterable[Step],
        modes: Sequence[CameraMode],
        granted: CameraMode | None = None,
        refusal: OSError | None = None,
    ) -> None:
        self.path = "/dev/video-standin"
        self.name = "Stand-in camera"
        self.asked: tuple[CameraMode, float] | None = None
        self.n_closed = 0
        self._script = iter(script)
        self._modes = modes
        self._granted = granted
        self._refusal = refusal
        self._next: Step | None = None
        self._n_silent = 0
        self._lent: bytearray | None = None

    def modes(self, width: int, height: int) -> Sequence[CameraMode]:
        """The modes it was given; all sizes are fixed."""
        del width, height
        return self._modes

    def start(self, mode: CameraMode, fps: float, n_buffers: int) -> CameraMode:
        """Grant, or refuse."""
        del n_buffers
        if self._refusal is not None:
            raise self._refusal
        self.asked = (mode, fps)
        return self._granted or CameraMode(mode.pixel_format, mode.width, mode.height, fps)

    def wait(self, timeout_s: float) -> bool:
        """True at once where the script has a buffer or an error; silence really lasts."""
        if self._next is None:
            self._next = next(self._script, None)
            self._n_silent = self._next.n_polls if isinstance(self._next, Silence) else 0
        if self._next is not None and not self._n_silent:
            return True
        time.sleep(timeout_s)
        self._n_silent = max(0, self._n_silent - 1)
        if isinstance(self._next, Silence) and not self._n_silent:
            self._next = None
        return False

    def take(self) -> RawBuffer:
        """The picture, or the script's error."""
        if self._lent is not None:
            raise OSError(errno.EINVAL, "a buffer was taken before the last one was given back")
        step, self._next = self._next, None
        if isinstance(step, OSError):
            raise step
        if not isinstance(step, Picture):
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self._lent = bytearray(step.data)
        return RawBuffer(
            memoryview(self._lent), step.sequence, step.timestamp_ns, step.monotonic, step.damaged
        )

    def give_back(self) -> None:
        """Overwrite what was lent."""
        if self._lent is not None:
            self._lent[:] = bytes([_POISON]) * len(self._lent)
        self._lent = None

    def close(self) -> None:
        """Count it."""
        self.n_closed += 1
        self._lent = None


def yuyv_bytes(luma: NDArray[np.uint8], chroma: int = 128) -> bytes:
    """One picture as a camera packs it: Y U Y V, two bytes a pixel."""
    packed = np.full((*luma.shape, 2), chroma, np.uint8)
    packed[..., 0] = luma
    return packed.tobytes()
