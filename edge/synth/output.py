"""A clip and its truth into place together: a clip under its name is whole, and its truth is there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.synth.encode import QUANTISER, ClipNotWritten, write_clip
from edge.synth.truth import TruthRow, truth_path, write_truth


def write_clip_and_truth(
    frames: Iterable[tuple[int, NDArray[np.uint8]]],
    truth: Sequence[TruthRow],
    clip: Path,
    fps: float,
    lossless: bool = False,
    quantiser: int = QUANTISER,
) -> int:
    """Write both under hidden names beside the clip, then rename them, the clip last.

    Whatever ends the writing early, an interrupt too, leaves what was there before.

    Parameters
    ----------
    frames, fps, lossless, quantiser
        As for `write_clip`.
    truth : sequence of TruthRow
        Goes to `truth_path(clip)`.
    clip : Path

    Returns
    -------
    int
        Frames written.

    Raises
    ------
    ClipNotWritten
    """
    # the process in the name tells what is being made from what a killed one left
    unfinished = clip.with_name(f".{clip.name}.{os.getpid()}")
    unfinished_truth = unfinished.with_name(f"{unfinished.name}.truth")
    try:
        n_frames = write_clip(frames, unfinished, fps, lossless, quantiser)
        write_truth(truth, unfinished_truth)
        unfinished_truth.replace(truth_path(clip))
        unfinished.replace(clip)
    except ClipNotWritten as error:
        raise ClipNotWritten(str(clip), error.reason) from error
    except OSError as error:
        raise ClipNotWritten(str(clip), f"the system says: {error.strerror or error}") from error
    finally:
        for path in (unfinished, unfinished_truth):
            with contextlib.suppress(OSError):  # where nothing could be written, nothing is left
                path.unlink(missing_ok=True)
    return n_frames
