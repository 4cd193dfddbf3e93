"""The machine's name, its Wi-Fi, and which doors its firewall opens: only ever what somebody asked for."""

from __future__ import annotations

import uuid
from pathlib import Path

from edge.firmware import manifest
from edge.firmware.card import write_whole
from edge.firmware.card_settings import NetworkSection
from edge.firmware.errors import FirmwareError

_NETWORK_MANAGER = Path("etc/NetworkManager/system-connections")
_IWD = Path("var/lib/iwd")
_COUNTRY = Path("etc/modprobe.d/microcue-wifi.conf")
_SSH_KEYS = Path("etc/microcue/authorized_keys")
_DOORS = Path("etc/microcue/nftables.d")
_OURS = "microcue.nmconnection"


def set_name(root: Path, name: str) -> None:
    """The machine's name, and that name for itself."""
    write_whole(root / "etc/hostname", f"{name}\n")
    hosts = root / "etc/hosts"
    lines = hosts.read_text(encoding="utf-8").splitlines() if hosts.is_file() else ["127.0.0.1\tlocalhost"]
    kept = [line for line in lines if not line.startswith("127.0.1.1")]
    write_whole(hosts, "\n".join([*kept, f"127.0.1.1\t{name}", ""]))
    for path in (root / "etc/hostname", hosts):
        path.chmod(0o644)


def set_wifi(root: Path, network: NetworkSection, done: list[str]) -> None:
    """The one wireless network, or none.

    Raises
    ------
    FirmwareError
        Nothing that we know manages Wi-Fi here.
    """
    profile = root / _NETWORK_MANAGER / _OURS
    if not network.wifi_name:
        profile.unlink(missing_ok=True)
        return
    if not network.wifi_password:
        done.append("Wi-Fi as it was, since wifi_password is empty")
        return
    if (root / "usr/sbin/NetworkManager").exists():
        _write_secret(profile, _keyfile(network))
    elif (root / "usr/libexec/iwd").exists():
        _write_secret(root / _IWD / _iwd_name(network.wifi_name), _iwd_text(network.wifi_password))
    else:
        raise FirmwareError(
            "expected NetworkManager or iwd for network.wifi_name, found neither; "
            "use a cable, or an image that has one"
        )
    write_whole(root / _COUNTRY, f"options cfg80211 ieee80211_regdom={network.wifi_country}\n")
    done.append(f"the Wi-Fi network {network.wifi_name}")


def set_doors(root: Path, network: NetworkSection, done: list[str]) -> None:
    """SSH with one key, a time server; each with its door in the firewall, or neither."""
    keys = root / _SSH_KEYS
    if network.ssh_key:
        write_whole(keys, network.ssh_key + "\n")
        keys.chmod(0o644)  # sshd reads it as the person who logs in
        done.append("SSH with your key, without a password")
    else:
        keys.unlink(missing_ok=True)
    for name, asked in (("ssh.nft", bool(network.ssh_key)), ("clock.nft", network.set_clock)):
        door = root / _DOORS / name
        if asked:
            write_whole(door, manifest.read(f"nftables/{name}"))
        else:
            door.unlink(missing_ok=True)
    if network.set_clock:
        done.append("asking a time server")


def _write_secret(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # NetworkManager reads no profile that others can, and none may for a moment
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _keyfile(network: NetworkSection) -> str:
    """A NetworkManager keyfile; the name as bytes, since a keyfile knows no quotes."""
    name = ";".join(str(byte) for byte in network.wifi_name.encode())
    identity = uuid.uuid5(uuid.NAMESPACE_DNS, f"microcue.{network.wifi_name}")
    return (
        f"[connection]\nid=microcue\nuuid={identity}\ntype=wifi\nautoconnect=true\n\n"
        f"[wifi]\nmode=infrastructure\nssid={name};\ncloned-mac-address=stable\n\n"
        f"[wifi-security]\nkey-mgmt=wpa-psk\npsk={_escaped(network.wifi_password)}\n\n"
        "[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\naddr-gen-mode=stable-privacy\n"
    )


def _escaped(value: str) -> str:
    """As GKeyFile wants it: backslashes doubled, leading spaces spelt."""
    doubled = value.replace("\\", "\\\\")
    spaces = len(doubled) - len(doubled.lstrip(" "))
    return "\\s" * spaces + doubled[spaces:]


def _iwd_name(name: str) -> str:
    """iwd's file for a network: as it is, or =hex where it has other characters (iwd.network(5))."""
    plain = all(c.isascii() and (c.isalnum() or c in " _-") for c in name)
    return f"{name}.psk" if plain else f"={name.encode().hex()}.psk"


def _iwd_text(password: str) -> str:
    return f"[Security]\nPassphrase={_escaped(password)}\n\n[Settings]\nAutoConnect=true\n"
