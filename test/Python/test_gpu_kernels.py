# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""stamp-form-gpu-kernels on the emulated GPU: the bits of the CPU's portable
lowering, whatever order threads run in.

What the portable lowering computes is compared with the oracle elsewhere, so one
comparison of bits says that codes, accumulators and outputs are right.

To compile takes longer than to run, so code is not optimized, but for one order of
threads: an optimizer may use what is undefined. The reference is never optimized.

STAMP_GPU_PROGRAMS=300 draws more programs than `make check` has time for.
"""

import os
import re
import subprocess

import numpy as np
import pytest
from conftest import BIN, ROOT
from stamp.testdata import ar1
from test_kernels import BASES, Program, same_bits

PROGRAMS = int(os.environ.get("STAMP_GPU_PROGRAMS", "100"))
SCHEDULE_SEEDS = range(1, 6)
# Those whose coefficients every path computes in one order.
EXACT = [basis for basis in BASES if basis != "#stamp.dct"]
# Products by mma.sync and by wgmma.
CHIPS = ["sm_80", "sm_90a"]
# Those whose blocks are too long for the kernels of a linear.
ALONE = ["#stamp.haar<levels = 9>", "#stamp.wht<block = 16, skip = 2>", "#stamp.wht"]
# What the product of few tokens takes, and whole tiles of 128 rows and parts of
# them. One program has both.
FEW = [1, 2, 7, 8, 9, 13, 16]
MANY = [17, 40, 127, 128, 129, 200, 260]


class LinearProgram(Program):
    def __init__(self, seed):
        super().__init__(seed)
        random = np.random.default_rng(1000 + seed)
        self.type = ["f32", "f16", "f32", "bf16"][seed // 2 % 4]
        self.basis = EXACT[seed % len(EXACT)]
        self.transposed = bool(random.integers(2))
        self.batch = random.choice([None, None, 2])
        # Products of one step and of more than the ring has stages, vectors of
        # every width; one or two tiles of columns, whole ones too.
        self.features = int(random.choice([1, 2, 30, 64, 100, 131, 256, 388, 520]))
        self.channels = int(random.choice([1, 3, 4, 64, 126, 128, 256, 260]))
        self.others = int(random.choice([5, 60, 130]))
        self.weights = [
            random.standard_normal((self.features, n)) / np.sqrt(self.features)
            for n in (self.channels, self.others)
        ]
        self.bias = random.standard_normal(self.channels)
        self.lengths = [random.choice(FEW), random.choice(MANY)]
        self.chip = str(random.choice(CHIPS))
        self.min_tokens = int(random.choice([1, 1, 9, 100]))

    def inputs(self):
        for length in map(int, self.lengths):
            rows = [
                ar1(length, self.features, seed=length + i)
                for i in range(self.batch or 1)
            ]
            yield np.stack(rows) if self.batch else rows[0]


def form(optimize, module, chip):
    return optimize(
        module,
        "--stamp-block-order",
        "--canonicalize",
        f"--stamp-form-gpu-kernels=chip={chip}",
    )


def count_linear_launches(formed):
    return len(re.findall(r"gpu.launch_func +@\w+::@f_(quantize|product)", formed))


def equal_the_portable_lowering(run, program, module, *flags, level="-O0"):
    calls = [("f", [x], 2) for x in program.inputs()]
    expected = run(module, calls, "-O0")
    actual = run(module, calls, level, f"--gpu=emulate,{program.chip}", *flags)
    for ours, theirs in zip(actual, expected):
        for y, reference in zip(ours, theirs):
            same_bits(y, reference)


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_gpu_kernels_equal_the_portable_lowering(run, optimize, seed):
    program = LinearProgram(seed)
    module = optimize(str(program), *program.flags())
    formed = form(optimize, module, program.chip)
    assert count_linear_launches(formed) == 5 and "stamp.rescale " not in formed
    # That of 1, under which a bias passes, may be there for any basis.
    assert ("@f_inverse" in formed) == (program.basis in ALONE)
    equal_the_portable_lowering(run, program, module, f"--gpu-seed={seed % 7}")


@pytest.mark.parametrize("seed", [0, 3, 5, 6, 8])
def test_order_of_threads(run, optimize, seed):
    program = LinearProgram(seed)
    module = optimize(str(program), *program.flags())
    for schedule in SCHEDULE_SEEDS:
        level = "-O1" if schedule == 1 else "-O0"
        equal_the_portable_lowering(
            run, program, module, f"--gpu-seed={schedule}", level=level
        )


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
    shared = [f for f in form(optimize, module, program.chip).split("gpu.func") if "atomicrmw" in f]
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
    program.batch, program.lengths, program.min_tokens = batch, [length], 1
    if static:  # Neither blocks nor segments may be longer.
        program.length = length
        program.basis, program.schedule = "#stamp.identity", "[1 : 8], 4"
    module = optimize(str(program), *program.flags())
    formed = form(optimize, module, program.chip)
    assert count_linear_launches(formed) == (3 if static else 5)
    equal_the_portable_lowering(run, program, module)


def test_empty_sequences(run, optimize):
    program = LinearProgram(4)
    program.batch = None
    module = optimize(str(program), *program.flags())
    x = np.zeros((0, program.features), np.float32)
    [[y, v]] = run(module, [("f", [x], 2)], "-O0", "--gpu=emulate")
    assert y.shape == (0, program.channels) and v.shape == (0, program.others)


def test_rows_that_are_not_numbers(run, optimize):
    """A NaN, an infinity and a row of zeros, as docs/Semantics.md has them."""
    program = LinearProgram(3)
    program.batch = None
    module = optimize(str(program), *program.flags())
    x = ar1(140, program.features, seed=1)
    x[5, 0], x[133, -1], x[24:32] = np.nan, np.inf, 0
    [expected] = run(module, [("f", [x], 2)], "-O0", "--allow-nonfinite")
    [actual] = run(
        module, [("f", [x], 2)], "-O0", "--allow-nonfinite", "--gpu=emulate"
    )
    for y, reference in zip(actual, expected):
        broken = np.isnan(reference).all(axis=1)
        assert 2 <= broken.sum() < 40
        assert np.isnan(y[broken]).all()
        same_bits(y[~broken], reference[~broken])


def test_transforms_that_are_no_short_blocks_are_launches_around(run, optimize):
    """A cosine transform sums in another order: codes within one, rarely."""
    program = LinearProgram(2)
    program.basis, program.batch = "#stamp.dct", None
    module = optimize(str(program), *program.flags())
    formed = form(optimize, module, program.chip)
    assert count_linear_launches(formed) == 5
    assert len(re.findall(r"gpu.launch_func +@\w+::@f_transform", formed)) == 1
    assert "stamp.transform " not in formed
    calls = [("f", [x], 2) for x in program.inputs()]
    expected = run(module, calls, "-O0")
    actual = run(module, calls, "-O0", "--gpu=emulate")
    for ours, theirs in zip(actual, expected):
        for y, reference in zip(ours, theirs):
            error = np.abs(y - reference).max() / np.abs(reference).max()
            assert error < 2e-2


BROKEN = {
    r"nvvm\.fence\.proxy": "missing fence.proxy.async",
    r"nvvm\.barrier0": "data race on shared memory",
    r"nvvm\.cp\.async\.wait\.group 1": "missing wait for cp.async",
    r"nvvm\.wgmma\.wait\.group\.sync\.aligned 1": "which nobody has waited for",
    r"nvvm\.wgmma\.fence": "missing wgmma.fence",
    r"nothing": None,
}


@pytest.mark.parametrize("instruction", BROKEN)
def test_what_a_product_of_warpgroups_may_not_lack(tmp_path, instruction):
    """The product alone, in the form that the emulator gets, less one thing."""
    linear = ROOT / "test/Codegen/GPU/Inputs/quantized-linear.mlir"
    done = subprocess.run(
        [BIN / "stamp-opt", linear, "--stamp-gpu-pipeline=chip=sm_90a format=emulated"]
        + ["--mlir-print-ir-before=stamp-gpu-emulate", "-o", os.devnull],
        capture_output=True,
        text=True,
    )
    [opening] = re.findall(r"  gpu\.module .*\n", done.stderr)
    [memory] = re.findall(r"llvm.mlir.global internal @__dynamic.*\n", done.stderr)
    [signature, body] = re.search(
        r"( *llvm\.func @linear_product\(.*\n)((?s:.)*?\n    }\n)", done.stderr
    ).groups()
    # --launch passes buffers, and kernels take addresses.
    buffers = [0, 1, 2, 3, 4, 5, 6, 9, 10]
    for i in buffers:
        signature = signature.replace(f"%arg{i}: i64", f"%p{i}: !llvm.ptr<1>")
        body = f"%arg{i} = llvm.ptrtoint %p{i} : !llvm.ptr<1> to i64\n" + body
    broken = re.sub(rf"{instruction}.*\n", "\n", body)
    assert (broken != body) == (BROKEN[instruction] is not None)
    kernel = tmp_path / "kernel.mlir"
    kernel.write_text(f"module {{\n{opening}{memory}{signature}{broken}}}\n}}\n")

    arrays = {
        "codes": np.ones((128, 1024), np.int8),
        "scales": np.ones(128, np.float32),
        "zeros": np.zeros(128, np.int32),
        "weight": np.ones(256 * 1024 // 2, np.int8),
        "column_scales": np.ones(200, np.float32),
        "column_sums": np.zeros(200, np.int32),
        "bias": np.zeros(200, np.float32),
        "spread": np.zeros(40, np.float32),
    }
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    paths = [str(tmp_path / f"{name}.npy") for name in arrays]
    arguments = paths[:6] + ["f32[40x200]", "40", "1"] + paths[6:]
    done = subprocess.run(
        [BIN / "stamp-run", kernel, "--gpu=emulate,sm_90a"]
        + [f"--launch=kernels::linear_product<<<1, 256, 68096>>>({', '.join(arguments)}) -> {tmp_path / 'y.npy'}"],
        capture_output=True,
        text=True,
    )
    if BROKEN[instruction] is None:
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode != 0 and BROKEN[instruction] in done.stderr


def weights_of_run_time(k, n, transposed, bits):
    """Codes and what they are rescaled with are arguments, or a quantizer's of 4
    or 8 bits. What is rounded between the ops is rounded in kernels as well."""
    haar, w = "#stamp.haar<levels = 2>", f"{n}x{k}" if transposed else f"{k}x{n}"
    columns = f"tensor<{n}xf32>, tensor<{n}xi32>"
    maps = ["(s, n, k) -> (s, k)"]
    maps += ["(s, n, k) -> (n, k)" if transposed else "(s, n, k) -> (k, n)"]
    maps = ", ".join(f"affine_map<{m}>" for m in [*maps, "(s, n, k) -> (s, n)"])

    def linear(name, codes, scales, sums):
        return f"""
  %a{name} = linalg.contract indexing_maps = [{maps}]
      ins(%q, {codes} : tensor<?x{k}xi8>, tensor<{w}xi8>)
      outs(%zero : tensor<?x{n}xi32>) -> tensor<?x{n}xi32>
  %r{name} = stamp.rescale along 0 over 1
      ins(%a{name}, %s, %z, {scales}, {sums} : tensor<?x{n}xi32>, tensor<?xf32>,
          tensor<?xi32>, {columns})
      bias(%bias : tensor<{n}xbf16>) outs(%eh : tensor<?x{n}xf16>)
  %y{name} = stamp.inverse_transform {haar} along 0 block_order
      ins(%r{name} : tensor<?x{n}xf16>) outs(%ey : tensor<?x{n}xf32>)"""

    return f"""
func.func @f(%x: tensor<?x{k}xf32>, %w: tensor<{w}xi8>, %sw: tensor<{n}xf32>,
             %c: tensor<{n}xi32>, %v: tensor<{w}xf32>, %b: tensor<{n}xf32>)
    -> (tensor<?x{n}xf32>, tensor<?x{n}xf32>) {{
  %c0 = arith.constant 0 : index
  %i0 = arith.constant 0 : i32
  %size = tensor.dim %x, %c0 : tensor<?x{k}xf32>
  %bias = arith.truncf %b : tensor<{n}xf32> to tensor<{n}xbf16>
  %et = tensor.empty(%size) : tensor<?x{k}xf16>
  %eq = tensor.empty(%size) : tensor<?x{k}xi8>
  %es = tensor.empty(%size) : tensor<?xf32>
  %ez = tensor.empty(%size) : tensor<?xi32>
  %ea = tensor.empty(%size) : tensor<?x{n}xi32>
  %eh = tensor.empty(%size) : tensor<?x{n}xf16>
  %ey = tensor.empty(%size) : tensor<?x{n}xf32>
  %ew = tensor.empty() : tensor<{w}xi8>
  %esw = tensor.empty() : tensor<{n}xf32>
  %ec = tensor.empty() : tensor<{n}xi32>
  %t = stamp.transform {haar} along 0 block_order ins(%x : tensor<?x{k}xf32>)
      outs(%et : tensor<?x{k}xf16>)
  %q, %s, %z = stamp.quantize #stamp.schedule<[0.25 : 8], 4> along 0 over 1
      block_order of {haar} ins(%t : tensor<?x{k}xf16>)
      outs(%eq, %es, %ez : tensor<?x{k}xi8>, tensor<?xf32>, tensor<?xi32>)
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<?x{n}xi32>) -> tensor<?x{n}xi32>
  %vq, %vs, %vc = stamp.quantize_weight bits = {bits} over {int(transposed)}
      ins(%v : tensor<{w}xf32>) outs(%ew, %esw, %ec : tensor<{w}xi8>, {columns})
  {linear(1, "%w", "%sw", "%c")}
  {linear(2, "%vq", "%vs", "%vc")}
  return %y1, %y2 : tensor<?x{n}xf32>, tensor<?x{n}xf32>
}}
"""


@pytest.mark.parametrize("seed", range(4))
def test_weights_of_run_time(run, optimize, seed):
    k, n = [(64, 128), (131, 3), (100, 130), (300, 66)][seed]
    transposed = bool(seed % 2)
    module = weights_of_run_time(k, n, transposed, bits=[4, 8][seed // 2])
    chip = CHIPS[seed % 2]
    formed = form(optimize, module, chip)
    assert count_linear_launches(formed) == 5 and "stamp.rescale " not in formed
    assert "@f_transform" not in formed
    random = np.random.default_rng(seed)
    codes = random.integers(-127, 128, (n, k) if transposed else (k, n), np.int8)
    sums = codes.sum(axis=int(transposed), dtype=np.int32)
    arguments = [
        codes,
        (random.random(n) / 1000 + 0.001).astype(np.float32),
        sums,
        random.standard_normal(codes.shape).astype(np.float32),
        random.standard_normal(n).astype(np.float32),
    ]
    calls = [("f", [ar1(length, k, seed=seed), *arguments], 2) for length in [7, 130]]
    expected = run(module, calls, "-O0")
    actual = run(module, calls, "-O0", f"--gpu=emulate,{chip}", f"--gpu-seed={seed}")
    for ours, theirs in zip(actual, expected):
        for y, reference in zip(ours, theirs):
            same_bits(y, reference)
