"""A progress bar for whoever waits at a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Iterable, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")
# Shorter waits need no bar, and one that flashes by only disturbs.
_PATIENCE_S = 2.0


def with_progress(
    items: Iterable[_Item], total: int, what: str, shown: bool = True
) -> Generator[_Item, None, None]:
    """Pass `items` through; a bar on standard error once it takes more than two seconds.

    Close it when it is left early: until then the bar stands, and takes what is printed.

    Parameters
    ----------
    items : iterable
    total : int
        How many there will be, as far as is known.
    what : str
        Stands before the bar.
    shown : bool
        False never shows one; off a terminal there is none either.
    """
    if not (shown and sys.stderr.isatty()):
        yield from items
        return
    iterator = iter(items)
    n_done = 0
    start_s = time.monotonic()
    for item in iterator:
        yield item
        n_done += 1
        if time.monotonic() - start_s > _PATIENCE_S:
            break
    else:
        return
    yield from _with_bar(iterator, n_done, total, what)


def _with_bar(items: Iterator[_Item], n_done: int, total: int, what: str) -> Iterator[_Item]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total, completed=n_done)
        for item in items:
            yield item
            progress.advance(task)
