# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The machine's own limits, by the loops of Peaks.cpp."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from contender import Reference
from layer import Layer, aligned_empty

PEAK_DOT = "int8 peak"
PEAK_FMA = "f32 peak"

# One run takes some milliseconds on one core, much longer than to start threads.
_TURNS = 1 << 20
_BYTES_PER_RUN = 256 << 20
# Of this size, no cache holds a buffer.
_LARGE_BUFFER = 256 << 20


def references() -> list[Reference]:
    """Reading is measured on buffers as large as the weight in so many bits: where
    a cache holds the weight, it is the cache's bandwidth that limits."""
    return [
        Reference(PEAK_DOT, _peak("stampPeakDot"), "GOP/s"),
        Reference(PEAK_FMA, _peak("stampPeakFma"), "GOP/s"),
        *(Reference(read_name(bits), _read(bits), "GB/s") for bits in (4, 8, 32)),
        Reference("read memory", _read(None), "GB/s"),
    ]


def read_name(weight_bits: float) -> str:
    """The reference for a weight of so many bits an element, scales included."""
    return f"read {4 if weight_bits < 6 else 8 if weight_bits < 12 else 32}-bit weight"


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(Path(os.environ["STAMP_BUILD"]) / "lib" / "StampPeaks.so")
    for name in "stampPeakDot", "stampPeakFma", "stampPeakRead":
        getattr(library, name).restype = ctypes.c_int64
    return library


def _cpu_list(cpus: Sequence[int]) -> ctypes.Array:
    return (ctypes.c_int * len(cpus))(*cpus)


def _peak(name: str) -> Callable:
    def prepare(layer: Layer, cpus: Sequence[int]):
        function = getattr(_library(), name)
        arguments = _cpu_list(cpus), len(cpus), ctypes.c_int64(_TURNS)
        return lambda: function(*arguments), function(*arguments)

    return prepare


def _read(weight_bits: int | None) -> Callable:
    def prepare(layer: Layer, cpus: Sequence[int]):
        size = (
            _LARGE_BUFFER
            if weight_bits is None
            else layer.weight.size * weight_bits // 8
        )
        buffer = aligned_empty((max(size, 512 * len(cpus)),), np.uint8)
        arguments = (
            _cpu_list(cpus),
            len(cpus),
            ctypes.c_void_p(buffer.ctypes.data),
            ctypes.c_int64(buffer.size),
            ctypes.c_int64(max(1, _BYTES_PER_RUN // buffer.size)),
        )
        function = _library().stampPeakRead
        # The closure keeps the buffer alive.
        return lambda: (function(*arguments), buffer)[0], function(*arguments)

    return prepare
