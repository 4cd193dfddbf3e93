"""Signals of one session as arrays that numpy reads (.npz), written block by block."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import LOST
from edge.record.errors import OneSessionNeeded
from edge.record.output import output_path
from edge.record.questions import SignalBlockRead
from edge.record.selection import Selection


def write_signals_npz(selection: Selection, output: str) -> int:
    """Write the signals of one session; gives the number of frames of all its faces.

    For each face N: `faceN_frames` int64, `faceN_times_ns` int64 since the session's first frame, and
    `faceN_signals` float32 [shape=(n_frames, n_channels)], each channel in its own unit, NaN where lost.
    Beside them `channels` (names) and `first_frame_ns` (sensor time).

    Raises
    ------
    OneSessionNeeded, OutputNeeded, OutputUnwritable, BlockDamaged
    """
    if len(selection.session_ids) != 1:
        raise OneSessionNeeded("npz", len(selection.session_ids))
    (session_id,) = selection.session_ids
    log, quanta = selection.log, selection.log.channels(session_id)
    steps = np.array(list(quanta.values()), np.float32)
    n_all = 0
    with output_path(output, "npz") as path, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        _write(archive, "channels", np.array(list(quanta)))
        _write(archive, "first_frame_ns", np.array(log.first_frame_ns(session_id)))
        for face in log.faces(session_id):
            n_frames = log.n_signal_frames(session_id, face)
            n_all += n_frames

            def stream(
                name: str,
                shape: tuple[int, ...],
                part: Callable[[SignalBlockRead], NDArray[Any]],
                dtype: type,
                face: int = face,
            ) -> None:
                blocks = (part(block) for block in selection.signal_blocks(session_id, face))
                _write_blocks(archive, f"face{face}_{name}", shape, dtype, blocks)

            stream("frames", (n_frames,), lambda block: block.frames, np.int64)
            stream("times_ns", (n_frames,), lambda block: block.times_ns, np.int64)
            stream("signals", (n_frames, len(steps)), lambda block: _values(block.codes, steps), np.float32)
    return n_all


def _values(codes: NDArray[np.int16], steps: NDArray[np.float32]) -> NDArray[np.float32]:
    values = codes * steps
    values[codes == LOST] = np.nan
    return values


def _write(archive: zipfile.ZipFile, name: str, array: NDArray[Any]) -> None:
    with archive.open(f"{name}.npy", "w") as file:
        np.lib.format.write_array(file, array, allow_pickle=False)


def _write_blocks(
    archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: type, blocks: Iterator[NDArray[Any]]
) -> None:
    """An array whose rows come in blocks; its header says beforehand how many there will be."""
    descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        header = {"descr": descr, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype).tobytes())
