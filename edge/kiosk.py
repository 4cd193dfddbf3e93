"""Kiosk mode: nobody is watched who has not agreed, and whoever has can take it back on the spot.

    asking --press, or admitted by a command or page--> a visit: camera open, one session, one new code
      ^                                                   | the person left, time is up, withdrawn, in doubt
      |                                                   v
      +--grace over, or deleted-- deletable: camera closed; a hold deletes, a press is the next visitor's

A withdrawn consent is written down first and deleted then, so that a power cut in between loses no
wish: the next start deletes before it asks anybody.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path

from edge.capture.spec import parse_camera
from edge.clock import boottime_ns
from edge.config import Config, with_overrides
from edge.errors import ConfigError, RecordError
from edge.health.state_file import DELETING
from edge.indicate.gestures import HOLD_NS, Gesture
from edge.indicate.indicator import Indicator, State
from edge.perceive.same_person import SamePerson
from edge.record.errors import SalvagePending
from edge.record.people import withdraw_consent
from edge.record.recorder import Recorder
from edge.record.visitors import admit, forget_visitors, kept_by, read_consent_text, wishes
from edge.service import StopRequest
from edge.session_control import DURATION_REACHED, LOOK_S

log = logging.getLogger(__name__)

LEFT = "the person left"
NOBODY_CAME = "nobody came"
TIME_IS_UP = "the time is up"
STOPPED = "stopped by the visitor"
WITHDRAWN = "consent withdrawn"
DOUBTFUL = "it may have become another person"
_LOG_LOOK_NS = 500_000_000  # each look opens the log: a millisecond or more on a small board
_DELETED_NS = 4_500_000_000  # one whole round of its pattern
_RETRY_S = 1.0


def is_kiosk(config: Config) -> bool:
    """Whether visitors are watched, one after the other."""
    return config.session.mode == "kiosk"


def check_kiosk(config: Config, is_open: bool) -> None:
    """Refuse settings under which somebody could be watched unasked, or without the camera's light.

    Parameters
    ----------
    config : Config
    is_open : bool
        Whether a camera is open already.

    Raises
    ------
    ConfigError
    """
    if not config.kiosk.consent_text:
        raise ConfigError(
            "kiosk mode expects the text that visitors agree to, kiosk.consent_text is empty; write one "
            "(docs/kiosk.md says what belongs into it) and name its file"
        )
    read_consent_text(Path(config.kiosk.consent_text))
    require_light(config)
    if is_open:
        raise ConfigError(
            "kiosk mode expects a closed camera, found an open one; let it open the camera itself"
        )
    if config.perceive.faces != 1:
        raise ConfigError(
            f"kiosk mode watches one person, perceive.faces is {config.perceive.faces}; set it to 1"
        )
    if config.record.pictures:
        raise ConfigError(
            "kiosk mode keeps no pictures, since a press agrees to none, and record.pictures is true; "
            "set it to false"
        )
    if config.session.participant:
        raise ConfigError(
            "kiosk mode makes a code for each visitor, session.participant names one; leave it out"
        )


def require_light(config: Config) -> None:
    """At a kiosk no camera is opened without its light, by whatever command; raises ConfigError."""
    is_recording = parse_camera(config.capture.camera).kind in ("file", "demo")
    if is_kiosk(config) and not is_recording and not config.indicate.camera_led:
        raise ConfigError(
            "kiosk mode expects a light that shows when the camera is read, indicate.camera_led is empty; "
            'wire one and set it, as camera_led = "gpio:24"'
        )


class Kiosk:
    """Takes turns among visitors: asks, watches one, lets them delete it, asks again.

    The button's gestures count by when the hand did them: a press that began while somebody was watched
    marks that session and is nobody's consent, and a hold that began in time deletes.

    Parameters
    ----------
    config : Config
    data_dir : Path
    recorder : Recorder
    indicator : Indicator
    stop : StopRequest
    person : SamePerson
        The session's finder.
    now_ns : callable, ns
        Sensor time.
    tell : callable
        Given what goes on while a visit is deleted, and after it: the screen beside the kiosk goes by that.
    """

    def __init__(
        self,
        config: Config,
        data_dir: Path,
        recorder: Recorder,
        indicator: Indicator,
        stop: StopRequest,
        person: SamePerson,
        now_ns: Callable[[], int] = boottime_ns,
        tell: Callable[[str], None] = lambda _phase: None,
    ) -> None:
        self._tell = tell
        self._config, self._data_dir, self._recorder = config, data_dir, recorder
        self._indicator, self._stop, self._person, self._now_ns = indicator, stop, person, now_ns
        self._gestures: queue.SimpleQueue[tuple[Gesture, int]] = queue.SimpleQueue()
        self._visitor = ""  # watched now, or last
        self._deletable_until_ns = self._deleted_until_ns = 0
        self._asks_since_ns = now_ns()
        self._began_ns = 0  # the session, by its first frame
        self._is_stopped = False
        self._withdrawal = WithdrawalWatch(data_dir)

    def act(self, gesture: Gesture, at_ns: int) -> None:
        """Take in a gesture; on the button's thread."""
        if gesture is Gesture.LONG_HOLD:
            self._stop.stop("ended by the button")
        elif gesture in (Gesture.PRESS, Gesture.HOLD):
            self._gestures.put((gesture, at_ns))
            self._indicator.marked()

    def pause(self, is_paused: bool) -> None:
        """End the visit and keep it; nobody is watched again without another consent."""
        self._is_stopped = self._is_stopped or is_paused

    def next_turn(self, alive: Callable[[], None] = lambda: None) -> Config | None:
        """Ask until somebody agrees; the settings under which they are watched, or None at the end."""
        self._recorder.look_after()  # also where nobody comes for weeks
        look_ns = 0
        while not self._stop.wait(LOOK_S):
            alive()
            code = None
            if self._now_ns() >= look_ns:
                code, withdrawn = wishes(self._data_dir)
                if withdrawn:
                    self._delete(withdrawn)
                    code = None
                look_ns = self._now_ns() + _LOG_LOOK_NS
            while code is None and not self._gestures.empty():
                gesture, at_ns = self._gestures.get_nowait()
                if gesture is Gesture.HOLD:
                    self._withdraw(at_ns)
                elif at_ns >= self._asks_since_ns:
                    code = self._admit()
            if code is not None:
                return self._begun(code)
            self._indicator.show(self._state())
        return None

    def next_mark_ns(self) -> int | None:
        """Sensor time of a press that came while somebody is watched; a hold withdraws the consent."""
        while not self._gestures.empty():
            gesture, at_ns = self._gestures.get_nowait()
            if gesture is Gesture.PRESS:
                return at_ns
            self._withdrawal.is_asked = True
        return None

    def why_end(self, now_ns: int) -> str:
        """Why the visit is over at this frame; empty while it goes on."""
        kiosk = self._config.kiosk
        self._began_ns = self._began_ns or now_ns
        seen_ns = self._person.seen_ns
        if self._withdrawal.is_asked:
            return WITHDRAWN
        if self._is_stopped:
            return STOPPED
        if self._person.is_doubtful:
            return DOUBTFUL
        if seen_ns is None and now_ns - self._began_ns > kiosk.arrive_s * 1e9:
            return NOBODY_CAME
        if seen_ns is not None and now_ns - seen_ns > kiosk.leave_s * 1e9:
            return LEFT
        return TIME_IS_UP if now_ns - self._began_ns >= kiosk.limit_s * 1e9 else ""

    def ended(self, reason: str) -> None:
        """Let the visitor delete what there is of them, for a while, however the visit ended."""
        if reason == DURATION_REACHED:
            self._stop.stop(reason)
        self._deletable_until_ns = self._now_ns() + int(self._config.kiosk.grace_s * 1e9)
        self._asks_since_ns = self._now_ns()
        if self._withdrawal.end():
            self._withdraw(self._now_ns())
        self._indicator.show(self._state())

    def _begun(self, code: str) -> Config:
        self._visitor, self._is_stopped = code, False
        self._deletable_until_ns = self._deleted_until_ns = self._began_ns = 0
        while not self._gestures.empty():
            self._gestures.get_nowait()
        self._recorder.keep_within_consent(code, is_required=True)
        self._withdrawal.begin(code)
        return with_overrides(self._config, {"session": {"participant": code}})

    def _admit(self) -> str:
        """A press: agrees to the text as it stands now, and to what the settings keep."""
        text = read_consent_text(Path(self._config.kiosk.consent_text))
        return admit(self._data_dir, kept_by(self._config.record), text)

    def _withdraw(self, at_ns: int) -> None:
        """A hold, known at this time: it counts where the hand was down before the grace was over."""
        if self._visitor and at_ns - HOLD_NS <= self._deletable_until_ns:
            withdraw_consent(self._data_dir, self._visitor)
            self._delete([self._visitor])

    def _delete(self, codes: list[str]) -> None:
        """Delete who took the consent back, and ask nobody before that is done."""
        self._indicator.show(State.OFF)
        self._tell(DELETING)
        while True:
            try:
                forget_visitors(self._recorder, self._data_dir, codes)
            except SalvagePending as pending:
                log.warning("%s", pending)
                self._indicator.show(State.FAULT)
                if self._stop.wait(_RETRY_S):
                    return
            else:
                break
        self._visitor, self._deletable_until_ns = "", 0
        self._asks_since_ns = self._now_ns()
        self._deleted_until_ns = self._asks_since_ns + _DELETED_NS
        self._tell("waiting")

    def _state(self) -> State:
        now_ns = self._now_ns()
        if now_ns < self._deleted_until_ns:
            return State.DELETED
        return State.DELETABLE if now_ns < self._deletable_until_ns else State.ASKING


class WithdrawalWatch:
    """Looks, on a thread of its own, whether a command or page withdrew the consent of who is watched.

    Attributes
    ----------
    is_asked : bool
        Set by the thread, or by a hand at the button.
    """

    def __init__(self, data_dir: Path) -> None:
        self.is_asked = False
        self._data_dir = data_dir
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, code: str) -> None:
        """Look out for this visitor."""
        self.is_asked = False
        self._over = threading.Event()
        self._thread = threading.Thread(
            target=self._look, args=(code, self._over), name="withdrawal", daemon=True
        )
        self._thread.start()

    def end(self) -> bool:
        """Look no more; whether the consent was withdrawn."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        return self.is_asked

    def _look(self, code: str, over: threading.Event) -> None:
        while not over.wait(_LOG_LOOK_NS / 1e9) and not self.is_asked:
            try:
                self.is_asked = code in wishes(self._data_dir).withdrawn
            except RecordError as error:  # the writer's own fault is shown; a hand at the button still counts
                log.warning("expected to look for a withdrawal, the log says: %s", error)
