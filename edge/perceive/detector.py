"""Find faces in the whole picture: BlazeFace, short range.

Bazarevsky et al. (2019), "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs",
arXiv:1907.05047: anchors, and overlapping answers blended instead of suppressed. Anchor layout and
decoding constants: `face_detection_short_range` of MediaPipe 0.10.21 (Apache-2.0).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.kernels.crop import crop_luma
from edge.perceive.models import LoadedModel
from edge.perceive.region import Detection, Region, crop_matrix, to_picture

_SAME_FACE_IOU = 0.3
# a 1280 px picture shrinks tenfold; eight samples an axis leave no visible aliasing
_N_SAMPLES_MAX = 8


class FaceDetector:
    """Finds faces from about an eighth of the picture's longer side upwards."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self._n = model.picture.shape[1]
        self._anchors = _anchors(self._n)

    def find(self, luma: NDArray[np.uint8], score_min: float) -> list[Detection]:
        """Faces with at least this score, the largest first.

        Parameters
        ----------
        luma : uint8 [shape=(height, width)], C-contiguous
        score_min : float in [0, 1]
        """
        height, width = luma.shape
        whole = Region((width - 1) / 2, (height - 1) / 2, float(max(height, width)), 0.0)
        info = self._model.info
        matrix = crop_matrix(whole, self._n)
        crop_luma(luma, matrix, info.input_low, info.input_high, False, _N_SAMPLES_MAX, self._model.picture)
        self._model.infer()
        found = decode(self._model.output("boxes"), self._model.output("scores"), self._anchors, score_min)
        faces = [
            Detection(
                score=face.score,
                box=to_picture(face.box.reshape(2, 2) * self._n, whole, self._n).ravel(),
                keypoints=to_picture(face.keypoints * self._n, whole, self._n),
            )
            for face in found
        ]
        return sorted(faces, key=_longer_side, reverse=True)


def decode(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], anchors: NDArray[np.float32], score_min: float
) -> list[Detection]:
    """Faces from the detector's raw answer, in units of the letterboxed picture (0 to 1).

    Parameters
    ----------
    boxes : float32 [size=n_anchors * 16]
        Per anchor, in 1/128 of the picture from the anchor: centre x, y, width, height, 6 keypoints.
    scores : float32 [size=n_anchors]
        Logits.
    anchors : float32 [shape=(n_anchors, 2)]
        Centres.
    """
    probability = 1 / (1 + np.exp(-np.clip(scores.reshape(-1), -80, 80)))
    likely = np.flatnonzero(probability >= score_min)
    raw = boxes.reshape(len(anchors), 16)[likely] / np.float32(128)
    centre, half = raw[:, :2] + anchors[likely], raw[:, 2:4] / 2
    keypoints = raw[:, 4:].reshape(-1, 6, 2) + anchors[likely, None]
    values = np.hstack([centre - half, centre + half, keypoints.reshape(-1, 12)]).astype(np.float32)
    return _blend(values, probability[likely].astype(np.float32))


def _blend(values: NDArray[np.float32], scores: NDArray[np.float32]) -> list[Detection]:
    """Weighted non-maximum suppression: each group of overlapping answers becomes its mean."""
    faces = []
    remaining = np.argsort(-scores, kind="stable")
    while remaining.size:
        best = remaining[0]
        together = _iou(values[best, :4], values[remaining, :4]) > _SAME_FACE_IOU
        together[0] = True  # also where its box is empty
        group = remaining[together]
        mean = np.average(values[group], axis=0, weights=scores[group]).astype(np.float32)
        faces.append(Detection(float(scores[best]), mean[:4], mean[4:].reshape(6, 2)))
        remaining = remaining[~together]
    return faces


def _iou(box: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    overlap = np.clip(np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2]), 0, None)
    shared = overlap.prod(axis=1)
    area = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)
    union = np.clip(box[2:] - box[:2], 0, None).prod() + area - shared
    return np.asarray(shared / np.maximum(union, 1e-9), np.float32)


def _anchors(n: int) -> NDArray[np.float32]:
    """Anchor centres: two per cell of an 8 px grid, then six per cell of a 16 px grid."""
    centres = []
    for stride, n_anchors in ((8, 2), (16, 6)):
        cells = (np.arange(n // stride) + 0.5) * stride / n
        grid = np.stack(np.meshgrid(cells, cells), axis=-1).reshape(-1, 2)
        centres.append(np.repeat(grid, n_anchors, axis=0))
    return np.concatenate(centres).astype(np.float32)


def _longer_side(face: Detection) -> float:
    return float((face.box[2:] - face.box[:2]).max())
