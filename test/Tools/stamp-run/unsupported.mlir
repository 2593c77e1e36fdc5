// An operation that nothing lowers is a diagnostic where it stands.

// RUN: rm -rf %t && split-file %s %t && cd %t
// RUN: not stamp-run bufferization.mlir --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=BUFFERIZATION
// RUN: not stamp-run loops.mlir --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=LOOPS
// RUN: not stamp-run symbol.mlir --outputs=y.npy 2>&1 | FileCheck %s --check-prefix=SYMBOL
// RUN: not ls y.npy

// BUFFERIZATION: bufferization.mlir:3:8: error:
// BUFFERIZATION: error: lowering to the LLVM dialect failed
//--- bufferization.mlir
func.func @main() -> tensor<4xf32> {
  %x = arith.constant dense<1.0> : tensor<4xf32>
  %y = tosa.sin %x : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// LOOPS: loops.mlir:4:3: error: 'linalg.softmax' op is not lowered to the LLVM dialect by this pipeline
//--- loops.mlir
func.func @main() -> tensor<2x4xf32> {
  %x = memref.alloc() : memref<2x4xf32>
  %y = memref.alloc() : memref<2x4xf32>
  linalg.softmax dimension(1) ins(%x : memref<2x4xf32>) outs(%y : memref<2x4xf32>)
  %t = bufferization.to_tensor %y restrict : memref<2x4xf32> to tensor<2x4xf32>
  return %t : tensor<2x4xf32>
}

// SYMBOL: error: {{.*}}main
//--- symbol.mlir
func.func private @somewhere_else() -> tensor<4xf32>
func.func @main() -> tensor<4xf32> {
  %y = func.call @somewhere_else() : () -> tensor<4xf32>
  return %y : tensor<4xf32>
}
