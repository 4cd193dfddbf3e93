"""Numbers and names as people read them on the pages."""

from __future__ import annotations

import math
from typing import Any

from edge.anatomy import ACTION_UNITS, SIGNALS

# signals of both sides under one name
STEMS = tuple(dict.fromkeys(signal.name.removesuffix(f"_{signal.side}") for signal in SIGNALS))
# what the scripts write onto their canvases; all of it is to be translated
SCRIPT_WORDS = (
    *(name.replace("_", " ") for name in (*STEMS, *ACTION_UNITS)),
    *("left", "right", "both", "onset", "apex", "offset", "lids", "head turn"),
)


def clock(seconds: float | None) -> str:
    """Minutes and seconds, with hours where there are any."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def clock_exact(seconds: float) -> str:
    """As `clock`, to a hundredth of a second."""
    minutes, rest = divmod(round(seconds * 100), 6000)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes:02d}:{rest / 100:05.2f}"
    return f"{hours}:{text}" if hours else text


def number(value: float | None, n_digits: int = 1) -> str:
    """A number, or a dash where it is not known."""
    return "–" if value is None else f"{value:.{n_digits}f}"


def percent(value: float | None) -> str:
    """A share."""
    return "–" if value is None else f"{value:.0%}"


def per_hour(value: float | None) -> str:
    """A rate over many powers of ten."""
    if value is None:
        return "–"
    return "<0.01" if value < 0.01 else f"{value:#.2g}" if value < 10 else f"{value:.0f}"


def words(name: Any) -> str:
    """A movement's name without its underscores."""
    return str(name).replace("_", " ")


def log2(value: float) -> float:
    """Where a ratio stands on an axis of doublings; far out for 0 and infinity."""
    if value <= 0:
        return -99.0
    return 99.0 if math.isinf(value) else math.log2(value)


def ratio(value: float) -> str:
    """A ratio of rates."""
    return "∞" if math.isinf(value) else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def shade(per_minute: float) -> int:
    """A step of the heat map, 0 to 6: each is twice the one before."""
    return 0 if per_minute <= 0 else max(1, min(6, 4 + math.floor(math.log2(per_minute))))


FILTERS = {
    "clock": clock,
    "clock_exact": clock_exact,
    "number": number,
    "percent": percent,
    "per_hour": per_hour,
    "words": words,
    "log2": log2,
    "ratio": ratio,
    "shade": shade,
}
