// RUN: stamp-opt %s --transform-interpreter --canonicalize --cse --split-input-file --verify-diagnostics | FileCheck %s

// Tiling is driven by upstream's transform ops alone.

//===----------------------------------------------------------------------===//
// tile_using_for
//===----------------------------------------------------------------------===//

// The last tile is ragged.
// CHECK-LABEL: func @transform(
//       CHECK:   scf.for %[[COL:.*]] = %c0 to %c10 step %c4
//       CHECK:     %[[N:.*]] = affine.min
//       CHECK:     %[[IN:.*]] = tensor.extract_slice %{{.*}}[0, %[[COL]]] [13, %[[N]]]
//       CHECK:     %[[OUT:.*]] = tensor.extract_slice %{{.*}}[0, %[[COL]]] [13, %[[N]]]
//       CHECK:     %[[T:.*]] = stamp.transform #stamp.haar<levels = 2> along 0
//  CHECK-SAME:       ins(%[[IN]] : tensor<13x?xf32>) outs(%[[OUT]] : tensor<13x?xf16>)
//       CHECK:     tensor.insert_slice %[[T]] into %{{.*}}[0, %[[COL]]] [13, %[[N]]]
func.func @transform(%x: tensor<13x10xf32>, %e: tensor<13x10xf16>) -> tensor<13x10xf16> {
  %t = stamp.transform #stamp.haar<levels = 2> along 0
         ins(%x : tensor<13x10xf32>) outs(%e : tensor<13x10xf16>)
  return %t : tensor<13x10xf16>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @inverse_transform(
//   CHECK-DAG:   %[[TOKENS:.*]] = tensor.dim %{{.*}}, %c1
//   CHECK-DAG:   %[[FEATURES:.*]] = tensor.dim %{{.*}}, %c2
//       CHECK:   scf.for %[[BATCH:.*]] = %c0 to %c2 step %c1
//       CHECK:     scf.for %[[COL:.*]] = %c0 to %[[FEATURES]] step %c16
//       CHECK:       %[[IN:.*]] = tensor.extract_slice %{{.*}}[%[[BATCH]], 0, %[[COL]]] [1, %[[TOKENS]], %{{.*}}]
//       CHECK:       stamp.inverse_transform #stamp.dct<skip = 1> along 1 ins(%[[IN]] : tensor<1x?x?xf32>)
func.func @inverse_transform(%x: tensor<2x?x?xf32>, %e: tensor<2x?x?xf32>) -> tensor<2x?x?xf32> {
  %t = stamp.inverse_transform #stamp.dct<skip = 1> along 1
         ins(%x : tensor<2x?x?xf32>) outs(%e : tensor<2x?x?xf32>)
  return %t : tensor<2x?x?xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.inverse_transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.tile_using_for %op tile_sizes [1, 0, 16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Tiles along the sequence know their rows' place.
// CHECK-LABEL: func @quantize(
//       CHECK:   %[[TOKENS:.*]] = tensor.dim
//       CHECK:   scf.for %[[ROW:.*]] = %c0 to %[[TOKENS]] step %c5
//       CHECK:     %[[N:.*]] = affine.min
//       CHECK:     %[[IN:.*]] = tensor.extract_slice %{{.*}}[%[[ROW]], 0] [%[[N]], 8]
//       CHECK:     %[[Q:.*]], %[[S:.*]], %[[Z:.*]] = stamp.quantize {{.*}} along 0 over 1 rows at %[[ROW]] of %[[TOKENS]] ins(%[[IN]] :
//       CHECK:     tensor.insert_slice %[[Q]] into %{{.*}}[%[[ROW]], 0] [%[[N]], 8]
//       CHECK:     tensor.insert_slice %[[S]] into %{{.*}}[%[[ROW]]] [%[[N]]]
//       CHECK:     tensor.insert_slice %[[Z]] into %{{.*}}[%[[ROW]]] [%[[N]]]
func.func @quantize(%x: tensor<?x8xf32>, %eq: tensor<?x8xi8>, %es: tensor<?xf32>, %ez: tensor<?xi32>)
    -> (tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>) {
  %q:3 = stamp.quantize #stamp.schedule<[0.25 : 8], 4> along 0 over 1
      ins(%x : tensor<?x8xf32>) outs(%eq, %es, %ez : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>)
  return %q#0, %q#1, %q#2 : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.quantize"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [5] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Tiled twice: the inner tile's place is that of the outer one plus its own.
// CHECK-LABEL: func @quantize_twice(
//       CHECK:   scf.for %[[OUTER:.*]] = %c0 to %c32 step %c16
//       CHECK:     scf.for %[[INNER:.*]] = %c0 to %c16 step %c8
//       CHECK:       %[[ROW:.*]] = arith.addi %[[OUTER]], %[[INNER]]
//       CHECK:       stamp.quantize {{.*}} rows at %[[ROW]] of %c32 ins(%{{.*}} : tensor<8x8xf32>)
func.func @quantize_twice(%x: tensor<32x8xf32>, %eq: tensor<32x8xi8>, %es: tensor<32xf32>, %ez: tensor<32xi32>)
    -> tensor<32x8xi8> {
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1
      ins(%x : tensor<32x8xf32>) outs(%eq, %es, %ez : tensor<32x8xi8>, tensor<32xf32>, tensor<32xi32>)
  return %q#0 : tensor<32x8xi8>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.quantize"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %again, %inner = transform.structured.tile_using_for %tiled tile_sizes [8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Tiles of a batch hold whole sequences and need no place.
// CHECK-LABEL: func @quantize_batch(
//       CHECK:   scf.for %{{.*}} = %c0 to %c6 step %c2
//       CHECK:     stamp.quantize #stamp.schedule<[3 : 8], 4> along 1 over 2 ins(%{{.*}} : tensor<2x13x8xf32>)
func.func @quantize_batch(%x: tensor<6x13x8xf32>, %eq: tensor<6x13x8xi8>, %es: tensor<6x13xf32>, %ez: tensor<6x13xi32>)
    -> tensor<6x13xf32> {
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 1 over 2
      ins(%x : tensor<6x13x8xf32>) outs(%eq, %es, %ez : tensor<6x13x8xi8>, tensor<6x13xf32>, tensor<6x13xi32>)
  return %q#1 : tensor<6x13xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.quantize"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @dequantize(
//       CHECK:   scf.for %[[I:.*]] = %c0 to %c13 step %c4
//       CHECK:     scf.for %[[J:.*]] = %c0 to %c8 step %c2
//       CHECK:       %[[Q:.*]] = tensor.extract_slice %{{.*}}[%[[I]], %[[J]]] [%{{.*}}, 2]
//       CHECK:       %[[S:.*]] = tensor.extract_slice %{{.*}}[%[[J]]] [2]
//       CHECK:       %[[Z:.*]] = tensor.extract_slice %{{.*}}[%[[J]]] [2]
//       CHECK:       stamp.dequantize over 0 ins(%[[Q]], %[[S]], %[[Z]] : tensor<?x2xi8>, tensor<2xf32>, tensor<2xi32>)
func.func @dequantize(%q: tensor<13x8xi8>, %s: tensor<8xf32>, %z: tensor<8xi32>, %e: tensor<13x8xf32>) -> tensor<13x8xf32> {
  %d = stamp.dequantize over 0 ins(%q, %s, %z : tensor<13x8xi8>, tensor<8xf32>, tensor<8xi32>)
         outs(%e : tensor<13x8xf32>)
  return %d : tensor<13x8xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.dequantize"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.tile_using_for %op tile_sizes [4, 2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @quantize_weight(
//       CHECK:   %[[INPUTS:.*]] = tensor.dim
//       CHECK:   scf.for %[[N:.*]] = %c0 to %c64 step %c16
//       CHECK:     %[[W:.*]] = tensor.extract_slice %{{.*}}[0, %[[N]]] [%[[INPUTS]], 16]
//       CHECK:     %[[Q:.*]], %[[S:.*]], %[[C:.*]] = stamp.quantize_weight bits = 4 over 0 ins(%[[W]] : tensor<?x16xf32>)
//       CHECK:     tensor.insert_slice %[[Q]] into %{{.*}}[0, %[[N]]] [%[[INPUTS]], 16]
//       CHECK:     tensor.insert_slice %[[S]] into %{{.*}}[%[[N]]] [16]
//       CHECK:     tensor.insert_slice %[[C]] into %{{.*}}[%[[N]]] [16]
func.func @quantize_weight(%w: tensor<?x64xf32>, %eq: tensor<?x64xi8>, %es: tensor<64xf32>, %ec: tensor<64xi32>)
    -> (tensor<?x64xi8>, tensor<64xf32>, tensor<64xi32>) {
  %q:3 = stamp.quantize_weight bits = 4 over 0
      ins(%w : tensor<?x64xf32>) outs(%eq, %es, %ec : tensor<?x64xi8>, tensor<64xf32>, tensor<64xi32>)
  return %q#0, %q#1, %q#2 : tensor<?x64xi8>, tensor<64xf32>, tensor<64xi32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.quantize_weight"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Columns are vectors over the channels here, and have a row per batch below.
// CHECK-LABEL: func @rescale(
//  CHECK-SAME:     %[[ACC:.*]]: tensor<?x64xi32>, %[[SX:.*]]: tensor<?xf32>, %[[ZX:.*]]: tensor<?xi32>, %[[SW:.*]]: tensor<64xf32>, %[[C:.*]]: tensor<64xi32>, %[[B:.*]]: tensor<64xf32>, %[[L:.*]]: tensor<?xf32>, %{{.*}}: tensor<?x64xf32>)
//       CHECK:   scf.for %[[I:.*]] = %c0 to %{{.*}} step %c8
//       CHECK:     scf.for %[[J:.*]] = %c0 to %c64 step %c16
//   CHECK-DAG:       tensor.extract_slice %[[ACC]][%[[I]], %[[J]]] [%[[M:.*]], 16]
//   CHECK-DAG:       tensor.extract_slice %[[SX]][%[[I]]]
//   CHECK-DAG:       tensor.extract_slice %[[ZX]][%[[I]]]
//   CHECK-DAG:       tensor.extract_slice %[[SW]][%[[J]]] [16]
//   CHECK-DAG:       tensor.extract_slice %[[C]][%[[J]]] [16]
//   CHECK-DAG:       tensor.extract_slice %[[B]][%[[J]]] [16]
//   CHECK-DAG:       tensor.extract_slice %[[L]][%[[I]]]
//       CHECK:       stamp.rescale along 0 over 1
func.func @rescale(%acc: tensor<?x64xi32>, %sx: tensor<?xf32>, %zx: tensor<?xi32>,
                   %sw: tensor<64xf32>, %c: tensor<64xi32>, %b: tensor<64xf32>,
                   %l: tensor<?xf32>, %e: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<?x64xi32>, tensor<?xf32>, tensor<?xi32>, tensor<64xf32>, tensor<64xi32>)
      bias(%b : tensor<64xf32>) spread(%l : tensor<?xf32>) outs(%e : tensor<?x64xf32>)
  return %y : tensor<?x64xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.rescale"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.tile_using_for %op tile_sizes [8, 16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @rescale_batch(
//  CHECK-SAME:     %{{.*}}: tensor<4x12x64xi32>, %[[SX:.*]]: tensor<4x12xf32>, %{{.*}}: tensor<4x12xi32>, %[[SW:.*]]: tensor<4x64xf32>, %{{.*}}: tensor<4x64xi32>, %[[B:.*]]: tensor<64xf16>, %{{.*}}: tensor<4x12x64xf32>)
//       CHECK:   scf.for %[[I:.*]] = %c0 to %c4 step %c2
//       CHECK:     scf.for %[[J:.*]] = %c0 to %c12 step %c4
//       CHECK:       scf.for %[[K:.*]] = %c0 to %c64 step %c32
//   CHECK-DAG:         tensor.extract_slice %[[SX]][%[[I]], %[[J]]] [2, 4]
//   CHECK-DAG:         tensor.extract_slice %[[SW]][%[[I]], %[[K]]] [2, 32]
//   CHECK-DAG:         tensor.extract_slice %[[B]][%[[K]]] [32]
//       CHECK:         stamp.rescale along 1 over 2
func.func @rescale_batch(%acc: tensor<4x12x64xi32>, %sx: tensor<4x12xf32>, %zx: tensor<4x12xi32>,
                         %sw: tensor<4x64xf32>, %c: tensor<4x64xi32>, %b: tensor<64xf16>,
                         %e: tensor<4x12x64xf32>) -> tensor<4x12x64xf32> {
  %y = stamp.rescale along 1 over 2
      ins(%acc, %sx, %zx, %sw, %c : tensor<4x12x64xi32>, tensor<4x12xf32>, tensor<4x12xi32>, tensor<4x64xf32>, tensor<4x64xi32>)
      bias(%b : tensor<64xf16>) outs(%e : tensor<4x12x64xf32>)
  return %y : tensor<4x12x64xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.rescale"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:3 = transform.structured.tile_using_for %op tile_sizes [2, 4, 32] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @transform_buffers(
//       CHECK:   scf.for %[[COL:.*]] = %c0 to %c10 step %c4
//       CHECK:     %[[IN:.*]] = memref.subview %{{.*}}[0, %[[COL]]] [13, %{{.*}}]
//       CHECK:     %[[OUT:.*]] = memref.subview %{{.*}}[0, %[[COL]]] [13, %{{.*}}]
//       CHECK:     stamp.transform {{.*}} ins(%[[IN]] : memref<13x?xf32, {{.*}}>) outs(%[[OUT]] : memref<13x?xf16, {{.*}}>)
func.func @transform_buffers(%x: memref<13x10xf32>, %e: memref<13x10xf16>) {
  stamp.transform #stamp.haar<levels = 2> along 0
      ins(%x : memref<13x10xf32>) outs(%e : memref<13x10xf16>)
  return
}

// In place stays in place, before any CSE.
// CHECK-LABEL: func @transform_in_place(
//       CHECK:   scf.for
//       CHECK:     %[[VIEW:.*]] = memref.subview
//   CHECK-NOT:     memref.subview
//       CHECK:     stamp.transform {{.*}} ins(%[[VIEW]] : {{.*}}) outs(%[[VIEW]] :
func.func @transform_in_place(%x: memref<?x?xf32, strided<[?, ?], offset: ?>>) {
  stamp.transform #stamp.haar<levels = 2> along 0
      ins(%x : memref<?x?xf32, strided<[?, ?], offset: ?>>) outs(%x : memref<?x?xf32, strided<[?, ?], offset: ?>>)
  return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @quantize_buffers(
//       CHECK:   %[[TOKENS:.*]] = memref.dim
//       CHECK:   scf.for %[[ROW:.*]] = %c0 to %[[TOKENS]] step %c5
//       CHECK:     %[[IN:.*]] = memref.subview %{{.*}}[%[[ROW]], 0] [%[[N:.*]], 8]
//       CHECK:     %[[Q:.*]] = memref.subview %{{.*}}[%[[ROW]], 0] [%[[N]], 8]
//       CHECK:     %[[S:.*]] = memref.subview %{{.*}}[%[[ROW]]] [%[[N]]]
//       CHECK:     %[[Z:.*]] = memref.subview %{{.*}}[%[[ROW]]] [%[[N]]]
//       CHECK:     stamp.quantize {{.*}} rows at %[[ROW]] of %[[TOKENS]] ins(%[[IN]] : {{.*}}) outs(%[[Q]], %[[S]], %[[Z]] :
func.func @quantize_buffers(%x: memref<?x8xf32>, %eq: memref<?x8xi8>, %es: memref<?xf32>, %ez: memref<?xi32>) {
  stamp.quantize #stamp.schedule<[0.25 : 8], 4> along 0 over 1
      ins(%x : memref<?x8xf32>) outs(%eq, %es, %ez : memref<?x8xi8>, memref<?xf32>, memref<?xi32>)
  return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.quantize"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [5] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @rescale_buffers(
//       CHECK:   scf.for %[[I:.*]] = %c0 to %c13 step %c8
//       CHECK:     scf.for %[[J:.*]] = %c0 to %c64 step %c16
// CHECK-COUNT-6:       memref.subview
//       CHECK:       stamp.rescale along 0 over 1
func.func @rescale_buffers(%acc: memref<13x64xi32>, %sx: memref<13xf32>, %zx: memref<13xi32>,
                           %sw: memref<64xf32>, %c: memref<64xi32>, %e: memref<13x64xf32>) {
  stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : memref<13x64xi32>, memref<13xf32>, memref<13xi32>, memref<64xf32>, memref<64xi32>)
      outs(%e : memref<13x64xf32>)
  return
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.rescale"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.tile_using_for %op tile_sizes [8, 16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

//===----------------------------------------------------------------------===//
// tile_using_forall
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @quantize_forall(
//       CHECK:   scf.forall (%[[THREAD:.*]]) in (4)
//       CHECK:     %[[ROW:.*]] = affine.apply #{{.*}}(%[[THREAD]])
//       CHECK:     stamp.quantize {{.*}} rows at %[[ROW]] of %c13 ins(%{{.*}} : tensor<?x8xf32>)
//       CHECK:     scf.forall.in_parallel
// CHECK-COUNT-3:     tensor.parallel_insert_slice
func.func @quantize_forall(%x: tensor<13x8xf32>, %eq: tensor<13x8xi8>, %es: tensor<13xf32>, %ez: tensor<13xi32>)
    -> (tensor<13x8xi8>, tensor<13xf32>, tensor<13xi32>) {
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1
      ins(%x : tensor<13x8xf32>) outs(%eq, %es, %ez : tensor<13x8xi8>, tensor<13xf32>, tensor<13xi32>)
  return %q#0, %q#1, %q#2 : tensor<13x8xi8>, tensor<13xf32>, tensor<13xi32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.quantize"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %op num_threads [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

//===----------------------------------------------------------------------===//
// Fusion of producers
//===----------------------------------------------------------------------===//

// A dynamic sequence is proven to be whole through inits and `tensor.dim`.
// CHECK-LABEL: func @fuse_into_containing_op(
//   CHECK-NOT:   stamp.
//       CHECK:   scf.forall
//       CHECK:     %[[T:.*]] = stamp.transform {{.*}} ins(%{{.*}} : tensor<?x16xf32>)
//       CHECK:     stamp.inverse_transform {{.*}} ins(%[[T]] : tensor<?x16xf32>)
func.func @fuse_into_containing_op(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %c0 = arith.constant 0 : index
  %s = tensor.dim %x, %c0 : tensor<?x64xf32>
  %e = tensor.empty(%s) : tensor<?x64xf32>
  %t = stamp.transform #stamp.haar<levels = 2> along 0
         ins(%x : tensor<?x64xf32>) outs(%e : tensor<?x64xf32>)
  %y = stamp.inverse_transform #stamp.haar<levels = 2> along 0
         ins(%t : tensor<?x64xf32>) outs(%e : tensor<?x64xf32>)
  return %y : tensor<?x64xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %consumer = transform.structured.match ops{["stamp.inverse_transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %producer = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %consumer tile_sizes [0, 16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %fused, %new = transform.structured.fuse_into_containing_op %producer into %loop : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// From the rescaled rows back to the tokens: all but the transform, which mixes
// what the rows' tiles part.
// CHECK-LABEL: func @fuse_linear(
//       CHECK:   stamp.transform {{.*}} ins(%{{.*}} : tensor<12x8xf32>)
//   CHECK-NOT:   stamp.
//       CHECK:   scf.for %[[ROW:.*]] = %c0 to %c12 step %c4
//       CHECK:     scf.for %{{.*}} = %c0 to %c6 step %c3
//       CHECK:       %[[Q:.*]], %[[SX:.*]], %[[ZX:.*]] = stamp.quantize {{.*}} rows at %[[ROW]] of %c12 ins(%{{.*}} : tensor<4x8xf32>)
//       CHECK:       %[[W:.*]], %[[SW:.*]], %[[C:.*]] = stamp.quantize_weight {{.*}} ins(%{{.*}} : tensor<8x3xf32>)
//       CHECK:       %[[A:.*]] = linalg.matmul ins(%[[Q]], %[[W]] : tensor<4x8xi8>, tensor<8x3xi8>)
//       CHECK:       stamp.rescale {{.*}} ins(%[[A]], %[[SX]], %[[ZX]], %[[SW]], %[[C]] :
func.func @fuse_linear(%x: tensor<12x8xf32>, %w: tensor<8x6xf32>, %e: tensor<12x6xf32>) -> tensor<12x6xf32> {
  %ex = tensor.empty() : tensor<12x8xf32>
  %t = stamp.transform #stamp.haar<levels = 2> along 0
         ins(%x : tensor<12x8xf32>) outs(%ex : tensor<12x8xf32>)
  %eq = tensor.empty() : tensor<12x8xi8>
  %es = tensor.empty() : tensor<12xf32>
  %ez = tensor.empty() : tensor<12xi32>
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1
      ins(%t : tensor<12x8xf32>) outs(%eq, %es, %ez : tensor<12x8xi8>, tensor<12xf32>, tensor<12xi32>)
  %ewq = tensor.empty() : tensor<8x6xi8>
  %ews = tensor.empty() : tensor<6xf32>
  %ewc = tensor.empty() : tensor<6xi32>
  %wq:3 = stamp.quantize_weight bits = 4 over 0
      ins(%w : tensor<8x6xf32>) outs(%ewq, %ews, %ewc : tensor<8x6xi8>, tensor<6xf32>, tensor<6xi32>)
  %i0 = arith.constant 0 : i32
  %ea = tensor.empty() : tensor<12x6xi32>
  %zero = linalg.fill ins(%i0 : i32) outs(%ea : tensor<12x6xi32>) -> tensor<12x6xi32>
  %a = linalg.matmul ins(%q#0, %wq#0 : tensor<12x8xi8>, tensor<8x6xi8>) outs(%zero : tensor<12x6xi32>) -> tensor<12x6xi32>
  %y = stamp.rescale along 0 over 1
      ins(%a, %q#1, %q#2, %wq#1, %wq#2 : tensor<12x6xi32>, tensor<12xf32>, tensor<12xi32>, tensor<6xf32>, tensor<6xi32>)
      outs(%e : tensor<12x6xf32>)
  return %y : tensor<12x6xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.rescale"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.fuse %op tile_sizes [4, 3] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

//===----------------------------------------------------------------------===//
// What is refused
//===----------------------------------------------------------------------===//

// The second and third errors are upstream's own.
func.func @transform_along_the_sequence(%x: tensor<13x8xf32>, %e: tensor<13x8xf32>) -> tensor<13x8xf32> {
  // expected-error@+3 {{'stamp.transform' op cannot be tiled along dimension 0, which it mixes}}
  // expected-error@+2 {{'stamp.transform' op faild to tile operation}}
  // expected-error@+1 {{'stamp.transform' op failed to generate tiling loops}}
  %t = stamp.transform #stamp.haar<levels = 2> along 0
         ins(%x : tensor<13x8xf32>) outs(%e : tensor<13x8xf32>)
  return %t : tensor<13x8xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @inverse_transform_along_a_dynamic_sequence(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error@+3 {{'stamp.inverse_transform' op cannot be tiled along dimension 0, which it mixes}}
  // expected-error@+2 {{'stamp.inverse_transform' op faild to tile operation}}
  // expected-error@+1 {{'stamp.inverse_transform' op failed to generate tiling loops}}
  %t = stamp.inverse_transform #stamp.wht along 0
         ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
  return %t : tensor<?x8xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.inverse_transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @quantize_along_the_features(%x: tensor<13x8xf32>, %eq: tensor<13x8xi8>, %es: tensor<13xf32>, %ez: tensor<13xi32>) -> tensor<13x8xi8> {
  // expected-error@+3 {{'stamp.quantize' op cannot be tiled along dimension 1, which it mixes}}
  // expected-error@+2 {{'stamp.quantize' op faild to tile operation}}
  // expected-error@+1 {{'stamp.quantize' op failed to generate tiling loops}}
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1
      ins(%x : tensor<13x8xf32>) outs(%eq, %es, %ez : tensor<13x8xi8>, tensor<13xf32>, tensor<13xi32>)
  return %q#0 : tensor<13x8xi8>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.quantize"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @quantize_weight_along_the_inputs(%w: tensor<8x6xf32>, %eq: tensor<8x6xi8>, %es: tensor<6xf32>, %ec: tensor<6xi32>) -> tensor<8x6xi8> {
  // expected-error@+3 {{'stamp.quantize_weight' op cannot be tiled along dimension 0, which it mixes}}
  // expected-error@+2 {{'stamp.quantize_weight' op faild to tile operation}}
  // expected-error@+1 {{'stamp.quantize_weight' op failed to generate tiling loops}}
  %q:3 = stamp.quantize_weight bits = 8 over 0
      ins(%w : tensor<8x6xf32>) outs(%eq, %es, %ec : tensor<8x6xi8>, tensor<6xf32>, tensor<6xi32>)
  return %q#0 : tensor<8x6xi8>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.quantize_weight"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A tile as long as the dimension holds it in whole.
// CHECK-LABEL: func @tile_of_all_features(
//       CHECK:   stamp.quantize {{.*}} ins(%{{.*}} : tensor<13x8xf32>)
func.func @tile_of_all_features(%x: tensor<13x8xf32>, %eq: tensor<13x8xi8>, %es: tensor<13xf32>, %ez: tensor<13xi32>) -> tensor<13x8xi8> {
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1
      ins(%x : tensor<13x8xf32>) outs(%eq, %es, %ez : tensor<13x8xi8>, tensor<13xf32>, tensor<13xi32>)
  return %q#0 : tensor<13x8xi8>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.quantize"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 8] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A tile of what a producer mixes needs the whole of it: upstream falls back to
// computing that in each turn.
// CHECK-LABEL: func @producer_along_the_sequence(
//       CHECK:   scf.forall (%[[I:.*]]) in (3)
//       CHECK:     %[[T:.*]] = stamp.transform {{.*}} ins(%{{.*}} : tensor<12x8xf32>)
//       CHECK:     tensor.extract_slice %[[T]][%{{.*}}, 0] [4, 8]
//       CHECK:     stamp.quantize
func.func @producer_along_the_sequence(%x: tensor<12x8xf32>, %e: tensor<12x8xf32>, %eq: tensor<12x8xi8>,
                                       %es: tensor<12xf32>, %ez: tensor<12xi32>) -> tensor<12x8xi8> {
  %t = stamp.transform #stamp.haar<levels = 2> along 0
         ins(%x : tensor<12x8xf32>) outs(%e : tensor<12x8xf32>)
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1
      ins(%t : tensor<12x8xf32>) outs(%eq, %es, %ez : tensor<12x8xi8>, tensor<12xf32>, tensor<12xi32>)
  return %q#0 : tensor<12x8xi8>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %consumer = transform.structured.match ops{["stamp.quantize"]} in %root : (!transform.any_op) -> !transform.any_op
    %producer = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %consumer tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %fused, %new = transform.structured.fuse_into_containing_op %producer into %loop : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @feature_transform(
//       CHECK:   scf.for %[[ROW:.*]] = %c0 to %{{.*}} step %c4
//       CHECK:     %[[IN:.*]] = tensor.extract_slice %{{.*}}[%[[ROW]], 0] [%{{.*}}, 12]
//       CHECK:     stamp.feature_transform #stamp.hadamard<order = 3> over 1
//  CHECK-SAME:       ins(%[[IN]] : tensor<?x12xf32>) outs(%{{.*}} : tensor<?x12xf16>)
//       CHECK:   scf.for %[[COL:.*]] = %c0 to %c6 step %c2
//       CHECK:     stamp.inverse_feature_transform #stamp.scale<{{.*}}> left over 0
//  CHECK-SAME:       ins(%{{.*}} : tensor<12x2xf32>)
func.func @feature_transform(%x: tensor<?x12xf32>, %e: tensor<?x12xf16>, %w: tensor<12x6xf32>)
    -> (tensor<?x12xf16>, tensor<12x6xf32>) {
  %t = stamp.feature_transform #stamp.hadamard<order = 3> over 1
         ins(%x : tensor<?x12xf32>) outs(%e : tensor<?x12xf16>)
  %v = stamp.inverse_feature_transform #stamp.scale<dense<2.0> : tensor<12xf32>> left over 0
         ins(%w : tensor<12x6xf32>) outs(%w : tensor<12x6xf32>)
  return %t, %v : tensor<?x12xf16>, tensor<12x6xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %f = transform.structured.match ops{["stamp.feature_transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %f tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %i = transform.structured.match ops{["stamp.inverse_feature_transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %itiled, %iloop = transform.structured.tile_using_for %i tile_sizes [0, 2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A row of the quantizer needs its own features only: one loop for both.
// CHECK-LABEL: func @feature_transform_fused_into_a_quantizer(
//       CHECK:   scf.for
//       CHECK:     stamp.feature_transform {{.*}} ins(%{{.*}} : tensor<4x8xf32>)
//       CHECK:     stamp.quantize {{.*}} rows at
func.func @feature_transform_fused_into_a_quantizer(%x: tensor<12x8xf32>, %e: tensor<12x8xf32>, %eq: tensor<12x8xi8>,
                                                    %es: tensor<12xf32>, %ez: tensor<12xi32>) -> tensor<12x8xi8> {
  %t = stamp.feature_transform #stamp.hadamard over 1
         ins(%x : tensor<12x8xf32>) outs(%e : tensor<12x8xf32>)
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1
      ins(%t : tensor<12x8xf32>) outs(%eq, %es, %ez : tensor<12x8xi8>, tensor<12xf32>, tensor<12xi32>)
  return %q#0 : tensor<12x8xi8>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %q = transform.structured.match ops{["stamp.quantize"]} in %root : (!transform.any_op) -> !transform.any_op
    %fused, %loop = transform.structured.fuse %q tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @feature_transform_along_the_features(%x: tensor<13x8xf32>, %e: tensor<13x8xf32>) -> tensor<13x8xf32> {
  // expected-error@+3 {{'stamp.feature_transform' op cannot be tiled along dimension 1, which it mixes}}
  // expected-error@+2 {{'stamp.feature_transform' op faild to tile operation}}
  // expected-error@+1 {{'stamp.feature_transform' op failed to generate tiling loops}}
  %t = stamp.feature_transform #stamp.hadamard over 1
         ins(%x : tensor<13x8xf32>) outs(%e : tensor<13x8xf32>)
  return %t : tensor<13x8xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.feature_transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

//===----------------------------------------------------------------------===//
// Valid lengths
//===----------------------------------------------------------------------===//

// A tile of a batch has the lengths of its own sequences.
// CHECK-LABEL: func @transform_of_valid_tokens(
//  CHECK-SAME:     %[[N:[a-z0-9]+]]: tensor<6xi64>
//       CHECK:   scf.for %[[I:.*]] = %c0 to %c6 step %c2
//       CHECK:     scf.for %[[J:.*]] = %c0 to %c4 step %c1
//       CHECK:       %[[LENGTHS:.*]] = tensor.extract_slice %[[N]][%[[I]]] [2] [1]
//       CHECK:       stamp.transform #stamp.wht along 2 lengths(%[[LENGTHS]] : tensor<2xi64>)
//  CHECK-SAME:         ins(%{{.*}} : tensor<2x1x13x8xf32>)
func.func @transform_of_valid_tokens(%x: tensor<6x4x13x8xf32>, %n: tensor<6xi64>) -> tensor<6x4x13x8xf32> {
  %t = stamp.transform #stamp.wht along 2 lengths(%n : tensor<6xi64>)
         ins(%x : tensor<6x4x13x8xf32>) outs(%x : tensor<6x4x13x8xf32>)
  return %t : tensor<6x4x13x8xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.tile_using_for %op tile_sizes [2, 1] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// One length for all sequences is every tile's.
// CHECK-LABEL: func @one_length(
//  CHECK-SAME:     %[[N:[a-z0-9]+]]: tensor<i64>
//       CHECK:   scf.for
//       CHECK:     stamp.inverse_transform #stamp.wht along 1 lengths(%[[N]] : tensor<i64>) ins(%{{.*}} : tensor<2x13x8xf32>)
func.func @one_length(%x: tensor<6x13x8xf32>, %n: tensor<i64>) -> tensor<6x13x8xf32> {
  %t = stamp.inverse_transform #stamp.wht along 1 lengths(%n : tensor<i64>)
         ins(%x : tensor<6x13x8xf32>) outs(%x : tensor<6x13x8xf32>)
  return %t : tensor<6x13x8xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.inverse_transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Rows of a tile are placed in the padded sequence, of which the lengths count.
// CHECK-LABEL: func @quantize_valid_tokens(
//  CHECK-SAME:     %[[N:[a-z0-9]+]]: tensor<?xi32>
//   CHECK-DAG:   %[[BATCH:.*]] = tensor.dim %{{.*}}, %c0
//   CHECK-DAG:   %[[TOKENS:.*]] = tensor.dim %{{.*}}, %c1
//       CHECK:   scf.for %[[I:.*]] = %c0 to %[[BATCH]] step %c1
//       CHECK:     scf.for %[[ROW:.*]] = %c0 to %[[TOKENS]] step %c5
//       CHECK:       %[[LENGTHS:.*]] = tensor.extract_slice %[[N]][%[[I]]] [1] [1]
//       CHECK:       stamp.quantize {{.*}} along 1 over 2 lengths(%[[LENGTHS]] : tensor<1xi32>) rows at %[[ROW]] of %[[TOKENS]] ins(
func.func @quantize_valid_tokens(%x: tensor<?x?x8xf32>, %n: tensor<?xi32>, %eq: tensor<?x?x8xi8>, %es: tensor<?x?xf32>,
                                 %ez: tensor<?x?xi32>) -> tensor<?x?x8xi8> {
  %q:3 = stamp.quantize #stamp.schedule<[0.25 : 8], 4> along 1 over 2 lengths(%n : tensor<?xi32>)
      ins(%x : tensor<?x?x8xf32>) outs(%eq, %es, %ez : tensor<?x?x8xi8>, tensor<?x?xf32>, tensor<?x?xi32>)
  return %q#0 : tensor<?x?x8xi8>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.quantize"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.tile_using_for %op tile_sizes [1, 5] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @rescale_with_a_spread_per_sequence(
//  CHECK-SAME:     %[[L:[a-z0-9]+]]: tensor<4x12xf32>
//       CHECK:   scf.for %[[I:.*]] = %c0 to %c4 step %c2
//       CHECK:     scf.for %[[J:.*]] = %c0 to %c12 step %c4
//       CHECK:       tensor.extract_slice %[[L]][%[[I]], %[[J]]] [2, 4]
//       CHECK:       stamp.rescale {{.*}} spread(%{{.*}} : tensor<2x4xf32>)
func.func @rescale_with_a_spread_per_sequence(
    %acc: tensor<4x3x12x64xi32>, %sx: tensor<4x3x12xf32>, %zx: tensor<4x3x12xi32>, %sw: tensor<64xf32>,
    %c: tensor<64xi32>, %b: tensor<64xf32>, %l: tensor<4x12xf32>, %e: tensor<4x3x12x64xf32>) -> tensor<4x3x12x64xf32> {
  %y = stamp.rescale along 2 over 3
      ins(%acc, %sx, %zx, %sw, %c : tensor<4x3x12x64xi32>, tensor<4x3x12xf32>, tensor<4x3x12xi32>, tensor<64xf32>, tensor<64xi32>)
      bias(%b : tensor<64xf32>) spread(%l : tensor<4x12xf32>) outs(%e : tensor<4x3x12x64xf32>)
  return %y : tensor<4x3x12x64xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.rescale"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loops:2 = transform.structured.tile_using_for %op tile_sizes [2, 0, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

//===----------------------------------------------------------------------===//
// Packed storage
//===----------------------------------------------------------------------===//

// Both dimensions that make the bytes are whole, in every part.
// CHECK-LABEL: func @pack(
//       CHECK:   scf.for %[[I:.*]] = %c0 to %c6 step %c2
//       CHECK:     %[[Q:.*]] = tensor.extract_slice %{{.*}}[%[[I]], 0, 0] [2, 12, 5]
//       CHECK:     %[[A:.*]] = tensor.extract_slice %{{.*}}[%[[I]], 0, 0] [2, 3, 5]
//       CHECK:     %[[B:.*]] = tensor.extract_slice %{{.*}}[%[[I]], 0, 0] [2, 9, 3]
//       CHECK:     %[[P:.*]]:2 = stamp.pack #stamp.schedule<[3 : 8], 4> along 1 over 2
//  CHECK-SAME:       ins(%[[Q]] : tensor<2x12x5xi8>) outs(%[[A]], %[[B]] : tensor<2x3x5xi8>, tensor<2x9x3xi8>)
//   CHECK-DAG:     tensor.insert_slice %[[P]]#0 into %{{.*}}[%[[I]], 0, 0] [2, 3, 5]
//   CHECK-DAG:     tensor.insert_slice %[[P]]#1 into %{{.*}}[%[[I]], 0, 0] [2, 9, 3]
func.func @pack(%q: tensor<6x12x5xi8>, %a: tensor<6x3x5xi8>, %b: tensor<6x9x3xi8>) -> (tensor<6x3x5xi8>, tensor<6x9x3xi8>) {
  %p:2 = stamp.pack #stamp.schedule<[3 : 8], 4> along 1 over 2
      ins(%q : tensor<6x12x5xi8>) outs(%a, %b : tensor<6x3x5xi8>, tensor<6x9x3xi8>)
  return %p#0, %p#1 : tensor<6x3x5xi8>, tensor<6x9x3xi8>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.pack"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: func @unpack(
//       CHECK:   scf.for %[[I:.*]] = %c0 to %{{.*}} step %c4
//       CHECK:     tensor.extract_slice %{{.*}}[0, 0, %[[I]]] [%{{.*}}, %{{.*}}, %[[N:.*]]] [1, 1, 1] : tensor<?x?x?xi8>
//       CHECK:     tensor.extract_slice %{{.*}}[0, 0, %[[I]]] [7, 3, %[[N]]] [1, 1, 1] : tensor<7x3x?xi8>
//       CHECK:     stamp.unpack #stamp.schedule<[], 4> along 0 over 1 ins(%{{.*}} : tensor<7x3x?xi8>) outs(%{{.*}} : tensor<?x?x?xi8>)
func.func @unpack(%p: tensor<7x3x?xi8>, %q: tensor<?x?x?xi8>) -> tensor<?x?x?xi8> {
  %u = stamp.unpack #stamp.schedule<[], 4> along 0 over 1 ins(%p : tensor<7x3x?xi8>) outs(%q : tensor<?x?x?xi8>)
  return %u : tensor<?x?x?xi8>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.unpack"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 0, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @pack_along_the_sequence(%q: tensor<12x5xi8>, %a: tensor<12x3xi8>) -> tensor<12x3xi8> {
  // expected-error@+3 {{'stamp.pack' op cannot be tiled along dimension 0, which it mixes}}
  // expected-error@+2 {{'stamp.pack' op faild to tile operation}}
  // expected-error@+1 {{'stamp.pack' op failed to generate tiling loops}}
  %p = stamp.pack #stamp.schedule<[], 4> along 0 over 1 ins(%q : tensor<12x5xi8>) outs(%a : tensor<12x3xi8>)
  return %p : tensor<12x3xi8>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.pack"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @unpack_inside_of_bytes(%p: tensor<12x3xi8>, %q: tensor<12x5xi8>) -> tensor<12x5xi8> {
  // expected-error@+3 {{'stamp.unpack' op cannot be tiled along dimension 1, which it mixes}}
  // expected-error@+2 {{'stamp.unpack' op faild to tile operation}}
  // expected-error@+1 {{'stamp.unpack' op failed to generate tiling loops}}
  %u = stamp.unpack #stamp.schedule<[], 4> along 0 over 1 ins(%p : tensor<12x3xi8>) outs(%q : tensor<12x5xi8>)
  return %u : tensor<12x5xi8>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.unpack"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A consumer's tile of a batch asks for the bytes of that batch alone.
// CHECK-LABEL: func @fuse_pack(
//       CHECK:   scf.forall (%{{.*}}) in (3)
//       CHECK:     %[[P:.*]]:2 = stamp.pack {{.*}} ins(%{{.*}} : tensor<2x12x5xi8>)
//       CHECK:     stamp.unpack {{.*}} ins(%{{.*}}, %[[P]]#1 : tensor<2x3x5xi8>, tensor<2x9x3xi8>) outs(%{{.*}} : tensor<2x12x5xi8>)
func.func @fuse_pack(%q: tensor<6x12x5xi8>, %a: tensor<6x3x5xi8>, %b: tensor<6x9x3xi8>) -> tensor<6x12x5xi8> {
  %p:2 = stamp.pack #stamp.schedule<[3 : 8], 4> along 1 over 2
      ins(%q : tensor<6x12x5xi8>) outs(%a, %b : tensor<6x3x5xi8>, tensor<6x9x3xi8>)
  %u = stamp.unpack #stamp.schedule<[3 : 8], 4> along 1 over 2
      ins(%a, %p#1 : tensor<6x3x5xi8>, tensor<6x9x3xi8>) outs(%q : tensor<6x12x5xi8>)
  return %u : tensor<6x12x5xi8>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %consumer = transform.structured.match ops{["stamp.unpack"]} in %root : (!transform.any_op) -> !transform.any_op
    %producer = transform.structured.match ops{["stamp.pack"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_forall %consumer tile_sizes [2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %fused, %new = transform.structured.fuse_into_containing_op %producer into %loop : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Columns of the weight are turned by themselves.
// CHECK-LABEL: func @inverse_feature_transform(
//       CHECK:   scf.for
//       CHECK:     stamp.inverse_feature_transform #stamp.hadamard left over 0 ins(%{{.*}} : tensor<8x4xf32>)
func.func @inverse_feature_transform(%w: tensor<8x12xf32>, %e: tensor<8x12xf32>) -> tensor<8x12xf32> {
  %v = stamp.inverse_feature_transform #stamp.hadamard left over 0 ins(%w : tensor<8x12xf32>) outs(%e : tensor<8x12xf32>)
  return %v : tensor<8x12xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.inverse_feature_transform"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

func.func @observe(%x: tensor<13x8xf32>, %a: tensor<13x13xf64>) -> tensor<13x13xf64> {
  // expected-error@+3 {{'stamp.observe' op cannot be tiled along dimension 1, which it mixes}}
  // expected-error@+2 {{'stamp.observe' op faild to tile operation}}
  // expected-error@+1 {{'stamp.observe' op failed to generate tiling loops}}
  %s = stamp.observe "a" along 0 ins(%x, %a : tensor<13x8xf32>, tensor<13x13xf64>) outs(%a : tensor<13x13xf64>)
  return %s : tensor<13x13xf64>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["stamp.observe"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
