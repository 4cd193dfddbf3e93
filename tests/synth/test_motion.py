import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.synth.motion import Script, Speech, Sway, profile
from edge.synth.plan import Happening, Plan, SceneSettings


@given(st.floats(0, 1), st.floats(0, 1), st.floats(-0.5, 2.5))
def test_a_profile_stays_between_zero_and_one_and_is_zero_outside(rise, hold, t_s):
    happening = Happening("movement", 0.5, 1.0, 1.0, rise * (1 - hold), hold)
    value = profile(t_s, happening)
    assert 0 <= value <= 1
    if not 0.5 < t_s < 1.5:
        assert value == 0


def test_an_asymmetric_profile_peaks_at_its_rise_fraction_and_follows_a_raised_cosine():
    happening = Happening("movement", 2.0, 0.4, 1.0, rise_fraction=0.25)
    assert happening.apex_s == pytest.approx(2.1)
    assert profile(2.1, happening) == pytest.approx(1.0)
    assert profile(2.05, happening) == pytest.approx(0.5)
    assert profile(2.25, happening) == pytest.approx(0.5)


def test_a_hold_keeps_the_apex():
    happening = Happening("turn", 0.0, 1.0, 6.0, rise_fraction=0.3, hold_fraction=0.4)
    assert [profile(t, happening) for t in (0.31, 0.5, 0.69)] == [1.0, 1.0, 1.0]


def test_speech_moves_the_jaw_three_to_six_times_a_second(rng):
    speech = Speech.draw(Happening("speech", 1.0, 10.0, 80.0), rng)
    jaw = np.array([speech.amplitudes(t)[0] for t in np.arange(1.0, 11.0, 0.005)])
    peaks = np.sum((jaw[1:-1] > jaw[:-2]) & (jaw[1:-1] >= jaw[2:]) & (jaw[1:-1] > 10))
    assert 25 <= peaks <= 75
    assert 50 < jaw.max() < 130
    assert speech.amplitudes(0.99) == (0.0, 0.0, 0.0)
    assert speech.amplitudes(11.01) == (0.0, 0.0, 0.0)


def test_a_floor_keeps_the_mouth_open_between_syllables_but_not_before_and_after():
    planned, times_s = Happening("speech", 1.0, 3.0, 80.0), np.arange(0.9, 4.1, 0.005)
    shut, ajar = (Speech.draw(planned, np.random.default_rng(3), floor) for floor in (0.0, 0.4))
    jaws = [np.array([speech.amplitudes(t)[0] for t in times_s]) for speech in (shut, ajar)]
    within = (times_s > 1.2) & (times_s < 3.6)
    assert jaws[0][within].min() < 12
    assert jaws[1][within].min() > 30
    assert jaws[1].max() < 110
    assert jaws[1][times_s < 1.0].max() == 0
    assert ajar.amplitudes(4.01) == (0.0, 0.0, 0.0)


def test_sway_has_the_spread_that_was_asked_for(rng):
    settings = SceneSettings(sway_miod=30, turn_sway_deg=1.5, pulse_miod=0)
    motion = np.array([Sway.draw(settings, rng).at(t) for t in np.linspace(0, 3000, 500)])
    spread = np.array([Sway.draw(settings, rng).at(777.0) for _ in range(400)]).std(axis=0)
    np.testing.assert_allclose(spread[[0, 3]], [30, 1.5], rtol=0.2)
    assert np.abs(motion).max() < 200


def test_the_heartbeat_nods_the_head_at_its_own_rate(rng):
    sway = Sway.draw(SceneSettings(sway_miod=0, turn_sway_deg=0, pulse_miod=4, pulse_hz=1.25), rng)
    t_s = np.arange(0, 8, 0.01)
    y = np.array([sway.at(t)[1] for t in t_s])
    spectrum = np.abs(np.fft.rfft(y))
    assert np.fft.rfftfreq(len(y), 0.01)[spectrum.argmax()] == pytest.approx(1.25)
    assert 3 < np.abs(y).max() < 5


def test_a_blink_pulls_the_brow_a_little_and_only_on_its_side():
    plan = Plan((Happening("blink", 0, 1, 1.0, side="left"),), SceneSettings(blink_leak_miod=6))
    script = Script(plan)
    assert (script.closure(0.5, "left"), script.closure(0.5, "right")) == (1.0, 0.0)
    moved = script.amplitudes(0.5)
    assert moved["inner_brow_raise", "left"] == -6
    assert not any(side == "right" for _, side in moved)


def test_movements_of_one_kind_add_up():
    twice = tuple(Happening("movement", 0, 1, 10.0, movement="dimple", side="left") for _ in range(2))
    assert Script(Plan(twice)).amplitudes(0.5) == {("dimple", "left"): pytest.approx(20.0)}
