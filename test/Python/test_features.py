# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Feature transforms: the oracle's own properties, the compiled code against the
oracle, and what they are for.

X·R·R⁻¹·W = X·W whatever R, and with loud channels X·R quantizes better than X.
"""

import itertools

import numpy as np
import pytest
import scipy.fft
import scipy.linalg
from stamp import reference
from stamp.testdata import ar1

SCHEDULE = reference.Schedule([(2, 8), (0.25, 6)], 4)
CHANNELS = 10


def factors(width):
    signs = np.where(np.arange(width) % 3, 1, -1)
    return signs * np.geomspace(0.01, 100, width)


def skewed(width):
    m = np.eye(width) + 0.5 * np.eye(width, k=1)
    inverse = np.linalg.inv(m)
    return reference.FeatureMatrix(reference.Matrix(m, inverse))


# Transform by the width it is made for; whether every path agrees to the bit.
TRANSFORMS = {
    "power of two": (lambda width: reference.Hadamard(), 64, True),
    "paley": (lambda width: reference.Hadamard(12), 48, False),
    "doubled": (lambda width: reference.Hadamard(60), 120, False),
    "williamson": (lambda width: reference.Hadamard(92), 184, False),
    "dct": (lambda width: reference.Hadamard(15), 120, False),
    "dct alone": (lambda width: reference.Hadamard(7), 7, False),
    "scale": (lambda width: reference.Scale(factors(width)), 24, True),
    "matrix": (skewed, 24, False),
    "misfit": (lambda width: reference.Hadamard(5), 24, True),
}
each_transform = pytest.mark.parametrize("name", TRANSFORMS)


# --------------------------------------------------------------------------- #
# The oracle
# --------------------------------------------------------------------------- #


@pytest.mark.parametrize("m", range(1, 129))
def test_signs_are_hadamard_matrices(m):
    signs = reference.hadamard_signs(m)
    if signs is None:
        assert m > 2 and m % 4 != 0
        return
    np.testing.assert_array_equal(np.abs(signs), 1)
    np.testing.assert_array_equal(signs @ signs.T, m * np.eye(m))


@pytest.mark.parametrize("m", [4 * 43, 2 * 92, 52, 100, 244, 924])
def test_signs_of_every_construction(m):
    """Williamson, doubling, Paley II over the squares of 5, 7 and 11, and 461."""
    signs = reference.hadamard_signs(m)
    np.testing.assert_array_equal(signs @ signs.T, m * np.eye(m))


def test_a_power_of_two_is_what_scipy_says():
    np.testing.assert_array_equal(
        reference.Hadamard().matrix(64), scipy.linalg.hadamard(64) / 8
    )


def test_other_orders_are_kronecker_products_with_scipys_dct():
    dct = scipy.fft.dct(np.eye(15), norm="ortho", axis=0)
    expected = np.kron(scipy.linalg.hadamard(8) / np.sqrt(8), dct)
    np.testing.assert_allclose(
        reference.Hadamard(15).matrix(120), expected, rtol=0, atol=1e-14
    )


@pytest.mark.parametrize(
    "width, order", [(120, 15), (120, 60), (3584, 28), (4096, 1), (13696, 107)]
)
def test_rotations_keep_energy_and_come_back(width, order):
    x = ar1(3, width, seed=width).astype(np.float64)
    hadamard = reference.Hadamard(order)
    for turn, back in [
        (hadamard.forward, hadamard.inverse),
        (hadamard.forward_weight, hadamard.inverse_weight),
    ]:
        y = turn(x, axis=-1)
        assert abs(np.square(y).sum() / np.square(x).sum() - 1) < 1e-12
        assert np.abs(y - x).max() > 1
        np.testing.assert_allclose(back(y, axis=-1), x, rtol=0, atol=1e-11)


@each_transform
def test_sides_and_directions_are_products_with_r(name):
    make, width, _ = TRANSFORMS[name]
    transform = make(width)
    r = transform.matrix(width)
    inverse = np.linalg.inv(r)
    random = np.random.default_rng(width)
    x, w = random.standard_normal((5, width)), random.standard_normal((width, 4))
    close = {"rtol": 0, "atol": 1e-4}
    np.testing.assert_allclose(transform.forward(x), x @ r, **close)
    np.testing.assert_allclose(transform.inverse(x), x @ inverse, **close)
    np.testing.assert_allclose(transform.forward_weight(w), r @ w, **close)
    np.testing.assert_allclose(transform.inverse_weight(w), inverse @ w, **close)
    product = transform.forward(x) @ transform.inverse_weight(w)
    np.testing.assert_allclose(product, x @ w, rtol=0, atol=1e-4)


def test_bad_parameters_are_refused():
    for make in [
        lambda: reference.Hadamard(0),
        lambda: reference.Hadamard(4097),
        lambda: reference.Scale([1, 0]),
        lambda: reference.Scale([1, np.inf]),
    ]:
        with pytest.raises(ValueError):
            make()


# --------------------------------------------------------------------------- #
# Compiled
# --------------------------------------------------------------------------- #

SIDES = {
    "": ("forward", "inverse"),
    "left ": ("forward_weight", "inverse_weight"),
}


def function(name, transform, side, op, axis, shape):
    kind = f"tensor<{'x'.join(map(str, shape))}xf32>"
    return f"""
func.func @{name}(%x: {kind}) -> {kind} {{
  %y = stamp.{op} {transform} {side}over {axis} ins(%x : {kind}) outs(%x : {kind})
  return %y : {kind}
}}
"""


def agrees(actual, expected, exact):
    if exact:
        np.testing.assert_array_equal(actual.view(np.int32), expected.view(np.int32))
    else:
        tolerance = 1e-5 * np.abs(expected).max()
        np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@each_transform
def test_compiled_agrees_with_the_oracle(run, name, dynamic):
    make, width, exact = TRANSFORMS[name]
    transform = make(width)
    module, calls, expected = "", [], []
    for (side, methods), (axis, sizes) in itertools.product(
        SIDES.items(), [(0, [width]), (1, [5, width]), (1, [2, width, 6])]
    ):
        x = ar1(int(np.prod(sizes[:-1])), sizes[-1], seed=axis).reshape(sizes)
        for op, method in zip(
            ["feature_transform", "inverse_feature_transform"], methods
        ):
            function_name = f"f{len(calls)}"
            shape = ["?"] * len(sizes) if dynamic else sizes
            module += function(function_name, transform, side, op, axis, shape)
            calls.append((function_name, [x], 1))
            expected.append(getattr(transform, method)(x, axis=axis))
    for [actual], oracle in zip(run(module, calls, "-O1"), expected, strict=True):
        agrees(actual, oracle, exact)


def test_one_dynamic_program_serves_all_widths(run):
    """Three times a power of two is rotated; everything else stays as it is."""
    hadamard = reference.Hadamard(3)
    module = function("f", hadamard, "", "feature_transform", 1, ["?", "?"])
    widths = [0, 1, 2, 3, 4, 6, 9, 12, 13, 96]
    inputs = [ar1(4, width, outliers=0, seed=width) for width in widths]
    results = run(module, [("f", [x], 1) for x in inputs])
    for width, x, [y] in zip(widths, inputs, results, strict=True):
        agrees(y, hadamard.forward(x), exact=width not in (3, 6, 12, 96))


def test_codes_agree_with_the_oracle(run):
    """To the bit where the order of summation is defined, else within one, at
    fewer than one position in 10⁴."""
    basis, tokens = reference.Haar(3, skip=1), 300
    module, calls, expected = "", [], []
    for i, (make, width, _) in enumerate(TRANSFORMS.values()):
        x, transform = ar1(tokens, width, seed=i), make(width)
        rows = f"tensor<{tokens}x{width}xf32>"
        kinds = (
            f"tensor<{tokens}x{width}xi8>, tensor<{tokens}xf32>, tensor<{tokens}xi32>"
        )
        module += f"""
func.func @f{i}(%x: {rows}) -> ({kinds}) {{
  %eq = tensor.empty() : tensor<{tokens}x{width}xi8>
  %es = tensor.empty() : tensor<{tokens}xf32>
  %ez = tensor.empty() : tensor<{tokens}xi32>
  %t = stamp.transform {basis} along 0 ins(%x : {rows}) outs(%x : {rows})
  %r = stamp.feature_transform {transform} over 1 ins(%t : {rows}) outs(%x : {rows})
  %q:3 = stamp.quantize {SCHEDULE} along 0 over 1 ins(%r : {rows})
      outs(%eq, %es, %ez : {kinds})
  return %q#0, %q#1, %q#2 : {kinds}
}}
"""
        calls.append((f"f{i}", [x], 3))
        rotated = transform.forward(basis.forward(x))
        expected.append(reference.quantize(rotated, SCHEDULE))
    positions = different = 0
    for (_, _, exact), actual, oracle in zip(
        TRANSFORMS.values(), run(module, calls, "-O1"), expected, strict=True
    ):
        if exact:
            for array, defined in zip(actual, oracle, strict=True):
                np.testing.assert_array_equal(array, defined)
            continue
        distance = np.abs(actual[0].astype(int) - oracle.codes)
        assert distance.max() <= 1
        np.testing.assert_allclose(actual[1], oracle.scales, rtol=1e-5)
        positions += distance.size
        different += np.count_nonzero(distance)
    assert positions > 100_000
    assert different < 1e-4 * positions


def linear(name, plan, tokens, w):
    width, channels = w.shape
    x, y = f"tensor<{tokens}x{width}xf32>", f"tensor<{tokens}x{channels}xf32>"
    digits = w.astype("<f4").tobytes().hex().upper()
    return f"""
func.func @{name}(%x: {x}) -> {y} {{
  %w = arith.constant dense<"0x{digits}"> : tensor<{width}x{channels}xf32>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %size = tensor.dim %x, %c0 : {x}
  %e = tensor.empty({"%size" if tokens == "?" else ""}) : {y}
  %z = linalg.fill ins(%zero : f32) outs(%e : {y}) -> {y}
  %y = linalg.matmul {{stamp.plan = {plan}}}
      ins(%x, %w : {x}, tensor<{width}x{channels}xf32>) outs(%z : {y}) -> {y}
  return %y : {y}
}}
"""


def plan(basis, features):
    listed = ", ".join(map(str, features))
    spelled = f"features = [{listed}], " if features else ""
    return (
        f"#stamp.plan<basis = {basis}, {spelled}activations = {SCHEDULE}, "
        "weight_bits = 4>"
    )


@pytest.mark.parametrize("tokens", [40, "?"])
@pytest.mark.parametrize("folded", [False, True], ids=["quantized", "folded"])
def test_a_planned_linear_agrees_with_the_oracle(run, optimize, folded, tokens):
    """A flipped code moves an output further than any tolerance would allow, so
    outputs are compared by their noise."""
    width = 24
    w = np.random.default_rng(1).standard_normal((width, CHANNELS)).astype(np.float32)
    x = ar1(40, width)
    scale = reference.Scale(factors(width))
    cases = [
        (reference.Haar(3, skip=1), [scale]),
        (reference.Haar(3, skip=1), [scale, reference.Hadamard(3)]),
        (reference.Identity(), [reference.Hadamard(12)]),
    ]
    module = "".join(
        linear(f"f{i}", plan(basis, features), tokens, w)
        for i, (basis, features) in enumerate(cases)
    )
    program = optimize(module, "--stamp-quantize", *["--stamp-fold"] * folded)
    assert "inverse_feature_transform" not in program
    assert "stamp.quantize_weight" not in program
    assert f"tensor<{width}x{CHANNELS}xf32>" not in program
    results = run(program, [(f"f{i}", [x], 1) for i in range(len(cases))])
    exact = x.astype(np.float64) @ w
    for (basis, features), [y] in zip(cases, results, strict=True):
        expected = reference.stamp_linear(x, w, basis, SCHEDULE, features=features)
        assert reference.sqnr_db(expected, y) > 50
        difference = reference.sqnr_db(exact, y) - reference.sqnr_db(exact, expected)
        assert abs(difference) < 0.1


TILE = """
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.feature_transform"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.tile_using_for %op tile_sizes [4, 0, 5]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}
"""


@pytest.mark.parametrize("shape", [[6, 24, 7], ["?", "?", "?"]], ids=str)
def test_tiled_is_untiled(tmp_path, run, optimize, shape):
    script = tmp_path / "script.mlir"
    script.write_text(TILE)
    hadamard = reference.Hadamard(12)
    program = function("f", hadamard, "", "feature_transform", 1, shape)
    tiled = optimize(
        program,
        f"--transform-preload-library=transform-library-paths={script}",
        "--transform-interpreter",
        "--canonicalize",
    )
    assert tiled.count("scf.for") == 2
    x = ar1(6 * 24, 7).reshape(6, 24, 7)
    [[expected]], [[actual]] = (run(p, [("f", [x], 1)]) for p in (program, tiled))
    agrees(actual, expected, exact=True)
    agrees(actual, hadamard.forward(x, axis=1), exact=False)


# --------------------------------------------------------------------------- #
# What they are for
# --------------------------------------------------------------------------- #


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("width, order", [(128, 1), (120, 60), (120, 15)])
def test_a_rotation_gains_where_channels_are_loud(width, order, seed):
    """The direction of the measurements on real activations: at 4 bits the
    rotation gains by itself, and it gains on top of the sequence transform."""
    x = ar1(256, width, outliers=3, loudness=20, seed=seed)
    w = np.random.default_rng(seed).standard_normal((width, 64)).astype(np.float32)
    exact = x.astype(np.float64) @ w
    hadamard = [reference.Hadamard(order)]

    def sqnr(basis, schedule, features):
        y = reference.stamp_linear(
            x, w, basis, schedule, weight_bits=8, features=features
        )
        return reference.sqnr_db(exact, y)

    uniform = reference.Schedule([], 4)
    mixed = reference.Schedule([(1 / 16, 8)], 4)
    haar = reference.Haar(4)
    alone = sqnr(reference.Identity(), uniform, hadamard)
    assert alone > sqnr(reference.Identity(), uniform, []) + 1
    assert sqnr(haar, mixed, hadamard) > sqnr(haar, mixed, []) + 1
    assert sqnr(haar, mixed, hadamard) > alone + 1
