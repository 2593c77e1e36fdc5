# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Weights and activations in the integers that peers want.

Done before anything is timed, by the plainest recipe there is: what is compared is
speed, and the SQNR only says that a peer computes the layer at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Weight8:
    """Symmetric, a scale per output channel; codes as K×N."""

    codes: np.ndarray
    scales: np.ndarray

    @staticmethod
    def of(weight: np.ndarray) -> Weight8:
        scales = (np.abs(weight).max(axis=0) / 127).astype(np.float32)
        return Weight8(np.rint(weight / scales).astype(np.int8), scales)


@dataclass(frozen=True)
class Weight4:
    """Codes 0…15 that mean −8…7, a scale per `block` inputs of an output channel.

    Codes are N×K and scales N×(K/block), K filled up to whole blocks.
    """

    block: int
    codes: np.ndarray
    scales: np.ndarray

    @staticmethod
    def of(weight: np.ndarray, block: int) -> Weight4:
        columns = np.ascontiguousarray(weight.T)
        padding = -columns.shape[1] % block
        groups = np.pad(columns, ((0, 0), (0, padding))).reshape(
            len(columns), -1, block
        )
        scales = np.abs(groups).max(axis=2, keepdims=True) / np.float32(7)
        codes = np.rint(groups / np.maximum(scales, 1e-30)).astype(np.int8) + 8
        return Weight4(
            block, codes.astype(np.uint8).reshape(len(columns), -1), scales[:, :, 0]
        )

    def packed(self) -> np.ndarray:
        """Two codes a byte, the first in the low half."""
        return self.codes[:, 0::2] | self.codes[:, 1::2] << 4


@dataclass(frozen=True)
class Activations8:
    """Asymmetric, unsigned, a scale and a zero point per token."""

    codes: np.ndarray
    scales: np.ndarray
    zeros: np.ndarray

    @staticmethod
    def of(x: np.ndarray) -> Activations8:
        low = np.minimum(x.min(axis=1, keepdims=True), 0)
        high = np.maximum(x.max(axis=1, keepdims=True), 0)
        scales = (high - low) / np.float32(255)
        zeros = np.rint(-low / scales)
        codes = np.clip(np.rint(x / scales) + zeros, 0, 255).astype(np.uint8)
        return Activations8(codes, scales, zeros.astype(np.int64))

    def rescale(self, accumulators: np.ndarray, weight: Weight8) -> np.ndarray:
        """The layer's output from that of the bare integer product."""
        sums = weight.codes.sum(axis=0, dtype=np.int64)
        return (accumulators - self.zeros * sums) * self.scales * weight.scales
