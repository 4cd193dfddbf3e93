"""Puts every file of `firmware_config/` before the program that will read it; any complaint is a failure.

    python tools/check_firmware.py

The files are installed into a folder first, as `microcue install-service --appliance` does. A checker that
is not installed here is named, and leaves its files to the parsers in tests/firmware. Nothing of this
machine changes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
COMMAND = Path("/bin/true")  # stands for microcue, which a checker wants to find
# of 10, in tenths: what systemd calls a unit's exposure. Root units keep what they are there for
EXPOSURE_MAX = {
    "microcue-first-boot.service": 25,
    "microcue-firewall.service": 30,
    "microcue-data.service": 45,
    "microcue-clocks.service": 70,
    "microcue-review.service": 15,
    "microcue.service": 9,  # with kernels compiled ahead, as everything is installed here
}
EXPOSURE_USUAL_MAX = 12
UNITS = Path("etc/systemd/system")


class Verdict(NamedTuple):
    """What one checker says; `ok` is None where it is not here."""

    what: str
    ok: bool | None
    said: str


def main() -> int:
    """Check all; 1 where a checker complains."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        install(tree)
        verdicts = [
            *units(tree),
            *accounts(tree),
            *firewall(tree),
            *rules(tree),
            *doors(tree),
            *partitions(tree),
            *scripts(),
        ]
    for verdict in verdicts:
        word = {True: "ok", False: "FAILS", None: "not checked"}[verdict.ok]
        print(f"{word:<12} {verdict.what:<44} {verdict.said}")
    return 1 if any(verdict.ok is False for verdict in verdicts) else 0


def install(tree: Path) -> None:
    """Everything that the manifest lists, and the doors that are opened on request, below `tree`."""
    sys.path.insert(0, str(ROOT))
    from edge.firmware.manifest import installed, read

    for file in installed():
        write(tree / file.target, file.text(COMMAND))
    for name in ("ssh.nft", "clock.nft"):
        write(tree / "etc/microcue/nftables.d" / name, read(f"nftables/{name}"))
    # a program that only a Jetson has
    clocks = read("jetson/microcue-clocks.service").replace("/usr/bin/jetson_clocks", str(COMMAND))
    write(tree / UNITS / "microcue-clocks.service", clocks)


def write(path: Path, text: str) -> None:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def units(tree: Path) -> Iterator[Verdict]:
    """Every unit with its drop-ins, and how exposed each service is."""
    folder = tree / UNITS
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    yield asked(
        "systemd-analyze verify",
        ["systemd-analyze", "verify", "--man=no", *(f"./{n}" for n in names)],
        folder,
    )
    if shutil.which("systemd-analyze") is None:
        return
    for name in (name for name in names if name.endswith(".service")):
        yield exposure(folder, name, EXPOSURE_MAX.get(name, EXPOSURE_USUAL_MAX))
    (folder / "microcue.service.d/20-ahead.conf").unlink()
    yield exposure(folder, "microcue.service", EXPOSURE_USUAL_MAX, ", compiling")


def exposure(folder: Path, name: str, limit: int, note: str = "") -> Verdict:
    """What systemd makes of one service, its drop-ins included."""
    words = ["systemd-analyze", "security", "--offline=true", f"--threshold={limit}", name]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    last = (done.stdout.strip().splitlines() or [done.stderr.strip()])[-1].lstrip("→ ")
    return Verdict(f"exposure of {name}{note}", done.returncode == 0, last)


def accounts(tree: Path) -> Iterator[Verdict]:
    """Users and folders, really made below another root."""
    root = tree / "another"
    for name in ("etc", "usr/lib", "run"):
        (root / name).mkdir(parents=True)
    # of a system: what the lines name by name
    write(root / "etc/group", "root:x:0:\nmicrocue:x:900:\n")
    write(root / "etc/passwd", "root:x:0:0::/root:/bin/sh\nmicrocue:x:900:900::/:/bin/false\n")
    lines = tree / "etc/sysusers.d/microcue.conf"
    yield asked("systemd-sysusers", ["systemd-sysusers", f"--root={root}", str(lines)], quiet=False)
    files = [str(path) for path in sorted((tree / "etc/tmpfiles.d").iterdir())]
    yield asked("systemd-tmpfiles --create", ["systemd-tmpfiles", "--create", f"--root={root}", *files])


def firewall(tree: Path) -> Iterator[Verdict]:
    """The rules alone, and with each door."""
    rules_file, doors = tree / "etc/microcue/microcue.nft", tree / "etc/microcue/nftables.d"
    text = rules_file.read_text(encoding="utf-8").replace("/etc/microcue", str(tree / "etc/microcue"))
    write(rules_file, text)
    # nft asks the kernel even to check; in a network of its own it can change nothing here
    words = ["unshare", "--net", "nft", "--check", "--file", str(rules_file)]
    yield asked("nft --check, all doors open", words, needs="nft")
    shutil.rmtree(doors)
    doors.mkdir()
    yield asked("nft --check, all doors shut", words, needs="nft")


def rules(tree: Path) -> Iterator[Verdict]:
    """udev rules; only udev 254 and later check them."""
    files = [str(path) for path in sorted((tree / "etc/udev/rules.d").iterdir())]
    program = os.environ.get("UDEVADM", "udevadm")
    if shutil.which(program):
        known = (
            subprocess.run([program, "verify", "--help"], capture_output=True, check=False).returncode == 0
        )
        if not known:
            yield Verdict(
                "udevadm verify",
                None,
                "this udevadm has no verify (254 and later): UDEVADM=PATH names another",
            )
            return
    yield asked("udevadm verify", [program, "verify", "--resolve-names=never", *files], quiet=False)


def doors(tree: Path) -> Iterator[Verdict]:
    """What sshd makes of its lines."""
    file = tree / "etc/ssh/sshd_config.d/microcue.conf"
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    key = tree / "host_key"
    if shutil.which(sshd) and shutil.which("ssh-keygen"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    yield asked("sshd -t", [sshd, "-t", "-f", str(file), "-h", str(key)])


def partitions(tree: Path) -> Iterator[Verdict]:
    """The log's partition, appended to a file in place of a card, once; making a file system needs a card."""
    what, card = "data-partition, on a file", tree / "card.img"
    if shutil.which("sfdisk") is None:
        yield Verdict(what, None, "sfdisk is not installed (package fdisk)")
        return
    with card.open("wb") as file:
        file.truncate(96 * 2**20)
    # as rpi-image-gen lays a card out: aligned to 8 MiB, with a gap before the first
    layout = "label: dos\nstart=16384, size=32768, type=c\nstart=49152, size=65536, type=83\n"
    subprocess.run(["sfdisk", "--quiet", str(card)], input=layout, text=True, check=True)
    script, tables = tree / "usr/lib/microcue/data-partition", []
    for _ in range(2):
        subprocess.run(["sh", str(script), str(card)], capture_output=True, check=False)
        dump = subprocess.run(["sfdisk", "--json", str(card)], capture_output=True, text=True, check=True)
        tables.append(json.loads(dump.stdout)["partitiontable"]["partitions"])
    spans = [(part["start"], part["start"] + part["size"]) for part in tables[0]]
    ok = spans == [(16384, 49152), (49152, 114688), (114688, 196608)] and tables[0] == tables[1]
    yield Verdict(what, ok, f"sectors {spans}, twice" if ok else f"sectors {spans}, then {tables[1]}")


def scripts() -> Iterator[Verdict]:
    """The installer, and the card's own, as POSIX shell scripts."""
    files = [ROOT / "tools/install.sh", *sorted((ROOT / "tools/installer").glob("*.sh"))]
    files.append(ROOT / "firmware_config/card/data-partition")
    yield asked(
        "shellcheck",
        [
            "shellcheck",
            "--shell=sh",
            "--external-sources",
            "--source-path=SCRIPTDIR",
            *(str(file) for file in files if file.exists()),
        ],
    )


def asked(
    what: str, words: Sequence[str], folder: Path | None = None, needs: str = "", quiet: bool = True
) -> Verdict:
    """Run a checker; with `quiet`, any word it says counts as a complaint."""
    program = needs or words[0]
    if shutil.which(program) is None:
        return Verdict(what, None, f"{program} is not installed")
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    said = " / ".join((done.stdout + done.stderr).strip().splitlines())
    return Verdict(what, done.returncode == 0 and not (quiet and said), said)


if __name__ == "__main__":
    sys.exit(main())
