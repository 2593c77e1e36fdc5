# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Observations: compiled sums against NumPy, and what a plan reads off them."""

import numpy as np
import pytest
from stamp import reference
from stamp.testdata import ar1

BATCH, TOKENS, WIDTH = 3, 13, 6

PROGRAM = """
func.func @twice(%x: tensor<?x?x6xf32>, %y: tensor<?x?x6xf32>, %a: tensor<?x?xf64>)
    -> tensor<?x?xf64> {
  %s = stamp.observe "site" along 1 ins(%x, %a : tensor<?x?x6xf32>, tensor<?x?xf64>)
      outs(%a : tensor<?x?xf64>)
  %t = stamp.observe "site" along 1 ins(%y, %s : tensor<?x?x6xf32>, tensor<?x?xf64>)
      outs(%s : tensor<?x?xf64>)
  return %t : tensor<?x?xf64>
}
"""


def batches(seed):
    return np.stack([ar1(TOKENS, WIDTH, seed=seed + i) for i in range(BATCH)])


def test_sums_are_numpys(run):
    x, y = batches(0), batches(10)
    before = np.random.default_rng(1).standard_normal((TOKENS, TOKENS))
    ((sums,),) = run(PROGRAM, [("twice", [x, y, before], 1)])
    expected = before + np.einsum("bsd,btd->st", *[x.astype(np.float64)] * 2)
    expected += np.einsum("bsd,btd->st", *[y.astype(np.float64)] * 2)
    np.testing.assert_allclose(sums, expected, rtol=1e-13)
    np.testing.assert_allclose(
        before + reference.observe(x) + reference.observe(y), expected, rtol=1e-13
    )


@pytest.mark.parametrize("basis", [reference.Haar(3), reference.DCT()], ids=str)
def test_energies_under_any_basis_follow(run, basis):
    x = batches(0)
    zero = np.zeros((TOKENS, TOKENS))
    ((sums,),) = run(PROGRAM, [("twice", [x, 0 * x, zero], 1)])
    matrix = basis.matrix(TOKENS)
    energies = (basis.forward(x.astype(np.float64)) ** 2).sum(axis=(0, 2))
    np.testing.assert_allclose(
        np.diag(matrix @ sums @ matrix.T), energies, rtol=1e-9, atol=1e-9
    )
    # Correlated tokens: a quarter of the coefficients holds most of the energy.
    assert energies[: TOKENS // 4].sum() > 0.75 * energies.sum()
