# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels of transforms on the emulated GPU: the bits of the portable lowering,
which is compared with the oracle elsewhere.

With STAMP_GPU_PROGRAMS set there is one more, of more than 65,536 tokens.
"""

import os

import numpy as np
import pytest
from stamp.testdata import ar1
from test_kernels import constant, same_bits

# One launch, two, and three; blocks and lengths that are no power of two; and
# skipped tokens, up to all of them.
LENGTHS = [1, 2, 3, 13, 64, 255, 256, 257, 600]
BASES = [
    "#stamp.haar<levels = 1>",
    "#stamp.haar<levels = 4, skip = 5>",
    "#stamp.haar<levels = 8>",
    "#stamp.haar<levels = 30, skip = 1>",
    "#stamp.wht",
    "#stamp.wht<block = 16, skip = 2>",
    "#stamp.wht<block = 512>",
    "#stamp.wht<skip = 300>",
]
# Vectors of four, two and one, and more than one strip of 32.
COLUMNS = [4, 70, 33]
TYPES = ["f32", "f16", "bf16"]


def program(basis, order, columns, type, length="?", batch=""):
    """y = L·x of f32, u = L⁻¹·x; from and to `type`."""
    wide = f"tensor<{batch}{length}x{columns}xf32>"
    narrow = f"tensor<{batch}{length}x{columns}x{type}>"
    d = 1 if batch else 0
    size = "%s" if length == "?" else ""

    def cast(name, op, source, target):
        if type == "f32":
            return f"%{name} = tensor.cast %{name}0 : {source} to {target}"
        return f"%{name} = arith.{op} %{name}0 : {source} to {target}"

    return f"""
func.func @f(%x0: {wide}) -> ({wide}, {wide}) {{
  %d = arith.constant {d} : index
  %s = tensor.dim %x0, %d : {wide}
  {cast("x", "truncf", wide, narrow)}
  %e = tensor.empty({size}) : {narrow}
  %y0 = stamp.transform {basis} along {d} {order} ins(%x : {narrow}) outs(%e : {narrow})
  %u0 = stamp.inverse_transform {basis} along {d} {order}
      ins(%x : {narrow}) outs(%e : {narrow})
  {cast("y", "extf", narrow, wide)}
  {cast("u", "extf", narrow, wide)}
  return %y, %u : {wide}, {wide}
}}
"""


def compare(run, optimize, module, inputs, seed):
    formed = optimize(module, "--stamp-form-gpu-kernels")
    assert "stamp.transform " not in formed
    assert "stamp.inverse_transform " not in formed
    calls = [("f", [x], 2) for x in inputs]
    expected = run(module, calls, "-O1")
    actual = run(module, calls, "-O1", "--gpu=emulate", f"--gpu-seed={seed}")
    for ours, theirs in zip(actual, expected):
        for y, reference in zip(ours, theirs):
            same_bits(y, reference)


@pytest.mark.parametrize("seed", range(len(BASES)))
def test_any_number_of_tokens(run, optimize, seed):
    order = "block_order" if seed % 3 == 0 else ""
    columns, type = COLUMNS[seed % 3], TYPES[seed // 2 % 3]
    module = program(BASES[seed], order, columns, type)
    inputs = [ar1(length, columns, seed=length) for length in LENGTHS]
    compare(run, optimize, module, inputs, seed)


@pytest.mark.parametrize("seed", range(len(BASES)))
def test_a_known_number_of_tokens(run, optimize, seed):
    """In a batch, and in the other order of coefficients."""
    order = "" if seed % 3 == 0 else "block_order"
    length = [600, 512, 1024, 37][seed % 4]
    columns, type = COLUMNS[seed // 2 % 3], TYPES[seed % 3]
    module = program(BASES[seed], order, columns, type, length, "2x")
    x = np.stack([ar1(length, columns, seed=i) for i in range(2)])
    compare(run, optimize, module, [x], seed)


@pytest.mark.skipif(
    "STAMP_GPU_PROGRAMS" not in os.environ, reason="takes longer than all others"
)
def test_more_tokens_than_two_launches_mix(run, optimize):
    x = ar1(65536 + 513, 1, seed=1)
    compare(run, optimize, program("#stamp.wht", "", 1, "f16"), [x], 0)


@pytest.mark.parametrize("seed", range(4))
def test_products(run, optimize, seed):
    """The same order of summation, and the same matrix: the same bits."""
    skip, inverse = [0, 3][seed // 2], ""
    if seed % 2:
        basis, length = f"#stamp.dct<skip = {skip}>", 150
    else:
        q = np.linalg.qr(np.random.default_rng(seed).standard_normal((40, 40)))[0]
        if skip:  # no orthonormal matrix any more
            inverse, q = f", inverse = {constant(q.T / 2)}", q * 2
        basis = f"#stamp.matrix<{constant(q)}{inverse}, skip = {skip}>"
        length = "?"
    columns, type = [70, 33, 12, 4][seed], TYPES[seed % 3]
    module = program(basis, "", columns, type, length, "2x")
    lengths = [40 + skip, 39, 41] if length == "?" else [length]
    inputs = [
        np.stack([ar1(n, columns, seed=n + i) for i in range(2)]) for n in lengths
    ]
    compare(run, optimize, module, inputs, seed)


def test_cosines_of_run_time(run, optimize):
    """Entries are computed on the device, which has another cosine."""
    module = program("#stamp.dct", "", 5, "f32")
    calls = [("f", [ar1(length, 5, seed=length)], 2) for length in [1, 2, 77, 130]]
    expected = run(module, calls, "-O1")
    actual = run(module, calls, "-O1", "--gpu=emulate")
    for ours, theirs in zip(actual, expected):
        for y, reference in zip(ours, theirs):
            assert np.abs(y - reference).max() <= 2e-6 * np.abs(reference).max()
