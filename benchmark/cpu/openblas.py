# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The f32 layer by OpenBLAS, which NumPy brings along and calls."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from contender import MIN_SQNR_F32, Contender, Prepared
from layer import Layer, aligned_copy, aligned_empty


def contenders() -> list[Contender]:
    return [Contender("OpenBLAS f32", _prepare, weight_bits=32, min_sqnr=MIN_SQNR_F32)]


def _prepare(layer: Layer, cpus: Sequence[int]) -> Prepared:
    weight = aligned_copy(layer.weight)
    y = aligned_empty(layer.expected.shape)
    return Prepared(
        lambda: np.matmul(layer.x, weight, out=y), lambda: y, kernel=_core_name()
    )


def _core_name() -> str:
    folder = Path(np.__file__).parents[1] / "numpy.libs"
    for path in folder.glob("libscipy_openblas64_*.so"):
        get_name = ctypes.CDLL(path).scipy_openblas_get_corename64_
        get_name.restype = ctypes.c_char_p
        return get_name().decode()
    return "NumPy's BLAS"
