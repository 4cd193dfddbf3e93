"""Files that appear under their names only when they are complete."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from edge.record.errors import OutputNeeded, OutputUnwritable

STANDARD_OUTPUT = "-"


@contextmanager
def output_file(output: str) -> Iterator[TextIO]:
    """A text file that appears under its name only when it is complete; "-" is standard output.

    Raises
    ------
    OutputUnwritable
        The file cannot be made or written; nothing is left behind.
    """
    if output == STANDARD_OUTPUT:
        yield sys.stdout
        return
    with output_path(output, "") as path, path.open("w", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def output_path(output: str, format_name: str) -> Iterator[Path]:
    """A file to write to, readable for its owner alone, that takes the name `output` when it is complete.

    Raises
    ------
    OutputNeeded
        `output` is standard output, which `format_name` cannot be written to.
    OutputUnwritable
        The file cannot be made or written; nothing is left behind.
    """
    if output == STANDARD_OUTPUT:
        raise OutputNeeded(format_name, "PATH")
    path = Path(output)
    if path.is_dir():
        raise OutputUnwritable(path, "it is a directory, and a file name is needed")
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise OutputUnwritable(path, error.strerror or str(error)) from error
    os.close(descriptor)
    part = Path(name)
    try:
        yield part
        _sync(part)
        part.replace(path)
    except OSError as error:
        raise OutputUnwritable(path, error.strerror or str(error)) from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def output_folder(output: str, format_name: str) -> Iterator[Path]:
    """A folder to write into that takes the name `output` when it is complete; it must not exist yet.

    Raises
    ------
    OutputNeeded, OutputUnwritable
        Nothing is left behind.
    """
    if output == STANDARD_OUTPUT:
        raise OutputNeeded(format_name, "FOLDER")
    path = Path(output)
    if path.exists():
        raise OutputUnwritable(path, "it exists already, and a new folder is needed")
    try:
        part = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part"))
    except OSError as error:
        raise OutputUnwritable(path, error.strerror or str(error)) from error
    try:
        yield part
        for file in part.rglob("*"):
            if file.is_file():
                _sync(file)
        part.rename(path)
    except OSError as error:
        raise OutputUnwritable(path, error.strerror or str(error)) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
