"""Cues from the action units of OpenFace or py-feat by peak picking, for `microcue evaluate --cues`.

    .venv/bin/python tools/au_cues.py --fps 200 --out theirs.csv openface/*.csv
    microcue evaluate samm-lv --root SAMM_longvideos --cues theirs.csv --out theirs

Each input is the table of one recording, named as the recording is: OpenFace's (`frame, ..., AU01_r, ...`,
intensities of 0 to 5) or py-feat's (`frame, ..., AU01, ...`, 0 to 1). Run those programs in environments of
their own; their models are not fetched here, and neither was run for this repository.

A cue is a peak of the largest rise of any action unit but blinks (AU45) and closed eyes (AU43) over its own
running median; it begins and ends where the rise has fallen to a third. Frames without a face are unknown.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_UNIT = re.compile(r"AU(\d\d)(_r)?")
_LIDS = {43, 45}
_BASELINE_S = 4.0
_SMOOTHING_S = 0.06
_FOOT = 1 / 3
_MACRO_LONGEST_S = 4.0


@dataclass(frozen=True, slots=True)
class AuCue:
    """Frames as the table counts them; `strength` is the rise in the table's own unit."""

    onset: int
    apex: int
    offset: int
    kind: str
    strength: float


def main() -> int:
    """Read tables, write cues."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", nargs="+", type=Path)
    parser.add_argument("--fps", type=float, required=True, help="of the recordings")
    parser.add_argument(
        "--least", type=float, default=0.1, help="smallest rise, as a share of the scale (default: 0.1)"
    )
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    with arguments.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("video", "onset", "apex", "offset", "kind", "strength"))
        for table in arguments.tables:
            frames, units, scale = read_units(table)
            for cue in cues_of(frames, units, arguments.fps, arguments.least * scale):
                row = (cue.onset, cue.apex, cue.offset, cue.kind, f"{cue.strength:.4f}")
                writer.writerow((table.stem, *row))
    return 0


def read_units(table: Path) -> tuple[NDArray[np.int64], NDArray[np.float64], float]:
    """Frame numbers, intensities [shape=(n_frames, n_units)] with NaN without a face, and the scale's end."""
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, skipinitialspace=True)
        columns = {
            name: found for name in reader.fieldnames or () if (found := _UNIT.fullmatch(name.strip()))
        }
        is_openface = any(found[2] for found in columns.values())
        wanted = [
            name
            for name, found in columns.items()
            if int(found[1]) not in _LIDS and bool(found[2]) == is_openface
        ]
        if not wanted or "frame" not in (reader.fieldnames or ()):
            sys.exit(
                f"microcue: expected the columns frame and AU01 or AU01_r in {table}, but they are missing"
            )
        rows = list(reader)
    frames = np.array([round(float(row["frame"])) for row in rows])
    units = np.array([[_intensity(row, name) for name in wanted] for row in rows])
    if is_openface:
        units[[row.get("success", "1").strip() in ("0", "0.0") for row in rows]] = np.nan
    return frames, units.reshape(len(rows), len(wanted)), 5.0 if is_openface else 1.0


def _intensity(row: dict[str, str], name: str) -> float:
    try:
        return float(row[name])
    except ValueError:
        return float("nan")


def cues_of(
    frames: NDArray[np.int64], units: NDArray[np.float64], fps: float, least: float
) -> Iterator[AuCue]:
    """Peaks of the largest rise over the running median, with their feet."""
    from scipy.ndimage import median_filter, uniform_filter1d
    from scipy.signal import find_peaks

    if len(frames) < 3:
        return
    known = np.nan_to_num(units)
    smooth = uniform_filter1d(known, max(1, round(_SMOOTHING_S * fps)), axis=0, mode="nearest")
    baseline = median_filter(smooth, size=(max(3, round(_BASELINE_S * fps) | 1), 1), mode="nearest")
    rise = (smooth - baseline).max(axis=1)
    rise[np.isnan(units).all(axis=1)] = 0.0
    peaks, _ = find_peaks(rise, height=least, prominence=least * (1 - _FOOT))
    last = -1
    for peak in peaks:
        foot = _FOOT * rise[peak]
        before, after = np.flatnonzero(rise[:peak] <= foot), np.flatnonzero(rise[peak:] <= foot)
        begin = int(before[-1]) + 1 if len(before) else 0
        end = peak + int(after[0]) - 1 if len(after) else len(rise) - 1
        seconds = (end - begin + 1) / fps
        if begin <= last or seconds > _MACRO_LONGEST_S:
            continue
        last = end
        kind = "micro" if seconds <= 0.5 else "macro"
        yield AuCue(int(frames[begin]), int(frames[peak]), int(frames[end]), kind, float(rise[peak]))


if __name__ == "__main__":
    sys.exit(main())
