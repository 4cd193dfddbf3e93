"""Builds everything of one version into dist/release-VERSION, and tries it.

    python tools/build_release.py   wheel, sdist, image inputs, sums; each one checked
    python tools/build_release.py --wheelhouse 3.13 3.11   and wheels for boards with these Pythons (large)
    python tools/build_release.py --key lab.key   and a minisign signature of the sums

The version stands in edge/__init__.py alone. CHANGELOG.md must have a section for it, and nothing may be
changed but not committed; --draft lets both pass. The wheel is installed and started on every Python at
hand.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from make_release import sign

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
# where the folders of the repository stand in the wheel; pyproject.toml says the same to the builder
IN_WHEEL = {"edge": "edge", "models": "edge/models", "firmware_config": "edge/firmware_config"}


def main() -> int:
    """Build, check, try, sum up."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draft", action="store_true")
    parser.add_argument("--wheelhouse", nargs="*", default=[], choices=PYTHONS, metavar="PYTHON")
    parser.add_argument("--key", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    version = version_of(ROOT)
    if not arguments.draft:
        check_ready(ROOT, version)
    folder = ROOT / "dist" / f"release-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run([sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)])
    run([sys.executable, "-m", "twine", "check", "--strict", *map(str, sorted(folder.iterdir()))])
    (wheel,) = folder.glob("*.whl")
    (sdist,) = folder.glob("*.tar.gz")
    # -z, since a name with a backslash is quoted otherwise
    committed = run(["git", "-C", str(ROOT), "ls-files", "-z"]).rstrip("\0").split("\0")
    check_contents(wheel, sdist, committed)
    run(["git", "-C", str(ROOT), "archive", f"--output={folder / f'image-inputs-{version}.tar.gz'}",
         f"--prefix=image-inputs-{version}/", "HEAD", "firmware_config", "tools/install.sh"])  # fmt: skip
    for python in arguments.wheelhouse:
        run([sys.executable, str(ROOT / "tools" / "build_wheelhouse.py"), "--python", python,
             "--output", str(folder / f"wheelhouse-{python}")])  # fmt: skip
    tried = [python for python in PYTHONS if starts_on(python, wheel, version)]
    if not tried:
        raise SystemExit("build_release: expected a Python from 3.10 to 3.13 to try the wheel on, found none")
    write_sums(folder)
    if arguments.key:
        sign(folder / "SHA256SUMS", arguments.key, version)
    print(f"{folder.relative_to(ROOT)}: {wheel.name} and the rest; started on Python {', '.join(tried)}")
    return 0


def version_of(root: Path) -> str:
    """The version, from the one place it stands in."""
    source = (root / "edge" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', source, re.MULTILINE)
    if found is None:
        raise SystemExit("build_release: expected __version__ in edge/__init__.py, found none")
    return found[1]


def check_ready(root: Path, version: str) -> None:
    """A release is a commit with its own section in the change log."""
    if run(["git", "-C", str(root), "status", "--porcelain"]):
        raise SystemExit("build_release: expected everything committed; commit it, or give --draft")
    if f"\n## [{version}] - " not in (root / "CHANGELOG.md").read_text(encoding="utf-8"):
        raise SystemExit(
            f"build_release: expected '## [{version}] - DATE' in CHANGELOG.md; write it, or give --draft"
        )


def check_contents(wheel: Path, sdist: Path, committed: list[str]) -> None:
    """The wheel has every file that the program needs and none besides; the sdist what its tests need."""
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        f"{IN_WHEEL[first]}/{rest}"
        for first, _, rest in (name.partition("/") for name in committed)
        if first in IN_WHEEL
    }
    if found != expected:
        raise SystemExit(
            f"build_release: the wheel differs from the commit by {sorted(found ^ expected)[:10]}"
        )
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    hidden = {name for name in committed if name.startswith(".")}
    if missing := sorted(set(committed) - hidden - packed):
        raise SystemExit(f"build_release: the source archive lacks {missing[:10]}; see pyproject.toml")


def starts_on(python: str, wheel: Path, version: str) -> bool:
    """Whether that Python is at hand; raises SystemExit where it is, and the wheel does not start on it."""
    found = shutil.which(f"python{python}")
    if (
        found is None
        or subprocess.run([found, "-c", "import venv"], capture_output=True, check=False).returncode
    ):
        return False
    with tempfile.TemporaryDirectory(prefix="microcue-wheel-") as name:
        run([found, "-m", "venv", name])
        binaries = Path(name) / "bin"
        run([str(binaries / "python"), "-m", "pip", "install", "--quiet", str(wheel)])
        for words in (["--version"], ["config"], ["doctor", "--no-camera", "--only", "models"]):
            said = run([str(binaries / "microcue"), *words], away=Path(name))
            if words == ["--version"] and version not in said:
                raise SystemExit(
                    f"build_release: expected version {version} on Python {python}, found {said}"
                )
    return True


def write_sums(folder: Path) -> None:
    """SHA-256 of every file, as `sha256sum --check` reads them."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder)}\n" for file in files
    ]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def run(command: list[str], away: Path | None = None) -> str:
    """What it prints; where it fails, what it said. Away from the repository nothing is imported from it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=away or ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        raise SystemExit(f"build_release: {' '.join(command[:4])} ended with {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
