# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention over keys and values that are 4-bit codes, against the oracle.

The codes are exact; outputs are compared with attention over what just these
codes stand for.
"""

import re

import numpy as np
import pytest
from stamp import reference
from stamp.testdata import ar1

HEADS, QUERIES, TOKENS, WIDTH = 2, 3, 37, 16
# One coefficient of each block of 16 has 8 bits: 4.25 bits a code.
SCHEDULE = reference.Schedule([(0.0625, 8)], 4)
BASES = [reference.Haar(4), reference.WHT(16), reference.Identity()]


def tensor(*sizes, element="f32"):
    return f"tensor<{'x'.join(map(str, [*sizes, element]))}>"


def attention(tokens=TOKENS, queries=QUERIES, causal=False):
    """Heads of Q·Kᵀ, an optional causal mask, softmax, P·V."""
    q, k = tensor(HEADS, queries, WIDTH), tensor(HEADS, tokens, WIDTH)
    s, r = tensor(HEADS, queries, tokens), tensor(HEADS, queries)
    size = "%n" if tokens == "?" else ""
    maps = [f"affine_map<(h, i, j) -> ({m})>" for m in ("h, i, j", "h, i")]
    generic = f"""linalg.generic {{indexing_maps = [{maps[0]}, {maps[1]}, {maps[0]}],
      iterator_types = ["parallel", "parallel", "parallel"]}}"""
    visible = "arith.cmpi ule, %j, %last : index" if causal else "arith.constant true"
    contraction = [
        f"affine_map<(h, i, j, d) -> ({m})>" for m in ("h, i, d", "h, j, d", "h, i, j")
    ]
    return f"""
func.func @attention(%q: {q}, %k: {k}, %v: {k}) -> {q} {{
  %c0 = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %one = arith.constant 1 : index
  %n = tensor.dim %k, %one : {k}
  %m = tensor.dim %q, %one : {q}
  %before = arith.subi %n, %m : index
  %es = tensor.empty({size}) : {s}
  %er = tensor.empty() : {r}
  %ey = tensor.empty() : {q}
  %zs = linalg.fill ins(%c0 : f32) outs(%es : {s}) -> {s}
  %zr = linalg.fill ins(%c0 : f32) outs(%er : {r}) -> {r}
  %zl = linalg.fill ins(%low : f32) outs(%er : {r}) -> {r}
  %zy = linalg.fill ins(%c0 : f32) outs(%ey : {q}) -> {q}
  %s = linalg.batch_matmul indexing_maps = [{", ".join(contraction)}]
      ins(%q, %k : {q}, {k}) outs(%zs : {s}) -> {s}
  %masked = linalg.generic {{indexing_maps = [{maps[0]}, {maps[0]}],
      iterator_types = ["parallel", "parallel", "parallel"]}}
      ins(%s : {s}) outs(%es : {s}) {{
  ^bb0(%a: f32, %o: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %last = arith.addi %before, %i : index
    %visible = {visible}
    %r = arith.select %visible, %a, %low : f32
    linalg.yield %r : f32
  }} -> {s}
  %max = linalg.reduce {{ arith.maximumf }} ins(%masked : {s}) outs(%zl : {r})
      dimensions = [2]
  %exp = {generic} ins(%masked, %max : {s}, {r}) outs(%es : {s}) {{
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.subf %a, %b : f32
    %r = math.exp %d : f32
    linalg.yield %r : f32
  }} -> {s}
  %sum = linalg.reduce {{ arith.addf }} ins(%exp : {s}) outs(%zr : {r})
      dimensions = [2]
  %p = {generic} ins(%exp, %sum : {s}, {r}) outs(%es : {s}) {{
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.divf %a, %b : f32
    linalg.yield %r : f32
  }} -> {s}
  %y = linalg.batch_matmul ins(%p, %v : {s}, {k}) outs(%zy : {q}) -> {q}
  return %y : {q}
}}
"""


def inputs(tokens, queries=QUERIES):
    """AR(1) keys and values, two loud channels in each head."""
    keys, values = (
        np.stack([ar1(tokens, WIDTH, outliers=2, seed=s + h) for h in range(HEADS)])
        for s in (3, 30)
    )
    random = np.random.default_rng(8)
    q = random.standard_normal((HEADS, queries, WIDTH)).astype(np.float32) / 16
    return q, keys, values


def attend(q, k, v, causal=False):
    scores = q @ k.swapaxes(-1, -2)
    if causal:
        i, j = np.ogrid[: scores.shape[-2], : scores.shape[-1]]
        scores = np.where(j <= i + scores.shape[-1] - scores.shape[-2], scores, -np.inf)
    exp = np.exp(scores - scores.max(-1, keepdims=True))
    return exp / exp.sum(-1, keepdims=True) @ v


def through_codes(x, basis, schedule=SCHEDULE, group=None):
    codes = reference.quantize(basis.forward(x), schedule, group=group)
    return basis.inverse(reference.dequantize(codes, group))


def quantize_attention(optimize, module, basis, *more, schedule=SCHEDULE):
    option = f"basis={{{basis}}} schedule={{{schedule}}}"
    return optimize(module, f"--stamp-quantize-attention={option}", *more)


def assert_close(actual, expected):
    assert np.abs(actual - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(
    "queries, causal", [(QUERIES, False), (QUERIES, True), (TOKENS, True)], ids=str
)
@pytest.mark.parametrize("basis", BASES, ids=str)
def test_outputs_are_those_of_the_codes(run, optimize, basis, queries, causal):
    """Whether the transform moved (few queries) or not, folded or not."""
    module = attention(queries=queries, causal=causal)
    q, k, v = inputs(TOKENS, queries)
    expected = attend(q, through_codes(k, basis), through_codes(v, basis), causal)
    for fold in [], ["--stamp-fold"]:
        program = quantize_attention(optimize, module, basis, *fold)
        moved = fold and queries < WIDTH and not basis == reference.Identity()
        on_scores = f"inverse_transform {basis} along 2"
        assert (on_scores in program) == bool(moved)
        [[actual]] = run(program, [("attention", [q, k, v], 1)])
        assert_close(actual, expected)


@pytest.mark.parametrize("basis", BASES[:2], ids=str)
def test_one_program_serves_all_lengths(run, optimize, basis):
    program = quantize_attention(optimize, attention("?"), basis, "--stamp-fold")
    lengths = [1, 2, 15, 16, 37]
    calls = [("attention", list(inputs(n)), 1) for n in lengths]
    for (_, (q, k, v), _), [actual] in zip(calls, run(program, calls), strict=True):
        expected = attend(q, through_codes(k, basis), through_codes(v, basis))
        assert_close(actual, expected)


def test_codes_are_the_oracles(run, optimize):
    """The codes that the pass makes, returned beside what is computed of them."""
    basis = BASES[0]
    program = quantize_attention(optimize, attention(), basis)
    names = re.findall(r"(%\w+), (%\w+), (%\w+) = stamp.quantize", program)
    if not names:
        names = [
            [f"{name}#{i}" for i in range(3)]
            for name in re.findall(r"(%\w+):3 = stamp.quantize", program)
        ]
    assert len(names) == 2
    q, rows = tensor(HEADS, QUERIES, WIDTH), tensor(HEADS, TOKENS)
    kinds = [tensor(HEADS, TOKENS, WIDTH, element="i8"), rows, rows[:-4] + "i32>"]
    program = program.replace(f"-> {q} {{", f"-> ({', '.join(kinds * 2)}) {{")
    program = re.sub(
        r"return .*",
        f"return {', '.join(sum(map(list, names), []))} : {', '.join(kinds * 2)}",
        program,
    )
    arrays = inputs(TOKENS)
    [results] = run(program, [("attention", list(arrays), 6)])
    for x, actual in zip(arrays[1:], (results[:3], results[3:]), strict=True):
        expected = reference.quantize(basis.forward(x), SCHEDULE)
        for one, other in zip(actual, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_transform_is_worth_its_while(run, optimize):
    """At 4.25 bits a code, on the exact attention: L against no L.

    One more assertion than on the keys alone, because an error of a score is an
    error of all outputs.
    """
    module = attention(tokens=256, queries=64)
    q, k, v = inputs(256, 64)
    exact = attend(*(x.astype(np.float64) for x in (q, k, v)))
    decibels = {}
    for basis in reference.Identity(), reference.Haar(4):
        program = quantize_attention(optimize, module, basis, "--stamp-fold")
        [[actual]] = run(program, [("attention", [q, k, v], 1)])
        decibels[str(basis)] = reference.sqnr_db(exact, actual)
    without, transformed = decibels.values()
    assert transformed > without + 3


def test_a_caller_is_given_codes(run, optimize):
    """Keys and values that a model returns, as 4.25 bits a code; not its output."""
    basis = BASES[0]
    kinds = [tensor(HEADS, QUERIES, WIDTH), *[tensor(HEADS, TOKENS, WIDTH)] * 2]
    module = attention().replace(f"-> {kinds[0]} {{", f"-> ({', '.join(kinds)}) {{")
    module = re.sub(r"return .*", f"return %y, %k, %v : {', '.join(kinds)}", module)
    program = optimize(
        module,
        f"--stamp-quantize-attention=basis={{{basis}}} schedule={{{SCHEDULE}}} "
        "return-codes",
        "--stamp-fold",
    )
    q, k, v = inputs(TOKENS)
    [[y, *results]] = run(program, [("attention", [q, k, v], 9)])
    assert_close(y, attend(q, through_codes(k, basis), through_codes(v, basis)))
    for x, actual in zip((k, v), (results[:4], results[4:]), strict=True):
        codes, scales, zeros = reference.quantize(basis.forward(x), SCHEDULE)
        expected = [*reference.pack(codes, SCHEDULE, -2, -1), scales, zeros]
        for one, other in zip(actual, expected, strict=True):
            np.testing.assert_array_equal(one, other)
        assert actual[3].dtype == np.int8
        size = sum(part.nbytes for part in actual[:2])
        assert size * 8 == HEADS * WIDTH * SCHEDULE.bits_per_row(TOKENS).sum()
