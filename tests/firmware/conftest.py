"""A card and a system, as folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

CONFIG = (
    "# the system's own\ndtparam=audio=on\ncamera_auto_detect=1\ndtoverlay=vc4-kms-v3d\n[cm4]\notg_mode=1\n"
)
CMDLINE = "console=tty1 root=PARTUUID=5a7ed3b5-02 rootfstype=ext4 rootwait\n"


@dataclass
class Machine:
    """A Raspberry Pi's first partition, and its root."""

    boot: Path
    root: Path

    def put(self, name: str, content: str | bytes) -> Path:
        path = self.boot / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def on_card(self, name: str) -> str:
        return (self.boot / name).read_text(encoding="utf-8")

    def in_system(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def system_files(self) -> set[str]:
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file()}


@pytest.fixture
def machine(tmp_path):
    """With the files that Raspberry Pi OS brings, and NetworkManager."""
    machine = Machine(tmp_path / "card", tmp_path / "root")
    machine.boot.mkdir()
    machine.put("config.txt", CONFIG)
    machine.put("cmdline.txt", CMDLINE)
    for name in ("usr/sbin/NetworkManager", "etc/hosts"):
        path = machine.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n" if path.name == "hosts" else "")
    return machine
