// What wgmma reads and when it may be overwritten: the tests' own view of it is
// in test_emulator.py.

// RUN: stamp-run %s --gpu=emulate,sm_90a --launch="m::right<<<1, 128>>>()"

// The async proxy does not see what the threads have written.
// RUN: not stamp-run %s --gpu=emulate,sm_90a --launch="m::no_proxy_fence<<<1, 128>>>()" 2>&1 | FileCheck %s --check-prefix=PROXY
// PROXY: error: missing fence.proxy.async: nvvm.wgmma.mma_async at {{.*}} reads byte {{[0-9]+}} of shared memory, which thread ({{[0-9]+}}, 0, 0) wrote, llvm.store at {{.*}}, and did not make visible to the async proxy

// RUN: not stamp-run %s --gpu=emulate,sm_90a --launch="m::no_fence<<<1, 128>>>()" 2>&1 | FileCheck %s --check-prefix=FENCE
// FENCE: error: missing wgmma.fence: thread ({{[0-9]+}}, 0, 0) has none before nvvm.wgmma.mma_async at

// The next tile is written while wgmma still reads this one.
// RUN: not stamp-run %s --gpu=emulate,sm_90a --launch="m::no_wait<<<1, 128>>>()" 2>&1 | FileCheck %s --check-prefix=WAIT
// WAIT: error: data race on shared memory, byte {{[0-9]+}}: write by thread ({{[0-9]+}}, 0, 0), llvm.store at {{.*}}; read by the wgmma of warp {{[0-9]}}, which nobody has waited for, nvvm.wgmma.mma_async at

// RUN: not stamp-run %s --gpu=emulate,sm_90a --launch="m::never_waits<<<1, 128>>>()" 2>&1 | FileCheck %s --check-prefix=END
// END: error: missing wait for wgmma: thread ({{[0-9]+}}, 0, 0) ends before its last operation has, nvvm.wgmma.commit.group.sync.aligned at

module attributes {gpu.container_module} {
gpu.module @m [#nvvm.target<chip = "sm_90a">] {
  llvm.mlir.global internal @tile() {addr_space = 3 : i32, alignment = 128 : i64} : !llvm.array<4096 x i8>
  llvm.func @right() attributes {gpu.kernel, nvvm.kernel} {
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %base = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %mine = llvm.getelementptr %base[%x] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, vector<16xi8>
    %more = llvm.getelementptr %mine[128] : (!llvm.ptr<3>) -> !llvm.ptr<3>, vector<16xi8>
    %v = llvm.mlir.constant(dense<1> : vector<16xi8>) : vector<16xi8>
    llvm.store %v, %mine {alignment = 16 : i64} : vector<16xi8>, !llvm.ptr<3>
    llvm.store %v, %more {alignment = 16 : i64} : vector<16xi8>, !llvm.ptr<3>
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    nvvm.barrier0
    %address = llvm.ptrtoint %base : !llvm.ptr<3> to i64
    %mask = llvm.mlir.constant(262128 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %low = llvm.and %address, %mask : i64
    %start = llvm.lshr %low, %four : i64
    %strides = llvm.mlir.constant(68720001024 : i64) : i64
    %descriptor = llvm.or %start, %strides : i64
    %zero = llvm.mlir.zero : !llvm.struct<(i32, i32, i32, i32)>
    nvvm.wgmma.fence.aligned
    %d = nvvm.wgmma.mma_async %descriptor, %descriptor, %zero, <m = 64, n = 8, k = 32>, D [<s32>, <zero>, <wrapped>], A [<s8>, <one>, <row>], B [<s8>, <one>, <col>] : !llvm.struct<(i32, i32, i32, i32)> -> !llvm.struct<(i32, i32, i32, i32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    nvvm.barrier0
    llvm.store %v, %mine {alignment = 16 : i64} : vector<16xi8>, !llvm.ptr<3>
    llvm.return
  }
  llvm.func @no_proxy_fence() attributes {gpu.kernel, nvvm.kernel} {
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %base = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %mine = llvm.getelementptr %base[%x] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, vector<16xi8>
    %more = llvm.getelementptr %mine[128] : (!llvm.ptr<3>) -> !llvm.ptr<3>, vector<16xi8>
    %v = llvm.mlir.constant(dense<1> : vector<16xi8>) : vector<16xi8>
    llvm.store %v, %mine {alignment = 16 : i64} : vector<16xi8>, !llvm.ptr<3>
    llvm.store %v, %more {alignment = 16 : i64} : vector<16xi8>, !llvm.ptr<3>
    nvvm.barrier0
    %address = llvm.ptrtoint %base : !llvm.ptr<3> to i64
    %mask = llvm.mlir.constant(262128 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %low = llvm.and %address, %mask : i64
    %start = llvm.lshr %low, %four : i64
    %strides = llvm.mlir.constant(68720001024 : i64) : i64
    %descriptor = llvm.or %start, %strides : i64
    %zero = llvm.mlir.zero : !llvm.struct<(i32, i32, i32, i32)>
    nvvm.wgmma.fence.aligned
    %d = nvvm.wgmma.mma_async %descriptor, %descriptor, %zero, <m = 64, n = 8, k = 32>, D [<s32>, <zero>, <wrapped>], A [<s8>, <one>, <row>], B [<s8>, <one>, <col>] : !llvm.struct<(i32, i32, i32, i32)> -> !llvm.struct<(i32, i32, i32, i32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    nvvm.barrier0
    llvm.store %v, %mine {alignment = 16 : i64} : vector<16xi8>, !llvm.ptr<3>
    llvm.return
  }
  llvm.func @no_fence() attributes {gpu.kernel, nvvm.kernel} {
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %base = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %mine = llvm.getelementptr %base[%x] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, vector<16xi8>
    %more = llvm.getelementptr %mine[128] : (!llvm.ptr<3>) -> !llvm.ptr<3>, vector<16xi8>
    %v = llvm.mlir.constant(dense<1> : vector<16xi8>) : vector<16xi8>
    llvm.store %v, %mine {alignment = 16 : i64} : vector<16xi8>, !llvm.ptr<3>
    llvm.store %v, %more {alignment = 16 : i64} : vector<16xi8>, !llvm.ptr<3>
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    nvvm.barrier0
    %address = llvm.ptrtoint %base : !llvm.ptr<3> to i64
    %mask = llvm.mlir.constant(262128 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %low = llvm.and %address, %mask : i64
    %start = llvm.lshr %low, %four : i64
    %strides = llvm.mlir.constant(68720001024 : i64) : i64
    %descriptor = llvm.or %start, %strides : i64
    %zero = llvm.mlir.zero : !llvm.struct<(i32, i32, i32, i32)>
    %d = nvvm.wgmma.mma_async %descriptor, %descriptor, %zero, <m = 64, n = 8, k = 32>, D [<s32>, <zero>, <wrapped>], A [<s8>, <one>, <row>], B [<s8>, <one>, <col>] : !llvm.struct<(i32, i32, i32, i32)> -> !llvm.struct<(i32, i32, i32, i32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.wgmma.wait.group.sync.aligned 0
    nvvm.barrier0
    llvm.store %v, %mine {alignment = 16 : i64} : vector<16xi8>, !llvm.ptr<3>
    llvm.return
  }
  llvm.func @no_wait() attributes {gpu.kernel, nvvm.kernel} {
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %base = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %mine = llvm.getelementptr %base[%x] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, vector<16xi8>
    %more = llvm.getelementptr %mine[128] : (!llvm.ptr<3>) -> !llvm.ptr<3>, vector<16xi8>
    %v = llvm.mlir.constant(dense<1> : vector<16xi8>) : vector<16xi8>
    llvm.store %v, %mine {alignment = 16 : i64} : vector<16xi8>, !llvm.ptr<3>
    llvm.store %v, %more {alignment = 16 : i64} : vector<16xi8>, !llvm.ptr<3>
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    nvvm.barrier0
    %address = llvm.ptrtoint %base : !llvm.ptr<3> to i64
    %mask = llvm.mlir.constant(262128 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %low = llvm.and %address, %mask : i64
    %start = llvm.lshr %low, %four : i64
    %strides = llvm.mlir.constant(68720001024 : i64) : i64
    %descriptor = llvm.or %start, %strides : i64
    %zero = llvm.mlir.zero : !llvm.struct<(i32, i32, i32, i32)>
    nvvm.wgmma.fence.aligned
    %d = nvvm.wgmma.mma_async %descriptor, %descriptor, %zero, <m = 64, n = 8, k = 32>, D [<s32>, <zero>, <wrapped>], A [<s8>, <one>, <row>], B [<s8>, <one>, <col>] : !llvm.struct<(i32, i32, i32, i32)> -> !llvm.struct<(i32, i32, i32, i32)>
    nvvm.wgmma.commit.group.sync.aligned
    nvvm.barrier0
    llvm.store %v, %mine {alignment = 16 : i64} : vector<16xi8>, !llvm.ptr<3>
    llvm.return
  }
  llvm.func @never_waits() attributes {gpu.kernel, nvvm.kernel} {
    %x = nvvm.read.ptx.sreg.tid.x : i32
    %base = llvm.mlir.addressof @tile : !llvm.ptr<3>
    %mine = llvm.getelementptr %base[%x] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, vector<16xi8>
    %more = llvm.getelementptr %mine[128] : (!llvm.ptr<3>) -> !llvm.ptr<3>, vector<16xi8>
    %v = llvm.mlir.constant(dense<1> : vector<16xi8>) : vector<16xi8>
    llvm.store %v, %mine {alignment = 16 : i64} : vector<16xi8>, !llvm.ptr<3>
    llvm.store %v, %more {alignment = 16 : i64} : vector<16xi8>, !llvm.ptr<3>
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    nvvm.barrier0
    %address = llvm.ptrtoint %base : !llvm.ptr<3> to i64
    %mask = llvm.mlir.constant(262128 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %low = llvm.and %address, %mask : i64
    %start = llvm.lshr %low, %four : i64
    %strides = llvm.mlir.constant(68720001024 : i64) : i64
    %descriptor = llvm.or %start, %strides : i64
    %zero = llvm.mlir.zero : !llvm.struct<(i32, i32, i32, i32)>
    nvvm.wgmma.fence.aligned
    %d = nvvm.wgmma.mma_async %descriptor, %descriptor, %zero, <m = 64, n = 8, k = 32>, D [<s32>, <zero>, <wrapped>], A [<s8>, <one>, <row>], B [<s8>, <one>, <col>] : !llvm.struct<(i32, i32, i32, i32)> -> !llvm.struct<(i32, i32, i32, i32)>
    nvvm.wgmma.commit.group.sync.aligned
    llvm.return
  }
}
}
