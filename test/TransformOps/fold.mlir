// RUN: stamp-opt %s --transform-interpreter --split-input-file | FileCheck %s

// Folded and kept compute what they did.
// RUN: sed '/^\/\/ -----/,$d' %s > %t.mlir
// RUN: sed '/^module/,/^}/d' %t.mlir > %t.model.mlir
// RUN: sed -n '/^module/,/^}/p' %t.mlir > %t.schedule.mlir
// RUN: stamp-validate %t.model.mlir --transform-preload-library=transform-library-paths=%t.schedule.mlir --transform-interpreter | FileCheck %s --check-prefix=VALID
// VALID: 2 agree, 0 differ, 0 not run

// One function of a module is folded; the other keeps its pair.

// CHECK-LABEL: func @folded(
//  CHECK-SAME:   %[[X:.*]]: tensor<16x8xf32>
//  CHECK-NEXT:   return %[[X]]

// CHECK-LABEL: func @kept(
//       CHECK:   stamp.transform
//       CHECK:   stamp.inverse_transform
func.func @folded(%x: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %e = tensor.empty() : tensor<16x8xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = stamp.inverse_transform #stamp.dct along 0 ins(%t : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  return %y : tensor<16x8xf32>
}

func.func @kept(%x: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %e = tensor.empty() : tensor<16x8xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = stamp.inverse_transform #stamp.dct along 0 ins(%t : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  return %y : tensor<16x8xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %function = transform.structured.match ops{["func.func"]} attributes{sym_name = "folded"} in %root : (!transform.any_op) -> !transform.any_op
    transform.stamp.fold %function : !transform.any_op
    transform.yield
  }
}

// -----

// What folding leaves alone is still at hand: the integer contraction under the
// inverse that sinks through the float layer behind it.

// CHECK-LABEL: func @handles_survive(
//       CHECK:   linalg.matmul {still_here} ins({{.*}} : tensor<16x8xi8>, tensor<8x8xi8>)
//       CHECK:   stamp.rescale
//       CHECK:   linalg.matmul ins({{.*}} : tensor<16x8xf32>, tensor<8x4xf32>)
//       CHECK:   stamp.inverse_transform
func.func @handles_survive(%x: tensor<16x8xf32>) -> tensor<16x4xf32> {
  %w1 = arith.constant dense<0.5> : tensor<8x8xf32>
  %w2 = arith.constant dense<0.5> : tensor<8x4xf32>
  %zero1 = arith.constant dense<0.0> : tensor<16x8xf32>
  %zero2 = arith.constant dense<0.0> : tensor<16x4xf32>
  %1 = linalg.matmul {layer = "fc1"} ins(%x, %w1 : tensor<16x8xf32>, tensor<8x8xf32>) outs(%zero1 : tensor<16x8xf32>) -> tensor<16x8xf32>
  %2 = linalg.matmul ins(%1, %w2 : tensor<16x8xf32>, tensor<8x4xf32>) outs(%zero2 : tensor<16x4xf32>) -> tensor<16x4xf32>
  return %2 : tensor<16x4xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %fc1 = transform.structured.match attributes{layer = "fc1"} in %root : (!transform.any_op) -> !transform.any_op
    %t, %q, %c, %r, %i = transform.stamp.quantize %fc1 {plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 8>}
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %function = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.stamp.fold %function : !transform.any_op
    transform.annotate %c "still_here" : !transform.any_op
    transform.yield
  }
}
