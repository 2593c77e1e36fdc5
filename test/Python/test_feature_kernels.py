# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Feature transforms within the quantizing kernels: the bits of the portable lowering.

What the portable lowering computes is compared with the oracle elsewhere.
"""

import numpy as np
import pytest
from test_kernels import PROGRAMS, Program, constant, host_instructions, same_bits, same_outputs

# Orders of the dense part, and how many features a rotation is of: fewer than a
# vector has, as many, and more than one turn takes; runs of no whole vectors.
SIZES = {
    1: [1, 2, 4, 8, 16, 32, 64, 256, 512],
    2: [2, 16, 64],
    3: [3, 6, 96],
    7: [7, 14, 112],
    12: [12, 24, 48, 192],
    15: [15, 120],
    20: [20, 40, 320],
    28: [28, 224],
    60: [60, 120],
    92: [184],
}


def factors(width, seed):
    random = np.random.default_rng(seed)
    return np.exp(random.uniform(-2, 2, width)) * random.choice([-1, 1], width)


class Rotated(Program):
    """y = ((x·R)·R')·W, …: a rotation alone, or among scales and others."""

    def __init__(self, seed):
        super().__init__(seed)
        random = np.random.default_rng(1000 + seed)
        # Every other one is a power of two.
        order = 1 if seed % 2 == 0 else int(random.choice(list(SIZES)[1:]))
        width = int(random.choice(SIZES[order]))
        self.features = width
        self.weights = [
            random.standard_normal((width, n)) / np.sqrt(width)
            for n in (self.channels, self.others)
        ]
        rotation = f"#stamp.hadamard<order = {order}>"
        scale = f"#stamp.scale<{constant(factors(width, seed))}>"
        self.transforms = [
            [rotation],
            [scale, rotation],
            [rotation, scale],
            [scale],
            [rotation, scale, rotation],
        ][seed // 2 % 5]
        if seed % 4 == 3:
            self.activation_group = self.weight_group = 32

    def flags(self):
        [select, *others] = super().flags()
        return [f"{select} features={{[{', '.join(self.transforms)}]}}", *others]


@pytest.mark.parametrize("seed", range(2 * PROGRAMS))
def test_kernels_equal_the_portable_lowering(run, optimize, seed):
    program = Rotated(seed)
    module = optimize(str(program), *program.flags())
    assert module.count(" = stamp.feature_transform ") == len(program.transforms)
    calls = [("f", [x], 2) for x in program.inputs()]
    expected = run(module, calls, "-O1")
    for cpu in host_instructions():
        formed = optimize(
            module,
            "--stamp-block-order",
            f"--stamp-form-kernels=cpu={cpu}",
            "--canonicalize",
        )
        assert "feature_transform" not in formed and "stamp.quantize" not in formed
        actual = run(module, calls, "-O1", f"--cpu={cpu}")
        for ours, theirs in zip(actual, expected, strict=True):
            for y, reference in zip(ours, theirs, strict=True):
                same_outputs(program, y, reference)


LINEAR = """
func.func @f(%x: tensor<?x{k}xf32>) -> tensor<?x3xf32> {{
  %c0 = arith.constant 0 : index
  %i0 = arith.constant 0 : i32
  %n = tensor.dim %x, %c0 : tensor<?x{k}xf32>
  %w = arith.constant {weight}
  %sw = arith.constant dense<[0.5, 1.0, 2.0]> : tensor<3xf32>
  %c = arith.constant {sums}
  %e = tensor.empty(%n) : tensor<?x{k}x{type}>
  %eq = tensor.empty(%n) : tensor<?x{k}xi8>
  %es = tensor.empty(%n) : tensor<?xf32>
  %ez = tensor.empty(%n) : tensor<?xi32>
  %ea = tensor.empty(%n) : tensor<?x3xi32>
  %ey = tensor.empty(%n) : tensor<?x3xf32>
  %r = stamp.{op} {transform} over 1 ins(%x : tensor<?x{k}xf32>) outs(%e : tensor<?x{k}x{type}>)
  %q, %s, %z = stamp.quantize #stamp.schedule<[], 8> along 0 over 1
      ins(%r : tensor<?x{k}x{type}>) outs(%eq, %es, %ez : tensor<?x{k}xi8>, tensor<?xf32>, tensor<?xi32>)
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<?x3xi32>) -> tensor<?x3xi32>
  %a = linalg.matmul ins(%q, %w : tensor<?x{k}xi8>, tensor<{k}x3xi8>)
      outs(%zero : tensor<?x3xi32>) -> tensor<?x3xi32>
  %y = stamp.rescale along 0 over 1
      ins(%a, %s, %z, %sw, %c : tensor<?x3xi32>, tensor<?xf32>, tensor<?xi32>, tensor<3xf32>, tensor<3xi32>)
      outs(%ey : tensor<?x3xf32>)
  return %y : tensor<?x3xf32>
}}
"""


def linear(op, transform, width, type="f32"):
    random = np.random.default_rng(width)
    codes = random.integers(-7, 8, (width, 3)).astype(np.int8)
    sums = codes.sum(axis=0, dtype=np.int32)
    return LINEAR.format(
        k=width,
        op=op,
        transform=transform,
        type=type,
        weight=f'dense<"0x{codes.tobytes().hex().upper()}"> : tensor<{width}x3xi8>',
        sums=f"dense<{sums.tolist()}> : tensor<3xi32>",
    )


def compare(run, optimize, module, inputs):
    calls = [("f", [x], 1) for x in inputs]
    expected = run(module, calls, "-O1")
    for cpu in host_instructions():
        assert " = stamp." not in optimize(
            module, f"--stamp-form-kernels=cpu={cpu}", "--canonicalize"
        )
        actual = run(module, calls, "-O1", f"--cpu={cpu}")
        for [y], [reference] in zip(actual, expected, strict=True):
            same_bits(y, reference)


def tokens(width):
    """Few and many, with a loud channel, no two alike."""
    for count in 1, 3, 8, 21:
        random = np.random.default_rng(count)
        x = random.standard_normal((count, width)).astype(np.float32)
        x[:, width // 2] *= 20
        yield x


@pytest.mark.parametrize("order", SIZES)
@pytest.mark.parametrize("op", ["feature_transform", "inverse_feature_transform"])
def test_rotations_of_all_sizes(run, optimize, op, order):
    """Odd orders and Paley's have an inverse that is not themselves."""
    rotation = f"#stamp.hadamard<order = {order}>"
    for width, type in zip(SIZES[order], ["f32", "bf16", "f16"] * 3):
        module = linear(op, rotation, width, type)
        compare(run, optimize, module, tokens(width))


@pytest.mark.parametrize("op", ["feature_transform", "inverse_feature_transform"])
def test_scales(run, optimize, op):
    for width in 1, 5, 16, 77:
        scale = f"#stamp.scale<{constant(factors(width, width))}>"
        compare(run, optimize, linear(op, scale, width), tokens(width))


def test_other_numbers_of_features_are_left(run, optimize):
    for transform in "#stamp.hadamard<order = 5>", "#stamp.scale<dense<2.0> : tensor<8xf32>>":
        module = linear("feature_transform", transform, 24, "bf16")
        compare(run, optimize, module, tokens(24))


def test_rows_that_are_not_numbers(run, optimize):
    """Each spoils its own row, and no other."""
    module = linear("feature_transform", "#stamp.hadamard", 64)
    [*_, x] = tokens(64)
    x[5, 0], x[17, -1], x[8:11] = np.nan, np.inf, 0
    [[expected]] = run(module, [("f", [x], 1)], "-O1", "--allow-nonfinite")
    broken = np.isnan(expected).all(axis=1)
    assert set(np.flatnonzero(broken)) == {5, 17}
    for cpu in host_instructions():
        [[y]] = run(
            module, [("f", [x], 1)], "-O1", "--allow-nonfinite", f"--cpu={cpu}"
        )
        assert np.isnan(y[broken]).all()
        same_bits(y[~broken], expected[~broken])
