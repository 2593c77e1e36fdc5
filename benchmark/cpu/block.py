# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times a transformer block, and how much of it its linears take.

    python benchmark/cpu/block.py --shapes 512x1024x16 --threads 1 2

A shape is tokens x features x heads. docs/Benchmark.md says how to read the table.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import time
from pathlib import Path

import numpy as np

from block_module import FUNCTIONS, BlockShape, compute, make_weights
from compiled_function import compile_function
from layer import aligned_copy

_PIPELINE = "stamp-cpu-pipeline{{cpu=host parallel={parallel}}}"
_QUANTIZED = (
    "stamp-select{basis={#stamp.haar<levels = 3>}"
    " schedule={#stamp.schedule<[64 : 8], 4>}},stamp-quantize,stamp-fold,"
)
_ROUNDS = 15


def _activations(rows: int, columns: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    x = random.standard_normal((rows, columns), dtype=np.float32)
    for t in range(1, rows):
        x[t] = 0.95 * x[t - 1] + np.float32(np.sqrt(1 - 0.95**2)) * x[t]
    x[:, 3::7] *= 4
    return aligned_copy(x)


def _sqnr(y: np.ndarray, expected: np.ndarray) -> float:
    noise = np.sum(np.square(y - expected))
    return float(10 * np.log10(np.sum(np.square(expected)) / noise))


def _onnxruntime(shape: BlockShape, weights: dict, x: np.ndarray, threads: int):
    """The same block in ONNX's operators; spinning would slow the others down."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    s, heads, d = shape.tokens, shape.heads, shape.features // shape.heads
    constants = dict(weights)
    constants |= {
        "two": np.array(2, np.float32),
        "eps": np.array(1e-5, np.float32),
        "scale": np.array(d**-0.5, np.float32),
        "split": np.array([s, heads, d], np.int64),
        "join": np.array([s, heads * d], np.int64),
        "last": np.array([-1], np.int64),
    }
    nodes = []

    def add(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def norm(x, name):
        power = add("Pow", [x, "two"], name + "p")
        mean = add("ReduceMean", [power, "last"], name + "m")
        root = add("Sqrt", [add("Add", [mean, "eps"], name + "e")], name + "r")
        return add("Div", [x, root], name)

    def split(x, name, order):
        parts = add("Reshape", [x, "split"], name + "s")
        return add("Transpose", [parts], name + "t", perm=order)

    a = norm("x", "a")
    q, k, v = (add("MatMul", [a, "w" + n], n) for n in "qkv")
    scores = add("MatMul", [split(q, "q", [1, 0, 2]), split(k, "k", [1, 2, 0])], "s")
    scaled = add("Mul", [scores, "scale"], "ss")
    mixed = add(
        "MatMul", [add("Softmax", [scaled], "sm"), split(v, "v", [1, 0, 2])], "mix"
    )
    turned = add("Transpose", [mixed], "mt", perm=[1, 0, 2])
    joined = add("Reshape", [turned, "join"], "mj")
    h = add("Add", ["x", add("MatMul", [joined, "wo"], "o")], "h")
    b = norm(h, "b")
    gate, up = (add("MatMul", [b, "w" + n], n) for n in "gu")
    silu = add("Mul", [gate, add("Sigmoid", [gate], "gs")], "gm")
    down = add("MatMul", [add("Mul", [silu, up], "gu2"), "wd"], "d")
    add("Add", [h, down], "y")

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "block",
        [value("x", TensorProto.FLOAT, x.shape)],
        [value("y", TensorProto.FLOAT, x.shape)],
        [numpy_helper.from_array(np.asarray(c), n) for n, c in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    results = []

    def run():
        results[:] = session.run(None, {"x": x})

    return run, lambda: results


def _measure(shape: BlockShape, threads: int, rounds: int, queue) -> None:
    cpus = sorted(os.sched_getaffinity(0))[-threads:]
    os.sched_setaffinity(0, cpus)
    weights = make_weights(shape)
    x = [_activations(shape.tokens, shape.features, i) for i in range(3)]
    hidden = [_activations(shape.tokens, shape.hidden, i) for i in range(2)]
    inputs = {
        "block": x[:1],
        "linears": [*x, hidden[0]],
        "attention": x,
        "norm": x[:1],
        "gated": hidden,
    }
    plain = _PIPELINE.format(parallel=str(threads > 1).lower())
    runs, outputs = {}, {}
    for name, write in FUNCTIONS.items():
        text = write(shape)
        used = {n: w for n, w in weights.items() if f"<{n}>" in text}
        variants = {"": _QUANTIZED, " f32": ""} if used else {"": ""}
        for suffix, passes in variants.items():
            runs[name + suffix], outputs[name + suffix] = compile_function(
                text,
                passes + plain,
                name,
                used,
                threads,
                inputs[name],
                7 if name == "linears" else 1,
            )
    try:
        runs["ONNX Runtime f32"], outputs["ONNX Runtime f32"] = _onnxruntime(
            shape, weights, x[0], threads
        )
    except ImportError as error:
        print(f"without ONNX Runtime: {error}")

    samples = {name: [] for name in runs}
    for turn in range(rounds + 1):
        for name in random.sample(list(runs), len(runs)):
            start = time.perf_counter()
            runs[name]()
            if turn > 0:  # the first one warms up
                samples[name].append(time.perf_counter() - start)
    expected = compute(shape, weights, x[0])
    sqnr = {
        name: _sqnr(outputs[name]()[0], expected)
        for name in ("block", "block f32", "ONNX Runtime f32")
        if name in outputs
    }
    queue.put((samples, sqnr))


def _report(shape: BlockShape, threads: int, samples: dict, sqnr: dict) -> dict:
    times = {name: np.array(values) for name, values in samples.items()}

    def median(name: str) -> float:
        return float(np.median(times[name]) * 1e3)

    def share(part: str, whole: str, count: int = 1) -> float:
        return float(np.median(count * times[part] / times[whole]))

    row = {
        "shape": str(shape),
        "threads": threads,
        "median_ms": {name: median(name) for name in times},
        "sqnr_db": sqnr,
        "linears_share": share("linears", "block"),
        "attention_share": share("attention", "block"),
        "norms_share": share("norm", "block", 2),
        "activation_share": share("gated", "block"),
        "linears_share_f32": share("linears f32", "block f32"),
        "speedup_over_f32": share("block f32", "block"),
    }
    print(f"block {shape}, {threads} thread{'s' * (threads > 1)}")
    for name in ("block", "block f32", "ONNX Runtime f32"):
        if name in times:
            print(f"  {name:18} {median(name):9.2f} ms  {sqnr[name]:6.1f} dB")
    print(
        f"  of the quantized block: linears {row['linears_share']:.0%}, attention"
        f" {row['attention_share']:.0%}, norms {row['norms_share']:.0%}, activation"
        f" {row['activation_share']:.0%}; of the f32 block: linears"
        f" {row['linears_share_f32']:.0%}"
    )
    for name in times:
        if "block" not in name and name != "ONNX Runtime f32":
            print(f"    {name:16} {median(name):9.2f} ms")
    return row


def main() -> int:
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=root / "build")
    parser.add_argument("--output", type=Path, help="default: BUILD/benchmark")
    parser.add_argument("--shapes", nargs="+", default=["512x1024x16", "2048x2048x16"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    options = parser.parse_args()
    os.environ["STAMP_BUILD"] = str(options.build.resolve())
    # Threads of one contender that wait for work must not take the next one's.
    os.environ["KMP_BLOCKTIME"] = "1"
    try:
        shapes = [BlockShape.parse(text) for text in options.shapes]
    except ValueError as error:
        parser.error(str(error))
    available = len(os.sched_getaffinity(0))
    processes = multiprocessing.get_context("spawn")
    rows = []
    for shape in shapes:
        for threads in options.threads:
            if threads > available:
                continue
            queue = processes.Queue()
            child = processes.Process(
                target=_measure, args=(shape, threads, options.rounds, queue)
            )
            child.start()
            rows.append(_report(shape, threads, *queue.get()))
            child.join()
    output = options.output or options.build / "benchmark"
    output.mkdir(parents=True, exist_ok=True)
    (output / "block.json").write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
