"""The recordings below a corpus folder: folders of numbered pictures and video files, found by name."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from edge.capture.errors import FileMissing, NotAVideo
from edge.evaluate.corpora.corpus import CorpusError

_PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".pgm"}
_VIDEOS = {".avi", ".mp4", ".mkv", ".mov", ".mpg", ".wmv"}


@dataclass(frozen=True, slots=True)
class Numbers:
    """What numbers the pictures of a folder bear.

    Attributes
    ----------
    first, last : int
    n_missing : int
        Numbers between them without a picture.
    """

    first: int
    last: int
    n_missing: int


class Recordings:
    """Every recording below a folder, by the end of its path.

    Parameters
    ----------
    root : Path

    Raises
    ------
    CorpusError
        There is no such folder.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise CorpusError(str(root), "a corpus", "there is no such folder", "check --root")
        self.root = root
        self._folders: list[Path] = []
        self._files: list[Path] = []
        for place, folders, names in os.walk(root, followlinks=True):
            folders.sort()
            suffixes = {name: Path(name).suffix.lower() for name in names if not name.startswith(".")}
            if any(suffix in _PICTURES for suffix in suffixes.values()):
                self._folders.append(Path(place))
            self._files += [Path(place, name) for name in sorted(names) if suffixes.get(name) in _VIDEOS]
        self._by_last: dict[str, list[Path]] = defaultdict(list)
        for path in (*self._folders, *self._files):
            self._by_last[self._parts(path)[-1]].append(path)

    def _parts(self, path: Path) -> list[str]:
        relative = path.relative_to(self.root)
        whole = relative.with_suffix("") if path in self._files else relative
        return [part.lower() for part in whole.parts] or [self.root.name.lower()]

    def all(self) -> list[Path]:
        """Folders of pictures, then video files."""
        return [*self._folders, *self._files]

    def find(self, *tail: str) -> list[Path]:
        """Those whose path ends so, whatever its case: ("sub01", "EP02_01f"). Folders come first."""
        wanted = [part.lower() for part in tail]
        return [path for path in self._by_last[wanted[-1]] if self._parts(path)[-len(wanted) :] == wanted]

    def find_beginning(self, parent: str, beginning: str) -> list[Path]:
        """Those in a folder named `parent` whose own name begins so, and whose next letter is no digit."""
        found = []
        for name, paths in self._by_last.items():
            rest = name[len(beginning) :]
            if name.startswith(beginning.lower()) and not rest[:1].isdigit():
                found += [path for path in paths if parent.lower() in self._parts(path)[:-1]]
        return found


def numbers_of(path: Path) -> Numbers:
    """The numbers of a folder's pictures; of a video file 1 to 0, since nobody has counted its frames.

    Raises
    ------
    CorpusError
    """
    if not path.is_dir():
        return Numbers(1, 0, 0)
    from edge.capture.pictures import find_sequence

    try:
        pictures = find_sequence(path)
    except (FileMissing, NotAVideo) as error:
        raise CorpusError(str(path), "numbered pictures", "there are none", "unpack it again") from error
    first, last = pictures[0][0], pictures[-1][0]
    return Numbers(first, last, last - first + 1 - len(pictures))
