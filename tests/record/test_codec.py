import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge.anatomy import LOST
from edge.record.codec import pack_codes, pack_times, unpack_codes, unpack_times
from edge.record.errors import BlockDamaged

any_codes = hnp.arrays(np.int16, hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=40))
any_times = hnp.arrays(np.int64, st.integers(0, 60))


@settings(deadline=None)
@given(any_codes)
def test_codes_come_back_exactly(codes):
    back = unpack_codes(pack_codes(codes), *codes.shape)
    assert back.dtype == np.int16
    assert back.flags.c_contiguous
    np.testing.assert_array_equal(back, codes)


@settings(deadline=None)
@given(any_times)
def test_times_come_back_exactly(times):
    back = unpack_times(pack_times(times), len(times))
    assert back.dtype == np.int64
    np.testing.assert_array_equal(back, times)


def test_codes_of_a_view_come_back_exactly():
    codes = np.arange(600, dtype=np.int16).reshape(20, 30)[::2, 3::4]
    np.testing.assert_array_equal(unpack_codes(pack_codes(codes), *codes.shape), codes)


def test_extremes_wrap_and_unwrap():
    codes = np.array([[LOST, 32767], [32767, LOST], [0, -1], [LOST, LOST]], np.int16)
    np.testing.assert_array_equal(unpack_codes(pack_codes(codes), 4, 2), codes)


def test_packed_signals_are_smaller_than_what_plain_compression_makes_of_them(scene):
    codes = np.cumsum(scene.codes[:120] // 4, axis=0, dtype=np.int16)
    assert len(pack_codes(codes)) < 0.8 * len(zlib.compress(codes.tobytes(), 6))


def test_steady_times_cost_next_to_nothing():
    times = 8_333_333 * np.arange(120, dtype=np.int64)
    assert len(pack_times(times)) < 40


@pytest.mark.parametrize("damage", ["shorter", "changed", "other", "longer"])
def test_a_damaged_block_is_refused(damage, scene):
    blob = pack_codes(scene.codes[:120])
    if damage == "shorter":
        blob = blob[: len(blob) // 2]
    elif damage == "changed":
        blob = blob[:40] + bytes(byte ^ 0xFF for byte in blob[40:60]) + blob[60:]
    elif damage == "other":
        blob = b"not compressed at all"
    else:
        blob = pack_codes(scene.codes[:121])
    with pytest.raises(BlockDamaged, match="should unpack to"):
        unpack_codes(blob, 120, scene.codes.shape[1])
