"""A card that is read-only while people are watched: opened for new settings or an update, closed after.

Debian's overlayroot does the work: with its word on the kernel's command line every write to the system goes
to memory, and is gone with the next start. The log has a partition of its own (`firmware_config/card`).
"""

from __future__ import annotations

from pathlib import Path

from edge.firmware import boot_files, card, manifest

# the log's partition and the card's first one are left as they are
WORD = "overlayroot=tmpfs:recurse=0"
_OPEN_TEXT = "While this file is here, the system can be written to. Delete it to make it read-only again.\n"


def is_sealed(mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Whether what is written to the system now is gone with the next start."""
    lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(line.split()[:2] == ["overlayroot", "/"] for line in lines)


def is_wanted(boot: Path, root: Path) -> bool:
    """Whether this is such a card, and nobody keeps it open."""
    targets = [root / file.target for file in manifest.installed([manifest.CARD])]
    return all(target.exists() for target in targets) and not (boot / card.OPEN_NAME).exists()


def keep_open(boot: Path) -> None:
    """Leave the file by which the card stays open, where people see it.

    Raises
    ------
    FirmwareError
    """
    card.say(boot, card.OPEN_NAME, _OPEN_TEXT)


def change(boot: Path, sealed: bool) -> bool:
    """Let the next start be read-only, or not; whether anything had to be changed for it.

    Raises
    ------
    FirmwareError
        `cmdline.txt` cannot be written.
    """
    path = boot / "cmdline.txt"
    if not path.is_file():
        return False
    before = path.read_text(encoding="utf-8")
    after = (boot_files.with_words if sealed else boot_files.without_words)(before, [WORD])
    if after == before:
        return False
    card.write_whole(path, after)
    return True
