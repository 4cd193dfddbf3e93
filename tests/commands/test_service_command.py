"""Installing the service: what is written, what is run, what is refused."""

from __future__ import annotations

import argparse
import configparser
from pathlib import Path

import pytest

from edge.capture.gstreamer import PipelinePatience
from edge.capture.v4l2 import DevicePatience
from edge.commands import service
from edge.commands.context import Context
from edge.config import Config
from edge.errors import EXIT_CONFIG, EXIT_DEVICE_ABSENT, EXIT_INPUT_OUTPUT, EXIT_USAGE, UsageError
from edge.firmware.first_boot import apply_card, check_card
from edge.firmware.manifest import AHEAD, APPLIANCE, CARD, REVIEW, SERVICE, installed

# what the system itself needs root for; edge/firmware, nftables
ROOT_UNITS = {"microcue-first-boot.service", "microcue-firewall.service", "microcue-data.service"}
SERVICES = [file.target.name for file in installed() if file.target.suffix == ".service"]


def targets(*sets):
    return {str(file.target) for file in installed(sets)}


@pytest.fixture
def context(tmp_path):
    """No settings of anybody's."""
    return Context(Config(), tmp_path / "data")


@pytest.fixture(autouse=True)
def in_opt(monkeypatch):
    """The command as if it were in /opt."""
    monkeypatch.setattr(service, "program", lambda: Path("/opt/microcue/bin/microcue"))
    monkeypatch.setattr(service, "_SYSTEMD_RUNS", Path("/"))


def options(root, dry_run=False, appliance=False, card=False, ahead=None, review=False):
    return argparse.Namespace(
        root=root, dry_run=dry_run, appliance=appliance, card=card, ahead=ahead, review=review
    )


def unit(name):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    (file,) = (file for file in installed() if file.target.name == name)
    parser.read_string(file.text(Path("/opt/x")))
    return parser


def written(root):
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_dry_run_says_everything_and_writes_nothing(context, tmp_path, capsys):
    service.install(options(tmp_path / "root", dry_run=True), context, call=None)
    printed = capsys.readouterr().out
    assert all(path in printed for path in targets(SERVICE))
    # no option: each would win over the settings file
    assert "ExecStart=/opt/microcue/bin/microcue run\n" in printed
    assert "run systemctl enable --now microcue.service microcue-maintenance.timer" in printed
    assert written(tmp_path) == set()


def test_review_page_stays_with_the_next_version_and_goes_with_the_service(context, tmp_path):
    service.install(options(tmp_path, review=True), context, call=None)
    assert written(tmp_path) == targets(SERVICE, REVIEW)
    service.install(options(tmp_path), context, call=None)  # as an update does
    assert written(tmp_path) == targets(SERVICE, REVIEW)
    service.uninstall(options(tmp_path), context, call=None)
    assert written(tmp_path) == set()


def test_card_of_its_own_is_an_appliance_with_a_partition_for_the_log(context, tmp_path):
    with pytest.raises(UsageError, match="--card expects --appliance"):
        service.install(options(tmp_path, card=True), context, call=None)
    assert not written(tmp_path)
    service.install(options(tmp_path, appliance=True, card=True), context, call=None)
    assert written(tmp_path) == targets(SERVICE, APPLIANCE, CARD)
    service.uninstall(options(tmp_path), context, call=None)
    assert not written(tmp_path)


@pytest.mark.parametrize("appliance", [False, True])
def test_what_is_installed_is_removed_again(context, tmp_path, appliance):
    service.install(options(tmp_path, appliance=appliance), context, call=None)
    assert written(tmp_path) == targets(SERVICE, *([APPLIANCE] if appliance else []))
    assert all("@MICROCUE@" not in (tmp_path / path).read_text() for path in written(tmp_path))
    service.uninstall(options(tmp_path), context, call=None)
    assert written(tmp_path) == set()


def test_appliance_on_a_raspberry_pi_changes_what_its_bootloader_reads_and_back(context, tmp_path):
    config, cmdline = tmp_path / "boot/firmware/config.txt", tmp_path / "boot/firmware/cmdline.txt"
    config.parent.mkdir(parents=True)
    config.write_text("dtparam=audio=on\n")
    cmdline.write_text("root=PARTUUID=1 rootwait\n")
    service.install(options(tmp_path, appliance=True), context, call=None)
    assert "dtoverlay=disable-wifi" in config.read_text()
    assert cmdline.read_text().split()[:2] == ["root=PARTUUID=1", "rootwait"]
    service.uninstall(options(tmp_path), context, call=None)
    assert (config.read_text(), cmdline.read_text()) == ("dtparam=audio=on\n", "root=PARTUUID=1 rootwait\n")


def test_appliance_finds_both_files_on_its_card_and_is_told_that_ssh_ends(context, tmp_path, capsys):
    boot = tmp_path / "boot/firmware"
    boot.mkdir(parents=True)
    (boot / "config.txt").write_text("")
    settings = tmp_path / "etc/microcue/microcue.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("[capture]\nfps = 120.0\n")
    service.install(options(tmp_path, appliance=True), context, call=None)
    told = capsys.readouterr().out.splitlines()[-1]
    assert "there is no SSH and no Wi-Fi unless microcue-first-boot.toml asks for it" in told
    assert str(boot / "microcue.toml") in told
    assert (boot / "microcue.toml").read_text() == settings.read_text()
    assert "wifi_name" in (boot / "microcue-first-boot.toml").read_text()
    assert check_card(boot) is not None
    service.install(options(tmp_path, appliance=True), context, call=None)
    assert capsys.readouterr().out.splitlines()[-1].endswith("asks for it.")
    service.uninstall(options(tmp_path), context, call=None)
    assert sorted(path.name for path in boot.iterdir()) == ["config.txt", "microcue.toml"]  # somebody's own


def test_a_file_that_was_taken_off_a_card_that_was_read_is_not_put_there_again(context, tmp_path):
    boot = tmp_path / "boot/firmware"
    boot.mkdir(parents=True)
    (boot / "config.txt").write_text("")
    service.install(options(tmp_path, appliance=True), context, call=None)
    apply_card(boot, tmp_path)
    (boot / "microcue-first-boot.toml").unlink()
    service.install(options(tmp_path, appliance=True), context, call=None)
    assert not (boot / "microcue-first-boot.toml").exists()


def test_firewall_is_not_closed_under_the_session_that_installs_it(context, monkeypatch):
    steps = []
    monkeypatch.setattr(service, "_write", lambda _path, _text: None)
    monkeypatch.setattr(service, "_change_boot_files", lambda *_: None)
    service.install(
        options(Path("/"), appliance=True), context, call=lambda step: steps.append(" ".join(step)) or 0
    )
    naming = [step for step in steps if "microcue-firewall" in step]
    assert len(naming) == 1
    assert "--now" not in naming[0]


def test_kernels_compiled_ahead_forbid_the_watcher_to_compile(context, tmp_path):
    service.install(options(tmp_path, ahead=True), context, call=None)
    assert written(tmp_path) == targets(SERVICE, AHEAD)
    (place,) = targets(AHEAD)
    assert "MemoryDenyWriteExecute=yes" in (tmp_path / place).read_text()
    service.install(options(tmp_path), context, call=None)  # as an update does
    assert written(tmp_path) == targets(SERVICE, AHEAD)
    service.install(options(tmp_path, ahead=False), context, call=None)
    assert written(tmp_path) == targets(SERVICE)


def test_update_that_cannot_compile_ahead_lets_the_watcher_compile(context, tmp_path, monkeypatch, capsys):
    def fails(steps, *_):
        if "warmup" in steps[0]:
            raise service.ServiceNotChanged("run microcue warmup --ahead", "it ended with exit code 78")

    service.install(options(tmp_path, ahead=True), context, call=None)
    monkeypatch.setattr(service, "_take", fails)
    service.install(options(tmp_path), context, call=None)
    assert written(tmp_path) == targets(SERVICE)
    assert "Numba compiles the kernels instead." in capsys.readouterr().out


def test_watcher_is_not_forbidden_to_compile_where_compiling_ahead_fails(context, monkeypatch):
    files, steps = [], []
    monkeypatch.setattr(service, "_write", lambda path, _text: files.append(path))
    with pytest.raises(service.ServiceNotChanged, match="warmup --ahead, but it ended with exit code 78"):
        service.install(options(Path("/"), ahead=True), context, call=lambda step: steps.append(step) or 78)
    assert steps == [["/opt/microcue/bin/microcue", "warmup", "--ahead"]]
    assert files == []


def test_step_that_systemd_refuses_is_said(context, monkeypatch):
    monkeypatch.setattr(service, "_write", lambda _path, _text: None)
    with pytest.raises(service.ServiceNotChanged, match=r"systemd-sysusers.*exit code 1; run it with sudo"):
        service.install(options(Path("/")), context, call=lambda _step: 1)


def test_image_that_is_being_made_has_nothing_started(context, monkeypatch, tmp_path):
    steps = []
    monkeypatch.setattr(service, "_write", lambda _path, _text: None)
    monkeypatch.setattr(service, "_SYSTEMD_RUNS", tmp_path / "absent")
    service.install(options(Path("/")), context, call=lambda step: steps.append(" ".join(step)) or 0)
    assert [step for step in steps if step.startswith("systemctl")] == [
        "systemctl enable microcue.service microcue-maintenance.timer"
    ]
    assert steps[0].startswith("systemd-sysusers")


def test_machine_without_systemd_is_said(context, monkeypatch):
    def absent(step):
        raise FileNotFoundError(step[0])

    monkeypatch.setattr(service, "_write", lambda _path, _text: None)
    with pytest.raises(service.ServiceNotChanged, match="systemd-sysusers, but it is not installed"):
        service.install(options(Path("/")), context, call=absent)


def test_watchdog_waits_longer_than_any_source_waits_for_its_camera():
    device, pipeline = DevicePatience(), PipelinePatience()
    longest_s = max(
        device.away_s + device.first_frame_s,
        device.n_restarts * (device.stall_s + device.first_frame_s),
        pipeline.n_restarts * (pipeline.stall_s + pipeline.again_s) + pipeline.first_frame_s,
    )
    assert float(unit("microcue.service")["Service"]["WatchdogSec"]) > longest_s


def test_only_what_the_next_start_cannot_mend_prevents_it():
    codes = unit("microcue.service")["Service"]["RestartPreventExitStatus"].split()
    assert {int(code) for code in codes} == {EXIT_USAGE, EXIT_CONFIG}
    assert not {EXIT_DEVICE_ABSENT, EXIT_INPUT_OUTPUT} & {int(code) for code in codes}


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in ROOT_UNITS])
def test_no_unit_reaches_a_network_or_gains_a_privilege(name):
    table = unit(name)["Service"]
    assert table["PrivateNetwork"] == table["NoNewPrivileges"] == "yes"
    assert "AF_INET" not in table["RestrictAddressFamilies"]
    assert (table["IPAddressDeny"], table["CapabilityBoundingSet"], table["LimitCORE"]) == ("any", "", "0")


def test_command_in_a_home_directory_is_refused(tmp_path, monkeypatch):
    monkeypatch.undo()
    with pytest.raises(UsageError, match="expected the command"):
        service.program(str(tmp_path / "python"))
    monkeypatch.setattr(Path, "is_file", lambda _path: True)
    with pytest.raises(UsageError, match="outside home directories"):
        service.program("/home/pi/.venv/bin/python")
    assert service.program("/opt/microcue/bin/python") == Path("/opt/microcue/bin/microcue")
