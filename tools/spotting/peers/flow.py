"""The training-free optical-flow recipe, re-implemented from its published description. Not causal.

OF-FD (He 2021) and "Rethinking optical flow" (Zhao et al. 2022): dense flow of every sampled frame against
the first of its block of 200, in regions, less the nose's; low-passed; peaks over fixed thresholds. The
second opinion by empirical mode decomposition, which can only take peaks away, is left out. Landmarks
come from the product's model, as of dlib's none are at hand.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge.perceive.still import NoFace, StillFinder
from spotting.peers.flow_events import (
    LOW_PASS_HZ,
    SHORTEST_S,
    Rise,
    lasting,
    low_passed,
    merged,
    rises_of,
)
from spotting.peers.flow_regions import CROP_PX, FLOW_REGIONS, Box, Square, boxes_of, square_around
from spotting.peers.watching import PeerCue, PeerResult

RATE_HZ = 30.0
BLOCK_SAMPLES, BLOCK_STEP = 200, 100
MICRO_LONGEST_S = 0.5
_FARNEBACK = (0.5, 3, 15, 5, 7, 1.5, 0)  # scale, levels, window, iterations, neighbourhood, its sigma
_STRONGEST = 0.25
_STRONGEST_OF_NOSE = 0.7
_ALIGNMENTS, _ALIGNED_PX = 4, 1.0
# The flow is found only where it is used, with a margin of twice its window: a third cheaper. While
# aligning, only the nose is looked at.
_MARGIN_PX = 32
_NOSE_MARGIN_PX = 16


class Block:
    """Some seconds, compared with their first frame.

    Parameters
    ----------
    first : int
        Its first sample in the clip.
    luma : uint8 [shape=(height, width)]
    mesh : float32 [shape=(468, 3)], px

    Attributes
    ----------
    rows : list of float64 [shape=(n_regions,)], px of the 256 px square
    """

    def __init__(self, first: int, luma: NDArray[np.uint8], mesh: NDArray[np.float32]) -> None:
        self.first = first
        self.rows: list[NDArray[np.float64]] = []
        self._square = square_around(mesh)
        boxes = boxes_of(mesh, self._square)
        self._seen = around(boxes, _MARGIN_PX)
        *self._boxes, self._nose = (inside(box, self._seen) for box in boxes)
        self._near = around(boxes[-1:], _NOSE_MARGIN_PX)
        self._nose_near = inside(boxes[-1], self._near)
        self._still = cut(luma, self._square)
        self._shift = (0, 0)

    @property
    def is_full(self) -> bool:
        """Whether it has all its samples."""
        return len(self.rows) >= BLOCK_SAMPLES

    def add(self, luma: NDArray[np.uint8]) -> None:
        """Take in one sample."""
        now = self._aligned(luma)
        flow = dense_flow(self._still[self._seen], now[self._seen])
        flow = flow - strongest_mean(flow[self._nose], _STRONGEST_OF_NOSE)
        values = [np.hypot(*strongest_mean(flow[box], _STRONGEST)) for box in self._boxes]
        self.rows.append(np.array(values))

    def _aligned(self, luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The square, moved by whole pixels until the nose stands where it stood."""
        square = self._square
        for _ in range(_ALIGNMENTS):
            x, y = self._shift
            now = cut(luma, replace(square, left=square.left + x, top=square.top + y))
            flow = dense_flow(self._still[self._near], now[self._near])
            u, v = strongest_mean(flow[self._nose_near], _STRONGEST_OF_NOSE)
            if np.hypot(u, v) <= _ALIGNED_PX:
                return now
            self._shift = (x + round(u / square.scale), y + round(v / square.scale))
        x, y = self._shift
        return cut(luma, replace(square, left=square.left + x, top=square.top + y))

    def rises(self, rate_hz: float) -> list[Rise]:
        """What rose and fell, in samples of the clip."""
        if len(self.rows) < rate_hz:
            return []
        curves = np.array(self.rows).T
        return [
            replace(
                rise,
                onset=rise.onset + self.first,
                apex=rise.apex + self.first,
                offset=rise.offset + self.first,
                region=number,
            )
            for number, (region, curve) in enumerate(zip(FLOW_REGIONS, curves, strict=True))
            for rise in rises_of(low_passed(curve, rate_hz, LOW_PASS_HZ), rate_hz, region.rise_px)
        ]


class Flow:
    """Dense flow in blocks.

    Parameters
    ----------
    shortest_s : float
        Shorter events are dropped.
    """

    name = "optical-flow recipe"

    def __init__(self, shortest_s: float = SHORTEST_S) -> None:
        self._shortest_s = shortest_s

    def watch(self, frames: Iterable[tuple[int, NDArray[np.uint8]]], fps: float) -> PeerResult:
        """See `watching.Peer`."""
        import cv2

        cv2.setNumThreads(1)
        finder = StillFinder()
        step = step_of(fps)
        times_s: list[float] = []
        blocks = Blocks(lambda sample, luma: block_of(finder, sample, luma))
        rises: list[Rise] = []
        cpu_ns = n_frames = 0
        for timestamp_ns, luma in frames:
            n_frames += 1
            if (n_frames - 1) % step:
                continue
            begun_ns = time.thread_time_ns()
            times_s.append(timestamp_ns / 1e9)
            if (block := blocks.add(luma)) is not None:
                rises += block.rises(fps / step)
            cpu_ns += time.thread_time_ns() - begun_ns
        begun_ns = time.thread_time_ns()
        if (block := blocks.rest()) is not None:
            rises += block.rises(fps / step)
        cues = cues_of(lasting(merged(rises), fps / step, self._shortest_s), times_s)
        cpu_ns += time.thread_time_ns() - begun_ns
        return PeerResult(cues, n_frames, cpu_ns / 1e9)


class Blocks:
    """Which blocks a sample belongs to: a new one every 100, each of 200.

    Parameters
    ----------
    begin : callable
        Given the sample's number and its picture, a block that begins there; None where there is no face,
        and then the next sample is asked.
    """

    def __init__(self, begin: Callable[[int, NDArray[np.uint8]], Block | None]) -> None:
        self._begin = begin
        self._open: list[Block] = []
        self._n_samples = 0
        self._due = 0

    def add(self, luma: NDArray[np.uint8]) -> Block | None:
        """Take in a sample; returns the block that is full with it."""
        if self._n_samples >= self._due and (new := self._begin(self._n_samples, luma)) is not None:
            self._open.append(new)
            self._due = self._n_samples + BLOCK_STEP
        self._n_samples += 1
        for block in self._open:
            block.add(luma)
        return self._open.pop(0) if self._open and self._open[0].is_full else None

    def rest(self) -> Block | None:
        """At the end, the oldest open block: what lies within it tells nothing that it does not tell."""
        return self._open[0] if self._open else None


def block_of(finder: StillFinder, sample: int, luma: NDArray[np.uint8]) -> Block | None:
    """A block that begins with this picture; None where there is no face."""
    try:
        return Block(sample, luma, finder.find(luma).points)
    except NoFace:
        return None


def step_of(fps: float, rate_hz: float = RATE_HZ) -> int:
    """Every how manieth frame is looked at."""
    return max(1, round(fps / rate_hz))


def cues_of(events: Sequence[list[Rise]], times_s: Sequence[float]) -> list[PeerCue]:
    """Events, strongest rise first, as cues in order of time."""
    cues = []
    for event in events:
        lead = event[0]
        region = FLOW_REGIONS[lead.region]
        onset_s, offset_s = times_s[lead.onset], times_s[lead.offset]
        kind = "micro" if offset_s - onset_s <= MICRO_LONGEST_S else "macro"
        cue = PeerCue(
            onset_s, times_s[lead.apex], offset_s, lead.strength, "", region.side, region.region, kind
        )
        cues.append(cue)
    return sorted(cues, key=lambda cue: cue.onset_s)


def strongest_mean(flow: NDArray[np.float32], share: float) -> NDArray[np.float64]:
    """Mean of the longest vectors [shape=(2,)] of a part of a flow [shape=(height, width, 2)], px."""
    vectors = flow.reshape(-1, 2).astype(np.float64)
    square = (vectors**2).sum(axis=1)
    n = max(1, round(share * len(vectors)))
    chosen = np.argpartition(square, len(vectors) - n)[len(vectors) - n :]
    mean: NDArray[np.float64] = vectors[chosen].mean(axis=0)
    return mean


def dense_flow(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Farneback's flow with the recipe's settings: float32 [shape=(height, width, 2)], px."""
    import cv2

    flow: NDArray[np.float32] = cv2.calcOpticalFlowFarneback(before, now, None, *_FARNEBACK)
    return flow


def cut(luma: NDArray[np.uint8], square: Square) -> NDArray[np.uint8]:
    """A square of the picture at 256 px; where it leaves the picture, its rim goes on."""
    import cv2

    rows = np.clip(np.arange(square.top, square.top + square.side), 0, luma.shape[0] - 1)
    columns = np.clip(np.arange(square.left, square.left + square.side), 0, luma.shape[1] - 1)
    way = cv2.INTER_AREA if square.side > CROP_PX else cv2.INTER_LINEAR
    resized: NDArray[np.uint8] = cv2.resize(
        luma[np.ix_(rows, columns)], (CROP_PX, CROP_PX), interpolation=way
    )
    return resized


def around(boxes: Sequence[Box], margin_px: int) -> Box:
    """Rows and columns of the 256 px square that hold some boxes and a margin."""
    rows, columns = (
        slice(
            max(min(box[axis].start for box in boxes) - margin_px, 0),
            min(max(box[axis].stop for box in boxes) + margin_px, CROP_PX),
        )
        for axis in (0, 1)
    )
    return rows, columns


def inside(box: Box, outer: Box) -> Box:
    """A box as rows and columns of another one's part of the square."""
    rows, columns = (
        slice(one.start - other.start, one.stop - other.start) for one, other in zip(box, outer, strict=True)
    )
    return rows, columns
