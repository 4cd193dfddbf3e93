"""Cues of two processors side by side: what must agree, how nearly, and by how much the rest differs.

python -m image.cues HERE.json THERE.json     of microcue cues --json; 1 where they do not agree
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

# when, where and what: the same on every machine, or a session could not be compared with another's
EXACT = (
    *("kind", "onset_frame", "apex_frame", "offset_frame", "duration_band"),
    *("regions", "movements", "side", "during_blink", "during_speech", "lighting"),
)
# interpolated between frames from amplitudes: as near as the cue itself claims to be
MS_OF_TIMES = {"onset_s": 1e3, "apex_s": 1e3, "offset_s": 1e3, "duration_ms": 1.0}
MEASURED = (
    *MS_OF_TIMES,
    "amplitude_miod",
    "score",
    "expected_false_per_hour",
    "head_motion_miod_s",
)
Cue = Mapping[str, Any]


class Difference(NamedTuple):
    """The largest of a measured column, and the two values that it is between."""

    column: str
    largest: float
    here: float
    there: float


def main(names: Sequence[str]) -> int:
    """Compare two files, and say so."""
    here, there = (json.loads(Path(name).read_text(encoding="utf-8")) for name in names)
    if faults := disagreements(here, there) if here else ["expected a cue, found none"]:
        print("\n".join(faults))
        return 1
    print(f"{len(here)} cues: times, places and sides are the same")
    for one in differences(here, there):
        print(f"largest difference of {one.column}: {one.largest:g} ({one.here:g} and {one.there:g})")
    return 0


def disagreements(here: Sequence[Cue], there: Sequence[Cue]) -> list[str]:
    """A sentence for each exact value that differs and each time that differs by more than its error."""
    said = []
    if len(here) != len(there):
        said.append(f"expected {len(here)} cues, found {len(there)}")
    for number, (one, other) in enumerate(zip(here, there, strict=False), 1):
        said += [
            f"cue {number}: expected {column} {one[column]}, found {other[column]}"
            for column in EXACT
            if one[column] != other[column]
        ]
        error_ms = float(one["duration_error_ms"])
        said += [
            f"cue {number}: expected {column} {one[column]} within {error_ms} ms, found {other[column]}"
            for column, ms in MS_OF_TIMES.items()
            if not abs(float(one[column]) - float(other[column])) * ms <= error_ms
        ]
    return said


def differences(here: Sequence[Cue], there: Sequence[Cue]) -> list[Difference]:
    """The largest difference of each measured column over all cues."""
    found = []
    for column in MEASURED:
        pairs = [(float(one[column]), float(other[column])) for one, other in zip(here, there, strict=True)]
        one, other = max(pairs, key=lambda pair: abs(pair[0] - pair[1]))
        found.append(Difference(column, abs(one - other), one, other))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
