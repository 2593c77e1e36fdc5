// RUN: stamp-opt %s --stamp-decompose-aggregates | FileCheck %s
// RUN: stamp-opt %s --stamp-decompose-aggregates -o %t
// RUN: stamp-opt %t --stamp-decompose-aggregates | diff %t -

// CHECK-LABEL: func @softmax
//   CHECK-NOT:   linalg.softmax
//       CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "reduction", "parallel"]
//       CHECK:     arith.maxnumf
//       CHECK:     math.exp
//       CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "reduction", "parallel"]
//       CHECK:     arith.addf
//       CHECK:     arith.divf
func.func @softmax(%x: tensor<2x?x4xf32>, %e: tensor<2x?x4xf32>) -> tensor<2x?x4xf32> {
  %y = linalg.softmax dimension(1) ins(%x : tensor<2x?x4xf32>) outs(%e : tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
  return %y : tensor<2x?x4xf32>
}

// Its parts would be tensors.
// CHECK-LABEL: func @on_buffers
//       CHECK:   linalg.softmax
func.func @on_buffers(%x: memref<2x4xf32>, %y: memref<2x4xf32>) {
  linalg.softmax dimension(1) ins(%x : memref<2x4xf32>) outs(%y : memref<2x4xf32>)
  return
}
