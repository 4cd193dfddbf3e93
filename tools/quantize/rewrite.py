"""Rewrites that leave what a float model computes as it is, and make it fit for integers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from quantize.graph import CONVOLUTIONS, Graph, Op, Type

_FUSED_RELU = schema.ActivationFunctionType.RELU
# Below this many outputs it is cheaper to compute a convolution twice, once for each half of
# its PRELU, than to clamp its result twice.
_TWIN_CONVOLUTION_MAX = 20_000


def unfold_half_precision(graph: Graph) -> None:
    """Constants stored as float16 and a DEQUANTIZE become float32 constants."""
    kept = []
    for operator in graph.operators:
        stored = graph.constant(operator.inputs[0]) if graph.kind(operator) == Op.DEQUANTIZE else None
        if stored is None:
            kept.append(operator)
        else:
            graph.set_constant(operator.outputs[0], stored.astype(np.float32))
    graph.operators = kept


def store_half_precision(graph: Graph) -> None:
    """Float32 weights, biases and slopes become float16 and a DEQUANTIZE, which the runtime folds at load."""
    widened: dict[int, int] = {}
    first = []
    for operator in graph.operators:
        if graph.kind(operator) not in (*CONVOLUTIONS, Op.PRELU):
            continue
        for place, tensor in enumerate(operator.inputs):
            if graph.tensors[tensor].type != Type.FLOAT32 or (values := graph.constant(tensor)) is None:
                continue
            if tensor not in widened:
                name = graph.name(tensor)
                stored = graph.add_constant(f"{name}_half", values.astype(np.float16))
                widened[tensor] = graph.add_activation(f"{name}_widened", values.shape)
                first.append(graph.make_operator(Op.DEQUANTIZE, [stored], [widened[tensor]], version=3))
            operator.inputs[place] = widened[tensor]
    graph.operators = first + graph.operators


def fuse_relu(graph: Graph) -> None:
    """A RELU that alone reads a convolution or ADD becomes its fused activation: one range fewer."""
    for operator in list(graph.operators):
        if graph.kind(operator) != Op.RELU:
            continue
        (before,) = operator.inputs
        producer = graph.producer(before)
        if (
            producer is None
            or graph.kind(producer) not in (*CONVOLUTIONS, Op.ADD)
            or len(graph.consumers(before)) > 1
            or before in graph.outputs
            or producer.builtinOptions.fusedActivationFunction != 0
        ):
            continue
        producer.builtinOptions.fusedActivationFunction = _FUSED_RELU
        producer.outputs = list(operator.outputs)
        graph.operators.remove(operator)


@dataclass(frozen=True)
class Halves:
    """The two one-sided parts of a PRELU's input: max(x, 0) and min(x, 0)."""

    positive: int
    negative: int


def split_prelu(graph: Graph, kept_float: set[schema.OperatorT]) -> dict[int, Halves]:
    """PRELU(x, a) becomes max(x, 0) + a * min(x, 0), exactly.

    No int8 PRELU runs on the optimised kernels. Its slopes here differ by channel, have either
    sign and may exceed 1, so that neither LEAKY_RELU nor max(x, a x) is the same function.

    Returns
    -------
    dict
        `Halves` by the tensor x that they are made of; for `clamp_into_halves`.
    """
    halves = {}
    operators = []
    for operator in graph.operators:
        if graph.kind(operator) != Op.PRELU or operator in kept_float:
            operators.append(operator)
            continue
        (before, slopes), (after,) = operator.inputs, operator.outputs
        shape, name = graph.shape(before), graph.name(after)
        positive = graph.add_activation(f"{name}/positive", shape)
        negative = graph.add_activation(f"{name}/negative", shape)
        sloped = graph.add_activation(f"{name}/sloped", shape)
        halves[before] = Halves(positive, negative)
        per_channel = graph.constant(slopes)
        assert per_channel is not None
        # repeated along a row: the elementwise kernel then has a long inner loop
        row = np.tile(per_channel.astype(np.float32).reshape(-1), (1, 1, shape[2], 1))
        operators += [
            graph.make_operator(Op.RELU, [before], [positive]),
            graph.make_operator(Op.SUB, [before, positive], [negative]),
            graph.make_operator(Op.MUL, [negative, graph.add_constant(f"{name}/slopes", row)], [sloped]),
            graph.make_operator(Op.ADD, [positive, sloped], [after]),
        ]
    graph.operators = operators
    return halves


def clamp_into_halves(graph: Graph, halves: dict[int, Halves]) -> dict[int, int]:
    """After calibration: whoever made x makes each half instead.

    An int8 tensor that can only hold one sign clamps for free. An ADD, or a small convolution, is
    done twice; a large convolution is followed by two ADDs of zero.

    Returns
    -------
    dict
        1 or -1, the sign of each one-sided tensor.
    """
    operators: list[schema.OperatorT] = []
    for operator in graph.operators:
        made = halves.get(operator.outputs[0])
        read = halves.get(operator.inputs[0])
        if made is not None and _may_be_done_twice(graph, operator):
            operators += [graph.copy_operator(operator, [half]) for half in (made.positive, made.negative)]
        elif read is not None and graph.kind(operator) == Op.RELU:
            before = operator.inputs[0]
            _require_only_its_halves(graph, before)
            producer = graph.producer(before)
            if producer is None or not _may_be_done_twice(graph, producer):
                zero = graph.add_constant(f"{graph.name(before)}/zero", np.zeros(1, np.float32))
                operators += [
                    graph.make_operator(Op.ADD, [before, zero], [half])
                    for half in (read.positive, read.negative)
                ]
        elif read is not None and graph.kind(operator) == Op.SUB:
            continue
        else:
            operators.append(operator)
    graph.operators = operators
    signs = {}
    for half in halves.values():
        signs[half.positive], signs[half.negative] = 1, -1
    return signs


def _may_be_done_twice(graph: Graph, operator: schema.OperatorT) -> bool:
    kind = graph.kind(operator)
    n_outputs = int(np.prod(graph.shape(operator.outputs[0])))
    return kind == Op.ADD or (kind in CONVOLUTIONS and n_outputs <= _TWIN_CONVOLUTION_MAX)


def _require_only_its_halves(graph: Graph, tensor: int) -> None:
    kinds = sorted(graph.kind(operator) for operator in graph.consumers(tensor))
    if kinds != sorted((Op.RELU, Op.SUB)) or tensor in graph.outputs:
        raise ValueError(f"{graph.name(tensor)} is read by more than its PRELU: it cannot be split")


def float_operators(graph: Graph, side_max: int, names: tuple[str, ...] = ()) -> set[schema.OperatorT]:
    """Operators to keep in float: small feature maps, those named, and all that follows them.

    Parameters
    ----------
    side_max : int, px
        An output this high or lower is small; 0 for none.
    names : tuple of str
        Output tensors of further operators.
    """
    kept: set[schema.OperatorT] = set()
    tensors: set[int] = set()
    for operator in graph.operators:
        (after,) = operator.outputs
        shape = graph.shape(after)
        small = len(shape) == 4 and shape[1] <= side_max
        if small or graph.name(after) in names or tensors.intersection(operator.inputs):
            kept.add(operator)
            tensors.add(after)
    return kept
