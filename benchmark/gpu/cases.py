# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is measured: linear layers, and a transform with its quantization."""

from __future__ import annotations

from dataclasses import dataclass

HAAR = "#stamp.haar<levels = 3>"
IDENTITY = "#stamp.identity"


@dataclass(frozen=True)
class Case:
    name: str
    tokens: int
    features: int
    channels: int  # 0: no product, only a transform and its quantization
    basis: str
    seed: int = 1
    timed: bool = False

    @property
    def schedule(self) -> str:
        """64 rows at 8 bits and the rest at 4."""
        return f"#stamp.schedule<[{min(64, self.tokens)} : 8], 4>"

    def module(self) -> str:
        m, k, n = self.tokens, self.features, self.channels
        if n == 0:
            return _QUANTIZE.format(
                m=m, k=k, basis=self.basis, schedule=self.schedule
            )
        return _LINEAR.format(m=m, k=k, n=n)


_LINEAR = """\
func.func @main(%x: tensor<{m}x{k}xf32>) -> tensor<{m}x{n}xf32> {{
  %weight = arith.constant dense_resource<weight> : tensor<{k}x{n}xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<{m}x{n}xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%empty : tensor<{m}x{n}xf32>) -> tensor<{m}x{n}xf32>
  %y = linalg.matmul ins(%x, %weight : tensor<{m}x{k}xf32>, tensor<{k}x{n}xf32>)
    outs(%filled : tensor<{m}x{n}xf32>) -> tensor<{m}x{n}xf32>
  return %y : tensor<{m}x{n}xf32>
}}
"""

_QUANTIZE = """\
func.func @main(%x: tensor<{m}x{k}xf32>) -> (tensor<{m}x{k}xi8>, tensor<{m}xf32>, tensor<{m}xi32>) {{
  %e0 = tensor.empty() : tensor<{m}x{k}xf32>
  %e1 = tensor.empty() : tensor<{m}x{k}xi8>
  %e2 = tensor.empty() : tensor<{m}xf32>
  %e3 = tensor.empty() : tensor<{m}xi32>
  %t = stamp.transform {basis} along 0 ins(%x : tensor<{m}x{k}xf32>) outs(%e0 : tensor<{m}x{k}xf32>)
  %q, %s, %z = stamp.quantize {schedule} along 0 over 1 ins(%t : tensor<{m}x{k}xf32>)
    outs(%e1, %e2, %e3 : tensor<{m}x{k}xi8>, tensor<{m}xf32>, tensor<{m}xi32>)
  return %q, %s, %z : tensor<{m}x{k}xi8>, tensor<{m}xf32>, tensor<{m}xi32>
}}
"""

# Ragged and whole sizes for correctness; the large layer, with its transform and
# without, for time.
CASES = [
    Case("quantize 197x96", 197, 96, 0, HAAR),
    Case("haar 197x96x40", 197, 96, 40, HAAR, seed=2),
    Case("haar 512x1024x512", 512, 1024, 512, HAAR, seed=4),
    Case("off 512x1024x512", 512, 1024, 512, IDENTITY, seed=4),
    Case("quantize 4096x4096", 4096, 4096, 0, HAAR, seed=5, timed=True),
    Case("on 4096x4096x4096", 4096, 4096, 4096, HAAR, seed=5, timed=True),
    Case("off 4096x4096x4096", 4096, 4096, 4096, IDENTITY, seed=5, timed=True),
]
