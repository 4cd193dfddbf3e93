"""Relief in virtual time: steps down with patience, back with more, and no see-saw."""

from __future__ import annotations

import pytest

from edge.health.board import BoardReadings
from edge.health.loop import LoopReadings
from edge.health.relief import Relief, ReliefPolicy, Strain, strain_of

CALM = Strain(hot=False, slow="", at_ease=True)
TIRED = Strain(hot=False, slow="", at_ease=False)
HOT = Strain(hot=True, slow="", at_ease=False)
SLOW = Strain(hot=False, slow="losing frames", at_ease=False)


def at(temperature_c, throttled=None):
    return BoardReadings(temperature_c=temperature_c, throttle_c=80.0, throttled=throttled)


@pytest.mark.parametrize(
    ("temperature_c", "hot", "at_ease"),
    [(60, False, True), (70, False, True), (72, False, False), (75, True, False), (90, True, False)],
)
def test_hot_and_cool_are_apart(temperature_c, hot, at_ease):
    strain = strain_of(at(temperature_c), LoopReadings(), 0.0, Relief.NONE)
    assert (strain.hot, strain.at_ease) == (hot, at_ease)


def test_a_processor_that_is_slowed_down_is_hot_whatever_its_temperature():
    assert strain_of(at(40, throttled=True), LoopReadings(), 0.0, Relief.NONE).why == "hot"


def test_a_board_without_a_sensor_is_never_hot():
    assert strain_of(BoardReadings(), LoopReadings(), 0.0, Relief.NONE) == CALM


@pytest.mark.parametrize(
    ("loop", "lost_share", "slow"),
    [
        (LoopReadings(), 0.02, "losing frames"),
        (LoopReadings(busy_share=0.95), 0.0, "behind the camera"),
        (LoopReadings(behind_ms=100.0), 0.0, "behind the camera"),
        (LoopReadings(key_frame_ms=900.0), 0.0, "late with key frames"),
        (LoopReadings(busy_share=0.8, behind_ms=50.0, key_frame_ms=300.0), 0.005, ""),
    ],
)
def test_slow_is_said_with_its_sign(loop, lost_share, slow):
    assert strain_of(BoardReadings(), loop, lost_share, Relief.NONE).slow == slow


@pytest.mark.parametrize(
    ("busy_share", "relief", "at_ease"),
    [
        (0.7, Relief.NONE, True),
        (0.8, Relief.NONE, False),
        (0.7, Relief.HALF_RATE, False),
        (0.35, Relief.HALF_RATE, True),
    ],
)
def test_room_at_half_the_rate_has_to_do_for_all_of_it(busy_share, relief, at_ease):
    assert strain_of(BoardReadings(), LoopReadings(busy_share=busy_share), 0.0, relief).at_ease is at_ease


def played(policy, strain, from_s, to_s, step_s=5):
    """The steps taken while it is like this, with their times."""
    found, before = [], policy.relief
    for now_s in range(from_s, to_s, step_s):
        if (relief := policy.decide(float(now_s), strain)) is not before:
            found.append((now_s, relief))
            before = relief
    return found


def test_slowness_thins_key_frames_first_and_then_lowers_the_rate():
    assert played(ReliefPolicy(), SLOW, 0, 100) == [
        (0, Relief.FEWER_KEY_FRAMES),
        (10, Relief.FEWEST_KEY_FRAMES),
        (20, Relief.HALF_RATE),
    ]


def test_heat_is_given_longer_to_show_what_a_step_did():
    assert played(ReliefPolicy(), HOT, 0, 100) == [
        (0, Relief.FEWER_KEY_FRAMES),
        (30, Relief.FEWEST_KEY_FRAMES),
        (60, Relief.HALF_RATE),
    ]


def test_a_step_that_helps_is_the_last_and_stays_until_there_is_room():
    policy = ReliefPolicy()
    played(policy, SLOW, 0, 10)
    assert policy.relief is Relief.FEWER_KEY_FRAMES
    assert played(policy, TIRED, 10, 1000) == []
    assert played(policy, CALM, 1000, 1200) == [(1060, Relief.NONE)]


def test_each_step_back_waits_a_minute_for_itself():
    policy = ReliefPolicy()
    played(policy, SLOW, 0, 100)
    assert played(policy, CALM, 100, 400) == [
        (160, Relief.FEWEST_KEY_FRAMES),
        (220, Relief.FEWER_KEY_FRAMES),
        (280, Relief.NONE),
    ]


def test_a_moment_of_strain_starts_the_minute_anew():
    policy = ReliefPolicy()
    played(policy, SLOW, 0, 10)
    played(policy, CALM, 10, 60)
    policy.decide(60.0, TIRED)
    assert played(policy, CALM, 65, 200) == [(125, Relief.NONE)]


def test_a_return_that_does_not_last_is_tried_again_later_each_time():
    policy, waits = ReliefPolicy(), []
    now_s = 0.0
    for _ in range(6):
        while policy.decide(now_s, SLOW) is Relief.NONE:
            now_s += 5
        eased_s = now_s
        while policy.decide(now_s, CALM) is not Relief.NONE:
            now_s += 5
        waits.append(now_s - eased_s)
        now_s += 10
    assert waits == [60, 120, 240, 480, 960, 960]


def test_the_words_name_what_is_left_out():
    assert [relief.key_frame_gap_ns for relief in Relief] == [0, 333_000_000, 10**9, 10**9]
    assert len({relief.words for relief in Relief}) == 4
