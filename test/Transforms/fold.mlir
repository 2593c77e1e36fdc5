// RUN: stamp-opt %s --stamp-fold | FileCheck %s
// What is folded stays as it is:
// RUN: stamp-opt %s --stamp-fold -o %t
// RUN: stamp-opt %t --stamp-fold | diff %t -
// and every function computes what it did:
// RUN: stamp-validate %s | FileCheck %s --check-prefix=VALID
// VALID: {{^[0-9]+}} agree, 0 differ, 0 not run

#id = affine_map<(i, j) -> (i, j)>
#channel = affine_map<(i, j) -> (j)>
#token = affine_map<(i, j) -> (i)>
#scalar = affine_map<(i, j) -> ()>

//===----------------------------------------------------------------------===//
// Rule 2: L·L⁻¹ = id
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @forward_of_inverse_cancels
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<?x8xf32>,
//       CHECK:   return %[[X]]
func.func @forward_of_inverse_cancels(%x: tensor<?x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %i = stamp.inverse_transform #stamp.haar<levels = 4, skip = 1> along 0 ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
  %t = stamp.transform #stamp.haar<levels = 4, skip = 1> along 0 ins(%i : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
  return %t : tensor<?x8xf32>
}

// CHECK-LABEL: func @inverse_of_forward_cancels
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<4x8x2xf32>,
//       CHECK:   return %[[X]]
func.func @inverse_of_forward_cancels(%x: tensor<4x8x2xf32>, %e: tensor<4x8x2xf32>) -> tensor<4x8x2xf32> {
  %t = stamp.transform #stamp.wht along 1 ins(%x : tensor<4x8x2xf32>) outs(%e : tensor<4x8x2xf32>)
  %i = stamp.inverse_transform #stamp.wht along 1 ins(%t : tensor<4x8x2xf32>) outs(%e : tensor<4x8x2xf32>)
  return %i : tensor<4x8x2xf32>
}

// A pair may cancel for one reader of the inverse, and stay for the other.
// CHECK-LABEL: func @pair_with_another_reader
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<16x8xf32>,
//       CHECK:   %[[I:.*]] = stamp.inverse_transform
//       CHECK:   return %[[I]], %[[X]]
func.func @pair_with_another_reader(%x: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> (tensor<16x8xf32>, tensor<16x8xf32>) {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %t = stamp.transform #stamp.dct along 0 ins(%i : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  return %i, %t : tensor<16x8xf32>, tensor<16x8xf32>
}

// CHECK-LABEL: func @other_basis_does_not_cancel
//       CHECK:   stamp.inverse_transform
//       CHECK:   stamp.transform
func.func @other_basis_does_not_cancel(%x: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %i = stamp.inverse_transform #stamp.haar<levels = 3> along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %t = stamp.transform #stamp.haar<levels = 4> along 0 ins(%i : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  return %t : tensor<16x8xf32>
}

// CHECK-LABEL: func @other_dimension_does_not_cancel
//       CHECK:   stamp.inverse_transform
//       CHECK:   stamp.transform
func.func @other_dimension_does_not_cancel(%x: tensor<8x8xf32>, %e: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>)
  %t = stamp.transform #stamp.dct along 1 ins(%i : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>)
  return %t : tensor<8x8xf32>
}

// CHECK-LABEL: func @other_type_does_not_cancel
//       CHECK:   stamp.inverse_transform
//       CHECK:   stamp.transform
func.func @other_type_does_not_cancel(%x: tensor<16x8xf32>, %e: tensor<16x8xf16>) -> tensor<16x8xf16> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf16>)
  %t = stamp.transform #stamp.dct along 0 ins(%i : tensor<16x8xf16>) outs(%e : tensor<16x8xf16>)
  return %t : tensor<16x8xf16>
}

// CHECK-LABEL: func @twice_forward_does_not_cancel
// CHECK-COUNT-2: stamp.transform
func.func @twice_forward_does_not_cancel(%x: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %s = stamp.transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %t = stamp.transform #stamp.dct along 0 ins(%s : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  return %t : tensor<16x8xf32>
}

// CHECK-LABEL: func @not_across_an_activation
//       CHECK:   stamp.inverse_transform
//       CHECK:   linalg.exp
//       CHECK:   stamp.transform
func.func @not_across_an_activation(%x: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %a = linalg.exp ins(%i : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) -> tensor<16x8xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%a : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  return %t : tensor<16x8xf32>
}

//===----------------------------------------------------------------------===//
// Rule 1: inverse transforms sink through float contractions
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @inverse_sinks
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<16x8xf32>, %[[W:[^:]*]]: tensor<8x4xf32>,
//       CHECK:   %[[M:.*]] = linalg.matmul ins(%[[X]], %[[W]] :
//       CHECK:   %[[I:.*]] = stamp.inverse_transform #stamp.dct along 0 ins(%[[M]] : tensor<16x4xf32>)
//       CHECK:   return %[[I]]
func.func @inverse_sinks(%x: tensor<16x8xf32>, %w: tensor<8x4xf32>, %e: tensor<16x8xf32>) -> tensor<16x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x4xf32>
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.matmul ins(%i, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<16x4xf32>) -> tensor<16x4xf32>
  return %y : tensor<16x4xf32>
}

// CHECK-LABEL: func @inverse_sinks_in_a_batch_of_any_length
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<2x?x8xf32>, %[[W:[^:]*]]:
//       CHECK:   %[[M:.*]] = linalg.batch_matmul ins(%[[X]], %[[W]] :
//       CHECK:   stamp.inverse_transform #stamp.dct along 1 ins(%[[M]] : tensor<2x?x4xf32>)
func.func @inverse_sinks_in_a_batch_of_any_length(%x: tensor<2x?x8xf32>, %w: tensor<2x8x4xf32>, %e: tensor<2x?x8xf32>, %f: tensor<2x?x4xf32>) -> tensor<2x?x4xf32> {
  %c0 = arith.constant 0.0 : f32
  %zero = linalg.fill ins(%c0 : f32) outs(%f : tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
  %i = stamp.inverse_transform #stamp.dct along 1 ins(%x : tensor<2x?x8xf32>) outs(%e : tensor<2x?x8xf32>)
  %y = linalg.batch_matmul ins(%i, %w : tensor<2x?x8xf32>, tensor<2x8x4xf32>) outs(%zero : tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
  return %y : tensor<2x?x4xf32>
}

// The sequence comes in as dimension 0 and goes out as dimension 1.
// CHECK-LABEL: func @inverse_sinks_through_a_transposing_contraction
//  CHECK-SAME:   (%[[X:[^:]*]]:
//       CHECK:   %[[M:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %[[X]] :
//       CHECK:   stamp.inverse_transform #stamp.dct along 1 ins(%[[M]] : tensor<4x16xf32>)
func.func @inverse_sinks_through_a_transposing_contraction(%x: tensor<16x8xf32>, %w: tensor<4x8xf32>, %e: tensor<16x8xf32>) -> tensor<4x16xf32> {
  %zero = arith.constant dense<0.0> : tensor<4x16xf32>
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.generic {indexing_maps = [affine_map<(n, s, k) -> (n, k)>, affine_map<(n, s, k) -> (s, k)>, affine_map<(n, s, k) -> (n, s)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%w, %i : tensor<4x8xf32>, tensor<16x8xf32>) outs(%zero : tensor<4x16xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}

// CHECK-LABEL: func @inverse_does_not_sink_into_wider_tokens
//       CHECK:   stamp.inverse_transform
//       CHECK:   linalg.matmul
func.func @inverse_does_not_sink_into_wider_tokens(%x: tensor<16x8xf32>, %w: tensor<8x9xf32>, %e: tensor<16x8xf32>) -> tensor<16x9xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x9xf32>
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.matmul ins(%i, %w : tensor<16x8xf32>, tensor<8x9xf32>) outs(%zero : tensor<16x9xf32>) -> tensor<16x9xf32>
  return %y : tensor<16x9xf32>
}

// …unless it cancels there, maybe behind a bias that goes under it.
// CHECK-LABEL: func @inverse_sinks_where_it_cancels
//   CHECK-NOT:   transform
//       CHECK:   linalg.matmul
//   CHECK-NOT:   transform
//       CHECK:   return
func.func @inverse_sinks_where_it_cancels(%x: tensor<16x8xf32>, %w: tensor<8x9xf32>, %b: tensor<9xf32>, %e: tensor<16x8xf32>, %f: tensor<16x9xf32>) -> tensor<16x9xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x9xf32>
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %m = linalg.matmul ins(%i, %w : tensor<16x8xf32>, tensor<8x9xf32>) outs(%zero : tensor<16x9xf32>) -> tensor<16x9xf32>
  %s = linalg.generic {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel"]}
      ins(%m, %b : tensor<16x9xf32>, tensor<9xf32>) outs(%f : tensor<16x9xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %v = arith.addf %p, %q : f32
    linalg.yield %v : f32
  } -> tensor<16x9xf32>
  %t = stamp.transform #stamp.wht along 0 ins(%s : tensor<16x9xf32>) outs(%f : tensor<16x9xf32>)
  return %t : tensor<16x9xf32>
}

// An activation would not let it through.
// CHECK-LABEL: func @inverse_does_not_sink_towards_an_activation
//       CHECK:   stamp.inverse_transform {{.*}} ins(%{{.*}} : tensor<16x8xf32>)
//       CHECK:   linalg.matmul
//       CHECK:   linalg.exp
//       CHECK:   stamp.transform
func.func @inverse_does_not_sink_towards_an_activation(%x: tensor<16x8xf32>, %w: tensor<8x9xf32>, %e: tensor<16x8xf32>, %f: tensor<16x9xf32>) -> tensor<16x9xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x9xf32>
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %m = linalg.matmul ins(%i, %w : tensor<16x8xf32>, tensor<8x9xf32>) outs(%zero : tensor<16x9xf32>) -> tensor<16x9xf32>
  %a = linalg.exp ins(%m : tensor<16x9xf32>) outs(%f : tensor<16x9xf32>) -> tensor<16x9xf32>
  %t = stamp.transform #stamp.wht along 0 ins(%a : tensor<16x9xf32>) outs(%f : tensor<16x9xf32>)
  return %t : tensor<16x9xf32>
}

// CHECK-LABEL: func @inverse_with_several_uses_does_not_sink
//       CHECK:   %[[I:.*]] = stamp.inverse_transform
//       CHECK:   linalg.matmul ins(%[[I]],
func.func @inverse_with_several_uses_does_not_sink(%x: tensor<16x8xf32>, %w: tensor<8x4xf32>, %e: tensor<16x8xf32>) -> (tensor<16x8xf32>, tensor<16x4xf32>) {
  %zero = arith.constant dense<0.0> : tensor<16x4xf32>
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.matmul ins(%i, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%zero : tensor<16x4xf32>) -> tensor<16x4xf32>
  return %i, %y : tensor<16x8xf32>, tensor<16x4xf32>
}

// CHECK-LABEL: func @inverse_does_not_sink_through_a_sum_with_an_init
//       CHECK:   %[[I:.*]] = stamp.inverse_transform
//       CHECK:   linalg.matmul ins(%[[I]],
func.func @inverse_does_not_sink_through_a_sum_with_an_init(%x: tensor<16x8xf32>, %w: tensor<8x4xf32>, %c: tensor<16x4xf32>, %e: tensor<16x8xf32>) -> tensor<16x4xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.matmul ins(%i, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%c : tensor<16x4xf32>) -> tensor<16x4xf32>
  return %y : tensor<16x4xf32>
}

// An inverse may also be the init itself.
// CHECK-LABEL: func @inverse_as_an_init_stays
//       CHECK:   %[[I:.*]] = stamp.inverse_transform
//       CHECK:   linalg.matmul {{.*}} outs(%[[I]] :
func.func @inverse_as_an_init_stays(%x: tensor<16x8xf32>, %w: tensor<8x4xf32>, %c: tensor<16x4xf32>, %e: tensor<16x4xf32>) -> tensor<16x4xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%c : tensor<16x4xf32>) outs(%e : tensor<16x4xf32>)
  %y = linalg.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%i : tensor<16x4xf32>) -> tensor<16x4xf32>
  return %y : tensor<16x4xf32>
}

// Attention: P·V contracts the tokens of V.
// CHECK-LABEL: func @inverse_does_not_sink_through_its_own_sequence
//       CHECK:   %[[I:.*]] = stamp.inverse_transform
//       CHECK:   linalg.matmul ins(%{{.*}}, %[[I]] :
func.func @inverse_does_not_sink_through_its_own_sequence(%v: tensor<16x8xf32>, %p: tensor<16x16xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x8xf32>
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%v : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.matmul ins(%p, %i : tensor<16x16xf32>, tensor<16x8xf32>) outs(%zero : tensor<16x8xf32>) -> tensor<16x8xf32>
  return %y : tensor<16x8xf32>
}

// Along the batch both operands carry the sequence.
// CHECK-LABEL: func @inverse_along_the_batch_does_not_sink
//       CHECK:   %[[I:.*]] = stamp.inverse_transform
//       CHECK:   linalg.batch_matmul ins(%[[I]],
func.func @inverse_along_the_batch_does_not_sink(%x: tensor<16x2x8xf32>, %w: tensor<16x8x4xf32>, %e: tensor<16x2x8xf32>) -> tensor<16x2x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x2x4xf32>
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x2x8xf32>) outs(%e : tensor<16x2x8xf32>)
  %y = linalg.batch_matmul ins(%i, %w : tensor<16x2x8xf32>, tensor<16x8x4xf32>) outs(%zero : tensor<16x2x4xf32>) -> tensor<16x2x4xf32>
  return %y : tensor<16x2x4xf32>
}

// A vector over the tokens has no features left to transform.
// CHECK-LABEL: func @inverse_does_not_sink_through_a_vector_product
//       CHECK:   %[[I:.*]] = stamp.inverse_transform
//       CHECK:   linalg.matvec ins(%[[I]],
func.func @inverse_does_not_sink_through_a_vector_product(%x: tensor<16x8xf32>, %v: tensor<8xf32>, %e: tensor<16x8xf32>) -> tensor<16xf32> {
  %zero = arith.constant dense<0.0> : tensor<16xf32>
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %y = linalg.matvec ins(%i, %v : tensor<16x8xf32>, tensor<8xf32>) outs(%zero : tensor<16xf32>) -> tensor<16xf32>
  return %y : tensor<16xf32>
}

// CHECK-LABEL: func @inverse_does_not_sink_into_a_loop
//       CHECK:   stamp.inverse_transform
//       CHECK:   scf.for
//       CHECK:     linalg.matmul
func.func @inverse_does_not_sink_into_a_loop(%x: tensor<16x8xf32>, %w: tensor<8x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %zero = arith.constant dense<0.0> : tensor<16x8xf32>
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %r = scf.for %k = %c0 to %c3 step %c1 iter_args(%a = %e) -> tensor<16x8xf32> {
    %m = linalg.matmul ins(%i, %w : tensor<16x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<16x8xf32>) -> tensor<16x8xf32>
    %s = linalg.add ins(%a, %m : tensor<16x8xf32>, tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) -> tensor<16x8xf32>
    scf.yield %s : tensor<16x8xf32>
  }
  return %r : tensor<16x8xf32>
}

//===----------------------------------------------------------------------===//
// Rule 1: forward transforms rise
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @transform_rises_to_narrower_tokens
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<16x4xf32>, %[[W:[^:]*]]: tensor<4x8xf32>,
//       CHECK:   %[[T:.*]] = stamp.transform #stamp.dct along 0 ins(%[[X]] : tensor<16x4xf32>)
//       CHECK:   %[[M:.*]] = linalg.matmul ins(%[[T]], %[[W]] :
//       CHECK:   return %[[M]]
func.func @transform_rises_to_narrower_tokens(%x: tensor<16x4xf32>, %w: tensor<4x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x8xf32>
  %m = linalg.matmul ins(%x, %w : tensor<16x4xf32>, tensor<4x8xf32>) outs(%zero : tensor<16x8xf32>) -> tensor<16x8xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%m : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  return %t : tensor<16x8xf32>
}

// CHECK-LABEL: func @transform_does_not_rise_to_equal_tokens
//       CHECK:   linalg.matmul
//       CHECK:   stamp.transform
func.func @transform_does_not_rise_to_equal_tokens(%x: tensor<16x8xf32>, %w: tensor<8x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x8xf32>
  %m = linalg.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<16x8xf32>) -> tensor<16x8xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%m : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  return %t : tensor<16x8xf32>
}

// CHECK-LABEL: func @transform_does_not_rise_above_another_reader
//       CHECK:   linalg.matmul
//       CHECK:   stamp.transform
func.func @transform_does_not_rise_above_another_reader(%x: tensor<16x4xf32>, %w: tensor<4x8xf32>, %e: tensor<16x8xf32>) -> (tensor<16x8xf32>, tensor<16x8xf32>) {
  %zero = arith.constant dense<0.0> : tensor<16x8xf32>
  %m = linalg.matmul ins(%x, %w : tensor<16x4xf32>, tensor<4x8xf32>) outs(%zero : tensor<16x8xf32>) -> tensor<16x8xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%m : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  return %m, %t : tensor<16x8xf32>, tensor<16x8xf32>
}

// CHECK-LABEL: func @transform_does_not_rise_through_a_sum_with_an_init
//       CHECK:   linalg.matmul
//       CHECK:   stamp.transform
func.func @transform_does_not_rise_through_a_sum_with_an_init(%x: tensor<16x4xf32>, %w: tensor<4x8xf32>, %c: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %m = linalg.matmul ins(%x, %w : tensor<16x4xf32>, tensor<4x8xf32>) outs(%c : tensor<16x8xf32>) -> tensor<16x8xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%m : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  return %t : tensor<16x8xf32>
}

//===----------------------------------------------------------------------===//
// Rule 3: L⁻¹(A) + 1bᵀ = L⁻¹(A + (L·1)bᵀ)
//===----------------------------------------------------------------------===//

// The WHT of four ones is (2, 0, 0, 0); the skipped token keeps its 1.
// CHECK-LABEL: func @bias_goes_into_the_rescale
//  CHECK-SAME:   %[[B:[^:]*]]: tensor<4xf32>)
//       CHECK:   %[[L:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00]> : tensor<5xf32>
//       CHECK:   %[[R:.*]] = stamp.rescale {{.*}} bias(%[[B]] : tensor<4xf32>) spread(%[[L]] : tensor<5xf32>)
//       CHECK:   %[[I:.*]] = stamp.inverse_transform #stamp.wht<skip = 1> along 0 ins(%[[R]]
//       CHECK:   return %[[I]]
func.func @bias_goes_into_the_rescale(%acc: tensor<5x4xi32>, %sx: tensor<5xf32>, %zx: tensor<5xi32>, %sw: tensor<4xf32>, %c: tensor<4xi32>,
                                      %e: tensor<5x4xf32>, %b: tensor<4xf32>) -> tensor<5x4xf32> {
  %r = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<5x4xi32>, tensor<5xf32>, tensor<5xi32>, tensor<4xf32>, tensor<4xi32>) outs(%e : tensor<5x4xf32>)
  %i = stamp.inverse_transform #stamp.wht<skip = 1> along 0 ins(%r : tensor<5x4xf32>) outs(%e : tensor<5x4xf32>)
  %y = linalg.generic {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel"]}
      ins(%i, %b : tensor<5x4xf32>, tensor<4xf32>) outs(%e : tensor<5x4xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %v = arith.addf %p, %q : f32
    linalg.yield %v : f32
  } -> tensor<5x4xf32>
  return %y : tensor<5x4xf32>
}

// The sides of a sum may be swapped, and the bias broadcast by an op of its own.
// CHECK-LABEL: func @broadcast_bias_goes_into_the_rescale
//  CHECK-SAME:   %[[B:[^:]*]]: tensor<4xf32>)
//   CHECK-NOT:   linalg.broadcast
//       CHECK:   stamp.rescale {{.*}} bias(%[[B]] : tensor<4xf32>) spread(
//   CHECK-NOT:   linalg.add
//       CHECK:   return
func.func @broadcast_bias_goes_into_the_rescale(%acc: tensor<5x4xi32>, %sx: tensor<5xf32>, %zx: tensor<5xi32>, %sw: tensor<4xf32>, %c: tensor<4xi32>,
                                                %e: tensor<5x4xf32>, %b: tensor<4xf32>) -> tensor<5x4xf32> {
  %r = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<5x4xi32>, tensor<5xf32>, tensor<5xi32>, tensor<4xf32>, tensor<4xi32>) outs(%e : tensor<5x4xf32>)
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%r : tensor<5x4xf32>) outs(%e : tensor<5x4xf32>)
  %d = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<5x4xf32>) dimensions = [0]
  %y = linalg.add ins(%d, %i : tensor<5x4xf32>, tensor<5x4xf32>) outs(%e : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %y : tensor<5x4xf32>
}

// A bias per batch: all of the accumulators' dimensions but the tokens'.
// CHECK-LABEL: func @bias_per_batch_goes_into_the_rescale
//       CHECK:   stamp.rescale {{.*}} bias(%{{.*}} : tensor<2x4xf32>) spread(%{{.*}} : tensor<5xf32>)
//   CHECK-NOT:   linalg.generic
//       CHECK:   return
func.func @bias_per_batch_goes_into_the_rescale(%acc: tensor<2x5x4xi32>, %sx: tensor<2x5xf32>, %zx: tensor<2x5xi32>, %sw: tensor<2x4xf32>, %c: tensor<2x4xi32>,
                                                %e: tensor<2x5x4xf32>, %b: tensor<2x4xf32>) -> tensor<2x5x4xf32> {
  %r = stamp.rescale along 1 over 2
      ins(%acc, %sx, %zx, %sw, %c : tensor<2x5x4xi32>, tensor<2x5xf32>, tensor<2x5xi32>, tensor<2x4xf32>, tensor<2x4xi32>) outs(%e : tensor<2x5x4xf32>)
  %i = stamp.inverse_transform #stamp.wht along 1 ins(%r : tensor<2x5x4xf32>) outs(%e : tensor<2x5x4xf32>)
  %y = linalg.generic {indexing_maps = [affine_map<(b, s, n) -> (b, s, n)>, affine_map<(b, s, n) -> (b, n)>, affine_map<(b, s, n) -> (b, s, n)>],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%i, %b : tensor<2x5x4xf32>, tensor<2x4xf32>) outs(%e : tensor<2x5x4xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %v = arith.addf %p, %q : f32
    linalg.yield %v : f32
  } -> tensor<2x5x4xf32>
  return %y : tensor<2x5x4xf32>
}

// A second bias finds the first one's place taken.
// CHECK-LABEL: func @second_bias_is_added_beside
//  CHECK-SAME:   %[[B:[^:]*]]: tensor<4xf32>, %[[C:[^:]*]]: tensor<4xf32>)
//       CHECK:   %[[R:.*]] = stamp.rescale {{.*}} bias(%[[B]] : tensor<4xf32>) spread(%[[L:.*]] : tensor<5xf32>)
//       CHECK:   %[[S:.*]] = linalg.generic {{.*}} ins(%[[R]], %[[C]], %[[L]] :
//       CHECK:   stamp.inverse_transform {{.*}} ins(%[[S]] :
func.func @second_bias_is_added_beside(%acc: tensor<5x4xi32>, %sx: tensor<5xf32>, %zx: tensor<5xi32>, %sw: tensor<4xf32>, %c: tensor<4xi32>,
                                       %e: tensor<5x4xf32>, %b: tensor<4xf32>, %b2: tensor<4xf32>) -> tensor<5x4xf32> {
  %r = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<5x4xi32>, tensor<5xf32>, tensor<5xi32>, tensor<4xf32>, tensor<4xi32>) outs(%e : tensor<5x4xf32>)
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%r : tensor<5x4xf32>) outs(%e : tensor<5x4xf32>)
  %d = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<5x4xf32>) dimensions = [0]
  %y = linalg.add ins(%i, %d : tensor<5x4xf32>, tensor<5x4xf32>) outs(%e : tensor<5x4xf32>) -> tensor<5x4xf32>
  %d2 = linalg.broadcast ins(%b2 : tensor<4xf32>) outs(%e : tensor<5x4xf32>) dimensions = [0]
  %y2 = linalg.add ins(%y, %d2 : tensor<5x4xf32>, tensor<5x4xf32>) outs(%e : tensor<5x4xf32>) -> tensor<5x4xf32>
  return %y2 : tensor<5x4xf32>
}

// CHECK-LABEL: func @bias_goes_under_an_inverse_of_floats
//  CHECK-SAME:   (%[[A:[^:]*]]: tensor<4x2xf32>, %[[B:[^:]*]]: tensor<2xf32>,
//       CHECK:   %[[L:.*]] = arith.constant dense<[2.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00]> : tensor<4xf32>
//       CHECK:   %[[S:.*]] = linalg.generic {{.*}} ins(%[[B]], %[[A]], %[[L]] : tensor<2xf32>, tensor<4x2xf32>, tensor<4xf32>)
//       CHECK:   ^bb0(%[[PB:.*]]: f32, %[[PA:.*]]: f32, %[[PL:.*]]: f32, %{{.*}}: f32):
//       CHECK:     %[[M:.*]] = arith.mulf %[[PL]], %[[PB]] : f32
//       CHECK:     arith.addf %[[M]], %[[PA]] : f32
//       CHECK:   stamp.inverse_transform #stamp.wht along 0 ins(%[[S]]
func.func @bias_goes_under_an_inverse_of_floats(%a: tensor<4x2xf32>, %b: tensor<2xf32>, %e: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%a : tensor<4x2xf32>) outs(%e : tensor<4x2xf32>)
  %y = linalg.generic {indexing_maps = [#channel, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%b, %i : tensor<2xf32>, tensor<4x2xf32>) outs(%e : tensor<4x2xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %v = arith.addf %p, %q : f32
    linalg.yield %v : f32
  } -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// CHECK-LABEL: func @scalar_bias_goes_under_the_inverse
//       CHECK:   linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<4x2xf32>, tensor<f32>, tensor<4xf32>)
//       CHECK:   stamp.inverse_transform
//   CHECK-NOT:   linalg.generic
//       CHECK:   return
func.func @scalar_bias_goes_under_the_inverse(%a: tensor<4x2xf32>, %b: tensor<f32>, %e: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%a : tensor<4x2xf32>) outs(%e : tensor<4x2xf32>)
  %y = linalg.generic {indexing_maps = [#id, #scalar, #id], iterator_types = ["parallel", "parallel"]}
      ins(%i, %b : tensor<4x2xf32>, tensor<f32>) outs(%e : tensor<4x2xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %v = arith.addf %p, %q : f32
    linalg.yield %v : f32
  } -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// What run time knows, it computes: L·1 as a transform of one column of ones.
// CHECK-LABEL: func @spread_of_any_length
//   CHECK-DAG:   %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
//       CHECK:   %[[ONES:.*]] = linalg.fill ins(%[[ONE]] : f32) outs(%{{.*}} : tensor<?x1xf32>)
//       CHECK:   %[[T:.*]] = stamp.transform #stamp.wht along 0 ins(%[[ONES]] : tensor<?x1xf32>)
//       CHECK:   %[[L:.*]] = tensor.collapse_shape %[[T]] {{\[\[}}0, 1]] : tensor<?x1xf32> into tensor<?xf32>
//       CHECK:   linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %[[L]] :
//       CHECK:   stamp.inverse_transform
func.func @spread_of_any_length(%a: tensor<?x2xf32>, %b: tensor<2xf32>, %e: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%a : tensor<?x2xf32>) outs(%e : tensor<?x2xf32>)
  %d = linalg.broadcast ins(%b : tensor<2xf32>) outs(%e : tensor<?x2xf32>) dimensions = [0]
  %y = linalg.add ins(%i, %d : tensor<?x2xf32>, tensor<?x2xf32>) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// CHECK-LABEL: func @bias_of_any_length_goes_into_the_rescale
//       CHECK:   stamp.rescale {{.*}} bias(%{{.*}} : tensor<4xf32>) spread(%{{.*}} : tensor<?xf32>)
//       CHECK:   stamp.inverse_transform
//   CHECK-NOT:   linalg.add
//       CHECK:   return
func.func @bias_of_any_length_goes_into_the_rescale(%acc: tensor<?x4xi32>, %sx: tensor<?xf32>, %zx: tensor<?xi32>, %sw: tensor<4xf32>, %c: tensor<4xi32>,
                                                    %e: tensor<?x4xf32>, %b: tensor<4xf32>) -> tensor<?x4xf32> {
  %r = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<?x4xi32>, tensor<?xf32>, tensor<?xi32>, tensor<4xf32>, tensor<4xi32>) outs(%e : tensor<?x4xf32>)
  %c0 = arith.constant 0 : index
  %n = tensor.dim %r, %c0 : tensor<?x4xf32>
  %f = tensor.empty(%n) : tensor<?x4xf32>
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%r : tensor<?x4xf32>) outs(%f : tensor<?x4xf32>)
  %d = linalg.broadcast ins(%b : tensor<4xf32>) outs(%f : tensor<?x4xf32>) dimensions = [0]
  %y = linalg.add ins(%i, %d : tensor<?x4xf32>, tensor<?x4xf32>) outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// The length of a tensor may be asked for without keeping it: its init has it.
// CHECK-LABEL: func @measured_inverse
//   CHECK-NOT:   linalg.add
//       CHECK:   %[[Y:.*]] = stamp.inverse_transform
//       CHECK:   return %[[Y]]
func.func @measured_inverse(%a: tensor<?x2xf32>, %b: tensor<2xf32>, %e: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c0 = arith.constant 0 : index
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%a : tensor<?x2xf32>) outs(%e : tensor<?x2xf32>)
  %n = tensor.dim %i, %c0 : tensor<?x2xf32>
  %f = tensor.empty(%n) : tensor<?x2xf32>
  %d = linalg.broadcast ins(%b : tensor<2xf32>) outs(%f : tensor<?x2xf32>) dimensions = [0]
  %y = linalg.add ins(%i, %d : tensor<?x2xf32>, tensor<?x2xf32>) outs(%f : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// CHECK-LABEL: func @sum_with_a_value_per_token_stays
//       CHECK:   %[[I:.*]] = stamp.inverse_transform
//       CHECK:   linalg.generic {{.*}} ins(%[[I]],
func.func @sum_with_a_value_per_token_stays(%a: tensor<4x2xf32>, %b: tensor<4xf32>, %e: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%a : tensor<4x2xf32>) outs(%e : tensor<4x2xf32>)
  %y = linalg.generic {indexing_maps = [#id, #token, #id], iterator_types = ["parallel", "parallel"]}
      ins(%i, %b : tensor<4x2xf32>, tensor<4xf32>) outs(%e : tensor<4x2xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %v = arith.addf %p, %q : f32
    linalg.yield %v : f32
  } -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// CHECK-LABEL: func @bias_beside_another_reader_stays
//       CHECK:   %[[I:.*]] = stamp.inverse_transform
//       CHECK:   linalg.add ins(%[[I]],
func.func @bias_beside_another_reader_stays(%a: tensor<4x2xf32>, %b: tensor<2xf32>, %e: tensor<4x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%a : tensor<4x2xf32>) outs(%e : tensor<4x2xf32>)
  %d = linalg.broadcast ins(%b : tensor<2xf32>) outs(%e : tensor<4x2xf32>) dimensions = [0]
  %y = linalg.add ins(%i, %d : tensor<4x2xf32>, tensor<4x2xf32>) outs(%e : tensor<4x2xf32>) -> tensor<4x2xf32>
  return %i, %y : tensor<4x2xf32>, tensor<4x2xf32>
}

// CHECK-LABEL: func @subtracted_bias_goes_under_the_inverse
//  CHECK-SAME:   (%[[A:[^:]*]]: tensor<4x2xf32>, %[[B:[^:]*]]: tensor<2xf32>,
//       CHECK:   linalg.generic {{.*}} ins(%[[A]], %[[B]], %{{.*}} : tensor<4x2xf32>, tensor<2xf32>, tensor<4xf32>)
//       CHECK:   ^bb0(%[[PA:.*]]: f32, %[[PB:.*]]: f32, %[[PL:.*]]: f32, %{{.*}}: f32):
//       CHECK:     %[[M:.*]] = arith.mulf %[[PL]], %[[PB]] : f32
//       CHECK:     arith.subf %[[PA]], %[[M]] : f32
//       CHECK:   stamp.inverse_transform
func.func @subtracted_bias_goes_under_the_inverse(%a: tensor<4x2xf32>, %b: tensor<2xf32>, %e: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%a : tensor<4x2xf32>) outs(%e : tensor<4x2xf32>)
  %d = linalg.broadcast ins(%b : tensor<2xf32>) outs(%e : tensor<4x2xf32>) dimensions = [0]
  %y = linalg.sub ins(%i, %d : tensor<4x2xf32>, tensor<4x2xf32>) outs(%e : tensor<4x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// A sum that also adds its init is no bias alone.
// CHECK-LABEL: func @sum_with_an_init_stays
//       CHECK:   %[[I:.*]] = stamp.inverse_transform
//       CHECK:   linalg.generic {{.*}} ins(%[[I]],
func.func @sum_with_an_init_stays(%a: tensor<4x2xf32>, %b: tensor<2xf32>, %c: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%a : tensor<4x2xf32>) outs(%c : tensor<4x2xf32>)
  %y = linalg.generic {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel"]}
      ins(%i, %b : tensor<4x2xf32>, tensor<2xf32>) outs(%c : tensor<4x2xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %v = arith.addf %p, %q : f32
    %u = arith.addf %v, %o : f32
    linalg.yield %u : f32
  } -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// CHECK-LABEL: func @bias_of_a_narrowed_layer_stays
//       CHECK:   %[[I:.*]] = stamp.inverse_transform {{.*}} outs(%{{.*}} : tensor<4x2xf16>)
//       CHECK:   linalg.add ins(%[[I]],
func.func @bias_of_a_narrowed_layer_stays(%a: tensor<4x2xf32>, %b: tensor<2xf16>, %e: tensor<4x2xf16>) -> tensor<4x2xf16> {
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%a : tensor<4x2xf32>) outs(%e : tensor<4x2xf16>)
  %d = linalg.broadcast ins(%b : tensor<2xf16>) outs(%e : tensor<4x2xf16>) dimensions = [0]
  %y = linalg.add ins(%i, %d : tensor<4x2xf16>, tensor<4x2xf16>) outs(%e : tensor<4x2xf16>) -> tensor<4x2xf16>
  return %y : tensor<4x2xf16>
}

//===----------------------------------------------------------------------===//
// Rule 5: what reads the same tensor shares its transform and its codes
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @gate_and_up_share
//       CHECK:   %[[T:.*]] = stamp.transform
//   CHECK-NOT:   stamp.transform
//       CHECK:   %[[Q:.*]], %[[S:.*]], %[[Z:.*]] = stamp.quantize {{.*}} ins(%[[T]] :
//   CHECK-NOT:   stamp.quantize
//       CHECK:   return %[[Q]], %[[Q]], %[[S]], %[[S]]
func.func @gate_and_up_share(%x: tensor<16x8xf32>) -> (tensor<16x8xi8>, tensor<16x8xi8>, tensor<16xf32>, tensor<16xf32>) {
  %e0 = tensor.empty() : tensor<16x8xf32>
  %t0 = stamp.transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e0 : tensor<16x8xf32>)
  %q0 = tensor.empty() : tensor<16x8xi8>
  %s0 = tensor.empty() : tensor<16xf32>
  %z0 = tensor.empty() : tensor<16xi32>
  %gate:3 = stamp.quantize #stamp.schedule<[], 8> along 0 over 1 ins(%t0 : tensor<16x8xf32>) outs(%q0, %s0, %z0 : tensor<16x8xi8>, tensor<16xf32>, tensor<16xi32>)
  %e1 = tensor.empty() : tensor<16x8xf32>
  %t1 = stamp.transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e1 : tensor<16x8xf32>)
  %q1 = tensor.empty() : tensor<16x8xi8>
  %s1 = tensor.empty() : tensor<16xf32>
  %z1 = tensor.empty() : tensor<16xi32>
  %up:3 = stamp.quantize #stamp.schedule<[], 8> along 0 over 1 ins(%t1 : tensor<16x8xf32>) outs(%q1, %s1, %z1 : tensor<16x8xi8>, tensor<16xf32>, tensor<16xi32>)
  return %gate#0, %up#0, %gate#1, %up#1 : tensor<16x8xi8>, tensor<16x8xi8>, tensor<16xf32>, tensor<16xf32>
}

// CHECK-LABEL: func @other_schedules_share_the_transform_alone
//       CHECK:   %[[T:.*]] = stamp.transform
//   CHECK-NOT:   stamp.transform
//       CHECK:   stamp.quantize #stamp.schedule<[], 8> {{.*}} ins(%[[T]] :
//       CHECK:   stamp.quantize #stamp.schedule<[], 4> {{.*}} ins(%[[T]] :
func.func @other_schedules_share_the_transform_alone(%x: tensor<16x8xf32>, %q: tensor<16x8xi8>, %s: tensor<16xf32>, %z: tensor<16xi32>) -> (tensor<16x8xi8>, tensor<16x8xi8>) {
  %e0 = tensor.empty() : tensor<16x8xf32>
  %t0 = stamp.transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e0 : tensor<16x8xf32>)
  %a:3 = stamp.quantize #stamp.schedule<[], 8> along 0 over 1 ins(%t0 : tensor<16x8xf32>) outs(%q, %s, %z : tensor<16x8xi8>, tensor<16xf32>, tensor<16xi32>)
  %e1 = tensor.empty() : tensor<16x8xf32>
  %t1 = stamp.transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e1 : tensor<16x8xf32>)
  %b:3 = stamp.quantize #stamp.schedule<[], 4> along 0 over 1 ins(%t1 : tensor<16x8xf32>) outs(%q, %s, %z : tensor<16x8xi8>, tensor<16xf32>, tensor<16xi32>)
  return %a#0, %b#0 : tensor<16x8xi8>, tensor<16x8xi8>
}

// CHECK-LABEL: func @other_bases_share_nothing
//       CHECK:   stamp.transform #stamp.dct
//       CHECK:   stamp.transform #stamp.wht
func.func @other_bases_share_nothing(%x: tensor<16x8xf32>, %e: tensor<16x8xf32>) -> (tensor<16x8xf32>, tensor<16x8xf32>) {
  %a = stamp.transform #stamp.dct along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  %b = stamp.transform #stamp.wht along 0 ins(%x : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  return %a, %b : tensor<16x8xf32>, tensor<16x8xf32>
}

//===----------------------------------------------------------------------===//
// Valid lengths
//===----------------------------------------------------------------------===//

// A pair cancels for equal lengths alone.
// CHECK-LABEL: func @pair_of_equal_lengths_cancels
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<2x5x4xf32>,
//       CHECK:   return %[[X]]
func.func @pair_of_equal_lengths_cancels(%x: tensor<2x5x4xf32>, %n: tensor<2xi64>) -> tensor<2x5x4xf32> {
  %i = stamp.inverse_transform #stamp.dct along 1 lengths(%n : tensor<2xi64>) ins(%x : tensor<2x5x4xf32>) outs(%x : tensor<2x5x4xf32>)
  %t = stamp.transform #stamp.dct along 1 lengths(%n : tensor<2xi64>) ins(%i : tensor<2x5x4xf32>) outs(%x : tensor<2x5x4xf32>)
  return %t : tensor<2x5x4xf32>
}

// CHECK-LABEL: func @pair_of_other_lengths_stays
//       CHECK:   stamp.inverse_transform
//       CHECK:   stamp.transform
func.func @pair_of_other_lengths_stays(%x: tensor<2x5x4xf32>, %n: tensor<2xi64>, %m: tensor<2xi64>) -> tensor<2x5x4xf32> {
  %i = stamp.inverse_transform #stamp.dct along 1 lengths(%n : tensor<2xi64>) ins(%x : tensor<2x5x4xf32>) outs(%x : tensor<2x5x4xf32>)
  %t = stamp.transform #stamp.dct along 1 lengths(%m : tensor<2xi64>) ins(%i : tensor<2x5x4xf32>) outs(%x : tensor<2x5x4xf32>)
  return %t : tensor<2x5x4xf32>
}

// CHECK-LABEL: func @pair_with_and_without_lengths_stays
//       CHECK:   stamp.inverse_transform
//       CHECK:   stamp.transform
func.func @pair_with_and_without_lengths_stays(%x: tensor<2x5x4xf32>, %n: tensor<2xi64>) -> tensor<2x5x4xf32> {
  %i = stamp.inverse_transform #stamp.dct along 1 lengths(%n : tensor<2xi64>) ins(%x : tensor<2x5x4xf32>) outs(%x : tensor<2x5x4xf32>)
  %t = stamp.transform #stamp.dct along 1 ins(%i : tensor<2x5x4xf32>) outs(%x : tensor<2x5x4xf32>)
  return %t : tensor<2x5x4xf32>
}

// Lengths sink with their transform where the batch stays in front.
// CHECK-LABEL: func @lengths_sink
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<2x5x4xf32>, %{{.*}}, %[[N:[^:]*]]: tensor<2xi64>)
//       CHECK:   %[[Y:.*]] = linalg.batch_matmul ins(%[[X]],
//       CHECK:   stamp.inverse_transform #stamp.dct along 1 lengths(%[[N]] : tensor<2xi64>) ins(%[[Y]] :
func.func @lengths_sink(%x: tensor<2x5x4xf32>, %w: tensor<2x4x3xf32>, %n: tensor<2xi64>) -> tensor<2x5x3xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x5x3xf32>
  %i = stamp.inverse_transform #stamp.dct along 1 lengths(%n : tensor<2xi64>) ins(%x : tensor<2x5x4xf32>) outs(%x : tensor<2x5x4xf32>)
  %y = linalg.batch_matmul ins(%i, %w : tensor<2x5x4xf32>, tensor<2x4x3xf32>) outs(%zero : tensor<2x5x3xf32>) -> tensor<2x5x3xf32>
  return %y : tensor<2x5x3xf32>
}

// CHECK-LABEL: func @lengths_rise
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<2x5x3xf32>, %{{.*}}, %[[N:[^:]*]]: tensor<2xi64>,
//       CHECK:   %[[T:.*]] = stamp.transform #stamp.dct along 1 lengths(%[[N]] : tensor<2xi64>) ins(%[[X]] :
//       CHECK:   linalg.batch_matmul ins(%[[T]],
func.func @lengths_rise(%x: tensor<2x5x3xf32>, %w: tensor<2x3x4xf32>, %n: tensor<2xi64>, %e: tensor<2x5x4xf32>) -> tensor<2x5x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x5x4xf32>
  %y = linalg.batch_matmul ins(%x, %w : tensor<2x5x3xf32>, tensor<2x3x4xf32>) outs(%zero : tensor<2x5x4xf32>) -> tensor<2x5x4xf32>
  %t = stamp.transform #stamp.dct along 1 lengths(%n : tensor<2xi64>) ins(%y : tensor<2x5x4xf32>) outs(%e : tensor<2x5x4xf32>)
  return %t : tensor<2x5x4xf32>
}

// Behind this contraction the tokens would stand in front of the batch.
// CHECK-LABEL: func @lengths_stay_in_front_of_a_transposed_batch
//       CHECK:   %[[I:.*]] = stamp.inverse_transform
//       CHECK:   linalg.generic {{.*}} ins(%[[I]],
func.func @lengths_stay_in_front_of_a_transposed_batch(%x: tensor<2x5x4xf32>, %w: tensor<4x3xf32>, %n: tensor<2xi64>) -> tensor<5x2x3xf32> {
  %zero = arith.constant dense<0.0> : tensor<5x2x3xf32>
  %i = stamp.inverse_transform #stamp.dct along 1 lengths(%n : tensor<2xi64>) ins(%x : tensor<2x5x4xf32>) outs(%x : tensor<2x5x4xf32>)
  %y = linalg.generic {indexing_maps = [affine_map<(b, s, n, k) -> (b, s, k)>, affine_map<(b, s, n, k) -> (k, n)>,
                                        affine_map<(b, s, n, k) -> (s, b, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%i, %w : tensor<2x5x4xf32>, tensor<4x3xf32>) outs(%zero : tensor<5x2x3xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %q = arith.addf %c, %p : f32
    linalg.yield %q : f32
  } -> tensor<5x2x3xf32>
  return %y : tensor<5x2x3xf32>
}

// A bias is spread for each sequence, whatever is static.
// CHECK-LABEL: func @bias_with_lengths_goes_into_the_rescale
//  CHECK-SAME:   %[[B:[^:]*]]: tensor<4xf32>, %[[N:[^:]*]]: tensor<2xi64>)
//       CHECK:   %[[ONES:.*]] = linalg.fill {{.*}} -> tensor<2x5x1xf32>
//       CHECK:   %[[T:.*]] = stamp.transform #stamp.dct along 1 lengths(%[[N]] : tensor<2xi64>) ins(%[[ONES]] :
//       CHECK:   %[[L:.*]] = tensor.collapse_shape %[[T]] {{\[\[}}0], [1, 2]] : tensor<2x5x1xf32> into tensor<2x5xf32>
//       CHECK:   %[[R:.*]] = stamp.rescale {{.*}} bias(%[[B]] : tensor<4xf32>) spread(%[[L]] : tensor<2x5xf32>)
//       CHECK:   stamp.inverse_transform #stamp.dct along 1 lengths(%[[N]] : tensor<2xi64>) ins(%[[R]] :
func.func @bias_with_lengths_goes_into_the_rescale(
    %acc: tensor<2x5x4xi32>, %sx: tensor<2x5xf32>, %zx: tensor<2x5xi32>, %sw: tensor<4xf32>, %c: tensor<4xi32>,
    %e: tensor<2x5x4xf32>, %b: tensor<4xf32>, %n: tensor<2xi64>) -> tensor<2x5x4xf32> {
  %r = stamp.rescale along 1 over 2
      ins(%acc, %sx, %zx, %sw, %c : tensor<2x5x4xi32>, tensor<2x5xf32>, tensor<2x5xi32>, tensor<4xf32>, tensor<4xi32>)
      outs(%e : tensor<2x5x4xf32>)
  %i = stamp.inverse_transform #stamp.dct along 1 lengths(%n : tensor<2xi64>) ins(%r : tensor<2x5x4xf32>) outs(%e : tensor<2x5x4xf32>)
  %w = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<2x5x4xf32>) dimensions = [0, 1]
  %y = linalg.add ins(%i, %w : tensor<2x5x4xf32>, tensor<2x5x4xf32>) outs(%e : tensor<2x5x4xf32>) -> tensor<2x5x4xf32>
  return %y : tensor<2x5x4xf32>
}

// CHECK-LABEL: func @bias_with_lengths_goes_under_an_inverse_of_floats
//       CHECK:   %[[L:.*]] = tensor.collapse_shape %{{.*}} into tensor<2x5xf32>
//       CHECK:   linalg.generic {indexing_maps = [#[[ALL:.*]], #{{.*}}, #[[SEQUENCE:.*]], #[[ALL]]]
//  CHECK-SAME:     ins(%{{.*}}, %{{.*}}, %[[L]] : tensor<2x3x5x4xf32>, tensor<4xf32>, tensor<2x5xf32>)
//       CHECK:   stamp.inverse_transform #stamp.dct along 2 lengths(
func.func @bias_with_lengths_goes_under_an_inverse_of_floats(%a: tensor<2x3x5x4xf32>, %e: tensor<2x3x5x4xf32>, %b: tensor<4xf32>, %n: tensor<2xi64>) -> tensor<2x3x5x4xf32> {
  %i = stamp.inverse_transform #stamp.dct along 2 lengths(%n : tensor<2xi64>) ins(%a : tensor<2x3x5x4xf32>) outs(%e : tensor<2x3x5x4xf32>)
  %w = linalg.broadcast ins(%b : tensor<4xf32>) outs(%e : tensor<2x3x5x4xf32>) dimensions = [0, 1, 2]
  %y = linalg.add ins(%i, %w : tensor<2x3x5x4xf32>, tensor<2x3x5x4xf32>) outs(%e : tensor<2x3x5x4xf32>) -> tensor<2x3x5x4xf32>
  return %y : tensor<2x3x5x4xf32>
}
