# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The samples of one layer at one number of threads, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from contender import Contender, Reference
from estimate import Estimate, ratio, spread
from layer import Shape
from references import PEAK_DOT, PEAK_FMA, read_name


@dataclass(frozen=True)
class Limit:
    """A reference's rates, round by round: GOP/s or GB/s."""

    unit: str
    rates: list[float]

    def json(self) -> dict:
        return {
            "unit": self.unit,
            **Estimate.of(self.rates).json(),
            "spread": spread(self.rates),
        }


@dataclass(frozen=True)
class Timing:
    contender: Contender
    seconds: list[float]
    sqnr: float
    kernel: str
    busy_threads: int

    @property
    def name(self) -> str:
        return self.contender.name


@dataclass
class Match:
    shape: Shape
    threads: int
    limits: dict[str, Limit] = field(default_factory=dict)
    timings: list[Timing] = field(default_factory=list)
    # Who does not take part, and why.
    skipped: dict[str, str] = field(default_factory=dict)

    def add(
        self, entrant: Reference | Contender, answer: dict, samples: list[float]
    ) -> None:
        """What a worker said of its preparation, and its times in seconds."""
        if isinstance(entrant, Reference):
            rates = [answer["work"] / seconds * 1e-9 for seconds in samples]
            self.limits[entrant.name] = Limit(entrant.unit, rates)
            return
        said = answer["sqnr"], answer["kernel"], answer["busy_threads"]
        self.timings.append(Timing(entrant, samples, *said))

    @property
    def title(self) -> str:
        return f"{self.shape}, {self.threads} thread{'' if self.threads == 1 else 's'}"

    def speedup(self, timing: Timing, other: Timing) -> Estimate:
        """How many times as fast as `other`."""
        return ratio(other.seconds, timing.seconds)

    def fraction(self, timing: Timing, limit: str, work: float) -> Estimate | None:
        """Of what the machine does at best; none if that was not measured."""
        if limit not in self.limits:
            return None
        rates = [work / seconds * 1e-9 for seconds in timing.seconds]
        return ratio(rates, self.limits[limit].rates)

    def peak_fraction(self, timing: Timing) -> Estimate | None:
        return self.fraction(timing, PEAK_DOT, self.shape.ops)

    def f32_peak_fraction(self, timing: Timing) -> Estimate | None:
        return self.fraction(timing, PEAK_FMA, self.shape.ops)

    def bandwidth_fraction(self, timing: Timing) -> Estimate | None:
        """The weight, read once in the time of a run, against a plain read of a
        buffer of that size: what decoding can reach at best."""
        bits = timing.contender.weight_bits
        weight_bytes = self.shape.features * self.shape.channels * bits / 8
        return self.fraction(timing, read_name(bits), weight_bytes)

    def rows(self) -> list[dict]:
        return [self._row(timing) for timing in self.timings]

    def _row(self, timing: Timing) -> dict:
        time = Estimate.of(timing.seconds)
        return {
            "shape": str(self.shape),
            "threads": self.threads,
            "contender": timing.name,
            "ours": timing.contender.ours,
            "quantizes_input": timing.contender.quantizes,
            "weight_bits": timing.contender.weight_bits,
            "median_ms": time.median * 1e3,
            "gops": self.shape.ops / time.median * 1e-9,
            **_fields("peak_fraction", self.peak_fraction(timing)),
            **_fields("f32_peak_fraction", self.f32_peak_fraction(timing)),
            **_fields("bandwidth_fraction", self.bandwidth_fraction(timing)),
            "sqnr_db": timing.sqnr,
            "kernel": timing.kernel,
            "busy_threads": timing.busy_threads,
            "rounds": len(timing.seconds),
            "seconds": timing.seconds,
            "ratios": {
                other.name: self.speedup(timing, other).json()
                for other in self.timings
                if other is not timing
            },
        }

    def json_limits(self) -> dict:
        return {name: limit.json() for name, limit in self.limits.items()}


def noise(matches: Sequence[Match]) -> float:
    """The largest spread of a peak over the rounds of a match. Both are loops in
    registers, which nothing but the machine itself slows down."""
    spreads = [
        spread(match.limits[name].rates)
        for match in matches
        for name in (PEAK_DOT, PEAK_FMA)
        if name in match.limits
    ]
    return max(spreads, default=0.0)


def _fields(name: str, estimate: Estimate | None) -> dict:
    return {
        name: estimate and estimate.median,
        f"{name}_interval": estimate and estimate.interval,
    }
