"""MediaPipe's face mesh on every frame, the product's signals made of it, and the product's spotter."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.config import Config
from edge.kernels.face import mean_level
from edge.messages import Cue, Trace
from edge.spot.spotter import Spotter
from spotting.peers.mesh_signals import NO_POINTS, MeshSignals
from spotting.peers.watching import PERMISSIVE_PER_HOUR, PeerResult, cue_of, permissive

N_LANDMARKS = 468
_PROGRAM = Path(__file__).with_name("mesh_process.py")
_LIT_IOD = 0.5  # half side of the square whose light is told, as the product's


class MeshEnded(RuntimeError):
    """MediaPipe's process is gone."""

    def __init__(self, python: str, exit_code: int) -> None:
        super().__init__(python, exit_code)
        self.python, self.exit_code = python, exit_code

    def __str__(self) -> str:
        return (
            f"expected landmarks from MediaPipe, but {self.python} ended with {self.exit_code};"
            " make compare makes an environment that has it"
        )


class MeshProcess:
    """MediaPipe at the other end of a pipe.

    Parameters
    ----------
    python : Path
        Of an environment with MediaPipe.
    height, width : int, px
    """

    def __init__(self, python: str | Path, height: int, width: int) -> None:
        self._python = str(python)
        self._process = subprocess.Popen(
            [self._python, str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        self._to.write(np.array([height, width], np.int32).tobytes())
        self.cpu_s = 0.0

    def landmarks(self, luma: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Landmarks of one picture [shape=(468, 3)], px; NaN where there is no face.

        Raises
        ------
        MeshEnded
        """
        size = 4 * 3 * N_LANDMARKS
        try:
            self._to.write(np.ascontiguousarray(luma).data)
            self._to.flush()
            answer = self._from.read(size + 8)
        except BrokenPipeError:
            answer = b""
        if len(answer) != size + 8:
            raise MeshEnded(self._python, self._process.wait())
        self.cpu_s += float(np.frombuffer(answer[size:], np.float64)[0])
        return np.frombuffer(answer[:size], np.float32).reshape(N_LANDMARKS, 3)

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(BrokenPipeError):
            self._to.close()
        self._from.close()
        self._process.wait()


class Mesh:
    """The mesh on every frame, tracking as it does by itself, and our spotter.

    With its settings as they come: one face, no refinement of eyes and lips.

    Parameters
    ----------
    python : Path
        Of the environment with MediaPipe.
    config : Config
    per_hour : float
        Accepted false cues an hour.
    """

    name = "MediaPipe mesh"

    def __init__(
        self, python: Path, config: Config | None = None, per_hour: float = PERMISSIVE_PER_HOUR
    ) -> None:
        self._python = python
        self._spot = permissive((config or Config()).spot, per_hour)

    def watch(self, frames: Iterable[tuple[int, NDArray[np.uint8]]], fps: float) -> PeerResult:
        """See `watching.Peer`."""
        signals, spotter = MeshSignals(), Spotter(self._spot, fps)
        process: MeshProcess | None = None
        cues: list[Cue] = []
        cpu_ns = n_frames = 0
        try:
            for sequence, (timestamp_ns, luma) in enumerate(frames):
                if process is None:
                    process = MeshProcess(self._python, *luma.shape)
                points = process.landmarks(luma).astype(np.float64)
                begun_ns = time.thread_time_ns()
                codes = signals.advance(points, light_of(luma, points))
                if codes is not None:
                    trace = Trace(0, sequence, timestamp_ns, codes, NO_POINTS)
                    cues += [event for event in spotter.step(trace) if isinstance(event, Cue)]
                cpu_ns += time.thread_time_ns() - begun_ns
                n_frames += 1
        finally:
            if process is not None:
                process.close()
        cues += [event for event in spotter.flush() if isinstance(event, Cue)]
        cpu_s = cpu_ns / 1e9 + (process.cpu_s if process is not None else 0.0)
        return PeerResult([cue_of(cue) for cue in cues], n_frames, cpu_s)


def light_of(luma: NDArray[np.uint8], points: NDArray[np.float64]) -> float:
    """Mean grey level of the face, as the product tells it; NaN where there is none."""
    if not np.isfinite(points[168, 0]):
        return float("nan")
    iod_px = float(np.hypot(*(points[263, :2] - points[33, :2])))
    level: float = mean_level(luma, points[168, 0], points[168, 1], _LIT_IOD * iod_px)
    return level
