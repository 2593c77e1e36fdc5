// RUN: stamp-opt %s --stamp-check-sizes --canonicalize --cse --canonicalize | FileCheck %s

// M and N are taken from the operands, so only K is in doubt.

// CHECK-LABEL: func @matmul
//  CHECK-SAME:   %[[A:.*]]: tensor<?x?xf32>, %[[B:.*]]: tensor<?x8xf32>
//   CHECK-DAG:   %[[KA:.*]] = tensor.dim %[[A]], %c1
//   CHECK-DAG:   %[[KB:.*]] = tensor.dim %[[B]], %c0
//       CHECK:   %[[AGREE:.*]] = arith.cmpi eq, %[[KA]], %[[KB]]
//       CHECK:   cf.assert %[[AGREE]], "{{.*}}check-sizes.mlir:[[#@LINE+10]]: linalg.matmul: operand 1 does not have the size of the others along loop 2"
//   CHECK-NOT:   cf.assert
//       CHECK:   linalg.matmul
func.func @matmul(%a: tensor<?x?xf32>, %b: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %m = tensor.dim %a, %c0 : tensor<?x?xf32>
  %e = tensor.empty(%m) : tensor<?x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  // The line that the message names.
  %y = linalg.matmul ins(%a, %b : tensor<?x?xf32>, tensor<?x8xf32>)
                     outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// A cast that promises a size: only the one that was unknown is in doubt.

// CHECK-LABEL: func @cast
//  CHECK-SAME:   %[[X:.*]]: tensor<?x8x?xf32>
//       CHECK:   %[[SIZE:.*]] = tensor.dim %[[X]], %c0
//       CHECK:   %[[AGREE:.*]] = arith.cmpi eq, %[[SIZE]], %c4
//       CHECK:   cf.assert %[[AGREE]], "{{.*}}tensor.cast: the size along dimension 0 is not 4"
//   CHECK-NOT:   cf.assert
//       CHECK:   tensor.cast
func.func @cast(%x: tensor<?x8x?xf32>) -> tensor<4x8x?xf32> {
  %y = tensor.cast %x : tensor<?x8x?xf32> to tensor<4x8x?xf32>
  return %y : tensor<4x8x?xf32>
}
