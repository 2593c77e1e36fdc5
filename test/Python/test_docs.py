# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The documentation's examples are real: each is parsed, verified or run."""

import pathlib
import re
import subprocess

import pytest

from conftest import BIN, ROOT

REFERENCE = ROOT / "docs" / "reference"


def sections(page):
    """The page's sections of level three, as (title, text) pairs."""
    parts = re.split(r"^### (.*)$", (REFERENCE / page).read_text(), flags=re.M)
    return [(t.strip("`- ").split("`")[0], s) for t, s in zip(parts[1::2], parts[2::2])]


def code_blocks(text):
    return re.findall(r"^```mlir\n(.*?)^```$", text, flags=re.M | re.S)


def split_types(text):
    """Splits at commas outside angle brackets."""
    types, depth = [""], 0
    for c in text:
        depth += {"<": 1, ">": -1}.get(c, 0)
        if c == "," and depth == 0:
            types.append("")
        else:
            types[-1] += c
    return [t.strip() for t in types]


def free_values(fragment):
    defined = {
        name
        for results in re.findall(r"^\s*(%[\w\s,%]+?)\s*=", fragment, flags=re.M)
        for name in re.findall(r"%\w+", results)
    }
    return dict.fromkeys(n for n in re.findall(r"%\w+", fragment) if n not in defined)


def complete(fragment):
    """A function with the fragment, in which its free values are arguments.

    Operand lists carry their types, `(%a, %b : T, U)`; what has none is an index.
    """
    types = {}
    for names, of in re.findall(r"\((%[^:()]*):([^()]*)\)", fragment):
        types.update(zip(re.findall(r"%\w+", names), split_types(of)))
    arguments = ", ".join(
        f"{name}: {types.get(name, 'index')}" for name in free_values(fragment)
    )
    return f"func.func @example({arguments}) {{\n{fragment}\nreturn\n}}\n"


def complete_schedule(fragment):
    """The same for the transform dialect, where free values are handles."""
    arguments = ", ".join(
        f"{name}: !transform.any_op {{transform.consumed}}"
        for name in free_values(fragment)
    )
    return (
        "module attributes {transform.with_named_sequence} {\n"
        f"transform.named_sequence @example({arguments}) {{\n{fragment}\n"
        "transform.yield\n}\n}\n"
    )


def stamp_opt(module, *flags):
    done = subprocess.run(
        [BIN / "stamp-opt", *flags], input=module, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{module}\n{done.stderr}"
    return done.stdout


OPS = [(t, s) for t, s in sections("Dialect.md") if t.startswith("stamp.")]
ATTRIBUTES = [(t, s) for t, s in sections("Dialect.md") if t.endswith("Attr")]
TRANSFORM_OPS = sections("TransformOps.md")
PASSES = [
    (title, text)
    for page in sorted(REFERENCE.glob("*.md"))
    if page.name not in ("Dialect.md", "TransformOps.md")
    for title, text in sections(page.name)
]


def test_pages_are_read():
    assert len(OPS) >= 6 and len(ATTRIBUTES) >= 8
    assert len(TRANSFORM_OPS) >= 6 and len(PASSES) >= 10


@pytest.mark.parametrize(
    "name, text, wrap",
    [(*op, complete) for op in OPS]
    + [(*op, complete_schedule) for op in TRANSFORM_OPS],
    ids=[t for t, _ in OPS + TRANSFORM_OPS],
)
def test_op_examples(name, text, wrap):
    blocks = code_blocks(text)
    assert blocks, "no example"
    for fragment in blocks:
        assert name in stamp_opt(wrap(fragment))


@pytest.mark.parametrize("name, text", ATTRIBUTES, ids=[t for t, _ in ATTRIBUTES])
def test_attribute_examples(name, text):
    paragraphs = re.findall(r"^Examples?: (.*?)\n\n", text, flags=re.M | re.S)
    examples = re.findall(r"`(#.*?)`", " ".join(paragraphs), flags=re.S)
    assert examples, "no example"
    for example in examples:
        stamp_opt(f"module attributes {{test.example = {example}}} {{}}")


@pytest.mark.parametrize("name, text", PASSES, ids=[t for t, _ in PASSES])
def test_pass_examples(name, text):
    """`Before:` a module, `After:` what the pass makes of it; flags in between."""
    for before, flags, after in re.findall(
        r"^Before:\n```mlir\n(.*?)^```\nAfter `(.*?)`:\n```mlir\n(.*?)^```$",
        text,
        flags=re.M | re.S,
    ):
        assert name in flags
        made = stamp_opt(before, *re.findall(r"--\S+?=\{.*?\}(?=\s|$)|\S+", flags))
        assert made == stamp_opt(after)
    assert text.count("```mlir") == 2 * text.count("\nBefore:\n")


def interface_table():
    """The rows of docs/Interfaces.md: an op, and its tests by interface."""
    lines = (ROOT / "docs" / "Interfaces.md").read_text().splitlines()
    table = [
        [cell.strip().strip("`") for cell in line.strip("|").split(" | ")]
        for line in lines
        if line.startswith("|") and not line.startswith("|---")
    ]
    (_, *interfaces), *rows = table
    return interfaces, rows


def test_interface_table_has_every_op():
    assert sorted(op for op, *_ in interface_table()[1]) == sorted(t for t, _ in OPS)


@pytest.mark.parametrize("row", interface_table()[1], ids=lambda row: row[0])
def test_interface_table_names_real_tests(row):
    """Each cell is a file and a function in it that holds the op."""
    op, *cells = row
    assert len(cells) == len(interface_table()[0])
    for cell in cells:
        file, function = cell.split(" @")
        text = (ROOT / "test" / file).read_text()
        body = re.search(rf"^func\.func @{function}\b.*?^}}", text, flags=re.M | re.S)
        assert body, f"{file} has no function @{function}"
        assert re.search(rf"\b{re.escape(op)}\b", body.group()), f"{cell} lacks {op}"
