"""Stand-in for the models: plays answers and failures in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edge.errors import EdgeError
from edge.messages import FaceLandmarks, KeyFrameAnswer


class ScriptedFinder:
    """A `Finder` whose answers are known; where the script has run out, there is no face.

    Parameters
    ----------
    script : iterable of tuple of FaceLandmarks, or EdgeError
        One item for each key frame; an error is raised in its place.
    gate : threading.Event, optional
        Each answer waits for it: a model that is still busy.

    Attributes
    ----------
    seen : list of (int, int)
        Sequence and timestamp (ns) of each key frame asked for.
    """

    def __init__(
        self,
        script: Iterable[tuple[FaceLandmarks, ...] | EdgeError],
        gate: threading.Event | None = None,
    ) -> None:
        self._script = deque(script)
        self._gate = gate
        self.seen: list[tuple[int, int]] = []

    def find(self, luma: NDArray[np.uint8], sequence: int, timestamp_ns: int) -> KeyFrameAnswer:  # noqa: ARG002 - part of the protocol
        """Play the next item of the script."""
        if self._gate is not None:
            self._gate.wait()
        self.seen.append((sequence, timestamp_ns))
        step = self._script.popleft() if self._script else ()
        if isinstance(step, EdgeError):
            raise step
        return KeyFrameAnswer(sequence, timestamp_ns, step)
