// RUN: stamp-opt %s --pass-pipeline='builtin.module(func.func(stamp-gpu-share-memory))' \
// RUN:   --split-input-file --verify-diagnostics | FileCheck %s

memref.global "private" constant @weights : memref<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]>

// Arguments and constants are copied in, the result is copied out, and only the
// caller's memory outlives the call.
//
// CHECK-LABEL: func @boundary(
// CHECK-SAME:    %[[X:.*]]: memref<?xf32>
// CHECK:       %[[SIZE:.*]] = memref.dim %[[X]]
// CHECK:       %[[ARG:.*]] = gpu.alloc host_shared (%[[SIZE]]) : memref<?xf32>
// CHECK:       memref.copy %[[X]], %[[ARG]]
// CHECK:       %[[GLOBAL:.*]] = memref.get_global @weights
// CHECK:       %[[CONSTANT:.*]] = gpu.alloc host_shared () : memref<4xf32>
// CHECK:       memref.copy %[[GLOBAL]], %[[CONSTANT]]
// CHECK:       %[[RESULT:.*]] = gpu.alloc host_shared () : memref<4xf32>
// CHECK:       gpu.launch
// CHECK:         memref.load %[[ARG]]
// CHECK:         memref.load %[[CONSTANT]]
// CHECK:         memref.store %{{.*}}, %[[RESULT]]
// CHECK:       %[[HOST:.*]] = memref.alloc() : memref<4xf32>
// CHECK:       memref.copy %[[RESULT]], %[[HOST]]
// CHECK-DAG:   gpu.dealloc async [%{{.*}}] %[[RESULT]]
// CHECK-DAG:   gpu.dealloc async [%{{.*}}] %[[CONSTANT]]
// CHECK-DAG:   gpu.dealloc async [%{{.*}}] %[[ARG]]
// CHECK:       return %[[HOST]]
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
// CHECK-NEXT:  %[[T:.*]] = gpu.alloc host_shared () : memref<4xf32>
// CHECK-NEXT:  %[[STREAM:.*]] = gpu.wait async
// CHECK-NEXT:  %[[FREED:.*]] = gpu.dealloc async [%[[STREAM]]] %[[T]]
// CHECK-NEXT:  gpu.wait [%[[FREED]]]
// CHECK-NEXT:  return
func.func @temporary(%x: memref<4xf32>) {
  %t = memref.alloc() : memref<4xf32>
  memref.dealloc %t : memref<4xf32>
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
