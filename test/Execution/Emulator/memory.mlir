// What a device reads and writes anyway: beyond the end, before it, at addresses
// that a vector access cannot have, and what nobody has written.

// RUN: stamp-run %s --gpu=emulate --launch="m::copy<<<2, 32>>>(i32[64], i32[64])"

// An off-by-one copy: the last thread is one element too far.
// RUN: not stamp-run %s --gpu=emulate --launch="m::copy<<<2, 32>>>(i32[64], i32[63])" 2>&1 | FileCheck %s --check-prefix=AFTER
// AFTER: error: out of bounds in global memory: llvm.store at {{.*}}memory.mlir:{{[0-9]+}}:5: thread (31, 0, 0), write of 4 bytes at byte 252 of a buffer of 252 (block (1, 0, 0) of kernel 'copy')

// RUN: not stamp-run %s --gpu=emulate --launch="m::before<<<1, 32>>>(i32[64], i32[64])" 2>&1 | FileCheck %s --check-prefix=BEFORE
// BEFORE: error: out of bounds in global memory: llvm.load at {{.*}}: thread (0, 0, 0), read of 4 bytes

// RUN: not stamp-run %s --gpu=emulate --launch="m::shared<<<1, 33>>>(i32[1])" 2>&1 | FileCheck %s --check-prefix=SHARED
// SHARED: error: out of bounds in shared memory: llvm.store at {{.*}}: thread (32, 0, 0), write of 4 bytes at byte 128 of 128

// RUN: not stamp-run %s --gpu=emulate --launch="m::local<<<1, 5>>>(i32[5])" 2>&1 | FileCheck %s --check-prefix=LOCAL
// LOCAL: error: out of bounds in local memory: llvm.store at {{.*}}: thread (4, 0, 0), write of 4 bytes in no variable of the thread

// Dynamic shared memory is as large as the launch says.
// RUN: stamp-run %s --gpu=emulate --launch="m::dynamic<<<1, 32, 128>>>()"
// RUN: not stamp-run %s --gpu=emulate --launch="m::dynamic<<<1, 32, 124>>>()" 2>&1 | FileCheck %s --check-prefix=DYNAMIC
// DYNAMIC: error: out of bounds in shared memory: llvm.store at {{.*}}: thread (31, 0, 0), write of 4 bytes at byte 124 of 124

// A vector load from an odd row.
// RUN: stamp-run %s --gpu=emulate --launch="m::vector<<<1, 1>>>(i32[64], 4)"
// RUN: not stamp-run %s --gpu=emulate --launch="m::vector<<<1, 1>>>(i32[64], 5)" 2>&1 | FileCheck %s --check-prefix=VECTOR
// VECTOR: error: misaligned access: llvm.load at {{.*}}: thread (0, 0, 0), read of 16 bytes at an address that is no multiple of 16

// RUN: not stamp-run %s --gpu=emulate --launch="m::uninitialised<<<1, 2>>>(i32[64])" 2>&1 | FileCheck %s --check-prefix=POISON
// POISON: error: uninitialised shared memory: llvm.load at {{.*}}: thread (0, 0, 0), read of 4 bytes at byte 4; nobody has written byte 4

// A generic pointer is as good as any; one to shared memory must be one.
// RUN: stamp-run %s --gpu=emulate --launch="m::generic<<<1, 32>>>(i32[64])"
// RUN: not stamp-run %s --gpu=emulate --launch="m::confused<<<1, 32>>>(i32[64])" 2>&1 | FileCheck %s --check-prefix=CONFUSED
// CONFUSED: error: pointer into the wrong memory: llvm.store at {{.*}}: thread (0, 0, 0), write of 4 bytes through a pointer to shared memory

module attributes {gpu.container_module} {
gpu.module @m {
  llvm.mlir.global internal @buffer() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<32 x i32>
  llvm.mlir.global external @dynamic_shared() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<0 x i8>

  llvm.func @copy(%from: !llvm.ptr<1>, %to: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %b = nvvm.read.ptx.sreg.ctaid.x : i32
    %n = nvvm.read.ptx.sreg.ntid.x : i32
    %first = llvm.mul %b, %n : i32
    %i = llvm.add %first, %x : i32
    %p = llvm.getelementptr %from[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %q = llvm.getelementptr %to[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %v = llvm.load %p : !llvm.ptr<1> -> i32
    llvm.store %v, %q : i32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @before(%from: !llvm.ptr<1>, %to: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %i = llvm.sub %x, %one : i32
    %p = llvm.getelementptr %from[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %q = llvm.getelementptr %to[%x] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %v = llvm.load %p : !llvm.ptr<1> -> i32
    llvm.store %v, %q : i32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @shared(%to: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %base = llvm.mlir.addressof @buffer : !llvm.ptr<3>
    %p = llvm.getelementptr %base[%x] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    llvm.store %x, %p : i32, !llvm.ptr<3>
    llvm.return
  }
  llvm.func @local(%to: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %four = llvm.mlir.constant(4 : i32) : i32
    %base = llvm.alloca %four x i32 : (i32) -> !llvm.ptr
    %p = llvm.getelementptr %base[%x] : (!llvm.ptr, i32) -> !llvm.ptr, i32
    llvm.store %x, %p : i32, !llvm.ptr
    %q = llvm.getelementptr %to[%x] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %v = llvm.load %p : !llvm.ptr -> i32
    llvm.store %v, %q : i32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @dynamic() attributes {gpu.kernel, nvvm.kernel} {
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %base = llvm.mlir.addressof @dynamic_shared : !llvm.ptr<3>
    %p = llvm.getelementptr %base[%x] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    llvm.store %x, %p : i32, !llvm.ptr<3>
    llvm.return
  }
  llvm.func @vector(%from: !llvm.ptr<1>, %i: i32) attributes {gpu.kernel, nvvm.kernel} {
    %p = llvm.getelementptr %from[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %v = llvm.load %p : !llvm.ptr<1> -> vector<4xi32>
    llvm.store %v, %from : vector<4xi32>, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @uninitialised(%to: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %y = llvm.add %x, %one : i32
    %base = llvm.mlir.addressof @buffer : !llvm.ptr<3>
    %p = llvm.getelementptr %base[%x] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    llvm.store %x, %p : i32, !llvm.ptr<3>
    %q = llvm.getelementptr %base[%y] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %v = llvm.load %q : !llvm.ptr<3> -> i32
    llvm.store %v, %to : i32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @generic(%to: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %base = llvm.mlir.addressof @buffer : !llvm.ptr<3>
    %any = llvm.addrspacecast %base : !llvm.ptr<3> to !llvm.ptr
    %p = llvm.getelementptr %any[%x] : (!llvm.ptr, i32) -> !llvm.ptr, i32
    llvm.store %x, %p : i32, !llvm.ptr
    %v = llvm.load %p : !llvm.ptr -> i32
    %other = llvm.addrspacecast %to : !llvm.ptr<1> to !llvm.ptr
    %q = llvm.getelementptr %other[%x] : (!llvm.ptr, i32) -> !llvm.ptr, i32
    llvm.store %v, %q : i32, !llvm.ptr
    llvm.return
  }
  llvm.func @confused(%to: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %any = llvm.addrspacecast %to : !llvm.ptr<1> to !llvm.ptr
    %p = llvm.addrspacecast %any : !llvm.ptr to !llvm.ptr<3>
    llvm.store %x, %p : i32, !llvm.ptr<3>
    llvm.return
  }
}
}
