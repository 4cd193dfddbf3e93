"""The published float models, out of the package that carries them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "mediapipe"
VERSION = "0.10.21"
LICENCE = "Apache-2.0"


@dataclass(frozen=True)
class Original:
    """One model in the wheel."""

    member: str
    sha256: str


LANDMARKS = Original(
    "mediapipe/modules/face_landmark/face_landmark.tflite",
    "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
)
DETECTOR = Original(
    "mediapipe/modules/face_detection/face_detection_short_range.tflite",
    "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
)


def fetch_wheel(folder: Path) -> Path:
    """Download the wheel with pip, always the same one of the release's many; it is not installed.

    Raises
    ------
    subprocess.CalledProcessError
        pip says why on stderr.
    """
    platform = ("--platform", "manylinux_2_28_x86_64", "--python-version", "3.11", "--implementation", "cp")
    wanted = ("--no-deps", "--only-binary=:all:", "--dest", str(folder), f"{PACKAGE}=={VERSION}")
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *platform, *wanted], check=True)
    (wheel,) = folder.glob(f"{PACKAGE}-{VERSION}-*.whl")
    return wheel


def read_originals(wheel: Path | None) -> dict[Original, bytes]:
    """The float models' files, verified.

    Parameters
    ----------
    wheel : Path, optional
        A wheel at hand; None downloads it.

    Raises
    ------
    ValueError
        A model is not the one that the recipes were made for.
    """
    with tempfile.TemporaryDirectory() as folder:
        archive = zipfile.ZipFile(wheel or fetch_wheel(Path(folder)))
        with archive:
            contents = {original: archive.read(original.member) for original in (LANDMARKS, DETECTOR)}
    for original, content in contents.items():
        found = hashlib.sha256(content).hexdigest()
        if found != original.sha256:
            raise ValueError(f"{original.member}: expected SHA-256 {original.sha256}, found {found}")
    return contents
