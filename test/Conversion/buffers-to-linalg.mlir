// RUN: stamp-opt %s --stamp-to-linalg --canonicalize | FileCheck %s --implicit-check-not="{{(= |^ *)}}stamp."
// RUN: stamp-opt %s --stamp-to-linalg --eliminate-empty-tensors --one-shot-bufferize --canonicalize | FileCheck %s --check-prefix=BACK --implicit-check-not=tensor

// Ops on buffers become ops on the tensors in them, and after upstream's
// bufferization work on the same buffers again.

// CHECK-LABEL: func @dequantize
//  CHECK-SAME:     %[[Q:.*]]: memref<?x8xi8>, %[[S:.*]]: memref<?xf32>, %[[Z:.*]]: memref<?xi32>, %[[E:.*]]: memref<?x8xf16, strided<[?, 1], offset: ?>>)
//   CHECK-DAG:   %[[TQ:.*]] = bufferization.to_tensor %[[Q]] restrict : memref<?x8xi8> to tensor<?x8xi8>
//   CHECK-DAG:   %[[TS:.*]] = bufferization.to_tensor %[[S]] restrict :
//   CHECK-DAG:   %[[TZ:.*]] = bufferization.to_tensor %[[Z]] restrict :
//   CHECK-DAG:   %[[N:.*]] = memref.dim %[[E]], %c0
//       CHECK:   %[[EMPTY:.*]] = tensor.empty(%[[N]])
//       CHECK:   %[[D:.*]] = linalg.generic {{.*}} ins(%[[TQ]], %[[TS]], %[[TZ]] : {{.*}}) outs(%[[EMPTY]] : tensor<?x8xf16>)
//       CHECK:   bufferization.materialize_in_destination %[[D]] in restrict writable %[[E]]

// BACK-LABEL: func @dequantize
//  BACK-SAME:     %[[Q:.*]]: memref<?x8xi8>, %[[S:.*]]: memref<?xf32>, %[[Z:.*]]: memref<?xi32>, %[[E:.*]]: memref<?x8xf16, strided<[?, 1], offset: ?>>)
//  BACK-NEXT:   linalg.generic {{.*}} ins(%[[Q]], %[[S]], %[[Z]] : {{.*}}) outs(%[[E]] :
//   BACK-NOT:   memref.
//       BACK:   return
func.func @dequantize(%q: memref<?x8xi8>, %s: memref<?xf32>, %z: memref<?xi32>, %e: memref<?x8xf16, strided<[?, 1], offset: ?>>) {
  stamp.dequantize over 1 ins(%q, %s, %z : memref<?x8xi8>, memref<?xf32>, memref<?xi32>)
      outs(%e : memref<?x8xf16, strided<[?, 1], offset: ?>>)
  return
}

// Every result goes where it belongs.
// CHECK-LABEL: func @quantize
//  CHECK-SAME:     %{{.*}}: memref<13x8xf32>, %[[Q:.*]]: memref<13x8xi8>, %[[S:.*]]: memref<13xf32>, %[[Z:.*]]: memref<13xi32>)
//       CHECK:   %[[ROWS:.*]]:5 = linalg.generic
//       CHECK:   %[[CODES:.*]] = linalg.generic
//       CHECK:   bufferization.materialize_in_destination %[[CODES]] in restrict writable %[[Q]]
//       CHECK:   bufferization.materialize_in_destination %[[ROWS]]#0 in restrict writable %[[S]]
//       CHECK:   bufferization.materialize_in_destination %[[ROWS]]#1 in restrict writable %[[Z]]

// BACK-LABEL: func @quantize
//  BACK-SAME:     %{{.*}}: memref<13x8xf32>, %[[Q:.*]]: memref<13x8xi8>, %[[S:.*]]: memref<13xf32>, %[[Z:.*]]: memref<13xi32>)
//       BACK:   linalg.generic {{.*}} outs(%[[S]], %[[Z]],
//       BACK:   linalg.generic {{.*}} outs(%[[Q]] :
//   BACK-NOT:   memref.copy
//       BACK:   return
func.func @quantize(%x: memref<13x8xf32>, %q: memref<13x8xi8>, %s: memref<13xf32>, %z: memref<13xi32>) {
  stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1
      ins(%x : memref<13x8xf32>) outs(%q, %s, %z : memref<13x8xi8>, memref<13xf32>, memref<13xi32>)
  return
}

// What is still read must not be written: no `restrict`, so the result is
// computed elsewhere and copied.
// CHECK-LABEL: func @in_place
//  CHECK-SAME:     %[[M:.*]]: memref<2x8xf32>)
//       CHECK:   bufferization.to_tensor %[[M]] restrict :
//       CHECK:   bufferization.materialize_in_destination %{{.*}} in writable %[[M]]

// BACK-LABEL: func @in_place
//  BACK-SAME:     %[[M:.*]]: memref<2x8xf32>)
//       BACK:   %[[NEW:.*]] = memref.alloc() {{.*}} : memref<2x8xf32>
//       BACK:   memref.copy %[[NEW]], %[[M]]
func.func @in_place(%m: memref<2x8xf32>) {
  stamp.transform #stamp.haar<levels = 1> along 0 ins(%m : memref<2x8xf32>) outs(%m : memref<2x8xf32>)
  return
}

// CHECK-LABEL: func @in_place_through_a_cast
//  CHECK-SAME:     %[[M:.*]]: memref<?x8xf32>)
//       CHECK:   %[[C:.*]] = memref.cast %[[M]] : memref<?x8xf32> to memref<2x8xf32>
//       CHECK:   bufferization.to_tensor %[[C]] restrict :
//       CHECK:   bufferization.materialize_in_destination %{{.*}} in writable %[[M]]
func.func @in_place_through_a_cast(%m: memref<?x8xf32>) {
  %c = memref.cast %m : memref<?x8xf32> to memref<2x8xf32>
  stamp.transform #stamp.haar<levels = 1> along 0 ins(%c : memref<2x8xf32>) outs(%m : memref<?x8xf32>)
  return
}
