# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A cache of keys and values that grows token by token, against the oracle.

After every token the cache must be, bit for bit, what quantizing all whole blocks
at once gives, and every step of a decode loop must attend to just those codes.
"""

from typing import NamedTuple

import numpy as np
import pytest
from stamp import reference
from stamp.testdata import ar1

HEADS, QUERIES, WIDTH, CAPACITY = 2, 3, 8, 4


class Form(NamedTuple):
    """What the declarations of a cache say."""

    basis: reference.Basis
    schedule: reference.Schedule
    block: int
    window: int
    group: int | None = None
    element: str = "f32"

    @property
    def arguments(self):
        return self.basis, self.schedule, self.block, self.window, self.group


MIXED = reference.Schedule([(1, 8)], 4)
FLAT = reference.Schedule([], 4)
FORMS = {
    "mixed": Form(reference.Haar(3), MIXED, 8, 8),
    "flat": Form(reference.Haar(2), FLAT, 4, 4),
    # More recent tokens than a block, and not a number of blocks.
    "window": Form(reference.Haar(2), MIXED, 4, 10),
    "groups": Form(reference.WHT(), MIXED, 4, 4, group=3),
    "half": Form(reference.Haar(2), FLAT, 4, 6, element="f16"),
    "no_transform": Form(reference.Identity(), FLAT, 4, 4),
    "one_token": Form(reference.Identity(), FLAT, 1, 1),
}


def tensor(*sizes, element="f32"):
    return f"tensor<{''.join(f'{size}x' for size in sizes)}{element}>"


def state_arrays(form, blocks=CAPACITY):
    """A cache without tokens, full of what must not come through."""
    full = np.zeros((HEADS, blocks * form.block, WIDTH), np.float32)
    parts, scales, zeros, _ = reference.kv_cache(
        full, form.basis, form.schedule, form.block, form.block, form.group
    )
    garbage = [np.full(part.shape, 0x5A, np.int8) for part in parts]
    dtype = np.float16 if form.element == "f16" else np.float32
    recent = np.full((HEADS, form.window, WIDTH), np.nan, dtype)
    return [*garbage, np.full_like(scales, np.nan), np.full_like(zeros, 77), recent]


def state_types(form):
    names = {"int8": "i8", "float32": "f32", "float16": "f16"}
    return [
        tensor(*array.shape, element=names[str(array.dtype)])
        for array in state_arrays(form)
    ]


def declarations(form):
    group = f", group = {form.group}" if form.group else ""
    kv = f"#stamp.kv_cache<basis = {form.basis}, schedule = {form.schedule}{group}>"
    state = ", ".join([*state_types(form), "index"])
    x = tensor(HEADS, "?", WIDTH, element=form.element)
    q, p = tensor(HEADS, QUERIES, WIDTH), tensor(HEADS, QUERIES, "?")
    return f"""
func.func private @append({x}, {state}) -> ({state})
    attributes {{stamp.kv_append = {kv}}}
func.func private @scores({q}, {state}) -> {p} attributes {{stamp.kv_scores = {kv}}}
func.func private @mix({p}, {state}) -> {q} attributes {{stamp.kv_mix = {kv}}}
"""


def softmax(x, kind):
    """Generics, as importers write it."""
    rows = tensor(HEADS, QUERIES)
    all3, row3 = (f"affine_map<(h, i, j) -> ({m})>" for m in ("h, i, j", "h, i"))
    wide = '["parallel", "parallel", "parallel"]'

    def reduce(name, x, start, op):
        return f"""
  %{name}c = arith.constant {start} : f32
  %{name}e = tensor.empty() : {rows}
  %{name}i = linalg.fill ins(%{name}c : f32) outs(%{name}e : {rows}) -> {rows}
  %{name} = linalg.reduce {{ arith.{op} }} ins({x} : {kind}) outs(%{name}i : {rows})
      dimensions = [2]"""

    def map2(name, x, y, body):
        return f"""
  %{name} = linalg.generic {{indexing_maps = [{all3}, {row3}, {all3}],
      iterator_types = {wide}}} ins({x}, {y} : {kind}, {rows}) outs({x} : {kind}) {{
  ^bb0(%a: f32, %b: f32, %o: f32):
    {body}
    linalg.yield %r : f32
  }} -> {kind}"""

    return (
        reduce("max", x, "0xFF800000", "maximumf")
        + map2(
            "exp",
            x,
            "%max",
            "%d = arith.subf %a, %b : f32\n    %r = math.exp %d : f32",
        )
        + reduce("sum", "%exp", "0.0", "addf")
        + map2("p", "%exp", "%sum", "%r = arith.divf %a, %b : f32")
    )


def decoder(form):
    """Appends the keys and values one by one, and attends with each query.

    A state goes through the loop for the keys and one for the values.  The rows of
    queries are those of one key head: a group of heads has a row for each.
    """
    state = state_types(form)
    count = len(state)
    x = tensor(HEADS, "?", WIDTH, element=form.element)
    one = tensor(HEADS, 1, WIDTH, element=form.element)
    q, qs = tensor(HEADS, QUERIES, WIDTH), tensor("?", HEADS, QUERIES, WIDTH)
    p = tensor(HEADS, QUERIES, "?")
    names = [f"%{which}s{i}" for which in "kv" for i in range(count)]
    types = ", ".join(state)

    carried = [*(f"{n}l = {n}" for n in names), "%out = %init"]

    def listed(pattern, count=count):
        return ", ".join(pattern.format(i) for i in range(count))

    kinds = ", ".join([types, types, qs])
    return declarations(form) + f"""
func.func @main(%keys: {x}, %values: {x}, %queries: {qs},
    {", ".join(f"{n}: {t}" for n, t in zip(names, state * 2))}) -> ({kinds}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %steps = tensor.dim %queries, %c0 : {qs}
  %init = tensor.empty(%steps) : {qs}
  %done:{2 * count + 1} = scf.for %t = %c0 to %steps step %c1
      iter_args({", ".join(carried)}) -> ({kinds}) {{
    %n = arith.addi %t, %c1 : index
    %k1 = tensor.extract_slice %keys[0, %t, 0] [{HEADS}, 1, {WIDTH}] [1, 1, 1]
        : {x} to {one}
    %v1 = tensor.extract_slice %values[0, %t, 0] [{HEADS}, 1, {WIDTH}] [1, 1, 1]
        : {x} to {one}
    %k = tensor.cast %k1 : {one} to {x}
    %v = tensor.cast %v1 : {one} to {x}
    %q = tensor.extract_slice %queries[%t, 0, 0, 0] [1, {HEADS}, {QUERIES}, {WIDTH}]
        [1, 1, 1, 1] : {qs} to {q}
    %kn:{count + 1} = func.call @append(%k, {listed("%ks{}l")},
        %t) : ({x}, {types}, index) -> ({types}, index)
    %vn:{count + 1} = func.call @append(%v, {listed("%vs{}l")},
        %t) : ({x}, {types}, index) -> ({types}, index)
    %s = func.call @scores(%q, {listed("%kn#{}", count + 1)})
        : ({q}, {types}, index) -> {p}
    {softmax("%s", p)}
    %y = func.call @mix(%p, {listed("%vn#{}", count + 1)})
        : ({p}, {types}, index) -> {q}
    %next = tensor.insert_slice %y into %out[%t, 0, 0, 0]
        [1, {HEADS}, {QUERIES}, {WIDTH}] [1, 1, 1, 1] : {q} into {qs}
    scf.yield {", ".join(f"%{w}n#{i}" for w in "kv" for i in range(count))}, %next
        : {kinds}
  }}
  return {", ".join(f"%done#{i}" for i in range(2 * count + 1))} : {kinds}
}}
"""


def sequences(form, tokens, seed):
    """AR(1) tokens with a loud channel for each head."""
    heads = [ar1(tokens, WIDTH, outliers=1, seed=seed + h) for h in range(HEADS)]
    return np.stack(heads).astype(np.float16 if form.element == "f16" else np.float32)


def attend(q, k, v):
    scores = q @ k.swapaxes(-1, -2)
    exp = np.exp(scores - scores.max(-1, keepdims=True))
    return exp / exp.sum(-1, keepdims=True) @ v


def assert_holds(results, expected):
    """What is in use of the state's tensors; the rest is whatever it was."""
    *parts, scales, zeros, window = results
    m = expected.scales.shape[1]
    for actual, part in zip(parts, expected.parts, strict=True):
        np.testing.assert_array_equal(actual[:, :m], part)
    np.testing.assert_array_equal(scales[:, :m], expected.scales)
    np.testing.assert_array_equal(zeros[:, :m], expected.zeros)
    recent = expected.recent
    np.testing.assert_array_equal(window[:, : recent.shape[1]], recent)


PASSES = {
    "emitted": ("--stamp-kv-cache",),
    "folded": ("--stamp-kv-cache", "--inline", "--stamp-fold"),
}


@pytest.mark.parametrize("passes", PASSES)
@pytest.mark.parametrize("form", FORMS)
def test_every_step_is_all_blocks_at_once(run, optimize, form, passes):
    form = FORMS[form]
    program = optimize(decoder(form), *PASSES[passes])
    most = CAPACITY * form.block + form.window - 1
    keys, values = (sequences(form, most, seed) for seed in (1, 11))
    queries = np.random.default_rng(5).standard_normal(
        (most, HEADS, QUERIES, WIDTH)
    ).astype(np.float32) / 4
    state = state_arrays(form)
    lengths = range(1, most + 1)
    calls = [
        ("main", [keys[:, :n], values[:, :n], queries[:n], *state, *state],
         2 * len(state) + 1)
        for n in lengths
    ]
    outcomes = run(program, calls, "-O1", "--allow-nonfinite")
    for n, results in zip(lengths, outcomes, strict=True):
        held = [reference.kv_cache(x[:, :n], *form.arguments) for x in (keys, values)]
        assert_holds(results[: len(state)], held[0])
        assert_holds(results[len(state) : -1], held[1])
        k, v = (
            reference.read_kv_cache(h, form.basis, form.schedule, form.group)
            for h in held
        )
        expected, actual = attend(queries[n - 1], k, v), results[-1][n - 1]
        assert np.abs(actual - expected).max() <= 1e-5 * np.abs(expected).max()
    assert held[0].scales.shape[1] == CAPACITY


def filler(form):
    """Appends any number of tokens to a cache of any length."""
    state = state_types(form)
    types = ", ".join(state)
    x = tensor(HEADS, "?", WIDTH, element=form.element)
    count = len(state)
    return declarations(form) + f"""
func.func @main(%x: {x}, %length: tensor<i64>,
    {", ".join(f"%s{i}: {t}" for i, t in enumerate(state))}) -> ({types}) {{
  %wide = tensor.extract %length[] : tensor<i64>
  %n = arith.index_cast %wide : i64 to index
  %r:{count + 1} = func.call @append(%x, {", ".join(f"%s{i}" for i in range(count))},
      %n) : ({x}, {types}, index) -> ({types}, index)
  return {", ".join(f"%r#{i}" for i in range(count))} : {types}
}}
"""


def append(run, program, form, x, length=0, state=None):
    inputs = [x, np.array(length), *(state or state_arrays(form))]
    [results] = run(program, [("main", inputs, len(inputs) - 2)], "--allow-nonfinite")
    return results


def test_tokens_come_in_any_portions(run, optimize):
    """A prompt at once, then a few, then one."""
    form = FORMS["window"]
    program = optimize(filler(form), "--stamp-kv-cache")
    x, state, length = sequences(form, 22, seed=4), None, 0
    for portion in 15, 6, 1:
        state = append(run, program, form, x[:, length:][:, :portion], length, state)
        length += portion
        assert_holds(state, reference.kv_cache(x[:, :length], *form.arguments))
    assert length == x.shape[1]


def test_a_negative_length_stops_the_program(run, optimize):
    form = FORMS["flat"]
    program = optimize(filler(form), "--stamp-kv-cache")
    with pytest.raises(AssertionError, match="the number of tokens is negative"):
        append(run, program, form, sequences(form, 1, seed=4), length=-1)


def test_a_full_cache_stops_the_program(run, optimize):
    form = FORMS["flat"]
    program = optimize(filler(form), "--stamp-kv-cache")
    most = CAPACITY * form.block + form.window - 1
    x = sequences(form, most + 1, seed=4)
    append(run, program, form, x[:, :most])
    with pytest.raises(AssertionError, match="append: the cache has too few blocks"):
        append(run, program, form, x)


def test_sizes_that_run_time_knows(run, optimize):
    """Any number of heads, queries and blocks; and sizes that disagree stop it."""
    form = FORMS["mixed"]

    def dynamic(kind):
        *sizes, element = kind[len("tensor<") : -1].split("x")
        blocks = 2 if sizes[1] == str(CAPACITY) else 1
        return tensor(*"?" * blocks, *sizes[blocks:], element=element)

    state = [dynamic(kind) for kind in state_types(form)]
    types, count = ", ".join(state), len(state)
    x, p = tensor("?", "?", WIDTH), tensor("?", "?", "?")
    kv = f"#stamp.kv_cache<basis = {form.basis}, schedule = {form.schedule}>"
    held = ", ".join(f"%r#{i}" for i in range(count + 1))
    program = optimize(
        f"""
func.func private @append({x}, {types}, index) -> ({types}, index)
    attributes {{stamp.kv_append = {kv}}}
func.func private @scores({x}, {types}, index) -> {p}
    attributes {{stamp.kv_scores = {kv}}}
func.func private @mix({p}, {types}, index) -> {x} attributes {{stamp.kv_mix = {kv}}}
func.func @main(%x: {x}, %q: {x},
    {", ".join(f"%s{i}: {t}" for i, t in enumerate(state))})
    -> ({types}, {x}) {{
  %none = arith.constant 0 : index
  %r:{count + 1} = func.call @append(%x, {", ".join(f"%s{i}" for i in range(count))},
      %none) : ({x}, {types}, index) -> ({types}, index)
  %s = func.call @scores(%q, {held}) : ({x}, {types}, index) -> {p}
  %y = func.call @mix(%s, {held}) : ({p}, {types}, index) -> {x}
  return {", ".join(f"%r#{i}" for i in range(count))}, %y : {types}, {x}
}}
""",
        "--stamp-kv-cache",
    )
    tokens, queries = sequences(form, 21, seed=2), sequences(form, 5, seed=9)
    state = state_arrays(form)
    inputs = [tokens, queries, *state]
    [[*results, y]] = run(program, [("main", inputs, count + 1)], "--allow-nonfinite")
    expected = reference.kv_cache(tokens, *form.arguments)
    assert_holds(results, expected)
    k = reference.read_kv_cache(expected, form.basis, form.schedule)
    y_expected = queries @ k.swapaxes(-1, -2) @ k
    assert np.abs(y - y_expected).max() <= 1e-5 * np.abs(y_expected).max()

    for number, other in (0, tokens[:1]), (1, queries[:1]), (4, state[2][:, :2]):
        wrong = [*inputs]
        wrong[number] = other
        with pytest.raises(AssertionError, match="sizes of its tensors do not agree"):
            run(program, [("main", wrong, count + 1)], "--allow-nonfinite")


@pytest.mark.parametrize("schedule, bits", [(FLAT, 4), (MIXED, 4.25)], ids=str)
def test_codes_take_their_bits_and_are_worth_them(run, optimize, schedule, bits):
    """The bytes of what is stored, and what they give with and without L."""
    width, block, blocks = 64, 16, 4
    x = np.stack([ar1(blocks * block, width, outliers=3, seed=h) for h in range(2)])
    decibels = []
    for basis in reference.Identity(), reference.Haar(4):
        form = Form(basis, schedule, block, block)
        held = reference.kv_cache(x, *form.arguments)
        parts = [tensor(*part.shape, element="i8") for part in held.parts]
        rows = held.scales.shape
        state = [*parts, tensor(*rows), tensor(*rows, element="i8")]
        state.append(tensor(2, block, width))
        types, count = ", ".join(state), len(state)
        kind = tensor(2, "?", width)
        program = optimize(
            f"""
func.func private @append({kind}, {types}, index) -> ({types}, index) attributes {{
    stamp.kv_append = #stamp.kv_cache<basis = {basis}, schedule = {schedule}>}}
func.func @main(%x: {kind}, {", ".join(f"%s{i}: {t}" for i, t in enumerate(state))})
    -> ({types}) {{
  %none = arith.constant 0 : index
  %r:{count + 1} = func.call @append(%x, {", ".join(f"%s{i}" for i in range(count))},
      %none) : ({kind}, {types}, index) -> ({types}, index)
  return {", ".join(f"%r#{i}" for i in range(count))} : {types}
}}
""",
            "--stamp-kv-cache",
        )
        stored = [*held.parts, held.scales, held.zeros]
        empty = [np.zeros_like(array) for array in stored]
        empty.append(np.zeros((2, block, width), np.float32))
        [results] = run(program, [("main", [x, *empty], count)])
        *parts, scales, zeros, window = results
        assert sum(part.nbytes for part in parts) * 8 == bits * x.size
        # And a scale and a zero point for each token of each head.
        assert scales.nbytes + zeros.nbytes == 5 * x.size // width
        cached = reference.KVCache(parts, scales, zeros, window[:, :0])
        decibels.append(
            reference.sqnr_db(x, reference.read_kv_cache(cached, basis, schedule))
        )
    # One width for all gives nothing for what L concentrates (Theorem 1); two do.
    without, transformed = decibels
    if schedule is FLAT:
        assert abs(transformed - without) < 1
    else:
        assert transformed > without + 5
