"""The clips of the benchmark: a plan on a portrait or on a real video, as frames in order."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.capture.errors import SourceEnded
from edge.capture.file import FileSource
from edge.evaluate.score import Interval
from edge.synth.plan import Plan, SceneSettings
from edge.synth.portrait import built_in_portrait, is_video, load_portrait
from edge.synth.scene import Scene
from edge.synth.video_portrait import VideoPortrait

# How people hold their heads: ranges of the nose bridge within half a second, median / 90th / 99th
# percentile, as measured in recorded people and as these settings give them (docs/accuracy.md), miod:
# a still face 8 / 10 / 11 and 7 / 10 / 12; a self-held camera 25 / 47 / 68 and 19 / 35 / 43;
# conversation 34 / 196 / 455 and 40 / 151 / 209, with the turns and nods of `plans.turns_and_nods`
HEADS: dict[str, dict[str, float]] = {
    "still": {"sway_miod": 10.0, "turn_sway_deg": 0.4, "sway_hz": 0.5, "pulse_miod": 4.0},
    "sway": {"sway_miod": 50.0, "turn_sway_deg": 2.0, "sway_hz": 0.7, "pulse_miod": 4.0},
    "conversation": {"sway_miod": 60.0, "turn_sway_deg": 3.0, "sway_hz": 1.0, "pulse_miod": 4.0},
}
_PICTURE_PER_FACE = 1.7  # the head, and room to sway
_READ_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Condition:
    """Camera, distance, light and restlessness, as far as the curves vary them."""

    fps: float = 120.0
    face_width_px: float = 200.0
    noise_levels: float = 2.0
    head: str = "sway"
    flicker_depth: float = 0.0  # of lamps at 50 Hz mains

    def settings(self, duration_s: float, seed: int) -> SceneSettings:
        """The scene for it, its picture not larger than need be."""
        side = 2 * round(0.5 * _PICTURE_PER_FACE * self.face_width_px)
        return replace(
            SceneSettings(),
            fps=self.fps,
            duration_s=duration_s,
            width=side,
            height=side,
            face_width_px=self.face_width_px,
            noise_levels=self.noise_levels,
            flicker_depth=self.flicker_depth,
            mains_hz=50.0,
            seed=seed,
            **HEADS[self.head],
        )


@dataclass(frozen=True, slots=True)
class Clip:
    """What is to be watched.

    Attributes
    ----------
    group : str
        What it is counted under.
    portrait : str
        Path of a picture or video; empty for the built-in portrait.
    h264_crf : int
        0 leaves the frames as the sensor gave them; else what a video encoder makes of them.
    is_still : bool
        Of a video, take the first picture as a photograph instead of playing it.
    """

    name: str
    group: str
    plan: Plan
    portrait: str = ""
    h264_crf: int = 0
    is_still: bool = False

    def open(self) -> OpenClip:
        """Ready to give frames."""
        if self.portrait and is_video(self.portrait) and not self.is_still:
            return OpenClip(self, VideoPortrait(self.portrait, self.plan))
        portrait = load_portrait(self.portrait) if self.portrait else built_in_portrait()
        return OpenClip(self, Scene(self.plan, portrait))


class OpenClip:
    """A clip's frames and what is true of them."""

    def __init__(self, clip: Clip, scene: Scene | VideoPortrait) -> None:
        self._clip, self._scene = clip, scene
        self.fps = scene.fps if isinstance(scene, VideoPortrait) else clip.plan.settings.fps

    def frames(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Timestamp (ns) and luma, in order; borrowed."""
        rendered = self._scene.render() if isinstance(self._scene, VideoPortrait) else self._scene.render(1)
        return _compressed(rendered, self.fps, self._clip.h264_crf) if self._clip.h264_crf else rendered

    def truth(self) -> list[Interval]:
        """Movements and blinks, as far as they could be played."""
        return [
            Interval(r.onset_s, r.offset_s, r.kind, r.movements, r.side, r.amplitude_miod, apex_s=r.apex_s)
            for r in self._scene.truth()
        ]


def _compressed(
    frames: Iterator[tuple[int, NDArray[np.uint8]]], fps: float, crf: int
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """The frames through an H.264 encoder, as a consumer camera or a recording tool would."""
    import av

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "compressed.mkv"
        with av.open(str(path), "w") as container:
            stream = None
            for timestamp_ns, luma in frames:
                if stream is None:
                    stream = container.add_stream("libx264", rate=round(fps))
                    stream.width, stream.height, stream.pix_fmt = luma.shape[1], luma.shape[0], "yuv420p"
                    # x264 gives other pictures with other numbers of threads: one gives the same everywhere
                    stream.options = {"crf": str(crf), "preset": "veryfast", "threads": "1"}
                picture = av.VideoFrame.from_ndarray(_with_grey_chroma(luma), format="yuv420p")
                picture.pts = round(timestamp_ns * 1e-9 * round(fps))
                picture.time_base = 1 / stream.codec_context.framerate
                container.mux(stream.encode(picture))
            if stream is not None:
                container.mux(stream.encode(None))
        source = FileSource(path, fps)
        try:
            while True:
                try:
                    frame = source.read(_READ_TIMEOUT_S)
                except SourceEnded:
                    return
                yield frame.timestamp_ns, frame.luma
        finally:
            source.close()


def _with_grey_chroma(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """YUV 4:2:0 planes below each other, in the limited range that encoders expect."""
    limited = (16 + luma.astype(np.uint16) * 219 // 255).astype(np.uint8)
    chroma = np.full((luma.shape[0] // 2, luma.shape[1]), 128, np.uint8)
    return np.concatenate([limited, chroma])
