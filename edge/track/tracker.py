"""All faces that are followed, and when the landmark model is to be asked again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.config import TrackConfig
from edge.messages import FaceFound, FaceLost, Frame, KeyFrameAnswer, Trace
from edge.track.face_track import FaceTrack
from edge.track.points import OUTER_CORNERS

_STEADY_SHARE = 0.8  # of the rigid patches: with fewer, key frames come at the full rate
_GONE_SHARE = 0.5
_MISSES_UNTIL_LOST = 2
_NOBODY: tuple[Trace, ...] = ()


def _are_places(points: NDArray[np.float32]) -> bool:
    """Whether landmarks are numbers with eyes apart; a model gone wrong counts as a miss."""
    if not np.isfinite(points).all():
        return False
    apart = points[OUTER_CORNERS[1], :2] - points[OUTER_CORNERS[0], :2]
    return float(np.hypot(*apart)) >= 1.0


class Tracker:
    """Follows every face in every frame; landmarks arrive late and only now and then.

    Parameters
    ----------
    config : TrackConfig
    height, width : int, px
        Of the frames.
    """

    def __init__(self, config: TrackConfig, height: int, width: int) -> None:
        self._config = config
        self._height, self._width = height, width
        self._faces: dict[int, FaceTrack] = {}
        self._misses: dict[int, int] = {}
        self._asked_ns: int | None = None
        self._urgent = True
        self._news: list[FaceFound | FaceLost] = []

    @property
    def n_faces(self) -> int:
        """Faces being followed."""
        return len(self._faces)

    def wants_key_frame(self, frame: Frame) -> bool:
        """Whether the landmark model should see this frame."""
        if self._asked_ns is None:
            return True
        steady = not self._urgent and all(face.share >= _STEADY_SHARE for face in self._faces.values())
        rate_hz = self._config.key_frames_steady_hz if steady else self._config.key_frames_max_hz
        return (frame.timestamp_ns - self._asked_ns) * rate_hz >= 1e9

    def remember_key_frame(self, frame: Frame) -> None:
        """The landmark model was handed this frame; call after `follow` of the same frame."""
        self._asked_ns = frame.timestamp_ns
        for face in self._faces.values():
            face.remember_key_frame()

    def reseat(self, answer: KeyFrameAnswer, frame: Frame) -> None:
        """Take in the model's answer about an earlier key frame; `frame` is today's."""
        seen = {face.face: face for face in answer.faces if _are_places(face.points)}
        for number, landmarks in seen.items():
            self._misses[number] = 0
            if number in self._faces:
                self._faces[number].reseat(frame, landmarks.points)
            else:
                track = FaceTrack(number, self._config, self._height, self._width)
                track.begin(frame, landmarks.points)
                self._faces[number] = track
                self._news.append(FaceFound(number, frame.sequence, frame.timestamp_ns))
        for number in [n for n in self._faces if n not in seen]:
            self._misses[number] = self._misses.get(number, 0) + 1
            if self._misses[number] >= _MISSES_UNTIL_LOST or self._faces[number].share < _GONE_SHARE:
                del self._faces[number]
                self._news.append(FaceLost(number, frame.sequence, frame.timestamp_ns))
        unplaced = any(not face.is_placed for face in self._faces.values())
        self._urgent = not self._faces or unplaced or any(self._misses.values())

    def follow(self, frame: Frame) -> tuple[Trace, ...]:
        """One trace for each face, valid until the next call."""
        if not self._faces:
            return _NOBODY
        return tuple(face.follow(frame) for face in self._faces.values())

    def place_px(self, face: int) -> tuple[float, float, float]:
        """Where a face is in the frame followed last: x, y between the eyes, and their corners' distance."""
        return self._faces[face].place_px

    def take_news(self) -> list[FaceFound | FaceLost]:
        """Faces found and lost since the last call, in order."""
        news, self._news = self._news, []
        return news

    @property
    def coverage(self) -> float:
        """Mean share of rigid patches followed, over all faces; 0 with no face."""
        return float(np.mean([face.share for face in self._faces.values()])) if self._faces else 0.0
