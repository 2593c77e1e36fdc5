// RUN: stamp-opt %s --pass-pipeline='builtin.module(stamp-gpu-share-memory)' \
// RUN:   --split-input-file --verify-diagnostics | FileCheck %s

memref.global "private" constant @weights : memref<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]>

// What kernels alone touch is device memory. Arguments are copied in, the result
// is copied out, the runtime keeps the constant, and only the caller's memory
// outlives the call. All is in one stream, which ends with the call.
//
// CHECK-LABEL: func @boundary(
// CHECK-SAME:    %[[X:.*]]: memref<?xf32>
// CHECK-NEXT:  %[[STREAM:.*]] = call @stampGpuOpenStream() : () -> !gpu.async.token
// CHECK:       %[[SIZE:.*]] = memref.dim %[[X]]
// CHECK-NEXT:  %[[ARG:.*]], %{{.*}} = gpu.alloc async [%[[STREAM]]] (%[[SIZE]]) : memref<?xf32>
// CHECK-NEXT:  gpu.memcpy async [%[[STREAM]]] %[[ARG]], %[[X]]
// CHECK:       %[[GLOBAL:.*]] = memref.get_global @weights
// CHECK:       %[[ADDRESS:.*]] = memref.extract_aligned_pointer_as_index %[[GLOBAL]]
// CHECK:       %[[BYTES:.*]] = arith.constant 16 : index
// CHECK:       %[[BUFFER:.*]] = call @stampGpuConstant(%[[ADDRESS]], %[[BYTES]])
// CHECK:       %[[CONSTANT:.*]] = memref.view %[[BUFFER]][%{{.*}}][] : memref<?xi8> to memref<4xf32>
// CHECK:       %[[RESULT:.*]], %{{.*}} = gpu.alloc async [%[[STREAM]]] () : memref<4xf32>
// CHECK:       gpu.launch async [%[[STREAM]]]
// CHECK:         memref.load %[[ARG]]
// CHECK:         memref.load %[[CONSTANT]]
// CHECK:         memref.store %{{.*}}, %[[RESULT]]
// CHECK:       %[[HOST:.*]] = memref.alloc() : memref<4xf32>
// CHECK-NOT:   stampGpuWait
// CHECK:       gpu.memcpy async [%[[STREAM]]] %[[HOST]], %[[RESULT]]
// CHECK-DAG:   gpu.dealloc async [%[[STREAM]]] %[[RESULT]]
// CHECK-DAG:   gpu.dealloc async [%[[STREAM]]] %[[ARG]]
// CHECK-NOT:   gpu.dealloc
// CHECK:       call @stampGpuCloseStream(%[[STREAM]])
// CHECK-NEXT:  return %[[HOST]]
func.func @boundary(%x: memref<?xf32>) -> memref<4xf32> {
  %c1 = arith.constant 1 : index
  %w = memref.get_global @weights : memref<4xf32>
  %y = memref.alloc() : memref<4xf32>
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1)
             threads(%tx, %ty, %tz) in (%sx = %c1, %sy = %c1, %sz = %c1) {
    %0 = memref.load %x[%tx] : memref<?xf32>
    %1 = memref.load %w[%tx] : memref<4xf32>
    %2 = arith.mulf %0, %1 : f32
    memref.store %2, %y[%tx] : memref<4xf32>
    gpu.terminator
  }
  return %y : memref<4xf32>
}

// -----

// Temporaries are freed where they were, and arguments nobody reads stay away.
//
// CHECK-LABEL: func @temporary(
// CHECK-NEXT:  %[[STREAM:.*]] = call @stampGpuOpenStream
// CHECK-NEXT:  %[[T:.*]], %{{.*}} = gpu.alloc async [%[[STREAM]]] () : memref<4xf32>
// CHECK-NEXT:  gpu.dealloc async [%[[STREAM]]] %[[T]]
// CHECK-NEXT:  call @stampGpuCloseStream(%[[STREAM]])
// CHECK-NEXT:  return
func.func @temporary(%x: memref<4xf32>) {
  %t = memref.alloc() : memref<4xf32>
  memref.dealloc %t : memref<4xf32>
  return
}

// -----

memref.global "private" constant @table : memref<2x4xf32> = dense<1.0>

// Where the host reads a buffer, also through a view, it is managed memory. It
// reads constants where they are; a view that kernels read is one of the copy.
// One wait is for all that it touches before the next launch.
//
// CHECK-LABEL: func @host(
// CHECK-SAME:    %[[X:.*]]: memref<4xf32>
// CHECK:       %[[STREAM:.*]] = call @stampGpuOpenStream
// CHECK:       %[[ARG:.*]] = gpu.alloc host_shared () : memref<4xf32>
// CHECK-NEXT:  gpu.memcpy async [%[[STREAM]]] %[[ARG]], %[[X]]
// CHECK:       %[[TABLE:.*]] = memref.get_global @table
// CHECK:       %[[COPY:.*]] = memref.view
// CHECK:       %[[T:.*]] = gpu.alloc host_shared () : memref<4xf32>
// CHECK-DAG:   %[[ROW:.*]] = memref.subview %[[COPY]]
// CHECK-DAG:   %[[HOST_ROW:.*]] = memref.subview %[[TABLE]]
// CHECK:       gpu.launch
// CHECK:         memref.load %[[ROW]]
// CHECK:         memref.store %{{.*}}, %[[T]]
// CHECK:       memref.load %[[HOST_ROW]]
// CHECK-NEXT:  call @stampGpuWait(%[[STREAM]])
// CHECK-NEXT:  memref.load %{{.*}} : memref<2xf32
// CHECK-NEXT:  memref.load %[[ARG]]
// CHECK-NOT:   stampGpuWait
// CHECK:       call @stampGpuCloseStream
func.func @host(%x: memref<4xf32>) -> (f32, f32, f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %w = memref.get_global @table : memref<2x4xf32>
  %t = memref.alloc() : memref<4xf32>
  %row = memref.subview %w[1, 0] [1, 4] [1, 1] : memref<2x4xf32> to memref<4xf32, strided<[1], offset: 4>>
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1)
             threads(%tx, %ty, %tz) in (%sx = %c1, %sy = %c1, %sz = %c1) {
    %0 = memref.load %row[%tx] : memref<4xf32, strided<[1], offset: 4>>
    memref.store %0, %t[%tx] : memref<4xf32>
    gpu.terminator
  }
  %part = memref.subview %t[2] [2] [1] : memref<4xf32> to memref<2xf32, strided<[1], offset: 2>>
  %2 = memref.load %row[%c0] : memref<4xf32, strided<[1], offset: 4>>
  %1 = memref.load %part[%c1] : memref<2xf32, strided<[1], offset: 2>>
  %3 = memref.load %x[%c0] : memref<4xf32>
  memref.dealloc %t : memref<4xf32>
  return %1, %2, %3 : f32, f32, f32
}

// -----

// A loop waits in every round. Handing a buffer on is no access.
//
// CHECK-LABEL: func @loop(
// CHECK-SAME:    %[[X:.*]]: memref<4xf32>
// CHECK:       %[[STREAM:.*]] = call @stampGpuOpenStream
// CHECK-NOT:   stampGpuWait
// CHECK:       scf.for
// CHECK-NEXT:    call @stampGpuWait(%[[STREAM]])
// CHECK-NEXT:    memref.load
// CHECK-NEXT:    memref.store
// CHECK-NEXT:    gpu.launch async [%[[STREAM]]]
// CHECK-NOT:   stampGpuWait
// CHECK:       call @stampGpuCloseStream
func.func @loop(%x: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r = scf.for %i = %c0 to %c3 step %c1 iter_args(%t = %x) -> memref<4xf32> {
    %0 = memref.load %t[%i] : memref<4xf32>
    memref.store %0, %t[%c0] : memref<4xf32>
    gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1)
               threads(%tx, %ty, %tz) in (%sx = %c1, %sy = %c1, %sz = %c1) {
      memref.store %0, %t[%tx] : memref<4xf32>
      gpu.terminator
    }
    scf.yield %t : memref<4xf32>
  }
  return
}

// -----

func.func @stack() {
  // expected-error @below {{is host stack memory, out of kernels' reach}}
  %t = memref.alloca() : memref<4xf32>
  return
}

// -----

func.func @heap_of_a_thread() {
  %c1 = arith.constant 1 : index
  gpu.launch blocks(%bx, %by, %bz) in (%gx = %c1, %gy = %c1, %gz = %c1)
             threads(%tx, %ty, %tz) in (%sx = %c1, %sy = %c1, %sz = %c1) {
    // expected-error @below {{in a kernel: a thread has no heap}}
    %t = memref.alloc() : memref<4xf32>
    gpu.terminator
  }
  return
}

// -----

module attributes {gpu.container_module} {

memref.global "private" constant @weights : memref<4xf32> = dense<2.0>

gpu.module @kernels {
  gpu.func @f(%x: memref<4xf32>, %w: index, %y: memref<4xf32>) kernel {
    gpu.return
  }
}

// A kernel that has been written as one is a kernel, too; it may take addresses as
// numbers.
//
// CHECK-LABEL: func @outlined(
// CHECK:       %[[ARG:.*]], %{{.*}} = gpu.alloc async
// CHECK:       call @stampGpuConstant
// CHECK:       %[[CONSTANT:.*]] = memref.view
// CHECK:       %[[RESULT:.*]], %{{.*}} = gpu.alloc async
// CHECK:       %[[ADDRESS:.*]] = memref.extract_aligned_pointer_as_index %[[CONSTANT]]
// CHECK:       gpu.launch_func async [%{{.*}}] @kernels::@f
// CHECK-SAME:    args(%[[ARG]] : {{.*}}, %[[ADDRESS]] : index, %[[RESULT]] :
// CHECK-NOT:   host_shared
// CHECK:       return
func.func @outlined(%x: memref<4xf32>) -> memref<4xf32> {
  %c1 = arith.constant 1 : index
  %w = memref.get_global @weights : memref<4xf32>
  %y = memref.alloc() : memref<4xf32>
  %a = memref.extract_aligned_pointer_as_index %w : memref<4xf32> -> index
  gpu.launch_func @kernels::@f blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1)
    args(%x : memref<4xf32>, %a : index, %y : memref<4xf32>)
  return %y : memref<4xf32>
}

}
