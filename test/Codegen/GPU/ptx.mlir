// The whole way: a STaMP linear to PTX, with every rounding that
// docs/Semantics.md asks for and no other.

// RUN: stamp-opt %S/Inputs/stamp-linear.mlir --stamp-gpu-pipeline -o %t.mlir
// RUN: %print-gpu-object < %t.mlir > %t.ptx
// RUN: FileCheck %s < %t.ptx
// RUN: FileCheck %s --check-prefix=EXACT < %t.ptx
// RUN: FileCheck %s --check-prefix=HOST < %t.mlir
// RUN: mlir-translate --mlir-to-llvmir %t.mlir | FileCheck %s --check-prefix=LLVM

// RUN: stamp-opt %S/Inputs/stamp-linear.mlir \
// RUN:   --stamp-gpu-pipeline='chip=sm_90a opt-level=1' \
// RUN:   | %print-gpu-object | FileCheck %s --check-prefixes=SM90A,EXACT

// SM90A: .version 8.0
// SM90A: .target sm_90a

// CHECK: .target sm_80
// Forward Haar: (x₀ + x₁)·c, the copy of an odd last row, (x₀ − x₁)·c.
// CHECK-LABEL: .entry stamp_linear_kernel(
// CHECK: add.rn.f32
// CHECK: mul.rn.f32 {{.*}}, 0f3F3504F3;
// CHECK-LABEL: .entry stamp_linear_kernel_0(
// CHECK-LABEL: .entry stamp_linear_kernel_1(
// CHECK: sub.rn.f32
// CHECK: mul.rn.f32 {{.*}}, 0f3F3504F3;
// Row minimum and maximum; a NaN stays one.
// CHECK: min.NaN.f32
// CHECK: max.NaN.f32
// Scale and zero point.
// CHECK: div.rn.f32
// CHECK: div.rn.f32
// CHECK: cvt.rni.f32.f32
// CHECK: cvt.rzi.s32.f32
// Codes: 1 / s is a correctly rounded reciprocal.
// CHECK: rcp.rn.f32
// CHECK: mul.rn.f32
// CHECK: cvt.rni.f32.f32
// CHECK: add.rn.f32
// CHECK: st.global.b8
// The integer matmul: products of i8 fit 16 bits, sums need 32.
// CHECK: mul.wide.s16
// CHECK: add.s32
// Rescale.
// CHECK: cvt.rn.f32.s32
// CHECK: mul.rn.f32
// CHECK: mul.rn.f32
// Inverse Haar.
// CHECK: add.rn.f32
// CHECK: mul.rn.f32 {{.*}}, 0f3F3504F3;
// CHECK: sub.rn.f32
// CHECK: mul.rn.f32 {{.*}}, 0f3F3504F3;

// Nothing fused, flushed or approximated, and no function of a library.
// EXACT-NOT: fma
// EXACT-NOT: {{[.]}}ftz
// EXACT-NOT: {{[.]}}approx
// EXACT-NOT: .extern

// HOST: llvm.func @stamp_linear(
// HOST: llvm.call @mgpuMemAlloc
// HOST: gpu.launch_func <%{{.*}} : !llvm.ptr> @kernels::@stamp_linear_kernel blocks in
// HOST: llvm.call @malloc
// HOST: llvm.func @_mlir_ciface_stamp_linear(
// HOST: gpu.binary @kernels

// The host side is plain LLVM IR that needs a runtime and nothing else.
// LLVM: call ptr @mgpuMemAlloc(
// LLVM: call void @mgpuLaunchKernel(
// LLVM: call ptr @malloc(
// LLVM: call ptr @mgpuModuleLoadJIT(
