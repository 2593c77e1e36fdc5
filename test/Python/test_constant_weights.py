# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Constant weights, quantized by the compiler, against the oracle."""

import ml_dtypes
import numpy as np
import pytest
from stamp import reference


@pytest.mark.parametrize(
    "element, dtype", [("f16", np.float16), ("bf16", ml_dtypes.bfloat16)]
)
@pytest.mark.parametrize("bits", [4, 8])
def test_every_half_is_widened_as_it_should_be(run, optimize, element, dtype, bits):
    """All of them, 256 that have the upper byte in common being a channel: zeros,
    subnormal numbers, infinities and NaNs as well."""
    w = np.arange(2**16, dtype=np.uint16).view(dtype).reshape(256, 256)
    digits = ((2).to_bytes(4, "little") + w.tobytes()).hex().upper()
    module = f"""
func.func @f() -> (tensor<256x256xi8>, tensor<256xf32>, tensor<256xi32>) {{
  %w = arith.constant dense_resource<w> : tensor<256x256x{element}>
  %eq = tensor.empty() : tensor<256x256xi8>
  %es = tensor.empty() : tensor<256xf32>
  %ec = tensor.empty() : tensor<256xi32>
  %q, %s, %c = stamp.quantize_weight bits = {bits} over 1
      ins(%w : tensor<256x256x{element}>)
      outs(%eq, %es, %ec : tensor<256x256xi8>, tensor<256xf32>, tensor<256xi32>)
  return %q, %s, %c : tensor<256x256xi8>, tensor<256xf32>, tensor<256xi32>
}}
{{-# dialect_resources: {{ builtin: {{ w: "0x{digits}" }} }} #-}}
"""
    folded = optimize(module, "--canonicalize")
    assert "quantize_weight" not in folded
    [[codes, scales, sums]] = run(folded, [("f", [], 3)])
    oracle = reference.quantize_weight(w.T, bits)
    np.testing.assert_array_equal(codes, oracle.codes.T)
    np.testing.assert_array_equal(scales, oracle.scales)
    np.testing.assert_array_equal(sums, oracle.sums)
    assert np.isnan(scales).any() and (codes != 0).any()


def test_equal_constants_share_a_resource(optimize):
    """Names say what is in them, so they do not depend on who comes first."""
    shape = "tensor<80x80xf32>"

    def function(name, value):
        return f"""
func.func @{name}(%x: {shape}, %y: {shape}) -> {shape} {{
  %w = arith.constant dense<{value}> : {shape}
  %r = linalg.matmul ins(%x, %w : {shape}, {shape}) outs(%y : {shape}) -> {shape}
  return %r : {shape}
}}
"""

    one, two = function("one", 0.5), function("two", 0.25)
    three = function("three", 0.5)
    flags = ["--stamp-select", "--stamp-quantize"]
    module = optimize(one + two + three, *flags)
    resources = [line for line in module.splitlines() if '"0x' in line]
    # A weight of one value has the same codes whatever its scale.
    assert len(resources) == 1
    again = optimize(three + one, *flags)
    assert resources[0].strip() in again
