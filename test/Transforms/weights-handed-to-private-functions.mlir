// RUN: stamp-opt %s --stamp-select="basis=#stamp.dct schedule=#stamp.schedule<[],8> features=#stamp.hadamard weight-bits=8" --stamp-quantize --canonicalize --remarks-filter="stamp-(select|quantize)" --remark-format=emitRemark 2>%t | FileCheck %s
// RUN: FileCheck %s --input-file=%t --check-prefix=REMARK
// RUN: stamp-validate %s --stamp-select="basis=#stamp.dct schedule=#stamp.schedule<[],8> features=#stamp.hadamard weight-bits=8" --stamp-quantize --quantized-tolerance=0.05 | FileCheck %s --check-prefix=VALID
// VALID: 2 agree, 0 differ, 1 not run

// A private function needs no prepacking function: its callers do it. A constant
// is quantized at compile time there.
// CHECK-LABEL: func private @inner(
//  CHECK-SAME:   %{{[^:]*}}: tensor<8x2xf32>, %{{[^:]*}}: tensor<2x2xi8>, %{{[^:]*}}: tensor<2xf32>, %{{[^:]*}}: tensor<2xi32>)
// CHECK-NOT: @prepack_inner
func.func private @inner(%x: tensor<8x2xf32>, %w: tensor<2x2xf32> {stamp.weight}) -> tensor<8x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<8x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %y : tensor<8x2xf32>
}

// CHECK-LABEL: func @of_a_constant(
//   CHECK-NOT:   stamp.quantize_weight
//       CHECK:   %[[Q:.*]] = arith.constant dense<{{.*}}> : tensor<2x2xi8>
//       CHECK:   call @inner(%{{.*}}, %[[Q]],
func.func @of_a_constant(%x: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 5.0]]> : tensor<2x2xf32>
  %y = call @inner(%x, %w) : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  return %y : tensor<8x2xf32>
}

// CHECK-LABEL: func @of_run_time(
//  CHECK-SAME:   %{{[^:]*}}: tensor<8x2xf32>, %{{[^:]*}}: tensor<2x2xf32>)
//       CHECK:   %[[Q:.*]], %{{.*}}, %{{.*}} = stamp.quantize_weight
//       CHECK:   call @inner(%{{.*}}, %[[Q]],
func.func @of_run_time(%x: tensor<8x2xf32>, %w: tensor<2x2xf32>) -> tensor<8x2xf32> {
  // REMARK-DAG: [[@LINE+1]]:{{.*}} [Missed] Prepack | Category:stamp-quantize | Reason="the weights of @inner are quantized at each call; hand them on from a constant, or from an argument marked with stamp.weight"
  %y = call @inner(%x, %w) : (tensor<8x2xf32>, tensor<2x2xf32>) -> tensor<8x2xf32>
  return %y : tensor<8x2xf32>
}
