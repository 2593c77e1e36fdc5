// A linear layer of groups becomes kernels like any other, with groups that are
// whole and groups that are filled up.

// RUN: stamp-opt %s --stamp-quantize --stamp-fold --stamp-gpu-pipeline='chip=sm_80' \
// RUN:   | %print-gpu-object > %t.ptx
// RUN: FileCheck %s --implicit-check-not=.extern < %t.ptx
// RUN: %if ptxas %{ %ptxas --gpu-name=sm_80 --warning-as-error %t.ptx -o %t.cubin %}

// CHECK-DAG: .entry whole_kernel
func.func @whole(%x: tensor<?x16xf32>, %w: tensor<16x4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %z = arith.constant 0.0 : f32
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 3>, activations = #stamp.schedule<[0.25 : 8], 4>, activation_group = 8, weight_bits = 4, weight_group = 8>}
    ins(%x, %w : tensor<?x16xf32>, tensor<16x4xf32>) outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK-DAG: .entry short_kernel
func.func @short(%x: tensor<13x10xf16>, %w: tensor<10x4xf16>, %e: tensor<13x4xf16>) -> tensor<13x4xf16> {
  %z = arith.constant 0.0 : f16
  %f = linalg.fill ins(%z : f16) outs(%e : tensor<13x4xf16>) -> tensor<13x4xf16>
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 3>, activations = #stamp.schedule<[0.25 : 8], 4>, activation_group = 8, weight_bits = 4>}
    ins(%x, %w : tensor<13x10xf16>, tensor<10x4xf16>) outs(%f : tensor<13x4xf16>) -> tensor<13x4xf16>
  return %y : tensor<13x4xf16>
}
