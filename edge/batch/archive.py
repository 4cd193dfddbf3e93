"""Many videos, watched by however many workers: the loop that hands out segments and takes in results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from edge.batch.job import Video, job_of
from edge.batch.pool import Answer, OneWorker, Pool
from edge.batch.result import Done, VideoResult
from edge.batch.watcher import failed
from edge.config import Config

SEGMENT_S = 600.0
TRIES = 3  # of a segment whose worker died or was refused something


def watch(
    videos: Iterable[Video],
    config: Config,
    folder: Path | None = None,
    pool: Pool | None = None,
    segment_s: float = SEGMENT_S,
    went_on: Callable[[], None] = lambda: None,
) -> Iterator[VideoResult]:
    """Watch videos and give each one's result when it is there, in whatever order.

    Parameters
    ----------
    videos : iterable of Video
        Taken one by one, as there is room for them. One that is named twice is watched once.
    config : Config
        Its sections perceive, track and spot count.
    folder : Path, optional
        Results and states are kept there, and nothing that is there is watched again: whoever was
        interrupted calls this again with the same arguments. Workers have to reach it under the same
        path, as they do the videos. Without it nothing is kept.
    pool : Pool, optional
        One process where it is left out. Closed at the end where it is.
    segment_s : float, s
        Of video: how much is lost where a worker dies, and what a task of a cluster is. 0 for whole videos.
    went_on : callable
        Called at each segment that a video goes on after.

    Yields
    ------
    VideoResult
        One for each video that was named; `error` says why one could not be watched.

    Raises
    ------
    FolderUnusable, SchedulerLost
        What is done is kept.
    """
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="microcue-")))
        if pool is None:
            pool = OneWorker()
            stack.callback(pool.close)
        yield from _Archive(Done(folder), pool, segment_s, went_on).watch(videos, config)


class _Archive:
    def __init__(self, done: Done, pool: Pool, segment_s: float, went_on: Callable[[], None]) -> None:
        self._done = done
        self._pool = pool
        self._segment_s = segment_s
        self._went_on = went_on
        self._names: dict[str, list[str]] = {}  # of what is being watched, by key
        self._n_tries: dict[str, int] = {}

    def watch(self, videos: Iterable[Video], config: Config) -> Iterator[VideoResult]:
        waiting = iter(videos)
        is_more = True
        while is_more or self._names:
            while is_more and self._pool.room() > 0:
                video = next(waiting, None)
                if video is None:
                    is_more = False
                    break
                yield from self._begin(video, config)
            if self._names:
                yield from self._take(self._pool.next_answer())

    def _begin(self, video: Video, config: Config) -> Iterator[VideoResult]:
        job = job_of(video, config, self._done.states, self._segment_s)
        if job.key in self._names:
            self._names[job.key].append(video.path)
        elif (kept := self._done.find(job.key)) is not None:
            yield replace(kept, video=video.path)
        else:
            self._names[job.key] = [video.path]
            self._pool.submit(job, 0)

    def _take(self, answer: Answer) -> Iterator[VideoResult]:
        job, result = answer.job, answer.result
        if answer.error is not None:
            n_tries = self._n_tries[job.key] = self._n_tries.get(job.key, 1) + 1
            if n_tries <= TRIES:
                self._pool.submit(job, answer.number)
                return
            result = failed(job, str(answer.error))
        self._n_tries.pop(job.key, None)
        if result is None:
            self._went_on()
            self._pool.submit(job, answer.number + 1)
            return
        if not result.error:
            self._done.keep(result)
        for name in self._names.pop(job.key):
            yield replace(result, video=name)
