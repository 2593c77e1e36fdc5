// RUN: stamp-opt %s --stamp-quantize-attention="basis=#stamp.haar<levels=2> schedule={#stamp.schedule<[0.25 : 8], 4>}" -o %t
// RUN: FileCheck %s --input-file %t
// Codes stay codes:
// RUN: stamp-opt %t --stamp-quantize-attention | diff %t -
// the transforms go to the cheaper side:
// RUN: stamp-opt %t --stamp-fold -o %t.folded
// RUN: FileCheck %s --check-prefix=FOLDED --input-file %t.folded
// RUN: stamp-opt %t.folded --stamp-fold | diff %t.folded -
// RUN: stamp-opt %t.folded --stamp-quantize-attention | diff %t.folded -
// and every function computes what it did:
// RUN: stamp-validate %t --quantized-tolerance=1e-5 | FileCheck %s --check-prefix=VALID
// VALID: {{^[0-9]+}} agree, 0 differ, 0 not run

#all = affine_map<(h, i, j) -> (h, i, j)>
#row = affine_map<(h, i, j) -> (h, i)>

// Three queries and four features per head. Scores are narrower than keys, and
// probabilities than values: both transforms move to them, scores become tokens
// in front of the softmax.
// CHECK-LABEL: func @few_queries
//  CHECK-SAME:   (%[[Q:.*]]: tensor<2x3x4xf32>, %[[K:.*]]: tensor<2x8x4xf32>, %[[V:.*]]: tensor<2x8x4xf32>)
//       CHECK:   %[[TK:.*]] = stamp.transform #stamp.haar<levels = 2> along 1 ins(%[[K]] :
//       CHECK:   %[[CK:.*]], %[[SK:.*]], %[[ZK:.*]] = stamp.quantize #stamp.schedule<[0.25 : 8], 4> along 1 over 2 ins(%[[TK]] :
//       CHECK:   %[[DK:.*]] = stamp.dequantize over 2 ins(%[[CK]], %[[SK]], %[[ZK]] :
//       CHECK:   %[[IK:.*]] = stamp.inverse_transform #stamp.haar<levels = 2> along 1 ins(%[[DK]] :
//       CHECK:   linalg.batch_matmul indexing_maps = {{.*}} ins(%[[Q]], %[[IK]] :
//       CHECK:   %[[TV:.*]] = stamp.transform #stamp.haar<levels = 2> along 1 ins(%[[V]] :
//       CHECK:   %[[IV:.*]] = stamp.inverse_transform
//       CHECK:   linalg.batch_matmul ins(%{{.*}}, %[[IV]] :

// FOLDED-LABEL: func @few_queries
//  FOLDED-SAME:   (%[[Q:.*]]: tensor<2x3x4xf32>,
//       FOLDED:   %[[DK:.*]] = stamp.dequantize
//       FOLDED:   %[[S:.*]] = linalg.batch_matmul indexing_maps = {{.*}} ins(%[[Q]], %[[DK]] :
//       FOLDED:   stamp.inverse_transform #stamp.haar<levels = 2> along 2 ins(%[[S]] : tensor<2x3x8xf32>)
//       FOLDED:   math.exp
//       FOLDED:   arith.divf
//       FOLDED:   %[[DV:.*]] = stamp.dequantize
//       FOLDED:   %[[P:.*]] = stamp.transform #stamp.haar<levels = 2> along 2 ins(%{{.*}} : tensor<2x3x8xf32>)
//       FOLDED:   linalg.batch_matmul ins(%[[P]], %[[DV]] :
func.func @few_queries(%q: tensor<2x3x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>) -> tensor<2x3x4xf32> {
  %c0 = arith.constant 0.0 : f32
  %low = arith.constant -1.0e+30 : f32
  %es = tensor.empty() : tensor<2x3x8xf32>
  %er = tensor.empty() : tensor<2x3xf32>
  %ey = tensor.empty() : tensor<2x3x4xf32>
  %zs = linalg.fill ins(%c0 : f32) outs(%es : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %zr = linalg.fill ins(%c0 : f32) outs(%er : tensor<2x3xf32>) -> tensor<2x3xf32>
  %zl = linalg.fill ins(%low : f32) outs(%er : tensor<2x3xf32>) -> tensor<2x3xf32>
  %zy = linalg.fill ins(%c0 : f32) outs(%ey : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %raw = linalg.batch_matmul indexing_maps = [affine_map<(h, i, j, k) -> (h, i, k)>, affine_map<(h, i, j, k) -> (h, j, k)>, affine_map<(h, i, j, k) -> (h, i, j)>]
      ins(%q, %k : tensor<2x3x4xf32>, tensor<2x8x4xf32>) outs(%zs : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  // Capped scores, so that no exponential is out of range.
  %s = linalg.tanh ins(%raw : tensor<2x3x8xf32>) outs(%es : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %max = linalg.reduce { arith.maximumf } ins(%s : tensor<2x3x8xf32>) outs(%zl : tensor<2x3xf32>) dimensions = [2]
  // A causal mask and the exponential.
  %exp = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %max : tensor<2x3x8xf32>, tensor<2x3xf32>) outs(%es : tensor<2x3x8xf32>) {
  ^bb0(%a: f32, %m: f32, %o: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 2 : index
    %masked = arith.cmpi ugt, %j, %i : index
    %d = arith.subf %a, %m : f32
    %e = math.exp %d : f32
    %r = arith.select %masked, %c0, %e : f32
    linalg.yield %r : f32
  } -> tensor<2x3x8xf32>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<2x3x8xf32>) outs(%zr : tensor<2x3xf32>) dimensions = [2]
  %p = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%exp, %sum : tensor<2x3x8xf32>, tensor<2x3xf32>) outs(%es : tensor<2x3x8xf32>) {
  ^bb0(%a: f32, %m: f32, %o: f32):
    %r = arith.divf %a, %m : f32
    linalg.yield %r : f32
  } -> tensor<2x3x8xf32>
  %y = linalg.batch_matmul ins(%p, %v : tensor<2x3x8xf32>, tensor<2x8x4xf32>) outs(%zy : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return %y : tensor<2x3x4xf32>
}

// Heads behind tokens, two groups of queries for each head of keys, a batch that
// run time knows, and keys that are returned as well: these stay floats, and the
// codes are made in front of what repeats the heads.
// CHECK-LABEL: func @grouped_queries
//  CHECK-SAME:   (%[[Q:.*]]: tensor<?x2x4x6xf32>, %[[K:.*]]: tensor<?x9x2x6xf32>, %[[V:.*]]: tensor<?x9x2x6xf32>)
//       CHECK:   stamp.transform #stamp.haar<levels = 2> along 1 ins(%[[K]] : tensor<?x9x2x6xf32>)
//       CHECK:   stamp.quantize #{{.*}} along 1 over 3 ins(%{{.*}} : tensor<?x9x2x6xf32>)
//       CHECK:   %[[IK:.*]] = stamp.inverse_transform
//       CHECK:   linalg.broadcast ins(%[[IK]] :
//       CHECK:   stamp.transform #stamp.haar<levels = 2> along 1 ins(%[[V]] : tensor<?x9x2x6xf32>)
//       CHECK:   return %{{.*}}, %[[K]] :

// FOLDED-LABEL: func @grouped_queries
//       FOLDED:   linalg.generic
//       FOLDED:   stamp.inverse_transform #stamp.haar<levels = 2> along 3 ins(%{{.*}} : tensor<?x4x2x9xf32>)
//       FOLDED:   linalg.exp
//       FOLDED:   stamp.transform #stamp.haar<levels = 2> along 3 ins(%{{.*}} : tensor<?x4x2x9xf32>)
//       FOLDED:   linalg.generic
func.func @grouped_queries(%q: tensor<?x2x4x6xf32>, %k: tensor<?x9x2x6xf32>, %v: tensor<?x9x2x6xf32>) -> (tensor<?x2x4x6xf32>, tensor<?x9x2x6xf32>) {
  %c0 = arith.constant 0.0 : f32
  %zero = arith.constant 0 : index
  %b = tensor.dim %q, %zero : tensor<?x2x4x6xf32>
  %ek = tensor.empty(%b) : tensor<?x9x2x2x6xf32>
  %es = tensor.empty(%b) : tensor<?x4x2x9xf32>
  %ey = tensor.empty(%b) : tensor<?x2x4x6xf32>
  %zs = linalg.fill ins(%c0 : f32) outs(%es : tensor<?x4x2x9xf32>) -> tensor<?x4x2x9xf32>
  %zy = linalg.fill ins(%c0 : f32) outs(%ey : tensor<?x2x4x6xf32>) -> tensor<?x2x4x6xf32>
  %kw = linalg.broadcast ins(%k : tensor<?x9x2x6xf32>) outs(%ek : tensor<?x9x2x2x6xf32>) dimensions = [3]
  %kr = tensor.collapse_shape %kw [[0], [1], [2, 3], [4]] : tensor<?x9x2x2x6xf32> into tensor<?x9x4x6xf32>
  %vw = linalg.broadcast ins(%v : tensor<?x9x2x6xf32>) outs(%ek : tensor<?x9x2x2x6xf32>) dimensions = [3]
  %vr = tensor.collapse_shape %vw [[0], [1], [2, 3], [4]] : tensor<?x9x2x2x6xf32> into tensor<?x9x4x6xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(b, h, i, j, d) -> (b, i, h, d)>, affine_map<(b, h, i, j, d) -> (b, j, h, d)>, affine_map<(b, h, i, j, d) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %kr : tensor<?x2x4x6xf32>, tensor<?x9x4x6xf32>) outs(%zs : tensor<?x4x2x9xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %m = arith.mulf %x, %y : f32
    %a = arith.addf %o, %m : f32
    linalg.yield %a : f32
  } -> tensor<?x4x2x9xf32>
  %capped = linalg.tanh ins(%s : tensor<?x4x2x9xf32>) outs(%es : tensor<?x4x2x9xf32>) -> tensor<?x4x2x9xf32>
  %p = linalg.exp ins(%capped : tensor<?x4x2x9xf32>) outs(%es : tensor<?x4x2x9xf32>) -> tensor<?x4x2x9xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(b, h, i, d, j) -> (b, h, i, j)>, affine_map<(b, h, i, d, j) -> (b, j, h, d)>, affine_map<(b, h, i, d, j) -> (b, i, h, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%p, %vr : tensor<?x4x2x9xf32>, tensor<?x9x4x6xf32>) outs(%zy : tensor<?x2x4x6xf32>) {
  ^bb0(%x: f32, %z: f32, %o: f32):
    %m = arith.mulf %x, %z : f32
    %a = arith.addf %o, %m : f32
    linalg.yield %a : f32
  } -> tensor<?x2x4x6xf32>
  return %y, %k : tensor<?x2x4x6xf32>, tensor<?x9x2x6xf32>
}

// As many queries as tokens, more than features: the keys and values themselves
// are the cheaper side. Kᵀ comes transposed, and Vᵀ·Pᵀ has the values first.
// CHECK-LABEL: func @many_queries
//       CHECK:   stamp.transform #stamp.haar<levels = 2> along 1 ins(%{{.*}} : tensor<4x12xf16>) outs(%{{.*}} : tensor<4x12xf32>)
//       CHECK:   stamp.quantize #{{.*}} along 1 over 0
//       CHECK:   stamp.dequantize over 0 {{.*}} outs(%{{.*}} : tensor<4x12xf16>)
//       CHECK:   stamp.inverse_transform
//       CHECK:   math.exp %{{.*}} : tensor<12x12xf32>
//       CHECK:   stamp.transform #stamp.haar<levels = 2> along 1 ins(%{{.*}} : tensor<4x12xf32>)

// FOLDED-LABEL: func @many_queries
//       FOLDED:   %[[IK:.*]] = stamp.inverse_transform #stamp.haar<levels = 2> along 1 ins(%{{.*}} : tensor<4x12xf16>)
//       FOLDED:   linalg.matmul ins(%{{.*}}, %[[IK]] :
//       FOLDED:   %[[IV:.*]] = stamp.inverse_transform #stamp.haar<levels = 2> along 1 ins(%{{.*}} : tensor<4x12xf32>)
//       FOLDED:   ins(%[[IV]], %{{.*}} :
func.func @many_queries(%q: tensor<12x4xf16>, %kt: tensor<4x12xf16>, %vt: tensor<4x12xf32>) -> tensor<4x12xf32> {
  %c0 = arith.constant 0.0 : f32
  %es = tensor.empty() : tensor<12x12xf32>
  %zs = linalg.fill ins(%c0 : f32) outs(%es : tensor<12x12xf32>) -> tensor<12x12xf32>
  %ey = tensor.empty() : tensor<4x12xf32>
  %zy = linalg.fill ins(%c0 : f32) outs(%ey : tensor<4x12xf32>) -> tensor<4x12xf32>
  %s = linalg.matmul ins(%q, %kt : tensor<12x4xf16>, tensor<4x12xf16>) outs(%zs : tensor<12x12xf32>) -> tensor<12x12xf32>
  %capped = math.tanh %s : tensor<12x12xf32>
  %p = math.exp %capped : tensor<12x12xf32>
  %y = linalg.matmul indexing_maps = [affine_map<(d, i, j) -> (d, j)>, affine_map<(d, i, j) -> (i, j)>, affine_map<(d, i, j) -> (d, i)>]
      ins(%vt, %p : tensor<4x12xf32>, tensor<12x12xf32>) outs(%zy : tensor<4x12xf32>) -> tensor<4x12xf32>
  return %y : tensor<4x12xf32>
}
