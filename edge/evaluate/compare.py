"""What two analyses of one session say: the same, otherwise, or one of them nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

CueRow = dict[str, Any]
# what makes two cues the same in a table for people; ids, numbers and frames follow from it
_COMPARED = (
    *("kind", "onset_s", "apex_s", "offset_s", "regions", "movements", "side", "amplitude_miod", "score"),
    *("expected_false_per_hour", "during_blink", "during_speech", "lighting"),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A cue of each analysis, or of one of them."""

    one: CueRow | None
    other: CueRow | None

    @property
    def change(self) -> str:
        """ "same", "changed", "gone" (only the first has it) or "new" (only the second has)."""
        if self.other is None:
            return "gone"
        if self.one is None:
            return "new"
        return "same" if all(self.one[name] == self.other[name] for name in _COMPARED) else "changed"

    @property
    def onset_s(self) -> float:
        """Onset of the earlier one."""
        return min(row["onset_s"] for row in (self.one, self.other) if row is not None)


def compare(ones: Iterable[CueRow], others: Iterable[CueRow]) -> Iterator[Pair]:
    """Pair the cues of two analyses, each with the one it shares most time with; in order of onset.

    Parameters
    ----------
    ones, others : iterables of dict
        Cues by column name, each in order of onset. Only cues of the same face are paired.
    """
    waiting = list(others)
    taken: set[int] = set()
    pairs = []
    first = 0
    for one in ones:
        # nothing lasts longer than 4 s, so that what ended before this onset is past for the next as well
        while first < len(waiting) and waiting[first]["offset_s"] < one["onset_s"] - 8.0:
            first += 1
        best, best_share = None, 0.0
        for place in range(first, len(waiting)):
            other = waiting[place]
            if other["onset_s"] >= one["offset_s"]:
                break
            share = _share(one, other)
            if place not in taken and share > best_share:
                best, best_share = place, share
        if best is not None:
            taken.add(best)
        pairs.append(Pair(one, None if best is None else waiting[best]))
    pairs += [Pair(None, other) for place, other in enumerate(waiting) if place not in taken]
    return iter(sorted(pairs, key=lambda pair: pair.onset_s))


def _share(one: CueRow, other: CueRow) -> float:
    """Shared of joined time, more for the same kind; 0 for another face."""
    if one["face"] != other["face"]:
        return 0.0
    shared = min(one["offset_s"], other["offset_s"]) - max(one["onset_s"], other["onset_s"])
    joined = max(one["offset_s"], other["offset_s"]) - min(one["onset_s"], other["onset_s"])
    return max(shared, 0.0) / joined + (one["kind"] == other["kind"] and shared > 0)
