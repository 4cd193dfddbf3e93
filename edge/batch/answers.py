"""Key frames on the loop's own thread: many videos at once leave no core for another one."""

from __future__ import annotations

from edge.messages import Frame, KeyFrameAnswer
from edge.perceive.finder import Finder


class PromptAnswers:
    """As `KeyFrameWorker` with a latency: answers are known at once, and handed over when they are due.

    Parameters
    ----------
    finder : Finder
    latency_ns : int
        In media time, from its key frame to an answer.

    Attributes
    ----------
    asked : (int, KeyFrameAnswer) or None
        The answer under way, and when its key frame was, ns.
    """

    def __init__(self, finder: Finder, latency_ns: int) -> None:
        self.asked: tuple[int, KeyFrameAnswer] | None = None
        self._finder = finder
        self._latency_ns = latency_ns

    def submit(self, frame: Frame) -> bool:
        """Find the faces; False where an answer is still under way."""
        if self.asked is not None:
            return False
        answer = self._finder.find(frame.luma, frame.sequence, frame.timestamp_ns)
        self.asked = frame.timestamp_ns, answer
        return True

    def collect(self, now_ns: int) -> KeyFrameAnswer | None:
        """The answer about an earlier key frame, once, when it is due."""
        if self.asked is None or now_ns < self.asked[0] + self._latency_ns:
            return None
        (_, answer), self.asked = self.asked, None
        return answer
