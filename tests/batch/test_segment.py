"""However a video is cut, its cues are those of `microcue run`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.app import run_session
from edge.batch.errors import OtherVersion, VideoChanged
from edge.batch.job import Video, job_of
from edge.batch.segment import SEAM_FRAMES, watch_segment
from edge.config import with_overrides
from edge.record.cue_rows import CUE_COLUMNS
from edge.record.reading import LogReader

OWN = {"cue_id", "session_id"}  # a session's name is another one each time


@pytest.fixture(scope="module")
def whole(video, config, finder, tmp_path_factory):
    """The result without any cut."""
    job = job_of(Video(str(video)), config, tmp_path_factory.mktemp("states"), 0.0)
    return watch_segment(job, 0, finder)


def watched(job, finder):
    """The result of a video that is cut, and how many segments that took."""
    for number in range(100):
        if (result := watch_segment(job, number, finder)) is not None:
            return result
    raise AssertionError("the video has no end")


def what_was_seen(result):
    return replace(result, key="", cpu_s=0.0, n_segments=0, n_frames_again=0, cues=[], blinks=[]), [
        {name: row[name] for name in row if name not in OWN} for row in (*result.cues, *result.blinks)
    ]


def test_a_whole_video_has_the_rows_of_a_session(video, config, whole, tmp_path):
    session = with_overrides(config, {"capture": {"camera": f"file:{video}"}, "indicate": {"led": "none"}})
    session_id, outcome = run_session(session, tmp_path)
    with LogReader(tmp_path) as log:
        rows = [dict(zip(CUE_COLUMNS, row, strict=True)) for row in log.cues(session_id, blinks=True)]
    expected = [{name: row[name] for name in row if name not in OWN} for row in rows]
    found = what_was_seen(whole)[1]
    assert sorted(found, key=lambda row: row["onset_s"]) == sorted(expected, key=lambda row: row["onset_s"])
    assert len(whole.cues) >= 2
    assert len(whole.blinks) >= 1
    assert (whole.n_frames, whole.seconds, whole.fps) == (outcome.n_frames, outcome.seconds, outcome.fps)


@pytest.mark.parametrize("segment_s", [1.1, 1.7, 2.2])
def test_a_video_that_is_cut_has_the_same_cues(video, config, finder, whole, tmp_path, segment_s):
    job = job_of(Video(str(video)), config, tmp_path, segment_s)
    result = watched(job, finder)
    assert what_was_seen(result) == what_was_seen(whole)
    assert result.n_segments == 1 + int(299 / round(60 * segment_s))
    assert result.n_frames_again == SEAM_FRAMES * (result.n_segments - 1)


def test_where_seeking_leads_to_other_pictures_the_video_is_read_from_its_start(
    video, config, finder, whole, tmp_path, monkeypatch
):
    """A file whose key frames are none: what comes after a seek is not what came before it."""
    job = job_of(Video(str(video)), config, tmp_path, 2.0)
    assert watch_segment(job, 0, finder) is None
    seek = "edge.capture.file.FileSource.go_to"
    monkeypatch.setattr(seek, lambda source, _place: source.read(1.0) is not None)
    assert watch_segment(job, 1, finder) is None
    result = watch_segment(job, 2, finder)
    assert what_was_seen(result) == what_was_seen(whole)
    assert result.n_frames_again == 120 + 240


def test_a_segment_that_is_asked_for_again_is_not_watched_again(video, config, finder, whole, tmp_path):
    job = job_of(Video(str(video)), config, tmp_path, 2.0)
    assert [watch_segment(job, number, finder) for number in (0, 1, 1, 0)] == [None] * 4
    assert what_was_seen(watch_segment(job, 2, finder)) == what_was_seen(whole)


def test_a_segment_whose_state_is_gone_begins_at_the_start(video, config, finder, whole, tmp_path):
    job = job_of(Video(str(video)), config, tmp_path, 2.0)
    assert watch_segment(job, 0, finder) is None
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert watch_segment(job, 1, finder) is None
    assert what_was_seen(watch_segment(job, 2, finder)) == what_was_seen(whole)


def test_a_video_that_changed_between_two_segments_is_refused(video, config, finder, tmp_path):
    path = tmp_path / "growing.mkv"
    path.write_bytes(video.read_bytes())
    job = job_of(Video(str(path)), config, tmp_path / "states", 2.0)
    (tmp_path / "states").mkdir()
    assert watch_segment(job, 0, finder) is None
    path.write_bytes(video.read_bytes()[: video.stat().st_size // 4])
    with pytest.raises(VideoChanged, match="up to frame 120"):
        watch_segment(job, 1, finder)


def test_a_worker_of_another_version_watches_nothing(video, config, finder, tmp_path):
    job = replace(job_of(Video(str(video)), config, tmp_path, 2.0), version="0.0.1")
    with pytest.raises(OtherVersion, match=r"expected microcue 0\.0\.1 on every worker"):
        watch_segment(job, 0, finder)
