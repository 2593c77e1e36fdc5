# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A function that STaMP compiles in this process, on matrices of f32."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np


class _Matrix(ctypes.Structure):
    """MLIR's descriptor of a rank-2 memref."""

    _fields_ = [
        ("allocated", ctypes.c_void_p),
        ("aligned", ctypes.c_void_p),
        ("offset", ctypes.c_int64),
        ("sizes", ctypes.c_int64 * 2),
        ("strides", ctypes.c_int64 * 2),
    ]


class _Weight(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
    ]


def compile_function(
    module: str,
    pipeline: str,
    function: str,
    weights: Mapping[str, np.ndarray],
    threads: int,
    inputs: Sequence[np.ndarray],
    num_results: int,
) -> tuple[Callable[[], None], Callable[[], list[np.ndarray]]]:
    """What to call, and where the results of the last call then are."""
    library = ctypes.CDLL(
        Path(os.environ["STAMP_BUILD"]) / "lib" / "StampCompiledLayer.so"
    )
    library.stampCompileLayer.restype = ctypes.c_void_p
    library.stampGetEntry.restype = ctypes.c_void_p
    library.stampGetEntry.argtypes = [ctypes.c_void_p]

    message = ctypes.create_string_buffer(4096)
    lent = (_Weight * len(weights))(
        *(_Weight(n.encode(), w.ctypes.data, w.size) for n, w in weights.items())
    )
    compiled = library.stampCompileLayer(
        module.encode(),
        pipeline.encode(),
        function.encode(),
        lent,
        ctypes.c_size_t(len(weights)),
        ctypes.c_uint(threads),
        message,
        ctypes.c_size_t(len(message)),
    )
    if not compiled:
        raise RuntimeError(message.value.decode().strip())

    pointers = [ctypes.c_void_p] * (len(inputs) + 1)
    entry = ctypes.CFUNCTYPE(None, *pointers)(library.stampGetEntry(compiled))
    arguments = []
    for x in inputs:
        data, (rows, columns) = x.ctypes.data, x.shape
        arguments.append(_Matrix(data, data, 0, (rows, columns), (columns, 1)))
    results = (_Matrix * num_results)()
    references = [ctypes.byref(argument) for argument in arguments]
    free = ctypes.CDLL(None).free
    free.argtypes = [ctypes.c_void_p]

    def run() -> None:
        # The last results, so that `outputs` still finds these.
        for result in results:
            free(result.allocated)
        entry(results, *references)

    def outputs() -> list[np.ndarray]:
        arrays = []
        for result in results:
            rows, columns = result.sizes
            values = (ctypes.c_float * (rows * columns)).from_address(result.aligned)
            arrays.append(np.frombuffer(values, np.float32).reshape(rows, columns))
        return arrays

    # The weights, which the compiled code may still read.
    run.keeps = weights
    return run, outputs
