# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Linear layers on an NVIDIA GPU: are they right, and how long do they take?

    python3 bench.py [--json results.json]

Needs Python 3.9, a CUDA driver, and the files beside it, which `make gpu-artefacts`
has written; nothing is compiled. Where torch is installed, its bf16 linear and its
int8 product are timed too. docs/GPU.md says what the numbers mean.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from array import array
from pathlib import Path

import inputs
from driver import CUDAError, Device, Kernel

HERE = Path(__file__).resolve().parent
WARMUPS = 3
# Of the largest magnitude, on the same codes (docs/Semantics.md).
TOLERANCE = 2e-6


def choose_chip(chips: list[str], capability: tuple[int, int]) -> str:
    """The newest that runs on the device; sm_90a runs on 9.0 alone."""
    major, minor = capability
    best = None
    for chip in chips:
        number, exact = re.fullmatch(r"sm_(\d+)([a-z]?)", chip).groups()
        runs = (
            int(number) == 10 * major + minor
            if exact
            else int(number) // 10 == major and int(number) % 10 <= minor
        )
        if runs and (best is None or (int(number), exact) > best[0]):
            best = ((int(number), exact), chip)
    if best is None:
        raise CUDAError(
            f"no kernels for compute capability {major}.{minor}: there are "
            f"{', '.join(chips)}"
        )
    return best[1]


class Program:
    """The launches of one call, with buffers of their own."""

    def __init__(self, device: Device, artefacts: Path, case: dict, chip: str):
        self.device = device
        self.plan = case["programs"][chip]
        x = inputs.activations(
            case["tokens"], case["features"], case["seed"]
        ).tobytes()
        self.module = device.load((artefacts / self.plan["image"]).read_bytes())
        self.buffers = {}
        for name, size in self.plan["buffers"].items():
            self.buffers[name] = device.allocate(size)
        for name, source in self.plan["initial"].items():
            data = x if source == "x" else (artefacts / source).read_bytes()
            device.upload(self.buffers[name], data)
        self.kernels = [
            Kernel(device, self.module, launch, self.buffers)
            for launch in self.plan["launches"]
        ]

    def run(self) -> None:
        for kernel in self.kernels:
            kernel.launch()

    def results(self) -> list[bytes]:
        return [
            self.device.download(self.buffers[name], size)
            for name, size in self.plan["results"]
        ]

    def close(self) -> None:
        for pointer in self.buffers.values():
            self.device.free(pointer)
        self.device.unload(self.module)


def compare(result: bytes, expected: dict, artefacts: Path) -> dict:
    """Codes and zero points have to be the same, floats nearly."""
    row, step = expected["row bytes"], expected["step"]
    theirs = (artefacts / expected["file"]).read_bytes()
    ours = b"".join(
        result[start : start + row] for start in range(0, len(result), step * row)
    )
    if len(ours) != len(theirs):
        return {"ok": False, "why": f"{len(ours)} bytes instead of {len(theirs)}"}
    if ours == theirs:
        return {"ok": True, "bits": "identical"}
    if expected["type"] != "float32":
        wrong = sum(a != b for a, b in zip(ours, theirs))
        return {"ok": False, "why": f"{wrong} of {len(theirs)} bytes differ"}
    mine, other = array("f", ours), array("f", theirs)
    scale = max(map(abs, other)) or 1.0
    error = max(abs(a - b) for a, b in zip(mine, other)) / scale
    # A NaN compares false.
    return {"ok": error <= TOLERANCE, "largest error": error}


def summarize(times: list[float]) -> dict:
    return {"median ms": statistics.median(times), "minimum ms": min(times)}


def measure(device: Device, runs: int, function) -> dict:
    device.measure(WARMUPS, function)
    return summarize(device.measure(runs, function))


def measure_copy(device: Device, runs: int) -> float:
    """GB/s read and written by a copy of 256 MiB on the device."""
    size = 1 << 28
    source, to = device.allocate(size), device.allocate(size)
    time = measure(device, runs, lambda: device.copy(to, source, size))
    device.free(source)
    device.free(to)
    return 2 * size / time["median ms"] / 1e6


def run_case(device, artefacts, case, chip, runs, bandwidth) -> dict:
    program = Program(device, artefacts, case, chip)
    try:
        program.run()
        device.wait()
        checks = [
            compare(result, expected, artefacts)
            for result, expected in zip(program.results(), case["expected"])
        ]
        outcome = {"name": case["name"], "checks": checks}
        outcome["ok"] = all(check["ok"] for check in checks)
        if case["timed"]:
            outcome.update(measure(device, runs, program.run))
            outcome["kernels"] = [
                {"name": kernel.name, **measure(device, runs, kernel.launch)}
                for kernel in program.kernels
            ]
            seconds = outcome["median ms"] / 1e3
            if case["channels"]:
                ops = 2 * case["tokens"] * case["features"] * case["channels"]
                outcome["TOP/s"] = ops / seconds / 1e12
            else:
                # f32 read once, codes of a byte written once.
                moved = 5 * case["tokens"] * case["features"]
                outcome["GB/s"] = moved / seconds / 1e9
                outcome["of copy"] = outcome["GB/s"] / bandwidth
        return outcome
    finally:
        program.close()


def run_torch(case: dict, runs: int, ordinal: int) -> dict | None:
    """Peers on the same shape; none where torch or what it needs is missing."""
    try:
        import torch
    except ImportError:
        return None
    if not torch.cuda.is_available():
        return None
    m, k, n = case["tokens"], case["features"], case["channels"]
    place = torch.device("cuda", ordinal)

    def time(function) -> dict:
        for _ in range(WARMUPS):
            function()
        times = []
        for _ in range(runs):
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            function()
            end.record()
            end.synchronize()
            times.append(start.elapsed_time(end))
        return summarize(times)

    results = {"version": torch.__version__}
    x = torch.randn(m, k, device=place, dtype=torch.bfloat16)
    weight = torch.randn(n, k, device=place, dtype=torch.bfloat16)
    results["bf16 linear"] = time(lambda: torch.nn.functional.linear(x, weight))
    codes = torch.randint(-8, 8, (m, k), device=place, dtype=torch.int8)
    weight_codes = torch.randint(-8, 8, (n, k), device=place, dtype=torch.int8)
    try:
        results["_int_mm"] = time(lambda: torch._int_mm(codes, weight_codes.t()))
    except (AttributeError, RuntimeError) as error:
        results["_int_mm"] = {"error": str(error)}
    return results


def compare_times(outcomes: list[dict], peers: dict | None) -> dict:
    """The ratios that the layer is judged by."""
    times = {
        outcome["name"]: outcome["median ms"]
        for outcome in outcomes
        if "median ms" in outcome
    }
    ratios = {}
    on = next((time for name, time in times.items() if name.startswith("on ")), None)
    off = next((time for name, time in times.items() if name.startswith("off ")), None)
    if on and off:
        ratios["STaMP on / off"] = on / off
    for name in "bf16 linear", "_int_mm":
        if on and peers and "median ms" in peers.get(name, {}):
            ratios[f"torch {name} / STaMP on"] = peers[name]["median ms"] / on
    return ratios


def report(outcome: dict) -> None:
    right = "right" if outcome["ok"] else "WRONG"
    line = f"{outcome['name']:24} {right}"
    if "median ms" in outcome:
        line += f" {outcome['median ms']:10.3f} ms"
    for unit in "TOP/s", "GB/s":
        if unit in outcome:
            line += f" {outcome[unit]:9.1f} {unit}"
    if "of copy" in outcome:
        line += f", {100 * outcome['of copy']:.0f} % of a copy"
    print(line, flush=True)
    for check in outcome["checks"]:
        if not check["ok"]:
            print(f"    {check}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--artefacts", type=Path, default=HERE)
    parser.add_argument("--json", type=Path, default=Path("gpu-results.json"))
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--case", action="append", help="only these")
    arguments = parser.parse_args()
    try:
        manifest = json.loads((arguments.artefacts / "manifest.json").read_text())
    except OSError as error:
        print(f"bench: no artefacts (make gpu-artefacts): {error}", file=sys.stderr)
        return 2
    try:
        device = Device()
        chip = choose_chip(manifest["chips"], device.capability)
        print(
            f"{device.name}, driver for CUDA {device.driver_version}, kernels for {chip}"
        )
        bandwidth = measure_copy(device, arguments.runs)
        print(f"{'a copy':24} {bandwidth:24.1f} GB/s")
        outcomes = []
        for case in manifest["cases"]:
            if arguments.case and case["name"] not in arguments.case:
                continue
            outcomes.append(
                run_case(
                    device, arguments.artefacts, case, chip, arguments.runs, bandwidth
                )
            )
            report(outcomes[-1])
    except CUDAError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    largest = next(
        (case for case in manifest["cases"] if case["timed"] and case["channels"]), None
    )
    peers = run_torch(largest, arguments.runs, device.ordinal) if largest else None
    ratios = compare_times(outcomes, peers)
    for name, value in ratios.items():
        print(f"{name:48} {value:.3f}")
    arguments.json.write_text(
        json.dumps(
            {
                "device": device.name,
                "driver": device.driver_version,
                "chip": chip,
                "copy GB/s": bandwidth,
                "cases": outcomes,
                "torch": peers,
                "ratios": ratios,
            },
            indent=1,
        )
    )
    return 0 if all(outcome["ok"] for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
