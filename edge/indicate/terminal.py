"""The indicator where there is no LED: one line at the bottom of the terminal.

On a terminal the line blinks with the LED's own rhythm and always says the state in a word; in a
pipe or a log file there is one line for each cue and nothing else.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from typing import TextIO

from edge.errors import IndicateError
from edge.indicate.indicator import State
from edge.indicate.patterns import Colour
from edge.indicate.sequencer import Sequencer
from edge.messages import Cue

_BETWEEN_VISITORS = (State.ASKING, State.DELETABLE, State.DELETED)
_CLEAR_LINE = "\r\x1b[K"
_PROGRESS_NS = 500_000_000  # how old the progress may be, where no change of light is due before


def describe(cue: Cue) -> str:
    """A cue in one short line: what moved, on which side, how long, how far."""
    return f"{_moved(cue)}, {_figures(cue, 'both sides' if cue.side == 'both' else cue.side)}"


def describe_within(cue: Cue, n_columns: int) -> str:
    """As `describe`, with only as many movements as fit; the numbers stay, then the first movement."""
    if len(describe(cue)) <= n_columns:
        return describe(cue)
    figures = _figures(cue, cue.side)
    for n_named in range(len(cue.movements) - 1, 0, -1):
        moved = " + ".join(cue.movements[:n_named]).replace("_", " ")
        text = f"{moved} +{len(cue.movements) - n_named}, {figures}"
        if len(text) <= n_columns:
            return text
    return figures if len(figures) <= n_columns else ""


def _moved(cue: Cue) -> str:
    return " + ".join(cue.movements).replace("_", " ") or "+".join(cue.regions)


def _figures(cue: Cue, side: str) -> str:
    return f"{side}, {cue.duration_ms:.0f} ms, {cue.amplitude_miod:.0f} miod"


class TerminalDisplay:
    """Draws on a text stream.

    Parameters
    ----------
    stream : TextIO, optional
        Standard error by default, so that standard output stays for results.
    colours : bool, optional
        By default wherever the stream is a terminal and NO_COLOR is not set.
    progress : callable, optional
        Asked at every drawing for how far the session is, such as "0:12 of 1:00".
    names_cues : bool, optional
        Whether to say what moved; False where others read along, as at a kiosk and in its journal.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        colours: bool | None = None,
        progress: Callable[[], str] = lambda: "",
        names_cues: bool = True,
    ) -> None:
        self._names_cues = names_cues
        self._progress = progress
        self._stream = sys.stderr if stream is None else stream
        self._is_terminal = self._stream.isatty()
        self._has_colours = not os.environ.get("NO_COLOR") if colours is None else colours
        self._sequencer = Sequencer()
        self._n_cues = 0
        self._last: Cue | None = None
        self._state = State.OFF
        self._line = ""
        self._unwritten = ""  # lines for a pipe

    def show(self, state: State) -> None:
        """Change the word and its rhythm; who is asked next sees nothing of the one before."""
        self._state = state
        if state in _BETWEEN_VISITORS:
            self._n_cues, self._last = 0, None
        self._sequencer.show(state)

    def cue(self, cue: Cue) -> None:
        """Pulse and say what moved."""
        self._n_cues += 1
        self._sequencer.cue()
        if self._names_cues:
            self._last = cue
            self._unwritten += f"cue: {describe(cue)}\n"

    def marked(self) -> None:
        """Flash."""
        self._sequencer.marked()

    def draw(self, now_ns: int) -> int | None:
        """Draw the line again where it changes; in a pipe, print the cues that came."""
        if not self._is_terminal:
            self._write(self._unwritten)
            return None
        colour, until_ns = self._sequencer.colour(now_ns)
        line = self._text(colour)
        if line != self._line:
            self._line = line
            self._write(_CLEAR_LINE + line)
        if not self._progress():
            return until_ns
        soon_ns = now_ns + _PROGRESS_NS
        return soon_ns if until_ns is None else min(until_ns, soon_ns)

    def close(self) -> None:
        """Leave the terminal with an empty line."""
        if self._line:
            self._line = ""
            self._write(_CLEAR_LINE)

    def _text(self, colour: Colour) -> str:
        once = not self._sequencer.playing.repeats
        word = self._sequencer.showing if once else self._state.value
        counted = f"{self._n_cues} cue{'' if self._n_cues == 1 else 's'}"
        far = self._progress()
        rest = f" {word:<9} " + (f"{far}  " if far else "") + counted
        room = shutil.get_terminal_size().columns - 2
        if self._last:
            lead = "   last: " if len(rest) + len(describe(self._last)) + 9 <= room else "   "
            last = describe_within(self._last, room - len(rest) - len(lead))
            rest += lead + last if last else ""
        return self._dot(colour) + rest[:room]

    def _dot(self, colour: Colour) -> str:
        dot = "●" if any(colour) else "○"
        red, green, blue = colour
        code = 30 + red + 2 * green + 4 * blue  # the order of the eight ANSI colours
        return f"\x1b[{code}m{dot}\x1b[0m" if self._has_colours and any(colour) else dot

    def _write(self, text: str) -> None:
        self._unwritten = ""
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            raise IndicateError(
                f"expected to write the indicator's line, the system says: {error}"
            ) from error
