import re

import numpy as np
import pytest

from edge.messages import Gap, Mark
from edge.record import buffers
from edge.record.errors import DataDirBusy, DataDirUnwritable
from edge.record.reading import SESSION_COLUMNS, LogReader

SECOND = 120


def follow(scene, recorder, frames, face=0):
    for frame in frames:
        recorder.add_trace(scene.trace(frame, face))


def read_signals(data_dir, session_id, face=0):
    with LogReader(data_dir) as log:
        return list(log.signal_blocks(session_id, face))


def test_signals_come_back_exactly_in_blocks_of_one_second(scene, recorder, data_dir):
    session_id = scene.start(recorder)
    follow(scene, recorder, range(5 * SECOND))
    recorder.end_session("done", 5 * SECOND)
    recorder.close()
    blocks = read_signals(data_dir, session_id)
    assert [len(block.frames) for block in blocks] == [SECOND] * 5
    frames = np.concatenate([block.frames for block in blocks])
    np.testing.assert_array_equal(frames, np.arange(5 * SECOND))
    times_ns = np.concatenate([block.times_ns for block in blocks])
    np.testing.assert_array_equal(
        times_ns, [scene.frame_ns(frame) - scene.first_frame_ns for frame in frames]
    )
    codes = np.concatenate([block.codes for block in blocks])
    np.testing.assert_array_equal(codes, scene.expected_codes(frames))


def test_a_block_is_a_second_also_where_the_rate_is_unknown_or_wrong(scene, recorder, data_dir):
    session_id = recorder.start_session(scene.info(fps=0.0), scene.first_frame_ns, None, False)
    follow(scene, recorder, range(2 * SECOND))
    recorder.end_session("done", 2 * SECOND)
    slow_id = recorder.start_session(scene.info(fps=30.0), scene.first_frame_ns, None, False)
    follow(scene, recorder, range(2 * SECOND))
    recorder.close()
    assert [len(block.frames) for block in read_signals(data_dir, session_id)] == [SECOND] * 2
    blocks = read_signals(data_dir, slow_id)
    np.testing.assert_array_equal(np.concatenate([block.frames for block in blocks]), np.arange(2 * SECOND))


def test_signals_of_two_faces_are_kept_apart(scene, recorder, data_dir):
    session_id = scene.start(recorder)
    for frame in range(SECOND):
        recorder.add_trace(scene.trace(frame, face=0))
        recorder.add_trace(scene.trace(frame + 1, face=3))
    recorder.close()
    with LogReader(data_dir) as log:
        assert log.faces(session_id) == [0, 3]
    (block,) = read_signals(data_dir, session_id, face=3)
    np.testing.assert_array_equal(block.codes, scene.expected_codes(np.arange(1, SECOND + 1)))


def test_a_lost_face_has_its_last_part_of_a_second_written(scene, recorder, data_dir):
    session_id = scene.start(recorder)
    follow(scene, recorder, range(50))
    recorder.append(scene.lost(50))
    follow(scene, recorder, range(80, 100))
    recorder.close()
    assert [len(block.frames) for block in read_signals(data_dir, session_id)] == [50, 20]


def test_faces_without_end_take_no_memory_without_end(scene, recorder, data_dir):
    session_id = scene.start(recorder)
    for face in range(30):
        recorder.append(scene.found(face * 10, face))
        follow(scene, recorder, range(face * 10, face * 10 + 10), face)
    assert len(recorder._session.faces) <= 4
    recorder.close()
    with LogReader(data_dir) as log:
        assert log.faces(session_id) == list(range(30))


@pytest.mark.parametrize("delay_frames", [1, 60, 200, 700])
def test_a_cue_has_its_points_from_a_second_before_to_a_second_after(scene, recorder, data_dir, delay_frames):
    session_id = scene.start(recorder)
    for frame in range(1500):
        recorder.add_trace(scene.trace(frame))
        if frame == 512 + delay_frames:
            recorder.append(scene.cue(500, 512))
    recorder.close()
    with LogReader(data_dir) as log:
        points = log.point_light(session_id, 1)
        assert log.point_light(session_id, 2) is None
    expected = np.arange(500 - SECOND, 512 + SECOND + 1)
    np.testing.assert_array_equal(points.frames, expected)
    np.testing.assert_array_equal(points.points, scene.expected_points(expected))


def test_points_of_a_cue_at_the_very_end_are_what_there_is(scene, recorder, data_dir):
    session_id = scene.start(recorder)
    follow(scene, recorder, range(300))
    recorder.append(scene.cue(280, 290))
    recorder.end_session("done", 300)
    recorder.close()
    with LogReader(data_dir) as log:
        np.testing.assert_array_equal(log.point_light(session_id, 1).frames, np.arange(160, 300))


def test_points_of_a_cue_reported_after_its_face_was_lost_are_kept(scene, recorder, data_dir):
    session_id = scene.start(recorder)
    follow(scene, recorder, range(300))
    recorder.append(scene.lost(300))
    recorder.append(scene.cue(250, 260))
    follow(scene, recorder, range(300, 330), face=1)
    assert recorder.flush(10.0)
    with LogReader(data_dir) as log:
        np.testing.assert_array_equal(log.point_light(session_id, 1).frames, np.arange(130, 300))


def test_cues_at_the_same_time_have_their_own_points(scene, recorder, data_dir):
    session_id = scene.start(recorder)
    for frame in range(900):
        recorder.add_trace(scene.trace(frame))
        if frame == 400:
            recorder.append(scene.cue(300, 360))
            recorder.append(scene.cue(330, 345, face=0))
    recorder.close()
    with LogReader(data_dir) as log:
        assert [log.point_light(session_id, number).frames[-1] for number in (1, 2)] == [480, 465]


def test_nothing_is_kept_that_the_settings_exclude(scene, data_dir):
    recorder = scene.open(data_dir, signals=False, traces=False)
    session_id = scene.start(recorder)
    follow(scene, recorder, range(300))
    recorder.append(scene.cue(100, 110))
    recorder.close()
    with LogReader(data_dir) as log:
        assert log.faces(session_id) == []
        assert log.point_light(session_id, 1) is None
        assert len(list(log.cues(session_id))) == 1


def test_a_session_id_is_the_utc_of_its_first_frame(scene, recorder):
    # 5,000 s after boot plus 1,700,000,000 s: 2023-11-14T23:36:40Z
    assert re.fullmatch(r"20231114-233640-[0-9a-f]{4}", scene.start(recorder))


def test_sessions_follow_each_other_in_one_run(scene, recorder, data_dir):
    first = scene.start(recorder)
    recorder.append(scene.cue(10, 20))
    recorder.end_session("done", 100)
    second = scene.start(recorder, participant="P02")
    recorder.append(scene.cue(30, 40))
    recorder.close()
    with LogReader(data_dir) as log:
        assert log.session_ids() == [first, second]
        assert [row[0] for row in log.cues(second)] == [f"{second}-0001"]


def test_events_outside_a_session_are_a_bug(scene, recorder):
    with pytest.raises(RuntimeError, match="no session"):
        recorder.append(scene.cue(1, 2))
    scene.start(recorder)
    with pytest.raises(RuntimeError, match="has not ended"):
        scene.start(recorder)


def test_a_second_recorder_is_refused_while_the_first_runs(scene, recorder, data_dir):
    with pytest.raises(DataDirBusy, match="stop that one"):
        scene.open(data_dir)
    recorder.close()
    scene.open(data_dir).close()


def test_a_data_directory_below_a_file_is_refused(scene, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirUnwritable, match="--data") as caught:
        scene.open(tmp_path / "file" / "data")
    assert caught.value.exit_code == 74


def test_the_data_directory_is_its_owners_alone(recorder, data_dir):
    assert data_dir.stat().st_mode & 0o077 == 0


def test_everything_that_can_happen_is_counted_in_its_session(scene, recorder, data_dir):
    session_id = scene.start(recorder)
    recorder.append(scene.found(0))
    recorder.append(Gap(60, scene.frame_ns(60), 3))
    recorder.append(Gap(70, scene.frame_ns(70), 2))
    recorder.append(scene.blink(80, 95))
    recorder.append(scene.cue(10, 20))
    recorder.append(scene.cue(10, 200, kind="macro"))
    recorder.append(Mark(scene.frame_ns(33), "asked about the weekend"))
    recorder.add_health(scene.frame_ns(50), "temperature_c", float("nan"))
    recorder.add_clock_offset(scene.frame_ns(50), 5, False)
    recorder.saw_frame(239, scene.frame_ns(239))
    recorder.end_session("done", 240)
    recorder.close()
    assert recorder.counts.n_lost_rows == 0
    with LogReader(data_dir) as log:
        (row,) = log.sessions()
        assert row[0] == session_id
        assert log.n_cues(session_id) == 2
        assert log.n_cues(session_id, blinks=True) == 3


def test_numpy_numbers_are_as_good_as_pythons(scene, recorder, data_dir):
    changes = {
        "face": np.int64(0),
        "onset_frame": np.int32(5),
        "amplitude_miod": np.float32(12.5),
        "score": np.float32("nan"),
        "during_blink": np.bool_(True),
        "onset_ns": np.int64(scene.frame_ns(5)),
    }
    session_id = scene.start(recorder)
    recorder.append(scene.cue(5, 15, **changes))
    recorder.close()
    with LogReader(data_dir) as log:
        (row,) = log.cues(session_id)
    assert 12.5 in row
    assert None in row


def test_a_camera_never_waits_for_a_writer_that_does_not_come(scene, recorder, data_dir, monkeypatch):
    monkeypatch.setattr(buffers.SignalBlock, "statements", lambda _: [])  # and gives no block back
    scene.start(recorder)
    n_frames = (buffers.N_POOL_BLOCKS + 2) * SECOND
    follow(scene, recorder, range(n_frames))
    assert recorder.counts.n_lost_signal_frames == 2 * SECOND
    recorder.close()
    with LogReader(data_dir) as log:
        (row,) = log.sessions()
    assert row[SESSION_COLUMNS.index("n_lost_signal_frames")] == 2 * SECOND


def test_a_file_read_faster_than_the_disk_loses_nothing(scene, recorder, data_dir):
    session_id = scene.start(recorder, live=False, clock_offset_ns=None)
    n_frames = 3 * buffers.N_POOL_BLOCKS * SECOND
    follow(scene, recorder, range(n_frames))
    recorder.close()
    assert recorder.counts.n_lost_signal_frames == 0
    assert sum(len(block.frames) for block in read_signals(data_dir, session_id)) == n_frames


def test_closing_twice_is_allowed(scene, recorder):
    scene.start(recorder)
    recorder.close()
    recorder.close()
