// RUN: stamp-opt %s --transform-interpreter --split-input-file --verify-diagnostics | FileCheck %s

// Each refusal says why, and at which op.

// expected-note@+1 {{when applied to this op}}
func.func @a_plan_for_a_function() {
  return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %0 = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-error@+1 {{transform applied to the wrong op kind}}
    transform.stamp.plan %0 {plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>} : !transform.any_op
    transform.yield
  }
}

// -----

func.func @a_plan_for_no_linear(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-note@+1 {{this is the target}}
  %0 = linalg.exp ins(%x : tensor<8x4xf32>) outs(%x : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %0 = transform.structured.match ops{["linalg.exp"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-error@+1 {{the plan cannot be carried out: it is neither a contraction nor a convolution}}
    transform.stamp.plan %0 {plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>} : !transform.any_op
    transform.yield
  }
}

// -----

func.func @a_plan_that_does_not_fit(%x: tensor<8x8xf32>, %w: tensor<8x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-note@+1 {{this is the target}}
  %0 = linalg.matmul ins(%x, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %0 = transform.structured.match ops{["linalg.matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-error@+1 {{the plan does not fit: levels = 4 needs at least 9 tokens, there are 8}}
    transform.stamp.plan %0 {plan = #stamp.plan<basis = #stamp.haar<levels = 4>, activations = #stamp.schedule<[], 8>, weight_bits = 4>} : !transform.any_op
    transform.yield
  }
}

// -----

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    // expected-error@+1 {{'transform.stamp.plan' op requires attribute 'plan'}}
    transform.stamp.plan %root : !transform.any_op
    transform.yield
  }
}

// -----

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    // expected-error@+1 {{'transform.stamp.plan' op attribute 'plan' failed to satisfy constraint: What becomes of one linear layer}}
    transform.stamp.plan %root {plan = #stamp.dct} : !transform.any_op
    transform.yield
  }
}

// -----

// expected-note@+1 {{this is the target}}
func.func @a_function_is_not_quantized() {
  return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %0 = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-error@+1 {{only linalg ops are quantized}}
    transform.stamp.quantize %0 : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @no_plan(%x: tensor<8x8xf32>, %w: tensor<8x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-note@+1 {{this is the target}}
  %0 = linalg.matmul ins(%x, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %0 = transform.structured.match ops{["linalg.matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-error@+1 {{no plan is given, and the target has none}}
    transform.stamp.quantize %0 : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A plan that was written by hand is checked here.

func.func @its_plan_does_not_fit(%x: tensor<8x8xf32>, %w: tensor<8x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-note@+1 {{this is the target}}
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.wht<block = 16>, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %0 = transform.structured.match ops{["linalg.matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-error@+1 {{the plan does not fit: block = 16 needs at least 16 tokens, there are 8}}
    transform.stamp.quantize %0 : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @integers(%x: tensor<8x8xi8>, %w: tensor<8x4xi8>, %y: tensor<8x4xi32>) -> tensor<8x4xi32> {
  // expected-note@+1 {{this is the target}}
  %0 = linalg.matmul ins(%x, %w : tensor<8x8xi8>, tensor<8x4xi8>) outs(%y : tensor<8x4xi32>) -> tensor<8x4xi32>
  return %0 : tensor<8x4xi32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %0 = transform.structured.match ops{["linalg.matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-error@+1 {{the plan cannot be carried out: its operands are integers: it is quantized already}}
    transform.stamp.quantize %0 {plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @a_consumed_handle(%x: tensor<8x8xf32>, %w: tensor<8x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-note@+2 {{ancestor payload op}}
  // expected-note@+1 {{nested payload op}}
  %0 = linalg.matmul ins(%x, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    // expected-note@+1 {{handle to invalidated ops}}
    %0 = transform.structured.match ops{["linalg.matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-note@+1 {{invalidated by this transform op that consumes its operand #0}}
    transform.stamp.quantize %0 {plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    // expected-error@+1 {{op uses a handle invalidated by a previously executed transform op}}
    transform.stamp.plan %0 {plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>} : !transform.any_op
    transform.yield
  }
}

// -----

// expected-note@+1 {{this is the target}}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    // expected-error@+1 {{cannot fold what holds this schedule}}
    transform.stamp.fold %root : !transform.any_op
    transform.yield
  }
}

// -----

func.func @a_loop_is_not_folded(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-note@+1 {{this is the target}}
  scf.for %i = %c0 to %n step %c1 {
  }
  return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %0 = transform.structured.match ops{["scf.for"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-error@+1 {{only what is isolated from above is folded, such as a function}}
    transform.stamp.fold %0 : !transform.any_op
    transform.yield
  }
}

// -----

// expected-note@+1 {{replacement value 0}}
func.func @the_cancelled_pair(%x: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %e = tensor.empty() : tensor<16x8xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  // expected-note@+1 {{replaced op}}
  %y = stamp.inverse_transform #stamp.dct along 0 ins(%t : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  return %y : tensor<16x8xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    // expected-note@+1 {{replacement is required because this handle must be updated}}
    %inverse = transform.structured.match ops{["stamp.inverse_transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %function = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-note@+2 {{replacement values belong to different ops}}
    // expected-error@+1 {{tracking listener failed to find replacement op}}
    transform.stamp.fold %function : !transform.any_op
    transform.annotate %inverse "moved" : !transform.any_op
    transform.yield
  }
}

// -----

func.func @tensors_are_not_vectorized(%x: tensor<4x16xf32>) -> tensor<4x16xf32> {
  // expected-note@+1 {{this is the target}}
  %0 = linalg.mul ins(%x, %x : tensor<4x16xf32>, tensor<4x16xf32>) outs(%x : tensor<4x16xf32>) -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %0 = transform.structured.match ops{["linalg.mul"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-error@+1 {{the target stays scalar: it does not work on buffers alone}}
    transform.stamp.vectorize %0 : !transform.any_op
    transform.yield
  }
}

// -----

// A failure can be silenced: then nothing has changed, the target that could
// have been quantized included.

// CHECK-LABEL: func @silenced(
//   CHECK-NOT:   stamp.
//       CHECK:   return
func.func @silenced(%x: tensor<16x8xf32>, %w: tensor<8x4xf32>, %y: tensor<16x4xf32>,
                    %x2: tensor<8x8xf32>, %y2: tensor<8x4xf32>) -> (tensor<16x4xf32>, tensor<8x4xf32>) {
  %0 = linalg.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%y : tensor<16x4xf32>) -> tensor<16x4xf32>
  %1 = linalg.matmul ins(%x2, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%y2 : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0, %1 : tensor<16x4xf32>, tensor<8x4xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    transform.sequence %root : !transform.any_op failures(suppress) {
    ^bb0(%inner: !transform.any_op):
      %both = transform.structured.match ops{["linalg.matmul"]} in %inner : (!transform.any_op) -> !transform.any_op
      transform.stamp.quantize %both {plan = #stamp.plan<basis = #stamp.haar<levels = 4>, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
          : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    }
    transform.yield
  }
}
