import inspect

import numpy as np
import pytest

from edge.record.errors import DiskFull
from edge.record.memory import MemoryRecorder
from edge.record.recorder import Recorder


@pytest.mark.parametrize(
    "name", ["start_session", "append", "add_trace", "saw_frame", "end_session", "close"]
)
def test_the_stand_in_is_called_like_the_recorder(name):
    theirs = inspect.signature(getattr(MemoryRecorder, name))
    ours = inspect.signature(getattr(Recorder, name))
    assert theirs == ours


def test_the_stand_in_keeps_what_it_is_given(scene):
    recorder = MemoryRecorder()
    scene.start(recorder)
    trace = scene.trace(0)
    borrowed = trace.codes.copy()
    recorder.add_trace(type(trace)(0, 0, trace.timestamp_ns, borrowed, trace.points))
    borrowed[:] = 0  # the tracker's next frame
    recorder.append(scene.cue(1, 9))
    recorder.saw_frame(41, scene.frame_ns(41))
    recorder.end_session("done", 42)
    recorder.close()
    np.testing.assert_array_equal(recorder.traces[0].codes, trace.codes)
    assert recorder.events == [scene.cue(1, 9)]
    assert (recorder.n_frames, recorder.last_ns) == (42, scene.frame_ns(41))
    assert recorder.ends == [("done", 42)]
    assert recorder.is_closed


def test_the_stand_in_plays_a_full_disk(scene, data_dir):
    recorder = MemoryRecorder(fault="the disk is full", close_error=DiskFull(data_dir, 3))
    assert recorder.fault == "the disk is full"
    with pytest.raises(DiskFull, match="3 rows"):
        recorder.close()
