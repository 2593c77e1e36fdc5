# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The results as tables for a terminal."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from estimate import Estimate, spread
from results import Match, Timing
from stamp_contenders import BACKENDS, OFF


def limits_line(match: Match) -> str:
    return ", ".join(
        f"{name} {Estimate.of(limit.rates).median:.0f} {limit.unit}"
        f" (±{spread(limit.rates) / 2:.0%})"
        for name, limit in match.limits.items()
    )


def match_table(match: Match) -> Table:
    """Each contender against the limits; and how many times as fast as it ours is."""
    ours = _representative(match)
    table = Table(
        title=match.title,
        title_justify="left",
        title_style="bold",
    )
    table.add_column("", no_wrap=True)
    for heading in (
        "median ms",
        "GOP/s",
        "% int8 peak",
        "% f32 peak",
        "% bandwidth",
        "SQNR dB",
        "A quantized",
        "time ÷ off",
        f"{ours.name} × as fast" if ours else "",
    ):
        table.add_column(heading, justify="right")
    for timing in sorted(
        match.timings, key=lambda timing: Estimate.of(timing.seconds).median
    ):
        table.add_row(*_cells(match, timing, ours))
    return table


def _cells(match: Match, timing: Timing, ours: Timing | None) -> list[str]:
    seconds = Estimate.of(timing.seconds).median
    off = _find(match, timing.contender.baseline)
    return [
        (
            f"[bold]{escape(timing.name)}[/]"
            if timing.contender.ours
            else escape(timing.name)
        ),
        f"{seconds * 1e3:.3f}",
        f"{match.shape.ops / seconds * 1e-9:.1f}",
        _percent(match.peak_fraction(timing)),
        _percent(match.f32_peak_fraction(timing)),
        # Who computes much per weight is not limited by reading it.
        _percent(match.bandwidth_fraction(timing)) if match.shape.tokens == 1 else "",
        f"{timing.sqnr:.1f}",
        "yes" if timing.contender.quantizes and timing.contender.min_sqnr < 90 else "–",
        _ratio(match.speedup(off, timing)) if off else "",
        _ratio(match.speedup(ours, timing)) if ours and ours is not timing else "",
    ]


def _find(match: Match, name: str) -> Timing | None:
    return next((timing for timing in match.timings if timing.name == name), None)


def _representative(match: Match) -> Timing | None:
    """Three levels of Haar by the first back end that took part; for one token,
    what has no transform."""
    for plan in "haar3", OFF:
        for backend in BACKENDS:
            if timing := _find(match, backend.prefix + plan):
                return timing
    return None


def _percent(estimate: Estimate | None) -> str:
    return "–" if estimate is None else f"{100 * estimate.median:.1f}"


def _ratio(estimate: Estimate) -> str:
    text = f"{estimate.median:.3f}"
    if estimate.interval:
        low, high = estimate.interval
        text += f" [dim]{low:.3f}…{high:.3f}[/]"
    return text
