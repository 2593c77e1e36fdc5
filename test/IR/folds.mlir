// RUN: stamp-opt %s --canonicalize --split-input-file | FileCheck %s

//===----------------------------------------------------------------------===//
// Transforms that do nothing
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @identity
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<?x4xf32>,
//       CHECK:   return %[[X]]
func.func @identity(%x: tensor<?x4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %t = stamp.transform #stamp.identity along 0 ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  %y = stamp.inverse_transform #stamp.identity along 0 ins(%t : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  return %y : tensor<?x4xf32>
}

// CHECK-LABEL: func @identity_that_narrows_stays
//       CHECK:   stamp.transform
func.func @identity_that_narrows_stays(%x: tensor<8x4xf32>, %e: tensor<8x4xf16>) -> tensor<8x4xf16> {
  %t = stamp.transform #stamp.identity along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf16>)
  return %t : tensor<8x4xf16>
}

// CHECK-LABEL: func @all_tokens_skipped
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<4x2x8xf32>,
//   CHECK-NOT:   stamp
//       CHECK:   return %[[X]], %[[X]], %[[X]]
func.func @all_tokens_skipped(%x: tensor<4x2x8xf32>, %e: tensor<4x2x8xf32>)
    -> (tensor<4x2x8xf32>, tensor<4x2x8xf32>, tensor<4x2x8xf32>) {
  %0 = stamp.transform #stamp.haar<levels = 1, skip = 2> along 1 ins(%x : tensor<4x2x8xf32>) outs(%e : tensor<4x2x8xf32>)
  %1 = stamp.transform #stamp.dct<skip = 5> along 1 ins(%x : tensor<4x2x8xf32>) outs(%e : tensor<4x2x8xf32>)
  %2 = stamp.inverse_transform #stamp.wht<skip = 4> along 0 ins(%x : tensor<4x2x8xf32>) outs(%e : tensor<4x2x8xf32>)
  return %0, %1, %2 : tensor<4x2x8xf32>, tensor<4x2x8xf32>, tensor<4x2x8xf32>
}

// CHECK-LABEL: func @one_token_is_not_skipped
//       CHECK:   stamp.transform
func.func @one_token_is_not_skipped(%x: tensor<4x2x8xf32>, %e: tensor<4x2x8xf32>) -> tensor<4x2x8xf32> {
  %0 = stamp.transform #stamp.dct<skip = 1> along 1 ins(%x : tensor<4x2x8xf32>) outs(%e : tensor<4x2x8xf32>)
  return %0 : tensor<4x2x8xf32>
}

// CHECK-LABEL: func @tokens_of_an_unknown_number_may_not_be_skipped
//       CHECK:   stamp.transform
func.func @tokens_of_an_unknown_number_may_not_be_skipped(%x: tensor<?x4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = stamp.transform #stamp.dct<skip = 1> along 0 ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  return %0 : tensor<?x4xf32>
}

// A length that is known decides whether there are enough tokens.
// CHECK-LABEL: func @too_few_tokens
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<7x4xf32>,
//       CHECK:   return %[[X]], %[[X]]
func.func @too_few_tokens(%x: tensor<7x4xf32>, %e: tensor<7x4xf32>) -> (tensor<7x4xf32>, tensor<7x4xf32>) {
  %t = stamp.transform #stamp.min_tokens<8, #stamp.dct> along 0 ins(%x : tensor<7x4xf32>) outs(%e : tensor<7x4xf32>)
  %i = stamp.inverse_transform #stamp.min_tokens<8, #stamp.dct> along 0 ins(%x : tensor<7x4xf32>) outs(%e : tensor<7x4xf32>)
  return %t, %i : tensor<7x4xf32>, tensor<7x4xf32>
}

// CHECK-LABEL: func @enough_tokens
//       CHECK:   stamp.transform #stamp.dct along 0
//       CHECK:   stamp.inverse_transform #stamp.dct along 0
//       CHECK:   {{^ *}}stamp.transform #stamp.dct along 0
func.func @enough_tokens(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>, %m: memref<8x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %t = stamp.transform #stamp.min_tokens<8, #stamp.dct> along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %i = stamp.inverse_transform #stamp.min_tokens<8, #stamp.dct> along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  stamp.transform #stamp.min_tokens<8, #stamp.dct> along 0 ins(%m : memref<8x4xf32>) outs(%m : memref<8x4xf32>)
  return %t, %i : tensor<8x4xf32>, tensor<8x4xf32>
}

// CHECK-LABEL: func @tokens_of_an_unknown_number_may_be_too_few
//       CHECK:   stamp.transform #stamp.min_tokens<8, #stamp.dct> along 0
//       CHECK:   stamp.transform #stamp.min_tokens<8, #stamp.dct> along 1 lengths
func.func @tokens_of_an_unknown_number_may_be_too_few(%x: tensor<?x4xf32>, %y: tensor<2x9x4xf32>, %n: tensor<2xi64>) -> (tensor<?x4xf32>, tensor<2x9x4xf32>) {
  %t = stamp.transform #stamp.min_tokens<8, #stamp.dct> along 0 ins(%x : tensor<?x4xf32>) outs(%x : tensor<?x4xf32>)
  %u = stamp.transform #stamp.min_tokens<8, #stamp.dct> along 1 lengths(%n : tensor<2xi64>) ins(%y : tensor<2x9x4xf32>) outs(%y : tensor<2x9x4xf32>)
  return %t, %u : tensor<?x4xf32>, tensor<2x9x4xf32>
}

// L·L⁻¹ is not the f32 identity: only stamp-fold cancels it.
// CHECK-LABEL: func @a_pair_is_no_identity
//       CHECK:   stamp.inverse_transform
//       CHECK:   stamp.transform
func.func @a_pair_is_no_identity(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %t = stamp.transform #stamp.dct along 0 ins(%i : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %t : tensor<8x4xf32>
}

// -----

//===----------------------------------------------------------------------===//
// Refinement: `?` becomes 13, which no grid, matrix or schedule here fits
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @refined_types_stay_valid
//       CHECK:   %[[T:.*]] = tensor.cast %{{.*}} : tensor<13x4xf32> to tensor<?x4xf32>
//  CHECK-NEXT:   return %[[T]]
func.func @refined_types_stay_valid(%x: tensor<13x4xf32>, %n: index) -> tensor<?x4xf32> {
  %d = tensor.cast %x : tensor<13x4xf32> to tensor<?x4xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %t = stamp.transform #stamp.haar<levels = 30, skip = 20> along 0 ins(%d : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  return %t : tensor<?x4xf32>
}

// CHECK-LABEL: func @refined_to_a_length_that_does_not_fit
//       CHECK:   stamp.transform #stamp.haar2d<levels = 3, grid = 8x16>
//       CHECK:   stamp.transform #stamp.matrix<
//       CHECK:   stamp.quantize #stamp.schedule<[64 : 8], 4>
func.func @refined_to_a_length_that_does_not_fit(%x: tensor<13x4xf32>) -> (tensor<?x4xi8>, tensor<?xf32>, tensor<?xi32>) {
  %n = arith.constant 13 : index
  %d = tensor.cast %x : tensor<13x4xf32> to tensor<?x4xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %t = stamp.transform #stamp.haar2d<levels = 3, grid = 8x16> along 0
    ins(%d : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  %u = stamp.transform #stamp.matrix<dense<[[0.6, 0.8], [0.8, -0.6]]> : tensor<2x2xf32>> along 0
    ins(%t : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  %eq = tensor.empty(%n) : tensor<?x4xi8>
  %es = tensor.empty(%n) : tensor<?xf32>
  %ez = tensor.empty(%n) : tensor<?xi32>
  %q:3 = stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1
    ins(%u : tensor<?x4xf32>) outs(%eq, %es, %ez : tensor<?x4xi8>, tensor<?xf32>, tensor<?xi32>)
  return %q#0, %q#1, %q#2 : tensor<?x4xi8>, tensor<?xf32>, tensor<?xi32>
}

// -----

//===----------------------------------------------------------------------===//
// Constant weights. Expected numbers are worked out by hand from
// docs/Semantics.md: s = max |w| / 7 (or / 127), q = w / s rounded half to even.
//===----------------------------------------------------------------------===//

// Channel 0: s = 1, 7 | −3.5 → −4 | 1.5 → 2; channel 1: s = 2, 7 | −3 | 0.5 → 0.
// CHECK-LABEL: func @dense_weight
//   CHECK-DAG:   dense<{{\[}}[7, 7], [-4, -3], [2, 0]]> : tensor<3x2xi8>
//   CHECK-DAG:   dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
//   CHECK-DAG:   dense<[5, 4]> : tensor<2xi32>
//   CHECK-NOT:   stamp.quantize_weight
func.func @dense_weight(%eq: tensor<3x2xi8>, %es: tensor<2xf32>, %ec: tensor<2xi32>)
    -> (tensor<3x2xi8>, tensor<2xf32>, tensor<2xi32>) {
  %w = arith.constant dense<[[7.0, 14.0], [-3.5, -6.0], [1.5, 1.0]]> : tensor<3x2xf32>
  %q:3 = stamp.quantize_weight bits = 4 over 0
    ins(%w : tensor<3x2xf32>) outs(%eq, %es, %ec : tensor<3x2xi8>, tensor<2xf32>, tensor<2xi32>)
  return %q#0, %q#1, %q#2 : tensor<3x2xi8>, tensor<2xf32>, tensor<2xi32>
}

// -----

// Row 0: s = 1, 127 | −63.5 → −64 | 2.5 → 2; row 1: s = 2, −127 | 1.5 → 2 | 2.5 → 2.
// CHECK-LABEL: func @eight_bits_over_the_last_dimension
//   CHECK-DAG:   dense<{{\[}}[127, -64, 2], [-127, 2, 2]]> : tensor<2x3xi8>
//   CHECK-DAG:   dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
//   CHECK-DAG:   dense<[65, -123]> : tensor<2xi32>
func.func @eight_bits_over_the_last_dimension(%eq: tensor<2x3xi8>, %es: tensor<2xf32>, %ec: tensor<2xi32>)
    -> (tensor<2x3xi8>, tensor<2xf32>, tensor<2xi32>) {
  %w = arith.constant dense<[[127.0, -63.5, 2.5], [-254.0, 3.0, 5.0]]> : tensor<2x3xf32>
  %q:3 = stamp.quantize_weight bits = 8 over 1
    ins(%w : tensor<2x3xf32>) outs(%eq, %es, %ec : tensor<2x3xi8>, tensor<2xf32>, tensor<2xi32>)
  return %q#0, %q#1, %q#2 : tensor<2x3xi8>, tensor<2xf32>, tensor<2xi32>
}

// -----

// Batch b, channel n: the maximum over the middle dimension is 7(1 + 2b + n).
// CHECK-LABEL: func @weights_of_a_batch
//   CHECK-DAG:   dense<{{\[\[}}[7, 3], [1, 7]], {{\[}}[-7, 7], [2, -1]]]> : tensor<2x2x2xi8>
//   CHECK-DAG:   dense<{{\[}}[1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
//   CHECK-DAG:   dense<{{\[}}[8, 10], [-5, 6]]> : tensor<2x2xi32>
func.func @weights_of_a_batch(%eq: tensor<2x2x2xi8>, %es: tensor<2x2xf32>, %ec: tensor<2x2xi32>)
    -> (tensor<2x2x2xi8>, tensor<2x2xf32>, tensor<2x2xi32>) {
  %w = arith.constant dense<[[[7.0, 6.0], [1.0, 14.0]], [[-21.0, 28.0], [6.0, -4.0]]]> : tensor<2x2x2xf32>
  %q:3 = stamp.quantize_weight bits = 4 over 1
    ins(%w : tensor<2x2x2xf32>) outs(%eq, %es, %ec : tensor<2x2x2xi8>, tensor<2x2xf32>, tensor<2x2xi32>)
  return %q#0, %q#1, %q#2 : tensor<2x2x2xi8>, tensor<2x2xf32>, tensor<2x2xi32>
}

// -----

// CHECK-LABEL: func @splat_weight
//   CHECK-DAG:   dense<7> : tensor<3x2xi8>
//   CHECK-DAG:   dense<5.000000e-01> : tensor<2xf32>
//   CHECK-DAG:   dense<21> : tensor<2xi32>
func.func @splat_weight(%eq: tensor<3x2xi8>, %es: tensor<2xf32>, %ec: tensor<2xi32>)
    -> (tensor<3x2xi8>, tensor<2xf32>, tensor<2xi32>) {
  %w = arith.constant dense<3.5> : tensor<3x2xf32>
  %q:3 = stamp.quantize_weight bits = 4 over 0
    ins(%w : tensor<3x2xf32>) outs(%eq, %es, %ec : tensor<3x2xi8>, tensor<2xf32>, tensor<2xi32>)
  return %q#0, %q#1, %q#2 : tensor<3x2xi8>, tensor<2xf32>, tensor<2xi32>
}

// -----

// CHECK-LABEL: func @f16_weight
//   CHECK-DAG:   dense<{{\[}}[7], [-4], [2]]> : tensor<3x1xi8>
//   CHECK-DAG:   dense<1.000000e+00> : tensor<1xf32>
//   CHECK-DAG:   dense<5> : tensor<1xi32>
func.func @f16_weight(%eq: tensor<3x1xi8>, %es: tensor<1xf32>, %ec: tensor<1xi32>)
    -> (tensor<3x1xi8>, tensor<1xf32>, tensor<1xi32>) {
  %w = arith.constant dense<[[7.0], [-3.5], [1.5]]> : tensor<3x1xf16>
  %q:3 = stamp.quantize_weight bits = 4 over 0
    ins(%w : tensor<3x1xf16>) outs(%eq, %es, %ec : tensor<3x1xi8>, tensor<1xf32>, tensor<1xi32>)
  return %q#0, %q#1, %q#2 : tensor<3x1xi8>, tensor<1xf32>, tensor<1xi32>
}

// -----

// CHECK-LABEL: func @bf16_weight
//   CHECK-DAG:   dense<{{\[}}[7], [-4], [2]]> : tensor<3x1xi8>
//   CHECK-DAG:   dense<1.000000e+00> : tensor<1xf32>
func.func @bf16_weight(%eq: tensor<3x1xi8>, %es: tensor<1xf32>, %ec: tensor<1xi32>)
    -> (tensor<3x1xi8>, tensor<1xf32>) {
  %w = arith.constant dense<[[7.0], [-3.5], [1.5]]> : tensor<3x1xbf16>
  %q:3 = stamp.quantize_weight bits = 4 over 0
    ins(%w : tensor<3x1xbf16>) outs(%eq, %es, %ec : tensor<3x1xi8>, tensor<1xf32>, tensor<1xi32>)
  return %q#0, %q#1 : tensor<3x1xi8>, tensor<1xf32>
}

// -----

// Zero, below 2⁻¹¹⁸, and just above it: 7·2⁻¹¹⁷ has s = 2⁻¹¹⁷.
// CHECK-LABEL: func @negligible_channels
//   CHECK-DAG:   dense<{{\[}}[0, 0, 7], [0, 0, 0]]> : tensor<2x3xi8>
//   CHECK-DAG:   dense<[1.000000e+00, 1.000000e+00, 6.01853108E-36]> : tensor<3xf32>
//   CHECK-DAG:   dense<[0, 0, 7]> : tensor<3xi32>
func.func @negligible_channels(%eq: tensor<2x3xi8>, %es: tensor<3xf32>, %ec: tensor<3xi32>)
    -> (tensor<2x3xi8>, tensor<3xf32>, tensor<3xi32>) {
  %w = arith.constant dense<[[0.0, 3.0e-36, 0x06600000], [-0.0, -1.0e-45, 0.0]]> : tensor<2x3xf32>
  %q:3 = stamp.quantize_weight bits = 4 over 0
    ins(%w : tensor<2x3xf32>) outs(%eq, %es, %ec : tensor<2x3xi8>, tensor<3xf32>, tensor<3xi32>)
  return %q#0, %q#1, %q#2 : tensor<2x3xi8>, tensor<3xf32>, tensor<3xi32>
}

// -----

// An infinity or a NaN makes its channel NaN, and no other.
// CHECK-LABEL: func @channels_that_are_not_finite
//   CHECK-DAG:   dense<{{\[}}[0, 0, 0, 7], [0, 0, 0, 1]]> : tensor<2x4xi8>
//   CHECK-DAG:   dense<[0x7FC00000, 0x7FC00000, 0x7FC00000, 1.000000e+00]> : tensor<4xf32>
//   CHECK-DAG:   dense<[0, 0, 0, 8]> : tensor<4xi32>
func.func @channels_that_are_not_finite(%eq: tensor<2x4xi8>, %es: tensor<4xf32>, %ec: tensor<4xi32>)
    -> (tensor<2x4xi8>, tensor<4xf32>, tensor<4xi32>) {
  %w = arith.constant dense<[[0x7F800000, 1.0, 0x7FC00000, 7.0], [1.0, 0xFF800000, 1.0, 1.0]]> : tensor<2x4xf32>
  %q:3 = stamp.quantize_weight bits = 4 over 0
    ins(%w : tensor<2x4xf32>) outs(%eq, %es, %ec : tensor<2x4xi8>, tensor<4xf32>, tensor<4xi32>)
  return %q#0, %q#1, %q#2 : tensor<2x4xi8>, tensor<4xf32>, tensor<4xi32>
}

// -----

// CHECK-LABEL: func @weight_without_elements
//   CHECK-DAG:   dense<> : tensor<0x2xi8>
//   CHECK-DAG:   dense<1.000000e+00> : tensor<2xf32>
//   CHECK-DAG:   dense<0> : tensor<2xi32>
func.func @weight_without_elements(%eq: tensor<0x2xi8>, %es: tensor<2xf32>, %ec: tensor<2xi32>)
    -> (tensor<0x2xi8>, tensor<2xf32>, tensor<2xi32>) {
  %w = arith.constant dense<> : tensor<0x2xf32>
  %q:3 = stamp.quantize_weight bits = 4 over 0
    ins(%w : tensor<0x2xf32>) outs(%eq, %es, %ec : tensor<0x2xi8>, tensor<2xf32>, tensor<2xi32>)
  return %q#0, %q#1, %q#2 : tensor<0x2xi8>, tensor<2xf32>, tensor<2xi32>
}

// -----

// The resource holds 7 and −3.5, behind its alignment of 4.
// CHECK-LABEL: func @weight_in_a_resource
//   CHECK-DAG:   dense<{{\[}}[7], [-4]]> : tensor<2x1xi8>
//   CHECK-DAG:   dense<1.000000e+00> : tensor<1xf32>
//   CHECK-DAG:   dense<3> : tensor<1xi32>
func.func @weight_in_a_resource(%eq: tensor<2x1xi8>, %es: tensor<1xf32>, %ec: tensor<1xi32>)
    -> (tensor<2x1xi8>, tensor<1xf32>, tensor<1xi32>) {
  %w = arith.constant dense_resource<weight> : tensor<2x1xf32>
  %q:3 = stamp.quantize_weight bits = 4 over 0
    ins(%w : tensor<2x1xf32>) outs(%eq, %es, %ec : tensor<2x1xi8>, tensor<1xf32>, tensor<1xi32>)
  return %q#0, %q#1, %q#2 : tensor<2x1xi8>, tensor<1xf32>, tensor<1xi32>
}

{-# dialect_resources: { builtin: { weight: "0x040000000000E040000060C0" } } #-}

// -----

// Codes of more than a page become a resource: 4096 bytes do not yet.
// CHECK-LABEL: func @large_codes
//   CHECK-DAG:   dense<7> : tensor<64x64xi8>
//   CHECK-DAG:   dense_resource<stamp_codes{{.*}}> : tensor<64x65xi8>
func.func @large_codes(%eq: tensor<64x64xi8>, %es: tensor<64xf32>, %ec: tensor<64xi32>,
                       %fq: tensor<64x65xi8>, %fs: tensor<65xf32>, %fc: tensor<65xi32>)
    -> (tensor<64x64xi8>, tensor<64x65xi8>) {
  %w = arith.constant dense<3.5> : tensor<64x64xf32>
  %q:3 = stamp.quantize_weight bits = 4 over 0
    ins(%w : tensor<64x64xf32>) outs(%eq, %es, %ec : tensor<64x64xi8>, tensor<64xf32>, tensor<64xi32>)
  %v = arith.constant dense<3.5> : tensor<64x65xf32>
  %p:3 = stamp.quantize_weight bits = 4 over 0
    ins(%v : tensor<64x65xf32>) outs(%fq, %fs, %fc : tensor<64x65xi8>, tensor<65xf32>, tensor<65xi32>)
  return %q#0, %p#0 : tensor<64x64xi8>, tensor<64x65xi8>
}

// -----

// The last group is shorter, and the sums may have groups where the scales have
// none.
// CHECK-LABEL: func @weight_of_groups
//   CHECK-DAG:   dense<{{\[}}[7], [-4], [7]]> : tensor<3x1xi8>
//   CHECK-DAG:   dense<{{\[}}[1.000000e+00], [5.000000e-01]]> : tensor<2x1xf32>
//   CHECK-DAG:   dense<{{\[}}[3], [7]]> : tensor<2x1xi32>
//   CHECK-DAG:   dense<{{\[}}[7], [-4], [4]]> : tensor<3x1xi8>
//   CHECK-DAG:   dense<1.000000e+00> : tensor<1xf32>
//   CHECK-DAG:   dense<{{\[}}[3], [4]]> : tensor<2x1xi32>
func.func @weight_of_groups(%eq: tensor<3x1xi8>, %eg: tensor<2x1xf32>, %es: tensor<1xf32>, %ec: tensor<2x1xi32>)
    -> (tensor<3x1xi8>, tensor<2x1xf32>, tensor<2x1xi32>, tensor<3x1xi8>, tensor<1xf32>, tensor<2x1xi32>) {
  %w = arith.constant dense<[[7.0], [-3.5], [3.5]]> : tensor<3x1xf32>
  %q:3 = stamp.quantize_weight bits = 4 over 0 groups of 2
    ins(%w : tensor<3x1xf32>) outs(%eq, %eg, %ec : tensor<3x1xi8>, tensor<2x1xf32>, tensor<2x1xi32>)
  %p:3 = stamp.quantize_weight bits = 4 over 0 groups of 2 for sums
    ins(%w : tensor<3x1xf32>) outs(%eq, %es, %ec : tensor<3x1xi8>, tensor<1xf32>, tensor<2x1xi32>)
  return %q#0, %q#1, %q#2, %p#0, %p#1, %p#2
    : tensor<3x1xi8>, tensor<2x1xf32>, tensor<2x1xi32>, tensor<3x1xi8>, tensor<1xf32>, tensor<2x1xi32>
}

// -----

// CHECK-LABEL: func @weight_of_run_time_stays
//       CHECK:   stamp.quantize_weight
func.func @weight_of_run_time_stays(%w: tensor<2x1xf32>, %eq: tensor<2x1xi8>, %es: tensor<1xf32>, %ec: tensor<1xi32>)
    -> tensor<2x1xi8> {
  %q:3 = stamp.quantize_weight bits = 4 over 0
    ins(%w : tensor<2x1xf32>) outs(%eq, %es, %ec : tensor<2x1xi8>, tensor<1xf32>, tensor<1xi32>)
  return %q#0 : tensor<2x1xi8>
}

// -----

// CHECK-LABEL: func @weight_whose_resource_is_absent_stays
//       CHECK:   stamp.quantize_weight
func.func @weight_whose_resource_is_absent_stays(%eq: tensor<2x1xi8>, %es: tensor<1xf32>, %ec: tensor<1xi32>)
    -> tensor<2x1xi8> {
  %w = arith.constant dense_resource<absent> : tensor<2x1xf32>
  %q:3 = stamp.quantize_weight bits = 4 over 0
    ins(%w : tensor<2x1xf32>) outs(%eq, %es, %ec : tensor<2x1xi8>, tensor<1xf32>, tensor<1xi32>)
  return %q#0 : tensor<2x1xi8>
}

// -----

//===----------------------------------------------------------------------===//
// Feature transforms
//===----------------------------------------------------------------------===//

// R = I where a number of features does not suit.
// CHECK-LABEL: func @features_that_do_not_fit
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<?x12xf32>,
//   CHECK-NOT:   stamp
//       CHECK:   return %[[X]], %[[X]], %[[X]]
func.func @features_that_do_not_fit(%x: tensor<?x12xf32>, %e: tensor<?x12xf32>)
    -> (tensor<?x12xf32>, tensor<?x12xf32>, tensor<?x12xf32>) {
  %0 = stamp.feature_transform #stamp.hadamard over 1 ins(%x : tensor<?x12xf32>) outs(%e : tensor<?x12xf32>)
  %1 = stamp.inverse_feature_transform #stamp.scale<dense<2.0> : tensor<11xf32>> left over 1 ins(%x : tensor<?x12xf32>) outs(%e : tensor<?x12xf32>)
  %2 = stamp.feature_transform #stamp.matrix<dense<1.0> : tensor<1x1xf32>> over 1 ins(%x : tensor<?x12xf32>) outs(%e : tensor<?x12xf32>)
  return %0, %1, %2 : tensor<?x12xf32>, tensor<?x12xf32>, tensor<?x12xf32>
}

// CHECK-LABEL: func @features_that_fit_or_may_fit_stay
//       CHECK:   stamp.feature_transform #stamp.hadamard<order = 3>
//       CHECK:   stamp.feature_transform #stamp.hadamard over 0
//       CHECK:   stamp.feature_transform #stamp.hadamard over 1 {{.*}} outs(%{{.*}} : tensor<?x12xf16>)
func.func @features_that_fit_or_may_fit_stay(%x: tensor<?x12xf32>, %e: tensor<?x12xf32>, %h: tensor<?x12xf16>)
    -> (tensor<?x12xf32>, tensor<?x12xf32>, tensor<?x12xf16>) {
  %0 = stamp.feature_transform #stamp.hadamard<order = 3> over 1 ins(%x : tensor<?x12xf32>) outs(%e : tensor<?x12xf32>)
  %1 = stamp.feature_transform #stamp.hadamard over 0 ins(%x : tensor<?x12xf32>) outs(%e : tensor<?x12xf32>)
  %2 = stamp.feature_transform #stamp.hadamard over 1 ins(%x : tensor<?x12xf32>) outs(%h : tensor<?x12xf16>)
  return %0, %1, %2 : tensor<?x12xf32>, tensor<?x12xf32>, tensor<?x12xf16>
}

// -----

// R⁻¹·W folds with its quantizer, never into a float constant: (8, 6)/½ is
// (16, 12), and (28, 4)/√2 = (7, 1)·2√2 after the butterfly.
// CHECK-LABEL: func @transformed_weight
//   CHECK-NOT:   stamp
//   CHECK-DAG:   dense<{{\[}}[7], [1]]> : tensor<2x1xi8>
//   CHECK-DAG:   dense<2.82842708> : tensor<1xf32>
//   CHECK-DAG:   dense<8> : tensor<1xi32>
//   CHECK-NOT:   tensor<2x1xf32>
//       CHECK:   return
func.func @transformed_weight(%eq: tensor<2x1xi8>, %es: tensor<1xf32>, %ec: tensor<1xi32>)
    -> (tensor<2x1xi8>, tensor<1xf32>, tensor<1xi32>) {
  %w = arith.constant dense<[[8.0], [6.0]]> : tensor<2x1xf16>
  %e = tensor.empty() : tensor<2x1xf32>
  %s = stamp.inverse_feature_transform #stamp.scale<dense<0.5> : tensor<2xf32>> left over 0
         ins(%w : tensor<2x1xf16>) outs(%e : tensor<2x1xf32>)
  %v = stamp.inverse_feature_transform #stamp.hadamard left over 0 ins(%s : tensor<2x1xf32>) outs(%e : tensor<2x1xf32>)
  %q:3 = stamp.quantize_weight bits = 4 over 0
    ins(%v : tensor<2x1xf32>) outs(%eq, %es, %ec : tensor<2x1xi8>, tensor<1xf32>, tensor<1xi32>)
  return %q#0, %q#1, %q#2 : tensor<2x1xi8>, tensor<1xf32>, tensor<1xi32>
}

// -----

// A constant that nobody quantizes is left to run time, and so is a narrow one.
// CHECK-LABEL: func @transformed_constants_that_stay
//       CHECK:   stamp.feature_transform
//       CHECK:   stamp.feature_transform {{.*}} outs(%{{.*}} : tensor<2x1xf16>)
//       CHECK:   stamp.quantize_weight
func.func @transformed_constants_that_stay(%e: tensor<2x1xf32>, %h: tensor<2x1xf16>, %eq: tensor<2x1xi8>, %es: tensor<1xf32>,
                                           %ec: tensor<1xi32>) -> (tensor<2x1xf32>, tensor<2x1xi8>) {
  %w = arith.constant dense<[[8.0], [6.0]]> : tensor<2x1xf32>
  %0 = stamp.feature_transform #stamp.hadamard left over 0 ins(%w : tensor<2x1xf32>) outs(%e : tensor<2x1xf32>)
  %v = stamp.feature_transform #stamp.hadamard left over 0 ins(%w : tensor<2x1xf32>) outs(%h : tensor<2x1xf16>)
  %q:3 = stamp.quantize_weight bits = 4 over 0
    ins(%v : tensor<2x1xf16>) outs(%eq, %es, %ec : tensor<2x1xi8>, tensor<1xf32>, tensor<1xi32>)
  return %0, %q#0 : tensor<2x1xf32>, tensor<2x1xi8>
}

// -----

//===----------------------------------------------------------------------===//
// Packed storage
//===----------------------------------------------------------------------===//

// Low nibble first, two's complement; the odd last code is alone in its byte.
// Of 100 = 0x64 and −128 the 4-bit rows keep the low bits, the 8-bit row all.
// CHECK-LABEL: func @pack_constant
//   CHECK-DAG:   %[[WHOLE:.*]] = arith.constant dense<{{\[\[}}1, -2, 100]]> : tensor<1x3xi8>
//   CHECK-DAG:   %[[HALVES:.*]] = arith.constant dense<{{\[\[}}-31, 4], [-121, 0]]> : tensor<2x2xi8>
//       CHECK:   return %[[WHOLE]], %[[HALVES]]
func.func @pack_constant(%a: tensor<1x3xi8>, %b: tensor<2x2xi8>) -> (tensor<1x3xi8>, tensor<2x2xi8>) {
  %q = arith.constant dense<[[1, -2, 100], [1, -2, 100], [7, -8, -128]]> : tensor<3x3xi8>
  %p:2 = stamp.pack #stamp.schedule<[1 : 8], 4> along 0 over 1
      ins(%q : tensor<3x3xi8>) outs(%a, %b : tensor<1x3xi8>, tensor<2x2xi8>)
  return %p#0, %p#1 : tensor<1x3xi8>, tensor<2x2xi8>
}

// −1 in all four fields; the three left of five codes stay 0.
// CHECK-LABEL: func @pack_splat
//       CHECK:   arith.constant dense<{{\[\[}}-1, -1], [3, 3]]> : tensor<2x2xi8>
func.func @pack_splat(%e: tensor<2x2xi8>) -> tensor<2x2xi8> {
  %q = arith.constant dense<-1> : tensor<5x2xi8>
  %p = stamp.pack #stamp.schedule<[], 2> along 1 over 0 ins(%q : tensor<5x2xi8>) outs(%e : tensor<2x2xi8>)
  return %p : tensor<2x2xi8>
}

// A program holds a packed constant packed.
// CHECK-LABEL: func @unpack_constant_stays
//       CHECK:   stamp.unpack
func.func @unpack_constant_stays(%e: tensor<2x2xi8>) -> tensor<2x2xi8> {
  %p = arith.constant dense<[[33], [33]]> : tensor<2x1xi8>
  %q = stamp.unpack #stamp.schedule<[], 4> along 0 over 1 ins(%p : tensor<2x1xi8>) outs(%e : tensor<2x2xi8>)
  return %q : tensor<2x2xi8>
}

// -----

// What a quantizer made comes back from its own widths as it was.
// CHECK-LABEL: func @unpack_of_packed_codes
//       CHECK:   %[[Q:.*]], %{{.*}}, %{{.*}} = stamp.quantize
//       CHECK:   return %[[Q]]
func.func @unpack_of_packed_codes(%x: tensor<8x4xf32>, %eq: tensor<8x4xi8>, %es: tensor<8xf32>, %ez: tensor<8xi32>,
                                  %a: tensor<2x4xi8>, %b: tensor<6x2xi8>) -> tensor<8x4xi8> {
  %q:3 = stamp.quantize #stamp.schedule<[2 : 8], 4> along 0 over 1
      ins(%x : tensor<8x4xf32>) outs(%eq, %es, %ez : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>)
  %p:2 = stamp.pack #stamp.schedule<[2 : 8], 4> along 0 over 1
      ins(%q#0 : tensor<8x4xi8>) outs(%a, %b : tensor<2x4xi8>, tensor<6x2xi8>)
  %u = stamp.unpack #stamp.schedule<[2 : 8], 4> along 0 over 1
      ins(%p#0, %p#1 : tensor<2x4xi8>, tensor<6x2xi8>) outs(%eq : tensor<8x4xi8>)
  return %u : tensor<8x4xi8>
}

// CHECK-LABEL: func @unpack_of_a_packed_weight
//       CHECK:   %[[Q:.*]], %{{.*}}, %{{.*}} = stamp.quantize_weight
//       CHECK:   return %[[Q]]
func.func @unpack_of_a_packed_weight(%w: tensor<8x4xf32>, %eq: tensor<8x4xi8>, %es: tensor<4xf32>, %ec: tensor<4xi32>,
                                     %a: tensor<4x4xi8>) -> tensor<8x4xi8> {
  %q:3 = stamp.quantize_weight bits = 4 over 0
      ins(%w : tensor<8x4xf32>) outs(%eq, %es, %ec : tensor<8x4xi8>, tensor<4xf32>, tensor<4xi32>)
  %p = stamp.pack #stamp.schedule<[], 4> along 1 over 0 ins(%q#0 : tensor<8x4xi8>) outs(%a : tensor<4x4xi8>)
  %u = stamp.unpack #stamp.schedule<[], 4> along 1 over 0 ins(%p : tensor<4x4xi8>) outs(%eq : tensor<8x4xi8>)
  return %u : tensor<8x4xi8>
}

// A byte each holds any code.
// CHECK-LABEL: func @unpack_of_whole_bytes
//  CHECK-SAME:   (%[[Q:[^:]*]]: tensor<8x4xi8>
//       CHECK:   return %[[Q]]
func.func @unpack_of_whole_bytes(%q: tensor<8x4xi8>, %e: tensor<8x4xi8>) -> tensor<8x4xi8> {
  %p = stamp.pack #stamp.schedule<[], 5> along 1 over 0 ins(%q : tensor<8x4xi8>) outs(%e : tensor<8x4xi8>)
  %u = stamp.unpack #stamp.schedule<[], 5> along 1 over 0 ins(%p : tensor<8x4xi8>) outs(%e : tensor<8x4xi8>)
  return %u : tensor<8x4xi8>
}

// -----

// Codes of unknown origin may lose bits.
// CHECK-LABEL: func @unpack_of_any_codes_stays
//       CHECK:   stamp.unpack
func.func @unpack_of_any_codes_stays(%q: tensor<8x4xi8>, %a: tensor<8x2xi8>) -> tensor<8x4xi8> {
  %p = stamp.pack #stamp.schedule<[], 4> along 0 over 1 ins(%q : tensor<8x4xi8>) outs(%a : tensor<8x2xi8>)
  %u = stamp.unpack #stamp.schedule<[], 4> along 0 over 1 ins(%p : tensor<8x2xi8>) outs(%q : tensor<8x4xi8>)
  return %u : tensor<8x4xi8>
}

// So may those of sequences whose lengths put the widths elsewhere…
// CHECK-LABEL: func @unpack_of_padded_codes_stays
//       CHECK:   stamp.unpack
func.func @unpack_of_padded_codes_stays(%x: tensor<2x8x4xf32>, %n: tensor<2xi64>, %eq: tensor<2x8x4xi8>, %es: tensor<2x8xf32>,
                                        %ez: tensor<2x8xi32>, %a: tensor<2x2x4xi8>, %b: tensor<2x6x2xi8>) -> tensor<2x8x4xi8> {
  %q:3 = stamp.quantize #stamp.schedule<[2 : 8], 4> along 1 over 2 lengths(%n : tensor<2xi64>)
      ins(%x : tensor<2x8x4xf32>) outs(%eq, %es, %ez : tensor<2x8x4xi8>, tensor<2x8xf32>, tensor<2x8xi32>)
  %p:2 = stamp.pack #stamp.schedule<[2 : 8], 4> along 1 over 2
      ins(%q#0 : tensor<2x8x4xi8>) outs(%a, %b : tensor<2x2x4xi8>, tensor<2x6x2xi8>)
  %u = stamp.unpack #stamp.schedule<[2 : 8], 4> along 1 over 2
      ins(%p#0, %p#1 : tensor<2x2x4xi8>, tensor<2x6x2xi8>) outs(%eq : tensor<2x8x4xi8>)
  return %u : tensor<2x8x4xi8>
}

// …and the parts in another order are other codes.
// CHECK-LABEL: func @unpack_of_swapped_parts_stays
//       CHECK:   stamp.unpack
func.func @unpack_of_swapped_parts_stays(%q: tensor<4x4xi8>, %a: tensor<2x4xi8>) -> tensor<4x4xi8> {
  %p:2 = stamp.pack #stamp.schedule<[2 : 8], 8> along 0 over 1
      ins(%q : tensor<4x4xi8>) outs(%a, %a : tensor<2x4xi8>, tensor<2x4xi8>)
  %u = stamp.unpack #stamp.schedule<[2 : 8], 8> along 0 over 1
      ins(%p#1, %p#0 : tensor<2x4xi8>, tensor<2x4xi8>) outs(%q : tensor<4x4xi8>)
  return %u : tensor<4x4xi8>
}
