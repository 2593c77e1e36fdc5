// RUN: stamp-test-opt %s --transform-interpreter --canonicalize --cse --split-input-file --verify-diagnostics | FileCheck %s

// The mathematics of the basis tells its block, to tiling too.

// CHECK-LABEL: func @whole_blocks(
//       CHECK:   scf.for %{{.*}} = %c0 to %{{.*}} step %c8
//       CHECK:     stamp.transform #slant.slant<block = 4> along 0 block_order
func.func @whole_blocks(%x: tensor<?x6xf32>, %e: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %t = stamp.transform #slant.slant<block = 4> along 0 block_order
         ins(%x : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>)
  return %t : tensor<?x6xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @half_blocks(%x: tensor<?x6xf32>, %e: tensor<?x6xf32>) -> tensor<?x6xf32> {
  // expected-error@+3 {{'stamp.transform' op cannot be tiled along dimension 0, which it mixes, except in whole blocks of 4}}
  // expected-error@+2 {{'stamp.transform' op faild to tile operation}}
  // expected-error@+1 {{'stamp.transform' op failed to generate tiling loops}}
  %t = stamp.transform #slant.slant<block = 4> along 0 block_order
         ins(%x : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>)
  return %t : tensor<?x6xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
