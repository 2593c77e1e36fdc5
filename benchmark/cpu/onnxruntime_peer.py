# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX Runtime: f32, dynamically quantized activations, and 4-bit weights."""

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


def contenders() -> list[Contender]:
    return [
        Contender("ONNX Runtime f32", _prepare_f32, 32, MIN_SQNR_F32),
        Contender("ONNX Runtime dynamic int8", _prepare_int8, 8, MIN_SQNR_INT8),
        *(
            Contender(
                f"ONNX Runtime MatMulNBits {block}",
                _prepare_4bit(block),
                4 + 32 / block,
                MIN_SQNR_4BIT_WEIGHTS,
            )
            for block in (32, 128)
        ),
    ]


def _prepare_f32(layer: Layer, cpus: Sequence[int]) -> Prepared:
    from onnx import helper, numpy_helper

    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    weight = numpy_helper.from_array(np.asarray(layer.weight), "w")
    return _session(layer, cpus, node, [weight])


def _prepare_int8(layer: Layer, cpus: Sequence[int]) -> Prepared:
    from onnx import helper, numpy_helper

    node = helper.make_node(
        "DynamicQuantizeMatMul", ["x", "w", "scales"], ["y"], domain="com.microsoft"
    )
    weight = Weight8.of(layer.weight)
    initializers = [
        numpy_helper.from_array(weight.codes, "w"),
        numpy_helper.from_array(weight.scales, "scales"),
    ]
    return _session(layer, cpus, node, initializers)


def _prepare_4bit(block: int):
    def prepare(layer: Layer, cpus: Sequence[int]) -> Prepared:
        from onnx import helper, numpy_helper

        node = helper.make_node(
            "MatMulNBits",
            ["x", "w", "scales"],
            ["y"],
            domain="com.microsoft",
            K=layer.shape.features,
            N=layer.shape.channels,
            bits=4,
            block_size=block,
            accuracy_level=4,
        )
        weight = Weight4.of(layer.weight, block)
        packed = weight.packed().reshape(layer.shape.channels, -1, block // 2)
        initializers = [
            numpy_helper.from_array(packed, "w"),
            numpy_helper.from_array(weight.scales.astype(np.float32), "scales"),
        ]
        return _session(layer, cpus, node, initializers)

    return prepare


def _session(layer: Layer, cpus: Sequence[int], node, initializers) -> Prepared:
    import onnxruntime
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    y = aligned_empty(layer.expected.shape)
    graph = helper.make_graph(
        [node],
        "linear",
        [value("x", TensorProto.FLOAT, layer.x.shape)],
        [value("y", TensorProto.FLOAT, y.shape)],
        initializers,
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(cpus)
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    binding = session.io_binding()
    for bind, name, array in (
        (binding.bind_input, "x", layer.x),
        (binding.bind_output, "y", y),
    ):
        bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
    return Prepared(lambda: session.run_with_iobinding(binding), lambda: y, "MLAS")
