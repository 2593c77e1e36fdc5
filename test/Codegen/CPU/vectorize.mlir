// RUN: stamp-opt %s --stamp-vectorize --canonicalize --cse --split-input-file | FileCheck %s

// Vectors of n, four rows of m, accumulators in registers over k. 360 = 11 * 32 + 8
// and 10 = 2 * 4 + 2, so both loops have a rest.

// CHECK-LABEL: func @matmul
//  CHECK-SAME:   %[[A:.*]]: memref<10x120xi8>, %[[B:.*]]: memref<120x360xi8>, %[[C:.*]]: memref<10x360xi32>
//       CHECK:   scf.for %[[M:.*]] = %c0 to %c8 step %c4
//       CHECK:     scf.for %[[N:.*]] = %c0 to %c352 step %c32
// CHECK-COUNT-4:     vector.load %[[C]]
//       CHECK:       %[[SUMS:.*]]:4 = scf.for %[[K:.*]] = %c0 to %c120 step %c1 iter_args
//       CHECK:         memref.load %[[A]][%[[M]], %[[K]]]
//       CHECK:         %[[ROW:.*]] = vector.load %[[B]][%[[K]], %[[N]]] : memref<120x360xi8>, vector<32xi8>
//       CHECK:         arith.extsi %[[ROW]] : vector<32xi8> to vector<32xi32>
// CHECK-COUNT-4:       arith.muli {{.*}} : vector<32xi32>
//       CHECK:       vector.store %[[SUMS]]#0, %[[C]][%[[M]], %[[N]]]
//       CHECK:       vector.store %[[SUMS]]#3, %[[C]]
//       CHECK:     %[[MASK:.*]] = vector.constant_mask [8] : vector<32xi1>
//       CHECK:     vector.maskedload %[[B]]{{.*}}, %[[MASK]]
//       CHECK:   scf.for %{{.*}} = %c8 to %c10 step %c1
//   CHECK-NOT:   linalg
func.func @matmul(%a: memref<10x120xi8>, %b: memref<120x360xi8>, %c: memref<10x360xi32>) {
  linalg.matmul ins(%a, %b : memref<10x120xi8>, memref<120x360xi8>)
                outs(%c : memref<10x360xi32>)
  return
}

// -----

// Floats are multiplied, then added: never a fused multiply-add.

// CHECK-LABEL: func @float_matmul
//       CHECK:   arith.mulf
//       CHECK:   arith.addf
//   CHECK-NOT:   fma
func.func @float_matmul(%a: memref<?x?xf32>, %b: memref<?x?xf32>, %c: memref<?x?xf32>) {
  linalg.matmul ins(%a, %b : memref<?x?xf32>, memref<?x?xf32>) outs(%c : memref<?x?xf32>)
  return
}

// -----

// A reduction along the contiguous dimension: a partial sum in each lane, under
// a mask only in the last step, then pairs of halves.

// CHECK-LABEL: func @row_sum
//       CHECK:   %[[FULL:.*]]:4 = scf.for {{.*}} step %c16 iter_args(%{{.*}} = %[[ZERO:[^,]*]],
//       CHECK:     vector.load
//       CHECK:   %[[SUM:.*]]:4 = scf.for {{.*}} step %c16 iter_args(%[[PART:.*]] = %[[FULL]]#0,
//       CHECK:     %[[MASK:.*]] = vector.create_mask
//       CHECK:     %[[X:.*]] = vector.maskedload
//       CHECK:     %[[NEW:.*]] = arith.addf %[[X]], %[[PART]]
//       CHECK:     arith.select %[[MASK]], %[[NEW]], %[[PART]]
//       CHECK:   vector.extract_strided_slice %[[SUM]]#0 {offsets = [0], sizes = [8]
//       CHECK:   vector.extract_strided_slice %[[SUM]]#0 {offsets = [8], sizes = [8]
//       CHECK:   arith.addf {{.*}} : vector<8xf32>
//       CHECK:   arith.addf {{.*}} : vector<1xf32>
//       CHECK:   memref.store
func.func @row_sum(%x: memref<?x?xf32>, %y: memref<?xf32>) {
  linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%p: f32, %o: f32):
    %s = arith.addf %p, %o : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// What does not vary along the vector is loaded once, outside its loop.

// CHECK-LABEL: func @scale_rows
//  CHECK-SAME:   %[[X:.*]]: memref<?x32xf32>, %[[S:.*]]: memref<?xf32>
//       CHECK:   scf.for %[[I:.*]] =
//       CHECK:     %[[SCALE:.*]] = memref.load %[[S]][%[[I]]]
//       CHECK:     scf.for
//       CHECK:       vector.broadcast %[[SCALE]] : f32 to vector<16xf32>
func.func @scale_rows(%x: memref<?x32xf32>, %s: memref<?xf32>) {
  linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%s : memref<?xf32>) outs(%x : memref<?x32xf32>) {
  ^bb0(%p: f32, %o: f32):
    %y = arith.mulf %p, %o : f32
    linalg.yield %y : f32
  }
  return
}

// -----

// A copy with strides would be a call to a runtime library.

// CHECK-LABEL: func @copies
//       CHECK:   vector.load
//       CHECK:   memref.copy %{{.*}} : memref<4x16xf32> to memref<4x16xf32>
func.func @copies(%x: memref<4x16xf32, strided<[32, 1]>>, %y: memref<4x16xf32>,
                  %z: memref<4x16xf32>) {
  memref.copy %x, %y : memref<4x16xf32, strided<[32, 1]>> to memref<4x16xf32>
  memref.copy %y, %z : memref<4x16xf32> to memref<4x16xf32>
  return
}

// -----

// Left to scalar loops: a transposition, a gather, a division that may trap on
// the zeros behind the end, booleans in memory.

// CHECK-LABEL: func @left_alone
//       CHECK:   linalg.transpose
//       CHECK:   linalg.generic
//       CHECK:     memref.load
//       CHECK:   linalg.generic
//       CHECK:     arith.divsi
//       CHECK:   linalg.fill
//   CHECK-NOT:   vector
func.func @left_alone(%x: memref<4x8xf32>, %y: memref<8x4xf32>, %i: memref<8xindex>,
                      %v: memref<8xf32>, %n: memref<8xi32>, %b: memref<8xi1>, %p: i1) {
  linalg.transpose ins(%x : memref<4x8xf32>) outs(%y : memref<8x4xf32>) permutation = [1, 0]
  linalg.generic {
      indexing_maps = [affine_map<(d) -> (d)>, affine_map<(d) -> (d)>],
      iterator_types = ["parallel"]}
      ins(%i : memref<8xindex>) outs(%v : memref<8xf32>) {
  ^bb0(%at: index, %o: f32):
    %e = memref.load %x[%at, %at] : memref<4x8xf32>
    linalg.yield %e : f32
  }
  linalg.generic {
      indexing_maps = [affine_map<(d) -> (d)>, affine_map<(d) -> (d)>],
      iterator_types = ["parallel"]}
      ins(%n : memref<8xi32>) outs(%n : memref<8xi32>) {
  ^bb0(%d: i32, %o: i32):
    %e = arith.divsi %o, %d : i32
    linalg.yield %e : i32
  }
  linalg.fill ins(%p : i1) outs(%b : memref<8xi1>)
  return
}

// -----

// One lane is left of 17: LLVM 22 would store four bytes for it under a mask.

// CHECK-LABEL: func @one_lane_is_left
//  CHECK-SAME:   %{{.*}}: memref<17xi32>, %[[Y:.*]]: memref<17xi8>
//       CHECK:   vector.store %{{.*}}, %[[Y]]
//       CHECK:   %[[NARROW:.*]] = arith.trunci
//       CHECK:   %[[LANE:.*]] = vector.extract %[[NARROW]][0]
//       CHECK:   memref.store %[[LANE]], %[[Y]]
//   CHECK-NOT:   vector.maskedstore
func.func @one_lane_is_left(%x: memref<17xi32>, %y: memref<17xi8>) {
  linalg.generic {
      indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
      iterator_types = ["parallel"]}
      ins(%x : memref<17xi32>) outs(%y : memref<17xi8>) {
  ^bb0(%a: i32, %b: i8):
    %r = arith.trunci %a : i32 to i8
    linalg.yield %r : i8
  }
  return
}
