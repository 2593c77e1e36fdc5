// RUN: stamp-opt %s --stamp-fold --remarks-filter="stamp.*" --remark-format=emitRemark 2>&1 >%t | FileCheck %s --implicit-check-not=remark:
// What is folded stays as it is:
// RUN: stamp-opt %t --stamp-fold | diff %t -
// and every function computes what it did; nothing lowers linalg.softmax, which
// therefore is written out in both:
// RUN: stamp-opt %s --transform-preload-library=transform-library-paths=%S/Inputs/write-out-softmax.mlir --transform-interpreter -o %t.before
// RUN: stamp-opt %t --transform-preload-library=transform-library-paths=%S/Inputs/write-out-softmax.mlir --transform-interpreter -o %t.after
// RUN: stamp-validate %t.before %t.after | FileCheck %s --check-prefix=VALID
// VALID: 1 agree, 0 differ, 0 not run

func.func @softmax(%x: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}} stays: its user linalg.softmax needs tokens; a transform passes only ops that are linear and treat all tokens alike"
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.softmax dimension(1) ins(%i : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) -> tensor<16x8xf32>
  return %y : tensor<16x8xf32>
}
// CHECK: remark: [Analysis]
