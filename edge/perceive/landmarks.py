"""468 landmarks of the face in a region of the picture.

Kartynnik et al. (2019), "Real-time Facial Surface Geometry from Monocular Video on Mobile
GPUs", arXiv:1907.06724. The model answers in pixels of its 192 x 192 crop, depth in the same unit.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge.kernels.crop import crop_luma
from edge.perceive.models import LoadedModel
from edge.perceive.region import Region, crop_matrix, to_picture

N_LANDMARKS = 468
# enough for a face of 500 px, cut from 750; beyond that the samples lie more than a pixel apart
_N_SAMPLES_MAX = 4


class LandmarkFinder:
    """Runs the landmark model on a region."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self._n = model.picture.shape[1]

    def find(self, luma: NDArray[np.uint8], region: Region) -> tuple[NDArray[np.float32], float]:
        """Landmarks, and how surely there is a face at all.

        Parameters
        ----------
        luma : uint8 [shape=(height, width)], C-contiguous
        region : Region
            Finite; parts beyond the border repeat the nearest pixel.

        Returns
        -------
        points : float32 [shape=(468, 3)], px
            x, y in the picture; z negative towards the camera, about 0 at the middle of the head.
        presence : float in [0, 1]
        """
        info = self._model.info
        matrix = crop_matrix(region, self._n)
        crop_luma(luma, matrix, info.input_low, info.input_high, True, _N_SAMPLES_MAX, self._model.picture)
        self._model.infer()
        points = self._model.output("landmarks").reshape(N_LANDMARKS, 3)
        logit = float(self._model.output("presence").ravel()[0])
        return to_picture(points, region, self._n), 1 / (1 + math.exp(-max(logit, -100.0)))
