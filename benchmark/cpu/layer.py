# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is timed: Y = X·W in f32, row-major, and Y as double precision has it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Columns of W per product in f64; more would need as much memory again as W.
_COLUMNS = 1024


@dataclass(frozen=True)
class Shape:
    """M×K times K×N."""

    tokens: int
    features: int
    channels: int

    @staticmethod
    def parse(text: str) -> Shape:
        sizes = [int(size) for size in text.split("x")]
        if len(sizes) != 3 or min(sizes) < 1:
            raise ValueError(f"'{text}' is not a shape such as 2048x4096x4096")
        return Shape(*sizes)

    def __str__(self) -> str:
        return f"{self.tokens}x{self.features}x{self.channels}"

    @property
    def ops(self) -> int:
        """A multiplication and an addition for each product. Transforms and
        quantization are a contender's own expense and do not count."""
        return 2 * self.tokens * self.features * self.channels


@dataclass(frozen=True)
class Layer:
    shape: Shape
    x: np.ndarray
    weight: np.ndarray
    expected: np.ndarray  # f64

    @staticmethod
    def make(shape: Shape) -> Layer:
        """The same layer every time, with activations as models have them: tokens
        correlate (ρ = 0.95) and every seventh channel is four times as loud."""
        random = np.random.default_rng(1)
        x = random.standard_normal((shape.tokens, shape.features), dtype=np.float32)
        rho = np.float32(0.95)
        for t in range(1, shape.tokens):
            x[t] = rho * x[t - 1] + np.sqrt(1 - rho * rho) * x[t]
        x[:, 3::7] *= 4
        weight = random.standard_normal(
            (shape.features, shape.channels), dtype=np.float32
        ) / np.float32(np.sqrt(shape.features))
        return Layer(shape, x, weight, _exact_product(x, weight))

    def save(self, folder: Path) -> None:
        np.save(folder / "x.npy", self.x)
        np.save(folder / "weight.npy", self.weight)
        np.save(folder / "expected.npy", self.expected)

    @staticmethod
    def load(folder: Path) -> Layer:
        """The weight and the expected output stay in the file, whose pages all
        processes share; X is this process's own, as an activation would be."""
        weight = np.load(folder / "weight.npy", mmap_mode="r")
        expected = np.load(folder / "expected.npy", mmap_mode="r")
        x = aligned_copy(np.load(folder / "x.npy"))
        return Layer(Shape(*x.shape, weight.shape[1]), x, weight, expected)

    def sqnr(self, y: np.ndarray) -> float:
        """The signal-to-noise ratio of `y` in dB; NaN if `y` holds one."""
        if y.shape != self.expected.shape:
            raise ValueError(f"the output has shape {y.shape}")
        signal = noise = 0.0
        for rows in range(0, len(y), 256):
            expected = np.asarray(self.expected[rows : rows + 256])
            signal += np.sum(expected * expected)
            noise += np.sum(np.square(y[rows : rows + 256] - expected))
        if noise == 0:
            return np.inf
        return float(10 * np.log10(signal / noise))


def aligned_empty(shape: tuple[int, ...], dtype: type = np.float32) -> np.ndarray:
    """On a page boundary, and every page of it there."""
    page = 4096
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    buffer = np.zeros(size + page, np.uint8)
    start = -buffer.ctypes.data % page
    buffer[:] = 1
    return buffer[start : start + size].view(dtype).reshape(shape)


def aligned_copy(array: np.ndarray) -> np.ndarray:
    copy = aligned_empty(array.shape, array.dtype)
    copy[...] = array
    return copy


def _exact_product(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    wide = x.astype(np.float64)
    y = np.empty((x.shape[0], weight.shape[1]))
    for n in range(0, weight.shape[1], _COLUMNS):
        y[:, n : n + _COLUMNS] = wide @ weight[:, n : n + _COLUMNS].astype(np.float64)
    return y
