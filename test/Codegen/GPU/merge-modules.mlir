// RUN: stamp-opt %s --stamp-gpu-merge-modules | FileCheck %s

module attributes {gpu.container_module} {
  // CHECK-LABEL: func @launches(
  // CHECK:         gpu.launch_func @kernels::@kernel blocks
  // CHECK:         gpu.launch_func @kernels::@[[SECOND:kernel_.+]] blocks
  func.func @launches() {
    %c1 = arith.constant 1 : index
    %x = arith.constant 1.0 : f32
    gpu.launch_func @first::@kernel blocks in (%c1, %c1, %c1)
        threads in (%c1, %c1, %c1)
    gpu.launch_func @second::@kernel blocks in (%c1, %c1, %c1)
        threads in (%c1, %c1, %c1) args(%x : f32)
    return
  }

  // CHECK:     gpu.module @kernels {
  // CHECK:       gpu.func @kernel() kernel
  // CHECK:       gpu.func @[[SECOND]](%{{.*}}: f32) kernel
  // CHECK-NOT: gpu.module
  gpu.module @first {
    gpu.func @kernel() kernel {
      gpu.return
    }
  }
  gpu.module @second {
    gpu.func @kernel(%x: f32) kernel {
      gpu.return
    }
  }
}
