"""The files that are installed, as `firmware_config/manifest.toml` lists them."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SERVICE, APPLIANCE, CARD, AHEAD, REVIEW = "service", "appliance", "card", "ahead", "review"
_COMMAND = "@MICROCUE@"
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Installed:
    """One file that is installed.

    Attributes
    ----------
    source : str
        Below `firmware_config/`.
    target : Path
        Below the root of the system.
    set : {"service", "appliance", "card", "ahead", "review"}
        Beside other work, only on a machine that does nothing else, only on a card that is read-only, only
        with kernels compiled ahead, or only with the review page.
    enable : bool
        A unit that starts with the machine.
    """

    source: str
    target: Path
    set: str
    enable: bool = False

    def text(self, command: Path) -> str:
        """Its content, with the command filled in."""
        return read(self.source).replace(_COMMAND, str(command))


def folder() -> Path:
    """`firmware_config/`: inside the package where installed, beside it in a checkout."""
    inside = _PACKAGE / "firmware_config"
    return inside if inside.is_dir() else _PACKAGE.parent / "firmware_config"


def read(source: str) -> str:
    """One file of `firmware_config/`."""
    return (folder() / source).read_text(encoding="utf-8")


def installed(sets: Collection[str] = (SERVICE, APPLIANCE, CARD, AHEAD, REVIEW)) -> list[Installed]:
    """The files of these sets, in the manifest's order."""
    entries: list[dict[str, Any]] = tomllib.loads(read("manifest.toml"))["file"]
    files = [Installed(**{**entry, "target": Path(entry["target"])}) for entry in entries]
    return [file for file in files if file.set in sets]
