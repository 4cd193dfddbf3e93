"""`python -m edge.building FILE`: build in a process of its own; prints each step and its seconds."""

from __future__ import annotations

import sys
from pathlib import Path

from edge.building.build import build
from edge.errors import EdgeError


def main() -> int:
    """Build the file that the command line names; failures are one sentence on standard error."""
    try:
        for step, seconds in build(Path(sys.argv[1])):
            print(f"{step}\t{seconds:.3f}", flush=True)
    except EdgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


sys.exit(main())
