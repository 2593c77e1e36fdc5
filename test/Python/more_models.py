# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""More models like those of models.py, in forms that are rarer or that come from
the ops of a graph exporter."""

import numpy as np
from ir_writer import Writer, tensor
from models import (
    ADD,
    CHANNELS,
    MULTIPLY_ADD,
    TOKENS,
    WIDTH,
    Model,
    activations,
    copy,
    weights,
)


def units():
    """Index 0 of dimensions of size 1 in all three maps, and a loop of one step that
    the result alone has, as onnx-mlir's batches of one become.  A pair for each: a
    tanh stands between them."""
    x = activations(1, TOKENS, WIDTH, seed=20)
    up, down = weights(1, WIDTH, CHANNELS), weights(2, CHANNELS, WIDTH)
    f = Writer(tensor(x.shape))
    hidden = [1, TOKENS, 1, CHANNELS]
    h = f.generic(
        ["0, d0, d2", "0, d2, d1, 0", "0, d0, 0, d1"],
        "ppr",
        [f.arguments[0], f.constant(up[None, :, :, None])],
        f.init(hidden),
        MULTIPLY_ADD,
    )
    tanh = "%r = math.tanh %i0 : f32"
    each = "d0, d1, d2, d3"
    h = f.generic([each, each], "pppp", [h], f.init(hidden), tanh)
    y = f.generic(
        ["d0, d1, 0, d3", "0, d3, d2", "d0, d1, d2, d4"],
        "ppprp",
        [h, f.constant(down[None])],
        f.init([1, TOKENS, WIDTH, 1]),
        MULTIPLY_ADD,
    )

    def compute(linear):
        return linear(np.tanh(linear(x, up)), down)[..., None]

    return Model(f.returning(y), [x], compute, 2, 4)


def weights_in_parts():
    """Weights that are slices of one with those of others, of a stack of layers, by
    strides and without a dimension; one with padding around it; two concatenated,
    one of them transposed.  All read the same input and are summed up: one pair."""
    x = activations(TOKENS, WIDTH, seed=21)
    fused, stack = weights(1, WIDTH, 4 * CHANNELS), weights(2, 3, CHANNELS, WIDTH)
    inner, left, right = (
        weights(3, WIDTH - 3, CHANNELS - 1),
        weights(4, WIDTH, 3),
        weights(5, CHANNELS - 3, WIDTH),
    )
    f = Writer(tensor(x.shape))
    kind = tensor([WIDTH, CHANNELS])

    def take(value, offsets, sizes, strides, shape, element="f32"):
        part = tensor(shape, element)
        places = f"{offsets} {sizes} {strides}"
        op = f"tensor.extract_slice {value[0]}{places} : {value[1]} to {part}"
        return f.add(op, part)

    whole = f.constant(fused)
    first = take(whole, [0, 0], [WIDTH, CHANNELS], [1, 1], [WIDTH, CHANNELS])
    spread = take(whole, [0, 9], [WIDTH, CHANNELS], [1, 3], [WIDTH, CHANNELS])
    layers = f.constant(stack.astype(np.float16))
    layer = take(
        layers, [2, 0, 0], [1, CHANNELS, WIDTH], [1, 1, 1], [CHANNELS, WIDTH], "f16"
    )
    wide = tensor([CHANNELS, WIDTH])
    layer = f.add(f"arith.extf {layer[0]} : {layer[1]} to {wide}", wide)
    layer = copy(f, layer, [WIDTH, CHANNELS], "d0, d1", "d1, d0", "pp")
    quarter = f.add("arith.constant 0.25 : f32", "f32")
    narrow = f.constant(inner)
    padded = f.add(
        f"tensor.pad {narrow[0]} low[1, 0] high[2, 1] {{\n"
        "  ^bb0(%i: index, %j: index):\n"
        f"    tensor.yield {quarter[0]} : f32\n  }} : {narrow[1]} to {kind}",
        kind,
    )
    turned = copy(
        f, f.constant(right), [WIDTH, CHANNELS - 3], "d0, d1", "d1, d0", "pp"
    )
    parts = [f.constant(left), turned]
    names, kinds = (", ".join(part[i] for part in parts) for i in range(2))
    joined = f.add(f"tensor.concat dim(1) {names} : ({kinds}) -> {kind}", kind)

    result = [TOKENS, CHANNELS]
    total = None
    for w in [first, spread, layer, padded, joined]:
        y = f.linalg("matmul", [f.arguments[0], w], f.init(result))
        if total is not None:
            y = f.generic(["d0, d1"] * 3, "pp", [total, y], f.init(result), ADD)
        total = y

    def compute(linear):
        half = stack[2].astype(np.float16).astype(np.float32)
        return sum(
            linear(x, np.ascontiguousarray(w))
            for w in [
                fused[:, :CHANNELS],
                fused[:, 9 : 9 + 3 * CHANNELS : 3],
                half.T,
                np.pad(inner, [(1, 2), (0, 1)], constant_values=0.25),
                np.concatenate([left, right.T], 1),
            ]
        )

    return Model(f.returning(total), [x], compute, 5, 2)


def layers_in_a_loop():
    """What a scan over layers becomes: an scf.for that picks each layer's weight from
    a stack.  The codes of all of them are made before; a tanh needs tokens, so that
    the body has a pair."""
    x, stack = activations(TOKENS, WIDTH, seed=22), weights(1, 3, WIDTH, WIDTH)
    f = Writer(tensor(x.shape))
    kind, layer = tensor(x.shape), tensor([WIDTH, WIDTH])
    whole, zero = f.constant(stack), f.init([TOKENS, WIDTH])
    zero_index, one, count = (
        f.add(f"arith.constant {i} : index", "index")[0] for i in [0, 1, len(stack)]
    )
    y = f.add(
        f"scf.for %n = {zero_index} to {count} step {one} "
        f"iter_args(%h = {f.arguments[0][0]}) -> ({kind}) {{\n"
        f"    %w = tensor.extract_slice {whole[0]}[%n, 0, 0] [1, {WIDTH}, {WIDTH}] "
        f"[1, 1, 1] : {whole[1]} to {layer}\n"
        f"    %y = linalg.matmul ins(%h, %w : {kind}, {layer}) "
        f"outs({zero[0]} : {kind}) -> {kind}\n"
        f"    %t = linalg.tanh ins(%y : {kind}) outs({zero[0]} : {kind}) -> {kind}\n"
        f"    scf.yield %t : {kind}\n  }}",
        kind,
    )

    def compute(linear):
        h = x
        for w in stack:
            h = np.tanh(linear(h, w))
        return h

    return Model(f.returning(y), [x], compute, 1, 2)


MORE_MODELS = {
    write.__name__: write for write in [units, weights_in_parts, layers_in_a_loop]
}
