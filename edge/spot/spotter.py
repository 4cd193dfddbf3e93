"""One face's spotter: frames in, candidate cues and blinks out."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import CHANNEL_QUANTA, LOST, N_SIGNALS, SIGNAL_NAMES
from edge.config import SpotConfig
from edge.kernels import pulse, samples
from edge.messages import Blink, Cue, Kind, Trace
from edge.spot import context
from edge.spot.band import Band, Movement
from edge.spot.bank import MACRO_PLAN, MICRO_PLAN, N_PADDED, PulseBank
from edge.spot.blinks import BlinkSpotter
from edge.spot.cadence import Cadence
from edge.spot.leaks import leak_table

BRIDGED_FRAMES = 2  # a gap up to this long is bridged by a straight line, and counted in the cue
MICRO_LONGEST_NS = 500_000_000
# The fast bank's own measuring error at the limit; what is longer is the slow bank's to find,
# which is not taken in by a trough of sway that another movement ends.
FAST_LONGEST_NS = 540_000_000
BESIDE_NS = 150_000_000
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
        self._row = np.full(N_PADDED, np.nan, np.float32)
        self._row[len(CHANNEL_QUANTA) :] = 0.0
        self._last_row = self._row.copy()
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
        self._micro = Band(MICRO_PLAN, fps, leak, accepted * share, 0.6, MICRO_MIN_MIOD)
        if self._blinks is not None:
            self._n_blinks_before += self._blinks.n_blinks
        self._blinks = BlinkSpotter(self._face, self._micro.bank)
        self._learning = True
        self._learning_macro = config.macro
        self._n_per_second = round(fps)
        self._n_per_macro = max(1, round(fps / MACRO_RATE_HZ))
        self._n_in_macro = 0
        self._totals = np.zeros(N_PADDED, np.float32)
        self._counts = np.zeros(N_PADDED, np.int64)
        if config.macro:
            rate_hz = fps / self._n_per_macro
            self._macro = Band(MACRO_PLAN, rate_hz, leak, accepted * MACRO_SHARE, 4.2, MACRO_MIN_MIOD)

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
        samples.decode_row(codes, CHANNEL_QUANTA, LOST, self._row)
        if n_missing == 0:
            events = self._push(self._row, timestamp_ns, sequence)
        else:
            bridged = self._bridge(n_missing, timestamp_ns)
            events = (*bridged, *self._push(self._row, timestamp_ns, sequence))
        self._last_row, self._row = self._row, self._last_row
        self._last_ns = timestamp_ns
        return events

    def _bridge(self, n_missing: int, timestamp_ns: int) -> list[Cue | Blink]:
        """Samples for frames that never came: a line over a short gap, nothing over a long one."""
        assert self._micro is not None
        events: list[Cue | Blink] = []
        n_inserted = min(n_missing, self._micro.bank.n_kept)
        for missing in range(1, n_inserted + 1):
            share = np.float32(missing / (n_inserted + 1))
            row = self._last_row + share * (self._row - self._last_row)
            if n_missing > BRIDGED_FRAMES:
                row[: len(CHANNEL_QUANTA)] = np.nan
            at_ns = self._last_ns + round(float(share) * (timestamp_ns - self._last_ns))
            events.extend(self._push(row, at_ns, -1))
        return events

    def _push(self, row: NDArray[np.float32], timestamp_ns: int, sequence: int) -> Sequence[Cue | Blink]:
        micro, blinks = self._micro, self._blinks
        assert micro is not None
        assert blinks is not None
        closed = micro.bank.push(row, timestamp_ns, sequence)
        if closed & pulse.CUE_CLOSED:
            micro.take()
        if closed & pulse.BLINK_CLOSED:
            blinks.take()
        events: list[Cue | Blink] = []
        if (blink := blinks.ready()) is not None:
            events.append(blink)
        if micro.waits:
            events.extend(self._report(micro, micro.ready()))
        if self._learning:
            self._learning = not _learned(micro.bank, self._config.learning_s)
            if not self._learning:
                micro.start()
        elif micro.bank.n_seen % self._n_per_second == 0:
            micro.watch(1.0)
        if self._macro is not None:
            events.extend(self._push_macro(self._macro, row, timestamp_ns, sequence))
        return events or _NOTHING

    def _push_macro(
        self, macro: Band, row: NDArray[np.float32], timestamp_ns: int, sequence: int
    ) -> Sequence[Cue | Blink]:
        """Average some frames into one sample of the slow bank."""
        samples.accumulate(row, self._totals, self._counts)
        self._n_in_macro += 1
        if self._n_in_macro == (self._n_per_macro + 1) // 2:
            self._macro_ns, self._macro_frame = timestamp_ns, sequence
        if self._n_in_macro < self._n_per_macro:
            return _NOTHING
        enough = 2 * self._counts >= self._n_per_macro
        mean = np.where(enough, self._totals / np.maximum(self._counts, 1), np.nan).astype(np.float32)
        self._totals[:] = 0.0
        self._counts[:] = 0
        self._n_in_macro = 0
        if macro.bank.push(mean, self._macro_ns, self._macro_frame) & pulse.CUE_CLOSED:
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
                if closed & pulse.BLINK_CLOSED:
                    self._blinks.take()
                if (blink := self._blinks.ready(at_end=True)) is not None:
                    events.append(blink)
            if closed & pulse.CUE_CLOSED:
                band.take()
            events.extend(self._report(band, band.ready(at_end=True)))
        return events

    def _report(self, band: Band, movements: list[Movement]) -> list[Cue | Blink]:
        cues: list[Cue | Blink] = []
        for movement in movements:
            cue = self._make_cue(band.bank, movement)
            longest_ns = FAST_LONGEST_NS if band is self._micro else MACRO_LONGEST_NS
            if cue.offset_ns - cue.onset_ns > longest_ns or self._is_known(cue):
                continue
            if cue.kind == "macro" and not self._config.macro:
                continue
            if cue.kind == "micro" and band is self._macro:  # the fast bank has seen it better
                continue
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
            # nor is the level between two larger movements
            around = cue.kind == "macro" and known.onset_ns <= cue.apex_ns <= known.offset_ns
            between = (
                cue.kind == "macro"
                and known.amplitude_miod > cue.amplitude_miod
                and shared > -BESIDE_NS
                and not cue.onset_ns < known.apex_ns < cue.offset_ns
            )
            if shared > 0.4 * whole or around or between:
                return True
        return False

    def _make_cue(self, bank: PulseBank, movement: Movement) -> Cue:
        onset_ns, apex_ns, offset_ns = (
            bank.time_ns(at) for at in (movement.onset, movement.apex, movement.offset)
        )
        first = max(int(movement.onset), bank.first_kept)
        last = min(round(movement.offset), bank.n_seen - 1)
        assert self._blinks is not None
        height = self._blinks.height
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
            during_blink=context.during_blink(
                bank, self._blinks.recent, onset_ns, offset_ns, first, last, height
            ),
            during_speech=context.speech_active(bank, first, bank.n_seen - 1),
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
        return float(self._micro.bank.limits[pulse.THRESHOLD].min())

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
        return float((self._micro.bank.noise[0, pulse.COUNT, :N_SIGNALS] >= 0.9 * needed).mean())

    @property
    def speech_active(self) -> bool:
        """Whether lips or jaw are going to and fro now."""
        if self._micro is None or self._micro.bank.n_seen == 0:
            return False
        newest = self._micro.bank.n_seen - 1
        return context.speech_active(self._micro.bank, newest, newest)


def _learned(bank: PulseBank, seconds: float) -> bool:
    """Whether half the movement signals have been seen for that long."""
    needed = min(seconds * bank.rate_hz - len(bank.n_core), float(bank.settings[pulse.COUNT_MAX]))
    return float(np.median(bank.noise[0, pulse.COUNT, :N_SIGNALS])) >= needed
