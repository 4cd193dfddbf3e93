"""CAS(ME)²: 30 frames a second; whom and what a row means stands in two other sheets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from edge.evaluate.corpora.corpus import Corpus
from edge.evaluate.corpora.reading import Label, Reading
from edge.evaluate.corpora.recordings import Recordings
from edge.evaluate.corpora.spreadsheet import Cell, sheet, the_table

FPS = 30.0
EXPECTED = {"micro": 57, "macro": 300}  # 357 in all
_FOLDER = re.compile(r"s\d+")
_RECORDING = re.compile(r"(\d+)_(\d{4})\D.*|(\d+)_(\d{4})")


def read(root: Path, open_offset_s: float = 0.0) -> Corpus:
    """Read it: `CAS(ME)^2code_final*.xlsx` and `s15/15_0401girlcrashing/img_1.jpg` below `root`.

    Raises
    ------
    CorpusError, MissingExtra
    """
    reading = Reading("CAS(ME)^2", Recordings(root), FPS, open_offset_s)
    table = the_table(root, ("CAS(ME)*code_final(Updated)*.xlsx", "CAS(ME)*code_final*.xlsx"), "CAS(ME)^2")
    folders = _folders_of_subjects(sheet(table, "naming rule1"))
    codes = _codes_of_stimuli(sheet(table, "naming rule2"))
    for number, cells in enumerate(sheet(table, "CASFEcode_final"), 1):
        if any(cell is not None for cell in cells):
            _read_row(reading, f"{table.name} row {number}", cells, folders, codes)
    for path in reading.recordings.all():
        name = path.name if path.is_dir() else path.stem
        if path not in reading.known_paths() and (named := _RECORDING.fullmatch(name)):
            subject = f"s{named[1] or named[3]}"
            reading.add_unlabelled(f"{subject}/{name}", subject, path)
    return reading.corpus(("micro", "macro"), EXPECTED)


def _read_row(
    reading: Reading, where: str, cells: Sequence[Cell], folders: dict[int, str], codes: dict[str, str]
) -> None:
    """subject, clip, onset, apex, offset, action units, emotion, type, self-report."""
    subject, clip = _whole(cells[0]), str(cells[1] or "").strip()
    kind = str(cells[7] or "").strip().lower() if len(cells) > 7 else ""
    folder, code = folders.get(subject or -1), codes.get(clip.rpartition("_")[0].lower())
    if folder is None or code is None:
        unknown = f"subject {cells[0]} and clip {clip or 'empty'}"
        reading.remark(where, f"{unknown}, which the naming rules do not know", "left out")
        return
    if kind not in ("micro-expression", "macro-expression"):
        reading.remark(where, f"type {kind or 'empty'}", "left out, neither macro nor micro")
        return
    found = reading.recordings.find_beginning(folder, f"{folder.removeprefix('s')}_{code}")
    name = f"{folder}/{(found[0].name if found[0].is_dir() else found[0].stem) if found else code}"
    reading.add_video(name, folder, found, where)
    frames = (_whole(cells[2]), _whole(cells[3]), _whole(cells[4]))
    reading.add_label(name, Label(where, "micro" if kind.startswith("micro") else "macro", *frames))


def _folders_of_subjects(rows: Sequence[Sequence[Cell]]) -> dict[int, str]:
    """Subject number to folder: a row has the number right of the folder's name."""
    found: dict[int, str] = {}
    for row in rows:
        for at, cell in enumerate(row):
            if isinstance(cell, str) and _FOLDER.fullmatch(cell.strip().lower()):
                numbers = [n for n in map(_whole, row[at + 1 :]) if n is not None]
                if numbers:
                    found[numbers[0]] = cell.strip().lower()
    return found


def _codes_of_stimuli(rows: Sequence[Sequence[Cell]]) -> dict[str, str]:
    """Stimulus such as anger1 to its code of four digits, which a spreadsheet may keep as a number."""
    found: dict[str, str] = {}
    for row in rows:
        texts = [cell for cell in row if cell is not None]
        if len(texts) >= 2 and (code := _whole(texts[0])) is not None:
            found[str(texts[1]).strip().lower()] = f"{code:04d}"
    return found


def _whole(cell: Cell) -> int | None:
    try:
        return round(float(str(cell)))
    except ValueError:
        return None
