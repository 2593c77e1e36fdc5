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
