// RUN: stamp-opt %s --stamp-fold | FileCheck %s
// What is folded stays as it is:
// RUN: stamp-opt %s --stamp-fold -o %t
// RUN: stamp-opt %t --stamp-fold | diff %t -
// and every function computes what it did:
// RUN: stamp-validate %s | FileCheck %s --check-prefix=VALID
// VALID: {{^[0-9]+}} agree, 0 differ, 0 not run

// L acts on rows and R on columns: they commute, so that a pair of sequence
// transforms meets and cancels past a feature transform.

// CHECK-LABEL: func @inverse_meets_transform_past_features
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<?x8xf32>,
//       CHECK:   %[[F:.*]] = stamp.feature_transform #stamp.hadamard over 1 ins(%[[X]]
//       CHECK:   %[[G:.*]] = stamp.inverse_feature_transform #stamp.scale<{{.*}}> over 1 ins(%[[F]]
//       CHECK:   return %[[G]]
func.func @inverse_meets_transform_past_features(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %i = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
  %f = stamp.feature_transform #stamp.hadamard over 1 ins(%i : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
  %g = stamp.inverse_feature_transform #stamp.scale<dense<2.0> : tensor<8xf32>> over 1 ins(%f : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%g : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
  return %t : tensor<?x8xf32>
}

// CHECK-LABEL: func @alone_they_go_down_and_up
//       CHECK:   stamp.feature_transform {{.*}} left over 1
//       CHECK:   stamp.inverse_transform #stamp.dct along 0
//       CHECK:   stamp.transform #stamp.dct along 0
//       CHECK:   stamp.feature_transform #stamp.hadamard over 1
func.func @alone_they_go_down_and_up(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %a = stamp.feature_transform #stamp.hadamard left over 1 ins(%i : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %f = stamp.feature_transform #stamp.hadamard over 1 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %b = stamp.transform #stamp.dct along 0 ins(%f : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %a, %b : tensor<8x4xf32>, tensor<8x4xf32>
}

// Two that act on one dimension do not commute; nor may what changes types, or
// what others use, move.
// CHECK-LABEL: func @these_stay
//       CHECK:   stamp.inverse_transform
//       CHECK:   stamp.feature_transform {{.*}} over 0
//       CHECK:   stamp.inverse_transform
//       CHECK:   stamp.feature_transform {{.*}} outs(%{{.*}} : tensor<8x4xf16>)
//       CHECK:   stamp.feature_transform
//       CHECK:   stamp.transform
func.func @these_stay(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>, %h: tensor<8x4xf16>)
    -> (tensor<8x4xf32>, tensor<8x4xf16>, tensor<8x4xf32>, tensor<8x4xf32>) {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %a = stamp.feature_transform #stamp.hadamard over 0 ins(%i : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %j = stamp.inverse_transform #stamp.wht along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %b = stamp.feature_transform #stamp.hadamard over 1 ins(%j : tensor<8x4xf32>) outs(%h : tensor<8x4xf16>)
  %f = stamp.feature_transform #stamp.hadamard over 1 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %c = stamp.transform #stamp.dct along 0 ins(%f : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %a, %b, %c, %f : tensor<8x4xf32>, tensor<8x4xf16>, tensor<8x4xf32>, tensor<8x4xf32>
}

// Rule 5: linears that read one X share its rotation as they do its codes.
// CHECK-LABEL: func @shared
// CHECK-COUNT-1: stamp.feature_transform
// CHECK-COUNT-1: stamp.quantize
//     CHECK-NOT: stamp.feature_transform
//     CHECK-NOT: stamp.quantize
//         CHECK: return
func.func @shared(%x: tensor<8x4xf32>, %eq: tensor<8x4xi8>, %es: tensor<8xf32>, %ez: tensor<8xi32>) -> (tensor<8x4xi8>, tensor<8x4xi8>) {
  %e0 = tensor.empty() : tensor<8x4xf32>
  %0 = stamp.feature_transform #stamp.hadamard over 1 ins(%x : tensor<8x4xf32>) outs(%e0 : tensor<8x4xf32>)
  %p:3 = stamp.quantize #stamp.schedule<[], 4> along 0 over 1
      ins(%0 : tensor<8x4xf32>) outs(%eq, %es, %ez : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>)
  %e1 = tensor.empty() : tensor<8x4xf32>
  %1 = stamp.feature_transform #stamp.hadamard over 1 ins(%x : tensor<8x4xf32>) outs(%e1 : tensor<8x4xf32>)
  %q:3 = stamp.quantize #stamp.schedule<[], 4> along 0 over 1
      ins(%1 : tensor<8x4xf32>) outs(%eq, %es, %ez : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>)
  return %p#0, %q#0 : tensor<8x4xi8>, tensor<8x4xi8>
}
