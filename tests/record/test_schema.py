import os
import sqlite3
from contextlib import closing

import pytest

from edge.record import schema
from edge.record.errors import (
    DatabaseDamaged,
    DatabaseForeign,
    DatabaseFromFuture,
    DataDirUnwritable,
    LogUnreadable,
)
from edge.record.migrations import MIGRATIONS


@pytest.fixture
def path(tmp_path):
    """Where the database will be."""
    return tmp_path / schema.DATABASE_NAME


def pragma(connection, name):
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_new_log_is_marked_as_ours_in_the_newest_format(path):
    with closing(schema.open_for_writing(path)) as connection:
        assert pragma(connection, "application_id") == int.from_bytes(b"mcue", "big")
        assert pragma(connection, "user_version") == len(MIGRATIONS)


def test_a_log_is_set_up_to_lose_nothing_and_to_overwrite_what_is_deleted(path):
    with closing(schema.open_for_writing(path)) as connection:
        assert pragma(connection, "journal_mode") == "wal"
        assert pragma(connection, "synchronous") == 2
        assert pragma(connection, "foreign_keys") == 1
        assert pragma(connection, "secure_delete") == 1
        assert pragma(connection, "wal_autocheckpoint") == 200


def test_only_the_owner_may_read_the_log(path):
    with closing(schema.open_for_writing(path)) as connection:
        connection.execute("INSERT INTO participants (code) VALUES ('P01')")
        for file in path.parent.iterdir():
            assert file.stat().st_mode & 0o077 == 0, file


def test_opening_twice_changes_nothing(path):
    with closing(schema.open_for_writing(path)) as connection:
        connection.execute("INSERT INTO participants (code) VALUES ('P01')")
        before = connection.execute("SELECT sql FROM sqlite_schema").fetchall()
    with closing(schema.open_for_writing(path)) as connection:
        assert connection.execute("SELECT code FROM participants").fetchall() == [("P01",)]
        assert connection.execute("SELECT sql FROM sqlite_schema").fetchall() == before


def test_a_later_migration_runs_once_and_keeps_the_rows(path, monkeypatch):
    with closing(schema.open_for_writing(path)) as connection:
        connection.execute("INSERT INTO participants (code) VALUES ('P01')")
    added = "ALTER TABLE participants ADD COLUMN note TEXT NOT NULL DEFAULT 'none';"
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, added))
    for _ in range(2):
        with closing(schema.open_for_writing(path)) as connection:
            assert pragma(connection, "user_version") == len(MIGRATIONS) + 1
            assert connection.execute("SELECT code, note FROM participants").fetchall() == [("P01", "none")]


def test_a_migration_that_fails_leaves_the_old_format(path, monkeypatch):
    schema.open_for_writing(path).close()
    monkeypatch.setattr(
        schema, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE extra (a); CREATE TABLE extra (a);")
    )
    with pytest.raises(DataDirUnwritable, match="already exists"):
        schema.open_for_writing(path)
    monkeypatch.undo()
    with closing(schema.open_for_writing(path)) as connection:
        assert pragma(connection, "user_version") == len(MIGRATIONS)
        assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'").fetchone() == (
            0,
        )


@pytest.mark.parametrize("opened", [schema.open_for_writing, schema.open_for_reading])
class TestRefusal:
    """Both ways to open refuse the same files, and leave them as they were."""

    def test_a_log_from_the_future_is_refused(self, path, opened):
        with closing(schema.open_for_writing(path)) as connection:
            connection.execute("PRAGMA user_version=99")
        with pytest.raises(DatabaseFromFuture, match=f"format 99 .* up to {len(MIGRATIONS)}"):
            opened(path)

    def test_another_programs_database_is_refused_untouched(self, path, opened):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA application_id=77")
            connection.execute("CREATE TABLE theirs (a)")
        before = path.read_bytes()
        with pytest.raises(DatabaseForeign, match="application id 77"):
            opened(path)
        assert path.read_bytes() == before

    def test_an_unmarked_database_with_tables_is_refused(self, path, opened):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE theirs (a)")
        with pytest.raises(DatabaseForeign, match="another program's database"):
            opened(path)

    def test_a_file_that_is_no_database_is_refused_untouched(self, path, opened):
        path.write_bytes(b"holiday pictures" * 400)
        with pytest.raises(DatabaseDamaged, match="file is not a database"):
            opened(path)
        assert path.read_bytes() == b"holiday pictures" * 400


def test_damage_is_found_after_an_unclean_end(path):
    with closing(schema.open_for_writing(path)) as connection:
        connection.executemany(
            "INSERT INTO participants (code) VALUES (?)", ((f"P{n:05d}",) for n in range(4000))
        )
        root = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'participants'"
        ).fetchone()[0]
        size = pragma(connection, "page_size")
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(os.urandom(size))
    path.with_name(path.name + "-wal").write_bytes(b"left over")
    with pytest.raises(DatabaseDamaged, match="move it away"):
        schema.open_for_writing(path)


def test_reader_of_an_older_format_says_what_converts_it_and_leaves_it_as_it_is(path):
    with closing(schema.open_for_writing(path)) as connection:
        connection.execute("PRAGMA user_version=1")
    with pytest.raises(schema.LogOfOlderFormat, match=r"`microcue run` converts it"):
        schema.open_for_reading(path)
    with closing(sqlite3.connect(path)) as connection:
        assert pragma(connection, "user_version") == 1


def test_reading_a_log_that_is_not_there_says_so(path):
    with pytest.raises(LogUnreadable, match="cannot be read"):
        schema.open_for_reading(path)


def test_writing_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirUnwritable, match="give another one with --data"):
        schema.open_for_writing(tmp_path / "file" / "microcue.db")
