# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The benchmark runs and reports what it promises; how fast anything was is not tested."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("STAMP_BIN_DIR", ROOT / "build" / "bin"))
BENCH = ROOT / "benchmark" / "cpu"
sys.path.insert(0, str(BENCH))

from contender import Contender, Prepared
from estimate import Estimate, ratio, spread
from layer import Layer, Shape
from lockstep import Failed, Worker, close_all, run_rounds
from quantized import Activations8, Weight4, Weight8
from results import Limit, Match, Timing

ROW_FIELDS = {
    "shape",
    "threads",
    "contender",
    "ours",
    "quantizes_input",
    "weight_bits",
    "median_ms",
    "gops",
    "peak_fraction",
    "peak_fraction_interval",
    "f32_peak_fraction",
    "f32_peak_fraction_interval",
    "bandwidth_fraction",
    "bandwidth_fraction_interval",
    "sqnr_db",
    "kernel",
    "busy_threads",
    "rounds",
    "seconds",
    "ratios",
}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    output = tmp_path_factory.mktemp("benchmark")
    done = subprocess.run(
        [
            *(sys.executable, BENCH / "bench.py", "--quick"),
            *("--build", BIN.parent, "--output", output),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (output / "cpu.svg").stat().st_size > 0
    return json.loads((output / "cpu.json").read_text())


def test_all_of_ours_and_numpy_take_part(report):
    names = {row["contender"] for row in report["rows"]}
    plans = "off|off W8|haar3|haar3 W8|haar3 hadamard|haar5|haar2d|dct|wht|f32".split(
        "|"
    )
    assert names >= {f"portable {plan}" for plan in plans} | {"OpenBLAS f32"}


def test_rows_have_all_fields(report):
    names = {row["contender"] for row in report["rows"]}
    for row in report["rows"]:
        assert row.keys() == ROW_FIELDS
        assert row["shape"] == "96x64x80" and row["threads"] == 1
        assert row["rounds"] == len(row["seconds"]) == 2
        assert row["median_ms"] > 0 and row["gops"] > 0
        assert row["ratios"].keys() == names - {row["contender"]}


def test_the_machine_is_described(report):
    assert report["machine"]["lscpu"]["Architecture"]
    assert report["machine"]["versions"]["numpy"] == np.__version__
    assert report["noise"] >= 0
    (limits,) = report["limits"]
    for name in "read 4-bit weight", "read 8-bit weight", "read 32-bit weight":
        assert limits[name]["median"] > 0 and limits[name]["unit"] == "GB/s"
    # Peaks only where the CPU has the instruction; the others are named.
    skipped = {entry["contender"] for entry in report["skipped"]}
    assert skipped <= {"int8 peak", "f32 peak"}
    for name in "int8 peak", "f32 peak":
        assert (name in limits) != (name in skipped)


def test_wrong_output_is_not_timed(tmp_path):
    """A worker answers with an error to a contender below its floor."""
    layer = Layer.make(Shape(8, 16, 4))
    wrong = np.zeros((8, 4), np.float32)
    assert layer.sqnr(wrong) == pytest.approx(0)
    nan = np.full((8, 4), np.nan, np.float32)
    assert not layer.sqnr(nan) >= -np.inf

    from worker import _check

    with pytest.raises(ValueError, match="its output is wrong: 0.0 dB"):
        _check(Prepared(lambda: None, lambda: wrong), layer, min_sqnr=6)
    with pytest.raises(ValueError, match="its output is wrong: nan"):
        _check(Prepared(lambda: None, lambda: nan), layer, min_sqnr=6)


def test_intervals_come_from_the_ranks():
    """As many values below the median as heads of 15 coins: 3 or fewer with 1.8 %."""
    estimate = Estimate.of(range(15))
    assert estimate == Estimate(7, (3, 11))
    # Of five values, even the extremes miss the median in 2 · 3.1 %.
    assert Estimate.of(range(5)).interval is None
    assert Estimate.of(range(6)).interval == (0, 5)


def test_ratios_are_taken_round_by_round():
    """A drift that all contenders share cancels."""
    drift = 1 + np.arange(15.0)
    assert ratio(3 * drift, 2 * drift) == Estimate(1.5, (1.5, 1.5))
    assert spread(np.ones(9)) == 0
    with pytest.raises(ValueError):
        ratio([1.0], [1.0, 2.0])


def test_fractions_and_speedups():
    match = Match(Shape(10, 100, 1000), threads=1)
    match.limits["int8 peak"] = Limit("GOP/s", [4.0] * 6)

    def timing(name, seconds):
        contender = Contender(name, lambda layer, cpus: None, 4, 6)
        return Timing(contender, [seconds] * 6, 20.0, "", 1)

    fast, slow = timing("fast", 1e-3), timing("slow", 4e-3)
    match.timings += [fast, slow]
    # 2 million operations in a millisecond are 2 GOP/s.
    assert match.peak_fraction(fast).median == pytest.approx(0.5)
    assert match.f32_peak_fraction(fast) is None
    assert match.speedup(fast, slow).median == pytest.approx(4)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--shapes", "1x2"], "is not a shape"),
        (["--rounds", "0"], "--rounds is at least 1"),
        (["--threads", "0"], "--threads between 1 and"),
        (["--threads", "100000"], "--threads between 1 and"),
        (["--contenders", "("], "is not a regular expression"),
    ],
)
def test_bad_arguments(arguments, message):
    done = subprocess.run(
        [sys.executable, BENCH / "bench.py", *arguments], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert message in done.stderr


def test_who_cannot_prepare_says_why(tmp_path):
    Layer.make(Shape(2, 3, 4)).save(tmp_path)
    with pytest.raises(Failed, match="nobody is called 'nobody'"):
        Worker(
            "nobody",
            tmp_path,
            sorted(os.sched_getaffinity(0))[:1],
            {},
            tmp_path / "log",
        )


def test_who_dies_on_the_way_drops_out(tmp_path):
    """The others go on; the dead one's samples are not used."""
    Layer.make(Shape(2, 3, 4)).save(tmp_path)
    cpu = sorted(os.sched_getaffinity(0))[:1]
    doomed, healthy = [
        Worker("OpenBLAS f32", tmp_path, cpu, {}, tmp_path / f"log{i}")
        for i in range(2)
    ]

    def kill_before_the_second_round(number):
        if number == 1:
            doomed._process.kill()

    dropped = run_rounds([doomed, healthy], 3, kill_before_the_second_round)
    close_all([doomed, healthy])
    assert dropped == {doomed: "its process ended with SIGKILL"}
    assert len(healthy.samples) == 3


@pytest.mark.parametrize("text", ["", "1x2", "1x2x0", "1x2x3x4", "axbxc"])
def test_malformed_shapes(text):
    with pytest.raises(ValueError):
        Shape.parse(text)


def test_peers_codes_mean_the_layer():
    layer = Layer.make(Shape(32, 96, 24))
    x, weight = Activations8.of(layer.x), Weight8.of(layer.weight)
    product = x.codes.astype(np.int64) @ weight.codes.astype(np.int64)
    assert layer.sqnr(x.rescale(product, weight)) > 30

    four = Weight4.of(layer.weight, 32)
    packed = four.packed()
    assert packed.shape == (24, 48)
    unpacked = np.stack([packed & 15, packed >> 4], axis=2).reshape(24, 96)
    steps = unpacked.astype(np.float32) - 8
    wide = (steps.reshape(24, 3, 32) * four.scales[:, :, None]).reshape(24, 96)
    assert layer.sqnr(layer.x @ wide.T) > 15
