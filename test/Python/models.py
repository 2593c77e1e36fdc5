# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small models in the shapes in which frontends write linears.

Each is a function `main` in IR and in NumPy.  The NumPy one takes
`linear(x, w, grid=None)`, which multiplies (..., S, K) by (K, N) or does what
STaMP does instead, so that one model is its own float and its own quantized
oracle; the grid is that of pixels that are tokens.
"""

from typing import Callable, NamedTuple

import numpy as np
from ir_writer import Writer, dense, tensor
from stamp import reference
from stamp.testdata import ar1

BATCH, TOKENS, WIDTH, CHANNELS = 2, 24, 12, 8
HAAR = reference.Haar(3)

ONE_TOKEN = (
    "its 1 token(s) are fewer than min-tokens = 2; min-tokens = 1 or a stamp.plan "
    "of its own would choose it"
)
QUANTIZED = (
    "its operands are integers: it is quantized already; nothing is left to do"
)
LARGE_FILTER = (
    "its filter covers more than one pixel; as a 1x1 convolution of gathered "
    "pixels (im2col) it would be a linear"
)

def argument(number):
    return (
        f"its weight is argument #{number} of the function; mark that with stamp.weight "
        "if it is the same in every call, or give the linear a stamp.plan to quantize "
        "it at run time"
    )


class Codes(NamedTuple):
    """A weight that comes as codes, (codes − zeros)·scales, for `linear` in the
    place of floats."""

    codes: np.ndarray  # K×N
    scales: np.ndarray
    zeros: np.ndarray | int = 0
    group: int | None = None  # of inputs, along the first dimension of the others

    def floats(self):
        kept = self.keep()
        scales = kept.scales
        if self.group is not None:
            scales = np.repeat(scales, self.group, -2)
        return kept.codes * scales

    def keep(self, group=None):
        """As the oracle takes it, in smaller groups if wanted."""
        if group is None or self.group is None:
            return reference.keep_codes(*self)
        times = self.group // group
        scales, zeros = (np.repeat(a, times, -2) for a in (self.scales, self.zeros))
        return reference.keep_codes(self.codes, scales, zeros, group)


class Model(NamedTuple):
    module: str
    inputs: list
    compute: Callable  # of `linear`
    quantized: int  # linears that become integer contractions
    transforms: int  # L and L⁻¹ after folding; the model says why no fewer
    left: list = []  # why each of the others does not
    basis: reference.Basis | None = HAAR  # None: what select proposes for grids


MULTIPLY_ADD = "%p = arith.mulf %i0, %i1 : f32\n    %r = arith.addf %o, %p : f32"
MULTIPLY = "%r = arith.mulf %i0, %i1 : f32"
SQUARE = "%r = arith.mulf %i0, %i0 : f32"
ADD = "%r = arith.addf %i0, %i1 : f32"
RELU = "%z = arith.constant 0.0 : f32\n    %r = arith.maximumf %i0, %z : f32"


def weights(seed, *shape):
    random = np.random.default_rng(seed)
    return (random.standard_normal(shape) / np.sqrt(shape[-2])).astype(np.float32)


def activations(*shape, seed=0):
    """AR(1) along the second last dimension."""
    *leading, tokens, width = shape
    count = int(np.prod(leading))
    sequences = [ar1(tokens, width, outliers=1, seed=seed + i) for i in range(count)]
    return np.stack(sequences).reshape(shape)


def relu(x):
    return np.maximum(x, 0)


def copy(f, x, shape, source, target, iterators):
    """x in another order of dimensions, or repeated along new ones."""
    return f.generic([source, target], iterators, [x], f.init(shape), result="%i0")


def torch_mlir():
    """Weights N×K, transposed and then broadcast to the batch by generics; biases
    and activations are generics too; attention's product of two activations. L and
    L⁻¹ around each linear: an activation function needs tokens, and the scores are
    wider than what the last L⁻¹ makes."""
    hidden, out = [BATCH, TOKENS, CHANNELS], [BATCH, TOKENS, WIDTH]
    x = activations(BATCH, TOKENS, WIDTH)
    up, down = weights(1, CHANNELS, WIDTH), weights(2, WIDTH, CHANNELS)
    bias = weights(3, 1, CHANNELS)[0]
    f = Writer(tensor(x.shape))

    def linear(value, w, shape):
        n, k = w.shape
        w = copy(f, f.constant(w), [k, n], "d0, d1", "d1, d0", "pp")
        w = copy(f, w, [BATCH, k, n], "d1, d2", "d0, d1, d2", "ppp")
        return f.linalg("batch_matmul", [value, w], f.init(shape))

    each = "d0, d1, d2"
    h = linear(f.arguments[0], up, hidden)
    inputs = [h, f.constant(bias)]
    h = f.generic([each, "d2", each], "ppp", inputs, f.init(hidden), ADD)
    h = f.generic([each, each], "ppp", [h], f.init(hidden), RELU)
    y = linear(h, down, out)
    turned = [BATCH, WIDTH, TOKENS]
    keys = copy(f, f.arguments[0], turned, "d0, d1, d2", "d0, d2, d1", "ppp")
    scores = f.init([BATCH, TOKENS, TOKENS])
    scores = f.linalg("batch_matmul", [y, keys], scores)

    def compute(linear):
        y = linear(relu(linear(x, up.T) + bias), down.T)
        return y @ x.swapaxes(1, 2)

    return Model(f.returning(scores), [x], compute, 2, 4, [argument(0)])


def named_ops():
    """linalg.matmul, once with a linalg.transpose and once with maps of its own;
    a linalg.broadcast and linalg.add for the bias. A tanh between them
    needs tokens: a pair for each."""
    x = activations(TOKENS, WIDTH, seed=1)
    up, down = weights(1, WIDTH, CHANNELS), weights(2, CHANNELS, WIDTH)
    bias = weights(3, 1, CHANNELS)[0]
    f = Writer(tensor(x.shape))
    hidden, out = [TOKENS, CHANNELS], [TOKENS, WIDTH]
    turned = f.linalg(
        "transpose",
        [f.constant(np.ascontiguousarray(up.T))],
        f.init([WIDTH, CHANNELS]),
        behind="permutation = [1, 0]",
    )
    h = f.linalg("matmul", [f.arguments[0], turned], f.init(hidden))
    wide = f.linalg(
        "broadcast", [f.constant(bias)], f.init(hidden), behind="dimensions = [0]"
    )
    h = f.linalg("add", [h, wide], f.init(hidden))
    h = f.linalg("tanh", [h], f.init(hidden))
    maps = ", ".join(
        f"affine_map<(m, n, k) -> ({m})>" for m in ["m, k", "n, k", "m, n"]
    )
    y = f.linalg(
        "matmul",
        [h, f.constant(np.ascontiguousarray(down.T))],
        f.init(out),
        f"indexing_maps = [{maps}]",
    )

    def compute(linear):
        return linear(np.tanh(linear(x, up) + bias), down)

    return Model(f.returning(y), [x], compute, 2, 4)


def generics():
    """Contractions as generics, whose results are in another order. One linear, one
    pair."""
    x, w = activations(BATCH, TOKENS, WIDTH), weights(1, WIDTH, CHANNELS)
    f = Writer(tensor(x.shape))
    y = f.generic(
        ["d1, d2, d3", "d0, d3", "d0, d2, d1"],
        "pppr",
        [f.arguments[0], f.constant(np.ascontiguousarray(w.T))],
        f.init([CHANNELS, TOKENS, BATCH]),
        MULTIPLY_ADD,
    )
    return Model(
        f.returning(y), [x], lambda linear: linear(x, w).transpose(2, 1, 0), 1, 2
    )


def tokens_in_columns():
    """W·X, twice. The tanh between them needs tokens: a pair for each."""
    x = activations(TOKENS, WIDTH, seed=2)
    up, down = weights(1, WIDTH, CHANNELS), weights(2, CHANNELS, WIDTH)
    columns = np.ascontiguousarray(x.T)
    f = Writer(tensor(columns.shape))
    h = f.init([CHANNELS, TOKENS])
    left = f.constant(np.ascontiguousarray(up.T))
    h = f.linalg("matmul", [left, f.arguments[0]], h)
    h = f.linalg("tanh", [h], f.init([CHANNELS, TOKENS]))
    left = f.constant(np.ascontiguousarray(down.T))
    y = f.linalg("matmul", [left, h], f.init([WIDTH, TOKENS]))

    def compute(linear):
        return linear(np.tanh(linear(x, up)), down).T

    return Model(f.returning(y), [columns], compute, 2, 4)


def leading_dimensions():
    """Sequences of a batch of a batch, by linalg.contract. One pair."""
    x = activations(BATCH, 3, TOKENS, WIDTH, seed=3)
    w = weights(1, WIDTH, CHANNELS)
    f = Writer(tensor(x.shape))
    maps = ", ".join(
        f"affine_map<(a, b, m, n, k) -> ({m})>"
        for m in ["a, b, m, k", "k, n", "a, b, m, n"]
    )
    y = f.linalg(
        "contract",
        [f.arguments[0], f.constant(w)],
        f.init([BATCH, 3, TOKENS, CHANNELS]),
        f"indexing_maps = [{maps}]",
    )
    return Model(f.returning(y), [x], lambda linear: linear(x, w), 1, 2)


def batch_of_weights():
    """A weight for each of a batch. One pair."""
    x, w = activations(BATCH, TOKENS, WIDTH), weights(1, BATCH, WIDTH, CHANNELS)
    f = Writer(tensor(x.shape))
    y = f.linalg(
        "batch_matmul",
        [f.arguments[0], f.constant(w)],
        f.init([BATCH, TOKENS, CHANNELS]),
    )

    def compute(linear):
        return np.stack([linear(*pair) for pair in zip(x, w)])

    return Model(f.returning(y), [x], compute, 1, 2)


def dynamic_length():
    """Any number of tokens; the weight is a flat f16 constant, expanded and
    widened, and its second reader another linear. A pair for each: a tanh
    stands between them."""
    x = activations(TOKENS + 1, WIDTH, seed=4)
    w = weights(1, WIDTH, WIDTH).astype(np.float16)
    f = Writer(tensor(["?", WIDTH]))
    flat, square = f.constant(w.reshape(-1)), tensor(w.shape, "f16")
    shaped = f.add(
        f"tensor.expand_shape {flat[0]} [[0, 1]] output_shape [{WIDTH}, {WIDTH}] "
        f": {flat[1]} into {square}",
        square,
    )
    wide = tensor(w.shape)
    shaped = f.add(f"arith.extf {shaped[0]} : {square} to {wide}", wide)
    x0 = f.arguments[0]
    h = f.linalg("matmul", [x0, shaped], f.init(["?", WIDTH], x0))
    h = f.linalg("tanh", [h], f.init(["?", WIDTH], x0))
    y = f.linalg("matmul", [h, shaped], f.init(["?", WIDTH], x0))

    def compute(linear):
        return linear(np.tanh(linear(x, w.astype(np.float32))), w.astype(np.float32))

    return Model(f.returning(y), [x], compute, 2, 4)


def decode():
    """One token has no neighbours; nor has one token each of many sequences."""
    x, w = activations(TOKENS, 1, WIDTH), weights(1, WIDTH, CHANNELS)
    token = x[0]
    f = Writer(tensor(x.shape), tensor(token.shape))
    wide = copy(
        f, f.constant(w), [TOKENS, *w.shape], "d1, d2", "d0, d1, d2", "ppp"
    )
    many = f.linalg(
        "batch_matmul", [f.arguments[0], wide], f.init([TOKENS, 1, CHANNELS])
    )
    one = f.linalg("matmul", [f.arguments[1], f.constant(w)], f.init([1, CHANNELS]))
    zero = f.init([TOKENS, 1, CHANNELS])
    y = f.generic(
        ["d0, d1, d2", "d1, d2", "d0, d1, d2"], "ppp", [many, one], zero, ADD
    )
    return Model(
        f.returning(y), [x, token], lambda _: x @ w + token @ w, 0, 0, [ONE_TOKEN] * 2
    )


def vision():
    """Patches of a 4×6 image behind a class token. One pair."""
    basis = reference.Haar2D(2, (4, 6), skip=1)
    x = activations(BATCH, 1 + 24, WIDTH, seed=5)
    w = weights(1, WIDTH, CHANNELS)
    f = Writer(tensor(x.shape))
    wide = f.linalg(
        "broadcast",
        [f.constant(w)],
        f.init([BATCH, WIDTH, CHANNELS]),
        behind="dimensions = [0]",
    )
    y = f.linalg(
        "batch_matmul", [f.arguments[0], wide], f.init([BATCH, 25, CHANNELS])
    )
    return Model(f.returning(y), [x], lambda linear: linear(x, w), 1, 2, basis=basis)


def convolutions():
    """1×1 convolutions, pixels first and channels first; a 3×3 one stays. It
    mixes pixels, so each of the others has its pair."""
    height, width = 4, 6
    pixels = activations(BATCH, height * width, WIDTH, seed=6)
    up, down = weights(1, WIDTH, CHANNELS), weights(2, CHANNELS, WIDTH)
    filters = weights(3, 3, 3, CHANNELS, CHANNELS)
    image = pixels.reshape(BATCH, height, width, WIDTH)
    f = Writer(tensor(image.shape))
    h = f.linalg(
        "conv_2d_nhwc_hwcf",
        [f.arguments[0], f.constant(up[None, None])],
        f.init([BATCH, height, width, CHANNELS]),
    )
    inner = [BATCH, height - 2, width - 2, CHANNELS]
    h = f.linalg("conv_2d_nhwc_hwcf", [h, f.constant(filters)], f.init(inner))
    turned = [BATCH, CHANNELS, height - 2, width - 2]
    h = copy(f, h, turned, "d0, d2, d3, d1", "d0, d1, d2, d3", "pppp")
    w = np.ascontiguousarray(down.T)[:, :, None, None]
    y = f.linalg(
        "conv_2d_nchw_fchw",
        [h, f.constant(w)],
        f.init([BATCH, WIDTH, height - 2, width - 2]),
    )

    def compute(linear):
        h = linear(pixels, up, (height, width))
        h = h.reshape(BATCH, height, width, CHANNELS)
        windows = np.lib.stride_tricks.sliding_window_view(h, (3, 3), axis=(1, 2))
        h = np.einsum("bhwcij,ijcf->bhwf", windows, filters).astype(np.float32)
        y = linear(h.reshape(BATCH, -1, CHANNELS), down, inner[1:3])
        return y.swapaxes(1, 2).reshape(BATCH, WIDTH, *inner[1:3])

    return Model(f.returning(y), [image], compute, 2, 4, [LARGE_FILTER], basis=None)


def sounds():
    """Convolutions of width 1 along one side, channels last and then first, as
    speech models have them. A pair for each: a tanh stands between them."""
    x = activations(BATCH, TOKENS, WIDTH, seed=15)
    up, down = weights(1, WIDTH, CHANNELS), weights(2, CHANNELS, WIDTH)
    f = Writer(tensor(x.shape))
    hidden, turned = [BATCH, TOKENS, CHANNELS], [BATCH, CHANNELS, TOKENS]
    h = f.linalg(
        "conv_1d_nwc_wcf", [f.arguments[0], f.constant(up[None])], f.init(hidden)
    )
    h = f.linalg("tanh", [h], f.init(hidden))
    h = copy(f, h, turned, "d0, d2, d1", "d0, d1, d2", "ppp")
    w = np.ascontiguousarray(down.T)[:, :, None]
    y = f.linalg("conv_1d_ncw_fcw", [h, f.constant(w)], f.init([BATCH, WIDTH, TOKENS]))

    def compute(linear):
        return linear(np.tanh(linear(x, up)), down).swapaxes(1, 2)

    return Model(f.returning(y), [x], compute, 2, 4)


def downsampling():
    """A 1×1 convolution that takes every second row and every third column: a
    linear over the pixels that it takes. One pair."""
    image = activations(BATCH, 8 * 9, WIDTH, seed=16).reshape(BATCH, 8, 9, WIDTH)
    w = weights(1, WIDTH, CHANNELS)
    f = Writer(tensor(image.shape))
    y = f.linalg(
        "conv_2d_nhwc_hwcf",
        [f.arguments[0], f.constant(w[None, None])],
        f.init([BATCH, 4, 3, CHANNELS]),
        "{strides = dense<[2, 3]> : tensor<2xi64>}",
    )

    def compute(linear):
        taken = np.ascontiguousarray(image[:, ::2, ::3]).reshape(BATCH, 12, WIDTH)
        return linear(taken, w, (4, 3)).reshape(BATCH, 4, 3, CHANNELS)

    return Model(f.returning(y), [image], compute, 1, 2, basis=None)


def pixels_of_any_number():
    """1×1 convolutions over an image whose sides run time decides, with a
    normalization between them that exporters write with zeros for indices. One
    pair, for all between is linear, over the grid as over its pixels; and L·1 of a
    length that run time decides, which spreads the shift."""
    height, width = 5, 4
    pixels = activations(1, height * width, WIDTH, seed=14)
    up, down = weights(1, WIDTH, CHANNELS), weights(2, CHANNELS, WIDTH)
    scale, shift = weights(3, 2, CHANNELS)
    image = pixels.reshape(1, height, width, WIDTH)
    f = Writer(tensor([1, "?", "?", WIDTH]))
    x, hidden = f.arguments[0], [1, "?", "?", CHANNELS]
    filters = f.constant(up[None, None])
    h = f.linalg("conv_2d_nhwc_hwcf", [x, filters], f.init(hidden, x))
    each, channel = "d0, d1, d2, d3", "d0, 0, 0, d3"
    inputs = [h, *(f.constant(c[None, None, None]) for c in [scale, shift])]
    body = "%p = arith.mulf %i0, %i1 : f32\n    %r = arith.addf %p, %i2 : f32"
    maps = [each, channel, channel, each]
    h = f.generic(maps, "pppp", inputs, f.init(hidden, x), body)
    y = f.linalg(
        "conv_2d_nhwc_hwcf",
        [h, f.constant(down[None, None])],
        f.init([1, "?", "?", WIDTH], x),
    )

    def compute(linear):
        y = linear(linear(pixels, up) * scale + shift, down)
        return y.reshape(image.shape)

    return Model(f.returning(y), [image], compute, 2, 3)


def blocked():
    """Packed for mmt4d, where a token is spread over two dimensions. L of the
    argument, and L⁻¹ of the result, which somebody reads."""
    x, w = activations(16, WIDTH, seed=7), weights(1, WIDTH, CHANNELS)
    tiles = np.ascontiguousarray(x.reshape(2, 8, 3, 4).swapaxes(1, 2))
    f = Writer(tensor(tiles.shape))
    packed = np.ascontiguousarray(w.T.reshape(2, 4, 3, 4).swapaxes(1, 2))
    y = f.linalg(
        "mmt4d", [f.arguments[0], f.constant(packed)], f.init([2, 2, 8, 4])
    )

    def compute(linear):
        return linear(x, w).reshape(2, 8, 2, 4).swapaxes(1, 2)

    return Model(f.returning(y), [tiles], compute, 1, 2)


def data_tiling():
    """Packed before and unpacked behind each mmt4d, with ragged last blocks: two
    linears with a bias between them, which chain as if nothing had been packed.
    One pair: what stands between is linear."""
    tokens, width, channels = 21, 14, 10
    x = activations(tokens, width, seed=9)
    up, down = weights(1, width, channels), weights(2, channels, width)
    bias = weights(3, 1, channels)[0]
    f = Writer(tensor(x.shape))
    zero = f.add("arith.constant 0.0 : f32", "f32")

    def pack(value, rows, columns, tile, transposed=False):
        outer = [-(-rows // tile[0]), -(-columns // tile[1])]
        kind, order = tensor([*outer, *tile]), "[1, 0]" if transposed else "[0, 1]"
        init = f.add(f"tensor.empty() : {kind}", kind)
        return f.add(
            f"linalg.pack {value[0]} padding_value({zero[0]} : f32) "
            f"outer_dims_perm = {order} inner_dims_pos = {order} "
            f"inner_tiles = [{tile[0]}, {tile[1]}] into {init[0]} "
            f": {value[1]} -> {kind}",
            kind,
        )

    def linear(value, w):
        k, n = w.shape
        a = pack(value, tokens, k, (8, 4))
        b = pack(f.constant(w), n, k, (2, 4), transposed=True)
        y = f.linalg("mmt4d", [a, b], f.init([-(-tokens // 8), -(-n // 2), 8, 2]))
        init = f.init([tokens, n])
        return f.add(
            f"linalg.unpack {y[0]} outer_dims_perm = [0, 1] inner_dims_pos = [0, 1] "
            f"inner_tiles = [8, 2] into {init[0]} : {y[1]} -> {init[1]}",
            init[1],
        )

    h = linear(f.arguments[0], up)
    h = f.generic(
        ["d0, d1", "d1", "d0, d1"],
        "pp",
        [h, f.constant(bias)],
        f.init([tokens, channels]),
        ADD,
    )
    y = linear(h, down)

    def compute(linear):
        return linear(linear(x, up) + bias, down)

    return Model(f.returning(y), [x], compute, 2, 2)


def batch_of_blocks():
    """A batch of sequences in blocks, for batch_mmt4d, each with weights of its
    own. L of the argument and L⁻¹ of the result."""
    x, w = activations(BATCH, 16, WIDTH), weights(1, BATCH, WIDTH, CHANNELS)
    tiles = np.ascontiguousarray(x.reshape(BATCH, 2, 8, 3, 4).swapaxes(2, 3))
    packed = w.swapaxes(1, 2).reshape(BATCH, 2, 4, 3, 4).swapaxes(2, 3)
    f = Writer(tensor(tiles.shape))
    y = f.linalg(
        "batch_mmt4d",
        [f.arguments[0], f.constant(np.ascontiguousarray(packed))],
        f.init([BATCH, 2, 2, 8, 4]),
    )

    def compute(linear):
        y = np.stack([linear(*pair) for pair in zip(x, w)])
        return y.reshape(BATCH, 2, 8, 2, 4).swapaxes(2, 3)

    return Model(f.returning(y), [tiles], compute, 1, 2)


def heads():
    """Projections as einsums: bsd,dhe->bhse, and bhse,hed->bsd back, whose weights
    have two dimensions of channels, or of features. L of the argument, L⁻¹ in
    front of the activation, L behind it, and L⁻¹ of the result."""
    x, heads, size = activations(BATCH, TOKENS, WIDTH, seed=10), 2, 4
    split = weights(1, WIDTH, heads * size).reshape(WIDTH, heads, size)
    join = weights(2, heads * size, WIDTH).reshape(heads, size, WIDTH)
    f = Writer(tensor(x.shape))
    each = [BATCH, heads, TOKENS, size]
    h = f.generic(
        ["d0, d2, d4", "d4, d1, d3", "d0, d1, d2, d3"],
        "ppppr",
        [f.arguments[0], f.constant(split)],
        f.init(each),
        MULTIPLY_ADD,
    )
    maps = ["d0, d1, d2, d3"] * 2
    h = f.generic(maps, "pppp", [h], f.init(each), RELU)
    y = f.generic(
        ["d0, d3, d1, d4", "d3, d4, d2", "d0, d1, d2"],
        "ppprr",
        [h, f.constant(join)],
        f.init([BATCH, TOKENS, WIDTH]),
        MULTIPLY_ADD,
    )

    def compute(linear):
        h = relu(linear(x, split.reshape(WIDTH, -1)))
        return linear(h, join.reshape(-1, WIDTH))

    return Model(f.returning(y), [x], compute, 2, 4)


def tosa():
    """A 1×1 convolution that adds to its broadcast bias, a matmul of a batch of
    one whose bias is indexed by zeros, and a fully connected layer as a
    convolution over images of one pixel. The matmul and the layer read the same
    tokens and share their L; each of three results needs its L⁻¹, and the pixels
    their L."""
    tokens = activations(1, TOKENS, WIDTH, seed=11)
    image = activations(1, TOKENS, WIDTH, seed=12).reshape(1, 4, 6, WIDTH)
    first, second = weights(1, WIDTH, CHANNELS), weights(2, WIDTH, CHANNELS)
    bias = weights(3, 1, CHANNELS)
    f = Writer(tensor(tokens.shape), tensor(image.shape))
    filters = np.ascontiguousarray(second.T)[:, None, None, :]

    def convolution(value, sizes):
        wide = f.generic(
            ["d3", "d0, d1, d2, d3"],
            "pppp",
            [f.constant(bias[0])],
            f.init(sizes),
            result="%i0",
        )
        return f.linalg("conv_2d_nhwc_fhwc", [value, f.constant(filters)], wide)

    out = [1, TOKENS, CHANNELS]
    y = f.linalg("batch_matmul", [f.arguments[0], f.constant(first[None])], f.init(out))
    y = f.generic(
        ["d0, d1, d2", "d0, 0, d2", "d0, d1, d2"],
        "ppp",
        [y, f.constant(bias[None])],
        f.init(out),
        ADD,
    )
    pixels = convolution(f.arguments[1], [1, 4, 6, CHANNELS])
    rows, images = tensor([TOKENS, WIDTH]), tensor([TOKENS, 1, 1, WIDTH])
    x, kind = f.arguments[0]
    flat = f.add(f"tensor.collapse_shape {x} [[0, 1], [2]] : {kind} into {rows}", rows)
    flat = f.add(
        f"tensor.expand_shape {flat[0]} [[0, 1, 2], [3]] "
        f"output_shape [{TOKENS}, 1, 1, {WIDTH}] : {rows} into {images}",
        images,
    )
    layer = convolution(flat, [TOKENS, 1, 1, CHANNELS])
    # One result for all three.
    shape = [TOKENS, 3 * CHANNELS]
    kind, part = tensor(shape), tensor([TOKENS, CHANNELS])
    parts = [
        f.add(f"tensor.collapse_shape {value} {groups} : {kind} into {part}", part)
        for (value, kind), groups in [
            (y, "[[0, 1], [2]]"),
            (pixels, "[[0, 1, 2], [3]]"),
            (layer, "[[0, 1, 2], [3]]"),
        ]
    ]
    names, kinds = ", ".join(p[0] for p in parts), ", ".join(p[1] for p in parts)
    result = f.add(f"tensor.concat dim(1) {names} : ({kinds}) -> {kind}", kind)

    def compute(linear):
        flat = image.reshape(1, TOKENS, WIDTH)
        parts = [
            linear(tokens, first)[0] + bias[0],
            linear(flat, second, (4, 6))[0] + bias[0],
            linear(tokens[0], second) + bias[0],
        ]
        return np.concatenate(parts, axis=1)

    return Model(f.returning(result), [tokens, image], compute, 3, 5)


def batch_of_one():
    """A static batch of one: elementwise ops read it by maps that say 0, and the
    second linear is chained to the first. One pair serves both."""
    x = activations(1, TOKENS, WIDTH, seed=13)
    up, down = weights(1, WIDTH, CHANNELS), weights(2, CHANNELS, WIDTH)
    bias = weights(3, 1, CHANNELS)[0]
    f = Writer(tensor(x.shape))
    each, hidden = "d0, d1, d2", [1, TOKENS, CHANNELS]
    h = f.linalg(
        "batch_matmul", [f.arguments[0], f.constant(up[None])], f.init(hidden)
    )
    inputs = [h, f.constant(bias[None, None])]
    h = f.generic(["0, d1, d2", "0, 0, d2", each], "ppp", inputs, f.init(hidden), ADD)
    y = f.linalg(
        "batch_matmul", [h, f.constant(down[None])], f.init([1, TOKENS, WIDTH])
    )

    def compute(linear):
        return linear(linear(x, up) + bias, down)

    return Model(f.returning(y), [x], compute, 2, 2)


def quantized_elsewhere():
    x = np.round(activations(TOKENS, WIDTH, seed=8)).astype(np.int8)
    w = np.round(8 * weights(1, WIDTH, CHANNELS)).astype(np.int8)
    f = Writer(tensor(x.shape, "i8"))
    init = f.init([TOKENS, CHANNELS], element="i32")
    y = f.linalg("matmul", [f.arguments[0], f.constant(w)], init)

    def compute(_):
        return x.astype(np.int32) @ w.astype(np.int32)

    return Model(f.returning(y), [x], compute, 0, 0, [QUANTIZED])


def globals_of_a_module():
    """Weights in ml_program.global: one that two linears share, which lies flat in
    f16, and one that changes, so that it stays."""
    x = activations(TOKENS, WIDTH, seed=9)
    w = weights(1, WIDTH, WIDTH).astype(np.float16)
    state = weights(2, WIDTH, CHANNELS)
    (flat, kind), (initial, of_state) = dense(w.reshape(-1)), dense(state)
    f = Writer(tensor(x.shape))

    def load(op, name, kind):
        return f.add(f"ml_program.{op} @{name} : {kind}", kind)

    def shaped(flat):
        square, wide = tensor(w.shape, "f16"), tensor(w.shape)
        expanded = f.add(
            f"tensor.expand_shape {flat[0]} [[0, 1]] output_shape [{WIDTH}, {WIDTH}] "
            f": {flat[1]} into {square}",
            square,
        )
        return f.add(f"arith.extf {expanded[0]} : {square} to {wide}", wide)

    out = [TOKENS, WIDTH]
    weight = shaped(load("global_load_const", "w", kind))
    h = f.linalg("matmul", [f.arguments[0], weight], f.init(out))
    h = f.linalg("tanh", [h], f.init(out))
    weight = shaped(load("global_load", "w", kind))
    h = f.linalg("matmul", [h, weight], f.init(out))
    weight = load("global_load", "state", of_state)
    y = f.linalg("matmul", [h, weight], f.init([TOKENS, CHANNELS]))
    module = (
        f"ml_program.global private @w({flat} : {kind}) : {kind}\n"
        f"ml_program.global private mutable @state({initial} : {of_state}) "
        f": {of_state}\n"
    )

    def compute(linear):
        square = w.astype(np.float32)
        return linear(np.tanh(linear(x, square)), square) @ state

    left = [
        "its weight is the global @state, which is mutable; declare it without "
        "'mutable' if nothing stores to it"
    ]
    return Model(module + f.returning(y), [x], compute, 2, 4, left)


def weights_as_codes():
    """As exporters of quantized models write weights: scaled per channel by a
    broadcast and mulf on tensors, per group with zero points by a generic, and per
    layer by quant.dcast."""
    hidden, group = 20, 10
    random = np.random.default_rng(1)
    x = activations(TOKENS, WIDTH, seed=10)

    def scales(*shape):
        return (random.uniform(0.5, 1, shape) / 16).astype(np.float32)

    channels = Codes(
        random.integers(-128, 128, (WIDTH, hidden)).astype(np.int8),
        scales(hidden) / 16,
    )
    groups = Codes(
        random.integers(0, 16, (hidden, CHANNELS)).astype(np.int8),
        scales(hidden // group, CHANNELS),
        random.integers(4, 12, (hidden // group, CHANNELS)).astype(np.int8),
        group,
    )
    layer = Codes(
        random.integers(-100, 100, (CHANNELS, WIDTH)).astype(np.int8),
        np.float32(2**-8),
        3,
    )
    f = Writer(tensor(x.shape))

    shape = [WIDTH, hidden]
    stored, wide = f.constant(channels.codes), tensor(shape)
    w = f.add(f"arith.sitofp {stored[0]} : {stored[1]} to {wide}", wide)
    scale = f.linalg(
        "broadcast", [f.constant(channels.scales)], f.init(shape), "", "dimensions = [0]"
    )
    w = f.add(f"arith.mulf {w[0]}, {scale[0]} : {wide}", wide)
    h = f.linalg("matmul", [f.arguments[0], w], f.init([TOKENS, hidden]))

    parts = [hidden // group, group, CHANNELS]
    inputs = [
        f.constant(groups.codes.reshape(parts), "i4"),
        f.constant(groups.zeros, "i4"),
        f.constant(groups.scales),
    ]
    each, of_group = "d0, d1, d2", "d0, d2"
    body = """%q = arith.extui %i0 : i4 to i32
    %z = arith.extui %i1 : i4 to i32
    %d = arith.subi %q, %z : i32
    %f = arith.sitofp %d : i32 to f32
    %r = arith.mulf %f, %i2 : f32"""
    maps = [each, of_group, of_group, each]
    w = f.generic(maps, "ppp", inputs, f.init(parts), body)
    joined = tensor([hidden, CHANNELS])
    w = f.add(
        f"tensor.collapse_shape {w[0]} [[0, 1], [2]] : {w[1]} into {joined}", joined
    )
    h = f.linalg("matmul", [h, w], f.init([TOKENS, CHANNELS]))

    stored = f.constant(layer.codes)
    quantized = tensor(
        layer.codes.shape, f"!quant.uniform<i8:f32, {float(layer.scales)}:{layer.zeros}>"
    )
    w = f.add(f"quant.scast {stored[0]} : {stored[1]} to {quantized}", quantized)
    floats = tensor(layer.codes.shape)
    w = f.add(f"quant.dcast {w[0]} : {quantized} to {floats}", floats)
    y = f.linalg("matmul", [h, w], f.init([TOKENS, WIDTH]))

    def compute(linear):
        return linear(linear(linear(x, channels), groups), layer)

    return Model(f.returning(y), [x], compute, 3, 2)


def weights_as_arguments():
    """Layers are functions to which their weight is handed: once a constant, and
    once what main is given."""
    x, w = activations(TOKENS, WIDTH, seed=11), weights(1, WIDTH, WIDTH)
    given = weights(2, WIDTH, WIDTH)
    kind, square = tensor(x.shape), tensor(w.shape)
    layer = Writer(kind, square, weights=[1])
    h = layer.linalg("matmul", layer.arguments, layer.init(x.shape))
    layer = layer.returning(h, name="layer").replace("func.func", "func.func private")
    f = Writer(kind, square)

    def call(x, w):
        return f.add(
            f"func.call @layer({x[0]}, {w[0]}) : ({kind}, {square}) -> {kind}", kind
        )

    h = f.linalg(
        "tanh", [call(f.arguments[0], f.constant(w))], f.init(x.shape)
    )
    y = call(h, f.arguments[1])

    def compute(linear):
        return linear(np.tanh(linear(x, w)), given)

    return Model(layer + f.returning(y), [x, given], compute, 1, 2)


def root_mean_square(x):
    scale = 1 / np.sqrt(np.square(x).mean(-1, keepdims=True) + np.float32(1e-5))
    return (x * scale).astype(np.float32)


def normalized(f, x, gain):
    """x over its root mean square, times the gain, as frontends write it: a square,
    a sum, what becomes of that, and two products."""
    [width] = gain.shape
    shape = [TOKENS, width]
    each, one = "d0, d1", "d0, 0"
    squares = f.generic([each, each], "pp", [x], f.init(shape), SQUARE)
    add = "%r = arith.addf %i0, %o : f32"
    sums = f.generic([each, one], "pr", [squares], f.init([TOKENS, 1]), add)
    scale = f"""%n = arith.constant {width}.0 : f32
    %m = arith.divf %i0, %n : f32
    %e = arith.constant 1.0e-5 : f32
    %s = arith.addf %m, %e : f32
    %r = math.rsqrt %s : f32"""
    scales = f.generic([each, each], "pp", [sums], f.init([TOKENS, 1]), scale)
    y = f.generic([each, one, each], "pp", [x, scales], f.init(shape), MULTIPLY)
    inputs = [y, f.constant(gain)]
    return f.generic([each, "d1", each], "pp", inputs, f.init(shape), MULTIPLY)


def decoder():
    """A block of a language model and its head: RMS norms with gains, one head of
    attention, a residual stream. q, k and v share their L, and so do the other
    linears have one; L⁻¹ of q and k, and of v, ends at the scores and in front of
    P·V. Those of o and down, of up and of the head have their own."""
    x = activations(TOKENS, WIDTH, seed=20)
    square = [weights(i, WIDTH, WIDTH) for i in range(1, 5)]
    up, down, head = (
        weights(5, WIDTH, 2 * CHANNELS),
        weights(6, 2 * CHANNELS, WIDTH),
        weights(7, WIDTH, CHANNELS),
    )
    gains = [np.exp(weights(i, 1, WIDTH)[0]) for i in range(8, 11)]
    f = Writer(tensor(x.shape))
    same = [TOKENS, WIDTH]

    def multiply(x, w):
        return f.linalg("matmul", [x, f.constant(w)], f.init([TOKENS, w.shape[1]]))

    def add(a, b):
        return f.linalg("add", [a, b], f.init(same))

    stream = f.arguments[0]
    n = normalized(f, stream, gains[0])
    q, k, v = (multiply(n, w) for w in square[:3])
    k = f.linalg("transpose", [k], f.init([WIDTH, TOKENS]), "", "permutation = [1, 0]")
    scores = f.linalg("matmul", [q, k], f.init([TOKENS, TOKENS]))
    each, row, wide = "d0, d1", "d0", [TOKENS, TOKENS]
    power = f.generic([each, each], "pp", [scores], f.init(wide), "%r = math.exp %i0 : f32")
    sums = "%r = arith.addf %i0, %o : f32"
    sums = f.generic([each, row], "pr", [power], f.init([TOKENS]), sums)
    share = "%r = arith.divf %i0, %i1 : f32"
    p = f.generic([each, row, each], "pp", [power, sums], f.init(wide), share)
    o = f.linalg("matmul", [p, v], f.init(same))
    stream = add(stream, multiply(o, square[3]))
    h = multiply(normalized(f, stream, gains[1]), up)
    h = f.generic(["d0, d1"] * 2, "pp", [h], f.init([TOKENS, 2 * CHANNELS]), RELU)
    stream = add(stream, multiply(h, down))
    y = multiply(normalized(f, stream, gains[2]), head)

    def compute(linear):
        n = root_mean_square(x) * gains[0]
        q, k, v = (linear(n, w) for w in square[:3])
        scores = q @ k.T
        p = np.exp(scores)
        p = (p / p.sum(-1, keepdims=True)).astype(np.float32)
        stream = x + linear(p @ v, square[3])
        h = relu(linear(root_mean_square(stream) * gains[1], up))
        stream = stream + linear(h, down)
        return linear(root_mean_square(stream) * gains[2], head)

    left = ["its weight is not a constant; with a stamp.plan of its own it is quantized at run time"] * 2
    return Model(f.returning(y), [x], compute, 7, 12, left)


MODELS = {
    write.__name__: write
    for write in [
        torch_mlir,
        named_ops,
        generics,
        tokens_in_columns,
        leading_dimensions,
        batch_of_weights,
        dynamic_length,
        decode,
        vision,
        convolutions,
        downsampling,
        sounds,
        pixels_of_any_number,
        blocked,
        data_tiling,
        batch_of_blocks,
        heads,
        tosa,
        batch_of_one,
        quantized_elsewhere,
        globals_of_a_module,
        weights_as_codes,
        weights_as_arguments,
        decoder,
    ]
}
