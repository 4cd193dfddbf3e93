"""Builds the documentation site from the pages that also read as plain Markdown.

    python tools/build_site.py              into build/site; open build/site/index.html
    python tools/build_site.py --serve      the same, then on http://127.0.0.1:8000 until Ctrl-C

The pages keep their places in the repository, and so their links: they are copied as they lie, with every
file they link to, and MkDocs turns the copy into HTML. A warning is an error, and so is anything that a
reader's browser would fetch from another host.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "build" / "site-pages"  # as mkdocs.yml says
SITE = ROOT / "build" / "site"
SOURCES = ("*.md", "docs/**/*.md", "docs/site.css", "models/*.md", "firmware_config/**/*.md", "edge/**/*.md")
# what a browser fetches by itself, in contrast to a link that a reader may follow
_ELSEWHERE = r"((?:https?:)?//[^\"'\s>)]+)"
_FETCHED = tuple(
    re.compile(before + _ELSEWHERE, re.IGNORECASE)
    for before in (
        r"<(?:script|img|iframe|source|video|audio|embed|track)\b[^>]*?\bsrc=[\"']?",
        r"<link\b(?![^>]*\brel=[\"']?(?:canonical|next|prev)\b)[^>]*?\bhref=[\"']?",
        r"(?:url\(\s*[\"']?|@import\s+[\"'])",
    )
)


def main() -> int:
    """Copy, build, look for what is fetched from elsewhere."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--serve", action="store_true", help="show it on this machine afterwards")
    arguments = parser.parse_args()
    copy_pages(ROOT, PAGES)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean"]
    # the theme advertises its successor otherwise
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    if code := subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
        print(
            "build_site: expected a build without a warning; the lines above name the page", file=sys.stderr
        )
        return code
    if fetched := sorted(fetched_from_elsewhere(SITE)):
        print(
            "build_site: expected a site that fetches nothing, found", *fetched, sep="\n  ", file=sys.stderr
        )
        return 1
    print(f"{sum(1 for _ in SITE.rglob('*.html'))} pages in {SITE.relative_to(ROOT)}")
    if arguments.serve:
        serve(SITE)
    return 0


def copy_pages(root: Path, target: Path) -> None:
    """Every page, and every file that a page links to, at its own place below `target`."""
    shutil.rmtree(target, ignore_errors=True)
    pages = {page for pattern in SOURCES for page in root.glob(pattern)}
    for file in pages | {linked for page in pages for linked in linked_files(page)}:
        copy = target / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def linked_files(page: Path) -> Iterator[Path]:
    """The files beside the pages that a page links to or shows."""
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:|#", link):
            file = (page.parent / link.partition("#")[0]).resolve()
            if file.is_file():
                yield file


def fetched_from_elsewhere(site: Path) -> set[str]:
    """Page and address of everything that opening the page would fetch from another host."""
    return {
        f"{file.relative_to(site)}: {address}"
        for file in site.rglob("*")
        if file.suffix in (".html", ".css", ".svg")
        for pattern in _FETCHED
        for address in pattern.findall(file.read_text(encoding="utf-8"))
    }


def serve(site: Path) -> None:
    """Until Ctrl-C."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 8000), handler) as server:
        print("http://127.0.0.1:8000 (Ctrl-C ends it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    sys.exit(main())
