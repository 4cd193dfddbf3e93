"""Cuts the power of a machine that records, again and again, and looks at what its log still holds.

The machine is an emulated arm64 board (QEMU) with Debian's kernel and a disk of its own: killed from
outside, it loses its page cache as a board does that loses its power. Each time, every cue that was
acknowledged must be in the log, and of the signals at most the last second may be missing. The control
does the same with `synchronous=OFF`, and has to be seen to fail, or the test shows nothing. What a bad
SD card does on top (torn or reordered sectors) is not shown.

    python tools/cut_power.py --cuts 20 --control 3

Needs root, Debian or the like, and: qemu-system-arm qemu-utils mmdebstrap e2fsprogs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from emulated_board import PROCESSOR, command, first_files, kernel_modules, refusal, take_kernel, unpack

ROOT = Path(__file__).resolve().parents[1]
GUEST = ROOT / "tools" / "power_loss"
NEEDED = ("qemu-system-aarch64", "qemu-img", "mmdebstrap", "mke2fs", "e2fsck", "debugfs")
PACKAGES = "python3,python3-numpy,python3-platformdirs,linux-image-arm64,busybox-static"
MODULES = ("virtio_pci", "virtio_blk", "ext4", "crc32c_generic")
BOOT_PATIENCE_S = 180.0
FPS = 120


def main() -> int:
    """Build the machine where it is not there yet, cut its power, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cuts", type=int, default=20, help="with synchronous=FULL (default: 20)")
    parser.add_argument("--control", type=int, default=3, help="with synchronous=OFF (default: 3)")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "power-loss", help="the machine")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if code := refusal("cut_power", NEEDED):
        return code
    build(arguments.cache)
    moment = random.Random(arguments.seed)
    modes = ["FULL"] * arguments.cuts + ["OFF"] * arguments.control
    results = []
    for number, mode in enumerate(modes, 1):
        results.append(cut(arguments.cache, mode, moment.uniform(1.0, 12.0)))
        print(f"{number:3d} of {len(modes)}  {as_line(results[-1])}", file=sys.stderr, flush=True)
    return report(results, arguments.json)


def build(cache: Path) -> None:
    """Kernel, first file system and root disk of the machine, from Debian's packages, none configured."""
    if (cache / "root.ext4").exists():
        return
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        tree = Path(folder) / "root"
        unpack(PACKAGES, tree)
        modules = kernel_modules(tree, take_kernel(tree, cache / "kernel"), MODULES)
        (cache / "initramfs").write_bytes(first_files(tree, modules, GUEST / "init.sh"))
        for unneeded in ("usr/lib/modules", "usr/share/doc", "boot", "var/cache", "var/lib/apt"):
            shutil.rmtree(tree / unneeded, ignore_errors=True)
        for mount_point in ("mnt", "proc", "dev", "tmp"):
            (tree / mount_point).mkdir(exist_ok=True)
        part = cache / "root.part"
        command(["mke2fs", "-q", "-t", "ext4", "-d", str(tree), str(part), "600M"])
        part.rename(cache / "root.ext4")


def cut(cache: Path, mode: str, after_s: float) -> dict[str, object]:
    """Boot, let it record for `after_s` after its first acknowledged cue, cut, look."""
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        disk = Path(folder) / "data.qcow2"
        make_disk(disk)
        acknowledged, n_seen = record_until_cut(cache, disk, mode, after_s)
        raw = Path(folder) / "data.raw"
        command(["qemu-img", "convert", "-O", "raw", str(disk), str(raw)])
        # 1: errors were corrected, which is what a journal is for
        command(["e2fsck", "-fp", str(raw)], allowed=(0, 1))
        out = Path(folder) / "out"
        out.mkdir()
        command(["debugfs", "-R", f"rdump /log {out}", str(raw)])
        return {"mode": mode, "n_acknowledged": n_seen, **examined(out / "log", acknowledged)}


def make_disk(disk: Path) -> None:
    """A fresh ext4 with microcue on it."""
    with tempfile.TemporaryDirectory(dir=disk.parent) as folder:
        tree = Path(folder)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "edge", tree / "microcue" / "edge", ignore=ignored)
        shutil.copy(GUEST / "record.py", tree / "microcue")
        raw = disk.with_suffix(".raw")
        command(["mke2fs", "-q", "-t", "ext4", "-d", str(tree), str(raw), "256M"])
        command(["qemu-img", "convert", "-O", "qcow2", str(raw), str(disk)])
        raw.unlink()


def record_until_cut(cache: Path, disk: Path, mode: str, after_s: float) -> tuple[list[int], int]:
    """Frames of the acknowledged cues, as the console says, and how many there are."""
    machine = ["qemu-system-aarch64", "-M", "virt", "-cpu", PROCESSOR, "-smp", "2", "-m", "512"]
    machine += ["-nographic", "-no-reboot", "-nodefaults", "-serial", "stdio"]
    machine += ["-kernel", str(cache / "kernel"), "-initrd", str(cache / "initramfs")]
    machine += ["-append", f"console=ttyAMA0 panic=-1 quiet synchronous={mode}"]
    for number, drive in enumerate(
        (f"file={cache / 'root.ext4'},format=raw,readonly=on", f"file={disk},format=qcow2,cache=writeback")
    ):
        machine += ["-drive", f"{drive},if=none,id=d{number}", "-device", f"virtio-blk-pci,drive=d{number}"]
    frames: list[int] = []
    said: list[str] = []
    with subprocess.Popen(machine, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        until_s = time.monotonic() + BOOT_PATIENCE_S
        os.set_blocking(process.stdout.fileno(), False)
        pending = b""
        while time.monotonic() < until_s and process.poll() is None:
            pending += process.stdout.read() or b""
            *lines, pending = pending.split(b"\n")
            for line in lines:
                said.append(line.decode("utf-8", "replace"))
                words = said[-1].split()
                if words[:1] == ["ACK"] and len(words) == 3:
                    if not frames:
                        until_s = time.monotonic() + after_s
                    frames.append(int(words[2]))
            time.sleep(0.005)
        process.kill()
    if not frames:
        raise SystemExit("cut_power: the machine acknowledged nothing; it said:\n" + "\n".join(said[-20:]))
    return frames, len(frames)


def examined(data_dir: Path, acknowledged: list[int]) -> dict[str, object]:
    """What the log has of what was acknowledged, and whether it is whole."""
    try:
        with closing(sqlite3.connect(data_dir / "microcue.db")) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            cues = {row[0] for row in connection.execute("SELECT offset_frame FROM cues")}
            blocks = connection.execute("SELECT first_frame + n_frames FROM signal_blocks").fetchall()
    except sqlite3.Error as error:
        return {"n_lost_cues": len(acknowledged), "n_missing_frames": None, "integrity": str(error)}
    n_signal_frames = max((row[0] for row in blocks), default=0)
    return {
        "n_lost_cues": len(set(acknowledged) - cues),
        "n_missing_frames": acknowledged[-1] + 1 - n_signal_frames,
        "integrity": verdict.splitlines()[-1],
    }


def is_good(result: dict[str, object]) -> bool:
    """Nothing acknowledged is lost, and at most a second of signals."""
    missing = result["n_missing_frames"]
    held = result["n_lost_cues"] == 0 and isinstance(missing, int) and missing <= FPS
    return held and result["integrity"] == "ok"


def as_line(result: dict[str, object]) -> str:
    """One cut for people."""
    return (
        f"{result['mode']:<4}  {result['n_acknowledged']:4d} acknowledged  {result['n_lost_cues']:4d} lost  "
        f"signals {result['n_missing_frames']} frames behind  {result['integrity']}"
    )


def report(results: list[dict[str, object]], as_json: bool) -> int:
    """The verdict; 1 where FULL lost something, or the control lost nothing."""
    full = [result for result in results if result["mode"] == "FULL"]
    off = [result for result in results if result["mode"] == "OFF"]
    n_good, n_punished = sum(map(is_good, full)), sum(not is_good(result) for result in off)
    if as_json:
        print(json.dumps({"cuts": results, "n_full_good": n_good, "n_off_punished": n_punished}, indent=2))
    else:
        print(f"synchronous=FULL: {n_good} of {len(full)} cuts lost nothing that was acknowledged")
        print(f"synchronous=OFF:  {n_punished} of {len(off)} cuts were punished")
    return 0 if n_good == len(full) and (n_punished or not off) else 1


if __name__ == "__main__":
    sys.exit(main())
