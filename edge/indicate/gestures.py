"""What a hand does with one button: pressed, held, held long. Pure: no thread, no clock, no pin."""

from __future__ import annotations

import enum

# cheap push-buttons bounce for a few milliseconds, worn ones for up to about 20
BOUNCE_NS = 30_000_000
HOLD_NS = 2_000_000_000
LONG_HOLD_NS = 8_000_000_000


class Gesture(enum.Enum):
    """What was done, each at the moment at which it is known."""

    PRESS = "press"  # let go before two seconds; its time is when it went down
    HOLD = "hold"  # down for two seconds, and still down
    LET_GO = "let go"  # after a hold, before it became a long one
    LONG_HOLD = "long hold"  # down for eight seconds


class Gestures:
    """Turns a button's bouncing levels into gestures.

    Parameters
    ----------
    is_down : bool
        At the start. A button that is down then, stuck or shorted, means nothing until it was up once: else
        it would end every start of a service.
    """

    def __init__(self, is_down: bool = False) -> None:
        self._level = self._settled = is_down
        self._level_ns = 0  # since when the level is what it is
        self._down_ns = 0  # when the press began
        self._said = Gesture.LONG_HOLD if is_down else None  # of this press

    def change(self, is_down: bool, at_ns: int) -> list[tuple[Gesture, int]]:
        """Take in that the level changed, bounces and all; what had become certain before comes back.

        Parameters
        ----------
        is_down : bool
        at_ns : int, ns
            Not before that of an earlier call.
        """
        found = self.advance(at_ns)
        if is_down != self._level:
            self._level, self._level_ns = is_down, at_ns
        return found

    def advance(self, now_ns: int) -> list[tuple[Gesture, int]]:
        """What has become certain by now, each with its time, ns."""
        found: list[tuple[Gesture, int]] = []
        is_settled = now_ns - self._level_ns >= BOUNCE_NS
        if self._level and not self._settled and is_settled:
            self._settled, self._down_ns, self._said = True, self._level_ns, None
        if self._settled:
            # while it may be up already, it was down for certain only until it left
            self._count_down((now_ns if self._level else self._level_ns), found)
        if self._settled and not self._level and is_settled:
            self._settled = False
            if self._said is None:
                found.append((Gesture.PRESS, self._down_ns))
            elif self._said is Gesture.HOLD:
                found.append((Gesture.LET_GO, self._level_ns))
        return found

    def due_ns(self) -> int | None:
        """When `advance` should be called at the latest; None: not before the next change."""
        if self._level != self._settled:
            return self._level_ns + BOUNCE_NS
        if self._settled and self._said is None:
            return self._down_ns + HOLD_NS
        if self._settled and self._said is Gesture.HOLD:
            return self._down_ns + LONG_HOLD_NS
        return None

    def _count_down(self, until_ns: int, found: list[tuple[Gesture, int]]) -> None:
        if self._said is None and until_ns - self._down_ns >= HOLD_NS:
            self._said = Gesture.HOLD
            found.append((Gesture.HOLD, self._down_ns + HOLD_NS))
        if self._said is Gesture.HOLD and until_ns - self._down_ns >= LONG_HOLD_NS:
            self._said = Gesture.LONG_HOLD
            found.append((Gesture.LONG_HOLD, self._down_ns + LONG_HOLD_NS))
