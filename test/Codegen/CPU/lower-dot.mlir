// RUN: stamp-opt %s --stamp-lower-dot=cpu=avx512vnni | FileCheck %s --check-prefix=VNNI
// RUN: stamp-opt %s --stamp-lower-dot=cpu=avx2 | FileCheck %s --check-prefix=AVX2
// RUN: stamp-opt %s --stamp-lower-dot=cpu=neon-dotprod | FileCheck %s --check-prefix=NEON
// RUN: stamp-opt %s --stamp-lower-dot=cpu=neon-i8mm | FileCheck %s --check-prefix=I8MM
// RUN: stamp-opt %s --stamp-lower-dot=cpu=avxvnni | FileCheck %s --check-prefix=AVXVNNI
// RUN: stamp-opt %s --stamp-lower-dot=cpu=generic | FileCheck %s --check-prefix=GENERIC
// RUN: not stamp-opt %s --stamp-lower-dot=cpu=z80 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: unknown cpu 'z80'; known are host, avx512vnni, avxvnni, avx2, neon-i8mm, neon-dotprod, generic

#four = affine_map<(n, k) -> (k)>
#codes = affine_map<(n, k) -> (n, k)>
#sum = affine_map<(n, k) -> (n)>

// VNNI-LABEL: func @unsigned_16
//       VNNI:   llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
//   VNNI-NOT:   vector.contract
//       VNNI:   return
func.func @unsigned_16(%x: vector<4xi8>, %w: vector<16x4xi8>, %s: vector<16xi32>)
    -> vector<16xi32> {
  %l = arith.extsi %x : vector<4xi8> to vector<4xi32>
  %r = arith.extui %w : vector<16x4xi8> to vector<16x4xi32>
  %d = vector.contract {indexing_maps = [#four, #codes, #sum],
      iterator_types = ["parallel", "reduction"], kind = #vector.kind<add>}
      %l, %r, %s : vector<4xi32>, vector<16x4xi32> into vector<16xi32>
  return %d : vector<16xi32>
}

// Saturation of vpmaddubsw would be wrong: words, the even ones and the odd.

// AVXVNNI-LABEL: func @unsigned_8
//       AVXVNNI:   llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"
//   AVXVNNI-NOT:   vector.contract
//       AVXVNNI:   return

// AVX2-LABEL: func @unsigned_8
// AVX2-COUNT-2: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// AVX2-NOT:   vector.contract
//       AVX2:   return
func.func @unsigned_8(%x: vector<4xi8>, %w: vector<8x4xi8>, %s: vector<8xi32>)
    -> vector<8xi32> {
  %l = arith.extsi %x : vector<4xi8> to vector<4xi32>
  %r = arith.extui %w : vector<8x4xi8> to vector<8x4xi32>
  %d = vector.contract {indexing_maps = [#four, #codes, #sum],
      iterator_types = ["parallel", "reduction"], kind = #vector.kind<add>}
      %l, %r, %s : vector<4xi32>, vector<8x4xi32> into vector<8xi32>
  return %d : vector<8xi32>
}

// Codes below 16 do not saturate it.

// AVX2-LABEL: func @four_bits
//       AVX2:   %[[PAIRS:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%{{.*}}, %{{.*}}) : (vector<32xi8>, vector<32xi8>) -> vector<16xi16>
//       AVX2:   llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%[[PAIRS]], %{{.*}})
//   AVX2-NOT:   vector.contract
//       AVX2:   return
func.func @four_bits(%x: vector<4xi8>, %w: vector<32xi8>, %s: vector<8xi32>)
    -> vector<8xi32> {
  %mask = arith.constant dense<15> : vector<32xi8>
  %low = arith.andi %w, %mask : vector<32xi8>
  %codes = vector.shape_cast %low : vector<32xi8> to vector<8x4xi8>
  %l = arith.extsi %x : vector<4xi8> to vector<4xi32>
  %r = arith.extui %codes : vector<8x4xi8> to vector<8x4xi32>
  %d = vector.contract {indexing_maps = [#four, #codes, #sum],
      iterator_types = ["parallel", "reduction"], kind = #vector.kind<add>}
      %l, %r, %s : vector<4xi32>, vector<8x4xi32> into vector<8xi32>
  return %d : vector<8xi32>
}

// Five bits do.

// AVX2-LABEL: func @five_bits
//   AVX2-NOT:   pmadd.ub.sw
// AVX2-COUNT-2: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
//       AVX2:   return
func.func @five_bits(%x: vector<4xi8>, %w: vector<32xi8>, %s: vector<8xi32>)
    -> vector<8xi32> {
  %mask = arith.constant dense<31> : vector<32xi8>
  %low = arith.andi %w, %mask : vector<32xi8>
  %codes = vector.shape_cast %low : vector<32xi8> to vector<8x4xi8>
  %l = arith.extsi %x : vector<4xi8> to vector<4xi32>
  %r = arith.extui %codes : vector<8x4xi8> to vector<8x4xi32>
  %d = vector.contract {indexing_maps = [#four, #codes, #sum],
      iterator_types = ["parallel", "reduction"], kind = #vector.kind<add>}
      %l, %r, %s : vector<4xi32>, vector<8x4xi32> into vector<8xi32>
  return %d : vector<8xi32>
}

// I8MM-LABEL: func @unsigned_4
//       I8MM:   llvm.call_intrinsic "llvm.aarch64.neon.usdot.v4i32.v16i8"
//   I8MM-NOT:   vector.contract
//       I8MM:   return
func.func @unsigned_4(%x: vector<4xi8>, %w: vector<4x4xi8>, %s: vector<4xi32>)
    -> vector<4xi32> {
  %l = arith.extsi %x : vector<4xi8> to vector<4xi32>
  %r = arith.extui %w : vector<4x4xi8> to vector<4x4xi32>
  %d = vector.contract {indexing_maps = [#four, #codes, #sum],
      iterator_types = ["parallel", "reduction"], kind = #vector.kind<add>}
      %l, %r, %s : vector<4xi32>, vector<4x4xi32> into vector<4xi32>
  return %d : vector<4xi32>
}

// NEON-LABEL: func @signed_4
//       NEON:   llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
//   NEON-NOT:   vector.contract
//       NEON:   return

// GENERIC-LABEL: func @signed_4
// GENERIC-COUNT-4: arith.muli %{{.*}} : vector<4xi32>
// GENERIC-NOT:   vector.contract
//       GENERIC:   return
func.func @signed_4(%x: vector<4xi8>, %w: vector<4x4xi8>, %s: vector<4xi32>)
    -> vector<4xi32> {
  %l = arith.extsi %x : vector<4xi8> to vector<4xi32>
  %r = arith.extsi %w : vector<4x4xi8> to vector<4x4xi32>
  %d = vector.contract {indexing_maps = [#four, #codes, #sum],
      iterator_types = ["parallel", "reduction"], kind = #vector.kind<add>}
      %l, %r, %s : vector<4xi32>, vector<4x4xi32> into vector<4xi32>
  return %d : vector<4xi32>
}

// Another product is no business of this pass.

// VNNI-LABEL: func @floats
//       VNNI:   vector.contract
func.func @floats(%x: vector<4xf32>, %w: vector<16x4xf32>, %s: vector<16xf32>)
    -> vector<16xf32> {
  %d = vector.contract {indexing_maps = [#four, #codes, #sum],
      iterator_types = ["parallel", "reduction"], kind = #vector.kind<add>}
      %x, %w, %s : vector<4xf32>, vector<16x4xf32> into vector<16xf32>
  return %d : vector<16xf32>
}
