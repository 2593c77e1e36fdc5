// The plugin gives LLVM's own mlir-opt what stamp-opt has: same flags, same IR.

// DEFINE: %{plugin} = --load-dialect-plugin=%stamp_plugin --load-pass-plugin=%stamp_plugin
// DEFINE: %{tensors} = stamp-select{basis=#stamp.haar<levels=2>},stamp-quantize,stamp-fold

// RUN: mlir-opt %s %{plugin} --pass-pipeline='builtin.module(%{tensors},stamp-to-linalg)' -o %t.linalg
// RUN: FileCheck %s --input-file=%t.linalg
// RUN: stamp-opt %s --pass-pipeline='builtin.module(%{tensors},stamp-to-linalg)' | diff %t.linalg -

// RUN: mlir-opt %s %{plugin} --pass-pipeline='builtin.module(%{tensors},stamp-cpu-pipeline)' -o %t.cpu
// RUN: FileCheck %s --input-file=%t.cpu --check-prefix=CPU
// RUN: stamp-opt %s --pass-pipeline='builtin.module(%{tensors},stamp-cpu-pipeline)' | diff %t.cpu -

// RUN: mlir-opt %s %{plugin} --pass-pipeline='builtin.module(%{tensors},stamp-gpu-pipeline{chip=sm_90})' -o %t.gpu
// RUN: FileCheck %s --input-file=%t.gpu --check-prefix=GPU

// Nothing of the static libraries is visible to the host.
// RUN: llvm-nm --dynamic --defined-only --format=just-symbols %stamp_plugin | sort | FileCheck %s --check-prefix=SYMBOLS --match-full-lines
//      SYMBOLS-NOT: {{.}}
//          SYMBOLS: mlirGetDialectPluginInfo
//     SYMBOLS-NEXT: mlirGetPassPluginInfo
//      SYMBOLS-NOT: {{.}}

// CHECK-LABEL: func @linear(
//   CHECK-NOT:   stamp.
//       CHECK:   linalg.matmul ins(%{{.*}} : tensor<16x8xi8>, tensor<8x4xi8>)
//   CHECK-NOT:   stamp.

// CPU-NOT: func.func
//     CPU: llvm.func @linear(

// GPU: chip = "sm_90"
func.func @linear(%x: tensor<16x8xf32>, %y: tensor<16x4xf32>) -> tensor<16x4xf32> {
  %w = arith.constant dense<0.5> : tensor<8x4xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%y : tensor<16x4xf32>) -> tensor<16x4xf32>
  return %0 : tensor<16x4xf32>
}
