"""One `gst-launch-1.0` process: started, read with patience, ended without a zombie."""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import shlex
import subprocess
import threading
from collections.abc import Sequence

from edge.capture.errors import CameraAbsent, CameraBusy, CameraDenied, CameraUnsuitable, GStreamerMissing
from edge.errors import EdgeError

PROGRAM = "gst-launch-1.0"
# 10 us: an hour of it fits a cluster's 16-bit offsets, as a new cluster begins every 0.3 s
_TAIL = (
    "! queue max-size-buffers=8 max-size-bytes=0 max-size-time=0 ! videoconvert ! video/x-raw,format=GRAY8 "
    "! matroskamux streamable=true timecodescale=10000 ! fdsink sync=false"
)
_PIPE_BYTES = 1 << 20  # three 640x480 pictures: fewer changes between the two processes
_MESSAGE_BYTES = 8192  # Argus lists a sensor's modes in two thousand
_POLL_S = 0.1
_GRACE_S = 1.0


class ChildSilent(Exception):
    """No byte for too long; internal to the camera thread."""


class ChildClosing(Exception):
    """The source is being closed; internal to the camera thread."""


def command_of(pipeline: str) -> list[str]:
    """The command for a pipeline that ends in raw video of any format; no shell sees it.

    The last element is the sink, for which `Child` puts the number of its pipe behind.
    """
    return [PROGRAM, "-q", *shlex.split(pipeline), *_TAIL.split()]


class Child:
    """A running pipeline that writes Matroska into a pipe of ours.

    Not to its standard output: there Argus, on a Jetson, prints what it does.

    Parameters
    ----------
    command : sequence of str
        Given one word more, "fd=N": the descriptor to write to.
    closing : threading.Event
        Ends every wait.
    first_s, stall_s : float
        Silence that counts as one, before the first byte and after it.
    """

    def __init__(
        self, command: Sequence[str], closing: threading.Event, first_s: float, stall_s: float
    ) -> None:
        self._closing = closing
        self._patience_s, self._stall_s = first_s, stall_s
        self._messages = b""
        self._code: int | None = None
        self._out, written = os.pipe()
        try:
            # a session of its own: Ctrl-C in the terminal is for us to act on
            self._process = subprocess.Popen(
                [*command, f"fd={written}"],
                bufsize=0,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(written,),
                start_new_session=True,
            )
        except FileNotFoundError as error:
            os.close(self._out)
            raise GStreamerMissing(command[0]) from error
        finally:
            os.close(written)
        self._says = self._process.stdout.fileno()  # type: ignore[union-attr]  # a pipe
        with contextlib.suppress(OSError):  # above the limit for this user
            fcntl.fcntl(self._out, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        for pipe in (self._out, self._says):
            os.set_blocking(pipe, False)
        self._ready = selectors.DefaultSelector()
        self._ready.register(self._out, selectors.EVENT_READ)
        self._ready.register(self._says, selectors.EVENT_READ)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def read_into(self, out: memoryview) -> int:
        """Fill the start of `out`; 0 at the end. Raises ChildSilent or ChildClosing.

        Waits are counted, not timed: where the whole machine stood still, the child did too.
        """
        silent_s = 0.0
        while not self._closing.is_set():
            try:  # most of a picture is there already, and asking first would cost as much as reading
                n_bytes = os.readv(self._out, [out])
            except BlockingIOError:
                pass
            else:
                self._patience_s = self._stall_s
                return n_bytes
            ready = [key.fd for key, _ in self._ready.select(_POLL_S)]
            if self._says in ready:
                self._take_messages()
            silent_s += 0.0 if ready else _POLL_S
            if silent_s >= self._patience_s:
                raise ChildSilent
        raise ChildClosing

    def end(self) -> int:
        """End it if it still runs, take its last words, and return its exit code (negative: a signal)."""
        process = self._process
        if self._code is not None:
            return self._code
        self._ready.close()
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
        self._code = process.wait()
        self._take_messages()
        process.stdout.close()  # type: ignore[union-attr]
        os.close(self._out)
        return self._code

    def wait(self) -> int:
        """After the end of its output: its own exit code, where it gives one within a second."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_S)
        return self.end()

    @property
    def said(self) -> str:
        """What it has said so far, the last few thousand characters of it."""
        return self._messages.decode("utf-8", "replace")

    def explained(self, description: str) -> EdgeError:
        """What it said last, as a sentence."""
        text = self.said
        if "is busy" in text or "resource busy" in text:
            return CameraBusy(description)
        if "Permission denied" in text:
            return CameraDenied(description)
        if "Cannot identify device" in text or "No cameras available" in text or "No such device" in text:
            return CameraAbsent(description)
        told = [line for line in text.splitlines() if "ERROR" in line or "erroneous pipeline" in line]
        reason = told[0].rpartition(": ")[2] if told else (text.strip().splitlines() or ["no word"])[-1]
        return CameraUnsuitable(description, "video", f"an error ({reason.strip().rstrip('.')})")

    def _take_messages(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            new = os.read(self._says, _MESSAGE_BYTES)
            if not new and self._code is None:
                self._ready.unregister(self._says)
            self._messages = (self._messages + new)[-_MESSAGE_BYTES:]
