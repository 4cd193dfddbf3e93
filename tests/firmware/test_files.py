"""Every file that is installed, as far as a parser can judge it; `make test-firmware` asks the programs."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

from edge.firmware import manifest
from edge.firmware.manifest import AHEAD, APPLIANCE, CARD, REVIEW, SERVICE, folder, installed

FILES = installed()
COMMAND = Path("/opt/microcue/bin/microcue")
UNITS = [file for file in FILES if file.target.parent == Path("etc/systemd/system")]
INI = [
    file
    for file in FILES
    if re.search(r"etc/systemd/.*\.(service|socket|timer|mount|conf)$", str(file.target))
]
# put together, or read elsewhere: not copied
NOT_INSTALLED = {"README.md", "manifest.toml", "nftables/ssh.nft", "nftables/clock.nft"}
NOT_INSTALLED_FOLDERS = ("boot/", "first-boot/", "image/", "jetson/")


def name(file):
    return file.source


def sections(text):
    parser = configparser.ConfigParser(
        strict=False, interpolation=None, allow_no_value=True, delimiters=("=",)
    )
    parser.optionxform = str
    parser.read_string(text)
    return parser


def meant(file):
    return [line for line in file.text(COMMAND).splitlines() if line.strip() and not line.startswith("#")]


def test_manifest_and_folder_hold_the_same_files():
    listed = {file.source for file in FILES}
    there = {str(path.relative_to(folder())) for path in folder().rglob("*") if path.is_file()}
    there = {path for path in there if not path.startswith(NOT_INSTALLED_FOLDERS)}
    assert there - NOT_INSTALLED == listed
    assert there >= NOT_INSTALLED
    assert {file.set for file in FILES} == {SERVICE, APPLIANCE, CARD, AHEAD, REVIEW}
    assert len({file.target for file in FILES}) == len(FILES)


def test_every_file_is_explained():
    page = manifest.read("README.md")
    sources = {path for path in folder().rglob("*") if path.is_file() and path.suffix not in (".md", ".toml")}
    named = {path.name for path in sources if f"`{path.name}`" in page or f"`{path.parent.name}/`" in page}
    assert {path.name for path in sources} - named == set()


@pytest.mark.parametrize("file", INI, ids=name)
def test_unit_has_no_unknown_section_and_no_empty_value_but_where_empty_means_none(file):
    table = sections(file.text(COMMAND))
    known = {"Unit", "Service", "Socket", "Timer", "Mount", "Install", "Journal", "Manager", "zram0"}
    assert set(table.sections()) <= known
    for section in table.sections():
        empty = {key for key, value in table[section].items() if not value}
        assert empty <= {"CapabilityBoundingSet", "AmbientCapabilities"}
    assert "@" not in file.text(COMMAND).replace("@system-service", "").replace("~@privileged @resources", "")


@pytest.mark.parametrize("file", UNITS, ids=name)
def test_unit_that_is_enabled_says_for_whom(file):
    assert sections(file.text(COMMAND)).has_section("Install") is file.enable


def test_units_name_only_units_that_exist():
    ours = {file.target.name for file in UNITS}
    for file in INI:
        named = set(
            re.findall(
                r"(?:(?:media|var-lib|var-cache|run)-)?microcue[\w\\-]*\.(?:service|socket|timer|mount)",
                file.text(COMMAND),
            )
        )
        assert named <= ours, file.source


def test_nothing_but_the_watcher_waits_for_the_card():
    for file in FILES:
        text = file.text(COMMAND)
        needed = re.findall(r"^(?:Requires|BindsTo|Requisite)=(.*)$", text, re.MULTILINE)
        if any("microcue-first-boot" in line for line in needed):
            assert file.target == Path("etc/systemd/system/microcue.service.d/20-first-boot.conf")


@pytest.mark.parametrize("file", [f for f in FILES if f.target.suffix == ".rules"], ids=name)
def test_udev_rule_matches_before_it_assigns(file):
    token = re.compile(r'^(ENV\{\w+\}|[A-Z]+(?:\{\w+\})?)(==|!=|\+=|:=|=)"[^"]*"$')
    for line in meant(file):
        parts = [token.match(part.strip()) for part in line.split(",")]
        assert all(parts), line
        operators = [part.group(2) in ("==", "!=") for part in parts]
        assert operators == sorted(operators, reverse=True)
        assert operators[0]


@pytest.mark.parametrize("file", [f for f in FILES if "tmpfiles.d" in str(f.target)], ids=name)
def test_tmpfiles_line_has_its_seven_fields(file):
    for line in meant(file):
        kind, path, mode, *_ = fields = line.split()
        assert (len(fields), path[0]) == (7 if kind.startswith("w") else 6, "/")
        assert re.fullmatch(r"-|[0-7]{4}", mode)


def test_sysusers_and_sysctl_lines_are_whole():
    (users,) = (file for file in FILES if "sysusers.d" in str(file.target))
    assert all(re.match(r"^[gum] \S+ \S+", line) for line in meant(users))
    (sysctl,) = (file for file in FILES if "sysctl.d" in str(file.target))
    assert all(re.match(r"^[a-z_.]+ = \S+$", line) for line in meant(sysctl))


def test_firewall_refuses_whatever_was_not_asked_for():
    text = manifest.read("nftables/microcue.nft")
    chains = dict(re.findall(r"chain (\w+) \{(.*?)\n\t\}", text, re.DOTALL))
    assert all("policy drop" in chains[name] for name in ("input", "forward", "output"))
    accepted = {line.strip() for line in text.splitlines() if line.strip().endswith("accept")}
    assert accepted == {
        'iifname "lo" accept', 'oifname "lo" accept', "ct state established,related accept"
    }  # fmt: skip


def test_doors_are_opened_in_chains_that_the_firewall_has():
    for source in ("nftables/ssh.nft", "nftables/clock.nft"):
        for line in manifest.read(source).splitlines():
            assert line.startswith(
                ("#", "add rule inet microcue asked_in ", "add rule inet microcue asked_out ")
            )


def test_unit_that_writes_etc_may():
    """ReadWritePaths= opens no path that ProtectSystem= itself names; seen in `make test-boot`."""
    table = sections(manifest.read("systemd/microcue-first-boot.service"))["Service"]
    assert table["ProtectSystem"] == "strict"
    assert "/etc" in table["ReadWritePaths"].split()


def test_journal_and_swap_leave_nothing_on_the_card():
    assert "Storage=volatile" in manifest.read("journald/microcue.conf")
    assert "zram" in manifest.read("zram/zram-generator.conf")
    assert int(re.search(r"RuntimeWatchdogSec=(\d+)", manifest.read("watchdog/microcue.conf")).group(1)) < 16
