"""`microcue warmup`: compile the kernels now rather than when someone is waiting."""

from __future__ import annotations

import argparse
from typing import Any

from edge.commands.context import Context

_EXAMPLES = """\
example:
  microcue warmup        after an installation or an update; the second time takes moments
"""


def register(subparsers: Any) -> None:
    """Add `warmup` to the command line."""
    parser = subparsers.add_parser(
        "warmup",
        help="compile the kernels into the cache",
        description="Compile all kernels into numba's cache, so that the first session starts at once.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:  # noqa: ARG001 - as every command's
    """Compile, and say how long each module took."""
    from edge.commands.progress import with_progress
    from edge.warmup import kernel_modules, warm_up

    timed = list(with_progress(warm_up(), len(kernel_modules()), "compiling"))
    context.print_table(
        "Kernels ready", ("module", "seconds"), [(name, round(seconds, 2)) for name, seconds in timed]
    )
    return 0
