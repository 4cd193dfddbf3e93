"""What capturing a frame costs, source by source, beside the bare copy; and a real GStreamer pipeline.

    python tools/benchmark_capture.py
    python tools/benchmark_capture.py --gstreamer 60

The first copies 640x480 pictures through each source's own code, from buffers as the driver hands them over,
and names the time as a multiple of one `np.copyto` of the same plane in the same run. Beside it is how far
memory rises within a frame (small Python objects: views and numbers), and what of it a frame leaves behind.
The second plays 640x480 at 200 frames a second for so many seconds through gst-launch-1.0, beside a loop that
only reads the same bytes, then kills the child once.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import signal
import statistics
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from edge.capture.errors import FrameTimeout, SourceEnded
from edge.capture.frame_history import FrameHistory
from edge.capture.gaps import GapDetector
from edge.capture.gstreamer import GStreamerSource
from edge.capture.gstreamer_child import Child, command_of
from edge.capture.gstreamer_standin import block, header
from edge.capture.matroska import MatroskaPictures
from edge.capture.picamera2 import Picamera2Source
from edge.capture.picamera2_exposure import Metering
from edge.capture.picamera2_mode import ModeCache
from edge.capture.picamera2_scene import Scene, Shot
from edge.capture.picamera2_standin import ControlId, stand_in_library
from edge.capture.picamera2_view import Orientation
from edge.capture.source import SourceCounts
from edge.capture.v4l2_device import CameraMode
from edge.capture.v4l2_luma import raw_luma
from edge.capture.v4l2_standin import yuyv_bytes
from edge.messages import Frame

WIDTH, HEIGHT = 640, 480
# more than the second-level cache holds, as a camera's buffers are never warm; twice as many need more
# address translations than a virtual machine keeps, and then that is measured: YUYV took 4 times as long
N_PICTURES = 8
N_FRAMES, N_ROUNDS = 200, 15
Step = Callable[[], None]


def copiers(pictures: np.ndarray, folder: Path) -> dict[str, Step]:
    """What each source does for a frame, by its name; the bare copy first."""
    out = np.empty((HEIGHT, WIDTH), np.uint8)
    number = itertools.cycle(range(N_PICTURES))

    def raw(pixel_format: str, packed: list[bytes]) -> Step:
        copier = raw_luma(CameraMode(pixel_format, WIDTH, HEIGHT, 120.0))
        views = [memoryview(one) for one in packed]
        return lambda: copier.copy(views[next(number)], out)

    return {
        "bare copy": lambda: np.copyto(out, pictures[next(number)]),
        "v4l2 GREY": raw("GREY", [luma.tobytes() for luma in pictures]),
        "v4l2 YUYV": raw("YUYV", [yuyv_bytes(luma) for luma in pictures]),
        "v4l2 MJPG": raw("MJPG", [jpeg(luma) for luma in pictures]),
        "picamera2": picamera2_step(pictures, 0, folder),
        "picamera2, padded": picamera2_step(pictures, 64, folder),
        "picamera2, on its side": picamera2_step(pictures.transpose(0, 2, 1), 0, folder, Orientation(90)),
        "gstreamer, from memory": matroska_step(pictures, out),
        "look at a frame": look_step(pictures, reports=False),
        "look, and report": look_step(pictures, reports=True),
    }


def look_step(pictures: np.ndarray, reports: bool) -> Step:
    """What every frame is looked at for, and the search for flicker that comes with each report."""
    history, counts, number = FrameHistory(HEIGHT, WIDTH, 120.0), SourceCounts(), itertools.count()

    def step() -> None:
        k = next(number)
        history.observe(Frame(k, k * 8_333_333, pictures[k % N_PICTURES]), counts)
        if reports:
            history.report(k * 8_333_333, counts, at_once=True)

    for _ in range(300):  # two seconds are looked through
        step()
    return step


def jpeg(luma: np.ndarray) -> bytes:
    """As an MJPG camera sends it."""
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuvj422p"
    encoder.time_base = Fraction(1, 30)
    frame = av.VideoFrame.from_ndarray(luma, "gray").reformat(format="yuvj422p")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in encoder.encode(frame) + encoder.encode(None))


def picamera2_step(
    pictures: np.ndarray, padding: int, folder: Path, orientation: Orientation | None = None
) -> Step:
    """The callback on requests of the stand-in, with as many controls as real ones have.

    What libcamera takes to convert those to Python is left out: it is not to be had off a Pi.
    """
    library = stand_in_library(Scene([Shot(luma, 10**9 + k) for k, luma in enumerate(pictures)], padding))
    cache = ModeCache(folder / "modes.json")
    source = Picamera2Source(
        *(0, WIDTH, HEIGHT, 120),
        orientation=orientation,
        library=library,
        cache=cache,
        metering=Metering(3, 2, 50),
    )
    camera: Any = source._device._camera
    requests = [camera._completed(Shot(luma, 1)) for luma in pictures]
    others = {ControlId(f"control {k}"): k for k in range(20)}
    stamps = itertools.count(2 * 10**9, 8_333_333)
    key = next(key for key in requests[0].request.metadata if key.name == "SensorTimestamp")
    for request in requests:
        request.request.metadata |= others
    number = itertools.cycle(range(N_PICTURES))
    source.close()

    def step() -> None:
        request = requests[next(number)]
        request.request.metadata[key] = next(stamps)
        source._on_request(request)

    return step


def matroska_step(pictures: np.ndarray, out: np.ndarray) -> Step:
    """Parsing and copying, the pipe itself left out."""
    blocks = [block(luma.tobytes(), WIDTH, k * 5_000_000) for k, luma in enumerate(pictures)]
    stream = itertools.chain([header(WIDTH, HEIGHT, 5_000_000)], itertools.cycle(blocks))
    part = memoryview(b"")

    def read_into(into: memoryview) -> int:
        nonlocal part
        if not part:
            part = memoryview(next(stream))
        n = min(len(into), len(part))
        into[:n] = part[:n]
        part = part[n:]
        return n

    reader = MatroskaPictures(read_into)

    def step() -> None:
        reader.next_time()
        reader.copy(out)

    return step


def print_copies() -> None:
    """One line for each source; rounds alternate, and CPU is timed, as other programs may be running."""
    noise = np.random.default_rng(0).normal(0, 2, (N_PICTURES, HEIGHT, WIDTH))  # as a fair sensor has
    row, column = np.mgrid[0:HEIGHT, 0:WIDTH]
    pictures = (128 + 60 * np.sin(row / 20) * np.cos(column / 30) + noise).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        steps = copiers(pictures, Path(folder))
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(N_ROUNDS):
        for name, step in steps.items():
            started = time.process_time()
            for _ in range(N_FRAMES):
                step()
            times[name].append((time.process_time() - started) / N_FRAMES)
    bare_s = statistics.median(times["bare copy"])
    print(f"{'source':24} {'x bare copy':>11} {'us':>7} {'rises, bytes':>13} {'left, bytes':>12}")
    for name, step in steps.items():
        median_s = statistics.median(times[name])
        rises, left = allocated_bytes(step)
        print(f"{name:24} {median_s / bare_s:11.1f} {median_s * 1e6:7.0f} {rises:13} {left:12.1f}")


def allocated_bytes(step: Step) -> tuple[int, float]:
    """How far memory known to Python rises within a frame at most, and how much a frame leaves on average."""
    for _ in range(N_PICTURES):
        step()
    tracemalloc.start()
    step()
    highest, (at_first, _) = 0, tracemalloc.get_traced_memory()
    for _ in range(N_FRAMES):
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        step()
        highest = max(highest, tracemalloc.get_traced_memory()[1] - before)
    left = tracemalloc.get_traced_memory()[0] - at_first
    tracemalloc.stop()
    return highest, left / N_FRAMES


def cpu_s() -> float:
    """Of this process, children left out."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def print_gstreamer(seconds: float) -> None:
    """A real pipeline at 200 frames a second: lost frames, CPU of the reader, recovery from a kill."""
    rate, size = 200, f"width={WIDTH},height={HEIGHT}"
    pipeline = (
        "videotestsrc is-live=true pattern=ball {} " + f"! video/x-raw,format=GRAY8,{size},framerate={rate}/1"
    )
    limited = pipeline.format(f"num-buffers={round(seconds * rate)}")

    child = Child(command_of(limited), threading.Event(), 10.0, 5.0)
    scratch, n_bytes, started = memoryview(bytearray(WIDTH * HEIGHT)), 0, cpu_s()
    while n := child.read_into(scratch):
        n_bytes += n
    child.end()
    bare_us = (cpu_s() - started) / (n_bytes / (WIDTH * HEIGHT)) * 1e6

    source, started = GStreamerSource(limited), cpu_s()
    gaps = GapDetector(source.info.fps)
    n_timeouts = 0
    while True:
        try:
            frame = source.read(1.0)
        except FrameTimeout:
            n_timeouts += 1
            continue
        except SourceEnded:
            break
        gaps.observe(frame.sequence, frame.timestamp_ns)
    our_us = (cpu_s() - started) / source.counts.n_frames * 1e6
    source.close()
    counts, n_late = source.counts, source._reader.ring.n_overwritten
    print(
        f"{counts.n_frames} frames at {gaps.fps:.2f}/s, {counts.n_lost} lost, {n_late} of them by being late,"
    )
    print(f"{counts.n_restarts} restarts, {n_timeouts} s without a frame, jitter {gaps.jitter_ms:.3f} ms,")
    print(f"{our_us / bare_us:.2f} times the CPU of only reading ({our_us:.0f} and {bare_us:.0f} us a frame)")

    source = GStreamerSource(pipeline.format(""))
    for _ in range(rate // 2):
        source.read(1.0)
    killed = time.monotonic()
    os.kill(source._child.pid, signal.SIGKILL)
    while source.counts.n_restarts == 0:
        source.read(10.0)
    print(f"killed: frames again after {time.monotonic() - killed:.2f} s")
    source.close()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gstreamer", type=float, metavar="SECONDS", help="run a real pipeline for so long")
    arguments = parser.parse_args()
    if arguments.gstreamer:
        print_gstreamer(arguments.gstreamer)
    else:
        print_copies()


if __name__ == "__main__":
    main()
