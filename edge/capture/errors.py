"""What can go wrong between a camera or file and the first stage: one sentence and a cure each."""

from __future__ import annotations

from edge.errors import EXIT_CONFIG, CaptureError, DeviceAbsent, EdgeError, UsageError


class FileMissing(CaptureError):
    """The path names nothing, or nothing that can be read."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"expected a video file at {self.path}, but {self.reason}; check the path and its permissions"


class NotAVideo(CaptureError):
    """The file is there, but holds no moving picture that can be decoded."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"expected a video in {self.path}, but {self.reason}; try it in a player, or name another file"


class NoFrames(CaptureError):
    """A video by its header, without one frame that can be decoded."""

    def __init__(self, path: str, n_corrupt: int) -> None:
        super().__init__(path, n_corrupt)
        self.path = path
        self.n_corrupt = n_corrupt

    def __str__(self) -> str:
        damage = f" and {self.n_corrupt} damaged packets" if self.n_corrupt else ""
        return f"expected frames in {self.path}, but it holds none{damage}; record or copy the file again"


class PictureTooLarge(CaptureError):
    """A header that asks for more memory than any camera here needs."""

    def __init__(self, path: str, width: int, height: int, limit_px: int) -> None:
        super().__init__(path, width, height, limit_px)
        self.path = path
        self.width = width
        self.height = height
        self.limit_px = limit_px

    def __str__(self) -> str:
        return (
            f"expected a picture of at most {self.limit_px} pixels in {self.path}, "
            f"but it says {self.width}x{self.height}; scale the video down first"
        )


class SizeChanged(CaptureError):
    """The picture changed size in mid-stream; resizing it in silence would move every landmark."""

    def __init__(self, description: str, expected: str, came: str, sequence: int) -> None:
        super().__init__(description, expected, came, sequence)
        self.description = description
        self.expected = expected
        self.came = came
        self.sequence = sequence

    def __str__(self) -> str:
        return (
            f"expected {self.expected} pictures from {self.description} to the end, "
            f"but frame {self.sequence} is {self.came}; split the recording where the size changes"
        )


class StreamDamaged(CaptureError):
    """So little can be decoded that going on would only pretend."""

    def __init__(self, description: str, n_corrupt: int, sequence: int) -> None:
        super().__init__(description, n_corrupt, sequence)
        self.description = description
        self.n_corrupt = n_corrupt
        self.sequence = sequence

    def __str__(self) -> str:
        return (
            f"expected frames from {self.description} after frame {self.sequence}, "
            f"but {self.n_corrupt} packets were damaged; check cable and connector, or copy the file again"
        )


class RateUnstated(UsageError):
    """Pictures in a folder carry no times."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return (
            f"expected the frame rate of the pictures in {self.path}, but a folder does not say it; "
            "add --fps with the rate they were recorded at"
        )


class FrameTimeout(CaptureError):
    """No frame arrived in time. The loop tries again for three seconds."""

    def __init__(self, waited_s: float, last_sequence: int) -> None:
        super().__init__(waited_s, last_sequence)
        self.waited_s = waited_s
        self.last_sequence = last_sequence

    def __str__(self) -> str:
        after = f"after frame {self.last_sequence}" if self.last_sequence >= 0 else "since it was opened"
        return (
            f"no frame for {self.waited_s:.2f} s {after}; "
            "check the camera's cable and whether another program holds it"
        )


class CameraAway(FrameTimeout):
    """It was unplugged, and is waited for; the source gives up by itself."""

    def __init__(self, waited_s: float, last_sequence: int, device: str, patience_s: float) -> None:
        super().__init__(waited_s, last_sequence)
        self.args = (waited_s, last_sequence, device, patience_s)
        self.device = device
        self.patience_s = patience_s

    def __str__(self) -> str:
        return (
            f"expected frames from {self.device}, but it was unplugged; plug it in again within "
            f"{self.patience_s:.0f} s and the session goes on"
        )


class SourceEnded(CaptureError):
    """The last frame has been delivered: the ordinary end of a file."""

    def __init__(self, n_frames: int = 0) -> None:
        super().__init__(n_frames)
        self.n_frames = n_frames

    def __str__(self) -> str:
        return f"the source ended after {self.n_frames} frames"


class SourceClosed(CaptureError):
    """`read` after `close`."""

    def __str__(self) -> str:
        return "the source was closed before this read; open it again to get more frames"


class CameraAbsent(DeviceAbsent):
    """No camera where one was asked for, or it was unplugged."""

    def __init__(self, device: str, reason: str = "there is none") -> None:
        super().__init__(device, reason)
        self.device = device
        self.reason = reason

    def __str__(self) -> str:
        if self.device == "auto":
            return (
                f"expected a camera, but {self.reason}; plug in a USB camera, name a recording with "
                "--camera file:PATH, or see `microcue doctor`"
            )
        return f"expected a camera at {self.device}, but {self.reason}; plug it in, or see `microcue doctor`"


class CameraBusy(CaptureError):
    """Another program streams from it."""

    def __init__(self, device: str) -> None:
        super().__init__(device)
        self.device = device

    def __str__(self) -> str:
        return f"expected {self.device} to be free, but another program is using it; close that program first"


class CameraDenied(CaptureError):
    """The device node may not be opened by this user."""

    def __init__(self, device: str) -> None:
        super().__init__(device)
        self.device = device

    def __str__(self) -> str:
        return (
            f"expected to be allowed to read {self.device}, but permission was denied; "
            "add this user to the group `video` and log in again"
        )


class CameraUnsuitable(CaptureError):
    """The camera works, but not in a way that can be used."""

    def __init__(self, device: str, wanted: str, came: str) -> None:
        super().__init__(device, wanted, came)
        self.device = device
        self.wanted = wanted
        self.came = came

    def __str__(self) -> str:
        return (
            f"expected {self.wanted} from {self.device}, but it gives {self.came}; "
            "choose another size, --fps or camera; `microcue doctor` lists them"
        )


class CameraThreadFailed(EdgeError):
    """A bug of ours ended the camera thread; it must not look like a silent camera."""

    def __init__(self, device: str) -> None:
        super().__init__(device)
        self.device = device

    def __str__(self) -> str:
        return f"expected frames from {self.device}, but reading failed by a bug; please report it"


class Picamera2Missing(EdgeError):
    """Raspberry Pi cameras need packages that come with the system, not from PyPI."""

    exit_code = EXIT_CONFIG

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"expected the Python package picamera2, but {self.reason}; on a Raspberry Pi "
            "`sudo apt install python3-picamera2` and make the environment with --system-site-packages"
        )


class CameraSilent(DeviceAbsent):
    """A camera that stopped sending and did not come back when it was started again."""

    def __init__(self, device: str, n_restarts: int) -> None:
        super().__init__(device, n_restarts)
        self.device = device
        self.n_restarts = n_restarts

    def __str__(self) -> str:
        times = "once" if self.n_restarts == 1 else f"{self.n_restarts} times"
        return (
            f"expected frames from {self.device}, but it fell silent and stayed so after being "
            f"restarted {times}; check its cable, then see `microcue doctor`"
        )


class GStreamerMissing(EdgeError):
    """GStreamer pipelines need GStreamer's own tools."""

    exit_code = EXIT_CONFIG

    def __init__(self, program: str) -> None:
        super().__init__(program)
        self.program = program

    def __str__(self) -> str:
        return (
            f"expected the program {self.program}, but it is not installed; `sudo apt install "
            "gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good`"
        )
