# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The two SVTR transformer blocks of PP-OCRv4 as linalg on tensors.

What the ONNX graph computes between the blocks' input and output, operation by
operation, for one line (the batch dimension is dropped):

    x += proj(attention(qkv(norm1(x))))
    x += fc2(swish(fc1(norm2(x))))
"""

from collections.abc import Mapping
from math import sqrt

import numpy as np

from linalg_text import Function, Module, Value, along
from recognizer import LINEARS

TOKENS = 512
FEATURES = 120
HEADS = 8
HEAD_FEATURES = FEATURES // HEADS
BLOCKS = 2
NORM_EPSILON = 1e-5

ENTRY = "svtr"


def svtr_module(weights: Mapping[str, np.ndarray]) -> Module:
    """@svtr(tokens x features) -> tokens x features, with the weights of the ONNX file."""
    shape = (TOKENS, FEATURES)
    module = Module()
    function = module.function(ENTRY, [shape], shape)
    writer = _BlockWriter(function, weights)
    (x,) = function.arguments
    for block in range(BLOCKS):
        with function.at(f"block{block}"):
            x = writer.attention_half(block, x)
            x = writer.feed_forward_half(block, x)
    function.return_(x)
    return module


class _BlockWriter:
    def __init__(self, function: Function, weights: Mapping[str, np.ndarray]):
        self._function = function
        self._weights = weights
        self._linears = {linear.name: linear for linear in LINEARS}

    def attention_half(self, block: int, x: Value) -> Value:
        normalized = self._layer_norm("norm1", f"layer_norm_{43 + 2 * block}", x)
        mixed = self._attention(self._linear("qkv", normalized))
        return self._add("residual1", x, self._linear("proj", mixed))

    def feed_forward_half(self, block: int, x: Value) -> Value:
        normalized = self._layer_norm("norm2", f"layer_norm_{44 + 2 * block}", x)
        activated = self._swish(self._linear("fc1", normalized))
        return self._add("residual2", x, self._linear("fc2", activated))

    def _linear(self, role: str, x: Value) -> Value:
        function = self._function
        with function.at(role) as name:
            linear = self._linears[name]
            weight = function.constant(f"{name}.weight", self._weights[linear.weight])
            bias = function.constant(f"{name}.bias", self._weights[linear.bias])
            product = function.matmul(x, weight)
            return function.map(lambda y, b: y + b, product, along(bias, 1))

    def _layer_norm(self, role: str, onnx_name: str, x: Value) -> Value:
        function = self._function
        width = x.shape[1]
        with function.at(role) as name:
            scale = function.constant(
                f"{name}.scale", self._weights[f"{onnx_name}.w_0"]
            )
            shift = function.constant(
                f"{name}.shift", self._weights[f"{onnx_name}.b_0"]
            )
            total = function.reduce_last(lambda sum, e: sum + e, 0.0, x)
            centred = function.map(lambda e, sum: e - sum / width, x, along(total, 0))
            squares = function.reduce_last(lambda sum, e: sum + e * e, 0.0, centred)
            return function.map(
                lambda e, sum, w, b: e / (sum / width + NORM_EPSILON).sqrt() * w + b,
                centred,
                along(squares, 0),
                along(scale, 1),
                along(shift, 1),
            )

    def _attention(self, qkv: Value) -> Value:
        """softmax(q kᵀ / sqrt(d)) v in each head; qkv holds q, k and v side by side."""
        function = self._function
        with function.at("attention"):
            query, key, value = (
                function.split_last(function.columns(qkv, start, FEATURES), HEADS)
                for start in range(0, 3 * FEATURES, FEATURES)
            )  # tokens x heads x features of a head
            query = function.map(lambda q: q * (1 / sqrt(HEAD_FEATURES)), query)
            scores = function.matmul(
                function.transpose(query, [1, 0, 2]), function.transpose(key, [1, 2, 0])
            )
            mixed = function.matmul(
                self._softmax(scores), function.transpose(value, [1, 0, 2])
            )
            return function.join_last(function.transpose(mixed, [1, 0, 2]))

    def _softmax(self, scores: Value) -> Value:
        function = self._function
        with function.at("softmax"):
            largest = function.reduce_last(
                lambda max, e: max.maximum(e), float("-inf"), scores
            )
            powers = function.map(
                lambda e, max: (e - max).exp(), scores, along(largest, 0, 1)
            )
            total = function.reduce_last(lambda sum, e: sum + e, 0.0, powers)
            return function.map(lambda e, sum: e / sum, powers, along(total, 0, 1))

    def _swish(self, x: Value) -> Value:
        with self._function.at("swish"):
            return self._function.map(lambda e: e / ((-e).exp() + 1.0), x)

    def _add(self, role: str, left: Value, right: Value) -> Value:
        with self._function.at(role):
            return self._function.map(lambda a, b: a + b, left, right)
