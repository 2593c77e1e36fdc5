# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A way to compute the linear layer, ours or a peer's.

A new one is a `Contender` in the list of a module of this folder, and the module
a line in `registry.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from layer import Layer, Shape


@dataclass(frozen=True)
class Prepared:
    """The layer with its weight packed, compiled in, or whatever else a contender
    does to it before the first input comes."""

    # From X in memory to Y in memory. It is what is timed, so it does nothing
    # but call.
    run: Callable[[], object]
    # What the last run left, as an array of the layer's output; not timed.
    output: Callable[[], np.ndarray]
    # What the library says of the code it chose.
    kernel: str = ""


def _always(shape: Shape, threads: int) -> bool:
    return True


@dataclass(frozen=True)
class Contender:
    name: str
    # Gets the CPUs that it may use, one thread for each. Imports the library
    # itself, for it runs in a process that no other contender sees.
    prepare: Callable[[Layer, Sequence[int]], Prepared]
    weight_bits: float
    # Below this many dB its output is wrong, and is not timed.
    min_sqnr: float
    # Whether what is timed starts from f32 activations; a bare integer product
    # starts from codes.
    quantizes: bool = True
    ours: bool = False
    # The contender that does all but the transform.
    baseline: str = ""
    takes: Callable[[Shape, int], bool] = _always
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reference:
    """A limit of the machine, measured among the contenders, round by round.

    `prepare` returns a function that does the work, and its amount: operations,
    or bytes read. An amount of 0 says that the CPU lacks the instruction.
    """

    name: str
    prepare: Callable[[Layer, Sequence[int]], tuple[Callable[[], object], int]]
    unit: str


# The least SQNR of a right answer, by what is quantized: some dB below what the
# layer's shapes give.
MIN_SQNR_F32 = 90.0
MIN_SQNR_INT8 = 25.0
MIN_SQNR_4BIT_WEIGHTS = 15.0
MIN_SQNR_4BIT = 6.0
