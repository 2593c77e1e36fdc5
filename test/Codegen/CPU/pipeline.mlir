// RUN: stamp-opt %s --stamp-cpu-pipeline | FileCheck %s

// A constant stays one global; the result, which is the caller's, is not freed.

// CHECK: llvm.mlir.global private constant @[[W:.*]](dense_resource<w>
// CHECK-LABEL: llvm.func @main
//   CHECK-NOT: llvm.func
//       CHECK: llvm.mlir.addressof @[[W]]
//   CHECK-NOT: unrealized_conversion_cast
//   CHECK-NOT: llvm.call @free
//       CHECK: llvm.return
func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense_resource<w> : tensor<2x2xf32>
  %s = tensor.dim %x, %c0 : tensor<?x2xf32>
  %e = tensor.empty(%s) : tensor<?x2xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x2xf32>)
                     outs(%f : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

{-# dialect_resources: { builtin: { w: "0x040000000000803F000000400000404000008040" } } #-}
