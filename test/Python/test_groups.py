# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Groups: scales for every so many features, the oracle's own and compiled.

The order of all operations is defined, so everything here is equal to the bit.
"""

import itertools

import ml_dtypes
import numpy as np
import pytest
from stamp import reference
from stamp.testdata import ar1

SCHEDULE = reference.Schedule([(2, 8), (0.25, 6)], 4)
GROUPS = [1, 7, 64, 128]
HALVES = {"f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32}


def tensor(shape, element="f32"):
    return f"tensor<{'x'.join(map(str, shape))}x{element}>"


def equal(actual, expected):
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected)


def batch(*shape, seed=0):
    """Tokens of AR(1) sequences, with leading dimensions."""
    count = int(np.prod(shape[:-2]))
    parts = [ar1(*shape[-2:], seed=seed + i) for i in range(count)]
    return np.stack(parts).reshape(shape)


# --------------------------------------------------------------------------- #
# The oracle
# --------------------------------------------------------------------------- #


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_is_a_row_of_its_own(group):
    x, w = ar1(13, 100), ar1(100, 6, seed=1)
    codes, scales, zeros = reference.quantize(x, SCHEDULE, group=group)
    weight = reference.quantize_weight(w, group=group)
    assert scales.shape == zeros.shape == (13, -(-100 // group))
    for g, begin in enumerate(range(0, 100, group)):
        part = slice(begin, begin + group)
        row = reference.quantize(x[:, part], SCHEDULE)
        equal(codes[:, part], row.codes)
        equal(scales[:, g], row.scales)
        equal(zeros[:, g], row.zeros)
        column = reference.quantize_weight(w[part])
        equal(weight.codes[part], column.codes)
        equal(weight.scales[g], column.scales)
        equal(weight.sums[g], column.sums)
    back = reference.dequantize(reference.Quantized(codes, scales, zeros), group)
    step = np.repeat(scales, group, axis=1)[:, :100]
    assert (np.abs(back - x) <= step * 0.5001).all()


@pytest.mark.parametrize("groups", [(7, 7), (7, None), (None, 7)])
def test_a_linear_of_groups_is_the_product_of_the_dequantized(groups):
    x, w = ar1(20, 50), ar1(50, 6, seed=1)
    b = ar1(1, 6, seed=2)[0]
    on_rows, on_weights = groups
    y = reference.stamp_linear(
        x,
        w,
        reference.Identity(),
        SCHEDULE,
        b,
        activation_group=on_rows,
        weight_group=on_weights,
    )
    activation = reference.quantize(x, SCHEDULE, group=on_rows)
    weight = reference.quantize_weight(w, group=on_weights)
    scales = weight.scales
    if on_weights:
        scales = np.repeat(scales, on_weights, axis=0)[:50]
    rows = reference.dequantize(activation, on_rows).astype(float)
    exact = rows @ (weight.codes * scales.astype(float)) + b
    assert np.abs(y - exact).max() <= 1e-5 * np.abs(exact).max()


def test_groups_are_added_up_in_ascending_order():
    # (1 + 2⁻²⁴) + 2⁻²⁴ is 1; from the other end it would be 1 + 2⁻²³.
    acc = np.ones((1, 3, 1), np.int32)
    scales = np.array([[1, 2.0**-24, 2.0**-24]], np.float32)
    sums = np.zeros((3, 1), np.int32)
    one, zero = np.ones(1, np.float32), np.zeros((1, 3), np.int32)
    assert reference.rescale_groups(acc, scales, zero, one, sums)[0, 0] == 1
    back = scales[:, ::-1]
    assert reference.rescale_groups(acc, back, zero, one, sums)[0, 0] == 1 + 2.0**-23


@pytest.mark.parametrize("basis", [reference.Identity(), reference.Haar(4)], ids=str)
def test_groups_keep_outlier_channels_apart(basis):
    """Three loud channels of 256 set the step of every feature, or of the groups
    they are in."""
    schedule = reference.Schedule([], 4)
    x = ar1(128, 256)
    coefficients = basis.forward(x)

    def sqnr(group):
        quantized = reference.quantize(coefficients, schedule, group=group)
        # Loud channels would drown the others' noise: channels count alike.
        back = basis.inverse(reference.dequantize(quantized, group))
        power = np.square(x.astype(float)).mean(axis=0)
        return reference.sqnr_db(x / np.sqrt(power), back / np.sqrt(power))

    whole, large, small = sqnr(None), sqnr(64), sqnr(16)
    assert large > whole + 1
    assert small > large + 1


@pytest.mark.parametrize("group", [1, 7, 64])
def test_theorem_1_holds_with_the_group_in_the_place_of_the_features(group):
    x, basis = ar1(40, 100), reference.Haar(3)
    quantized = reference.quantize(basis.forward(x), SCHEDULE, group=group)
    back = basis.inverse(reference.dequantize(quantized, group).astype(float))
    bound = reference.theorem1_bound(x, basis, SCHEDULE) * group / 100
    assert np.square(x - back).sum() <= bound * (1 + 1e-4)


def test_the_oracle_refuses_groups_it_cannot_make():
    x, w = ar1(4, 8), ar1(8, 4)
    with pytest.raises(ValueError, match="group = 0"):
        reference.quantize(x, SCHEDULE, group=0)
    with pytest.raises(ValueError, match="groups of 4 and of 2 differ"):
        reference.stamp_linear(
            x,
            w,
            reference.Identity(),
            SCHEDULE,
            activation_group=4,
            weight_group=2,
        )


# --------------------------------------------------------------------------- #
# The quantizers, compiled
# --------------------------------------------------------------------------- #


def quantizers(name, shape, group, element="f32", dynamic=()):
    """Quantizes x (features last) and reads it back. Values come as f32, and are
    narrowed exactly, to be widened again."""
    sizes = ["?" if d in dynamic else size for d, size in enumerate(shape)]
    groups = "?" if sizes[-1] == "?" else -(-shape[-1] // group)
    x, given = tensor(sizes, element), tensor(sizes)
    codes = tensor(sizes, "i8")
    scales = tensor([*sizes[:-1], groups])
    zeros = tensor([*sizes[:-1], groups], "i32")
    rank = len(shape)
    dims = "".join(
        f"""
  %c{d} = arith.constant {d} : index
  %s{d} = tensor.dim %in, %c{d} : {given}"""
        for d in range(rank)
    )
    size = ", ".join(f"%s{d}" for d in sorted(dynamic))
    rows = ", ".join("%sg" if d == rank - 1 else f"%s{d}" for d in sorted(dynamic))
    narrow = f"arith.truncf %in : {given} to {x}"
    if element == "f32":
        narrow = f"tensor.cast %in : {given} to {x}"
    return f"""
func.func @{name}(%in: {given}) -> ({codes}, {scales}, {zeros}, {given}) {{{dims}
  %g = arith.constant {group} : index
  %sg = arith.ceildivsi %s{rank - 1}, %g : index
  %x = {narrow}
  %eq = tensor.empty({size}) : {codes}
  %es = tensor.empty({rows}) : {scales}
  %ez = tensor.empty({rows}) : {zeros}
  %q, %s, %z = stamp.quantize {SCHEDULE} along {rank - 2} over {rank - 1}
      groups of {group} ins(%x : {x})
      outs(%eq, %es, %ez : {codes}, {scales}, {zeros})
  %ed = tensor.empty({size}) : {given}
  %d = stamp.dequantize over {rank - 1} groups of {group}
      ins(%q, %s, %z : {codes}, {scales}, {zeros}) outs(%ed : {given})
  return %q, %s, %z, %d : {codes}, {scales}, {zeros}, {given}
}}
"""


def compare_quantizers(x, group, results):
    expected = reference.quantize(x, SCHEDULE, group=group)
    back = reference.dequantize(expected, group)
    for actual, oracle in zip(results, [*expected, back], strict=True):
        equal(actual, oracle)


@pytest.mark.parametrize("element", HALVES)
def test_quantizers_of_groups_agree_with_the_oracle(run, element):
    # Whole groups, ragged ones, one group of less than its size; sizes that are
    # known, and not.
    cases = [
        ((13, 128), 64, ()),
        ((13, 128), 128, (0,)),
        ((13, 100), 64, (0,)),
        ((13, 100), 7, (0, 1)),
        ((13, 100), 128, (1,)),
        ((2, 13, 128), 64, (1,)),
        ((3, 2, 9, 20), 8, (0, 2)),
    ]
    module = "".join(
        quantizers(f"f{i}", shape, group, element, dynamic)
        for i, (shape, group, dynamic) in enumerate(cases)
    )
    inputs = [
        batch(*shape, seed=i).astype(HALVES[element]).astype(np.float32)
        for i, (shape, _, _) in enumerate(cases)
    ]
    calls = [(f"f{i}", [x], 4) for i, x in enumerate(inputs)]
    for (_, group, _), x, results in zip(cases, inputs, run(module, calls)):
        compare_quantizers(x, group, results)


def test_one_dynamic_quantizer_serves_all_sizes(run):
    module = quantizers("f", (0, 0), 16, dynamic=(0, 1))
    inputs = [ar1(s, d) for s, d in [(1, 16), (5, 40), (40, 7), (13, 64)]]
    calls = [("f", [x], 4) for x in inputs]
    for x, results in zip(inputs, run(module, calls)):
        compare_quantizers(x, 16, results)


def test_extreme_groups_stay_by_themselves(run):
    """A NaN, an infinity or a range that overflows spoils its group alone; zeros
    that fill up a group spoil nothing."""
    x = ar1(6, 20)
    x[0, 3], x[1, 9], x[2, 16:18] = np.nan, np.inf, (3e38, -3e38)
    x[3, 8:16], x[4, 16:], x[5] = 0, 1e-40, np.abs(x[5]) + 1
    module = quantizers("f", x.shape, 8)
    [results] = run(module, [("f", [x], 4)], "--allow-nonfinite")
    compare_quantizers(x, 8, results)
    spoilt = np.isnan(results[1])
    np.testing.assert_array_equal(np.argwhere(spoilt), [[0, 0], [1, 1], [2, 2]])


@pytest.mark.parametrize("dimension", [0, 1, 2])
@pytest.mark.parametrize("group", [4, 5])
@pytest.mark.parametrize("sums", ["", " for sums"], ids=["all", "sums"])
def test_weights_of_groups_agree_with_the_oracle(
    run, optimize, dimension, group, sums
):
    """Along any dimension, at run time and folded: the same bits."""
    w = batch(4, 12, 3)
    w[0, 0, 0] = 0
    grouped = list(w.shape)
    grouped[dimension] = -(-grouped[dimension] // group)
    dropped = [size for d, size in enumerate(w.shape) if d != dimension]
    x, codes = tensor(w.shape), tensor(w.shape, "i8")
    scales = tensor(dropped if sums else grouped)
    added = tensor(grouped, "i32")

    def function(name, argument, constant):
        return f"""
func.func @{name}({argument}) -> ({codes}, {scales}, {added}) {{
  {constant}
  %eq = tensor.empty() : {codes}
  %es = tensor.empty() : {scales}
  %ec = tensor.empty() : {added}
  %q, %s, %c = stamp.quantize_weight bits = 4 over {dimension} groups of {group}{sums}
      ins(%w : {x}) outs(%eq, %es, %ec : {codes}, {scales}, {added})
  return %q, %s, %c : {codes}, {scales}, {added}
}}
"""

    digits = w.astype("<f4").tobytes().hex().upper()
    constant = f'%w = arith.constant dense<"0x{digits}"> : {x}'
    folded = optimize(function("f", "", constant), "--canonicalize")
    assert "quantize_weight" not in folded
    outcomes = [
        *run(function("f", f"%w: {x}", ""), [("f", [w], 3)]),
        *run(folded, [("f", [], 3)]),
    ]

    last = np.moveaxis(w, dimension, -2)
    oracle = reference.quantize_weight(last, group=None if sums else group)
    if sums:
        oracle = oracle._replace(sums=reference.group_sums(oracle.codes, group))
    for q, s, c in outcomes:
        equal(np.moveaxis(q, dimension, -2), oracle.codes)
        equal(s if sums else np.moveaxis(s, dimension, -2), oracle.scales)
        equal(np.moveaxis(c, dimension, -2), oracle.sums)


# --------------------------------------------------------------------------- #
# Rescale, compiled
# --------------------------------------------------------------------------- #


def rescale(name, order, sizes, rows, columns, bias, element):
    """A rescale of accumulators whose dimensions, named by letters (b: batch, s:
    tokens, g: groups, n: channels), come in the given order."""

    def kind(letters, element="f32"):
        return tensor([sizes[d] for d in order if d in letters], element)

    acc, row, zero = kind(order, "i32"), kind(rows), kind(rows, "i32")
    column, c = kind(columns), kind({*columns, "g"}, "i32")
    b, l, y = kind("n"), kind("s"), kind(set(order) - {"g"}, element)
    out = kind(set(order) - {"g"})
    add = f"bias(%b : {b}) spread(%l : {l})" if bias else ""
    widen = f"%w = arith.extf %y : {y} to {out}" if element != "f32" else ""
    result = "%y" if element == "f32" else "%w"
    return f"""
func.func @{name}(%a: {acc}, %s: {row}, %z: {zero}, %w: {column}, %c: {c},
                  %b: {b}, %l: {l}) -> {out} {{
  %e = tensor.empty() : {y}
  %y = stamp.rescale along {order.index("s")} over {order.index("n")}
      groups along {order.index("g")}
      ins(%a, %s, %z, %w, %c : {acc}, {row}, {zero}, {column}, {c})
      {add} outs(%e : {y})
  {widen.replace("%w", "%wide")}
  return {result.replace("%w", "%wide")} : {out}
}}
"""


RESCALES = [
    # Accumulators, what rows have, what columns have.
    ("sgn", "sg", "gn"),
    ("sgn", "s", "gn"),
    ("sgn", "sg", "n"),
    ("gsn", "sg", "gn"),
    ("sng", "sg", "gn"),
    ("ngs", "sg", "gn"),
    ("bsgn", "bsg", "bgn"),
    ("bsgn", "bs", "gn"),
    ("bsgn", "bsg", "bn"),
    ("bsgn", "bsg", "n"),
]


@pytest.mark.parametrize("bias", [False, True], ids=["", "bias"])
@pytest.mark.parametrize("element", ["f32", "f16"])
def test_rescale_adds_up_the_groups_as_the_oracle_does(run, bias, element):
    sizes = {"b": 3, "s": 5, "g": 4, "n": 19}
    random = np.random.default_rng(5)
    module, calls, expected = "", [], []
    for i, (order, rows, columns) in enumerate(RESCALES):
        module += rescale(f"f{i}", order, sizes, rows, columns, bias, element)
        canonical = "bsgn" if "b" in order else "sgn"

        def draw(letters, make):
            """Values in the canonical order, and in the program's."""
            here = [d for d in canonical if d in letters]
            there = [d for d in order if d in letters]
            x = make([sizes[d] for d in here])
            return x, np.ascontiguousarray(x.transpose([here.index(d) for d in there]))

        def scale(shape):
            return random.random(shape, np.float32) * np.float32(1e-4)

        def integer(shape):
            return random.integers(-(2**20), 2**20, shape, np.int32)

        def small(shape):
            return random.integers(-8, 8, shape, np.int32)

        acc, acc_in = draw(order, integer)
        s, s_in = draw(rows, scale)
        z, z_in = draw(rows, small)
        w, w_in = draw(columns, scale)
        c, c_in = draw({*columns, "g"}, integer)
        b, l = scale([19]), scale([5])
        calls.append((f"f{i}", [acc_in, s_in, z_in, w_in, c_in, b, l], 1))
        y = reference.rescale_groups(
            acc, s, z, w, c, *((b, l) if bias else (None, None))
        )
        back = [d for d in order if d != "g"]
        here = [d for d in canonical if d != "g"]
        y = y.astype(HALVES[element]).astype(np.float32)
        expected.append(y.transpose([here.index(d) for d in back]))
    for [y], oracle in zip(run(module, calls), expected, strict=True):
        equal(y, oracle)


# --------------------------------------------------------------------------- #
# Plans, carried out
# --------------------------------------------------------------------------- #


def linear(name, sizes, basis, groups, element="f32", leading=(), bias=False):
    """x·w with a plan; the sizes are (tokens, K, N), each of which may be "?"."""
    tokens, k, n = sizes
    x, w = tensor([*leading, tokens, k], element), tensor([*leading, k, n], element)
    y = tensor([*leading, tokens, n], element)
    given = [
        f"{what} = {group}, "
        for what, group in zip(["activation_group", "weight_group"], groups)
        if group
    ]
    wide = [tensor([*leading, *s]) for s in [(tokens, k), (k, n), (tokens, n)]]
    op = "linalg.batch_matmul" if leading else "linalg.matmul"
    d = len(leading)
    size = ["%s"] * (tokens == "?") + ["%n"] * (n == "?")
    narrow, widen = "arith.truncf", f"%r = arith.extf %y : {y} to {wide[2]}"
    if element == "f32":
        narrow, widen = "tensor.cast", f"%r = tensor.cast %y : {y} to {wide[2]}"
    ids = ", ".join(f"d{i}" for i in range(d + 2))
    add = f"""
  %sum = linalg.generic {{
      indexing_maps = [affine_map<({ids}) -> ({ids})>, affine_map<({ids}) -> (d{d + 1})>,
                       affine_map<({ids}) -> ({ids})>],
      iterator_types = [{", ".join(['"parallel"'] * (d + 2))}]}}
      ins(%y0, %b : {y}, {tensor([n])}) outs(%e : {y}) {{
  ^bb0(%p: f32, %q: f32, %o: f32):
    %t = arith.addf %p, %q : f32
    linalg.yield %t : f32
  }} -> {y}"""
    return f"""
func.func @{name}(%xw: {wide[0]}, %ww: {wide[1]}, %b: {tensor([n])}) -> {wide[2]} {{
  %ds = arith.constant {d} : index
  %dn = arith.constant {d + 1} : index
  %s = tensor.dim %xw, %ds : {wide[0]}
  %n = tensor.dim %ww, %dn : {wide[1]}
  %x = {narrow} %xw : {wide[0]} to {x}
  %w = {narrow} %ww : {wide[1]} to {w}
  %zero = arith.constant 0.0 : {element}
  %e = tensor.empty({", ".join(size)}) : {y}
  %i = linalg.fill ins(%zero : {element}) outs(%e : {y}) -> {y}
  %y{"0" * bias} = {op} {{stamp.plan = #stamp.plan<basis = {basis},
      activations = {SCHEDULE}, {"".join(given)}weight_bits = 4>}}
      ins(%x, %w : {x}, {w}) outs(%i : {y}) -> {y}{add * bias}
  {widen.replace("%y ", "%sum ") if bias else widen}
  return %r : {wide[2]}
}}
"""


def test_planned_linears_of_groups_compute_what_the_oracle_does(run, optimize):
    bases = [reference.Identity(), reference.Haar(3, skip=1)]
    grouped = [(64, 64), (64, None), (None, 64), (7, 7), (128, None), (None, 128)]
    cases, module, calls = [], "", []
    for groups, leading in itertools.product(grouped, [(), (2,)]):
        basis = bases[len(cases) // 2 % 2]
        element = ["f32", "f16", "bf16"][len(cases) % 3]
        name = f"f{len(cases)}"
        # K is 128 or ragged, and sometimes nobody knows it.
        k = 100 if len(cases) % 4 < 2 else 128
        known = "?" if len(cases) % 5 == 0 else k
        module += linear(name, ("?", known, 24), basis, groups, element, leading)
        x = batch(*leading, 13, k, seed=len(cases))
        w = batch(*leading, k, 24, seed=len(cases) + 1)
        x, w = (a.astype(HALVES[element]).astype(np.float32) for a in (x, w))
        calls.append((name, [x, w, np.zeros(24, np.float32)], 1))
        cases.append((basis, groups, element))
    compiled = optimize(module, "--stamp-quantize")
    assert "linalg.matmul" not in compiled and "linalg.contract" in compiled
    for (basis, groups, element), (_, (x, w, _), _), [y] in zip(
        cases, calls, run(compiled, calls, "-O1"), strict=True
    ):
        out = reference.stamp_linear(
            x, w, basis, SCHEDULE, activation_group=groups[0], weight_group=groups[1]
        )
        equal(y, out.astype(HALVES[element]).astype(np.float32))


@pytest.mark.parametrize("groups", [(16, 16), (16, None), (None, 16)])
def test_a_bias_moves_into_a_rescale_of_groups(run, optimize, groups):
    basis = reference.Haar(3, skip=1)
    module = linear("f", ("?", 40, 24), basis, groups, bias=True)
    folded = optimize(module, "--stamp-quantize", "--stamp-fold")
    assert "bias(" in folded and "spread(" in folded
    x, w = ar1(13, 40), ar1(40, 24, seed=1)
    b = ar1(1, 24, seed=2)[0]
    [[y]] = run(folded, [("f", [x, w, b], 1)])
    activation = reference.quantize(basis.forward(x), SCHEDULE, group=groups[0])
    weight = reference.quantize_weight(w, group=groups[1])
    if not groups[1]:
        weight = weight._replace(sums=reference.group_sums(weight.codes, 16))
    ones = basis.transformed_ones(13)
    equal(y, basis.inverse(reference.integer_linear(activation, weight, b, ones, 16)))


@pytest.mark.parametrize("k", [66_311, 70_000, 131_073])
@pytest.mark.parametrize("constant", [False, True], ids=["argument", "constant"])
def test_sums_of_any_length_do_not_overflow(run, optimize, k, constant):
    """The largest codes there are, which exceed 2³¹ from K = 66,312 on, and
    others."""
    x, w = ar1(3, k), ar1(k, 2, seed=1)
    x[0], w[:, 0] = 1, -1
    basis, schedule = reference.Identity(), reference.Schedule([], 8)
    weight = f"%w = arith.constant dense_resource<w> : {tensor([k, 2])}"
    module = f"""
func.func @f(%x: {tensor([3, k])}{"" if constant else f", %w: {tensor([k, 2])}"})
    -> {tensor([3, 2])} {{
  {weight * constant}
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : {tensor([3, 2])}
  %i = linalg.fill ins(%zero : f32) outs(%e : {tensor([3, 2])}) -> {tensor([3, 2])}
  %y = linalg.matmul {{stamp.plan = #stamp.plan<basis = {basis},
      activations = {schedule}, weight_bits = 8>}}
      ins(%x, %w : {tensor([3, k])}, {tensor([k, 2])})
      outs(%i : {tensor([3, 2])}) -> {tensor([3, 2])}
  return %y : {tensor([3, 2])}
}}
"""
    if constant:
        blob = (4).to_bytes(4, "little") + w.tobytes()
        module += f"""
{{-#
  dialect_resources: {{ builtin: {{ w: "0x{blob.hex().upper()}" }} }}
#-}}
"""
    compiled = optimize(module, "--stamp-quantize")
    assert ("stamp.quantize_weight" in compiled) != constant
    assert ("groups along" in compiled) == (k > 66_311)
    [[y]] = run(compiled, [("f", [x] if constant else [x, w], 1)])
    equal(y, reference.stamp_linear(x, w, basis, schedule, weight_bits=8))
    assert abs(y[0, 0] + k) <= 1e-5 * k


SCRIPT = """
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %q = transform.structured.match ops{["stamp.quantize"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.tile_using_for %q tile_sizes [5]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %w = transform.structured.match ops{["stamp.quantize_weight"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.tile_using_for %w tile_sizes [0, 7]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %r = transform.structured.match ops{["stamp.rescale"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.tile_using_for %r tile_sizes [6, 0, 9]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}
"""


@pytest.mark.parametrize("groups", [(16, 16), (16, None)])
def test_tiled_groups_are_untiled_ones(tmp_path, run, optimize, groups):
    script = tmp_path / "script.mlir"
    script.write_text(SCRIPT)
    module = linear("f", ("?", 40, 24), reference.Identity(), groups)
    tiled = optimize(
        optimize(module, "--stamp-quantize"),
        f"--transform-preload-library=transform-library-paths={script}",
        "--transform-interpreter",
        "--canonicalize",
        "--cse",
    )
    assert "rows at" in tiled and tiled.count("scf.for") == 4
    x, w = ar1(13, 40), ar1(40, 24, seed=1)
    [[y]] = run(tiled, [("f", [x, w, np.zeros(24, np.float32)], 1)])
    on_rows, on_weights = groups
    equal(
        y,
        reference.stamp_linear(
            x,
            w,
            reference.Identity(),
            SCHEDULE,
            activation_group=on_rows,
            weight_group=on_weights,
        ),
    )
