"""What a run shows of itself for the moment: numbers only, as one block of bytes that proves itself whole."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import N_CHANNELS

# two of these make the file: while one is written over, the other is whole
SLOT_BYTES = 48 * 1024
N_FRAMES_MAX = 256
_MAGIC = b"MCLIVE01"
_HEAD = struct.Struct("<8sQII")  # magic, number, bytes that follow, CRC-32 of number and bytes
_SIZES = struct.Struct("<III")  # of the JSON, of frames, of points


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of a run.

    Attributes
    ----------
    number : int
        Grows by one with each that is written.
    state : dict
        What is no array: see `edge.live.values.LiveValues.state`.
    times_ns : int64 [shape=(n_frames,)]
        Sensor times of the last frames with a face, oldest first.
    codes : int16 [shape=(n_frames, N_CHANNELS)]
        Their channels; see `edge.anatomy`.
    points : int16 [shape=(n_points, 2)], tenths of a miod
        Tracked points of the newest of them; empty where there is none.
    """

    number: int
    state: dict[str, Any]
    times_ns: NDArray[np.int64]
    codes: NDArray[np.int16]
    points: NDArray[np.int16]


def packed(snapshot: Snapshot) -> bytes:
    """The snapshot as `SLOT_BYTES` bytes.

    Raises
    ------
    ValueError
        More than fits; nothing that a run makes of itself is.
    """
    text = json.dumps(snapshot.state, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    body = b"".join(
        (
            _SIZES.pack(len(text), len(snapshot.times_ns), len(snapshot.points)),
            text,
            snapshot.times_ns.astype("<i8").tobytes(),
            snapshot.codes.astype("<i2").tobytes(),
            snapshot.points.astype("<i2").tobytes(),
        )
    )
    if _HEAD.size + len(body) > SLOT_BYTES:
        raise ValueError(f"{len(body)} bytes of {SLOT_BYTES - _HEAD.size}")
    head = _HEAD.pack(_MAGIC, snapshot.number, len(body), _checksum(snapshot.number, body))
    return (head + body).ljust(SLOT_BYTES, b"\0")


def unpacked(slot: bytes) -> Snapshot | None:
    """The snapshot in a slot; None where it is empty, half written or something else."""
    if len(slot) < _HEAD.size + _SIZES.size:
        return None
    magic, number, n_bytes, checksum = _HEAD.unpack_from(slot)
    body = slot[_HEAD.size : _HEAD.size + n_bytes]
    if magic != _MAGIC or len(body) != n_bytes or _checksum(number, body) != checksum:
        return None
    n_text, n_frames, n_points = _SIZES.unpack_from(body)
    at = _SIZES.size
    state = json.loads(body[at : at + n_text])
    at += n_text
    times_ns = np.frombuffer(body, "<i8", n_frames, at)
    at += times_ns.nbytes
    codes = np.frombuffer(body, "<i2", n_frames * N_CHANNELS, at).reshape(n_frames, N_CHANNELS)
    points = np.frombuffer(body, "<i2", 2 * n_points, at + codes.nbytes).reshape(n_points, 2)
    return Snapshot(number, state, times_ns, codes, points)


def _checksum(number: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(number.to_bytes(8, "little")))
