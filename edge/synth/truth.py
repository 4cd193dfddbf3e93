"""What truly happened in a clip, as a CSV beside it: CLIP.truth.csv."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.synth.field import region_of
from edge.synth.plan import Happening

_MICRO_MAX_MS = 500.0


@dataclass(frozen=True, slots=True)
class TruthRow:
    """One movement or blink. Frames count delivered frames from 0: the nearest to each time.

    `kind` is micro (onset to offset at most 500 ms), macro or blink; the amplitude of a blink is
    its closure in thousandths.
    """

    event: int
    kind: str
    onset_s: float
    apex_s: float
    offset_s: float
    onset_frame: int
    apex_frame: int
    offset_frame: int
    duration_ms: float
    movements: str
    regions: str
    side: str
    amplitude_miod: float


TRUTH_COLUMNS = tuple(item.name for item in fields(TruthRow))


def truth_rows(happenings: Iterable[Happening], frame_times_s: NDArray[np.float64]) -> list[TruthRow]:
    """What a spotter should find, in order of onset.

    Parameters
    ----------
    happenings : iterable of Happening
        Movements and blinks are taken; the rest is not what is looked for.
    frame_times_s : float64 [shape=(n_delivered,)], s
        From the clip's first frame, ascending.
    """

    def nearest(t_s: float) -> int:
        after = int(np.searchsorted(frame_times_s, t_s))
        candidates = [k for k in (after - 1, after) if 0 <= k < len(frame_times_s)]
        return min(candidates, key=lambda k: abs(frame_times_s[k] - t_s))

    rows: list[TruthRow] = []
    for h in sorted(happenings, key=lambda h: h.onset_s):
        if h.event not in ("movement", "blink"):
            continue
        duration_ms = 1000 * h.duration_s
        if h.event == "blink":
            kind, movement, region, amplitude = "blink", "", "eyes", 1000 * h.amplitude
        else:
            # 0.45 + 0.05 s must not become macro by the last binary digit
            kind = "micro" if duration_ms <= _MICRO_MAX_MS + 1e-6 else "macro"
            movement, region, amplitude = h.movement, region_of(h.movement), h.amplitude
        onset, apex, offset = nearest(h.onset_s), nearest(h.apex_s), nearest(h.offset_s)
        rows.append(
            TruthRow(
                len(rows) + 1, kind, h.onset_s, h.apex_s, h.offset_s, onset, apex, offset, duration_ms,
                movement, region, h.side, amplitude,
            )
        )  # fmt: skip
    return rows


def truth_path(clip: str | Path) -> Path:
    """Where the truth of a clip is kept."""
    return Path(clip).with_suffix(".truth.csv")


def write_truth(rows: Sequence[TruthRow], path: str | Path) -> None:
    """Write rows as CSV; times to a microsecond."""
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(TRUTH_COLUMNS)
        for row in rows:
            cells = (
                f"{cell:.6f}".rstrip("0").rstrip(".") if isinstance(cell, float) else cell
                for cell in astuple(row)
            )
            writer.writerow(cells)
