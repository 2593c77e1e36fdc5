// RUN: stamp-opt %s --stamp-form-contractions=cpu=avx512vnni --canonicalize --cse --split-input-file | FileCheck %s
// RUN: stamp-opt %s --stamp-form-contractions=cpu=avx2 --canonicalize --cse --split-input-file | FileCheck %s --check-prefix=AVX2
// RUN: not stamp-opt %s --stamp-form-contractions=cpu=z80 --split-input-file 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: stamp-opt %s --stamp-form-contractions=cpu=generic --split-input-file --remarks-filter="stamp.*" --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// UNKNOWN: error: unknown cpu 'z80'; known are host,

// 64 columns are one strip of four vectors of 16, with six rows a tile; or four
// strips of two vectors of 8.

// CHECK-LABEL: func @scores
//       CHECK:   %[[STRIPS:.*]] = memref.alloc() {alignment = 64 : i64} : memref<2x1x40x64xf32>
//       CHECK:   scf.forall (%{{.*}}) in (2)
//       CHECK:     vector.store {{.*}}, %[[STRIPS]]
//       CHECK:   scf.forall
//       CHECK:     %[[SUMS:.*]]:24 = scf.for
//       CHECK:       vector.load %[[STRIPS]]{{.*}} vector<16xf32>
// CHECK-COUNT-24:   arith.mulf {{.*}} : vector<16xf32>
//   CHECK-NOT:       vector.fma
//       CHECK:     vector.store %[[SUMS]]#23
//       CHECK:   memref.dealloc %[[STRIPS]]
//   CHECK-NOT:   linalg
//  AVX2-LABEL: func @scores
//        AVX2:   memref.alloc() {alignment = 64 : i64} : memref<2x4x40x16xf32>
//        AVX2:   scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
func.func @scores(%a: memref<2x96x40xf32>, %b: memref<2x40x64xf32>, %c: memref<2x96x64xf32>) {
  linalg.batch_matmul ins(%a, %b : memref<2x96x40xf32>, memref<2x40x64xf32>) outs(%c : memref<2x96x64xf32>)
  return
}

// -----

// Columns that are not neighbours in the right factor are copied one by one; in
// a turn of a loop, as attention has, nothing else is parallel, and a product and
// its addition are one operation.

// CHECK-LABEL: func @nested
//       CHECK:   scf.forall
//       CHECK:     memref.alloc
//   CHECK-NOT:     scf.forall
//       CHECK:     memref.load
//       CHECK:     memref.store
//       CHECK:     vector.fma
//       CHECK:     memref.dealloc
func.func @nested(%a: memref<?x?xf32>, %b: memref<?x?xbf16>, %c: memref<4x?x?xf32>) {
  scf.forall (%i) in (4) {
    %s0 = memref.dim %a, %i : memref<?x?xf32>
    %part = memref.subview %c[%i, 0, 0] [1, %s0, %s0] [1, 1, 1] : memref<4x?x?xf32> to memref<?x?xf32, strided<[?, 1], offset: ?>>
    linalg.contract indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%a, %b : memref<?x?xf32>, memref<?x?xbf16>) outs(%part : memref<?x?xf32, strided<[?, 1], offset: ?>>)
  }
  return
}

// -----

// CHECK-LABEL: func @left_alone
// CHECK-COUNT-3: linalg.matmul
// REMARK: no kernel multiplies these floats: it has few rows
// REMARK: no kernel multiplies these floats: its products are not sums of f32
// REMARK: no kernel multiplies these floats: the columns of its result are not neighbours
func.func @left_alone(%x: memref<4x64xf32>, %w: memref<64x64xf32>, %y: memref<4x64xf32>,
                      %h: memref<64x64xf16>, %z: memref<64x64xf32, strided<[1, 64]>>) {
  linalg.matmul ins(%x, %w : memref<4x64xf32>, memref<64x64xf32>) outs(%y : memref<4x64xf32>)
  linalg.matmul ins(%h, %h : memref<64x64xf16>, memref<64x64xf16>) outs(%h : memref<64x64xf16>)
  linalg.matmul ins(%w, %w : memref<64x64xf32>, memref<64x64xf32>) outs(%z : memref<64x64xf32, strided<[1, 64]>>)
  return
}
