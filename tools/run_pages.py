"""Runs the shell blocks of the documentation that are marked as runnable, and the notebook among its pages.

    python tools/run_pages.py   what `make test-docs` does
    python tools/run_pages.py docs/log.md   one page

A block is marked by the line `<!-- run -->` before it. Each page has a folder, a home and a log of its
own, with one session of the built-in clip in it, and this Python's environment as `.venv`. Its blocks run in
order in one shell that stops at the first failure. With --notebook PYTHON, the Python of pages that call
themselves a notebook runs afterwards, in the same folder.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_MARKED = re.compile(r"^<!-- run -->\n```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_NOTEBOOK = "This page is a notebook"
_SESSION = ("run", "--camera", "demo", "--duration", "25", "--led", "none", "--quiet")


def main() -> int:
    """Watch once, then run every page on a copy of that."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="*", type=Path)
    parser.add_argument("--notebook", metavar="PYTHON", help="a Python with jupytext, nbclient and the rest")
    arguments = parser.parse_args()
    everywhere = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    pages = [page.resolve() for page in arguments.pages] or everywhere
    pages = [page for page in pages if blocks_of(page.read_text(encoding="utf-8"))]
    with tempfile.TemporaryDirectory(prefix="microcue-pages-") as name:
        watched = Path(name) / "watched"
        run(["microcue", *_SESSION], watched)
        failed = [page for page in pages if not run_page(page, watched, Path(name), arguments.notebook)]
    print(f"{len(pages) - len(failed)} of {len(pages)} pages ran")
    return 1 if failed or not pages else 0


def blocks_of(markdown: str) -> list[str]:
    """The marked blocks of a page."""
    return _MARKED.findall(markdown)


def run_page(page: Path, watched: Path, folder: Path, notebook: str | None) -> bool:
    """Whether all of a page ran; what failed is printed by itself."""
    home = folder / f"{page.parent.name}-{page.stem}"
    shutil.copytree(watched, home, symlinks=True)
    text = page.read_text(encoding="utf-8")
    print(f"{page.relative_to(ROOT)}: {len(blocks_of(text))} blocks", flush=True)
    steps = [["bash", "-euo", "pipefail", "-c", "\n".join(blocks_of(text))]]
    if notebook and _NOTEBOOK in text:
        steps.append([notebook, str(ROOT / "tools" / "run_notebook.py"), str(page)])
    try:
        for step in steps:
            run(step, home)
    except subprocess.CalledProcessError as error:
        print(f"run_pages: {page.relative_to(ROOT)} ended with {error.returncode}", file=sys.stderr)
        return False
    return True


def run(command: list[str], home: Path) -> None:
    """Run it at home in `home`, with this Python's microcue; raises CalledProcessError."""
    home.mkdir(exist_ok=True)
    if not (home / ".venv").exists():
        (home / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    places = {
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "JUPYTER_PLATFORM_DIRS": "1",
    }
    subprocess.run(command, cwd=home, env={**os.environ, **places}, check=True)


if __name__ == "__main__":
    sys.exit(main())
