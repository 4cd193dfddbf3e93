"""Takes whose movements are really rendered, as the pictures a corpus would hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from corpora.layouts import Take
from edge.evaluate.intervals import FrameInterval
from edge.synth.plan import Happening, Plan, SceneSettings
from edge.synth.portrait import built_in_portrait
from edge.synth.scene import Scene

_SIDE_PX = 280
_FACE_PX = 160.0


class Film:
    """Rendered takes, each kept as JPEG pictures in memory.

    Parameters
    ----------
    fps : float, Hz
    """

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self._pictures: dict[Take, list[bytes]] = {}

    def shoot(self, seconds: float, happenings: Sequence[Happening], seed: int) -> Take:
        """Render one."""
        settings = replace(
            SceneSettings(),
            fps=self.fps,
            duration_s=seconds,
            width=_SIDE_PX,
            height=_SIDE_PX,
            face_width_px=_FACE_PX,
            sway_miod=10.0,
            turn_sway_deg=0.4,
            seed=seed,
        )
        scene = Scene(Plan(tuple(happenings), settings), built_in_portrait())
        pictures = list(_jpegs(luma for _, luma in scene.render(1)))
        events = tuple(
            FrameInterval(
                row.onset_frame, row.offset_frame, "micro" if row.kind == "micro" else "macro", row.apex_frame
            )
            for row in scene.truth()
            if row.kind != "blink"
        )
        take = Take(len(pictures), events)
        self._pictures[take] = pictures
        return take

    def draw(self, take: Take, folder: Path, name_of: Callable[[int], str]) -> None:
        """Write a take's pictures; of one that was never shot, a face at rest."""
        pictures = self._pictures.get(take)
        if pictures is None:
            rest = self.shoot(take.n_frames / self.fps, (), seed=99)
            pictures = self._pictures[rest]
        folder.mkdir(parents=True)
        for number, data in enumerate(pictures):
            (folder / name_of(number)).write_bytes(data)


def brow(onset_s: float, duration_s: float) -> Happening:
    """Both inner brows up and down again by 40 miod."""
    return Happening("movement", onset_s, duration_s, 40.0, movement="inner_brow_raise", side="both")


def _jpegs(pictures: Iterator[NDArray[np.uint8]]) -> Iterator[bytes]:
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width = encoder.height = _SIDE_PX
    encoder.pix_fmt = "yuvj420p"
    encoder.time_base = 1
    encoder.options = {"qmin": "1", "qmax": "1"}
    grey = np.full((_SIDE_PX // 2, _SIDE_PX), 128, np.uint8)
    for number, luma in enumerate(pictures):
        picture = av.VideoFrame.from_ndarray(np.concatenate([luma, grey]), format="yuvj420p")
        picture.pts = number
        for packet in encoder.encode(picture):
            yield bytes(packet)
    for packet in encoder.encode(None):
        yield bytes(packet)
