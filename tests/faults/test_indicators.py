"""Faults of lights and pins, as their rows in docs/faults.md say."""

from __future__ import annotations

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from edge import app
from edge.errors import IndicateError
from edge.indicate import gpio, opening
from edge.indicate.indicator import IndicatorGroup
from edge.indicate.player import LightDisplay, Player
from edge.indicate.recorded import RecordedLight


@pytest.mark.fault(
    fault="LED missing",
    injected="a machine without pins, and `--led gpio:17`",
    light="dark",
    says="expected GPIO pins 17 for the LED, this machine has none that gpiozero can drive",
    ends=69,
    then="nothing is watched without the light that was asked for; `--led auto` takes the terminal instead",
)
def test_without_the_light_that_was_asked_for_nothing_is_watched(world, monkeypatch, as_its_row_says):
    monkeypatch.setattr(app, "open_indicator", opening.open_indicator)
    monkeypatch.setattr(gpio, "pin_factory_name", lambda: "")
    as_its_row_says("--led", "gpio:17")


@pytest.mark.fault(
    fault="GPIO busy",
    injected="the pin is held already (gpiozero's stand-in for a board)",
    light="dark",
    says="expected free GPIO pins 17 for the LED",
    ends=74,
    then="nothing is watched; systemd starts the service again, until the pin is free",
)
def test_a_pin_that_is_held_is_refused_with_a_sentence(world, monkeypatch, as_its_row_says):
    factory = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    monkeypatch.setattr(app, "open_indicator", opening.open_indicator)
    holder = gpiozero.LED(17)
    as_its_row_says("--led", "gpio:17")
    holder.close()
    factory.reset()


@pytest.fixture
def lit(world, monkeypatch):
    """The run's LED, on a real thread; its `refusals` are raised in turn."""
    light = RecordedLight(lambda: 0)
    player = Player(LightDisplay(light))
    group = IndicatorGroup([player, world.indicator])
    monkeypatch.setattr(app, "open_indicator", lambda *_: (player.start(), group)[1])
    return light, player


@pytest.mark.fault(
    fault="LED breaks while watching",
    injected="the pin refuses to be switched",
    light="as before",
    says="",
    ends="goes on",
    then="watching goes on; refusals are counted in the log and in `microcue status`; "
    "the pin is tried again each second",
)
def test_a_light_that_breaks_stops_nothing(world, lit, as_its_row_says):
    light, player = lit

    def break_it():
        light._refusals.extend([IndicateError("the pin is gone")] * 1000)
        player.marked()
        world.until(lambda: player.n_refused and world.health._before is not None)
        world.health.look()

    world.when(30, break_it)
    as_its_row_says()
    assert max(world.health_rows("indicator_refusals")) >= 1


@pytest.mark.fault(
    fault="LED's thread killed",
    injected="an exception is raised in the thread",
    light="watching",
    says="expected the indicator thread to run, it had ended; it is started again",
    ends="goes on",
    then="the health thread starts it again within 5 s, with the state that holds; counted in the log",
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_light_s_thread_is_started_again(world, lit, as_its_row_says):
    _, player = lit

    def kill():
        dead = player._thread
        world.kill(dead)
        player.marked()  # wakes it
        world.until(lambda: player._thread is not dead and player.is_alive)

    world.when(30, kill)
    as_its_row_says()
    assert max(world.health_rows("threads_revived")) == 1
