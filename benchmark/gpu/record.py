# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds what bench.py takes to a machine with a GPU: python3 record.py --help.

Each case is compiled by stamp-compile and called once with a driver that runs
nothing (test/lib/FakeCUDA). What the program asks of it, allocations, copies,
launches and their arguments, is written to manifest.json, to be played again on a
device; so this knows nothing of how kernels are shaped. The CPU's results are what
the device's are compared with, in full or, where they are large, some rows of them.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cases
import inputs

ROOT = Path(__file__).resolve().parents[2]
CHIPS = ["sm_80", "sm_90a"]
# More of a result is not kept.
KEPT_BYTES = 1 << 20
MAX_BYTES = 64 << 20


class Store:
    """Files named by what they hold: what two cases share is kept once."""

    def __init__(self, directory: Path):
        self.directory = directory

    def add(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()[:24]
        (self.directory / name).write_bytes(data)
        return name


def call_library(library: str, input_path: str, sizes: str, outputs: str) -> None:
    """In a process of its own, whose environment chooses the driver."""
    loaded = ctypes.CDLL(library)
    shape = (ctypes.c_int64 * 2)(*map(int, sizes.split("x")))
    data = Path(input_path).read_bytes()
    parameters = [ctypes.c_char_p(data), shape]
    for _ in range(int(outputs)):
        parameters += [
            ctypes.byref(ctypes.c_void_p()),
            (ctypes.c_int64 * 2)(),
        ]
    loaded.stamp_error.restype = ctypes.c_char_p
    if loaded.stamp_main(*parameters):
        sys.exit(loaded.stamp_error().decode())


def read_log(text: str) -> dict:
    """The calls of FakeCUDA's log as a plan: buffers, what is copied into them,
    launches, and what is copied out."""
    plan = {"buffers": {}, "constants": set(), "in": [], "launches": [], "out": []}
    if text.count("wait for stream") != 1:
        raise SystemExit("record: the host waits between kernels")
    for line in text.splitlines():
        if found := re.fullmatch(r"allocate block (\d+): (\d+) bytes, (.*)", line):
            plan["buffers"][found[1]] = int(found[2])
            if found[3] == "for long":
                plan["constants"].add(found[1])
            if found[3] == "managed":
                raise SystemExit("record: host code touches a buffer between kernels")
        elif found := re.fullmatch(r"copy (\d+) bytes from host to block (\d+)", line):
            plan["in"].append(found[2])
        elif found := re.fullmatch(r"copy (\d+) bytes from block (\d+) to host", line):
            plan["out"].append([found[2], int(found[1])])
        elif found := re.fullmatch(
            r"launch (\S+) grid (\d+) (\d+) (\d+) block (\d+) (\d+) (\d+) shared (\d+)",
            line,
        ):
            numbers = [int(number) for number in found.groups()[1:]]
            plan["launches"].append(
                {
                    "kernel": found[1],
                    "grid": numbers[:3],
                    "block": numbers[3:6],
                    "shared": numbers[6],
                    "arguments": [],
                }
            )
        elif found := re.fullmatch(r"  \d+: block (\d+)(?: \+ (\d+))?", line):
            plan["launches"][-1]["arguments"].append(
                {"buffer": found[1], "offset": int(found[2] or 0)}
            )
        elif found := re.fullmatch(r"  \d+: (\d+) \((\d+) bytes\)", line):
            plan["launches"][-1]["arguments"].append(
                {"value": int(found[1]), "bytes": int(found[2])}
            )
        elif re.fullmatch(r"  \d+: .*|clusters .*", line):
            raise SystemExit(f"record: cannot play '{line.strip()}' again")
    return plan


class Recorder:
    def __init__(self, build: Path, store: Store, work: Path):
        self.bin = build / "bin"
        self.driver = build / "lib" / "StampFakeCUDA.so"
        self.store = store
        self.work = work

    def run(self, *command, **options) -> None:
        subprocess.run([str(part) for part in command], check=True, **options)

    def quantize(self, case: cases.Case) -> Path:
        text, filled = self.work / "case.mlir", self.work / "filled.mlirbc"
        quantized = self.work / "quantized.mlirbc"
        text.write_text(case.module())
        if case.channels == 0:
            return text
        self.run(self.bin / "stamp-fill-weights", text, "-o", filled)
        self.run(
            self.bin / "stamp-opt",
            filled,
            f"--stamp-select=basis={{{case.basis}}} schedule={{{case.schedule}}} "
            "min-k=1 min-n=1 min-macs=1",
            "--stamp-quantize",
            "--stamp-fold",
            "--emit-bytecode",
            "-o",
            quantized,
        )
        return quantized

    def compute(self, case: cases.Case, model: Path, x: bytes) -> list[dict]:
        """On the CPU; results as files of the store."""
        import numpy as np

        array = np.frombuffer(x, np.float32).reshape(case.tokens, case.features)
        np.save(self.work / "x.npy", array)
        names = [
            self.work / f"y{i}.npy" for i in range(1 if case.channels else 3)
        ]
        self.run(
            self.bin / "stamp-run",
            model,
            "--cpu=host",
            f"--inputs={self.work / 'x.npy'}",
            f"--outputs={','.join(map(str, names))}",
        )
        results = []
        for name in names:
            y = np.load(name)
            row_bytes = y[:1].nbytes
            step = max(1, -(-y.nbytes // KEPT_BYTES))
            # An odd step meets rows of all frequencies.
            step += step % 2 == 0
            rows = y[::step]
            results.append(
                {
                    "type": str(y.dtype),
                    "row bytes": row_bytes,
                    "step": step,
                    "file": self.store.add(rows.tobytes()),
                }
            )
        return results

    def call(self, case: cases.Case, library: Path, chip: str) -> str:
        """With the fake driver; its log. What it dumps is in work/dump."""
        dump, log = self.work / "dump", self.work / "log"
        shutil.rmtree(dump, ignore_errors=True)
        dump.mkdir()
        log.unlink(missing_ok=True)
        environment = {
            "STAMP_CUDA_DRIVER": str(self.driver),
            "FAKE_CUDA_LOG": str(log),
            "FAKE_CUDA_DUMP": str(dump),
            "FAKE_CUDA_CHIP": re.sub(r"\D", "", chip),
            "FAKE_CUDA_MEMORY": str(1 << 36),
        }
        self.run(
            sys.executable,
            __file__,
            "--call",
            library,
            self.work / "x",
            f"{case.tokens}x{case.features}",
            1 if case.channels else 3,
            env={**os.environ, **environment},
        )
        return log.read_text()

    def record(self, case: cases.Case, model: Path, chip: str, x: bytes) -> dict:
        library = self.work / "model.so"
        compile_ = [self.bin / "stamp-compile", model, f"--gpu={chip}", "-o", library]
        # PTX tells the sizes of arguments, machine code is what is to be timed.
        self.run(*compile_, "--gpu-format=isa")
        plan = read_log(self.call(case, library, chip))
        dump = self.work / "dump"
        initial = {}
        for i, buffer in enumerate(plan["in"]):
            data = (dump / str(i)).read_bytes()
            if buffer in plan["constants"]:
                initial[buffer] = self.store.add(data)
            elif data == x:
                initial[buffer] = "x"
            else:
                raise SystemExit(f"record: '{case.name}' copies what is no input")
        if shutil.which("ptxas"):
            self.run(*compile_, "--gpu-format=binary")
            self.call(case, library, chip)
        return {
            "image": self.store.add((dump / "image").read_bytes()),
            "buffers": plan["buffers"],
            "initial": initial,
            "launches": plan["launches"],
            "results": plan["out"],
        }


def main() -> None:
    if sys.argv[1:2] == ["--call"]:
        return call_library(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--output", type=Path, help="default: BUILD/benchmark/gpu")
    parser.add_argument("--case", action="append", help="only these")
    arguments = parser.parse_args()
    output = arguments.output or arguments.build / "benchmark" / "gpu"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    store = Store(output)
    manifest = {"chips": CHIPS, "cases": []}
    with tempfile.TemporaryDirectory() as work:
        recorder = Recorder(arguments.build.resolve(), store, Path(work))
        for case in cases.CASES:
            if arguments.case and case.name not in arguments.case:
                continue
            print(case.name, flush=True)
            x = inputs.activations(case.tokens, case.features, case.seed).tobytes()
            (recorder.work / "x").write_bytes(x)
            model = recorder.quantize(case)
            manifest["cases"].append(
                {
                    "name": case.name,
                    "tokens": case.tokens,
                    "features": case.features,
                    "channels": case.channels,
                    "seed": case.seed,
                    "timed": case.timed,
                    "expected": recorder.compute(case, model, x),
                    "programs": {
                        chip: recorder.record(case, model, chip, x) for chip in CHIPS
                    },
                }
            )
    (output / "manifest.json").write_text(json.dumps(manifest, indent=1))
    for name in "bench.py", "inputs.py", "driver.py":
        shutil.copy(Path(__file__).with_name(name), output)
    size = sum(path.stat().st_size for path in output.iterdir())
    print(f"{output}: {size / 2**20:.1f} MiB")
    if size > MAX_BYTES:
        raise SystemExit(f"record: that is more than {MAX_BYTES >> 20} MiB")


if __name__ == "__main__":
    main()
