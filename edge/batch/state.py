"""What is kept between two segments of a video: everything that the next cue may depend on.

A state is a pickle, of which only classes that hold data, arrays and plain values are taken, behind a
digest. Arrays that are views of other arrays stay so, which pickle alone would not see to.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from types import MethodType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.batch.result import whole_file
from edge.capture.file import FilePlace
from edge.capture.frame_history import FrameHistory
from edge.messages import Event, KeyFrameAnswer
from edge.perceive.finder import FinderMemory
from edge.pipeline import FaceSpotter, Outcome
from edge.track.tracker import Tracker

_FORMAT = b"microcue batch state 1\n"
_N_DIGEST = hashlib.sha256().digest_size
_PLAIN = {
    *(("builtins", name) for name in ("set", "frozenset", "slice", "complex", "bytearray")),
    *(("numpy", name) for name in ("dtype", "ndarray")),
    *(("fractions", "Fraction"), ("collections", "deque"), ("copyreg", "_reconstructor")),
    *((f"numpy.{core}.multiarray", "scalar") for core in ("core", "_core")),
    *((f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core")),
    *((f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
}

# whose classes hold what is followed and learned, and start nothing
_ROOMS = ("edge.track.", "edge.spot.")
_MODULES = {
    *("edge.batch.state", "edge.config", "edge.messages", "edge.pipeline", "edge.perceive.finder"),
    *("edge.perceive.region", "edge.capture.file", "edge.capture.frame_history", "edge.capture.gaps"),
    *("edge.capture.media_time", "edge.capture.source"),
}


@dataclass(slots=True)
class Saved:
    """Where a video is between two segments.

    Attributes
    ----------
    n_segments : int
        Done so far.
    next_frame : int
        The first one not looked at yet.
    place : FilePlace or None
        Some frames before it; None where a reader has to begin at the start.
    seam : list of (int, int)
        Time (ns) and checksum of the frames from there up to `next_frame`, both included.
    asked : (int, KeyFrameAnswer) or None
        What the landmark model said that the tracker does not know yet, and when it was asked, ns.
    """

    n_segments: int
    next_frame: int
    place: FilePlace | None
    seam: list[tuple[int, int]]
    finder: FinderMemory
    asked: tuple[int, KeyFrameAnswer] | None
    tracker: Tracker
    spotters: dict[int, FaceSpotter]
    resting: dict[int, tuple[FaceSpotter, int]]
    outcome: Outcome
    frames: FrameHistory
    events: list[Event]
    cpu_s: float
    n_frames_again: int


class States:
    """The states of one video, in files of their own; only the newest stays.

    Parameters
    ----------
    folder : Path
    key : str
        Of the video's job.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._folder, self._key = folder, key

    def _path(self, n_segments: int) -> Path:
        return self._folder / f"{self._key}.{n_segments:06d}.state"

    def has(self, n_segments: int) -> bool:
        """Whether so many segments are done."""
        return self._path(n_segments).exists()

    def newest(self, n_segments_max: int) -> Saved | None:
        """The furthest state of up to so many segments; None where there is no sound one."""
        for path in sorted(self._folder.glob(f"{self._key}.*.state"), reverse=True):
            if int(path.name.split(".")[-2]) <= n_segments_max and (saved := _read(path)) is not None:
                return saved
        return None

    def keep(self, saved: Saved) -> None:
        """Keep it, then let go of those before."""
        content = _pickled(saved)
        with whole_file(self._path(saved.n_segments)) as file:
            file.write(_FORMAT + hashlib.sha256(content).digest() + content)
        for path in self._folder.glob(f"{self._key}.*.state"):
            if int(path.name.split(".")[-2]) < saved.n_segments:
                path.unlink(missing_ok=True)


def _read(path: Path) -> Saved | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:  # another worker has got further and let go of it
        return None
    head, content = content[: len(_FORMAT) + _N_DIGEST], content[len(_FORMAT) + _N_DIGEST :]
    if head != _FORMAT + hashlib.sha256(content).digest():
        return None
    saved: Saved = _Unpickler(io.BytesIO(content)).load()
    return saved


def _pickled(saved: Saved) -> bytes:
    file = io.BytesIO()
    _Pickler(file, pickle.HIGHEST_PROTOCOL).dump(saved)
    return file.getvalue()


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        """A view is written as its base and where in it; a method as its object and name."""
        if isinstance(obj, np.ndarray) and isinstance(obj.base, np.ndarray):
            base = obj.base
            offset = obj.__array_interface__["data"][0] - base.__array_interface__["data"][0]
            if base.flags.c_contiguous and 0 <= offset <= base.nbytes:
                return _view, (base, offset, obj.shape, obj.strides, obj.dtype)
        if isinstance(obj, MethodType):
            return _method, (obj.__self__, obj.__name__)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Nothing that could do more than hold data."""
        if (module, name) in _PLAIN or (module == __name__ and name in ("_view", "_method")):
            return super().find_class(module, name)
        if (module in _MODULES or module.startswith(_ROOMS)) and "." not in name:
            found = getattr(importlib.import_module(module), name)
            if isinstance(found, type):
                return found
        raise pickle.UnpicklingError(f"expected nothing but data in a state, found {module}.{name}")


def _view(
    base: NDArray[Any], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    return np.ndarray(shape, dtype, base, offset, strides)


def _method(owner: Any, name: str) -> Any:
    if not type(owner).__module__.startswith(_ROOMS):
        raise pickle.UnpicklingError(f"expected a method of microcue in a state, found {name}")
    return getattr(owner, name)
