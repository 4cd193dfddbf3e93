"""What can go wrong with the machine around the watcher."""

from __future__ import annotations

from edge.errors import EXIT_INPUT_OUTPUT, EdgeError


class FirmwareError(EdgeError):
    """A file of the system cannot be read or written, or a step is refused."""

    exit_code = EXIT_INPUT_OUTPUT
