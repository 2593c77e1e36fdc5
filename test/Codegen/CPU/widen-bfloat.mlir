// RUN: stamp-opt %s --stamp-widen-bfloat --canonicalize | FileCheck %s

// Each operation has its rounding.

// CHECK-LABEL: func @rounded_twice
//       CHECK:   arith.addf %{{.*}}, %{{.*}} : vector<16xf32>
//       CHECK:   arith.shrui
//       CHECK:   arith.trunci %{{.*}} : vector<16xi32> to vector<16xi16>
//       CHECK:   math.exp %{{.*}} : vector<16xf32>
//       CHECK:   arith.trunci %{{.*}} : vector<16xi32> to vector<16xi16>
//   CHECK-NOT:   arith.{{ext|trunc}}f
//       CHECK:   return
func.func @rounded_twice(%x: vector<16xbf16>) -> vector<16xbf16> {
  %s = arith.addf %x, %x : vector<16xbf16>
  %e = math.exp %s : vector<16xbf16>
  return %e : vector<16xbf16>
}

// CHECK-LABEL: func @scalar
//       CHECK:   arith.mulf %{{.*}}, %{{.*}} : f32
func.func @scalar(%x: bf16, %y: bf16) -> bf16 {
  %p = arith.mulf %x, %y : bf16
  return %p : bf16
}

// What computes nothing, and what is no bf16, stays.

// CHECK-LABEL: func @untouched
//   CHECK-NOT:   arith.extf
//       CHECK:   arith.select {{.*}} bf16
//       CHECK:   arith.addf {{.*}} f16
func.func @untouched(%c: i1, %x: bf16, %y: bf16, %h: f16) -> (bf16, f16) {
  %s = arith.select %c, %x, %y : bf16
  %t = arith.addf %h, %h : f16
  return %s, %t : bf16, f16
}
