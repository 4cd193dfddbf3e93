"""The emulated board while it runs: its consoles, its pin as seen from outside, and its plug."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from emulated_board import PROCESSOR, command

from image.pins import levels_outside

MEMORY_MB = 1536
# the board's clock counts 2^1 ns an instruction: half a billion a second, a small board's pace. However slow
# it is emulated, it is on time by its own clock, so that no limit of a unit and no watchdog needs another
SHIFT = 1
# a Raspberry Pi 4B's revision, as its firmware would put it into the device tree: gpiozero asks for it
REVISION = "0xc03111"
_MARK = re.compile(rb"\n?@@ (\d+)\r?\n")


class GuestSilent(SystemExit):
    """It did not answer, or ended."""


class Said(NamedTuple):
    """What a command in the board printed, and its exit code."""

    text: str
    code: int


def device_tree(folder: Path) -> Path:
    """The emulated board's own device tree, with a Raspberry Pi's revision in it."""
    path = folder / "board.dtb"
    machine = ["qemu-system-aarch64", "-M", f"virt,dumpdtb={path}", "-cpu", PROCESSOR, "-smp", "2"]
    command([*machine, "-m", str(MEMORY_MB), "-display", "none", "-nodefaults"])
    command(["fdtput", "-c", str(path), "/system"])
    command(["fdtput", "-t", "x", str(path), "/system", "linux,revision", REVISION])
    return path


class Guest:
    """One start of the board, from a disk that keeps what is written; killed at the end, as by its plug.

    Parameters
    ----------
    folder : Path
        Holds `kernel8.img`, `initramfs8` and `board.dtb`; what the board says is kept here.
    disk : Path
        qcow2; `cache=writeback` keeps what the board has flushed, as a card does.
    words : str
        The kernel's command line.
    name : str
        Of this start, in the names of what is kept.
    """

    def __init__(self, folder: Path, disk: Path, words: str, name: str) -> None:
        self.console = folder / f"console-{name}.txt"
        self._pins = folder / f"pins-{name}.txt"
        at = folder / "shell"
        at.unlink(missing_ok=True)
        machine = ["qemu-system-aarch64", "-M", "virt", "-cpu", PROCESSOR, "-smp", "2", "-m", str(MEMORY_MB)]
        machine += ["-display", "none", "-no-reboot", "-nodefaults", "-monitor", "none"]
        machine += ["-serial", f"file:{self.console}", "-dtb", str(folder / "board.dtb")]
        machine += [
            "-kernel",
            str(folder / "kernel8.img"),
            "-initrd",
            str(folder / "initramfs8"),
            "-append",
            words,
        ]
        machine += ["-drive", f"file={disk},format=qcow2,cache=writeback,if=none,id=card"]
        machine += ["-device", "virtio-blk-pci,drive=card", "-device", "virtio-serial-pci"]
        machine += [
            "-chardev",
            f"socket,id=shell,path={at},server=on,wait=off",
            "-device",
            "virtconsole,chardev=shell",
        ]
        machine += ["-icount", f"shift={SHIFT},sleep=on"]
        machine += ["-d", "trace:pl061_set_output", "-D", str(self._pins)]
        self.begun_s = time.monotonic()
        self._process = subprocess.Popen(machine, stdin=subprocess.DEVNULL)
        self._shell = self._connected(at)
        self._pending = b""

    def __enter__(self) -> Guest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pull_the_plug()

    def _connected(self, at: Path) -> socket.socket:
        for _ in range(100):
            if at.exists():
                break
            time.sleep(0.1)
        shell = socket.socket(socket.AF_UNIX)
        shell.connect(str(at))
        return shell

    def wait_for_shell(self, patience_s: float) -> None:
        """Until it answers for the first time."""
        self._answer(patience_s)

    def ask(self, line: str, patience_s: float = 900.0) -> Said:
        """What a line of shell gives in the board, as root."""
        self._shell.sendall(line.encode() + b"\n")
        return self._answer(patience_s)

    def _answer(self, patience_s: float) -> Said:
        until_s = time.monotonic() + patience_s
        while (mark := _MARK.search(self._pending)) is None:
            self._shell.settimeout(max(0.1, until_s - time.monotonic()))
            try:
                new = self._shell.recv(65536)
            except TimeoutError:
                new = b""
            if not new:
                raise GuestSilent(
                    f"image-test: no answer in {patience_s:.0f} s; it said:\n{self.last_words()}"
                )
            self._pending += new
        text, self._pending = self._pending[: mark.start()], self._pending[mark.end() :]
        return Said(text.decode("utf-8", "replace").replace("\r\n", "\n").strip(), int(mark[1]))

    def last_words(self) -> str:
        """The end of what its first console showed."""
        return "\n".join(self.console.read_text(errors="replace").splitlines()[-25:])

    def levels(self, line: int) -> list[int]:
        """What a pin outside the board has done since the start, by the emulated GPIO chip itself."""
        return levels_outside(line, self._pins.read_text(errors="replace") if self._pins.exists() else "")

    def wait_for_end(self, patience_s: float) -> bool:
        """Whether the board switched itself off, or started again, within a time."""
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def pull_the_plug(self) -> None:
        """SIGKILL: what the board had not written to its card is gone."""
        self._process.kill()
        self._process.wait()
        self._shell.close()
