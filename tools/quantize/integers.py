"""From float to int8: weights per channel, activations per tensor, biases int32.

Jacob et al. (2018), "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR; the TFLite 8-bit quantisation specification.
"""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import ArrayLike, NDArray

from quantize.equalise import Classes
from quantize.graph import CONVOLUTIONS, ELEMENTWISE, Graph, Op, Type
from quantize.ranges import Range

# these copy or select values: input and output must have the same scale
_SAME_SCALE = (Op.MAX_POOL_2D, Op.PAD, Op.RESHAPE, Op.CONCATENATION, Op.RELU)
# the first version of each operator that takes int8
_INT8_VERSIONS = {
    Op.CONV_2D: 3,
    Op.DEPTHWISE_CONV_2D: 3,
    Op.ADD: 2,
    Op.MUL: 2,
    Op.MAX_POOL_2D: 2,
    Op.PAD: 2,
    Op.CONCATENATION: 2,
    Op.RELU: 2,
}
Scale = tuple[np.float32, int]


def quantise(
    graph: Graph,
    ranges: dict[int, Range],
    kept_float: set[schema.OperatorT],
    signs: dict[int, int],
) -> None:
    """Make every operator int8 but those kept in float; inputs and outputs of the graph stay float32.

    Parameters
    ----------
    ranges : dict
        Lowest and highest value of each activation.
    kept_float : set of operators
    signs : dict
        1 or -1 for tensors that hold one sign only (see `rewrite.clamp_into_halves`).
    """
    integer = [operator for operator in graph.operators if operator not in kept_float]
    scales = _activation_scales(graph, integer, ranges, signs)
    quantised = set(graph.inputs).union(*(operator.outputs for operator in integer))
    for tensor in quantised:
        graph.tensors[tensor].type = Type.INT8
        _set_scale(graph, tensor, *scales[tensor])
    for operator in integer:
        kind = graph.kind(operator)
        if kind in CONVOLUTIONS:
            _quantise_convolution(graph, operator, scales[operator.inputs[0]][0])
        elif kind in ELEMENTWISE:
            _quantise_operands(graph, operator, scales)
        operator.opcodeIndex = graph.code_index(kind, _INT8_VERSIONS.get(kind, 1))
    _convert_at_float_operators(graph, kept_float)
    _convert_at_borders(graph)


def _activation_scales(
    graph: Graph, integer: list[schema.OperatorT], ranges: dict[int, Range], signs: dict[int, int]
) -> dict[int, Scale]:
    classes = Classes(len(graph.tensors))
    for operator in integer:
        if graph.kind(operator) in _SAME_SCALE:
            for tensor in operator.inputs:
                if tensor in ranges:
                    classes.join(tensor, operator.outputs[0])
    groups: dict[int, list[int]] = {}
    for tensor in ranges:
        groups.setdefault(classes.of(tensor), []).append(tensor)
    scales = {}
    for group in groups.values():
        low = min(0.0, *(ranges[tensor][0] for tensor in group))
        high = max(0.0, *(ranges[tensor][1] for tensor in group))
        scale = max(high - low, 1e-8) / 255
        zero_point = int(np.clip(round(-128 - low / scale), -128, 127))
        scales.update(dict.fromkeys(group, (np.float32(scale), zero_point)))
    for tensor, sign in signs.items():
        low, high = ranges[tensor]
        reach = high if sign > 0 else -low
        scales[tensor] = (np.float32(max(reach, 1e-8) / 255), -128 if sign > 0 else 127)
    return scales


def _quantise_convolution(graph: Graph, operator: schema.OperatorT, input_scale: np.float32) -> None:
    before, weights, bias = operator.inputs
    axis = 3 if graph.kind(operator) == Op.DEPTHWISE_CONV_2D else 0
    values, offsets = graph.constant(weights), graph.constant(bias)
    others = tuple(other for other in range(4) if other != axis)
    scale = np.maximum(np.abs(values).max(axis=others) / 127, 1e-9).astype(np.float32)
    along = [1, 1, 1, 1]
    along[axis] = -1
    rounded = np.clip(np.round(values / scale.reshape(along)), -127, 127).astype(np.int8)
    int_weights = graph.add_constant(f"{graph.name(weights)}_int8", rounded)
    _set_scale(graph, int_weights, scale, np.zeros(len(scale)), axis)
    bias_scale = input_scale * scale
    wide = np.clip(np.round(offsets / bias_scale.astype(np.float64)), -(2**31), 2**31 - 1)
    int_bias = graph.add_constant(f"{graph.name(bias)}_int32", wide.astype(np.int32))
    _set_scale(graph, int_bias, bias_scale, np.zeros(len(scale)))
    operator.inputs = [before, int_weights, int_bias]


def _quantise_operands(graph: Graph, operator: schema.OperatorT, scales: dict[int, Scale]) -> None:
    """Constant operands of an elementwise operator."""
    for place, tensor in enumerate(operator.inputs):
        values = graph.constant(tensor)
        if values is None:
            continue
        # a constant of zeros needs a plausible scale too, or the accelerated path refuses the operator
        scale = float(np.abs(values).max()) / 127 or float(scales[operator.inputs[1 - place]][0])
        rounded = np.clip(np.round(values / scale), -127, 127).astype(np.int8)
        operator.inputs[place] = graph.add_constant(f"{graph.name(tensor)}_int8", rounded)
        _set_scale(graph, operator.inputs[place], scale, 0)


def _convert_at_float_operators(graph: Graph, kept_float: set[schema.OperatorT]) -> None:
    """Float operators read int8 tensors through one DEQUANTIZE each."""
    operators = []
    widened: dict[int, int] = {}
    for operator in graph.operators:
        if operator in kept_float:
            for place, tensor in enumerate(operator.inputs):
                if graph.tensors[tensor].type != Type.INT8 or graph.constant(tensor) is not None:
                    continue
                if tensor not in widened:
                    widened[tensor] = graph.add_activation(f"{graph.name(tensor)}_float", graph.shape(tensor))
                    operators.append(
                        graph.make_operator(Op.DEQUANTIZE, [tensor], [widened[tensor]], version=2)
                    )
                operator.inputs[place] = widened[tensor]
        operators.append(operator)
    graph.operators = operators


def _convert_at_borders(graph: Graph) -> None:
    """The graph itself takes and gives float32, so that its callers need not know."""
    for place, tensor in enumerate(graph.inputs):
        if graph.tensors[tensor].type == Type.INT8:
            graph.inputs[place] = graph.add_activation(f"{graph.name(tensor)}_float", graph.shape(tensor))
            graph.operators.insert(0, graph.make_operator(Op.QUANTIZE, [graph.inputs[place]], [tensor]))
    for place, tensor in enumerate(graph.outputs):
        if graph.tensors[tensor].type == Type.INT8:
            graph.outputs[place] = graph.add_activation(f"{graph.name(tensor)}_float", graph.shape(tensor))
            graph.operators.append(
                graph.make_operator(Op.DEQUANTIZE, [tensor], [graph.outputs[place]], version=2)
            )


def _set_scale(graph: Graph, tensor: int, scale: ArrayLike, zero_point: ArrayLike, axis: int = 0) -> None:
    parameters = schema.QuantizationParametersT()
    parameters.scale = np.atleast_1d(np.asarray(scale, np.float32))
    parameters.zeroPoint = np.atleast_1d(np.asarray(zero_point, np.int64))
    parameters.quantizedDimension = axis
    graph.tensors[tensor].quantization = parameters


def quantised_border(graph: Graph, tensor: int) -> tuple[float, int] | None:
    """Scale and zero point of the int8 tensor behind a float input or output; None where it is float."""
    for operator in graph.operators:
        if graph.kind(operator) == Op.QUANTIZE and operator.inputs[0] == tensor:
            return _scale_of(graph.tensors[operator.outputs[0]].quantization)
        if graph.kind(operator) == Op.DEQUANTIZE and operator.outputs[0] == tensor:
            return _scale_of(graph.tensors[operator.inputs[0]].quantization)
    return None


def _scale_of(parameters: schema.QuantizationParametersT) -> tuple[float, int]:
    scale: NDArray[np.float32] = parameters.scale
    return float(scale[0]), int(parameters.zeroPoint[0])
