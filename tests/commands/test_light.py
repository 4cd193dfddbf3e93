"""`microcue light`: what it plays, on which pins, and that it leaves them dark."""

from __future__ import annotations

import pytest

from edge.cli import main
from edge.commands import light
from edge.indicate.indicator import State


class Shown:
    """An indicator that notes what it is told."""

    def __init__(self):
        self.told, self.config = [], None

    def open(self, config):
        self.config = config
        return self

    def show(self, state):
        self.told.append(state)

    def close(self):
        self.told.append("closed")


@pytest.fixture
def shown(monkeypatch):
    """In place of the real light."""
    shown = Shown()
    monkeypatch.setattr(light, "open_indicator", shown.open)
    return shown


def test_every_pattern_is_played_in_turn(shown, capsys):
    assert main(["light", "--duration", "0.01"]) == 0
    assert shown.told == [*State, "closed"]
    assert capsys.readouterr().out.split("\n")[:2] == ["off", "learning"]


def test_one_pattern_is_played_on_the_pins_that_are_named(shown):
    assert main(["light", "no-face", "--duration", "0.01", "--led", "gpio:5"]) == 0
    assert shown.told == [State.NO_FACE, "closed"]
    assert shown.config.led == "gpio:5"


def test_neither_buzzer_nor_marker_is_touched(shown, tmp_path):
    settings = tmp_path / "microcue.toml"
    settings.write_text("[indicate]\nbuzzer = 'gpio:18'\nmarker = 'gpio:22'\nquiet_hours = '00:00-23:59'\n")
    assert main(["light", "fault", "--duration", "0.01", "--config", str(settings)]) == 0
    assert (shown.config.buzzer, shown.config.marker, shown.config.quiet_hours) == ("", "", "")


def test_light_works_with_no_settings_at_all(shown):
    # as the fault's unit asks where the settings themselves are wrong
    assert main(["light", "fault", "--duration", "0.01", "--config", "/dev/null"]) == 0
    assert shown.told == [State.FAULT, "closed"]


def test_pattern_that_is_none_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["light", "disco"])
    assert "invalid choice: 'disco'" in capsys.readouterr().err
