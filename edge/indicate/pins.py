"""Which pins a setting names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pins:
    """Pins of a board.

    Attributes
    ----------
    numbers : tuple of int
        BCM numbers, or lines of a GPIO chip. One, or three for red, green and blue.
    chip : str
        Such as "/dev/gpiochip0"; empty where the numbers are BCM numbers.
    """

    numbers: tuple[int, ...]
    chip: str = ""


def parse_pins(setting: str) -> Pins:
    """Read "gpio:17", "rgb:17,27,22", "gpiod:0:85" or "gpiod:0:85,86,87".

    The settings' own patterns have refused everything else before.
    """
    kind, _, rest = setting.partition(":")
    chip = ""
    if kind == "gpiod":
        number, _, rest = rest.partition(":")
        chip = f"/dev/gpiochip{int(number)}"
    return Pins(tuple(int(one) for one in rest.split(",")), chip)
