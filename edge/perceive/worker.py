"""Key frames on a thread of their own, so that the frame path never waits for a model."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np
from numpy.typing import NDArray

from edge.errors import CaptureError, EdgeError
from edge.messages import Frame, KeyFrameAnswer
from edge.perceive.finder import Finder

log = logging.getLogger(__name__)

_LOOK_S = 1.0
_N_REVIVALS_MAX = 20


class KeyFrameThreadLost(EdgeError):
    """The model's thread ended again and again: a bug, or a machine without memory."""

    def __init__(self, n_revivals: int) -> None:
        super().__init__(n_revivals)
        self.n_revivals = n_revivals

    def __str__(self) -> str:
        return (
            f"expected the landmark model's thread to run, it ended {self.n_revivals} times; "
            "start again, and see `microcue doctor` for memory"
        )


class FrameShapeChanged(CaptureError):
    """A source changed its resolution in the middle of a session."""

    def __init__(self, sequence: int, expected: tuple[int, ...], found: tuple[int, ...]) -> None:
        super().__init__(sequence, expected, found)
        self.sequence = sequence
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        height, width = self.expected
        return (
            f"expected frames of {width}x{height} px, but frame {self.sequence} has "
            f"{self.found[1]}x{self.found[0]}; start a new session for the new resolution"
        )


class KeyFrameWorker:
    """Runs a finder on one key frame at a time, beside the frame loop.

    Live, an answer is handed over as soon as it is there. With `latency_ns`, it is handed over at
    the first `collect` that is this much later in media time than its key frame, and the
    thread is waited for if need be: a file then gives the same cues on every machine.

    `submit` and `collect` are called from one thread. Neither allocates a picture, and live
    neither waits.

    Parameters
    ----------
    finder : Finder
    height, width : int, px
        Of every frame to come.
    latency_ns : int, optional
        None for live.

    Attributes
    ----------
    n_revived : int
        Times the thread had ended by itself and was started again; the key frame in its hands is lost then.

    Raises
    ------
    KeyFrameThreadLost
        From `collect`, where it ends too often.
    """

    def __init__(self, finder: Finder, height: int, width: int, latency_ns: int | None = None) -> None:
        self._finder = finder
        self._luma: NDArray[np.uint8] = np.zeros((height, width), np.uint8)
        self._latency_ns = latency_ns
        self.n_revived = 0
        self._ran: threading.Thread | None = None
        self._thread = self._new_thread()
        self._answer: Future[KeyFrameAnswer] | None = None
        self._submitted_ns = 0

    def submit(self, frame: Frame) -> bool:
        """Copy a key frame for the thread; False, at once, where the last one is still under way.

        Raises
        ------
        FrameShapeChanged
            The frame has another shape than announced.
        """
        if self._answer is not None:
            return False
        if frame.luma.shape != self._luma.shape:
            raise FrameShapeChanged(frame.sequence, self._luma.shape, frame.luma.shape)
        np.copyto(self._luma, frame.luma)
        self._submitted_ns = frame.timestamp_ns
        self._answer = self._thread.submit(self._finder.find, self._luma, frame.sequence, frame.timestamp_ns)
        return True

    def collect(self, now_ns: int) -> KeyFrameAnswer | None:
        """The answer about an earlier key frame, once, when it is due.

        Parameters
        ----------
        now_ns : int
            Timestamp of the frame in hand. Matters with `latency_ns` only.

        Raises
        ------
        Exception
            Whatever the finder raised on that key frame.
        """
        if self._answer is None:
            return None
        if self._latency_ns is None:
            if not self._answer.done():
                self._revive_if_dead()
                return None
        elif now_ns < self._submitted_ns + self._latency_ns:
            return None
        while not wait((self._answer,), _LOOK_S).done:
            if self._revive_if_dead():
                return None
        answer, self._answer = self._answer, None
        return answer.result()

    def _new_thread(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1, "perceive", initializer=self._remember_thread)

    def _remember_thread(self) -> None:
        self._ran = threading.current_thread()

    def _revive_if_dead(self) -> bool:
        """An executor does not notice that its thread has died, and would wait for it for ever."""
        if self._ran is None or self._ran.is_alive():
            return False
        if self.n_revived >= _N_REVIVALS_MAX:
            raise KeyFrameThreadLost(self.n_revived)
        self.n_revived += 1
        log.warning("expected the landmark model's thread to run, it had ended; it is started again")
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._ran, self._answer = None, None
        self._thread = self._new_thread()
        return True

    def close(self) -> None:
        """Let the thread finish what it has begun, and end it. Safe to call twice."""
        self._thread.shutdown(wait=True, cancel_futures=True)
