"""Runs a Markdown page as a notebook: every block of Python, in order, where this was called.

python tools/run_notebook.py docs/tutorials/analysis.md [--output analysis.ipynb]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient


def main() -> None:
    """Run it; a failing cell is an error with its traceback."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("page", type=Path)
    parser.add_argument("--output", type=Path, help="keep the notebook with its results")
    arguments = parser.parse_args()
    notebook = jupytext.read(arguments.page)
    # a block of shell is the reader's: it has run before
    notebook.cells = [cell for cell in notebook.cells if not cell.source.startswith("%%")]
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    ran = sum(cell.cell_type == "code" for cell in notebook.cells)
    if not ran:
        raise SystemExit(f"run_notebook: expected blocks of Python in {arguments.page}, found none")
    if arguments.output:
        nbformat.write(notebook, arguments.output)
    print(f"{ran} cells ran")


if __name__ == "__main__":
    main()
