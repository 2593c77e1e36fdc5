# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""stamp-form-transforms, compiled and run: the same as the portable lowering.

Bit for bit, but for the DCT, whose order of summation is free. What the portable
lowering computes is compared with the oracle elsewhere.
"""

import numpy as np
import pytest
from stamp import reference
from stamp.testdata import ar1
from test_kernels import same_bits

LENGTHS = [1, 2, 3, 7, 8, 16, 31, 64, 100]
EXACT = {
    "#stamp.wht": LENGTHS,
    "#stamp.wht<skip = 3>": LENGTHS,
    "#stamp.wht<block = 16, skip = 2>": LENGTHS,
    "#stamp.wht<block = 128>": [7, 300],
    "#stamp.haar<levels = 2, skip = 1>": LENGTHS,
    "#stamp.haar<levels = 7>": LENGTHS,
    "#stamp.haar<levels = 10, skip = 2>": LENGTHS,
    "#stamp.min_tokens<9, #stamp.haar<levels = 10, skip = 2>>": LENGTHS,
    "#stamp.min_tokens<64, #stamp.wht<skip = 3>>": LENGTHS,
    "#stamp.haar2d<levels = 3, grid = 5x7>": [34, 35],
    "#stamp.haar2d<levels = 2, grid = 1x9, skip = 1>": [9, 10],
    "#stamp.haar2d<levels = 9, grid = 16x8>": [128],
}
# Every radix, alone and with others, even and odd; and primes that have none.
COSINES = [1, 2, 3, 4, 5, 7, 8, 11, 13, 16, 21, 32, 39, 64, 100, 196, 286, 512]
COSINES += [17, 38, 361, 386]


# The fewest and the most registers and lanes that this machine can run.
TARGETS = ["generic", "host"]


def functions(basis, shape, along=0, order="", types=("f32", "f32"), suffix=""):
    """f transforms, g transforms back; None is a size that is not static."""
    sizes = "x".join("?" if size is None else str(size) for size in shape)
    source, target = (f"tensor<{sizes}x{type}>" for type in types)
    dynamic = [d for d, size in enumerate(shape) if size is None]
    measure = "".join(
        f"""
  %c{d} = arith.constant {d} : index
  %s{d} = tensor.dim %x, %c{d} : {source}"""
        for d in dynamic
    )
    return "".join(
        f"""
func.func @{name}{suffix}(%x: {source}) -> {target} {{{measure}
  %e = tensor.empty({", ".join(f"%s{d}" for d in dynamic)}) : {target}
  %y = stamp.{op} {basis} along {along} {order}
      ins(%x : {source}) outs(%e : {target})
  return %y : {target}
}}"""
        for name, op in (("f", "transform"), ("g", "inverse_transform"))
    )


def forms_kernels(optimize, text):
    return "stamp." not in optimize(text, "--stamp-form-transforms")


def results(run, text, inputs, *options, suffixes=("",)):
    calls = [
        (name + suffix, [x], 1) for suffix in suffixes for x in inputs for name in "fg"
    ]
    return [y for [y] in run(text, calls, "-O1", *options)]


def compare(run, optimize, text, inputs, **kwargs):
    assert forms_kernels(optimize, text)
    expected = results(run, text, inputs, **kwargs)
    for cpu in TARGETS:
        actual = results(run, text, inputs, f"--cpu={cpu}", **kwargs)
        for y, reference in zip(actual, expected, strict=True):
            same_bits(y.astype(np.float32), reference.astype(np.float32))


@pytest.mark.parametrize("basis", EXACT)
def test_lengths_at_run_time(run, optimize, basis):
    text = functions(basis, [None, None], suffix="c")
    text += functions(basis, [None, 37], order="block_order", suffix="b")
    inputs = [ar1(n, 37, seed=n) for n in EXACT[basis]]
    compare(run, optimize, text, inputs, suffixes="cb")


@pytest.mark.parametrize("basis", EXACT)
def test_a_static_length(run, optimize, basis):
    n = EXACT[basis][-1]
    text = functions(basis, [n, 37], suffix="c")
    text += functions(basis, [n, 37], order="block_order", suffix="b")
    compare(run, optimize, text, [ar1(n, 37, seed=n)], suffixes="cb")


@pytest.mark.parametrize("along", [0, 1, 2])
def test_any_dimension_but_the_last(run, optimize, along):
    """Dimensions in front are a batch, those behind are columns."""
    x = ar1(40, 2 * 3 * 14, seed=1).reshape([40, 2, 3, 14])
    x = np.ascontiguousarray(np.moveaxis(x, 0, along))
    text = functions("#stamp.wht", x.shape, along, suffix="w")
    shape = [None, *x.shape[1:]]
    text += functions("#stamp.haar<levels = 7>", shape, along, suffix="h")
    compare(run, optimize, text, [x], suffixes="wh")


def test_threads_and_wide_rows(run, optimize):
    """More strips than one, the last of which is ragged."""
    x = ar1(64, 700, seed=1)
    text = functions("#stamp.wht", [None, 700], suffix="w")
    text += functions("#stamp.haar2d<levels = 3, grid = 8x8>", [64, 700], suffix="h")
    expected = results(run, text, [x], suffixes="wh")
    actual = results(run, text, [x], "--cpu=host", "--num-threads=2", suffixes="wh")
    for y, reference in zip(actual, expected, strict=True):
        same_bits(y, reference)


def test_stores_past_the_caches(run, optimize):
    """Results that no cache holds, on two threads."""
    x = ar1(1024, 2304, seed=1)
    text = functions("#stamp.wht", x.shape, suffix="w")
    text += functions("#stamp.haar2d<levels = 3, grid = 32x32>", x.shape, suffix="h")
    expected = results(run, text, [x], suffixes="wh")
    actual = results(run, text, [x], "--cpu=host", "--num-threads=2", suffixes="wh")
    for y, reference in zip(actual, expected, strict=True):
        same_bits(y, reference)


def test_narrow_floats(run, optimize):
    """Only the last operation narrows: what waits in scratch does not."""
    x = ar1(100, 37, seed=1)
    halves = ("f16", "f16")
    text = functions("#stamp.wht", [100, 37], types=halves, suffix="w")
    text += functions("#stamp.haar<levels = 7>", [100, 37], types=halves, suffix="h")
    compare(run, optimize, text, [x.astype(np.float16)], suffixes="wh")
    text = functions("#stamp.haar<levels = 7>", [100, 37], types=("f32", "f16"))
    compare(run, optimize, text, [x])


def test_cosines(run, optimize):
    text = "".join(
        functions("#stamp.dct<skip = 1>", [n + 1, 37], suffix=n) for n in COSINES
    )
    text += functions("#stamp.dct<skip = 1>", [None, 37], suffix="any")
    assert forms_kernels(optimize, text)
    inputs = [(n, ar1(n + 1, 37, seed=n)) for n in COSINES]
    calls = [(name + str(n), [x], 1) for n, x in inputs for name in "fg"]
    calls += [(name + "any", [x], 1) for _, x in inputs for name in "fg"]
    for cpu in TARGETS:
        outputs = iter(run(text, calls, "-O1", f"--cpu={cpu}"))
        for length, x in inputs + inputs:
            k, n = np.arange(length)[:, None], np.arange(length)
            matrix = np.cos(np.pi * (2 * n + 1) * k / (2 * length))
            matrix *= np.sqrt(np.where(k == 0, 1, 2) / length)
            for exact in (matrix @ x[1:], matrix.T @ x[1:]):
                [y] = next(outputs)
                same_bits(y[:1], x[:1])
                # Two columns share a complex transform, and the louder's error.
                error = np.linalg.norm(y[1:] - exact, axis=0).max()
                assert error < 5e-7 * np.linalg.norm(exact, axis=0).max(), length


@pytest.mark.parametrize("rows", [20, None])
@pytest.mark.parametrize("has_inverse", [False, True])
def test_a_matrix(run, optimize, rows, has_inverse):
    """Other lengths are left as they are."""
    random = np.random.default_rng(1)
    matrix = np.linalg.qr(random.standard_normal((19, 19)))[0]
    if has_inverse:
        matrix *= random.uniform(1, 2, 19)
    inverse = np.linalg.inv(matrix)

    def dense(values):
        data = values.astype(np.float32).tobytes().hex().upper()
        return f'dense<"0x{data}"> : tensor<19x19xf32>'

    second = f", inverse = {dense(inverse)}" if has_inverse else ""
    basis = f"#stamp.matrix<{dense(matrix)}{second}, skip = 1>"
    text = functions(basis, [rows, 70])
    assert forms_kernels(optimize, text)
    inputs = [ar1(n, 70, seed=n) for n in ([rows] if rows else [20, 21, 1])]
    for cpu in TARGETS:
        outputs = iter(results(run, text, inputs, f"--cpu={cpu}"))
        for x in inputs:
            for factor in (matrix, inverse):
                y, expected = next(outputs), x.astype(np.float64)
                if len(x) == 20:
                    expected[1:] = factor @ x[1:]
                    error = np.abs(y - expected).max()
                    assert error < 2e-6 * np.abs(expected).max()
                else:
                    same_bits(y, x)


def test_codes_of_cosines(run, optimize):
    """As near the portable lowering's as docs/Semantics.md asks for."""
    text = functions("#stamp.dct", [512, 256])
    x = ar1(512, 256, seed=1)
    schedule = reference.Schedule([(64, 8)], 4)
    portable, kernel = (
        reference.quantize(results(run, text, [x], *cpu)[0], schedule)[0].astype(int)
        for cpu in ([], ["--cpu=host"])
    )
    assert np.abs(kernel - portable).max() <= 1
    assert np.mean(kernel != portable) < 1e-4
    assert np.ptp(portable[:64]) > 200


def test_what_has_no_kernel_is_computed_all_the_same(run, optimize):
    text = functions("#stamp.wht<skip = 2>", [37, None], along=1)
    assert optimize(text, "--stamp-form-transforms").count("transform #") == 2
    x = np.ascontiguousarray(ar1(34, 37, seed=1).T)
    expected = results(run, text, [x])
    actual = results(run, text, [x], "--cpu=host")
    for y, reference in zip(actual, expected, strict=True):
        same_bits(y, reference)
