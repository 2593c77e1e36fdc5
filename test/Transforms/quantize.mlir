// RUN: stamp-opt %s --stamp-quantize --split-input-file | FileCheck %s

// The pass's own picture: transform, quantize, integer contraction, rescale and
// inverse transform. A constant weight is quantized at once: no float is left.

// CHECK-LABEL: func @matmul
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<16x2xf32>)
//   CHECK-NOT:   tensor<2x2xf32>
//   CHECK-DAG:   %[[WQ:.*]] = arith.constant dense<{{\[}}[7, 7], [-4, -3]]> : tensor<2x2xi8>
//   CHECK-DAG:   %[[WS:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
//   CHECK-DAG:   %[[WC:.*]] = arith.constant dense<[3, 4]> : tensor<2xi32>
//       CHECK:   %[[T:.*]] = stamp.transform #stamp.haar<levels = 4> along 0 ins(%[[X]] : {{.*}}) outs(%{{.*}} : tensor<16x2xf32>)
//       CHECK:   %[[Q:.*]], %[[S:.*]], %[[Z:.*]] = stamp.quantize #stamp.schedule<[4 : 8], 4> along 0 over 1 ins(%[[T]]
//       CHECK:   %[[ZERO:.*]] = linalg.fill ins(%{{.*}} : i32)
//       CHECK:   %[[A:.*]] = linalg.matmul ins(%[[Q]], %[[WQ]] : tensor<16x2xi8>, tensor<2x2xi8>) outs(%[[ZERO]] : tensor<16x2xi32>)
//       CHECK:   %[[R:.*]] = stamp.rescale along 0 over 1 ins(%[[A]], %[[S]], %[[Z]], %[[WS]], %[[WC]] : {{[^)]*}}) outs(
//       CHECK:   %[[Y:.*]] = stamp.inverse_transform #stamp.haar<levels = 4> along 0 ins(%[[R]]
//       CHECK:   return %[[Y]]
func.func @matmul(%x: tensor<16x2xf32>) -> tensor<16x2xf32> {
  %w = arith.constant dense<[[7.0, 14.0], [-3.5, -6.0]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<16x2xf32>
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 4>,
                      activations = #stamp.schedule<[4 : 8], 4>, weight_bits = 4>}
    ins(%x, %w : tensor<16x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<16x2xf32>) -> tensor<16x2xf32>
  return %y : tensor<16x2xf32>
}

// -----

// CHECK-LABEL: func @batch_matmul
//       CHECK:   stamp.transform #stamp.dct along 1
//       CHECK:   stamp.quantize #stamp.schedule<[], 8> along 1 over 2
//  CHECK-SAME:     outs({{.*}} : tensor<2x16x8xi8>, tensor<2x16xf32>, tensor<2x16xi32>)
//       CHECK:   stamp.quantize_weight bits = 8 over 1
//  CHECK-SAME:     outs({{.*}} : tensor<2x8x4xi8>, tensor<2x4xf32>, tensor<2x4xi32>)
//       CHECK:   linalg.batch_matmul ins(%{{.*}}, %{{.*}} : tensor<2x16x8xi8>, tensor<2x8x4xi8>)
//       CHECK:   stamp.rescale along 1 over 2
//       CHECK:   stamp.inverse_transform #stamp.dct along 1
func.func @batch_matmul(%x: tensor<2x16x8xf32>, %w: tensor<2x8x4xf32>) -> tensor<2x16x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x16x4xf32>
  %y = linalg.batch_matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 8>}
    ins(%x, %w : tensor<2x16x8xf32>, tensor<2x8x4xf32>) outs(%zero : tensor<2x16x4xf32>) -> tensor<2x16x4xf32>
  return %y : tensor<2x16x4xf32>
}

// -----

// Between a narrow X and a narrow Y everything is f32; only the last op narrows.
// CHECK-LABEL: func @f16_in_and_out
//       CHECK:   stamp.transform {{.*}} ins(%{{.*}} : tensor<16x8xf16>) outs(%{{.*}} : tensor<16x8xf32>)
//       CHECK:   stamp.rescale {{.*}} outs(%{{.*}} : tensor<16x4xf32>)
//       CHECK:   stamp.inverse_transform {{.*}} ins(%{{.*}} : tensor<16x4xf32>) outs(%{{.*}} : tensor<16x4xf16>)
func.func @f16_in_and_out(%x: tensor<16x8xf16>, %w: tensor<8x4xf16>) -> tensor<16x4xf16> {
  %zero = arith.constant dense<0.0> : tensor<16x4xf16>
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<16x8xf16>, tensor<8x4xf16>) outs(%zero : tensor<16x4xf16>) -> tensor<16x4xf16>
  return %y : tensor<16x4xf16>
}

// -----

// Without a transform the rescale is the last op.
// CHECK-LABEL: func @identity_basis
//   CHECK-NOT:   transform
//       CHECK:   stamp.quantize {{.*}} ins(%{{.*}} : tensor<16x8xf16>)
//       CHECK:   %[[Y:.*]] = stamp.rescale {{.*}} outs(%{{.*}} : tensor<16x4xf16>)
//       CHECK:   return %[[Y]]
func.func @identity_basis(%x: tensor<16x8xf16>, %w: tensor<8x4xf16>) -> tensor<16x4xf16> {
  %zero = arith.constant dense<0.0> : tensor<16x4xf16>
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<16x8xf16>, tensor<8x4xf16>) outs(%zero : tensor<16x4xf16>) -> tensor<16x4xf16>
  return %y : tensor<16x4xf16>
}

// -----

// CHECK-LABEL: func @init_that_is_not_zero
//  CHECK-SAME:   %[[C:[^ ]*]]: tensor<16x4xf32>)
//       CHECK:   %[[I:.*]] = stamp.inverse_transform
//       CHECK:   %[[Y:.*]] = linalg.generic {{.*}} ins(%[[I]], %[[C]] : {{.*}})
//  CHECK-NEXT:   ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32, %{{.*}}: f32):
//  CHECK-NEXT:     %[[S:.*]] = arith.addf %[[A]], %[[B]] : f32
//  CHECK-NEXT:     linalg.yield %[[S]]
//       CHECK:   return %[[Y]]
func.func @init_that_is_not_zero(%x: tensor<16x8xf32>, %w: tensor<8x4xf32>, %c: tensor<16x4xf32>) -> tensor<16x4xf32> {
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%c : tensor<16x4xf32>) -> tensor<16x4xf32>
  return %y : tensor<16x4xf32>
}

// -----

// Only the sum is narrowed.
// CHECK-LABEL: func @half_init_that_is_not_zero
//       CHECK:   %[[I:.*]] = stamp.inverse_transform {{.*}} outs(%{{.*}} : tensor<16x4xf32>)
//       CHECK:   linalg.generic {{.*}} ins(%[[I]], %{{.*}} : tensor<16x4xf32>, tensor<16x4xf16>)
//       CHECK:     %[[B:.*]] = arith.extf
//  CHECK-NEXT:     %[[S:.*]] = arith.addf %{{.*}}, %[[B]] : f32
//  CHECK-NEXT:     arith.truncf %[[S]] : f32 to f16
func.func @half_init_that_is_not_zero(%x: tensor<16x8xf16>, %w: tensor<8x4xf16>, %c: tensor<16x4xf16>) -> tensor<16x4xf16> {
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<16x8xf16>, tensor<8x4xf16>) outs(%c : tensor<16x4xf16>) -> tensor<16x4xf16>
  return %y : tensor<16x4xf16>
}

// -----

// CHECK-LABEL: func @filled_with_zero
//   CHECK-NOT:   linalg.add
//       CHECK:   return
func.func @filled_with_zero(%x: tensor<16x8xf32>, %w: tensor<8x4xf32>) -> tensor<16x4xf32> {
  %c0 = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16x4xf32>
  %zero = linalg.fill ins(%c0 : f32) outs(%e : tensor<16x4xf32>) -> tensor<16x4xf32>
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<16x4xf32>) -> tensor<16x4xf32>
  return %y : tensor<16x4xf32>
}

// -----

// CHECK-LABEL: func @any_length
//       CHECK:   stamp.quantize {{.*}} outs({{.*}} : tensor<?x8xi8>, tensor<?xf32>, tensor<?xi32>)
//       CHECK:   linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<?x8xi8>, tensor<8x?xi8>) outs(%{{.*}} : tensor<?x?xi32>)
//       CHECK:   stamp.inverse_transform {{.*}} outs(%{{.*}} : tensor<?x?xf32>)
func.func @any_length(%x: tensor<?x8xf32>, %w: tensor<8x?xf32>, %zero: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<?x8xf32>, tensor<8x?xf32>) outs(%zero : tensor<?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

// The float weight stays for those who still read it.
// CHECK-LABEL: func @weight_with_another_reader
//   CHECK-DAG:   %[[W:.*]] = arith.constant {{.*}} : tensor<2x2xf32>
//   CHECK-DAG:   arith.constant {{.*}} : tensor<2x2xi8>
//   CHECK-NOT:   stamp.quantize_weight
//       CHECK:   return %{{.*}}, %[[W]]
func.func @weight_with_another_reader(%x: tensor<16x2xf32>) -> (tensor<16x2xf32>, tensor<2x2xf32>) {
  %w = arith.constant dense<[[7.0, 14.0], [-3.5, -6.0]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<16x2xf32>
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<16x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<16x2xf32>) -> tensor<16x2xf32>
  return %y, %w : tensor<16x2xf32>, tensor<2x2xf32>
}

// -----

// CHECK-LABEL: func @two_linears_of_one_weight
//   CHECK-NOT:   tensor<2x2xf32>
//       CHECK:   return
func.func @two_linears_of_one_weight(%x: tensor<16x2xf32>) -> tensor<16x2xf32> {
  %w = arith.constant dense<[[7.0, 14.0], [-3.5, -6.0]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<16x2xf32>
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<16x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<16x2xf32>) -> tensor<16x2xf32>
  %z = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%y, %w : tensor<16x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<16x2xf32>) -> tensor<16x2xf32>
  return %z : tensor<16x2xf32>
}

// -----

// CHECK-LABEL: func @without_a_plan
//       CHECK:   linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<16x8xf32>, tensor<8x4xf32>)
//   CHECK-NOT:   stamp
func.func @without_a_plan(%x: tensor<16x8xf32>, %w: tensor<8x4xf32>, %c: tensor<16x4xf32>) -> tensor<16x4xf32> {
  %y = linalg.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%c : tensor<16x4xf32>) -> tensor<16x4xf32>
  return %y : tensor<16x4xf32>
}

// -----

// Features: X·R₁·R₂ behind L, and R₂⁻¹·R₁⁻¹·W in front of the weight's quantizer,
// which folds with it: (8, 6)/½ and a butterfly give (7, 1)·2√2.
// CHECK-LABEL: func @features
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<16x2xf16>
//   CHECK-NOT:   inverse_feature_transform
//   CHECK-NOT:   tensor<2x1xf32>
//   CHECK-DAG:   %[[WQ:.*]] = arith.constant dense<{{\[}}[7], [1]]> : tensor<2x1xi8>
//   CHECK-DAG:   %[[WS:.*]] = arith.constant dense<2.82842708> : tensor<1xf32>
//       CHECK:   %[[T:.*]] = stamp.transform #stamp.wht along 0 ins(%[[X]] : {{.*}}) outs(%{{.*}} : tensor<16x2xf32>)
//       CHECK:   %[[S:.*]] = stamp.feature_transform #stamp.scale<{{.*}}> over 1 ins(%[[T]] : {{.*}}) outs(%{{.*}} : tensor<16x2xf32>)
//       CHECK:   %[[R:.*]] = stamp.feature_transform #stamp.hadamard over 1 ins(%[[S]]
//       CHECK:   stamp.quantize #stamp.schedule<[], 4> along 0 over 1 ins(%[[R]]
//       CHECK:   linalg.matmul ins(%{{.*}}, %[[WQ]]
//       CHECK:   stamp.inverse_transform #stamp.wht
func.func @features(%x: tensor<16x2xf16>) -> tensor<16x1xf32> {
  %w = arith.constant dense<[[8.0], [6.0]]> : tensor<2x1xf16>
  %zero = arith.constant dense<0.0> : tensor<16x1xf32>
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.wht,
                      features = [#stamp.scale<dense<0.5> : tensor<2xf32>>, #stamp.hadamard],
                      activations = #stamp.schedule<[], 4>, weight_bits = 4>}
    ins(%x, %w : tensor<16x2xf16>, tensor<2x1xf16>) outs(%zero : tensor<16x1xf32>) -> tensor<16x1xf32>
  return %y : tensor<16x1xf32>
}

// -----

// A weight that only run time knows is transformed there, along what it is
// reduced over; without a basis the feature transform is the op that widens.
// CHECK-LABEL: func @features_of_a_batch
//       CHECK:   stamp.feature_transform #stamp.hadamard<order = 3> over 2 ins(%{{.*}} : tensor<2x16x6xbf16>) outs(%{{.*}} : tensor<2x16x6xf32>)
//       CHECK:   %[[V:.*]] = stamp.inverse_feature_transform #stamp.hadamard<order = 3> left over 1 ins(%{{.*}} : tensor<2x6x4xbf16>) outs(%{{.*}} : tensor<2x6x4xf32>)
//       CHECK:   stamp.quantize_weight bits = 8 over 1 ins(%[[V]] : tensor<2x6x4xf32>)
func.func @features_of_a_batch(%x: tensor<2x16x6xbf16>, %w: tensor<2x6x4xbf16>) -> tensor<2x16x4xbf16> {
  %zero = arith.constant dense<0.0> : tensor<2x16x4xbf16>
  %y = linalg.batch_matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, features = #stamp.hadamard<order = 3>,
                            activations = #stamp.schedule<[], 8>, weight_bits = 8>}
    ins(%x, %w : tensor<2x16x6xbf16>, tensor<2x6x4xbf16>) outs(%zero : tensor<2x16x4xbf16>) -> tensor<2x16x4xbf16>
  return %y : tensor<2x16x4xbf16>
}
