"""A corpus spotted again with every choice of settings, from the signals that were kept of it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from edge.config import Config, SpotConfig
from edge.errors import UsageError
from edge.evaluate.corpora.corpus import Corpus, LabelledVideo
from edge.evaluate.recording import only_kinds, record, watched
from edge.evaluate.results import counts_of
from edge.evaluate.tally import Tally, WatchedVideo, overall
from edge.evaluate.tune import GRID, Choice, choices, settings_of, tune

Grid = Mapping[str, Sequence[float]]


def grid_of(words: Sequence[str]) -> Grid:
    """The settings to try, from words such as `learning_s=3,6`; the built-in grid where there are none.

    Raises
    ------
    UsageError
    """
    if not words:
        return GRID
    numeric = [item.name for item in fields(SpotConfig) if item.type == "float"]
    grid: dict[str, tuple[float, ...]] = {}
    for word in words:
        name, _, values = word.partition("=")
        try:
            grid[name] = tuple(float(value) for value in values.split(","))
        except ValueError:
            raise UsageError(f"--tune expects KEY=NUMBER,NUMBER, and {word!r} is not; correct it") from None
        if name not in numeric:
            raise UsageError(f"--tune knows {', '.join(numeric)}, and {name!r} is none of them; correct it")
    return grid


def tuned_values(
    corpus: Corpus,
    delivered: Sequence[WatchedVideo],
    config: Config,
    keep: Path,
    grid: Grid,
    iou_least: float,
    n_workers: int = 1,
) -> Iterator[dict[str, Any]]:
    """Spot everything with every choice; one item for each recording, the last of them what came of it."""
    tried = choices(grid)
    one = partial(_tallies, config=config, keep=keep, kinds=corpus.kinds, tried=tried, iou_least=iou_least)
    counts: dict[Choice, dict[str, Tally]] = {choice: {} for choice in tried}
    as_delivered: dict[str, Tally] = {}
    for number, (video, tallies) in enumerate(
        zip(delivered, _mapped(one, corpus.videos, n_workers), strict=True), 1
    ):
        who = video.subject
        now = overall([only_kinds(video, corpus.kinds, with_flagged=True)], iou_least)["overall"]
        as_delivered[who] = as_delivered.get(who, Tally()) + now
        for choice, tallied in zip(tried, tallies, strict=True):
            counts[choice][who] = counts[choice].get(who, Tally()) + tallied
        if number < len(delivered):
            yield {}
    result = tune(counts, as_delivered)
    yield {
        "scores": {
            "as delivered": counts_of(result.as_delivered),
            "picked on the others (held out)": counts_of(result.held_out),
            "picked on the same people (too good)": counts_of(result.best_of_all),
        },
        "best": dict(result.best),
        "chosen": {who: dict(choice) for who, choice in result.chosen.items()},
        "n_choices": len(tried),
    }


def _mapped(
    one: partial[list[Tally]], videos: Sequence[LabelledVideo], n_workers: int
) -> Iterator[list[Tally]]:
    if n_workers <= 1:
        yield from map(one, videos)
        return
    with ProcessPoolExecutor(n_workers, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(one, videos)


def _tallies(
    video: LabelledVideo,
    config: Config,
    keep: Path,
    kinds: tuple[str, ...],
    tried: Sequence[Choice],
    iou_least: float,
) -> list[Tally]:
    """One recording with each choice, from its signals; watched again only where they are not kept."""
    recorded = record(video, config, keep)
    return [
        overall(
            [
                only_kinds(
                    watched(video, recorded, settings_of(config.spot, choice)), kinds, with_flagged=True
                )
            ],
            iou_least,
        )["overall"]
        for choice in tried
    ]
