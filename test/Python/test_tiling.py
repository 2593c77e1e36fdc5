# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A tiled program computes, bit for bit, what the untiled one does.

Tiles are ragged, and the schedule changes its width inside of them.
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

# Columns of the transforms, rows of the quantizer, both of rescale.
SCRIPT = """
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %t = transform.structured.match ops{["stamp.transform"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.tile_using_for %t tile_sizes [0, 7]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %i = transform.structured.match ops{["stamp.inverse_transform"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.tile_using_for %i tile_sizes [0, 4]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    QUANTIZED
    transform.yield
  }
}
"""
# Each op by itself, or from rescale on upwards: the transform stays out.
QUANTIZED = {
    "tiled": """
    %q = transform.structured.match ops{["stamp.quantize"]} in %root
        : (!transform.any_op) -> !transform.any_op
    %rows, %ql = transform.structured.tile_using_for %q tile_sizes [6]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.structured.tile_using_for %rows tile_sizes [4]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %w = transform.structured.match ops{["stamp.quantize_weight"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.tile_using_for %w tile_sizes [0, 4]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %d = transform.structured.match ops{["stamp.dequantize"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.tile_using_for %d tile_sizes [5, 9]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    %r = transform.structured.match ops{["stamp.rescale"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.tile_using_for %r tile_sizes [6, 4]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
""",
    "fused": """
    %r = transform.structured.match ops{["stamp.rescale"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.fuse %r tile_sizes [6, 4]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
""",
}


# In block order also the transforms' rows: the whole linear in one loop over tiles
# of two or four blocks.
IN_BLOCKS = {
    "haar": "#stamp.haar<levels = 3>",
    "haar2": "#stamp.haar<levels = 2>",
    "wht": "#stamp.wht<block = 8>",
}
ROW_TILES = """
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %i = transform.structured.match ops{["stamp.inverse_transform"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.fuse %i tile_sizes [16]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
"""


def linear(tokens, basis, block_order=False):
    order = "block_order" if block_order else ""
    rows = f"block_order of {basis}" if block_order else ""
    s = tokens or "?"
    size = "" if tokens else "%s"
    x, y = f"tensor<{s}x{WIDTH}xf32>", f"tensor<{s}x{CHANNELS}xf32>"
    codes, acc = f"tensor<{s}x{WIDTH}xi8>", f"tensor<{s}x{CHANNELS}xi32>"
    scales, zeros = f"tensor<{s}xf32>", f"tensor<{s}xi32>"
    w, wcodes = f"tensor<{WIDTH}x{CHANNELS}xf32>", f"tensor<{WIDTH}x{CHANNELS}xi8>"
    c, ci = f"tensor<{CHANNELS}xf32>", f"tensor<{CHANNELS}xi32>"
    return f"""
func.func @linear(%x: {x}, %w: {w}, %b: {c}) -> ({x}, {y}) {{
  %c0 = arith.constant 0 : index
  %i0 = arith.constant 0 : i32
  %s = tensor.dim %x, %c0 : {x}
  %ex = tensor.empty({size}) : {x}
  %t = stamp.transform {basis} along 0 {order} ins(%x : {x}) outs(%ex : {x})
  %eq = tensor.empty({size}) : {codes}
  %es = tensor.empty({size}) : {scales}
  %ez = tensor.empty({size}) : {zeros}
  %q, %sx, %zx = stamp.quantize #stamp.schedule<[2 : 8, 0.25 : 6], 4> along 0 over 1 {rows}
      ins(%t : {x}) outs(%eq, %es, %ez : {codes}, {scales}, {zeros})
  %d = stamp.dequantize over 1 ins(%q, %sx, %zx : {codes}, {scales}, {zeros})
      outs(%ex : {x})
  %ew = tensor.empty() : {wcodes}
  %ec = tensor.empty() : {c}
  %ei = tensor.empty() : {ci}
  %wq, %sw, %cw = stamp.quantize_weight bits = 4 over 0 ins(%w : {w})
      outs(%ew, %ec, %ei : {wcodes}, {c}, {ci})
  %ea = tensor.empty({size}) : {acc}
  %z = linalg.fill ins(%i0 : i32) outs(%ea : {acc}) -> {acc}
  %a = linalg.matmul ins(%q, %wq : {codes}, {wcodes}) outs(%z : {acc}) -> {acc}
  %ey = tensor.empty({size}) : {y}
  %r = stamp.rescale along 0 over 1
      ins(%a, %sx, %zx, %sw, %cw : {acc}, {scales}, {zeros}, {c}, {ci})
      bias(%b : {c}) outs(%ey : {y})
  %y = stamp.inverse_transform {basis} along 0 {order} ins(%r : {y}) outs(%ey : {y})
  return %d, %y : {x}, {y}
}}
"""


@pytest.mark.parametrize("quantized", QUANTIZED)
@pytest.mark.parametrize("tokens", [40, None], ids=["static", "dynamic"])
@pytest.mark.parametrize("basis", BASES)
def test_tiled_is_untiled(tmp_path, run, optimize, basis, tokens, quantized):
    script = tmp_path / "script.mlir"
    script.write_text(SCRIPT.replace("QUANTIZED", QUANTIZED[quantized]))
    program = linear(tokens, BASES[basis])
    tiled = optimize(
        program,
        f"--transform-preload-library=transform-library-paths={script}",
        "--transform-interpreter",
        "--canonicalize",
        "--cse",
    )
    assert "rows at" in tiled and tiled.count("scf.for") >= 4
    assert_same_bits(run, program, tiled, [tokens] if tokens else [1, 13, 40])


@pytest.mark.parametrize("tokens", [45, None], ids=["static", "dynamic"])
@pytest.mark.parametrize("basis", IN_BLOCKS)
def test_in_block_order_the_whole_linear_tiles(tmp_path, run, optimize, basis, tokens):
    script = tmp_path / "script.mlir"
    script.write_text(ROW_TILES)
    program = linear(tokens, IN_BLOCKS[basis], block_order=True)
    tiled = optimize(
        program,
        f"--transform-preload-library=transform-library-paths={script}",
        "--transform-interpreter",
        "--canonicalize",
        "--cse",
    )
    # Only what the untiled results ask for, the dequantized tokens, stays outside.
    loop = tiled[tiled.index("scf.for") : tiled.index("scf.yield")]
    for op in "transform", "quantize", "rescale", "inverse_transform":
        assert f"stamp.{op} " in loop
    lengths = [tokens] if tokens else [1, 7, 16, 45]
    coarse_first = linear(tokens, IN_BLOCKS[basis])
    assert_same_bits(run, program, tiled, lengths)
    assert_same_bits(run, coarse_first, tiled, lengths, results=[1])


def assert_same_bits(run, program, tiled, lengths, results=(0, 1)):
    random = np.random.default_rng(7)
    w = random.standard_normal((WIDTH, CHANNELS)).astype(np.float32)
    b = random.standard_normal(CHANNELS).astype(np.float32)
    calls = [
        ("linear", [ar1(length, WIDTH, seed=length), w, b], 2) for length in lengths
    ]
    for one, other in zip(run(program, calls), run(tiled, calls), strict=True):
        for result in results:
            expected, actual = one[result], other[result]
            assert np.isfinite(expected).all() and np.any(expected)
            np.testing.assert_array_equal(
                actual.view(np.int32), expected.view(np.int32)
            )
