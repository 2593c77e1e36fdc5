"""Programs compiled and run by stamp-run, against NumPy.

Each test compiles one small module and calls it at several sequence lengths.
"""

import numpy as np
import pytest

LENGTHS = [0, 1, 13, 40]


def tokens(rng, length, width):
    """AR(1) along the sequence, with two outlier features."""
    noise = rng.standard_normal((length, width))
    x = np.empty_like(noise)
    previous = rng.standard_normal(width)
    for i in range(length):
        previous = 0.95 * previous + np.sqrt(1 - 0.95**2) * noise[i]
        x[i] = previous
    x[:, :: max(1, width // 2)] *= 20
    return x.astype(np.float32)


@pytest.fixture
def rng():
    return np.random.default_rng(20251026)


def close(actual, expected, tolerance=1e-5):
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype or expected.dtype == np.float64
    if expected.size:
        scale = np.abs(expected).max()
        assert np.abs(actual - expected).max() <= tolerance * scale


LINEAR = """
func.func @linear(%x: tensor<?x24xf32>, %w: tensor<24x45xf32>, %b: tensor<45xf32>)
    -> tensor<?x45xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %s = tensor.dim %x, %c0 : tensor<?x24xf32>
  %e = tensor.empty(%s) : tensor<?x45xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x45xf32>) -> tensor<?x45xf32>
  %m = linalg.matmul ins(%x, %w : tensor<?x24xf32>, tensor<24x45xf32>)
                     outs(%f : tensor<?x45xf32>) -> tensor<?x45xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>,
                       affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%m, %b : tensor<?x45xf32>, tensor<45xf32>) outs(%e : tensor<?x45xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %a = arith.addf %p, %q : f32
    linalg.yield %a : f32
  } -> tensor<?x45xf32>
  return %y : tensor<?x45xf32>
}
func.func @softmax(%x: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %s = tensor.dim %x, %c0 : tensor<?x?xf32>
  %t = tensor.dim %x, %c1 : tensor<?x?xf32>
  %row = tensor.empty(%s) : tensor<?xf32>
  %all = tensor.empty(%s, %t) : tensor<?x?xf32>
  %lows = linalg.fill ins(%low : f32) outs(%row : tensor<?xf32>) -> tensor<?xf32>
  %max = linalg.reduce { arith.maximumf } ins(%x : tensor<?x?xf32>)
      outs(%lows : tensor<?xf32>) dimensions = [1]
  %exp = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>,
                       affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x, %max : tensor<?x?xf32>, tensor<?xf32>) outs(%all : tensor<?x?xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %d = arith.subf %p, %q : f32
    %v = math.exp %d : f32
    linalg.yield %v : f32
  } -> tensor<?x?xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%row : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<?x?xf32>)
      outs(%zeros : tensor<?xf32>) dimensions = [1]
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>,
                       affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%exp, %sum : tensor<?x?xf32>, tensor<?xf32>) outs(%all : tensor<?x?xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %v = arith.divf %p, %q : f32
    linalg.yield %v : f32
  } -> tensor<?x?xf32>
  return %y, %max : tensor<?x?xf32>, tensor<?xf32>
}
"""


def test_linear_with_bias_and_softmax(run, rng):
    w = rng.standard_normal((24, 45)).astype(np.float32)
    b = rng.standard_normal(45).astype(np.float32)
    calls = []
    for s in LENGTHS:
        x = tokens(rng, s, 24)
        calls += [("linear", [x, w, b], 1), ("softmax", [x], 2)]
    results = run(LINEAR, calls)
    for (_, inputs, _), (y,), (p, m) in zip(calls[::2], results[::2], results[1::2]):
        x = inputs[0].astype(np.float64)
        close(y, x @ w + b)
        assert (m == x.max(axis=1)).all()
        e = np.exp(x - x.max(axis=1, keepdims=True))
        close(p, e / e.sum(axis=1, keepdims=True))


CONTRACTIONS = """
func.func @matmul(%x: tensor<?x?xi8>, %w: tensor<?x?xi8>) -> tensor<?x?xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0 : i32
  %m = tensor.dim %x, %c0 : tensor<?x?xi8>
  %n = tensor.dim %w, %c1 : tensor<?x?xi8>
  %e = tensor.empty(%m, %n) : tensor<?x?xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e : tensor<?x?xi32>) -> tensor<?x?xi32>
  %y = linalg.matmul ins(%x, %w : tensor<?x?xi8>, tensor<?x?xi8>)
                     outs(%f : tensor<?x?xi32>) -> tensor<?x?xi32>
  return %y : tensor<?x?xi32>
}
func.func @scores(%q: tensor<2x?x15xf32>, %k: tensor<2x?x15xf32>, %v: tensor<2x?x15xf32>)
    -> (tensor<2x?x?xf32>, tensor<2x?x15xf32>) {
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %s = tensor.dim %q, %c1 : tensor<2x?x15xf32>
  %e = tensor.empty(%s, %s) : tensor<2x?x?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
  %a = linalg.batch_matmul
      indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>,
                       affine_map<(b, m, n, k) -> (b, n, k)>,
                       affine_map<(b, m, n, k) -> (b, m, n)>]
      ins(%q, %k : tensor<2x?x15xf32>, tensor<2x?x15xf32>)
      outs(%f : tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
  %eo = tensor.empty(%s) : tensor<2x?x15xf32>
  %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x?x15xf32>) -> tensor<2x?x15xf32>
  %o = linalg.batch_matmul ins(%a, %v : tensor<2x?x?xf32>, tensor<2x?x15xf32>)
      outs(%fo : tensor<2x?x15xf32>) -> tensor<2x?x15xf32>
  return %a, %o : tensor<2x?x?xf32>, tensor<2x?x15xf32>
}
func.func @columns(%x: tensor<?x20xi8>) -> tensor<20xi32> {
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<20xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e : tensor<20xi32>) -> tensor<20xi32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>],
      iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<?x20xi8>) outs(%f : tensor<20xi32>) {
  ^bb0(%p: i8, %o: i32):
    %w = arith.extsi %p : i8 to i32
    %a = arith.addi %w, %o : i32
    linalg.yield %a : i32
  } -> tensor<20xi32>
  return %y : tensor<20xi32>
}
"""


def test_contractions(run, rng):
    calls, expected = [], []
    for s in LENGTHS:
        for k, n in [(24, 64), (7, 5), (0, 33), (120, 97)]:
            x = rng.integers(-128, 128, (s, k)).astype(np.int8)
            w = rng.integers(-127, 128, (k, n)).astype(np.int8)
            calls.append(("matmul", [x, w], 1))
            expected.append([x.astype(np.int32) @ w.astype(np.int32)])
        q, key, v = (np.stack([tokens(rng, s, 15) for _ in range(2)]) for _ in "qkv")
        scores = q.astype(np.float64) @ key.transpose(0, 2, 1).astype(np.float64)
        calls.append(("scores", [q, key, v], 2))
        expected.append([scores, scores @ v])
        x = rng.integers(-128, 128, (s, 20)).astype(np.int8)
        calls.append(("columns", [x], 1))
        expected.append([x.sum(axis=0, dtype=np.int32)])
    for actual, wanted in zip(run(CONTRACTIONS, calls), expected):
        for a, e in zip(actual, wanted):
            if e.dtype == np.int32:
                assert a.dtype == np.int32 and np.array_equal(a, e)
            else:
                close(a, e)


QUANTIZE = """
#row = affine_map<(i, j) -> (i)>
#all = affine_map<(i, j) -> (i, j)>
func.func @quantize(%x: tensor<?x23xf32>)
    -> (tensor<?x23xi8>, tensor<?xf32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = arith.constant 15.0 : f32
  %half = arith.constant 8.0 : f32
  %s = tensor.dim %x, %c0 : tensor<?x23xf32>
  %row = tensor.empty(%s) : tensor<?xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%row : tensor<?xf32>) -> tensor<?xf32>
  %lo, %hi = linalg.generic {
      indexing_maps = [#all, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x23xf32>) outs(%zeros, %zeros : tensor<?xf32>, tensor<?xf32>) {
  ^bb0(%p: f32, %l: f32, %h: f32):
    %a = arith.minimumf %p, %l : f32
    %b = arith.maximumf %p, %h : f32
    linalg.yield %a, %b : f32, f32
  } -> (tensor<?xf32>, tensor<?xf32>)
  %codes = tensor.empty(%s) : tensor<?x23xi8>
  %scale, %zp = linalg.generic {
      indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>,
                       affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
      iterator_types = ["parallel"]}
      ins(%lo, %hi : tensor<?xf32>, tensor<?xf32>)
      outs(%row, %row : tensor<?xf32>, tensor<?xf32>) {
  ^bb0(%l: f32, %h: f32, %o0: f32, %o1: f32):
    %range = arith.subf %h, %l : f32
    %v = arith.divf %range, %n : f32
    %m = arith.negf %l : f32
    %z = arith.divf %m, %v : f32
    %r = math.roundeven %z : f32
    linalg.yield %v, %r : f32, f32
  } -> (tensor<?xf32>, tensor<?xf32>)
  %q = linalg.generic {
      indexing_maps = [#all, #row, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x, %scale, %zp : tensor<?x23xf32>, tensor<?xf32>, tensor<?xf32>)
      outs(%codes : tensor<?x23xi8>) {
  ^bb0(%p: f32, %v: f32, %z: f32, %o: i8):
    %one = arith.constant 1.0 : f32
    %inv = arith.divf %one, %v : f32
    %a = arith.mulf %p, %inv : f32
    %r = math.roundeven %a : f32
    %b = arith.addf %r, %z : f32
    %c = arith.maximumf %b, %zero : f32
    %d = arith.minimumf %c, %n : f32
    %f = arith.subf %d, %half : f32
    %i = arith.fptosi %f : f32 to i8
    linalg.yield %i : i8
  } -> tensor<?x23xi8>
  return %q, %scale, %zp : tensor<?x23xi8>, tensor<?xf32>, tensor<?xf32>
}
func.func @fma(%x: tensor<?xf32>, %y: tensor<?xf32>, %z: tensor<?xf32>) -> tensor<?xf32> {
  %r = linalg.generic {
      indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>,
                       affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
      iterator_types = ["parallel"]}
      ins(%x, %y, %z : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>)
      outs(%x : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %p, %c : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  return %r : tensor<?xf32>
}
func.func @dot(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>, %z: tensor<?x?xf32>)
    -> tensor<?x?xf32> {
  %r = linalg.matmul ins(%x, %y : tensor<?x?xf32>, tensor<?x?xf32>)
                     outs(%z : tensor<?x?xf32>) -> tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}
func.func @round(%x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %s = tensor.dim %x, %c0 : tensor<?xf32>
  %one = arith.constant 1.0 : f32
  %e = tensor.empty(%s) : tensor<?xf32>
  %r:3 = linalg.generic {
      indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>,
                       affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
      iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%e, %e, %e : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
  ^bb0(%a: f32, %o0: f32, %o1: f32, %o2: f32):
    %p = math.roundeven %a : f32
    %q = arith.minimumf %a, %one : f32
    %t = arith.maximumf %a, %one : f32
    linalg.yield %p, %q, %t : f32, f32, f32
  } -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>)
  return %r#0, %r#1, %r#2 : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
}
"""


@pytest.mark.parametrize("level", ["-O0", "-O3"])
def test_float_operations_are_exact(run, rng, level):
    calls = []
    for s in LENGTHS:
        x = tokens(rng, s, 23)
        x[:, 0] -= 50
        calls.append(("quantize", [x], 3))
    a, b, c = (rng.standard_normal(4099).astype(np.float32) for _ in "abc")
    fused = (a.astype(np.float64) * b + c).astype(np.float32)
    assert (fused != a * b + c).any(), "the data cannot tell an FMA"
    special = np.array(
        [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999997, 8388609.0, 1e30, -0.0,
         np.nan, np.inf, -np.inf, 1.0, 3.5, -3.5, 4.5, 5.5, 6.5],
        np.float32)
    calls += [
        ("fma", [a, b, c], 1),
        ("dot", [a[:2000, None], b[None, :37], np.tile(c[:37], (2000, 1))], 1),
        ("round", [special], 3),
    ]
    results = run(QUANTIZE, calls, level, "--allow-nonfinite")
    for (_, (x,), _), (codes, scale, zero_point) in zip(calls, results[: len(LENGTHS)]):
        lo, hi = np.minimum(x.min(axis=1), 0), np.maximum(x.max(axis=1), 0)
        s = (hi - lo) / np.float32(15)
        z = np.rint(-lo / s)
        q = np.clip(np.rint(x * (np.float32(1) / s)[:, None]) + z[:, None], 0, 15) - 8
        assert np.array_equal(scale, s) and np.array_equal(zero_point, z)
        assert np.array_equal(codes, q.astype(np.int8))
    assert np.array_equal(results[-3][0], a * b + c)
    assert np.array_equal(results[-2][0], a[:2000, None] * b[None, :37] + c[:37])
    rounded, least, greatest = results[-1]
    for actual, expected in [(rounded, np.rint(special)),
                             (least, np.minimum(special, np.float32(1))),
                             (greatest, np.maximum(special, np.float32(1)))]:
        # NaN payloads aside, to the bit: -0.0 is not 0.0.
        assert np.array_equal(np.isnan(actual), np.isnan(expected))
        number = ~np.isnan(expected)
        assert np.array_equal(actual[number].view(np.int32), expected[number].view(np.int32))


ROWS = """
// One Haar step: neighbours in, averages first.
func.func @haar(%x: tensor<?x12xf32>) -> tensor<?x12xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c = arith.constant 0.70710678 : f32
  %s = tensor.dim %x, %c0 : tensor<?x12xf32>
  %h = arith.divui %s, %c2 : index
  %rest = arith.subi %s, %h : index
  %a = tensor.extract_slice %x[0, 0] [%h, 12] [2, 1] : tensor<?x12xf32> to tensor<?x12xf32>
  %b = tensor.extract_slice %x[1, 0] [%h, 12] [2, 1] : tensor<?x12xf32> to tensor<?x12xf32>
  %e = tensor.empty(%h) : tensor<?x12xf32>
  %p, %q = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>,
                       affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%a, %b : tensor<?x12xf32>, tensor<?x12xf32>)
      outs(%e, %e : tensor<?x12xf32>, tensor<?x12xf32>) {
  ^bb0(%u: f32, %v: f32, %o0: f32, %o1: f32):
    %0 = arith.addf %u, %v : f32
    %1 = arith.mulf %0, %c : f32
    %2 = arith.subf %u, %v : f32
    %3 = arith.mulf %2, %c : f32
    linalg.yield %1, %3 : f32, f32
  } -> (tensor<?x12xf32>, tensor<?x12xf32>)
  %y0 = tensor.insert_slice %p into %x[0, 0] [%h, 12] [1, 1]
      : tensor<?x12xf32> into tensor<?x12xf32>
  %odd = arith.remui %s, %c2 : index
  %isOdd = arith.cmpi ne, %odd, %c0 : index
  %y1 = scf.if %isOdd -> tensor<?x12xf32> {
    %c1 = arith.constant 1 : index
    %l = arith.subi %s, %c1 : index
    %last = tensor.extract_slice %x[%l, 0] [1, 12] [1, 1] : tensor<?x12xf32> to tensor<1x12xf32>
    %0 = tensor.insert_slice %last into %y0[%h, 0] [1, 12] [1, 1]
        : tensor<1x12xf32> into tensor<?x12xf32>
    scf.yield %0 : tensor<?x12xf32>
  } else {
    scf.yield %y0 : tensor<?x12xf32>
  }
  %y2 = tensor.insert_slice %q into %y1[%rest, 0] [%h, 12] [1, 1]
      : tensor<?x12xf32> into tensor<?x12xf32>
  return %y2 : tensor<?x12xf32>
}
// The inverse's strided insertion.
func.func @interleave(%a: tensor<?x12xf32>, %b: tensor<?x12xf32>) -> tensor<?x12xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %h = tensor.dim %a, %c0 : tensor<?x12xf32>
  %s = arith.muli %h, %c2 : index
  %e = tensor.empty(%s) : tensor<?x12xf32>
  %0 = tensor.insert_slice %a into %e[0, 0] [%h, 12] [2, 1]
      : tensor<?x12xf32> into tensor<?x12xf32>
  %1 = tensor.insert_slice %b into %0[1, 0] [%h, 12] [2, 1]
      : tensor<?x12xf32> into tensor<?x12xf32>
  return %1 : tensor<?x12xf32>
}
func.func @gather(%x: tensor<?x12xf32>, %rows: tensor<?xindex>) -> tensor<?x12xf32> {
  %c0 = arith.constant 0 : index
  %s = tensor.dim %rows, %c0 : tensor<?xindex>
  %e = tensor.empty(%s) : tensor<?x12xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%rows : tensor<?xindex>) outs(%e : tensor<?x12xf32>) {
  ^bb0(%r: index, %o: f32):
    %j = linalg.index 1 : index
    %v = tensor.extract %x[%r, %j] : tensor<?x12xf32>
    linalg.yield %v : f32
  } -> tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}
func.func @transpose(%x: tensor<?x12xf32>) -> tensor<12x?xf32> {
  %c0 = arith.constant 0 : index
  %s = tensor.dim %x, %c0 : tensor<?x12xf32>
  %e = tensor.empty(%s) : tensor<12x?xf32>
  %y = linalg.transpose ins(%x : tensor<?x12xf32>) outs(%e : tensor<12x?xf32>) permutation = [1, 0]
  return %y : tensor<12x?xf32>
}
// A recurrence, which is no reduction: y <- y / 2 + x[i].
func.func @recurrence(%x: tensor<?x12xf32>) -> tensor<12xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %half = arith.constant 0.5 : f32
  %zero = arith.constant 0.0 : f32
  %s = tensor.dim %x, %c0 : tensor<?x12xf32>
  %e = tensor.empty() : tensor<12xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<12xf32>) -> tensor<12xf32>
  %y = scf.for %i = %c0 to %s step %c1 iter_args(%acc = %f) -> tensor<12xf32> {
    %row = tensor.extract_slice %x[%i, 0] [1, 12] [1, 1] : tensor<?x12xf32> to tensor<12xf32>
    %next = linalg.generic {
        indexing_maps = [affine_map<(j) -> (j)>, affine_map<(j) -> (j)>],
        iterator_types = ["parallel"]}
        ins(%row : tensor<12xf32>) outs(%acc : tensor<12xf32>) {
    ^bb0(%p: f32, %o: f32):
      %h = arith.mulf %o, %half : f32
      %n = arith.addf %h, %p : f32
      linalg.yield %n : f32
    } -> tensor<12xf32>
    scf.yield %next : tensor<12xf32>
  }
  return %y : tensor<12xf32>
}
// Each step reads the rows in reverse, so it cannot be done in place.
func.func @turn(%x: tensor<?x12xf32>) -> tensor<?x12xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %s = tensor.dim %x, %c0 : tensor<?x12xf32>
  %y = scf.for %i = %c0 to %c3 step %c1 iter_args(%acc = %x) -> tensor<?x12xf32> {
    %e = tensor.empty(%s) : tensor<?x12xf32>
    %next = linalg.generic {
        indexing_maps = [affine_map<(i, j) -> (i, j)>],
        iterator_types = ["parallel", "parallel"]}
        outs(%e : tensor<?x12xf32>) {
    ^bb0(%o: f32):
      %r = linalg.index 0 : index
      %j = linalg.index 1 : index
      %0 = arith.subi %s, %r : index
      %1 = arith.subi %0, %c1 : index
      %p = tensor.extract %acc[%1, %j] : tensor<?x12xf32>
      %q = tensor.extract %acc[%r, %j] : tensor<?x12xf32>
      %n = arith.subf %p, %q : f32
      linalg.yield %n : f32
    } -> tensor<?x12xf32>
    scf.yield %next : tensor<?x12xf32>
  }
  return %y : tensor<?x12xf32>
}
"""


def test_moving_rows(run, rng):
    calls, expected = [], []
    for s in LENGTHS:
        x, other = tokens(rng, s, 12), tokens(rng, s, 12)
        c = np.float32(0.70710678)
        a, b = x[0 : s - 1 : 2], x[1::2]
        halves = [(a + b) * c] + ([x[-1:]] if s % 2 else []) + [(a - b) * c]
        rows = rng.integers(0, s, 29 if s else 0)
        y = np.zeros(12, np.float32)
        for row in x:
            y = y * np.float32(0.5) + row
        turned = x
        for _ in range(3):
            turned = turned[::-1] - turned
        calls += [
            ("haar", [x], 1),
            ("interleave", [x, other], 1),
            ("gather", [x, rows], 1),
            ("transpose", [x], 1),
            ("recurrence", [x], 1),
            ("turn", [x], 1),
        ]
        expected += [
            np.concatenate(halves) if s else x,
            np.stack([x, other], axis=1).reshape(2 * s, 12),
            x[rows],
            x.T,
            y,
            turned,
        ]
    for (name, _, _), (actual,), wanted in zip(calls, run(ROWS, calls), expected):
        assert np.array_equal(actual, wanted), name


OWNERSHIP = """
func.func @same(%x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  return %x, %x : tensor<?xf32>, tensor<?xf32>
}
func.func @constant() -> (tensor<3xf64>, tensor<2x2xi8>, tensor<i64>) {
  %a = arith.constant dense<[1.0, 2.0, -0.5]> : tensor<3xf64>
  %b = arith.constant dense_resource<codes> : tensor<2x2xi8>
  %c = arith.constant dense<7> : tensor<i64>
  return %a, %b, %c : tensor<3xf64>, tensor<2x2xi8>, tensor<i64>
}
func.func @overwrite(%x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %v = arith.constant 3.0 : f32
  %y = tensor.insert %v into %x[%c0] : tensor<?xf32>
  %z = func.call @double(%y) : (tensor<?xf32>) -> tensor<?xf32>
  return %x, %z : tensor<?xf32>, tensor<?xf32>
}
func.func private @double(%x: tensor<?xf32>) -> tensor<?xf32> {
  %y = arith.addf %x, %x : tensor<?xf32>
  return %y : tensor<?xf32>
}
func.func @choose(%x: tensor<?xf32>, %first: tensor<i1>) -> tensor<?xf32> {
  %p = tensor.extract %first[] : tensor<i1>
  %y = scf.if %p -> tensor<?xf32> {
    scf.yield %x : tensor<?xf32>
  } else {
    %d = func.call @double(%x) : (tensor<?xf32>) -> tensor<?xf32>
    scf.yield %d : tensor<?xf32>
  }
  return %y : tensor<?xf32>
}
func.func @compare(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xi1> {
  %r = arith.cmpf olt, %x, %y : tensor<?xf32>
  return %r : tensor<?xi1>
}
{-# dialect_resources: { builtin: { codes: "0x0100000001FF7F80" } } #-}
"""


def test_results_belong_to_the_caller(run, rng):
    x, y = rng.standard_normal((2, 37)).astype(np.float32)
    calls = [
        ("same", [x], 2),
        ("constant", [], 3),
        ("overwrite", [x], 2),
        ("choose", [x, np.array(True)], 1),
        ("choose", [x, np.array(False)], 1),
        ("compare", [x, y], 1),
    ] * 2
    results = run(OWNERSHIP, calls, "--time=3")
    doubled = np.concatenate([[np.float32(6)], 2 * x[1:]])
    expected = [
        [x, x],
        [np.array([1.0, 2.0, -0.5]), np.array([[1, -1], [127, -128]], np.int8), np.array(7)],
        [x, doubled],
        [x],
        [2 * x],
        [x < y],
    ] * 2
    for actual, wanted in zip(results, expected):
        for a, e in zip(actual, wanted):
            assert a.dtype == e.dtype and np.array_equal(a, e)


ELEMENTS = """
func.func @{name}(%x: tensor<?x{type}>) -> tensor<?x{type}> {{
  %y = {op} %x, %x : tensor<?x{type}>
  return %y : tensor<?x{type}>
}}
"""


def test_element_types(run, rng):
    module, calls, expected = "", [], []
    for name in ["int8", "int16", "int32", "int64", "uint8", "uint32", "float16", "float64"]:
        is_float = name.startswith("float")
        element = ("f" if is_float else "i") + name.lstrip("uintfloa")
        op = "arith.addf" if is_float else "arith.addi"
        module += ELEMENTS.format(name=name, type=element, op=op)
        x = (40 * rng.standard_normal(21)).astype(name)
        calls.append((name, [x], 1))
        # A signless result is read as signed.
        expected.append((x + x).astype(name.lstrip("u")))
    for actual, wanted in zip(run(module, calls), expected):
        assert actual[0].dtype == wanted.dtype and np.array_equal(actual[0], wanted)


REDUCTIONS = """
func.func @total(%x: tensor<?x?x9xf32>) -> (tensor<f32>, tensor<?xf32>, tensor<9xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %t = tensor.dim %x, %c1 : tensor<?x?x9xf32>
  %e0 = tensor.empty() : tensor<f32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %all = linalg.reduce { arith.addf } ins(%x : tensor<?x?x9xf32>) outs(%f0 : tensor<f32>)
      dimensions = [0, 1, 2]
  %e1 = tensor.empty(%t) : tensor<?xf32>
  %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?xf32>) -> tensor<?xf32>
  %middle = linalg.reduce { arith.addf } ins(%x : tensor<?x?x9xf32>) outs(%f1 : tensor<?xf32>)
      dimensions = [0, 2]
  %e2 = tensor.empty() : tensor<9xf32>
  %f2 = linalg.fill ins(%low : f32) outs(%e2 : tensor<9xf32>) -> tensor<9xf32>
  %last = linalg.reduce { arith.maximumf } ins(%x : tensor<?x?x9xf32>) outs(%f2 : tensor<9xf32>)
      dimensions = [0, 1]
  return %all, %middle, %last : tensor<f32>, tensor<?xf32>, tensor<9xf32>
}
// Greatest absolute value and where it is: two results that depend on each
// other are no independent reductions.
func.func @argmax(%x: tensor<?x37xf32>) -> (tensor<?xf32>, tensor<?xi32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  %low = arith.constant -1.0 : f32
  %s = tensor.dim %x, %c0 : tensor<?x37xf32>
  %ev = tensor.empty(%s) : tensor<?xf32>
  %ei = tensor.empty(%s) : tensor<?xi32>
  %fv = linalg.fill ins(%low : f32) outs(%ev : tensor<?xf32>) -> tensor<?xf32>
  %fi = linalg.fill ins(%zero : i32) outs(%ei : tensor<?xi32>) -> tensor<?xi32>
  %v, %i = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>,
                       affine_map<(i, j) -> (i)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x37xf32>) outs(%fv, %fi : tensor<?xf32>, tensor<?xi32>) {
  ^bb0(%p: f32, %best: f32, %at: i32):
    %j = linalg.index 1 : index
    %j32 = arith.index_cast %j : index to i32
    %a = math.absf %p : f32
    %g = arith.cmpf ogt, %a, %best : f32
    %n = arith.select %g, %a, %best : f32
    %m = arith.select %g, %j32, %at : i32
    linalg.yield %n, %m : f32, i32
  } -> (tensor<?xf32>, tensor<?xi32>)
  return %v, %i : tensor<?xf32>, tensor<?xi32>
}
// A sliding window reads at i + k.
func.func @window(%x: tensor<?x19xi8>, %w: tensor<3x19xi8>) -> tensor<?x19xi32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %zero = arith.constant 0 : i32
  %s = tensor.dim %x, %c0 : tensor<?x19xi8>
  %n = arith.subi %s, %c2 : index
  %e = tensor.empty(%n) : tensor<?x19xi32>
  %f = linalg.fill ins(%zero : i32) outs(%e : tensor<?x19xi32>) -> tensor<?x19xi32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, j, k) -> (i + k, j)>, affine_map<(i, j, k) -> (k, j)>,
                       affine_map<(i, j, k) -> (i, j)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x19xi8>, tensor<3x19xi8>) outs(%f : tensor<?x19xi32>) {
  ^bb0(%p: i8, %q: i8, %o: i32):
    %0 = arith.extsi %p : i8 to i32
    %1 = arith.extsi %q : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %o, %2 : i32
    linalg.yield %3 : i32
  } -> tensor<?x19xi32>
  return %y : tensor<?x19xi32>
}
// A divisor of zero traps, so no lane may divide that is not asked to.
func.func @divide(%x: tensor<?xi32>, %y: tensor<?xi32>) -> tensor<?xi32> {
  %r = arith.divsi %x, %y : tensor<?xi32>
  return %r : tensor<?xi32>
}
func.func @product(%x: tensor<?x?xi64>) -> tensor<?xi64> {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1 : i64
  %s = tensor.dim %x, %c0 : tensor<?x?xi64>
  %e = tensor.empty(%s) : tensor<?xi64>
  %f = linalg.fill ins(%one : i64) outs(%e : tensor<?xi64>) -> tensor<?xi64>
  %r = linalg.reduce { arith.muli } ins(%x : tensor<?x?xi64>) outs(%f : tensor<?xi64>)
      dimensions = [1]
  return %r : tensor<?xi64>
}
"""


def test_reductions(run, rng):
    calls, expected = [], []
    for s in LENGTHS[1:]:
        x = np.stack([tokens(rng, s, 9) for _ in range(5)])
        y = tokens(rng, s, 37)
        codes = rng.integers(-128, 128, (s + 2, 19)).astype(np.int8)
        kernel = rng.integers(-128, 128, (3, 19)).astype(np.int8)
        a, b = rng.integers(1, 1000, (2, s)).astype(np.int32)
        n = rng.integers(1, 3, (s, s)).astype(np.int64)
        windows = np.lib.stride_tricks.sliding_window_view(codes.astype(np.int32), 3, axis=0)
        calls += [
            ("total", [x], 3),
            ("argmax", [y], 2),
            ("window", [codes, kernel], 1),
            ("divide", [a, b], 1),
            ("product", [n], 1),
        ]
        wide = x.astype(np.float64)
        expected += [
            [wide.sum(), wide.sum(axis=(0, 2)), x.max(axis=(0, 1))],
            [np.abs(y).max(axis=1), np.abs(y).argmax(axis=1).astype(np.int32)],
            [(windows * kernel.T.astype(np.int32)).sum(axis=2, dtype=np.int32)],
            [a // b],
            [n.prod(axis=1)],
        ]
    for (name, inputs, _), actual, wanted in zip(calls, run(REDUCTIONS, calls), expected):
        for a, e in zip(actual, wanted):
            if np.asarray(e).dtype == np.float64:
                # Sums may cancel; their error is that of the summands.
                assert np.abs(a - e).max() <= 1e-5 * np.abs(inputs[0]).sum() / max(1, np.size(e))
            else:
                assert np.array_equal(a, e), name
