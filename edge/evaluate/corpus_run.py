"""A whole corpus watched, by one process or several; what is kept is not watched again."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from edge.config import Config
from edge.errors import CaptureError
from edge.evaluate.corpora.corpus import LabelledVideo
from edge.evaluate.recording import record, watched
from edge.evaluate.tally import WatchedVideo
from edge.messages import Frame

# far below the product's own bar, so that the bar can be raised over what was found
PERMISSIVE_PER_HOUR = 600.0


@dataclass(frozen=True, slots=True)
class VideoOutcome:
    """One recording watched.

    Attributes
    ----------
    video : WatchedVideo
        With the cues of the settings.
    swept : WatchedVideo
        With the cues of a bar of 600 false ones an hour, for recall against false cues.
    cpu_s : float, s
        Of finding, following and spotting.
    error : str
        Why it could not be watched; its events are missed then, for nobody saw them.
    """

    video: WatchedVideo
    swept: WatchedVideo
    cpu_s: float = 0.0
    error: str = ""


def watch_video(
    video: LabelledVideo,
    config: Config,
    keep: Path | None = None,
    on_frame: Callable[[Frame], None] = lambda _frame: None,
) -> VideoOutcome:
    """Watch one recording; one that cannot be read is an outcome, too."""
    try:
        recorded = record(video, config, keep, on_frame)
    except CaptureError as error:
        unseen = WatchedVideo(video.name, video.subject, video.fps or 1.0, 0, video.events, ())
        return VideoOutcome(unseen, unseen, error=str(error))
    permissive = replace(
        config.spot, accepted_false_per_hour=max(PERMISSIVE_PER_HOUR, config.spot.accepted_false_per_hour)
    )
    return VideoOutcome(
        watched(video, recorded, config.spot), watched(video, recorded, permissive), recorded.cpu_s
    )


def watch_corpus(
    videos: Sequence[LabelledVideo],
    config: Config,
    keep: Path | None = None,
    n_workers: int = 1,
    on_frame: Callable[[Frame], None] = lambda _frame: None,
) -> Iterator[VideoOutcome]:
    """Watch all, in their order.

    Parameters
    ----------
    videos : sequence of LabelledVideo
    config : Config
    keep : Path, optional
        Folder of kept signals: an interrupted run goes on there.
    n_workers : int
        Processes; with one, everything happens here and `on_frame` is told of each frame.
    on_frame : callable
    """
    if n_workers <= 1:
        for video in videos:
            yield watch_video(video, config, keep, on_frame)
        return
    # spawn: a fork would copy the runtime's threads in mid-work
    with ProcessPoolExecutor(n_workers, multiprocessing.get_context("spawn")) as pool:
        n = len(videos)
        yield from pool.map(watch_video, videos, [config] * n, [keep] * n)
