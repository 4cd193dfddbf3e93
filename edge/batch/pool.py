"""Whoever watches segments: what is asked of workers, and one of them without Dask."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from edge.batch.errors import BatchError
from edge.batch.job import Job
from edge.batch.result import VideoResult
from edge.batch.watcher import Watcher


class Answer(NamedTuple):
    """What came of a segment: a result, None where the video goes on, or an error worth another try."""

    job: Job
    number: int
    result: VideoResult | None
    error: BatchError | None = None


class Pool(Protocol):
    """Workers that watch segments."""

    def room(self) -> int:
        """How many segments more it takes now; grows and shrinks with a cluster."""

    def submit(self, job: Job, number: int) -> None:
        """Have a segment watched."""

    def next_answer(self) -> Answer:
        """Wait for any segment that was submitted."""

    def close(self) -> None:
        """Let go of the workers. Safe to call twice."""


class OneWorker:
    """A pool of one process, without Dask.

    Parameters
    ----------
    memory_bytes : int
        What it may take for its data; 0 for no limit.
    """

    def __init__(self, memory_bytes: int = 0) -> None:
        self._watcher = Watcher(memory_bytes)
        self._waiting: list[tuple[Job, int]] = []

    def room(self) -> int:
        """One at a time."""
        return 1 - len(self._waiting)

    def submit(self, job: Job, number: int) -> None:
        """Note it for `next_answer`."""
        self._waiting.append((job, number))

    def next_answer(self) -> Answer:
        """Watch it, now."""
        job, number = self._waiting.pop()
        try:
            return Answer(job, number, self._watcher.watch(job, number))
        except BatchError as error:
            return Answer(job, number, None, error)

    def close(self) -> None:
        """End the process."""
        self._watcher.close()
