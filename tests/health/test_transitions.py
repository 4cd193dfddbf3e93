"""What is logged of a stream of readings."""

from __future__ import annotations

from edge.health.transitions import Transitions


def news_of(name, values):
    transitions = Transitions()
    return [transitions.news({name: value}) for value in values]


def test_the_first_reading_is_news_and_the_same_again_is_not():
    assert news_of("undervoltage", [False, False, True, True, False]) == [
        {"undervoltage": 0.0},
        {},
        {"undervoltage": 1.0},
        {},
        {"undervoltage": 0.0},
    ]


def test_a_temperature_is_news_when_its_level_changes_and_not_when_it_trembles_at_a_limit():
    values = [25.0, 20.0, 9.9, 10.1, 9.8, 12.9, 13.1, 4.0, -1.0, 2.0, 20.0]
    told = [bool(news) for news in news_of("headroom_c", values)]
    assert told == [True, False, True, False, False, False, True, True, True, False, True]


def test_of_rows_that_wait_more_is_worse():
    told = [bool(news) for news in news_of("rows_waiting", [0, 400, 600, 400, 100, 5000])]
    assert told == [True, False, True, False, True, True]


def test_what_is_not_known_is_no_news_and_no_change():
    assert news_of("throttled", [None, True, None, True]) == [{}, {"throttled": 1.0}, {}, {}]
