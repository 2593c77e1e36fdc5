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
from collections.abc import Sequence
from pathlib import Path

# Before NumPy loads: the oracle's products are so small that threads slow it down.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from rich.columns import Columns
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from compiled import CompiledBlocks
from energy_plot import plot_energy
from recipes import COSINE, HAAR4, RECIPES
from recognizer import LINEARS, Reading, Recognizer
from report import phase_table, score_table, time_table
from scores import WEIGHT_BITS, Scores, mean_sqnr, oracle_scores
from stamp_tools import StampTools
from svtr_blocks import TOKENS, svtr_module
from text_lines import TextLine, text_lines

BUILD = Path(__file__).resolve().parents[2] / "build"

# The demo fails where the compiled code strays further than this from the
# oracle, or where STaMP keeps less than it is known to keep.
TOLERANCE_DB = 0.1
HAAR4_AT_LEAST_DB = 21.0


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
        return _demo(console, tools, options.build / "demo")
    except (FileNotFoundError, RuntimeError, subprocess.CalledProcessError) as error:
        console.print(f"[red]error:[/] {escape(str(error))}")
        return 1


def _demo(console: Console, tools: StampTools | None, output: Path) -> int:
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
        source = output / "svtr.mlir"
        source.write_text(str(svtr_module(recognizer.weights)))
        blocks = CompiledBlocks(tools, source, output / "whole")
        compiled, seconds = _compiled_scores(console, blocks, held_out)
        compilable = [recipe for recipe in RECIPES if recipe.compiles]
        tables.append(score_table("Compiled by STaMP", compilable, compiled, TOKENS))
        with console.status("Lowering the blocks phase by phase"):
            phases = blocks.phase_by_phase(HAAR4, WEIGHT_BITS[0], output)
        failures += _disagreements(oracle, compiled)

    console.print(Columns(tables))
    if tools:
        console.print(Columns([phase_table(phases), time_table(seconds)]))

    inputs = {
        linear.name: [reading.linear_inputs[linear.name] for reading in held_out]
        for linear in LINEARS
    }
    plot = output / "energy.png"
    plot_energy(inputs, [HAAR4, COSINE], plot)
    console.print(f"Energy before and after L: {os.path.relpath(plot)}")

    for failure in failures:
        console.print(f"[red]FAILED:[/] {escape(failure)}")
    return 1 if failures else 0


def _compiled_scores(
    console: Console, blocks: CompiledBlocks, readings: Sequence[Reading]
) -> tuple[dict[str, Scores], dict[str, float]]:
    """Scores by recipe, and what one line costs by program."""
    with console.status("Compiling and running the f32 blocks"):
        exact = blocks.run_f32(readings)
    seconds = {"f32": exact.seconds}
    scores = {}
    recipes = [recipe for recipe in RECIPES if recipe.compiles]
    for recipe in track(recipes, "Compiling and running the recipes", console=console):
        scores[recipe.title] = blocks.score_linears(recipe, readings)
        for bits in WEIGHT_BITS:
            run = blocks.run_quantized(recipe, bits, readings)
            scores[recipe.title].blocks[bits] = mean_sqnr(exact.outputs, run.outputs)
            seconds[f"{recipe.title}, W{bits}"] = run.seconds
    return scores, seconds


def _misread(lines: Sequence[TextLine], readings: Sequence[Reading]) -> list[str]:
    return [
        f"line {line.number} was misread:\n  {line.text}\n  {reading.text}"
        for line, reading in zip(lines, readings)
        if reading.text != line.text
    ]


def _disagreements(oracle: dict[str, Scores], compiled: dict[str, Scores]) -> list[str]:
    failures = [
        f"{title}: compiled {scores.mean:.2f} dB, oracle {oracle[title].mean:.2f} dB"
        for title, scores in compiled.items()
        # Written so that NaN fails too.
        if not abs(scores.mean - oracle[title].mean) <= TOLERANCE_DB
    ]
    haar4 = compiled[HAAR4.title].mean
    if not haar4 >= HAAR4_AT_LEAST_DB:
        failures.append(
            f"{HAAR4.title}: {haar4:.2f} dB is below {HAAR4_AT_LEAST_DB} dB"
        )
    return failures


if __name__ == "__main__":
    sys.exit(main())
