import io

import pytest

from edge.commands import progress
from edge.commands.progress import Bar, with_progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def output_of(file, monkeypatch, patience_s=-1.0, shown=True):
    """What is written to `file` as standard error while 50 items pass."""
    monkeypatch.setattr("sys.stderr", file)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "_PATIENCE_S", patience_s)
    assert list(with_progress(range(50), 50, "export", shown)) == list(range(50))
    return file.getvalue()


def test_a_long_wait_at_a_terminal_has_a_bar(monkeypatch):
    output = output_of(Terminal(), monkeypatch)
    assert "export" in output
    assert "100%" in output


def bar_of(file, monkeypatch, patience_s=-1.0, shown=True):
    """What is written to `file` as standard error by work whose length is known in two steps."""
    monkeypatch.setattr("sys.stderr", file)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "_PATIENCE_S", patience_s)
    with Bar("export", shown) as bar:
        for _ in range(2):
            bar.expect(20)
            for _ in range(20):
                bar.advance()
    return file.getvalue()


def test_a_bar_grows_with_the_work(monkeypatch):
    output = bar_of(Terminal(), monkeypatch)
    assert "export" in output
    assert "100%" in output


@pytest.mark.parametrize(
    ("file", "shown", "patience_s"),
    [(io.StringIO(), True, -1.0), (Terminal(), False, -1.0), (Terminal(), True, 60.0)],
)
def test_a_growing_bar_is_for_those_who_wait_long_at_a_terminal(file, shown, patience_s, monkeypatch):
    assert bar_of(file, monkeypatch, patience_s, shown) == ""


def test_a_short_wait_has_no_bar(monkeypatch):
    assert output_of(Terminal(), monkeypatch, patience_s=60.0) == ""


@pytest.mark.parametrize(("file", "shown"), [(io.StringIO(), True), (Terminal(), False)])
def test_there_is_no_bar_off_a_terminal_or_where_none_is_wanted(file, shown, monkeypatch):
    assert output_of(file, monkeypatch, shown=shown) == ""
