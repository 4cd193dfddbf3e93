"""How well onset, apex and offset are told, and how late, of the cues that meet an event."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edge.evaluate.intervals import iou_table, matched
from edge.evaluate.tally import Protocol, WatchedVideo

BOUNDARIES = ("onset_ms", "apex_ms", "offset_ms", "latency_ms")


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 95th percentile of some values, ms; NaN where there are none."""

    median: float
    p95: float
    n: int


def boundary_errors(videos: Iterable[WatchedVideo], protocol: Protocol) -> dict[str, Spread]:
    """Absolute errors of onset, apex and offset, and the latency, of all cues that meet an event.

    Parameters
    ----------
    videos : iterable of WatchedVideo
    protocol : Protocol
        Which pairs are looked at.

    Returns
    -------
    dict of str to Spread
        By the names in `BOUNDARIES`, ms. Latency runs from the *labelled* offset to the decision, and is
        not made absolute.
    """
    values: dict[str, list[float]] = {name: [] for name in BOUNDARIES}
    for video in videos:
        events, cues = protocol.chosen(video.events), protocol.chosen(video.cues)
        frame_ms = 1e3 / video.fps
        for number, at in matched(iou_table(events, cues), protocol.iou_least):
            event, cue = events[number], cues[at]
            values["onset_ms"].append(frame_ms * abs(cue.onset_frame - event.onset_frame))
            values["offset_ms"].append(frame_ms * abs(cue.offset_frame - event.offset_frame))
            if event.apex_frame is not None and cue.apex_frame is not None:
                values["apex_ms"].append(frame_ms * abs(cue.apex_frame - event.apex_frame))
            if not math.isnan(cue.latency_s):
                later_ms = frame_ms * (cue.offset_frame - event.offset_frame)
                values["latency_ms"].append(1e3 * cue.latency_s + later_ms)
    return {name: _spread(found) for name, found in values.items()}


def _spread(values: list[float]) -> Spread:
    if not values:
        return Spread(math.nan, math.nan, 0)
    return Spread(float(np.median(values)), float(np.percentile(values, 95)), len(values))
