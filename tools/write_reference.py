"""Write docs/reference and its diagram from the code: commands, settings, database, errors.

    python tools/write_reference.py

tests/tools/test_reference.py compares the pages with the code.
"""

from __future__ import annotations

from pathlib import Path

from reference import commands, database, errors, settings

DOCS = Path(__file__).resolve().parents[1] / "docs"


def pages() -> dict[Path, str]:
    """Every generated file and what belongs in it."""
    folder = DOCS / "reference"
    return {
        folder / "commands.md": commands.page(),
        folder / "settings.md": settings.page(),
        folder / "database.md": database.page(),
        folder / "errors.md": errors.page(),
        DOCS / "images" / "database.svg": database.diagram(),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
