# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""IREE: the same linalg matmul, in f32 and as i8×i8→i32, compiled for this CPU.

Under data tiling the weight, a parameter, is packed when the module is loaded. In
f32 neither way is always the faster one; in i8 the plain one is no match.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from contender import MIN_SQNR_F32, MIN_SQNR_INT8, Contender, Prepared
from layer import Layer
from quantized import Activations8, Weight8

_MODULE = """\
util.global private @weight = #flow.parameter.named<"layer"::"weight"> : tensor<{k}x{n}x{input}>
func.func @linear(%x: tensor<{m}x{k}x{input}>) -> tensor<{m}x{n}x{output}> {{
  %weight = util.global.load @weight : tensor<{k}x{n}x{input}>
  %zero = arith.constant {zero} : {output}
  %empty = tensor.empty() : tensor<{m}x{n}x{output}>
  %zeros = linalg.fill ins(%zero : {output}) outs(%empty : tensor<{m}x{n}x{output}>) -> tensor<{m}x{n}x{output}>
  %y = linalg.matmul ins(%x, %weight : tensor<{m}x{k}x{input}>, tensor<{k}x{n}x{input}>)
         outs(%zeros : tensor<{m}x{n}x{output}>) -> tensor<{m}x{n}x{output}>
  return %y : tensor<{m}x{n}x{output}>
}}
"""

_FLAGS = [
    "--iree-hal-target-device=local",
    "--iree-hal-local-target-device-backends=llvm-cpu",
    "--iree-llvmcpu-target-cpu=host",
    "--iree-opt-level=O3",
]
_DATA_TILING = "--iree-opt-data-tiling"


def contenders() -> list[Contender]:
    return [
        Contender("IREE f32", _prepare_f32([]), 32, MIN_SQNR_F32),
        Contender("IREE f32 tiled", _prepare_f32([_DATA_TILING]), 32, MIN_SQNR_F32),
        Contender("IREE i8 tiled", _prepare_i8, 8, MIN_SQNR_INT8, quantizes=False),
    ]


def _prepare_f32(flags: Sequence[str]) -> Callable[[Layer, Sequence[int]], Prepared]:
    def prepare(layer: Layer, cpus: Sequence[int]) -> Prepared:
        types = "f32", "f32", "0.0"
        return Prepared(
            *_compile(layer.x, np.asarray(layer.weight), types, flags, cpus)
        )

    return prepare


def _prepare_i8(layer: Layer, cpus: Sequence[int]) -> Prepared:
    """Signed codes: those of the others less 128, and so the zero points."""
    x, weight = Activations8.of(layer.x), Weight8.of(layer.weight)
    codes = (x.codes.astype(np.int16) - 128).astype(np.int8)
    run, result = _compile(
        codes, weight.codes, ("i8", "i32", "0"), [_DATA_TILING], cpus
    )
    signed = Activations8(codes, x.scales, x.zeros - 128)
    return Prepared(run, lambda: signed.rescale(result(), weight))


def _compile(
    x: np.ndarray,
    weight: np.ndarray,
    types: tuple[str, str, str],
    flags: Sequence[str],
    cpus: Sequence[int],
) -> tuple[Callable[[], object], Callable[[], np.ndarray]]:
    import iree.compiler as compiler
    import iree.runtime as runtime

    input_type, output_type, zero = types
    text = _MODULE.format(
        m=x.shape[0],
        k=x.shape[1],
        n=weight.shape[1],
        input=input_type,
        output=output_type,
        zero=zero,
    )
    binary = compiler.compile_str(text, extra_args=[*_FLAGS, *flags])

    runtime.flags.parse_flags(f"--task_topology_max_group_count={len(cpus)}")
    # Alone, the caller computes; a worker would share its CPU with it.
    config = runtime.Config("local-task" if len(cpus) > 1 else "local-sync")
    parameters = runtime.ParameterIndex()
    parameters.add_buffer(
        "weight", np.ascontiguousarray(weight).view(np.uint8).reshape(-1)
    )
    context = runtime.SystemContext(config=config)
    provider = parameters.create_provider(scope="layer")
    context.add_vm_module(
        runtime.create_io_parameters_module(context.instance, provider)
    )
    context.add_vm_module(runtime.VmModule.copy_buffer(context.instance, binary))
    function = context.modules.module["linear"]
    device_x = runtime.asdevicearray(config.device, x)
    last = [None]

    def run() -> None:
        last[0] = function(device_x)

    return run, lambda: np.asarray(last[0].to_host())
