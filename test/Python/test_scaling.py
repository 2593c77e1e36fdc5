# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiling takes linear time: make bench measures it, these tests notice what is
not."""

import os
import subprocess
import sys

import pytest
from conftest import BIN, ROOT

sys.path.append(str(ROOT / "benchmark" / "compile_time"))
from compile_time import model  # noqa: E402

TENSOR_PASSES = [
    "--stamp-select",
    "--stamp-quantize",
    "--stamp-fold",
    "--stamp-block-order",
]
LOWERING = [
    "--stamp-to-linalg",
    "--stamp-check-sizes",
    "--stamp-fuse-elementwise",
    "--stamp-unshare-inits",
]


def processor_time(path, *flags):
    command = [BIN / "stamp-opt", path, *flags, "--mlir-disable-threading"]
    child = subprocess.Popen([*command, "-o", os.devnull])
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0
    return usage.ru_utime


@pytest.mark.parametrize(
    "passes", [TENSOR_PASSES, TENSOR_PASSES + LOWERING], ids=["tensors", "all"]
)
def test_passes_take_linear_time(tmp_path, passes):
    """Eight times the linears take eight times as long, and some more for the
    caches; a quadratic pass that counts takes 64 times."""
    seconds = []
    for linears in [0, 100, 800]:
        path = tmp_path / f"{linears}.mlir"
        path.write_text(model(linears, 16, 32))
        seconds.append(processor_time(path, *passes))
    start, small, large = seconds
    assert large - start <= 24 * (small - start)


def test_fused_bodies_are_not_endless(optimize):
    kind = "tensor<?x64xf32>"
    lines = [
        f"%{i + 1} = linalg.{'exp' if i % 2 else 'tanh'} ins(%{i} : {kind})"
        f" outs(%e : {kind}) -> {kind}"
        for i in range(300)
    ]
    body = "\n  ".join(lines)
    module = f"""
func.func @f(%x: {kind}, %e: {kind}) -> {kind} {{
  %0 = tensor.cast %x : {kind} to {kind}
  {body}
  return %300 : {kind}
}}
"""
    fused = optimize(
        module, "--linalg-generalize-named-ops", "--stamp-fuse-elementwise"
    )
    bodies = [body.count("math.") for body in fused.split("linalg.generic")[1:]]
    assert sum(bodies) == 300
    assert max(bodies) <= 256 and 2 <= len(bodies) < 10
