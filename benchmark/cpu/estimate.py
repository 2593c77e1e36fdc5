# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the rounds say.

A machine's speed drifts from round to round, and all contenders with it. So two of
them are compared by the ratio of their times within each round, and the ratios by
their median.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from statistics import median

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A median, and between which values the true one lies with 95 % confidence;
    no interval if there are too few values for one."""

    median: float
    interval: tuple[float, float] | None

    @staticmethod
    def of(values: Sequence[float]) -> Estimate:
        ordered = sorted(values)
        rank = _interval_rank(len(ordered))
        interval = None if rank is None else (ordered[rank], ordered[-1 - rank])
        return Estimate(median(ordered), interval)

    def json(self) -> dict:
        return {"median": self.median, "interval": self.interval}


def ratio(numerator: Sequence[float], denominator: Sequence[float]) -> Estimate:
    """Round by round."""
    pairs = zip(numerator, denominator, strict=True)
    return Estimate.of([above / below for above, below in pairs])


def spread(values: Sequence[float]) -> float:
    """How far apart the 10th and the 90th percentile are, relative to the median."""
    low, middle, high = np.percentile(values, [10, 50, 90])
    return float((high - low) / middle)


def _interval_rank(count: int) -> int | None:
    """From the ranks alone: as many values lie below the true median as a fair coin
    shows heads, whatever the distribution. Each end may miss 2.5 %."""
    rank, chance = None, 0.0
    for heads in range(count // 2):
        chance += comb(count, heads) / 2**count
        if chance > 0.025:
            break
        rank = heads
    return rank
