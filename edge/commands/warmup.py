"""`microcue warmup`: compile the kernels now rather than when someone is waiting."""

from __future__ import annotations

import argparse
from typing import Any

from edge.commands.context import Context

_EXAMPLES = """\
examples:
  microcue warmup                    after an installation or an update; the second time takes moments
  microcue warmup --ahead            into one file that sessions use without a compiler
  microcue warmup --ahead --generic  the same for other boards of this kind, as in an image

--ahead needs a C compiler and Python's headers: sudo apt install gcc libc6-dev python3-dev
"""


def register(subparsers: Any) -> None:
    """Add `warmup` to the command line."""
    parser = subparsers.add_parser(
        "warmup",
        help="compile the kernels into the cache, or ahead of time",
        description="Compile all kernels, so that the first session starts at once: into numba's cache, or, "
        "with --ahead, into a file beside microcue that sessions use instead of numba (docs/ahead.md).",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--ahead", action="store_true", help="compile ahead of time, as the user who installed microcue"
    )
    parser.add_argument(
        "--generic", action="store_true", help="with --ahead: for any processor of this architecture"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Compile, and say how long each module took."""
    from edge import ahead
    from edge.commands.progress import with_progress
    from edge.errors import UsageError
    from edge.warmup import compile_ahead, kernel_modules, warm_up

    if args.generic and not args.ahead:
        raise UsageError("expected --generic with --ahead, since numba's cache is for this processor alone")
    path = ahead.directory() / ahead.file_name()
    steps = compile_ahead(path, args.generic) if args.ahead else warm_up()
    timed = list(with_progress(steps, len(kernel_modules()) + args.ahead, "compiling"))
    context.print_table(
        f"Kernels ready, compiled ahead: {path}" if args.ahead else "Kernels ready",
        ("module", "seconds"),
        [(name, round(seconds, 2)) for name, seconds in timed],
    )
    return 0
