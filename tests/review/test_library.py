"""What the pages keep between two questions."""

from __future__ import annotations

import shutil

import pytest

from edge.config import RecordConfig
from edge.messages import SessionInfo, SourceInfo
from edge.record.recorder import Recorder
from edge.review import library as library_module
from edge.review import site
from edge.review.library import Library
from edge.track.points import N_POINTS


@pytest.fixture
def readings(monkeypatch):
    """Sessions whose cues were read from the log."""
    found = []

    class Reader(library_module.TimelineReader):
        def cues(self, session_id, *which):
            found.append(session_id)
            return super().cues(session_id, *which)

    monkeypatch.setattr(library_module, "TimelineReader", Reader)
    return found


def test_cues_are_read_once_for_many_pages(recorded, readings):
    library = Library(recorded)
    session_id = library.sessions()[0]["session_id"]
    first = library.cues(session_id, "R1")
    first[0]["verdict"] = "changed by whoever asked"
    assert library.cues(session_id, "R1")[0]["verdict"] == "unreviewed"
    assert len(first) == len(library.cues(session_id, "R2")) > 0
    assert readings == [session_id]


def test_a_session_that_grows_is_read_again_and_so_is_another_one(recorded, tmp_path, readings, one_more_cue):
    data_dir = tmp_path / "data"
    shutil.copytree(recorded, data_dir)
    library = Library(data_dir)
    session_id = library.sessions()[0]["session_id"]
    assert library.cues(session_id, "R1")
    recorder = Recorder.open(data_dir, RecordConfig(), N_POINTS)
    source = SourceInfo("scripted", 640, 480, 120.0, "sensor", live=True)
    growing = recorder.start_session(SessionInfo(source), 0, 0, True)
    for n_cues in (1, 2):
        recorder.append(one_more_cue)
        assert recorder.flush(60.0)
        assert len(library.cues(growing, "R1")) == n_cues
    assert readings == [session_id, growing, growing]
    recorder.close()


def test_pages_are_ready_before_somebody_asks():
    site.warm_up()
    environment = site._environment()
    assert len(environment.cache) == len(environment.list_templates()) > 10
