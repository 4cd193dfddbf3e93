"""Cues of another system, from a table, to be scored as our own are."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from edge.evaluate.corpora.corpus import Corpus, CorpusError
from edge.evaluate.corpora.recordings import numbers_of
from edge.evaluate.corpora.spreadsheet import rows_below_header
from edge.evaluate.corpus_run import VideoOutcome
from edge.evaluate.intervals import FrameInterval
from edge.evaluate.tally import WatchedVideo
from edge.messages import Kind


def read_cues(table: Path, corpus: Corpus, fps: float = 0.0) -> list[VideoOutcome]:
    """Read `video,onset,offset` with, if known, `kind`, `apex` and `strength`; frames as the corpus counts.

    Parameters
    ----------
    table : Path
        Videos are named as in cues.csv of a run, or by the last part of that name.
    corpus : Corpus
    fps : float, Hz
        Of recordings whose rate the corpus does not say.

    Raises
    ------
    CorpusError
        A video that the corpus does not have, or a row without frames.
    """
    videos = {video.name: video for video in corpus.videos}
    by_end = {name.rpartition("/")[2]: name for name in videos}
    cues: dict[str, list[FrameInterval]] = defaultdict(list)
    for row in rows_below_header(table, ("video", "onset", "offset")):
        said = row.text("video")
        name = said if said in videos else by_end.get(said, "")
        onset, offset, apex = row.frame("onset"), row.frame("offset"), row.frame("apex")
        if not name or onset is None or offset is None or offset < onset:
            came = f"it says {said}, {row.text('onset')} to {row.text('offset')}"
            raise CorpusError(row.where, f"frames in a recording of {corpus.name}", came, "correct the row")
        first = videos[name].first_number
        kind: Kind = "macro" if row.text("kind").lower() == "macro" else "micro"
        cues[name].append(
            FrameInterval(
                onset - first,
                offset - first,
                kind,
                None if apex is None else apex - first,
                strength=float(row.text("strength") or 0.0),
            )
        )
    outcomes = []
    for name, video in videos.items():
        n_frames = _n_frames(video.path)
        rate = video.fps or fps
        if rate <= 0:
            raise CorpusError(name, "a frame rate", "the corpus says none", "add --fps")
        said_of = WatchedVideo(name, video.subject, rate, n_frames, video.events, tuple(cues[name]))
        outcomes.append(VideoOutcome(said_of, said_of))
    return outcomes


def _n_frames(path: Path | None) -> int:
    assert path is not None
    if path.is_dir():
        numbers = numbers_of(path)
        return numbers.last - numbers.first + 1
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return stream.frames or sum(packet.size > 0 for packet in container.demux(stream))
