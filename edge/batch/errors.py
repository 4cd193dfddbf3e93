"""What can go wrong with many videos that does not with one."""

from __future__ import annotations

from edge.errors import EXIT_INPUT_OUTPUT, EdgeError


class BatchError(EdgeError):
    """Videos cannot be watched, or their results not be kept."""

    exit_code = EXIT_INPUT_OUTPUT


class WatcherDied(BatchError):
    """The process that watched a video ended in the middle."""

    def __init__(self, video: str, exit_code: int) -> None:
        super().__init__(video, exit_code)
        self.video = video
        self.ended_with = exit_code

    def __str__(self) -> str:
        how = f"signal {-self.ended_with}" if self.ended_with < 0 else f"exit code {self.ended_with}"
        return (
            f"expected {self.video} to be watched to its end, the process ended with {how}; "
            "allow it more memory, or watch it alone with microcue run"
        )


class SegmentFailed(BatchError):
    """The system refused something that it may grant the next time."""

    def __init__(self, video: str, reason: str) -> None:
        super().__init__(video, reason)
        self.video = video
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"expected {self.video} to be watched to its end, the system says {self.reason}; "
            "check memory, space and permissions there, then start the same command again"
        )


class VideoChanged(BatchError):
    """Other pictures than when the segment before was watched."""

    def __init__(self, video: str, frame: int) -> None:
        super().__init__(video, frame)
        self.video = video
        self.frame = frame

    def __str__(self) -> str:
        return (
            f"expected {self.video} to be as it was up to frame {self.frame}, it changed meanwhile; "
            "start again when it is complete"
        )


class OtherVersion(BatchError):
    """A worker has another microcue than who asks it."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(expected, found)
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return (
            f"expected microcue {self.expected} on every worker, found {self.found}; install the same "
            "version there, since another one may find other cues"
        )


class SchedulerLost(BatchError):
    """The cluster's scheduler is not to be reached, or has dropped what it was given."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(address, reason)
        self.address = address
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"expected a Dask scheduler at {self.address}, {self.reason}; "
            "start the same command again when it runs: what is done is kept"
        )


class VideosFailed(BatchError):
    """Some videos could not be watched; the tables say which, and why."""

    def __init__(self, n_failed: int, n_videos: int, folder: str) -> None:
        super().__init__(n_failed, n_videos, folder)
        self.n_failed = n_failed
        self.n_videos = n_videos
        self.folder = folder

    def __str__(self) -> str:
        return (
            f"expected to watch {self.n_videos} videos, {self.n_failed} could not be; see the column "
            f"error of the table videos in {self.folder}, then start the same command again"
        )


class FolderUnusable(BatchError):
    """Results cannot be kept where they should be."""

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(folder, reason)
        self.folder = folder
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"expected to write results to {self.folder}, the system says {self.reason}; "
            "name another --output"
        )
