"""Two environments, of which one is used: an update is made in the other, and one link decides.

`/opt/microcue` is a link to `/opt/microcue-a` or `/opt/microcue-b`. It is changed in one step, so that a
power cut leaves either the old version or the new one, each whole.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edge.firmware.errors import FirmwareError

HOME = Path("/opt/microcue")


@dataclass(frozen=True, slots=True)
class Slots:
    """The link and its two places.

    Attributes
    ----------
    home : Path
        The link.
    """

    home: Path = HOME

    @property
    def used(self) -> Path:
        """The environment that the link leads to.

        Raises
        ------
        FirmwareError
            There is no such link: microcue was installed otherwise.
        """
        places = self._places()
        target = self.home.parent / self.home.readlink() if self.home.is_symlink() else self.home
        if target not in places:
            raise FirmwareError(
                f"expected {self.home} to be a link to {places[0].name} or {places[1].name}, as "
                "tools/install.sh makes it; update this installation the way it was installed"
            )
        return target

    @property
    def other(self) -> Path:
        """The place of the next version, or of the one before."""
        used = self.used
        return next(place for place in self._places() if place != used)

    def switch(self) -> None:
        """Let the link lead to the other place, in one step.

        Raises
        ------
        FirmwareError
            No environment is there, or the link cannot be written.
        """
        other = self.other
        if not (other / "bin" / "microcue").is_file():
            raise FirmwareError(f"expected a version of microcue in {other}, found none; nothing was changed")
        beside = self.home.with_name(f"{self.home.name}.new")
        try:
            beside.unlink(missing_ok=True)
            beside.symlink_to(other)
            beside.replace(self.home)
            folder = os.open(self.home.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise FirmwareError(
                f"expected to change {self.home}, the system says {error.strerror}"
            ) from error

    def _places(self) -> tuple[Path, Path]:
        return self.home.with_name(f"{self.home.name}-a"), self.home.with_name(f"{self.home.name}-b")
