# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The activations of every case: made anew where they are needed, from a seed."""

from __future__ import annotations

import operator
import random
from array import array

# Tokens that share what they have in common.
_GROUP = 16


def activations(tokens: int, features: int, seed: int) -> array:
    """Row by row, f32. Neighbouring tokens correlate: row = 4·base + noise, the base
    the same for 16 of them. All values are integers over 128, so exact."""
    source = random.Random(seed)
    scaled = [(value - 128) / 128 for value in range(256)]
    rows = array("f")
    for token in range(tokens):
        if token % _GROUP == 0:
            base = [4 * scaled[byte] for byte in source.randbytes(features)]
        noise = map(scaled.__getitem__, source.randbytes(features))
        rows.extend(map(operator.add, base, noise))
    return rows
