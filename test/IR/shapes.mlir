// RUN: stamp-opt %s --resolve-ranked-shaped-type-result-dims --canonicalize | FileCheck %s --implicit-check-not=stamp.

// A result has its init's sizes: who asks for them does not need the op.

// CHECK-LABEL: func @transform(
//  CHECK-SAME:     %[[E:[a-z0-9]+]]: tensor<?x8xf32>)
//  CHECK-NEXT:   %[[C0:.*]] = arith.constant 0 : index
//  CHECK-NEXT:   %[[N:.*]] = tensor.dim %[[E]], %[[C0]]
//  CHECK-NEXT:   return %[[N]]
func.func @transform(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> index {
  %c0 = arith.constant 0 : index
  %r = stamp.transform #stamp.dct along 0 ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
  %n = tensor.dim %r, %c0 : tensor<?x8xf32>
  return %n : index
}

// CHECK-LABEL: func @inverse_transform(
//  CHECK-SAME:     %[[E:[a-z0-9]+]]: tensor<?x8xf16>)
//  CHECK-NEXT:   %[[C0:.*]] = arith.constant 0 : index
//  CHECK-NEXT:   %[[N:.*]] = tensor.dim %[[E]], %[[C0]]
//  CHECK-NEXT:   return %[[N]]
func.func @inverse_transform(%x: tensor<?x8xf32>, %e: tensor<?x8xf16>) -> index {
  %c0 = arith.constant 0 : index
  %r = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf16>)
  %n = tensor.dim %r, %c0 : tensor<?x8xf16>
  return %n : index
}

// CHECK-LABEL: func @feature_transform(
//  CHECK-SAME:     %[[E:[a-z0-9]+]]: tensor<?x8xf32>)
//  CHECK-NEXT:   %[[C0:.*]] = arith.constant 0 : index
//  CHECK-NEXT:   %[[N:.*]] = tensor.dim %[[E]], %[[C0]]
//  CHECK-NEXT:   return %[[N]]
func.func @feature_transform(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> index {
  %c0 = arith.constant 0 : index
  %r = stamp.feature_transform #stamp.hadamard over 1 ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
  %n = tensor.dim %r, %c0 : tensor<?x8xf32>
  return %n : index
}

// CHECK-LABEL: func @inverse_feature_transform(
//  CHECK-SAME:     %[[E:[a-z0-9]+]]: tensor<?x8xf32>)
//  CHECK-NEXT:   %[[C0:.*]] = arith.constant 0 : index
//  CHECK-NEXT:   %[[N:.*]] = tensor.dim %[[E]], %[[C0]]
//  CHECK-NEXT:   return %[[N]]
func.func @inverse_feature_transform(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> index {
  %c0 = arith.constant 0 : index
  %r = stamp.inverse_feature_transform #stamp.hadamard left over 1 ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
  %n = tensor.dim %r, %c0 : tensor<?x8xf32>
  return %n : index
}

// CHECK-LABEL: func @quantize(
//  CHECK-SAME:     %[[E:[a-z0-9]+]]: tensor<?xf32>)
//  CHECK-NEXT:   %[[C0:.*]] = arith.constant 0 : index
//  CHECK-NEXT:   %[[N:.*]] = tensor.dim %[[E]], %[[C0]]
//  CHECK-NEXT:   return %[[N]]
func.func @quantize(%x: tensor<?x8xf32>, %q: tensor<?x8xi8>, %z: tensor<?xi32>, %e: tensor<?xf32>) -> index {
  %c0 = arith.constant 0 : index
  %q0, %r, %z0 = stamp.quantize #stamp.schedule<[], 4> along 0 over 1 ins(%x : tensor<?x8xf32>)
      outs(%q, %e, %z : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>)
  %n = tensor.dim %r, %c0 : tensor<?xf32>
  return %n : index
}

// CHECK-LABEL: func @dequantize(
//  CHECK-SAME:     %[[E:[a-z0-9]+]]: tensor<?x8xf32>)
//  CHECK-NEXT:   %[[C0:.*]] = arith.constant 0 : index
//  CHECK-NEXT:   %[[N:.*]] = tensor.dim %[[E]], %[[C0]]
//  CHECK-NEXT:   return %[[N]]
func.func @dequantize(%q: tensor<?x8xi8>, %s: tensor<?xf32>, %z: tensor<?xi32>, %e: tensor<?x8xf32>) -> index {
  %c0 = arith.constant 0 : index
  %r = stamp.dequantize over 1 ins(%q, %s, %z : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>) outs(%e : tensor<?x8xf32>)
  %n = tensor.dim %r, %c0 : tensor<?x8xf32>
  return %n : index
}

// CHECK-LABEL: func @quantize_weight(
//  CHECK-SAME:     %[[E:[a-z0-9]+]]: tensor<?xi32>)
//  CHECK-NEXT:   %[[C0:.*]] = arith.constant 0 : index
//  CHECK-NEXT:   %[[N:.*]] = tensor.dim %[[E]], %[[C0]]
//  CHECK-NEXT:   return %[[N]]
func.func @quantize_weight(%w: tensor<8x?xf32>, %q: tensor<8x?xi8>, %s: tensor<?xf32>, %e: tensor<?xi32>) -> index {
  %c0 = arith.constant 0 : index
  %q0, %s0, %r = stamp.quantize_weight bits = 4 over 0 ins(%w : tensor<8x?xf32>)
      outs(%q, %s, %e : tensor<8x?xi8>, tensor<?xf32>, tensor<?xi32>)
  %n = tensor.dim %r, %c0 : tensor<?xi32>
  return %n : index
}

// CHECK-LABEL: func @rescale(
//  CHECK-SAME:     %[[E:[a-z0-9]+]]: tensor<?x6xf32>)
//  CHECK-NEXT:   %[[C0:.*]] = arith.constant 0 : index
//  CHECK-NEXT:   %[[N:.*]] = tensor.dim %[[E]], %[[C0]]
//  CHECK-NEXT:   return %[[N]]
func.func @rescale(%a: tensor<?x4x6xi32>, %s: tensor<?x4xf32>, %z: tensor<?x4xi32>, %w: tensor<4x6xf32>, %c: tensor<4x6xi32>, %e: tensor<?x6xf32>) -> index {
  %c0 = arith.constant 0 : index
  %r = stamp.rescale along 0 over 2 groups along 1
      ins(%a, %s, %z, %w, %c : tensor<?x4x6xi32>, tensor<?x4xf32>, tensor<?x4xi32>, tensor<4x6xf32>, tensor<4x6xi32>) outs(%e : tensor<?x6xf32>)
  %n = tensor.dim %r, %c0 : tensor<?x6xf32>
  return %n : index
}

// CHECK-LABEL: func @pack(
//  CHECK-SAME:     %[[E:[a-z0-9]+]]: tensor<?x3xi8>)
//  CHECK-NEXT:   %[[C0:.*]] = arith.constant 0 : index
//  CHECK-NEXT:   %[[N:.*]] = tensor.dim %[[E]], %[[C0]]
//  CHECK-NEXT:   return %[[N]]
func.func @pack(%q: tensor<?x5xi8>, %a: tensor<?x5xi8>, %e: tensor<?x3xi8>) -> index {
  %c0 = arith.constant 0 : index
  %a0, %r = stamp.pack #stamp.schedule<[3 : 8], 4> along 0 over 1 ins(%q : tensor<?x5xi8>) outs(%a, %e : tensor<?x5xi8>, tensor<?x3xi8>)
  %n = tensor.dim %r, %c0 : tensor<?x3xi8>
  return %n : index
}

// CHECK-LABEL: func @unpack(
//  CHECK-SAME:     %[[E:[a-z0-9]+]]: tensor<?x5xi8>)
//  CHECK-NEXT:   %[[C0:.*]] = arith.constant 0 : index
//  CHECK-NEXT:   %[[N:.*]] = tensor.dim %[[E]], %[[C0]]
//  CHECK-NEXT:   return %[[N]]
func.func @unpack(%p: tensor<?x3xi8>, %e: tensor<?x5xi8>) -> index {
  %c0 = arith.constant 0 : index
  %r = stamp.unpack #stamp.schedule<[], 4> along 0 over 1 ins(%p : tensor<?x3xi8>) outs(%e : tensor<?x5xi8>)
  %n = tensor.dim %r, %c0 : tensor<?x5xi8>
  return %n : index
}

// CHECK-LABEL: func @observe(
//  CHECK-SAME:     %[[E:[a-z0-9]+]]: tensor<?x?xf64>)
//  CHECK-NEXT:   %[[C0:.*]] = arith.constant 0 : index
//  CHECK-NEXT:   %[[N:.*]] = tensor.dim %[[E]], %[[C0]]
//  CHECK-NEXT:   return %[[N]]
func.func @observe(%x: tensor<?x8xf32>, %a: tensor<?x?xf64>, %e: tensor<?x?xf64>) -> index {
  %c0 = arith.constant 0 : index
  %r = stamp.observe "a" along 0 ins(%x, %a : tensor<?x8xf32>, tensor<?x?xf64>) outs(%e : tensor<?x?xf64>)
  %n = tensor.dim %r, %c0 : tensor<?x?xf64>
  return %n : index
}
