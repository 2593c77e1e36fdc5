// Threads exchange values through shared memory, and the barrier between the
// write and the read is gone. Every schedule finds it, also those in which the
// values happen to be right.

// RUN: stamp-run %s --gpu=emulate --launch="right::exchange<<<3, 64>>>(i32[64])"
// RUN: not stamp-run %s --gpu=emulate --launch="wrong::exchange<<<3, 64>>>(i32[64])" 2>&1 | FileCheck %s
// RUN: not stamp-run %s --gpu=emulate --gpu-seed=1 --launch="wrong::exchange<<<3, 64>>>(i32[64])" 2>&1 | FileCheck %s
// RUN: not stamp-run %s --gpu=emulate --gpu-seed=2 --num-threads=2 --launch="wrong::exchange<<<3, 64>>>(i32[64])" 2>&1 | FileCheck %s
// CHECK: error: {{data race on shared memory, byte|uninitialised shared memory}}

// RUN: not stamp-run %s --gpu=emulate --launch="wrong::reuse<<<1, 64>>>(i32[64])" 2>&1 | FileCheck %s --check-prefix=REUSE
// REUSE: error: data race on shared memory, byte {{[0-9]+}}: {{read|write}} by thread ({{[0-9]+}}, 0, 0), llvm.{{load|store}} at {{.*}}data-race.mlir:{{[0-9]+}}:{{[0-9]+}}; {{read|write}} by thread ({{[0-9]+}}, 0, 0), llvm.{{load|store}} at {{.*}}data-race.mlir:{{[0-9]+}}:{{[0-9]+}}; nothing orders them (block (0, 0, 0) of kernel 'reuse')

module attributes {gpu.container_module} {
gpu.module @right {
  llvm.mlir.global internal @buffer() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<64 x i32>
  llvm.func @exchange(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %63 = llvm.mlir.constant(63 : i32) : i32
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %y = llvm.sub %63, %x : i32
    %base = llvm.mlir.addressof @buffer : !llvm.ptr<3>
    %mine = llvm.getelementptr %base[%x] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %theirs = llvm.getelementptr %base[%y] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    llvm.store %x, %mine : i32, !llvm.ptr<3>
    nvvm.barrier0
    %v = llvm.load %theirs : !llvm.ptr<3> -> i32
    %to = llvm.getelementptr %out[%x] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %v, %to : i32, !llvm.ptr<1>
    llvm.return
  }
}
gpu.module @wrong {
  llvm.mlir.global internal @buffer() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<64 x i32>
  llvm.func @exchange(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %63 = llvm.mlir.constant(63 : i32) : i32
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %y = llvm.sub %63, %x : i32
    %base = llvm.mlir.addressof @buffer : !llvm.ptr<3>
    %mine = llvm.getelementptr %base[%x] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %theirs = llvm.getelementptr %base[%y] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    llvm.store %x, %mine : i32, !llvm.ptr<3>
    %v = llvm.load %theirs : !llvm.ptr<3> -> i32
    %to = llvm.getelementptr %out[%x] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %v, %to : i32, !llvm.ptr<1>
    llvm.return
  }
  // A barrier before the read, none between the read and the next write.
  llvm.func @reuse(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %63 = llvm.mlir.constant(63 : i32) : i32
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %y = llvm.sub %63, %x : i32
    %base = llvm.mlir.addressof @buffer : !llvm.ptr<3>
    %mine = llvm.getelementptr %base[%x] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %theirs = llvm.getelementptr %base[%y] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    llvm.store %x, %mine : i32, !llvm.ptr<3>
    nvvm.barrier0
    %v = llvm.load %theirs : !llvm.ptr<3> -> i32
    %to = llvm.getelementptr %out[%x] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %v, %mine : i32, !llvm.ptr<3>
    llvm.store %v, %to : i32, !llvm.ptr<1>
    llvm.return
  }
}
}
