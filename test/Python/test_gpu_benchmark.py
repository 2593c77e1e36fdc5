# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""benchmark/gpu without a GPU: the fake driver computes nothing, so every result is
wrong, and has to be found so; all else goes its way."""

import json
import os
import subprocess
import sys

import pytest

from conftest import BIN, ROOT

FAKE_DRIVER = BIN.parent / "lib" / "StampFakeCUDA.so"
CASE = "haar 197x96x40"


@pytest.fixture(scope="module")
def artefacts(tmp_path_factory):
    output = tmp_path_factory.mktemp("artefacts") / "gpu"
    command = [sys.executable, ROOT / "benchmark" / "gpu" / "record.py"]
    command += ["--build", BIN.parent, "--output", output, "--case", CASE]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return output


def bench(artefacts, tmp_path, **environment):
    done = subprocess.run(
        [sys.executable, artefacts / "bench.py", "--runs", "2"]
        + ["--json", tmp_path / "results.json"],
        capture_output=True,
        text=True,
        env={**os.environ, "STAMP_CUDA_DRIVER": str(FAKE_DRIVER), **environment},
    )
    return done


def test_a_recorded_program_names_its_launches(artefacts):
    [case] = json.loads((artefacts / "manifest.json").read_text())["cases"]
    for program in case["programs"].values():
        assert program["launches"]
        assert "x" in program["initial"].values()
        assert [size for _, size in program["results"]] == [197 * 40 * 4]
        for launch in program["launches"]:
            for argument in launch["arguments"]:
                assert argument.get("buffer", "0") in program["buffers"]


def test_wrong_results_are_found(artefacts, tmp_path):
    done = bench(artefacts, tmp_path)
    assert done.returncode == 1, done.stderr
    assert "kernels for sm_90a" in done.stdout
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["device"] == "Fake Device 0"
    [case] = results["cases"]
    assert not case["ok"]
    assert case["checks"][0]["largest error"] == 1.0


@pytest.mark.parametrize(
    "environment, error",
    [
        ({"STAMP_CUDA_DRIVER": "/nowhere.so"}, "bench: there is no CUDA driver: "),
        ({"FAKE_CUDA_DEVICES": "0"}, "bench: no device: the CUDA driver finds none"),
        ({"STAMP_CUDA_DEVICE": "2"}, "bench: no device 2: the CUDA driver finds 1"),
        ({"FAKE_CUDA_CHIP": "75"}, "bench: no kernels for compute capability 7.5"),
        (
            {"FAKE_CUDA_MEMORY": "1000"},
            "bench: cuMemAlloc_v2: CUDA_ERROR_OUT_OF_MEMORY (2): out of memory",
        ),
        (
            {"FAKE_CUDA_FAIL": "cuLaunchKernel:719"},
            "bench: cuLaunchKernel: CUDA_ERROR_LAUNCH_FAILED (719)",
        ),
    ],
)
def test_errors_name_their_cause(artefacts, tmp_path, environment, error):
    done = bench(artefacts, tmp_path, **environment)
    assert done.returncode == 1
    assert error in done.stderr


def test_without_artefacts(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "benchmark" / "gpu" / "bench.py"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "no artefacts (make gpu-artefacts)" in done.stderr
