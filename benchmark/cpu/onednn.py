# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""oneDNN's matmul primitive through its C API, weights reordered beforehand."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from ctypes import byref, c_int, c_int64, c_size_t, c_void_p
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from contender import MIN_SQNR_F32, MIN_SQNR_INT8, Contender, Prepared
from layer import Layer, aligned_copy, aligned_empty
from quantized import Activations8, Weight8

# Where the wheels put libraries: beside Python's own folder.
_LIBRARIES = Path(sys.prefix) / "lib"


@dataclass(frozen=True)
class _Build:
    version: str
    environment: dict[str, str] = field(default_factory=dict)


_BUILDS = [
    # For OpenMP, and old: its calls are cheap, so that nobody looks good on small
    # layers beside a newer one's.
    _Build("3.2"),
    # For SYCL, which finds this CPU as an OpenCL device and hands each call over to
    # another thread.
    _Build(
        "3.13",
        {
            "LD_LIBRARY_PATH": str(_LIBRARIES),
            "OCL_ICD_FILENAMES": ":".join(
                str(path) for path in _LIBRARIES.glob("libintelocl.so.[0-9]*")
            ),
        },
    ),
]

# From dnnl_types.h and dnnl_common_types.h.
_CPU = 1
_DEFAULT_FLAGS = 1
_TYPES = {np.float32: 3, np.int32: 4, np.int8: 5, np.uint8: 6}
_ANY, _ROW_MAJOR = 1, 3
_SOURCE, _RESULT, _WEIGHTS = 1, 17, 33
_QUERY_IMPLEMENTATION, _QUERY_WEIGHTS = 8, 131


def contenders() -> list[Contender]:
    entrants = []
    for build in _BUILDS:
        entrants += [
            Contender(
                f"oneDNN {build.version} f32",
                partial(_prepare_f32, build),
                weight_bits=32,
                min_sqnr=MIN_SQNR_F32,
                environment=build.environment,
            ),
            Contender(
                f"oneDNN {build.version} u8s8",
                partial(_prepare_u8s8, build),
                weight_bits=8,
                min_sqnr=MIN_SQNR_INT8,
                quantizes=False,
                environment=build.environment,
            ),
        ]
    return entrants


def _prepare_f32(build: _Build, layer: Layer, cpus: Sequence[int]) -> Prepared:
    y = aligned_empty(layer.expected.shape)
    run, kernel = _Library(build).matmul(layer.x, layer.weight, y)
    return Prepared(run, lambda: y, kernel)


def _prepare_u8s8(build: _Build, layer: Layer, cpus: Sequence[int]) -> Prepared:
    x, weight = Activations8.of(layer.x), Weight8.of(layer.weight)
    codes, y = aligned_copy(x.codes), aligned_empty(layer.expected.shape, np.int32)
    run, kernel = _Library(build).matmul(codes, weight.codes, y)
    return Prepared(run, lambda: x.rescale(y, weight), kernel)


class _Library:
    def __init__(self, build: _Build) -> None:
        self._dnnl = ctypes.CDLL(_LIBRARIES / f"libdnnl.so.{build.version}")
        self._engine, self._stream = c_void_p(), c_void_p()
        self._call("dnnl_engine_create", byref(self._engine), _CPU, c_size_t(0))
        self._call(
            "dnnl_stream_create", byref(self._stream), self._engine, _DEFAULT_FLAGS
        )

    def matmul(self, x: np.ndarray, weight: np.ndarray, y: np.ndarray):
        """What computes y = x·weight, and the name of its implementation."""
        source, result = self._description(x), self._description(y)
        primitive_description = c_void_p()
        self._call(
            "dnnl_matmul_primitive_desc_create",
            byref(primitive_description),
            self._engine,
            source,
            self._description(weight, _ANY),
            None,
            result,
            None,
        )
        query = self._dnnl.dnnl_primitive_desc_query_md
        query.restype = c_void_p
        packed = c_void_p(query(primitive_description, _QUERY_WEIGHTS, 0))
        operands = {
            _SOURCE: (source, x),
            _WEIGHTS: (packed, self._reorder(weight, packed)),
            _RESULT: (result, y),
        }
        name = ctypes.c_char_p()
        self._call(
            "dnnl_primitive_desc_query",
            primitive_description,
            _QUERY_IMPLEMENTATION,
            0,
            byref(name),
        )
        return self._executable(primitive_description, operands), name.value.decode()

    def _reorder(self, weight: np.ndarray, packed: c_void_p) -> np.ndarray:
        plain = self._description(weight)
        size = self._dnnl.dnnl_memory_desc_get_size
        size.restype = c_size_t
        target = aligned_empty((size(packed),), np.uint8)
        reorder = c_void_p()
        self._call(
            "dnnl_reorder_primitive_desc_create",
            byref(reorder),
            plain,
            self._engine,
            packed,
            self._engine,
            None,
        )
        self._executable(
            reorder, {_SOURCE: (plain, weight), _RESULT: (packed, target)}
        )()
        return target

    def _executable(
        self, description: c_void_p, operands: dict[int, tuple[c_void_p, np.ndarray]]
    ) -> Callable[[], None]:
        primitive = c_void_p()
        self._call("dnnl_primitive_create", byref(primitive), description)
        arguments = (_Argument * len(operands))(
            *(
                (index, self._memory(layout, array))
                for index, (layout, array) in operands.items()
            )
        )
        execute, wait = self._dnnl.dnnl_primitive_execute, self._dnnl.dnnl_stream_wait

        def run() -> None:
            status = execute(primitive, self._stream, len(arguments), arguments)
            status = status or wait(self._stream)
            if status:
                raise RuntimeError(f"oneDNN's primitive failed with status {status}")

        # The arrays, of which oneDNN's memories know the address alone.
        run.keeps = operands
        return run

    def _description(self, array: np.ndarray, layout: int = _ROW_MAJOR) -> c_void_p:
        description = c_void_p()
        self._call(
            "dnnl_memory_desc_create_with_tag",
            byref(description),
            array.ndim,
            (c_int64 * 12)(*array.shape),
            _TYPES[array.dtype.type],
            layout,
        )
        return description

    def _memory(self, description: c_void_p, array: np.ndarray) -> c_void_p:
        memory = c_void_p()
        self._call(
            "dnnl_memory_create",
            byref(memory),
            description,
            self._engine,
            c_void_p(array.ctypes.data),
        )
        return memory

    def _call(self, name: str, *arguments: object) -> None:
        if status := getattr(self._dnnl, name)(*arguments):
            raise RuntimeError(f"{name} failed with status {status}")


class _Argument(ctypes.Structure):
    _fields_ = [("index", c_int), ("memory", c_void_p)]
