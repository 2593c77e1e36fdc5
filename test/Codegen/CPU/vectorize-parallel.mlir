// RUN: stamp-opt %s --stamp-vectorize=parallel --canonicalize --split-input-file | FileCheck %s

// Rows by fours, and behind them the rest.

// CHECK-LABEL: func @sums
//       CHECK:   scf.forall (%{{.*}}) = (0) to (1000) step (4) {
//       CHECK:     scf.for {{.*}} iter_args
//       CHECK:   scf.forall (%{{.*}}) = (1000) to (1002) step (1) {
func.func @sums(%x: memref<1002x64xf32>, %y: memref<1002xf32>) {
  linalg.reduce ins(%x : memref<1002x64xf32>) outs(%y : memref<1002xf32>) dimensions = [1]
    (%a: f32, %b: f32) { %0 = arith.addf %a, %b : f32
      linalg.yield %0 : f32 }
  return
}

// -----

// CHECK-LABEL: func @all_but_the_vectors
//       CHECK:   scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, %{{.*}}) {
//       CHECK:     scf.for
//       CHECK:       vector.load
func.func @all_but_the_vectors(%x: memref<?x?x?xf32>, %y: memref<?x?x?xf32>) {
  linalg.exp ins(%x : memref<?x?x?xf32>) outs(%y : memref<?x?x?xf32>)
  return
}

// -----

// Little work is done at once.

// CHECK-LABEL: func @little
//   CHECK-NOT:   scf.forall
func.func @little(%x: memref<10x64xf32>, %y: memref<10x64xf32>) {
  linalg.exp ins(%x : memref<10x64xf32>) outs(%y : memref<10x64xf32>)
  return
}
