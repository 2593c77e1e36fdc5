# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""stamp-fold, compiled and run: the folded program against the unfolded one and
against the oracle.

Without quantizers both programs compute the same up to rounding. With them,
codes whose input a fold leaves alone stay as they are; behind a cancelled pair
the oracle computes what the folded program says, coefficients throughout.
"""

import numpy as np
import pytest
from conftest import ROOT
from stamp import reference
from stamp.testdata import ar1

WIDTH, CHANNELS, NARROW = 24, 16, 8
LENGTHS = [1, 13, 40]
SCHEDULE = reference.Schedule([(2, 8), (0.25, 6)], 4)
BASES = [reference.Haar(3, skip=1), reference.WHT()]
each_basis = pytest.mark.parametrize("basis", BASES, ids=str)


def tensor(*sizes, element="f32"):
    return f"tensor<{'x'.join(map(str, sizes))}x{element}>"


class Function:
    """Writes a function, op by op; values are pairs of a name and a type."""

    def __init__(self, name, *types):
        self.arguments = [(f"%a{i}", kind) for i, kind in enumerate(types)]
        self.name, self.lines, self.names = name, [], 0

    def add(self, line):
        self.names += 1
        self.lines.append(f"%{self.names} = {line}")
        return f"%{self.names}"

    def zero(self, like, sizes, element="f32"):
        """A filled tensor; its dynamic size is that of `like`, at the same place."""
        dynamic = ""
        if "?" in sizes:
            place = self.add(f"arith.constant {sizes.index('?')} : index")
            dynamic = self.add(f"tensor.dim {like[0]}, {place} : {like[1]}")
        kind = tensor(*sizes, element=element)
        empty = self.add(f"tensor.empty({dynamic}) : {kind}")
        value = self.add(f"arith.constant 0.0 : {element}")
        return self.add(
            f"linalg.fill ins({value} : {element}) outs({empty} : {kind}) -> {kind}"
        ), kind

    def matmul(self, x, w, sizes, basis=None, element="f32"):
        """x·w; a STaMP linear if it is given a basis."""
        init, kind = self.zero(x, sizes, element)
        op = "linalg.batch_matmul" if len(sizes) == 3 else "linalg.matmul"
        plan = ""
        if basis is not None:
            plan = (
                f"{{stamp.plan = #stamp.plan<basis = {basis}, "
                f"activations = {SCHEDULE}, weight_bits = 4>}}"
            )
        operands = f"ins({x[0]}, {w[0]} : {x[1]}, {w[1]}) outs({init} : {kind})"
        return self.add(f"{op} {plan} {operands} -> {kind}"), kind

    def bias(self, x, b, sizes, element="f32"):
        init, kind = self.zero(x, sizes, element)
        dimensions = list(range(len(sizes) - 1))
        wide = self.add(
            f"linalg.broadcast ins({b[0]} : {b[1]}) outs({init} : {kind}) "
            f"dimensions = {dimensions}"
        )
        return self.add(
            f"linalg.add ins({x[0]}, {wide} : {kind}, {kind}) "
            f"outs({init} : {kind}) -> {kind}"
        ), kind

    def transform(self, mnemonic, basis, x, sizes):
        init, kind = self.zero(x, sizes)
        return self.add(
            f"stamp.{mnemonic} {basis} along 0 ins({x[0]} : {kind}) "
            f"outs({init} : {kind})"
        ), kind

    def returning(self, *results):
        arguments = ", ".join(f"{name}: {kind}" for name, kind in self.arguments)
        names = ", ".join(name for name, _ in results)
        kinds = ", ".join(kind for _, kind in results)
        body = "\n  ".join(self.lines)
        return (
            f"func.func @{self.name}({arguments}) -> ({kinds}) {{\n  {body}\n"
            f"  return {names} : {kinds}\n}}\n"
        )


@pytest.fixture
def both(run, optimize):
    """both(module, calls) -> results unfolded, results folded, the folded IR."""

    def both(module, calls):
        unfolded = optimize(module, "--stamp-quantize")
        folded = optimize(unfolded, "--stamp-fold")
        assert folded != unfolded
        return run(unfolded, calls), run(folded, calls), folded

    return both


def for_lengths(write):
    """A module of write(name, tokens), for every length and once for all of them;
    and the calls to make, each a name and a length."""
    # The plans do not fit a sequence that is known to be one token.
    names = {f"s{s}": s for s in LENGTHS if s > 1}
    module = write("any", "?") + "".join(write(name, s) for name, s in names.items())
    return module, [*names.items(), *(("any", s) for s in LENGTHS)]


def transforming(basis):
    """How many functions of such a module have a token that is not skipped, as
    far as the compiler knows."""
    return 1 + sum(s > max(basis.skip, 1) for s in LENGTHS)


def weights(seed, *shape):
    random = np.random.default_rng(seed)
    return random.standard_normal(shape).astype(np.float32)


def assert_close(actual, expected, tolerance=1e-5):
    assert actual.shape == expected.shape
    assert np.isfinite(expected).all()
    actual = actual.astype(np.float32)
    assert np.abs(actual - expected).max() <= tolerance * np.abs(expected).max()


@each_basis
def test_bias_moves_into_the_rescale(both, basis):
    """The codes' input stays, so codes do: outputs agree closely."""

    def linear_with_bias(name, tokens):
        kinds = tensor(tokens, WIDTH), tensor(WIDTH, CHANNELS), tensor(CHANNELS)
        f = Function(name, *kinds)
        x, w, b = f.arguments
        sizes = [tokens, CHANNELS]
        return f.returning(f.bias(f.matmul(x, w, sizes, basis), b, sizes))

    module, cases = for_lengths(linear_with_bias)
    w, b = weights(0, WIDTH, CHANNELS), 10 * weights(1, CHANNELS)
    calls = [(name, (ar1(s, WIDTH, seed=s), w, b), 1) for name, s in cases]
    unfolded, folded, ir = both(module, calls)
    assert ir.count("bias(") == transforming(basis)
    for (_, (x, _, _), _), [before], [after] in zip(calls, unfolded, folded):
        expected = reference.stamp_linear(x, w, basis, SCHEDULE, b)
        assert_close(before, expected)
        assert_close(after, expected)


@each_basis
def test_batches_move_their_bias(both, basis):
    """Tokens along dimension 1 of three."""
    batch = 2

    def linear_with_bias(name, tokens):
        sizes = [batch, tokens, CHANNELS]
        weight = tensor(batch, WIDTH, CHANNELS)
        f = Function(name, tensor(*sizes[:2], WIDTH), weight, tensor(CHANNELS))
        x, w, b = f.arguments
        return f.returning(f.bias(f.matmul(x, w, sizes, basis), b, sizes))

    module, cases = for_lengths(linear_with_bias)
    w, b = weights(2, batch, WIDTH, CHANNELS), 10 * weights(3, CHANNELS)
    calls = []
    for name, s in cases:
        x = np.stack([ar1(s, WIDTH, seed=s + i) for i in range(batch)])
        calls.append((name, (x, w, b), 1))
    unfolded, folded, ir = both(module, calls)
    assert ir.count("bias(") == transforming(basis)
    for (_, (x, _, _), _), [before], [after] in zip(calls, unfolded, folded):
        layers = [reference.stamp_linear(*xw, basis, SCHEDULE, b) for xw in zip(x, w)]
        assert_close(before, np.stack(layers))
        assert_close(after, np.stack(layers))


@each_basis
def test_half_precision_shares_and_moves_nothing(both, basis):
    """Narrowing ends a layer: what lies behind it stays in f16, bit for bit."""
    sizes = [40, CHANNELS]
    half = {"element": "f16"}
    f = Function(
        "f",
        tensor(40, WIDTH, **half),
        tensor(WIDTH, CHANNELS, **half),
        tensor(CHANNELS, **half),
    )
    x, w, b = f.arguments
    y = f.matmul(x, w, sizes, basis, **half)
    z = f.matmul(x, w, sizes, basis, **half)
    module = f.returning(y, f.bias(z, b, sizes, **half))
    x = ar1(40, WIDTH).astype(np.float16)
    w = weights(4, WIDTH, CHANNELS).astype(np.float16)
    b = weights(5, CHANNELS).astype(np.float16)
    [before], [after], ir = both(module, [("f", (x, w, b), 2)])
    assert ir.count("stamp.quantize ") == 1
    for actual, expected in zip(after, before):
        np.testing.assert_array_equal(actual, expected)
    exact = reference.stamp_linear(x, w, basis, SCHEDULE)
    np.testing.assert_array_equal(after[0], exact.astype(np.float16))
    np.testing.assert_array_equal(after[1], exact.astype(np.float16) + b)


@each_basis
def test_queries_and_keys_share_their_codes(both, basis):
    sizes = ["?", CHANNELS]
    weight = tensor(WIDTH, CHANNELS)
    f = Function("f", tensor("?", WIDTH), weight, weight)
    x, wq, wk = f.arguments
    module = f.returning(f.matmul(x, wq, sizes, basis), f.matmul(x, wk, sizes, basis))
    x, wq, wk = ar1(40, WIDTH), weights(6, WIDTH, CHANNELS), weights(7, WIDTH, CHANNELS)
    [before], [after], ir = both(module, [("f", (x, wq, wk), 2)])
    assert ir.count("stamp.transform") == ir.count("stamp.quantize ") == 1
    for w, actual, expected in zip([wq, wk], after, before):
        np.testing.assert_array_equal(actual, expected)
        assert_close(actual, reference.stamp_linear(x, w, basis, SCHEDULE))


@each_basis
def test_a_sum_of_linears_pays_for_one_inverse(both, basis):
    """L⁻¹(A) + L⁻¹(B) = L⁻¹(A + B): the codes' inputs stay, and so do the codes."""
    sizes = ["?", CHANNELS]
    weight = tensor(WIDTH, CHANNELS)
    f = Function("f", tensor("?", WIDTH), weight, weight)
    x, w, v = f.arguments
    y, z = f.matmul(x, w, sizes, basis), f.matmul(x, v, sizes, basis)
    init, kind = f.zero(y, sizes)
    operands = f"ins({y[0]}, {z[0]} : {kind}, {kind}) outs({init} : {kind})"
    module = f.returning((f.add(f"linalg.add {operands} -> {kind}"), kind))
    w, v = weights(14, WIDTH, CHANNELS), weights(15, WIDTH, CHANNELS)
    calls = [("f", (ar1(s, WIDTH, seed=s), w, v), 1) for s in LENGTHS]
    unfolded, folded, ir = both(module, calls)
    assert ir.count("stamp.inverse_transform") == 1
    for (_, (x, *_), _), [before], [after] in zip(calls, unfolded, folded):
        expected = sum(reference.stamp_linear(x, m, basis, SCHEDULE) for m in (w, v))
        assert_close(before, expected)
        assert_close(after, expected)


@each_basis
def test_two_linears_pay_for_one_pair(both, basis):
    """L⁻¹ of the first and L of the second cancel, across the first one's bias."""

    def chain(name, tokens):
        middle, last = [tokens, CHANNELS], [tokens, NARROW]
        f = Function(
            name,
            tensor(tokens, WIDTH),
            tensor(WIDTH, CHANNELS),
            tensor(CHANNELS),
            tensor(CHANNELS, NARROW),
        )
        x, w1, b1, w2 = f.arguments
        hidden = f.bias(f.matmul(x, w1, middle, basis), b1, middle)
        return f.returning(f.matmul(hidden, w2, last, basis))

    w1, w2 = weights(8, WIDTH, CHANNELS), weights(9, CHANNELS, NARROW)
    b1 = 10 * weights(10, CHANNELS)
    module, cases = for_lengths(chain)
    calls = [(name, (ar1(s, WIDTH, seed=s), w1, b1, w2), 1) for name, s in cases]
    unfolded, folded, ir = both(module, calls)
    functions = transforming(basis)
    assert ir.count("stamp.inverse_transform") == functions
    # A dynamic length also transforms a column of ones.
    assert ir.count("stamp.transform") == functions + 1

    q1, q2 = reference.quantize_weight(w1), reference.quantize_weight(w2)
    for (_, (x, *_), _), [before], [after] in zip(calls, unfolded, folded):
        hidden = reference.stamp_linear(x, w1, basis, SCHEDULE, b1)
        assert_close(before, reference.stamp_linear(hidden, w2, basis, SCHEDULE))

        codes = reference.quantize(basis.forward(x), SCHEDULE)
        ones = basis.transformed_ones(len(x)).astype(np.float32)
        coefficients = reference.integer_linear(codes, q1, b1, ones)
        codes = reference.quantize(coefficients, SCHEDULE)
        assert_close(after, basis.inverse(reference.integer_linear(codes, q2)))


@pytest.mark.parametrize(
    "basis", [*BASES, reference.DCT(), reference.Haar2D(2, (5, 8))], ids=str
)
def test_without_quantizers_only_roundings_change(both, basis):
    """L(L⁻¹(X)·W₁ + 1bᵀ)·W₂ and L⁻¹(X)·W: cancelled, sunk, with a moved bias."""

    def floats(name, tokens):
        f = Function(
            name,
            tensor(tokens, CHANNELS),
            tensor(CHANNELS, WIDTH),
            tensor(WIDTH),
            tensor(CHANNELS, NARROW),
        )
        x, wide, b, narrow = f.arguments
        tokens_wide = [tokens, WIDTH]
        inverse = f.transform("inverse_transform", basis, x, [tokens, CHANNELS])
        hidden = f.bias(f.matmul(inverse, wide, tokens_wide), b, tokens_wide)
        met = f.transform("transform", basis, hidden, tokens_wide)
        alone = f.transform("inverse_transform", basis, x, [tokens, CHANNELS])
        sunk = f.matmul(alone, narrow, [tokens, NARROW])
        return f.returning(met, sunk)

    module, cases = for_lengths(floats)
    wide, narrow = weights(11, CHANNELS, WIDTH), weights(12, CHANNELS, NARROW)
    b = 10 * weights(13, WIDTH)
    calls = [
        (name, (ar1(s, CHANNELS, seed=s), wide, b, narrow), 2) for name, s in cases
    ]
    unfolded, folded, ir = both(module, calls)
    assert ir.count("stamp.inverse_transform") == transforming(basis)
    for (_, (x, *_), _), before, after in zip(calls, unfolded, folded):
        tokens = basis.inverse(x)
        expected = basis.forward(tokens @ wide + b), tokens @ narrow
        for values in before, after:
            assert_close(values[0], expected[0])
            assert_close(values[1], expected[1])


FOLD_TESTS = sorted((ROOT / "test" / "Transforms").glob("fold*.mlir"))


@pytest.mark.parametrize("path", FOLD_TESTS, ids=lambda path: path.stem)
def test_every_fold_test_folds_twice_and_validates(path):
    runs = [line for line in path.read_text().splitlines() if "RUN:" in line]
    assert any("--stamp-fold" in line and "| diff" in line for line in runs)
    assert any("stamp-validate" in line for line in runs)
