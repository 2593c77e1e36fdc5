// RUN: stamp-opt %s --stamp-kv-cache --inline --symbol-dce --stamp-fold --stamp-to-linalg --convert-elementwise-to-linalg --canonicalize --cse --eliminate-empty-tensors --one-shot-bufferize="bufferize-function-boundaries allow-return-allocs-from-loops function-boundary-type-conversion=identity-layout-map" --canonicalize --cse | FileCheck %s

// A cache is written where it lies, step after step: what is copied is a token
// or a block, never a tensor of all 128 blocks, and no such buffer is made.

#kv = #stamp.kv_cache<basis = #stamp.haar<levels = 2>, schedule = #stamp.schedule<[1 : 8], 4>>
func.func private @append(tensor<2x?x8xf32>, tensor<2x128x1x8xi8>, tensor<2x128x3x4xi8>, tensor<2x128x4xf32>, tensor<2x128x4xi8>, tensor<2x6x8xf32>, index)
    -> (tensor<2x128x1x8xi8>, tensor<2x128x3x4xi8>, tensor<2x128x4xf32>, tensor<2x128x4xi8>, tensor<2x6x8xf32>, index)
    attributes {stamp.kv_append = #kv}
func.func private @scores(tensor<2x3x8xf32>, tensor<2x128x1x8xi8>, tensor<2x128x3x4xi8>, tensor<2x128x4xf32>, tensor<2x128x4xi8>, tensor<2x6x8xf32>, index)
    -> tensor<2x3x?xf32> attributes {stamp.kv_scores = #kv}
func.func private @sample(tensor<2x3x?xf32>) -> tensor<2x?x8xf32>

// CHECK-LABEL: func @decode
//   CHECK-NOT:   memref.alloc{{.*}} memref<2x128x
//   CHECK-NOT:   memref.copy {{.*}} memref<2x128x
//       CHECK:   return %arg2, %arg3, %arg4, %arg5, %arg6
func.func @decode(%q: tensor<2x3x8xf32>, %x: tensor<2x?x8xf32>, %p8: tensor<2x128x1x8xi8>, %p4: tensor<2x128x3x4xi8>, %s: tensor<2x128x4xf32>, %z: tensor<2x128x4xi8>, %w: tensor<2x6x8xf32>, %steps: index)
    -> (tensor<2x128x1x8xi8>, tensor<2x128x3x4xi8>, tensor<2x128x4xf32>, tensor<2x128x4xi8>, tensor<2x6x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r:7 = scf.for %i = %c0 to %steps step %c1 iter_args(%k = %x, %a = %p8, %b = %p4, %c = %s, %d = %z, %e = %w, %n = %c0)
      -> (tensor<2x?x8xf32>, tensor<2x128x1x8xi8>, tensor<2x128x3x4xi8>, tensor<2x128x4xf32>, tensor<2x128x4xi8>, tensor<2x6x8xf32>, index) {
    %t:6 = func.call @append(%k, %a, %b, %c, %d, %e, %n) : (tensor<2x?x8xf32>, tensor<2x128x1x8xi8>, tensor<2x128x3x4xi8>, tensor<2x128x4xf32>, tensor<2x128x4xi8>, tensor<2x6x8xf32>, index)
        -> (tensor<2x128x1x8xi8>, tensor<2x128x3x4xi8>, tensor<2x128x4xf32>, tensor<2x128x4xi8>, tensor<2x6x8xf32>, index)
    %y = func.call @scores(%q, %t#0, %t#1, %t#2, %t#3, %t#4, %t#5) : (tensor<2x3x8xf32>, tensor<2x128x1x8xi8>, tensor<2x128x3x4xi8>, tensor<2x128x4xf32>, tensor<2x128x4xi8>, tensor<2x6x8xf32>, index) -> tensor<2x3x?xf32>
    %next = func.call @sample(%y) : (tensor<2x3x?xf32>) -> tensor<2x?x8xf32>
    scf.yield %next, %t#0, %t#1, %t#2, %t#3, %t#4, %t#5 : tensor<2x?x8xf32>, tensor<2x128x1x8xi8>, tensor<2x128x3x4xi8>, tensor<2x128x4xf32>, tensor<2x128x4xi8>, tensor<2x6x8xf32>, index
  }
  return %r#1, %r#2, %r#3, %r#4, %r#5 : tensor<2x128x1x8xi8>, tensor<2x128x3x4xi8>, tensor<2x128x4xf32>, tensor<2x128x4xi8>, tensor<2x6x8xf32>
}
