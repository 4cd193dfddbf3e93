"""The real `microcue review` as a process of its own, for what drives, measures or attacks it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Served:
    """A review page that answers.

    Attributes
    ----------
    link : str
        Lets one browser in, once.
    process_id : int
    """

    link: str
    process_id: int

    @property
    def base(self) -> str:
        """What every address begins with."""
        return self.link.partition("/login")[0]

    def memory_mb(self) -> tuple[float, float]:
        """Proportional and resident memory of the server, MB."""
        lines = Path(f"/proc/{self.process_id}/smaps_rollup").read_text(encoding="ascii").splitlines()
        kb = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
        return kb["Pss"] / 1024, kb["Rss"] / 1024

    def cpu_s(self) -> float:
        """Seconds of processor that the server has used."""
        text = Path(f"/proc/{self.process_id}/stat").read_text(encoding="ascii")
        user, system = text.rpartition(") ")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(data_dir: Path, *options: str) -> Iterator[Served]:
    """Start the server on a free port, end it after."""
    command = [sys.executable, "-m", "edge.cli", "review", "--json", "--data", str(data_dir), "--port", "0"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            assert server.stdout is not None
            yield Served(json.loads(server.stdout.readline())["link"], server.pid)
        finally:
            server.terminate()
