"""Every failure microcue can explain, in one tree.

The class says which part failed, `exit_code` what systemd and scripts see, and the sentence
what was expected, what came and what to do next.
"""

from __future__ import annotations

import sys

EXIT_DONE = 0
EXIT_NOT_READY = 1  # a question was asked (`aim`), and the answer is no
EXIT_USAGE = 2
EXIT_DEVICE_ABSENT = 69
EXIT_BUG = 70
EXIT_INPUT_OUTPUT = 74
EXIT_CONFIG = 78


class EdgeError(Exception):
    """Root of the tree. A subclass sets `exit_code` and writes its sentence in `__str__`."""

    exit_code = EXIT_BUG


class UsageError(EdgeError):
    """The command line asks for something that does not exist or does not go together."""

    exit_code = EXIT_USAGE


class ConfigError(EdgeError, ValueError):
    """A setting is unknown, of the wrong type or out of range."""

    exit_code = EXIT_CONFIG


class CaptureError(EdgeError):
    """Frames cannot be had from the camera or file."""

    exit_code = EXIT_INPUT_OUTPUT


class DeviceAbsent(EdgeError):
    """A camera, LED or other device that was asked for is not there."""

    exit_code = EXIT_DEVICE_ABSENT


class ModelError(EdgeError):
    """A model file or its manifest is missing, altered or of the wrong shape."""

    exit_code = EXIT_INPUT_OUTPUT


class RecordError(EdgeError):
    """The log cannot be opened, read or written."""

    exit_code = EXIT_INPUT_OUTPUT


class IndicateError(EdgeError):
    """The indicator cannot be driven."""

    exit_code = EXIT_INPUT_OUTPUT


class MissingExtra(EdgeError):
    """A command needs an optional package that is not installed."""

    exit_code = EXIT_CONFIG

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(what, extra)
        self.what = what
        self.extra = extra

    def __str__(self) -> str:
        # pip of another environment finds no microcue, or replaces this one
        pip = f"{sys.executable} -m pip"
        return f"{self.what} needs an optional package: {pip} install 'microcue[{self.extra}]'"
