"""A release: one file of wheels with its signature beside it, read only after the signature was found right.

`NAME` is a tar archive with `release.json` and wheels, `NAME.minisig` a minisign signature of all of it
(https://jedisct1.github.io/minisign/). Nothing is unpacked, listed or parsed before it is verified.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tarfile
from pathlib import Path

from edge.errors import MissingExtra
from edge.firmware.errors import FirmwareError

LIST_NAME = "release.json"
_WHEEL = re.compile(r"[A-Za-z0-9_.+]+-[A-Za-z0-9_.+!-]+\.whl")
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
# wheels of numba, numpy and the runtime for one machine are 150 MB
_BYTES_MAX = 1_000_000_000
_LIST_BYTES_MAX = 100_000


class ReleaseRefused(FirmwareError):
    """A release that is not what its maker signed, or that does not belong here."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"expected a signed release in {self.path}, but {self.reason}; nothing was changed"


def open_release(release: Path, key_file: Path, folder: Path) -> tuple[str, Path]:
    """Copy, verify, unpack.

    Parameters
    ----------
    release : Path
        Its signature is beside it, as `RELEASE.minisig`.
    key_file : Path
        A minisign public key.
    folder : Path
        Empty, and writable for nobody else: the copy is verified there, as a stick could change its mind.

    Returns
    -------
    version : str
        Such as "0.2.0".
    wheels : Path
        A folder with the wheels.

    Raises
    ------
    ReleaseRefused, MissingExtra
    """
    copy = folder / "release.tar"
    try:
        if release.stat().st_size > _BYTES_MAX:
            raise ReleaseRefused(release, f"it has more than {_BYTES_MAX // 10**6} MB")
        shutil.copyfile(release, copy)
        signature = release.with_name(f"{release.name}.minisig").read_bytes()
        key = key_file.read_bytes()
    except OSError as error:
        raise ReleaseRefused(release, f"the system says {error.strerror}: {error.filename}") from error
    _verify(release, copy, signature, key)
    wheels = folder / "wheels"
    wheels.mkdir()
    try:
        with tarfile.open(copy, "r:") as archive:
            return _unpack(release, archive, wheels), wheels
    except (tarfile.TarError, OSError, ValueError, KeyError) as error:
        raise ReleaseRefused(release, f"it cannot be unpacked ({error})") from error


def write_release(wheels: Path, version: str, output: Path) -> None:
    """Put a folder of wheels into one file; the same wheels give the same bytes.

    Raises
    ------
    ReleaseRefused
        There is no wheel of microcue in that version.
    """
    files = sorted(wheels.glob("*.whl"))
    if not any(file.name.startswith(f"microcue-{version}-") for file in files):
        raise ReleaseRefused(wheels, f"it has no wheel of microcue {version}")
    listed = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    names = output.with_name(LIST_NAME)
    names.write_text(json.dumps({"version": version, "files": listed}, indent=1), encoding="utf-8")
    with tarfile.open(output, "w", format=tarfile.USTAR_FORMAT) as archive:
        for file in (names, *files):
            member = archive.gettarinfo(file, file.name)
            member.mtime, member.uid, member.gid, member.uname, member.gname, member.mode = (
                0,
                0,
                0,
                "",
                "",
                0o644,
            )
            with file.open("rb") as content:
                archive.addfile(member, content)
    names.unlink()


def as_numbers(version: str) -> tuple[int, ...]:
    """(0, 2, 0) for "0.2.0" and for "0.2.0.dev1", to compare."""
    match = _VERSION.match(version)
    return tuple(map(int, match.groups())) if match else ()


def _verify(release: Path, copy: Path, signature: bytes, key: bytes) -> None:
    try:
        import minisign
    except ImportError as error:
        raise MissingExtra("an update", "device") from error
    try:
        with copy.open("rb") as content:
            minisign.PublicKey.from_bytes(key).verify(content, minisign.Signature.from_bytes(signature))
    except ValueError as error:  # minisign's own errors, and text that is none
        raise ReleaseRefused(release, f"the signature is not that of the key ({error})") from error


def _unpack(release: Path, archive: tarfile.TarFile, wheels: Path) -> str:
    members = {member.name: member for member in archive.getmembers() if member.isfile()}
    if len(members) != len(archive.getmembers()) or members[LIST_NAME].size > _LIST_BYTES_MAX:
        raise ReleaseRefused(release, "it holds more than files with names of their own")
    listed = archive.extractfile(members.pop(LIST_NAME))
    assert listed is not None  # a regular file has content
    contents = json.loads(listed.read())
    version, files = str(contents["version"]), dict(contents["files"])
    if set(files) != set(members) or not all(_WHEEL.fullmatch(name) for name in files):
        raise ReleaseRefused(release, "its list and its wheels do not agree")
    if not as_numbers(version):
        raise ReleaseRefused(release, f"{version!r} is no version")
    for name, member in members.items():
        content = archive.extractfile(member)
        assert content is not None
        with (wheels / name).open("wb") as target:
            shutil.copyfileobj(content, target)
        if hashlib.sha256((wheels / name).read_bytes()).hexdigest() != files[name]:
            raise ReleaseRefused(release, f"{name} is not the one of its list")
    return version
