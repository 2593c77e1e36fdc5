// RUN: stamp-opt %s --transform-interpreter --canonicalize --cse --split-input-file --verify-diagnostics | FileCheck %s

// In block order a transform tiles along the sequence, in whole blocks; driven by
// upstream's transform ops alone.

// The offset is a multiple of four, and the size is one or reaches the end.
// CHECK-LABEL: func @ragged_sequence(
//       CHECK:   scf.for %[[ROW:.*]] = %c0 to %c13 step %c8
//       CHECK:     %[[N:.*]] = affine.min
//       CHECK:     %[[IN:.*]] = tensor.extract_slice %{{.*}}[%[[ROW]], 0] [%[[N]], 10]
//       CHECK:     stamp.transform #stamp.haar<levels = 2> along 0 block_order ins(%[[IN]] : tensor<?x10xf32>)
func.func @ragged_sequence(%x: tensor<13x10xf32>, %e: tensor<13x10xf32>) -> tensor<13x10xf32> {
  %t = stamp.transform #stamp.haar<levels = 2> along 0 block_order
         ins(%x : tensor<13x10xf32>) outs(%e : tensor<13x10xf32>)
  return %t : tensor<13x10xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops = transform.structured.tile_using_for %op tile_sizes [8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @any_length(
//       CHECK:   scf.for
//       CHECK:     scf.for %[[ROW:.*]] = %c0 to %{{.*}} step %c4
//       CHECK:       scf.for
//       CHECK:         stamp.inverse_transform #stamp.wht<block = 4> along 1 block_order ins(%{{.*}} : tensor<1x?x?xf32>)
func.func @any_length(%x: tensor<2x?x?xf32>, %e: tensor<2x?x?xf32>) -> tensor<2x?x?xf32> {
  %t = stamp.inverse_transform #stamp.wht<block = 4> along 1 block_order
         ins(%x : tensor<2x?x?xf32>) outs(%e : tensor<2x?x?xf32>)
  return %t : tensor<2x?x?xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.inverse_transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:3 = transform.structured.tile_using_for %op tile_sizes [1, 4, 16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @whole_tiles(
//       CHECK:   stamp.transform #stamp.haar<levels = 2> along 0 block_order ins(%{{.*}} : tensor<8x10xf32>)
func.func @whole_tiles(%x: tensor<16x10xf32>, %e: tensor<16x10xf32>) -> tensor<16x10xf32> {
  %t = stamp.transform #stamp.haar<levels = 2> along 0 block_order
         ins(%x : tensor<16x10xf32>) outs(%e : tensor<16x10xf32>)
  return %t : tensor<16x10xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops = transform.structured.tile_using_for %op tile_sizes [8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @tiles_of_tiles(
//       CHECK:   scf.for %{{.*}} = %c0 to %{{.*}} step %c16
//       CHECK:     scf.for %{{.*}} = %c0 to %{{.*}} step %c4
//       CHECK:       stamp.transform {{.*}} block_order
func.func @tiles_of_tiles(%x: tensor<?x10xf32>, %e: tensor<?x10xf32>) -> tensor<?x10xf32> {
  %t = stamp.transform #stamp.haar<levels = 2> along 0 block_order
         ins(%x : tensor<?x10xf32>) outs(%e : tensor<?x10xf32>)
  return %t : tensor<?x10xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %outer, %loop = transform.structured.tile_using_for %op tile_sizes [16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %inner, %loop_in = transform.structured.tile_using_for %outer tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @forall(
//       CHECK:   scf.forall (%[[THREAD:.*]]) in
//       CHECK:     %[[ROW:.*]] = affine.apply #{{.*}}(%[[THREAD]])
//       CHECK:     tensor.extract_slice %{{.*}}[%[[ROW]], 0]
//       CHECK:     stamp.transform {{.*}} block_order
func.func @forall(%x: tensor<?x10xf32>, %e: tensor<?x10xf32>) -> tensor<?x10xf32> {
  %t = stamp.transform #stamp.haar<levels = 2> along 0 block_order
         ins(%x : tensor<?x10xf32>) outs(%e : tensor<?x10xf32>)
  return %t : tensor<?x10xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op tile_sizes [8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Three threads of eight rows, the last one of six.
// CHECK-LABEL: func @threads(
//       CHECK:   scf.forall (%{{.*}}) in (3)
//       CHECK:     stamp.transform {{.*}} block_order
func.func @threads(%x: tensor<22x10xf32>, %e: tensor<22x10xf32>) -> tensor<22x10xf32> {
  %t = stamp.transform #stamp.haar<levels = 2> along 0 block_order
         ins(%x : tensor<22x10xf32>) outs(%e : tensor<22x10xf32>)
  return %t : tensor<22x10xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op num_threads [3] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// The whole linear, from the last op backwards: nothing is left outside the loop.
// CHECK-LABEL: func @linear(
//   CHECK-NOT:   stamp.
//       CHECK:   scf.for %[[ROW:.*]] = %c0 to %[[END:.*]] step %c8
//       CHECK:     %[[N:.*]] = affine.min
//       CHECK:     %[[T:.*]] = stamp.transform {{.*}} block_order ins(
//       CHECK:     %[[Q:.*]], %[[SX:.*]], %[[ZX:.*]] = stamp.quantize {{.*}} block_order of #stamp.haar<levels = 3> rows at %[[ROW]] of %[[END]] ins(%[[T]] :
//       CHECK:     %[[A:.*]] = linalg.matmul ins(%[[Q]],
//       CHECK:     %[[L:.*]] = tensor.extract_slice %{{.*}}[%[[ROW]]] [%[[N]]] [1] : tensor<?xf32>
//       CHECK:     %[[R:.*]] = stamp.rescale {{.*}} ins(%[[A]], %[[SX]], %[[ZX]], {{.*}} spread(%[[L]] :
//       CHECK:     stamp.inverse_transform {{.*}} block_order ins(%[[R]] :
//   CHECK-NOT:   stamp.
//       CHECK:   return
func.func @linear(%x: tensor<?x8xf32>, %wq: tensor<8x6xi8>, %sw: tensor<6xf32>, %cw: tensor<6xi32>,
                  %b: tensor<6xf32>, %l: tensor<?xf32>) -> tensor<?x6xf32> {
  %c0 = arith.constant 0 : index
  %s = tensor.dim %x, %c0 : tensor<?x8xf32>
  %ex = tensor.empty(%s) : tensor<?x8xf32>
  %t = stamp.transform #stamp.haar<levels = 3> along 0 block_order
         ins(%x : tensor<?x8xf32>) outs(%ex : tensor<?x8xf32>)
  %eq = tensor.empty(%s) : tensor<?x8xi8>
  %es = tensor.empty(%s) : tensor<?xf32>
  %ez = tensor.empty(%s) : tensor<?xi32>
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1 block_order of #stamp.haar<levels = 3>
      ins(%t : tensor<?x8xf32>) outs(%eq, %es, %ez : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>)
  %i0 = arith.constant 0 : i32
  %ea = tensor.empty(%s) : tensor<?x6xi32>
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<?x6xi32>) -> tensor<?x6xi32>
  %a = linalg.matmul ins(%q#0, %wq : tensor<?x8xi8>, tensor<8x6xi8>) outs(%zero : tensor<?x6xi32>) -> tensor<?x6xi32>
  %ey = tensor.empty(%s) : tensor<?x6xf32>
  %r = stamp.rescale along 0 over 1
      ins(%a, %q#1, %q#2, %sw, %cw : tensor<?x6xi32>, tensor<?xf32>, tensor<?xi32>, tensor<6xf32>, tensor<6xi32>)
      bias(%b : tensor<6xf32>) spread(%l : tensor<?xf32>) outs(%ey : tensor<?x6xf32>)
  %y = stamp.inverse_transform #stamp.haar<levels = 3> along 0 block_order
         ins(%r : tensor<?x6xf32>) outs(%ey : tensor<?x6xf32>)
  return %y : tensor<?x6xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.inverse_transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.fuse %op tile_sizes [8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// The whole linear, from the last op backwards: nothing is left outside the loop.
// CHECK-LABEL: func @static_linear(
//   CHECK-NOT:   stamp.
//       CHECK:   scf.for %[[ROW:.*]] = %c0 to %[[END:.*]] step %c8
//       CHECK:     %[[N:.*]] = affine.min
//       CHECK:     %[[T:.*]] = stamp.transform {{.*}} block_order ins(
//       CHECK:     %[[Q:.*]], %[[SX:.*]], %[[ZX:.*]] = stamp.quantize {{.*}} block_order of #stamp.haar<levels = 3> rows at %[[ROW]] of %[[END]] ins(%[[T]] :
//       CHECK:     %[[A:.*]] = linalg.matmul ins(%[[Q]],
//       CHECK:     %[[L:.*]] = tensor.extract_slice %{{.*}}[%[[ROW]]] [%[[N]]] [1] : tensor<13xf32>
//       CHECK:     %[[R:.*]] = stamp.rescale {{.*}} ins(%[[A]], %[[SX]], %[[ZX]], {{.*}} spread(%[[L]] :
//       CHECK:     stamp.inverse_transform {{.*}} block_order ins(%[[R]] :
//   CHECK-NOT:   stamp.
//       CHECK:   return
func.func @static_linear(%x: tensor<13x8xf32>, %wq: tensor<8x6xi8>, %sw: tensor<6xf32>, %cw: tensor<6xi32>,
                  %b: tensor<6xf32>, %l: tensor<13xf32>) -> tensor<13x6xf32> {
  %c0 = arith.constant 0 : index
  %s = tensor.dim %x, %c0 : tensor<13x8xf32>
  %ex = tensor.empty() : tensor<13x8xf32>
  %t = stamp.transform #stamp.haar<levels = 3> along 0 block_order
         ins(%x : tensor<13x8xf32>) outs(%ex : tensor<13x8xf32>)
  %eq = tensor.empty() : tensor<13x8xi8>
  %es = tensor.empty() : tensor<13xf32>
  %ez = tensor.empty() : tensor<13xi32>
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1 block_order of #stamp.haar<levels = 3>
      ins(%t : tensor<13x8xf32>) outs(%eq, %es, %ez : tensor<13x8xi8>, tensor<13xf32>, tensor<13xi32>)
  %i0 = arith.constant 0 : i32
  %ea = tensor.empty() : tensor<13x6xi32>
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<13x6xi32>) -> tensor<13x6xi32>
  %a = linalg.matmul ins(%q#0, %wq : tensor<13x8xi8>, tensor<8x6xi8>) outs(%zero : tensor<13x6xi32>) -> tensor<13x6xi32>
  %ey = tensor.empty() : tensor<13x6xf32>
  %r = stamp.rescale along 0 over 1
      ins(%a, %q#1, %q#2, %sw, %cw : tensor<13x6xi32>, tensor<13xf32>, tensor<13xi32>, tensor<6xf32>, tensor<6xi32>)
      bias(%b : tensor<6xf32>) spread(%l : tensor<13xf32>) outs(%ey : tensor<13x6xf32>)
  %y = stamp.inverse_transform #stamp.haar<levels = 3> along 0 block_order
         ins(%r : tensor<13x6xf32>) outs(%ey : tensor<13x6xf32>)
  return %y : tensor<13x6xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.inverse_transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.fuse %op tile_sizes [8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

//===----------------------------------------------------------------------===//
// What is refused; the second and third errors are upstream's own
//===----------------------------------------------------------------------===//

func.func @half_blocks(%x: tensor<?x10xf32>, %e: tensor<?x10xf32>) -> tensor<?x10xf32> {
  // expected-error@+3 {{'stamp.transform' op cannot be tiled along dimension 0, which it mixes, except in whole blocks of 8}}
  // expected-error@+2 {{'stamp.transform' op faild to tile operation}}
  // expected-error@+1 {{'stamp.transform' op failed to generate tiling loops}}
  %t = stamp.transform #stamp.haar<levels = 3> along 0 block_order
         ins(%x : tensor<?x10xf32>) outs(%e : tensor<?x10xf32>)
  return %t : tensor<?x10xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops = transform.structured.tile_using_for %op tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @block_and_a_half(%x: tensor<40x10xf32>, %e: tensor<40x10xf32>) -> tensor<40x10xf32> {
  // expected-error@+3 {{'stamp.inverse_transform' op cannot be tiled along dimension 0, which it mixes, except in whole blocks of 8}}
  // expected-error@+2 {{'stamp.inverse_transform' op faild to tile operation}}
  // expected-error@+1 {{'stamp.inverse_transform' op failed to generate tiling loops}}
  %t = stamp.inverse_transform #stamp.wht<block = 8> along 0 block_order
         ins(%x : tensor<40x10xf32>) outs(%e : tensor<40x10xf32>)
  return %t : tensor<40x10xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.inverse_transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops = transform.structured.tile_using_for %op tile_sizes [12] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// With a skip the first tile would hold other tokens than the others.
func.func @skip_in_front(%x: tensor<?x10xf32>, %e: tensor<?x10xf32>) -> tensor<?x10xf32> {
  // expected-error@+3 {{'stamp.transform' op cannot be tiled along dimension 0, which it mixes}}
  // expected-error@+2 {{'stamp.transform' op faild to tile operation}}
  // expected-error@+1 {{'stamp.transform' op failed to generate tiling loops}}
  %t = stamp.transform #stamp.haar<levels = 2, skip = 1> along 0 block_order
         ins(%x : tensor<?x10xf32>) outs(%e : tensor<?x10xf32>)
  return %t : tensor<?x10xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops = transform.structured.tile_using_for %op tile_sizes [8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// One block as long as the sequence allows.
func.func @block_of_the_sequence(%x: tensor<?x10xf32>, %e: tensor<?x10xf32>) -> tensor<?x10xf32> {
  // expected-error@+3 {{'stamp.transform' op cannot be tiled along dimension 0, which it mixes}}
  // expected-error@+2 {{'stamp.transform' op faild to tile operation}}
  // expected-error@+1 {{'stamp.transform' op failed to generate tiling loops}}
  %t = stamp.transform #stamp.wht along 0 block_order
         ins(%x : tensor<?x10xf32>) outs(%e : tensor<?x10xf32>)
  return %t : tensor<?x10xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops = transform.structured.tile_using_for %op tile_sizes [8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @no_blocks(%x: tensor<40x10xf32>, %e: tensor<40x10xf32>) -> tensor<40x10xf32> {
  // expected-error@+3 {{'stamp.transform' op cannot be tiled along dimension 0, which it mixes}}
  // expected-error@+2 {{'stamp.transform' op faild to tile operation}}
  // expected-error@+1 {{'stamp.transform' op failed to generate tiling loops}}
  %t = stamp.transform #stamp.dct along 0 block_order
         ins(%x : tensor<40x10xf32>) outs(%e : tensor<40x10xf32>)
  return %t : tensor<40x10xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops = transform.structured.tile_using_for %op tile_sizes [8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A tile would be a raster of another height.
func.func @grid(%x: tensor<40x10xf32>, %e: tensor<40x10xf32>) -> tensor<40x10xf32> {
  // expected-error@+3 {{'stamp.transform' op cannot be tiled along dimension 0, which it mixes}}
  // expected-error@+2 {{'stamp.transform' op faild to tile operation}}
  // expected-error@+1 {{'stamp.transform' op failed to generate tiling loops}}
  %t = stamp.transform #stamp.haar2d<levels = 1, grid = 4x10> along 0 block_order
         ins(%x : tensor<40x10xf32>) outs(%e : tensor<40x10xf32>)
  return %t : tensor<40x10xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops = transform.structured.tile_using_for %op tile_sizes [20] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Nothing is known of a tile size that run time gives.
func.func @unknown_tile_size(%x: tensor<?x10xf32>, %e: tensor<?x10xf32>, %n: index) -> tensor<?x10xf32> {
  // expected-error@+4 {{'stamp.transform' op cannot be tiled along dimension 0, which it mixes, except in whole blocks of 4}}
  // expected-error@+3 {{'stamp.transform' op faild to tile operation}}
  // expected-error@+2 {{'stamp.transform' op failed to generate tiling loops}}
  %size = arith.addi %n, %n : index
  %t = stamp.transform #stamp.haar<levels = 2> along 0 block_order
         ins(%x : tensor<?x10xf32>) outs(%e : tensor<?x10xf32>)
  return %t : tensor<?x10xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %size = transform.structured.match ops{["arith.addi"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [%size] : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A block by itself could be too short to be transformed.
func.func @block_of_few_tokens(%x: tensor<?x10xf32>, %e: tensor<?x10xf32>) -> tensor<?x10xf32> {
  // expected-error@+3 {{'stamp.transform' op cannot be tiled along dimension 0, which it mixes}}
  // expected-error@+2 {{'stamp.transform' op faild to tile operation}}
  // expected-error@+1 {{'stamp.transform' op failed to generate tiling loops}}
  %t = stamp.transform #stamp.min_tokens<32, #stamp.haar<levels = 2>> along 0 block_order
         ins(%x : tensor<?x10xf32>) outs(%e : tensor<?x10xf32>)
  return %t : tensor<?x10xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops = transform.structured.tile_using_for %op tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
