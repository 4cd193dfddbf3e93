"""Many videos through one process: every one gives a result, and what is done is not done again."""

from __future__ import annotations

import shutil
import sys

import pytest

from edge.batch.archive import TRIES, watch
from edge.batch.errors import FolderUnusable, WatcherDied
from edge.batch.job import Video, job_of
from edge.batch.pool import Answer
from edge.batch.result import Done, VideoResult
from edge.batch.watcher import Watcher


class PlayedPool:
    """A pool whose answers are known; remembers what it was asked.

    Parameters
    ----------
    n_segments : int
        Of every video.
    failures : int
        The first so many tasks die.
    n_room : int
        Tasks at a time.
    """

    def __init__(self, n_segments=1, failures=0, n_room=2):
        self.asked, self.n_most = [], 0
        self._n_segments, self._failures, self._n_room = n_segments, failures, n_room
        self._waiting = []

    def room(self):
        return self._n_room - len(self._waiting)

    def submit(self, job, number):
        self._waiting.append((job, number))
        self.asked.append((job.path, number))
        self.n_most = max(self.n_most, len(self._waiting))

    def next_answer(self):
        job, number = self._waiting.pop(0)
        if self._failures:
            self._failures -= 1
            return Answer(job, number, None, WatcherDied(job.path, -9))
        if number + 1 < self._n_segments:
            return Answer(job, number, None)
        return Answer(job, number, VideoResult(job.path, job.key, n_frames=100))


def videos(folder, n):
    """So many files with different content, none of which is a video."""
    paths = [folder / f"{k}.mkv" for k in range(n)]
    for path in paths:
        path.write_text(path.name)
    return [Video(str(path)) for path in paths]


def test_every_video_gives_one_result_and_no_more_wait_than_there_is_room_for(config, tmp_path):
    pool = PlayedPool(n_segments=3, n_room=4)
    taken = []
    named = (taken.append(video.path) or video for video in videos(tmp_path, 20))
    results = watch(named, config, tmp_path / "out", pool)
    next(results)
    assert len(taken) <= 5  # an archive's list is not read ahead of the work
    assert sorted([*(result.video for result in results), *taken[:1]])[0].endswith("0.mkv")
    assert len(pool.asked) == 60
    assert pool.n_most <= 4


def test_what_is_done_is_not_watched_again(config, tmp_path):
    named = videos(tmp_path, 6)
    half = watch(named, config, tmp_path / "out", PlayedPool())
    first = [next(half) for _ in range(3)]
    half.close()  # as where the program is killed
    pool = PlayedPool()
    results = list(watch(named, config, tmp_path / "out", pool))
    assert sorted(result.video for result in results) == sorted(video.path for video in named)
    assert not {path for path, _ in pool.asked} & {result.video for result in first}


@pytest.mark.parametrize("change", ["content", "rate", "settings"])
def test_another_video_or_other_settings_are_watched_again(config, tmp_path, change):
    (video,) = videos(tmp_path, 1)
    list(watch([video], config, tmp_path / "out", PlayedPool()))
    if change == "content":
        (tmp_path / "0.mkv").write_text("something else")
    elif change == "rate":
        video = Video(video.path, 50.0)
    else:
        config = type(config)()
    pool = PlayedPool()
    list(watch([video], config, tmp_path / "out", pool))
    assert len(pool.asked) == 1


def test_a_video_that_is_named_twice_is_watched_once(config, tmp_path):
    (video,) = videos(tmp_path, 1)
    pool = PlayedPool()
    results = list(watch([video, video], config, tmp_path / "out", pool))
    assert [result.n_frames for result in results] == [100, 100]
    assert len(pool.asked) == 1


def test_a_worker_that_dies_is_asked_again_and_in_the_end_the_video_is_given_up(config, tmp_path):
    named = videos(tmp_path, 1)
    pool = PlayedPool(failures=TRIES - 1)
    (result,) = watch(named, config, tmp_path / "out", pool)
    assert (result.error, len(pool.asked)) == ("", TRIES)
    named = videos(tmp_path, 2)[1:]
    (result,) = watch(named, config, tmp_path / "out", PlayedPool(failures=TRIES))
    assert "the process ended with signal 9" in result.error
    (result,) = watch(named, config, tmp_path / "out", PlayedPool())  # given up is not done
    assert result.error == ""


def test_a_folder_that_cannot_be_made_is_named(config, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderUnusable, match=r"file.*Not a directory"):
        list(watch([], config, tmp_path / "file" / "out", PlayedPool()))


def test_real_videos_go_through_a_process_of_their_own(config, video, tmp_path):
    other, broken = tmp_path / "other.mkv", tmp_path / "broken.mkv"
    shutil.copy(video, other)
    broken.write_bytes(b"no video at all")
    named = [Video(str(path)) for path in (video, broken, other, tmp_path / "absent.mkv")]
    results = {result.video: result for result in watch(named, config, tmp_path / "out", segment_s=2.0)}
    assert "cannot be read" in results[str(broken)].error
    assert "no such file" in results[str(tmp_path / "absent.mkv")].error
    one, same = results[str(video)], results[str(other)]
    assert [cue["onset_s"] for cue in one.cues] == [cue["onset_s"] for cue in same.cues]
    assert len(one.cues) >= 2
    assert one.n_segments == 3
    assert list((tmp_path / "out" / "unfinished").iterdir()) == []


def test_a_process_that_dies_is_told_and_another_one_started(config, tmp_path):
    job = job_of(Video("face.mkv"), config, tmp_path, 0.0)
    says = 'import sys; sys.stdin.readline(); print(\'{"error": "a sentence"}\')'
    dies = "import os; os.kill(os.getpid(), 9)"
    died = f"import pathlib\nhas_died = pathlib.Path({str(tmp_path / 'died')!r})"
    once = f"{died}\nif has_died.exists():\n    {says}\nelse:\n    has_died.touch(); {dies}"
    watcher = Watcher(command=[sys.executable, "-c", once])
    with pytest.raises(WatcherDied, match="signal 9"):
        watcher.watch(job, 0)
    assert watcher.watch(job, 0).error == "a sentence"
    watcher.close()


def test_a_result_that_cannot_be_read_counts_as_none(tmp_path):
    done = Done(tmp_path)
    done.keep(VideoResult("face.mkv", "key", n_frames=5))
    assert done.find("key") == VideoResult("face.mkv", "key", n_frames=5)
    (tmp_path / "done" / "key.json").write_text('{"video": "face.mkv", "of another version": 1}')
    assert done.find("key") is None
