// RUN: stamp-opt %s --stamp-expand-math | FileCheck %s

// What the results are, test/Python/test_float_kernels.py knows.

// CHECK-LABEL: func @vectors
//   CHECK-NOT:   math.{{exp|tanh|erf}}
//   CHECK-NOT:   fma
//       CHECK:   return
func.func @vectors(%x: vector<16xf32>) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>) {
  %0 = math.exp %x : vector<16xf32>
  %1 = math.tanh %x : vector<16xf32>
  %2 = math.erf %x : vector<16xf32>
  return %0, %1, %2 : vector<16xf32>, vector<16xf32>, vector<16xf32>
}

// CHECK-LABEL: func @narrow
//       CHECK:   arith.extf
//   CHECK-NOT:   math.exp
//       CHECK:   arith.truncf
func.func @narrow(%x: vector<16xf16>) -> vector<16xf16> {
  %0 = math.exp %x : vector<16xf16>
  return %0 : vector<16xf16>
}

// CHECK-LABEL: func @scalar
//       CHECK:   math.exp %{{.*}} : f32
func.func @scalar(%x: f32) -> f32 {
  %0 = math.exp %x : f32
  return %0 : f32
}
