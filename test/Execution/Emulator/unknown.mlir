// What the emulator does not have, it says before anything runs.

// RUN: split-file %s %t
// RUN: not stamp-opt %t/op.mlir --stamp-gpu-emulate 2>&1 | FileCheck %s --check-prefix=OP
// OP: op.mlir:3:10: error: 'nvvm.read.ptx.sreg.clock' op is not known to the GPU emulator
// RUN: not stamp-opt %t/float.mlir --stamp-gpu-emulate 2>&1 | FileCheck %s --check-prefix=FLOAT
// FLOAT: float.mlir:3:{{[0-9]+}}: error: 'nvvm.redux.sync' op is not known to the GPU emulator: it reduces integers only
// RUN: not stamp-opt %t/function.mlir --stamp-gpu-emulate 2>&1 | FileCheck %s --check-prefix=FUNCTION
// FUNCTION: function.mlir:2:3: error: 'llvm.func' op is not known to the GPU emulator, which has no device library
// RUN: not stamp-opt %t/intrinsic.mlir --stamp-gpu-emulate 2>&1 | FileCheck %s --check-prefix=INTRINSIC
// INTRINSIC: error: 'llvm.call_intrinsic' op of 'llvm.nvvm.ex2.approx.f' is not known to the GPU emulator

// RUN: not stamp-opt %t/inline.mlir --stamp-gpu-emulate 2>&1 | FileCheck %s --check-prefix=INLINE
// INLINE: error: 'llvm.inline_asm' op is not known to the GPU emulator: of inline PTX it knows nothing but wgmma on s8 with A in registers, as kernels have it

// RUN: not stamp-run %t/op.mlir --gpu=emulate --launch="m::k<<1, 1>>()" 2>&1 | FileCheck %s --check-prefix=SYNTAX
// SYNTAX: error: malformed --launch 'm::k<<1, 1>>()': expected 'module::kernel<<<grid, block[, shared]>>>(x.npy | i32[4x8] | 7, ...) -> y.npy, ...'
// RUN: not stamp-run %t/op.mlir --gpu=emulate --launch="m::other<<<1, 1>>>()" 2>&1 | FileCheck %s --check-prefix=KERNEL
// KERNEL: error: gpu.module 'm' has no kernel 'other' in the NVVM dialect
// RUN: not stamp-run %t/op.mlir --gpu=emulate --launch="m::k<<<1, 1>>>(3)" 2>&1 | FileCheck %s --check-prefix=COUNT
// COUNT: error: kernel 'k' takes 0 arguments, 1 given
// RUN: not stamp-run %t/op.mlir --launch="m::k<<<1, 1>>>()" 2>&1 | FileCheck %s --check-prefix=DEVICE
// DEVICE: error: --launch is for --gpu=emulate
// RUN: not stamp-run %t/empty.mlir --gpu=emulate --launch="m::k<<<1, 1025>>>()" 2>&1 | FileCheck %s --check-prefix=THREADS
// THREADS: error: kernel 'k': a block of (1025, 1, 1) threads is beyond the limit of 1024
// RUN: not stamp-run %t/empty.mlir --gpu=emulate --launch="m::k<<<1x65536, 1>>>()" 2>&1 | FileCheck %s --check-prefix=GRID
// GRID: error: kernel 'k': a grid of (1, 65536, 1) blocks is beyond the limit of (2147483647, 65535, 65535)
// RUN: not stamp-run %t/empty.mlir --gpu=emulate --launch="m::k<<<0, 1>>>()" 2>&1 | FileCheck %s --check-prefix=EMPTY
// EMPTY: error: kernel 'k': a grid of (0, 1, 1) blocks of (1, 1, 1) threads is empty
// RUN: not stamp-run %t/empty.mlir --gpu=emulate --launch="m::k<<<1, 1, 170000>>>()" 2>&1 | FileCheck %s --check-prefix=SHARED
// SHARED: error: kernel 'k': 170000 bytes of shared memory are more than the 166912 of sm_80

//--- op.mlir
module { gpu.module @m {
  llvm.func @k() attributes {gpu.kernel, nvvm.kernel} {
    %t = nvvm.read.ptx.sreg.clock : i32
    llvm.return
  }
} }
//--- float.mlir
module { gpu.module @m {
  llvm.func @k(%v: f32, %m: i32) attributes {gpu.kernel, nvvm.kernel} {
    %t = nvvm.redux.sync fmin %v, %m : f32 -> f32
    llvm.return
  }
} }
//--- function.mlir
module { gpu.module @m {
  llvm.func @__nv_sinf(f32) -> f32
} }
//--- intrinsic.mlir
module { gpu.module @m {
  llvm.func @k(%v: f32) attributes {gpu.kernel, nvvm.kernel} {
    %t = llvm.call_intrinsic "llvm.nvvm.ex2.approx.f"(%v) : (f32) -> f32
    llvm.return
  }
} }
//--- inline.mlir
module { gpu.module @m {
  llvm.func @k() attributes {gpu.kernel, nvvm.kernel} {
    llvm.inline_asm has_side_effects "bar.sync 0;", "" : () -> ()
    llvm.return
  }
} }
//--- empty.mlir
module { gpu.module @m {
  llvm.func @k() attributes {gpu.kernel, nvvm.kernel} {
    llvm.return
  }
} }
