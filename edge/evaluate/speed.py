"""How fast this machine watches: the whole loop on a steady face, stage by stage."""

from __future__ import annotations

import gc
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.capture.errors import SourceEnded
from edge.capture.source import SourceCounts
from edge.config import Config
from edge.indicate.indicator import NullIndicator
from edge.messages import Frame, KeyFrameAnswer, SessionInfo, SourceInfo
from edge.perceive.finder import FaceFinder
from edge.perceive.worker import KeyFrameWorker
from edge.pipeline import Watch
from edge.record.recorder import Recorder
from edge.spot.spotter import Spotter
from edge.timing import StageFigures
from edge.track.points import N_POINTS
from edge.track.tracker import Tracker

N_PICTURES = 120  # one second there and one back: 37 MB at 640x480
_WARM_SHARE = 0.2  # of the frames, before memory is read for the first time
ANSWER_LATENCY_NS = 50_000_000


class SteadySource:
    """Plays pictures forwards and backwards, so that a face never jumps; copies as a camera would.

    Parameters
    ----------
    pictures : uint8 [shape=(n, height, width)]
    fps : float
    n_frames : int
        Then the source ends.
    """

    def __init__(self, pictures: NDArray[np.uint8], fps: float, n_frames: int) -> None:
        self._pictures = pictures
        self._fps = fps
        self._n_frames = n_frames
        self._slots = np.empty((4, *pictures.shape[1:]), np.uint8)
        self.counts = SourceCounts()
        self.info = SourceInfo("bench", pictures.shape[2], pictures.shape[1], fps, "stated", live=False)
        self.rss_warm_mb = 0.0

    def read(self, timeout_s: float) -> Frame:  # noqa: ARG002 - the protocol's
        """The next frame, copied into a slot."""
        k = self.counts.n_frames
        if k >= self._n_frames:
            raise SourceEnded(k)
        if k == int(_WARM_SHARE * self._n_frames):
            self.rss_warm_mb = resident_mb()
        n = len(self._pictures)
        step = k % (2 * n - 2)
        slot = self._slots[k % len(self._slots)]
        np.copyto(slot, self._pictures[step if step < n else 2 * n - 2 - step])
        self.counts.n_frames = k + 1
        return Frame(k, round(k * 1e9 / self._fps), slot)

    def close(self) -> None:
        """Nothing is held."""


class TimedFinder:
    """Counts what the landmark model costs on its own thread."""

    def __init__(self, finder: FaceFinder) -> None:
        self._finder = finder
        self.n = 0
        self.cpu_ns = 0

    def find(self, luma: NDArray[np.uint8], sequence: int, timestamp_ns: int) -> KeyFrameAnswer:
        """As the finder does."""
        begun_ns = time.thread_time_ns()
        answer = self._finder.find(luma, sequence, timestamp_ns)
        self.cpu_ns += time.thread_time_ns() - begun_ns
        self.n += 1
        return answer


@dataclass(frozen=True, slots=True)
class SpeedReport:
    """What was measured; times in microseconds, memory in megabytes resident."""

    fps: float
    width: int
    height: int
    n_frames: int
    n_key_frames: int
    key_frame_cpu_us: float
    process_cpu_us_per_frame: float
    wall_us_per_frame: float
    frames_per_second: float
    quality: float
    rss_warm_mb: float
    rss_end_mb: float
    stages: tuple[StageFigures, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def steady_face(fps: float, width: int = 640, height: int = 480, n: int = N_PICTURES) -> NDArray[np.uint8]:
    """Pictures of the built-in portrait keeping about still, uint8 [shape=(n, height, width)]."""
    from edge.synth.plan import Plan, SceneSettings
    from edge.synth.portrait import built_in_portrait
    from edge.synth.scene import Scene

    settings = SceneSettings(
        fps=fps, width=width, height=height, face_width_px=0.48 * height, duration_s=n / fps + 0.01
    )
    scene = Scene(Plan(settings=settings, happenings=()), built_in_portrait())
    return np.stack([luma.copy() for _, luma in scene.render()][:n])


def measure(
    config: Config, pictures: NDArray[np.uint8], fps: float, n_frames: int, data_dir: Path
) -> SpeedReport:
    """Run the product's own loop, log and all, over the pictures, as fast as it goes.

    Parameters
    ----------
    config : Config
    pictures : uint8 [shape=(n, height, width)]
    fps : float
        The rate the frames' timestamps tell; key frames come as often as they would at it.
    n_frames : int
    data_dir : Path
        A log is written there.
    """
    _, height, width = pictures.shape
    source = SteadySource(pictures, fps, n_frames)
    finder = TimedFinder(FaceFinder(config.perceive))
    worker = KeyFrameWorker(finder, height, width, ANSWER_LATENCY_NS)
    recorder = Recorder.open(data_dir, config.record, N_POINTS)
    recorder.start_session(SessionInfo(source.info), 0, None, False)
    tracker = Tracker(config.track, height, width)
    watch = Watch(
        source=source,
        key_frames=worker,
        tracker=tracker,
        new_spotter=lambda rate: Spotter(config.spot, rate),
        log=recorder,
        indicator=NullIndicator(),
        shown=config.indicate,
        tell=lambda _seconds, _event: None,
    )
    gc.collect()
    first = source.read(0.0)
    cpu_ns, wall_ns = time.process_time_ns(), time.perf_counter_ns()
    outcome = watch.run(first, lambda _frame: False)
    cpu_ns, wall_ns = time.process_time_ns() - cpu_ns, time.perf_counter_ns() - wall_ns
    rss_end_mb = resident_mb()
    recorder.end_session("bench", outcome.n_frames)
    recorder.close()
    worker.close()
    return SpeedReport(
        fps=fps,
        width=width,
        height=height,
        n_frames=outcome.n_frames,
        n_key_frames=finder.n,
        key_frame_cpu_us=finder.cpu_ns / max(finder.n, 1) / 1e3,
        process_cpu_us_per_frame=cpu_ns / n_frames / 1e3,
        wall_us_per_frame=wall_ns / n_frames / 1e3,
        frames_per_second=n_frames * 1e9 / wall_ns,
        quality=tracker.coverage,
        rss_warm_mb=source.rss_warm_mb,
        rss_end_mb=rss_end_mb,
        stages=tuple(watch.timer.figures()),
    )


def resident_mb() -> float:
    """Resident memory of this process, MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")
