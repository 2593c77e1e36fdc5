# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What ops can do, done together: lengths, block order, groups, packing, buffers."""

import numpy as np
import pytest
from stamp import reference
from stamp.testdata import ar1

TOKENS, WIDTH, GROUP = 13, 12, 5
LENGTHS = np.array([0, 1, 6, 7, 13, 20, -2])
SCHEDULE = reference.Schedule([(2, 8), (0.25, 6)], 4)
BASES = {
    "haar": reference.Haar(2),
    "haar_skip": reference.Haar(3, skip=2),
    "wht": reference.WHT(),
    "wht4_skip": reference.WHT(4, skip=1),
    "dct": reference.DCT(),
}
BUFFERIZE = (
    "--one-shot-bufferize=bufferize-function-boundaries "
    "function-boundary-type-conversion=identity-layout-map"
)


def tensor(*sizes, element="f32"):
    return f"tensor<{''.join(f'{size}x' for size in sizes)}{element}>"


def program(basis, static):
    """Transforms, rotates, quantizes, packs and comes back, in a padded batch."""
    b, s = (len(LENGTHS), TOKENS) if static else "??"
    sizes, tokens = ("", "") if static else ("%b, %s", "%b, %s")
    groups = -(-WIDTH // GROUP)
    x, q = tensor(b, s, WIDTH), tensor(b, s, WIDTH, element="i8")
    sx, zx = tensor(b, s, groups), tensor(b, s, groups, element="i32")
    n = tensor(b, element="i64")
    return f"""
func.func @f(%x: {x}, %n: {n}) -> ({x}, {q}, {sx}, {zx}, {q}, {x}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : {x}
  %s = tensor.dim %x, %c1 : {x}
  %e = tensor.empty({sizes}) : {x}
  %l = stamp.transform {basis} along 1 block_order lengths(%n : {n})
      ins(%x : {x}) outs(%e : {x})
  %r = stamp.feature_transform #stamp.hadamard<order = 3> over 2
      ins(%l : {x}) outs(%e : {x})
  %eq = tensor.empty({tokens}) : {q}
  %es = tensor.empty({tokens}) : {sx}
  %ez = tensor.empty({tokens}) : {zx}
  %q, %sx, %zx = stamp.quantize {SCHEDULE} along 1 over 2 lengths(%n : {n})
      groups of {GROUP} block_order of {basis}
      ins(%r : {x}) outs(%eq, %es, %ez : {q}, {sx}, {zx})
  %p = stamp.pack #stamp.schedule<[], 8> along 1 over 2 ins(%q : {q}) outs(%eq : {q})
  %u = stamp.unpack #stamp.schedule<[], 8> along 1 over 2 ins(%p : {q}) outs(%eq : {q})
  %d = stamp.dequantize over 2 groups of {GROUP}
      ins(%u, %sx, %zx : {q}, {sx}, {zx}) outs(%e : {x})
  %ri = stamp.inverse_feature_transform #stamp.hadamard<order = 3> over 2
      ins(%d : {x}) outs(%e : {x})
  %li = stamp.inverse_transform {basis} along 1 block_order lengths(%n : {n})
      ins(%ri : {x}) outs(%e : {x})
  return %r, %q, %sx, %zx, %u, %li : {x}, {q}, {sx}, {zx}, {q}, {x}
}}
"""


def inputs():
    x = np.stack([ar1(TOKENS, WIDTH, seed=i) for i in range(len(LENGTHS))])
    x[np.arange(TOKENS) >= np.clip(LENGTHS, 0, TOKENS)[:, None]] = np.nan
    return x, LENGTHS.astype(np.int64)


@pytest.mark.parametrize("static", [True, False], ids=["static", "dynamic"])
@pytest.mark.parametrize("name", BASES)
def test_all_together(run, name, static):
    basis = BASES[name]
    x, n = inputs()
    ((rotated, codes, scales, zeros, unpacked, back),) = run(
        program(basis, static), [("f", [x, n], 6)], "--allow-nonfinite"
    )
    rotation = reference.Hadamard(3)
    expected = rotation.forward(basis.forward(x, lengths=n, block_order=True))
    valid = np.arange(TOKENS) < np.clip(n, 0, TOKENS)[:, None]
    np.testing.assert_allclose(
        rotated[valid], expected[valid], rtol=0, atol=2e-6 * np.abs(x[valid]).max()
    )
    # On the path's own coefficients, whatever the order of summation made them.
    own = reference.quantize(
        rotated, SCHEDULE, group=GROUP, lengths=n, block_order_of=basis
    )
    np.testing.assert_array_equal(codes, own.codes)
    np.testing.assert_array_equal(scales, own.scales)
    np.testing.assert_array_equal(zeros, own.zeros)
    np.testing.assert_array_equal(unpacked, codes)
    decoded = reference.dequantize(own, group=GROUP)
    restored = basis.inverse(rotation.inverse(decoded), lengths=n, block_order=True)
    np.testing.assert_allclose(
        back[valid], restored[valid], rtol=0, atol=4e-6 * np.abs(x[valid]).max()
    )
    assert reference.sqnr_db(x[valid], back[valid]) > 15


def test_widths_follow_the_blocks_of_each_length():
    """The oracle itself: more bits for coarse coefficients, wherever they stand."""
    x, n = inputs()
    basis = BASES["haar"]
    t = basis.forward(x, lengths=n, block_order=True)
    blocks = reference.quantize(t, SCHEDULE, lengths=n, block_order_of=basis)
    coarse = reference.quantize(basis.forward(x, lengths=n), SCHEDULE, lengths=n)
    for i, count in enumerate(np.clip(n, 0, TOKENS)):
        places = basis.places(int(count))
        np.testing.assert_array_equal(blocks.codes[i][places], coarse.codes[i][:count])


@pytest.mark.parametrize("name", ["haar_skip", "wht"])
def test_bufferized_early(run, optimize, name):
    """All ops on buffers, and lowered only then: the same bits."""
    text = program(BASES[name], static=False)
    early = optimize(text.replace("@f", "private @g"), BUFFERIZE, "--canonicalize")
    assert "= stamp." not in early
    for op in ["feature_transform", "pack", "unpack", "inverse_feature_transform"]:
        assert f"stamp.{op} " in early
    signature = text[text.index("(") + 1 : text.index("{\n") - 1]
    types = [part.split(": ")[1] for part in signature.split(") -> ")[0].split(", %")]
    results = signature.split(") -> (")[1].rstrip(") ").split(", ")
    buffers = [t.replace("tensor", "memref") for t in types + results]
    arguments, made = buffers[: len(types)], buffers[len(types) :]
    caller = f"""
func.func @f(%x: {types[0]}, %n: {types[1]}) -> ({", ".join(results)}) {{
  %mx = bufferization.to_buffer %x : {types[0]} to {arguments[0]}
  %mn = bufferization.to_buffer %n : {types[1]} to {arguments[1]}
  %m:{len(made)} = call @g(%mx, %mn) : ({", ".join(arguments)}) -> ({", ".join(made)})
"""
    for i, (buffer, result) in enumerate(zip(made, results)):
        caller += f"  %t{i} = bufferization.to_tensor %m#{i} restrict : {buffer} to {result}\n"
    values = ", ".join(f"%t{i}" for i in range(len(made)))
    caller += f"  return {values} : {', '.join(results)}\n}}\n"
    arrays = list(inputs())
    (usual,) = run(text, [("f", arrays, 6)], "--allow-nonfinite")
    module = early.rstrip().removesuffix("}") + caller + "}"
    (buffered,) = run(module, [("f", arrays, 6)], "--allow-nonfinite")
    for one, other in zip(usual, buffered, strict=True):
        np.testing.assert_array_equal(one.view(np.int8), other.view(np.int8))
