"""Keys of the age format: a secret one in the lab, its public half on the devices.

https://age-encryption.org/v1. Whoever has the public half can encrypt and not decrypt.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from edge.errors import MissingExtra
from edge.record.errors import KeyUnusable, OutputUnwritable

_SECRET = "AGE-SECRET-KEY-1"


def make_key(path: Path) -> str:
    """Write a new secret key, readable for its owner alone; gives the public key.

    Raises
    ------
    MissingExtra, OutputUnwritable
        There is a file of that name already: a key is never written over.
    """
    identity = age().x25519.Identity.generate()
    public = str(identity.to_public())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"# public key: {public}\n{identity}\n")
    except OSError as error:
        raise OutputUnwritable(path, error.strerror or str(error)) from error
    return public


def read_identities(key_file: Path) -> list[Any]:
    """The secret keys in a file as `age-keygen` writes it; raises KeyUnusable."""
    pyrage = age()
    try:
        lines = [line.strip() for line in key_file.read_text(encoding="ascii").splitlines()]
        keys = [pyrage.x25519.Identity.from_str(line) for line in lines if line.startswith(_SECRET)]
    except (OSError, UnicodeDecodeError, pyrage.IdentityError) as error:
        raise KeyUnusable(str(key_file), str(error)) from error
    if not keys:
        raise KeyUnusable(str(key_file), f"no line begins with {_SECRET}")
    return keys


def recipient(text: str) -> Any:
    """A public key, "age1..."; raises KeyUnusable and MissingExtra."""
    pyrage = age()
    try:
        return pyrage.x25519.Recipient.from_str(text.strip())
    except pyrage.RecipientError as error:
        raise KeyUnusable(text, str(error)) from error


def age() -> Any:
    """The library that does it; raises MissingExtra."""
    try:
        import pyrage
    except ImportError as error:
        raise MissingExtra("encrypting, and opening what is encrypted,", "bundle") from error
    return pyrage
