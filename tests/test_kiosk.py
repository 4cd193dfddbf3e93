"""Who may be watched at a kiosk and until when, in virtual time; and that a withdrawal deletes."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from edge.config import Config, with_overrides
from edge.errors import ConfigError
from edge.indicate.gestures import HOLD_NS, Gesture
from edge.indicate.indicator import State
from edge.indicate.recorded import RecordedIndicator
from edge.kiosk import DOUBTFUL, LEFT, NOBODY_CAME, TIME_IS_UP, WITHDRAWN, Kiosk, WithdrawalWatch, check_kiosk
from edge.messages import SessionInfo, SourceInfo
from edge.record import visitors
from edge.record.errors import SalvagePending
from edge.record.forget import participants
from edge.record.people import add_consent, consents_of, withdraw_consent
from edge.record.recorder import Recorder
from edge.record.visitors import admit, read_consent_text
from edge.service import StopRequest
from edge.session_control import DURATION_REACHED

SECOND_NS = 10**9
TEXT = "We keep movements of your face, and no picture."


class VirtualTime(StopRequest):
    """A clock that only waiting moves; things happen when their time has come, and the end at its own."""

    def __init__(self, end_s=100.0):
        super().__init__()
        self.now_ns = 0
        self.todo = [(end_s, self.stop)]

    def at(self, seconds, do):
        """Do something when so much time has passed from the beginning."""
        self.todo.append((seconds, do))

    def wait(self, timeout_s):
        self.now_ns += round(timeout_s * SECOND_NS)
        due = [one for one in self.todo if one[0] * SECOND_NS <= self.now_ns]
        self.todo = [one for one in self.todo if one not in due]
        for _, do in due:
            do()
        return self.is_set()


class SeenPerson:
    """What a kiosk asks of its finder."""

    def __init__(self):
        self.seen_ns = None
        self.is_doubtful = False


@pytest.fixture
def time():
    """Virtual time."""
    return VirtualTime()


@pytest.fixture
def config(tmp_path):
    """A kiosk's settings, its text in a file."""
    (tmp_path / "consent.txt").write_text(TEXT, encoding="utf-8")
    return with_overrides(
        Config(),
        {
            "session": {"mode": "kiosk"},
            "kiosk": {"consent_text": str(tmp_path / "consent.txt"), "grace_s": 30.0},
            "indicate": {"camera_led": "gpio:22"},
        },
    )


@pytest.fixture
def data_dir(tmp_path):
    """Where the log is."""
    return tmp_path / "data"


@pytest.fixture
def recorder(data_dir, config):
    """A log without sessions."""
    recorder = Recorder.open(data_dir, config.record, 3)
    yield recorder
    recorder.close()


@pytest.fixture
def indicator(time):
    """Remembers what it showed."""
    return RecordedIndicator(lambda: time.now_ns)


@pytest.fixture
def person():
    """Not seen yet."""
    return SeenPerson()


@pytest.fixture
def kiosk(config, data_dir, recorder, indicator, time, person):
    """Asking."""
    return Kiosk(config, data_dir, recorder, indicator, time, person, lambda: time.now_ns)


@pytest.fixture
def press(kiosk, time):
    """Presses the button at some second."""
    return lambda seconds: time.at(seconds, lambda: kiosk.act(Gesture.PRESS, time.now_ns))


@pytest.fixture
def hold(kiosk, time):
    """Holds the button from some second on."""
    return lambda seconds: time.at(seconds + 2, lambda: kiosk.act(Gesture.HOLD, time.now_ns))


@pytest.fixture
def visit(kiosk, recorder):
    """Has the visitor's session take place; gives their code."""

    def take_place(reason=LEFT):
        turn = kiosk.next_turn()
        source = SourceInfo("a camera", 64, 48, 30.0, "sensor", live=False)
        recorder.start_session(SessionInfo(source, turn.session.participant), 5, None, True)
        recorder.end_session(reason, 1)
        assert recorder.flush(10.0)
        kiosk.ended(reason)
        return turn.session.participant

    return take_place


@pytest.fixture
def told(kiosk):
    """What the kiosk said went on."""
    told = []
    kiosk._tell = told.append
    return told


def states(indicator):
    return [state for _, state in indicator.states]


def test_nobody_is_watched_before_a_press_and_then_under_a_new_code(kiosk, press, time, indicator, data_dir):
    press(7.0)
    turn = kiosk.next_turn()
    assert time.now_ns == pytest.approx(7 * SECOND_NS, abs=SECOND_NS // 5)
    assert states(indicator) == [State.ASKING]
    code = turn.session.participant
    assert re.fullmatch(r"K-0001-[a-z]{4}", code)
    (consent,) = consents_of(data_dir, code)
    assert consent.agreed == ("signals", "traces")
    assert consent.text == TEXT
    assert consent.text_version == f"sha256:{hashlib.sha256(TEXT.encode()).hexdigest()}"


def test_without_a_press_nobody_is_ever_watched(kiosk, time, data_dir):
    assert kiosk.next_turn() is None
    assert time.now_ns >= 100 * SECOND_NS
    assert participants(data_dir) == []


def test_a_press_agrees_to_no_more_than_the_settings_keep(config, kiosk, recorder, press, data_dir):
    kiosk._config = with_overrides(config, {"record": {"signals": False}})
    press(1.0)
    turn = kiosk.next_turn()
    assert consents_of(data_dir, turn.session.participant)[0].agreed == ("traces",)


def test_a_press_that_began_before_the_light_asked_is_nobodys_consent(kiosk, time):
    kiosk.act(Gesture.PRESS, -1)
    assert kiosk.next_turn() is None


def test_each_visitor_has_a_code_and_settings_of_their_own(kiosk, visit, press, time, data_dir):
    press(1.0)
    first = visit()
    press(3.0)
    second = visit()
    assert first != second
    assert second.startswith("K-0002-")
    assert participants(data_dir) == [first, second]


def test_somebody_admitted_by_a_command_or_page_is_watched_within_their_own_consent(
    kiosk, time, data_dir, config
):
    text = read_consent_text(Path(config.kiosk.consent_text))
    time.at(2.0, lambda: admit(data_dir, ("traces",), text))
    turn = kiosk.next_turn()
    assert turn.session.participant == participants(data_dir)[0]
    assert not kiosk._recorder._config.signals
    kiosk.ended(LEFT)
    time.at(4.0, lambda: admit(data_dir, ("signals", "traces"), text))
    withdraw_consent(data_dir, turn.session.participant)
    kiosk.next_turn()
    assert kiosk._recorder._config.signals


def test_somebody_who_agreed_long_ago_is_not_watched_any_more(kiosk, time, data_dir, config, monkeypatch):
    code = admit(data_dir, (), read_consent_text(Path(config.kiosk.consent_text)))
    at_ns = consents_of(data_dir, code)[0].at_unix_ns
    monkeypatch.setattr(visitors.time, "time_ns", lambda: at_ns + visitors.WAITING_NS + 1)
    assert kiosk.next_turn() is None


def test_a_visit_ends_when_nobody_comes_or_the_person_leaves_or_the_time_is_up(kiosk, person, press):
    press(1.0)
    kiosk.next_turn()
    begin_ns = 50 * SECOND_NS
    assert kiosk.why_end(begin_ns) == ""
    assert kiosk.why_end(begin_ns + 20 * SECOND_NS) == ""
    assert kiosk.why_end(begin_ns + 21 * SECOND_NS) == NOBODY_CAME
    person.seen_ns = begin_ns + 30 * SECOND_NS
    assert kiosk.why_end(begin_ns + 35 * SECOND_NS) == ""
    assert kiosk.why_end(begin_ns + 36 * SECOND_NS) == LEFT
    person.seen_ns = begin_ns + 900 * SECOND_NS
    assert kiosk.why_end(begin_ns + 899 * SECOND_NS) == ""
    assert kiosk.why_end(begin_ns + 900 * SECOND_NS) == TIME_IS_UP
    person.is_doubtful = True
    assert kiosk.why_end(begin_ns) == DOUBTFUL


def test_a_new_visit_is_timed_anew(kiosk, person, press, visit):
    press(1.0)
    visit()
    press(3.0)
    kiosk.next_turn()
    assert kiosk.why_end(10**6 * SECOND_NS) == ""


def test_a_press_during_a_visit_marks_and_a_hold_ends_it(kiosk, press, indicator):
    press(1.0)
    kiosk.next_turn()
    kiosk.act(Gesture.PRESS, 77)
    assert (kiosk.next_mark_ns(), kiosk.next_mark_ns()) == (77, None)
    assert kiosk.why_end(0) == ""
    kiosk.act(Gesture.HOLD, 99)
    assert kiosk.next_mark_ns() is None
    assert kiosk.why_end(0) == WITHDRAWN
    assert len(indicator.marks) == 3


def test_a_hold_during_a_visit_deletes_it_before_anybody_else_is_asked(
    kiosk, press, visit, indicator, data_dir
):
    press(1.0)
    kiosk._withdrawal.begin = lambda _code: setattr(kiosk._withdrawal, "is_asked", True)
    visit(WITHDRAWN)
    assert participants(data_dir) == []
    assert states(indicator) == [State.ASKING, State.OFF, State.DELETED]


def test_a_visitor_who_stops_can_still_delete(kiosk, press, visit, indicator, data_dir):
    press(1.0)
    kiosk.pause(True)  # before the visit: nobody's
    kiosk.next_turn()
    assert kiosk.why_end(0) == ""
    kiosk.pause(True)
    kiosk.pause(False)
    assert kiosk.why_end(0) == "stopped by the visitor"
    kiosk.ended("stopped by the visitor")
    assert states(indicator)[-1] is State.DELETABLE
    assert len(participants(data_dir)) == 1


def test_a_hold_within_the_grace_deletes_the_visit_that_ended(kiosk, press, hold, visit, indicator, data_dir):
    press(1.0)
    code = visit()
    assert states(indicator)[-1] is State.DELETABLE
    hold(10.0)
    assert kiosk.next_turn() is None
    assert participants(data_dir) == []
    told = [State.ASKING, State.DELETABLE, State.OFF, State.DELETED, State.ASKING]
    assert states(indicator) == told
    assert code.encode() not in b"".join(path.read_bytes() for path in data_dir.iterdir())


@pytest.mark.parametrize(("hold_s", "stays"), [(29.5, False), (33.0, True)])
def test_a_hold_counts_where_it_began_before_the_grace_was_over(
    kiosk, press, hold, visit, data_dir, hold_s, stays
):
    press(1.0)
    code = visit()
    hold(hold_s)
    assert kiosk.next_turn() is None
    assert participants(data_dir) == ([code] if stays else [])
    assert HOLD_NS == 2 * SECOND_NS


def test_while_a_visit_is_deleted_and_after_it_nothing_is_said_of_a_visit(kiosk, press, visit, told):
    press(1.0)
    kiosk._withdrawal.begin = lambda _code: setattr(kiosk._withdrawal, "is_asked", True)
    visit(WITHDRAWN)
    assert told == ["deleting", "waiting"]


def test_the_next_visitor_cannot_delete_the_one_before(kiosk, press, visit, data_dir):
    press(1.0)
    first = visit()
    press(3.0)
    kiosk.next_turn()
    kiosk.act(Gesture.HOLD, 10 * SECOND_NS)
    kiosk.next_mark_ns()
    kiosk.ended(WITHDRAWN)
    kiosk.next_turn()
    assert participants(data_dir) == [first]


def test_a_withdrawal_that_a_power_cut_came_before_is_kept_at_the_next_start(
    config, data_dir, recorder, indicator, time, person, press, visit
):
    press(1.0)
    code = visit()
    withdraw_consent(data_dir, code)
    started = Kiosk(config, data_dir, recorder, indicator, time, person, lambda: time.now_ns)
    assert started.next_turn() is None
    assert participants(data_dir) == []


def test_nobody_is_asked_while_what_has_to_be_deleted_cannot_be(
    kiosk, press, visit, indicator, time, data_dir, monkeypatch
):
    press(1.0)
    code = visit()
    withdraw_consent(data_dir, code)
    before_ns = time.now_ns

    def forget_visitors(recorder, data_dir, codes):
        if time.now_ns < before_ns + 5 * SECOND_NS:
            raise SalvagePending(data_dir / "a damaged log")
        return visitors.forget_visitors(recorder, data_dir, codes)

    monkeypatch.setattr("edge.kiosk.forget_visitors", forget_visitors)
    assert kiosk.next_turn() is None
    assert participants(data_dir) == []
    assert states(indicator)[-4:] == [State.OFF, State.FAULT, State.DELETED, State.ASKING]


def test_people_who_are_no_visitors_are_never_deleted_by_themselves(kiosk, data_dir):
    add_consent(data_dir, "P07", (), "1")
    withdraw_consent(data_dir, "P07")
    assert kiosk.next_turn() is None
    assert participants(data_dir) == ["P07"]


def test_a_command_s_withdrawal_is_seen_while_the_visit_goes_on(data_dir, config, recorder):
    code = admit(data_dir, (), read_consent_text(Path(config.kiosk.consent_text)))
    watch = WithdrawalWatch(data_dir)
    watch.begin(code)
    withdraw_consent(data_dir, code)
    watch._thread.join(30.0)
    assert watch.end()
    watch.begin("K-0009-else")
    assert not watch.end()


def test_a_long_hold_ends_the_kiosk(kiosk, time):
    time.at(3.0, lambda: kiosk.act(Gesture.LONG_HOLD, time.now_ns))
    assert kiosk.next_turn() is None
    assert time.reason == "ended by the button"


def test_the_kiosk_ends_with_the_duration_it_was_given(kiosk, press, visit):
    press(1.0)
    visit(DURATION_REACHED)
    press(3.0)
    assert kiosk.next_turn() is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"indicate": {"camera_led": ""}}, "indicate.camera_led is empty"),
        ({"perceive": {"faces": 2}}, "perceive.faces is 2"),
        ({"session": {"participant": "P07"}}, "code for each visitor"),
        ({"record": {"pictures": True}}, "keeps no pictures"),
        ({"kiosk": {"consent_text": ""}}, "kiosk.consent_text is empty"),
        ({"kiosk": {"consent_text": "/nowhere"}}, "No such file"),
    ],
)
def test_settings_under_which_somebody_could_be_watched_unasked_are_refused(config, change, words):
    with pytest.raises(ConfigError, match=words):
        check_kiosk(with_overrides(config, change), is_open=False)


def test_a_camera_that_is_open_already_is_refused_and_a_recording_needs_no_light(config):
    with pytest.raises(ConfigError, match="found an open one"):
        check_kiosk(config, is_open=True)
    check_kiosk(
        with_overrides(config, {"indicate": {"camera_led": ""}, "capture": {"camera": "demo"}}), is_open=False
    )


@pytest.mark.parametrize(("content", "found"), [(b" \n", "nothing"), (b"\xff\xfe\x00", "no UTF-8")])
def test_a_text_that_says_nothing_is_refused(tmp_path, content, found):
    (tmp_path / "text").write_bytes(content)
    with pytest.raises(ConfigError, match=found):
        read_consent_text(tmp_path / "text")


def test_another_word_is_another_version(tmp_path):
    for name, text in (("one", TEXT), ("other", TEXT + "!")):
        (tmp_path / name).write_text(text)
    assert read_consent_text(tmp_path / "one").version != read_consent_text(tmp_path / "other").version
