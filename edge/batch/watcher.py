"""A watching process as seen from the one that asks it."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict

from edge.batch.errors import SegmentFailed, WatcherDied
from edge.batch.job import Job
from edge.batch.result import VideoResult

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_END_S = 5.0


class Watcher:
    """Starts a watching process when it is first asked, and another one where that has died.

    Parameters
    ----------
    memory_bytes : int
        What the process may take for its data; 0 for no limit.
    command : sequence of str
        Starts it; given the limit as one word more.
    """

    def __init__(self, memory_bytes: int = 0, command: Sequence[str] = ()) -> None:
        self.memory_bytes = memory_bytes
        self._command = [*(command or (sys.executable, "-m", "edge.batch.child")), str(memory_bytes)]
        self._process: subprocess.Popen[str] | None = None

    def watch(self, job: Job, number: int) -> VideoResult | None:
        """As `segment.watch_segment`, in the process; what a video is to blame for is in the result.

        Raises
        ------
        WatcherDied, SegmentFailed
            Another try may go well.
        """
        process = self._process = self._process or self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps({"job": asdict(job), "number": number}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line.endswith("\n"):
            self._process = None
            raise WatcherDied(job.path, _ended(process))
        answer = json.loads(line)
        if "refused" in answer:
            raise SegmentFailed(job.path, answer["refused"])
        if "error" in answer:
            return failed(job, answer["error"])
        return None if answer["result"] is None else VideoResult(**answer["result"])

    def close(self) -> None:
        """End the process. Safe to call twice."""
        process, self._process = self._process, None
        if process is not None:
            _ended(process)

    def _started(self) -> subprocess.Popen[str]:
        # a session of its own: Ctrl-C in the terminal is for who asks to act on
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **_ONE_THREAD},
            start_new_session=True,
        )


def failed(job: Job, sentence: str) -> VideoResult:
    """The result of a video that could not be watched."""
    return VideoResult(video=job.path, key=job.key, error=sentence)


def _ended(process: subprocess.Popen[str]) -> int:
    """Close both pipes, at which it ends, and say how; a process that is busy is killed."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=_END_S)
    if process.poll() is None:
        process.kill()
        process.communicate()
    return process.wait()


class _Own(threading.local):
    """One watcher for each of a worker's threads."""

    watcher: Watcher | None = None


_own = _Own()


def watch_here(job: Job, number: int, memory_bytes: int) -> VideoResult | None:
    """A Dask task: one segment, in the watching process that belongs to this thread of the worker."""
    if _own.watcher is None or _own.watcher.memory_bytes != memory_bytes:
        _own.watcher = Watcher(memory_bytes)
        atexit.register(_own.watcher.close)
    return _own.watcher.watch(job, number)
