"""The card's FAT partition: which files changed, what is said on it, and how secrets leave it."""

from __future__ import annotations

import difflib
import hashlib
import os
from pathlib import Path
from typing import Any

from edge.config import FILE_NAME
from edge.errors import ConfigError, MissingExtra
from edge.firmware.errors import FirmwareError

FIRST_BOOT_NAME = "microcue-first-boot.toml"
PROBLEM_NAME = "microcue-problem.txt"
APPLIED_NAME = "microcue-applied.txt"
OPEN_NAME = "microcue-open.txt"
PLACES = (Path("boot/firmware"), Path("boot"))
_SECRETS = (("network", "wifi_password"),)


def find_card(root: Path) -> Path:
    """Where the FAT partition is mounted below a root.

    Raises
    ------
    FirmwareError
        Nowhere.
    """
    for place in PLACES:
        if (root / place / "config.txt").is_file():
            return root / place
    places = " or ".join(f"/{place}" for place in PLACES)
    raise FirmwareError(f"expected a Raspberry Pi's config.txt in {places}, found none; name it with --boot")


def fingerprint(path: Path) -> str:
    """Of a file's content; empty where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def say(card: Path, name: str, text: str) -> None:
    """Write a text for people, with line ends that every computer shows."""
    write_whole(card / name, text.replace("\n", "\r\n"))


def unsay(card: Path, name: str) -> None:
    """Take a text away that no longer holds."""
    (card / name).unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Replace a file so that a power cut leaves the old one or the new one.

    Raises
    ------
    FirmwareError
    """
    beside = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise FirmwareError(
            f"expected to write {path}, the system says {error.strerror}; check that the card is not full "
            "or locked"
        ) from error


def check_names(card: Path) -> None:
    """Refuse files that were meant for us and would not be read.

    Raises
    ------
    ConfigError
        Such as microcue.toml.txt, as editors that hide endings make it.
    """
    ours = {FILE_NAME, FIRST_BOOT_NAME, PROBLEM_NAME, APPLIED_NAME, OPEN_NAME}
    for path in sorted(card.iterdir()):
        name = path.name.lower()
        if name in ours and path.is_dir():
            raise ConfigError(f"expected a file {name}, found a folder; remove it")
        if name not in ours and name.startswith("microcue") and not name.endswith(".new"):
            (near,) = difflib.get_close_matches(name, [FILE_NAME, FIRST_BOOT_NAME], n=1, cutoff=0.0)
            raise ConfigError(f"expected {near}, found {path.name}, which is not read; rename or remove it")


def without_secrets(path: Path) -> bytes | None:
    """`microcue-first-boot.toml` with every secret emptied, all else kept; None where there is none in it.

    It keeps its length, so that it can be written over itself.

    Raises
    ------
    MissingExtra
        tomlkit is not installed.
    ConfigError
        tomlkit cannot read it.
    """
    try:
        import tomlkit
        from tomlkit.exceptions import TOMLKitError
    except ImportError as error:
        raise MissingExtra("removing a password from the card", "device") from error
    content = path.read_bytes()
    try:
        document: Any = tomlkit.parse(content.decode("utf-8-sig"))
    except TOMLKitError as error:
        raise ConfigError(
            f"{path.name}: expected TOML that can be written back; write it more plainly"
        ) from error
    found = [(section, key) for section, key in _SECRETS if document.get(section, {}).get(key)]
    for section, key in found:
        document[section][key] = ""
    text = tomlkit.dumps(document).encode()
    padding = max(0, len(content) - len(text))
    return text + b" " * (padding - 1) + b"\n" * (padding > 0) if found else None


def write_over(path: Path, content: bytes) -> None:
    """Write into the place where the file is, so that its old blocks are gone as far as the card lets them.

    Raises
    ------
    FirmwareError
    """
    try:
        with path.open("r+b") as file:
            file.write(content)
            file.truncate()
            os.fsync(file.fileno())
    except OSError as error:
        raise FirmwareError(
            f"expected to remove the password from {path}, found {error.strerror}; remove it yourself"
        ) from error
