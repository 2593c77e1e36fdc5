# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels at the ends of what they are given: nothing, one, too much, views."""

import numpy as np
import pytest
from stamp.testdata import ar1
from test_kernels import Program, constant, host_instructions, same_bits


def compare(run, module, inputs, results=2):
    """All instruction sets of this machine with the portable lowering."""
    calls = [("f", [x], results) for x in inputs]
    expected = run(module, calls, "-O1")
    for cpu in host_instructions():
        for ours, theirs in zip(run(module, calls, "-O1", f"--cpu={cpu}"), expected):
            for y, reference in zip(ours, theirs):
                assert y.shape == reference.shape
                if y.size:
                    same_bits(y, reference)
    return expected


# Bases with the first token inside of a block have rows in front of it.
@pytest.mark.parametrize("seed", [2, 4])
def test_no_tokens(run, optimize, seed):
    program = Program(seed)
    program.batch = None
    module = optimize(str(program), *program.flags())
    assert "stamp.quantize " in module
    empty = np.zeros((0, program.features), np.float32)
    [[y, v]] = compare(run, module, [empty])
    assert y.shape == (0, program.channels) and v.shape == (0, program.others)


def test_no_sequences(run, optimize):
    program = Program(4)
    k = program.features
    text = str(program).replace(f"tensor<{program.batch}x?", "tensor<?x?")
    text = text.replace("tensor.empty(%s)", "tensor.empty(%batch, %s)").replace(
        "  %zero =",
        "  %first = arith.constant 0 : index\n"
        f"  %batch = tensor.dim %x0, %first : tensor<?x?x{k}xf32>\n"
        "  %zero =",
    )
    module = optimize(text, *program.flags())
    assert "stamp.quantize " in module
    shapes = [(0, 5, k), (2, 0, k), (0, 0, k)]
    inputs = [np.zeros(shape, np.float32) for shape in shapes]
    inputs.append(ar1(9, k, seed=1)[None])
    results = compare(run, module, inputs)
    assert [y.shape[:2] for y, _ in results] == [(0, 5), (2, 0), (0, 0), (1, 9)]


@pytest.mark.parametrize("features, channels", [(1, 1), (1, 50), (50, 1)])
def test_one_feature_or_channel(run, optimize, features, channels):
    program = Program(3)
    program.features, program.channels, program.others = features, channels, 1
    program.batch, program.type = None, "f32"
    random = np.random.default_rng(1)
    program.weights = [random.standard_normal((features, n)) for n in (channels, 1)]
    program.bias = np.ones(channels)
    module = optimize(str(program), *program.flags())
    assert "stamp.quantize " in module
    compare(run, module, list(program.inputs()))


@pytest.mark.parametrize("row_step, column_step", [(2, 1), (1, 3)])
def test_input_is_a_view(run, optimize, row_step, column_step):
    """Rows that start anywhere, are far apart, or are not contiguous."""
    program = Program(3)
    program.batch, program.type, k = None, "f32", program.features
    width = column_step * k + 5
    signature = f"func.func @f(%x0: tensor<?x{k}xf32>)"
    assert signature in str(program)
    text = str(program).replace(signature, f"func.func @f(%all: tensor<?x{width}xf32>)")
    start = text.index("{\n") + 2
    text = f"""{text[:start]}
  %first = arith.constant 0 : index
  %step = arith.constant {row_step} : index
  %rows = tensor.dim %all, %first : tensor<?x{width}xf32>
  %taken = arith.divui %rows, %step : index
  %x0 = tensor.extract_slice %all[0, 3] [%taken, {k}] [{row_step}, {column_step}]
      : tensor<?x{width}xf32> to tensor<?x{k}xf32>
{text[start:]}"""
    module = optimize(text, *program.flags())
    assert "stamp.quantize " in module
    results = compare(run, module, [ar1(n, width, seed=n) for n in (2, 17, 40)])
    assert [len(y) for y, _ in results] == [n // row_step for n in (2, 17, 40)]


def test_long_sums_are_cut_within_a_vector(run, optimize):
    """2 × 33,240 features: whole bytes of 4-bit codes, but no whole vectors."""
    program = Program(3)
    program.features, program.channels, program.others = 66_480, 5, 3
    program.batch, program.type, program.weight_bits = None, "f32", 4
    random = np.random.default_rng(1)
    program.weights = [random.standard_normal((66_480, n)) for n in (5, 3)]
    program.bias = np.ones(5)
    module = optimize(str(program), *program.flags())
    for cpu in host_instructions():
        formed = optimize(
            module, "--stamp-block-order", f"--stamp-form-kernels=cpu={cpu}"
        )
        assert "stamp.rescale " not in formed
    compare(run, module, [ar1(n, program.features, seed=n) for n in (1, 13)])


@pytest.mark.parametrize("channels", [1072, 1056])
def test_results_that_no_cache_holds(run, optimize, channels):
    """Stored past the caches; with 1072 channels the last strip is cut."""
    program = Program(3)
    program.features, program.channels, program.others = 24, channels, 48
    program.batch, program.type = None, "f32"
    random = np.random.default_rng(1)
    program.weights = [random.standard_normal((24, n)) for n in (channels, 48)]
    program.bias = np.ones(channels)
    text = str(program)
    # The size has to be known.
    for width in 24, channels, 48:
        text = text.replace(f"tensor<?x{width}x", f"tensor<2100x{width}x")
    module = optimize(text.replace("tensor.empty(%s)", "tensor.empty()"), *program.flags())
    kernels = optimize(
        module, "--stamp-block-order", "--stamp-form-kernels=cpu=avx512vnni"
    )
    assert "nontemporal = true" in kernels
    [expected] = run(module, [("f", [ar1(2100, 24, seed=1)], 2)], "-O1")
    for cpu in host_instructions():
        for threads in 1, 2:
            [actual] = run(
                module,
                [("f", [ar1(2100, 24, seed=1)], 2)],
                *("-O1", f"--cpu={cpu}", f"--num-threads={threads}"),
            )
            for y, reference in zip(actual, expected):
                same_bits(y, reference)


@pytest.mark.parametrize("bits", [4, 8])
def test_sums_beyond_32_bits_wrap(run, bits):
    """stamp-quantize makes no such linear (66,311 products are the most), but
    somebody else may."""
    features, channels, length = 66_500, 5, 9
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    random = np.random.default_rng(0)
    codes = random.integers(low, high + 1, (features, channels)).astype(np.int8)
    codes[:, 0], codes[:, 1] = low, high
    sums = codes.astype(np.int64).sum(axis=0).astype(np.int32)
    module = f"""
func.func @f(%x: tensor<{length}x{features}xf32>) -> tensor<{length}x{channels}xf32> {{
  %w = arith.constant dense<"0x{codes.tobytes().hex()}"> : tensor<{features}x{channels}xi8>
  %sw = arith.constant {constant(np.linspace(0.5, 2, channels))}
  %c = arith.constant dense<[{", ".join(map(str, sums))}]> : tensor<{channels}xi32>
  %i0 = arith.constant 0 : i32
  %eq = tensor.empty() : tensor<{length}x{features}xi8>
  %es = tensor.empty() : tensor<{length}xf32>
  %ez = tensor.empty() : tensor<{length}xi32>
  %ea = tensor.empty() : tensor<{length}x{channels}xi32>
  %ey = tensor.empty() : tensor<{length}x{channels}xf32>
  %q, %s, %z = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1
      ins(%x : tensor<{length}x{features}xf32>)
      outs(%eq, %es, %ez : tensor<{length}x{features}xi8>, tensor<{length}xf32>, tensor<{length}xi32>)
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<{length}x{channels}xi32>)
      -> tensor<{length}x{channels}xi32>
  %a = linalg.matmul
      ins(%q, %w : tensor<{length}x{features}xi8>, tensor<{features}x{channels}xi8>)
      outs(%zero : tensor<{length}x{channels}xi32>) -> tensor<{length}x{channels}xi32>
  %y = stamp.rescale along 0 over 1
      ins(%a, %s, %z, %sw, %c : tensor<{length}x{channels}xi32>, tensor<{length}xf32>,
          tensor<{length}xi32>, tensor<{channels}xf32>, tensor<{channels}xi32>)
      outs(%ey : tensor<{length}x{channels}xf32>)
  return %y : tensor<{length}x{channels}xf32>
}}
"""
    x = ar1(length, features, seed=2)
    # A row of the largest codes: one small value makes the range.
    x[0] = 1
    x[0, 0] = -1e-3
    x[5] = -1
    x[5, 0] = 1e-3
    compare(run, module, [x.astype(np.float32)], 1)
