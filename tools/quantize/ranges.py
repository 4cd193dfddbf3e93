"""What values each activation takes on calibration pictures, and which range int8 should cover."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from quantize.graph import Graph

Range = tuple[float, float]
_N_BINS = 2048
_SHRINKS = (1.0, 0.97, 0.94, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)


def activations_of(graph: Graph, pictures: NDArray[np.float32]) -> Iterator[Callable[[int], NDArray]]:
    """Run the model on each picture; yields a function from a graph's tensor to its values.

    Without the accelerated path, which would not keep every tensor.

    Parameters
    ----------
    pictures : float32 [shape=(n_pictures, height, width, 3)], in the model's input range
    """
    content, index = graph.pack()
    interpreter = Interpreter(
        model_content=content,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        num_threads=1,  # the order of sums, and so the file's bytes, must not depend on threads
    )
    interpreter.allocate_tensors()
    for picture in pictures:
        interpreter.set_tensor(index[graph.inputs[0]], picture[None])
        interpreter.invoke()
        yield lambda tensor: interpreter.get_tensor(index[tensor])


def measured_ranges(graph: Graph, pictures: NDArray[np.float32], choose: Callable) -> dict[int, Range]:
    """A range for every activation.

    Parameters
    ----------
    pictures : float32 [shape=(n_pictures, height, width, 3)]
        All give the extremes, every second one the histogram between them.
    choose : `least_squares_range` or `percentile_range`
    """
    tensors = graph.activations()
    low = dict.fromkeys(tensors, 0.0)
    high = dict.fromkeys(tensors, 1e-9)
    for values_of in activations_of(graph, pictures):
        for tensor in tensors:
            values = values_of(tensor)
            low[tensor] = min(low[tensor], float(values.min()))
            high[tensor] = max(high[tensor], float(values.max()))
    counts = {tensor: np.zeros(_N_BINS) for tensor in tensors}
    for values_of in activations_of(graph, pictures[::2]):
        for tensor in tensors:
            per_unit = _N_BINS / (high[tensor] - low[tensor])
            bins = ((values_of(tensor).ravel() - low[tensor]) * per_unit).astype(np.int64)
            counts[tensor] += np.bincount(np.clip(bins, 0, _N_BINS - 1), minlength=_N_BINS)
    return {tensor: choose(counts[tensor], low[tensor], high[tensor]) for tensor in tensors}


def least_squares_range(counts: NDArray, low: float, high: float) -> Range:
    """The range, within [low, high], that rounds and clips with the least squared error.

    Parameters
    ----------
    counts : float [shape=(n_bins,)]
        Histogram of the values from `low` (0 or less) to `high` (0 or more).
    """
    edges = np.linspace(low, high, len(counts) + 1)
    values = (edges[1:] + edges[:-1]) / 2
    best = (np.inf, low, high)
    for shrink_low in _SHRINKS:
        for shrink_high in _SHRINKS if low < 0 < high else (shrink_low,):
            bottom, top = low * shrink_low, high * shrink_high
            step = max((top - bottom) / 255, 1e-12)
            rounded = np.clip(np.round((values - bottom) / step), 0, 255) * step + bottom
            error = float((counts * (rounded - values) ** 2).sum())
            best = min(best, (error, bottom, top))
    return best[1], best[2]


def percentile_range(counts: NDArray, low: float, high: float, share: float = 0.9999) -> Range:
    """The range that holds this share of all values, as much cut off at either side."""
    edges = np.linspace(low, high, len(counts) + 1)
    cumulative = np.cumsum(counts) / counts.sum()
    below = (1 - share) / 2
    top = float(edges[min(len(counts), int(np.searchsorted(cumulative, 1 - below)) + 1)])
    return (float(edges[int(np.searchsorted(cumulative, below))]) if low < 0 else 0.0), top
