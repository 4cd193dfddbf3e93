"""Stopping by signal, by hand and by time; and no core dumps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from edge.service import StopRequest, is_journalled


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_asks_to_stop_and_says_which(number):
    with StopRequest() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(5.0)
        assert stop.is_set()
    assert stop.reason == signal.Signals(number).name


def test_second_ctrl_c_interrupts_as_usual():
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        stop.wait(5.0)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_handlers_are_put_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        stop.wait(5.0)
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_handlers_are_put_back_after_an_error():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyError), StopRequest():
        raise KeyError
    assert signal.getsignal(signal.SIGTERM) == before


def test_duration_is_counted_from_entering():
    clock = iter([100.0, 109.9, 110.0])
    with StopRequest(10.0, now=lambda: next(clock)) as stop:
        assert not stop.is_set()
        assert stop.is_set()
    assert stop.reason == "duration reached"


def test_no_duration_is_without_end():
    with StopRequest(0.0, now=lambda: 1e12) as stop:
        assert not stop.is_set()


def test_first_reason_is_kept():
    with StopRequest() as stop:
        stop.stop("camera unplugged")
        stop.stop("SIGTERM")
    assert stop.reason == "camera unplugged"


def test_stopping_works_outside_the_main_thread():
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def run():
        with StopRequest() as stop:
            seen.append(signal.getsignal(signal.SIGINT) == before)
            stop.stop()
            seen.append(stop.wait(5.0))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [True, True]


def test_core_dumps_are_off_for_good():
    program = (
        "import resource; from edge.service import forbid_core_dumps;"
        "print(forbid_core_dumps(), resource.getrlimit(resource.RLIMIT_CORE))"
    )
    # in a process of its own: the limit cannot be taken back
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout.split(maxsplit=1) == ["True", "(0, 0)\n"]


def test_the_journal_is_told_by_its_stream_and_not_by_a_name_that_was_inherited():
    status = os.fstat(2)
    assert is_journalled({"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
    assert not is_journalled({"JOURNAL_STREAM": "8:1"})
    assert not is_journalled({})


def test_process_that_ends_at_once_searches_for_nothing_at_its_end():
    program = (
        "import gc, atexit; from edge.service import end_at_once; gc.collect(); "
        "atexit.register(lambda: print(gc.get_freeze_count() > 1000)); end_at_once()"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "True\n"
