"""Our part of what a Raspberry Pi's bootloader reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.firmware import boot_files, manifest
from edge.firmware.boot_files import BEGIN, END, SENSORS, config_part, with_part, with_words, without_words

BOARDS = {"[pi02]", "[pi3]", "[pi4]", "[pi5]"}
# of config.txt, as raspberrypi.com documents them
KEYS = {"arm_64bit", "display_auto_detect", "camera_auto_detect", "disable_splash", "force_turbo"}
KEYS |= {"dtoverlay", "dtparam"}


def settings_of(part, board):
    """What a board reads of our part: lines under [all] or its own filter."""
    filter_, lines = "[all]", []
    for line in part.splitlines():
        if line.startswith("["):
            filter_ = line
        elif not line.startswith("#") and filter_ in ("[all]", board):
            lines.append(line)
    return lines


@pytest.mark.parametrize("sensor", SENSORS)
@pytest.mark.parametrize("wifi", [False, True])
@pytest.mark.parametrize("board", sorted(BOARDS))
def test_every_board_and_camera_gets_one_sensor_and_its_memory(sensor, wifi, board):
    lines = settings_of(config_part(sensor, wifi), board)
    assert {line.partition("=")[0] for line in lines} <= KEYS
    overlays = [line.removeprefix("dtoverlay=") for line in lines if line.startswith("dtoverlay=")]
    assert len([overlay for overlay in overlays if overlay.startswith("cma,")]) == 1
    assert [overlay for overlay in overlays if overlay in SENSORS] == (
        [sensor] if sensor[-1].isdigit() else []
    )
    assert lines.count(f"camera_auto_detect={int(sensor == 'auto')}") == 1
    assert any(overlay.startswith("disable-bt") for overlay in overlays)
    assert any(overlay.startswith("disable-wifi") for overlay in overlays) is not wifi


def test_part_stays_short_and_within_the_bootloaders_lines():
    part = config_part("imx708", wifi=False)
    assert max(map(len, part.splitlines())) <= boot_files.LINE_MAX
    # a Pi 5 stopped at one of 16 kB (raspberrypi/firmware issue 1848)
    assert len(part) < 2000
    assert {line for line in part.splitlines() if line.startswith("[")} <= BOARDS | {"[all]"}
    assert part.splitlines()[-2:] == ["[all]", END]


def test_zero_2_w_gets_no_more_camera_memory_than_512_mb_allow():
    assert "dtoverlay=cma,cma-128" in settings_of(config_part("auto", wifi=False), "[pi02]")


lines = st.lists(
    st.sampled_from(["dtparam=audio=on", "camera_auto_detect=1", "[pi4]", "", "# note", "gpu_mem=64"]),
    max_size=8,
)


@given(lines)
def test_part_goes_in_once_and_comes_out_without_a_trace(before):
    config = "".join(f"{line}\n" for line in before)
    part = config_part("imx219", wifi=False)
    once = with_part(config, part)
    assert with_part(once, part) == once
    assert once.count(BEGIN) == once.count(END) == 1
    assert with_part(once, config_part("auto", wifi=True)).endswith(config_part("auto", wifi=True))
    assert with_part(once, "") == config


def test_detection_that_the_system_switched_on_is_switched_off():
    config = with_part("camera_auto_detect=1\n", config_part("ov9281", wifi=False))
    active = [line for line in config.splitlines() if line.startswith("camera_auto_detect=")]
    assert active == ["camera_auto_detect=0"]


def test_words_of_the_kernel_stay_one_line_and_come_out_again():
    cmdline, words = "root=PARTUUID=1 rootwait\n", boot_files.cmdline_words()
    once = with_words(cmdline, words)
    assert once.count("\n") == 1
    assert with_words(once, words) == once
    assert without_words(once, words) == cmdline
    assert "cgroup_enable=memory" in words  # without it MemorySwapMax= is nothing


def test_every_fragment_is_one_of_a_sensor_or_named():
    names = {path.stem for path in (manifest.folder() / "boot").glob("config-*.txt")}
    sensors = {f"config-camera-{sensor}" for sensor in SENSORS}
    assert names == sensors | {"config-common", "config-radio-off", "config-wifi-on"}
