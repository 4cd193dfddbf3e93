"""A board in a folder: what Linux shows of a Raspberry Pi 4, in files that a test may break."""

from __future__ import annotations

import pytest

from edge.health.board import Board


class PlayedBoard:
    """Files below `root`, and the firmware's word."""

    def __init__(self, root):
        self.root = root
        self.word = 0
        self.free_mb = 5000.0
        self.put("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\x00")
        self.put("proc/meminfo", "MemTotal: 3884000 kB\nMemAvailable:    2048000 kB\n")
        self.put("proc/self/status", "Name:\tpython\nVmRSS:\t  204800 kB\n")
        self.put("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
        self.put("sys/class/thermal/thermal_zone0/temp", "51608\n")
        self.put("sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
        self.put("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
        self.put("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "0\n")

    def put(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def heat(self, degrees):
        self.put("sys/class/thermal/thermal_zone0/temp", f"{round(degrees * 1000)}\n")

    def board(self):
        return Board(self.root, self.root, lambda: self.word, lambda _: self.free_mb)


@pytest.fixture
def played(tmp_path):
    """A Raspberry Pi 4 at 51.6 degrees with nothing wrong."""
    return PlayedBoard(tmp_path)
