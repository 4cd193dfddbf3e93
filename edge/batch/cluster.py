"""Workers of a Dask cluster: processes on this machine, or whatever a scheduler has.

The only module that knows Dask, and it sees neither pictures nor signals: a task starts the watching
process on its worker, and gives back what that says.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Any

from edge.batch.errors import BatchError, SchedulerLost, SegmentFailed
from edge.batch.job import Job
from edge.batch.pool import Answer, OneWorker, Pool
from edge.batch.watcher import watch_here
from edge.errors import MissingExtra

_PER_WORKER = 2  # a worker has its next segment at hand when it is done with one
_CONNECT_S = 10.0
_AGAIN = ("lost", "pending")
# What Dask does many times a second to show who is slow, and nobody looks at here. On two cores with two
# workers it took every tenth second of them (tools/benchmark_batch.py).
_QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
}


def open_pool(n_workers: int = 1, scheduler: str = "", memory_bytes: int = 0) -> Pool:
    """Workers on this machine, or those of a cluster that is there already.

    Parameters
    ----------
    n_workers : int
        Processes on this machine; one needs no Dask.
    scheduler : str
        Address of a Dask scheduler, tcp://HOST:PORT; then `n_workers` does not count.
    memory_bytes : int
        What each may take for its data; 0 for no limit.

    Raises
    ------
    MissingExtra
        Dask is not installed.
    SchedulerLost
        There is none at the address.
    """
    if n_workers == 1 and not scheduler:
        return OneWorker(memory_bytes)
    return Cluster(n_workers, scheduler, memory_bytes)


class Cluster:
    """A pool of Dask workers.

    Parameters
    ----------
    n_workers : int
        Processes to start on this machine, each with one thread.
    scheduler : str
        Address of a running scheduler; then nothing is started.
    memory_bytes : int
        What each watching process may take for its data; 0 for no limit.

    Raises
    ------
    MissingExtra, SchedulerLost
    """

    def __init__(self, n_workers: int, scheduler: str = "", memory_bytes: int = 0) -> None:
        try:
            import dask
            import distributed
        except ImportError as error:
            what = "a cluster" if scheduler else "more than one worker (--workers 1 does without)"
            raise MissingExtra(what, "batch") from error
        logging.getLogger("distributed").setLevel(logging.ERROR)  # it tells of every connection
        self._memory_bytes = memory_bytes
        self._address = scheduler or "this machine"
        self._n_workers = n_workers
        self._local: Any = None
        if not scheduler:
            with dask.config.set(_QUIET):
                self._local = distributed.LocalCluster(
                    n_workers=n_workers,
                    threads_per_worker=1,
                    processes=True,
                    silence_logs=logging.CRITICAL,  # a heartbeat that meets the end is no fault
                    memory_limit=None,  # the watching process has its own, and Dask's holds no picture
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                )
        try:
            self._client: Any = distributed.Client(
                self._local or scheduler, timeout=_CONNECT_S, set_as_default=False
            )
        except (OSError, ValueError) as error:
            raise SchedulerLost(self._address, f"there is none ({error})") from error
        self._asked: dict[Any, tuple[Job, int]] = {}
        self._done: Any = distributed.as_completed(loop=self._client.loop)
        self._n_submitted = 0

    def room(self) -> int:
        """Twice the threads that there are now, less what they have."""
        # what was started here is started again where it ends; another's grows and shrinks
        n_threads = self._n_workers if self._local else sum(self._client.nthreads().values())
        return _PER_WORKER * max(n_threads, 1) - len(self._asked)

    def submit(self, job: Job, number: int) -> None:
        """Hand it to the scheduler; videos that were begun go before others."""
        self._n_submitted += 1
        future = self._client.submit(
            *(watch_here, job, number, self._memory_bytes),
            key=f"microcue-{job.key}-{number}-{self._n_submitted}",
            pure=False,
            priority=number,
        )
        self._asked[future.key] = job, number
        self._done.add(future)

    def next_answer(self) -> Answer:
        """Wait for any task; raises SchedulerLost where it was dropped."""
        # one whose worker died between being done and being asked is done again, by the scheduler's own doing
        while (future := next(self._done)).status in _AGAIN:
            self._done.add(future)
        job, number = self._asked.pop(future.key)
        if future.status == "finished":
            return Answer(job, number, future.result())
        if future.status != "error":
            raise SchedulerLost(self._address, f"it has dropped the task of {job.path} ({future.status})")
        error = future.exception()
        if isinstance(error, BatchError):
            return Answer(job, number, None, error)
        return Answer(job, number, None, SegmentFailed(job.path, f"{type(error).__name__}: {error}"))

    def close(self) -> None:
        """Leave the cluster; end it where it was started here."""
        with contextlib.suppress(OSError):
            self._client.close()
        if self._local is not None:
            self._local.close()
