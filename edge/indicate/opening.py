"""Opens what the settings name: lights, buzzer, marker pin and button, each through its own driver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from edge.config import IndicateConfig
from edge.errors import IndicateError
from edge.indicate.button import Button
from edge.indicate.gestures import Gesture
from edge.indicate.indicator import Indicator, IndicatorGroup, NullIndicator
from edge.indicate.patterns import BUZZER, LED, Language, marker
from edge.indicate.pins import parse_pins
from edge.indicate.player import Display, Light, LightDisplay, Player
from edge.indicate.quiet import QuietHours, minute_of_day
from edge.timing import LatencyHistogram


def open_light(setting: str, brightness_percent: int = 100, what: str = "the LED") -> Light:
    """The light on the pins that a setting names, as in `parse_pins`; `what` it is, for errors.

    Raises
    ------
    DeviceAbsent, IndicateError, MissingExtra
    """
    pins = parse_pins(setting)
    if not pins.chip:
        from edge.indicate.gpio import GpioLight

        return GpioLight(pins.numbers, brightness_percent, what)
    if brightness_percent < 100:
        raise IndicateError(
            f"expected pins that can be dimmed for indicate.brightness_percent = {brightness_percent}, "
            f"{setting} can only be switched; set it to 100, or use gpio:N"
        )
    from edge.indicate.lines import LineLight

    return LineLight(pins.chip, pins.numbers)


def open_indicator(
    config: IndicateConfig,
    progress: Callable[[], str] = str,
    names_cues: bool = True,
    latency: LatencyHistogram | None = None,
) -> Indicator:
    """All that shows cues: marker pin, LED or terminal, buzzer; each on a thread of its own.

    `led = "auto"` is a pin on a Raspberry Pi, else the terminal.

    Parameters
    ----------
    config : IndicateConfig
    progress : callable
        Says how far the session is, for the terminal's line.
    names_cues : bool, optional
        Whether the terminal says what moved; else it pulses and counts, as an LED does.
    latency : LatencyHistogram, optional
        Filled with how long after a cue the first of them has changed: the marker pin, if there is one.

    Raises
    ------
    DeviceAbsent, IndicateError, MissingExtra
    """
    is_quiet = _quiet(config.quiet_hours)
    with ExitStack() as opened:
        members: list[Indicator] = []

        def add(member: Indicator) -> None:
            members.append(member)
            opened.callback(member.close)

        def play(display: Display, shows_cues: bool = True) -> None:
            add(Player(display, latency=latency if shows_cues and not members else None))

        def play_on(setting: str, language: Language, what: str) -> None:
            play(
                LightDisplay(
                    open_light(setting, what=what), language, is_quiet if language is BUZZER else _never
                )
            )

        if config.marker:
            play_on(config.marker, marker(config.marker_ms), "the marker")
        if config.led != "none":
            play(_open_led(config, is_quiet, progress, names_cues), config.led_cues)
        if config.buzzer:
            play_on(config.buzzer, BUZZER, "the buzzer")
        opened.pop_all()
    indicator = _together(members)
    for player in players_of(indicator):
        player.start()
    return indicator


def players_of(indicator: Indicator) -> tuple[Player, ...]:
    """The threads behind an indicator."""
    if isinstance(indicator, IndicatorGroup):
        return tuple(player for member in indicator.members for player in players_of(member))
    return (indicator,) if isinstance(indicator, Player) else ()


def _together(members: Sequence[Indicator]) -> Indicator:
    if len(members) == 1:
        return members[0]
    return IndicatorGroup(members) if members else NullIndicator()


def open_button(setting: str, act: Callable[[Gesture, int], None]) -> Button:
    """The button on the pin that a setting names, telling its gestures from now on.

    Raises
    ------
    DeviceAbsent, IndicateError, MissingExtra
    """
    pins = parse_pins(setting)
    if pins.chip:
        from edge.indicate.lines import LineSwitch

        return Button(partial(LineSwitch, pins.chip, pins.numbers[0]), act).start()
    from edge.indicate.gpio import GpioSwitch

    return Button(partial(GpioSwitch, pins.numbers[0]), act).start()


def _open_led(
    config: IndicateConfig, is_quiet: Callable[[], bool], progress: Callable[[], str], names_cues: bool
) -> Display:
    led = config.led
    if led == "auto":
        from edge.indicate.gpio import DEFAULT_PIN, pin_factory_name

        led = f"gpio:{DEFAULT_PIN}" if pin_factory_name() else "terminal"
    if led == "terminal":
        from edge.indicate.terminal import TerminalDisplay

        return TerminalDisplay(progress=progress, names_cues=names_cues)
    return LightDisplay(open_light(led, config.brightness_percent), LED, is_quiet, config.led_cues)


def _quiet(setting: str) -> Callable[[], bool]:
    if not setting:
        return _never
    hours = QuietHours.parse(setting)
    return lambda: hours.contains(minute_of_day())


def _never() -> bool:
    return False
