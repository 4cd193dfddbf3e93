"""An editable TFLite model of one subgraph."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

Op = schema.BuiltinOperator
Type = schema.TensorType

CONVOLUTIONS = (Op.CONV_2D, Op.DEPTHWISE_CONV_2D)
ELEMENTWISE = (Op.ADD, Op.MUL)

_NUMPY_TYPES = {
    Type.FLOAT32: np.float32,
    Type.FLOAT16: np.float16,
    Type.INT32: np.int32,
    Type.INT8: np.int8,
}
_TENSOR_TYPES = {np.dtype(numpy_type): kind for kind, numpy_type in _NUMPY_TYPES.items()}
_OPTIONS = {
    Op.ADD: (schema.AddOptionsT, schema.BuiltinOptions.AddOptions),
    Op.SUB: (schema.SubOptionsT, schema.BuiltinOptions.SubOptions),
    Op.MUL: (schema.MulOptionsT, schema.BuiltinOptions.MulOptions),
    Op.QUANTIZE: (schema.QuantizeOptionsT, schema.BuiltinOptions.QuantizeOptions),
    Op.DEQUANTIZE: (schema.DequantizeOptionsT, schema.BuiltinOptions.DequantizeOptions),
}


class Graph:
    """Tensors are indices, operators are the schema's own objects, compared by identity.

    Parameters
    ----------
    content : bytes
        A .tflite file. Metadata and signatures are dropped.
    """

    def __init__(self, content: bytes) -> None:
        self._model = schema.ModelT.InitFromPackedBuf(bytearray(content), 0)
        self._model.metadata = None
        self._model.signatureDefs = None
        for code in self._model.operatorCodes:
            # files of 2019-20 fill in the old field only, and 0 in the new one would read as ADD
            code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
        self._subgraph = self._model.subgraphs[0]
        self.tensors = self._subgraph.tensors
        self.inputs = [int(tensor) for tensor in self._subgraph.inputs]
        self.outputs = [int(tensor) for tensor in self._subgraph.outputs]
        self.operators = list(self._subgraph.operators)
        for operator in self.operators:
            operator.inputs = [int(tensor) for tensor in operator.inputs]
            operator.outputs = [int(tensor) for tensor in operator.outputs]
        for tensor in self.tensors:
            tensor.shape = [int(size) for size in tensor.shape]

    def kind(self, operator: schema.OperatorT) -> int:
        """Its `schema.BuiltinOperator`."""
        return int(self._model.operatorCodes[operator.opcodeIndex].builtinCode)

    def shape(self, tensor: int) -> list[int]:
        """Sizes; the last one counts channels."""
        sizes: list[int] = self.tensors[tensor].shape
        return sizes

    def name(self, tensor: int) -> str:
        """As published."""
        return str(self.tensors[tensor].name.decode())

    def rename(self, tensor: int, name: str) -> None:
        """Give it another name."""
        self.tensors[tensor].name = name.encode()

    def constant(self, tensor: int) -> NDArray | None:
        """A copy of its values; None for an activation."""
        data = self._model.buffers[self.tensors[tensor].buffer].data
        if data is None or len(data) == 0:
            return None
        numpy_type = _NUMPY_TYPES[self.tensors[tensor].type]
        return np.frombuffer(bytes(data), numpy_type).reshape(self.shape(tensor)).copy()

    def set_constant(self, tensor: int, values: NDArray) -> None:
        """Make it a constant, with the type and shape of `values`."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        self.tensors[tensor].buffer = len(self._model.buffers) - 1
        self.tensors[tensor].type = _TENSOR_TYPES[values.dtype]
        self.tensors[tensor].shape = list(values.shape)

    def add_activation(self, name: str, shape: Sequence[int]) -> int:
        """A new float32 activation; its index."""
        tensor = schema.TensorT()
        tensor.name = name.encode()
        tensor.shape = list(shape)
        tensor.type = Type.FLOAT32
        tensor.buffer = 0
        tensor.isVariable = False
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def add_constant(self, name: str, values: NDArray) -> int:
        """A new constant; its index."""
        tensor = self.add_activation(name, values.shape)
        self.set_constant(tensor, values)
        return tensor

    def make_operator(
        self, kind: int, inputs: Sequence[int], outputs: Sequence[int], version: int = 1
    ) -> schema.OperatorT:
        """A new operator with default options; the caller puts it in its place."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self.code_index(kind, version)
        operator.inputs = list(inputs)
        operator.outputs = list(outputs)
        operator.builtinOptionsType = 0
        if kind in _OPTIONS:
            options, operator.builtinOptionsType = _OPTIONS[kind]
            operator.builtinOptions = options()
        return operator

    def copy_operator(self, operator: schema.OperatorT, outputs: Sequence[int]) -> schema.OperatorT:
        """The same operation on the same inputs, into other tensors."""
        twin = copy.copy(operator)
        twin.inputs = list(operator.inputs)
        twin.outputs = list(outputs)
        twin.builtinOptions = copy.copy(operator.builtinOptions)
        return twin

    def code_index(self, kind: int, version: int) -> int:
        """Index of the operator code with this kind and at least this version, added if need be."""
        for index, code in enumerate(self._model.operatorCodes):
            if code.builtinCode == kind and code.version >= version:
                return index
        code = schema.OperatorCodeT()
        code.builtinCode = kind
        code.deprecatedBuiltinCode = min(kind, 127)
        code.version = version
        self._model.operatorCodes.append(code)
        return len(self._model.operatorCodes) - 1

    def consumers(self, tensor: int) -> list[schema.OperatorT]:
        """Operators that read it."""
        return [operator for operator in self.operators if tensor in operator.inputs]

    def producer(self, tensor: int) -> schema.OperatorT | None:
        """The operator that writes it; None for an input or a constant."""
        return next((operator for operator in self.operators if tensor in operator.outputs), None)

    def activations(self) -> list[int]:
        """All float32 tensors that are computed or fed, in order."""
        found = set(self.inputs).union(*(operator.outputs for operator in self.operators))
        return sorted(tensor for tensor in found if self.tensors[tensor].type == Type.FLOAT32)

    def pack(self) -> tuple[bytes, dict[int, int]]:
        """The .tflite file without what is no longer used, and where each tensor went in it."""
        used = set(self.inputs + self.outputs)
        used = used.union(*(operator.inputs + operator.outputs for operator in self.operators)) - {-1}
        kept = sorted(used)
        new_index = {tensor: index for index, tensor in enumerate(kept)}
        model, subgraph = copy.copy(self._model), copy.copy(self._subgraph)
        codes = sorted({operator.opcodeIndex for operator in self.operators})
        model.operatorCodes = [self._model.operatorCodes[code] for code in codes]
        subgraph.tensors, model.buffers = self._packed_tensors(kept)
        subgraph.inputs = [new_index[tensor] for tensor in self.inputs]
        subgraph.outputs = [new_index[tensor] for tensor in self.outputs]
        subgraph.operators = []
        for operator in self.operators:
            moved = copy.copy(operator)
            moved.opcodeIndex = codes.index(operator.opcodeIndex)
            moved.inputs = [new_index.get(tensor, -1) for tensor in operator.inputs]
            moved.outputs = [new_index[tensor] for tensor in operator.outputs]
            subgraph.operators.append(moved)
        model.subgraphs = [subgraph]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output()), new_index

    def _packed_tensors(self, kept: list[int]) -> tuple[list[schema.TensorT], list[schema.BufferT]]:
        buffers = [self._model.buffers[0]]
        new_buffer = {0: 0}
        tensors = []
        for index in kept:
            tensor = copy.copy(self.tensors[index])
            if tensor.buffer not in new_buffer:
                new_buffer[tensor.buffer] = len(buffers)
                buffers.append(self._model.buffers[tensor.buffer])
            tensor.buffer = new_buffer[tensor.buffer]
            tensors.append(tensor)
        return tensors, buffers
