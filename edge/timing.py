"""Latency and CPU time per stage, cheap enough to leave on in every frame.

A histogram with logarithmic buckets, 32 to each doubling, keeps every percentile to within
3 per cent at a fixed size, however long the session (the idea of HdrHistogram).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

_SUB_BITS = 5
_SUB_BUCKETS = 1 << _SUB_BITS
_LARGEST_NS = (1 << 40) - 1  # 18 minutes; anything longer is counted there
_N_BUCKETS = (40 - _SUB_BITS) * _SUB_BUCKETS + _SUB_BUCKETS


class LatencyHistogram:
    """Counts durations; answers percentiles."""

    __slots__ = ("_counts", "largest_ns", "n", "sum_ns")

    def __init__(self) -> None:
        self._counts = [0] * _N_BUCKETS
        self.n = 0
        self.sum_ns = 0
        self.largest_ns = 0

    def add(self, duration_ns: int) -> None:
        """Count one duration; a negative one counts as 0."""
        if duration_ns < 0:
            duration_ns = 0
        self.n += 1
        self.sum_ns += duration_ns
        if duration_ns > self.largest_ns:
            self.largest_ns = duration_ns
        if duration_ns > _LARGEST_NS:
            duration_ns = _LARGEST_NS
        shift = duration_ns.bit_length() - _SUB_BITS - 1
        if shift > 0:
            self._counts[(shift << _SUB_BITS) + (duration_ns >> shift)] += 1
        else:
            self._counts[duration_ns] += 1

    @property
    def mean_ns(self) -> float:
        """Mean duration, exact; 0 when empty."""
        return self.sum_ns / self.n if self.n else 0.0

    def percentile_ns(self, percent: float) -> float:
        """Smallest duration that at least `percent` per cent do not exceed, to within 3 per cent.

        Parameters
        ----------
        percent : float in [0, 100]

        Returns
        -------
        float, ns; 0 when empty. Never above the largest duration seen.
        """
        if not 0 <= percent <= 100:
            raise ValueError(f"a percentile lies between 0 and 100, not at {percent}")
        if not self.n:
            return 0.0
        rank = max(1, -int(-percent * self.n // 100))
        seen = 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if seen >= rank:
                return min(_upper_edge_ns(bucket), float(self.largest_ns))
        return float(self.largest_ns)

    def clear(self) -> None:
        """Forget everything; the size stays."""
        self._counts[:] = [0] * _N_BUCKETS
        self.n = self.sum_ns = self.largest_ns = 0


def _upper_edge_ns(bucket: int) -> float:
    """Largest duration that falls into a bucket."""
    shift = max(0, (bucket >> _SUB_BITS) - 1)
    return float(((bucket - (shift << _SUB_BITS) + 1) << shift) - 1)


@dataclass(frozen=True, slots=True)
class StageFigures:
    """One row of the table: times in microseconds; `cpu_us` is the mean CPU time of the thread."""

    stage: str
    n: int
    mean_us: float
    cpu_us: float
    p50_us: float
    p99_us: float
    p999_us: float
    largest_us: float

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


class StageTimer:
    """Splits the main loop's time between its stages.

    `begin` once per frame, then `lap(stage)` after each stage; a stage left out costs nothing.
    One timer belongs to one thread: its CPU time is that thread's.

    Parameters
    ----------
    stages : sequence of str
        In any order; `lap` takes the index into it.

    Attributes
    ----------
    last_ns : int
        What the last frame took as a whole.
    """

    def __init__(self, stages: Sequence[str]) -> None:
        self.stages = tuple(stages)
        self.wall = [LatencyHistogram() for _ in self.stages]
        self.whole = LatencyHistogram()
        self._cpu_ns = [0] * len(self.stages)
        self._begun_ns = self._mark_ns = self._cpu_mark_ns = 0
        self.last_ns = 0

    def begin(self) -> None:
        """Start of a frame."""
        self._cpu_mark_ns = time.thread_time_ns()
        self._begun_ns = self._mark_ns = time.perf_counter_ns()

    def lap(self, stage: int) -> None:
        """End of stage number `stage`; the next one starts here."""
        now_ns = time.perf_counter_ns()
        cpu_ns = time.thread_time_ns()
        self.wall[stage].add(now_ns - self._mark_ns)
        self._cpu_ns[stage] += cpu_ns - self._cpu_mark_ns
        self._mark_ns = now_ns
        self._cpu_mark_ns = cpu_ns

    def end(self) -> None:
        """End of a frame: counts the time since `begin` as the whole."""
        self.last_ns = time.perf_counter_ns() - self._begun_ns
        self.whole.add(self.last_ns)

    def figures(self) -> list[StageFigures]:
        """One row per stage that ran, then `whole`."""
        rows = [
            _figures(stage, wall, cpu_ns)
            for stage, wall, cpu_ns in zip(self.stages, self.wall, self._cpu_ns, strict=True)
            if wall.n
        ]
        if self.whole.n:
            rows.append(_figures("whole", self.whole, sum(self._cpu_ns)))
        return rows


def _figures(stage: str, wall: LatencyHistogram, cpu_ns: int) -> StageFigures:
    return StageFigures(
        stage,
        wall.n,
        wall.mean_ns / 1e3,
        cpu_ns / wall.n / 1e3,
        wall.percentile_ns(50) / 1e3,
        wall.percentile_ns(99) / 1e3,
        wall.percentile_ns(99.9) / 1e3,
        wall.largest_ns / 1e3,
    )
