# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Packed codes, compiled and run: the oracle's bytes, and as few as promised."""

import numpy as np
import pytest
from stamp import reference
from stamp.testdata import ar1

# Every width, segments that are empty, a rest that is: by rows or by fractions.
SCHEDULES = {
    "mixed": reference.Schedule([(3, 8), (0.25, 4)], 2),
    "odd_widths": reference.Schedule([(2, 3), (1, 5), (1, 6), (1, 7)], 3),
    "empty_parts": reference.Schedule([(0, 2), (1.0, 4)], 8),
    "weight": reference.Schedule([], 4),
}


def tensor(sizes):
    return f"tensor<{'x'.join(map(str, sizes))}xi8>"


def round_trip(name, shape, schedule, axis, packed_axis, static=True):
    """A function that packs codes and unpacks them again, and gives out both."""
    parts = reference.pack(np.zeros(shape, np.int8), schedule, axis, packed_axis)
    shapes = [shape, *(part.shape for part in parts)]
    types = [tensor(s if static else "?" * len(s)) for s in shapes]
    inits = ", ".join(f"%e{i}" for i in range(len(parts)))
    packed, all_types = ", ".join(types[1:]), ", ".join(types)
    arguments = ", ".join(f"%e{i}: {kind}" for i, kind in enumerate(types[1:]))
    results = ", ".join(f"%p#{i}" for i in range(len(parts)))
    return f"""
func.func @{name}(%q: {types[0]}, {arguments}) -> ({all_types}) {{
  %p:{len(parts)} = stamp.pack {schedule} along {axis} over {packed_axis}
      ins(%q : {types[0]}) outs({inits} : {packed})
  %u = stamp.unpack {schedule} along {axis} over {packed_axis}
      ins({results} : {packed}) outs(%q : {types[0]})
  return %u, {results} : {all_types}
}}
"""


def arguments(shape, schedule, axis, packed_axis):
    """Any codes at all, and inits full of what must not come through."""
    codes = np.random.default_rng(5).integers(-128, 128, shape).astype(np.int8)
    parts = reference.pack(codes, schedule, axis, packed_axis)
    return codes, *(np.full(part.shape, 0x5A, np.int8) for part in parts)


@pytest.mark.parametrize("static", [True, False], ids=["static", "dynamic"])
def test_bytes_are_the_oracles(run, static):
    # Whole bytes and last ones that are not full, both dimensions in each place.
    layouts = [
        ((12, 8), 0, 1),
        ((9, 1), 0, 1),
        ((1, 3), 0, 1),
        ((5, 12), 1, 0),
        ((2, 7, 13), 1, 2),
        ((6, 2, 5), 2, 0),
    ]

    def kind(layout):
        shape, axis, packed_axis = layout
        return f"{len(shape)}{axis}{packed_axis}"

    cases = [
        # One dynamic program serves all sizes.
        (f"{name}_{i if static else kind(layout)}", (layout[0], schedule, *layout[1:]))
        for name, schedule in SCHEDULES.items()
        for i, layout in enumerate(layouts)
    ]
    functions = {name: round_trip(name, *case, static) for name, case in cases}
    calls = [
        (name, arguments(*case), len(case[1].segments) + 2) for name, case in cases
    ]
    outcomes = run("".join(functions.values()), calls, "-O1")
    for (_, case), call, results in zip(cases, calls, outcomes, strict=True):
        shape, schedule, axis, packed_axis = case
        codes = call[1][0]
        parts = reference.pack(codes, schedule, axis, packed_axis)
        for actual, expected in zip(results[1:], parts, strict=True):
            np.testing.assert_array_equal(actual, expected)
        count = shape[packed_axis]
        expected = reference.unpack(parts, count, schedule, axis, packed_axis)
        np.testing.assert_array_equal(results[0], expected)


SCRIPT = """
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %p = transform.structured.match ops{["stamp.pack", "stamp.unpack"]} in %root
        : (!transform.any_op) -> !transform.any_op
    transform.structured.tile_using_for %p tile_sizes [2]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
"""


@pytest.mark.parametrize("static", [True, False], ids=["static", "dynamic"])
def test_tiled_is_untiled(tmp_path, run, optimize, static):
    """Tiles of a batch, the last one ragged, hold whole sequences of whole bytes."""
    script = tmp_path / "script.mlir"
    script.write_text(SCRIPT)
    case = (5, 7, 6), SCHEDULES["mixed"], 1, 2
    program = round_trip("f", *case, static)
    tiled = optimize(
        program,
        f"--transform-preload-library=transform-library-paths={script}",
        "--transform-interpreter",
        "--canonicalize",
        "--cse",
    )
    assert tiled.count("scf.for") == 2
    calls = [("f", arguments(*case), 4)]
    [expected], [actual] = run(program, calls), run(tiled, calls)
    for one, other in zip(expected, actual, strict=True):
        np.testing.assert_array_equal(one, other)


def test_inits_of_a_wrong_size_stop_a_dynamic_program(run):
    schedule = SCHEDULES["mixed"]
    module = round_trip("f", (12, 8), schedule, 0, 1, static=False)
    codes, *inits = arguments((12, 8), schedule, 0, 1)
    inits[1] = inits[1][:, :-1]
    with pytest.raises(AssertionError, match="does not have the size of the others"):
        run(module, [("f", (codes, *inits), 4)])


def test_a_quantized_activation_takes_the_bits_of_its_schedule(run):
    """64 rows of 8 bits and 448 of 4: 64·120 + 448·60 bytes, and not a bit lost."""
    schedule = reference.Schedule([(64, 8)], 4)
    x, q = "tensor<512x120xf32>", "tensor<512x120xi8>"
    p8, p4 = "tensor<64x120xi8>", "tensor<448x60xi8>"
    module = f"""
func.func @f(%x: {x}) -> ({q}, {p8}, {p4}) {{
  %eq = tensor.empty() : {q}
  %es = tensor.empty() : tensor<512xf32>
  %ez = tensor.empty() : tensor<512xi32>
  %q, %s, %z = stamp.quantize {schedule} along 0 over 1 ins(%x : {x})
      outs(%eq, %es, %ez : {q}, tensor<512xf32>, tensor<512xi32>)
  %e8 = tensor.empty() : {p8}
  %e4 = tensor.empty() : {p4}
  %p8, %p4 = stamp.pack {schedule} along 0 over 1 ins(%q : {q})
      outs(%e8, %e4 : {p8}, {p4})
  %u = stamp.unpack {schedule} along 0 over 1 ins(%p8, %p4 : {p8}, {p4})
      outs(%eq : {q})
  return %u, %p8, %p4 : {q}, {p8}, {p4}
}}
"""
    data = reference.Haar(5).forward(ar1(512, 120, seed=2))
    [(codes, *packed)] = run(module, [("f", [data], 3)])
    np.testing.assert_array_equal(codes, reference.quantize(data, schedule).codes)
    size = sum(part.nbytes for part in packed)
    assert size == schedule.bits_per_row(512).sum() * 120 / 8
    assert size == codes.nbytes * 4.5 / 8


def test_a_constant_weight_is_packed_by_the_compiler(run, optimize):
    random = np.random.default_rng(6)
    for (axis, packed_axis), schedule in [
        ((1, 0), SCHEDULES["weight"]),
        ((0, 1), SCHEDULES["mixed"]),
    ]:
        codes = random.integers(-7, 8, (97, 65)).astype(np.int8)
        parts = reference.pack(codes, schedule, axis, packed_axis)
        types = [tensor(part.shape) for part in parts]
        inits = [f"%e{i}" for i in range(len(parts))]
        results = ", ".join(f"%p#{i}" for i in range(len(parts)))
        empties = "".join(
            f"  {e} = tensor.empty() : {kind}\n" for e, kind in zip(inits, types)
        )
        folded = optimize(
            f"""
func.func @f() -> ({", ".join(types)}) {{
  %q = arith.constant dense<"0x{codes.tobytes().hex().upper()}"> : {tensor(codes.shape)}
{empties}
  %p:{len(parts)} = stamp.pack {schedule} along {axis} over {packed_axis}
      ins(%q : {tensor(codes.shape)}) outs({", ".join(inits)} : {", ".join(types)})
  return {results} : {", ".join(types)}
}}
""",
            "--canonicalize",
        )
        assert "stamp.pack" not in folded
        assert str(tensor(codes.shape)) not in folded
        [actual] = run(folded, [("f", [], len(parts))])
        for one, other in zip(actual, parts, strict=True):
            np.testing.assert_array_equal(one, other)
