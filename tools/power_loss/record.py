"""Records at 120 frames a second and says of each cue when it is acknowledged: until the power goes.

python record.py DATA_DIR FULL|OFF
"""

from __future__ import annotations

import sqlite3
import sys
import time
from pathlib import Path

import numpy as np

from edge.anatomy import N_CHANNELS
from edge.config import RecordConfig
from edge.messages import Cue, FaceFound, SessionInfo, SourceInfo, Trace
from edge.record import recorder as recording
from edge.record import schema, writer
from edge.record.recorder import Recorder

FPS = 120.0
N_POINTS = 40
CUE_EVERY_FRAMES = 30


def main() -> None:
    """Record until the power goes."""
    data_dir, synchronous = Path(sys.argv[1]), sys.argv[2]
    if synchronous == "OFF":
        without_sync()
    recorder = Recorder.open(data_dir, RecordConfig(backup_hours=0.0), N_POINTS)
    begin_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    source = SourceInfo("scripted", 640, 480, FPS, "sensor", live=True)
    recorder.start_session(SessionInfo(source, "P01"), begin_ns, 0, False)
    recorder.append(FaceFound(0, 0, begin_ns))
    rng = np.random.default_rng(1)
    codes = rng.normal(scale=15, size=(997, N_CHANNELS)).astype(np.int16)
    points = rng.integers(-3000, 3000, (997, N_POINTS, 2)).astype(np.int16)
    frame = n_cues = 0
    while True:
        at_ns = begin_ns + round(frame * 1e9 / FPS)
        time.sleep(max(0.0, (at_ns - time.clock_gettime_ns(time.CLOCK_BOOTTIME)) / 1e9))
        recorder.add_trace(Trace(0, frame, at_ns, codes[frame % 997], points[frame % 997]))
        if frame % CUE_EVERY_FRAMES == CUE_EVERY_FRAMES - 1:
            n_cues += 1
            recorder.append(cue(frame, at_ns))
            if recorder.flush(60.0):
                print("ACK", n_cues, frame, flush=True)
        frame += 1


def cue(frame: int, at_ns: int) -> Cue:
    """A cue of 100 ms that ends now."""
    times_ns = (at_ns - 10**8, at_ns - 5 * 10**7, at_ns)
    frames = (frame - 12, frame - 6, frame)
    regions, movements = ("mouth",), ("lips_part",)
    measured = (8.3, regions, movements, "both", 12.0, 6.0, 0.01, 3.0, FPS, 0)
    return Cue(0, "micro", *times_ns, *frames, *measured, False, False, "ok")


def without_sync() -> None:
    """The control: the same without ever waiting for the disk, which the cut must be seen to punish."""
    connect = schema.connect_writer

    def careless(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.execute("PRAGMA synchronous=OFF")
        return connection

    schema.connect_writer = careless
    writer.connect_writer = careless
    recording.open_for_writing.__globals__["connect_writer"] = careless


if __name__ == "__main__":
    main()
