# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""stamp-block-order, compiled and run: not a bit of any result changes."""

import numpy as np
import pytest
from stamp import reference
from stamp.testdata import ar1

WIDTH, CHANNELS = 16, 12
SCHEDULE = reference.Schedule([(2, 8), (0.25, 6)], 4)


def chain(tokens, basis):
    """Two linears with biases, the first one's output also a residual."""
    s, size = (tokens, "") if tokens else ("?", "%s")
    x, y = f"tensor<{s}x{WIDTH}xf32>", f"tensor<{s}x{CHANNELS}xf32>"
    w, v = f"tensor<{WIDTH}x{CHANNELS}xf32>", f"tensor<{CHANNELS}x{CHANNELS}xf32>"
    b = f"tensor<{CHANNELS}xf32>"
    plan = f"#stamp.plan<basis = {basis}, activations = {SCHEDULE}, weight_bits = 4>"
    return f"""
func.func @chain(%x: {x}, %w: {w}, %v: {v}, %b: {b}, %c: {b}) -> {y} {{
  %c0 = arith.constant 0 : index
  %s = tensor.dim %x, %c0 : {x}
  %f0 = arith.constant 0.0 : f32
  %e = tensor.empty({size}) : {y}
  %zero = linalg.fill ins(%f0 : f32) outs(%e : {y}) -> {y}
  %m = linalg.matmul {{stamp.plan = {plan}}} ins(%x, %w : {x}, {w})
      outs(%zero : {y}) -> {y}
  %wb = linalg.broadcast ins(%b : {b}) outs(%e : {y}) dimensions = [0]
  %h = linalg.add ins(%m, %wb : {y}, {y}) outs(%e : {y}) -> {y}
  %n = linalg.matmul {{stamp.plan = {plan}}} ins(%h, %v : {y}, {v})
      outs(%zero : {y}) -> {y}
  %wc = linalg.broadcast ins(%c : {b}) outs(%e : {y}) dimensions = [0]
  %o = linalg.add ins(%n, %wc : {y}, {y}) outs(%e : {y}) -> {y}
  return %o : {y}
}}
"""


@pytest.mark.parametrize("tokens", [13, 40, None], ids=["13", "40", "dynamic"])
@pytest.mark.parametrize(
    "basis", ["#stamp.haar<levels = 3, skip = 1>", "#stamp.wht<block = 8>"]
)
def test_no_bit_changes(run, optimize, basis, tokens):
    folded = optimize(chain(tokens, basis), "--stamp-quantize", "--stamp-fold")
    moved = optimize(folded, "--stamp-block-order")
    # Everything moves: the chain between two transforms, and dynamic spreads.
    assert "block_order" not in folded
    assert moved.count(" block_order ins") == folded.count("transform #stamp")
    assert moved.count("block_order of") == folded.count("stamp.quantize ") == 2

    random = np.random.default_rng(3)
    shapes = [(WIDTH, CHANNELS), (CHANNELS, CHANNELS), (CHANNELS,), (CHANNELS,)]
    parameters = [random.standard_normal(shape).astype(np.float32) for shape in shapes]
    calls = [
        ("chain", [ar1(length, WIDTH, seed=length), *parameters], 1)
        for length in ([tokens] if tokens else [1, 2, 13, 40])
    ]
    for [expected], [actual] in zip(run(folded, calls), run(moved, calls)):
        assert np.isfinite(expected).all() and np.any(expected)
        np.testing.assert_array_equal(actual.view(np.int32), expected.view(np.int32))
