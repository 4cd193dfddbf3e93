"""Puts a folder of wheels into one signed file for `microcue update`.

    python tools/make_release.py --make-key lab.key         once: the secret key, and lab.key.pub beside it
    python tools/make_release.py wheelhouse --version 0.2.0 --key lab.key --output microcue-0.2.0.release

The public key goes onto the devices as /etc/microcue/release.pub. The secret one is not encrypted here: keep
it on a machine that has no network, or encrypt it with minisign itself, which reads the same format.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import minisign

from edge.errors import EdgeError
from edge.firmware.release import write_release


def main() -> int:
    """Make a key, or a release."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheels", nargs="?", type=Path, metavar="FOLDER")
    parser.add_argument("--version")
    parser.add_argument("--key", type=Path, metavar="FILE")
    parser.add_argument("--output", type=Path, metavar="FILE")
    parser.add_argument("--make-key", type=Path, metavar="FILE")
    args = parser.parse_args()
    if args.make_key:
        make_key(args.make_key)
        return 0
    if not (args.wheels and args.version and args.key and args.output):
        parser.error("expected a folder, --version, --key and --output, or --make-key")
    try:
        write_release(args.wheels, args.version, args.output)
    except EdgeError as error:
        print(f"make_release: {error}", file=sys.stderr)
        return error.exit_code
    sign(args.output, args.key, args.version)
    print(f"{args.output} and {args.output}.minisig")
    return 0


def make_key(path: Path) -> None:
    """A new pair; a key that is there is never written over."""
    pair = minisign.KeyPair.generate()
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as file:
        file.write(bytes(pair.secret_key))
    path.with_name(f"{path.name}.pub").write_bytes(bytes(pair.public_key))


def sign(release: Path, key: Path, version: str) -> None:
    """The signature beside the file."""
    secret = minisign.SecretKey.from_file(key)
    with release.open("rb") as content:
        signature = secret.sign(content, trusted_comment=f"microcue {version}")
    release.with_name(f"{release.name}.minisig").write_bytes(bytes(signature))


if __name__ == "__main__":
    sys.exit(main())
