// RUN: stamp-opt %s --transform-interpreter --split-input-file --verify-diagnostics | FileCheck %s
// RUN: stamp-opt %s --split-input-file --verify-roundtrip -o %t

// A schedule picks layer by layer: two of one function get different plans, the
// third is left alone.

// CHECK-LABEL: func @three_layers(
//       CHECK:   %[[T1:.*]] = stamp.transform #stamp.haar<levels = 2, skip = 1> along 0
//       CHECK:   stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1 ins(%[[T1]]
//       CHECK:   linalg.matmul ins(%{{.*}} : tensor<16x8xi8>, tensor<8x12xi8>) outs(%{{.*}} : tensor<16x12xi32>)
//       CHECK:   stamp.inverse_transform #stamp.haar<levels = 2, skip = 1> along 0
//       CHECK:   linalg.matmul {layer = "fc2"} ins(%{{.*}} : tensor<16x12xf32>, tensor<12x12xf32>)
//       CHECK:   %[[T3:.*]] = stamp.transform #stamp.dct along 0
//       CHECK:   stamp.quantize #stamp.schedule<[], 8> along 0 over 1 ins(%[[T3]]
//       CHECK:   linalg.matmul ins(%{{.*}} : tensor<16x12xi8>, tensor<12x4xi8>)
//       CHECK:   stamp.inverse_transform #stamp.dct along 0
//   CHECK-NOT:   stamp.
//       CHECK:   return
func.func @three_layers(%x: tensor<16x8xf32>) -> tensor<16x4xf32> {
  %w1 = arith.constant dense<0.5> : tensor<8x12xf32>
  %w2 = arith.constant dense<0.5> : tensor<12x12xf32>
  %w3 = arith.constant dense<0.5> : tensor<12x4xf32>
  %zero = arith.constant dense<0.0> : tensor<16x12xf32>
  %zero3 = arith.constant dense<0.0> : tensor<16x4xf32>
  %1 = linalg.matmul {layer = "fc1"} ins(%x, %w1 : tensor<16x8xf32>, tensor<8x12xf32>) outs(%zero : tensor<16x12xf32>) -> tensor<16x12xf32>
  %2 = linalg.matmul {layer = "fc2"} ins(%1, %w2 : tensor<16x12xf32>, tensor<12x12xf32>) outs(%zero : tensor<16x12xf32>) -> tensor<16x12xf32>
  %3 = linalg.matmul {layer = "fc3"} ins(%2, %w3 : tensor<16x12xf32>, tensor<12x4xf32>) outs(%zero3 : tensor<16x4xf32>) -> tensor<16x4xf32>
  return %3 : tensor<16x4xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    // By an attribute, with the plan put on first …
    %fc1 = transform.structured.match ops{["linalg.matmul"]} attributes{layer = "fc1"} in %root : (!transform.any_op) -> !transform.any_op
    transform.stamp.plan %fc1 {plan = #stamp.plan<basis = #stamp.haar<levels = 2, skip = 1>, activations = #stamp.schedule<[4 : 8], 4>, weight_bits = 4>} : !transform.any_op
    transform.stamp.quantize %fc1 : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    // … and by the shape of the result, with the plan given in place.
    %fc3 = transform.structured.match interface{LinalgOp} filter_result_type = tensor<16x4xf32> in %root : (!transform.any_op) -> !transform.any_op
    transform.stamp.quantize %fc3 {plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 8>} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A plan takes the place of another one; nothing is carried out.

// CHECK-LABEL: func @plan_again(
//       CHECK:   linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.wht, activations = #stamp.schedule<[2 : 6], 3>, weight_bits = 8>} ins({{.*}} : tensor<16x8xf32>
//   CHECK-NOT:   stamp.
//       CHECK:   return
func.func @plan_again(%x: tensor<16x8xf32>, %w: tensor<8x4xf32>, %y: tensor<16x4xf32>) -> tensor<16x4xf32> {
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%y : tensor<16x4xf32>) -> tensor<16x4xf32>
  return %0 : tensor<16x4xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %linear = transform.structured.match ops{["linalg.matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.stamp.plan %linear {plan = #stamp.plan<basis = #stamp.wht, activations = #stamp.schedule<[2 : 6], 3>, weight_bits = 8>} : !transform.any_op
    transform.yield
  }
}

// -----

// The handles hold one piece per target, in order: here each of two targets has
// its own kind of sequence dimension, and the identity no transforms.

func.func @pieces(%x: tensor<16x8xf32>, %w: tensor<8x4xf32>, %y: tensor<16x4xf32>,
                  %bx: tensor<2x16x8xf32>, %bw: tensor<2x8x4xf32>, %by: tensor<2x16x4xf32>) -> (tensor<16x4xf32>, tensor<2x16x4xf32>) {
  // expected-remark@+5 {{quantize}}
  // expected-remark@+4 {{contraction}}
  // expected-remark@+3 {{rescale}}
  // expected-remark@+2 {{transform}}
  // expected-remark@+1 {{inverse}}
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%y : tensor<16x4xf32>) -> tensor<16x4xf32>
  // expected-remark@+3 {{quantize}}
  // expected-remark@+2 {{contraction}}
  // expected-remark@+1 {{rescale}}
  %1 = linalg.batch_matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%bx, %bw : tensor<2x16x8xf32>, tensor<2x8x4xf32>) outs(%by : tensor<2x16x4xf32>) -> tensor<2x16x4xf32>
  return %0, %1 : tensor<16x4xf32>, tensor<2x16x4xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %linears = transform.structured.match ops{["linalg.matmul", "linalg.batch_matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %t, %q, %c, %r, %i = transform.stamp.quantize %linears : (!transform.any_op)
        -> (!transform.op<"stamp.transform">, !transform.op<"stamp.quantize">, !transform.any_op, !transform.op<"stamp.rescale">, !transform.op<"stamp.inverse_transform">)
    transform.debug.emit_remark_at %t, "transform" : !transform.op<"stamp.transform">
    transform.debug.emit_remark_at %q, "quantize" : !transform.op<"stamp.quantize">
    transform.debug.emit_remark_at %c, "contraction" : !transform.any_op
    transform.debug.emit_remark_at %r, "rescale" : !transform.op<"stamp.rescale">
    transform.debug.emit_remark_at %i, "inverse" : !transform.op<"stamp.inverse_transform">
    transform.yield
  }
}

// -----

// The pieces are ordinary targets: the inverse is tiled along the channels, and
// the rescale and the integer contraction are fused into its loop.

// CHECK-LABEL: func @tile_the_pieces(
//       CHECK:   stamp.quantize
//       CHECK:   scf.for
//       CHECK:     linalg.matmul ins({{.*}} : tensor<16x8xi8>, tensor<8x4xi8>)
//       CHECK:     stamp.rescale {{.*}} outs({{.*}} : tensor<16x4xf32>)
//       CHECK:     stamp.inverse_transform {{.*}} outs({{.*}} : tensor<16x4xf32>)
func.func @tile_the_pieces(%x: tensor<16x8xf32>) -> tensor<16x12xf32> {
  %w = arith.constant dense<0.5> : tensor<8x12xf32>
  %zero = arith.constant dense<0.0> : tensor<16x12xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x12xf32>) outs(%zero : tensor<16x12xf32>) -> tensor<16x12xf32>
  return %0 : tensor<16x12xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %linear = transform.structured.match ops{["linalg.matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %t, %q, %c, %r, %i = transform.stamp.quantize %linear {plan = #stamp.plan<basis = #stamp.haar<levels = 2>, activations = #stamp.schedule<[4 : 8], 4>, weight_bits = 4>}
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    %tiled, %loop = transform.structured.tile_using_for %i tile_sizes [0, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %r2, %loop2 = transform.structured.fuse_into_containing_op %r into %loop : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op)
    %c2, %loop3 = transform.structured.fuse_into_containing_op %c into %loop2 : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// No target is no failure.

// CHECK-LABEL: func @nothing_matches(
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @nothing_matches(%x: tensor<16x8xf32>) -> tensor<16x8xf32> {
  return %x : tensor<16x8xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %linear = transform.structured.match ops{["linalg.matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.stamp.plan %linear {plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>} : !transform.any_op
    transform.stamp.quantize %linear : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// The arguments say how long the sequences of a padded batch are.

#tokens = affine_map<(b, s, n, k) -> (b, s, k)>
#weight = affine_map<(b, s, n, k) -> (k, n)>
#result = affine_map<(b, s, n, k) -> (b, s, n)>

// CHECK-LABEL: func @padded_layers(
//       CHECK:   stamp.transform #stamp.dct along 1 lengths(%arg1
//       CHECK:   stamp.inverse_transform #stamp.dct along 1 lengths(%arg1
//       CHECK:   stamp.transform #stamp.dct along 1 lengths(%arg1
//       CHECK:   stamp.inverse_transform #stamp.dct along 1 lengths(%arg1
func.func @padded_layers(%x: tensor<4x13x8xf32> {stamp.padded = #stamp.padded<along = 1, lengths = 1>}, %n: tensor<4xi64>, %w: tensor<8x8xf32>, %e: tensor<4x13x8xf32>) -> tensor<4x13x8xf32> {
  %0 = linalg.contract indexing_maps = [#tokens, #weight, #result] {layer = "fc1"}
    ins(%x, %w : tensor<4x13x8xf32>, tensor<8x8xf32>) outs(%e : tensor<4x13x8xf32>) -> tensor<4x13x8xf32>
  %1 = linalg.contract indexing_maps = [#tokens, #weight, #result] {layer = "fc2"}
    ins(%0, %w : tensor<4x13x8xf32>, tensor<8x8xf32>) outs(%e : tensor<4x13x8xf32>) -> tensor<4x13x8xf32>
  return %1 : tensor<4x13x8xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %fc1 = transform.structured.match ops{["linalg.contract"]} attributes{layer = "fc1"} in %root : (!transform.any_op) -> !transform.any_op
    %fc2 = transform.structured.match ops{["linalg.contract"]} attributes{layer = "fc2"} in %root : (!transform.any_op) -> !transform.any_op
    transform.stamp.quantize %fc1 {plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 8>} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.stamp.quantize %fc2 {plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 8>} : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}
