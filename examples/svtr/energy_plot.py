# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where the energy of the linears' inputs sits: in every token, or, after L, in a few rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("agg")  # files only: no display is needed

import matplotlib.pyplot as plt
import numpy as np

from recipes import Recipe

BEFORE = "#9aa5b1"
AFTER = ["#d1495b", "#00798c"]
FIRST_SEGMENT = "#edae49"


def plot_energy(
    inputs: Mapping[str, Sequence[np.ndarray]], recipes: Sequence[Recipe], path: Path
) -> None:
    """One panel for each linear; inputs: its input on every line, tokens x features."""
    figure, axes = plt.subplots(
        2,
        len(inputs) // 2,
        figsize=(15, 7.5),
        sharex=True,
        sharey=True,
        layout="constrained",
    )
    for panel, (name, lines) in zip(axes.flat, inputs.items()):
        tokens = len(lines[0])
        first_segment = recipes[0].schedule.ends(tokens)[0]
        panel.axvspan(1, first_segment, color=FIRST_SEGMENT, alpha=0.22, lw=0)
        rows = np.arange(1, tokens + 1)
        panel.plot(
            rows,
            _energy(lines),
            color=BEFORE,
            lw=0.9,
            label="before: energy of each token",
        )
        for recipe, color in zip(recipes, AFTER):
            transformed = [recipe.basis.forward(x) for x in lines]
            label = f"after {recipe.title.removeprefix('mixed, ')}"
            panel.plot(rows, _energy(transformed), color=color, lw=1.1, label=label)
        panel.set_title(name, loc="left", fontsize=11, fontweight="bold")
        panel.set_xscale("log", base=2)
        panel.set_yscale("log")
        panel.set_xlim(1, tokens)
        panel.xaxis.set_major_formatter("{x:.0f}")
        panel.grid(which="major", color="#e6e9ec", lw=0.7)
        panel.spines[["top", "right"]].set_visible(False)

    for panel in axes[-1]:
        panel.set_xlabel("token · coefficient, coarse first")
    for panel in axes[:, 0]:
        panel.set_ylabel("energy per feature")
    figure.suptitle(
        "L gathers the energy of a linear's input in the rows that get 8 bits",
        fontsize=15,
        fontweight="bold",
    )
    handles, labels = axes.flat[0].get_legend_handles_labels()
    handles.append(plt.Rectangle((0, 0), 1, 1, color=FIRST_SEGMENT, alpha=0.22, lw=0))
    labels.append(f"first {first_segment} rows: 8 bits (others: 4)")
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), frameon=False
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _energy(lines: Sequence[np.ndarray]) -> np.ndarray:
    """The mean square of every row, over features and lines."""
    return np.mean([np.square(x).mean(axis=1) for x in lines], axis=0)
