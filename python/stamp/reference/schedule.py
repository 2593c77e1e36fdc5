# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The precision schedule: how many bits each row gets."""

from dataclasses import dataclass
from operator import index

import numpy as np

@dataclass(frozen=True, init=False)
class Schedule:
    """How many bits each coefficient row gets: `segments`, then `rest`.

    `segments` holds pairs (count, bits).  An int count is a number of rows, a
    float count a fraction of S in (0, 1].  Rows are counted over the whole
    sequence, skipped tokens included.  Bits are 2…8.  In a sequence of fewer than
    `min_tokens` tokens all rows belong to the first segment.
    """

    segments: tuple[tuple[int | float, int], ...]
    rest: int
    min_tokens: int

    def __init__(self, segments, rest, min_tokens=0):
        segments = tuple((_count(count), index(bits)) for count, bits in segments)
        object.__setattr__(self, "segments", segments)
        object.__setattr__(self, "rest", index(rest))
        object.__setattr__(self, "min_tokens", index(min_tokens))
        if min_tokens < 0:
            raise ValueError(f"min_tokens = {min_tokens} is negative")
        for count, _ in self.segments:
            if isinstance(count, float) and not 0 < count <= 1:
                raise ValueError(f"the fraction {count} is outside (0, 1]")
            if not isinstance(count, float) and count < 0:
                raise ValueError(f"the count {count} is negative")
        for bits in [*(bits for _, bits in self.segments), rest]:
            if not 2 <= bits <= 8:
                raise ValueError(f"bits = {bits} is outside 2...8")

    def ends(self, tokens):
        """The row each segment ends at (exclusive): min(S, Cᵢ + ⌊Fᵢ·S⌋), or S if
        there are too few."""
        if tokens < self.min_tokens:
            return [tokens] * len(self.segments)
        ends, rows, fraction = [], 0, 0.0
        for count, _ in self.segments:
            if isinstance(count, float):
                fraction += count
            else:
                rows += count
            ends.append(min(tokens, rows + int(fraction * tokens)))
        return ends

    def bits_per_row(self, tokens, block_order_of=None):
        """int32, shape (tokens,); where the rows are a basis's coefficients in block
        order, each has the width of its place coarse first."""
        if block_order_of is not None:
            return self.bits_per_row(tokens)[block_order_of.coarse_positions(tokens)]
        bits, start = np.full(tokens, self.rest, np.int32), 0
        for end, (_, width) in zip(self.ends(tokens), self.segments):
            bits[start:end] = width
            start = end
        return bits

    def average_bits(self, tokens):
        """The mean width of a code; scales and zero points are not counted."""
        return float(self.bits_per_row(tokens).mean())

    def __str__(self):
        spelled = ", ".join(f"{_number(c)} : {bits}" for c, bits in self.segments)
        least = f", min_tokens = {self.min_tokens}" if self.min_tokens else ""
        return f"#stamp.schedule<[{spelled}], {self.rest}{least}>"


def _count(count):
    return float(count) if isinstance(count, (float, np.floating)) else index(count)


def _number(count):
    """MLIR reads a float only with a point, which Python leaves out in 1e-05."""
    text = repr(count)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text
