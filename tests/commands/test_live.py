"""`microcue live`: what it shows on terminals of any size, what its keys do, and where no run is."""

from __future__ import annotations

import json
import os
import pty
import threading

import numpy as np
import pytest

from edge.anatomy import N_CHANNELS
from edge.cli import main
from edge.clock import boottime_ns
from edge.commands import live as command
from edge.commands.context import Context
from edge.commands.keys import Keys
from edge.commands.live_display import Screen, drawn, lines_of, plain_line
from edge.config import Config
from edge.health.loop import LoopVitals
from edge.health.state_file import StateFile
from edge.indicate.indicator import State
from edge.live.file import LiveFile, LiveReader
from edge.live.history import History
from edge.live.publisher import LivePublisher
from edge.live.values import LiveValues
from edge.live.wishes import WISH_NAME
from edge.messages import Blink, Cue, SourceInfo, Trace
from edge.record.lock import DataDirLock

INFO = SourceInfo("scripted", 640, 480, 100.0, "sensor", True)
CUE = Cue(
    **{"face": 0, "kind": "micro", "onset_ns": 10**9, "apex_ns": 11 * 10**8, "offset_ns": 12 * 10**8},
    **{"onset_frame": 100, "apex_frame": 110, "offset_frame": 120, "duration_error_ms": 10.0},
    **{"regions": ("brow",), "movements": ("inner_brow_raise", "brow_lower"), "side": "left"},
    **{"amplitude_miod": 12.0, "score": 9.0, "expected_false_per_hour": 0.1, "head_motion_miod_s": 3.0},
    **{"fps": 100.0, "dropped_frames": 0, "during_blink": True, "during_speech": False, "lighting": "ok"},
)


class PlayedRun:
    """A run's side of the channel, without a camera."""

    def __init__(self, data_dir):
        self.values = LiveValues(3)
        self.file = LiveFile({"RUNTIME_DIRECTORY": str(data_dir)})
        self.publisher = LivePublisher(self.values, self.file)
        self.lock, self.state = DataDirLock(data_dir), StateFile(data_dir)
        self.state.write({"live_file": str(self.file.path)})

    def watch(self):
        """Two seconds of a face, a cue and a blink."""
        self.values.begin("20260101-000000-abcd", INFO, LoopVitals())
        self.values.want(True)
        self.values.show(State.WATCHING)
        begin_ns = boottime_ns() - 2_000_000_000
        for frame in range(200):
            codes = np.full(N_CHANNELS, 100 * (frame == 150), np.int16)
            points = np.zeros((3, 2), np.int16)
            self.values.add_trace(Trace(0, frame, begin_ns + frame * 10_000_000, codes, points))
        self.values.hear(1.5, CUE)
        self.values.hear(1.7, Blink(0, 0, 1, 2, "both"))
        self.publisher.publish()

    def close(self):
        self.publisher.close()
        self.state.close()
        self.lock.release()


@pytest.fixture
def run(tmp_path):
    """A run that shows itself in a folder."""
    played = PlayedRun(tmp_path)
    yield played
    played.close()


@pytest.fixture
def look(run, tmp_path):
    """Somebody who looks at it."""
    reader = LiveReader(tmp_path)
    run.publisher.publish()
    yield command.Look(Context(Config(), tmp_path), reader, 4.0)
    reader.close()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 24), (20, 10), (200, 60), (1, 1), (80, 4)])
@pytest.mark.parametrize("has_blocks", [True, False])
def test_lines_fit_any_terminal(run, look, width, height, has_blocks):
    run.watch()
    look.see()
    lines = lines_of(look.screen, width, height, has_blocks)
    assert 0 < len(lines) <= height
    assert max(len(text) for text, _ in lines) <= width
    if not has_blocks:
        assert all(text.isascii() for text, _ in lines)
    assert drawn(lines).plain.count("\n") == len(lines) - 1


def test_the_screen_says_state_rate_counts_traces_and_events(run, look):
    run.watch()
    look.see()
    text = "\n".join(line for line, _ in lines_of(look.screen, 90, 40))
    assert "watching  100.0 of 100 frames/s  1 micro, 0 macro, 1 blinks" in text
    assert "20260101-000000-abcd" in text
    assert "micro: inner brow raise + brow lower, left, 200 ms, 12.0 miod, during blink" in text
    assert text.index("blink") < text.index("micro: inner")  # the newest first
    brow = next(line for line, _ in lines_of(look.screen, 90, 40) if line.startswith("brow   L"))
    assert "█" in brow or "▃" in brow
    assert "p pause" in text


def test_what_is_too_long_for_a_narrow_terminal_goes_on_below(run, look):
    run.watch()
    look.see()
    told = " ".join(line.strip() for line, _ in lines_of(look.screen, 40, 60))
    assert "micro: inner brow raise + brow lower, left, 200 ms, 12.0 miod, during blink" in told


def test_a_pipe_gets_a_line(run, look):
    run.watch()
    look.see()
    assert plain_line(look.screen).startswith(
        "watching; 100.0 frames/s; 1 micro, 0 macro, 1 blinks; farthest:"
    )
    run.values.end()
    run.values.show(State.PAUSED)
    run.publisher.publish()
    look.see()
    assert plain_line(look.screen) == "paused"


def test_m_takes_words_and_marks_from_when_it_was_pressed(run, look, monkeypatch):
    marked = []
    monkeypatch.setattr("edge.record.annotate.mark_now", lambda *given: marked.append(given) or ("one", 3.0))
    run.watch()
    look.see()
    before_ns = boottime_ns()
    look.press("m")
    after_ns = boottime_ns()
    look.press("askex\x7fd p")
    assert "mark: asked p_" in "\n".join(line for line, _ in lines_of(look.screen, 80, 24))
    look.press("\r")
    ((_, words, at_ns),) = marked
    assert words == "asked p"
    assert before_ns <= at_ns <= after_ns
    assert look.screen.said == "marked at 3.0 s"


def test_escape_sets_no_mark_and_what_goes_wrong_is_said_on_the_screen(run, look):
    look.press("mq\x1b")
    assert look.screen.typed is None
    assert not look.has_quit
    look.press("mword\r")
    assert "no session is being recorded" in look.screen.said


def test_p_wishes_a_pause_and_then_to_go_on(run, look, tmp_path):
    run.watch()
    look.see()
    look.press("p")
    assert json.loads((tmp_path / WISH_NAME).read_text())["pause"] is True
    run.values.end()
    run.values.show(State.PAUSED)
    run.publisher.publish()
    look.see()
    assert "p go on" in "\n".join(line for line, _ in lines_of(look.screen, 80, 24))
    look.press("p")
    assert json.loads((tmp_path / WISH_NAME).read_text())["pause"] is False
    look.press("q")
    assert look.is_over


def test_a_run_that_shows_nothing_new_is_said_to_be_silent(run, look, monkeypatch):
    run.watch()
    monkeypatch.setattr(command, "boottime_ns", lambda: boottime_ns() + 10**10)
    look.see()
    assert "the run has shown nothing for 10 s" in lines_of(look.screen, 80, 24)[0][0]


def test_json_lines_have_state_and_values(run, look, tmp_path, capsys):
    run.watch()
    assert main(["live", "--data", str(tmp_path), "--json", "--duration", "0.8"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert told["state"] == "watching"
    assert told["n_micro"] == 1
    assert len(told["values"]) == N_CHANNELS


def test_it_ends_with_the_run(run, tmp_path, capsys):
    threading.Timer(0.3, run.file.close).start()
    assert main(["live", "--data", str(tmp_path)]) == 0
    assert "The run has ended." in capsys.readouterr().out


def test_where_no_run_goes_on_it_says_so(tmp_path, capsys):
    assert main(["live", "--data", str(tmp_path)]) == 69
    assert "start microcue run" in capsys.readouterr().err


def test_keys_come_one_by_one_and_arrows_are_left_out():
    master, slave = pty.openpty()
    keys = Keys(slave)
    os.write(master, "mü\n".encode())
    assert keys.typed(5.0) == "mü\n"
    os.write(master, b"\x1b[A\n")
    assert keys.typed(5.0) == ""
    assert keys.typed(0.0) == ""
    os.close(master)
    os.close(slave)


def test_a_screen_without_anything_says_so():
    assert "nothing yet" in lines_of(Screen(History(1.0)), 80, 24)[0][0]
