# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A transformer block as linalg, the way frontends write one, and as NumPy.

    a = rmsnorm(x);  h = x + softmax(q·kᵀ/√d)·v·Wo    q, k, v = a·Wq, a·Wk, a·Wv
    b = rmsnorm(h);  y = h + (silu(b·Wg) ∘ (b·Wu))·Wd

Each piece is a function of its own, too, so that its share can be timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

_EPSILON = 1e-5


@dataclass(frozen=True)
class BlockShape:
    tokens: int
    features: int
    heads: int

    @staticmethod
    def parse(text: str) -> BlockShape:
        sizes = [int(size) for size in text.split("x")]
        if len(sizes) != 3 or min(sizes) < 1 or sizes[1] % sizes[2]:
            raise ValueError(f"'{text}' is not tokens x features x heads")
        return BlockShape(*sizes)

    def __str__(self) -> str:
        return f"{self.tokens}x{self.features}x{self.heads}"

    @property
    def hidden(self) -> int:
        """As wide as Llama's: 8/3 of the features, in whole multiples of 256."""
        return -(-self.features * 8 // 3 // 256) * 256

    @property
    def weights(self) -> dict[str, tuple[int, int]]:
        d, f = self.features, self.hidden
        square = {name: (d, d) for name in ("wq", "wk", "wv", "wo")}
        return {**square, "wg": (d, f), "wu": (d, f), "wd": (f, d)}

    @property
    def linear_ops(self) -> int:
        return 2 * self.tokens * sum(k * n for k, n in self.weights.values())


def make_weights(shape: BlockShape) -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    return {
        name: random.standard_normal((k, n), np.float32) / np.float32(np.sqrt(k))
        for name, (k, n) in shape.weights.items()
    }


def _rms_norm(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + _EPSILON)


def attention(q: np.ndarray, k: np.ndarray, v: np.ndarray, heads: int) -> np.ndarray:
    q, k, v = (np.swapaxes(t.reshape(len(t), heads, -1), 0, 1) for t in (q, k, v))
    scores = q @ np.swapaxes(k, 1, 2) / np.sqrt(q.shape[2])
    scores -= scores.max(axis=2, keepdims=True)
    weights = np.exp(scores)
    mixed = weights / weights.sum(axis=2, keepdims=True) @ v
    return np.swapaxes(mixed, 0, 1).reshape(mixed.shape[1], -1)


def compute(shape: BlockShape, w: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """In f64."""
    x, w = x.astype(np.float64), {n: a.astype(np.float64) for n, a in w.items()}
    a = _rms_norm(x)
    mixed = attention(a @ w["wq"], a @ w["wk"], a @ w["wv"], shape.heads)
    h = x + mixed @ w["wo"]
    b = _rms_norm(h)
    gate, up = b @ w["wg"], b @ w["wu"]
    return h + (gate / (1 + np.exp(-gate)) * up) @ w["wd"]


class _Writer:
    """Ops one after the other; a value is its name, with its type known."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.types: dict[str, str] = {}

    def add(self, type: str, text: str) -> str:
        name = f"%{len(self.lines)}"
        self.lines.append(f"  {name} = {text}")
        self.types[name] = type
        return name

    def argument(self, number: int, type: str) -> str:
        name = f"%arg{number}"
        self.types[name] = type
        return name

    def empty(self, type: str) -> str:
        return self.add(type, f"tensor.empty() : {type}")

    def filled(self, value: str, type: str) -> str:
        scalar = self.add("f32", f"arith.constant {value} : f32")
        out = self.empty(type)
        return self.add(
            type,
            f"linalg.fill ins({scalar} : f32) outs({out} : {type}) -> {type}",
        )

    def generic(
        self,
        type: str,
        inputs: Iterable[str],
        maps: Iterable[str],
        iterators: Iterable[str],
        body: Iterable[str],
        out: str | None = None,
    ) -> str:
        inputs = list(inputs)
        maps = ", ".join(f"affine_map<{m}>" for m in maps)
        kinds = ", ".join(f'"{kind}"' for kind in iterators)
        arguments = ", ".join(f"%a{i}: f32" for i in range(len(inputs)))
        operands, types = ", ".join(inputs), ", ".join(self.types[i] for i in inputs)
        out = out or self.empty(type)
        *steps, last = body
        code = "".join(f"\n    {step}" for step in steps)
        return self.add(
            type,
            f"linalg.generic {{indexing_maps = [{maps}], iterator_types = [{kinds}]}}"
            f" ins({operands} : {types}) outs({out} : {type}) {{\n"
            f"  ^bb0({arguments}, %out: f32):{code}\n"
            f"    linalg.yield {last} : f32\n  }} -> {type}",
        )

    def named(self, op: str, type: str, *inputs: str) -> str:
        out = self.filled("0.0", type)
        types = ", ".join(self.types[i] for i in inputs)
        return self.add(
            type,
            f"linalg.{op} ins({', '.join(inputs)} : {types})"
            f" outs({out} : {type}) -> {type}",
        )


def _tensor(*sizes: int) -> str:
    return f"tensor<{'x'.join(map(str, sizes))}xf32>"


class _Block(_Writer):
    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.shape = shape
        self.x = _tensor(shape.tokens, shape.features)

    def weight(self, name: str) -> str:
        type = _tensor(*self.shape.weights[name])
        return self.add(type, f"arith.constant dense_resource<{name}> : {type}")

    def linear(self, x: str, name: str) -> str:
        type = _tensor(self.shape.tokens, self.shape.weights[name][1])
        return self.named("matmul", type, x, self.weight(name))

    def norm(self, x: str) -> str:
        s, d = self.shape.tokens, self.shape.features
        row, all = "(i, j) -> (i)", "(i, j) -> (i, j)"
        power = self.generic(
            _tensor(s),
            [x],
            [all, row],
            ["parallel", "reduction"],
            [
                "%p = arith.mulf %a0, %a0 : f32",
                "%s = arith.addf %p, %out : f32",
                "%s",
            ],
            self.filled("0.0", _tensor(s)),
        )
        size = self.add("f32", f"arith.constant {d}.0 : f32")
        epsilon = self.add("f32", f"arith.constant {_EPSILON:e} : f32")
        factor = self.generic(
            _tensor(s),
            [power],
            ["(i) -> (i)", "(i) -> (i)"],
            ["parallel"],
            [
                f"%m = arith.divf %a0, {size} : f32",
                f"%e = arith.addf %m, {epsilon} : f32",
                "%r = math.rsqrt %e : f32",
                "%r",
            ],
        )
        return self.generic(
            self.x,
            [x, factor],
            [all, row, all],
            ["parallel", "parallel"],
            ["%p = arith.mulf %a0, %a1 : f32", "%p"],
        )

    def _transpose(self, x: str, type: str, permutation: str) -> str:
        out = self.empty(type)
        return self.add(
            type,
            f"linalg.transpose ins({x} : {self.types[x]}) outs({out} : {type})"
            f" permutation = [{permutation}]",
        )

    def attention(self, q: str, k: str, v: str) -> str:
        s, h = self.shape.tokens, self.shape.heads
        d = self.shape.features // h
        split, heads = _tensor(s, h, d), _tensor(h, s, d)
        expanded = [
            self.add(
                split,
                f"tensor.expand_shape {t} [[0], [1, 2]] output_shape [{s}, {h}, {d}]"
                f" : {self.x} into {split}",
            )
            for t in (q, k, v)
        ]
        q, v = (self._transpose(expanded[i], heads, "1, 0, 2") for i in (0, 2))
        k = self._transpose(expanded[1], _tensor(h, d, s), "1, 2, 0")
        square, row = _tensor(h, s, s), "(h, i, j) -> (h, i)"
        all, parallel = "(h, i, j) -> (h, i, j)", ["parallel"] * 3
        reduction = ["parallel", "parallel", "reduction"]
        scores = self.named("batch_matmul", square, q, k)
        scale = self.add("f32", f"arith.constant {d**-0.5} : f32")
        scaled = self.generic(
            square,
            [scores],
            [all, all],
            parallel,
            [f"%p = arith.mulf %a0, {scale} : f32", "%p"],
        )
        most = self.generic(
            _tensor(h, s),
            [scaled],
            [all, row],
            reduction,
            ["%m = arith.maximumf %a0, %out : f32", "%m"],
            self.filled("0xFF800000", _tensor(h, s)),
        )
        powers = self.generic(
            square,
            [scaled, most],
            [all, row, all],
            parallel,
            ["%d = arith.subf %a0, %a1 : f32", "%e = math.exp %d : f32", "%e"],
        )
        sums = self.generic(
            _tensor(h, s),
            [powers],
            [all, row],
            reduction,
            ["%s = arith.addf %a0, %out : f32", "%s"],
            self.filled("0.0", _tensor(h, s)),
        )
        weights = self.generic(
            square,
            [powers, sums],
            [all, row, all],
            parallel,
            ["%q = arith.divf %a0, %a1 : f32", "%q"],
        )
        mixed = self.named("batch_matmul", heads, weights, v)
        turned = self._transpose(mixed, split, "1, 0, 2")
        return self.add(
            self.x,
            f"tensor.collapse_shape {turned} [[0], [1, 2]] : {split} into {self.x}",
        )

    def gated(self, gate: str, up: str) -> str:
        all = "(i, j) -> (i, j)"
        one = self.add("f32", "arith.constant 1.0 : f32")
        return self.generic(
            self.types[gate],
            [gate, up],
            [all] * 3,
            ["parallel"] * 2,
            [
                "%n = arith.negf %a0 : f32",
                "%e = math.exp %n : f32",
                f"%s = arith.addf %e, {one} : f32",
                "%g = arith.divf %a0, %s : f32",
                "%p = arith.mulf %g, %a1 : f32",
                "%p",
            ],
        )

    def sum(self, x: str, y: str) -> str:
        all = "(i, j) -> (i, j)"
        return self.generic(
            self.x,
            [x, y],
            [all] * 3,
            ["parallel"] * 2,
            ["%s = arith.addf %a0, %a1 : f32", "%s"],
        )

    def function(self, name: str, results: list[str], arguments: list[str]) -> str:
        signature = ", ".join(f"{a}: {self.types[a]}" for a in arguments)
        types = ", ".join(self.types[r] for r in results)
        body = "\n".join(self.lines)
        return (
            f"func.func @{name}({signature}) -> ({types}) {{\n{body}\n"
            f"  return {', '.join(results)} : {types}\n}}\n"
        )


def write_block(shape: BlockShape) -> str:
    b = _Block(shape)
    x = b.argument(0, b.x)
    a = b.norm(x)
    q, k, v = (b.linear(a, name) for name in ("wq", "wk", "wv"))
    h = b.sum(x, b.linear(b.attention(q, k, v), "wo"))
    n = b.norm(h)
    gated = b.gated(b.linear(n, "wg"), b.linear(n, "wu"))
    return b.function("block", [b.sum(h, b.linear(gated, "wd"))], [x])


def write_linears(shape: BlockShape) -> str:
    """The seven linears, of inputs that are there."""
    b = _Block(shape)
    a, c, n = (b.argument(i, b.x) for i in range(3))
    hidden = b.argument(3, _tensor(shape.tokens, shape.hidden))
    results = [b.linear(a, name) for name in ("wq", "wk", "wv")]
    results += [b.linear(c, "wo"), b.linear(n, "wg"), b.linear(n, "wu")]
    results.append(b.linear(hidden, "wd"))
    return b.function("linears", results, [a, c, n, hidden])


def write_attention(shape: BlockShape) -> str:
    b = _Block(shape)
    arguments = [b.argument(i, b.x) for i in range(3)]
    return b.function("attention", [b.attention(*arguments)], arguments)


def write_norm(shape: BlockShape) -> str:
    b = _Block(shape)
    x = b.argument(0, b.x)
    return b.function("norm", [b.norm(x)], [x])


def write_gated(shape: BlockShape) -> str:
    b = _Block(shape)
    hidden = _tensor(shape.tokens, shape.hidden)
    arguments = [b.argument(i, hidden) for i in range(2)]
    return b.function("gated", [b.gated(*arguments)], arguments)


# What a block consists of, but for its two sums.
FUNCTIONS: dict[str, Callable[[BlockShape], str]] = {
    "block": write_block,
    "linears": write_linears,
    "attention": write_attention,
    "norm": write_norm,
    "gated": write_gated,
}
