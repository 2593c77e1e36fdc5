// RUN: stamp-opt %s --stamp-select="basis=#stamp.identity features=hadamard" | FileCheck %s --check-prefix=PROPOSED
// RUN: stamp-opt %s --stamp-select="basis=#stamp.identity features={[#stamp.hadamard<order=3>, #stamp.hadamard<order=3>]}" | FileCheck %s --check-prefix=LIST
// RUN: stamp-opt %s --stamp-select="basis=#stamp.identity" | FileCheck %s --check-prefix=NONE

// The word `hadamard` asks for the order that suits each linear; a list is for
// all of them. Plans that the user wrote stay.

// PROPOSED-LABEL: func @sizes
//       PROPOSED:   features = #stamp.hadamard<order = 3>, activations
//       PROPOSED:   features = #stamp.hadamard<order = 12>, activations
//       PROPOSED:   linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations
//  PROPOSED-SAME:     tensor<4x12xf32>
// LIST-LABEL: func @sizes
// LIST-COUNT-2: features = [#stamp.hadamard<order = 3>, #stamp.hadamard<order = 3>], activations
// NONE-LABEL: func @sizes
//   NONE-NOT:   features
func.func @sizes(%x: tensor<4x3xf32>, %y: tensor<4x12xf32>) -> (tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>) {
  %e = arith.constant dense<0.0> : tensor<4x1xf32>
  %w = arith.constant dense<1.0> : tensor<3x1xf32>
  %v = arith.constant dense<1.0> : tensor<12x1xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<4x3xf32>, tensor<3x1xf32>) outs(%e : tensor<4x1xf32>) -> tensor<4x1xf32>
  %1 = linalg.matmul ins(%y, %v : tensor<4x12xf32>, tensor<12x1xf32>) outs(%e : tensor<4x1xf32>) -> tensor<4x1xf32>
  %2 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 8>}
         ins(%y, %v : tensor<4x12xf32>, tensor<12x1xf32>) outs(%e : tensor<4x1xf32>) -> tensor<4x1xf32>
  return %0, %1, %2 : tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>
}
