"""Pictures in the lab: what was encrypted around each cue, as folders of PNG files."""

from __future__ import annotations

import io
import os
import re
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.record.errors import BundleRefused, OutputUnwritable
from edge.record.keys import age

# What a device puts in: nothing else is written, wherever it would lead.
_MEMBER = re.compile(r"[A-Za-z0-9_-]+-\d+/(?:\d+\.png|frames\.csv)")


def open_pictures(file: Path, identities: Sequence[Any], folder: Path) -> int:
    """Decrypt the pictures of one cue into `folder/SESSION-CUE/`; gives how many there are.

    Raises
    ------
    MissingExtra
    BundleRefused
        The key does not fit, or the file was cut or altered; nothing is written.
    OutputUnwritable
    """
    pyrage = age()
    plain = io.BytesIO()
    try:
        with file.open("rb") as source:
            pyrage.decrypt_io(source, plain, identities)
        plain.seek(0)
        members = _members(plain)
    except (pyrage.DecryptError, tarfile.TarError, OSError) as error:
        raise BundleRefused(file, str(error)) from error
    if not members or not all(_MEMBER.fullmatch(name) for name, _ in members):
        raise BundleRefused(file, "what is inside are no pictures")
    try:
        for name, content in members:
            path = folder / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
                target.write(content)
    except OSError as error:
        raise OutputUnwritable(folder, error.strerror or str(error)) from error
    return sum(name.endswith(".png") for name, _ in members)


def _members(plain: io.BytesIO) -> list[tuple[str, bytes]]:
    with tarfile.open(fileobj=plain, mode="r:") as archive:
        found = []
        for member in archive:
            content = archive.extractfile(member)
            found.append((member.name if member.isreg() else "", content.read() if content else b""))
        return found
