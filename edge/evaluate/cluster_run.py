"""A corpus watched by the workers of a Dask cluster, as any archive of videos is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from edge.batch.archive import watch
from edge.batch.cluster import open_pool
from edge.batch.job import Video
from edge.batch.result import CueRow, VideoResult
from edge.config import Config
from edge.evaluate.corpora.corpus import LabelledVideo
from edge.evaluate.corpus_run import VideoOutcome
from edge.evaluate.intervals import FrameInterval, without_doubles
from edge.evaluate.recording import strength_of
from edge.evaluate.tally import WatchedVideo
from edge.messages import Kind


def watch_on_cluster(
    videos: Sequence[LabelledVideo], config: Config, keep: Path | None, scheduler: str
) -> Iterator[VideoOutcome]:
    """Watch all, in whatever order they are done.

    No signals come back: there is no latency, no bar that is lowered further, and nothing to tune on.

    Parameters
    ----------
    videos : sequence of LabelledVideo
        Workers have to reach them under the same paths.
    config : Config
    keep : Path, optional
        Folder of finished results, which are not watched again.
    scheduler : str
        Address of a Dask scheduler, tcp://HOST:PORT.

    Raises
    ------
    MissingExtra, SchedulerLost, FolderUnusable
    """
    by_path = {str(video.path): video for video in videos}
    with closing(open_pool(scheduler=scheduler)) as pool:
        for result in watch((Video(path, v.fps) for path, v in by_path.items()), config, keep, pool):
            yield outcome_of(by_path[result.video], result)


def outcome_of(video: LabelledVideo, result: VideoResult) -> VideoOutcome:
    """A result of a batch as an outcome here."""
    if result.error:
        unseen = WatchedVideo(video.name, video.subject, video.fps or 1.0, 0, video.events, ())
        return VideoOutcome(unseen, unseen, error=result.error)
    fps = video.fps or result.fps
    n_frames = round(fps * result.seconds) + 1 if video.fps else result.n_frames
    cues = without_doubles([_interval(row, video.fps) for row in result.cues])
    seen = WatchedVideo(video.name, video.subject, fps, n_frames, video.events, cues)
    return VideoOutcome(seen, seen, result.cpu_s)


def _interval(row: CueRow, stated_fps: float) -> FrameInterval:
    kind: Kind = "micro" if row["kind"] == "micro" else "macro"
    names = ("onset", "apex", "offset")
    if stated_fps:
        onset, apex, offset = (round(float(row[f"{name}_s"] or 0.0) * stated_fps) for name in names)
    else:
        onset, apex, offset = (int(row[f"{name}_frame"] or 0) for name in names)
    flagged = bool(row["during_blink"] or row["during_speech"])
    strength = strength_of(float(row["expected_false_per_hour"] or 0.0), float(row["score"] or 0.0))
    return FrameInterval(onset, max(offset, onset), kind, apex, flagged, strength=strength)
