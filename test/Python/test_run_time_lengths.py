# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Numbers of tokens that only run time knows, through select, quantize and fold.

A program for every length, where few tokens are not transformed; and padded
batches, whose lengths are an argument of the model.
"""

import re
import subprocess

import numpy as np
import pytest
from conftest import BIN
from ir_writer import Writer, tensor
from models import ADD, MULTIPLY_ADD, weights
from stamp import reference
from stamp.testdata import ar1

WIDTH, NARROW = 16, 8
SEGMENTS = [(0.0625, 8), (0.25, 5)], 4
LENGTHS = [1, 2, 3, 7, 8, 13, 31, 32, 33, 64, 197, 512, 2047, 4096]
BASES = [reference.Haar(4), reference.WHT(), reference.Identity()]
W = {
    "query": weights(1, WIDTH, WIDTH),
    "key": weights(2, WIDTH, NARROW),
    "value": weights(3, WIDTH, NARROW),
    "bias": 5 * weights(4, 1, WIDTH)[0],
    "out": weights(5, WIDTH, WIDTH),
    "next": weights(6, WIDTH, NARROW),
}


def write(batch, tokens="?", padded=False):
    """q, k and v of the same tokens; a linear of q with a bias; a residual, and a
    linear of that.  With a batch, in 3-D."""
    leading = [] if batch is None else [batch]
    loops = "d0, d1, d2, d3"[4 * (1 - len(leading)) :]
    rows, features, channels = loops[: -len(", d2, d3")], "d3", "d2"
    each, iterators = f"{rows}, {channels}", "p" * (len(leading) + 2)
    wide = [*leading, tokens, WIDTH]
    names = dict(zip(re.findall("d.", loops), ["d0", "d1", "d2", "d3"]))

    def rename(text):
        return re.sub("d.", lambda match: names[match[0]], text)

    f = Writer(tensor(wide), *[tensor(leading, "i64")] * padded)
    x = f.arguments[0]

    def linear(x, w, sizes):
        maps = f"{rows}, {features}", f"{features}, {channels}", each
        init = f.init([*leading, tokens, sizes], x)
        maps = [rename(text) for text in maps]
        return f.generic(maps, iterators + "r", [x, w], init, MULTIPLY_ADD)

    def add(x, y, of_y):
        maps = [rename(text) for text in (each, of_y, each)]
        return f.generic(maps, iterators, [x, y], f.init(wide, x), ADD)

    w = {name: f.constant(array) for name, array in W.items()}
    query = linear(x, w["query"], WIDTH)
    key, value = linear(x, w["key"], NARROW), linear(x, w["value"], NARROW)
    out = linear(add(query, w["bias"], channels), w["out"], WIDTH)
    stream = add(x, out, each)
    module = f.returning(key, value, stream, linear(stream, w["next"], NARROW))
    if padded:
        attribute = f"#stamp.padded<along = {len(leading)}, lengths = 1>"
        module = module.replace(
            f"%arg0: {x[1]}", f"%arg0: {x[1]} {{stamp.padded = {attribute}}}", 1
        )
    return module


def select(basis, *options):
    given = f"basis={{{basis}}} schedule={{{reference.Schedule(*SEGMENTS)}}}"
    return f"--stamp-select={' '.join([given, *options])}"


def returning_codes(module):
    """The module, returning the codes, scales and zero points of its quantizers
    too, and how many quantizers there are."""
    found = re.findall(
        r"(%.*) = stamp\.quantize .* outs\(.* : (tensor.*, tensor.*, tensor.*)\)", module
    )
    names, kinds = zip(*found)
    values, types = re.search(r"return (.*) : (.*)\n", module).groups()
    returned = ", ".join([values, *names]), ", ".join([types, *kinds])
    module = re.sub(r"return .* : .*\n", "return {} : {}\n".format(*returned), module)
    return re.sub(r"-> \(.*\) \{\n", f"-> ({returned[1]}) {{\n", module, 1), len(found)


def oracle(x, basis, schedule, lengths=None):
    """The model folded: the outputs, and what each quantizer has made."""
    w = {name: reference.quantize_weight(W[name]) for name in W if name != "bias"}
    quantizers = []

    def quantize(coefficients):
        codes = reference.quantize(coefficients, schedule, lengths=lengths)
        quantizers.append(codes)
        return codes

    ones = basis.transformed_ones(x.shape[-2], lengths=lengths)
    coefficients = basis.forward(x, -2, lengths)
    codes = quantize(coefficients)
    query = reference.integer_linear(codes, w["query"], W["bias"], ones)
    key, value = (reference.integer_linear(codes, w[name]) for name in ("key", "value"))
    stream = coefficients + reference.integer_linear(quantize(query), w["out"])
    last = reference.integer_linear(quantize(stream), w["next"])
    outputs = [basis.inverse(y, -2, lengths) for y in (key, value, stream, last)]
    return outputs, quantizers


def check(results, expected, rows=...):
    outputs, quantizers = expected
    expected = [*outputs, *(part for codes in quantizers for part in codes)]
    for actual, value in zip(results, expected, strict=True):
        np.testing.assert_array_equal(actual[rows], value[rows])


# --------------------------------------------------------------------------- #
# One program for every length
# --------------------------------------------------------------------------- #


@pytest.fixture(params=[2, 32], ids="min{}".format)
def min_tokens(request):
    return request.param


def limits(basis, min_tokens):
    """What select makes of a basis and the schedule."""
    exact = isinstance(basis, reference.Identity) or min_tokens == 2
    limited = basis if exact else reference.MinTokens(min_tokens, basis)
    return limited, reference.Schedule(*SEGMENTS, min_tokens)


@pytest.mark.parametrize("basis", BASES, ids=str)
def test_one_program_serves_every_length(run, optimize, basis, min_tokens):
    flag = select(basis, f"min-tokens={min_tokens}")
    module = optimize(write(None), flag, "--stamp-quantize", "--stamp-fold")
    limited, schedule = limits(basis, min_tokens)
    transforms = not isinstance(basis, reference.Identity)
    # One for the tokens, one for the ones that spread the bias.
    assert module.count("= stamp.transform") == 2 * transforms
    assert module.count("= stamp.inverse_transform") == 4 * transforms
    assert module.count(f"{limited} along") == 6 * transforms
    module, quantizers = returning_codes(module)
    assert quantizers == module.count(f"{schedule} along") == 3

    inputs = [ar1(s, WIDTH, outliers=2, seed=s) for s in LENGTHS]
    calls = [("main", (x,), 4 + 3 * quantizers) for x in inputs]
    for x, results in zip(inputs, run(module, calls)):
        check(results, oracle(x, limited, schedule))
        if len(x) < min_tokens:
            # The untransformed path, at eight bits throughout.
            eight = reference.Schedule([], 8)
            check(results, oracle(x, reference.Identity(), eight))


@pytest.mark.parametrize("tokens", [1, 31, 32])
def test_a_known_length_decides_at_compile_time(run, optimize, tokens):
    basis = reference.Haar(4)
    static, dynamic = tensor([tokens, WIDTH]), tensor(["?", WIDTH])
    kinds = ", ".join(tensor(["?", width]) for width in (NARROW, NARROW, WIDTH, NARROW))
    caller = f"""
func.func @static(%x: {static}) -> ({kinds}) {{
  %d = tensor.cast %x : {static} to {dynamic}
  %y:4 = call @main(%d) : ({dynamic}) -> ({kinds})
  return %y#0, %y#1, %y#2, %y#3 : {kinds}
}}
"""
    flags = select(basis, "min-tokens=32"), "--stamp-quantize", "--stamp-fold"
    module = optimize(write(None) + caller, *flags, "--inline", "--canonicalize")
    refined = module.split("func.func @static")[1]
    assert "min_tokens" not in refined
    assert ("stamp.transform" in refined) == (tokens >= 32)
    x = ar1(tokens, WIDTH, seed=tokens)
    first, second = run(module, [(name, (x,), 4) for name in ("main", "static")])
    for actual, expected in zip(second, first):
        np.testing.assert_array_equal(actual, expected)


def test_no_token_is_no_work(run, optimize):
    flag = select(reference.Haar(4), "min-tokens=32")
    module = optimize(write(None), flag, "--stamp-quantize", "--stamp-fold")
    [results] = run(module, [("main", (np.zeros((0, WIDTH), np.float32),), 4)])
    assert [y.shape for y in results] == [(0, n) for n in (8, 8, 16, 8)]


# --------------------------------------------------------------------------- #
# Padded batches
# --------------------------------------------------------------------------- #


def padded_batch(tokens, lengths):
    batch = np.stack([ar1(tokens, WIDTH, seed=i) for i in range(len(lengths))])
    valid = np.arange(tokens) < np.clip(lengths, 0, tokens)[:, None]
    batch[~valid] = np.nan
    return batch, valid


@pytest.mark.parametrize("sizes", [(4, 40), ("?", "?")], ids=["static", "dynamic"])
@pytest.mark.parametrize("basis", BASES, ids=str)
def test_a_padded_sequence_is_computed_as_if_alone(run, optimize, basis, sizes):
    """Also where it has too few tokens and its neighbours have enough."""
    min_tokens = 8 if sizes[0] == "?" else 2
    passes = (
        select(basis, f"min-tokens={min_tokens}"),
        "--stamp-quantize",
        "--stamp-fold",
    )
    module = optimize(write(*sizes, padded=True), *passes)
    transforms = not isinstance(basis, reference.Identity)
    assert module.count("= stamp.transform") == 2 * transforms
    assert module.count("= stamp.inverse_transform") == 4 * transforms
    assert module.count(" lengths(%arg1") == 6 * transforms + 3
    module, quantizers = returning_codes(module)

    lengths = np.array([40, 7, 0, 13])
    batch, valid = padded_batch(40, lengths)
    calls = [("main", (batch, lengths), 4 + 3 * quantizers)]
    [results] = run(module, calls, "--allow-nonfinite")
    limited, schedule = basis, reference.Schedule(*SEGMENTS)
    if sizes[0] == "?":
        limited, schedule = limits(basis, min_tokens)
        if transforms:
            limited = reference.MinTokens(min_tokens, basis)
    check(results, oracle(batch, limited, schedule, lengths), valid)

    alone = optimize(write(1), *passes)
    for sequence, count in enumerate(lengths):
        # A static program has no minimum: what is too short is padded.
        if 0 < count and (sizes[0] == "?" or count >= min_tokens):
            tokens = batch[sequence : sequence + 1, :count]
            [separate] = run(alone, [("main", (tokens,), 4)])
            for y, own in zip(results, separate):
                np.testing.assert_array_equal(y[sequence, :count], own[0])


def test_batches_of_nothing_and_lengths_out_of_range(run, optimize):
    basis = reference.Haar(4)
    passes = select(basis), "--stamp-quantize", "--stamp-fold"
    module = optimize(write("?", padded=True), *passes)
    schedule = reference.Schedule(*SEGMENTS, 2)
    lengths = np.array([14, 2**40, -1, -(2**40)])
    batch, valid = padded_batch(13, lengths)
    none = np.zeros(0, np.int64), np.zeros(2, np.int64)
    empty = np.zeros((0, 5, WIDTH), np.float32), np.zeros((2, 0, WIDTH), np.float32)
    calls = [(x, n) for x, n in zip([batch, *empty], [lengths, *none])]
    outcomes = run(module, [("main", call, 4) for call in calls], "--allow-nonfinite")
    expected, _ = oracle(batch, basis, schedule, lengths)
    for actual, value in zip(outcomes[0], expected, strict=True):
        np.testing.assert_array_equal(actual[valid], value[valid])
    for (x, _), results in zip(calls, outcomes, strict=True):
        assert all(y.shape[:2] == x.shape[:2] for y in results)


def test_a_length_for_another_batch_is_refused(optimize, tmp_path):
    """Sizes that only run time knows are compared there."""
    flags = select(reference.Haar(4)), "--stamp-quantize", "--stamp-fold"
    (tmp_path / "m.mlir").write_text(optimize(write("?", padded=True), *flags))
    batch, _ = padded_batch(13, [13, 13])
    np.save(tmp_path / "x.npy", batch)
    np.save(tmp_path / "n.npy", np.array([13, 13, 13]))
    results = ", ".join(f"{tmp_path}/y{i}.npy" for i in range(4))
    call = f"--call=main({tmp_path}/x.npy, {tmp_path}/n.npy) -> {results}"
    command = [BIN / "stamp-run", tmp_path / "m.mlir", call]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert "does not have the size of the others" in done.stderr
