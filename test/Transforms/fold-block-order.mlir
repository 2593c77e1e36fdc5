// RUN: stamp-opt %s --stamp-fold | FileCheck %s
// What is folded stays as it is:
// RUN: stamp-opt %s --stamp-fold -o %t
// RUN: stamp-opt %t --stamp-fold | diff %t -
// and every function computes what it did:
// RUN: stamp-validate %s | FileCheck %s --check-prefix=VALID
// VALID: {{^[0-9]+}} agree, 0 differ, 0 not run

#id = affine_map<(i, j) -> (i, j)>
#channel = affine_map<(i, j) -> (j)>

// CHECK-LABEL: func @equal_orders_cancel
//  CHECK-SAME:     %[[A:[a-z0-9]+]]: tensor<8x4xf32>
//       CHECK:   return %[[A]]
func.func @equal_orders_cancel(%a: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %i = stamp.inverse_transform #stamp.haar<levels = 2> along 0 block_order ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %t = stamp.transform #stamp.haar<levels = 2> along 0 block_order ins(%i : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %t : tensor<8x4xf32>
}

// CHECK-LABEL: func @other_orders_do_not_cancel
//       CHECK:   stamp.inverse_transform
//       CHECK:   stamp.transform
func.func @other_orders_do_not_cancel(%a: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %i = stamp.inverse_transform #stamp.haar<levels = 2> along 0 block_order ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%i : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %t : tensor<8x4xf32>
}

// CHECK-LABEL: func @sunk_inverses_keep_their_order
//       CHECK:   linalg.matmul
//       CHECK:   stamp.inverse_transform #stamp.haar<levels = 2> along 0 block_order
func.func @sunk_inverses_keep_their_order(%a: tensor<8x4xf32>, %w: tensor<4x3xf32>) -> tensor<8x3xf32> {
  %e = tensor.empty() : tensor<8x4xf32>
  %i = stamp.inverse_transform #stamp.haar<levels = 2> along 0 block_order ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %zero = arith.constant dense<0.0> : tensor<8x3xf32>
  %y = linalg.matmul ins(%i, %w : tensor<8x4xf32>, tensor<4x3xf32>) outs(%zero : tensor<8x3xf32>) -> tensor<8x3xf32>
  return %y : tensor<8x3xf32>
}

// CHECK-LABEL: func @risen_transforms_keep_their_order
//       CHECK:   stamp.transform #stamp.haar<levels = 2> along 0 block_order
//       CHECK:   linalg.matmul
func.func @risen_transforms_keep_their_order(%x: tensor<8x4xf32>, %w: tensor<4x6xf32>) -> tensor<8x6xf32> {
  %zero = arith.constant dense<0.0> : tensor<8x6xf32>
  %m = linalg.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x6xf32>) outs(%zero : tensor<8x6xf32>) -> tensor<8x6xf32>
  %e = tensor.empty() : tensor<8x6xf32>
  %t = stamp.transform #stamp.haar<levels = 2> along 0 block_order ins(%m : tensor<8x6xf32>) outs(%e : tensor<8x6xf32>)
  return %t : tensor<8x6xf32>
}

// The spread stands in the order of the coefficients: 2, 0, 0, 0 in each block.
// CHECK-LABEL: func @the_spread_has_the_order
//       CHECK:   %[[L:.*]] = arith.constant dense<[{{1.99[0-9]*}}, 0.000000e+00, 0.000000e+00, 0.000000e+00, 1.000000e+00]> : tensor<5xf32>
//       CHECK:   linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %[[L]]
//       CHECK:   stamp.inverse_transform #stamp.haar<levels = 2> along 0 block_order
func.func @the_spread_has_the_order(%a: tensor<5x4xf32>, %b: tensor<4xf32>) -> tensor<5x4xf32> {
  %e = tensor.empty() : tensor<5x4xf32>
  %i = stamp.inverse_transform #stamp.haar<levels = 2> along 0 block_order ins(%a : tensor<5x4xf32>) outs(%e : tensor<5x4xf32>)
  %y = linalg.generic {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel"]}
      ins(%i, %b : tensor<5x4xf32>, tensor<4xf32>) outs(%e : tensor<5x4xf32>) {
  ^bb0(%u: f32, %v: f32, %out: f32):
    %s = arith.addf %u, %v : f32
    linalg.yield %s : f32
  } -> tensor<5x4xf32>
  return %y : tensor<5x4xf32>
}

// CHECK-LABEL: func @the_spread_of_any_length_has_the_order
//       CHECK:   stamp.transform #stamp.haar<levels = 2> along 0 block_order ins(%{{.*}} : tensor<?x1xf32>)
func.func @the_spread_of_any_length_has_the_order(%a: tensor<?x4xf32>, %b: tensor<4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %i = stamp.inverse_transform #stamp.haar<levels = 2> along 0 block_order ins(%a : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  %y = linalg.generic {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel"]}
      ins(%i, %b : tensor<?x4xf32>, tensor<4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%u: f32, %v: f32, %out: f32):
    %s = arith.addf %u, %v : f32
    linalg.yield %s : f32
  } -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
