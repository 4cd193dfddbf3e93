"""A real Dask cluster of two worker processes: whoever is killed, every video is there once, cue for cue."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing

import pytest
from distributed import Future
from pyarrow import parquet

from edge.batch.archive import watch
from edge.batch.cluster import open_pool
from edge.batch.errors import SchedulerLost
from edge.batch.job import Video, job_of
from edge.batch.result import Done
from edge.config_text import to_toml
from edge.errors import MissingExtra

# a killed worker leaves its sockets to be closed by the collector
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning:distributed")

N_VIDEOS = 4
SEGMENT_S = 1.1  # five to a video
PATIENCE_S = 200.0


@pytest.fixture(scope="module")
def videos(video, tmp_path_factory):
    """Copies of one video: what is found in one has to be found in all."""
    folder = tmp_path_factory.mktemp("archive")
    return [Video(str(shutil.copy(video, folder / f"{k}.mkv"))) for k in range(N_VIDEOS)]


@pytest.fixture(scope="module")
def expected(video, config):
    """Cues of that video by one process, without any cut."""
    (result,) = watch([Video(str(video))], config, segment_s=0.0)
    assert len(result.cues) >= 2
    return onsets(result.cues)


def onsets(rows):
    return [(row["onset_s"], row["offset_s"], row["movements"], row["score"]) for row in rows]


class KillingPool:
    """Passes everything on to a pool, and kills one of its workers at an answer."""

    def __init__(self, pool, n_answers):
        self._pool, self._n_answers = pool, n_answers
        self.killed = None
        self.room, self.submit = pool.room, pool.submit

    def next_answer(self):
        self._n_answers -= 1
        if self._n_answers == 0:
            address, self.killed = next(iter(self._pool._client.run(os.getpid).items()))
            assert address.startswith("tcp://127.0.0.1:")
            os.kill(self.killed, signal.SIGKILL)
        return self._pool.next_answer()


def wait_until(is_so):
    until_s = time.monotonic() + PATIENCE_S
    while not is_so() and time.monotonic() < until_s:
        time.sleep(0.005)
    assert is_so()


def test_a_worker_that_is_killed_in_the_middle_changes_nothing(videos, config, expected, tmp_path):
    with closing(open_pool(2)) as pool:
        killing = KillingPool(pool, n_answers=5)
        results = list(watch(videos, config, tmp_path, killing, SEGMENT_S))
        assert killing.killed not in pool._client.run(os.getpid).values()
    assert sorted(result.video for result in results) == [video.path for video in videos]
    assert [result.error for result in results] == [""] * N_VIDEOS
    assert [onsets(result.cues) for result in results] == [expected] * N_VIDEOS
    assert [result.n_segments for result in results] == [5] * N_VIDEOS


def test_a_result_whose_worker_died_before_it_was_fetched_is_made_again(videos, config, tmp_path):
    with closing(open_pool(2)) as pool:
        pool.submit(job_of(videos[0], config, Done(tmp_path).states, 0.0), 0)
        future = Future(next(iter(pool._asked)), pool._client)
        wait_until(future.done)
        (holder,) = pool._client.who_has([future])[future.key]
        os.kill(pool._client.run(os.getpid)[holder], signal.SIGKILL)
        wait_until(lambda: not future.done())
        answer = pool.next_answer()
    assert answer.error is None
    assert answer.result.n_segments == 1


def test_a_client_that_is_killed_goes_on_where_it_was(videos, config, expected, tmp_path):
    settings = tmp_path / "settings.toml"
    settings.write_text(to_toml({"spot": {"learning_s": 1.0, "accepted_false_per_hour": 60.0}}))
    paths, output = [video.path for video in videos], tmp_path / "out"
    command = [sys.executable, "-m", "edge.cli", "batch", *paths, "--config", str(settings)]
    command += ["--output", str(output), "--workers", "2", "--segment", str(SEGMENT_S)]
    client = subprocess.Popen(command, start_new_session=True)
    until_s = time.monotonic() + PATIENCE_S
    while not (first := list(output.glob("done/*.json"))) and time.monotonic() < until_s:
        assert client.poll() is None
        time.sleep(0.05)
    client.kill()
    client.wait()
    assert first
    assert not (output / "cues.parquet").exists()
    kept = {path: path.stat().st_mtime_ns for path in first}
    subprocess.run(command, check=True, timeout=PATIENCE_S)
    assert {path: path.stat().st_mtime_ns for path in first} == kept
    rows = parquet.read_table(output / "cues.parquet").to_pylist()
    assert [row["video"] for row in rows] == [path for path in paths for _ in expected]
    assert onsets(rows) == expected * N_VIDEOS
    about = parquet.read_table(output / "videos.parquet").to_pylist()
    assert [(row["video"], row["n_frames"]) for row in about] == [(path, 300) for path in paths]


def test_an_address_without_a_scheduler_is_named(monkeypatch):
    monkeypatch.setattr("edge.batch.cluster._CONNECT_S", 0.2)
    with pytest.raises(SchedulerLost, match=r"a Dask scheduler at tcp://127\.0\.0\.1:1"):
        open_pool(scheduler="tcp://127.0.0.1:1")


def test_a_machine_without_dask_is_told_which_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match=r"more than one worker .*microcue\[batch\]"):
        open_pool(2)
    open_pool(1).close()
