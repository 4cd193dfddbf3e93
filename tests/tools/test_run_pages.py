"""Marked blocks of a page are run, and only those; a block that fails is noticed."""

from __future__ import annotations

import pytest
from run_pages import ROOT, blocks_of, run_page

MARKED = "<!-- run -->\n```sh\n{}\n```\n"


@pytest.fixture
def page():
    """A page in the repository's own build folder, written anew for each test."""
    path = ROOT / "build" / "tried-page.md"
    path.parent.mkdir(exist_ok=True)
    yield path
    path.unlink()


@pytest.fixture
def watched(tmp_path):
    """What stands in for the session that each page gets."""
    (tmp_path / "watched").mkdir()
    (tmp_path / "watched" / "kept").write_text("x")
    return tmp_path / "watched"


def test_a_block_runs_only_where_it_is_marked():
    text = f"```sh\nrm -rf /\n```\n\n{MARKED.format('echo a')}\n<!-- run -->\n\n```sh\necho no\n```\n"
    assert blocks_of(text) == ["echo a\n"]


def test_blocks_of_a_page_share_a_shell_and_find_what_was_watched(page, watched, tmp_path):
    page.write_text(MARKED.format("test -f kept; a=1") + MARKED.format('test "$a" = 1; touch made'))
    assert run_page(page, watched, tmp_path, None)
    assert (tmp_path / f"build-{page.stem}" / "made").exists()
    assert not (watched / "made").exists()


@pytest.mark.parametrize("block", ["false\ntrue", "false | true", 'echo "$nobody_set_this"'])
def test_a_block_that_fails_in_the_middle_fails_its_page(page, watched, tmp_path, block):
    page.write_text(MARKED.format(block))
    assert not run_page(page, watched, tmp_path, None)


def test_there_are_marked_blocks_in_the_tutorials():
    pages = (ROOT / "docs" / "tutorials").glob("*.md")
    assert sum(len(blocks_of(page.read_text(encoding="utf-8"))) for page in pages) >= 4
