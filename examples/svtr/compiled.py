# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The same scores as the oracle's, from programs that StaMP compiled and ran."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from recipes import Recipe
from recognizer import Reading
from scores import Scores, score_linears
from stamp_tools import (
    Call,
    StampTools,
    round_trip_module,
    round_trip_name,
    select_option,
)
from svtr_blocks import ENTRY

# A reader follows operations by the name of their linear (%block0.qkv), not
# megabytes of weights.
READABLE = [
    "--mlir-use-nameloc-as-prefix",
    "--mlir-elide-elementsattrs-if-larger=16",
    "--mlir-elide-resource-strings-if-larger=16",
]

TIMED_RUNS = 5


@dataclass(frozen=True)
class Phase:
    name: str
    seconds: float | None = None
    readable: Path | None = None


@dataclass(frozen=True)
class BlocksRun:
    outputs: list[np.ndarray]  # one for each reading
    seconds: float  # one line through the blocks, median
    llvm_phases: list[Phase]  # the JIT's part of the compilation


class CompiledBlocks:
    """Compiles the blocks in every way the demo compares.

    `source` is the f32 module; what is made of it on the way stays in `folder`.
    """

    def __init__(self, tools: StampTools, source: Path, folder: Path):
        self._tools = tools
        self._source = source
        self._folder = folder

    def run_f32(self, readings: Sequence[Reading]) -> BlocksRun:
        return self._run(self._source, readings)

    def run_quantized(
        self, recipe: Recipe, weight_bits: int, readings: Sequence[Reading]
    ) -> BlocksRun:
        module = self._folder / "quantized.mlirbc"
        self._tools.opt(
            self._source,
            module,
            select_option(recipe, weight_bits),
            "--stamp-quantize",
            "--stamp-fold",
            "--emit-bytecode",
        )
        return self._run(module, readings)

    def phase_by_phase(
        self, recipe: Recipe, weight_bits: int, target: Path
    ) -> list[Phase]:
        """Lowers the blocks one phase at a time; `target` gets the IR after each."""
        options = {
            "select": select_option(recipe, weight_bits),
            "quantize": "--stamp-quantize",
            "fold": "--stamp-fold",
            "linalg": "--stamp-to-linalg",
            "llvm": "--stamp-cpu-pipeline",
        }
        whole = self._source
        phases = [Phase("input", None, self._print(whole, target / "00-input.mlir"))]
        for number, (name, option) in enumerate(options.items(), start=1):
            before, whole = whole, self._folder / f"{number:02}-{name}.mlirbc"
            seconds = self._tools.opt(before, whole, option, "--emit-bytecode")
            readable = self._print(whole, target / f"{number:02}-{name}.mlir")
            phases.append(Phase(name, seconds, readable))
        return phases

    def score_linears(self, recipe: Recipe, readings: Sequence[Reading]) -> Scores:
        shapes = {
            x.shape for reading in readings for x in reading.linear_inputs.values()
        }
        module = self._folder / "round_trip.mlir"
        module.write_text(round_trip_module(recipe, sorted(shapes)))

        def round_trip(inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
            calls = [Call(round_trip_name(*x.shape), x) for x in inputs]
            return self._tools.run(module, calls).results

        return Scores(linears=score_linears(readings, round_trip))

    def _print(self, whole: Path, readable: Path) -> Path:
        self._tools.opt(whole, readable, *READABLE)
        return readable

    def _run(self, module: Path, readings: Sequence[Reading]) -> BlocksRun:
        calls = [Call(ENTRY, reading.blocks_input) for reading in readings]
        run = self._tools.run(module, calls, TIMED_RUNS)
        phases = [
            Phase(f"LLVM: {stage}", run.compile_stages[stage])
            for stage in ("optimize", "generate")
        ]
        return BlocksRun(run.results, median(run.medians), phases)
