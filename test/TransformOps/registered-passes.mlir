// Upstream's transform.apply_registered_pass runs every pass and pipeline of
// ours on a handle: there is no op of our own for those.

// RUN: stamp-opt %s --transform-interpreter | FileCheck %s

module {

// CHECK-LABEL: module @tensors
//       CHECK:   linalg.matmul ins({{.*}} : tensor<16x8xi8>, tensor<8x4xi8>)
//   CHECK-NOT:   stamp.
module @tensors {
  func.func @linear(%x: tensor<16x8xf32>, %y: tensor<16x4xf32>) -> tensor<16x4xf32> {
    %w = arith.constant dense<0.5> : tensor<8x4xf32>
    %0 = linalg.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%y : tensor<16x4xf32>) -> tensor<16x4xf32>
    return %0 : tensor<16x4xf32>
  }
}

// CHECK-LABEL: module @sizes
//       CHECK:   cf.assert
module @sizes {
  func.func @add(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
    %0 = linalg.add ins(%x, %y : tensor<?xf32>, tensor<?xf32>) outs(%x : tensor<?xf32>) -> tensor<?xf32>
    return %0 : tensor<?xf32>
  }
}

// CHECK-LABEL: module @buffers
//       CHECK:   vector.store
module @buffers {
  func.func @mul(%x: memref<4x16xf32>) {
    linalg.mul ins(%x, %x : memref<4x16xf32>, memref<4x16xf32>) outs(%x : memref<4x16xf32>)
    return
  }
}

// CHECK-LABEL: module @cpu
//       CHECK:   llvm.func @linear
module @cpu {
  func.func @linear(%x: tensor<16x8xf32>, %y: tensor<16x4xf32>) -> tensor<16x4xf32> {
    %w = arith.constant dense<0.5> : tensor<8x4xf32>
    %0 = linalg.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%y : tensor<16x4xf32>) -> tensor<16x4xf32>
    return %0 : tensor<16x4xf32>
  }
}

// CHECK-LABEL: module @gpu
//       CHECK:   gpu.binary @kernels
//  CHECK-SAME:     chip = "sm_90"
module @gpu {
  func.func @mul(%x: tensor<4x16xf32>) -> tensor<4x16xf32> {
    %0 = linalg.mul ins(%x, %x : tensor<4x16xf32>, tensor<4x16xf32>) outs(%x : tensor<4x16xf32>) -> tensor<4x16xf32>
    return %0 : tensor<4x16xf32>
  }
}

// CHECK-LABEL: module @gpu_passes
//       CHECK:   func @map(
//       CHECK:     scf.parallel
//       CHECK:   func @share(
// CHECK: gpu.alloc async
//       CHECK:   gpu.module @kernels
//       CHECK:     llvm.call_intrinsic "llvm.roundeven"
module @gpu_passes {
  func.func @map(%x: memref<4x16xf32>) {
    linalg.mul ins(%x, %x : memref<4x16xf32>, memref<4x16xf32>) outs(%x : memref<4x16xf32>)
    return
  }
  func.func @share() {
    %0 = memref.alloc() : memref<4xf32>
    memref.dealloc %0 : memref<4xf32>
    return
  }
  gpu.module @only {
    gpu.func @round(%x: f32, %y: memref<f32>) kernel {
      %0 = math.roundeven %x : f32
      memref.store %0, %y[] : memref<f32>
      gpu.return
    }
  }
}

module @schedule attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %tensors = transform.structured.match ops{["builtin.module"]} attributes{sym_name = "tensors"} in %root : (!transform.any_op) -> !transform.any_op
    %t1 = transform.apply_registered_pass "stamp-select" with options = {"basis" = "{#stamp.haar<levels = 2>}", "weight-bits" = 8} to %tensors : (!transform.any_op) -> !transform.any_op
    %t2 = transform.apply_registered_pass "stamp-quantize" to %t1 : (!transform.any_op) -> !transform.any_op
    %t3 = transform.apply_registered_pass "stamp-fold" to %t2 : (!transform.any_op) -> !transform.any_op
    %t4 = transform.apply_registered_pass "stamp-to-linalg" to %t3 : (!transform.any_op) -> !transform.any_op
    %t5 = transform.apply_registered_pass "stamp-fuse-elementwise" to %t4 : (!transform.any_op) -> !transform.any_op

    %sizes = transform.structured.match ops{["builtin.module"]} attributes{sym_name = "sizes"} in %root : (!transform.any_op) -> !transform.any_op
    %s1 = transform.apply_registered_pass "stamp-check-sizes" to %sizes : (!transform.any_op) -> !transform.any_op

    %buffers = transform.structured.match ops{["builtin.module"]} attributes{sym_name = "buffers"} in %root : (!transform.any_op) -> !transform.any_op
    %b1 = transform.apply_registered_pass "stamp-vectorize" to %buffers : (!transform.any_op) -> !transform.any_op

    %cpu = transform.structured.match ops{["builtin.module"]} attributes{sym_name = "cpu"} in %root : (!transform.any_op) -> !transform.any_op
    %c1 = transform.apply_registered_pass "stamp-cpu-pipeline" to %cpu : (!transform.any_op) -> !transform.any_op

    %gpu = transform.structured.match ops{["builtin.module"]} attributes{sym_name = "gpu"} in %root : (!transform.any_op) -> !transform.any_op
    %g1 = transform.apply_registered_pass "stamp-gpu-pipeline" with options = {"chip" = "sm_90"} to %gpu : (!transform.any_op) -> !transform.any_op

    %check = transform.apply_registered_pass "stamp-gpu-check-input" with options = {"chip" = "sm_90"} to %s1 : (!transform.any_op) -> !transform.any_op
    %passes = transform.structured.match ops{["builtin.module"]} attributes{sym_name = "gpu_passes"} in %root : (!transform.any_op) -> !transform.any_op
    %map = transform.structured.match ops{["func.func"]} attributes{sym_name = "map"} in %passes : (!transform.any_op) -> !transform.any_op
    %mapped = transform.apply_registered_pass "stamp-gpu-map-loops" to %map : (!transform.any_op) -> !transform.any_op
    %kernels = transform.structured.match ops{["gpu.module"]} in %passes : (!transform.any_op) -> !transform.any_op
    %lowered = transform.apply_registered_pass "stamp-gpu-lower-math" to %kernels : (!transform.any_op) -> !transform.any_op
    %shared = transform.apply_registered_pass "stamp-gpu-share-memory" to %passes : (!transform.any_op) -> !transform.any_op
    %merged = transform.apply_registered_pass "stamp-gpu-merge-modules" to %shared : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
}

}
