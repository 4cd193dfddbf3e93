"""The two files on the card, read and checked: what may stand in them, and what their errors say.

`microcue.toml` holds the settings that `microcue config` prints, `microcue-first-boot.toml` what belongs to
the machine: its name, its camera's sensor, the network if there is to be one, the lab's text and key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from edge.config import FILE_NAME, Config, read_tables, with_overrides
from edge.errors import ConfigError
from edge.firmware.boot_files import SENSORS
from edge.firmware.card import FIRST_BOOT_NAME
from edge.setting import nearest, read_section, setting

# one line of a key file: type, base64, comment; no options before it, which could run programs
_SSH_KEY = (
    r"((ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]{20,2000}={0,2}( [ -~]{0,100})?)?"
)


@dataclass(frozen=True, slots=True)
class DeviceSection:
    """The machine."""

    name: str = setting(
        "",
        "its name in the network: up to 63 small letters, digits and -; empty: as it is",
        pattern=r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?",
    )
    sensor: str = setting("auto", "the camera on the ribbon connector; none: a USB camera", choices=SENSORS)


@dataclass(frozen=True, slots=True)
class NetworkSection:
    """Nothing by default. The watcher itself has no network, whatever stands here."""

    wifi_name: str = setting(
        "", "name of the wireless network, 1 to 32 bytes; empty: Wi-Fi is off", pattern=r"[^\x00-\x1f]{0,32}"
    )
    wifi_password: str = setting(
        "",
        "8 to 63 characters; empty: the one from before",
        pattern=r"([ -~]{8,63})?",
        secret=True,
    )
    wifi_country: str = setting(
        "", "two letters, such as DE: which channels are allowed", pattern=r"([A-Z]{2})?"
    )
    ssh_key: str = setting(
        "", "one public key, such as ssh-ed25519 AAAA... me; empty: no SSH", pattern=_SSH_KEY
    )
    set_clock: bool = setting(False, "may ask a time server; with false nothing ever leaves the device")


@dataclass(frozen=True, slots=True)
class LabSection:
    """Whose device it is."""

    consent_text: str = setting(
        "", "what participants read before they agree", pattern=r"[^\x00-\x08\x0b-\x1f\x7f]{0,20000}"
    )
    public_key: str = setting(
        "",
        "the lab's key, age1..., that bundles on a stick are encrypted to (microcue key)",
        pattern=r"(age1[0-9a-z]{58})?",
    )


@dataclass(frozen=True, slots=True)
class FirstBoot:
    """All of `microcue-first-boot.toml`."""

    device: DeviceSection = field(default_factory=DeviceSection)
    network: NetworkSection = field(default_factory=NetworkSection)
    lab: LabSection = field(default_factory=LabSection)


def read_settings(path: Path) -> Config:
    """The watcher's settings from the card.

    Raises
    ------
    ConfigError
        As `edge.config.load_config`, with the file's name in place of its path.
    """
    try:
        return with_overrides(Config(), read_tables(path), origin=f"{FILE_NAME}: ")
    except ConfigError as error:
        raise ConfigError(str(error).replace(str(path), FILE_NAME)) from error


def read_first_boot(path: Path) -> FirstBoot:
    """The machine's settings from the card, each and together checked. No error repeats a secret.

    Raises
    ------
    ConfigError
        The file cannot be read or is not TOML; a key is unknown, of the wrong type, out of range, or
        missing beside another.
    """
    try:
        tables = read_tables(path)
    except ConfigError as error:
        raise ConfigError(str(error).replace(str(path), FIRST_BOOT_NAME)) from error
    origin = f"{FIRST_BOOT_NAME}: "
    sections: dict[str, Any] = {}
    for section in fields(FirstBoot):
        table = tables.pop(section.name, {})
        if not isinstance(table, Mapping):
            raise ConfigError(f"{origin}expected the section [{section.name}], found a single value")
        sections[section.name] = read_section(getattr(FirstBoot(), section.name), section.name, table, origin)
    if tables:
        (name, *_) = tables
        raise ConfigError(f"{origin}[{name}] is not a section; {nearest(name, fields(FirstBoot))}")
    first = FirstBoot(**sections)
    _check_together(first.network, origin)
    return first


def _check_together(network: NetworkSection, origin: str) -> None:
    if len(network.wifi_name.encode()) > 32:
        raise ConfigError(f"{origin}network.wifi_name expects at most 32 bytes of UTF-8; shorten it")
    if network.wifi_name and not network.wifi_country:
        raise ConfigError(
            f"{origin}network.wifi_name expects network.wifi_country beside it, such as DE; add it"
        )
    if network.wifi_password and not network.wifi_name:
        raise ConfigError(f"{origin}network.wifi_password expects network.wifi_name beside it, found none")
