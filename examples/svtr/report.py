# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The demo's tables."""

import os
from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from compiled import BlocksRun, Phase
from recipes import Recipe
from recognizer import LINEARS
from scores import Scores, WEIGHT_BITS


def score_table(
    title: str, recipes: Sequence[Recipe], scores: Mapping[str, Scores], tokens: int
) -> Table:
    """A column for each recipe, in decibels; `scores` by Recipe.title."""
    table = _table(title)
    table.add_column("SQNR, dB", no_wrap=True)
    for recipe in recipes:
        # Narrow, so that a table fits a terminal of 80 columns: titles wrap.
        table.add_column(recipe.title, justify="right", width=7)

    def add(name: str, figures: Sequence[float | None], **style) -> None:
        cells = ["–" if figure is None else f"{figure:.2f}" for figure in figures]
        table.add_row(name, *cells, **style)

    columns = [scores[recipe.title] for recipe in recipes]
    for linear in LINEARS:
        add(linear.name, [column.linears[linear.name] for column in columns])
    table.add_section()
    add("mean of linears", [column.mean for column in columns], style="bold")
    table.add_section()
    for bits in WEIGHT_BITS:
        add(f"blocks, W{bits}", [column.blocks.get(bits) for column in columns])
    table.add_section()
    add(
        "average bits", [recipe.average_bits(tokens) for recipe in recipes], style="dim"
    )
    return table


def phase_table(phases: Sequence[Phase]) -> Table:
    table = _table("From linalg to LLVM")
    table.add_column("phase")
    table.add_column("time", justify="right")
    table.add_column("IR to read")
    for phase in phases:
        table.add_row(
            phase.name,
            f"{phase.seconds * 1e3:.0f} ms" if phase.seconds else "–",
            os.path.relpath(phase.readable) if phase.readable else "–",
        )
    return table


def time_table(runs: Mapping[str, BlocksRun]) -> Table:
    """Programs and how long they take for one line."""
    table = _table("One line through the blocks")
    table.add_column("program")
    table.add_column("median time", justify="right")
    for program, run in runs.items():
        table.add_row(program, f"{run.seconds * 1e3:.1f} ms")
    return table


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_style="bold",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
