"""What all readers do with a labelled row: doubt it, say so, and keep what can be kept."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from edge.evaluate.corpora.corpus import Corpus, LabelledVideo, Remark, sorted_videos
from edge.evaluate.corpora.recordings import Numbers, Recordings, numbers_of
from edge.evaluate.intervals import FrameInterval
from edge.messages import Kind


@dataclass(frozen=True, slots=True)
class Label:
    """One labelled event in its table's own frame numbers; 0 or less stands for "not seen"."""

    where: str
    kind: Kind
    onset: int | None
    apex: int | None
    offset: int | None


@dataclass(slots=True)
class _Video:
    subject: str
    path: Path | None
    labels: list[Label] = field(default_factory=list)
    first_number: int | None = None  # where a table says it


class Reading:
    """Collects videos, labels and remarks of one corpus.

    Parameters
    ----------
    name : str
    recordings : Recordings
    fps : float, Hz
    open_offset_s : float, s
        An event whose end was not seen ends so long after its apex.
    """

    def __init__(self, name: str, recordings: Recordings, fps: float, open_offset_s: float = 0.0) -> None:
        self.name, self.recordings, self.fps = name, recordings, fps
        self.open_offset_s = open_offset_s
        self.remarks: list[Remark] = []
        self._videos: dict[str, _Video] = {}

    def remark(self, where: str, found: str, done: str) -> None:
        """Keep it for the list."""
        self.remarks.append(Remark(where, found, done))

    def add_video(
        self, name: str, subject: str, found: list[Path], where: str, first_number: int | None = None
    ) -> None:
        """A recording that a table names; once is enough."""
        if name in self._videos:
            return
        path = found[0] if found else None
        if path is None:
            self.remark(where, f"no recording of {name}", "its events are left out, for nobody can find them")
        elif len(found) > 1:
            others = f"{name} lies in {len(found)} places"
            self.remark(where, others, f"{self._relative(path)} is read; name another --root for another")
        self._videos[name] = _Video(subject, path, [], first_number)

    def add_unlabelled(self, name: str, subject: str, path: Path) -> None:
        """A recording without an event: its false cues count too."""
        self._videos.setdefault(name, _Video(subject, path))

    def add_label(self, video: str, label: Label) -> None:
        """An event of a video that was added before."""
        self._videos[video].labels.append(label)

    def known_paths(self) -> set[Path]:
        """Recordings that have a name already."""
        return {video.path for video in self._videos.values() if video.path is not None}

    def corpus(self, kinds: tuple[Kind, ...], expected: dict[str, int]) -> Corpus:
        """Everything, with frames counted from 0."""
        videos = []
        for name, video in self._videos.items():
            if video.path is None:
                continue
            numbers = numbers_of(video.path)
            first = video.first_number if video.first_number is not None else numbers.first
            if numbers.n_missing:
                missing = (
                    f"{numbers.n_missing} pictures are missing between {numbers.first} and {numbers.last}"
                )
                self.remark(name, missing, "they count as dropped frames")
            events = [self._event(label, first, numbers) for label in video.labels]
            kept = tuple(sorted((e for e in events if e is not None), key=lambda e: e.onset_frame))
            about = (name, video.subject, video.path, self.fps)
            videos.append(LabelledVideo(*about, kept, first, numbers.n_missing))
        lost = tuple(name for name, video in self._videos.items() if video.path is None)
        corpus = Corpus(self.name, sorted_videos(videos), tuple(self.remarks), kinds, expected, lost)
        return replace(corpus, remarks=(*corpus.remarks, *corpus.count_remarks()))

    def _event(self, label: Label, first: int, numbers: Numbers) -> FrameInterval | None:
        """The label as an interval; None where it is none."""
        onset, apex, offset = label.onset, label.apex, label.offset
        if onset is None:
            self.remark(label.where, "no onset", "left out")
            return None
        if onset < first:
            self.remark(
                label.where, f"onset {onset} lies before the first frame, {first}", f"taken as {first}"
            )
            onset = first
        if offset is None or (offset <= 0 and first > offset):
            offset = self._open_offset(label, onset, apex)
        if offset is None:
            return None
        if offset < onset:
            self.remark(label.where, f"offset {offset} lies before onset {onset}", "left out")
            return None
        if apex is not None and not onset <= apex <= offset:
            self.remark(
                label.where, f"apex {apex} does not lie in {onset} to {offset}", "apex taken as unknown"
            )
            apex = None
        n_pictures = numbers.last - numbers.first + 1
        if n_pictures > 0 and offset - first >= n_pictures:
            self.remark(label.where, f"offset {offset} lies after the last of {n_pictures} pictures", "kept")
        apex_frame = None if apex is None else apex - first
        return FrameInterval(onset - first, offset - first, label.kind, apex_frame)

    def _open_offset(self, label: Label, onset: int, apex: int | None) -> int | None:
        found = f"offset {label.offset}: the end was not seen" if label.offset is not None else "no offset"
        if apex is None or apex < onset:
            self.remark(label.where, f"{found}, and no apex", "left out")
            return None
        later = round(self.open_offset_s * self.fps)
        after = f"apex + {later} frames" if later else "apex"
        self.remark(label.where, found, f"offset taken as {after}")
        return apex + later

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self.recordings.root))
