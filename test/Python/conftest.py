# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What all Python tests share: Hypothesis made repeatable, and compiled programs."""

import os
import pathlib
import subprocess

import numpy as np
import pytest
from hypothesis import settings

# No deadline: how long an example takes says more about the machine than the
# code.
settings.register_profile(
    "stamp", derandomize=True, deadline=None, database=None, max_examples=200
)
settings.load_profile("stamp")

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("STAMP_BIN_DIR", ROOT / "build" / "bin"))


@pytest.fixture
def run(tmp_path):
    """run(module, [(function, inputs, number of results), ...]) -> results.

    Compiles the module once, with stamp-run, and makes all calls.
    """

    def run(module, calls, *options):
        (tmp_path / "module.mlir").write_text(module)
        command = [BIN / "stamp-run", tmp_path / "module.mlir", *options]
        outputs = []
        for i, (function, inputs, num_results) in enumerate(calls):
            names = []
            for k, array in enumerate(inputs):
                names.append(str(tmp_path / f"in{i}_{k}.npy"))
                np.save(names[-1], array)
            outputs.append([tmp_path / f"out{i}_{k}.npy" for k in range(num_results)])
            results = ", ".join(map(str, outputs[-1]))
            command.append(f"--call={function}({', '.join(names)}) -> {results}")
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return [[np.load(path) for path in paths] for paths in outputs]

    return run


@pytest.fixture
def optimize():
    """optimize(module, *flags) -> the module after stamp-opt."""

    def optimize(module, *flags, tool="stamp-opt"):
        done = subprocess.run(
            [BIN / tool, *flags], input=module, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return optimize
