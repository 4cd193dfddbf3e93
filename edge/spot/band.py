"""One bank's candidates made into cues: calibrated, waited for, refined, named."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import N_SIGNALS, REGIONS, SIGNALS
from edge.kernels import cluster, flanks
from edge.messages import Side
from edge.spot.bank import BankPlan, Candidate, PulseBank
from edge.spot.rate import FalseRate
from edge.spot.rigid import EXPLAINED_MOST, rigid_share

# Speech and smiles must not raise the bar for the brows, so the two halves of the face are
# calibrated apart, each with its share of the accepted false cues.
GROUPS = (("brow", "eyes"), ("nose", "cheek", "mouth", "jaw"))
GROUP_OF = np.array([next(g for g, names in enumerate(GROUPS) if s.region in names) for s in SIGNALS])
OPEN_SCORE = 3.5
# Nearer to where candidates open, peaks are missing that stood beside a higher one, and the rest
# thins out more slowly than further up.
CHANCE_FLOOR = 3.75
ONE_SIDED = 2.5
JOIN_THRESHOLD = 0.8  # of a signal's own threshold
JOIN_RESPONSE = 0.3  # of the lead's response
# Height over response: less stands where a filter's shoulder met another movement, more where
# it saw only the corner of a slope.
HEIGHT_SHARES = (0.7, 2.2)
TROUGH = 1.3  # times a movement's height and score: what goes back from its apex so far is its return
RETRY_S = 0.02
# Syllables come three to six a second. The third of such a row on the lower face is no brief
# movement of its own, nor is one beside the second opening of lips or jaw; the first opening
# cannot be told from a brief movement.
ROW_S, ROW_REVERSALS = 1.2, 4  # before the apex: two movements there and back
OPENING_S, OPENING_REVERSALS = 0.6, 2
ROW_SHARE = 0.5  # of the movement's height: as large are the others ...
ROW_SIGMA, ROW_NOISE_MAX_MIOD = 7.0, 10.0  # ... and larger than noise, as far as that is told from speech
_LOWER_FACE = 1
# Parted lips are decided so long after their apex: by then the next syllable has shown itself, at
# three to six a second, and the cue is marked as speech. Other movements do not wait.
OPENING_WAIT_S = 0.45
OPENS_SHARE = 0.5  # of a movement's height: so far lips or jaw travel in a syllable
_OPENING_NAMES = frozenset(("lips_part", "jaw_drop"))
_OPENINGS = tuple(k for k, s in enumerate(SIGNALS) if s.name.startswith(("lower_lip", "chin")))


class Beside(NamedTuple):
    """What else went on that moves a face by itself."""

    blink: bool = False
    speech: bool = False


_ALONE = Beside()


@dataclass(slots=True)
class Waiting:
    """A candidate whose falling flank may not be complete yet."""

    candidate: Candidate
    retry_at: int


@dataclass(frozen=True, slots=True)
class Movement:
    """A refined candidate, in samples of its bank.

    Attributes
    ----------
    onset, apex, offset : float, samples
    height : float, miod, positive
    score : float
        Sigma of the lead.
    per_hour : float
        How many an hour chance would give among those that are beside as much.
    """

    lead: int
    rises: bool
    onset: float
    apex: float
    offset: float
    height: float
    score: float
    regions: tuple[str, ...]
    movements: tuple[str, ...]
    side: Side
    beside: Beside = _ALONE
    per_hour: float = float("nan")


class Band:
    """A pulse bank with its threshold.

    Parameters
    ----------
    beside : callable
        Tells of some samples of a bank, from onset to offset, what they are beside.
    accepted_per_hour : float
        False cues an hour, both halves of the face together; as many again beside blinks and speech.
    longest_s : float
        A movement that has not returned by then is not this band's.
    height_min_miod : float
        What is smaller is not reported, however clear.
    """

    def __init__(
        self,
        plan: BankPlan,
        rate_hz: float,
        leak: NDArray[np.float32],
        beside: Callable[[PulseBank, float, float], Beside],
        accepted_per_hour: float,
        longest_s: float,
        height_min_miod: float,
    ) -> None:
        self.bank = PulseBank(plan, rate_hz, leak)
        self._beside = beside
        # for each half of the face: of peaks on their own, and of those beside a blink or speech
        self.rates = tuple(
            (FalseRate(CHANCE_FLOOR, OPEN_SCORE), FalseRate(CHANCE_FLOOR, OPEN_SCORE)) for _ in GROUPS
        )
        self._accepted_each = accepted_per_hour / len(GROUPS)
        self._longest_samples = round(longest_s * rate_hz)
        self._height_min = height_min_miod
        self._retry_samples = max(1, round(RETRY_S * rate_hz))
        self._waiting: list[Waiting] = []
        self._reported: deque[Movement] = deque(maxlen=8)
        self._scratch = np.zeros(self.bank.n_kept)
        self._found = np.zeros(flanks.N_FLANKS)
        self._set_thresholds()

    def start(self) -> None:
        """End of learning: from now on candidates open."""
        self.bank.open_from(OPEN_SCORE)

    def watch(self, seconds: float) -> None:
        """Tell the false-cue model that time has gone by."""
        for alone, beside in self.rates:
            alone.watch(seconds)
            beside.watch(seconds)
        self._set_thresholds()

    def _set_thresholds(self) -> None:
        thresholds = [alone.threshold(self._accepted_each) for alone, _ in self.rates]
        self.bank.limits[cluster.THRESHOLD] = np.asarray(thresholds, np.float32)[GROUP_OF]

    def take(self) -> None:
        """Queue the candidate that the bank has just closed."""
        # on a quiet face most candidates are lower than anything that is reported: they end here
        if HEIGHT_SHARES[1] * abs(self.bank.response()) < self._height_min:
            return
        candidate = self.bank.candidate()
        if not self._is_echo(candidate):
            self._waiting.append(Waiting(candidate, self.bank.n_seen))

    def _is_echo(self, candidate: Candidate) -> bool:
        """Whether the candidate is a longer or later filter's view of what was reported."""
        centre = self.bank.centre(candidate.scale, candidate.sample)
        half = self.bank.n_core[candidate.scale] / 2
        response = abs(float(candidate.responses[candidate.lead]))
        return any(
            movement.onset - half < centre < movement.offset + half
            and GROUP_OF[movement.lead] == GROUP_OF[candidate.lead]
            and response < 0.6 * movement.height
            for movement in self._reported
        )

    def ready(self, at_end: bool = False) -> list[Movement]:
        """Movements that are complete by now."""
        movements: list[Movement] = []
        for waiting in tuple(self._waiting):
            if waiting.retry_at > self.bank.n_seen and not at_end:
                continue
            outcome, movement = self._refine(waiting.candidate)
            if outcome == flanks.NOT_RETURNED and self._may_return(waiting.candidate) and not at_end:
                waiting.retry_at = self.bank.n_seen + self._retry_samples
                continue
            if movement is not None and self._may_be_speech(movement) and not at_end:
                waiting.retry_at = int(movement.apex + OPENING_WAIT_S * self.bank.rate_hz) + 1
                continue
            self._waiting.remove(waiting)
            if movement is not None and (counted := self._count(movement)) is not None:
                movements.append(counted)
        return movements

    def _may_be_speech(self, movement: Movement) -> bool:
        """Whether lips or jaw opened, or closed between two openings, so lately that a next may follow."""
        now = self.bank.n_seen
        if now > movement.apex + OPENING_WAIT_S * self.bank.rate_hz:
            return False
        if _OPENING_NAMES & set(movement.movements):
            return True
        if GROUP_OF[movement.lead] != _LOWER_FACE:
            return False
        if self._n_reversals(movement.lead, movement.apex, OPENING_S, movement.height) > 0:
            return True
        # the jaw pulls corners and cheeks along, and one of them may stand out more
        first = max(int(movement.onset), self.bank.first_kept)
        opened = self.bank.window(first, now - 1, _OPENINGS)
        travel = opened.max(axis=0) - opened.min(axis=0)
        return bool(np.isnan(travel).any() or travel.max() > OPENS_SHARE * movement.height)

    def _count(self, movement: Movement) -> Movement | None:
        """Learn how high chance reaches; the movement with its rate where it is over the threshold.

        Only what would have been reported, had it been higher, counts as a chance peak. What lids and
        lips pull along is counted apart, or it would set the bar for a face that does neither.
        """
        beside = self._beside(self.bank, movement.onset, movement.offset)
        rate = self.rates[GROUP_OF[movement.lead]][any(beside)]
        per_hour = len(GROUPS) * rate.per_hour(movement.score)
        rate.add(movement.score)
        if movement.score < rate.threshold(self._accepted_each):
            return None
        counted = replace(movement, beside=beside, per_hour=per_hour)
        self._reported.append(counted)
        return counted

    @property
    def waits(self) -> bool:
        """Whether any candidate is not decided."""
        return bool(self._waiting)

    def _may_return(self, candidate: Candidate) -> bool:
        centre = self.bank.centre(candidate.scale, candidate.sample)
        return self.bank.n_seen - centre < self._longest_samples

    def _refine(self, candidate: Candidate) -> tuple[int, Movement | None]:
        bank, lead = self.bank, candidate.lead
        width = bank.n_core[candidate.scale]
        centre = bank.centre(candidate.scale, candidate.sample)
        first = max(centre - 2 * width - 8, bank.first_kept)
        if centre < first:
            return flanks.NO_PULSE, None
        values = bank.channel(first, bank.n_seen - 1, lead)
        expected = float(candidate.responses[lead])
        smooth = self._scratch[: len(values)]
        outcome = int(flanks.find_flanks(values, centre - first, width, expected, smooth, self._found))
        if outcome != flanks.FOUND:
            return outcome, None
        onset, apex, offset, height = (float(self._found[k]) for k in range(4))
        score = float(candidate.scores[lead])
        smallest, largest = (share * abs(expected) for share in HEIGHT_SHARES)
        if not max(self._height_min, smallest) <= height <= largest or any(
            self._is_part_of(seen, lead, expected > 0.0, first + onset, first + apex, height, score)
            for seen in self._reported
        ):
            return outcome, None
        if self._is_one_of_many(lead, first + apex, height):
            return outcome, None
        if SIGNALS[lead].region != "eyes" and self._is_the_head(
            lead, first + onset, first + apex, first + offset, candidate.scale
        ):
            return outcome, None
        regions, movements, side = name_movement(candidate, bank)
        movement = Movement(
            lead,
            expected > 0.0,
            first + onset,
            first + apex,
            first + offset,
            height,
            score,
            regions,
            movements,
            side,
        )
        return outcome, movement

    def _is_part_of(
        self,
        seen: Movement,
        lead: int,
        rises: bool,
        onset: float,
        apex: float,
        height: float,
        score: float,
    ) -> bool:
        """Whether a movement is a reported one again, or the trough between that one and the next."""
        if GROUP_OF[seen.lead] != GROUP_OF[lead]:
            return False
        if seen.rises == rises:
            return seen.onset <= apex <= seen.offset
        turns_back = seen.onset < onset < 0.5 * (seen.apex + seen.offset)
        return turns_back and height < TROUGH * seen.height and score < TROUGH * seen.score

    def _is_one_of_many(self, lead: int, apex: float, height: float) -> bool:
        """Whether the lower face was going to and fro as far already, as in speech or chewing."""
        if GROUP_OF[lead] != _LOWER_FACE:
            return False
        if self._n_reversals(lead, apex, ROW_S, height) >= ROW_REVERSALS:
            return True
        return any(
            self._n_reversals(signal, apex, OPENING_S, height) >= OPENING_REVERSALS for signal in _OPENINGS
        )

    def _is_the_head(self, lead: int, onset: float, apex: float, offset: float, scale: int) -> bool:
        """Whether the whole face moved as a rigid thing, which the pose has missed."""
        bank = self.bank
        first, last = max(int(onset), bank.first_kept), min(int(offset) + 1, bank.n_seen - 1)
        values = bank.window(first, last, range(N_SIGNALS))
        return rigid_share(values, lead, round(apex) - first, bank.noise_miod(scale)) > EXPLAINED_MOST

    def _n_reversals(self, signal: int, apex: float, seconds: float, height: float) -> int:
        """How often a signal turned round, by a good part of `height`, in the time before an apex."""
        bank, last = self.bank, int(apex)
        begin = max(last - round(seconds * bank.rate_hz), bank.first_kept)
        values = bank.channel(begin, last, signal)
        noise = min(ROW_SIGMA * float(bank.noise_miod(0)[signal]), ROW_NOISE_MAX_MIOD)
        n_reversals: int = flanks.count_reversals(values, np.float32(max(ROW_SHARE * height, noise)))
        return n_reversals


def name_movement(candidate: Candidate, bank: PulseBank) -> tuple[tuple[str, ...], tuple[str, ...], Side]:
    """Regions, movements (strongest first) and side of all signals that moved with the lead."""
    lead = candidate.lead
    width, centre = bank.n_core[candidate.scale], bank.centre(candidate.scale, candidate.sample)
    sizes = np.abs(candidate.responses)
    joined = []
    for signal in range(N_SIGNALS):
        if candidate.scores[signal] < JOIN_THRESHOLD * bank.limits[cluster.THRESHOLD, signal]:
            continue
        scale = int(candidate.scales[signal])
        apart = abs(bank.centre(scale, int(candidate.samples[signal])) - centre)
        near = apart <= max(width, bank.n_core[scale]) / 2 + 2
        if signal == lead or (near and sizes[signal] >= JOIN_RESPONSE * sizes[lead]):
            joined.append(signal)
    joined.sort(key=lambda signal: -float(sizes[signal]))
    names = [
        SIGNALS[signal].rise if candidate.responses[signal] > 0 else SIGNALS[signal].fall for signal in joined
    ]
    regions = {SIGNALS[signal].region for signal in joined}
    by_side = {
        side: max((float(sizes[s]) for s in joined if SIGNALS[s].side == side), default=0.0)
        for side in ("left", "right")
    }
    side: Side = "both"
    if by_side["left"] > ONE_SIDED * by_side["right"]:
        side = "left"
    elif by_side["right"] > ONE_SIDED * by_side["left"]:
        side = "right"
    return tuple(r for r in REGIONS if r in regions), tuple(dict.fromkeys(names)), side
