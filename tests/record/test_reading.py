import random
import sqlite3
from contextlib import closing

import pytest

from edge.errors import EdgeError
from edge.messages import FrameConditions, FrameReport, Gap, Mark
from edge.record.cue_rows import CUE_COLUMNS, WallClock, utc
from edge.record.errors import BlockDamaged, DatabaseDamaged, NoSessions, SessionUnknown
from edge.record.reading import SESSION_COLUMNS, LogReader
from edge.record.schema import DATABASE_NAME

CONTRACT = """
cue_id, session_id, face, kind, duration_band, onset_s, apex_s, offset_s, onset_frame, apex_frame, offset_frame, duration_ms,
duration_error_ms, fast_onset, onset_utc, regions, movements, side, amplitude_miod, score, expected_false_per_hour, head_motion_miod_s,
fps, dropped_frames, during_blink, during_speech, lighting, review, note, related_onset_s,
repeated_frames, jitter_ms, exposure_changes, light_level, light_step_percent, flicker_hz, onset_sensor_ns
"""  # noqa: E501  # as the design has it


@pytest.fixture
def session_id(scene, recorder, data_dir):
    """A finished session of 10 s: two cues, a blink, a mark, two gaps, the face away for 2 s."""
    session_id = scene.start(recorder)
    recorder.append(scene.found(0))
    for frame in range(480):
        recorder.add_trace(scene.trace(frame))
    frames = FrameConditions(1, 0.12345, 2, 118.26, 2.532, 20.01)
    recorder.append(scene.cue(120, 132, related_onset_ns=scene.frame_ns(30), frames=frames))
    recorder.append(scene.blink(60, 90))
    recorder.append(Mark(scene.frame_ns(100), "a question"))
    recorder.append(Gap(200, scene.frame_ns(200), 3))
    recorder.append(Gap(300, scene.frame_ns(300), 1))
    recorder.append(scene.lost(480))
    recorder.append(scene.found(720))
    recorder.append(scene.cue(30, 200, kind="macro", during_blink=True))
    recorder.append(
        FrameReport(scene.frame_ns(360), 3 * 10**9, 360, 4, 1, 5, 0, 1, 0, 1, 0.5, 90.0, 100.0, 20.0)
    )
    recorder.append(
        FrameReport(scene.frame_ns(1080), 6 * 10**9, 720, 0, 2, 1, 0, 0, 0, 0, 0.5, 120.0, 100.0, 20.0)
    )
    recorder.saw_frame(1200, scene.frame_ns(1200))
    recorder.end_session("the file ended", 1201)
    recorder.flush(10.0)
    return session_id


@pytest.fixture
def log(data_dir, session_id, recorder):
    """The log of that session, open for reading while the recorder still holds it."""
    with LogReader(data_dir) as log:
        yield log


def as_record(columns, row):
    return dict(zip(columns, row, strict=True))


def change(data_dir, sql, *values):
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection, connection:
        connection.execute(sql, values)


def test_the_columns_are_the_contract():
    assert tuple(name.strip() for name in CONTRACT.split(",")) == CUE_COLUMNS


def test_a_cue_is_read_back_with_every_column(log, session_id):
    cue = as_record(CUE_COLUMNS, list(log.cues(session_id))[1])
    assert cue == {
        "cue_id": f"{session_id}-0001",
        "session_id": session_id,
        "face": 0,
        "kind": "micro",
        "duration_band": "67-200 ms",
        "onset_s": 1.0,
        "apex_s": 1.05,
        "offset_s": 1.1,
        "onset_frame": 120,
        "apex_frame": 126,
        "offset_frame": 132,
        "duration_ms": 100.0,
        "duration_error_ms": 8.333,
        "fast_onset": 1,
        "onset_utc": "2023-11-14T23:36:41.000Z",
        "regions": "brow+mouth",
        "movements": "inner_brow_raise+lip_corner_pull",
        "side": "both",
        "amplitude_miod": 12.25,
        "score": 6.5,
        "expected_false_per_hour": 0.01235,
        "head_motion_miod_s": 3.5,
        "fps": 120.0,
        "dropped_frames": 2,
        "during_blink": 0,
        "during_speech": 1,
        "lighting": "low",
        "review": "unreviewed",
        "note": "",
        "related_onset_s": 0.25,
        "repeated_frames": 1,
        "jitter_ms": 0.123,
        "exposure_changes": 2,
        "light_level": 118.3,
        "light_step_percent": 2.53,
        "flicker_hz": 20.0,
        "onset_sensor_ns": 5_001_000_000_000,
    }


def test_a_cue_of_a_log_that_knew_nothing_of_frames_leaves_them_empty(log, session_id):
    row = as_record(CUE_COLUMNS, next(iter(log.cues(session_id))))
    assert [row[name] for name in CUE_COLUMNS[-7:-1]] == [None] * 6


def test_cues_come_in_order_of_onset_whatever_their_order_of_arrival(log, session_id):
    assert [row[5] for row in log.cues(session_id)] == [0.25, 1.0]
    assert [row[5] for row in log.cues(session_id, blinks=True)] == [0.25, 0.5, 1.0]


def test_only_one_kind_is_listed_when_asked(log, session_id):
    assert [row[3] for row in log.cues(session_id, kind="macro")] == ["macro"]
    assert [row[3] for row in log.cues(session_id, kind="micro")] == ["micro"]


def test_a_blink_has_what_a_blink_has(log, session_id):
    (blink,) = [row for row in log.cues(session_id, blinks=True) if row[3] == "blink"]
    record = {name: value for name, value in as_record(CUE_COLUMNS, blink).items() if value is not None}
    assert record == {
        "cue_id": f"{session_id}-b0001",
        "session_id": session_id,
        "face": 0,
        "kind": "blink",
        "onset_s": 0.5,
        "apex_s": 0.625,
        "offset_s": 0.75,
        "duration_ms": 250.0,
        "onset_utc": "2023-11-14T23:36:40.500Z",
        "regions": "eyes",
        "movements": "blink",
        "side": "left",
        "onset_sensor_ns": 5_000_500_000_000,
    }


def test_a_session_is_summed_up(log, session_id):
    (row,) = log.sessions()
    assert as_record(SESSION_COLUMNS, row) == {
        "session_id": session_id,
        "state": "finished",
        "participant": "P01",
        "started_utc": "2023-11-14T23:36:40.000Z",
        "clock_synchronised": 1,
        "duration_s": 10.0,
        "source": "scripted",
        "timestamps": "sensor",
        "fps": 120.0,
        "n_frames": 1201,
        "n_dropped_frames": 4,
        "watched_s": 8.0,
        "coverage": 0.8,
        "n_micro": 1,
        "n_macro": 1,
        "n_blinks": 1,
        "n_marks": 1,
        "micro_per_minute": 7.5,
        "n_lost_rows": 0,
        "n_lost_signal_frames": 0,
        "end_reason": "the file ended",
        "nominal_fps": 120.0,
        "jitter_ms": 0.5,
        "n_repeated_frames": 3,
        "n_lost_frames": 6,
        "n_restarts": 1,
        "n_exposure_changes": 0,
        "n_light_steps": 1,
        "light_level": 110.0,
        "lamp_hz": 100.0,
        "flicker_hz": 20.0,
        "kept": 0,
        "note": "",
        "consent_version": None,
        "relief": None,
    }


def test_a_lamp_that_few_reports_saw_is_not_the_session_s(log, data_dir, session_id):
    change(data_dir, "UPDATE frame_reports SET lamp_hz = NULL, flicker_hz = NULL WHERE at_ns < 5000000000")
    row = as_record(SESSION_COLUMNS, next(log.sessions()))
    assert (row["lamp_hz"], row["flicker_hz"]) == (None, None)


def test_the_newest_sessions_and_a_single_one_are_read_as_among_all(data_dir, scene):
    recorder = scene.open(data_dir)
    for _ in range(3):
        scene.start(recorder)
        recorder.append(scene.found(0))
        recorder.saw_frame(120, scene.frame_ns(120))
        recorder.end_session("done", 121)
    recorder.close()
    with LogReader(data_dir) as log:
        rows = list(log.sessions())
        assert len(rows) == 3
        assert list(log.sessions(2)) == rows[1:]
        assert list(log.sessions(5)) == rows
        assert [log.session(session_id) for session_id in log.session_ids()] == rows
        with pytest.raises(SessionUnknown):
            log.session("20200101-000000-abcd")


def test_two_faces_at_once_are_watched_once(log, scene, recorder, session_id):
    second = scene.start(recorder)
    recorder.append(scene.found(0, face=0))
    recorder.append(scene.found(60, face=1))
    recorder.append(scene.lost(120, face=0))
    recorder.append(scene.lost(90, face=1))
    recorder.saw_frame(240, scene.frame_ns(240))
    recorder.end_session("done", 241)
    assert recorder.flush(10.0)
    row = as_record(SESSION_COLUMNS, list(log.sessions())[-1])
    assert (row["session_id"], row["watched_s"], row["coverage"]) == (second, 1.0, 0.5)


def test_a_session_is_running_while_its_process_lives(log, scene, recorder, session_id):
    scene.start(recorder)
    recorder.add_trace(scene.trace(0))
    assert recorder.flush(10.0)
    assert [row[1] for row in log.sessions()] == ["finished", "running"]


def test_latest_is_the_newest_session(log, scene, recorder, session_id):
    assert log.resolve("latest") == session_id
    second = scene.start(recorder, clock_offset_ns=-4_000_000_000_000)  # a clock that was set back
    assert recorder.flush(10.0)
    assert second < session_id
    assert log.resolve("latest") == second


def test_an_unknown_session_is_answered_with_the_nearest(log, session_id):
    assert log.resolve(session_id) == session_id
    with pytest.raises(SessionUnknown, match=f"the nearest is {session_id}") as caught:
        log.resolve(session_id[:-1] + "?")
    assert caught.value.exit_code == 2
    with pytest.raises(SessionUnknown, match="lists them"):
        log.resolve("xyz")


def test_a_directory_without_a_log_has_no_sessions(tmp_path):
    for data_dir in (tmp_path, tmp_path / "absent"):
        with LogReader(data_dir) as log:
            assert list(log.sessions()) == []
            with pytest.raises(NoSessions, match="microcue run"):
                log.resolve("latest")


def test_a_file_has_no_wall_clock_time(scene, recorder, data_dir):
    session_id = scene.start(recorder, live=False, clock_offset_ns=None)
    recorder.append(scene.cue(1, 9))
    recorder.flush(10.0)
    with LogReader(data_dir) as log:
        (row,) = log.cues(session_id)
    assert as_record(CUE_COLUMNS, row)["onset_utc"] is None


def test_a_wrong_clock_is_put_right_by_a_later_offset(log, scene, recorder, session_id):
    """Unsynchronised at start; right in the middle; a later session of the same boot is right as well."""
    wrong, right = 10**9, 1_700_000_000 * 10**9
    first = recorder.start_session(scene.info(), scene.first_frame_ns, wrong, False)
    recorder.append(scene.cue(120, 132))
    recorder.flush(10.0)
    (row,) = log.cues(first)
    assert as_record(CUE_COLUMNS, row)["onset_utc"] == "2023-11-14T23:36:41.000Z"  # from the session before
    recorder.add_clock_offset(scene.frame_ns(600), right + 3600 * 10**9, True)
    recorder.flush(10.0)
    (row,) = log.cues(first)
    assert as_record(CUE_COLUMNS, row)["onset_utc"] == "2023-11-15T00:36:41.000Z"
    assert as_record(CUE_COLUMNS, row)["onset_s"] == 1.0


def test_an_unsynchronised_clock_is_better_than_none(scene, recorder, data_dir):
    session_id = recorder.start_session(scene.info(), scene.first_frame_ns, 10**9, False)
    recorder.append(scene.cue(120, 132))
    recorder.flush(10.0)
    with LogReader(data_dir) as log:
        (row,) = log.cues(session_id)
        (session,) = log.sessions()
    assert as_record(CUE_COLUMNS, row)["onset_utc"] == "1970-01-01T01:23:22.000Z"
    assert as_record(SESSION_COLUMNS, session)["clock_synchronised"] == 0


def test_wall_clock_time_keeps_its_milliseconds():
    assert utc(WallClock(1_700_000_000_123_999_999, True), 0) == "2023-11-14T22:13:20.123Z"


def test_a_log_on_a_read_only_disk_can_be_read(data_dir, session_id, recorder):
    recorder.close()
    (data_dir / "microcue.lock").unlink()
    data_dir.chmod(0o500)
    (data_dir / DATABASE_NAME).chmod(0o400)
    try:
        with LogReader(data_dir) as log:
            assert log.session_ids() == [session_id]
            assert len(list(log.cues(session_id))) == 2
    finally:
        data_dir.chmod(0o700)


def test_one_damaged_block_does_not_hide_the_others(data_dir, session_id, log):
    change(data_dir, "UPDATE signal_blocks SET codes = x'00' WHERE first_frame = 120")
    blocks = log.signal_blocks(session_id, 0)
    assert len(next(blocks).frames) == 120
    with pytest.raises(BlockDamaged, match="the log is damaged there"):
        next(blocks)


def test_a_damaged_page_is_a_sentence_not_a_traceback(data_dir, session_id, recorder):
    recorder.close()
    path = data_dir / DATABASE_NAME
    path.write_bytes(path.read_bytes()[: 4096 * 3])
    with pytest.raises(DatabaseDamaged, match="is damaged"), LogReader(data_dir) as log:
        list(log.cues(session_id))


def test_flipped_bytes_never_end_in_anything_but_an_error_of_ours(
    data_dir, session_id, recorder, scene, tmp_path
):
    recorder.close()
    whole = (data_dir / DATABASE_NAME).read_bytes()
    place = random.Random(5)
    n_read = n_refused = 0
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(20):
            damaged[place.randrange(len(damaged))] ^= 1 << place.randrange(8)
        (tmp_path / DATABASE_NAME).write_bytes(damaged)
        try:
            with LogReader(tmp_path) as log:
                for row in list(log.sessions()):
                    list(log.cues(row[0], blinks=True))
            n_read += 1
        except EdgeError:
            n_refused += 1
        try:
            damaged_log = scene.open(tmp_path)
            scene.start(damaged_log)
            damaged_log.append(scene.cue(1, 9))
            damaged_log.close()
        except EdgeError:
            n_refused += 1
        for leftover in ("-wal", "-shm"):
            (tmp_path / (DATABASE_NAME + leftover)).unlink(missing_ok=True)
    assert n_read > 0
    assert n_refused > 0
