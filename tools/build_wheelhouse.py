"""Collects every wheel that a card or an update needs, for another machine, with hashes and a list.

    python tools/build_wheelhouse.py --python 3.13                  Debian 13: into dist/wheelhouse-3.13
    python tools/build_wheelhouse.py --python 3.11 --extra tflite   Debian 12, the older runtime beside

Into the folder go the wheels, `requirements.txt` with the hash of each (for `pip install --require-hashes`),
and `bill-of-materials.json` (CycloneDX). The machine is aarch64 by default; --machine x86_64 is for trying it
here. A lock file of an earlier run (--lock requirements.txt) gives exactly the same wheels of others again.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# what glibc 2.36 (Debian 12) and later take; pip wants each named
GLIBC_MINORS = (17, 24, 26, 27, 28, 31, 34, 35, 36)
EXTRAS = ("usb", "device")


def main() -> int:
    """Collect, hash, list."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default="3.13", choices=("3.10", "3.11", "3.12", "3.13"))
    parser.add_argument("--machine", default="aarch64", choices=("aarch64", "x86_64"))
    parser.add_argument("--extra", action="append", default=[], help="besides usb and device")
    parser.add_argument("--lock", type=Path, metavar="FILE", help="requirements.txt of an earlier run")
    parser.add_argument("--output", type=Path, metavar="FOLDER")
    args = parser.parse_args()
    if "tflite" in args.extra and sys.version_info[:2] >= (3, 12):
        # pip asks the Python that runs it which extras apply, not the one that is asked for
        raise SystemExit("build_wheelhouse: --extra tflite expects to be run with Python 3.10 or 3.11")
    folder = args.output or ROOT / "dist" / f"wheelhouse-{args.python}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    own = build_own(folder)
    extras = ",".join([*EXTRAS, *args.extra])
    wanted = ["--requirement", str(others_of(args.lock, folder))] if args.lock else [f"{own}[{extras}]"]
    download(folder, args.python, args.machine, wanted)
    write_requirements(folder)
    write_bill(folder)
    print(f"{len(list(folder.glob('*.whl')))} wheels in {folder}")
    return 0


def build_own(folder: Path) -> Path:
    """Our own wheel, the same bytes from the same commit."""
    pip(["wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)])
    (wheel,) = folder.glob("microcue-*.whl")
    return wheel


def download(folder: Path, python: str, machine: str, wanted: Sequence[str]) -> None:
    """Every wheel that another machine needs; nothing is built, and what has no wheel is an error."""
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in GLIBC_MINORS]
    platforms += [f"--platform=manylinux2014_{machine}", "--platform=any"]
    target = ["--only-binary=:all:", f"--python-version={python}", "--implementation=cp", *platforms]
    target += [f"--abi=cp{python.replace('.', '')}", "--abi=abi3", "--abi=none"]
    pip(["download", *target, "--find-links", str(folder), "--dest", str(folder), *wanted])


def others_of(lock: Path, folder: Path) -> Path:
    """The lock without our own line: our wheel was built just now."""
    lines = lock.read_text(encoding="utf-8").splitlines(keepends=True)
    path = folder / "requirements.txt"
    path.write_text("".join(line for line in lines if not line.startswith("microcue==")), encoding="utf-8")
    return path


def write_requirements(folder: Path) -> None:
    """One line for each wheel: name, version, hash; sorted."""
    lines = []
    for wheel in sorted(folder.glob("*.whl")):
        name, version = wheel.name.split("-")[:2]
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines.append(f"{name.replace('_', '-').lower()}=={version} --hash=sha256:{digest}\n")
    (folder / "requirements.txt").write_text("".join(lines), encoding="utf-8")


def write_bill(folder: Path) -> None:
    """The bill of materials, by CycloneDX's own program."""
    words = [sys.executable, "-m", "cyclonedx_py", "requirements", "--output-reproducible"]
    words += ["--output-file", str(folder / "bill-of-materials.json"), str(folder / "requirements.txt")]
    if subprocess.run(words, check=False).returncode:
        raise SystemExit("build_wheelhouse: expected a bill of materials; pip install 'microcue[release]'")


def pip(words: Sequence[str]) -> None:
    """Run pip; its own lines say what is wrong."""
    command = [sys.executable, "-m", "pip", *words, "--quiet", "--disable-pip-version-check"]
    if code := subprocess.run(command, check=False).returncode:
        raise SystemExit(f"build_wheelhouse: pip {words[0]} ended with {code}; its last lines say why")


if __name__ == "__main__":
    sys.exit(main())
