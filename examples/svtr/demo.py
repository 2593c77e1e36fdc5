# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""STaMP at work on a real model: two transformer blocks of a text recogniser.

Reads printed lines with PP-OCRv4, takes what enters its two SVTR blocks, and
says how much of it each way of quantizing keeps: once by the NumPy oracle,
once by programs that STaMP compiled. Exits non-zero if the two disagree.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Before NumPy loads: the oracle's products are so small that threads slow it down.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from rich.columns import Columns
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from compiled import BlocksRun, CompiledBlocks, Phase
from energy_plot import plot_energy
from recipes import COSINE, HAAR4, RECIPES
from recognizer import LINEARS, Reading, Recognizer
from report import phase_table, score_table, time_table
from scores import WEIGHT_BITS, Scores, mean_sqnr, oracle_scores
from stamp_tools import StampTools
from svtr_blocks import TOKENS, svtr_module
from text_lines import TextLine, text_lines

BUILD = Path(__file__).resolve().parents[2] / "build"

# The compiled f32 blocks against ONNX Runtime, relative to the largest magnitude.
F32_TOLERANCE = 1e-5

# The demo fails where the compiled code strays further than this from the
# oracle, or where STaMP keeps less than it is known to keep.
TOLERANCE_DB = 0.1
HAAR4_AT_LEAST_DB = 21.0

COMPILABLE = [recipe for recipe in RECIPES if recipe.compiles]


@dataclass(frozen=True)
class Compiled:
    """What compiling and running the blocks brought; by Recipe.title."""

    scores: dict[str, Scores]
    runs: dict[str, BlocksRun]
    phases: list[Phase]
    f32_error: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--build",
        type=Path,
        default=BUILD,
        help="build folder: holds bin/, receives demo/ (default: %(default)s)",
    )
    parser.add_argument(
        "--oracle-only", action="store_true", help="do without stamp-opt and stamp-run"
    )
    options = parser.parse_args()
    console = Console()
    try:
        tools = None if options.oracle_only else StampTools(options.build / "bin")
        failures = _demo(console, tools, options.build / "demo")
    except (FileNotFoundError, RuntimeError, subprocess.CalledProcessError) as error:
        failures = [str(error)]
    for failure in failures:
        console.print(f"[red]error:[/] {escape(failure)}")
    return 1 if failures else 0


def _demo(console: Console, tools: StampTools | None, output: Path) -> list[str]:
    """Tells the story; returns what went wrong in it."""
    console.rule("STaMP on the SVTR blocks of the PP-OCRv4 text recogniser")
    output.mkdir(parents=True, exist_ok=True)

    recognizer = Recognizer()
    lines = text_lines()
    readings = [
        recognizer.read(line.image)
        for line in track(lines, "Reading printed lines", console=console)
    ]
    failures = _misread(lines, readings)
    held_out = [r for line, r in zip(lines, readings) if line.held_out]
    console.print(
        f"{len(lines) - len(failures)} of {len(lines)} lines read without an error;"
        f" {len(held_out)} of them are held out, such as\n"
        f"  [italic]{escape(held_out[0].text[:72])}…[/]"
    )

    oracle = {
        recipe.title: oracle_scores(recipe, held_out, recognizer.weights)
        for recipe in track(RECIPES, "Asking the oracle", console=console)
    }
    tables = [score_table("NumPy oracle", RECIPES, oracle, TOKENS)]
    if tools:
        compiled = _compile(console, tools, recognizer.weights, held_out, output)
        failures += disagreements(oracle, compiled)
        tables += [
            score_table("Compiled by STaMP", COMPILABLE, compiled.scores, TOKENS),
            phase_table(compiled.phases),
            time_table(compiled.runs),
        ]
    # Side by side where the terminal is wide enough.
    console.print(Columns(tables))
    if tools:
        console.print(
            "The compiled f32 blocks agree with ONNX Runtime to"
            f" {compiled.f32_error:.0e} of the largest magnitude."
        )

    plot = output / "energy.png"
    inputs = {
        linear.name: [reading.linear_inputs[linear.name] for reading in held_out]
        for linear in LINEARS
    }
    plot_energy(inputs, [HAAR4, COSINE], plot)
    console.print(f"Energy before and after L: {os.path.relpath(plot)}")
    return failures


def _compile(
    console: Console,
    tools: StampTools,
    weights: Mapping[str, np.ndarray],
    readings: Sequence[Reading],
    output: Path,
) -> Compiled:
    whole = output / "whole"
    whole.mkdir(exist_ok=True)
    source = whole / "svtr.mlir"
    source.write_text(str(svtr_module(weights)))
    blocks = CompiledBlocks(tools, source, whole)
    with console.status("Compiling the f32 blocks"):
        exact = blocks.run_f32(readings)

    scores, runs = {}, {"f32": exact}
    for recipe in track(COMPILABLE, "Compiling the recipes", console=console):
        scores[recipe.title] = blocks.score_linears(recipe, readings)
        # One recipe is enough to see what wider weights bring.
        for bits in WEIGHT_BITS if recipe is HAAR4 else WEIGHT_BITS[:1]:
            run = blocks.run_quantized(recipe, bits, readings)
            scores[recipe.title].blocks[bits] = mean_sqnr(exact.outputs, run.outputs)
            runs[f"{recipe.title}, W{bits}"] = run

    bits = WEIGHT_BITS[0]
    with console.status("Lowering the blocks phase by phase"):
        phases = blocks.phase_by_phase(HAAR4, bits, output)
    return Compiled(
        scores,
        runs,
        phases + runs[f"{HAAR4.title}, W{bits}"].llvm_phases,
        max(map(_relative_error, exact.outputs, readings)),
    )


def _relative_error(output: np.ndarray, reading: Reading) -> float:
    expected = reading.blocks_output
    return np.abs(output - expected).max() / np.abs(expected).max()


def _misread(lines: Sequence[TextLine], readings: Sequence[Reading]) -> list[str]:
    return [
        f"line {line.number} was misread:\n  {line.text}\n  {reading.text}"
        for line, reading in zip(lines, readings)
        if reading.text != line.text
    ]


def disagreements(oracle: Mapping[str, Scores], compiled: Compiled) -> list[str]:
    # Each comparison is written so that a NaN fails it.
    failures = []
    if not compiled.f32_error <= F32_TOLERANCE:
        failures.append(f"the f32 blocks are off by {compiled.f32_error:.1e}")
    for title, scores in compiled.scores.items():
        if not abs(scores.mean - oracle[title].mean) <= TOLERANCE_DB:
            failures.append(
                f"{title}: compiled {scores.mean:.2f} dB,"
                f" oracle {oracle[title].mean:.2f} dB"
            )
    haar4 = compiled.scores[HAAR4.title].mean
    if not haar4 >= HAAR4_AT_LEAST_DB:
        failures.append(
            f"{HAAR4.title}: {haar4:.2f} dB is below {HAAR4_AT_LEAST_DB} dB"
        )
    return failures


if __name__ == "__main__":
    sys.exit(main())
