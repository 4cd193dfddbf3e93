"""The unseen sets of the spotting challenges: recordings by data set, and labels only where one has them."""

from __future__ import annotations

from pathlib import Path

from edge.evaluate.corpora.corpus import Corpus, CorpusError, LabelledVideo, Remark, sorted_videos
from edge.evaluate.corpora.reading import Label, Reading
from edge.evaluate.corpora.recordings import Recordings
from edge.evaluate.corpora.spreadsheet import rows_below_header

FPS = {"samm": 200.0, "cas": 30.0}
_LABELS = ("gt.csv", "ground_truth.csv", "labels.csv")


def read(root: Path, open_offset_s: float = 0.0) -> Corpus:
    """Read them: `SAMM…/VIDEO/*.jpg` at 200, `CAS…/VIDEO/*.jpg` at 30 frames a second below `root`.

    Labels, if any, stand in gt.csv as `subject,video,onset,offset`, all micro. Without labels there is
    nothing to score, and `--submission` writes what the organisers ask for.

    Raises
    ------
    CorpusError
    """
    everything = Recordings(root)
    labels = next((root / name for name in _LABELS if (root / name).exists()), None)
    videos: list[LabelledVideo] = []
    remarks: list[Remark] = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        rate = next((fps for word, fps in FPS.items() if folder.name.lower().startswith(word)), None)
        if rate is None:
            continue
        reading = Reading(folder.name, everything, rate, open_offset_s)
        _read_part(reading, folder, labels)
        part = reading.corpus(("micro",), {})
        videos += part.videos
        remarks += part.remarks
    if not videos:
        came = "there are none"
        cure = "unpack each data set into a folder of its name"
        raise CorpusError(str(root), "folders SAMM… and CAS… with recordings", came, cure)
    return Corpus("MEGC challenge", sorted_videos(videos), tuple(remarks), ("micro",))


def _read_part(reading: Reading, folder: Path, labels: Path | None) -> None:
    here = [path for path in reading.recordings.all() if folder in path.parents]
    names = {path.name if path.is_dir() else path.stem: path for path in here}
    rows = [] if labels is None else list(rows_below_header(labels, ("subject", "video", "onset", "offset")))
    for row in rows:
        if (path := names.get(row.text("video"))) is None:
            continue
        name = f"{folder.name}/{row.text('video')}"
        reading.add_video(name, row.text("subject"), [path], row.where)
        reading.add_label(
            name, Label(row.where, "micro", row.frame("onset"), row.frame("apex"), row.frame("offset"))
        )
    for name, path in names.items():
        if path not in reading.known_paths():
            reading.add_unlabelled(f"{folder.name}/{name}", name.partition("_")[0], path)
