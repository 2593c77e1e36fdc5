// RUN: stamp-opt %s --stamp-gpu-call-runtime --split-input-file --verify-diagnostics \
// RUN:   | FileCheck %s

module attributes {gpu.container_module} {

gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_80">, assembly = "ptx">]

// CHECK: llvm.func @stampGpuLaunch(
// CHECK: llvm.mlir.global internal @kernels_image
// CHECK-LABEL: llvm.func @one(
// CHECK-SAME:    %[[STREAM:.*]]: !llvm.ptr, %[[N:.*]]: i64)
// CHECK:       %[[SLOTS:.*]] = llvm.alloca
// CHECK:       llvm.store %[[N]],
// CHECK:       llvm.call @stampGpuLaunch({{.*}}, %[[STREAM]], %[[SLOTS]], %{{.*}})
// CHECK-NOT:   gpu.
llvm.func @one(%stream: !llvm.ptr, %n: i64) {
  %c1 = llvm.mlir.constant(1 : i64) : i64
  gpu.launch_func <%stream : !llvm.ptr> @kernels::@f blocks in (%c1, %c1, %c1)
    threads in (%c1, %c1, %c1) : i64 args(%n : i64)
  llvm.return
}

}

// -----

module attributes {gpu.container_module} {

gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_80">, assembly = "ptx">]

llvm.func @nobody_waits() {
  %c1 = llvm.mlir.constant(1 : i64) : i64
  // expected-error @below {{has no stream: stamp-gpu-share-memory gives it that of the function}}
  gpu.launch_func @kernels::@f blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) : i64
  llvm.return
}

}
