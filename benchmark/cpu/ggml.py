# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""llama.cpp's Q4_0 through ggml's C API, repacked for the CPU as llama.cpp does.

It quantizes activations to 8 bits in blocks of 32, inside of what is timed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import c_bool, c_char_p, c_int, c_int64, c_size_t, c_uint32, c_void_p
from importlib import util
from pathlib import Path

import numpy as np

from contender import MIN_SQNR_4BIT_WEIGHTS, Contender, Prepared
from layer import Layer

# From ggml.h.
_F32, _Q4_0 = 0, 2
_BLOCK = 32
_CONTEXT_BYTES = 1 << 22


class _InitParameters(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("buffer", c_void_p), ("no_alloc", c_bool)]


class _ThreadpoolParameters(ctypes.Structure):
    _fields_ = [
        ("cpu_mask", c_bool * 512),
        ("num_threads", c_int),
        ("priority", c_int),
        ("poll", c_uint32),
        ("strict_cpu", c_bool),
        ("paused", c_bool),
    ]


def contenders() -> list[Contender]:
    return [
        Contender(
            "llama.cpp Q4_0",
            _prepare,
            4 + 16 / _BLOCK,
            MIN_SQNR_4BIT_WEIGHTS,
            takes=lambda shape, threads: shape.features % _BLOCK == 0,
        )
    ]


def _prepare(layer: Layer, cpus: Sequence[int]) -> Prepared:
    ggml = _load()
    backend = ggml.ggml_backend_cpu_init()
    ggml.ggml_backend_cpu_set_n_threads(backend, len(cpus))
    # Threads that stay, as llama.cpp has them; by default each run makes new ones.
    parameters = ggml.ggml_threadpool_params_default(len(cpus))
    pool = ggml.ggml_threadpool_new(ctypes.byref(parameters))
    ggml.ggml_backend_cpu_set_threadpool(backend, pool)
    tokens, features, channels = layer.x.shape + layer.expected.shape[1:]

    # ggml's first dimension is the innermost one: W is N rows of K.
    weights = ggml.ggml_init(_InitParameters(_CONTEXT_BYTES, None, True))
    weight = ggml.ggml_new_tensor_2d(weights, _Q4_0, features, channels)
    buffer_type = _repacking_buffer_type(ggml)
    if not ggml.ggml_backend_alloc_ctx_tensors_from_buft(weights, buffer_type):
        raise RuntimeError("ggml cannot allocate the weight")
    blocks = _quantize(ggml, np.ascontiguousarray(layer.weight.T))
    ggml.ggml_backend_tensor_set(weight, blocks.ctypes.data, 0, blocks.nbytes)

    context = ggml.ggml_init(_InitParameters(_CONTEXT_BYTES, None, True))
    x = ggml.ggml_new_tensor_2d(context, _F32, features, tokens)
    y = ggml.ggml_mul_mat(context, weight, x)
    graph = ggml.ggml_new_graph(context)
    ggml.ggml_build_forward_expand(graph, y)
    if not ggml.ggml_backend_alloc_ctx_tensors(context, backend):
        raise RuntimeError("ggml cannot allocate the activations")
    ggml.ggml_backend_tensor_set(x, layer.x.ctypes.data, 0, layer.x.nbytes)
    compute = ggml.ggml_backend_graph_compute

    def run() -> None:
        if status := compute(backend, graph):
            raise RuntimeError(f"ggml failed with status {status}")

    def output() -> np.ndarray:
        array = np.empty((tokens, channels), np.float32)
        ggml.ggml_backend_tensor_get(y, array.ctypes.data, 0, array.nbytes)
        return array

    return Prepared(run, output, _kernel(ggml, buffer_type))


def _quantize(ggml, rows: np.ndarray) -> np.ndarray:
    blocks = np.empty(rows.size // _BLOCK * (_BLOCK // 2 + 2), np.uint8)
    ggml.ggml_quantize_chunk(
        _Q4_0, rows.ctypes.data, blocks.ctypes.data, 0, *rows.shape, None
    )
    return blocks


def _repacking_buffer_type(ggml) -> c_void_p:
    """The first of the CPU's extra buffer types that this ggml has: its layout."""
    device = ggml.ggml_backend_reg_dev_get(ggml.ggml_backend_cpu_reg(), 0)
    address = ggml.ggml_backend_reg_get_proc_address(
        ggml.ggml_backend_cpu_reg(), b"ggml_backend_dev_get_extra_bufts"
    )
    get_extra = ctypes.CFUNCTYPE(ctypes.POINTER(c_void_p), c_void_p)(address)
    for buffer_type in get_extra(device):
        if buffer_type is None:
            break
        if "REPACK" in ggml.ggml_backend_buft_name(buffer_type).decode():
            return buffer_type
    raise RuntimeError("this ggml does not repack weights")


def _kernel(ggml, buffer_type: c_void_p) -> str:
    has = [
        name
        for name in ("avx2", "avx_vnni", "avx512", "avx512_vnni", "neon", "dotprod")
        if getattr(ggml, f"ggml_cpu_has_{name}")()
    ]
    return " ".join([ggml.ggml_backend_buft_name(buffer_type).decode(), *has])


def _load():
    package = util.find_spec("libggml")
    if package is None:
        raise ModuleNotFoundError("No module named 'libggml'")
    (root,) = package.submodule_search_locations
    (base,) = Path(root).glob("lib*/libggml-base.so")
    base_library = ctypes.CDLL(base, ctypes.RTLD_GLOBAL)
    cpu_library = ctypes.CDLL(base.with_name("libggml-cpu.so"))

    class Library:
        """Functions by name, from whichever library has them, with their types."""

    pointer = c_void_p
    for name, result, *arguments in (
        ("ggml_init", pointer, _InitParameters),
        ("ggml_new_tensor_2d", pointer, pointer, c_int, c_int64, c_int64),
        ("ggml_mul_mat", pointer, pointer, pointer, pointer),
        ("ggml_new_graph", pointer, pointer),
        ("ggml_build_forward_expand", None, pointer, pointer),
        (
            "ggml_quantize_chunk",
            c_size_t,
            *(c_int, pointer, pointer, c_int64, c_int64, c_int64, pointer),
        ),
        ("ggml_backend_cpu_init", pointer),
        ("ggml_backend_cpu_reg", pointer),
        ("ggml_backend_cpu_set_n_threads", None, pointer, c_int),
        ("ggml_backend_cpu_set_threadpool", None, pointer, pointer),
        ("ggml_threadpool_params_default", _ThreadpoolParameters, c_int),
        ("ggml_threadpool_new", pointer, pointer),
        ("ggml_backend_reg_dev_get", pointer, pointer, c_size_t),
        ("ggml_backend_reg_get_proc_address", pointer, pointer, c_char_p),
        ("ggml_backend_buft_name", c_char_p, pointer),
        ("ggml_backend_alloc_ctx_tensors_from_buft", pointer, pointer, pointer),
        ("ggml_backend_alloc_ctx_tensors", pointer, pointer, pointer),
        ("ggml_backend_tensor_set", None, pointer, pointer, c_size_t, c_size_t),
        ("ggml_backend_tensor_get", None, pointer, pointer, c_size_t, c_size_t),
        ("ggml_backend_graph_compute", c_int, pointer, pointer),
        *(
            (f"ggml_cpu_has_{name}", c_int)
            for name in ("avx2", "avx_vnni", "avx512", "avx512_vnni", "neon", "dotprod")
        ),
    ):
        library = base_library if hasattr(base_library, name) else cpu_library
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
        setattr(Library, name, staticmethod(function))
    return Library
