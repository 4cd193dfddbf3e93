"""How difficult the next question is: QUEST+ for each duration, from the longest to the shortest.

QUEST+ (Watson 2017, Journal of Vision 17(3):10) keeps a probability for every threshold, slope and share of
lucky and careless answers, and asks for the amplitude from whose answer most is to be learned.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from edge.errors import MissingExtra
from edge.practice.answers import Answer
from edge.practice.trial import DURATIONS_MS

AMPLITUDES_MIOD = tuple(float(one) for one in np.round(10 ** np.linspace(0.3, 2.0, 18), 2))
_LOG_AMPLITUDES = np.log10(AMPLITUDES_MIOD)
_FIRST_LOG = _LOG_AMPLITUDES[-4]  # an easy one: whoever begins sees what is meant
_KNOWN_LOG = 0.12  # a threshold known to within a third goes on to the next duration
_N_MIN, _N_MAX = 6, 16
_N_WARM_UP = 2


class Staircase:
    """Chooses amplitude and duration from all answers so far.

    Parameters
    ----------
    answers : iterable of Answer
        Of earlier days too.

    Raises
    ------
    MissingExtra
    """

    def __init__(self, answers: Iterable[Answer] = ()) -> None:
        try:
            from questplus import QuestPlus
        except ImportError as error:
            raise MissingExtra("practice", "practice") from error
        self._quests: dict[float, Any] = {
            duration_ms: QuestPlus(
                stim_domain={"intensity": _LOG_AMPLITUDES},
                param_domain={
                    "threshold": np.linspace(0.0, 2.2, 45),
                    "slope": np.array([2.0, 4.0]),
                    "lower_asymptote": np.array([0.02, 0.1, 0.2]),
                    "lapse_rate": np.array([0.02, 0.08]),
                },
                outcome_domain={"response": ["seen", "missed"]},
                func="weibull",
                stim_scale="log10",
            )
            for duration_ms in DURATIONS_MS
        }
        self._n = dict.fromkeys(DURATIONS_MS, 0)
        for answer in answers:
            self.take(answer)

    def take(self, answer: Answer) -> None:
        """Learn from an answer; a still clip, or one that stuttered, tells nothing of a threshold."""
        trial = answer.trial
        if trial.is_still or not answer.is_fair or trial.duration_ms not in self._quests:
            return
        nearest = _LOG_AMPLITUDES[np.abs(_LOG_AMPLITUDES - np.log10(trial.amplitude_miod)).argmin()]
        outcome = "seen" if answer.is_region_right else "missed"
        self._quests[trial.duration_ms].update(stim={"intensity": nearest}, outcome={"response": outcome})
        self._n[trial.duration_ms] += 1

    def next(self) -> tuple[float, float]:
        """Amplitude (miod) and duration (ms) to ask next.

        Of the durations it is the first whose threshold is not known yet; where all are, the one asked least.
        """
        open_ones = [one for one in DURATIONS_MS if not self._is_known(one)]
        duration_ms = open_ones[0] if open_ones else min(DURATIONS_MS, key=lambda one: self._n[one])
        if self._n[duration_ms] < _N_WARM_UP:
            return float(10**_FIRST_LOG), duration_ms
        log_amplitude = self._quests[duration_ms].next_stim["intensity"]
        return float(10**log_amplitude), duration_ms

    def threshold_miod(self, duration_ms: float) -> tuple[float, float, float] | None:
        """Where about two thirds are seen.

        Returns
        -------
        (float, float, float) or None, miod
            The middle, and the limits that hold it with 95 %; None of too few answers.
        """
        if self._n[duration_ms] < _N_MIN:
            return None
        logs, share = self._threshold(duration_ms)
        rising = np.cumsum(share)
        return tuple(float(10 ** logs[np.searchsorted(rising, p)]) for p in (0.5, 0.025, 0.975))  # type: ignore[return-value]

    def _is_known(self, duration_ms: float) -> bool:
        n = self._n[duration_ms]
        if not _N_MIN <= n < _N_MAX:
            return n >= _N_MAX
        logs, share = self._threshold(duration_ms)
        middle = (logs * share).sum()
        return bool(np.sqrt(((logs - middle) ** 2 * share).sum()) < _KNOWN_LOG)

    def _threshold(self, duration_ms: float) -> tuple[Any, Any]:
        quest = self._quests[duration_ms]
        share = np.asarray(quest.marginal_posterior["threshold"])
        return np.asarray(quest.param_domain["threshold"]), share / share.sum()
