# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Weights that come as codes keep them to the bit, and those that are arguments are
prepacked: compiled code against the oracle."""

import numpy as np
import pytest
from ir_writer import Writer, tensor
from models import CHANNELS, Codes, activations, weights
from stamp import reference

TOKENS, WIDTH, GROUP = 20, 12, 4
BASIS = reference.Haar(2, skip=1)
SCHEDULE = reference.Schedule([(4, 8)], 4)


def passes(**options):
    words = [f"basis={{{BASIS}}}", f"schedule={{{SCHEDULE}}}"]
    words += [f"{key.replace('_', '-')}={value}" for key, value in options.items()]
    return [f"--stamp-select={' '.join(words)}", "--stamp-quantize", "--stamp-fold"]


# ----------------------------------------------------------------- codes --


def make_codes(storage, granularity, seed):
    """Random codes of 4 or 8 bits, signed or not, whose zero points are such that
    the difference fits 8 bits."""
    random = np.random.default_rng(seed)
    signed, bits = storage.startswith("i"), int(storage[1:])
    low = -(2 ** (bits - 1)) if signed else 0
    codes = random.integers(low, low + 2**bits, (WIDTH, CHANNELS))
    # A row for each group, so that zero points and scales broadcast against it.
    shape = {
        "tensor": (1, 1),
        "channel": (1, CHANNELS),
        "group": (WIDTH // GROUP, CHANNELS),
    }[granularity]
    zeros = low + 2 ** (bits - 1) + np.zeros(shape, int)
    if bits == 4:
        zeros += random.integers(-8, 8, shape)
    # Some negative, as GGUF has them, and of many magnitudes.
    scales = random.standard_normal(shape) * 2.0 ** random.integers(-8, 0, shape)
    group = GROUP if granularity == "group" else None
    return Codes(codes, scales.astype(np.float32), zeros, group)


def write_codes(f, w, storage, channels_first):
    """(float(q) − float(z))·s in one generic over K×N, or N×K and then turned; with
    groups over one dimension more and then collapsed."""
    signed, element = storage.startswith("i"), f"i{storage[1:]}"
    groups = len(w.scales)
    shape = [groups, WIDTH // groups, CHANNELS]
    order, places = [0, 1, 2], "d0, d1, d2"
    if channels_first:
        order, places = [2, 0, 1], "d2, d0, d1"
    codes = w.codes.reshape(shape).transpose(order)

    def of_scales(array):
        return "d0, d2" if array.shape[1] > 1 else "d0, 0"

    def integers(array):
        return f.constant(np.ascontiguousarray(array).astype(np.int8), element)

    convert = "sitofp" if signed else "uitofp"
    body = f"""%q = arith.{convert} %i0 : {element} to f32
    %z = arith.{convert} %i1 : {element} to f32
    %d = arith.subf %q, %z : f32
    %r = arith.mulf %d, %i2 : f32"""
    shape = [shape[d] for d in order]
    inputs = [integers(codes), integers(w.zeros), f.constant(w.scales)]
    maps = [places, of_scales(w.zeros), of_scales(w.scales), places]
    value = f.generic(maps, "ppp", inputs, f.init(shape), body)
    joined = [CHANNELS, WIDTH] if channels_first else [WIDTH, CHANNELS]
    pairs = "[[0], [1, 2]]" if channels_first else "[[0, 1], [2]]"
    kind = tensor(joined)
    value = f.add(f"tensor.collapse_shape {value[0]} {pairs} : {value[1]} into {kind}", kind)
    if not channels_first:
        return value
    return f.linalg(
        "transpose", [value], f.init([WIDTH, CHANNELS]), behind="permutation = [1, 0]"
    )


@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("granularity", ["tensor", "channel", "group"])
@pytest.mark.parametrize("storage", ["i4", "u4", "i8", "u8"])
def test_codes_are_kept_to_the_bit(storage, granularity, channels_first, run, optimize):
    x = activations(TOKENS, WIDTH, seed=3)
    w = make_codes(storage, granularity, seed=len(storage + granularity))
    f = Writer(tensor(x.shape))
    y = f.linalg(
        "matmul",
        [f.arguments[0], write_codes(f, w, storage, channels_first)],
        f.init([TOKENS, CHANNELS]),
    )
    # Features would need other codes, so that these linears do without.
    module = optimize(f.returning(y), *passes(features="hadamard", weight_bits=8))
    assert "stamp.rescale" in module and "feature_transform" not in module
    [[actual]] = run(module, [("main", [x], 1)])
    expected = reference.stamp_linear(x, w.keep(), BASIS, SCHEDULE, weight_group=w.group)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("granularity", ["channel", "group"])
def test_codes_under_groups_of_activations(granularity, run, optimize):
    """Of half the weight's size: its scales then serve two groups each."""
    group = GROUP // 2
    x = activations(TOKENS, WIDTH, seed=4)
    w = make_codes("i4", granularity, seed=5)
    f = Writer(tensor(x.shape))
    y = f.linalg(
        "matmul",
        [f.arguments[0], write_codes(f, w, "i4", False)],
        f.init([TOKENS, CHANNELS]),
    )
    module = optimize(f.returning(y), *passes(activation_group=group))
    [[actual]] = run(module, [("main", [x], 1)])
    expected = reference.stamp_linear(
        x,
        w.keep(group),
        BASIS,
        SCHEDULE,
        activation_group=group,
        weight_group=w.group and group,
    )
    np.testing.assert_array_equal(actual, expected)


# ------------------------------------------------------------- arguments --


def write_layers(x, up, down, marked):
    """Two linears whose weights are arguments, or constants."""
    kinds = [tensor(a.shape) for a in [x, up, down]]
    f = Writer(*kinds, weights=[1, 2]) if marked else Writer(kinds[0])
    up, down = f.arguments[1:] if marked else map(f.constant, [up, down])
    turned = f.linalg(
        "transpose", [down], f.init([CHANNELS, WIDTH]), behind="permutation = [1, 0]"
    )
    h = f.linalg("matmul", [f.arguments[0], up], f.init([TOKENS, CHANNELS]))
    y = f.linalg("matmul", [h, turned], f.init([TOKENS, WIDTH]))
    return f.returning(y)


@pytest.mark.parametrize(
    "options", [{}, {"features": "hadamard"}, {"weight_group": 5, "activation_group": 5}]
)
def test_prepacked_arguments_do_what_constants_do(options, run, optimize):
    x = activations(TOKENS, WIDTH, seed=6)
    up, down = weights(1, WIDTH, CHANNELS), weights(2, WIDTH, CHANNELS)
    constant = optimize(write_layers(x, up, down, marked=False), *passes(**options))
    [[expected]] = run(constant, [("main", [x], 1)])
    module = optimize(write_layers(x, up, down, marked=True), *passes(**options))
    [packed] = run(module, [("prepack_main", [up, down], 6)])
    [[actual]] = run(module, [("main", [x, *packed], 1)])
    np.testing.assert_array_equal(actual, expected)

    # What is packed is what the oracle makes of the weights.
    group = options.get("weight_group")
    for w, parts in zip([up, down.T], [packed[:3], packed[3:]]):
        if "features" in options:
            break
        codes, scales, sums = reference.quantize_weight(w, 4, group)
        turn = (lambda a: a) if w is up else np.transpose
        for part, oracle in zip(parts, [turn(codes), turn(scales), turn(sums)]):
            np.testing.assert_array_equal(part, oracle)
