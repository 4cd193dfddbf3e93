"""The site is a copy of the pages, built strictly (`make docs`), and fetches nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from build_site import PAGES, SITE, copy_pages, fetched_from_elsewhere

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def settings():
    """mkdocs.yml."""
    return yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


def pages_named(entries) -> set[str]:
    """Every page that a part of the navigation names."""
    found = set()
    for entry in entries:
        value = next(iter(entry.values())) if isinstance(entry, dict) else entry
        found |= pages_named(value) if isinstance(value, list) else {value}
    return found


def test_a_page_is_copied_with_what_it_links_to_and_shows(tmp_path):
    root, target = tmp_path / "root", tmp_path / "copy"
    (root / "docs").mkdir(parents=True)
    (root / "README.md").write_text("[a](docs/a.md) ![b](b.png) [c](https://example.org/c) [d](#d)")
    (root / "docs" / "a.md").write_text("[licence](../LICENSE)")
    for name in ("b.png", "LICENSE", "unlinked.txt"):
        (root / name).write_bytes(b"x")
    copy_pages(root, target)
    found = {str(file.relative_to(target)) for file in target.rglob("*") if file.is_file()}
    assert found == {"README.md", "docs/a.md", "b.png", "LICENSE"}


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/css">',
        "<img alt='' src='http://example.org/a.png'>",
        "<style>@import 'https://example.org/a.css';</style>",
        "<p style=\"background:url('https://example.org/a.png')\">",
    ],
)
def test_what_a_page_would_fetch_from_elsewhere_is_found(tmp_path, html):
    (tmp_path / "page.html").write_text(html)
    assert len(fetched_from_elsewhere(tmp_path)) == 1


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://example.org">a link that a reader may follow</a>',
        '<script src="assets/x.js"></script>',
        '<link rel="canonical" href="https://example.org/">',
    ],
)
def test_links_and_files_of_the_site_itself_are_not_taken_for_it(tmp_path, html):
    (tmp_path / "page.html").write_text(html)
    assert fetched_from_elsewhere(tmp_path) == set()


def test_the_settings_build_what_the_tool_copies_and_ask_nobody_for_a_font(settings):
    assert (ROOT / settings["docs_dir"], ROOT / settings["site_dir"]) == (PAGES, SITE)
    assert settings["strict"] is True
    assert settings["theme"]["font"] is False
    assert "repo_url" not in settings  # the theme would ask that host for stars


def test_every_page_of_the_folder_is_in_the_navigation(settings):
    pages = {str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md")}
    decisions = {page for page in pages if page.startswith("docs/decisions/0")}
    named = pages_named(settings["nav"])
    assert pages - decisions - named == set()
    assert [page for page in named if not (ROOT / page).is_file()] == []
