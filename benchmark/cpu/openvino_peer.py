# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""OpenVINO's CPU plugin: f32, int8 with static scales, and compressed weights with
dynamically quantized activations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from contender import (
    MIN_SQNR_4BIT_WEIGHTS,
    MIN_SQNR_F32,
    MIN_SQNR_INT8,
    Contender,
    Prepared,
)
from layer import Layer, aligned_empty
from quantized import Weight4, Weight8

_BLOCK = 128


def contenders() -> list[Contender]:
    return [
        Contender("OpenVINO f32", _prepare_f32, 32, MIN_SQNR_F32),
        # One scale for all tokens is coarser than a scale per token.
        Contender("OpenVINO static int8", _prepare_int8, 8, MIN_SQNR_INT8 - 10),
        Contender(
            f"OpenVINO W4 dynamic {_BLOCK}",
            _prepare_4bit,
            4 + 16 / _BLOCK,
            MIN_SQNR_4BIT_WEIGHTS,
        ),
    ]


def _prepare_f32(layer: Layer, cpus: Sequence[int]) -> Prepared:
    from openvino import opset13 as ops

    x = ops.parameter(layer.x.shape, np.float32)
    weight = ops.constant(np.ascontiguousarray(layer.weight.T))
    return _compile(layer, cpus, x, ops.matmul(x, weight, False, True))


def _prepare_int8(layer: Layer, cpus: Sequence[int]) -> Prepared:
    from openvino import opset13 as ops

    x = ops.parameter(layer.x.shape, np.float32)
    largest = np.float32(np.abs(layer.x).max())
    low, high = np.float32(-largest), np.float32(largest * 127 / 128)
    quantized = ops.fake_quantize(x, low, high, low, high, 256)
    weight = Weight8.of(layer.weight)
    wide = ops.convert(ops.constant(np.ascontiguousarray(weight.codes.T)), np.float32)
    scaled = ops.multiply(wide, ops.constant(weight.scales[:, None]))
    return _compile(layer, cpus, x, ops.matmul(quantized, scaled, False, True))


def _prepare_4bit(layer: Layer, cpus: Sequence[int]) -> Prepared:
    import openvino
    from openvino import opset13 as ops

    if layer.shape.features % _BLOCK:
        raise ValueError(f"K is no multiple of {_BLOCK}")
    x = ops.parameter(layer.x.shape, np.float32)
    weight = Weight4.of(layer.weight, _BLOCK)
    groups = layer.shape.channels, layer.shape.features // _BLOCK
    tensor = openvino.Tensor(
        weight.packed().reshape(-1), openvino.Shape([*groups, _BLOCK]), openvino.Type.u4
    )
    codes = ops.convert(ops.constant(tensor), np.float16)
    # In u8, for activations stay float unless the zero point is such an integer.
    zero = ops.convert(ops.constant(np.array([[[8]]], np.uint8)), np.float16)
    centred = ops.subtract(codes, zero)
    scales = ops.constant(weight.scales.reshape(*groups, 1).astype(np.float16))
    scaled = ops.reshape(
        ops.multiply(centred, scales),
        ops.constant(np.array(layer.weight.T.shape, np.int64)),
        False,
    )
    product = ops.matmul(x, ops.convert(scaled, np.float32), False, True)
    return _compile(
        layer, cpus, x, product, {"DYNAMIC_QUANTIZATION_GROUP_SIZE": str(_BLOCK)}
    )


def _compile(layer: Layer, cpus: Sequence[int], x, product, settings=None) -> Prepared:
    import openvino

    model = openvino.Model([product], [x])
    compiled = openvino.Core().compile_model(
        model,
        "CPU",
        {
            # It would otherwise compute in bf16 where the CPU has it.
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": str(len(cpus)),
            "NUM_STREAMS": "1",
            # The driver pins threads.
            "ENABLE_CPU_PINNING": "NO",
            **(settings or {}),
        },
    )
    y = aligned_empty(layer.expected.shape)
    request = compiled.create_infer_request()
    request.set_input_tensor(openvino.Tensor(layer.x, shared_memory=True))
    request.set_output_tensor(openvino.Tensor(y, shared_memory=True))
    return Prepared(request.infer, lambda: y, _kernel(compiled))


def _kernel(compiled) -> str:
    """The primitive of the product, which takes the longest name."""
    kinds = (
        node.get_rt_info()["primitiveType"]
        for node in compiled.get_runtime_model().get_ops()
        if node.get_rt_info()["layerType"] in ("FullyConnected", "MatMul")
    )
    return ", ".join(str(getattr(kind, "value", kind)) for kind in kinds)
