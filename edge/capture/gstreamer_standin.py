"""A child process that writes what a GStreamer pipeline would, and plays its deaths and silences.

Run as `python gstreamer_standin.py PLAY.json fd=N`; the file says what each life of the child does, and how
many there were is kept beside it. Only the standard library is imported: it starts in a twentieth of
the time that numpy takes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

_UNKNOWN = b"\x01\xff\xff\xff\xff\xff\xff\xff"  # a size that is not known, as streams write it
_TICK_NS = 10_000


def _element(identifier: str, content: bytes) -> bytes:
    return bytes.fromhex(identifier) + (len(content) | 1 << 56).to_bytes(8, "big") + content


def _number(identifier: str, value: int) -> bytes:
    return _element(identifier, value.to_bytes(8, "big"))


def header(width: int, height: int, interval_ns: int, fourcc: bytes = b"Y800") -> bytes:
    """The stream's beginning, as matroskamux writes it for raw video."""
    video = _number("b0", width) + _number("ba", height) + _element("2eb524", fourcc)
    track = _number("d7", 1) + _number("23e383", interval_ns) + _element("e0", video)
    return (
        _element("1a45dfa3", _element("4282", b"matroska"))
        + bytes.fromhex("18538067")
        + _UNKNOWN
        + _element("1549a966", _number("2ad7b1", _TICK_NS))
        + _element("1654ae6b", _element("ae", track))
    )


def block(luma: bytes, width: int, time_ns: int) -> bytes:
    """One picture in a cluster of its own; rows are padded to multiples of four, as GStreamer's are."""
    padding = bytes(-width % 4)
    padded = b"".join(luma[start : start + width] + padding for start in range(0, len(luma), width))
    cluster = bytes.fromhex("1f43b675") + _UNKNOWN + _number("e7", time_ns // _TICK_NS)
    return cluster + _element("a3", b"\x81\0\0\x80" + padded)


def play(life: dict[str, Any], out: BinaryIO) -> int:
    """One life: say something, write frames, then end as told; returns the exit code."""
    if said := life.get("says"):
        print(said, file=sys.stderr, flush=True)
    if printed := life.get("prints"):
        print(printed, flush=True)
    if "pictures" in life:
        pictures, (width, height) = Path(life["pictures"]).read_bytes(), life["size"]
        out.write(header(width, height, life["interval_ns"], life.get("fourcc", "Y800").encode()))
        for number in life["numbers"]:
            luma = pictures[number * width * height : (number + 1) * width * height]
            written = block(luma, width, life["start_ns"] + number * life["interval_ns"])
            out.write(written[: len(written) // 2] if life.get("cut") == number else written)
            out.flush()
            time.sleep(life.get("pace_s", 0.0))
    if "raw" in life:
        out.write(bytes.fromhex(life["raw"]))
        out.flush()
    time.sleep(life.get("silent_s", 0.0))
    return int(life.get("exit_code", 0))


def command(path: Path, lives: Sequence[dict[str, Any]]) -> list[str]:
    """The command for a child with these lives; the last one is lived again and again."""
    path.write_text(json.dumps(list(lives)), encoding="utf-8")
    return [sys.executable, "-IS", __file__, str(path)]


def _main(path: Path, sink: str) -> int:
    lives = json.loads(path.read_text(encoding="utf-8"))
    counter = path.with_suffix(".lives")
    n_before = int(counter.read_text(encoding="ascii")) if counter.exists() else 0
    counter.write_text(str(n_before + 1), encoding="ascii")
    with open(int(sink.removeprefix("fd=")), "wb") as out:  # noqa: PTH123 - a descriptor, not a path
        return play(lives[min(n_before, len(lives) - 1)], out)


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1]), sys.argv[2]))
