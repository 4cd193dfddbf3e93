"""Draws `docs/images/wiring.svg`: LEDs, button, marker pin and buzzer on a Raspberry Pi's header.

python tools/draw_wiring.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.sax.saxutils import escape

OUTPUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "wiring.svg"
WIDTH, HEIGHT = 960, 590
LEFT, TOP, STEP = 470, 70, 25  # of pin 1; the odd pins are the left column
# physical pin to what it is, as pinout.xyz and raspberrypi.com name them
NAMES = {
    1: "3V3", 2: "5V", 3: "GPIO 2", 4: "5V", 5: "GPIO 3", 6: "GND", 7: "GPIO 4", 8: "GPIO 14", 9: "GND",
    10: "GPIO 15", 11: "GPIO 17", 12: "GPIO 18", 13: "GPIO 27", 14: "GND", 15: "GPIO 22", 16: "GPIO 23",
    17: "3V3", 18: "GPIO 24", 19: "GPIO 10", 20: "GND", 21: "GPIO 9", 22: "GPIO 25", 23: "GPIO 11",
    24: "GPIO 8", 25: "GND", 26: "GPIO 7", 27: "ID", 28: "ID", 29: "GPIO 5", 30: "GND", 31: "GPIO 6",
    32: "GPIO 12", 33: "GPIO 13", 34: "GND", 35: "GPIO 19", 36: "GPIO 16", 37: "GPIO 26", 38: "GPIO 20",
    39: "GND", 40: "GPIO 21",
}  # fmt: skip
RED, BLUE, GREEN, BROWN, BLACK = "#c0392b", "#2456a6", "#2e7d32", "#8d5a2b", "#333333"


def main() -> int:
    """Draw."""
    parts = [*led(), *button(), *marker(), *buzzer(), *camera_light(), *notes(), *header()]
    style = "font-family='DejaVu Sans, Verdana, sans-serif' font-size='13'"
    OUTPUT.write_text(
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' {style}>\n"
        "<title>LEDs, button, marker pin and buzzer on a Raspberry Pi's header</title>\n"
        f"<rect width='{WIDTH}' height='{HEIGHT}' fill='white'/>\n" + "\n".join(parts) + "\n</svg>\n",
        encoding="utf-8",
    )
    return 0


def place(pin: int) -> tuple[float, float]:
    """Middle of a physical pin."""
    return LEFT + STEP * ((pin + 1) % 2), TOP + STEP * ((pin - 1) // 2)


def header() -> list[str]:
    """The 40 pins with their names; those in use stand out."""
    used = {9, 11, 12, 14, 15, 18, 20, 25, 29, 39}
    x, y = LEFT - STEP / 2, TOP - STEP / 2
    parts = [
        text(LEFT + STEP / 2, 30, "the 40 pins; pin 1 is the corner nearest the card", "middle"),
        f"<rect x='{x}' y='{y}' width='{2 * STEP}' height='{20 * STEP}' rx='4' fill='#222'/>",
    ]
    for pin, name in NAMES.items():
        px, py = place(pin)
        left = pin % 2 == 1
        colour = "#f4d35e" if pin in used else "#9a9a9a"
        parts.append(f"<circle cx='{px}' cy='{py}' r='7' fill='{colour}'/>")
        parts.append(text(px, py + 3, str(pin), "middle", size=8))
        if pin not in used:
            parts.append(
                text(px + (-18 if left else 18), py + 4, name, "end" if left else "start", "#999", size=10)
            )
    return parts


def led() -> list[str]:
    """Pin 11 through a resistor to the LED and back to pin 9."""
    (x, y), (gx, gy) = place(11), place(9)
    return [
        text(20, 62, "LED, its long leg towards the resistor", "start", weight="bold"),
        text(20, 80, 'GPIO 17 (pin 11), GND (pin 9): led = "auto"', "start"),
        wire(BLACK, (95, 138), (95, 110), (330, 110), (330, gy), (gx, gy)),
        f"<line x1='80' y1='138' x2='110' y2='138' stroke='{RED}' stroke-width='2'/>",
        f"<polygon points='80,162 110,162 95,138' fill='#ffe08a' stroke='{RED}'/>",
        wire(RED, (95, 162), (95, y), (150, y)),
        *resistor(150, y, "330 Ω"),
        wire(RED, (205, y), (x, y)),
    ]


def marker() -> list[str]:
    """Pin 15 through an optocoupler to another instrument, and back to pin 25."""
    (x, y), (gx, gy) = place(15), place(25)
    return [
        text(20, 232, "marker pin, for EEG and eye trackers", "start", weight="bold"),
        wire(GREEN, (x, y), (330, y), (330, 275), (265, 275)),
        *resistor(210, 275, "470 Ω"),
        wire(GREEN, (210, 275), (120, 275)),
        f"<rect x='50' y='255' width='70' height='75' fill='#eef6ee' stroke='{GREEN}'/>",
        text(85, 288, "opto-", "middle"),
        text(85, 304, "coupler", "middle"),
        wire(BLACK, (120, 312), (390, 312), (390, gy), (gx, gy)),
        wire(GREEN, (50, 275), (20, 275)),
        wire(GREEN, (50, 312), (20, 312)),
        text(20, 352, 'GPIO 22 (pin 15), GND (pin 25): marker = "gpio:22"', "start"),
        text(20, 370, "To the instrument's trigger input; no ground shared", "start"),
        text(20, 388, "with a person who wears electrodes.", "start"),
    ]


def button() -> list[str]:
    """Between pin 29 and pin 39."""
    (x, y), (gx, gy) = place(29), place(39)
    return [
        text(20, 440, "button, no resistor", "start", weight="bold"),
        text(20, 458, 'GPIO 5 (pin 29), GND (pin 39): button = "gpio:5"', "start"),
        wire(BLUE, (x, y), (390, y), (390, 500), (190, 500)),
        f"<rect x='110' y='480' width='80' height='40' rx='6' fill='#dfe8f5' stroke='{BLUE}'/>",
        f"<circle cx='150' cy='500' r='13' fill='{BLUE}'/>",
        wire(BLACK, (110, 500), (80, 500), (80, gy), (gx, gy)),
    ]


def buzzer() -> list[str]:
    """Pin 12 and pin 14."""
    (x, y), (gx, gy) = place(12), place(14)
    return [
        text(620, 80, "active buzzer of 3.3 V, below 10 mA", "start", weight="bold"),
        text(620, 98, "GPIO 18 (pin 12), GND (pin 14):", "start"),
        text(620, 116, 'buzzer = "gpio:18"', "start"),
        wire(BROWN, (x, y), (680, y)),
        wire(BLACK, (gx, gy), (620, gy), (620, 260), (710, 260), (710, 230)),
        f"<circle cx='710' cy='{y + 5}' r='30' fill='#f3e9dd' stroke='{BROWN}'/>",
        text(690, y + 5, "+", "middle"),
        text(714, y + 9, "buzzer", "middle", size=10),
    ]


def camera_light() -> list[str]:
    """Pin 18 through a resistor to a second LED and back to pin 20."""
    (x, y), (gx, gy) = place(18), place(20)
    return [
        wire(RED, (x, y), (600, y), (600, 325), (640, 325)),
        *resistor(640, 325, "330 Ω"),
        wire(RED, (695, 325), (790, 325), (790, 345)),
        f"<polygon points='775,345 805,345 790,369' fill='#ffe08a' stroke='{RED}'/>",
        f"<line x1='775' y1='369' x2='805' y2='369' stroke='{RED}' stroke-width='2'/>",
        wire(BLACK, (790, 369), (790, 395), (580, 395), (580, gy), (gx, gy)),
        text(620, 422, "camera light, which a kiosk must have", "start", weight="bold"),
        text(620, 440, "GPIO 24 (pin 18), GND (pin 20):", "start"),
        text(620, 458, 'camera_led = "gpio:24"', "start"),
    ]


def notes() -> list[str]:
    """What holds for all of it."""
    lines = (
        "But for the LED, all of it may be left out.",
        "GPIO pins carry 3.3 V, a few milliamperes:",
        "no motor, no lamp, no LED without its",
        "resistor, and nothing of 5 V.",
    )
    return [text(620, 506 + 18 * k, line, "start") for k, line in enumerate(lines)]


def resistor(x: float, y: float, value: str) -> list[str]:
    """One of 55 px, with its value above."""
    box = f"<rect x='{x:g}' y='{y - 8:g}' width='55' height='16' fill='#e8d5b5' stroke='{BROWN}'/>"
    return [box, text(x + 27, y - 14, value, "middle")]


def wire(colour: str, *points: tuple[float, float]) -> str:
    """A wire with corners."""
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='2.5'/>"


def text(
    x: float, y: float, words: str, anchor: str, colour: str = "#111", size: int = 13, weight: str = "normal"
) -> str:
    """Words at a place."""
    return (
        f"<text x='{x:g}' y='{y:g}' text-anchor='{anchor}' fill='{colour}' font-size='{size}' "
        f"font-weight='{weight}'>{escape(words)}</text>"
    )


if __name__ == "__main__":
    sys.exit(main())
