# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The two SVTR blocks in NumPy, with any function in the place of the linears.

With `stamp.reference` in that place this is the oracle of the quantized blocks.
"""

from collections.abc import Callable, Mapping
from math import sqrt

import numpy as np

from recognizer import Linear, LINEARS
from svtr_blocks import BLOCKS, HEADS, NORM_EPSILON

# (x, weight, bias) -> x · weight + bias, or something close to it
LinearFunction = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def exact_linear(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return x @ weight + bias


def blocks_output(
    x: np.ndarray,
    weights: Mapping[str, np.ndarray],
    linear: LinearFunction = exact_linear,
) -> np.ndarray:
    """x, and the result: tokens x features."""

    def apply(which: Linear, x: np.ndarray) -> np.ndarray:
        return linear(x, weights[which.weight], weights[which.bias])

    def normalize(number: int, x: np.ndarray) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        scale, shift = (weights[f"layer_norm_{number}.{p}_0"] for p in "wb")
        return centred / np.sqrt(variance + np.float32(NORM_EPSILON)) * scale + shift

    for block in range(BLOCKS):
        qkv, proj, fc1, fc2 = LINEARS[4 * block : 4 * block + 4]
        x = x + apply(proj, _attention(apply(qkv, normalize(43 + 2 * block, x))))
        x = x + apply(fc2, _swish(apply(fc1, normalize(44 + 2 * block, x))))
    return x


def _attention(qkv: np.ndarray) -> np.ndarray:
    tokens = len(qkv)
    heads = qkv.reshape(tokens, 3, HEADS, -1).transpose(2, 1, 0, 3)
    return np.concatenate([_attention_head(*head) for head in heads], axis=1)


def _attention_head(
    query: np.ndarray, key: np.ndarray, value: np.ndarray
) -> np.ndarray:
    scores = (query / np.float32(sqrt(query.shape[-1]))) @ key.T
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True) @ value


def _swish(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-x))
