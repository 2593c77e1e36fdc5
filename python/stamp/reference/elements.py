# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Element types: what is computed in which precision."""

import numpy as np


def widen(x):
    """X in the element type to compute in: float64 stays, the rest is float32."""
    x = np.asarray(x)
    if x.dtype == np.float64:
        return x
    if x.dtype.name in ("float16", "bfloat16", "float32"):
        return x.astype(np.float32)
    raise TypeError(f"expected floating-point elements, got {x.dtype}")


def widen_to_float32(x):
    """As `widen`, for what is defined in float32 only."""
    x = widen(x)
    if x.dtype == np.float64:
        raise TypeError("quantization is defined on float32; round to it first")
    return x
