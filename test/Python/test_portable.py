# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The portable lowering, compiled and run, against the oracle.

One function per configuration goes the whole way and returns every stage, so
that each stage is compared on the path's own input: outputs of different codes
are not comparable.
"""

import functools
import itertools

import numpy as np
import pytest
from stamp import reference
from stamp.testdata import ar1

LENGTHS = [1, 8, 13, 40, 197, 512]
WIDTHS = [8, 120, 384]
SKIPS = [0, 1]
CHANNELS = 24
SCHEDULE = reference.Schedule([(2, 8), (0.25, 6)], 4)


@functools.cache
def klt(length, skip):
    """Eigenvectors of an AR(1) autocorrelation, by decreasing eigenvalue."""
    n = max(1, length - skip)
    correlation = 0.95 ** np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    vectors = np.linalg.eigh(correlation)[1][:, ::-1].T
    return reference.Matrix(vectors.astype(np.float32), skip=skip)


@functools.cache
def skewed(length, skip):
    """A matrix that is not orthonormal, with its inverse."""
    n = max(1, length - skip)
    m = np.eye(n) + 0.5 * np.eye(n, k=1)
    inverse = np.linalg.inv(m)
    return reference.Matrix(
        m.astype(np.float32), inverse=inverse.astype(np.float32), skip=skip
    )


def grid(length, skip):
    """The most square grid of the tokens, so that odd sides occur."""
    n = max(1, length - skip)
    height = max(h for h in range(1, n + 1) if n % h == 0 and h * h <= n)
    return reference.Haar2D(3, (height, n // height), skip=skip)


# Basis by the length it is made for; the bool says whether it is exact: bit for
# bit, however it is summed.
BASES = {
    "identity": (lambda length, skip: reference.Identity(skip=skip), True),
    "haar3": (lambda length, skip: reference.Haar(3, skip=skip), True),
    "haar30": (lambda length, skip: reference.Haar(30, skip=skip), True),
    "haar2d": (grid, True),
    "min_tokens": (
        lambda length, skip: reference.MinTokens(13, reference.Haar(3, skip=skip)),
        True,
    ),
    "wht": (lambda length, skip: reference.WHT(skip=skip), True),
    "wht16": (lambda length, skip: reference.WHT(16, skip=skip), True),
    "dct": (lambda length, skip: reference.DCT(skip=skip), False),
    "klt": (klt, False),
    "skewed": (skewed, False),
}


def layer(name, tokens, width, basis, block_order=False):
    """A function that computes and returns every stage of a STaMP linear.

    The spread L·1 is that of a compiled transform of ones, as stamp-fold makes
    it for dynamic lengths.
    """
    s = tokens or "?"
    size = "%s" if tokens is None else ""
    x, y = f"tensor<{s}x{width}xf32>", f"tensor<{s}x{CHANNELS}xf32>"
    codes, acc = f"tensor<{s}x{width}xi8>", f"tensor<{s}x{CHANNELS}xi32>"
    scales, zeros = f"tensor<{s}xf32>", f"tensor<{s}xi32>"
    w, wcodes = f"tensor<{width}x{CHANNELS}xf32>", f"tensor<{width}x{CHANNELS}xi8>"
    c, ci = f"tensor<{CHANNELS}xf32>", f"tensor<{CHANNELS}xi32>"
    ones, spread = f"tensor<{s}x1xf32>", f"tensor<{s}xf32>"
    order = "block_order" if block_order else ""
    rows = f"block_order of {basis}" if block_order else ""
    return f"""
func.func @{name}(%x: {x}, %w: {w}, %b: {c})
    -> ({codes}, {scales}, {zeros}, {wcodes}, {c}, {ci}, {acc}, {spread}, {y}) {{
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %i0 = arith.constant 0 : i32
  %s = tensor.dim %x, %c0 : {x}
  %et = tensor.empty({size}) : {x}
  %t = stamp.transform {basis} along 0 {order} ins(%x : {x}) outs(%et : {x})
  %eq = tensor.empty({size}) : {codes}
  %es = tensor.empty({size}) : {scales}
  %ez = tensor.empty({size}) : {zeros}
  %q, %sx, %zx = stamp.quantize {SCHEDULE} along 0 over 1 {rows} ins(%t : {x})
      outs(%eq, %es, %ez : {codes}, {scales}, {zeros})
  %ew = tensor.empty() : {wcodes}
  %ec = tensor.empty() : {c}
  %ei = tensor.empty() : {ci}
  %wq, %sw, %cw = stamp.quantize_weight bits = 4 over 0 ins(%w : {w})
      outs(%ew, %ec, %ei : {wcodes}, {c}, {ci})
  %ea = tensor.empty({size}) : {acc}
  %z = linalg.fill ins(%i0 : i32) outs(%ea : {acc}) -> {acc}
  %a = linalg.matmul ins(%q, %wq : {codes}, {wcodes}) outs(%z : {acc}) -> {acc}
  %eo = tensor.empty({size}) : {ones}
  %o = linalg.fill ins(%one : f32) outs(%eo : {ones}) -> {ones}
  %lo = stamp.transform {basis} along 0 {order} ins(%o : {ones}) outs(%eo : {ones})
  %l = tensor.collapse_shape %lo [[0, 1]] : {ones} into {spread}
  %ey = tensor.empty({size}) : {y}
  %r = stamp.rescale along 0 over 1
      ins(%a, %sx, %zx, %sw, %cw : {acc}, {scales}, {zeros}, {c}, {ci})
      bias(%b : {c}) spread(%l : {spread}) outs(%ey : {y})
  %y = stamp.inverse_transform {basis} along 0 {order} ins(%r : {y}) outs(%ey : {y})
  return %q, %sx, %zx, %wq, %sw, %cw, %a, %l, %y
    : {codes}, {scales}, {zeros}, {wcodes}, {c}, {ci}, {acc}, {spread}, {y}
}}
"""


def inputs(tokens, width):
    x = ar1(tokens, width, seed=tokens * 1000 + width)
    random = np.random.default_rng(width)
    w = random.standard_normal((width, CHANNELS)).astype(np.float32)
    return x, w, random.standard_normal(CHANNELS).astype(np.float32)


class Comparison:
    """Compares the stages; pools the codes that differ over a whole sweep."""

    def __init__(self, exact, block_order=False):
        self.exact, self.block_order = exact, block_order
        self.positions = self.different = 0

    def add(self, basis, arguments, results):
        x, w, b = arguments
        codes, scales, zeros, wcodes, wscales, wsums, acc, ones, y = results
        order = {"block_order": self.block_order}
        rows = basis if self.block_order else None
        coefficients = basis.forward(x, **order)
        expected = reference.quantize(coefficients, SCHEDULE, block_order_of=rows)
        if self.exact:
            np.testing.assert_array_equal(codes, expected.codes)
            np.testing.assert_array_equal(scales, expected.scales)
            np.testing.assert_array_equal(zeros, expected.zeros)
        distance = np.abs(codes.astype(int) - expected.codes)
        assert distance.max() <= 1
        np.testing.assert_allclose(scales, expected.scales, rtol=1e-5)
        self.positions += distance.size
        self.different += np.count_nonzero(distance)

        weight = reference.quantize_weight(w)
        np.testing.assert_array_equal(wcodes, weight.codes)
        np.testing.assert_array_equal(wscales, weight.scales)
        np.testing.assert_array_equal(wsums, weight.sums)
        np.testing.assert_array_equal(acc, reference.integer_matmul(codes, wcodes))

        exact_ones = basis.transformed_ones(len(x), **order)
        np.testing.assert_allclose(ones, exact_ones, atol=1e-5 * np.abs(ones).max())
        own = reference.Quantized(codes, scales, zeros)
        out = basis.inverse(reference.integer_linear(own, weight, b, ones), **order)
        assert np.abs(y - out).max() <= 1e-5 * np.abs(out).max()

    def finish(self):
        assert self.positions > 0
        assert self.different < 1e-4 * self.positions


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", BASES)
def test_static_lengths_agree_with_the_oracle(run, name, width):
    make, exact = BASES[name]
    cases = list(itertools.product(LENGTHS, SKIPS))
    module = "".join(
        layer(f"s{tokens}_{skip}", tokens, width, make(tokens, skip))
        for tokens, skip in cases
    )
    calls = [(f"s{tokens}_{skip}", inputs(tokens, width), 9) for tokens, skip in cases]
    comparison = Comparison(exact)
    # The numbers depend on no optimization level (test_execution.py); the time
    # that many compilations take does.
    outcomes = run(module, calls, "-O1")
    for (tokens, skip), call, results in zip(cases, calls, outcomes):
        comparison.add(make(tokens, skip), call[1], results)
    comparison.finish()


@pytest.mark.parametrize("name", BASES)
def test_one_dynamic_program_serves_all_lengths(run, name):
    make, exact = BASES[name]
    # A grid or a matrix is of one length, and the identity at all others.
    made_for = 40
    bases = {skip: make(made_for, skip) for skip in SKIPS}
    module = "".join(
        layer(f"d{width}_{skip}", None, width, bases[skip])
        for width, skip in itertools.product(WIDTHS, SKIPS)
    )
    cases = list(itertools.product(LENGTHS, WIDTHS, SKIPS))
    calls = [(f"d{w}_{skip}", inputs(tokens, w), 9) for tokens, w, skip in cases]
    comparison = Comparison(exact)
    for (_, _, skip), call, results in zip(cases, calls, run(module, calls)):
        comparison.add(bases[skip], call[1], results)
    comparison.finish()


@pytest.mark.parametrize("name", BASES)
def test_block_order_agrees_with_the_oracle(run, name):
    make, exact = BASES[name]
    lengths = [1, 13, 40]
    cases = list(itertools.product(lengths, SKIPS))
    bases = {skip: make(40, skip) for skip in SKIPS}
    module = "".join(
        layer(f"s{tokens}_{skip}", tokens, 8, bases[skip], block_order=True)
        for tokens, skip in cases
    ) + "".join(
        layer(f"d{skip}", None, 8, bases[skip], block_order=True) for skip in SKIPS
    )
    calls = [(f"s{tokens}_{skip}", inputs(tokens, 8), 9) for tokens, skip in cases]
    calls += [(f"d{skip}", inputs(tokens, 8), 9) for tokens, skip in cases]
    comparison = Comparison(exact, block_order=True)
    for (_, skip), call, results in zip(cases * 2, calls, run(module, calls, "-O1")):
        comparison.add(bases[skip], call[1], results)
    comparison.finish()


def test_extreme_rows_and_channels_follow_the_semantics(run):
    """NaN, infinities and overflowing ranges end as NaN outputs of their row or
    channel alone; zeros and nearly zeros as scale 1."""
    x, w, b = inputs(13, 8)
    x[1, 3], x[2, 0], x[3, 5] = np.nan, np.inf, -np.inf
    x[4, :2] = 3e38, -3e38  # Each is finite, the range is not.
    x[5], x[6], x[7] = 0, 1e-36, 1e-40
    x[8] = [1, -1] * 4
    x[9] = np.abs(x[9]) + 1  # The range is widened to contain 0.
    w[2, 0], w[5, 1] = np.nan, -np.inf
    w[:, 2], w[:, 3] = 0, 1e-37

    basis = reference.Identity()
    call = ("layer", (x, w, b), 9)
    [results] = run(layer("layer", None, 8, basis), [call], "--allow-nonfinite")
    codes, scales, zeros, wcodes, wscales, wsums, acc, _, y = results
    expected, weight = reference.quantize(x, SCHEDULE), reference.quantize_weight(w)
    for actual, oracle in zip(results, [*expected, *weight]):
        np.testing.assert_array_equal(actual, oracle)
    np.testing.assert_array_equal(acc, reference.integer_matmul(codes, wcodes))

    bad_row = np.isin(np.arange(13), [1, 2, 3, 4])
    bad_channel = np.isin(np.arange(CHANNELS), [0, 1])
    np.testing.assert_array_equal(np.isnan(scales), bad_row)
    np.testing.assert_array_equal(np.isnan(wscales), bad_channel)
    np.testing.assert_array_equal(scales[5:8], 1)
    np.testing.assert_array_equal(wscales[2:4], 1)
    np.testing.assert_array_equal(np.isnan(y), bad_row[:, None] | bad_channel)
    out = reference.integer_linear(expected, weight, b)
    good = ~np.isnan(y)
    assert np.abs(y[good] - out[good]).max() <= 1e-5 * np.abs(out[good]).max()
