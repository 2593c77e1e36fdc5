// cp.async: what has not been waited for has not arrived.

// RUN: stamp-run %s --gpu=emulate --launch="m::right<<<1, 32>>>(i32[128], i32[128])"

// The wait is gone, or waits for one group too few.
// RUN: not stamp-run %s --gpu=emulate --launch="m::no_wait<<<1, 32>>>(i32[128], i32[128])" 2>&1 | FileCheck %s --check-prefix=NO-WAIT
// RUN: not stamp-run %s --gpu=emulate --launch="m::too_few<<<1, 32>>>(i32[128], i32[128])" 2>&1 | FileCheck %s --check-prefix=NO-WAIT
// RUN: not stamp-run %s --gpu=emulate --launch="m::not_committed<<<1, 32>>>(i32[128], i32[128])" 2>&1 | FileCheck %s --check-prefix=NO-WAIT
// NO-WAIT: error: missing wait for cp.async: read by thread ([[#]], 0, 0), llvm.load at {{.*}}copies.mlir:[[#]]:10, of byte [[#]] of shared memory, which thread ([[#]], 0, 0) is still copying, nvvm.cp.async.shared.global at {{.*}}copies.mlir:[[#]]:5

// Waited for, but only by the thread that copied.
// RUN: not stamp-run %s --gpu=emulate --launch="m::no_barrier<<<1, 32>>>(i32[128], i32[128])" 2>&1 | FileCheck %s --check-prefix=NO-BARRIER
// NO-BARRIER: error: {{data race on shared memory.*write by thread .*nvvm.cp.async.shared.global|missing wait for cp.async|uninitialised shared memory}}

// RUN: not stamp-run %s --gpu=emulate --launch="m::misaligned<<<1, 32>>>(i32[128], i32[128])" 2>&1 | FileCheck %s --check-prefix=MISALIGNED
// MISALIGNED: error: misaligned access: nvvm.cp.async.shared.global at {{.*}}: thread (0, 0, 0), read of 16 bytes at an address that is no multiple of 16

module attributes {gpu.container_module} {
gpu.module @m {
  llvm.mlir.global internal @buffer() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<128 x i32>

  llvm.func @right(%from: !llvm.ptr<1>, %to: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %31 = llvm.mlir.constant(31 : i32) : i32
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %y = llvm.sub %31, %x : i32
    %base = llvm.mlir.addressof @buffer : !llvm.ptr<3>
    %source = llvm.getelementptr %from[%x] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, vector<4xi32>
    %mine = llvm.getelementptr %base[%x] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, vector<4xi32>
    %theirs = llvm.getelementptr %base[%y] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, vector<4xi32>
    nvvm.cp.async.shared.global %mine, %source, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.commit.group
    nvvm.cp.async.wait.group 0
    nvvm.barrier0
    %v = llvm.load %theirs : !llvm.ptr<3> -> vector<4xi32>
    %place = llvm.getelementptr %to[%x] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, vector<4xi32>
    llvm.store %v, %place : vector<4xi32>, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @no_wait(%from: !llvm.ptr<1>, %to: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %base = llvm.mlir.addressof @buffer : !llvm.ptr<3>
    %source = llvm.getelementptr %from[%x] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, vector<4xi32>
    %mine = llvm.getelementptr %base[%x] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, vector<4xi32>
    nvvm.cp.async.shared.global %mine, %source, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.commit.group
    nvvm.barrier0
    %v = llvm.load %mine : !llvm.ptr<3> -> vector<4xi32>
    llvm.store %v, %to : vector<4xi32>, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @too_few(%from: !llvm.ptr<1>, %to: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %base = llvm.mlir.addressof @buffer : !llvm.ptr<3>
    %source = llvm.getelementptr %from[%x] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, vector<4xi32>
    %mine = llvm.getelementptr %base[%x] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, vector<4xi32>
    nvvm.cp.async.commit.group
    nvvm.cp.async.shared.global %mine, %source, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.commit.group
    nvvm.cp.async.wait.group 1
    nvvm.barrier0
    %v = llvm.load %mine : !llvm.ptr<3> -> vector<4xi32>
    llvm.store %v, %to : vector<4xi32>, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @not_committed(%from: !llvm.ptr<1>, %to: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %base = llvm.mlir.addressof @buffer : !llvm.ptr<3>
    %source = llvm.getelementptr %from[%x] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, vector<4xi32>
    %mine = llvm.getelementptr %base[%x] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, vector<4xi32>
    nvvm.cp.async.commit.group
    nvvm.cp.async.shared.global %mine, %source, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.wait.group 0
    nvvm.barrier0
    %v = llvm.load %mine : !llvm.ptr<3> -> vector<4xi32>
    llvm.store %v, %to : vector<4xi32>, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @no_barrier(%from: !llvm.ptr<1>, %to: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %31 = llvm.mlir.constant(31 : i32) : i32
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %y = llvm.sub %31, %x : i32
    %base = llvm.mlir.addressof @buffer : !llvm.ptr<3>
    %source = llvm.getelementptr %from[%x] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, vector<4xi32>
    %mine = llvm.getelementptr %base[%x] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, vector<4xi32>
    %theirs = llvm.getelementptr %base[%y] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, vector<4xi32>
    nvvm.cp.async.shared.global %mine, %source, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.commit.group
    nvvm.cp.async.wait.group 0
    %v = llvm.load %theirs : !llvm.ptr<3> -> vector<4xi32>
    llvm.store %v, %to : vector<4xi32>, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @misaligned(%from: !llvm.ptr<1>, %to: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %base = llvm.mlir.addressof @buffer : !llvm.ptr<3>
    %source = llvm.getelementptr %from[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
    nvvm.cp.async.shared.global %base, %source, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.commit.group
    nvvm.cp.async.wait.group 0
    llvm.return
  }
}
}
