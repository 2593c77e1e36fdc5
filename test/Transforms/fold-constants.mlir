// RUN: stamp-opt %s --stamp-fold | FileCheck %s
// What is folded stays as it is:
// RUN: stamp-opt %s --stamp-fold -o %t
// RUN: stamp-opt %t --stamp-fold | diff %t -
// and every function computes what it did:
// RUN: stamp-validate %s | FileCheck %s --check-prefix=VALID
// VALID: {{^[0-9]+}} agree, 0 differ, 0 not run

// Rule 8: what is known at compile time.

#mean = affine_map<(d, s) -> (s, d)>
#kept = affine_map<(d, s) -> (d)>

//===----------------------------------------------------------------------===//
// T·L⁻¹(A) = (T·L⁻¹)·A
//===----------------------------------------------------------------------===//

// The mean of four tokens is half their first coefficient.
// CHECK-LABEL: func @mean_as_a_matmul
//  CHECK-SAME:   (%[[A:[^:]*]]: tensor<4x3xf32>,
//       CHECK:   %[[L:.*]] = arith.constant dense<{{\[\[}}5.000000e-01, 0.000000e+00, 0.000000e+00, 0.000000e+00]]> : tensor<1x4xf32>
//       CHECK:   %[[Y:.*]] = linalg.matmul ins(%[[L]], %[[A]] :
//   CHECK-NOT:   stamp
//       CHECK:   return %[[Y]]
func.func @mean_as_a_matmul(%a: tensor<4x3xf32>, %e: tensor<4x3xf32>) -> tensor<1x3xf32> {
  %zero = arith.constant dense<0.0> : tensor<1x3xf32>
  %mean = arith.constant dense<0.25> : tensor<1x4xf32>
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%a : tensor<4x3xf32>) outs(%e : tensor<4x3xf32>)
  %y = linalg.matmul ins(%mean, %i : tensor<1x4xf32>, tensor<4x3xf32>) outs(%zero : tensor<1x3xf32>) -> tensor<1x3xf32>
  return %y : tensor<1x3xf32>
}

// A matrix that is not orthonormal: T·L⁻¹ is no transform of T.
// CHECK-LABEL: func @pooling_of_a_skewed_basis
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @pooling_of_a_skewed_basis(%a: tensor<3x4xf32>, %c: tensor<1x4xf32>, %e: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x4xf32>
  %t = arith.constant dense<[[1.0, 2.0, 4.0], [0.5, -1.0, 3.0]]> : tensor<2x3xf32>
  %i = stamp.inverse_transform #stamp.matrix<dense<[[1.0, 1.0], [0.0, 1.0]]> : tensor<2x2xf32>, inverse = dense<[[1.0, -1.0], [0.0, 1.0]]> : tensor<2x2xf32>, skip = 1> along 0 ins(%a : tensor<3x4xf32>) outs(%e : tensor<3x4xf32>)
  %y = linalg.matmul ins(%t, %i : tensor<2x3xf32>, tensor<3x4xf32>) outs(%zero : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// The init does not matter: only the product is rewritten.
// CHECK-LABEL: func @pooling_in_a_batch
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @pooling_in_a_batch(%a: tensor<2x5x3xf32>, %c: tensor<2x1x3xf32>, %e: tensor<2x5x3xf32>) -> tensor<2x1x3xf32> {
  %t = arith.constant dense<[[[1.0, 2.0, 3.0, 4.0, 5.0]], [[0.0, 1.0, 0.0, -1.0, 0.0]]]> : tensor<2x1x5xf32>
  %i = stamp.inverse_transform #stamp.haar<levels = 2, skip = 1> along 1 block_order ins(%a : tensor<2x5x3xf32>) outs(%e : tensor<2x5x3xf32>)
  %y = linalg.batch_matmul ins(%t, %i : tensor<2x1x5xf32>, tensor<2x5x3xf32>) outs(%c : tensor<2x1x3xf32>) -> tensor<2x1x3xf32>
  return %y : tensor<2x1x3xf32>
}

// CHECK-LABEL: func @sum_of_any_number_of_tokens
//       CHECK:   %[[L:.*]] = tensor.collapse_shape
//       CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]{{.*}} ins(%{{.*}}, %[[L]] : tensor<?x3xf32>, tensor<?xf32>)
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @sum_of_any_number_of_tokens(%a: tensor<?x3xf32>, %c: tensor<3xf32>, %e: tensor<?x3xf32>) -> tensor<3xf32> {
  %i = stamp.inverse_transform #stamp.haar<levels = 2, skip = 1> along 0 ins(%a : tensor<?x3xf32>) outs(%e : tensor<?x3xf32>)
  %y = linalg.generic {indexing_maps = [#mean, #kept], iterator_types = ["parallel", "reduction"]}
      ins(%i : tensor<?x3xf32>) outs(%c : tensor<3xf32>) {
  ^bb0(%p: f32, %o: f32):
    %s = arith.addf %p, %o : f32
    linalg.yield %s : f32
  } -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// CHECK-LABEL: func @reduce_with_lengths
//       CHECK:   linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<2x5x3xf32>, tensor<2x5xf32>)
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @reduce_with_lengths(%a: tensor<2x5x3xf32>, %n: tensor<2xi64>, %c: tensor<2x3xf32>, %e: tensor<2x5x3xf32>) -> tensor<2x3xf32> {
  %i = stamp.inverse_transform #stamp.dct along 1 lengths(%n : tensor<2xi64>) ins(%a : tensor<2x5x3xf32>) outs(%e : tensor<2x5x3xf32>)
  %y = linalg.reduce { arith.addf } ins(%i : tensor<2x5x3xf32>) outs(%c : tensor<2x3xf32>) dimensions = [1]
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: func @maximum_needs_tokens
//       CHECK:   stamp.inverse_transform
//       CHECK:   linalg.reduce
func.func @maximum_needs_tokens(%a: tensor<5x3xf32>, %c: tensor<3xf32>, %e: tensor<5x3xf32>) -> tensor<3xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<5x3xf32>) outs(%e : tensor<5x3xf32>)
  %y = linalg.reduce { arith.maximumf } ins(%i : tensor<5x3xf32>) outs(%c : tensor<3xf32>) dimensions = [0]
  return %y : tensor<3xf32>
}

//===----------------------------------------------------------------------===//
// L·X of a constant X
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @transformed_constant
//       CHECK:   %[[T:.*]] = arith.constant dense<{{\[\[}}2.000000e+00, 4.000000e+00], [0.000000e+00, 0.000000e+00], [0.000000e+00, 0.000000e+00], [0.000000e+00, 0.000000e+00]]> : tensor<4x2xf32>
//       CHECK:   return %[[T]]
func.func @transformed_constant(%x: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %c = arith.constant dense<[[1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]> : tensor<4x2xf32>
  %e = tensor.empty() : tensor<4x2xf32>
  %t = stamp.transform #stamp.wht along 0 ins(%c : tensor<4x2xf32>) outs(%e : tensor<4x2xf32>)
  return %t : tensor<4x2xf32>
}

// Positions that are added to tokens are transformed at compile time, and the
// inverse in front of them cancels.
// CHECK-LABEL: func @positions
//  CHECK-SAME:   (%[[A:[^:]*]]: tensor<4x1xf32>,
//       CHECK:   %[[L:.*]] = arith.constant dense<{{.*}}> : tensor<4x1xf32>
//       CHECK:   linalg.add ins(%[[A]], %[[L]] :
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @positions(%a: tensor<4x1xf32>, %e: tensor<4x1xf32>) -> tensor<4x1xf32> {
  %p = arith.constant dense<[[1.0], [2.0], [3.0], [5.0]]> : tensor<4x1xf32>
  %i = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%a : tensor<4x1xf32>) outs(%e : tensor<4x1xf32>)
  %y = linalg.add ins(%i, %p : tensor<4x1xf32>, tensor<4x1xf32>) outs(%e : tensor<4x1xf32>) -> tensor<4x1xf32>
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%y : tensor<4x1xf32>) outs(%e : tensor<4x1xf32>)
  return %t : tensor<4x1xf32>
}

// A constant that others read would be held twice.
// CHECK-LABEL: func @constant_that_others_read
//       CHECK:   stamp.transform
func.func @constant_that_others_read(%x: tensor<4x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  %c = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]> : tensor<4x2xf32>
  %e = tensor.empty() : tensor<4x2xf32>
  %t = stamp.transform #stamp.wht along 0 ins(%c : tensor<4x2xf32>) outs(%e : tensor<4x2xf32>)
  return %t, %c : tensor<4x2xf32>, tensor<4x2xf32>
}
