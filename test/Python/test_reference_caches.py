# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The oracle's cache of keys or values: what holds for every length."""

import numpy as np
import pytest
from stamp import reference
from stamp.testdata import ar1

BLOCK, WIDTH = 8, 12
SCHEDULE = reference.Schedule([(1, 8)], 4)
X = np.stack([ar1(45, WIDTH, outliers=1, seed=seed) for seed in range(3)])


def held(tokens, window, basis=reference.Haar(3), schedule=SCHEDULE):
    return reference.kv_cache(X[:, :tokens], basis, schedule, BLOCK, window)


@pytest.mark.parametrize("window", [8, 11, 24])
def test_blocks_complete_one_by_one_and_stay(window):
    before = held(0, window)
    for tokens in range(1, X.shape[1] + 1):
        cache = held(tokens, window)
        blocks, old = cache.scales.shape[1], before.scales.shape[1]
        # A window is never full, and once full has always kept all but a block.
        assert cache.recent.shape[1] < window
        assert cache.recent.shape[1] >= min(tokens, window - BLOCK)
        assert blocks - old in (0, 1)
        for one, other in zip(before.parts, cache.parts, strict=True):
            np.testing.assert_array_equal(other[:, :old], one)
        np.testing.assert_array_equal(cache.recent, X[:, blocks * BLOCK : tokens])
        before = cache
    assert before.scales.shape[1] == (X.shape[1] - (window - BLOCK)) // BLOCK


def test_it_is_read_as_what_it_stands_for():
    for basis in reference.Haar(3), reference.WHT():
        cache = held(45, 8, basis)
        read = reference.read_kv_cache(cache, basis, SCHEDULE)
        assert read.shape == X.shape
        blocks = X[:, :40].reshape(3, 5, BLOCK, WIDTH)
        codes = reference.quantize(basis.forward(blocks), SCHEDULE)
        expected = basis.inverse(reference.dequantize(codes)).reshape(3, 40, WIDTH)
        np.testing.assert_array_equal(read[:, :40], expected)
        np.testing.assert_array_equal(read[:, 40:], X[:, 40:])


def test_whole_blocks_of_a_prefill_are_those_of_a_cache():
    """One coarse row in 2^J: the same codes, all coarse rows in front."""
    basis, schedule = reference.Haar(3), reference.Schedule([(1 / BLOCK, 8)], 4)
    prefill = reference.quantize(basis.forward(X), schedule)
    coarse, rest = held(45, 8).parts
    np.testing.assert_array_equal(prefill.codes[:, :5], coarse[:, :, 0])
    # The finest details are the last half of each block and of the whole.
    fine = reference.unpack(
        [coarse, rest], WIDTH, SCHEDULE, axis=-2, packed_axis=-1
    )[:, :, BLOCK // 2 :]
    # Of 45 tokens, 45 − ⌊45/2⌋ = 23 rows come before them.
    np.testing.assert_array_equal(prefill.codes[:, 23:43], fine.reshape(3, 20, WIDTH))
