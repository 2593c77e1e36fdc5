# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The emulated GPU against the PTX ISA's formulas, written here once more.

Where an element of a matrix lies among a warp's registers is what kernel and
emulator could both misread; so the formulas below are the ISA's own case
distinctions, and not the emulator's.
"""

import subprocess

import numpy as np
import pytest

from conftest import BIN

SEEDS = range(5)


@pytest.fixture
def launch(tmp_path):
    """launch(body, grid, block, arguments, outputs) runs one kernel.

    `body` is NVVM; %p0, %p1, … are its arguments: arrays are buffers, numbers
    i32. Outputs, after them, are (MLIR's type, shape).
    """

    def launch(body, block, arguments, outputs, grid=1, shared=0, seed=0, globals=""):
        texts, types = [], []
        for i, argument in enumerate(arguments):
            if isinstance(argument, np.ndarray):
                np.save(tmp_path / f"in{i}.npy", argument)
                texts.append(str(tmp_path / f"in{i}.npy"))
                types.append("!llvm.ptr<1>")
            else:
                texts.append(str(argument))
                types.append("i32")
        for kind, shape in outputs:
            texts.append(f"{kind}[{'x'.join(map(str, shape))}]")
            types.append("!llvm.ptr<1>")
        paths = [tmp_path / f"out{i}.npy" for i in range(len(outputs))]
        parameters = ", ".join(f"%p{i}: {t}" for i, t in enumerate(types))
        (tmp_path / "k.mlir").write_text(
            f"""module {{ gpu.module @m [#nvvm.target<chip = "sm_90a">] {{ {globals}
  llvm.mlir.global external @shared() {{addr_space = 3 : i32, alignment = 1024 : i64}} : !llvm.array<0 x i8>
  llvm.func @k({parameters}) attributes {{gpu.kernel, nvvm.kernel}} {{
    %all = llvm.mlir.constant(-1 : i32) : i32
    %zero = llvm.mlir.constant(0 : i32) : i32
    %thirtyone = llvm.mlir.constant(31 : i32) : i32
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %smem = llvm.mlir.addressof @shared : !llvm.ptr<3>
    {body}
    llvm.return
  }}
}} }}"""
        )
        done = subprocess.run(
            [BIN / "stamp-run", tmp_path / "k.mlir", "--gpu=emulate,sm_90a", f"--gpu-seed={seed}"]
            + [f"--launch=m::k<<<{grid}, {block}, {shared}>>>({', '.join(texts)}) -> {', '.join(map(str, paths))}"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return [np.load(path) for path in paths]

    return launch


def load(name, base, index, type="i32", space=1):
    p = f"!llvm.ptr<{space}>"
    return f"""%{name}_at = llvm.getelementptr {base}[{index}] : ({p}, i32) -> {p}, {type}
    %{name} = llvm.load %{name}_at : {p} -> {type}
    """


def store(value, base, index, type="i32", space=1):
    p, name = f"!llvm.ptr<{space}>", value.strip("%") + "_to"
    return f"""%{name} = llvm.getelementptr {base}[{index}] : ({p}, i32) -> {p}, {type}
    llvm.store {value}, %{name} : {type}, {p}
    """


# ---------------------------------------------------------------------------
# mma.sync. Each function: lane's group and thread in group, element → place.
# ---------------------------------------------------------------------------


def a_m16n8k32_s8(g, t, i):
    row = g if 0 <= i < 4 or 8 <= i < 12 else g + 8
    return row, t * 4 + (i & 3) if i < 8 else t * 4 + (i & 3) + 16


def b_m16n8k32_s8(g, t, i):
    return (t * 4 + (i & 3) if i < 4 else t * 4 + (i & 3) + 16), g


def a_m16n8k16_s8(g, t, i):
    return (g if i < 4 else g + 8), t * 4 + (i & 3)


def b_m16n8k16_s8(g, t, i):
    return t * 4 + i, g


def a_m8n8k16_s8(g, t, i):
    return g, t * 4 + i


def a_m16n8k64_s4(g, t, i):
    row = g if 0 <= i < 8 or 16 <= i < 24 else g + 8
    return row, t * 8 + (i & 7) if i < 16 else t * 8 + (i & 7) + 32


def b_m16n8k64_s4(g, t, i):
    return (t * 8 + (i & 7) if i < 8 else t * 8 + (i & 7) + 32), g


def a_m16n8k32_s4(g, t, i):
    return (g if i < 8 else g + 8), t * 8 + (i & 7)


def b_m16n8k32_s4(g, t, i):
    return t * 8 + i, g


def a_m8n8k32_s4(g, t, i):
    return g, t * 8 + i


def c_m16(g, t, i):
    return (g if i < 2 else g + 8), t * 2 + (i & 1)


def c_m8(g, t, i):
    return g, t * 2 + i


SHAPES = {
    (16, 32, 8): (a_m16n8k32_s8, b_m16n8k32_s8, c_m16),
    (16, 16, 8): (a_m16n8k16_s8, b_m16n8k16_s8, c_m16),
    (8, 16, 8): (a_m8n8k16_s8, b_m16n8k16_s8, c_m8),
    (16, 64, 4): (a_m16n8k64_s4, b_m16n8k64_s4, c_m16),
    (16, 32, 4): (a_m16n8k32_s4, b_m16n8k32_s4, c_m16),
    (8, 32, 4): (a_m8n8k32_s4, b_m16n8k32_s4, c_m8),
}


def fragments(matrix, place, bits, per_lane):
    """The registers of 32 lanes: element 0 is the lowest."""
    words = np.zeros((32, per_lane * bits // 32), np.uint32)
    for lane in range(32):
        for i in range(per_lane):
            element = int(matrix[place(lane // 4, lane % 4, i)]) & ((1 << bits) - 1)
            words[lane, i * bits // 32] |= np.uint32(element << i * bits % 32)
    return words.view(np.int32)


def random_codes(rng, bits, signed, shape):
    low = -(2 ** (bits - 1)) if signed else 0
    return rng.integers(low, low + 2**bits, shape)


@pytest.mark.parametrize("overflow", ["wrapped", "satfinite"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: f"m{s[0]}n8k{s[1]}s{s[2]}")
@pytest.mark.parametrize("signs", ["ss", "us"])
def test_mma(launch, shape, overflow, signs):
    m, k, bits = shape
    place_a, place_b, place_c = SHAPES[shape]
    rng = np.random.default_rng(m * k + bits)
    a = random_codes(rng, bits, signs[0] == "s", (m, k))
    b = random_codes(rng, bits, signs[1] == "s", (k, 8))
    c = rng.integers(-1000, 1000, (m, 8))
    # The first row overflows one way or the other.
    c[0] = np.where(np.arange(8) % 2, 2**31 - 1, -(2**31))
    num_a, num_b, num_c = m * k * bits // 1024, 8 * k * bits // 1024, m // 4
    body = ""
    for matrix, (name, count) in enumerate([("a", num_a), ("b", num_b), ("c", num_c)]):
        body += f"%{name}n = llvm.mlir.constant({count} : i32) : i32\n    %{name}f = llvm.mul %x, %{name}n : i32\n    "
        for i in range(count):
            body += f"%{name}i{i} = llvm.mlir.constant({i} : i32) : i32\n    %{name}x{i} = llvm.add %{name}f, %{name}i{i} : i32\n    "
            body += load(f"{name}{i}", f"%p{matrix}", f"%{name}x{i}")
    row = lambda name, count: ", ".join(f"%{name}{i}" for i in range(count))
    result = f"!llvm.struct<({', '.join(['i32'] * num_c)})>"
    body += f"""%d = nvvm.mma.sync A[{row('a', num_a)}] B[{row('b', num_b)}] C[{row('c', num_c)}]
      {{intOverflowBehavior = #nvvm.mma_int_overflow<{overflow}>, layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>,
       multiplicandAPtxType = #nvvm.mma_type<{signs[0]}{bits}>, multiplicandBPtxType = #nvvm.mma_type<{signs[1]}{bits}>,
       shape = #nvvm.shape<m = {m}, n = 8, k = {k}>}} : (i32, i32, i32) -> {result}
    """
    for i in range(num_c):
        body += f"%d{i} = llvm.extractvalue %d[{i}] : {result}\n    " + store(f"%d{i}", "%p3", f"%cx{i}")
    (d,) = launch(
        body,
        32,
        [
            fragments(a, place_a, bits, num_a * 32 // bits),
            fragments(b, place_b, bits, num_b * 32 // bits),
            fragments(c, place_c, 32, num_c),
        ],
        [("i32", (32, num_c))],
        seed=m + k,
    )
    exact = a @ b + c
    expected = np.clip(exact, -(2**31), 2**31 - 1) if overflow == "satfinite" else exact.astype(np.int32)
    for lane in range(32):
        for i in range(num_c):
            assert d[lane, i] == expected[place_c(lane // 4, lane % 4, i)]


# ---------------------------------------------------------------------------
# ldmatrix: "thread l holds row l/4, elements 2·(l%4) and the next".
# ---------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["row", "col"])
@pytest.mark.parametrize("num", [1, 2, 4])
def test_ldmatrix(launch, num, layout):
    rng = np.random.default_rng(num)
    memory = rng.integers(-(2**15), 2**15, (64, 8), dtype=np.int16)
    rows = rng.permutation(64)[:32].astype(np.int32)
    result = "i32" if num == 1 else f"!llvm.struct<({', '.join(['i32'] * num)})>"
    body = f"""%c32 = llvm.mlir.constant(32 : i32) : i32
    %y = llvm.add %x, %c32 : i32
    {load("v", "%p0", "%x", "vector<4xi32>")}{store("%v", "%smem", "%x", "vector<4xi32>", 3)}
    {load("w", "%p0", "%y", "vector<4xi32>")}{store("%w", "%smem", "%y", "vector<4xi32>", 3)}
    nvvm.barrier0
    {load("r", "%p1", "%x")}
    %row = llvm.getelementptr %smem[%r] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, vector<4xi32>
    %m = nvvm.ldmatrix %row {{num = {num} : i32, layout = #nvvm.mma_layout<{layout}>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>}} : (!llvm.ptr<3>) -> {result}
    %n = llvm.mlir.constant({num} : i32) : i32
    %first = llvm.mul %x, %n : i32
    """
    for i in range(num):
        body += f"%o{i} = llvm.mlir.constant({i} : i32) : i32\n    %i{i} = llvm.add %first, %o{i} : i32\n    "
        if num == 1:
            body += store("%m", "%p2", "%i0")
        else:
            body += f"%m{i} = llvm.extractvalue %m[{i}] : {result}\n    " + store(f"%m{i}", "%p2", f"%i{i}")
    (d,) = launch(body, 32, [memory, rows], [("i32", (32, num))], shared=1024)
    halves = d.view(np.int16).reshape(32, num, 2)
    for j in range(num):
        matrix = memory[rows[8 * j : 8 * j + 8]]
        if layout == "col":
            matrix = matrix.T
        for lane in range(32):
            for h in range(2):
                assert halves[lane, j, h] == matrix[lane // 4, 2 * (lane % 4) + h]


# ---------------------------------------------------------------------------
# wgmma: D = A·B from shared memory, in each of the four layouts.
# ---------------------------------------------------------------------------


def in_shared(matrix, swizzle):
    """The bytes of a K-major operand, its leading and its stride offset.

    Without swizzling, core matrices of 8 rows by 16 bytes lie one after the
    other; with it, rows are as long as the swizzle, and the 16-byte unit u of row
    r lies at u xor (r, counted in units of 128 bytes).
    """
    rows, k = matrix.shape
    bytes = matrix.astype(np.int8)
    if swizzle == 0:
        image = np.zeros((rows // 8, k // 16, 8, 16), np.int8)
        for r in range(rows):
            for x in range(k):
                image[r // 8, x // 16, r % 8, x % 16] = bytes[r, x]
        return image.reshape(-1), 128, k // 16 * 128
    image = np.zeros((rows, swizzle // 16, 16), np.int8)
    for r in range(rows):
        for x in range(k):
            line = r * swizzle // 128 % 8  # of 128 bytes
            unit = (x // 16) ^ (line % (swizzle // 16))
            image[r, unit, x % 16] = bytes[r, x]
    return image.reshape(-1), 0, 8 * swizzle


def place_d(thread, i):
    """Figure "WGMMA .m64nNk32 register fragment layout for accumulator"."""
    warp, lane = divmod(thread, 32)
    row = 16 * warp + lane // 4 + (8 if i % 4 >= 2 else 0)
    return row, 8 * (i // 4) + lane % 4 * 2 + (i & 1)


def to_shared(image):
    """128 threads copy %p0, an image of whole 2 KiB; %start is its place for a
    descriptor, and %four is 4."""
    body = ""
    for i in range(len(image) // 2048):
        body += f"%o{i} = llvm.mlir.constant({128 * i} : i32) : i32\n    %x{i} = llvm.add %x, %o{i} : i32\n    "
        body += load(f"v{i}", "%p0", f"%x{i}", "vector<4xi32>") + store(f"%v{i}", "%smem", f"%x{i}", "vector<4xi32>", 3)
    return body + """nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    nvvm.barrier0
    %four = llvm.mlir.constant(4 : i64) : i64
    %mask = llvm.mlir.constant(262128 : i64) : i64
    %wide = llvm.ptrtoint %smem : !llvm.ptr<3> to i64
    %low = llvm.and %wide, %mask : i64
    %start = llvm.lshr %low, %four : i64"""


@pytest.mark.parametrize("swizzle", [0, 32, 64, 128])
@pytest.mark.parametrize("n", [8, 64])
def test_wgmma(launch, n, swizzle):
    rng = np.random.default_rng(n + swizzle)
    a = random_codes(rng, 8, True, (64, 32))
    b = random_codes(rng, 8, True, (n, 32))
    c = rng.integers(-1000, 1000, (64, n))
    image_a, leading_a, stride_a = in_shared(a, swizzle)
    image_b, leading_b, stride_b = in_shared(b, swizzle)
    start_b = -(-len(image_a) // 1024) * 1024
    image = np.zeros(-(-(start_b + len(image_b)) // 2048) * 2048, np.int8)
    image[: len(image_a)] = image_a
    image[start_b : start_b + len(image_b)] = image_b
    mode = {0: 0, 128: 1, 64: 2, 32: 3}[swizzle]
    encode = lambda leading, stride: leading >> 4 << 16 | stride >> 4 << 32 | mode << 62
    signed = lambda word: word - 2**64 if word >= 2**63 else word
    num = n // 2
    struct = f"!llvm.struct<({', '.join(['i32'] * num)})>"
    body = to_shared(image) + f"""
    %b_off = llvm.mlir.constant({start_b >> 4} : i64) : i64
    %start_b = llvm.add %start, %b_off : i64
    %rest_a = llvm.mlir.constant({signed(encode(leading_a, stride_a))} : i64) : i64
    %rest_b = llvm.mlir.constant({signed(encode(leading_b, stride_b))} : i64) : i64
    %da = llvm.or %start, %rest_a : i64
    %db = llvm.or %start_b, %rest_b : i64
    %n = llvm.mlir.constant({num} : i32) : i32
    %first = llvm.mul %x, %n : i32
    %acc = llvm.mlir.undef : {struct}
    """
    last = "%acc"
    for i in range(num):
        body += f"%ci{i} = llvm.mlir.constant({i} : i32) : i32\n    %cx{i} = llvm.add %first, %ci{i} : i32\n    "
        body += load(f"c{i}", "%p1", f"%cx{i}")
        body += f"%acc{i} = llvm.insertvalue %c{i}, {last}[{i}] : {struct}\n    "
        last = f"%acc{i}"
    body += f"""nvvm.wgmma.fence.aligned
    %d = nvvm.wgmma.mma_async %da, %db, {last}, <m = 64, n = {n}, k = 32>, D [<s32>, <one>, <wrapped>], A [<s8>, <one>, <row>], B [<s8>, <one>, <col>] : {struct} -> {struct}
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    """
    for i in range(num):
        body += f"%d{i} = llvm.extractvalue %d[{i}] : {struct}\n    " + store(f"%d{i}", "%p2", f"%cx{i}")

    begin = np.array([[c[place_d(t, i)] for i in range(num)] for t in range(128)], np.int32)
    (d,) = launch(body, 128, [image, begin], [("i32", (128, num))], shared=len(image), seed=n)
    expected = a @ b.T + c
    for t in range(128):
        for i in range(num):
            assert d[t, i] == expected[place_d(t, i)]


def register_wgmma(n, sums, a, descriptor):
    """wgmma with A in registers, in PTX's own words: no NVVM op has it."""
    num = n // 2
    d = ", ".join(f"${i}" for i in range(num))
    ra = ", ".join(f"${num + i}" for i in range(4))
    text = (
        "{\\0A.reg .pred adds;\\0Asetp.ne.b32 adds, 1, 0;\\0A"
        f"wgmma.mma_async.sync.aligned.m64n{n}k32.s32.s8.s8 "
        f"{{{d}}}, {{{ra}}}, ${num + 4}, adds;\\0A}}"
    )
    constraints = "=r," * num + "r,r,r,r,l," + ",".join(map(str, range(num)))
    types = ", ".join(["i32"] * 4 + ["i64"] + ["i32"] * num)
    struct = f"!llvm.struct<({', '.join(['i32'] * num)})>"
    operands = ", ".join(a + [descriptor] + sums)
    return f"""%d = llvm.inline_asm has_side_effects asm_dialect = att "{text}", "{constraints}" {operands} : ({types}) -> {struct}
    """


@pytest.mark.parametrize("n", [8, 128])
def test_wgmma_with_a_in_registers(launch, n):
    rng = np.random.default_rng(n)
    a = random_codes(rng, 8, True, (64, 32))
    b = random_codes(rng, 8, True, (n, 32))
    c = rng.integers(-1000, 1000, (64, n))
    image, _, stride = in_shared(b, 128)
    image = np.concatenate([image, np.zeros(-len(image) % 2048, np.int8)])

    def place_a(thread, i):
        """Figure "WGMMA .m64nNk32 register fragment layout for matrix A"."""
        warp, lane = divmod(thread, 32)
        row = lane // 4 if i < 4 or 8 <= i < 12 else lane // 4 + 8
        column = lane % 4 * 4 + (i & 3) if i < 8 else lane % 4 * 4 + (i & 3) + 16
        return 16 * warp + row, column

    num = n // 2
    own = np.array([[a[place_a(t, i)] for i in range(16)] for t in range(128)], np.int8)
    begin = np.array([[c[place_d(t, i)] for i in range(num)] for t in range(128)], np.int32)
    body = to_shared(image) + f"""
    %rest = llvm.mlir.constant({1 << 62 | stride >> 4 << 32} : i64) : i64
    %descriptor = llvm.or %start, %rest : i64
    %n = llvm.mlir.constant({num} : i32) : i32
    %first = llvm.mul %x, %n : i32
    {load("a", "%p1", "%x", "vector<4xi32>")}"""
    for i in range(4):
        body += f"%ai{i} = llvm.mlir.constant({i} : i32) : i32\n    %a{i} = llvm.extractelement %a[%ai{i} : i32] : vector<4xi32>\n    "
    for i in range(num):
        body += f"%ci{i} = llvm.mlir.constant({i} : i32) : i32\n    %cx{i} = llvm.add %first, %ci{i} : i32\n    "
        body += load(f"c{i}", "%p2", f"%cx{i}")
    body += "nvvm.wgmma.fence.aligned\n    "
    body += register_wgmma(n, [f"%c{i}" for i in range(num)], [f"%a{i}" for i in range(4)], "%descriptor")
    body += "nvvm.wgmma.commit.group.sync.aligned\n    nvvm.wgmma.wait.group.sync.aligned 0\n    "
    struct = f"!llvm.struct<({', '.join(['i32'] * num)})>"
    for i in range(num):
        body += f"%d{i} = llvm.extractvalue %d[{i}] : {struct}\n    " + store(f"%d{i}", "%p3", f"%cx{i}")
    (d,) = launch(body, 128, [image, own, begin], [("i32", (128, num))], shared=len(image), seed=n)
    expected = a @ b.T + c
    for t in range(128):
        for i in range(num):
            assert d[t, i] == expected[place_d(t, i)]


# ---------------------------------------------------------------------------
# Warps
# ---------------------------------------------------------------------------


def shuffle(kind, lane, b, c):
    """The ISA's pseudocode."""
    segment = c >> 8 & 31
    max_lane = (lane & segment) | (c & 31 & ~segment)
    j, valid = {
        "up": (lane - b, lane - b >= max_lane),
        "down": (lane + b, lane + b <= max_lane),
        "bfly": (lane ^ b, lane ^ b <= max_lane),
        "idx": ((lane & segment) | (b & ~segment & 31), ((lane & segment) | (b & ~segment & 31)) <= max_lane),
    }[kind]
    if kind == "bfly":
        valid = (lane ^ b) <= max_lane
    return (j if valid else lane), valid


@pytest.mark.parametrize("kind", ["up", "down", "bfly", "idx"])
@pytest.mark.parametrize("width", [32, 8])
def test_shuffle(launch, kind, width):
    c = (32 - width) << 8 | (0 if kind == "up" else 31)
    for b in (1, 5):
        body = f"""%b = llvm.mlir.constant({b} : i32) : i32
        %c = llvm.mlir.constant({c} : i32) : i32
        {load("v", "%p0", "%x")}
        %s = nvvm.shfl.sync {kind} %all, %v, %b, %c {{return_value_and_is_valid}} : i32 -> !llvm.struct<(i32, i1)>
        %r = llvm.extractvalue %s[0] : !llvm.struct<(i32, i1)>
        %q = llvm.extractvalue %s[1] : !llvm.struct<(i32, i1)>
        %ok = llvm.zext %q : i1 to i32
        {store("%r", "%p1", "%x")}{store("%ok", "%p2", "%x")}"""
        values = np.random.default_rng(b).integers(0, 1000, 64).astype(np.int32)
        got, valid = launch(body, 64, [values], [("i32", (64,))] * 2, seed=b)
        for thread in range(64):
            source, expected = shuffle(kind, thread % 32, b, c)
            assert got[thread] == values[thread // 32 * 32 + source]
            assert valid[thread] == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_votes_reductions_and_matches(launch, seed):
    values = np.random.default_rng(seed).integers(-3, 3, 32).astype(np.int32)
    body = f"""{load("v", "%p0", "%x")}
    %is = llvm.icmp "slt" %v, %zero : i32
    %ballot = nvvm.vote.sync ballot %all, %is -> i32
    %any = nvvm.vote.sync any %all, %is -> i1
    %every = nvvm.vote.sync all %all, %is -> i1
    %anyi = llvm.zext %any : i1 to i32
    %everyi = llvm.zext %every : i1 to i32
    %add = nvvm.redux.sync add %v, %all : i32 -> i32
    %max = nvvm.redux.sync max %v, %all : i32 -> i32
    %min = nvvm.redux.sync min %v, %all : i32 -> i32
    %umax = nvvm.redux.sync umax %v, %all : i32 -> i32
    %xor = nvvm.redux.sync xor %v, %all : i32 -> i32
    %match = nvvm.match.sync any %all, %v : i32 -> i32
    """
    names = ["ballot", "anyi", "everyi", "add", "max", "min", "umax", "xor", "match"]
    body += "".join(store(f"%{name}", f"%p{1 + i}", "%x") for i, name in enumerate(names))
    got = dict(zip(names, launch(body, 32, [values], [("i32", (32,))] * len(names), seed=seed)))
    bits = lambda flags: np.array(sum(1 << i for i in range(32) if flags[i]), np.uint32).view(np.int32)
    assert (got["ballot"] == bits(values < 0)).all()
    assert (got["anyi"] == (values < 0).any()).all() and (got["everyi"] == (values < 0).all()).all()
    assert (got["add"] == values.sum()).all()
    assert (got["max"] == values.max()).all() and (got["min"] == values.min()).all()
    assert (got["umax"] == values.view(np.uint32).max().view(np.int32)).all()
    assert (got["xor"] == np.bitwise_xor.reduce(values)).all()
    assert all(got["match"][i] == bits(values == values[i]) for i in range(32))


def test_dot_products_and_permutations(launch):
    rng = np.random.default_rng(0)
    a, b = rng.integers(-(2**31), 2**31, (2, 32)).astype(np.int32)
    body = f"""{load("a", "%p0", "%x")}{load("b", "%p1", "%x")}
    %av = llvm.bitcast %a : i32 to vector<4xi8>
    %bv = llvm.bitcast %b : i32 to vector<4xi8>
    %ss = nvvm.dot.accumulate.4way %av <signed>, %bv <signed>, %a : vector<4xi8>, vector<4xi8>
    %us = nvvm.dot.accumulate.4way %av <unsigned>, %bv <signed>, %a : vector<4xi8>, vector<4xi8>
    %sel = llvm.mlir.constant(0x6B04 : i32) : i32
    %fixed = nvvm.prmt <default> %sel, %a, %b : i32
    {store("%ss", "%p2", "%x")}{store("%us", "%p3", "%x")}{store("%fixed", "%p4", "%x")}"""
    ss, us, fixed = launch(body, 32, [a, b], [("i32", (32,))] * 3)
    signed_a, signed_b = a.view(np.int8).reshape(32, 4).astype(int), b.view(np.int8).reshape(32, 4).astype(int)
    unsigned_a = a.view(np.uint8).reshape(32, 4).astype(int)
    assert (ss == ((signed_a * signed_b).sum(1) + a).astype(np.int32)).all()
    assert (us == ((unsigned_a * signed_b).sum(1) + a).astype(np.int32)).all()
    # Bytes 4, 0, the sign of byte 3, byte 6.
    pool = np.concatenate([a.view(np.uint8).reshape(32, 4), b.view(np.uint8).reshape(32, 4)], 1)
    sign = np.where(pool[:, 3] & 0x80, 0xFF, 0).astype(np.uint8)
    expected = np.stack([pool[:, 4], pool[:, 0], sign, pool[:, 6]], 1).copy().view(np.int32)[:, 0]
    assert (fixed == expected).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_mbarrier(launch, seed):
    """Warp 0 produces, warp 1 consumes, twice over; two mbarriers between them."""
    step = lambda phase: f"""
    llvm.cond_br %is_producer, ^produce{phase}, ^consume{phase}
  ^produce{phase}:
    {load(f"in{phase}", "%p0", "%lane")}
    %out{phase} = llvm.add %in{phase}, %phase{phase} : i32
    {store(f"%out{phase}", "%data", "%lane", space=3)}
    %full{phase} = nvvm.mbarrier.arrive %full : !llvm.ptr<3> -> i64
    nvvm.mbarrier.try_wait.parity %empty, %phase{phase}, %ticks : !llvm.ptr<3>, i32, i32
    llvm.br ^next{phase}
  ^consume{phase}:
    nvvm.mbarrier.try_wait.parity %full, %phase{phase}, %ticks : !llvm.ptr<3>, i32, i32
    %mirror{phase} = llvm.sub %thirtyone, %lane : i32
    {load(f"got{phase}", "%data", f"%mirror{phase}", space=3)}
    {store(f"%got{phase}", f"%p{1 + phase}", "%lane")}
    %empty{phase} = nvvm.mbarrier.arrive %empty : !llvm.ptr<3> -> i64
    llvm.br ^next{phase}
  ^next{phase}:"""
    body = f"""%c32 = llvm.mlir.constant(32 : i32) : i32
    %ticks = llvm.mlir.constant(100 : i32) : i32
    %phase0 = llvm.mlir.constant(0 : i32) : i32
    %phase1 = llvm.mlir.constant(1 : i32) : i32
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %full = llvm.getelementptr %smem[0] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %empty = llvm.getelementptr %smem[8] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %data = llvm.getelementptr %smem[16] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %is_first = llvm.icmp "eq" %x, %zero : i32
    %is_producer = llvm.icmp "slt" %x, %c32 : i32
    llvm.cond_br %is_first, ^init, ^go
  ^init:
    nvvm.mbarrier.init %full, %c32 : !llvm.ptr<3>, i32
    nvvm.mbarrier.init %empty, %c32 : !llvm.ptr<3>, i32
    llvm.br ^go
  ^go:
    nvvm.barrier0
    {step(0)}
    {step(1)}
    """
    values = np.arange(32, dtype=np.int32) ** 2
    first, second = launch(body, 64, [values], [("i32", (32,))] * 2, shared=256, seed=seed)
    assert (first == values[::-1]).all() and (second == values[::-1] + 1).all()


# ---------------------------------------------------------------------------
# Whole programs
# ---------------------------------------------------------------------------

LINEAR = """
func.func @linear(%x: tensor<?x8xf32>, %w: tensor<8x4xf32> {{stamp.weight}}, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {{
  %z = arith.constant 0.0 : f32
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %m = linalg.matmul {{stamp.plan = #stamp.plan<basis = {basis}, activations = #stamp.schedule<[0.25 : 8], 4>, weight_bits = 4>}}
    ins(%x, %w : tensor<?x8xf32>, tensor<8x4xf32>) outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %m : tensor<?x4xf32>
}}
"""


@pytest.mark.parametrize("basis", ["#stamp.identity", "#stamp.haar<levels = 3, skip = 1>", "#stamp.wht<block = 8>"])
def test_linears_have_the_bits_of_the_cpu(run, optimize, basis):
    module = optimize(LINEAR.format(basis=basis).replace(" {stamp.weight}", ""), "--stamp-quantize", "--stamp-fold")
    rng = np.random.default_rng(1)
    calls = []
    for tokens in (1, 13, 40):
        x = np.cumsum(rng.normal(size=(tokens, 8)), 0).astype(np.float32)
        w = rng.normal(size=(8, 4)).astype(np.float32)
        calls.append(("linear", [x, w, np.zeros((tokens, 4), np.float32)], 1))
    expected = run(module, calls)
    for options in (["--gpu=emulate"], ["--gpu=emulate,sm_90a", "--gpu-seed=3", "--num-threads=2"]):
        for got, want in zip(run(module, calls, *options), expected):
            np.testing.assert_array_equal(got[0], want[0])
            assert np.abs(got[0]).max() > 0
