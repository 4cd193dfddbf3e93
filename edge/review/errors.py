"""What can go wrong with the review page, one sentence each."""

from __future__ import annotations

from pathlib import Path

from edge.errors import ConfigError, EdgeError, UsageError


class ReviewError(EdgeError):
    """The review page cannot be served."""

    exit_code = 74


class AddressRefused(UsageError):
    """Other machines could reach the page, and nothing would keep them out."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address

    def __str__(self) -> str:
        return (
            f"the review page is served on this machine only (127.0.0.1, ::1 or --unix), "
            f"found --address {self.address}; for others give --certificate, --key and "
            "--password-file too, or forward the port: "
            "ssh -L 8341:127.0.0.1:8341 DEVICE"
        )


class AddressTaken(ReviewError):
    """The port is in use or not allowed."""

    def __init__(self, address: str, port: int, reason: str) -> None:
        super().__init__(address, port, reason)
        self.address = address
        self.port = port
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"the review page needs port {self.port} of {self.address}, the system says: {self.reason}; "
            "give another one with --port, or 0 for any"
        )


class SocketTaken(ReviewError):
    """The UNIX socket cannot be made."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"a socket is to be made at {self.path}, but {self.reason}; give another path with --unix"


class CertificateUnusable(ConfigError):
    """The certificate or its key cannot be read."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"a certificate and its key are expected as PEM files, {self.path} gave: {self.reason}; "
            "mend or replace them"
        )


class PasswordUnusable(ConfigError):
    """The password file is missing, readable for others, or its password is short."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"{self.path} should hold a password of at least 12 characters, readable for its owner alone; "
            f"found: {self.reason}"
        )
