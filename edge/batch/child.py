"""The process that watches: jobs come in as lines of JSON, results go out the same way.

It can open no internet socket and ends when whoever started it does. Dask's own processes, which
talk to each other over the network, never see a picture.

    python -m edge.batch.child [MEMORY_BYTES]
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TextIO

from edge.batch.job import Job
from edge.batch.segment import watch_segment
from edge.confine import confine
from edge.errors import EdgeError
from edge.perceive.finder import FaceFinder
from edge.service import forbid_core_dumps

log = logging.getLogger(__name__)


class Finders:
    """The face finder of the settings asked for last: loading the models takes longer than a short video."""

    def __init__(self) -> None:
        self._settings: dict[str, Any] | None = None
        self._finder: FaceFinder | None = None

    def of(self, job: Job) -> FaceFinder:
        """A finder with the job's settings."""
        if self._finder is None or self._settings != job.settings["perceive"]:
            self._finder = FaceFinder(job.config().perceive)
            self._settings = dict(job.settings["perceive"])
        return self._finder


def answer(line: str, finders: Finders, look: Callable[[], None]) -> dict[str, Any]:
    """What came of one request: a result, word of an error, or that the video goes on."""
    request = json.loads(line)
    job = Job(**request["job"])
    try:
        result = watch_segment(job, request["number"], finders.of(job), look)
    except EdgeError as error:
        return {"error": str(error)}
    except OSError as error:
        return {"refused": str(error)}
    except MemoryError as error:
        return {"refused": f"there is no memory ({str(error) or 'the limit is reached'})"}
    return {"result": None if result is None else asdict(result)}


def main(requests: TextIO, answers: TextIO, memory_bytes: int) -> None:
    """Answer requests until there are no more."""
    forbid_core_dumps()
    if unconfined := confine():
        log.warning("%s", unconfined)
    if memory_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    parent = os.getppid()

    def look() -> None:
        if os.getppid() != parent:  # nobody waits for this any more
            os._exit(1)

    finders = Finders()
    for line in requests:
        answers.write(json.dumps(answer(line, finders, look)) + "\n")
        answers.flush()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="microcue: %(message)s")
    own = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints is no answer
    main(sys.stdin, own, int(sys.argv[1]) if len(sys.argv) > 1 else 0)
