// RUN: stamp-opt %s --stamp-fold | FileCheck %s
// What is folded stays as it is:
// RUN: stamp-opt %s --stamp-fold -o %t
// RUN: stamp-opt %t --stamp-fold | diff %t -
// and every function computes what it did:
// RUN: stamp-validate %s | FileCheck %s --check-prefix=VALID
// VALID: {{^[0-9]+}} agree, 0 differ, 0 not run
// Quantized, nothing is left of what went into weights:
// RUN: stamp-opt %t --stamp-quantize --stamp-fold | FileCheck %s --check-prefix=CODES

#map = affine_map<(d0, d1) -> (d0, d1)>
#columns = affine_map<(d0, d1) -> (d1)>
#rows = affine_map<(d0, d1) -> (d0)>
#plan = #stamp.plan<basis = #stamp.haar<levels = 2>, features = #stamp.hadamard, activations = #stamp.schedule<[2 : 8], 4>, weight_bits = 4>
#plain = #stamp.plan<basis = #stamp.haar<levels = 2>, activations = #stamp.schedule<[2 : 8], 4>, weight_bits = 4>

// X·W₁ + 1bᵀ, rotated, is X·(W₁·R) + 1(b·R)ᵀ.
// CHECK-LABEL: func @into_the_weight_and_the_bias
//   CHECK-DAG:   %[[V2:.*]] = stamp.inverse_feature_transform #stamp.hadamard left over 0 ins(%{{.*}} : tensor<4x4xf32>)
//   CHECK-DAG:   %[[V1:.*]] = stamp.feature_transform #stamp.hadamard over 1 ins(%{{.*}} : tensor<4x4xf32>)
//   CHECK-NOT:   feature_transform
//       CHECK:   linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 2>, activations{{.*}} %[[V1]]
//       CHECK:   linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 2>, activations{{.*}} %[[V2]]
// CODES-LABEL: func @into_the_weight_and_the_bias
//   CODES-NOT:   feature_transform
//       CODES:   return
func.func @into_the_weight_and_the_bias(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %w1 = arith.constant dense<[[0.5, -0.25, 1.0, 0.75], [1.5, 0.5, -1.0, 2.0], [-0.5, 0.25, 0.125, 1.0], [2.0, -1.5, 0.5, 0.25]]> : tensor<4x4xf32>
  %w2 = arith.constant dense<[[1.5, -0.5, 0.5, -0.75], [0.5, 2.5, -1.5, 1.0], [0.5, -0.25, 1.125, 1.5], [1.0, 0.5, 0.25, -0.25]]> : tensor<4x4xf32>
  %b = arith.constant dense<[1.0, -2.0, 3.0, 0.5]> : tensor<4xf32>
  %e = tensor.empty() : tensor<8x4xf32>
  %zero = arith.constant dense<0.0> : tensor<8x4xf32>
  %h = linalg.matmul {stamp.plan = #plain} ins(%x, %w1 : tensor<8x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<8x4xf32>) -> tensor<8x4xf32>
  %s = linalg.generic {indexing_maps = [#map, #columns, #map], iterator_types = ["parallel", "parallel"]}
      ins(%h, %b : tensor<8x4xf32>, tensor<4xf32>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %a = arith.addf %i, %j : f32
    linalg.yield %a : f32
  } -> tensor<8x4xf32>
  %y = linalg.matmul {stamp.plan = #plan} ins(%s, %w2 : tensor<8x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// An op and a linear that stays float: the product is a constant, and so is W₁·R.
// CHECK-LABEL: func @of_an_op
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<?x2xf32>
//   CHECK-NOT:   feature_transform
//       CHECK:   %[[W:.*]] = arith.constant dense<{{\[\[}}2.12132{{[0-9]*}}, -0.707106{{[0-9]*}}], [4.9497{{[0-9]*}}, -0.707106{{[0-9]*}}]]>
//       CHECK:   %[[M:.*]] = linalg.matmul ins(%[[X]], %[[W]]
//       CHECK:   return %[[M]]
func.func @of_an_op(%x: tensor<?x2xf32>, %e: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c0 = arith.constant 0.0 : f32
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %zero = linalg.fill ins(%c0 : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %m = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<?x2xf32>) -> tensor<?x2xf32>
  %r = stamp.feature_transform #stamp.hadamard over 1 ins(%m : tensor<?x2xf32>) outs(%e : tensor<?x2xf32>)
  return %r : tensor<?x2xf32>
}

// Past L and L⁻¹, a scale for each token, a transpose and a reshape.
// CHECK-LABEL: func @past_what_treats_features_alike
//   CHECK-NOT:   stamp.feature_transform
//       CHECK:   return
func.func @past_what_treats_features_alike(%x: tensor<8x2xf32>, %t: tensor<8xf32>) -> tensor<8x1x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<8x2xf32>
  %e = tensor.empty() : tensor<8x2xf32>
  %m = linalg.matmul ins(%x, %w : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  %l = stamp.transform #stamp.haar<levels = 2> along 0 ins(%m : tensor<8x2xf32>) outs(%e : tensor<8x2xf32>)
  %s = linalg.generic {indexing_maps = [#map, #rows, #map], iterator_types = ["parallel", "parallel"]}
      ins(%l, %t : tensor<8x2xf32>, tensor<8xf32>) outs(%e : tensor<8x2xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %a = arith.mulf %i, %j : f32
    linalg.yield %a : f32
  } -> tensor<8x2xf32>
  %et = tensor.empty() : tensor<2x8xf32>
  %u = linalg.transpose ins(%s : tensor<8x2xf32>) outs(%et : tensor<2x8xf32>) permutation = [1, 0]
  %v = linalg.transpose ins(%u : tensor<2x8xf32>) outs(%e : tensor<8x2xf32>) permutation = [1, 0]
  %p = tensor.expand_shape %v [[0, 1], [2]] output_shape [8, 1, 2] : tensor<8x2xf32> into tensor<8x1x2xf32>
  %ep = tensor.empty() : tensor<8x1x2xf32>
  %r = stamp.feature_transform #stamp.hadamard over 2 ins(%p : tensor<8x1x2xf32>) outs(%ep : tensor<8x1x2xf32>)
  return %r : tensor<8x1x2xf32>
}

// P·V acts on tokens: R of what attention makes goes into V's weight.
// CHECK-LABEL: func @past_attention
//   CHECK-NOT:   stamp.feature_transform
//       CHECK:   return
func.func @past_attention(%p: tensor<8x8xf32>, %x: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<8x2xf32>
  %e = tensor.empty() : tensor<8x2xf32>
  %v = linalg.matmul ins(%x, %w : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  %o = linalg.matmul ins(%p, %v : tensor<8x8xf32>, tensor<8x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  %r = stamp.feature_transform #stamp.hadamard over 1 ins(%o : tensor<8x2xf32>) outs(%e : tensor<8x2xf32>)
  return %r : tensor<8x2xf32>
}

// A residual stream is rotated where it begins, once for all linears that read
// it, and turned back for who needs its features.
// CHECK-LABEL: func @residual_stream
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<8x2xf32>
//       CHECK:   stamp.feature_transform #stamp.hadamard over 1 ins(%[[X]]
//   CHECK-NOT:   stamp.feature_transform {{.*}} tensor<8x2xf32>
// CHECK-COUNT-2:   linalg.add
//       CHECK:   %[[S:.*]] = linalg.add
//       CHECK:   stamp.inverse_feature_transform #stamp.hadamard over 1 ins(%[[S]]
//   CHECK-NOT:   stamp.feature_transform {{.*}} tensor<8x2xf32>
//       CHECK:   return
func.func @residual_stream(%x: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %w1 = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %w2 = arith.constant dense<[[0.5, -2.0], [1.0, 1.5]]> : tensor<2x2xf32>
  %w3 = arith.constant dense<[[-1.5, 2.0], [1.0, 0.75]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<8x2xf32>
  %e = tensor.empty() : tensor<8x2xf32>
  %a = linalg.matmul {stamp.plan = #plan} ins(%x, %w1 : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  %s = linalg.add ins(%x, %a : tensor<8x2xf32>, tensor<8x2xf32>) outs(%e : tensor<8x2xf32>) -> tensor<8x2xf32>
  %b = linalg.matmul {stamp.plan = #plan} ins(%s, %w2 : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  %u = linalg.add ins(%s, %b : tensor<8x2xf32>, tensor<8x2xf32>) outs(%e : tensor<8x2xf32>) -> tensor<8x2xf32>
  %c = linalg.matmul {stamp.plan = #plan} ins(%u, %w3 : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  %y = linalg.add ins(%u, %c : tensor<8x2xf32>, tensor<8x2xf32>) outs(%e : tensor<8x2xf32>) -> tensor<8x2xf32>
  %t = linalg.tanh ins(%y : tensor<8x2xf32>) outs(%e : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %t : tensor<8x2xf32>
}
