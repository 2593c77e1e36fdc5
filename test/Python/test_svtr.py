# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The real input: a recogniser that reads, and its blocks as linalg that agree with it.

ONNX Runtime is the witness for the model; `stamp.reference` for what quantizing
its activations costs.
"""

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from statistics import mean

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("STAMP_BIN_DIR", ROOT / "build" / "bin"))
sys.path.insert(0, str(ROOT / "examples" / "svtr"))

import recognizer as recognizer_module
from compiled import CompiledBlocks
from demo import Compiled, disagreements
from recipes import HAAR4, RECIPES
from recognizer import LINEARS, Recognizer
from reference_blocks import blocks_output, exact_linear
from scores import Scores, mean_sqnr, score_linears
from stamp_tools import Call, StampTools
from svtr_blocks import ENTRY, FEATURES, TOKENS, svtr_module
from text_lines import text_lines


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer()


@pytest.fixture(scope="module")
def lines():
    return text_lines()


@pytest.fixture(scope="module")
def readings(recognizer, lines):
    return [recognizer.read(line.image) for line in lines]


@pytest.fixture(scope="module")
def held_out(lines, readings):
    return [reading for line, reading in zip(lines, readings) if line.held_out]


@pytest.fixture(scope="module")
def module_path(recognizer, tmp_path_factory):
    path = tmp_path_factory.mktemp("svtr") / "svtr.mlir"
    path.write_text(str(svtr_module(recognizer.weights)))
    return path


@pytest.fixture
def blocks(module_path, tmp_path):
    return CompiledBlocks(StampTools(BIN), module_path, tmp_path)


def assert_close(actual, expected, tolerance=1e-5):
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= tolerance * np.abs(expected).max()


def test_seven_lines_calibrate_and_five_are_held_out(lines):
    assert [line.held_out for line in lines] == [False] * 7 + [True] * 5


def test_lines_are_read_without_an_error(lines, readings):
    assert [reading.text for reading in readings] == [line.text for line in lines]


def test_numpy_blocks_are_the_recognizer_s(recognizer, readings):
    """Also what each linear is said to read: the decibels are measured on it."""
    reading = readings[0]
    names = {id(recognizer.weights[linear.weight]): linear.name for linear in LINEARS}
    seen = {}

    def record(x, weight, bias):
        seen[names[id(weight)]] = x
        return exact_linear(x, weight, bias)

    output = blocks_output(reading.blocks_input, recognizer.weights, record)
    assert_close(output, reading.blocks_output)
    assert seen.keys() == reading.linear_inputs.keys()
    for name, x in seen.items():
        assert_close(x, reading.linear_inputs[name])


def test_stock_mlir_opt_accepts_the_module(module_path):
    done = subprocess.run(
        [
            shutil.which("mlir-opt-22"),
            module_path,
            "--mlir-print-debuginfo",
            "--mlir-print-local-scope",
            "--mlir-elide-resource-strings-if-larger=16",
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    matmuls = re.findall(r'linalg\.matmul ins.* loc\("(.*)"\)', done.stdout)
    assert matmuls == [linear.name for linear in LINEARS]


def test_compiled_blocks_are_the_recognizer_s(module_path, readings):
    assert readings[0].blocks_input.shape == (TOKENS, FEATURES)
    calls = [Call(ENTRY, reading.blocks_input) for reading in readings]
    results = StampTools(BIN).run(module_path, calls).results
    for result, reading in zip(results, readings, strict=True):
        assert_close(result, reading.blocks_output)


def test_the_transform_pays_for_its_bits(held_out):
    def decibels(recipe):
        kept = score_linears(held_out, lambda inputs: map(recipe.round_trip, inputs))
        return mean(kept.values())

    uniform, fair, untransformed = map(decibels, RECIPES[:3])
    assert uniform == pytest.approx(18.57, abs=0.1)
    assert decibels(HAAR4) > max(21, fair + 1, untransformed + 2)


@pytest.mark.parametrize(
    "recipe",
    [recipe for recipe in RECIPES if recipe.compiles],
    ids=lambda recipe: recipe.title,
)
def test_compiled_code_keeps_what_the_oracle_keeps(recipe, blocks, held_out):
    expected = score_linears(held_out, lambda inputs: map(recipe.round_trip, inputs))
    compiled = blocks.score_linears(recipe, held_out).linears
    assert compiled == pytest.approx(expected, abs=0.01)


def test_quantized_blocks_keep_what_the_oracle_keeps(recognizer, blocks, held_out):
    linear = HAAR4.linear(weight_bits=4)
    exact = [reading.blocks_output for reading in held_out]
    expected = [
        blocks_output(reading.blocks_input, recognizer.weights, linear)
        for reading in held_out
    ]
    compiled = blocks.run_quantized(HAAR4, 4, held_out).outputs
    assert mean_sqnr(exact, compiled) == pytest.approx(
        mean_sqnr(exact, expected), abs=0.1
    )


@pytest.mark.parametrize(
    ("haar4", "f32_error", "complaints"),
    [
        (21.34, 1e-6, 0),
        (21.2, 1e-6, 1),
        (20.9, 1e-6, 2),
        (float("nan"), 1e-6, 2),
        (21.34, float("nan"), 1),
    ],
)
def test_the_demo_fails_where_it_should(haar4, f32_error, complaints):
    def scores(decibels):
        return {HAAR4.title: Scores(linears={"block0.qkv": decibels})}

    compiled = Compiled(scores(haar4), runs={}, phases=[], f32_error=f32_error)
    assert len(disagreements(scores(21.34), compiled)) == complaints


def test_a_missing_model_is_named(monkeypatch):
    def not_found(package):
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(recognizer_module.metadata, "files", not_found)
    with pytest.raises(FileNotFoundError, match="pip install --no-deps rapidocr"):
        Recognizer()


def test_missing_tools_are_named(tmp_path):
    with pytest.raises(
        FileNotFoundError, match="stamp-opt is missing; run: make build"
    ):
        StampTools(tmp_path)
