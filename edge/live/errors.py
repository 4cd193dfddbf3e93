"""What can go wrong with looking at a run, one sentence each."""

from __future__ import annotations

from pathlib import Path

from edge.errors import EdgeError


class NothingToSee(EdgeError):
    """No run shows itself there."""

    exit_code = 69

    def __init__(self, data_dir: Path, reason: str) -> None:
        super().__init__(data_dir, reason)
        self.data_dir = data_dir
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"expected a run in {self.data_dir} to look at, but {self.reason}; "
            "start microcue run, and give the same --data as the same user"
        )


class WishUnwritten(EdgeError):
    """A wish could not be left for the run."""

    exit_code = 74

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"expected to leave a wish for the run in {self.path}, the system says: {self.reason}; "
            "use the button, or end the run"
        )
