// RUN: stamp-opt %s --transform-interpreter --canonicalize --cse --split-input-file --verify-diagnostics | FileCheck %s

// Groups are held in whole, all of them, and everything else is tiled as ever.

// CHECK-LABEL: func @quantize(
//       CHECK:   scf.for %[[ROW:.*]] = %c0 to %c12 step %c4
//   CHECK-DAG:     %[[X:.*]] = tensor.extract_slice %{{.*}}[%[[ROW]], 0] [4, 100]
//   CHECK-DAG:     %[[S:.*]] = tensor.extract_slice %{{.*}}[%[[ROW]], 0] [4, 2]
//       CHECK:     stamp.quantize #stamp.schedule<[5 : 8], 4> along 0 over 1 groups of 64 rows at %[[ROW]] of %c12
//  CHECK-SAME:       ins(%[[X]] : tensor<4x100xf32>) outs(%{{.*}} : tensor<4x100xi8>, tensor<4x2xf32>, tensor<4x2xi32>)
func.func @quantize(%x: tensor<12x100xf32>, %eq: tensor<12x100xi8>, %es: tensor<12x2xf32>, %ez: tensor<12x2xi32>) -> tensor<12x100xi8> {
  %q:3 = stamp.quantize #stamp.schedule<[5 : 8], 4> along 0 over 1 groups of 64 ins(%x : tensor<12x100xf32>)
      outs(%eq, %es, %ez : tensor<12x100xi8>, tensor<12x2xf32>, tensor<12x2xi32>)
  return %q#0 : tensor<12x100xi8>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.quantize"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @quantize_weight(
//       CHECK:   scf.for %[[COL:.*]] = %c0 to %c8 step %c4
//       CHECK:     stamp.quantize_weight bits = 4 over 0 groups of 64 for sums
//  CHECK-SAME:       ins(%{{.*}} : tensor<100x4xf32>) outs({{.*}} : tensor<100x4xi8>, tensor<4xf32>, tensor<2x4xi32>)
func.func @quantize_weight(%w: tensor<100x8xf32>, %eq: tensor<100x8xi8>, %es: tensor<8xf32>, %ec: tensor<2x8xi32>) -> tensor<2x8xi32> {
  %q:3 = stamp.quantize_weight bits = 4 over 0 groups of 64 for sums ins(%w : tensor<100x8xf32>)
      outs(%eq, %es, %ec : tensor<100x8xi8>, tensor<8xf32>, tensor<2x8xi32>)
  return %q#2 : tensor<2x8xi32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.quantize_weight"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// The result's dimensions are the accumulators' without the groups.
// CHECK-LABEL: func @rescale(
//       CHECK:   scf.for %[[ROW:.*]] = %c0 to %c12 step %c4
//       CHECK:     scf.for %[[COL:.*]] = %c0 to %c6 step %c3
//   CHECK-DAG:       tensor.extract_slice %{{.*}}[%[[ROW]], 0, %[[COL]]] [4, 5, 3]
//   CHECK-DAG:       tensor.extract_slice %{{.*}}[%[[ROW]]] [4]
//   CHECK-DAG:       tensor.extract_slice %{{.*}}[%[[ROW]], 0] [4, 5]
//   CHECK-DAG:       tensor.extract_slice %{{.*}}[0, %[[COL]]] [5, 3]
//       CHECK:       %[[Y:.*]] = stamp.rescale along 0 over 2 groups along 1
//       CHECK:       tensor.insert_slice %[[Y]] into %{{.*}}[%[[ROW]], %[[COL]]] [4, 3]
func.func @rescale(%a: tensor<12x5x6xi32>, %s: tensor<12xf32>, %z: tensor<12x5xi32>, %w: tensor<6xf32>, %c: tensor<5x6xi32>,
                   %b: tensor<6xf32>, %e: tensor<12x6xf32>) -> tensor<12x6xf32> {
  %y = stamp.rescale along 0 over 2 groups along 1
      ins(%a, %s, %z, %w, %c : tensor<12x5x6xi32>, tensor<12xf32>, tensor<12x5xi32>, tensor<6xf32>, tensor<5x6xi32>)
      bias(%b : tensor<6xf32>) outs(%e : tensor<12x6xf32>)
  return %y : tensor<12x6xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.rescale"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.tile_using_for %op tile_sizes [4, 0, 3] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A dequantizer of groups no longer is as free as one of tokens.
func.func @dequantize_along_the_features(%q: tensor<12x100xi8>, %s: tensor<12x2xf32>, %z: tensor<12x2xi32>, %e: tensor<12x100xf32>) -> tensor<12x100xf32> {
  // expected-error@+3 {{'stamp.dequantize' op cannot be tiled along dimension 1, which it mixes}}
  // expected-error@+2 {{'stamp.dequantize' op faild to tile operation}}
  // expected-error@+1 {{'stamp.dequantize' op failed to generate tiling loops}}
  %d = stamp.dequantize over 1 groups of 64 ins(%q, %s, %z : tensor<12x100xi8>, tensor<12x2xf32>, tensor<12x2xi32>)
      outs(%e : tensor<12x100xf32>)
  return %d : tensor<12x100xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.dequantize"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 64] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @rescale_along_the_groups(%a: tensor<12x4x6xi32>, %s: tensor<12xf32>, %z: tensor<12xi32>, %w: tensor<4x6xf32>, %c: tensor<4x6xi32>,
                                    %e: tensor<12x6xf32>) -> tensor<12x6xf32> {
  // expected-error@+3 {{'stamp.rescale' op cannot be tiled along dimension 1, which it mixes}}
  // expected-error@+2 {{'stamp.rescale' op faild to tile operation}}
  // expected-error@+1 {{'stamp.rescale' op failed to generate tiling loops}}
  %y = stamp.rescale along 0 over 2 groups along 1
      ins(%a, %s, %z, %w, %c : tensor<12x4x6xi32>, tensor<12xf32>, tensor<12xi32>, tensor<4x6xf32>, tensor<4x6xi32>)
      outs(%e : tensor<12x6xf32>)
  return %y : tensor<12x6xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.rescale"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
