"""Graph editing and rewriting, on a tiny graph made here and on a shipped model."""

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="the quantiser reads models with LiteRT's schema")

from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from quantize.equalise import Classes, equalise
from quantize.graph import Graph, Op, Type
from quantize.integers import quantise, quantised_border
from quantize.ranges import (
    least_squares_range,
    measured_ranges,
    percentile_range,
)
from quantize.rewrite import (
    clamp_into_halves,
    float_operators,
    split_prelu,
    store_half_precision,
    unfold_half_precision,
)

from edge.perceive.models import models_directory

N_CHANNELS = 4
SIDE = 8


def infer(graph, picture):
    """The first output for one picture."""
    interpreter = Interpreter(model_content=graph.pack()[0])
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None])
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def empty_model():
    """bytes of a model without operators, as a place to build in."""
    import flatbuffers

    model, subgraph = schema.ModelT(), schema.SubGraphT()
    model.version = 3
    model.buffers = [schema.BufferT()]
    model.operatorCodes = []
    subgraph.tensors, subgraph.inputs, subgraph.outputs, subgraph.operators = [], [], [], []
    model.subgraphs = [subgraph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def add_convolution(graph, before, name, weights, bias):
    """A 1x1 convolution, stride 1."""
    shape = [*graph.shape(before)[:3], weights.shape[0]]
    after = graph.add_activation(name, shape)
    inputs = [before, graph.add_constant(f"{name}/w", weights), graph.add_constant(f"{name}/b", bias)]
    operator = graph.make_operator(Op.CONV_2D, inputs, [after])
    operator.builtinOptions = schema.Conv2DOptionsT()
    operator.builtinOptions.strideH = operator.builtinOptions.strideW = 1
    operator.builtinOptionsType = schema.BuiltinOptions.Conv2DOptions
    graph.operators.append(operator)
    return after


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def pictures(rng):
    """float32 [shape=(12, 8, 8, 3)] in [0, 1]."""
    return rng.random((12, SIDE, SIDE, 3), dtype=np.float32)


@pytest.fixture
def graph(rng):
    """Convolution, PRELU (slopes of both signs, one above 1), convolution; channels of uneven size."""
    graph = Graph(empty_model())
    picture = graph.add_activation("in", [1, SIDE, SIDE, 3])
    spread = np.array([1, 10, 0.1, 3], np.float32)
    first = rng.normal(size=(N_CHANNELS, 1, 1, 3)).astype(np.float32) * spread[:, None, None, None]
    middle = add_convolution(graph, picture, "first", first, -0.3 * spread)
    slopes = graph.add_constant("slopes", np.array([0.25, -0.5, 1.7, 0.0], np.float32).reshape(1, 1, -1))
    after = graph.add_activation("prelu", graph.shape(middle))
    graph.operators.append(graph.make_operator(Op.PRELU, [middle, slopes], [after]))
    second = (rng.normal(size=(2, 1, 1, N_CHANNELS)) / spread).astype(np.float32)
    out = add_convolution(graph, after, "out", second, np.array([0.1, -0.2], np.float32))
    graph.inputs, graph.outputs = [picture], [out]
    return graph


def kinds(graph):
    return [graph.kind(operator) for operator in graph.operators]


def test_a_model_survives_unpacking_and_packing(graph, pictures):
    again = Graph(graph.pack()[0])
    np.testing.assert_array_equal(infer(again, pictures[0]), infer(graph, pictures[0]))
    assert again.pack()[0] == Graph(again.pack()[0]).pack()[0]


def test_packing_drops_what_is_not_used(graph):
    before = len(graph.pack()[0])
    graph.add_constant("unused", np.zeros(100_000, np.float32))
    assert len(graph.pack()[0]) == before


def test_half_precision_weights_are_stored_and_unfolded_again(graph, pictures):
    full = infer(graph, pictures[0])
    store_half_precision(graph)
    assert kinds(graph).count(Op.DEQUANTIZE) == 5
    halved = Graph(graph.pack()[0])
    np.testing.assert_allclose(infer(halved, pictures[0]), full, rtol=5e-3, atol=5e-3)
    stored = infer(halved, pictures[0])
    unfold_half_precision(halved)
    assert Op.DEQUANTIZE not in kinds(halved)
    np.testing.assert_allclose(infer(halved, pictures[0]), stored, rtol=1e-5, atol=1e-6)


def test_splitting_a_prelu_changes_nothing(graph, pictures):
    expected = [infer(graph, picture) for picture in pictures]
    assert len(split_prelu(graph, set())) == 1
    assert Op.PRELU not in kinds(graph)
    for picture, before in zip(pictures, expected, strict=True):
        np.testing.assert_allclose(infer(graph, picture), before, rtol=1e-5, atol=1e-5)


def test_a_prelu_kept_in_float_is_not_split(graph):
    kept = float_operators(graph, 0, ("prelu",))
    assert split_prelu(graph, kept) == {}
    assert [graph.kind(operator) for operator in graph.operators if operator in kept] == [
        Op.PRELU,
        Op.CONV_2D,
    ]


def test_a_prelus_input_that_others_read_too_is_refused(graph):
    halves = split_prelu(graph, set())
    (before,) = halves
    graph.outputs.append(before)
    with pytest.raises(ValueError, match="first is read by more than its PRELU"):
        clamp_into_halves(graph, halves)


def test_equalising_changes_no_answer_and_evens_out_the_channels(graph, pictures):
    def peaks():
        store = [operator for operator in graph.operators if graph.kind(operator) == Op.CONV_2D]
        return np.abs(graph.constant(store[0].inputs[1])).max(axis=(1, 2, 3))

    expected, before = infer(graph, pictures[0]), peaks()
    equalise(graph, pictures, 1.0)
    np.testing.assert_allclose(infer(graph, pictures[0]), expected, rtol=1e-4, atol=1e-5)
    assert peaks().max() / peaks().min() < 0.2 * before.max() / before.min()


def test_a_quantised_graph_is_integer_inside_and_close_to_the_float_one(graph, pictures):
    expected = np.array([infer(graph, picture) for picture in pictures])
    equalise(graph, pictures, 1.0)
    halves = split_prelu(graph, set())
    ranges = measured_ranges(graph, pictures, least_squares_range)
    quantise(graph, ranges, set(), clamp_into_halves(graph, halves))
    found = np.array([infer(graph, picture) for picture in pictures])
    assert np.abs(found - expected).mean() < 0.02 * np.ptp(expected)
    inner = {graph.tensors[t].type for operator in graph.operators[1:-1] for t in operator.outputs}
    assert inner == {Type.INT8}
    scale, zero_point = quantised_border(graph, graph.inputs[0])
    assert scale == pytest.approx(1 / 255, rel=0.1)
    assert zero_point == -128


def test_what_is_kept_in_float_is_exact_behind_its_conversion(graph, pictures):
    kept = float_operators(graph, 0, ("prelu",))
    halves = split_prelu(graph, kept)
    ranges = measured_ranges(graph, pictures, least_squares_range)
    quantise(graph, ranges, kept, clamp_into_halves(graph, halves))
    assert kinds(graph) == [Op.QUANTIZE, Op.CONV_2D, Op.DEQUANTIZE, Op.PRELU, Op.CONV_2D]
    assert quantised_border(graph, graph.outputs[0]) is None


def test_small_maps_and_all_behind_them_stay_float_in_a_shipped_model():
    graph = Graph((models_directory() / "face_landmark_fp16.tflite").read_bytes())
    unfold_half_precision(graph)
    kept = float_operators(graph, 6)
    sides = {graph.shape(operator.outputs[0])[1] for operator in kept}
    assert sides == {6, 3, 1}
    rest = {graph.shape(operator.outputs[0])[1] for operator in graph.operators if operator not in kept}
    assert min(rest) == 12


def test_the_least_squares_range_cuts_off_a_lonely_outlier_and_keeps_a_flat_histogram():
    values = np.zeros(2048)
    values[:200] = 1e6
    values[-1] = 1.0
    low, high = least_squares_range(values, 0.0, 10.0)
    assert low == 0.0
    assert high < 6
    assert least_squares_range(np.ones(2048), -1.0, 1.0) == (-1.0, 1.0)


def test_the_least_squares_range_is_the_best_of_its_candidates(rng):
    """Compared with trying every candidate on the values themselves, in plain Python."""
    values = rng.normal(size=4000) ** 3
    low, high = float(values.min()), float(values.max())
    counts, edges = np.histogram(values, 2048, (low, high))
    middle = (edges[1:] + edges[:-1]) / 2

    def error(bottom, top):
        step = (top - bottom) / 255
        total = 0.0
        for value, count in zip(middle, counts, strict=True):
            if count:
                code = min(max(round((value - bottom) / step), 0), 255)
                total += count * (bottom + code * step - value) ** 2
        return total

    shrinks = (1.0, 0.97, 0.94, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)
    best = min(error(low * a, high * b) for a in shrinks for b in shrinks)
    assert error(*least_squares_range(counts, low, high)) == pytest.approx(best, rel=1e-6)


def test_the_percentile_range_leaves_out_the_rarest():
    counts = np.ones(1000)
    low, high = percentile_range(counts, -1.0, 1.0, share=0.9)
    assert (low, high) == pytest.approx((-0.9, 0.9), abs=0.01)
    assert percentile_range(counts, 0.0, 1.0)[0] == 0.0


def test_classes_join_transitively():
    classes = Classes(5)
    classes.join(0, 1)
    classes.join(3, 4)
    classes.join(1, 3)
    assert len({classes.of(member) for member in (0, 1, 3, 4)}) == 1
    assert classes.of(2) != classes.of(0)
