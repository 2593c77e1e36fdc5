# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Functions in IR, written op by op."""


def tensor(shape, element="f32"):
    return f"tensor<{'x'.join(map(str, [*shape, element]))}>"


ELEMENTS = {"float32": "f32", "float16": "f16", "int8": "i8", "int32": "i32"}


def dense(array, element=None):
    """The attribute and its type."""
    kind = tensor(array.shape, element or ELEMENTS[str(array.dtype)])
    text = array.tobytes().hex().upper()
    return f'dense<"0x{text}">', kind


class Writer:
    """Writes a function, op by op; a value is a name and a type."""

    def __init__(self, *arguments, weights=()):
        """`weights` are the numbers of the arguments that are marked as such."""
        self.arguments = [(f"%arg{i}", kind) for i, kind in enumerate(arguments)]
        self.weights = weights
        self.lines = []

    def add(self, op, kind):
        name = f"%v{len(self.lines)}"
        self.lines.append(f"{name} = {op}")
        return name, kind

    def constant(self, array, element=None):
        text, kind = dense(array, element)
        return self.add(f"arith.constant {text} : {kind}", kind)

    def init(self, shape, like=None, element="f32"):
        """Zeros; a dynamic size is that of `like` in the same place."""
        kind, sizes = tensor(shape, element), []
        for d, size in enumerate(shape):
            if size == "?":
                place = self.add(f"arith.constant {d} : index", "index")[0]
                dim = f"tensor.dim {like[0]}, {place} : {like[1]}"
                sizes.append(self.add(dim, "index")[0])
        empty = self.add(f"tensor.empty({', '.join(sizes)}) : {kind}", kind)
        value = "0.0" if element.startswith("f") else "0"
        zero = self.add(f"arith.constant {value} : {element}", element)
        fill = f"linalg.fill ins({zero[0]} : {element}) outs({empty[0]} : {kind})"
        return self.add(f"{fill} -> {kind}", kind)

    def linalg(self, op, inputs, out, attributes="", behind=""):
        """A named op; broadcast and transpose have their attribute behind."""
        names = ", ".join(name for name, _ in inputs)
        kinds = ", ".join(kind for _, kind in inputs)
        text = f"linalg.{op} {attributes} ins({names} : {kinds}) "
        text += f"outs({out[0]} : {out[1]}) {behind}"
        return self.add(text if behind else f"{text} -> {out[1]}", out[1])

    def generic(self, maps, iterators, inputs, out, body="", result="%r"):
        """`body` makes the result from %i0, %i1, … and %o, the init's element."""
        loops = ", ".join(f"d{i}" for i in range(len(iterators)))
        maps = ", ".join(f"affine_map<({loops}) -> ({m})>" for m in maps)
        kinds = {"p": '"parallel"', "r": '"reduction"'}
        iterators = ", ".join(kinds[i] for i in iterators)
        names = ", ".join(name for name, _ in inputs)
        types = ", ".join(kind for _, kind in inputs)
        elements = ", ".join(
            f"%i{i}: {kind[kind.rindex('x') + 1 : -1]}"
            for i, (_, kind) in enumerate(inputs)
        )
        return self.add(
            f"linalg.generic {{indexing_maps = [{maps}], "
            f"iterator_types = [{iterators}]}} ins({names} : {types}) "
            f"outs({out[0]} : {out[1]}) {{\n"
            f"  ^bb0({elements}, %o: f32):\n    {body}\n"
            f"    linalg.yield {result} : f32\n  }} -> {out[1]}",
            out[1],
        )

    def returning(self, *results, name="main"):
        arguments = ", ".join(
            f"{argument}: {kind}{' {stamp.weight}' if i in self.weights else ''}"
            for i, (argument, kind) in enumerate(self.arguments)
        )
        names = ", ".join(name for name, _ in results)
        kinds = ", ".join(kind for _, kind in results)
        body = "\n  ".join(self.lines)
        return (
            f"func.func @{name}({arguments}) -> ({kinds}) {{\n  {body}\n"
            f"  return {names} : {kinds}\n}}\n"
        )
