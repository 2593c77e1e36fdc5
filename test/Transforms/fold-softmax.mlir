// RUN: stamp-opt %s --stamp-fold --remarks-filter="stamp.*" --remark-format=emitRemark 2>&1 >%t | FileCheck %s --implicit-check-not=remark:
// RUN: stamp-opt %s | diff %t -

// Not executed, as the other tests of stamp-fold are: nothing lowers
// linalg.softmax, and it is not touched.

func.func @softmax(%x: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.softmax needs tokens; a transform passes only ops that are linear and treat all tokens alike"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.softmax dimension(1) ins(%i : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) -> tensor<16x8xf32>
  return %y : tensor<16x8xf32>
}
// CHECK: remark: [Analysis]
