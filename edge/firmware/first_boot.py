"""Applies the card's two files, each content once; or says on the card what is wrong, and applies nothing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edge.config import FILE_NAME, SYSTEM_FILE, Config
from edge.errors import ConfigError, EdgeError
from edge.firmware import boot_files, card, manifest, network, seal
from edge.firmware.card import FIRST_BOOT_NAME
from edge.firmware.card_settings import FirstBoot, read_first_boot, read_settings
from edge.firmware.errors import FirmwareError

_SETTINGS = SYSTEM_FILE.relative_to("/")
_STATE = Path("var/lib/microcue-first-boot/applied.json")
CONSENT_TEXT = Path("etc/microcue/consent.txt")
LAB_KEY = Path("etc/microcue/lab.pub")


@dataclass
class Outcome:
    """What was done.

    Attributes
    ----------
    applied : list of str
        In words, without secrets.
    restart : bool
        Only the next start takes all of it in.
    """

    applied: list[str] = field(default_factory=list)
    restart: bool = False


def check_card(boot: Path, root: Path | None = None) -> FirstBoot | None:
    """Read both files and check them; what the machine's file says, or None where there is none.

    Parameters
    ----------
    boot : Path
        The FAT partition.
    root : Path, optional
        The system that they are for, where it is at hand.

    Raises
    ------
    ConfigError, MissingExtra
        A file is wrong, or cannot be read; or they ask for a kiosk without a text to agree to.
    """
    card.check_names(boot)
    settings = read_settings(boot / FILE_NAME) if (boot / FILE_NAME).is_file() else Config()
    first = read_first_boot(boot / FIRST_BOOT_NAME) if (boot / FIRST_BOOT_NAME).is_file() else None
    is_ours = settings.session.mode == "kiosk" and settings.kiosk.consent_text == f"/{CONSENT_TEXT}"
    has_text = bool(first and first.lab.consent_text.strip())
    if is_ours and not has_text and not (root and (root / CONSENT_TEXT).is_file()):
        raise ConfigError(
            f"{FIRST_BOOT_NAME}: a kiosk expects the text that visitors agree to, found none in "
            "consent_text of [lab]; write it between the quotes"
        )
    return first


def apply_card(boot: Path, root: Path, sealed: bool = False) -> Outcome:
    """Take in what is new on the card; a read-only system is opened first, which takes a start.

    Parameters
    ----------
    boot : Path
        The FAT partition.
    root : Path
        The system that is written to.
    sealed : bool
        Whether it is read-only now, `seal.is_sealed()`.

    Raises
    ------
    ConfigError, MissingExtra
        A file is wrong; nothing was applied.
    FirmwareError
        Something cannot be written. Either way the card says so in `microcue-problem.txt`.
    """
    with _told_on(boot):
        first = check_card(boot, root)
        known, outcome = _known(root), Outcome()
        if sealed:
            if not seal.is_wanted(boot, root) or _prints(boot) != known:
                outcome.restart = seal.change(boot, sealed=False)
                outcome.applied.append("nothing yet: the system is read-only, and open after a restart")
            return outcome
        settings, machine = boot / FILE_NAME, boot / FIRST_BOOT_NAME
        if first is not None and card.fingerprint(machine) != known.get(FIRST_BOOT_NAME):
            emptied = card.without_secrets(machine)  # before anything is applied: it may be refused
            _apply_machine(first, boot, root, outcome)
            if emptied is not None:
                card.write_over(machine, emptied)
                outcome.applied.append(f"removed the password from {FIRST_BOOT_NAME}")
        if settings.is_file() and card.fingerprint(settings) != known.get(FILE_NAME):
            card.write_whole(root / _SETTINGS, settings.read_text(encoding="utf-8-sig"))
            (root / _SETTINGS).chmod(0o644)
            outcome.applied.append(f"the settings of {FILE_NAME}")
        card.unsay(boot, card.PROBLEM_NAME)
        if outcome.applied:
            card.say(boot, card.APPLIED_NAME, "".join(["Applied:\n", *(f"- {x}\n" for x in outcome.applied)]))
        # last, so that what a power cut left half done is done again; before a restart, so that there is one
        if (prints := _prints(boot)) != known:
            card.write_whole(root / _STATE, json.dumps(prints))
        if seal.is_wanted(boot, root) and seal.change(boot, sealed=True):
            outcome.applied.append("the system is read-only from the next start on")
            outcome.restart = True
    return outcome


def _prints(boot: Path) -> dict[str, str]:
    return {name: card.fingerprint(boot / name) for name in (FILE_NAME, FIRST_BOOT_NAME)}


def offer_card(boot: Path, root: Path) -> list[Path]:
    """Put both files on a card that was never read and lacks them; gives those that were written.

    Settings that stand already are put there as they are: the first start would replace them otherwise.

    Raises
    ------
    FirmwareError
    """
    if (root / _STATE).is_file():  # who took a file away since would have it applied again, with its defaults
        return []
    texts = {name: manifest.read(f"first-boot/{name}") for name in (FIRST_BOOT_NAME, FILE_NAME)}
    if (root / _SETTINGS).is_file():
        texts[FILE_NAME] = (root / _SETTINGS).read_text(encoding="utf-8")
    absent = [name for name in texts if not (boot / name).exists()]
    for name in absent:
        card.write_whole(boot / name, texts[name])
    return [boot / name for name in absent]


def take_back_card(boot: Path) -> None:
    """Remove those of the two files that nobody has changed."""
    for name in (FIRST_BOOT_NAME, FILE_NAME):
        path = boot / name
        if path.is_file() and path.read_bytes() == manifest.read(f"first-boot/{name}").encode():
            path.unlink()


def apply_boot_files(boot: Path, sensor: str, wifi: bool) -> None:
    """Put our part into `config.txt` and our words into `cmdline.txt`.

    Raises
    ------
    FirmwareError
    """
    part = boot_files.config_part(sensor, wifi)
    _change(boot / "config.txt", lambda text: boot_files.with_part(text, part))
    _change(boot / "cmdline.txt", lambda text: boot_files.with_words(text, boot_files.cmdline_words()))


def remove_boot_files(boot: Path) -> None:
    """Take both out again.

    Raises
    ------
    FirmwareError
    """
    _change(boot / "config.txt", lambda text: boot_files.with_part(text, ""))
    _change(boot / "cmdline.txt", lambda text: boot_files.without_words(text, boot_files.cmdline_words()))


def _change(path: Path, made: Callable[[str], str]) -> None:
    # a command line of our words alone would name no root: where there is none, none is made
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    if before and made(before) != before:
        card.write_whole(path, made(before))


def _apply_machine(first: FirstBoot, boot: Path, root: Path, outcome: Outcome) -> None:
    done, wifi = outcome.applied, bool(first.network.wifi_name)
    network.set_wifi(root, first.network, done)
    network.set_doors(root, first.network, done)
    if first.device.name:
        network.set_name(root, first.device.name)
        done.append(f"the name {first.device.name}")
    _set_text(root / CONSENT_TEXT, first.lab.consent_text, "the consent text", done)
    _set_text(root / LAB_KEY, first.lab.public_key, "the lab's public key", done)
    apply_boot_files(boot, first.device.sensor, wifi)
    done.append(
        f"the camera's sensor ({first.device.sensor}), Wi-Fi {'on' if wifi else 'off'}, Bluetooth off"
    )
    outcome.restart = True


def _set_text(path: Path, text: str, what: str, done: list[str]) -> None:
    if text:
        card.write_whole(path, text.rstrip() + "\n")
        path.chmod(0o644)
        done.append(what)


@contextlib.contextmanager
def _told_on(boot: Path) -> Iterator[None]:
    """Whatever is explained is also written where the person who edits the card looks."""
    try:
        with _explained():
            yield
    except EdgeError as error:
        nothing = isinstance(error, ConfigError)
        # a card that cannot be written to cannot tell it: the light and the journal do
        with contextlib.suppress(FirmwareError, OSError):
            card.unsay(boot, card.APPLIED_NAME)
            card.say(boot, card.PROBLEM_NAME, _problem_text(str(error), nothing))
        raise


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """What the system refuses, as one of our own errors."""
    try:
        yield
    except OSError as error:
        raise FirmwareError(
            f"expected to write what the card asks for, the system says {error.strerror}: {error.filename}; "
            "the machine's own file system must be writable"
        ) from error


def _known(root: Path) -> dict[str, str]:
    """Fingerprints of what was applied; empty where the note of it is missing or damaged."""
    try:
        known = json.loads((root / _STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _problem_text(sentence: str, nothing_applied: bool) -> str:
    nothing = f"Nothing of {FILE_NAME} and {FIRST_BOOT_NAME} was applied. " if nothing_applied else ""
    return (
        f"microcue watches nobody until this is mended:\n\n{sentence}\n\n{nothing}"
        "Mend it on any computer, put the card back, switch the device on. "
        "This text goes away by itself then. docs/first-hour.md explains both files.\n"
    )
