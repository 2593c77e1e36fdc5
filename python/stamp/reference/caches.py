# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Caches of keys or values: whole blocks as codes, the recent tokens as they are."""

from typing import NamedTuple

import numpy as np

from .quantizers import Quantized, dequantize, pack, quantize, unpack


class KVCache(NamedTuple):
    """What a cache holds of n tokens, m blocks of B of them as codes."""

    parts: list  # int8, (..., m, rows, bytes) for each part of the schedule
    scales: np.ndarray  # float32, (..., m, B), or with groups (..., m, B, G)
    zeros: np.ndarray  # int8, like the scales
    recent: np.ndarray  # (..., n − m·B, D), as they came


def stored_blocks(tokens, block, window):
    """How many blocks are codes when a window of so many tokens follows them."""
    return max(0, tokens - (window - block)) // block


def kv_cache(x, basis, schedule, block, window, group=None):
    """All of x, (..., n, D), as a cache holds it that has got it token by token."""
    *leading, n, features = x.shape
    m = stored_blocks(n, block, window)
    blocks = x[..., : m * block, :].reshape(*leading, m, block, features)
    codes, scales, zeros = quantize(basis.forward(blocks), schedule, group=group)
    parts = pack(codes, schedule, -2, -1)
    return KVCache(parts, scales, zeros.astype(np.int8), x[..., m * block :, :])


def read_kv_cache(cached, basis, schedule, group=None):
    """The tokens that a cache stands for, (..., n, D) in float32."""
    features = cached.recent.shape[-1]
    codes = unpack(cached.parts, features, schedule, -2, -1)
    rows = Quantized(codes, cached.scales, cached.zeros.astype(np.int32))
    blocks = basis.inverse(dequantize(rows, group))
    *leading, m, block, _ = blocks.shape
    stored = blocks.reshape(*leading, m * block, features)
    return np.concatenate([stored, cached.recent.astype(np.float32)], axis=-2)
