"""A pin as the emulated GPIO chip tells of it, and as the board's kernel does, by the board's clock."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

LED_LINE = 4  # as guest/boot/firmware/microcue.toml has it
# QEMU's trace of its PL061: what the pin outside does
_CHIP = re.compile(r"^(?:\S+:)?pl061_set_output \S+ setting output (\d+) to ([01])$", re.MULTILINE)
# the kernel's tracepoint gpio_value, which counts lines from the chip's base
_KERNEL = re.compile(r" (\d+\.\d+): gpio_value: (\d+) set ([01])$", re.MULTILINE)
# edge/indicate/patterns.py lights a cue for 400 ms and nothing else for 300 to 480
CUE_LIT_S = (0.3, 0.48)


class Change(NamedTuple):
    """The level that a pin took, and when by the board's clock, s."""

    at_s: float
    level: int


def levels_outside(line: int, trace: str) -> list[int]:
    """The levels that the emulated chip put on a line; what was put on it again is left out."""
    levels = (int(level) for number, level in _CHIP.findall(trace) if int(number) == line)
    return [level for level, _ in itertools.groupby(levels)]


def changes_inside(gpio: int, trace: str) -> list[Change]:
    """Every change of a line's level that the board's kernel made; what was written again is none."""
    written = [
        (float(at_s), int(level)) for at_s, number, level in _KERNEL.findall(trace) if int(number) == gpio
    ]
    return [Change(*next(same)) for _, same in itertools.groupby(written, key=lambda change: change[1])]


def n_cue_pulses(changes: Sequence[Change]) -> int:
    """How often a pin was lit for as long as a cue is shown."""
    shortest_s, longest_s = CUE_LIT_S
    pairs = itertools.pairwise(changes)
    return sum(on.level == 1 and shortest_s <= off.at_s - on.at_s <= longest_s for on, off in pairs)
