// A module shrinks while --stamp-quantize on it still finds something to
// transform: one function of two goes.

// RUN: stamp-reduce %s --reduction-tree='traversal-mode=0 test=%S/Inputs/has-a-transform' | FileCheck %s

//     CHECK-NOT: func @float
// CHECK-LABEL: func.func @quantized(
//       CHECK:   linalg.matmul {stamp.plan =
//   CHECK-NOT: func @float

func.func @float(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %0 = arith.addf %x, %x : tensor<8x8xf32>
  return %0 : tensor<8x8xf32>
}

func.func @quantized(%x: tensor<8x8xf32>, %w: tensor<8x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 8>}
    ins(%x, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}
