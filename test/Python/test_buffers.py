# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A program that is bufferized early computes the same bits.

Upstream's One-Shot Bufferize takes the stamp ops to buffers, and only then are
they lowered. The usual way is the other way round.
"""

import numpy as np
import pytest
from stamp.testdata import ar1

WIDTH, CHANNELS = 24, 10
BASES = {
    "haar": "#stamp.haar<levels = 3, skip = 1>",
    "wht": "#stamp.wht",
    "haar2d": "#stamp.haar2d<levels = 2, grid = 5x8>",
}
BUFFERIZE = (
    "--one-shot-bufferize=bufferize-function-boundaries "
    "function-boundary-type-conversion=identity-layout-map"
)
X, Y = f"tensor<?x{WIDTH}xf32>", f"tensor<?x{CHANNELS}xf32>"


def on_buffers(type):
    return type.replace("tensor", "memref")


def linear(basis):
    """Both transforms are in place; %x is read once more at the end."""
    codes, acc = f"tensor<?x{WIDTH}xi8>", f"tensor<?x{CHANNELS}xi32>"
    scales, zeros = "tensor<?xf32>", "tensor<?xi32>"
    w, wcodes = f"tensor<{WIDTH}x{CHANNELS}xf32>", f"tensor<{WIDTH}x{CHANNELS}xi8>"
    c, ci = f"tensor<{CHANNELS}xf32>", f"tensor<{CHANNELS}xi32>"
    return f"""
func.func private @linear(%x: {X}, %w: {w}, %b: {c}) -> ({X}, {Y}) {{
  %c0 = arith.constant 0 : index
  %i0 = arith.constant 0 : i32
  %s = tensor.dim %x, %c0 : {X}
  %ex = tensor.empty(%s) : {X}
  %copy = linalg.copy ins(%x : {X}) outs(%ex : {X}) -> {X}
  %t = stamp.transform {basis} along 0 ins(%copy : {X}) outs(%copy : {X})
  %eq = tensor.empty(%s) : {codes}
  %es = tensor.empty(%s) : {scales}
  %ez = tensor.empty(%s) : {zeros}
  %q, %sx, %zx = stamp.quantize #stamp.schedule<[2 : 8, 0.25 : 6], 4> along 0 over 1
      ins(%t : {X}) outs(%eq, %es, %ez : {codes}, {scales}, {zeros})
  %d = stamp.dequantize over 1 ins(%q, %sx, %zx : {codes}, {scales}, {zeros})
      outs(%t : {X})
  %ew = tensor.empty() : {wcodes}
  %ec = tensor.empty() : {c}
  %ei = tensor.empty() : {ci}
  %wq, %sw, %cw = stamp.quantize_weight bits = 4 over 0 ins(%w : {w})
      outs(%ew, %ec, %ei : {wcodes}, {c}, {ci})
  %ea = tensor.empty(%s) : {acc}
  %z = linalg.fill ins(%i0 : i32) outs(%ea : {acc}) -> {acc}
  %a = linalg.matmul ins(%q, %wq : {codes}, {wcodes}) outs(%z : {acc}) -> {acc}
  %ey = tensor.empty(%s) : {Y}
  %r = stamp.rescale along 0 over 1
      ins(%a, %sx, %zx, %sw, %cw : {acc}, {scales}, {zeros}, {c}, {ci})
      bias(%b : {c}) outs(%ey : {Y})
  %y = stamp.inverse_transform {basis} along 0 ins(%r : {Y}) outs(%r : {Y})
  %e = linalg.sub ins(%d, %x : {X}, {X}) outs(%d : {X}) -> {X}
  return %e, %y : {X}, {Y}
}}
"""


# Buffers do not cross the border to Python.
CALLER = f"""
func.func @call(%x: {X}, %w: tensor<{WIDTH}x{CHANNELS}xf32>, %b: tensor<{CHANNELS}xf32>)
    -> ({X}, {Y}) {{
  %mx = bufferization.to_buffer %x : {X} to {on_buffers(X)}
  %mw = bufferization.to_buffer %w
      : tensor<{WIDTH}x{CHANNELS}xf32> to memref<{WIDTH}x{CHANNELS}xf32>
  %mb = bufferization.to_buffer %b : tensor<{CHANNELS}xf32> to memref<{CHANNELS}xf32>
  %me, %my = call @linear(%mx, %mw, %mb)
      : ({on_buffers(X)}, memref<{WIDTH}x{CHANNELS}xf32>, memref<{CHANNELS}xf32>)
      -> ({on_buffers(X)}, {on_buffers(Y)})
  %e = bufferization.to_tensor %me restrict : {on_buffers(X)} to {X}
  %y = bufferization.to_tensor %my restrict : {on_buffers(Y)} to {Y}
  return %e, %y : {X}, {Y}
}}
"""


def assert_same_bits(one, other):
    for expected, actual in zip(one, other, strict=True):
        for x, y in zip(expected, actual, strict=True):
            np.testing.assert_array_equal(y.view(np.int32), x.view(np.int32))


@pytest.mark.parametrize("basis", BASES)
def test_bufferized_early(run, optimize, basis):
    program = linear(BASES[basis])
    early = optimize(program, BUFFERIZE, "--canonicalize")
    for op in ["transform", "quantize", "dequantize", "quantize_weight", "rescale"]:
        assert f"stamp.{op}" in early
    assert "= stamp." not in early

    random = np.random.default_rng(7)
    w = random.standard_normal((WIDTH, CHANNELS)).astype(np.float32)
    b = random.standard_normal(CHANNELS).astype(np.float32)
    inputs = [[ar1(length, WIDTH, seed=length), w, b] for length in [1, 13, 40]]
    usual = run(
        program.replace("private ", ""), [("linear", arrays, 2) for arrays in inputs]
    )
    module = early.rstrip().removesuffix("}") + CALLER + "}"
    assert_same_bits(usual, run(module, [("call", arrays, 2) for arrays in inputs]))


# Into the other buffer, back, and in place: whoever computes a result where
# something is still read, gets other numbers.
TO_AND_FRO = f"""
func.func @f(%x: {X}) -> {X} {{
  %c0 = arith.constant 0 : index
  %s = tensor.dim %x, %c0 : {X}
  %copy = bufferization.alloc_tensor() copy(%x) : {X}
  %a = bufferization.to_buffer %copy : {X} to {on_buffers(X)}
  %b = memref.alloc(%s) : {on_buffers(X)}
  stamp.transform FIRST along 0 ins(%a : {on_buffers(X)}) outs(%b : {on_buffers(X)})
  stamp.transform SECOND along 0 ins(%b : {on_buffers(X)}) outs(%a : {on_buffers(X)})
  stamp.transform #stamp.dct along 0
      ins(%a : {on_buffers(X)}) outs(%a : {on_buffers(X)})
  %y = bufferization.to_tensor %a restrict : {on_buffers(X)} to {X}
  return %y : {X}
}}
func.func @g(%x: {X}) -> {X} {{
  %c0 = arith.constant 0 : index
  %s = tensor.dim %x, %c0 : {X}
  %e = tensor.empty(%s) : {X}
  %a = stamp.transform FIRST along 0 ins(%x : {X}) outs(%e : {X})
  %b = stamp.transform SECOND along 0 ins(%a : {X}) outs(%e : {X})
  %y = stamp.transform #stamp.dct along 0 ins(%b : {X}) outs(%e : {X})
  return %y : {X}
}}
"""


@pytest.mark.parametrize("first, second", [("haar", "wht"), ("wht", "haar2d")])
def test_to_and_fro(run, first, second):
    module = TO_AND_FRO.replace("FIRST", BASES[first]).replace("SECOND", BASES[second])
    x = ar1(40, WIDTH, seed=3)
    buffers, tensors = run(module, [("f", [x], 1), ("g", [x], 1)])
    assert_same_bits([tensors], [buffers])
