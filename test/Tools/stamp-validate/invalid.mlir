// Input that cannot be validated is an error, and says why.

// RUN: rm -rf %t && split-file %s %t && cd %t

// RUN: not stamp-validate nothing.mlir 2>&1 | FileCheck nothing.mlir
//--- nothing.mlir
// CHECK: @declared: not run: function 'declared' has no body
func.func private @declared(tensor<4xf32>) -> tensor<4xf32>
// CHECK: @hidden: not run: function 'hidden' is private
func.func private @hidden(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
// CHECK: @scalar: not run: argument 0 of 'scalar' has type 'f32': only ranked tensors can be passed
func.func @scalar(%x: f32) -> f32 {
  return %x : f32
}
// CHECK: @buffer: not run: argument 0 of 'buffer' has type 'memref<4xf32>': only ranked tensors can be passed
func.func @buffer(%x: memref<4xf32>) -> tensor<4xf32> {
  %y = arith.constant dense<0.0> : tensor<4xf32>
  return %y : tensor<4xf32>
}
// CHECK: @bfloat: not run: argument 0 of 'bfloat' has type 'tensor<4xbf16>': NumPy has no such element type
func.func @bfloat(%x: tensor<4xbf16>) -> tensor<4xbf16> {
  return %x : tensor<4xbf16>
}
// CHECK: @silent: not run: it has no results
func.func @silent(%x: tensor<4xf32>) {
  return
}
// CHECK: 0 agree, 0 differ, 6 not run
// CHECK: stamp-validate: error: there is no function that could be run

//--- empty.mlir
// RUN: not stamp-validate empty.mlir 2>&1 | FileCheck %s --check-prefix=EMPTY
// EMPTY: error: there is no function that could be run

//--- unsupported.mlir
// RUN: not stamp-validate unsupported.mlir 2>&1 | FileCheck %s --check-prefix=LOWERING
// LOWERING: error: the module before: lowering to the LLVM dialect failed
// RUN: not stamp-validate float.mlir unsupported.mlir 2>&1 | FileCheck %s --check-prefix=LOWERING-AFTER
// LOWERING-AFTER: error: the module afterwards: lowering to the LLVM dialect failed
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = tosa.sin %x : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

//--- float.mlir
// RUN: not stamp-validate missing.mlir 2>&1 | FileCheck %s --check-prefix=MISSING
// MISSING: error: cannot open input file 'missing.mlir': No such file or directory
// RUN: not stamp-validate float.mlir missing.mlir 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not stamp-validate %s 2>&1 | FileCheck %s --check-prefix=PARSE
// PARSE: error: redefinition of symbol named 'main'
// RUN: not stamp-validate float.mlir float.mlir --stamp-fold 2>&1 | FileCheck %s --check-prefix=BOTH
// BOTH: error: two modules leave no passes to run
// RUN: not stamp-validate float.mlir --stamp-select=basis=haar 2>&1 | FileCheck %s --check-prefix=PASS
// PASS: error: a pass failed
// RUN: not stamp-validate float.mlir --stamp-select=base=haar 2>&1 | FileCheck %s --check-prefix=OPTION
// OPTION: no such option base
// OPTION: error: these passes make no pipeline
// RUN: not stamp-validate float.mlir --sizes=4,0 2>&1 | FileCheck %s --check-prefix=SIZES
// SIZES: error: --sizes needs positive numbers, not 0
// RUN: not stamp-validate float.mlir --tolerance=-1 2>&1 | FileCheck %s --check-prefix=TOLERANCE
// TOLERANCE: error: a tolerance cannot be negative
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
