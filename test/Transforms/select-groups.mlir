// RUN: stamp-opt %s --stamp-select="activation-group=64 weight-group=64" | FileCheck %s --check-prefixes=CHECK,BOTH
// RUN: stamp-opt %s --stamp-select="weight-group=128" | FileCheck %s --check-prefixes=CHECK,WEIGHTS

// CHECK-LABEL: func @matmul
//       BOTH:    activation_group = 64, weight_bits = 4, weight_group = 64>
//    WEIGHTS:    activations = #stamp.schedule<[0.0625 : 8], 4>, weight_bits = 4, weight_group = 128>
func.func @matmul(%x: tensor<32x256xf32>, %y: tensor<32x4xf32>) -> tensor<32x4xf32> {
  %w = arith.constant dense<1.0> : tensor<256x4xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<32x256xf32>, tensor<256x4xf32>) outs(%y : tensor<32x4xf32>) -> tensor<32x4xf32>
  return %0 : tensor<32x4xf32>
}
