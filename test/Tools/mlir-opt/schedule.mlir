// The plugin gives LLVM's own mlir-opt our transform ops, too.

// RUN: mlir-opt %s --load-dialect-plugin=%stamp_plugin --load-pass-plugin=%stamp_plugin \
// RUN:   --pass-pipeline='builtin.module(transform-interpreter)' -o %t.mlir
// RUN: FileCheck %s --input-file=%t.mlir
// RUN: stamp-opt %s --transform-interpreter | diff %t.mlir -

// CHECK-LABEL: func @linear(
//   CHECK-NOT:   stamp.
//       CHECK:   linalg.matmul ins(%{{.*}} : tensor<16x8xi8>, tensor<8x4xi8>)
//   CHECK-NOT:   stamp.
//       CHECK:   return
func.func @linear(%x: tensor<16x8xf32>, %y: tensor<16x4xf32>) -> tensor<16x4xf32> {
  %w = arith.constant dense<0.5> : tensor<8x4xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%y : tensor<16x4xf32>) -> tensor<16x4xf32>
  return %0 : tensor<16x4xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%model: !transform.any_op {transform.readonly}) {
    %linear = transform.structured.match ops{["linalg.matmul"]} in %model : (!transform.any_op) -> !transform.any_op
    %t, %q, %m, %r, %i = transform.stamp.quantize %linear {plan = #stamp.plan<basis = #stamp.haar<levels = 2>, activations = #stamp.schedule<[4 : 8], 4>, weight_bits = 4>}
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %function = transform.structured.match ops{["func.func"]} in %model : (!transform.any_op) -> !transform.any_op
    transform.stamp.fold %function : !transform.any_op
    transform.apply_patterns to %function {
      transform.apply_patterns.stamp.to_linalg
      transform.apply_patterns.stamp.fuse_elementwise
    } : !transform.any_op
    transform.yield
  }
}
