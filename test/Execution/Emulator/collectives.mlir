// Meetings that not everybody comes to.

// RUN: stamp-run %s --gpu=emulate --launch="m::shuffle<<<1, 64>>>(i32[64], 32)"
// RUN: not stamp-run %s --gpu=emulate --launch="m::shuffle<<<1, 64>>>(i32[64], 31)" 2>&1 | FileCheck %s --check-prefix=PART
// RUN: not stamp-run %s --gpu=emulate --gpu-seed=7 --launch="m::shuffle<<<1, 64>>>(i32[64], 31)" 2>&1 | FileCheck %s --check-prefix=PART
// PART: error: {{(nvvm\.)?}}shfl.sync {{.*}}was reached by a part of its lanes only: {{.*}}thread ({{31|63}}, 0, 0) has ended

// A block whose last warp is not full has no lane 16 there.
// RUN: not stamp-run %s --gpu=emulate --launch="m::shuffle<<<1, 48>>>(i32[64], 32)" 2>&1 | FileCheck %s --check-prefix=SHORT
// SHORT: error: nvvm.shfl.sync at {{.*}} names lane 16, but the block ends after lane 15 of its group

// Half a warp is somewhere else.
// RUN: not stamp-run %s --gpu=emulate --launch="m::two_places<<<1, 32>>>(i32[64])" 2>&1 | FileCheck %s --check-prefix=PLACES
// PLACES: error: shfl.sync was reached by a part of its lanes only: thread (0, 0, 0) waits in nvvm.shfl.sync at {{.*}}, thread (16, 0, 0) waits at barrier 0, nvvm.barrier0 at

// A value from a lane that the mask leaves out.
// RUN: not stamp-run %s --gpu=emulate --launch="m::outside<<<1, 32>>>(i32[64])" 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// OUTSIDE: error: nvvm.shfl.sync at {{.*}}: thread (0, 0, 0) reads lane 16, which takes no part in it

// RUN: not stamp-run %s --gpu=emulate --launch="m::not_in_mask<<<1, 32>>>()" 2>&1 | FileCheck %s --check-prefix=MASK
// MASK: error: nvvm.bar.warp.sync at {{.*}}: thread (16, 0, 0) is not in its own mask, 0xffff

// A barrier that some threads skip.
// RUN: not stamp-run %s --gpu=emulate --launch="m::skipped<<<1, 96>>>()" 2>&1 | FileCheck %s --check-prefix=SKIPPED
// SKIPPED: error: barrier 0 was reached by 64 of 96 threads only: thread (0, 0, 0) waits at barrier 0, nvvm.barrier0 at {{.*}}, thread (64, 0, 0) has ended

// Both sides of a branch have a barrier: the counts are right, and it is wrong.
// RUN: not stamp-run %s --gpu=emulate --launch="m::divided<<<1, 32>>>()" 2>&1 | FileCheck %s --check-prefix=DIVIDED
// DIVIDED: error: a warp is divided among barriers: thread ({{[0-9]+}}, 0, 0) is at nvvm.barrier0 at {{.*}}, thread ({{[0-9]+}}, 0, 0) waits at barrier 0, nvvm.barrier0 at

module attributes {gpu.container_module} {
gpu.module @m {
  // Threads whose lane is not below %n return early.
  llvm.func @shuffle(%out: !llvm.ptr<1>, %n: i32) attributes {gpu.kernel, nvvm.kernel} {
    %all = llvm.mlir.constant(-1 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %clamp = llvm.mlir.constant(31 : i32) : i32
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %in = llvm.icmp "slt" %lane, %n : i32
    llvm.cond_br %in, ^go, ^end
  ^go:
    %v = nvvm.shfl.sync bfly %all, %x, %one, %clamp : i32 -> i32
    %p = llvm.getelementptr %out[%x] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %v, %p : i32, !llvm.ptr<1>
    llvm.br ^end
  ^end:
    llvm.return
  }
  llvm.func @two_places(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %all = llvm.mlir.constant(-1 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %half = llvm.mlir.constant(16 : i32) : i32
    %clamp = llvm.mlir.constant(31 : i32) : i32
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %in = llvm.icmp "slt" %x, %half : i32
    llvm.cond_br %in, ^go, ^end
  ^go:
    %v = nvvm.shfl.sync bfly %all, %x, %one, %clamp : i32 -> i32
    llvm.store %v, %out : i32, !llvm.ptr<1>
    llvm.br ^end
  ^end:
    nvvm.barrier0
    llvm.return
  }
  llvm.func @outside(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %low = llvm.mlir.constant(0xffff : i32) : i32
    %half = llvm.mlir.constant(16 : i32) : i32
    %clamp = llvm.mlir.constant(31 : i32) : i32
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %in = llvm.icmp "slt" %x, %half : i32
    llvm.cond_br %in, ^go, ^end
  ^go:
    %v = nvvm.shfl.sync bfly %low, %x, %half, %clamp : i32 -> i32
    llvm.store %v, %out : i32, !llvm.ptr<1>
    llvm.br ^end
  ^end:
    llvm.return
  }
  llvm.func @not_in_mask() attributes {gpu.kernel, nvvm.kernel} {
    %low = llvm.mlir.constant(0xffff : i32) : i32
    nvvm.bar.warp.sync %low : i32
    llvm.return
  }
  llvm.func @skipped() attributes {gpu.kernel, nvvm.kernel} {
    %n = llvm.mlir.constant(64 : i32) : i32
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %in = llvm.icmp "slt" %x, %n : i32
    llvm.cond_br %in, ^go, ^end
  ^go:
    nvvm.barrier0
    llvm.br ^end
  ^end:
    llvm.return
  }
  llvm.func @divided() attributes {gpu.kernel, nvvm.kernel} {
    %n = llvm.mlir.constant(16 : i32) : i32
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %in = llvm.icmp "slt" %x, %n : i32
    llvm.cond_br %in, ^low, ^high
  ^low:
    nvvm.barrier0
    llvm.br ^end
  ^high:
    nvvm.barrier0
    llvm.br ^end
  ^end:
    llvm.return
  }
}
}
