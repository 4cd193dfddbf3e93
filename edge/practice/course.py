"""Practice as it goes: the next clip, what was said of it, what was right; kept from day to day."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import UsageError
from edge.practice.answers import Answer, add_answer, answers_of
from edge.practice.clip import FPS, SIZE_PX, Clip, clip_of
from edge.practice.score import Score, by_day, score_of
from edge.practice.staircase import Staircase
from edge.practice.trial import DURATIONS_MS, REGIONS, SIDES, Trial, draw_trial
from edge.synth.portrait import Portrait


@dataclass(frozen=True, slots=True)
class _Shown:
    number: int
    trial: Trial
    clip: Clip


class Course:
    """One person's practice, one clip at a time; safe to use from several threads.

    Parameters
    ----------
    data_dir : Path
        Where answers are kept.
    who : str
        A code, never a name.
    portrait : Portrait
    rng : numpy Generator, optional
    now_s : callable, optional
        The wall clock, s.

    Raises
    ------
    MissingExtra, AnswersUnreadable
    """

    def __init__(
        self,
        data_dir: Path,
        who: str,
        portrait: Portrait,
        rng: np.random.Generator | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self.who = who
        self._data_dir, self._portrait, self._now_s = data_dir, portrait, now_s
        # tells one photograph from another; a file's name may be a person's
        self._photograph = hashlib.sha256(portrait.luma.tobytes()).hexdigest()[:12]
        self._rng = rng if rng is not None else np.random.default_rng()
        self._answers = answers_of(data_dir, who)
        self._staircase = Staircase(self._answers)
        self._shown: _Shown | None = None
        self._n_shown = 0
        self._turn = threading.Lock()

    def next_clip(self) -> dict[str, Any]:
        """Draw the next clip; what a page needs to play it, and nothing of what is right."""
        with self._turn:
            trial = draw_trial(*self._staircase.next(), self._rng)
            clip = clip_of(trial, self._portrait)
            self._n_shown += 1
            self._shown = _Shown(self._n_shown, trial, clip)
            return {"number": self._n_shown, "n_frames": clip.n_frames, "fps": FPS, "size_px": SIZE_PX}

    def picture(self, number: int) -> bytes | None:
        """The pictures of the clip that is shown, as PNG; None for any other."""
        shown = self._shown
        return shown.clip.png if shown is not None and shown.number == number else None

    def answer(self, number: int, said_moved: bool, region: str, side: str, n_skipped: int) -> dict[str, Any]:
        """Take in what was said of the clip that is shown, once; what was right, for the replay.

        Raises
        ------
        UsageError
            It is of another clip, or no answer.
        AnswersUnreadable
            It could not be kept; the clip can be answered again.
        """
        if said_moved and (region not in REGIONS or side not in SIDES):
            raise UsageError("an answer says where and on which side; choose both")
        with self._turn:
            shown = self._shown
            if shown is None or shown.number != number:
                raise UsageError("the answer is of another clip than the one that is shown; take the next")
            given = (said_moved, region if said_moved else "", side if said_moved else "", n_skipped)
            answer = Answer(shown.trial, *given, round(self._now_s(), 3), self.who, self._photograph)
            add_answer(self._data_dir, answer)
            self._shown = None
            self._answers.append(answer)
            self._staircase.take(answer)
        return _feedback(answer, shown.clip)

    def score(self) -> Score:
        """Of all answers so far."""
        return score_of(self._answers)

    def days(self) -> dict[str, Score]:
        """Of each day, the newest first."""
        return by_day(self._answers)

    def thresholds(self) -> dict[float, tuple[float, float, float] | None]:
        """For each duration (ms), where about two thirds are seen, miod: middle, low, high; None of few."""
        return {duration_ms: self._staircase.threshold_miod(duration_ms) for duration_ms in DURATIONS_MS}


def _feedback(answer: Answer, clip: Clip) -> dict[str, Any]:
    trial = answer.trial
    return {
        "is_still": trial.is_still,
        "region": trial.region,
        "side": trial.side,
        "amplitude_miod": round(trial.amplitude_miod, 1),
        "duration_ms": trial.duration_ms,
        "onset_frame": round(trial.onset_s * FPS),
        "offset_frame": round((trial.onset_s + trial.duration_ms / 1000) * FPS),
        "is_detection_right": answer.said_moved is not trial.is_still,
        "is_region_right": answer.is_region_right,
        "is_side_right": answer.is_side_right,
        "is_fair": answer.is_fair,
        "points": np.round(clip.points, 2).tolist(),
        "lines": clip.lines,
        "moved": clip.moved,
    }
