# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The ways of quantizing activations that the demo compares, and their oracle."""

from dataclasses import dataclass
from math import log2

import numpy as np

from reference_blocks import LinearFunction
from stamp.reference import (
    DCT,
    WHT,
    Basis,
    Haar,
    Identity,
    Schedule,
    dequantize,
    integer_linear,
    quantize,
    quantize_weight,
)


@dataclass(frozen=True)
class Recipe:
    """A basis, and either a precision schedule or one number of levels for all rows.

    Only the oracle knows levels: 19 of them are what 4.25 bits buy without STaMP.
    """

    title: str
    basis: Basis = Identity()
    schedule: Schedule | None = None
    levels: int | None = None

    @property
    def compiles(self) -> bool:
        return self.schedule is not None

    def average_bits(self, tokens: int) -> float:
        return (
            self.schedule.average_bits(tokens) if self.schedule else log2(self.levels)
        )

    def round_trip(self, x: np.ndarray) -> np.ndarray:
        """L⁻¹ Q(L x): what quantization leaves of x, tokens x features."""
        return self.basis.inverse(dequantize(self._quantize(x)))

    def linear(self, weight_bits: int) -> LinearFunction:
        """L⁻¹( Q_a(L x) · Q_w(weight) ) + bias"""

        def apply(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
            product = integer_linear(
                self._quantize(x), quantize_weight(weight, weight_bits)
            )
            return self.basis.inverse(product) + bias

        return apply

    def _quantize(self, x: np.ndarray):
        return quantize(self.basis.forward(x), self.schedule, levels=self.levels)


UNIFORM = Schedule([], 4)
MIXED = Schedule([(1 / 16, 8)], 4)

HAAR4 = Recipe("mixed, Haar J=4", Haar(4), MIXED)
COSINE = Recipe("mixed, DCT", DCT(), MIXED)

RECIPES = [
    Recipe("uniform 4-bit", schedule=UNIFORM),
    Recipe("uniform 19 levels", levels=19),
    Recipe("mixed, no L", schedule=MIXED),
    HAAR4,
    Recipe("mixed, Haar J=6", Haar(6), MIXED),
    COSINE,
    Recipe("mixed, WHT", WHT(0), MIXED),
]
