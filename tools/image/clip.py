"""The beginning of the built-in clip, packet by packet: rendered on this machine, the same bytes for both."""

from __future__ import annotations

from pathlib import Path

from edge.synth.demo import demo_clip


def cut_clip(path: Path, seconds: float) -> None:
    """Write the first seconds of the built-in clip, which is made first where it is not kept here yet."""
    import av

    whole, _ = demo_clip()
    with av.open(str(whole)) as source, av.open(str(path), "w", format="matroska") as target:
        stream = source.streams.video[0]
        copied = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is None or packet.time_base is None or packet.dts * packet.time_base >= seconds:
                break
            packet.stream = copied
            target.mux(packet)
