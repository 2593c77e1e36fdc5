# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Padded batches with a valid length per sequence, compiled, against the oracle.

What stands in the padding must not matter, so it is garbage, NaNs among it.
"""

import ml_dtypes
import numpy as np
import pytest
from stamp import reference
from stamp.testdata import ar1

TOKENS, WIDTH, CHANNELS = 13, 8, 6
# No token, one, odd ones, all; and what is clamped: too many, negative.
LENGTHS = np.array([0, 1, 7, 12, 13, 14, 2**31 - 1, -1, -(2**31)])
SCHEDULE = reference.Schedule([(2, 8), (0.25, 6)], 4)
SEVEN = np.linalg.qr(np.random.default_rng(7).standard_normal((7, 7)))[0]

# The bool says whether a basis is exact: bit for bit, however it is summed.
BASES = {
    "identity": (reference.Identity(), True),
    "haar": (reference.Haar(3, skip=1), True),
    "haar30": (reference.Haar(30), True),
    # The grid and the matrix fit sequences of one length only.
    "haar2d": (reference.Haar2D(2, (3, 4)), True),
    # Some of the sequences are too short.
    "min_tokens": (reference.MinTokens(8, reference.Haar(3, skip=1)), True),
    "wht": (reference.WHT(skip=1), True),
    "wht4": (reference.WHT(4), True),
    "dct": (reference.DCT(skip=1), False),
    "matrix": (reference.Matrix(SEVEN.astype(np.float32)), False),
}


def tensor(*sizes, element="f32"):
    return f"tensor<{''.join(f'{size}x' for size in sizes)}{element}>"


def layer(name, basis, static=True, element="f32", lengths="i64"):
    """A function that computes and returns every stage of a padded linear."""
    b, s = (len(LENGTHS), TOKENS) if static else "??"
    size = "" if static else "%b, %s"
    x, t = tensor(b, s, WIDTH, element=element), tensor(b, s, WIDTH)
    codes = tensor(b, s, WIDTH, element="i8")
    acc = tensor(b, s, CHANNELS, element="i32")
    scales, zeros = tensor(b, s), tensor(b, s, element="i32")
    w, wq = (tensor(b, WIDTH, CHANNELS, element=e) for e in ("f32", "i8"))
    c, ci = tensor(b, CHANNELS), tensor(b, CHANNELS, element="i32")
    y, ones = tensor(b, s, CHANNELS), tensor(b, s, 1)
    n = tensor(b, element=lengths)
    given, cast = n, f"tensor.cast %given : {n} to {n}"
    # Nor has it an index.
    if lengths == "index":
        given = tensor(b, element="i64")
        cast = f"arith.index_cast %given : {given} to {n}"
    # NumPy has no bfloat16, so what is narrow was rounded before.
    narrow = f"arith.truncf %wide : {t} to {x}"
    if element == "f32":
        narrow = f"tensor.cast %wide : {t} to {t}"
    batch = "" if static else "%b"
    return f"""
func.func @{name}(%wide: {t}, %given: {given}, %w: {w}, %bias: {tensor(CHANNELS)})
    -> ({t}, {codes}, {scales}, {zeros}, {acc}, {scales}, {y}, {t}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = arith.constant 1.0 : f32
  %i0 = arith.constant 0 : i32
  %b = tensor.dim %wide, %c0 : {t}
  %s = tensor.dim %wide, %c1 : {t}
  %x = {narrow}
  %n = {cast}
  %et = tensor.empty({size}) : {t}
  %t = stamp.transform {basis} along 1 lengths(%n : {n})
      ins(%x : {x}) outs(%et : {t})
  %eq = tensor.empty({size}) : {codes}
  %es = tensor.empty({size}) : {scales}
  %ez = tensor.empty({size}) : {zeros}
  %q, %sx, %zx = stamp.quantize {SCHEDULE} along 1 over 2 lengths(%n : {n})
      ins(%t : {t}) outs(%eq, %es, %ez : {codes}, {scales}, {zeros})
  %ew = tensor.empty({batch}) : {wq}
  %ec = tensor.empty({batch}) : {c}
  %ei = tensor.empty({batch}) : {ci}
  %wq, %sw, %cw = stamp.quantize_weight bits = 4 over 1 ins(%w : {w})
      outs(%ew, %ec, %ei : {wq}, {c}, {ci})
  %ea = tensor.empty({size}) : {acc}
  %z = linalg.fill ins(%i0 : i32) outs(%ea : {acc}) -> {acc}
  %a = linalg.batch_matmul ins(%q, %wq : {codes}, {wq}) outs(%z : {acc}) -> {acc}
  %eo = tensor.empty({size}) : {ones}
  %o = linalg.fill ins(%one : f32) outs(%eo : {ones}) -> {ones}
  %lo = stamp.transform {basis} along 1 lengths(%n : {n})
      ins(%o : {ones}) outs(%eo : {ones})
  %l = tensor.collapse_shape %lo [[0], [1, 2]] : {ones} into {scales}
  %ey = tensor.empty({size}) : {y}
  %r = stamp.rescale along 1 over 2
      ins(%a, %sx, %zx, %sw, %cw : {acc}, {scales}, {zeros}, {c}, {ci})
      bias(%bias : {tensor(CHANNELS)}) spread(%l : {scales}) outs(%ey : {y})
  %y = stamp.inverse_transform {basis} along 1 lengths(%n : {n})
      ins(%r : {y}) outs(%ey : {y})
  %back = stamp.inverse_transform {basis} along 1 lengths(%n : {n})
      ins(%t : {t}) outs(%et : {t})
  return %t, %q, %sx, %zx, %a, %l, %y, %back
    : {t}, {codes}, {scales}, {zeros}, {acc}, {scales}, {y}, {t}
}}
"""


def valid(tokens=TOKENS):
    """Which rows are tokens and which are padding; (sequences, tokens)."""
    counts = np.clip(LENGTHS, 0, tokens)
    return np.arange(tokens) < counts[:, None]


def inputs(element=np.float32, lengths=np.int64, tokens=TOKENS):
    x = np.stack([ar1(TOKENS, WIDTH, seed=i) for i in range(len(LENGTHS))])
    x = x[:, :tokens]
    x[~valid(tokens)] = np.nan
    x[:, -1:, 0][~valid(tokens)[:, -1:]] = np.inf
    random = np.random.default_rng(3)
    w = random.standard_normal((len(LENGTHS), WIDTH, CHANNELS)).astype(np.float32)
    b = random.standard_normal(CHANNELS).astype(np.float32)
    return x.astype(element).astype(np.float32), LENGTHS.astype(lengths), w, b


def check(basis, exact, arguments, results):
    x, lengths, w, bias = arguments
    t, codes, scales, zeros, acc, ones, y, back = results
    tokens = valid(x.shape[1])
    assert not np.isnan(t[tokens]).any()
    np.testing.assert_array_equal(t[~tokens], x[~tokens])
    np.testing.assert_array_equal(back[~tokens], x[~tokens])

    coefficients = basis.forward(x, -2, lengths)
    expected = reference.quantize(coefficients, SCHEDULE, lengths=lengths)
    distance = np.abs(codes.astype(int) - expected.codes)
    if exact:
        np.testing.assert_array_equal(t, coefficients)
        np.testing.assert_array_equal(back, basis.inverse(t, -2, lengths))
        np.testing.assert_array_equal(scales, expected.scales)
        np.testing.assert_array_equal(zeros, expected.zeros)
        assert not distance.any()
    largest = np.abs(coefficients[tokens]).max(initial=1)
    np.testing.assert_allclose(t[tokens], coefficients[tokens], atol=1e-5 * largest)
    np.testing.assert_allclose(scales, expected.scales, rtol=1e-5)
    assert distance.max(initial=0) <= 1
    assert np.count_nonzero(distance) <= 1e-3 * distance.size
    # A transformed sequence is what it is by itself.
    for own, count, row in zip(t, tokens.sum(1), x):
        alone = basis.forward(row[:count])
        np.testing.assert_allclose(own[:count], alone, atol=1e-5 * largest)

    weight = reference.quantize_weight(w)
    np.testing.assert_array_equal(acc, reference.integer_matmul(codes, weight.codes))
    np.testing.assert_allclose(
        ones, basis.transformed_ones(x.shape[1], lengths=lengths), atol=1e-5
    )
    own = reference.Quantized(codes, scales, zeros)
    out = basis.inverse(reference.integer_linear(own, weight, bias, ones), -2, lengths)
    assert not np.isnan(y[tokens]).any()
    np.testing.assert_allclose(
        y[tokens], out[tokens], atol=1e-5 * np.abs(out[tokens]).max(initial=0)
    )


@pytest.mark.parametrize("static", [True, False], ids=["static", "dynamic"])
def test_padded_batches_agree_with_the_oracle(run, static):
    module = "".join(layer(name, basis, static) for name, (basis, _) in BASES.items())
    cases = [
        (name, inputs(tokens=tokens))
        for name in BASES
        for tokens in ([TOKENS] if static else [0, 1, 7, TOKENS])
    ]
    calls = [(name, arguments, 8) for name, arguments in cases]
    outcomes = run(module, calls, "--allow-nonfinite", "-O1")
    for (name, arguments), results in zip(cases, outcomes, strict=True):
        check(*BASES[name], arguments, results)


@pytest.mark.parametrize("lengths", ["i32", "index"])
@pytest.mark.parametrize("element", ["f16", "bf16"])
def test_narrow_inputs_and_every_type_of_length(run, element, lengths):
    basis = BASES["haar"][0]
    module = layer("layer", basis, element=element, lengths=lengths)
    kind = {"f16": np.float16, "bf16": ml_dtypes.bfloat16}[element]
    arguments = inputs(kind, np.int32 if lengths == "i32" else np.int64)
    [results] = run(module, [("layer", arguments, 8)], "--allow-nonfinite")
    check(basis, True, arguments, results)


def test_half_precision_out(run):
    """What is f16 on both sides is transformed in place, and rounded once."""
    basis, x = BASES["haar"][0], tensor(len(LENGTHS), TOKENS, WIDTH, element="f16")
    n = tensor(len(LENGTHS), element="i64")
    module = f"""
func.func @f(%x: {x}, %n: {n}) -> {x} {{
  %e = tensor.empty() : {x}
  %t = stamp.transform {basis} along 1 lengths(%n : {n}) ins(%x : {x}) outs(%e : {x})
  return %t : {x}
}}
"""
    data, lengths, *_ = inputs(np.float16)
    data = data.astype(np.float16)
    [[t]] = run(module, [("f", (data, lengths), 1)], "--allow-nonfinite")
    expected = basis.forward(data, -2, lengths).astype(np.float16)
    np.testing.assert_array_equal(t, expected)


SOURCES = {
    "one for all": (np.array(9), "tensor.collapse_shape %n [] : tensor<1xi64> into"),
    "batch": (np.array([5, 8]), "tensor.cast %n : tensor<2xi64> to"),
    "heads": (
        np.array([[5, 13, 0], [8, 1, 12]]),
        "tensor.cast %n : tensor<2x3xi64> to",
    ),
}


@pytest.mark.parametrize("source", SOURCES)
def test_lengths_are_over_any_leading_dimensions(run, source):
    basis = reference.Haar(2)
    lengths, make = SOURCES[source]
    given = tensor(*(lengths.shape or [1]), element="i64")
    x, n = tensor(2, 3, TOKENS, WIDTH), tensor(*lengths.shape, element="i64")
    codes, rows = tensor(2, 3, TOKENS, WIDTH, element="i8"), tensor(2, 3, TOKENS)
    zeros = tensor(2, 3, TOKENS, element="i32")
    module = f"""
func.func @batch(%x: {x}, %n: {given}) -> ({x}, {codes}) {{
  %l = {make} {n}
  %et = tensor.empty() : {x}
  %t = stamp.transform {basis} along 2 lengths(%l : {n}) ins(%x : {x}) outs(%et : {x})
  %eq = tensor.empty() : {codes}
  %es = tensor.empty() : {rows}
  %ez = tensor.empty() : {zeros}
  %q:3 = stamp.quantize {SCHEDULE} along 2 over 3 lengths(%l : {n})
      ins(%t : {x}) outs(%eq, %es, %ez : {codes}, {rows}, {zeros})
  return %t, %q#0 : {x}, {codes}
}}
"""
    data = ar1(6 * TOKENS, WIDTH, seed=1).reshape(2, 3, TOKENS, WIDTH)
    [(t, q)] = run(module, [("batch", (data, np.atleast_1d(lengths)), 2)])
    coefficients = basis.forward(data, 2, lengths)
    np.testing.assert_array_equal(t, coefficients)
    expected = reference.quantize(coefficients, SCHEDULE, 2, lengths=lengths)
    np.testing.assert_array_equal(q, expected.codes)


@pytest.mark.parametrize("batch", [3, "?"], ids=["static", "dynamic"])
def test_folded_is_unfolded(run, optimize, batch):
    """L(L⁻¹(X)·W + 1bᵀ): the pair cancels, and b is spread for each sequence."""
    basis, narrow = reference.Haar(3, skip=1), CHANNELS
    n = tensor(batch, element="i64")
    x, y = tensor(batch, TOKENS, WIDTH), tensor(batch, TOKENS, narrow)
    size = "" if batch == 3 else "%b"
    module = f"""
func.func @f(%x: {x}, %n: {n}, %w: {tensor(batch, WIDTH, narrow)},
             %bias: {tensor(narrow)}) -> ({y}, {y}) {{
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : {x}
  %ex = tensor.empty({size}) : {x}
  %ey = tensor.empty({size}) : {y}
  %z = linalg.fill ins(%zero : f32) outs(%ey : {y}) -> {y}
  %i = stamp.inverse_transform {basis} along 1 lengths(%n : {n})
      ins(%x : {x}) outs(%ex : {x})
  %m = linalg.batch_matmul ins(%i, %w : {x}, {tensor(batch, WIDTH, narrow)})
      outs(%z : {y}) -> {y}
  %wide = linalg.broadcast ins(%bias : {tensor(narrow)}) outs(%ey : {y})
      dimensions = [0, 1]
  %s = linalg.add ins(%m, %wide : {y}, {y}) outs(%ey : {y}) -> {y}
  %t = stamp.transform {basis} along 1 lengths(%n : {n})
      ins(%s : {y}) outs(%ey : {y})
  %i2 = stamp.inverse_transform {basis} along 1 lengths(%n : {n})
      ins(%x : {x}) outs(%ex : {x})
  %m2 = linalg.batch_matmul ins(%i2, %w : {x}, {tensor(batch, WIDTH, narrow)})
      outs(%z : {y}) -> {y}
  %s2 = linalg.add ins(%m2, %wide : {y}, {y}) outs(%ey : {y}) -> {y}
  return %t, %s2 : {y}, {y}
}}
"""
    folded = optimize(module, "--stamp-fold")
    # Left are the second inverse, and the ones that the bias is spread by.
    assert folded.count("stamp.inverse_transform") == 1
    assert folded.count("stamp.transform") == 1

    data = np.stack([ar1(TOKENS, WIDTH, seed=i) for i in range(3)])
    lengths = np.array([0, 7, 13])
    random = np.random.default_rng(2)
    w = random.standard_normal((3, WIDTH, narrow)).astype(np.float32)
    bias = 10 * random.standard_normal(narrow).astype(np.float32)
    tokens = basis.inverse(data, -2, lengths) @ w + bias
    for program in module, folded:
        [(t, s)] = run(program, [("f", (data, lengths, w, bias), 2)])
        tolerance = 1e-5 * np.abs(tokens).max()
        np.testing.assert_allclose(s, tokens, atol=tolerance)
        coefficients = basis.forward(tokens, -2, lengths)
        np.testing.assert_allclose(t, coefficients, atol=3 * tolerance)


SCRIPT = """
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %t = transform.structured.match ops{["stamp.transform"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.tile_using_for %t tile_sizes [4, 0, 3]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %q = transform.structured.match ops{["stamp.quantize"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.tile_using_for %q tile_sizes [4, 5]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %r = transform.structured.match ops{["stamp.rescale"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.tile_using_for %r tile_sizes [2, 5, 4]
        : (!transform.any_op)
        -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %i = transform.structured.match ops{["stamp.inverse_transform"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.tile_using_for %i tile_sizes [2]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
"""


@pytest.mark.parametrize("static", [True, False], ids=["static", "dynamic"])
def test_tiles_of_padded_batches(tmp_path, run, optimize, static):
    """Tiles along the sequence place their rows among the valid ones."""
    script = tmp_path / "script.mlir"
    script.write_text(SCRIPT)
    basis = BASES["wht"][0]
    tiled = optimize(
        layer("layer", basis, static),
        f"--transform-preload-library=transform-library-paths={script}",
        "--transform-interpreter",
        "--canonicalize",
        "--cse",
    )
    assert "rows at" in tiled and tiled.count("scf.for") >= 9
    arguments = inputs()
    [results] = run(tiled, [("layer", arguments, 8)], "--allow-nonfinite", "-O1")
    check(basis, True, arguments, results)
