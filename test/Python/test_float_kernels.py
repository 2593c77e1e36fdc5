# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a transformer block computes in floats, with --cpu: against NumPy in f64."""

import math
import sys

import numpy as np
import pytest
from conftest import ROOT
from stamp.testdata import ar1
from test_kernels import host_instructions

sys.path.append(str(ROOT / "benchmark" / "cpu"))
from block_module import (  # noqa: E402
    BlockShape,
    attention,
    compute,
    make_weights,
    write_attention,
    write_block,
)

FUNCTIONS = {
    "exp": (np.exp, np.concatenate([np.linspace(-110, 95, 99991), ar1(1, 5000)[0]])),
    "tanh": (np.tanh, np.linspace(-12, 12, 99991)),
    "erf": (np.vectorize(math.erf), np.linspace(-6, 6, 99991)),
}
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40, -1e-40, 3e38, -3e38])


def ulps(actual, exact):
    """The distance in units in the last place of the exact value."""
    with np.errstate(over="ignore"):
        rounded = exact.astype(np.float32)
    unit = np.spacing(np.maximum(np.abs(rounded), np.float32(2**-126)))
    fits = np.isfinite(rounded)
    assert np.isinf(actual[~fits]).all()
    return np.max(np.abs(actual[fits] - exact[fits]) / unit[fits])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_vectors(run, optimize, name):
    oracle, x = FUNCTIONS[name]
    x = np.concatenate([x, SPECIAL]).astype(np.float32)
    t = f"tensor<{x.size}xf32>"
    module = f"""
func.func @f(%x: {t}) -> {t} {{
  %y = math.{name} %x : {t}
  return %y : {t}
}}
"""
    assert f"@{name}f" not in optimize(module, "--stamp-cpu-pipeline=cpu=generic")
    with np.errstate(all="ignore"):
        exact = oracle(x.astype(np.float64))
    first = None
    for cpu in host_instructions():
        [[y]] = run(module, [("f", [x], 1)], f"--cpu={cpu}", "--allow-nonfinite")
        assert ulps(y[: -len(SPECIAL)], exact[: -len(SPECIAL)]) < 2.5
        special, expected = y[-len(SPECIAL) :], exact[-len(SPECIAL) :]
        np.testing.assert_allclose(special, expected.astype(np.float32), rtol=1e-6)
        np.testing.assert_array_equal(np.signbit(special[3:]), np.signbit(expected[3:]))
        first = y if first is None else first
        # NaNs have many bits.
        np.testing.assert_array_equal(y[:-9].view(np.int32), first[:-9].view(np.int32))


# Batch, rows, columns and sums; of a matrix without its batch in B; and Bᵀ.
CONTRACTIONS = {
    "batch_matmul": ("bmk", "bkn", "bmn"),
    "shared": ("bmk", "kn", "bmn"),
    "transposed": ("bmk", "bnk", "bmn"),
    "heads": ("mbk", "nbk", "bmn"),
    "mixed": ("bmk", "kbn", "mbn"),
    "turned": ("bkm", "bkn", "bmn"),
    "left": ("kn", "mk", "mn"),
}


@pytest.mark.parametrize("element", ["f32", "bf16", "f16"])
@pytest.mark.parametrize("name", CONTRACTIONS)
def test_contractions(run, optimize, name, element):
    left, right, result = CONTRACTIONS[name]
    loops = "bmnk" if "b" in result else "mnk"

    def map_of(letters):
        return f"affine_map<({', '.join(loops)}) -> ({', '.join(letters)})>"

    def type_of(letters, element):
        return f"tensor<{'?x' * len(letters)}{element}>"

    def narrow(name, letters):
        if element == "f32":
            return f"%{name} = tensor.cast %{name}0 : {types[name]} to {types[name]}"
        narrowed = type_of(letters, element)
        return f"%{name} = arith.truncf %{name}0 : {types[name]} to {narrowed}"

    types = {name: type_of(letters, "f32") for name, letters in zip("abc", (left, right, result))}
    module = f"""
func.func @f(%a0: {types["a"]}, %b0: {types["b"]}, %c: {types["c"]}) -> {types["c"]} {{
  {narrow("a", left)}
  {narrow("b", right)}
  %y = linalg.contract indexing_maps = [{", ".join(map(map_of, (left, right, result)))}]
    ins(%a, %b : {type_of(left, element)}, {type_of(right, element)})
    outs(%c : {types["c"]}) -> {types["c"]}
  return %y : {types["c"]}
}}
"""
    calls, exact = [], []
    # Tiles of 8×3, 6×4 and so on with rests; a slice and a half of sums.
    for b, m, n, k in [(2, 1, 1, 1), (3, 19, 50, 7), (1, 133, 97, 1100), (2, 40, 64, 64)]:
        sizes = {"b": b, "m": m, "n": n, "k": k}
        operands = [
            ar1(int(np.prod([sizes[c] for c in letters[:-1]])), sizes[letters[-1]], seed=i)
            .reshape([sizes[c] for c in letters])
            .astype(np.float32)
            for i, letters in enumerate((left, right, result))
        ]
        calls.append(("f", operands, 1))
        x, w = operands[:2]
        if element == "f16":
            x, w = x.astype(np.float16), w.astype(np.float16)
        if element == "bf16":
            x, w = to_bf16(x), to_bf16(w)
        x, w = x.astype(np.float64), w.astype(np.float64)
        product = np.einsum(f"{left},{right}->{result}", x, w)
        size = np.einsum(f"{left},{right}->{result}", np.abs(x), np.abs(w))
        exact.append((operands[2] + product, size + np.abs(operands[2])))
    for cpu in host_instructions():
        for threads in 1, 2:
            ours = run(module, calls, f"--cpu={cpu}", f"--num-threads={threads}")
            for [y], (expected, size) in zip(ours, exact):
                assert np.max(np.abs(y - expected) / size) < 4e-6


def to_bf16(x):
    bits = x.view(np.uint32).astype(np.uint64)
    bits += 0x7FFF + ((bits >> 16) & 1)
    return (bits & 0xFFFF0000).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("tokens", [200, 512])
def test_attention(run, optimize, tokens):
    """Whole blocks of rows, and a rest; no matrix of all pairs is in memory."""
    shape = BlockShape(tokens, 128, 2)
    module = write_attention(shape)
    fused = optimize(module, "--stamp-fuse-contractions", "--canonicalize", "--cse")
    loop = fused[fused.index("scf.forall") :]
    assert loop.count("linalg.batch_matmul") == 2 and loop.count("math.exp") == 1
    assert f"tensor.empty() : tensor<2x{tokens}x{tokens}xf32>" not in fused
    inputs = [ar1(tokens, 128, seed=i).astype(np.float32) for i in range(3)]
    expected = attention(*(x.astype(np.float64) for x in inputs), 2)
    for cpu in host_instructions():
        for threads in 1, 2:
            [[y]] = run(
                module,
                [("attention", inputs, 1)],
                f"--cpu={cpu}",
                f"--num-threads={threads}",
            )
            assert np.max(np.abs(y - expected)) < 2e-6 * np.max(np.abs(expected))


def test_block(run):
    """All of it in floats, linears too."""
    shape = BlockShape(72, 96, 3)
    weights = make_weights(shape)
    resources = ", ".join(
        f'{name}: "0x04000000{array.tobytes().hex()}"'
        for name, array in weights.items()
    )
    module = write_block(shape)
    module += f"\n{{-# dialect_resources: {{ builtin: {{ {resources} }} }} #-}}\n"
    x = ar1(72, 96).astype(np.float32)
    expected = compute(shape, weights, x)
    for cpu in host_instructions():
        [[y]] = run(module, [("block", [x], 1)], f"--cpu={cpu}", "--num-threads=2")
        assert np.max(np.abs(y - expected)) < 5e-6 * np.max(np.abs(expected))
