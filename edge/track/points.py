"""Which points of the 468-point mesh are followed, and what each says about a signal.

Rigid points carry the head's pose: nose bridge, eye corners, temples and upper forehead move
least with expression. The others are those the signals of `edge.anatomy` are made of.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import SIGNALS

_BRIDGE = (168, 6, 197, 195, 5, 122, 351)
_EYE_CORNERS = (33, 133, 362, 263, 130, 359)
_FOREHEAD = (8, 9, 151, 10)
_BORDER = (234, 454, 93, 323, 127, 356)

RIGID_LANDMARKS = _BRIDGE + _EYE_CORNERS + _FOREHEAD + _BORDER
_MOVING = dict.fromkeys(index for signal in SIGNALS for index in signal.landmarks)
POINT_LANDMARKS = np.array(
    [*RIGID_LANDMARKS, *(index for index in _MOVING if index not in RIGID_LANDMARKS)], dtype=np.intp
)
N_RIGID = len(RIGID_LANDMARKS)
N_POINTS = len(POINT_LANDMARKS)

# Eye openings: (outer corner, inner corner) of the person's right and left eye
EYE_CORNERS = ((33, 133), (263, 362))
OUTER_CORNERS = (33, 263)

# How far a point may be from its resting place and still be believed, miod. A jaw drops by
# about half the inter-ocular distance; a raised brow by a fifth.
_REACH_MIOD = {"brow": 220.0, "eyes": 120.0, "cheek": 180.0, "nose": 150.0, "mouth": 400.0, "jaw": 550.0}
_REACH_RIGID_MIOD = 60.0

# How far a rigid point may be off the rigid head, miod: what is learned leaves about 1; forehead and
# border go with brows, cheeks and jaw. Temples say most about a turn, and are kept.
_OFF_MIOD = 0.8
_OFF_WITH_EXPRESSION_MIOD = {8: 2.5, 9: 2.5, 151: 1.5, 234: 1.5, 454: 1.5, 93: 4.0, 323: 4.0}


def error_miod() -> NDArray[np.float64]:
    """float64 [shape=(N_POINTS,)]: how little each point can be relied on to be the head's."""
    off = [_OFF_WITH_EXPRESSION_MIOD.get(int(index), _OFF_MIOD) for index in POINT_LANDMARKS]
    return np.array(off)


def reach_miod() -> NDArray[np.float64]:
    """float64 [shape=(N_POINTS,)]: how far each point may move apart from the head."""
    reach = np.full(N_POINTS, _REACH_RIGID_MIOD)
    place = {int(index): k for k, index in enumerate(POINT_LANDMARKS)}
    for signal in SIGNALS:
        for index in signal.landmarks:
            if place[index] >= N_RIGID:
                reach[place[index]] = max(reach[place[index]], _REACH_MIOD[signal.region])
    return reach


def signal_members() -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Which points make which signal.

    Returns
    -------
    start : int32 [shape=(N_SIGNALS + 1,)]
        Signal s owns members start[s] to start[s + 1].
    member : int32 [shape=(n_members,)]
        Index into `POINT_LANDMARKS`.
    direction : float64 [shape=(n_members, 2)]
        Unit vector (x, y) of each member in the upright face.
    """
    place = {int(index): k for k, index in enumerate(POINT_LANDMARKS)}
    start, member, direction = [0], [], []
    for signal in SIGNALS:
        member += [place[index] for index in signal.landmarks]
        direction += [signal.direction] * len(signal.landmarks)
        start.append(len(member))
    return np.array(start, np.int32), np.array(member, np.int32), np.array(direction, np.float64)
