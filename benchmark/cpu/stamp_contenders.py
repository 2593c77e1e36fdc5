# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What STaMP compiles: the layer as linalg, a plan, and a pipeline to LLVM.

A new code generator is a new `Backend` in BACKENDS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isqrt

from compiled_function import compile_function
from contender import MIN_SQNR_4BIT, MIN_SQNR_F32, Contender, Prepared
from layer import Layer, Shape

_MODULE = """\
func.func @linear(%x: tensor<{m}x{k}xf32>) -> tensor<{m}x{n}xf32> {{
  %weight = arith.constant dense_resource<weight> : tensor<{k}x{n}xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<{m}x{n}xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<{m}x{n}xf32>) -> tensor<{m}x{n}xf32>
  %y = linalg.matmul ins(%x, %weight : tensor<{m}x{k}xf32>, tensor<{k}x{n}xf32>)
         outs(%zeros : tensor<{m}x{n}xf32>) -> tensor<{m}x{n}xf32>
  return %y : tensor<{m}x{n}xf32>
}}
"""


@dataclass(frozen=True)
class Backend:
    # Stands in front of a contender's name; empty for the one of users.
    prefix: str
    # From stamp on tensors to LLVM. {parallel} is replaced by whether there are
    # several threads.
    pipeline: str
    # Larger layers would take 15 rounds too long.
    max_ops: float
    # A portable lowering has dense products where a fast one has O(S log S).
    max_ops_dense: float
    # Whether it uses more than one.
    threads: bool

    def takes(self, shape: Shape, threads: int, dense: bool) -> bool:
        limit = self.max_ops_dense if dense else self.max_ops
        return shape.ops <= limit and (self.threads or threads == 1)


BACKENDS = [
    Backend(
        "",
        "stamp-cpu-pipeline{cpu=host parallel={parallel}}",
        max_ops=inf,
        max_ops_dense=inf,
        threads=True,
    ),
    Backend(
        "portable ", "stamp-cpu-pipeline", max_ops=3e9, max_ops_dense=1e9, threads=False
    ),
]


@dataclass(frozen=True)
class Plan:
    name: str
    # The basis for so many tokens; None where there is no such basis.
    basis: Callable[[int], str | None]
    weight_bits: int = 4
    features: str = ""
    dense: bool = False
    min_tokens: int = 2


def _fixed(basis: str) -> Callable[[int], str | None]:
    return lambda tokens: basis


def _transform(basis: str) -> Callable[[int], str | None]:
    """One token has nothing to transform."""
    return lambda tokens: basis if tokens > 1 else None


def _haar2d(tokens: int) -> str | None:
    """The most square grid, as the patches of an image; 197 is one token and 14×14."""
    for skip in 0, 1:
        height = isqrt(tokens - skip)
        while height > 1 and (tokens - skip) % height:
            height -= 1
        width = (tokens - skip) // max(height, 1)
        if height > 1 and width <= 4 * height:
            skipped = f", skip = {skip}" if skip else ""
            return f"#stamp.haar2d<levels = 3, grid = {height}x{width}{skipped}>"
    return None


def _schedule(tokens: int) -> str:
    """64 rows at 8 bits, all of them where there are no more, and the rest at 4."""
    return f"#stamp.schedule<[{min(64, tokens)} : 8], 4>"


_IDENTITY = _fixed("#stamp.identity")
_HAAR3 = _transform("#stamp.haar<levels = 3>")

OFF, OFF_W8 = "off", "off W8"
PLANS = [
    Plan(OFF, _IDENTITY, min_tokens=1),
    Plan(OFF_W8, _IDENTITY, weight_bits=8, min_tokens=1),
    Plan("haar3", _HAAR3),
    Plan("haar3 W8", _HAAR3, weight_bits=8),
    Plan("haar3 hadamard", _HAAR3, features="hadamard"),
    Plan("haar5", _transform("#stamp.haar<levels = 5>")),
    Plan("haar2d", _haar2d),
    Plan("dct", _transform("#stamp.dct"), dense=True),
    Plan("wht", _transform("#stamp.wht")),
]


def contenders() -> list[Contender]:
    entrants = []
    for backend in BACKENDS:
        entrants += [_contender(backend, plan) for plan in PLANS]
        entrants.append(_float_contender(backend))
    return entrants


def _contender(backend: Backend, plan: Plan) -> Contender:
    off = OFF if plan.weight_bits == 4 else OFF_W8

    def takes(shape: Shape, threads: int) -> bool:
        return backend.takes(shape, threads, plan.dense) and bool(
            plan.basis(shape.tokens)
        )

    def prepare(layer: Layer, cpus: Sequence[int]) -> Prepared:
        options = {
            "basis": plan.basis(layer.shape.tokens),
            "schedule": _schedule(layer.shape.tokens),
            "weight-bits": plan.weight_bits,
            "min-tokens": plan.min_tokens,
        }
        if plan.features:
            options["features"] = plan.features
        words = " ".join(f"{key}={{{value}}}" for key, value in options.items())
        passes = f"stamp-select{{{words}}},stamp-quantize,stamp-fold,"
        return _compile(layer, passes + backend.pipeline, len(cpus))

    return Contender(
        backend.prefix + plan.name,
        prepare,
        weight_bits=plan.weight_bits,
        min_sqnr=MIN_SQNR_4BIT,
        ours=True,
        baseline="" if plan.name == off else backend.prefix + off,
        takes=takes,
    )


def _float_contender(backend: Backend) -> Contender:
    return Contender(
        backend.prefix + "f32",
        lambda layer, cpus: _compile(layer, backend.pipeline, len(cpus)),
        weight_bits=32,
        min_sqnr=MIN_SQNR_F32,
        ours=True,
        takes=lambda shape, threads: backend.takes(shape, threads, dense=False),
    )


def _compile(layer: Layer, pipeline: str, threads: int) -> Prepared:
    shape = layer.shape
    module = _MODULE.format(m=shape.tokens, k=shape.features, n=shape.channels)
    pipeline = pipeline.replace("{parallel}", str(threads > 1).lower())
    run, outputs = compile_function(
        module, pipeline, "linear", {"weight": layer.weight}, threads, [layer.x], 1
    )
    return Prepared(run, lambda: outputs()[0], kernel=pipeline.rpartition(",")[2])
