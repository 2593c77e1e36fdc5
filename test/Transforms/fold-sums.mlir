// RUN: stamp-opt %s --stamp-fold | FileCheck %s
// What is folded stays as it is:
// RUN: stamp-opt %s --stamp-fold -o %t
// RUN: stamp-opt %t --stamp-fold | diff %t -
// and every function computes what it did:
// RUN: stamp-validate %s | FileCheck %s --check-prefix=VALID
// VALID: {{^[0-9]+}} agree, 0 differ, 0 not run

// Rule 4: sums and scales of rows.

#id = affine_map<(i, j) -> (i, j)>
#channel = affine_map<(i, j) -> (j)>
#token = affine_map<(i, j) -> (i)>

//===----------------------------------------------------------------------===//
// L⁻¹(A) + L⁻¹(B) = L⁻¹(A + B)
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @sum_of_inverses
//  CHECK-SAME:   (%[[A:[^:]*]]: tensor<?x4xf32>, %[[B:[^:]*]]: tensor<?x4xf32>,
//       CHECK:   %[[S:.*]] = linalg.add ins(%[[A]], %[[B]] :
//       CHECK:   %[[I:.*]] = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%[[S]] :
//       CHECK:   return %[[I]]
func.func @sum_of_inverses(%a: tensor<?x4xf32>, %b: tensor<?x4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %i = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%a : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  %j = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%b : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  %y = linalg.add ins(%i, %j : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK-LABEL: func @difference_with_lengths
//       CHECK:   linalg.sub
//       CHECK:   stamp.inverse_transform #stamp.wht along 1 block_order lengths(%{{.*}} : tensor<2xi64>)
//   CHECK-NOT:   stamp.inverse_transform
//       CHECK:   return
func.func @difference_with_lengths(%a: tensor<2x5x4xf32>, %b: tensor<2x5x4xf32>, %n: tensor<2xi64>, %e: tensor<2x5x4xf32>) -> tensor<2x5x4xf32> {
  %i = stamp.inverse_transform #stamp.wht along 1 block_order lengths(%n : tensor<2xi64>) ins(%a : tensor<2x5x4xf32>) outs(%e : tensor<2x5x4xf32>)
  %j = stamp.inverse_transform #stamp.wht along 1 block_order lengths(%n : tensor<2xi64>) ins(%b : tensor<2x5x4xf32>) outs(%e : tensor<2x5x4xf32>)
  %y = linalg.sub ins(%i, %j : tensor<2x5x4xf32>, tensor<2x5x4xf32>) outs(%e : tensor<2x5x4xf32>) -> tensor<2x5x4xf32>
  return %y : tensor<2x5x4xf32>
}

// Both sides may be one tensor.
// CHECK-LABEL: func @doubled
//  CHECK-SAME:   (%[[A:[^:]*]]: tensor<8x4xf32>,
//       CHECK:   linalg.add ins(%[[A]], %[[A]] :
//       CHECK:   stamp.inverse_transform
func.func @doubled(%a: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %y = linalg.add ins(%i, %i : tensor<8x4xf32>, tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// Three terms in one body, one of them the same for every token, and one scaled:
// that is rules 3 and 4 at once.
// CHECK-LABEL: func @fused_sum_with_a_bias
//       CHECK:   linalg.generic
//       CHECK:   stamp.inverse_transform #stamp.dct along 0
//   CHECK-NOT:   stamp.inverse_transform
//       CHECK:   return
func.func @fused_sum_with_a_bias(%a: tensor<8x4xf32>, %b: tensor<8x4xf32>, %c: tensor<4xf32>, %g: tensor<4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %j = stamp.inverse_transform #stamp.dct along 0 ins(%b : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %y = linalg.generic {indexing_maps = [#id, #channel, #id, #channel, #id], iterator_types = ["parallel", "parallel"]}
      ins(%i, %c, %j, %g : tensor<8x4xf32>, tensor<4xf32>, tensor<8x4xf32>, tensor<4xf32>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%p: f32, %q: f32, %r: f32, %h: f32, %o: f32):
    %s = arith.subf %q, %p : f32
    %t = arith.mulf %h, %r : f32
    %u = arith.addf %s, %t : f32
    linalg.yield %u : f32
  } -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// Inverses of other bases, orders or lengths have no common one.
// CHECK-LABEL: func @inverses_of_other_bases
// CHECK-COUNT-2: stamp.inverse_transform
//       CHECK:   linalg.add
//   CHECK-NOT:   stamp
func.func @inverses_of_other_bases(%a: tensor<8x4xf32>, %b: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %i = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %j = stamp.inverse_transform #stamp.haar<levels = 2> along 0 block_order ins(%b : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %y = linalg.add ins(%i, %j : tensor<8x4xf32>, tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// The second inverse is needed anyhow: one for the sum would save nothing.
// CHECK-LABEL: func @sum_with_an_inverse_that_others_read
//       CHECK:   stamp.inverse_transform
//       CHECK:   %[[J:.*]] = stamp.inverse_transform
//       CHECK:   %[[Y:.*]] = linalg.add
//       CHECK:   return %[[Y]], %[[J]]
func.func @sum_with_an_inverse_that_others_read(%a: tensor<8x4xf32>, %b: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %j = stamp.inverse_transform #stamp.dct along 0 ins(%b : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %y = linalg.add ins(%i, %j : tensor<8x4xf32>, tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %y, %j : tensor<8x4xf32>, tensor<8x4xf32>
}

// …unless a transform cancels it: that one is saved.
// CHECK-LABEL: func @sum_with_an_inverse_that_others_read_cancels
//  CHECK-SAME:   (%[[A:[^:]*]]: tensor<8x4xf32>, %[[B:[^:]*]]: tensor<8x4xf32>,
//       CHECK:   %[[J:.*]] = stamp.inverse_transform {{.*}} ins(%[[B]] :
//       CHECK:   %[[S:.*]] = linalg.add ins(%[[A]], %[[B]] :
//       CHECK:   return %[[S]], %[[J]]
func.func @sum_with_an_inverse_that_others_read_cancels(%a: tensor<8x4xf32>, %b: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %j = stamp.inverse_transform #stamp.dct along 0 ins(%b : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %y = linalg.add ins(%i, %j : tensor<8x4xf32>, tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%y : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %t, %j : tensor<8x4xf32>, tensor<8x4xf32>
}

// L(X + L⁻¹(A)) = L(X) + A saves the inverse.
// CHECK-LABEL: func @transform_of_a_residual_stream
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<8x4xf32>, %[[A:[^:]*]]: tensor<8x4xf32>,
//       CHECK:   %[[T:.*]] = stamp.transform {{.*}} ins(%[[X]] :
//       CHECK:   %[[S:.*]] = linalg.add ins(%[[T]], %[[A]] :
//       CHECK:   return %[[S]]
func.func @transform_of_a_residual_stream(%x: tensor<8x4xf32>, %a: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %y = linalg.add ins(%x, %i : tensor<8x4xf32>, tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%y : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %t : tensor<8x4xf32>
}

// Tokens are read as such: there is nothing to save.
// CHECK-LABEL: func @sum_with_tokens
//       CHECK:   stamp.inverse_transform
//       CHECK:   linalg.add
//   CHECK-NOT:   stamp
func.func @sum_with_tokens(%x: tensor<8x4xf32>, %a: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %y = linalg.add ins(%x, %i : tensor<8x4xf32>, tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// Each half goes through wider tokens alone in order to merge behind them.
// CHECK-LABEL: func @wider_sum_of_inverses
//       CHECK:   linalg.matmul
//       CHECK:   linalg.add
//       CHECK:   stamp.inverse_transform {{.*}} ins(%{{.*}} : tensor<8x6xf32>)
//   CHECK-NOT:   stamp
func.func @wider_sum_of_inverses(%a: tensor<8x4xf32>, %w: tensor<4x6xf32>, %b: tensor<8x6xf32>, %e: tensor<8x4xf32>, %f: tensor<8x6xf32>) -> tensor<8x6xf32> {
  %zero = arith.constant dense<0.0> : tensor<8x6xf32>
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %m = linalg.matmul ins(%i, %w : tensor<8x4xf32>, tensor<4x6xf32>) outs(%zero : tensor<8x6xf32>) -> tensor<8x6xf32>
  %j = stamp.inverse_transform #stamp.dct along 0 ins(%b : tensor<8x6xf32>) outs(%f : tensor<8x6xf32>)
  %y = linalg.add ins(%m, %j : tensor<8x6xf32>, tensor<8x6xf32>) outs(%f : tensor<8x6xf32>) -> tensor<8x6xf32>
  return %y : tensor<8x6xf32>
}

// Narrower tokens two ops ahead pay for wider ones on the way.
// CHECK-LABEL: func @through_wider_tokens_to_narrower
// CHECK-COUNT-2: linalg.matmul
//       CHECK:   stamp.inverse_transform {{.*}} ins(%{{.*}} : tensor<8x3xf32>)
func.func @through_wider_tokens_to_narrower(%a: tensor<8x4xf32>, %w: tensor<4x6xf32>, %v: tensor<6x3xf32>, %e: tensor<8x4xf32>) -> tensor<8x3xf32> {
  %zero = arith.constant dense<0.0> : tensor<8x6xf32>
  %zero3 = arith.constant dense<0.0> : tensor<8x3xf32>
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %m = linalg.matmul ins(%i, %w : tensor<8x4xf32>, tensor<4x6xf32>) outs(%zero : tensor<8x6xf32>) -> tensor<8x6xf32>
  %y = linalg.matmul ins(%m, %v : tensor<8x6xf32>, tensor<6x3xf32>) outs(%zero3 : tensor<8x3xf32>) -> tensor<8x3xf32>
  return %y : tensor<8x3xf32>
}

// Two linears read what an inverse makes, and both transform it again: it goes
// into both of them, and nothing is left.
// CHECK-LABEL: func @inverse_cancels_for_two_readers
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @inverse_cancels_for_two_readers(%a: tensor<8x4xf32>, %w: tensor<4x4xf32>, %v: tensor<4x4xf32>, %e: tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %zero = arith.constant dense<0.0> : tensor<8x4xf32>
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %k = linalg.matmul ins(%i, %w : tensor<8x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<8x4xf32>) -> tensor<8x4xf32>
  %l = linalg.matmul ins(%i, %v : tensor<8x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<8x4xf32>) -> tensor<8x4xf32>
  %s = stamp.transform #stamp.dct along 0 ins(%k : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %t = stamp.transform #stamp.dct along 0 ins(%l : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %s, %t : tensor<8x4xf32>, tensor<8x4xf32>
}

//===----------------------------------------------------------------------===//
// L⁻¹(A)·diag(s) = L⁻¹(A·diag(s))
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @scales_let_a_pair_cancel
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @scales_let_a_pair_cancel(%a: tensor<?x4xf32>, %g: tensor<4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %half = arith.constant 0.5 : f32
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%a : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  %y = linalg.generic {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel"]}
      ins(%i, %g : tensor<?x4xf32>, tensor<4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %r = arith.mulf %p, %half : f32
    %s = arith.divf %r, %q : f32
    linalg.yield %s : f32
  } -> tensor<?x4xf32>
  %n = linalg.negf ins(%y : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %t = stamp.transform #stamp.wht along 0 ins(%n : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  return %t : tensor<?x4xf32>
}

// One number for all elements may be written as a tensor, and a scale be
// broadcast by a generic.
// CHECK-LABEL: func @spread_out_scales
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @spread_out_scales(%a: tensor<8x4xf32>, %g: tensor<4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %half = arith.constant dense<0.5> : tensor<8x4xf32>
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %y = linalg.mul ins(%i, %half : tensor<8x4xf32>, tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  %w = linalg.generic {indexing_maps = [#channel, #id], iterator_types = ["parallel", "parallel"]}
      ins(%g : tensor<4xf32>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%p: f32, %o: f32):
    linalg.yield %p : f32
  } -> tensor<8x4xf32>
  %z = linalg.mul ins(%w, %y : tensor<8x4xf32>, tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  %t = stamp.transform #stamp.wht along 0 ins(%z : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %t : tensor<8x4xf32>
}

// CHECK-LABEL: func @scale_per_token_stays
//       CHECK:   stamp.inverse_transform
//       CHECK:   linalg.generic
func.func @scale_per_token_stays(%a: tensor<8x4xf32>, %g: tensor<8xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %i = stamp.inverse_transform #stamp.wht along 0 ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %y = linalg.generic {indexing_maps = [#id, #token, #id], iterator_types = ["parallel", "parallel"]}
      ins(%i, %g : tensor<8x4xf32>, tensor<8xf32>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %v = arith.mulf %p, %q : f32
    linalg.yield %v : f32
  } -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// A transform of equal width has nothing to gain in front of a scale.
// CHECK-LABEL: func @transform_does_not_rise_past_a_scale
//       CHECK:   linalg.negf
//       CHECK:   stamp.transform
func.func @transform_does_not_rise_past_a_scale(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %n = linalg.negf ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  %t = stamp.transform #stamp.wht along 0 ins(%n : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %t : tensor<8x4xf32>
}

//===----------------------------------------------------------------------===//
// Tokens whose coefficients there are
//===----------------------------------------------------------------------===//

// A residual stream stays one of coefficients: X + L⁻¹(A) = L⁻¹(L(X) + A), where
// a linear has made L(X) already, and the next linear wants L of the sum.
// CHECK-LABEL: func @residual_stream
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<8x4xf32>,
//       CHECK:   %[[T:.*]] = stamp.transform {{.*}} ins(%[[X]] :
//   CHECK-NOT:   stamp
//       CHECK:   %[[S:.*]] = linalg.add
//   CHECK-NOT:   stamp
//       CHECK:   %[[R:.*]] = linalg.add
//       CHECK:   stamp.inverse_transform {{.*}} ins(%[[R]] :
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @residual_stream(%x: tensor<8x4xf32>, %w: tensor<4x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<8x4xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %m = linalg.matmul ins(%t, %w : tensor<8x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<8x4xf32>) -> tensor<8x4xf32>
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%m : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %y = linalg.add ins(%x, %i : tensor<8x4xf32>, tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  %u = stamp.transform #stamp.dct along 0 ins(%y : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %n = linalg.matmul ins(%u, %w : tensor<8x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<8x4xf32>) -> tensor<8x4xf32>
  %j = stamp.inverse_transform #stamp.dct along 0 ins(%n : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %z = linalg.add ins(%y, %j : tensor<8x4xf32>, tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %z : tensor<8x4xf32>
}

// Without the second linear there would be an inverse of the sum instead of one
// of A: nothing to gain.
// CHECK-LABEL: func @end_of_a_residual_stream
//       CHECK:   stamp.inverse_transform
//       CHECK:   linalg.add
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @end_of_a_residual_stream(%x: tensor<8x4xf32>, %w: tensor<4x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<8x4xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %m = linalg.matmul ins(%t, %w : tensor<8x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<8x4xf32>) -> tensor<8x4xf32>
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%m : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %y = linalg.add ins(%x, %i : tensor<8x4xf32>, tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// What is scaled in place is so no longer, and the inverse is gone.
// CHECK-LABEL: func @in_place
//  CHECK-SAME:   (%[[A:[^:]*]]: tensor<8x4xf32>,
//       CHECK:   %[[N:.*]] = linalg.negf ins(%[[A]] :
//       CHECK:   %[[S:.*]] = linalg.generic {{.*}} ins(%[[N]],
//   CHECK-NOT:   stamp
//       CHECK:   return %[[S]]
func.func @in_place(%a: tensor<8x4xf32>, %b: tensor<4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %n = linalg.negf ins(%i : tensor<8x4xf32>) outs(%i : tensor<8x4xf32>) -> tensor<8x4xf32>
  %s = linalg.generic {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel"]}
      ins(%n, %b : tensor<8x4xf32>, tensor<4xf32>) outs(%n : tensor<8x4xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %v = arith.addf %p, %q : f32
    linalg.yield %v : f32
  } -> tensor<8x4xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%s : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %t : tensor<8x4xf32>
}
