// RUN: stamp-opt %s --pass-pipeline='builtin.module(func.func(stamp-gpu-map-loops,canonicalize,cse))' \
// RUN:   --split-input-file --verify-diagnostics | FileCheck %s

// One thread per output, the sum over k inside the thread.
//
// CHECK-LABEL: func @matmul(
// CHECK-SAME:    %[[A:.*]]: memref<?x64xi8>
// CHECK-DAG:   %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:   %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG:   %[[N:.*]] = arith.constant 32 : index
// CHECK-DAG:   %[[K:.*]] = arith.constant 64 : index
// CHECK-DAG:   %[[BLOCK:.*]] = arith.constant 256 : index
// CHECK:       %[[DIM:.*]] = memref.dim %[[A]]
// CHECK:       %[[M:.*]] = arith.maxsi %[[DIM]],
// CHECK:       %[[POINTS:.*]] = arith.muli %[[M]], %[[N]]
// CHECK:       %[[NONEMPTY:.*]] = arith.maxsi %[[POINTS]],
// CHECK:       scf.parallel (%[[B:.*]]) = ({{.*}}) to (%[[NONEMPTY]]) step (%[[BLOCK]]) {
// CHECK:         %[[ACTIVE:.*]] = affine.min #{{.*}}(%[[B]])[%[[POINTS]]]
// CHECK:         scf.parallel (%[[T:.*]]) = ({{.*}}) to (%[[ACTIVE]]) step
// CHECK:           %[[POINT:.*]] = arith.addi %[[B]], %[[T]]
// CHECK:           %[[J:.*]] = arith.remui %[[POINT]], %[[N]]
// CHECK:           %[[I:.*]] = arith.divui %[[POINT]], %[[N]]
// CHECK:           scf.for %[[R:.*]] = %[[C0]] to %[[K]] step %[[C1]] {
// CHECK:             memref.load %[[A]][%[[I]], %[[R]]]
// CHECK:             memref.store %{{.*}}, %{{.*}}[%[[I]], %[[J]]]
// CHECK:         {mapping = [#gpu.loop_dim_map<processor = thread_x,
// CHECK:       {mapping = [#gpu.loop_dim_map<processor = block_x,
func.func @matmul(%a: memref<?x64xi8>, %b: memref<64x32xi8>, %c: memref<?x32xi32>) {
  linalg.matmul ins(%a, %b : memref<?x64xi8>, memref<64x32xi8>)
                outs(%c : memref<?x32xi32>)
  return
}

// -----

// A reduction over the leading dimension still runs inside the thread.
//
// CHECK-LABEL: func @column_sums(
// CHECK-NOT:   scf.for
// CHECK:       scf.parallel
// CHECK:         scf.parallel
// CHECK:           scf.for
// CHECK-NOT:   scf.parallel
func.func @column_sums(%x: memref<?x?xf32>, %s: memref<?xf32>) {
  linalg.reduce ins(%x : memref<?x?xf32>) outs(%s : memref<?xf32>) dimensions = [0]
    (%a: f32, %b: f32) {
      %t = arith.addf %b, %a : f32
      linalg.yield %t : f32
    }
  return
}

// -----

// Copies are kernels too.
//
// CHECK-LABEL: func @every_other_row(
// CHECK-NOT:   memref.copy
// CHECK:       scf.parallel
func.func @every_other_row(%x: memref<?x4xf32, strided<[8, 1]>>, %y: memref<?x4xf32>) {
  memref.copy %x, %y : memref<?x4xf32, strided<[8, 1]>> to memref<?x4xf32>
  return
}

// -----

// A loop in a loop belongs to its thread.
//
// CHECK-LABEL: func @rows(
// CHECK:       scf.parallel
// CHECK:         scf.parallel
// CHECK-NOT:       scf.parallel
// CHECK:           scf.for
func.func @rows(%x: memref<?x4xf32>, %n: index, %c: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %row = memref.subview %x[%i, 0] [1, 4] [1, 1] : memref<?x4xf32> to memref<1x4xf32, strided<[4, 1], offset: ?>>
    linalg.fill ins(%c : f32) outs(%row : memref<1x4xf32, strided<[4, 1], offset: ?>>)
    scf.reduce
  }
  return
}

// -----

func.func @softmax(%x: memref<4x5xf32>, %y: memref<4x5xf32>) {
  // expected-error @below {{has no form as loops; decompose it first}}
  linalg.softmax dimension(1) ins(%x : memref<4x5xf32>) outs(%y : memref<4x5xf32>)
  return
}
