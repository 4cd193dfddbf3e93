"""Looks through microcue's USB camera source at vivid, the V4L2 driver that Debian's kernel has for tests.

The kernel is Debian's for arm64, in an emulated board (QEMU), so that it needs no video driver here. What is
tested stands in `tools/vivid/test_vivid.py`: formats, the kernel's sequence numbers and times, held gain,
dropped and damaged buffers, a stream that does not start, a camera in use, one that is unplugged and comes
back, or does not.

    python tools/vivid_camera.py
    python tools/vivid_camera.py --only test_vivid.Vivid.test_gain_is_held

Needs root (for mmdebstrap), Debian or the like, and: qemu-system-arm mmdebstrap. The first time it fetches
some 150 MB of packages; none is run or installed on this machine.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from emulated_board import (
    PROCESSOR,
    archive,
    archive_end,
    files_of,
    kernel_modules,
    refusal,
    take_kernel,
    unpack,
)

ROOT = Path(__file__).resolve().parents[1]
GUEST = ROOT / "tools" / "vivid"
NEEDED = ("qemu-system-aarch64", "mmdebstrap")
PACKAGES = "python3,python3-numpy,linux-image-arm64,busybox-static"
LINUXPY = "the Python package linuxpy (pip install microcue[usb])"
UNNEEDED = ("usr/lib/modules", "usr/share", "usr/include", "boot", "var")
MOUNTED = ("dev", "proc", "sys", "tmp")
PATIENCE_S = 1800.0


def main() -> int:
    """Build the machine where it is not there yet, start it, show what it says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "vivid", help="the machine")
    parser.add_argument("--only", default="test_vivid", help="a test, as unittest names it")
    arguments = parser.parse_args()
    others = [] if importlib.util.find_spec("linuxpy") else [LINUXPY]
    if code := refusal("vivid_camera", NEEDED, others):
        return code
    build(arguments.cache)
    with tempfile.TemporaryDirectory(dir=arguments.cache) as folder:
        initramfs = Path(folder) / "initramfs"
        tests = archive(under_test(arguments.only)) + archive_end()
        initramfs.write_bytes((arguments.cache / "system").read_bytes() + tests)
        return run(arguments.cache / "kernel", initramfs)


def build(cache: Path) -> None:
    """Kernel and system of the machine, from Debian's packages, none configured."""
    if (cache / "system").exists():
        return
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        tree = Path(folder) / "root"
        unpack(PACKAGES, tree)
        entries = [*modules(tree, take_kernel(tree, cache / "kernel"))]
        for unneeded in UNNEEDED:
            shutil.rmtree(tree / unneeded, ignore_errors=True)
        for mount_point in MOUNTED:
            (tree / mount_point).mkdir(exist_ok=True)
        part = cache / "system.part"
        part.write_bytes(archive([*files_of(tree), *entries]))
        part.rename(cache / "system")


def modules(tree: Path, release: str) -> Iterator[tuple[str, int, bytes]]:
    """vivid and the modules that it needs, in their order."""
    order = kernel_modules(tree, release, ["vivid"])
    yield "modules", 0o40755, b""
    yield "modules/order", 0o100644, "\n".join(file.name for file in order[:-1]).encode()
    for file in order:
        yield f"modules/{file.name}", 0o100644, file.read_bytes()


def under_test(only: str) -> Iterator[tuple[str, int, bytes]]:
    """microcue, linuxpy, the tests and what starts them."""
    import linuxpy
    import typing_extensions

    packages = {"edge": ROOT / "edge", "linuxpy": Path(linuxpy.__file__).parent}
    yield "microcue", 0o40755, b""
    for name, folder in packages.items():
        yield f"microcue/{name}", 0o40755, b""
        for entry, mode, content in files_of(folder):
            if "__pycache__" not in entry:
                yield f"microcue/{name}/{entry}", mode, content
    yield "microcue/typing_extensions.py", 0o100644, Path(typing_extensions.__file__).read_bytes()
    yield "microcue/test_vivid.py", 0o100644, (GUEST / "test_vivid.py").read_bytes()
    init = (GUEST / "init.sh").read_text(encoding="utf-8").replace("-v test_vivid", f"-v {only}")
    yield "init", 0o100755, init.encode()


def run(kernel: Path, initramfs: Path) -> int:
    """Start the machine and pass on what it says; 0 where its tests passed."""
    machine = ["qemu-system-aarch64", "-M", "virt", "-cpu", PROCESSOR, "-smp", "1", "-m", "1536"]
    machine += ["-nographic", "-no-reboot", "-nodefaults", "-serial", "stdio"]
    machine += ["-kernel", str(kernel), "-initrd", str(initramfs)]
    machine += ["-append", "console=ttyAMA0 panic=-1 quiet"]
    ended = None
    until_s = time.monotonic() + PATIENCE_S
    with subprocess.Popen(machine, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line.rstrip(), flush=True)
            if line.startswith("ENDED "):
                ended = line.split()[1]
            if ended is not None or time.monotonic() > until_s:
                process.kill()
    if ended is None:
        print("vivid_camera: the machine stopped before its tests had ended", file=sys.stderr)
    return 0 if ended == "0" else 1


if __name__ == "__main__":
    sys.exit(main())
