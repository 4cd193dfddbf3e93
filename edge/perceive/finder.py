"""Which faces are there, and where: one answer per key frame.

A held face costs one run of the landmark model, because its last landmarks say where to look.
The detector runs only while a slot is empty: at every key frame while there is no face at all,
and once a second of media time while there are fewer than asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.config import PerceiveConfig
from edge.messages import FaceLandmarks, KeyFrameAnswer
from edge.perceive.detector import FaceDetector
from edge.perceive.landmarks import LandmarkFinder
from edge.perceive.models import LoadedModel
from edge.perceive.region import Region, is_inside, is_same_face, region_from_detection, region_from_landmarks

# the first pass looks where the detector pointed, the second where the landmarks were
_N_PASSES_NEW = 2
_SEARCH_PERIOD_NS = 1_000_000_000


class Finder(Protocol):
    """Finds faces on key frames. Called from one thread only."""

    def find(self, luma: NDArray[np.uint8], sequence: int, timestamp_ns: int) -> KeyFrameAnswer:
        """Faces on this key frame; keeps no reference to `luma`."""


class SessionFinder(Finder, Protocol):
    """A finder that outlives a session."""

    @property
    def models(self) -> Mapping[str, str]:
        """SHA-256 of each model in use by its name, for the session."""

    def begin(self) -> None:
        """Forget every face: whoever is seen from now on is new. Not while `find` runs."""


@dataclass(slots=True)
class Held:
    """A face that is being followed by the landmark model."""

    region: Region  # where to look next
    points: NDArray[np.float32]
    presence: float


@dataclass(frozen=True, slots=True)
class FinderMemory:
    """Slot by slot, the faces that are held and where each was last; when others were looked for, ns."""

    held: list[Held | None]
    last_regions: list[Region | None]
    searched_ns: int | None


class FaceFinder:
    """The product's finder: detector and landmark model, with `config.faces` slots.

    A face keeps its slot's number for as long as it is held, whoever else comes; a face that was
    lost comes back under its number where it is found near its last place. By default there is one
    slot: it takes the largest face, and nobody else is looked at.

    Parameters
    ----------
    config : PerceiveConfig
    directory : Path, optional
        Where the models are, if not where they were installed.

    Attributes
    ----------
    models : dict
        SHA-256 of each model in use by its name, for the session.

    Raises
    ------
    ModelMissing, ModelAltered, RuntimeUnusable
    """

    def __init__(self, config: PerceiveConfig, directory: Path | None = None) -> None:
        detector = LoadedModel(config.detector, "detector", config.n_threads, config.runtime, directory)
        landmarks = LoadedModel(config.landmarks, "landmarks", config.n_threads, config.runtime, directory)
        self.models = {model.info.name: model.info.sha256 for model in (detector, landmarks)}
        self._detector = FaceDetector(detector)
        self._landmarks = LandmarkFinder(landmarks)
        self._config = config
        self._slots: list[Held | None] = [None] * config.faces
        self._last_regions: list[Region | None] = [None] * config.faces
        self._searched_ns: int | None = None

    def begin(self) -> None:
        """Forget every face: whoever is seen from now on is new. Not while `find` runs."""
        self._slots = [None] * len(self._slots)
        self._last_regions = [None] * len(self._slots)
        self._searched_ns = None

    def remember(self) -> FinderMemory:
        """What the next answer depends on beside its key frame; not while `find` runs."""
        return FinderMemory(list(self._slots), list(self._last_regions), self._searched_ns)

    def recall(self, memory: FinderMemory) -> None:
        """Go on from there; not while `find` runs."""
        self._slots, self._last_regions = list(memory.held), list(memory.last_regions)
        self._searched_ns = memory.searched_ns

    def find(self, luma: NDArray[np.uint8], sequence: int, timestamp_ns: int) -> KeyFrameAnswer:
        """Follow the faces that are held; look for others where due.

        Parameters
        ----------
        luma : uint8 [shape=(height, width)], C-contiguous
        sequence, timestamp_ns : int
            Of the key frame; repeated in the answer.
        """
        for face, held in enumerate(self._slots):
            self._slots[face] = self._follow(luma, held.region) if held is not None else None
        self._part_those_who_met()
        if self._search_is_due(timestamp_ns):
            self._search(luma)
            self._searched_ns = timestamp_ns
        for face, held in self._held():
            self._last_regions[face] = held.region
        faces = tuple(FaceLandmarks(face, held.points, held.presence) for face, held in self._held())
        return KeyFrameAnswer(sequence, timestamp_ns, faces)

    def _held(self) -> Iterable[tuple[int, Held]]:
        return [(face, held) for face, held in enumerate(self._slots) if held is not None]

    def _follow(self, luma: NDArray[np.uint8], region: Region) -> Held | None:
        """One pass of the landmark model; None where there is no face, or it left the picture."""
        if not is_inside(region, *luma.shape):
            return None
        points, presence = self._landmarks.find(luma, region)
        if presence < self._config.presence_min:
            return None
        following = region_from_landmarks(points)
        return Held(following, points, presence) if is_inside(following, *luma.shape) else None

    def _part_those_who_met(self) -> None:
        """Where two slots have come to follow one face, the lower number keeps it."""
        for face, held in self._held():
            if any(is_same_face(held.region, other.region) for lower, other in self._held() if lower < face):
                self._slots[face] = None

    def _search_is_due(self, timestamp_ns: int) -> bool:
        n_held = len(list(self._held()))
        if n_held == 0 or self._searched_ns is None:
            return True
        since_ns = timestamp_ns - self._searched_ns
        return n_held < len(self._slots) and not 0 <= since_ns < _SEARCH_PERIOD_NS

    def _search(self, luma: NDArray[np.uint8]) -> None:
        """Fill empty slots, largest face first."""
        for detection in self._detector.find(luma, self._config.detection_min):
            if all(held is not None for held in self._slots):
                return
            region = region_from_detection(detection)
            if self._is_taken(region):
                continue
            found = self._look_twice(luma, region)
            if found is not None and not self._is_taken(found.region):
                self._slots[self._slot_for(found.region)] = found

    def _look_twice(self, luma: NDArray[np.uint8], region: Region) -> Held | None:
        found = None
        for _ in range(_N_PASSES_NEW):
            found = self._follow(luma, region)
            if found is None:
                return None
            region = found.region
        return found

    def _is_taken(self, region: Region) -> bool:
        return any(is_same_face(region, held.region) for _, held in self._held())

    def _slot_for(self, region: Region) -> int:
        """The empty slot whose face was last seen here; else the lowest empty one."""
        empty = [face for face, held in enumerate(self._slots) if held is None]
        for face in empty:
            last = self._last_regions[face]
            if last is not None and is_same_face(region, last):
                return face
        return empty[0]
