# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What compiling a model takes: time that is linear, and memory for its weights.

Compiles models of 100 to 1,000 linears with small weights, to see whether the
time per linear stays what it is, and models with many small and with few large
weights, to see how many bytes each byte of them takes. Fails if it is too many.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

# The time per linear may grow by so much from the smallest to the largest model.
TIME_LIMIT = 1.2
# The memory may reach so many times the bytes of the weights, and so much more.
WEIGHTS_LIMIT, MEMORY_LIMIT = 2, 200e6

SIZES = [100, 300, 1000]
FRONT = ["select=stamp-select", "quantize=stamp-quantize", "fold=stamp-fold"]
ORDER = "block-order=stamp-block-order"
# Up to the LLVM dialect: what LLVM makes of it is not ours.
BACK = ["to-linalg=stamp-to-linalg", "to LLVM=stamp-cpu-pipeline"]
PHASES = ["parse", "select", "quantize", "fold", "write", "all of these"]
PHASES += ["block-order", "to-linalg", "to LLVM"]


def model(linears, features, hidden):
    """Blocks of five linears, q, k and v, which share their input, then up and
    down beside a residual stream, with biases, a gate and a GELU between."""
    assert linears % 5 == 0
    names = {"x": features, "h": hidden}
    types = {name: f"tensor<?x{size}xf32>" for name, size in names.items()}
    lines = []
    number = 0

    def emit(line):
        nonlocal number
        number += 1
        lines.append(f"  %{number} = {line}")
        return f"%{number}"

    def linear(x, source, target):
        shape = f"tensor<{names[source]}x{names[target]}xf32>"
        weight = emit(f"arith.constant dense_resource<w{number}> : {shape}")
        return emit(
            f"linalg.matmul ins({x}, {weight} : {types[source]}, {shape})"
            f" outs(%zero_{target} : {types[target]}) -> {types[target]}"
        )

    def elementwise(name, *operands, kind="x"):
        of = ", ".join([types[kind]] * len(operands))
        return emit(
            f"linalg.{name} ins({', '.join(operands)} : {of})"
            f" outs(%empty_{kind} : {types[kind]}) -> {types[kind]}"
        )

    def bias(x, kind):
        shape = f"tensor<{names[kind]}xf32>"
        vector = emit(f"arith.constant dense_resource<w{number}> : {shape}")
        return emit(
            f"linalg.generic {{indexing_maps = [#id, #channel, #id],"
            f' iterator_types = ["parallel", "parallel"]}}'
            f" ins({x}, {vector} : {types[kind]}, {shape})"
            f" outs(%empty_{kind} : {types[kind]}) {{\n"
            "  ^bb0(%a: f32, %b: f32, %o: f32):\n"
            "    %s = arith.addf %a, %b : f32\n"
            "    linalg.yield %s : f32\n"
            f"  }} -> {types[kind]}"
        )

    def gelu(x):
        return emit(
            "linalg.generic {indexing_maps = [#id, #id],"
            ' iterator_types = ["parallel", "parallel"]}'
            f" ins({x} : {types['h']}) outs(%empty_h : {types['h']}) {{\n"
            "  ^bb0(%a: f32, %o: f32):\n"
            "    %s = arith.mulf %a, %root : f32\n"
            "    %e = math.erf %s : f32\n"
            "    %p = arith.addf %e, %one : f32\n"
            "    %h = arith.mulf %a, %half : f32\n"
            "    %y = arith.mulf %h, %p : f32\n"
            "    linalg.yield %y : f32\n"
            f"  }} -> {types['h']}"
        )

    x = "%x"
    for _ in range(linears // 5):
        q, k, v = (bias(linear(x, "x", "x"), "x") for _ in range(3))
        attended = elementwise("mul", elementwise("mul", q, k), v)
        up = gelu(bias(linear(attended, "x", "h"), "h"))
        x = elementwise("add", x, linear(up, "h", "x"))
    body = "\n".join(lines)
    inits = "".join(
        f"""
  %empty_{name} = tensor.empty(%tokens) : {type}
  %zero_{name} = linalg.fill ins(%zero : f32) outs(%empty_{name} : {type}) -> {type}"""
        for name, type in types.items()
    )
    return f"""
#id = affine_map<(i, j) -> (i, j)>
#channel = affine_map<(i, j) -> (j)>
func.func @model(%x: {types["x"]}) -> {types["x"]} {{
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %one = arith.constant 1.0 : f32
  %root = arith.constant 0.707106769 : f32
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : {types["x"]}{inits}
{body}
  return {x} : {types["x"]}
}}
"""


class Compiler:
    """The programs in a build folder, and a place for models."""

    def __init__(self, build, folder):
        self.bin = pathlib.Path(build) / "bin"
        self.folder = pathlib.Path(folder)

    def write_model(self, name, linears, features, hidden, dense=False):
        """Writes a model as bytecode; its path and the bytes of its weights."""
        text = self.folder / "model.mlir"
        text.write_text(model(linears, features, hidden))
        path = self.folder / f"{name}.mlirbc"
        command = [self.bin / "stamp-fill-weights", text, "-o", path]
        done = subprocess.run(
            command + ["--dense"] * dense, check=True, capture_output=True, text=True
        )
        return path, int(done.stdout)

    def time(self, path, phases, output="/dev/null"):
        """What each phase takes, in a process of its own."""
        command = [self.bin / "stamp-time-passes", path, "-o", output]
        command += [f"--phase={phase}" for phase in phases]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    def peak(self, path, flags):
        """The largest resident set of a stamp-opt, in bytes."""
        command = [self.bin / "stamp-opt", path, *flags, "--emit-bytecode"]
        child = subprocess.Popen([*command, "-o", "/dev/null"])
        _, status, usage = os.wait4(child.pid, 0)
        assert status == 0, f"{command} failed"
        return usage.ru_maxrss * 1024


def measure_time(compiler, rounds, cpu_rounds):
    """Seconds by phase and number of linears, in each of the rounds."""
    models, folded = {}, {}
    for linears in SIZES:
        models[linears], _ = compiler.write_model(f"time{linears}", linears, 64, 128)
        folded[linears] = compiler.folder / f"folded{linears}.mlirbc"
    seconds = {}

    def record(phase, linears, cost):
        seconds.setdefault(phase, {}).setdefault(linears, []).append(cost)

    for number in range(rounds):
        for linears in SIZES:
            costs = compiler.time(models[linears], FRONT, folded[linears])
            record("all of these", linears, sum(cost["seconds"] for cost in costs))
            costs += compiler.time(folded[linears], [ORDER])[1:-1]
            if number < cpu_rounds:
                costs += compiler.time(folded[linears], BACK)[1:-1]
            for cost in costs:
                record(cost["phase"], linears, cost["seconds"])
    return seconds


def report_time(seconds):
    """A row per phase, with the growth of the time per linear."""
    print("Processor time for each linear, in µs (medians over rounds)\n")
    sizes = "".join(f"{f'of {linears}':>10}" for linears in SIZES)
    print(f"{'':<14}{sizes}{'ratio':>10}")
    rows = []
    small, large = SIZES[0], SIZES[-1]
    for phase in PHASES:
        by_size = seconds.get(phase)
        if not by_size:
            continue
        each = {n: statistics.median(by_size[n]) / n * 1e6 for n in SIZES}
        ratio = statistics.median(
            (b / large) / (a / small) for a, b in zip(by_size[small], by_size[large])
        )
        row = {"phase": phase, "us_per_linear": each, "ratio": ratio}
        row["limit"] = TIME_LIMIT
        rows.append(row)
        verdict = "" if ratio <= TIME_LIMIT else f"   above {TIME_LIMIT}"
        times = "".join(f"{each[n]:>10.1f}" for n in SIZES)
        print(f"{phase:<14}{times}{ratio:>10.2f}{verdict}")
    return rows


def measure_memory(compiler, large_weights):
    """Peaks of stamp-opt by what it does, for many weights and for large ones."""
    shapes = [
        (1000, 256, "resources"),
        (large_weights, 4096, "resources"),
        (1000, 256, "dense"),
    ]
    rows = []
    for linears, size, kind in shapes:
        path, weights = compiler.write_model(
            "memory", linears, size, size, dense=kind == "dense"
        )
        peaks = {"read": compiler.peak(path, [])}
        for count, phase in enumerate(FRONT, start=1):
            flags = [f"--{each.split('=')[1]}" for each in FRONT[:count]]
            peaks[phase.split("=")[0]] = compiler.peak(path, flags)
        path.unlink()
        rows.append(
            {
                "weights": f"{linears} of {size}x{size}",
                "kind": kind,
                "bytes": weights,
                "peak_bytes": peaks,
                "limit": WEIGHTS_LIMIT * weights + MEMORY_LIMIT,
            }
        )
    return rows


def report_memory(rows):
    """A row per model; whether all peaks are within the limit."""
    print("\nLargest resident set from bytecode to bytecode, in MB\n")
    heads = ["weights", *rows[0]["peak_bytes"], "limit"]
    print(f"{'':<28}" + "".join(f"{head:>10}" for head in heads))
    kept = True
    for row in rows:
        numbers = [row["bytes"], *row["peak_bytes"].values(), row["limit"]]
        name = f"{row['weights']}, {row['kind']}"
        print(f"{name:<28}" + "".join(f"{x / 1e6:>10.0f}" for x in numbers))
        # Reading dense attributes copies them, whoever works on them then.
        peak = max(row["peak_bytes"].values())
        if row["kind"] == "dense":
            peak -= row["bytes"]
        kept &= peak <= row["limit"]
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="default: build")
    parser.add_argument("--json", type=pathlib.Path, help="write the numbers there")
    parser.add_argument("--rounds", type=int, default=11, help="default: 11")
    parser.add_argument(
        "--cpu-rounds",
        type=int,
        default=1,
        help="rounds that include the CPU pipeline, a minute or two each (default: 1)",
    )
    parser.add_argument(
        "--large-weights",
        type=int,
        default=25,
        help="how many weights of 64 MiB (default: 25; a multiple of 5)",
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compiler = Compiler(options.build, folder)
        seconds = measure_time(compiler, options.rounds, options.cpu_rounds)
        times = report_time(seconds)
        memory = measure_memory(compiler, options.large_weights)
    kept = report_memory(memory)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        results = {"time": times, "memory": memory}
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0 if kept else "the memory is above its limit"


if __name__ == "__main__":
    sys.exit(main())
