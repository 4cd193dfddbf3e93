"""Builds an SD card's image for arm64, starts it in an emulated board, and looks whether it does what we say.

The card is Debian's packages, microcue from its wheels, our units as `install-service --appliance` puts them
there, and the settings file that a person edits. The board is QEMU's, with Debian's kernel: no Raspberry Pi's
start, no camera, and nothing that says anything of speed. docs/image-test.md says what is shown and what not.

    python tools/boot_image.py
    python tools/boot_image.py --seconds 20      more of the built-in clip
    python tools/boot_image.py --fresh           build the card again, Debian and kernels too

Needs root, Debian or the like with qemu-user-static's binfmt, a network the first time, Python 3.11 as the
card has it, and: mmdebstrap genimage dosfstools mtools e2fsprogs kmod device-tree-compiler
gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-system-arm qemu-utils qemu-user-static.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from emulated_board import SUITE, command, refusal
from image.card import make_card, read_start
from image.clip import cut_clip
from image.guest import device_tree
from image.log import watched_here
from image.steps import Steps
from image.tree import PYTHON, ROOT, install, make_debian, make_kernels

NEEDED = (
    *("mmdebstrap", "genimage", "mkfs.vfat", "mcopy", "mke2fs", "depmod", "systemd-sysusers", "unshare"),
    *("fdtput", "qemu-img", "qemu-system-aarch64", "qemu-aarch64-static", "aarch64-linux-gnu-gcc"),
)
EMULATED = Path("/proc/sys/fs/binfmt_misc/qemu-aarch64")
HEADERS = Path("/usr/aarch64-linux-gnu/include/stdio.h")
SOURCES = ("edge", "models", "firmware_config", "tools/image", "tools/emulated_board.py", "pyproject.toml")


def main() -> int:
    """Build, start, look, pull the plug, look again; 0 where all was as expected."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--cache", type=Path, default=ROOT / ".cache" / "image", help="card, and what it said"
    )
    parser.add_argument("--seconds", type=float, default=9.0, help="of the built-in clip (default: 9)")
    parser.add_argument("--fresh", action="store_true", help="build everything again")
    arguments = parser.parse_args()
    others = [] if EMULATED.exists() else ["arm64 programs run here (update-binfmts --enable qemu-aarch64)"]
    if not HEADERS.exists():  # without them the cross compiler is there, and fails after minutes
        others.append("headers of arm64's C library (package libc6-dev-arm64-cross)")
    if sys.version_info[:2] != (3, 11):
        others.append(f"Python {PYTHON}, which {SUITE} has and kernels are compiled with")
    if code := refusal("image-test", NEEDED, others):
        return code
    cache: Path = arguments.cache.resolve()
    if arguments.fresh:
        shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    steps = Steps(cache)
    clip = cache / f"clip-{arguments.seconds:g}.mkv"
    if not clip.exists():
        cut_clip(clip, arguments.seconds)
    build(cache, clip, steps)
    with tempfile.TemporaryDirectory() as folder:
        expected = watched_here(clip, Path(folder))
    steps.say(f"this machine finds {len(expected)} cues in the clip")
    steps.run(expected)
    steps.say("ok")
    return 0


def build(cache: Path, clip: Path, steps: Steps) -> None:
    """The card and what starts it, where sources or clip have changed since it was built."""
    key, note = fingerprint(clip), cache / "card.key"
    if note.exists() and note.read_text() == key:
        steps.say("the card of the last run is still right")
        return
    note.unlink(missing_ok=True)
    make_debian(cache / "debian")
    steps.say("Debian is unpacked")
    wheels, lock = cache / "wheelhouse", cache / "requirements.txt"
    collect = [sys.executable, str(ROOT / "tools/build_wheelhouse.py"), "--python", PYTHON, "--extra", "pi"]
    command([*collect, "--output", str(wheels), *(["--lock", str(lock)] if lock.exists() else [])])
    shutil.copy(wheels / "requirements.txt", lock)
    steps.say("wheels are collected")
    tree = cache / "root"
    shutil.rmtree(tree, ignore_errors=True)
    command(["cp", "-a", str(cache / "debian"), str(tree)])
    kernels = make_kernels(cache)
    steps.say("the kernels are compiled")
    install(tree, wheels, kernels)
    steps.say("microcue is installed")
    make_card(tree, clip, cache / "card.img")
    shutil.rmtree(tree)
    read_start(cache / "card.img", cache)
    device_tree(cache)
    note.write_text(key)
    steps.say(f"the card is made, {(cache / 'card.img').stat().st_size / 1e6:.0f} MB")


def fingerprint(clip: Path) -> str:
    """Of everything that the card is made of."""
    digest = hashlib.sha256(clip.read_bytes())
    for source in SOURCES:
        path = ROOT / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
