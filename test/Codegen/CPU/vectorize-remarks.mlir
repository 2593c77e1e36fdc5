// RUN: stamp-opt %s --stamp-vectorize --remarks-filter="stamp.*" \
// RUN:   --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s

// CHECK: [[@LINE+2]]:{{.*}} Reason="linalg.generic stays scalar: its body looks at indices"
func.func @positions(%y: memref<40xindex>) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>],
                  iterator_types = ["parallel"]}
      outs(%y : memref<40xindex>) {
  ^bb0(%o: index):
    %i = linalg.index 0 : index
    linalg.yield %i : index
  }
  return
}

// CHECK: [[@LINE+3]]:{{.*}} Reason="linalg.transpose stays scalar: there is no dimension along which all its accesses are contiguous"
func.func @transposes(%x: memref<8x40xf32>, %y: memref<40x8xf32>) {
  // A transposition reads along one dimension and writes along the other.
  linalg.transpose ins(%x : memref<8x40xf32>) outs(%y : memref<40x8xf32>)
      permutation = [1, 0]
  return
}

func.func @adds(%x: memref<40xf32>, %y: memref<40xf32>) {
  linalg.add ins(%x, %x : memref<40xf32>, memref<40xf32>)
             outs(%y : memref<40xf32>)
  return
}

// CHECK: [Analysis] Vectorize {{.*}} scalar=2, vectorized=1
