"""No internet from here: in processes of their own, since what is forbidden stays forbidden."""

from __future__ import annotations

import ast
import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge import confine

CONFINED = """
import ctypes, json, socket, subprocess, sys, threading
begun, confined, seen = threading.Event(), threading.Event(), {}

def earlier():
    begun.set()
    confined.wait()
    seen["earlier thread"] = attempt(socket.AF_INET)

def attempt(family, kind=socket.SOCK_STREAM):
    try:
        socket.socket(family, kind).close()
    except OSError as error:
        return error.errno
    return 0

thread = threading.Thread(target=earlier)
thread.start()
begun.wait()
from edge.confine import confine, refused_families
seen["first"], seen["again"] = confine(), confine()
confined.set()
thread.join()
seen["refused"] = list(refused_families().values())
seen["local"] = [attempt(socket.AF_UNIX), attempt(socket.AF_NETLINK, socket.SOCK_RAW)]
libc = ctypes.CDLL(None, use_errno=True)
seen["ring"] = [libc.syscall(425, 8, 0), ctypes.get_errno()]  # io_uring_setup, on every architecture
code = "import socket, sys\\ntry: socket.socket()\\nexcept OSError as error: sys.exit(error.errno)"
seen["child"] = subprocess.run([sys.executable, "-c", code]).returncode
seen["connecting"] = ""
try:
    socket.create_connection(("127.0.0.1", 9), 1.0)
except OSError as error:
    seen["connecting"] = error.errno
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def confined():
    """What a confined process could and could not do."""
    ended = subprocess.run([sys.executable, "-c", CONFINED], capture_output=True, text=True, check=True)
    return json.loads(ended.stdout)


def test_filter_is_put_in_place_once(confined):
    assert (confined["first"], confined["again"]) == ("", "")


def test_no_socket_leaves_the_machine(confined):
    assert confined["refused"] == [True] * 5
    assert confined["connecting"] == errno.EAFNOSUPPORT


def test_threads_that_were_there_before_are_bound_as_well(confined):
    assert confined["earlier thread"] == errno.EAFNOSUPPORT


def test_children_are_bound_as_well(confined):
    assert confined["child"] == errno.EAFNOSUPPORT


def test_ring_that_makes_sockets_by_itself_is_refused(confined):
    assert confined["ring"] == [-1, errno.ENOSYS]


def test_sockets_within_the_machine_still_open(confined):
    assert confined["local"] == [0, 0]


def test_unconfined_process_is_not_called_confined():
    program = "from edge.confine import refused_families; print(refused_families()[1 + 1])"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--camera", "v4l2:/dev/video99", "--led", "none"],
        ["aim", "--camera", "v4l2:/dev/video99"],
        ["cameras"],
        ["doctor"],
    ],
    ids=lambda words: words[0],
)
def test_commands_that_open_a_camera_are_confined_before_they_do(words, tmp_path):
    program = (
        "import sys; from edge.cli import main; code = main(sys.argv[1:])\n"
        "from edge.confine import refused_families; print(code, all(refused_families().values()))"
    )
    settings = tmp_path / "microcue.toml"
    settings.write_text('[capture]\ncamera = "v4l2:/dev/video99"\n')
    asked = [*words, "--data", str(tmp_path / "data"), "--config", str(settings)]
    ended = subprocess.run(
        [sys.executable, "-c", program, *asked], capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines()[-1].split()[1] == "True", ended.stderr


def test_no_other_command_opens_a_camera():
    opening = {"edge.app", "edge.capture.gstreamer", "edge.capture.picamera2", "edge.capture.v4l2_finding"}
    commands = Path(confine.__file__).parent / "commands"
    imported = {
        path.stem: {
            name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
        }
        for path in commands.glob("*.py")
    }
    # run and demo are confined by their session; checks and frames_check are the doctor's
    assert {name for name, names in imported.items() if names & opening} == {
        *("run", "demo", "aim", "cameras", "checks", "frames_check")
    }


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (RuntimeError("Unable to find libseccomp"), "apt install libseccomp2"),
        (ImportError("no pyseccomp"), "apt install libseccomp2"),
        (OSError(errno.EINVAL, "Invalid argument"), "CONFIG_SECCOMP_FILTER"),
    ],
)
def test_what_hinders_is_said_in_a_sentence(monkeypatch, failure, words):
    def load():
        raise failure

    monkeypatch.setattr(confine, "_confined", False)
    assert words in confine.confine(load)
    assert not confine._confined
