// Bytecode refuses resources that are not aligned, as a file in memory may be:
// what stamp-opt has written is read again.

// RUN: stamp-opt %s --emit-bytecode -o %t.mlirbc
// RUN: stamp-validate %t.mlirbc --canonicalize | FileCheck %s
// RUN: stamp-validate %t.mlirbc %t.mlirbc | FileCheck %s

// CHECK: @add: result 0 agrees
// CHECK: 1 agree, 0 differ, 0 not run
func.func @add(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = arith.constant dense_resource<weight> : tensor<4xf32>
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.add ins(%x, %w : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

{-#
  dialect_resources: {
    builtin: {
      weight: "0x400000000000803F000000400000404000008040"
    }
  }
#-}
