# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes linalg on tensors as MLIR text, for people without MLIR's Python bindings.

Tensor operations are methods of `Function`; what a `linalg.generic` does to the
single elements is an ordinary Python function of `Scalar`s:

    function.map(lambda x, bias: x + bias, features, along(bias, 1))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import numpy as np


@dataclass(frozen=True)
class Value:
    """An SSA value: an f32 tensor of static shape."""

    name: str
    shape: tuple[int, ...]

    @property
    def type(self) -> str:
        return _tensor_type(self.shape)


@dataclass(frozen=True)
class Operand:
    """A value as `map` reads it: its dimensions are these dimensions of the result."""

    value: Value
    dimensions: tuple[int, ...]


def along(value: Value, *dimensions: int) -> Operand:
    """`value` repeated along all dimensions of the result but these."""
    return Operand(value, dimensions)


class Scalar:
    """An f32 inside a `linalg.generic`; arithmetic on it writes operations."""

    def __init__(self, body: _Body, name: str):
        self._body = body
        self.name = name

    def __add__(self, other: Scalar | float) -> Scalar:
        return self._body.binary("arith.addf", self, other)

    def __sub__(self, other: Scalar | float) -> Scalar:
        return self._body.binary("arith.subf", self, other)

    def __mul__(self, other: Scalar | float) -> Scalar:
        return self._body.binary("arith.mulf", self, other)

    def __truediv__(self, other: Scalar | float) -> Scalar:
        return self._body.binary("arith.divf", self, other)

    def __neg__(self) -> Scalar:
        return self._body.unary("arith.negf", self)

    def maximum(self, other: Scalar) -> Scalar:
        return self._body.binary("arith.maximumf", self, other)

    def exp(self) -> Scalar:
        return self._body.unary("math.exp", self)

    def sqrt(self) -> Scalar:
        return self._body.unary("math.sqrt", self)


class Module:
    """Functions, and the bytes of the large constants they use."""

    def __init__(self) -> None:
        self._functions: list[Function] = []
        self._resources: dict[str, np.ndarray] = {}

    def function(
        self, name: str, arguments: Sequence[tuple[int, ...]], result: tuple[int, ...]
    ) -> Function:
        self._functions.append(Function(self, name, arguments, result))
        return self._functions[-1]

    def add_resource(self, name: str, array: np.ndarray) -> None:
        if name in self._resources:
            raise ValueError(f"resource {name} exists already")
        self._resources[name] = array

    def __str__(self) -> str:
        functions = "\n".join(str(function) for function in self._functions)
        blobs = ",\n".join(
            f'      {name}: "{_blob(array)}"' for name, array in self._resources.items()
        )
        return (
            f"module {{\n{functions}\n}}\n\n"
            f"{{-#\n  dialect_resources: {{\n    builtin: {{\n{blobs}\n    }}\n  }}\n#-}}\n"
        )


class Function:
    def __init__(
        self,
        module: Module,
        name: str,
        arguments: Sequence[tuple[int, ...]],
        result: tuple[int, ...],
    ):
        self._module = module
        self._name = name
        self._result_type = _tensor_type(result)
        self._numbers = count()
        self._location: list[str] = []
        self._lines: list[str] = []
        self.arguments = [
            Value(f"%arg{index}", shape) for index, shape in enumerate(arguments)
        ]

    @contextmanager
    def at(self, name: str) -> Iterator[str]:
        """What is written inside carries this location; nested ones join with dots."""
        self._location.append(name)
        yield ".".join(self._location)
        self._location.pop()

    def constant(self, name: str, array: np.ndarray) -> Value:
        self._module.add_resource(name, array.astype(np.float32, copy=False))
        return self._operation(
            f"arith.constant dense_resource<{name}> : {_tensor_type(array.shape)}",
            array.shape,
        )

    def matmul(self, left: Value, right: Value) -> Value:
        """left · right, over a leading batch dimension if there is one."""
        name = "linalg.matmul" if len(left.shape) == 2 else "linalg.batch_matmul"
        shape = (*left.shape[:-1], right.shape[-1])
        return self._operation(
            f"{name} {_ins(left, right)} {_outs(self._fill(shape, 0.0))} -> {_tensor_type(shape)}",
            shape,
        )

    def map(
        self, element: Callable[..., Scalar], first: Value, *others: Value | Operand
    ) -> Value:
        """element(...) of the operands, element by element, in the shape of the first."""
        everywhere = tuple(range(len(first.shape)))
        operands = [Operand(first, everywhere)] + [
            other if isinstance(other, Operand) else along(other, *everywhere)
            for other in others
        ]
        return self._generic(
            element,
            operands,
            along(self._empty(first.shape), *everywhere),
            iterators=["parallel"] * len(everywhere),
            reads_result=False,
        )

    def reduce_last(
        self, combine: Callable[[Scalar, Scalar], Scalar], initial: float, value: Value
    ) -> Value:
        """Folds the last dimension: accumulator = combine(accumulator, element)."""
        *kept, last = range(len(value.shape))
        return self._generic(
            lambda element, accumulator: combine(accumulator, element),
            [along(value, *kept, last)],
            along(self._fill(value.shape[:-1], initial), *kept),
            iterators=["parallel"] * len(kept) + ["reduction"],
            reads_result=True,
        )

    def transpose(self, value: Value, permutation: Sequence[int]) -> Value:
        shape = tuple(value.shape[dimension] for dimension in permutation)
        return self._operation(
            f"linalg.transpose {_ins(value)} {_outs(self._empty(shape))} "
            f"permutation = {list(permutation)}",
            shape,
        )

    def columns(self, value: Value, start: int, size: int) -> Value:
        """Columns [start, start + size) of a matrix."""
        shape = (value.shape[0], size)
        return self._operation(
            f"tensor.extract_slice {value.name}[0, {start}] [{shape[0]}, {size}] [1, 1]"
            f" : {value.type} to {_tensor_type(shape)}",
            shape,
        )

    def split_last(self, value: Value, parts: int) -> Value:
        """The last dimension in two, the outer one of size `parts`."""
        shape = (*value.shape[:-1], parts, value.shape[-1] // parts)
        return self._operation(
            f"tensor.expand_shape {value.name} {_last_two_together(len(shape))}"
            f" output_shape {list(shape)} : {value.type} into {_tensor_type(shape)}",
            shape,
        )

    def join_last(self, value: Value) -> Value:
        """The last two dimensions in one."""
        *kept, outer, inner = value.shape
        shape = (*kept, outer * inner)
        return self._operation(
            f"tensor.collapse_shape {value.name} {_last_two_together(len(value.shape))}"
            f" : {value.type} into {_tensor_type(shape)}",
            shape,
        )

    def return_(self, value: Value) -> None:
        self._lines.append(f"return {value.name} : {value.type}")

    def __str__(self) -> str:
        arguments = ", ".join(f"{value.name}: {value.type}" for value in self.arguments)
        lines = "\n".join(f"    {line}" for line in self._lines)
        return f"  func.func @{self._name}({arguments}) -> {self._result_type} {{\n{lines}\n  }}"

    def _empty(self, shape: tuple[int, ...]) -> Value:
        return self._operation(f"tensor.empty() : {_tensor_type(shape)}", shape)

    def _fill(self, shape: tuple[int, ...], number: float) -> Value:
        scalar = self._fresh_name()
        self._write(f"{scalar} = arith.constant {_literal(number)} : f32")
        type = _tensor_type(shape)
        return self._operation(
            f"linalg.fill ins({scalar} : f32) {_outs(self._empty(shape))} -> {type}",
            shape,
        )

    def _generic(
        self,
        element: Callable[..., Scalar],
        operands: Sequence[Operand],
        result: Operand,
        iterators: Sequence[str],
        reads_result: bool,
    ) -> Value:
        body = _Body()
        scalars = [body.argument() for _ in [*operands, result]]
        yielded = element(*(scalars if reads_result else scalars[:-1]))

        loops = ", ".join(f"d{loop}" for loop in range(len(iterators)))
        maps = ", ".join(
            f"affine_map<({loops}) -> ({', '.join(f'd{d}' for d in operand.dimensions)})>"
            for operand in [*operands, result]
        )
        kinds = ", ".join(f'"{iterator}"' for iterator in iterators)
        inputs = [operand.value for operand in operands]
        lines = [
            f"linalg.generic {{indexing_maps = [{maps}], iterator_types = [{kinds}]}}"
            f" {_ins(*inputs)} {_outs(result.value)} {{",
            f"^bb0({', '.join(f'{scalar.name}: f32' for scalar in scalars)}):",
            *(f"  {line}" for line in body.lines),
            f"  linalg.yield {yielded.name} : f32",
            f"}} -> {result.value.type}",
        ]
        return self._operation("\n    ".join(lines), result.value.shape)

    def _operation(self, text: str, shape: tuple[int, ...]) -> Value:
        value = Value(self._fresh_name(), shape)
        self._write(f"{value.name} = {text}")
        return value

    def _write(self, text: str) -> None:
        location = f' loc("{".".join(self._location)}")' if self._location else ""
        self._lines.append(text + location)

    def _fresh_name(self) -> str:
        return f"%{next(self._numbers)}"


class _Body:
    """The region of one `linalg.generic` while it is written."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._arguments = count()
        self._numbers = count()

    def argument(self) -> Scalar:
        return Scalar(self, f"%in{next(self._arguments)}")

    def unary(self, operation: str, operand: Scalar) -> Scalar:
        return self._write(f"{operation} {operand.name} : f32")

    def binary(self, operation: str, left: Scalar, right: Scalar | float) -> Scalar:
        if not isinstance(right, Scalar):
            right = self._write(f"arith.constant {_literal(right)} : f32")
        return self._write(f"{operation} {left.name}, {right.name} : f32")

    def _write(self, text: str) -> Scalar:
        scalar = Scalar(self, f"%s{next(self._numbers)}")
        self.lines.append(f"{scalar.name} = {text}")
        return scalar


def _tensor_type(shape: tuple[int, ...]) -> str:
    return f"tensor<{''.join(f'{size}x' for size in shape)}f32>"


def _ins(*values: Value) -> str:
    names = ", ".join(value.name for value in values)
    types = ", ".join(value.type for value in values)
    return f"ins({names} : {types})"


def _outs(value: Value) -> str:
    return f"outs({value.name} : {value.type})"


def _last_two_together(rank: int) -> str:
    """[[0], …, [rank - 2, rank - 1]]"""
    return str([[d] for d in range(rank - 2)] + [[rank - 2, rank - 1]])


def _literal(number: float) -> str:
    """The f32 nearest to `number`: in the fewest digits, or its bits for an infinity."""
    single = np.float32(number)
    if not np.isfinite(single):
        return f"0x{single.view(np.uint32):08X}"
    return np.format_float_scientific(single, unique=True, trim="0")


def _blob(array: np.ndarray) -> str:
    """How MLIR prints a resource: the alignment (4, little endian), then the bytes."""
    return "0x04000000" + array.astype("<f4", copy=False).tobytes().hex().upper()
