# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""stamp-opt and stamp-run, called from Python."""

import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes import Recipe


@dataclass(frozen=True)
class Call:
    """One call of a compiled function of one tensor."""

    function: str
    argument: np.ndarray


@dataclass(frozen=True)
class Run:
    """Times in seconds; only where they were asked for."""

    results: list[np.ndarray]
    medians: list[float]  # one per call
    compile_stages: dict[str, float]


class StampTools:
    def __init__(self, folder: Path):
        self._opt = folder / "stamp-opt"
        self._run = folder / "stamp-run"
        for tool in self._opt, self._run:
            if not tool.exists():
                raise FileNotFoundError(f"{tool} is missing; run: make build")

    def opt(self, source: Path, target: Path, *arguments: str) -> float:
        """Writes what the passes make of `source`; returns the seconds it took."""
        start = time.perf_counter()
        _execute(self._opt, source, *arguments, "-o", target)
        return time.perf_counter() - start

    def run(self, module: Path, calls: Sequence[Call], timed_runs: int = 0) -> Run:
        """Compiles the module once and makes all the calls."""
        with tempfile.TemporaryDirectory(prefix="stamp-run-") as name:
            folder = Path(name)
            arguments = ["--cpu=host"]
            if timed_runs:
                arguments.append(f"--time={timed_runs}")
            for index, call in enumerate(calls):
                np.save(folder / f"in{index}.npy", call.argument)
                arguments.append(
                    f"--call={call.function}({folder}/in{index}.npy)"
                    f" -> {folder}/out{index}.npy"
                )
            printed = _execute(self._run, module, *arguments)
            return Run(
                [np.load(folder / f"out{index}.npy") for index in range(len(calls))],
                [seconds for _, seconds in _times(r"(\w+): median", printed)],
                dict(_times(r"compile: (\w+)", printed)),
            )


def select_option(recipe: Recipe, weight_bits: int) -> str:
    return (
        f"--stamp-select=basis={_dense(recipe.basis)} "
        f"schedule={_dense(recipe.schedule)} weight-bits={weight_bits}"
    )


def round_trip_module(recipe: Recipe, shapes: Sequence[tuple[int, int]]) -> str:
    """Transform, quantize and all the way back: one function for each shape."""
    return "\n".join(_round_trip_function(recipe, *shape) for shape in shapes)


def round_trip_name(tokens: int, features: int) -> str:
    return f"round_trip_{tokens}x{features}"


def _round_trip_function(recipe: Recipe, tokens: int, features: int) -> str:
    x = f"tensor<{tokens}x{features}xf32>"
    codes, scales, zeros = (
        f"tensor<{tokens}x{features}xi8>",
        f"tensor<{tokens}xf32>",
        f"tensor<{tokens}xi32>",
    )
    return f"""\
func.func @{round_trip_name(tokens, features)}(%x : {x}) -> {x} {{
  %e = tensor.empty() : {x}
  %eq = tensor.empty() : {codes}
  %es = tensor.empty() : {scales}
  %ez = tensor.empty() : {zeros}
  %t = stamp.transform {recipe.basis} along 0 ins(%x : {x}) outs(%e : {x})
  %q, %s, %z = stamp.quantize {recipe.schedule} along 0 over 1
      ins(%t : {x}) outs(%eq, %es, %ez : {codes}, {scales}, {zeros})
  %d = stamp.dequantize over 1
      ins(%q, %s, %z : {codes}, {scales}, {zeros}) outs(%e : {x})
  %y = stamp.inverse_transform {recipe.basis} along 0 ins(%d : {x}) outs(%e : {x})
  return %y : {x}
}}
"""


def _dense(attribute: object) -> str:
    """A pass option ends at the first space."""
    return str(attribute).replace(" ", "")


def _times(label: str, printed: str) -> list[tuple[str, float]]:
    found = re.findall(rf"^{label} +([\d.]+) ms$", printed, re.MULTILINE)
    return [(name, float(milliseconds) / 1e3) for name, milliseconds in found]


def _execute(*command: object) -> str:
    """Runs a tool; its own words are the error message."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed:\n{done.stderr.strip()}")
    return done.stdout
