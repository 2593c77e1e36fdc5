# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A basis from a dialect of somebody else (test/lib/Slant), compiled and run
against a slant transform written here in NumPy."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from stamp import reference
from test_portable import Comparison, inputs, layer


def slant_matrix(size):
    """Pratt, Chen and Welch (1974), by blocks of matrices; rows by sequency."""
    s = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    for n in 2 ** np.arange(2, int(np.log2(size)) + 1):
        a = np.sqrt(3 * n**2 / (4 * (n**2 - 1)))
        b = np.sqrt((n**2 - 4) / (4 * (n**2 - 1)))
        rest = np.eye(n // 2 - 2)
        gap = np.zeros((2, n // 2 - 2))
        top = np.block(
            [
                [np.array([[1, 0], [a, b]]), gap, np.array([[1, 0], [-a, b]]), gap],
                [gap.T, rest, gap.T, rest],
            ]
        )
        bottom = np.block(
            [
                [np.array([[0, 1], [-b, a]]), gap, np.array([[0, -1], [b, a]]), gap],
                [gap.T, rest, gap.T, -rest],
            ]
        )
        s = np.vstack([top, bottom]) @ np.kron(np.eye(2), s) / np.sqrt(2)
    changes = (np.diff(np.sign(s), axis=1) != 0).sum(axis=1)
    assert sorted(changes) == list(range(size))
    return s[np.argsort(changes)]


@dataclass(frozen=True)
class Slant(reference.Basis):
    """Blocks of `block` tokens, sequency first across blocks, a tail as it is."""

    block: int

    def _forward(self, x):
        return self._apply(slant_matrix(self.block), x)[self._places(len(x))]

    def _inverse(self, coefficients):
        x = np.empty_like(coefficients)
        x[self._places(len(x))] = coefficients
        return self._apply(slant_matrix(self.block).T, x)

    def _apply(self, matrix, x):
        result = x.copy()
        for start in range(0, len(x) - self.block + 1, self.block):
            rows = x[start : start + self.block]
            product = np.tensordot(matrix, rows.astype(np.float64), 1)
            result[start : start + self.block] = product
        return result

    def _places(self, tokens):
        blocks = np.arange(tokens // self.block * self.block).reshape(-1, self.block)
        return np.concatenate([blocks.T.ravel(), np.arange(blocks.size, tokens)])

    def __str__(self):
        return f"#slant.slant<block = {self.block}, skip = {self.skip}>"


def test_the_oracle_is_a_slant_transform():
    for size in 2, 4, 8, 16, 64:
        s = slant_matrix(size)
        np.testing.assert_allclose(s @ s.T, np.eye(size), atol=1e-12)
        assert np.ptp(s[0]) < 1e-12
        # A straight line, down.
        np.testing.assert_allclose(np.diff(s[1]), np.diff(s[1])[0], atol=1e-12)
    x = np.random.default_rng(0).standard_normal((29, 3))
    basis = Slant(8, skip=1)
    np.testing.assert_allclose(basis.inverse(basis.forward(x)), x, atol=1e-12)


@pytest.mark.parametrize("block_order", [False, True], ids=["coarse", "block"])
def test_slant_agrees_with_numpy(run, optimize, block_order):
    lengths, skips = [1, 8, 13, 40], [0, 1]
    cases = list(itertools.product(lengths, skips))
    bases = {skip: Slant(8, skip=skip) for skip in skips}
    module = "".join(
        layer(f"s{tokens}_{skip}", tokens, 8, bases[skip], block_order)
        for tokens, skip in cases
    ) + "".join(layer(f"d{skip}", None, 8, bases[skip], block_order) for skip in skips)
    lowered = optimize(module, "--stamp-to-linalg", tool="stamp-test-opt")
    assert "slant" not in lowered
    calls = [(f"s{tokens}_{skip}", inputs(tokens, 8), 9) for tokens, skip in cases]
    calls += [(f"d{skip}", inputs(tokens, 8), 9) for tokens, skip in cases]
    comparison = Comparison(exact=False, block_order=block_order)
    for (_, skip), call, results in zip(cases * 2, calls, run(lowered, calls, "-O1")):
        comparison.add(bases[skip], call[1], results)
    comparison.finish()
