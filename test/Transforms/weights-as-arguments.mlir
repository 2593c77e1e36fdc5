// RUN: stamp-opt %s --stamp-select="basis=#stamp.dct schedule=#stamp.schedule<[],8> features=#stamp.hadamard weight-bits=8" --stamp-quantize --canonicalize --remarks-filter="stamp-(select|quantize)" --remark-format=emitRemark 2>%t | FileCheck %s
// RUN: FileCheck %s --input-file=%t --check-prefix=REMARK

// Weights of functions that somebody outside may call.

// A function takes codes, scales and sums of a weight in its place. Two linears on
// one weight share them.
// CHECK-LABEL: func @layer(
//  CHECK-SAME:   %{{[^:]*}}: tensor<?x2xf32>, %[[Q:[^:]*]]: tensor<2x3xi8>, %[[S:[^:]*]]: tensor<3xf32>, %[[C:[^:]*]]: tensor<3xi32>, %{{[^:]*}}: tensor<?x3xf32>)
//   CHECK-NOT:   stamp.quantize_weight
//       CHECK:   linalg.matmul ins(%{{.*}}, %[[Q]] : tensor<?x2xi8>, tensor<2x3xi8>)
//       CHECK:   stamp.rescale {{.*}} ins(%{{.*}}, %{{.*}}, %{{.*}}, %[[S]], %[[C]] :
//       CHECK:   linalg.matmul ins(%{{.*}}, %[[Q]] : tensor<?x2xi8>, tensor<2x3xi8>)
// CHECK-LABEL: func @prepack_layer(
//  CHECK-SAME:   %[[W:[^:]*]]: tensor<2x3xf32>) -> (tensor<2x3xi8>, tensor<3xf32>, tensor<3xi32>)
//       CHECK:   %[[R:.*]] = stamp.inverse_feature_transform #stamp.hadamard left over 0 ins(%[[W]] :
//       CHECK:   %[[Q:.*]], %[[S:.*]], %[[C:.*]] = stamp.quantize_weight bits = 8 over 0 ins(%[[R]] :
//       CHECK:   return %[[Q]], %[[S]], %[[C]]
// REMARK-DAG: [[@LINE+1]]:{{.*}} [Passed] Prepack | Category:stamp-quantize | Remark="its weights come as the results of @prepack_layer, to be called once"
func.func @layer(%x: tensor<?x2xf32>, %w: tensor<2x3xf32> {stamp.weight}, %init: tensor<?x3xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>) {
  %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x3xf32>) outs(%init : tensor<?x3xf32>) -> tensor<?x3xf32>
  %double = arith.addf %x, %x : tensor<?x2xf32>
  %z = linalg.matmul ins(%double, %w : tensor<?x2xf32>, tensor<2x3xf32>) outs(%init : tensor<?x3xf32>) -> tensor<?x3xf32>
  return %y, %z : tensor<?x3xf32>, tensor<?x3xf32>
}

// Weights in the order of the arguments; who reads the floats keeps them; a weight
// is read in front of its transpose.
// CHECK-LABEL: func @several(
//  CHECK-SAME:   %{{[^:]*}}: tensor<2x2xf32> {stamp.weight}, %{{[^:]*}}: tensor<2x2xi8>, %{{[^:]*}}: tensor<2xf32>, %{{[^:]*}}: tensor<2xi32>, %{{[^:]*}}: tensor<8x2xf32>, %{{[^:]*}}: tensor<3x2xi8>, %{{[^:]*}}: tensor<3xf32>, %{{[^:]*}}: tensor<3xi32>)
// CHECK-LABEL: func @prepack_several(
//  CHECK-SAME:   %{{[^:]*}}: tensor<2x2xf32>, %{{[^:]*}}: tensor<3x2xf32>) -> (tensor<2x2xi8>, tensor<2xf32>, tensor<2xi32>, tensor<3x2xi8>, tensor<3xf32>, tensor<3xi32>)
func.func @several(%w: tensor<2x2xf32> {stamp.weight}, %x: tensor<8x2xf32>, %v: tensor<3x2xf32> {stamp.weight}) -> (tensor<8x3xf32>, tensor<2x2xf32>) {
  %zero2 = arith.constant dense<0.0> : tensor<8x2xf32>
  %zero3 = arith.constant dense<0.0> : tensor<8x3xf32>
  %e = tensor.empty() : tensor<2x3xf32>
  %t = linalg.transpose ins(%v : tensor<3x2xf32>) outs(%e : tensor<2x3xf32>) permutation = [1, 0]
  %h = linalg.matmul ins(%x, %w : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero2 : tensor<8x2xf32>) -> tensor<8x2xf32>
  %y = linalg.matmul ins(%h, %t : tensor<8x2xf32>, tensor<2x3xf32>) outs(%zero3 : tensor<8x3xf32>) -> tensor<8x3xf32>
  return %y, %w : tensor<8x3xf32>, tensor<2x2xf32>
}

// A caller that hands on what is marked takes codes, too.
// CHECK-LABEL: func @handed_on(
//  CHECK-SAME:   tensor<2x3xi8>
//   CHECK-NOT:   stamp.quantize_weight
//       CHECK:   call @layer
// CHECK-LABEL: func @prepack_handed_on(
//       CHECK:   stamp.quantize_weight
func.func @handed_on(%x: tensor<?x2xf32>, %w: tensor<2x3xf32> {stamp.weight}, %init: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %y:2 = call @layer(%x, %w, %init) : (tensor<?x2xf32>, tensor<2x3xf32>, tensor<?x3xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>)
  return %y#0 : tensor<?x3xf32>
}

// CHECK-LABEL: func private @declared(tensor<2x2xf32> {stamp.weight})
func.func private @declared(tensor<2x2xf32> {stamp.weight})

// To measure a weight is not to read it.
// CHECK-LABEL: func @measured(
//  CHECK-SAME:   %{{[^:]*}}: tensor<?x?xf32>, %[[Q:[^:]*]]: tensor<?x?xi8>, %{{[^:]*}}: tensor<?xf32>, %{{[^:]*}}: tensor<?xi32>)
//       CHECK:   tensor.dim %[[Q]], %c1
// CHECK-LABEL: func @prepack_measured(
//  CHECK-SAME:   %{{[^:]*}}: tensor<?x?xf16>) -> (tensor<?x?xi8>, tensor<?xf32>, tensor<?xi32>)
func.func @measured(%x: tensor<?x?xf32>, %w: tensor<?x?xf16> {stamp.weight}) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = tensor.dim %x, %c0 : tensor<?x?xf32>
  %n = tensor.dim %w, %c1 : tensor<?x?xf16>
  %e = tensor.empty(%m, %n) : tensor<?x?xf32>
  %f = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%f : f32) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %wide = arith.extf %w : tensor<?x?xf16> to tensor<?x?xf32>
  %y = linalg.matmul ins(%x, %wide : tensor<?x?xf32>, tensor<?x?xf32>) outs(%zero : tensor<?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// The name is taken.
// CHECK-LABEL: func @taken(
// CHECK-LABEL: func @prepack_taken_0(
func.func @taken(%x: tensor<8x2xf32>, %w: tensor<2x2xf32> {stamp.weight}) -> tensor<8x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<8x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %y : tensor<8x2xf32>
}
func.func @prepack_taken() {
  return
}
