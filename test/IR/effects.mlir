// RUN: stamp-opt %s --cse --loop-invariant-code-motion --canonicalize | FileCheck %s

// On tensors an op has no effect: one of two is enough, even outside of a loop
// that may never turn, and none if nobody asks.
// CHECK-LABEL: func @tensors
//       CHECK:   %[[T:.*]] = stamp.transform
//   CHECK-NOT:   = stamp.
//       CHECK:   scf.for
//  CHECK-NEXT:     linalg.add ins(%[[T]], %[[T]] :
//   CHECK-NOT:   = stamp.
//       CHECK:   return
func.func @tensors(%x: tensor<13x8xf32>, %e: tensor<13x8xf32>, %sum: tensor<13x8xf32>, %n: index,
                   %q: tensor<13x8xi8>, %s: tensor<13xf32>, %z: tensor<13xi32>) -> tensor<13x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%y = %sum) -> tensor<13x8xf32> {
    %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<13x8xf32>) outs(%e : tensor<13x8xf32>)
    %u = stamp.transform #stamp.dct along 0 ins(%x : tensor<13x8xf32>) outs(%e : tensor<13x8xf32>)
    %next = linalg.add ins(%t, %u : tensor<13x8xf32>, tensor<13x8xf32>) outs(%y : tensor<13x8xf32>) -> tensor<13x8xf32>
    scf.yield %next : tensor<13x8xf32>
  }
  %r:3 = stamp.quantize #stamp.schedule<[], 4> along 0 over 1
      ins(%x : tensor<13x8xf32>) outs(%q, %s, %z : tensor<13x8xi8>, tensor<13xf32>, tensor<13xi32>)
  return %y : tensor<13x8xf32>
}

// On buffers each is a write, and in place the second reads the first one's.
// CHECK-LABEL: func @buffers
//       CHECK:   scf.for
//  CHECK-NEXT:     stamp.transform
//  CHECK-NEXT:     stamp.transform
//       CHECK:   stamp.quantize
func.func @buffers(%x: memref<13x8xf32>, %n: index, %q: memref<13x8xi8>, %s: memref<13xf32>, %z: memref<13xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    stamp.transform #stamp.dct along 0 ins(%x : memref<13x8xf32>) outs(%x : memref<13x8xf32>)
    stamp.transform #stamp.dct along 0 ins(%x : memref<13x8xf32>) outs(%x : memref<13x8xf32>)
  }
  stamp.quantize #stamp.schedule<[], 4> along 0 over 1
      ins(%x : memref<13x8xf32>) outs(%q, %s, %z : memref<13x8xi8>, memref<13xf32>, memref<13xi32>)
  return
}
