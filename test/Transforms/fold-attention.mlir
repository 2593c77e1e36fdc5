// RUN: stamp-opt %s --stamp-fold | FileCheck %s
// What is folded stays as it is:
// RUN: stamp-opt %s --stamp-fold -o %t
// RUN: stamp-opt %t --stamp-fold | diff %t -
// and every function computes what it did:
// RUN: stamp-validate %s | FileCheck %s --check-prefix=VALID
// VALID: {{^[0-9]+}} agree, 0 differ, 0 not run

// Rule 6: attention contracts the tokens of V and keeps those of K, and the
// transform goes to the cheaper side.

#q = affine_map<(i, j, k) -> (i, k)>
#k = affine_map<(i, j, k) -> (j, k)>
#scores = affine_map<(i, j, k) -> (i, j)>

// Two queries, four features: P·L⁻¹(V) = (P·Lᵀ)·V.
// CHECK-LABEL: func @few_queries_read_values
//  CHECK-SAME:   (%[[V:[^:]*]]: tensor<?x4xf32>, %[[P:[^:]*]]: tensor<2x?xf32>,
//       CHECK:   %[[T:.*]] = stamp.transform #stamp.haar<levels = 2, skip = 1> along 1 block_order ins(%[[P]] : tensor<2x?xf32>)
//       CHECK:   linalg.matmul ins(%[[T]], %[[V]] :
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @few_queries_read_values(%v: tensor<?x4xf32>, %p: tensor<2x?xf32>, %c: tensor<2x4xf32>, %e: tensor<?x4xf32>) -> tensor<2x4xf32> {
  %i = stamp.inverse_transform #stamp.haar<levels = 2, skip = 1> along 0 block_order ins(%v : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  %y = linalg.matmul ins(%p, %i : tensor<2x?xf32>, tensor<?x4xf32>) outs(%c : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// CHECK-LABEL: func @many_queries_read_values
//       CHECK:   stamp.inverse_transform
//       CHECK:   linalg.matmul
func.func @many_queries_read_values(%v: tensor<5x4xf32>, %p: tensor<6x5xf32>, %c: tensor<6x4xf32>, %e: tensor<5x4xf32>) -> tensor<6x4xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%v : tensor<5x4xf32>) outs(%e : tensor<5x4xf32>)
  %y = linalg.matmul ins(%p, %i : tensor<6x5xf32>, tensor<5x4xf32>) outs(%c : tensor<6x4xf32>) -> tensor<6x4xf32>
  return %y : tensor<6x4xf32>
}

// In each head of a batch.
// CHECK-LABEL: func @heads_read_values
//       CHECK:   %[[T:.*]] = stamp.transform #stamp.wht along 2 ins(%{{.*}} : tensor<3x1x5xf32>)
//       CHECK:   linalg.batch_matmul ins(%[[T]],
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @heads_read_values(%v: tensor<3x5x4xf32>, %p: tensor<3x1x5xf32>, %c: tensor<3x1x4xf32>, %e: tensor<3x5x4xf32>) -> tensor<3x1x4xf32> {
  %i = stamp.inverse_transform #stamp.wht along 1 ins(%v : tensor<3x5x4xf32>) outs(%e : tensor<3x5x4xf32>)
  %y = linalg.batch_matmul ins(%p, %i : tensor<3x1x5xf32>, tensor<3x5x4xf32>) outs(%c : tensor<3x1x4xf32>) -> tensor<3x1x4xf32>
  return %y : tensor<3x1x4xf32>
}

// Q·(L⁻¹K)ᵀ = (Q·Kᵀ)·L⁻ᵀ: for few queries the scores are narrower than keys.
// CHECK-LABEL: func @few_queries_read_keys
//       CHECK:   %[[S:.*]] = linalg.matmul
//       CHECK:   stamp.inverse_transform #stamp.dct along 1 ins(%[[S]] : tensor<2x?xf32>)
func.func @few_queries_read_keys(%q: tensor<2x4xf32>, %k: tensor<?x4xf32>, %e: tensor<?x4xf32>, %f: tensor<2x?xf32>) -> tensor<2x?xf32> {
  %c0 = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%c0 : f32) outs(%f : tensor<2x?xf32>) -> tensor<2x?xf32>
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%k : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  %s = linalg.matmul indexing_maps = [#q, #k, #scores] ins(%q, %i : tensor<2x4xf32>, tensor<?x4xf32>) outs(%zero : tensor<2x?xf32>) -> tensor<2x?xf32>
  return %s : tensor<2x?xf32>
}

// Linear attention: (L⁻¹K)ᵀ·L⁻¹V = Kᵀ·V.
// CHECK-LABEL: func @linear_attention
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @linear_attention(%k: tensor<?x4xf32>, %v: tensor<?x3xf32>, %c: tensor<4x3xf32>, %e: tensor<?x4xf32>, %f: tensor<?x3xf32>) -> tensor<4x3xf32> {
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%k : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  %j = stamp.inverse_transform #stamp.wht along 0 ins(%v : tensor<?x3xf32>) outs(%f : tensor<?x3xf32>)
  %y = linalg.matmul indexing_maps = [affine_map<(i, j, s) -> (s, i)>, affine_map<(i, j, s) -> (s, j)>, affine_map<(i, j, s) -> (i, j)>]
      ins(%i, %j : tensor<?x4xf32>, tensor<?x3xf32>) outs(%c : tensor<4x3xf32>) -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// What both factors have, a batch of any size, does not tell which is cheaper.
// CHECK-LABEL: func @batch_of_any_size
//       CHECK:   %[[T:.*]] = stamp.transform #stamp.wht along 2 ins(%{{.*}} : tensor<?x1x5xf32>)
//       CHECK:   linalg.batch_matmul ins(%[[T]],
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @batch_of_any_size(%v: tensor<?x5x4xf32>, %p: tensor<?x1x5xf32>, %c: tensor<?x1x4xf32>, %e: tensor<?x5x4xf32>) -> tensor<?x1x4xf32> {
  %i = stamp.inverse_transform #stamp.wht along 1 ins(%v : tensor<?x5x4xf32>) outs(%e : tensor<?x5x4xf32>)
  %y = linalg.batch_matmul ins(%p, %i : tensor<?x1x5xf32>, tensor<?x5x4xf32>) outs(%c : tensor<?x1x4xf32>) -> tensor<?x1x4xf32>
  return %y : tensor<?x1x4xf32>
}

// Values that are repeated for three heads of queries: wider on the way, but
// the probabilities of all heads are narrower than the values of one.
// CHECK-LABEL: func @grouped_queries_read_values
//   CHECK-NOT:   stamp.inverse_transform
//       CHECK:   stamp.transform #stamp.wht along 2 ins(%{{.*}} : tensor<3x1x5xf32>)
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @grouped_queries_read_values(%v: tensor<5x4xf32>, %p: tensor<3x1x5xf32>, %c: tensor<3x1x4xf32>, %e: tensor<5x4xf32>, %w: tensor<3x5x4xf32>) -> tensor<3x1x4xf32> {
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%v : tensor<5x4xf32>) outs(%e : tensor<5x4xf32>)
  %r = linalg.broadcast ins(%i : tensor<5x4xf32>) outs(%w : tensor<3x5x4xf32>) dimensions = [0]
  %y = linalg.batch_matmul ins(%p, %r : tensor<3x1x5xf32>, tensor<3x5x4xf32>) outs(%c : tensor<3x1x4xf32>) -> tensor<3x1x4xf32>
  return %y : tensor<3x1x4xf32>
}

// With two queries each they are wider.
// CHECK-LABEL: func @grouped_queries_are_wider
//       CHECK:   stamp.inverse_transform #stamp.wht along 0 ins(%{{.*}} : tensor<5x4xf32>)
//       CHECK:   linalg.broadcast
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @grouped_queries_are_wider(%v: tensor<5x4xf32>, %p: tensor<3x2x5xf32>, %c: tensor<3x2x4xf32>, %e: tensor<5x4xf32>, %w: tensor<3x5x4xf32>) -> tensor<3x2x4xf32> {
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%v : tensor<5x4xf32>) outs(%e : tensor<5x4xf32>)
  %r = linalg.broadcast ins(%i : tensor<5x4xf32>) outs(%w : tensor<3x5x4xf32>) dimensions = [0]
  %y = linalg.batch_matmul ins(%p, %r : tensor<3x2x5xf32>, tensor<3x5x4xf32>) outs(%c : tensor<3x2x4xf32>) -> tensor<3x2x4xf32>
  return %y : tensor<3x2x4xf32>
}
