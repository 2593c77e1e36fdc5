// RUN: stamp-test-opt %s --stamp-fold | FileCheck %s

// CHECK-LABEL: func @cancels
//  CHECK-SAME:     %[[A:[a-z0-9]+]]:
//       CHECK:   return %[[A]]
func.func @cancels(%a: tensor<?x6xf32>, %e: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %i = stamp.inverse_transform #slant.slant<block = 4> along 0 ins(%a : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>)
  %t = stamp.transform #slant.slant<block = 4> along 0 ins(%i : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>)
  return %t : tensor<?x6xf32>
}

// CHECK-LABEL: func @sinks
//       CHECK:   linalg.matmul
//       CHECK:   stamp.inverse_transform #slant.slant<block = 4> along 0
func.func @sinks(%a: tensor<9x6xf32>, %w: tensor<6x3xf32>) -> tensor<9x3xf32> {
  %e = tensor.empty() : tensor<9x6xf32>
  %i = stamp.inverse_transform #slant.slant<block = 4> along 0 ins(%a : tensor<9x6xf32>) outs(%e : tensor<9x6xf32>)
  %zero = arith.constant dense<0.0> : tensor<9x3xf32>
  %y = linalg.matmul ins(%i, %w : tensor<9x6xf32>, tensor<6x3xf32>) outs(%zero : tensor<9x3xf32>) -> tensor<9x3xf32>
  return %y : tensor<9x3xf32>
}

// CHECK-LABEL: func @spreads_a_bias_at_any_length
//       CHECK:   stamp.transform #slant.slant<block = 4> along 0 ins(%{{.*}} : tensor<?x1xf32>)
//       CHECK:   stamp.inverse_transform #slant.slant<block = 4> along 0
func.func @spreads_a_bias_at_any_length(%a: tensor<?x6xf32>, %b: tensor<6xf32>, %e: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %i = stamp.inverse_transform #slant.slant<block = 4> along 0 ins(%a : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>)
  %wide = linalg.broadcast ins(%b : tensor<6xf32>) outs(%e : tensor<?x6xf32>) dimensions = [0]
  %y = linalg.add ins(%i, %wide : tensor<?x6xf32>, tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}
