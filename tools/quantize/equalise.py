"""Cross-layer equalisation: let the channels of a tensor have similar ranges before int8.

Nagel et al. (2019), "Data-Free Quantization Through Weight Equalization and Bias Correction",
arXiv:1906.04721, generalised from pairs of layers to whole graphs: channels that an addition,
PRELU, pooling or padding ties together form a class and share one factor, and the convolutions
on either side absorb it. In float, nothing changes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantize.graph import CONVOLUTIONS, Graph, Op
from quantize.ranges import activations_of

_KEEPS_CHANNELS = (Op.ADD, Op.PRELU, Op.RELU, Op.MAX_POOL_2D, Op.PAD)
_FACTOR_MIN = 0.02


class Classes:
    """Union-find over numbered members."""

    def __init__(self, n_members: int) -> None:
        self._parent = list(range(n_members))

    def of(self, member: int) -> int:
        """The class's representative."""
        while self._parent[member] != member:
            self._parent[member] = self._parent[self._parent[member]]
            member = self._parent[member]
        return member

    def join(self, one: int, other: int) -> None:
        """Make two classes one."""
        self._parent[self.of(one)] = self.of(other)


def equalise(graph: Graph, pictures: NDArray[np.float32], exponent: float) -> None:
    """Scale channels towards their tensor's largest one; weights are changed in place.

    Parameters
    ----------
    pictures : float32 [shape=(n_pictures, height, width, 3)]
    exponent : float in [0, 1]
        0 changes nothing, 1 brings every class to the tensor's range.
    """
    first = _first_members(graph)
    classes, fixed = _tied_channels(graph, first)
    factors = _factors(graph, pictures, first, classes, fixed, exponent)
    for operator in graph.operators:
        kind = graph.kind(operator)
        if kind not in CONVOLUTIONS:
            continue
        (before, weights, bias), (after,) = operator.inputs, operator.outputs
        grown = graph.constant(weights).astype(np.float64)
        if kind == Op.CONV_2D:
            grown *= factors[before][None, None, None, :] / factors[after][:, None, None, None]
        else:
            grown *= (factors[before] / factors[after])[None, None, None, :]
        graph.set_constant(weights, grown.astype(np.float32))
        graph.set_constant(bias, (graph.constant(bias) / factors[after]).astype(np.float32))


def _first_members(graph: Graph) -> dict[int, int]:
    """Number of each tensor's first channel among all channels of all activations."""
    first, n_members = {}, 0
    for tensor in graph.activations():
        first[tensor] = n_members
        n_members += graph.shape(tensor)[-1]
    return first


def _tied_channels(graph: Graph, first: dict[int, int]) -> tuple[Classes, int]:
    """Which channels must share a factor; the second value stands for the factor 1."""
    fixed = sum(graph.shape(tensor)[-1] for tensor in first)
    classes = Classes(fixed + 1)

    def fix(tensor: int) -> None:
        for channel in range(graph.shape(tensor)[-1]):
            classes.join(first[tensor] + channel, fixed)

    for tensor in graph.inputs + graph.outputs:
        fix(tensor)
    for operator in graph.operators:
        kind = graph.kind(operator)
        if kind in CONVOLUTIONS:
            continue
        (after,) = operator.outputs
        for before in (tensor for tensor in operator.inputs if tensor in first):
            n_channels = graph.shape(before)[-1]
            widened = kind == Op.PAD
            if kind in _KEEPS_CHANNELS and (widened or n_channels == graph.shape(after)[-1]):
                for channel in range(n_channels):
                    classes.join(first[before] + channel, first[after] + channel)
            else:
                fix(before)
                fix(after)
    return classes, fixed


def _factors(
    graph: Graph,
    pictures: NDArray[np.float32],
    first: dict[int, int],
    classes: Classes,
    fixed: int,
    exponent: float,
) -> dict[int, NDArray[np.float64]]:
    """Factor of each channel of each activation: its new values are the old ones divided by it."""
    peaks = {tensor: np.zeros(graph.shape(tensor)[-1]) for tensor in first}
    for values_of in activations_of(graph, pictures):
        for tensor, peak in peaks.items():
            values = values_of(tensor)
            np.maximum(peak, np.abs(values).reshape(-1, values.shape[-1]).max(axis=0), out=peak)
    largest: dict[int, float] = {}
    for tensor, peak in peaks.items():
        for channel, share in enumerate(np.maximum(peak / max(peak.max(), 1e-9), 1e-3)):
            member = classes.of(first[tensor] + channel)
            largest[member] = max(largest.get(member, 0.0), float(share))
    factor = {member: float(np.clip(share**exponent, _FACTOR_MIN, 1)) for member, share in largest.items()}
    factor[classes.of(fixed)] = 1.0
    return {
        tensor: np.array([factor[classes.of(first[tensor] + channel)] for channel in range(len(peak))])
        for tensor, peak in peaks.items()
    }
