"""Which colour the light has at a given time: patterns turned into changes, without a thread."""

from __future__ import annotations

from edge.indicate.indicator import State
from edge.indicate.patterns import DARK, LED, STATES, Colour, Language, Pattern

# One movement gives one cue and cues are apart by the refractory period, so more than this many
# waiting pulses would only show the past; the rest is counted instead.
N_PULSES_WAITING_MAX = 3


class Sequencer:
    """Plays one pattern at a time; a cue goes before any state, and before the answer to a button.

    A cue during another's pulse is played after it, so that two cues are seen as two.
    `n_cues_merged` counts the cues that found too many waiting.
    """

    def __init__(self, language: Language = LED) -> None:
        self.n_cues_merged = 0
        self._language = language
        self._state = State.OFF
        self._pattern: Pattern = STATES[State.OFF]
        self._begin_ns: int | None = None  # of the pattern; None until first asked for a colour
        self._n_waiting = 0
        self._mark_waits = False

    @property
    def playing(self) -> Pattern:
        """The pattern being played."""
        return self._pattern

    @property
    def showing(self) -> str:
        """Its name."""
        return self._pattern.name

    def show(self, state: State) -> None:
        """Change the state; what is played once is played to its end first."""
        if state is self._state:
            return
        self._state = state
        if self._pattern.repeats:
            self._play_state()

    def cue(self) -> None:
        """Show a cue, at once unless another is being shown."""
        if self._pattern is not self._language.cue:
            self._play(self._language.cue)
        elif self._n_waiting < N_PULSES_WAITING_MAX:
            self._n_waiting += 1
        else:
            self.n_cues_merged += 1

    def marked(self) -> None:
        """Answer a press of the button, after what is being played once."""
        if self._language.marked is None:
            return
        if self._pattern.repeats:
            self._play(self._language.marked)
        else:
            self._mark_waits = True

    def colour(self, now_ns: int) -> tuple[Colour, int | None]:
        """The colour now, and until when it holds.

        Parameters
        ----------
        now_ns : int, ns
            Of any clock that never goes back; the same one each time.

        Returns
        -------
        colour : Colour
        until_ns : int or None
            When to ask again, later than `now_ns`; None where nothing changes by itself.
        """
        while True:
            if self._begin_ns is None:
                self._begin_ns = now_ns
            if not self._pattern.steps_ms:
                return DARK, None
            length_ns = sum(round(step * 1e6) for step in self._pattern.steps_ms)
            elapsed_ns = now_ns - self._begin_ns
            if self._pattern.repeats or elapsed_ns < length_ns:
                return self._colour_at(self._begin_ns, elapsed_ns // length_ns * length_ns, now_ns)
            self._play_what_waits()

    def _colour_at(self, begin_ns: int, whole_rounds_ns: int, now_ns: int) -> tuple[Colour, int]:
        until_ns = begin_ns + whole_rounds_ns
        is_on = False
        for step_ms in self._pattern.steps_ms:
            is_on = not is_on
            until_ns += round(step_ms * 1e6)
            if now_ns < until_ns:
                break
        return (self._pattern.colour if is_on else DARK), until_ns

    def _play_what_waits(self) -> None:
        if self._n_waiting:
            self._n_waiting -= 1
            self._play(self._language.cue)
        elif self._mark_waits and self._language.marked is not None:
            self._mark_waits = False
            self._play(self._language.marked)
        else:
            self._play_state()

    def _play_state(self) -> None:
        self._play(self._language.states.get(self._state, STATES[State.OFF]))

    def _play(self, pattern: Pattern) -> None:
        self._pattern = pattern
        self._begin_ns = None
