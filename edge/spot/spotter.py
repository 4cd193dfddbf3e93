"""One face's spotter: frames in, candidate cues and blinks out."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import LOST, N_CHANNELS, N_SIGNALS, SIGNAL_NAMES
from edge.config import SpotConfig
from edge.kernels import cluster, pulse, samples
from edge.messages import Blink, Cue, Kind, Trace
from edge.spot import context
from edge.spot.band import Band, Beside, Movement
from edge.spot.bank import MACRO_PLAN, MICRO_PLAN, PulseBank
from edge.spot.blinks import BlinkSpotter
from edge.spot.cadence import Cadence
from edge.spot.leaks import leak_table

BRIDGED_FRAMES = 2  # a gap up to this long is bridged by a straight line, and counted in the cue
MICRO_LONGEST_NS = 500_000_000
# The fast bank's own measuring error at the limit; what is longer is the slow bank's to find,
# which is not taken in by a trough of sway that another movement ends. At 24 frames a second onset and
# offset are off by a frame each.
FAST_LONGEST_NS = 540_000_000
FAST_LONGEST_FRAMES = 3
BESIDE_NS = 150_000_000
RELATED_NS = 400_000_000  # so soon after each other, in the same region, two cues belong together
MACRO_LONGEST_NS = 4_000_000_000
MACRO_RATE_HZ = 25.0
MACRO_SHARE = 0.1  # of the accepted false cues
MACRO_LEARNING = 3.0  # times the learning time: its pulses are longer
MICRO_MIN_MIOD = 1.5  # 0.1 mm: below it lie pulse and breath rather than movement
MACRO_MIN_MIOD = 8.0  # slow residue of head motion stands at 5-20 miod and is learned as noise
_NOTHING: tuple[Cue | Blink, ...] = ()


class Spotter:
    """Streaming and causal: the same cues whether fed one frame or a whole recording.

    Parameters
    ----------
    config : SpotConfig
    fps_nominal : float
        Frames per second the source promises; 0 where unknown. The timestamps overrule it.
    """

    def __init__(self, config: SpotConfig, fps_nominal: float) -> None:
        self._config = config
        self._cadence = Cadence(fps_nominal)
        self._face = 0
        self._slow_row = np.zeros(N_CHANNELS, np.int16)
        self._last_ns = 0
        self._cues: deque[Cue] = deque(maxlen=8)
        self._micro: Band | None = None
        self._macro: Band | None = None
        self._blinks: BlinkSpotter | None = None
        self._n_blinks_before = 0
        if self._cadence.interval_ns:
            self._build()

    def _build(self) -> None:
        """Lay out the banks for the frame rate; what was learned at another rate is void."""
        config, fps, leak = self._config, self._cadence.fps, leak_table()
        share = 1.0 - MACRO_SHARE if config.macro else 1.0
        accepted = config.accepted_false_per_hour
        self._micro = Band(MICRO_PLAN, fps, leak, self._beside, accepted * share, 0.6, MICRO_MIN_MIOD)
        if self._blinks is not None:
            self._n_blinks_before += self._blinks.n_blinks
        self._blinks = BlinkSpotter(self._face, self._micro.bank)
        self._learning = True
        self._learning_macro = config.macro
        self._n_per_second = round(fps)
        self._n_per_macro = max(1, round(fps / MACRO_RATE_HZ))
        if config.macro:
            rate_hz = fps / self._n_per_macro
            self._macro = Band(
                MACRO_PLAN, rate_hz, leak, self._beside, accepted * MACRO_SHARE, 4.2, MACRO_MIN_MIOD
            )

    def step(self, trace: Trace) -> Sequence[Cue | Blink]:
        """Take in one frame of the face; return what was decided with it, usually nothing."""
        return self._step(trace.face, trace.codes, trace.timestamp_ns, trace.sequence)

    def steps(
        self,
        codes: NDArray[np.int16],
        timestamps_ns: NDArray[np.int64],
        sequences: NDArray[np.int64],
        face: int = 0,
    ) -> list[Cue | Blink]:
        """Take in a block of frames; the same events as `step`, frame by frame.

        Parameters
        ----------
        codes : int16 [shape=(n_frames, N_CHANNELS)]
        timestamps_ns, sequences : int64 [shape=(n_frames,)]
        """
        events: list[Cue | Blink] = []
        frames = zip(codes, timestamps_ns.tolist(), sequences.tolist(), strict=True)
        for row, timestamp_ns, sequence in frames:
            events.extend(self._step(face, row, timestamp_ns, sequence))
        return events

    def _step(
        self, face: int, codes: NDArray[np.int16], timestamp_ns: int, sequence: int
    ) -> Sequence[Cue | Blink]:
        n_missing = self._cadence.advance(timestamp_ns)
        if n_missing < 0:
            return _NOTHING
        if self._cadence.rate_changed() or face != self._face:
            self._face = face
            self._build()
            n_missing = 0
        if self._micro is None:
            return _NOTHING
        if n_missing == 0:
            events = self._push(codes, timestamp_ns, sequence)
        else:
            bridged = self._bridge(codes, n_missing, timestamp_ns)
            events = (*bridged, *self._push(codes, timestamp_ns, sequence))
        self._last_ns = timestamp_ns
        return events

    def _bridge(self, codes: NDArray[np.int16], n_missing: int, timestamp_ns: int) -> list[Cue | Blink]:
        """Samples for frames that never came: a line over a short gap, nothing over a long one."""
        assert self._micro is not None
        bank, events = self._micro.bank, list[Cue | Blink]()
        n_inserted = min(n_missing, bank.n_kept)
        last = bank.codes(bank.n_seen - 1, bank.n_seen - 1)[0, :N_CHANNELS].copy()
        lost = (last == LOST) | (codes == LOST) | (n_missing > BRIDGED_FRAMES)
        for missing in range(1, n_inserted + 1):
            share = missing / (n_inserted + 1)
            row = np.rint(last + share * (codes.astype(np.float64) - last)).astype(np.int16)
            row[lost] = LOST
            at_ns = self._last_ns + round(share * (timestamp_ns - self._last_ns))
            events.extend(self._push(row, at_ns, -1))
        return events

    def _push(self, row: NDArray[np.int16], timestamp_ns: int, sequence: int) -> Sequence[Cue | Blink]:
        micro, blinks = self._micro, self._blinks
        assert micro is not None
        assert blinks is not None
        bank = micro.bank
        closed = bank.push(row, timestamp_ns, sequence)
        if closed & cluster.CUE_CLOSED:
            micro.take()
        if closed & cluster.BLINK_CLOSED:
            blinks.take()
        events: list[Cue | Blink] = []
        if blinks.waits and (blink := blinks.ready()) is not None:
            events.append(blink)
            micro.bank.set_leak(blinks.leak.table)
            if self._macro is not None:
                self._macro.bank.set_leak(blinks.leak.table)
        if micro.waits:
            events.extend(self._report(micro, micro.ready()))
        if self._learning:
            self._learning = not _learned(bank, self._config.learning_s)
            if not self._learning:
                micro.start()
        elif bank.n_seen % self._n_per_second == 0:
            micro.watch(1.0)
        if self._macro is not None and bank.n_seen % self._n_per_macro == 0:
            events.extend(self._push_macro(self._macro, bank))
        return events or _NOTHING

    def _push_macro(self, macro: Band, fast: PulseBank) -> Sequence[Cue | Blink]:
        """Average the last frames into one sample of the slow bank."""
        first = fast.n_seen - self._n_per_macro
        samples.average_rows(fast.codes(first, fast.n_seen - 1), self._slow_row)
        middle = (first + (self._n_per_macro - 1) // 2) % fast.n_kept
        timestamp_ns, frame = int(fast.timestamps_ns[middle]), int(fast.frames[middle])
        if macro.bank.push(self._slow_row, timestamp_ns, frame) & cluster.CUE_CLOSED:
            macro.take()
        if self._learning_macro:
            self._learning_macro = not _learned(macro.bank, MACRO_LEARNING * self._config.learning_s)
            if not self._learning_macro:
                macro.start()
        elif macro.bank.n_seen % round(macro.bank.rate_hz) == 0:
            macro.watch(1.0)
        return self._report(macro, macro.ready()) if macro.waits else _NOTHING

    def flush(self) -> Sequence[Cue | Blink]:
        """At the end of a recording: decide what is open with what has been seen."""
        events: list[Cue | Blink] = []
        for band in (self._micro, self._macro):
            if band is None:
                continue
            closed = band.bank.close_open()
            if band is self._micro and self._blinks is not None:
                if closed & cluster.BLINK_CLOSED:
                    self._blinks.take()
                if (blink := self._blinks.ready(at_end=True)) is not None:
                    events.append(blink)
            if closed & cluster.CUE_CLOSED:
                band.take()
            events.extend(self._report(band, band.ready(at_end=True)))
        return events

    def _report(self, band: Band, movements: list[Movement]) -> list[Cue | Blink]:
        cues: list[Cue | Blink] = []
        for movement in movements:
            cue = self._make_cue(band.bank, movement)
            longest_ns = MACRO_LONGEST_NS
            if band is self._micro:
                longest_ns = FAST_LONGEST_NS + round(FAST_LONGEST_FRAMES * 1e9 / band.bank.rate_hz)
            if cue.offset_ns - cue.onset_ns > longest_ns or self._is_known(cue):
                continue
            if cue.kind == "macro" and not self._config.macro:
                continue
            if cue.kind == "micro" and band is self._macro:  # the fast bank has seen it better
                continue
            cue = replace(cue, related_onset_ns=self._related(cue))
            self._cues.append(cue)
            cues.append(cue)
        return cues

    def _is_known(self, cue: Cue) -> bool:
        """Whether one band's cue is the other's again, seen with a longer or shorter filter."""
        for known in self._cues:
            shared = min(cue.offset_ns, known.offset_ns) - max(cue.onset_ns, known.onset_ns)
            whole = max(cue.offset_ns, known.offset_ns) - min(cue.onset_ns, known.onset_ns)
            if not set(cue.regions) & set(known.regions):
                continue
            # a flash within a smile is a movement of its own, a smile around a flash's apex is not,
            # nor is the level around or between larger movements
            around = cue.kind == "macro" and known.onset_ns <= cue.apex_ns <= known.offset_ns
            between = (
                cue.kind == "macro" and known.amplitude_miod > cue.amplitude_miod and shared > -BESIDE_NS
            )
            if shared > 0.4 * whole or around or between:
                return True
        return False

    def _related(self, cue: Cue) -> int | None:
        """Onset of the nearest cue so far that this one follows, precedes or overlaps."""
        apart = {
            max(cue.onset_ns, known.onset_ns) - min(cue.offset_ns, known.offset_ns): known.onset_ns
            for known in self._cues
            if set(cue.regions) & set(known.regions)
        }
        nearest = min(apart, default=RELATED_NS)
        return apart[nearest] if nearest < RELATED_NS else None

    def _beside(self, bank: PulseBank, onset: float, offset: float) -> Beside:
        """Whether lids closed or lips spoke while something moved, from onset to offset (samples)."""
        assert self._blinks is not None
        first, last = max(int(onset), bank.first_kept), min(round(offset), bank.n_seen - 1)
        times_ns = bank.time_ns(onset), bank.time_ns(offset)
        return Beside(
            context.during_blink(bank, self._blinks.recent, *times_ns, first, last, self._blinks.height),
            context.speech_active(bank, first, bank.n_seen - 1),
        )

    def _make_cue(self, bank: PulseBank, movement: Movement) -> Cue:
        onset_ns, apex_ns, offset_ns = (
            bank.time_ns(at) for at in (movement.onset, movement.apex, movement.offset)
        )
        first = max(int(movement.onset), bank.first_kept)
        last = min(round(movement.offset), bank.n_seen - 1)
        kind: Kind = "micro" if offset_ns - onset_ns <= MICRO_LONGEST_NS else "macro"
        interval_ns = max(1e9 / bank.rate_hz, 2.0 * self._cadence.jitter_ns)
        return Cue(
            face=self._face,
            kind=kind,
            onset_ns=onset_ns,
            apex_ns=apex_ns,
            offset_ns=offset_ns,
            onset_frame=bank.frame_at(movement.onset),
            apex_frame=bank.frame_at(movement.apex),
            offset_frame=bank.frame_at(movement.offset),
            duration_error_ms=interval_ns / 1e6,
            regions=movement.regions,
            movements=movement.movements,
            side=movement.side,
            amplitude_miod=movement.height,
            score=movement.score,
            expected_false_per_hour=movement.per_hour,
            head_motion_miod_s=context.head_motion_miod_s(bank, first, last),
            fps=self._cadence.fps,
            dropped_frames=self._cadence.missing_between(onset_ns, offset_ns),
            during_blink=movement.beside.blink,
            during_speech=movement.beside.speech,
            lighting=context.lighting(bank, first, last),
        )

    @property
    def learning(self) -> bool:
        """Whether the baseline is still being learned, so that nothing is reported."""
        return self._micro is None or self._learning

    @property
    def fps(self) -> float:
        """Frames per second by the timestamps; 0 while unknown."""
        return self._cadence.fps

    @property
    def shortest_observable_ms(self) -> float:
        """The shortest movement that the frame rate can show."""
        return self._cadence.shortest_observable_ms

    @property
    def n_missing(self) -> int:
        """Frames that the timestamps say never came."""
        return self._cadence.n_missing_total

    @property
    def n_blinks(self) -> int:
        """Blinks so far."""
        return self._n_blinks_before + (self._blinks.n_blinks if self._blinks is not None else 0)

    @property
    def threshold_score(self) -> float:
        """The lowest score that makes a micro cue now, in sigma; infinite while learning."""
        if self._micro is None or self._learning:
            return float("inf")
        return float(self._micro.bank.limits[cluster.THRESHOLD].min())

    @property
    def noise_miod(self) -> dict[str, float]:
        """Quiet noise of each movement signal as the 100 ms filter sees it; empty while unknown."""
        if self._micro is None:
            return {}
        bank = self._micro.bank
        scale = int(np.argmin(np.abs(np.asarray(bank.n_core) - 0.1 * bank.rate_hz)))
        return dict(zip(SIGNAL_NAMES, bank.noise_miod(scale).tolist(), strict=True))

    @property
    def baseline_quality(self) -> float:
        """Share of the movement signals whose noise is known, 0 to 1."""
        if self._micro is None:
            return 0.0
        needed = self._config.learning_s * self._micro.bank.rate_hz
        return float((self._micro.bank.noise[pulse.COUNT, 0, :N_SIGNALS] >= 0.9 * needed).mean())

    @property
    def speech_active(self) -> bool:
        """Whether lips or jaw are going to and fro now."""
        if self._micro is None or self._micro.bank.n_seen == 0:
            return False
        newest = self._micro.bank.n_seen - 1
        return context.speech_active(self._micro.bank, newest, newest)


def _learned(bank: PulseBank, seconds: float) -> bool:
    """Whether half the movement signals have been seen for that long."""
    needed = min(seconds * bank.rate_hz - len(bank.n_core), bank.count_max)
    return int(np.count_nonzero(bank.noise[pulse.COUNT, 0, :N_SIGNALS] >= needed)) >= N_SIGNALS // 2
