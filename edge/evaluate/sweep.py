"""Recall against false cues as the bar on a cue's strength is lowered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edge.errors import MissingExtra
from edge.evaluate.tally import Protocol, Tally, WatchedVideo, pooled

_N_POINTS = 60


@dataclass(frozen=True, slots=True)
class Point:
    """Cues of at least this strength count."""

    strength: float
    counts: Tally


def curve(videos: Sequence[WatchedVideo], protocol: Protocol) -> list[Point]:
    """Points from the surest cue to all, videos pooled; at most 60 of them."""
    strengths = sorted(
        {cue.strength for video in videos for cue in protocol.chosen(video.cues)}, reverse=True
    )
    step = max(1, len(strengths) // _N_POINTS)
    chosen = [*strengths[::step], *strengths[-1:]] if strengths else []
    return [Point(bar, pooled([_at_least(video, bar) for video in videos], protocol)) for bar in chosen]


def _at_least(video: WatchedVideo, bar: float) -> WatchedVideo:
    return replace(video, cues=tuple(cue for cue in video.cues if cue.strength >= bar))


def draw_curves(curves: Mapping[str, Sequence[Point]], title: str, path: Path) -> None:
    """Draw recall against false cues a minute, one line for each name.

    Raises
    ------
    MissingExtra
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("drawing the curve", "evaluate") from error
    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    panel = figure.add_subplot()
    for name, points in curves.items():
        panel.step(
            [0.0, *(point.counts.false_per_minute for point in points)],
            [0.0, *(point.counts.recall for point in points)],
            where="post",
            label=name,
        )
    panel.set(xlabel="false cues a minute", ylabel="events met (IoU of at least 0.5)", title=title)
    panel.set_ylim(-0.02, 1.02)
    panel.grid(alpha=0.3)
    panel.legend(frameon=False)
    figure.savefig(path, dpi=110)
