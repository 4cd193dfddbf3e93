"""A progress bar for whoever waits at a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

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


class Bar:
    """A bar for work whose length becomes known as it goes on; leave its context and it is gone.

    Parameters
    ----------
    what : str
        Stands before the bar.
    shown : bool
        As for `with_progress`.
    """

    def __init__(self, what: str, shown: bool = True) -> None:
        self._what = what
        self._is_shown = shown and sys.stderr.isatty()
        self._start_s = time.monotonic()
        self._n_done = self._n_expected = 0
        self._bar: Progress | None = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def expect(self, n: int) -> None:
        """So many more there will be."""
        self._n_expected += n
        if self._bar is not None:
            self._bar.update(self._task, total=self._n_expected)

    def advance(self, n: int = 1) -> None:
        """So many are done."""
        self._n_done += n
        if self._bar is not None:
            self._bar.update(self._task, completed=self._n_done)
        elif self._is_shown and time.monotonic() - self._start_s > _PATIENCE_S:
            self._begin()

    def _begin(self) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self._bar = Progress(console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(self._what, total=self._n_expected, completed=self._n_done)
        self._bar.start()


def _with_bar(items: Iterator[_Item], n_done: int, total: int, what: str) -> Iterator[_Item]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total, completed=n_done)
        for item in items:
            yield item
            progress.advance(task)
