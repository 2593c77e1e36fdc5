// RUN: stamp-opt %s --transform-interpreter --split-input-file | FileCheck %s

// The lowering to linalg as patterns, to be mixed with others.

// CHECK-LABEL: func @to_linalg(
//   CHECK-NOT:   stamp.
//       CHECK:   linalg.generic
//   CHECK-NOT:   stamp.
// CHECK-LABEL: func @not_this_one(
//       CHECK:   stamp.transform
func.func @to_linalg(%x: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %t = stamp.transform #stamp.wht along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  return %t : tensor<16x8xf32>
}
func.func @not_this_one(%x: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %t = stamp.transform #stamp.wht along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  return %t : tensor<16x8xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %function = transform.structured.match ops{["func.func"]} attributes{sym_name = "to_linalg"} in %root : (!transform.any_op) -> !transform.any_op
    transform.apply_patterns to %function {
      transform.apply_patterns.stamp.to_linalg
      transform.apply_patterns.canonicalization
    } : !transform.any_op
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @fuse_elementwise(
//       CHECK:   linalg.generic
//       CHECK:     arith.negf
//       CHECK:     math.absf
//   CHECK-NOT:   linalg.generic
func.func @fuse_elementwise(%x: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %e = tensor.empty() : tensor<16x8xf32>
  %n = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.negf %in : f32
    linalg.yield %0 : f32
  } -> tensor<16x8xf32>
  %a = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%n : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = math.absf %in : f32
    linalg.yield %0 : f32
  } -> tensor<16x8xf32>
  return %a : tensor<16x8xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %function = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.apply_patterns to %function {
      transform.apply_patterns.stamp.fuse_elementwise
    } : !transform.any_op
    transform.yield
  }
}

// -----

// One op is vectorized, its neighbour is not.

// CHECK-LABEL: func @vectorize(
//       CHECK:   vector.store
//       CHECK:   linalg.add
func.func @vectorize(%x: memref<4x16xf32>, %y: memref<4x16xf32>) {
  linalg.mul ins(%x, %x : memref<4x16xf32>, memref<4x16xf32>) outs(%y : memref<4x16xf32>)
  linalg.add ins(%x, %y : memref<4x16xf32>, memref<4x16xf32>) outs(%y : memref<4x16xf32>)
  return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %mul = transform.structured.match ops{["linalg.mul"]} in %root : (!transform.any_op) -> !transform.any_op
    transform.stamp.vectorize %mul : !transform.any_op
    transform.yield
  }
}
