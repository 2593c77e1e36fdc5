// Rewrites that are wrong on purpose are caught; right ones are not.

// RUN: rm -rf %t && split-file %s %t && cd %t
// RUN: not stamp-validate pair.mlir --transform-preload-library=transform-library-paths=schedule.mlir --transform-interpreter >out 2>err
// RUN: FileCheck pair.mlir --input-file=out --check-prefix=BASIS
// RUN: FileCheck pair.mlir --input-file=err --check-prefix=ERROR
// RUN: stamp-validate pair.mlir --canonicalize --stamp-to-linalg | FileCheck pair.mlir --check-prefix=RIGHT

// The schedule takes one basis for another. Both are orthonormal and make the
// same of constant tokens, so constants would have hidden it.

//--- pair.mlir
// BASIS: @tokens: result 0 differs: largest difference {{[01]\.[0-9]+}}, allowed 1e-05, at [{{[0-9]+}}, {{[0-9]+}}] of float32[4, 8]
// BASIS: @constant_tokens: result 0 agrees: largest difference {{.*}}, allowed 1e-05
// BASIS: 1 agree, 1 differ, 0 not run
// ERROR: stamp-validate: error: the module does not compute what it did
// RIGHT: 2 agree, 0 differ, 0 not run
func.func @tokens(%x: tensor<4x8xf32>, %e: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %t = stamp.transform #stamp.wht along 0 ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>)
  return %t : tensor<4x8xf32>
}
func.func @constant_tokens(%e: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %x = arith.constant dense<1.5> : tensor<4x8xf32>
  %t = stamp.transform #stamp.wht along 0 ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>)
  return %t : tensor<4x8xf32>
}

//--- schedule.mlir
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %transforms = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %haar = transform.param.constant #stamp.haar<levels = 2> -> !transform.any_param
    transform.annotate %transforms "basis" = %haar : !transform.any_op, !transform.any_param
    transform.yield
  }
}
