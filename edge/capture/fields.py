"""Interlaced video: each stored picture holds two moments, and becomes two frames.

Left as it is, a moving edge has teeth that no tracker follows. FFmpeg's bwdif fills in each field's missing
lines from its neighbours in space and time, so that still parts keep all their lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

FIELDS = 2  # to a frame


def is_interlaced(frame: VideoFrame) -> bool:
    """Whether the codec says so; pictures with teeth and no such flag pass for whole ones."""
    return bool(frame.interlaced_frame)


class FieldSplitter:
    """Turns decoded frames into twice as many.

    Parameters
    ----------
    first : av.VideoFrame
        Size and pixel format of all.
    """

    def __init__(self, first: VideoFrame) -> None:
        import av

        self._nothing_more: tuple[Any, ...] = (av.error.BlockingIOError, av.error.EOFError)
        self._graph: Any = av.filter.Graph()
        source = self._graph.add_buffer(
            width=first.width, height=first.height, format=first.format, time_base=first.time_base
        )
        # all: a frame without the flag amid others would otherwise come once
        split = self._graph.add("bwdif", "mode=send_field:deint=all")
        sink = self._graph.add("buffersink")
        source.link_to(split)
        split.link_to(sink)
        self._graph.configure()

    def split(self, frame: VideoFrame | None) -> list[VideoFrame]:
        """The frames that are ready now; it looks one ahead, and None ends it."""
        self._graph.push(frame)
        ready = []
        while True:
            try:
                ready.append(self._graph.pull())
            except self._nothing_more:
                return ready
