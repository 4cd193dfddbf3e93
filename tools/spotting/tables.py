"""The benchmark's results as Markdown tables and as one JSON object."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from spotting.outcomes import (
    Outcome,
    Watched,
    confusion,
    errors,
    poisson_limits,
    recall,
    share_of_hits,
    wilson,
)
from spotting.plans import AMPLITUDES_MIOD, DURATIONS_MS

_BRIEF_MS, _SHORTEST_MS = 100.0, 67.0


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; numbers to the right."""
    lines = [
        "| " + " | ".join(header) + " |",
        "| --- |" + " ---: |" * (len(header) - 1),
    ]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def share(n_found: int, n: int) -> str:
    """A share with its 95 % interval."""
    if n == 0:
        return "–"
    low, high = wilson(n_found, n)
    return f"{n_found / n:.2f} ({low:.2f}–{high:.2f})"


def curve_table(outcomes: Sequence[Outcome]) -> str:
    """Recall by duration (rows) and amplitude (columns)."""
    rows = []
    for duration_ms in DURATIONS_MS:
        cells = []
        for amplitude in AMPLITUDES_MIOD:
            n_found, n = recall(outcomes, lambda o, d=duration_ms, a=amplitude: _is_cell(o, d, a))
            cells.append(f"{n_found / n:.2f}" if n else "–")
        rows.append((f"{duration_ms:g} ms", *cells))
    return table(("", *(f"{a:g} miod" for a in AMPLITUDES_MIOD)), rows)


def _is_cell(o: Outcome, duration_ms: float, amplitude: float) -> bool:
    return abs(o.duration_ms - duration_ms) < 1 and o.amplitude_miod == amplitude


def is_barred(o: Outcome) -> bool:
    """10 miod and above, 100 to 450 ms."""
    return o.amplitude_miod >= 10.0 and o.duration_ms >= _BRIEF_MS - 1


def is_shortest(o: Outcome) -> bool:
    """8 miod and above, 40 to 67 ms."""
    return o.amplitude_miod >= 8.0 and o.duration_ms <= _SHORTEST_MS + 1


def condition_table(watched: Watched, groups: Iterable[str]) -> str:
    """One row for each condition of the curves."""
    rows = []
    for group in groups:
        part = watched.of(group)
        outcomes = part.outcomes
        if not outcomes:
            continue
        figures = errors(outcomes)
        unflagged = sum(not f.flagged and f.kind == "micro" for f in part.false)
        rows.append(
            (
                group,
                share(*recall(outcomes, is_barred)),
                share(*recall(outcomes, is_shortest)),
                share(*recall(outcomes, lambda o: o.amplitude_miod in (4.0, 6.0))),
                share(*recall(outcomes, lambda o: o.amplitude_miod == 2.0)),
                f"{figures['onset_error_ms'][0]:.1f}",
                f"{figures['offset_error_ms'][0]:.1f}",
                f"{share_of_hits(outcomes):.3f}",
                f"{60 * unflagged / part.minutes:.1f}",
            )
        )
    header = (
        "condition",
        "≥ 10 miod, 100–450 ms",
        "≥ 8 miod, 40–67 ms",
        "4–6 miod",
        "2 miod",
        "onset, ms",
        "offset, ms",
        "IoU ≥ 0.5",
        "other cues, per hour",
    )
    return table(header, rows)


def movement_table(outcomes: Sequence[Outcome]) -> str:
    """Recall and naming by movement, 8 miod and above."""
    rows = []
    for name in sorted({o.movement for o in outcomes}):
        own = [o for o in outcomes if o.movement == name and o.amplitude_miod >= 8.0]
        found = [o for o in own if o.found]
        if not own:
            continue
        sizes = sorted(o.found_miod / o.amplitude_miod for o in found)
        rows.append(
            (
                name.replace("_", " "),
                share(len(found), len(own)),
                f"{sum(o.named for o in found) / len(found):.2f}" if found else "–",
                f"{sum(o.region_right for o in found) / len(found):.2f}" if found else "–",
                f"{sizes[len(sizes) // 2]:.2f}" if sizes else "–",
            )
        )
    return table(
        ("movement", "recall at 8–40 miod", "named, side right", "region right", "size read / true"), rows
    )


def boundary_table(outcomes: Sequence[Outcome], frame_ms: float) -> str:
    """Onset, apex, offset errors and the latency of the decision, by duration."""
    rows = []
    for duration_ms in (*DURATIONS_MS, 0.0):
        own = [
            o for o in outcomes if o.amplitude_miod >= 8.0 and duration_ms in (0.0, round(o.duration_ms, 0))
        ]
        if not any(o.found for o in own):
            continue
        figures = errors(own)
        cells = [f"{p50:.1f} / {p95:.1f}" for p50, p95 in figures.values()]
        name = f"{duration_ms:g} ms" if duration_ms else "all"
        rows.append((name, *cells, f"{share_of_hits(own):.3f}"))
    header = ("duration", "onset", "apex", "offset", "decided after offset", "IoU ≥ 0.5")
    return f"Median / 95th percentile, ms; a frame lasts {frame_ms:.1f} ms.\n\n" + table(header, rows)


def distractor_table(watched: Watched, groups: Iterable[str]) -> str:
    """Cues without a planned movement: how many for each distractor alone, and how often for all."""
    groups = [group for group in groups if watched.of(group).seconds]
    parts = [(group, watched.of(group)) for group in groups]
    if len(groups) > 1:
        parts.append(("all of them", watched.of(*groups)))
    rows = []
    for group, part in parts:
        micro = [f.flagged for f in part.false if f.kind == "micro"]
        macro = sum(f.kind == "macro" for f in part.false)
        n = micro.count(False)
        low, high = (mean / part.minutes for mean in poisson_limits(n))
        rows.append(
            (
                group,
                f"{part.minutes:.1f}",
                str(n),
                f"{n / part.minutes:.2f} ({low:.2f}–{high:.2f})",
                f"{micro.count(True) / part.minutes:.2f}",
                f"{macro / part.minutes:.2f}",
            )
        )
    header = (
        "distractor",
        "minutes",
        "false micro cues",
        "a minute (95 %)",
        "marked beside blink or speech, a minute",
        "false macro a minute",
    )
    return table(header, rows)


def false_table(watched: Watched) -> str:
    """Every false cue that carries no mark, for looking at."""
    rows = [
        (f.clip, f"{f.onset_s:.2f}", f.kind, f.name.replace("_", " "), f"{f.amplitude_miod:.1f}",
         f"{f.expected_false_per_hour:.2g}")
        for f in watched.false if not f.flagged
    ]  # fmt: skip
    return table(("clip", "at s", "kind", "movement", "miod", "expected an hour"), rows)


def as_json(watched: Watched) -> dict[str, object]:
    """Everything counted, by group; NaN becomes null."""
    groups = {}
    for group, seconds in watched.seconds.items():
        part = watched.of(group)
        groups[group] = {
            "minutes": seconds / 60.0,
            "n_planned": len(part.outcomes),
            "n_found": sum(o.found for o in part.outcomes),
            "iou_half_share": _number(share_of_hits(part.outcomes)),
            "errors_ms": {name: [_number(x) for x in pair] for name, pair in errors(part.outcomes).items()},
            "false_micro_per_minute": part.false_per_minute(flagged=False),
            "false_micro_marked_per_minute": part.false_per_minute(flagged=True),
            "false_macro_per_minute": sum(f.kind == "macro" for f in part.false) / part.minutes,
            "cells": _cells(part.outcomes),
            "kinds": {f"{true} as {cue}": n for (true, cue), n in sorted(confusion(part.outcomes).items())},
        }
    return groups


def _cells(outcomes: Sequence[Outcome]) -> list[dict[str, float]]:
    planned = Counter((round(o.duration_ms), o.amplitude_miod) for o in outcomes)
    found = Counter((round(o.duration_ms), o.amplitude_miod) for o in outcomes if o.found)
    return [
        {"duration_ms": duration, "amplitude_miod": amplitude, "n": n, "n_found": found[duration, amplitude]}
        for (duration, amplitude), n in sorted(planned.items())
    ]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
