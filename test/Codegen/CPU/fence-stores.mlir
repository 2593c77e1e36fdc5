// RUN: stamp-opt %s --stamp-fence-stores | FileCheck %s

// CHECK-LABEL: func @past_the_caches
//       CHECK:   omp.loop_nest
//       CHECK:     vector.store
//  CHECK-NEXT:     llvm.fence seq_cst
//  CHECK-NEXT:     omp.yield
func.func @past_the_caches(%m: memref<8x16xf32>, %v: vector<16xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  omp.wsloop {
    omp.loop_nest (%i) : index = (%c0) to (%c8) step (%c1) {
      vector.store %v, %m[%i, %c0] {nontemporal = true} : memref<8x16xf32>, vector<16xf32>
      omp.yield
    }
  }
  return
}

// CHECK-LABEL: func @cached
//   CHECK-NOT:   llvm.fence
//       CHECK:   return
func.func @cached(%m: memref<8x16xf32>, %v: vector<16xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  omp.wsloop {
    omp.loop_nest (%i) : index = (%c0) to (%c8) step (%c1) {
      vector.store %v, %m[%i, %c0] : memref<8x16xf32>, vector<16xf32>
      omp.yield
    }
  }
  return
}
