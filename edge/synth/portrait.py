"""The photograph that a clip is made from: its luma, its landmarks, and its shape in depth.

The built-in portrait carries its landmarks in a file, so that the demo clip is the same on every
machine and does not depend on the model it is used to test: mean of 24 jittered runs of the float
landmark model (docs/synthesis.md says how).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.errors import EdgeError
from edge.synth.field import FaceFrame
from edge.synth.warper import Warper, coefficients

BUILT_IN = Path(__file__).with_name("portrait.png")
BUILT_IN_LANDMARKS = Path(__file__).with_name("portrait_landmarks.csv")
# share of the head's motion: 1 to here, 0 from there, in half widths and heights of the mesh;
# hair and neck lie inside the first, and the ring is wide so that the map does not fold
_HEAD_INNER, _HEAD_OUTER = 1.25, 2.2
# where the head is taken to be as deep as the rim of the mesh, in the same unit
_RING = 1.6


class NoFaceInPortrait(EdgeError):
    """The landmark model finds no face."""

    exit_code = 74

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return (
            f"expected one face in the portrait {self.path} but found none; use a frontal, upright photograph"
        )


@dataclass(frozen=True, slots=True)
class Portrait:
    """A photograph of one face.

    Attributes
    ----------
    luma : uint8 [shape=(height, width)]
    points : float64 [shape=(468, 3)], px
        Landmarks; z negative towards the camera.
    name : str
    """

    luma: NDArray[np.uint8]
    points: NDArray[np.float64]
    name: str = ""

    @property
    def face_width_px(self) -> float:
        return float(np.ptp(self.points[:, 0]))


@dataclass(frozen=True, slots=True)
class Canvas:
    """The portrait at the output's scale and place, with a margin around.

    Attributes
    ----------
    coefficients : float32 [shape=(height + 2 margins, width + 2 margins)]
        Cubic B-spline of the luma.
    origin_px : float32 [shape=(2,)]
        Output place of its first pixel.
    points : float64 [shape=(468, 3)], px
        Landmarks in the output, at rest.
    scale : float
        Output px per portrait px.
    """

    coefficients: NDArray[np.float32]
    origin_px: NDArray[np.float32]
    points: NDArray[np.float64]
    scale: float


def built_in_portrait() -> Portrait:
    """NASA's public-domain portrait of Eileen Collins; see PORTRAIT.md."""
    points = np.loadtxt(BUILT_IN_LANDMARKS, delimiter=",", skiprows=1)
    return Portrait(read_picture(BUILT_IN), points, BUILT_IN.name)


def load_portrait(path: str | Path | None) -> Portrait:
    """A portrait file with the landmarks that the model finds in it; the built-in one for None.

    Raises
    ------
    CaptureError
        The file is missing or not a picture.
    NoFaceInPortrait
    """
    if path is None:
        return built_in_portrait()
    from edge.perceive.still import NoFace, landmarks_of_picture

    luma = read_picture(path)
    try:
        face = landmarks_of_picture(luma)
    except NoFace as error:
        raise NoFaceInPortrait(str(path)) from error
    return Portrait(luma, np.asarray(face.points, np.float64), Path(path).name)


def read_picture(path: str | Path) -> NDArray[np.uint8]:
    """The luma of a picture file, or of a video's first frame [shape=(height, width)]."""
    from edge.capture.file import FileSource

    source = FileSource(path)
    try:
        luma: NDArray[np.uint8] = source.read(timeout_s=10.0).luma.copy()
        return luma
    finally:
        source.close()


def is_video(path: str | Path) -> bool:
    """Whether a file has more than one frame; raises CaptureError where it has none at all."""
    from edge.capture.errors import SourceEnded
    from edge.capture.file import FileSource

    source = FileSource(path)
    try:
        source.read(timeout_s=10.0)
        source.read(timeout_s=10.0)
    except SourceEnded:
        return False
    finally:
        source.close()
    return True


def place_portrait(portrait: Portrait, width: int, height: int, face_width_px: float) -> Canvas:
    """Scale the portrait so that its face is `face_width_px` wide, in the middle of the output."""
    scale = face_width_px / portrait.face_width_px
    middle = 0.5 * (portrait.points[:, :2].min(axis=0) + portrait.points[:, :2].max(axis=0))
    margin = int(0.5 * face_width_px) + 8
    corner = np.array([width, height]) / 2 - scale * middle  # output place of the portrait's (0, 0)
    source = portrait.luma.astype(np.float32)
    if scale < 1:  # keep what the smaller picture cannot hold from folding back into it
        source = _blurred(source, 0.5 * math.sqrt(1 / scale**2 - 1))
    shape = (height + 2 * margin, width + 2 * margin)
    picture = _magnified(coefficients(source), scale, corner + margin, shape)
    points = portrait.points * scale
    points[:, :2] += corner
    points[:, 2] -= points[[6, 168, 234, 454], 2].mean()
    return Canvas(coefficients(picture), np.array([-margin, -margin], np.float32), points, scale)


def _magnified(
    source: NDArray[np.float32], scale: float, corner: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Resample by one scale, with the kernel that warps too; `corner` is where place (0, 0) goes."""
    step = 32
    grid = np.array([-2 * step, -2 * step, step], np.float32)
    grid_shape = (shape[0] // step + 6, shape[1] // step + 6)
    warper = Warper(source, np.zeros(2, np.float32), grid, grid_shape, shape)
    y, x = np.mgrid[: grid_shape[0], : grid_shape[1]] * float(step) - 2 * step
    # these are linear, and a cubic B-spline whose coefficients are linear is that same line
    warper.inverse[0] = (x - corner[0]) / scale - x
    warper.inverse[1] = (y - corner[1]) / scale - y
    warper.draw(warper.everywhere)
    return warper.out


def _blurred(values: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    radius = max(1, math.ceil(3 * sigma_px))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma_px) ** 2)
    taps /= taps.sum()
    for axis in (0, 1):
        padding = [(radius, radius) if a == axis else (0, 0) for a in (0, 1)]
        padded = np.pad(values, padding, mode="edge")
        n = values.shape[axis]
        values = np.asarray(
            sum(tap * np.take(padded, np.arange(k, k + n), axis=axis) for k, tap in enumerate(taps)),
            np.float32,
        )
    return np.ascontiguousarray(values)


def head_share(face: FaceFrame, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of the head's motion each place takes part in: 1 on the head, 0 in the background."""
    middle = 0.5 * (face.points[10] + face.points[152])
    half_height = 0.5 * float(np.hypot(*(face.points[10] - face.points[152])))
    half_width = 0.5 * float(np.hypot(*(face.points[234] - face.points[454])))
    right = ((x - middle[0]) * face.across[0] + (y - middle[1]) * face.across[1]) / half_width
    up = ((x - middle[0]) * face.up[0] + (y - middle[1]) * face.up[1]) / half_height
    s = np.clip((np.hypot(right, up) - _HEAD_INNER) / (_HEAD_OUTER - _HEAD_INNER), 0.0, 1.0)
    return np.asarray(1.0 - s**3 * (s * (6 * s - 15) + 10))


def depth_surface(
    points: NDArray[np.float64], face: FaceFrame, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Depth of the head at each place, from the landmarks' own [shape as x], px.

    Notes
    -----
    Smoothing thin-plate spline through the 468 landmarks and a ring around the head, which is as
    deep as the mesh's rim: a head is round. It is kept within the mesh's own depths, smoothly.
    """
    unit = face.iod_px
    rim = float(np.percentile(points[:, 2], 98))
    angle = np.linspace(0, 2 * math.pi, 24, endpoint=False)[:, None]
    middle, half = (
        (points[:, :2].max(axis=0) + points[:, :2].min(axis=0)) / 2,
        np.ptp(points[:, :2], axis=0) / 2,
    )
    ring = middle + _RING * half * np.hstack([np.cos(angle), np.sin(angle)])
    nodes = np.vstack([points[:, :2], ring]) / unit
    z = np.r_[points[:, 2], np.full(len(ring), rim)] / unit
    smoothing = 0.05  # steeper than 2.5 at the cheeks, a turn of 20 degrees would fold
    n = len(nodes)
    system = np.zeros((n + 3, n + 3))
    system[:n, :n] = _thin_plate(nodes[:, None] - nodes[None]) + smoothing * np.eye(n)
    system[:n, n], system[:n, n + 1 :] = 1.0, nodes
    system[n:, :n] = system[:n, n:].T
    weights = np.linalg.solve(system, np.r_[z, np.zeros(3)])
    places = np.stack([x.ravel(), y.ravel()], axis=1) / unit
    surface = (
        _thin_plate(places[:, None] - nodes[None]) @ weights[:n] + weights[n] + places @ weights[n + 1 :]
    )
    bend = 0.08
    back, front = rim / unit + bend, float(z.min()) - bend
    surface = back - bend * np.logaddexp(0.0, (back - surface) / bend)
    surface = front + bend * np.logaddexp(0.0, (surface - front) / bend)
    return np.asarray(surface * unit).reshape(x.shape)


def _thin_plate(difference: NDArray[np.float64]) -> NDArray[np.float64]:
    r2 = (difference**2).sum(axis=-1)
    return np.asarray(0.5 * r2 * np.log(np.maximum(r2, 1e-12)))
