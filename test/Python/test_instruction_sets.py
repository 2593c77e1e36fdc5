# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels compiled ahead of time for other machines and run under qemu-user.

Each machine is emulated as a CPU that has the instruction set and little else, so
an instruction that it lacks is an illegal one.  `make sweep` draws more programs.
"""

import os
import pathlib
import platform
import re
import shutil
import subprocess
import warnings
from typing import NamedTuple

import numpy as np
import pytest
from conftest import BIN
from test_feature_kernels import Rotated
from test_kernels import Program, same_bits, same_outputs, with_groups

TOOLS = pathlib.Path("/usr/lib/llvm-22/bin")
DRIVER = pathlib.Path(__file__).with_name("call_kernels.c")
PROGRAMS = int(os.environ.get("STAMP_KERNEL_PROGRAMS", "2"))


class Machine(NamedTuple):
    cpu: str  # as the pipeline calls it
    architecture: str
    march: str
    emulated: str

    def __str__(self):
        return f"{self.cpu}-on-{self.emulated}"


MACHINES = [
    Machine("neon-dotprod", "aarch64", "armv8.2-a+dotprod", "neoverse-n1"),
    Machine("neon-i8mm", "aarch64", "armv8.2-a+i8mm", "max"),
    Machine("generic", "aarch64", "armv8-a", "cortex-a53"),
    Machine("generic", "x86_64", "x86-64-v2", "Nehalem"),
    Machine("avx2", "x86_64", "x86-64-v3", "Haswell-noTSX"),
]


def translate(tmp_path, llvm):
    (tmp_path / "kernels.mlir").write_text(llvm)
    ir = tmp_path / "kernels.ll"
    command = [TOOLS / "mlir-translate", "--mlir-to-llvmir", "-o", ir]
    subprocess.run([*command, tmp_path / "kernels.mlir"], check=True)
    return ir


def clang(machine, *arguments):
    command = [TOOLS / "clang", f"--target={machine.architecture}-linux-gnu"]
    command += [f"-march={machine.march}", "-ffp-contract=off", "-Wno-override-module"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def find_qemu(architecture):
    qemu = shutil.which(f"qemu-{architecture}")
    if not qemu:
        warnings.warn(f"nothing ran for {architecture}: qemu-user is not installed")
        pytest.skip("qemu-user is not installed")
    return qemu


@pytest.fixture
def emulate(tmp_path, optimize):
    """emulate(machine, module, inputs) -> the results of f for each input."""

    def emulate(machine, module, inputs):
        qemu = find_qemu(machine.architecture)
        llvm = optimize(
            module,
            "--llvm-request-c-wrappers",
            f"--stamp-cpu-pipeline=cpu={machine.cpu}",
        )
        program = tmp_path / "program"
        sources = [translate(tmp_path, llvm), DRIVER]
        options = ["-O1", "-static", "-fuse-ld=lld", "-lm", "-o", program]
        if machine.cpu == "avx2":
            # qemu reads the lanes that vmaskmovps must not.
            options += ["-DSLACK=32"]
        clang(machine, *sources, *options)
        command = [qemu, "-cpu", machine.emulated, program, str(inputs[0].ndim)]
        outputs = []
        for i, x in enumerate(inputs):
            x.tofile(tmp_path / f"x{i}")
            outputs.append([tmp_path / f"y{i}", tmp_path / f"v{i}"])
            command += [tmp_path / f"x{i}", *map(str, x.shape), *outputs[-1]]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, (machine, done.returncode, done.stderr)
        return [
            [
                np.fromfile(path, np.float32).reshape(*x.shape[:-1], -1)
                for path in paths
            ]
            for x, paths in zip(inputs, outputs)
        ]

    return emulate


@pytest.mark.parametrize("machine", MACHINES, ids=str)
@pytest.mark.parametrize(
    "make", [Program, with_groups, Rotated], ids=["rows", "groups", "features"]
)
@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_other_machines_compute_the_same_bits(
    run, optimize, emulate, machine, make, seed
):
    program = make(seed)
    module = optimize(str(program), *program.flags())
    inputs = [x.astype(np.float32) for x in program.inputs()]
    expected = run(module, [("f", [x], 2) for x in inputs], "-O1")
    for ours, theirs in zip(emulate(machine, module, inputs), expected):
        for y, reference in zip(ours, theirs):
            same_outputs(program, y, reference)


@pytest.mark.parametrize(
    "cpu, architecture, march, expected, forbidden",
    [
        ("avxvnni", "x86_64", "alderlake", r"\{vex\}\s+vpdpbusd\b.*ymm", r"zmm|xmm16"),
        ("avx2", "x86_64", "x86-64-v3", r"vpmaddubsw\b.*ymm", r"vpdpbusd|zmm"),
        ("neon-dotprod", "aarch64", "armv8.2-a+dotprod", r"\bsdot\b", r"usdot"),
        ("neon-i8mm", "aarch64", "armv8.2-a+i8mm", r"\busdot\b", r"\bsdot"),
    ],
)
def test_products_become_the_instruction(
    optimize, tmp_path, cpu, architecture, march, expected, forbidden
):
    program = Program(3)
    program.weight_bits = 4
    module = optimize(str(program), *program.flags())
    llvm = optimize(module, f"--stamp-cpu-pipeline=cpu={cpu}")
    machine = Machine(cpu, architecture, march, "none")
    assembly = clang(machine, "-O2", "-S", "-o", "-", translate(tmp_path, llvm))
    assert re.search(expected, assembly)
    assert not re.search(forbidden, assembly)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="stamp-run is not x86 code")
def test_stamp_run_on_an_old_machine(optimize, run, tmp_path):
    """It takes the machine as it is, and compiles what bf16 needs there."""
    program = Program(1)
    assert program.type == "bf16"
    module = optimize(str(program), *program.flags())
    x = list(program.inputs())[3].astype(np.float32)
    [expected] = run(module, [("f", [x], 2)], "-O1")
    np.save(tmp_path / "x.npy", x)
    paths = [tmp_path / "y.npy", tmp_path / "v.npy"]
    command = [find_qemu("x86_64"), "-cpu", "Nehalem", BIN / "stamp-run"]
    command += [tmp_path / "module.mlir", "-O1", "--cpu=host", "--entry=f"]
    command += [f"--inputs={tmp_path}/x.npy", f"--outputs={paths[0]},{paths[1]}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for path, reference in zip(paths, expected):
        same_bits(np.load(path), reference)
