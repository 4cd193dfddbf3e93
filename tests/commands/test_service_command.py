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

FILES = {f"etc/systemd/system/{name}" for name in service.UNITS} | {"etc/sysusers.d/microcue.conf"}


@pytest.fixture
def context(tmp_path):
    """No settings of anybody's."""
    return Context(Config(), tmp_path / "data")


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """The command as if it were in /opt."""
    monkeypatch.setattr(service, "program", lambda: Path("/opt/microcue/bin/microcue"))


def options(root, dry_run=False):
    return argparse.Namespace(root=root, dry_run=dry_run)


def unit(name):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string(service.service_files(Path("/opt/x"))[Path("etc/systemd/system") / name])
    return parser


def written(root):
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_dry_run_says_everything_and_writes_nothing(context, tmp_path, capsys):
    service.install(options(tmp_path / "root", dry_run=True), context, call=None)
    printed = capsys.readouterr().out
    assert all(path in printed for path in FILES)
    assert "ExecStart=/opt/microcue/bin/microcue run" in printed
    assert "run systemctl enable --now microcue.service" in printed
    assert written(tmp_path) == set()


def test_what_is_installed_is_removed_again(context, tmp_path):
    service.install(options(tmp_path), context, call=None)
    assert written(tmp_path) == FILES
    assert all(
        "@MICROCUE@" not in (tmp_path / path).read_text() for path in FILES if path.endswith("service")
    )
    service.uninstall(options(tmp_path), context, call=None)
    assert written(tmp_path) == set()


def test_step_that_systemd_refuses_is_said(context, monkeypatch):
    monkeypatch.setattr(service, "_write", lambda _path, _text: None)
    with pytest.raises(service.ServiceNotChanged, match=r"systemd-sysusers.*exit code 1; run it with sudo"):
        service.install(options(Path("/")), context, call=lambda _step: 1)


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


@pytest.mark.parametrize("name", [name for name in service.UNITS if name.endswith(".service")])
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
