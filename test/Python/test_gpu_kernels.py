# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""stamp-form-gpu-kernels on the emulated GPU: the bits of the CPU's portable
lowering, whatever order threads run in.

What the portable lowering computes is compared with the oracle elsewhere, so one
comparison of bits says that codes, accumulators and outputs are right.

STAMP_GPU_PROGRAMS=300 draws more programs than `make check` has time for.
"""

import os

import numpy as np
import pytest
from stamp.testdata import ar1
from test_kernels import BASES, Program, same_bits

PROGRAMS = int(os.environ.get("STAMP_GPU_PROGRAMS", "100"))
SCHEDULE_SEEDS = range(1, 6)
# Those whose coefficients every path computes in one order.
EXACT = [basis for basis in BASES if basis != "#stamp.dct"]
# What the product of few tokens takes, and whole tiles of 128 rows and parts of
# them. One program has both.
FEW = [1, 2, 7, 8, 9, 13, 16]
MANY = [17, 40, 127, 128, 129, 200, 260]


class LinearProgram(Program):
    def __init__(self, seed):
        super().__init__(seed)
        random = np.random.default_rng(1000 + seed)
        self.type = "f32"
        self.basis = EXACT[seed % len(EXACT)]
        self.transposed = bool(random.integers(2))
        self.batch = random.choice([None, None, 2])
        # Products of one step and of more than the ring has stages, vectors of
        # every width; one or two tiles of columns, whole ones too.
        self.features = int(random.choice([1, 2, 30, 64, 100, 131, 256, 320, 388]))
        self.channels = int(random.choice([1, 3, 4, 64, 126, 128, 132, 200]))
        self.others = int(random.choice([5, 60, 130]))
        self.weights = [
            random.standard_normal((self.features, n)) / np.sqrt(self.features)
            for n in (self.channels, self.others)
        ]
        self.bias = random.standard_normal(self.channels)
        self.lengths = [random.choice(FEW), random.choice(MANY)]

    def inputs(self):
        for length in map(int, self.lengths):
            rows = [
                ar1(length, self.features, seed=length + i)
                for i in range(self.batch or 1)
            ]
            yield np.stack(rows) if self.batch else rows[0]


def form(optimize, module, *flags):
    return optimize(
        module,
        "--stamp-block-order",
        "--canonicalize",
        "--stamp-form-gpu-kernels",
        *flags,
    )


def equal_the_portable_lowering(run, program, module, *flags):
    calls = [("f", [x], 2) for x in program.inputs()]
    expected = run(module, calls, "-O1")
    actual = run(module, calls, "-O1", "--gpu=emulate", *flags)
    for ours, theirs in zip(actual, expected):
        for y, reference in zip(ours, theirs):
            same_bits(y, reference)


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_gpu_kernels_equal_the_portable_lowering(run, optimize, seed):
    program = LinearProgram(seed)
    module = optimize(str(program), *program.flags())
    formed = form(optimize, module)
    assert formed.count("gpu.launch_func") == 5 and "stamp.rescale " not in formed
    equal_the_portable_lowering(run, program, module, f"--gpu-seed={seed % 7}")


@pytest.mark.parametrize("schedule", SCHEDULE_SEEDS)
@pytest.mark.parametrize("seed", [0, 3, 5, 6, 8])
def test_order_of_threads(run, optimize, seed, schedule):
    program = LinearProgram(seed)
    module = optimize(str(program), *program.flags())
    equal_the_portable_lowering(run, program, module, f"--gpu-seed={schedule}")


def resize(program, features, channels, others):
    program.features, program.channels, program.others = features, channels, others
    program.weights = [
        np.random.default_rng(n).standard_normal((features, n)) / np.sqrt(features)
        for n in (channels, others)
    ]
    program.bias = np.linspace(-1, 1, channels)


@pytest.mark.parametrize("schedule", SCHEDULE_SEEDS)
def test_few_tokens_share_the_features_among_ctas(run, optimize, schedule):
    """In one linear, or in two, which have counters of their own: so many
    channels as every second program has are enough for all multiprocessors."""
    program = LinearProgram(schedule)
    is_wide = schedule % 2 == 0
    resize(
        program,
        features=1024 if is_wide else 1700,
        channels=33 + schedule,
        others=1800 if is_wide else 5,
    )
    program.lengths = [1, 11]
    module = optimize(str(program), *program.flags())
    shared = [f for f in form(optimize, module).split("gpu.func") if "atomicrmw" in f]
    assert len(shared) == (1 if is_wide else 2)
    equal_the_portable_lowering(
        run, program, module, f"--gpu-seed={schedule}", "--num-threads=2"
    )


@pytest.mark.parametrize("batch, length", [(37, 1), (3, 13)])
@pytest.mark.parametrize("static", [False, True])
def test_sequences_of_few_tokens(run, optimize, batch, length, static):
    """Single tokens of many sequences are the rows of one product."""
    program = LinearProgram(4)
    resize(program, features=200, channels=70, others=5)
    program.batch, program.lengths = batch, [length]
    if static:  # Neither blocks nor segments may be longer.
        program.length = length
        program.basis, program.schedule = "#stamp.identity", "[1 : 8], 4"
    module = optimize(str(program), *program.flags())
    formed = form(optimize, module)
    assert formed.count("gpu.launch_func") == (3 if static else 5)
    equal_the_portable_lowering(run, program, module)


def test_empty_sequences(run, optimize):
    program = LinearProgram(4)
    program.batch = None
    module = optimize(str(program), *program.flags())
    x = np.zeros((0, program.features), np.float32)
    [[y, v]] = run(module, [("f", [x], 2)], "--gpu=emulate")
    assert y.shape == (0, program.channels) and v.shape == (0, program.others)


def test_rows_that_are_not_numbers(run, optimize):
    """A NaN, an infinity and a row of zeros, as docs/Semantics.md has them."""
    program = LinearProgram(3)
    program.batch = None
    module = optimize(str(program), *program.flags())
    x = ar1(140, program.features, seed=1)
    x[5, 0], x[133, -1], x[24:32] = np.nan, np.inf, 0
    [expected] = run(module, [("f", [x], 2)], "-O1", "--allow-nonfinite")
    [actual] = run(
        module, [("f", [x], 2)], "-O1", "--allow-nonfinite", "--gpu=emulate"
    )
    for y, reference in zip(actual, expected):
        broken = np.isnan(reference).all(axis=1)
        assert 2 <= broken.sum() < 40
        assert np.isnan(y[broken]).all()
        same_bits(y[~broken], reference[~broken])


def test_transforms_that_are_no_short_blocks_stay_around_the_kernels(run, optimize):
    """A cosine transform sums in another order: codes within one, rarely."""
    program = LinearProgram(2)
    program.basis, program.batch = "#stamp.dct", None
    module = optimize(str(program), *program.flags())
    formed = form(optimize, module)
    assert formed.count("gpu.launch_func") == 5
    assert "stamp.transform #stamp.dct" in formed
    calls = [("f", [x], 2) for x in program.inputs()]
    expected = run(module, calls, "-O1")
    actual = run(module, calls, "-O1", "--gpu=emulate")
    for ours, theirs in zip(actual, expected):
        for y, reference in zip(ours, theirs):
            error = np.abs(y - reference).max() / np.abs(reference).max()
            assert error < 2e-2
