# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests of the oracle draw: bases, and tokens for them."""

import numpy as np
from hypothesis import strategies as st

from stamp.reference import DCT, WHT, Haar, Haar2D, Identity, Matrix, Schedule
from stamp.testdata import ar1

F32 = np.float32
MIXED = Schedule([(1 / 16, 8)], 4)

tokens = st.integers(1, 70)
features = st.integers(1, 12)
seeds = st.integers(0, 2**32 - 1)
skips = st.integers(0, 3)
levels = st.integers(1, 8)


def orthogonal(n, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]


def close(actual, expected, factor=1e-6):
    """Within `factor` of the largest magnitude, the tolerance of float32 data."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    limit = factor * max(np.abs(expected).max(initial=0), 1e-30)
    assert np.abs(actual.astype(float) - expected).max(initial=0) <= limit


@st.composite
def bases(draw, size):
    """Any orthonormal basis, fitting `size` tokens or not."""
    skip = draw(skips)
    others = max(size - skip, 0)
    height = draw(st.sampled_from([d for d in range(1, size + 1) if others % d == 0]))
    return draw(
        st.sampled_from(
            [
                Identity(skip=skip),
                Haar(draw(levels), skip=skip),
                Haar2D(draw(levels), (height, max(others // height, 1)), skip=skip),
                Haar2D(draw(levels), (7, 9), skip=skip),
                DCT(skip=skip),
                WHT(0, skip=skip),
                WHT(2 ** draw(st.integers(0, 7)), skip=skip),
                Matrix(orthogonal(max(others, 1)), skip=skip),
                Matrix(orthogonal(5), skip=skip),
            ]
        )
    )


@st.composite
def inputs(draw):
    """A basis and float32 tokens for it."""
    size = draw(tokens)
    return draw(bases(size)), ar1(size, draw(features), seed=draw(seeds))
