// RUN: stamp-opt %s --stamp-fold | FileCheck %s
// What is folded stays as it is:
// RUN: stamp-opt %s --stamp-fold -o %t
// RUN: stamp-opt %t --stamp-fold | diff %t -
// and every function computes what it did:
// RUN: stamp-validate %s | FileCheck %s --check-prefix=VALID
// VALID: {{^[0-9]+}} agree, 0 differ, 0 not run

// What only changes shapes, and keeps the sequence whole, moves no token.

// CHECK-LABEL: func @heads_and_back
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @heads_and_back(%a: tensor<?x8xf32>, %e: tensor<?x8xf32>, %f: tensor<2x?x4xf32>, %g: tensor<?x2x4xf32>) -> tensor<?x8xf32> {
  %i = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%a : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
  %c0 = arith.constant 0 : index
  %s = tensor.dim %i, %c0 : tensor<?x8xf32>
  %h = tensor.expand_shape %i [[0], [1, 2]] output_shape [%s, 2, 4] : tensor<?x8xf32> into tensor<?x2x4xf32>
  %p = linalg.transpose ins(%h : tensor<?x2x4xf32>) outs(%f : tensor<2x?x4xf32>) permutation = [1, 0, 2]
  %q = linalg.transpose ins(%p : tensor<2x?x4xf32>) outs(%g : tensor<?x2x4xf32>) permutation = [1, 0, 2]
  %r = tensor.collapse_shape %q [[0], [1, 2]] : tensor<?x2x4xf32> into tensor<?x8xf32>
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%r : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>)
  return %t : tensor<?x8xf32>
}

// The dimension goes with the transpose.
// CHECK-LABEL: func @inverse_behind_a_transpose
//       CHECK:   %[[T:.*]] = linalg.transpose
//       CHECK:   stamp.inverse_transform #stamp.dct along 1 ins(%[[T]] : tensor<4x8xf32>)
func.func @inverse_behind_a_transpose(%a: tensor<8x4xf32>, %e: tensor<8x4xf32>, %f: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  %y = linalg.transpose ins(%i : tensor<8x4xf32>) outs(%f : tensor<4x8xf32>) permutation = [1, 0]
  return %y : tensor<4x8xf32>
}

// A batch of one comes and goes, and what is known of a size.
// CHECK-LABEL: func @units_and_casts
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @units_and_casts(%a: tensor<1x8x4xf32>, %e: tensor<1x8x4xf32>, %f: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %i = stamp.inverse_transform #stamp.dct along 1 ins(%a : tensor<1x8x4xf32>) outs(%e : tensor<1x8x4xf32>)
  %c = tensor.collapse_shape %i [[0, 1], [2]] : tensor<1x8x4xf32> into tensor<8x4xf32>
  %d = tensor.cast %c : tensor<8x4xf32> to tensor<?x4xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%d : tensor<?x4xf32>) outs(%f : tensor<?x4xf32>)
  return %t : tensor<?x4xf32>
}

// Fewer features are fewer to transform.
// CHECK-LABEL: func @slice_of_features
//       CHECK:   %[[S:.*]] = tensor.extract_slice %{{.*}}[0, 3] [8, 2] [1, 1]
//       CHECK:   stamp.inverse_transform {{.*}} ins(%[[S]] : tensor<8x2xf32>)
func.func @slice_of_features(%a: tensor<8x6xf32>, %e: tensor<8x6xf32>) -> tensor<8x2xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<8x6xf32>) outs(%e : tensor<8x6xf32>)
  %s = tensor.extract_slice %i[0, 3] [8, 2] [1, 1] : tensor<8x6xf32> to tensor<8x2xf32>
  return %s : tensor<8x2xf32>
}

// CHECK-LABEL: func @slice_of_features_of_any_length
//       CHECK:   %[[S:.*]] = tensor.extract_slice
//       CHECK:   stamp.inverse_transform {{.*}} ins(%[[S]] : tensor<?x2xf32>)
func.func @slice_of_features_of_any_length(%a: tensor<?x6xf32>, %e: tensor<?x6xf32>) -> tensor<?x2xf32> {
  %c0 = arith.constant 0 : index
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>)
  %n = tensor.dim %i, %c0 : tensor<?x6xf32>
  %s = tensor.extract_slice %i[0, 3] [%n, 2] [1, 1] : tensor<?x6xf32> to tensor<?x2xf32>
  return %s : tensor<?x2xf32>
}

// CHECK-LABEL: func @slice_of_tokens
//       CHECK:   stamp.inverse_transform
//       CHECK:   tensor.extract_slice
func.func @slice_of_tokens(%a: tensor<8x6xf32>, %e: tensor<8x6xf32>) -> tensor<4x6xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<8x6xf32>) outs(%e : tensor<8x6xf32>)
  %s = tensor.extract_slice %i[0, 0] [4, 6] [1, 1] : tensor<8x6xf32> to tensor<4x6xf32>
  return %s : tensor<4x6xf32>
}

// CHECK-LABEL: func @tokens_as_a_grid
//       CHECK:   stamp.inverse_transform
//       CHECK:   tensor.expand_shape
func.func @tokens_as_a_grid(%a: tensor<8x6xf32>, %e: tensor<8x6xf32>) -> tensor<2x4x6xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<8x6xf32>) outs(%e : tensor<8x6xf32>)
  %s = tensor.expand_shape %i [[0, 1], [2]] output_shape [2, 4, 6] : tensor<8x6xf32> into tensor<2x4x6xf32>
  return %s : tensor<2x4x6xf32>
}

// A tensor of one token and more than one dimension of size 1.
// CHECK-LABEL: func @one_token
//   CHECK-NOT:   stamp
//       CHECK:   return
func.func @one_token(%a: tensor<1x1x4xf32>, %e: tensor<1x1x4xf32>, %f: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<1x1x4xf32>) outs(%e : tensor<1x1x4xf32>)
  %c = tensor.collapse_shape %i [[0, 1], [2]] : tensor<1x1x4xf32> into tensor<1x4xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%c : tensor<1x4xf32>) outs(%f : tensor<1x4xf32>)
  return %t : tensor<1x4xf32>
}

// Heads that read one key: it is transformed once.
// CHECK-LABEL: func @transform_rises_above_a_broadcast
//       CHECK:   %[[T:.*]] = stamp.transform #stamp.dct along 0 ins(%{{.*}} : tensor<8x4xf32>)
//       CHECK:   linalg.broadcast ins(%[[T]] :
func.func @transform_rises_above_a_broadcast(%x: tensor<8x4xf32>, %e: tensor<2x8x4xf32>) -> tensor<2x8x4xf32> {
  %b = linalg.broadcast ins(%x : tensor<8x4xf32>) outs(%e : tensor<2x8x4xf32>) dimensions = [0]
  %t = stamp.transform #stamp.dct along 1 ins(%b : tensor<2x8x4xf32>) outs(%e : tensor<2x8x4xf32>)
  return %t : tensor<2x8x4xf32>
}

// Sequences of different lengths may not change places, nor be a part of them.
// CHECK-LABEL: func @lengths_stay_with_their_batch
//       CHECK:   stamp.inverse_transform
//       CHECK:   linalg.transpose
//       CHECK:   stamp.inverse_transform
//       CHECK:   tensor.extract_slice
func.func @lengths_stay_with_their_batch(%a: tensor<2x8x4xf32>, %n: tensor<2xi64>, %e: tensor<2x8x4xf32>, %f: tensor<8x2x4xf32>) -> (tensor<8x2x4xf32>, tensor<1x8x4xf32>) {
  %i = stamp.inverse_transform #stamp.dct along 1 lengths(%n : tensor<2xi64>) ins(%a : tensor<2x8x4xf32>) outs(%e : tensor<2x8x4xf32>)
  %y = linalg.transpose ins(%i : tensor<2x8x4xf32>) outs(%f : tensor<8x2x4xf32>) permutation = [1, 0, 2]
  %j = stamp.inverse_transform #stamp.wht along 1 lengths(%n : tensor<2xi64>) ins(%a : tensor<2x8x4xf32>) outs(%e : tensor<2x8x4xf32>)
  %s = tensor.extract_slice %j[1, 0, 0] [1, 8, 4] [1, 1, 1] : tensor<2x8x4xf32> to tensor<1x8x4xf32>
  return %y, %s : tensor<8x2x4xf32>, tensor<1x8x4xf32>
}

// Past a feature transform the order and the lengths stay what they are.
// CHECK-LABEL: func @order_and_lengths_past_features
//       CHECK:   stamp.feature_transform
//       CHECK:   stamp.inverse_transform #stamp.haar<levels = 2> along 1 block_order lengths(%{{.*}} : tensor<2xi64>)
//       CHECK:   stamp.transform #stamp.haar<levels = 2> along 1 block_order lengths(%{{.*}} : tensor<2xi64>)
//       CHECK:   stamp.feature_transform
func.func @order_and_lengths_past_features(%a: tensor<2x8x4xf32>, %n: tensor<2xi64>, %e: tensor<2x8x4xf32>) -> (tensor<2x8x4xf32>, tensor<2x8x4xf32>) {
  %i = stamp.inverse_transform #stamp.haar<levels = 2> along 1 block_order lengths(%n : tensor<2xi64>) ins(%a : tensor<2x8x4xf32>) outs(%e : tensor<2x8x4xf32>)
  %y = stamp.feature_transform #stamp.hadamard over 2 ins(%i : tensor<2x8x4xf32>) outs(%e : tensor<2x8x4xf32>)
  %f = stamp.feature_transform #stamp.scale<dense<2.0> : tensor<4xf32>> over 2 ins(%a : tensor<2x8x4xf32>) outs(%e : tensor<2x8x4xf32>)
  %t = stamp.transform #stamp.haar<levels = 2> along 1 block_order lengths(%n : tensor<2xi64>) ins(%f : tensor<2x8x4xf32>) outs(%e : tensor<2x8x4xf32>)
  return %y, %t : tensor<2x8x4xf32>, tensor<2x8x4xf32>
}

// A rotation across sequences of different lengths does not commute with them.
// CHECK-LABEL: func @features_across_the_batch
//       CHECK:   stamp.inverse_transform
//       CHECK:   stamp.feature_transform
func.func @features_across_the_batch(%a: tensor<2x8x4xf32>, %n: tensor<2xi64>, %e: tensor<2x8x4xf32>) -> tensor<2x8x4xf32> {
  %i = stamp.inverse_transform #stamp.haar<levels = 2> along 1 lengths(%n : tensor<2xi64>) ins(%a : tensor<2x8x4xf32>) outs(%e : tensor<2x8x4xf32>)
  %y = stamp.feature_transform #stamp.hadamard over 0 ins(%i : tensor<2x8x4xf32>) outs(%e : tensor<2x8x4xf32>)
  return %y : tensor<2x8x4xf32>
}

// Features side by side are transformed side by side, if a transform waits.
// CHECK-LABEL: func @features_side_by_side
//   CHECK-NOT:   = stamp.
//       CHECK:   return
func.func @features_side_by_side(%a: tensor<?x2xf32>, %b: tensor<?x4xf32>, %e: tensor<?x2xf32>, %f: tensor<?x4xf32>, %g: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %a, %c0 : tensor<?x2xf32>
  %i = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%a : tensor<?x2xf32>) outs(%e : tensor<?x2xf32>)
  %j = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%b : tensor<?x4xf32>) outs(%f : tensor<?x4xf32>)
  %empty = tensor.empty(%n) : tensor<?x6xf32>
  %all = tensor.dim %empty, %c0 : tensor<?x6xf32>
  %p = tensor.insert_slice %i into %empty[0, 0] [%all, 2] [1, 1] : tensor<?x2xf32> into tensor<?x6xf32>
  %q = tensor.insert_slice %j into %p[0, 2] [%all, 4] [1, 1] : tensor<?x4xf32> into tensor<?x6xf32>
  %t = stamp.transform #stamp.haar<levels = 2> along 0 ins(%q : tensor<?x6xf32>) outs(%g : tensor<?x6xf32>)
  return %t : tensor<?x6xf32>
}

// CHECK-LABEL: func @features_side_by_side_stay
// CHECK-COUNT-2: stamp.inverse_transform
// CHECK-COUNT-2: tensor.insert_slice
//   CHECK-NOT:   = stamp.
//       CHECK:   return
func.func @features_side_by_side_stay(%a: tensor<8x2xf32>, %b: tensor<8x4xf32>, %e: tensor<8x2xf32>, %f: tensor<8x4xf32>) -> tensor<8x6xf32> {
  %i = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%a : tensor<8x2xf32>) outs(%e : tensor<8x2xf32>)
  %j = stamp.inverse_transform #stamp.haar<levels = 2> along 0 ins(%b : tensor<8x4xf32>) outs(%f : tensor<8x4xf32>)
  %empty = tensor.empty() : tensor<8x6xf32>
  %p = tensor.insert_slice %i into %empty[0, 0] [8, 2] [1, 1] : tensor<8x2xf32> into tensor<8x6xf32>
  %q = tensor.insert_slice %j into %p[0, 2] [8, 4] [1, 1] : tensor<8x4xf32> into tensor<8x6xf32>
  return %q : tensor<8x6xf32>
}

// Padding of zeros stays one: the transform need not see it.
// CHECK-LABEL: func @transform_rises_above_padding_of_features
//       CHECK:   %[[T:.*]] = stamp.transform {{.*}} ins(%{{.*}} : tensor<8x2xf32>)
//       CHECK:   tensor.insert_slice %[[T]] into
func.func @transform_rises_above_padding_of_features(%x: tensor<8x2xf32>, %f: tensor<8x6xf32>) -> tensor<8x6xf32> {
  %zero = arith.constant dense<0.0> : tensor<8x6xf32>
  %p = tensor.insert_slice %x into %zero[0, 3] [8, 2] [1, 1] : tensor<8x2xf32> into tensor<8x6xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%p : tensor<8x6xf32>) outs(%f : tensor<8x6xf32>)
  return %t : tensor<8x6xf32>
}

// CHECK-LABEL: func @tokens_behind_each_other
//       CHECK:   stamp.inverse_transform
//       CHECK:   tensor.insert_slice
//       CHECK:   stamp.transform
func.func @tokens_behind_each_other(%a: tensor<4x2xf32>, %e: tensor<4x2xf32>, %f: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<8x2xf32>
  %i = stamp.inverse_transform #stamp.dct along 0 ins(%a : tensor<4x2xf32>) outs(%e : tensor<4x2xf32>)
  %p = tensor.insert_slice %i into %zero[4, 0] [4, 2] [1, 1] : tensor<4x2xf32> into tensor<8x2xf32>
  %t = stamp.transform #stamp.dct along 0 ins(%p : tensor<8x2xf32>) outs(%f : tensor<8x2xf32>)
  return %t : tensor<8x2xf32>
}
