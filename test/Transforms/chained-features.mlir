// RUN: stamp-opt %s --stamp-select="features=hadamard" --stamp-quantize --stamp-fold | FileCheck %s
// RUN: stamp-opt %s --stamp-select="features=hadamard" --stamp-quantize | stamp-validate - | FileCheck %s --check-prefix=VALID
// VALID: {{^[0-9]+}} agree, 0 differ, 0 not run

// L comes before R, so that it still meets the L⁻¹ of the linear in front: two
// linears pay for one pair of sequence transforms and a rotation each.

// CHECK-LABEL: func @two_linears
//   CHECK-NOT:   inverse
//       CHECK:   stamp.transform
//       CHECK:   stamp.feature_transform #stamp.hadamard over 1
//       CHECK:   stamp.rescale
//   CHECK-NOT:   stamp.{{.*}}transform #stamp.haar
//       CHECK:   stamp.feature_transform #stamp.hadamard over 1
//       CHECK:   stamp.rescale
//       CHECK:   stamp.inverse_transform
func.func @two_linears(%x: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %w = arith.constant dense<3.0> : tensor<8x8xf32>
  %zero = arith.constant dense<0.0> : tensor<16x8xf32>
  %y = linalg.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<16x8xf32>) -> tensor<16x8xf32>
  %z = linalg.matmul ins(%y, %w : tensor<16x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<16x8xf32>) -> tensor<16x8xf32>
  return %z : tensor<16x8xf32>
}
