"""Compares the cues of one clip on two machines, as far as the first watched; 1 where they differ.

    python tools/installer/compare_cues.py EMULATED.json OWN.json     of microcue cues --json

The first may have been stopped. Movements, sides and frames have to agree; by how much amplitudes differ is
printed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_SAME = ("movements", "side", "kind", "onset_frame", "apex_frame", "offset_frame")


def main() -> int:
    """Compare, and say so."""
    seen, expected = (json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:3])
    expected = expected[: len(seen)]
    print(f"{len(seen)} cues, of which this machine finds {len(expected)}")
    if not seen or len(seen) != len(expected):
        return 1
    pairs = list(zip(seen, expected, strict=True))
    for emulated, own in pairs:
        if differing := [key for key in _SAME if emulated[key] != own[key]]:
            print(f"at {own['onset_s']:.2f} s: " + ", ".join(_told(key, emulated, own) for key in differing))
    largest = max(abs(emulated["amplitude_miod"] - own["amplitude_miod"]) for emulated, own in pairs)
    print(f"amplitudes differ by {largest:.4f} miod at most")
    return int(any(emulated[key] != own[key] for emulated, own in pairs for key in _SAME))


def _told(key: str, emulated: dict[str, Any], own: dict[str, Any]) -> str:
    return f"{key} {emulated[key]} instead of {own[key]}"


if __name__ == "__main__":
    sys.exit(main())
