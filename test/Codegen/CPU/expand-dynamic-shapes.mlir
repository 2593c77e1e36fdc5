// RUN: stamp-opt %s --stamp-expand-dynamic-shapes | FileCheck %s

// CHECK-DAG: #[[PRODUCT:.*]] = affine_map<()[s0] -> (s0 * 8)>

// CHECK-LABEL: func @two_sides
//       CHECK:   %[[STRIDE:.*]] = affine.apply #[[PRODUCT]]()[%arg2]
//       CHECK:   %[[CAST:.*]] = memref.reinterpret_cast %arg0 to offset: [0], sizes: [%arg1, %arg2, 8], strides: [%[[STRIDE]], 8, 1]
//       CHECK:   memref.cast %[[CAST]] : memref<?x?x8xf32, strided<[?, 8, 1]>> to memref<?x?x8xf32>
//   CHECK-NOT:   memref.expand_shape
func.func @two_sides(%x: memref<?x8xf32>, %h: index, %w: index) -> memref<?x?x8xf32> {
  %y = memref.expand_shape %x [[0, 1], [2]] output_shape [%h, %w, 8] : memref<?x8xf32> into memref<?x?x8xf32>
  return %y : memref<?x?x8xf32>
}

// One dynamic size upstream computes from the others.
// CHECK-LABEL: func @one_side
//       CHECK:   memref.expand_shape
func.func @one_side(%x: memref<?x8xf32>, %h: index) -> memref<?x4x8xf32> {
  %y = memref.expand_shape %x [[0, 1], [2]] output_shape [%h, 4, 8] : memref<?x8xf32> into memref<?x4x8xf32>
  return %y : memref<?x4x8xf32>
}
