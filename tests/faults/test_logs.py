"""Faults of the disk and the log, as their rows in docs/faults.md say."""

from __future__ import annotations

import sqlite3

import pytest

from edge.messages import Mark
from edge.record import recorder as recorder_module
from edge.record import writer
from edge.record.lock import DataDirLock
from edge.record.schema import DATABASE_NAME, connect_writer, open_for_writing


@pytest.fixture
def pages(monkeypatch):
    """How many pages the database may have: SQLite says that the disk is full beyond; none: no limit."""
    limit = [0]

    def limited(connect):
        def connected(path):
            connection = connect(path)
            if limit[0]:
                connection.execute(f"PRAGMA max_page_count={limit[0]}")
            connection.execute("PRAGMA busy_timeout=1")
            return connection

        return connected

    monkeypatch.setattr(recorder_module, "open_for_writing", limited(open_for_writing))
    monkeypatch.setattr(writer, "connect_writer", limited(connect_writer))
    return limit


def show_the_fault(world):
    """Wait until the writer has said it; the frame in hand shows it."""
    world.until(lambda: world.recorder.fault is not None)


def write_much(world):
    """More than fits into the pages that a database of some rows has."""
    for number in range(300):
        world.recorder.append(Mark(world.recorder._session.last_ns + number, "a remark " * 200))


@pytest.mark.fault(
    fault="disk full for a while",
    injected="the database may not grow (SQLite's own answer), and later may",
    light="fault",
    says="",
    ends="goes on",
    then="rows wait in memory, two hours of them, and are written when there is room; "
    "`microcue sessions`, `status` and `doctor` say it meanwhile",
)
def test_a_full_disk_costs_nothing_where_room_is_made(world, pages, as_its_row_says):
    pages[0] = 1  # SQLite takes the size it has

    def make_room():
        pages[0] = 10**6
        world.until(lambda: world.recorder.fault is None)

    world.n_frames = 400
    world.when(50, lambda: write_much(world))
    world.when(100, lambda: show_the_fault(world))
    world.when(300, make_room)
    as_its_row_says()
    assert world.session()["n_lost_rows"] == 0


@pytest.mark.fault(
    fault="disk full to the end",
    injected="the database may not grow any more from the hundredth frame on",
    light="fault",
    says="what was logged before is safe",
    ends=74,
    then="what was committed is safe; what waited in memory is lost, and the sentence says how many rows",
)
def test_a_disk_that_stays_full_ends_with_what_it_cost(world, pages, as_its_row_says):
    world.n_frames = 300
    safe = []

    def fill():
        world.committed()
        safe.extend(world.decided)
        (n_pages,) = sqlite3.connect(world.data / DATABASE_NAME).execute("PRAGMA page_count").fetchone()
        pages[0] = n_pages
        # the connection it has knows no limit
        world.recorder.writer._failed(sqlite3.OperationalError("database or disk is full"))
        write_much(world)

    world.when(100, fill)
    world.when(200, lambda: show_the_fault(world))
    as_its_row_says(n_lost=len(range(100, 300, 10)))
    assert world.logged() == safe


@pytest.mark.fault(
    fault="disk full from the start",
    injected="the disk takes nothing from the first frame on (SQLite's own answer)",
    light="fault",
    says="rows could not be written",
    ends=74,
    then="nothing is recorded; the light and the sentence say so",
)
def test_a_disk_that_takes_nothing_is_named_and_not_the_session_it_lacks(world, monkeypatch, as_its_row_says):
    full = sqlite3.OperationalError("database or disk is full")

    def no_room(_path):
        raise full

    def fill():
        monkeypatch.setattr(writer, "connect_writer", no_room)
        world.recorder.writer._failed(full)

    world.when(0, fill)
    world.when(50, lambda: show_the_fault(world))
    as_its_row_says(n_lost=len(range(10, 60, 10)))


@pytest.mark.fault(
    fault="database locked",
    injected="another program holds a write transaction",
    light="fault",
    says="",
    ends="goes on",
    then="rows wait in memory and are written when the other lets go",
)
def test_a_locked_database_is_waited_for(world, pages, as_its_row_says):
    others = []

    def lock():
        other = sqlite3.connect(world.data / DATABASE_NAME, isolation_level=None)
        world.until(lambda: took(other))
        others.append(other)

    def took(other):
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True

    def let_go():
        others[0].execute("ROLLBACK")
        world.until(lambda: world.recorder.fault is None)

    assert pages == [0]
    world.n_frames = 300
    world.when(50, lock)
    world.when(100, lambda: show_the_fault(world))
    world.when(200, let_go)
    as_its_row_says()
    others[0].close()


@pytest.mark.fault(
    fault="log writer's thread killed",
    injected="memory runs out inside a commit",
    light="fault",
    says="expected the log writer thread to run, it had ended; it is started again",
    ends="goes on",
    then="the health thread starts it again within 5 s; nothing that was handed in is lost",
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_writer_s_thread_is_started_again_with_all_it_held(world, monkeypatch, as_its_row_says):
    def kill():
        dead = world.recorder.writer._thread
        real = world.recorder.writer._progress
        revive = world.recorder.writer.revive
        may_live = []

        def run_out():
            if not may_live:
                raise MemoryError
            return real()

        def revive_later():
            if may_live:
                revive()

        monkeypatch.setattr(world.recorder.writer, "_progress", run_out)
        monkeypatch.setattr(world.recorder.writer, "revive", revive_later)
        world.when(80, lambda: world.until(lambda: not dead.is_alive()))  # frames in between show the fault
        world.when(100, lambda: may_live.append(1), lambda: world.until(lambda: world.recorder.fault is None))

    world.n_frames = 200
    world.when(50, kill)
    as_its_row_says()
    assert world.session()["n_lost_rows"] == 0


@pytest.mark.fault(
    fault="two runs on one log",
    injected="the data directory is held by another process's lock",
    light="dark",
    says="another",
    ends=74,
    then="the first goes on undisturbed; the second watches nobody",
)
def test_a_second_run_is_refused(world, as_its_row_says):
    world.data.mkdir()
    lock = DataDirLock(world.data)
    as_its_row_says()
    lock.release()
