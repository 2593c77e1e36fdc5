# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""stamp-form-kernels, compiled and run: the same bits as the portable lowering.

What the portable lowering computes is compared with the oracle elsewhere, so one
comparison of bits says that codes, accumulators and outputs are right.

STAMP_KERNEL_PROGRAMS=60 draws more programs than `make check` has time for.
"""

import os
import pathlib
import platform
import re
import subprocess

import numpy as np
import pytest
from conftest import BIN
from stamp.testdata import ar1

PROGRAMS = int(os.environ.get("STAMP_KERNEL_PROGRAMS", "6"))
LENGTHS = [1, 2, 3, 7, 8, 9, 16, 31, 40, 65]
BASES = [
    "#stamp.identity",
    "#stamp.haar<levels = 1>",
    "#stamp.haar<levels = 2, skip = 3>",
    "#stamp.haar<levels = 3>",
    "#stamp.haar<levels = 3, skip = 1>",
    "#stamp.haar<levels = 5, skip = 1>",
    "#stamp.haar<levels = 6>",
    "#stamp.haar<levels = 9>",
    "#stamp.wht<block = 4>",
    "#stamp.wht<block = 16, skip = 2>",
    "#stamp.wht",
    "#stamp.dct",
]
# In whole patches on some or all machines, and not.
GRIDS = [
    ("#stamp.haar2d<levels = 1, grid = 4x8>", 32),
    ("#stamp.haar2d<levels = 1, grid = 6x6>", 36),
    ("#stamp.haar2d<levels = 2, grid = 8x12>", 96),
    ("#stamp.haar2d<levels = 3, grid = 16x8>", 128),
    ("#stamp.haar2d<levels = 2, grid = 6x8>", 48),
    ("#stamp.haar2d<levels = 2, grid = 4x4, skip = 1>", 17),
]
SCHEDULES = ["[16 : 8], 4", "[0.25 : 8], 4", "[3 : 8, 0.5 : 6, 9 : 5], 2", "[], 8"]
FORM = [
    "--stamp-block-order",
    "--stamp-form-kernels",
    "--canonicalize",
    "--stamp-form-transforms",
]


def host_instructions():
    """The instruction sets that this machine can run, by the names of --cpu."""
    if platform.machine() != "x86_64":
        return ["generic"]
    with open("/proc/cpuinfo") as info:
        flags = re.search(r"^flags\s*:(.*)$", info.read(), re.M)[1].split()
    names = {"avx2": "avx2", "avx_vnni": "avxvnni", "avx512_vnni": "avx512vnni"}
    found = ["generic"] + [name for flag, name in names.items() if flag in flags]
    # AVX-512 has AVX-VNNI's instruction as well, on as many bits, in an encoding
    # of its own; neither machines with that of AVX-VNNI nor emulators are common.
    if "avxvnni" not in found and {"avx512_vnni", "avx512vl"} <= set(flags):
        found.append("avxvnni")
    return found


def constant(array, type="f32"):
    if type == "f16":
        data = array.astype(np.float16)
    else:
        data = array.astype(np.float32)
        if type == "bf16":  # cut off
            data = (data.view(np.uint32) >> 16).astype(np.uint16)
    shape = "x".join(map(str, array.shape))
    return f'dense<"0x{data.tobytes().hex().upper()}"> : tensor<{shape}x{type}>'


class Program:
    """Two linears of one input, the first with a bias: y = x·W + b, v = x·V."""

    def __init__(self, seed):
        random = np.random.default_rng(seed)
        self.basis = BASES[seed % len(BASES)]
        self.schedule = SCHEDULES[random.integers(len(SCHEDULES))]
        self.weight_bits = int(random.choice([4, 8]))
        self.batch = random.choice([None, 2, 3])
        self.type = random.choice(["f32", "f32", "f16", "bf16"])
        # Neither features nor channels are multiples of anything.
        self.features, self.channels, self.others = (
            int(n) for n in random.integers(1, 150, 3)
        )
        self.weights = [
            random.standard_normal((self.features, n)) / np.sqrt(self.features)
            for n in (self.channels, self.others)
        ]
        self.bias = random.standard_normal(self.channels)
        self.transposed = False
        self.activation_group = self.weight_group = 0
        self.length = None  # at run time
        self.min_tokens = 1
        self.is_padded = False
        self.has_run_time_weights = False

    def __str__(self):
        t, lead = self.type, f"{self.batch}x" if self.batch else ""
        k, n, m = self.features, self.channels, self.others

        def tensor(width, element=t):
            return f"tensor<{lead}{self.length or '?'}x{width}x{element}>"

        rows = ["b", "s"] if self.batch else ["s"]

        def map_to(*dimensions):
            loops = ", ".join([*rows, "n", "k"])
            return f"affine_map<({loops}) -> ({', '.join(dimensions)})>"

        order = ["n", "k"] if self.transposed else ["k", "n"]
        maps = [map_to(*rows, "k"), map_to(*order), map_to(*rows, "n")]

        def cast(name, type, op, source, target):
            if t == "f32":
                return f"%{name} = tensor.cast %{name}0 : {type(t)} to {type(t)}"
            return f"%{name} = arith.{op} %{name}0 : {type(source)} to {type(target)}"

        def shape_of(weight):
            return "x".join(map(str, self.stored(weight).shape))

        def linear(name, width, weight):
            y, w = tensor(width), shape_of(weight)
            of_compile_time = f"""
  %{name}w = arith.constant {constant(self.stored(weight), t)}"""
            return f"""{"" if self.has_run_time_weights else of_compile_time}
  %{name}e = tensor.empty({size}) : {y}
  %{name}z = linalg.fill ins(%zero : {t}) outs(%{name}e : {y}) -> {y}
  %{name} = linalg.contract indexing_maps = [{", ".join(maps)}]
      ins(%x, %{name}w : {tensor(k)}, tensor<{w}x{t}>) outs(%{name}z : {y}) -> {y}"""

        arguments = f"%x0: {tensor(k, 'f32')}"
        if self.is_padded:
            arguments += " {stamp.padded = #stamp.padded<along = 1, lengths = 1>}"
            arguments += f", %n: tensor<{self.batch}xi64>"
        if self.has_run_time_weights:
            for name, weight in zip(("p", "v0"), self.weights):
                arguments += f", %{name}w: tensor<{shape_of(weight)}x{t}>"
                arguments += " {stamp.weight}"
        size, y = "" if self.length else "%s", tensor(n)
        dimensions = [0, 1] if self.batch else [0]
        return f"""
func.func @f({arguments}) -> ({tensor(n, "f32")}, {tensor(m, "f32")}) {{
  %d = arith.constant {len(rows) - 1} : index
  %s = tensor.dim %x0, %d : {tensor(k, "f32")}
  %zero = arith.constant 0.0 : {t}
  {cast("x", lambda e: tensor(k, e), "truncf", "f32", t)}
  {linear("p", n, self.weights[0])}
  %b = arith.constant {constant(self.bias, t)}
  %bb = linalg.broadcast ins(%b : tensor<{n}x{t}>) outs(%pe : {y})
      dimensions = {dimensions}
  %y0 = linalg.add ins(%p, %bb : {y}, {y}) outs(%pe : {y}) -> {y}
  {linear("v0", m, self.weights[1])}
  {cast("y", lambda e: tensor(n, e), "extf", t, "f32")}
  {cast("v", lambda e: tensor(m, e), "extf", t, "f32")}
  return %y, %v : {tensor(n, "f32")}, {tensor(m, "f32")}
}}
"""

    def inputs(self):
        """As long as the test's lengths, correlated, some channels louder."""
        for length in [self.length] if self.length else LENGTHS:
            rows = [
                ar1(length, self.features, seed=length + i)
                for i in range(self.batch or 1)
            ]
            yield np.stack(rows) if self.batch else rows[0]

    def stored(self, weight):
        return weight.T if self.transposed else weight

    def calls(self, run, module):
        """Of f, with all inputs; what stands behind a sequence is large."""
        weights = []
        if self.has_run_time_weights:
            floats = [
                np.ascontiguousarray(self.stored(w), np.float32) for w in self.weights
            ]
            [weights] = run(module, [("prepack_f", floats, 6)])
        random = np.random.default_rng(0)
        for x in self.inputs():
            lengths = []
            if self.is_padded:
                lengths = [random.integers(-1, x.shape[1] + 2, self.batch)]
                padding = np.arange(x.shape[1]) >= lengths[0][:, None]
                x[padding] *= 100
            yield "f", [x, *lengths, *weights], 2

    def flags(self):
        return [
            f"--stamp-select=min-tokens={self.min_tokens} basis={{{self.basis}}}"
            f" schedule={{#stamp.schedule<{self.schedule}>}}"
            f" weight-bits={self.weight_bits}"
            f" activation-group={self.activation_group}"
            f" weight-group={self.weight_group}",
            "--stamp-quantize",
            "--stamp-fold",
        ]


def with_arguments(seed):
    """What run time decides: whether there are tokens enough, which of them are
    padding, and the weights."""
    program = Program(seed)
    random = np.random.default_rng([seed, 2])
    program.min_tokens = int(random.choice([1, 3, 9, 32]))
    program.transposed = bool(random.integers(2))
    program.is_padded = bool(program.batch) and bool(random.integers(2))
    program.has_run_time_weights = bool(random.integers(2))
    if program.has_run_time_weights:
        program.type = "f32"
    return program


def same_bits(actual, expected):
    assert np.isfinite(expected).all() and np.any(expected)
    np.testing.assert_array_equal(actual.view(np.int32), expected.view(np.int32))


def same_outputs(program, actual, expected):
    """Where the order of summation is free a code may differ, but few do."""
    if program.basis != "#stamp.dct":
        return same_bits(actual, expected)
    error = np.linalg.norm(actual - expected) / np.linalg.norm(expected)
    assert error < 0.02


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_kernels_equal_the_portable_lowering(run, optimize, seed):
    program = with_arguments(seed)
    module = optimize(str(program), *program.flags())
    assert module.count("stamp.quantize ") == 1 and module.count("linalg.contract") == 2
    formed = optimize(module, *FORM)
    assert "stamp.rescale " not in formed
    assert program.is_padded or "transform #" not in formed
    calls = list(program.calls(run, module))
    expected = run(module, calls, "-O1")
    for cpu in host_instructions():
        threads = 1 + seed % 2
        actual = run(module, calls, "-O1", f"--cpu={cpu}", f"--num-threads={threads}")
        for ours, theirs in zip(actual, expected):
            for y, reference in zip(ours, theirs):
                same_outputs(program, y, reference)


def with_groups(seed):
    """Of activations, weights or both, on either side of the channels. Groups of
    weights alone may end within a vector of features."""
    program = Program(seed)
    random = np.random.default_rng(seed)
    group = int(random.choice([16, 32, 48, 64] if seed % 3 else [8, 24, 40, 64]))
    if seed % 3 != 0:
        program.activation_group = group
    if seed % 3 != 1:
        program.weight_group = group
    program.transposed = bool(random.integers(2))
    program.min_tokens = int(random.choice([1, 9]))
    return program


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_groups_equal_the_portable_lowering(run, optimize, seed):
    program = with_groups(seed)
    module = optimize(str(program), *program.flags())
    assert module.count("stamp.rescale ") == module.count("groups along") == 2
    calls = [("f", [x], 2) for x in program.inputs()]
    expected = run(module, calls, "-O1")
    for cpu in host_instructions():
        formed = optimize(
            module, "--stamp-block-order", f"--stamp-form-kernels=cpu={cpu}"
        )
        assert "stamp.rescale " not in formed
        actual = run(module, calls, "-O1", f"--cpu={cpu}")
        for ours, theirs in zip(actual, expected):
            for y, reference in zip(ours, theirs):
                same_outputs(program, y, reference)


@pytest.mark.parametrize("seed", range(len(GRIDS)))
def test_grids_equal_the_portable_lowering(run, optimize, seed):
    program = Program(seed)
    program.basis, program.length = GRIDS[seed]
    program.activation_group = program.weight_group = 32 * (seed % 2)
    module = optimize(str(program), *program.flags())
    assert module.count("stamp.quantize ") == 1 and program.basis in module
    calls = [("f", [x], 2) for x in program.inputs()]
    expected = run(module, calls, "-O1")
    for cpu in host_instructions():
        actual = run(module, calls, "-O1", f"--cpu={cpu}")
        for ours, theirs in zip(actual, expected):
            for y, reference in zip(ours, theirs):
                same_bits(y, reference)


def grid_chain(first, second):
    """y = (x·W)·V + b of 16×8 tokens."""
    k, n = first.shape
    m = second.shape[1]
    x, h, y = (f"tensor<128x{width}xf32>" for width in (k, n, m))
    w, v = f"tensor<{k}x{n}xf32>", f"tensor<{n}x{m}xf32>"
    return f"""
func.func @f(%x: {x}) -> {y} {{
  %zero = arith.constant 0.0 : f32
  %w = arith.constant {constant(first)}
  %v = arith.constant {constant(second)}
  %b = arith.constant {constant(np.arange(1.0, m + 1) / m)}
  %he = tensor.empty() : {h}
  %ye = tensor.empty() : {y}
  %hz = linalg.fill ins(%zero : f32) outs(%he : {h}) -> {h}
  %yz = linalg.fill ins(%zero : f32) outs(%ye : {y}) -> {y}
  %h = linalg.matmul ins(%x, %w : {x}, {w}) outs(%hz : {h}) -> {h}
  %p = linalg.matmul ins(%h, %v : {h}, {v}) outs(%yz : {y}) -> {y}
  %bb = linalg.broadcast ins(%b : tensor<{m}xf32>) outs(%ye : {y}) dimensions = [0]
  %y = linalg.add ins(%p, %bb : {y}, {y}) outs(%ye : {y}) -> {y}
  return %y : {y}
}}
"""


def test_grids_that_stay_transformed_between_linears(run, optimize):
    """One linear transforms, the next one transforms back, in patches both."""
    random = np.random.default_rng(1)
    text = grid_chain(
        random.standard_normal((40, 50)) / 6, random.standard_normal((50, 33)) / 7
    )
    module = optimize(
        text,
        "--stamp-select=basis={#stamp.haar2d<levels = 3, grid = 16x8>}"
        " schedule={#stamp.schedule<[16 : 8], 4>}",
        "--stamp-quantize",
        "--stamp-fold",
    )
    assert module.count("stamp.transform ") == 1
    assert module.count("stamp.inverse_transform ") == 1
    calls = [("f", [ar1(128, 40, seed=1)], 1)]
    [[expected]] = run(module, calls, "-O1")
    for cpu in host_instructions():
        formed = optimize(
            module, f"--stamp-form-kernels=cpu={cpu}", "--canonicalize"
        )
        assert "stamp.transform " not in formed
        assert "stamp.inverse_transform " not in formed
        [[actual]] = run(module, calls, "-O1", f"--cpu={cpu}")
        same_bits(actual, expected)


@pytest.mark.parametrize("group", [0, 32])
def test_rows_that_are_not_numbers(run, optimize, group):
    """A NaN, an infinity and a row of zeros, as docs/Semantics.md has them."""
    program = Program(3)
    program.activation_group = group
    program.batch, program.type = None, "f32"
    module = optimize(str(program), *program.flags())
    x = ar1(40, program.features, seed=1)
    x[5, 0], x[17, -1], x[24:32] = np.nan, np.inf, 0
    [expected] = run(module, [("f", [x], 2)], "-O1", "--allow-nonfinite")
    for cpu in host_instructions():
        [actual] = run(
            module, [("f", [x], 2)], "-O1", "--allow-nonfinite", f"--cpu={cpu}"
        )
        for y, reference in zip(actual, expected):
            broken = np.isnan(reference).all(axis=1)
            assert 2 <= broken.sum() < 40
            assert np.isnan(y[broken]).all()
            same_bits(y[~broken], reference[~broken])


@pytest.mark.parametrize("group", [0, 64])
@pytest.mark.parametrize("machine", ["znver4", "sapphirerapids"])
def test_the_hot_loop_stays_in_registers(optimize, tmp_path, machine, group):
    """24 accumulators, each step 48 products and nothing on the stack. With groups
    the 24 sums of floats wait there, but are not touched within a group."""
    program = Program(3)
    program.activation_group = program.weight_group = group
    program.features, program.batch, program.type = 256, None, "f32"
    program.weights = [np.ones((256, n)) * 0.01 for n in (96, 48)]
    program.weights[0][::3] = program.weights[1][::5] = -0.03
    program.bias, program.weight_bits = np.ones(96), 4
    program.channels, program.others = 96, 48
    llvm = optimize(
        str(program), *program.flags(), "--stamp-cpu-pipeline=cpu=avx512vnni"
    )
    tools = pathlib.Path("/usr/lib/llvm-22/bin")
    (tmp_path / "kernels.mlir").write_text(llvm)
    subprocess.run(
        [tools / "mlir-translate", "--mlir-to-llvmir", tmp_path / "kernels.mlir", "-o"]
        + [tmp_path / "kernels.ll"],
        check=True,
    )
    assembly = subprocess.run(
        [tools / "clang", "-O3", f"-march={machine}", "-S"]
        + ["--target=x86_64-linux-gnu", "-Wno-override-module", "-o", "-"]
        + [tmp_path / "kernels.ll"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    # A loop's body is a block that ends by jumping to its own start.
    loops, label, body = [], None, []
    for line in assembly.splitlines():
        if start := re.match(r"(\.LBB\d+_\d+):", line):
            label, body = start[1], []
        body.append(line)
        if re.match(rf"\tj\w+\t{re.escape(str(label))}$", line):
            loops.append("\n".join(body))
    loops = [loop for loop in loops if loop.count("vpdpbusd") >= 24]
    assert loops
    for loop in loops:
        assert loop.count("vpdpbusd") % 24 == 0
        assert not re.search(r"zmm.*\(%rsp|\(%rsp.*zmm", loop), loop
