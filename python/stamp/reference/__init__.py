# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The NumPy oracle: docs/Semantics.md, written down once more in Python.

Every compiled path is compared with this package, which shares nothing with them:
it is written from docs/Semantics.md alone, section by section and in its order,
and prefers the shortest code that performs exactly those float operations.

Shapes: X is (..., S, D), S tokens (rows) of D features, any leading dimensions.
`axis` names the token dimension and is −2 unless said otherwise.

Element types: float16, bfloat16 and float32 are computed in float32, one rounding
per operation; nothing here narrows back.  float64 is computed in float64
and is meant for analysis: the same algebra, free of rounding to look at.

`str()` of a basis or a schedule is its MLIR attribute, for tests that write IR.

Source: arXiv 2510.26771 for the method, docs/Semantics.md for the numbers.
"""

from .bases import (
    DCT,
    WHT,
    Basis,
    Haar,
    Haar2D,
    Identity,
    Matrix,
    MinTokens,
    valid_lengths,
)
from .caches import KVCache, kv_cache, read_kv_cache, stored_blocks
from .features import FeatureMatrix, FeatureTransform, Hadamard, Scale, hadamard_signs
from .quantizers import (
    TINY,
    Quantized,
    QuantizedWeight,
    dequantize,
    field_bits,
    group_sums,
    integer_linear,
    integer_matmul,
    keep_codes,
    observe,
    pack,
    quantize,
    quantize_weight,
    rescale,
    rescale_groups,
    sqnr_db,
    stamp_linear,
    theorem1_bound,
    unpack,
)
from .schedule import Schedule
