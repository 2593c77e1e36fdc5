// RUN: stamp-opt %s --stamp-unshare-inits | FileCheck %s
// RUN: stamp-opt %s --stamp-unshare-inits -o %t
// RUN: stamp-opt %t --stamp-unshare-inits | diff %t -
// RUN: stamp-validate %s --stamp-unshare-inits | FileCheck %s --check-prefix=VALID
// VALID: {{^[0-9]+}} agree, 0 differ, 0 not run

// Eight ops write to one empty tensor, the ninth to another.
// CHECK-LABEL: func @empty
//       CHECK:   %[[E:.*]] = tensor.empty(%[[N:.*]]) : tensor<?x4xf32>
// CHECK-COUNT-8: outs(%[[E]] : tensor<?x4xf32>)
//       CHECK:   %[[F:.*]] = tensor.empty(%[[N]]) : tensor<?x4xf32>
//       CHECK:   outs(%[[F]] : tensor<?x4xf32>)
func.func @empty(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %0 = linalg.exp ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = linalg.tanh ins(%0 : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %2 = linalg.exp ins(%1 : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %3 = linalg.tanh ins(%2 : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %4 = linalg.exp ins(%3 : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %5 = linalg.tanh ins(%4 : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %6 = linalg.exp ins(%5 : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %7 = linalg.tanh ins(%6 : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %8 = linalg.exp ins(%7 : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %8 : tensor<?x4xf32>
}

// Each op that writes to a filled tensor has its own; who only reads one may
// share it.
// CHECK-LABEL: func @filled
//   CHECK-DAG:   %[[E:.*]] = tensor.empty
//   CHECK-DAG:   %[[F:.*]] = linalg.fill {{.*}} outs(%[[E]] :
//   CHECK-DAG:   %[[G:.*]] = linalg.fill {{.*}} outs(%[[E]] :
//       CHECK:   linalg.matmul {{.*}} outs(%[[A:.*]] :
//       CHECK:   linalg.matmul
//   CHECK-NOT:   outs(%[[A]] :
//       CHECK:   linalg.exp ins(%[[F]] :
func.func @filled(%x: tensor<3x4xf32>, %v: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> (tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<3x4xf32>) -> tensor<3x4xf32>
  %a = linalg.matmul ins(%x, %v : tensor<3x4xf32>, tensor<4x4xf32>) outs(%f : tensor<3x4xf32>) -> tensor<3x4xf32>
  %b = linalg.matmul ins(%x, %w : tensor<3x4xf32>, tensor<4x4xf32>) outs(%f : tensor<3x4xf32>) -> tensor<3x4xf32>
  %c = linalg.exp ins(%f : tensor<3x4xf32>) outs(%x : tensor<3x4xf32>) -> tensor<3x4xf32>
  return %a, %b, %c : tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>
}

// A copy for an op in a loop stands in front of the loop, which makes none in
// each turn.
// CHECK-LABEL: func @loop
// CHECK-COUNT-2: linalg.fill
//       CHECK:   scf.for
//   CHECK-NOT:   linalg.fill
//       CHECK:   return
func.func @loop(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  %y = linalg.matmul ins(%x, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%f : tensor<4x4xf32>) -> tensor<4x4xf32>
  %r = scf.for %i = %c0 to %c3 step %c1 iter_args(%a = %y) -> tensor<4x4xf32> {
    %b = linalg.matmul ins(%a, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%f : tensor<4x4xf32>) -> tensor<4x4xf32>
    scf.yield %b : tensor<4x4xf32>
  }
  return %r : tensor<4x4xf32>
}

// Other blocks keep what they have.
// CHECK-LABEL: func @blocks
// CHECK-COUNT-1: linalg.fill
//   CHECK-NOT:   linalg.fill
func.func @blocks(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  cf.br ^next
^next:
  %a = linalg.matmul ins(%x, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%f : tensor<4x4xf32>) -> tensor<4x4xf32>
  %b = linalg.matmul ins(%a, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%f : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %b : tensor<4x4xf32>
}
