# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How well each recipe keeps the activations: SQNR against f32, in decibels.

A figure is the mean, in decibels, over the held-out lines.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean

import numpy as np

from recipes import Recipe
from recognizer import LINEARS, Reading
from reference_blocks import blocks_output
from stamp.reference import sqnr_db

WEIGHT_BITS = [4, 8]


@dataclass
class Scores:
    """One recipe's, from one source."""

    linears: dict[str, float] = field(default_factory=dict)  # by Linear.name
    blocks: dict[int, float] = field(default_factory=dict)  # by the weights' bits

    @property
    def mean(self) -> float:
        return mean(self.linears.values())


def score_linears(
    readings: Sequence[Reading],
    round_trip: Callable[[Sequence[np.ndarray]], Iterable[np.ndarray]],
) -> dict[str, float]:
    """round_trip: many inputs of linears to what quantization leaves of each."""
    names = [linear.name for linear in LINEARS]
    exact = [reading.linear_inputs[name] for name in names for reading in readings]
    ratios = [
        sqnr_db(x, kept) for x, kept in zip(exact, round_trip(exact), strict=True)
    ]
    lines = len(readings)
    return {
        name: mean(ratios[start : start + lines])
        for name, start in zip(names, range(0, len(ratios), lines))
    }


def mean_sqnr(exact: Sequence[np.ndarray], approximate: Sequence[np.ndarray]) -> float:
    return mean(map(sqnr_db, exact, approximate))


def oracle_scores(
    recipe: Recipe, readings: Sequence[Reading], weights: Mapping[str, np.ndarray]
) -> Scores:
    scores = Scores(
        linears=score_linears(readings, lambda inputs: map(recipe.round_trip, inputs))
    )
    exact = [blocks_output(reading.blocks_input, weights) for reading in readings]
    for bits in WEIGHT_BITS:
        linear = recipe.linear(bits)
        scores.blocks[bits] = mean_sqnr(
            exact,
            [blocks_output(r.blocks_input, weights, linear) for r in readings],
        )
    return scores
