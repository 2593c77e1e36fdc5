// RUN: stamp-opt %s --stamp-fence-stores | FileCheck %s

// CHECK-LABEL: func @past_the_caches
//       CHECK:   scf.forall
//       CHECK:     vector.store
//  CHECK-NEXT:     llvm.fence seq_cst
//  CHECK-NEXT:   }
func.func @past_the_caches(%m: memref<8x16xf32>, %v: vector<16xf32>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    vector.store %v, %m[%i, %c0] {nontemporal = true} : memref<8x16xf32>, vector<16xf32>
  }
  return
}

// CHECK-LABEL: func @cached
//   CHECK-NOT:   llvm.fence
//       CHECK:   return
func.func @cached(%m: memref<8x16xf32>, %v: vector<16xf32>) {
  %c0 = arith.constant 0 : index
  scf.forall (%i) in (8) {
    vector.store %v, %m[%i, %c0] : memref<8x16xf32>, vector<16xf32>
  }
  return
}
