"""What a damaged log still holds is found, and carried into the fresh one while that is written to."""

import random
import shutil
import sqlite3
from contextlib import closing

import pytest

from edge.messages import Gap, Mark
from edge.record.pages import PAGE_BYTES, PageFile
from edge.record.reading import LogReader
from edge.record.salvage import FoundRows, unsalvaged
from edge.record.schema import DATABASE_NAME

TABLES = (
    "participants",
    "sessions",
    "versions",
    "cues",
    "blinks",
    "marks",
    "face_intervals",
    "signal_blocks",
)


def record_session(scene, data_dir, n_seconds=40, participant="P01", ended=True):
    recorder = scene.open(data_dir)
    session_id = scene.start(recorder, live=False, participant=participant)
    recorder.append(scene.found(0))
    for frame in range(n_seconds * 120):
        recorder.add_trace(scene.trace(frame))
        if frame % 60 == 59:
            recorder.append(scene.cue(frame - 12, frame))
            recorder.append(scene.blink(frame - 30, frame - 20))
    recorder.append(Mark(scene.frame_ns(100), "a question"))
    recorder.append(Gap(200, scene.frame_ns(200), 3))
    if ended:
        recorder.close()
    return recorder, session_id


@pytest.fixture(scope="module")
def whole(tmp_path_factory, scene):
    """A closed log with two sessions, large enough that its trees have inner pages."""
    data_dir = tmp_path_factory.mktemp("whole")
    for participant in ("P01", "P02"):
        record_session(scene, data_dir, participant=participant)
    return data_dir / DATABASE_NAME


@pytest.fixture
def path(whole, data_dir):
    """A copy of that log, to be damaged."""
    data_dir.mkdir()
    return shutil.copy(whole, data_dir / DATABASE_NAME)


def stored(path, table):
    with closing(sqlite3.connect(path)) as connection:
        return set(connection.execute(f"SELECT * FROM {table}"))


def overwrite(path, number, content):
    with path.open("r+b") as file:
        file.seek((number - 1) * PAGE_BYTES)
        file.write(content)


@pytest.mark.parametrize("table", TABLES)
def test_every_row_of_an_intact_log_is_found(path, table):
    found = FoundRows(path)
    rows = list(found.rows(table))
    found.close()
    assert set(rows) == stored(path, table)
    assert len(rows) == len(set(rows)) > 0
    assert found.n_lost_pages == 0


def test_rows_that_are_in_the_wal_alone_are_found(scene, data_dir, tmp_path):
    recorder, _ = record_session(scene, data_dir, n_seconds=3, ended=False)
    recorder.flush(10.0)
    copy = tmp_path / "copy.db"
    for ending in ("", "-wal"):
        shutil.copy(data_dir / (DATABASE_NAME + ending), str(copy) + ending)
    expected = {table: stored(data_dir / DATABASE_NAME, table) for table in TABLES}
    recorder.close()
    found = FoundRows(copy)
    assert {table: set(found.rows(table)) for table in TABLES} == expected
    assert copy.stat().st_size < PAGE_BYTES * 50  # most of it was not in the database yet
    found.close()


def test_of_a_wal_cut_anywhere_the_whole_commits_count(scene, data_dir, tmp_path):
    recorder, _ = record_session(scene, data_dir, n_seconds=2, ended=False)
    recorder.flush(10.0)
    copy = tmp_path / "copy.db"
    shutil.copy(data_dir / DATABASE_NAME, copy)
    wal = (data_dir / (DATABASE_NAME + "-wal")).read_bytes()
    recorder.close()
    place = random.Random(3)
    for _ in range(12):
        cut = wal[: place.randrange(len(wal))]
        (tmp_path / "copy.db-wal").write_bytes(cut)
        found = FoundRows(copy)
        rows = {table: set(found.rows(table)) for table in TABLES}
        found.close()
        other = tmp_path / "other.db"
        shutil.copy(copy, other)
        (tmp_path / "other.db-wal").write_bytes(cut)
        try:
            expected = {table: stored(other, table) for table in TABLES}
        except sqlite3.OperationalError:  # the cut is before the first table
            expected = {table: set() for table in TABLES}
        assert rows == expected


def rows_by_page(path):
    """Each row of the tables with the pages that it stands on."""
    with closing(sqlite3.connect(path)) as connection:
        expected = {table: set(connection.execute(f"SELECT * FROM {table}")) for table in TABLES}
    found = FoundRows(path)
    placed = {}
    for table in TABLES:
        for number in found._pages_of[table]:
            for row_id, record in found._pages.records(number):
                row = found._tables[table].row(row_id, record)
                assert row in expected[table]
                placed[table, row] = number
    found.close()
    assert len(placed) == sum(map(len, expected.values()))
    return placed


@pytest.mark.parametrize("seed", range(12))
def test_pages_that_are_gone_take_no_row_of_another_page_with_them(path, seed):
    """Leaf, inner and root pages, and the schema's own, overwritten with noise."""
    placed = rows_by_page(path)
    place = random.Random(seed)
    with closing(PageFile(path)) as file:
        n_pages = file.n_pages
        overflow = {n for n in range(1, n_pages + 1) if file.kind(n) == 0}
    gone = set(place.sample(sorted(set(range(1, n_pages + 1)) - overflow), 1 + seed))
    for number in gone:
        overwrite(path, number, place.randbytes(PAGE_BYTES))
    with closing(FoundRows(path)) as found:
        left = {(table, row) for table in TABLES for row in found.rows(table)}
    expected = {one for one, number in placed.items() if number not in gone}
    assert expected - left == set()
    assert len(left - expected) <= 1  # noise may look like a row, and hardly ever does


def test_a_run_on_a_damaged_log_watches_on_and_has_the_old_rows_at_its_end(path, data_dir, scene):
    with LogReader(data_dir) as log:
        before = {session_id: list(log.cues(session_id, blinks=True)) for session_id in log.session_ids()}
        order = log.session_ids()
    overwrite(path, 1, bytes(100))  # the header, without which SQLite sees no database
    _, session_id = record_session(scene, data_dir, n_seconds=5, participant="P03")
    with LogReader(data_dir) as log:
        assert log.session_ids() == [*order, session_id]
        assert {name: list(log.cues(name, blinks=True)) for name in order} == before
        assert [row[2] for row in log.sessions()] == ["P01", "P02", "P03"]
        assert sum(len(block.frames) for block in log.signal_blocks(order[0], 0)) == 40 * 120
        kinds = [kind for _, kind, _ in log.incidents()]
    assert kinds == ["damaged", "salvaged"]
    assert unsalvaged(data_dir) == []
    assert len(list(data_dir.glob("*.salvaged"))) == 1


def test_a_salvage_that_was_interrupted_is_ended_by_the_next_run_with_each_row_once(
    path, data_dir, scene, monkeypatch
):
    overwrite(path, 1, bytes(100))
    monkeypatch.setattr("edge.record.recorder._SALVAGE_PATIENCE_S", 0.0)
    monkeypatch.setattr("edge.record.salvage._N_BATCH_ROWS", 20)
    scene.open(data_dir).close()
    assert len(unsalvaged(data_dir)) == 1
    monkeypatch.undo()
    scene.open(data_dir).close()
    assert unsalvaged(data_dir) == []
    with LogReader(data_dir) as log:
        first, second = log.session_ids()
        assert [len(list(log.cues(name, blinks=True))) for name in (first, second)] == [160, 160]


def test_a_session_whose_own_row_is_lost_keeps_its_cues_under_a_name_that_says_so(path, data_dir, scene):
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'sessions'").fetchone()
    overwrite(path, root, bytes(PAGE_BYTES))
    overwrite(path, 1, bytes(100))
    scene.open(data_dir).close()
    with LogReader(data_dir) as log:
        names = log.session_ids()
        assert [name.startswith("salvaged-") for name in names] == [True, True]
        assert [len(list(log.cues(name, blinks=True))) for name in names] == [160, 160]


def test_damage_that_is_met_while_watching_costs_nothing_that_was_acknowledged(data_dir, scene):
    recorder, session_id = record_session(scene, data_dir, n_seconds=20, ended=False)
    assert recorder.flush(10.0)
    # what a failing card does: the connection finds other bytes than it wrote
    recorder.writer._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'cues'").fetchone()
    overwrite(data_dir / DATABASE_NAME, root, bytes([200]) * PAGE_BYTES)
    recorder.writer._close_connection()  # and its cache with it
    for frame in range(2400, 3600):
        recorder.add_trace(scene.trace(frame))
        if frame % 60 == 59:
            recorder.append(scene.cue(frame - 12, frame))
    assert recorder.flush(20.0)
    assert recorder.fault is None
    recorder.close()
    with LogReader(data_dir) as log:
        assert log.session_ids() == [session_id]
        n_blocks_frames = sum(len(block.frames) for block in log.signal_blocks(session_id, 0))
        cues = {row[10] for row in log.cues(session_id)}
        (session,) = log.sessions()
    assert n_blocks_frames == 3600
    assert cues >= set(range(2459, 3600, 60))
    # of 40 cues in a tree of two levels the root alone is gone, and it held one or two of them itself
    assert len(set(range(59, 3600, 60)) - cues) <= 2
    assert session[1] == "finished"
