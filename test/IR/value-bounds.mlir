// RUN: stamp-opt %s --pass-pipeline='builtin.module(func.func(affine-simplify-min-max))' | FileCheck %s

// Upstream can prove that a result has the sizes of all the op's operands, even
// where its init has come from elsewhere: each minimum is one of its operands.

// CHECK-LABEL: func @transform
//  CHECK-SAME:     %[[X:[a-z0-9]+]]: tensor<2x?x?xf32>
//   CHECK-DAG:   %[[TOKENS:.*]] = tensor.dim %[[X]], %c1
//   CHECK-DAG:   %[[FEATURES:.*]] = tensor.dim %[[X]], %c2
//       CHECK:   return %[[TOKENS]], %[[FEATURES]]
func.func @transform(%x: tensor<2x?x?xf32>, %e: tensor<?x?x?xf32>) -> (index, index) {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %t = stamp.transform #stamp.dct along 1 ins(%x : tensor<2x?x?xf32>) outs(%e : tensor<?x?x?xf32>)
  %xs = tensor.dim %x, %c1 : tensor<2x?x?xf32>
  %xd = tensor.dim %x, %c2 : tensor<2x?x?xf32>
  %ts = tensor.dim %t, %c1 : tensor<?x?x?xf32>
  %td = tensor.dim %t, %c2 : tensor<?x?x?xf32>
  %s = affine.min affine_map<()[s0, s1] -> (s0, s1)>()[%xs, %ts]
  %d = affine.min affine_map<()[s0, s1] -> (s0, s1)>()[%xd, %td]
  return %s, %d : index, index
}

// A static size anywhere is everyone's.
// CHECK-LABEL: func @static
//       CHECK:   %[[N:.*]] = tensor.dim
//  CHECK-NEXT:   return %[[N]]
func.func @static(%x: tensor<13x8xf32>, %e: tensor<?x8xf32>) -> index {
  %c0 = arith.constant 0 : index
  %t = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<13x8xf32>) outs(%e : tensor<?x8xf32>)
  %n = tensor.dim %t, %c0 : tensor<?x8xf32>
  %m = affine.min affine_map<()[s0] -> (s0, 20)>()[%n]
  return %m : index
}

// CHECK-LABEL: func @quantize
//  CHECK-SAME:     %[[X:[a-z0-9]+]]: tensor<?x?xf32>
//   CHECK-DAG:   %[[TOKENS:.*]] = tensor.dim %[[X]], %c0
//   CHECK-DAG:   %[[FEATURES:.*]] = tensor.dim %[[X]], %c1
//       CHECK:   return %[[TOKENS]], %[[FEATURES]]
func.func @quantize(%x: tensor<?x?xf32>, %eq: tensor<?x?xi8>, %es: tensor<?xf32>, %ez: tensor<?xi32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1
      ins(%x : tensor<?x?xf32>) outs(%eq, %es, %ez : tensor<?x?xi8>, tensor<?xf32>, tensor<?xi32>)
  %n = tensor.dim %x, %c0 : tensor<?x?xf32>
  %k = tensor.dim %x, %c1 : tensor<?x?xf32>
  %qn = tensor.dim %q#0, %c0 : tensor<?x?xi8>
  %sn = tensor.dim %q#1, %c0 : tensor<?xf32>
  %zn = tensor.dim %q#2, %c0 : tensor<?xi32>
  %qk = tensor.dim %q#0, %c1 : tensor<?x?xi8>
  %tokens = affine.min affine_map<()[s0, s1, s2, s3] -> (s0, s1, s2, s3)>()[%n, %qn, %sn, %zn]
  %features = affine.min affine_map<()[s0, s1] -> (s0, s1)>()[%k, %qk]
  return %tokens, %features : index, index
}

// CHECK-LABEL: func @dequantize
//  CHECK-SAME:     %{{.*}}: tensor<?x8xi8>, %[[S:[a-z0-9]+]]: tensor<?xf32>
//       CHECK:   %[[TOKENS:.*]] = tensor.dim %[[S]], %c0
//       CHECK:   return %[[TOKENS]]
func.func @dequantize(%q: tensor<?x8xi8>, %s: tensor<?xf32>, %z: tensor<?xi32>, %e: tensor<?x8xf32>) -> index {
  %c0 = arith.constant 0 : index
  %d = stamp.dequantize over 1 ins(%q, %s, %z : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>)
      outs(%e : tensor<?x8xf32>)
  %n = tensor.dim %s, %c0 : tensor<?xf32>
  %m = tensor.dim %d, %c0 : tensor<?x8xf32>
  %min = affine.min affine_map<()[s0, s1] -> (s0, s1)>()[%n, %m]
  return %min : index
}

// CHECK-LABEL: func @quantize_weight
//  CHECK-SAME:     %[[W:[a-z0-9]+]]: tensor<64x?xf32>
//       CHECK:   %[[CHANNELS:.*]] = tensor.dim %[[W]], %c1
//       CHECK:   return %[[CHANNELS]]
func.func @quantize_weight(%w: tensor<64x?xf32>, %eq: tensor<64x?xi8>, %es: tensor<?xf32>, %ec: tensor<?xi32>) -> index {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %q:3 = stamp.quantize_weight bits = 4 over 0
      ins(%w : tensor<64x?xf32>) outs(%eq, %es, %ec : tensor<64x?xi8>, tensor<?xf32>, tensor<?xi32>)
  %n = tensor.dim %w, %c1 : tensor<64x?xf32>
  %qn = tensor.dim %q#0, %c1 : tensor<64x?xi8>
  %sn = tensor.dim %q#1, %c0 : tensor<?xf32>
  %cn = tensor.dim %q#2, %c0 : tensor<?xi32>
  %min = affine.min affine_map<()[s0, s1, s2, s3] -> (s0, s1, s2, s3)>()[%n, %qn, %sn, %cn]
  return %min : index
}

// CHECK-LABEL: func @rescale
//  CHECK-SAME:     %{{.*}}: tensor<?x?xi32>, %[[SX:[a-z0-9]+]]: tensor<?xf32>, %{{.*}}: tensor<?xi32>, %{{.*}}: tensor<?xf32>, %{{.*}}: tensor<?xi32>, %[[B:[a-z0-9]+]]: tensor<?xf32>
//   CHECK-DAG:   %[[TOKENS:.*]] = tensor.dim %[[SX]], %c0
//   CHECK-DAG:   %[[CHANNELS:.*]] = tensor.dim %[[B]], %c0
//       CHECK:   return %[[TOKENS]], %[[CHANNELS]]
func.func @rescale(%acc: tensor<?x?xi32>, %sx: tensor<?xf32>, %zx: tensor<?xi32>, %sw: tensor<?xf32>,
                   %c: tensor<?xi32>, %b: tensor<?xf32>, %e: tensor<?x?xf32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<?x?xi32>, tensor<?xf32>, tensor<?xi32>, tensor<?xf32>, tensor<?xi32>)
      bias(%b : tensor<?xf32>) outs(%e : tensor<?x?xf32>)
  %n = tensor.dim %sx, %c0 : tensor<?xf32>
  %k = tensor.dim %b, %c0 : tensor<?xf32>
  %yn = tensor.dim %y, %c0 : tensor<?x?xf32>
  %yk = tensor.dim %y, %c1 : tensor<?x?xf32>
  %tokens = affine.min affine_map<()[s0, s1] -> (s0, s1)>()[%n, %yn]
  %channels = affine.min affine_map<()[s0, s1] -> (s0, s1)>()[%k, %yk]
  return %tokens, %channels : index, index
}

// CHECK-LABEL: func @inverse_transform
//  CHECK-SAME:     %[[X:[a-z0-9]+]]: tensor<?x8xf32>
//       CHECK:   %[[TOKENS:.*]] = tensor.dim %[[X]], %c0
//       CHECK:   return %[[TOKENS]]
func.func @inverse_transform(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> index {
  %c0 = arith.constant 0 : index
  %y = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %m = tensor.dim %y, %c0 : tensor<?x8xf32>
  %min = affine.min affine_map<()[s0, s1] -> (s0, s1)>()[%n, %m]
  return %min : index
}

// CHECK-LABEL: func @feature_transform
//  CHECK-SAME:     %[[X:[a-z0-9]+]]: tensor<4x?xf32>
//       CHECK:   %[[FEATURES:.*]] = tensor.dim %[[X]], %c1
//       CHECK:   return %[[FEATURES]]
func.func @feature_transform(%x: tensor<4x?xf32>, %e: tensor<4x?xf32>) -> index {
  %c1 = arith.constant 1 : index
  %y = stamp.feature_transform #stamp.hadamard over 1 ins(%x : tensor<4x?xf32>) outs(%e : tensor<4x?xf32>)
  %n = tensor.dim %x, %c1 : tensor<4x?xf32>
  %m = tensor.dim %y, %c1 : tensor<4x?xf32>
  %min = affine.min affine_map<()[s0, s1] -> (s0, s1)>()[%n, %m]
  return %min : index
}

// CHECK-LABEL: func @inverse_feature_transform
//  CHECK-SAME:     %[[W:[a-z0-9]+]]: tensor<8x?xf32>
//       CHECK:   %[[CHANNELS:.*]] = tensor.dim %[[W]], %c1
//       CHECK:   return %[[CHANNELS]]
func.func @inverse_feature_transform(%w: tensor<8x?xf32>, %e: tensor<8x?xf32>) -> index {
  %c1 = arith.constant 1 : index
  %v = stamp.inverse_feature_transform #stamp.hadamard left over 0 ins(%w : tensor<8x?xf32>) outs(%e : tensor<8x?xf32>)
  %n = tensor.dim %w, %c1 : tensor<8x?xf32>
  %m = tensor.dim %v, %c1 : tensor<8x?xf32>
  %min = affine.min affine_map<()[s0, s1] -> (s0, s1)>()[%n, %m]
  return %min : index
}

// What is packed has its codes' other sizes, and along the two dimensions that
// make its bytes only its own init's.
// CHECK-LABEL: func @pack
//  CHECK-SAME:     %[[Q:[a-z0-9]+]]: tensor<?x12x?xi8>, %[[A:[a-z0-9]+]]: tensor<?x3x?xi8>
//   CHECK-DAG:   %[[BATCH:.*]] = tensor.dim %[[Q]], %c0
//   CHECK-DAG:   %[[BYTES:.*]] = tensor.dim %[[A]], %c2
//   CHECK-DAG:   %[[CODES:.*]] = tensor.dim %[[Q]], %c2
//       CHECK:   %[[LESS:.*]] = affine.min {{.*}}()[%[[CODES]], %{{.*}}]
//       CHECK:   return %[[BATCH]], %[[BYTES]], %[[LESS]]
func.func @pack(%q: tensor<?x12x?xi8>, %a: tensor<?x3x?xi8>, %b: tensor<?x9x?xi8>) -> (index, index, index) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %p:2 = stamp.pack #stamp.schedule<[3 : 8], 4> along 1 over 2
      ins(%q : tensor<?x12x?xi8>) outs(%a, %b : tensor<?x3x?xi8>, tensor<?x9x?xi8>)
  %n = tensor.dim %q, %c0 : tensor<?x12x?xi8>
  %pn = tensor.dim %p#0, %c0 : tensor<?x3x?xi8>
  %batch = affine.min affine_map<()[s0, s1] -> (s0, s1)>()[%n, %pn]
  %own = tensor.dim %a, %c2 : tensor<?x3x?xi8>
  %bytes0 = tensor.dim %p#0, %c2 : tensor<?x3x?xi8>
  %bytes = affine.min affine_map<()[s0, s1] -> (s0, s1)>()[%own, %bytes0]
  %codes = tensor.dim %q, %c2 : tensor<?x12x?xi8>
  %bytes1 = tensor.dim %p#1, %c2 : tensor<?x9x?xi8>
  %less = affine.min affine_map<()[s0, s1] -> (s0, s1)>()[%codes, %bytes1]
  return %batch, %bytes, %less : index, index, index
}

// CHECK-LABEL: func @unpack
//  CHECK-SAME:     %[[P:[a-z0-9]+]]: tensor<?x12x3xi8>
//       CHECK:   %[[BATCH:.*]] = tensor.dim %[[P]], %c0
//       CHECK:   return %[[BATCH]]
func.func @unpack(%p: tensor<?x12x3xi8>, %q: tensor<?x12x5xi8>) -> index {
  %c0 = arith.constant 0 : index
  %u = stamp.unpack #stamp.schedule<[], 4> along 1 over 2 ins(%p : tensor<?x12x3xi8>) outs(%q : tensor<?x12x5xi8>)
  %n = tensor.dim %p, %c0 : tensor<?x12x3xi8>
  %un = tensor.dim %u, %c0 : tensor<?x12x5xi8>
  %min = affine.min affine_map<()[s0, s1] -> (s0, s1)>()[%n, %un]
  return %min : index
}

// Both sides of the sums are tokens.
// CHECK-LABEL: func @observe
//  CHECK-SAME:     %[[X:[a-z0-9]+]]: tensor<?x8xf32>
//       CHECK:   %[[TOKENS:.*]] = tensor.dim %[[X]], %c0
//       CHECK:   return %[[TOKENS]]
func.func @observe(%x: tensor<?x8xf32>, %a: tensor<?x?xf64>, %e: tensor<?x?xf64>) -> index {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = stamp.observe "a" along 0 ins(%x, %a : tensor<?x8xf32>, tensor<?x?xf64>) outs(%e : tensor<?x?xf64>)
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %m = tensor.dim %r, %c0 : tensor<?x?xf64>
  %k = tensor.dim %r, %c1 : tensor<?x?xf64>
  %min = affine.min affine_map<()[s0, s1, s2] -> (s0, s1, s2)>()[%n, %m, %k]
  return %min : index
}
