// RUN: rm -rf %t && mkdir %t && cd %t
// RUN: stamp-opt %s --emit-bytecode -o module.mlirbc
// RUN: stamp-run module.mlirbc --outputs=y.npy
// RUN: %python -c "import numpy as np; print(np.load('y.npy'))" | FileCheck %s
// CHECK: [1 2 3]

func.func @main() -> tensor<3xi16> {
  %y = arith.constant dense_resource<numbers> : tensor<3xi16>
  return %y : tensor<3xi16>
}

{-# dialect_resources: { builtin: { numbers: "0x02000000010002000300" } } #-}
