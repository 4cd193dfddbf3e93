"""States: what shares memory goes on sharing it, and nothing but data is taken in."""

from __future__ import annotations

import hashlib
import os
import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from edge.batch import state
from edge.batch.state import States, _Pickler, _Unpickler
from edge.capture.gstreamer_child import Child
from edge.track.head import Head


@dataclass
class Trap:
    """Runs a command where it is taken in without a look."""

    def __reduce__(self):
        return os.system, ("false",)


def through(value, tmp_path):
    with (tmp_path / "file").open("w+b") as file:
        _Pickler(file, pickle.HIGHEST_PROTOCOL).dump(value)
        file.seek(0)
        return _Unpickler(file).load()


def test_a_view_stays_a_view(tmp_path):
    base = np.arange(24.0).reshape(4, 6)
    taken = through({"base": base, "rows": base[1:3], "backwards": base[:, ::-2]}, tmp_path)
    np.testing.assert_array_equal(taken["rows"], base[1:3])
    np.testing.assert_array_equal(taken["backwards"], base[:, ::-2])
    taken["base"][1, 1] = -1.0
    assert taken["rows"][0, 1] == -1.0
    assert taken["backwards"][1, 2] == -1.0


def test_a_view_of_what_is_transposed_keeps_its_values(tmp_path):
    view = np.arange(24.0).reshape(4, 6).T[2:4]
    np.testing.assert_array_equal(through(view, tmp_path), view)


@pytest.mark.parametrize(
    "trap",
    [Trap(), os.getcwd, state.whole_file, Child],
    ids=["command", "function", "own function", "a starter"],
)
def test_what_is_no_data_is_refused(trap, tmp_path):
    with (tmp_path / "file").open("w+b") as file:
        pickle.dump(trap, file)
        file.seek(0)
        with pytest.raises(pickle.UnpicklingError, match="nothing but data"):
            _Unpickler(file).load()


def test_a_method_of_anything_but_microcue_is_refused():
    with pytest.raises(pickle.UnpicklingError, match="a method of microcue"):
        state._method([], "append")
    assert state._method(Head.__new__(Head), "stay").__name__ == "stay"


def test_a_damaged_state_counts_as_none(tmp_path):
    digest = hashlib.sha256(b"another").digest()
    (tmp_path / "key.000001.state").write_bytes(b"microcue batch state 1\n" + digest + b"not a state")
    assert States(tmp_path, "key").newest(5) is None
