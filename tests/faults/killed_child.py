"""A run that prints which cues are committed and then waits to be killed; argument: a folder."""

from __future__ import annotations

import runpy
import signal
import sys
from pathlib import Path

World = runpy.run_path(str(Path(__file__).with_name("conftest.py")))["World"]


def wait_for_the_end(world: World) -> None:
    """Say what is on the disk, and stay."""
    world.committed()
    print(*world.decided, flush=True)
    signal.pause()


world = World(Path(sys.argv[1]), setattr)
world.when(45, lambda: wait_for_the_end(world))
world.run("-q")
