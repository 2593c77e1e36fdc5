# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The results as a picture: how near each contender comes to the machine's limit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from estimate import Estimate
from references import PEAK_DOT
from results import Match

_OURS, _QUANTIZING, _BARE = "#c44e52", "#4c72b0", "#9aa5b8"


def save_plot(matches: Sequence[Match], path: Path) -> None:
    """A panel per shape and number of threads; bars in GOP/s, the int8 peak a line."""
    threads = sorted({match.threads for match in matches})
    shapes = list(dict.fromkeys(match.shape for match in matches))
    bars = max(len(match.timings) for match in matches)
    figure, axes = plt.subplots(
        len(shapes),
        len(threads),
        figsize=(7 * len(threads), (0.9 + 0.22 * bars) * len(shapes)),
        squeeze=False,
        layout="constrained",
    )
    for match in matches:
        _draw(axes[shapes.index(match.shape)][threads.index(match.threads)], match)
    figure.suptitle(
        "GOP/s; red: STaMP, blue: peers that quantize their input or need not, "
        "grey: bare integer products"
    )
    figure.savefig(path)
    plt.close(figure)


def _draw(axes: plt.Axes, match: Match) -> None:
    timings = sorted(
        match.timings,
        key=lambda timing: Estimate.of(timing.seconds).median,
        reverse=True,
    )
    rates = [
        match.shape.ops / Estimate.of(timing.seconds).median * 1e-9
        for timing in timings
    ]
    colours = [
        (
            _OURS
            if timing.contender.ours
            else _QUANTIZING if timing.contender.quantizes else _BARE
        )
        for timing in timings
    ]
    axes.barh([timing.name for timing in timings], rates, color=colours)
    axes.tick_params(labelsize=8)
    axes.set_title(match.title, fontsize=10, loc="left")
    # Decoding is far from it, and would be a row of dots beside it.
    if PEAK_DOT in match.limits and match.shape.tokens > 1:
        peak = Estimate.of(match.limits[PEAK_DOT].rates).median
        axes.axvline(peak, color="black", linewidth=1, linestyle="--")
    axes.spines[["top", "right"]].set_visible(False)
