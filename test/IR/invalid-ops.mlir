// RUN: stamp-opt %s --split-input-file --verify-diagnostics

//===----------------------------------------------------------------------===//
// Transforms
//===----------------------------------------------------------------------===//

func.func @transform_of_a_vector(%x: tensor<8xf32>) {
  // expected-error@+1 {{'stamp.transform' op expects a tensor of rank 2 or more, got 'tensor<8xf32>'}}
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<8xf32>) outs(%x : tensor<8xf32>)
  return
}

// -----

func.func @transform_of_a_scalar(%x: tensor<f32>) {
  // expected-error@+1 {{'stamp.transform' op expects a tensor of rank 2 or more, got 'tensor<f32>'}}
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<f32>) outs(%x : tensor<f32>)
  return
}

// -----

func.func @transform_along_a_dimension_too_high(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.transform' op sequence dimension 2 is not one of 'tensor<8x4xf32>'}}
  %t = stamp.transform #stamp.dct along 2 ins(%x : tensor<8x4xf32>) outs(%x : tensor<8x4xf32>)
  return
}

// -----

func.func @transform_along_a_negative_dimension(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.transform' op sequence dimension -1 is not one of 'tensor<8x4xf32>'}}
  %t = stamp.transform #stamp.dct along -1 ins(%x : tensor<8x4xf32>) outs(%x : tensor<8x4xf32>)
  return
}

// -----

func.func @transform_into_another_shape(%x: tensor<?x4xf32>, %e: tensor<8x5xf32>) {
  // expected-error@+1 {{'stamp.transform' op expects an init of shape ?x4, got 'tensor<8x5xf32>'}}
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<?x4xf32>) outs(%e : tensor<8x5xf32>)
  return
}

// -----

func.func @transform_into_another_rank(%x: tensor<8x4xf32>, %e: tensor<8x4x1xf32>) {
  // expected-error@+1 {{'stamp.transform' op expects an init of shape 8x4, got 'tensor<8x4x1xf32>'}}
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4x1xf32>)
  return
}

// -----

func.func @transform_of_integers(%x: tensor<8x4xi32>, %e: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.transform' op operand #0 must be ranked tensor or strided memref of 16-bit float or bfloat16 type or 32-bit float values, but got 'tensor<8x4xi32>'}}
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<8x4xi32>) outs(%e : tensor<8x4xf32>)
  return
}

// -----

func.func @transform_of_doubles(%x: tensor<8x4xf64>, %e: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.transform' op operand #0 must be ranked tensor or strided memref of 16-bit float or bfloat16 type or 32-bit float values, but got 'tensor<8x4xf64>'}}
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<8x4xf64>) outs(%e : tensor<8x4xf32>)
  return
}

// -----

func.func @transform_of_an_unranked_tensor(%x: tensor<*xf32>, %e: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.transform' op operand #0 must be ranked tensor or strided memref of 16-bit float or bfloat16 type or 32-bit float values, but got 'tensor<*xf32>'}}
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<*xf32>) outs(%e : tensor<8x4xf32>)
  return
}

// -----

func.func @transform_by_a_schedule(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{invalid kind of attribute specified}}
  %t = stamp.transform #stamp.schedule<[], 8> along 0 ins(%x : tensor<8x4xf32>) outs(%x : tensor<8x4xf32>)
  return
}

// -----

func.func @inverse_transform_of_a_vector(%x: tensor<8xf32>) {
  // expected-error@+1 {{'stamp.inverse_transform' op expects a tensor of rank 2 or more, got 'tensor<8xf32>'}}
  %t = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<8xf32>) outs(%x : tensor<8xf32>)
  return
}

// -----

func.func @inverse_transform_along_a_dimension_too_high(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.inverse_transform' op sequence dimension 2 is not one of 'tensor<8x4xf32>'}}
  %t = stamp.inverse_transform #stamp.dct along 2 ins(%x : tensor<8x4xf32>) outs(%x : tensor<8x4xf32>)
  return
}

// -----

func.func @inverse_transform_into_another_shape(%x: tensor<8x4xf32>, %e: tensor<9x4xf32>) {
  // expected-error@+1 {{'stamp.inverse_transform' op expects an init of shape 8x4, got 'tensor<9x4xf32>'}}
  %t = stamp.inverse_transform #stamp.dct along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<9x4xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// Feature transforms
//===----------------------------------------------------------------------===//

func.func @feature_transform_of_a_scalar(%x: tensor<f32>) {
  // expected-error@+1 {{'stamp.feature_transform' op expects a tensor of rank 1 or more, got 'tensor<f32>'}}
  %t = stamp.feature_transform #stamp.hadamard over 0 ins(%x : tensor<f32>) outs(%x : tensor<f32>)
  return
}

// -----

func.func @feature_transform_over_a_dimension_too_high(%x: tensor<8xf32>) {
  // expected-error@+1 {{'stamp.feature_transform' op feature dimension 1 is not one of 'tensor<8xf32>'}}
  %t = stamp.feature_transform #stamp.hadamard over 1 ins(%x : tensor<8xf32>) outs(%x : tensor<8xf32>)
  return
}

// -----

func.func @inverse_feature_transform_over_a_negative_dimension(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.inverse_feature_transform' op feature dimension -1 is not one of 'tensor<8x4xf32>'}}
  %t = stamp.inverse_feature_transform #stamp.hadamard left over -1 ins(%x : tensor<8x4xf32>) outs(%x : tensor<8x4xf32>)
  return
}

// -----

func.func @inverse_feature_transform_into_another_shape(%x: tensor<?x4xf32>, %e: tensor<8x5xf32>) {
  // expected-error@+1 {{'stamp.inverse_feature_transform' op expects an init of shape ?x4, got 'tensor<8x5xf32>'}}
  %t = stamp.inverse_feature_transform #stamp.hadamard over 1 ins(%x : tensor<?x4xf32>) outs(%e : tensor<8x5xf32>)
  return
}

// -----

func.func @feature_transform_of_integers(%x: tensor<8x4xi8>) {
  // expected-error@+1 {{'stamp.feature_transform' op operand #0 must be ranked tensor or strided memref of 16-bit float or bfloat16 type or 32-bit float values, but got 'tensor<8x4xi8>'}}
  %t = stamp.feature_transform #stamp.hadamard over 1 ins(%x : tensor<8x4xi8>) outs(%x : tensor<8x4xi8>)
  return
}

// -----

func.func @a_basis_is_no_feature_transform(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{invalid kind of attribute specified}}
  %t = stamp.feature_transform #stamp.dct over 1 ins(%x : tensor<8x4xf32>) outs(%x : tensor<8x4xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// Quantizers
//===----------------------------------------------------------------------===//

func.func @quantize_a_vector(%x: tensor<8xf32>, %q: tensor<8xi8>, %s: tensor<f32>, %z: tensor<i32>) {
  // expected-error@+1 {{'stamp.quantize' op expects a tensor of rank 2 or more, got 'tensor<8xf32>'}}
  %0:3 = stamp.quantize #stamp.schedule<[], 8> along 0 over 0
      ins(%x : tensor<8xf32>) outs(%q, %s, %z : tensor<8xi8>, tensor<f32>, tensor<i32>)
  return
}

// -----

func.func @quantize_along_a_dimension_too_high(%x: tensor<8x4xf32>, %q: tensor<8x4xi8>, %s: tensor<8xf32>, %z: tensor<8xi32>) {
  // expected-error@+1 {{'stamp.quantize' op sequence dimension 2 is not one of 'tensor<8x4xf32>'}}
  %0:3 = stamp.quantize #stamp.schedule<[], 8> along 2 over 1
      ins(%x : tensor<8x4xf32>) outs(%q, %s, %z : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>)
  return
}

// -----

func.func @quantize_over_a_negative_dimension(%x: tensor<8x4xf32>, %q: tensor<8x4xi8>, %s: tensor<8xf32>, %z: tensor<8xi32>) {
  // expected-error@+1 {{'stamp.quantize' op feature dimension -1 is not one of 'tensor<8x4xf32>'}}
  %0:3 = stamp.quantize #stamp.schedule<[], 8> along 0 over -1
      ins(%x : tensor<8x4xf32>) outs(%q, %s, %z : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>)
  return
}

// -----

func.func @quantize_along_and_over_one_dimension(%x: tensor<8x4xf32>, %q: tensor<8x4xi8>, %s: tensor<8xf32>, %z: tensor<8xi32>) {
  // expected-error@+1 {{'stamp.quantize' op sequence and features must be different dimensions, both are 1}}
  %0:3 = stamp.quantize #stamp.schedule<[], 8> along 1 over 1
      ins(%x : tensor<8x4xf32>) outs(%q, %s, %z : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>)
  return
}

// -----

func.func @quantize_into_fewer_codes(%x: tensor<8x4xf32>, %q: tensor<8x3xi8>, %s: tensor<8xf32>, %z: tensor<8xi32>) {
  // expected-error@+1 {{'stamp.quantize' op expects codes of shape 8x4, got 'tensor<8x3xi8>'}}
  %0:3 = stamp.quantize #stamp.schedule<[], 8> along 0 over 1
      ins(%x : tensor<8x4xf32>) outs(%q, %s, %z : tensor<8x3xi8>, tensor<8xf32>, tensor<8xi32>)
  return
}

// -----

func.func @quantize_with_a_scale_per_feature(%x: tensor<8x4xf32>, %q: tensor<8x4xi8>, %s: tensor<4xf32>, %z: tensor<8xi32>) {
  // expected-error@+1 {{'stamp.quantize' op expects scales of shape 8, got 'tensor<4xf32>'}}
  %0:3 = stamp.quantize #stamp.schedule<[], 8> along 0 over 1
      ins(%x : tensor<8x4xf32>) outs(%q, %s, %z : tensor<8x4xi8>, tensor<4xf32>, tensor<8xi32>)
  return
}

// -----

func.func @quantize_with_a_zero_point_per_feature(%x: tensor<8x4xf32>, %q: tensor<8x4xi8>, %s: tensor<8xf32>, %z: tensor<4xi32>) {
  // expected-error@+1 {{'stamp.quantize' op expects zero points of shape 8, got 'tensor<4xi32>'}}
  %0:3 = stamp.quantize #stamp.schedule<[], 8> along 0 over 1
      ins(%x : tensor<8x4xf32>) outs(%q, %s, %z : tensor<8x4xi8>, tensor<8xf32>, tensor<4xi32>)
  return
}

// -----

func.func @quantize_to_nibbles(%x: tensor<8x4xf32>, %q: tensor<8x4xi4>, %s: tensor<8xf32>, %z: tensor<8xi32>) {
  // expected-error@+1 {{'stamp.quantize' op operand #1 must be ranked tensor or strided memref of 8-bit signless integer values, but got 'tensor<8x4xi4>'}}
  %0:3 = stamp.quantize #stamp.schedule<[], 8> along 0 over 1
      ins(%x : tensor<8x4xf32>) outs(%q, %s, %z : tensor<8x4xi4>, tensor<8xf32>, tensor<8xi32>)
  return
}

// -----

func.func @quantize_with_half_scales(%x: tensor<8x4xf32>, %q: tensor<8x4xi8>, %s: tensor<8xf16>, %z: tensor<8xi32>) {
  // expected-error@+1 {{'stamp.quantize' op operand #2 must be ranked tensor or strided memref of 32-bit float values, but got 'tensor<8xf16>'}}
  %0:3 = stamp.quantize #stamp.schedule<[], 8> along 0 over 1
      ins(%x : tensor<8x4xf32>) outs(%q, %s, %z : tensor<8x4xi8>, tensor<8xf16>, tensor<8xi32>)
  return
}

// -----

func.func @quantize_with_short_zero_points(%x: tensor<8x4xf32>, %q: tensor<8x4xi8>, %s: tensor<8xf32>, %z: tensor<8xi8>) {
  // expected-error@+1 {{'stamp.quantize' op operand #3 must be ranked tensor or strided memref of 32-bit signless integer values, but got 'tensor<8xi8>'}}
  %0:3 = stamp.quantize #stamp.schedule<[], 8> along 0 over 1
      ins(%x : tensor<8x4xf32>) outs(%q, %s, %z : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi8>)
  return
}

// -----

func.func @dequantize_a_vector(%q: tensor<8xi8>, %s: tensor<f32>, %z: tensor<i32>, %e: tensor<8xf32>) {
  // expected-error@+1 {{'stamp.dequantize' op expects a tensor of rank 2 or more, got 'tensor<8xi8>'}}
  %0 = stamp.dequantize over 0 ins(%q, %s, %z : tensor<8xi8>, tensor<f32>, tensor<i32>) outs(%e : tensor<8xf32>)
  return
}

// -----

func.func @dequantize_over_a_dimension_too_high(%q: tensor<8x4xi8>, %s: tensor<8xf32>, %z: tensor<8xi32>, %e: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.dequantize' op feature dimension 2 is not one of 'tensor<8x4xi8>'}}
  %0 = stamp.dequantize over 2 ins(%q, %s, %z : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>) outs(%e : tensor<8x4xf32>)
  return
}

// -----

func.func @dequantize_with_a_scale_per_feature(%q: tensor<8x4xi8>, %s: tensor<4xf32>, %z: tensor<8xi32>, %e: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.dequantize' op expects scales of shape 8, got 'tensor<4xf32>'}}
  %0 = stamp.dequantize over 1 ins(%q, %s, %z : tensor<8x4xi8>, tensor<4xf32>, tensor<8xi32>) outs(%e : tensor<8x4xf32>)
  return
}

// -----

func.func @quantize_rows_without_a_total(%x: tensor<8x4xf32>, %q: tensor<8x4xi8>, %s: tensor<8xf32>, %z: tensor<8xi32>, %row: index) {
  // expected-error@+1 {{'stamp.quantize' op expects the rows' offset and their total together}}
  %0:3 = stamp.quantize #stamp.schedule<[], 4> along 0 over 1 rows at %row of
      ins(%x : tensor<8x4xf32>) outs(%q, %s, %z : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>)
  return
}

// -----

func.func @dequantize_with_a_zero_point_per_feature(%q: tensor<8x4xi8>, %s: tensor<8xf32>, %z: tensor<4xi32>, %e: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.dequantize' op expects zero points of shape 8, got 'tensor<4xi32>'}}
  %0 = stamp.dequantize over 1 ins(%q, %s, %z : tensor<8x4xi8>, tensor<8xf32>, tensor<4xi32>) outs(%e : tensor<8x4xf32>)
  return
}

// -----

func.func @dequantize_into_another_shape(%q: tensor<8x4xi8>, %s: tensor<8xf32>, %z: tensor<8xi32>, %e: tensor<4x8xf32>) {
  // expected-error@+1 {{'stamp.dequantize' op expects an init of shape 8x4, got 'tensor<4x8xf32>'}}
  %0 = stamp.dequantize over 1 ins(%q, %s, %z : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>) outs(%e : tensor<4x8xf32>)
  return
}

// -----

func.func @weight_of_five_bits(%w: tensor<8x4xf32>, %q: tensor<8x4xi8>, %s: tensor<4xf32>, %c: tensor<4xi32>) {
  // expected-error@+1 {{'stamp.quantize_weight' op expects 4 or 8 bits, got 5}}
  %0:3 = stamp.quantize_weight bits = 5 over 0
      ins(%w : tensor<8x4xf32>) outs(%q, %s, %c : tensor<8x4xi8>, tensor<4xf32>, tensor<4xi32>)
  return
}

// -----

func.func @weight_of_rank_1(%w: tensor<8xf32>, %q: tensor<8xi8>, %s: tensor<f32>, %c: tensor<i32>) {
  // expected-error@+1 {{'stamp.quantize_weight' op expects a tensor of rank 2 or more, got 'tensor<8xf32>'}}
  %0:3 = stamp.quantize_weight bits = 4 over 0
      ins(%w : tensor<8xf32>) outs(%q, %s, %c : tensor<8xi8>, tensor<f32>, tensor<i32>)
  return
}

// -----

func.func @weight_over_a_dimension_too_high(%w: tensor<8x4xf32>, %q: tensor<8x4xi8>, %s: tensor<4xf32>, %c: tensor<4xi32>) {
  // expected-error@+1 {{'stamp.quantize_weight' op reduced dimension 2 is not one of 'tensor<8x4xf32>'}}
  %0:3 = stamp.quantize_weight bits = 4 over 2
      ins(%w : tensor<8x4xf32>) outs(%q, %s, %c : tensor<8x4xi8>, tensor<4xf32>, tensor<4xi32>)
  return
}

// -----

func.func @weight_with_fewer_codes(%w: tensor<8x4xf32>, %q: tensor<7x4xi8>, %s: tensor<4xf32>, %c: tensor<4xi32>) {
  // expected-error@+1 {{'stamp.quantize_weight' op expects codes of shape 8x4, got 'tensor<7x4xi8>'}}
  %0:3 = stamp.quantize_weight bits = 4 over 0
      ins(%w : tensor<8x4xf32>) outs(%q, %s, %c : tensor<7x4xi8>, tensor<4xf32>, tensor<4xi32>)
  return
}

// -----

func.func @weight_with_a_scale_per_input(%w: tensor<8x4xf32>, %q: tensor<8x4xi8>, %s: tensor<8xf32>, %c: tensor<4xi32>) {
  // expected-error@+1 {{'stamp.quantize_weight' op expects scales of shape 4, got 'tensor<8xf32>'}}
  %0:3 = stamp.quantize_weight bits = 4 over 0
      ins(%w : tensor<8x4xf32>) outs(%q, %s, %c : tensor<8x4xi8>, tensor<8xf32>, tensor<4xi32>)
  return
}

// -----

func.func @weight_with_a_sum_per_input(%w: tensor<8x4xf32>, %q: tensor<8x4xi8>, %s: tensor<4xf32>, %c: tensor<8xi32>) {
  // expected-error@+1 {{'stamp.quantize_weight' op expects sums of shape 4, got 'tensor<8xi32>'}}
  %0:3 = stamp.quantize_weight bits = 4 over 0
      ins(%w : tensor<8x4xf32>) outs(%q, %s, %c : tensor<8x4xi8>, tensor<4xf32>, tensor<8xi32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// Rescale
//===----------------------------------------------------------------------===//

func.func @rescale_a_vector(%acc: tensor<8xi32>, %f: tensor<f32>, %i: tensor<i32>, %e: tensor<8xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects a tensor of rank 2 or more, got 'tensor<8xi32>'}}
  %0 = stamp.rescale along 0 over 0
      ins(%acc, %f, %i, %f, %i : tensor<8xi32>, tensor<f32>, tensor<i32>, tensor<f32>, tensor<i32>)
      outs(%e : tensor<8xf32>)
  return
}

// -----

func.func @rescale_along_a_dimension_too_high(%acc: tensor<8x4xi32>, %sx: tensor<8xf32>, %zx: tensor<8xi32>,
                                              %sw: tensor<4xf32>, %c: tensor<4xi32>, %e: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.rescale' op sequence dimension 2 is not one of 'tensor<8x4xi32>'}}
  %0 = stamp.rescale along 2 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<8x4xi32>, tensor<8xf32>, tensor<8xi32>, tensor<4xf32>, tensor<4xi32>)
      outs(%e : tensor<8x4xf32>)
  return
}

// -----

func.func @rescale_over_a_negative_dimension(%acc: tensor<8x4xi32>, %sx: tensor<8xf32>, %zx: tensor<8xi32>,
                                             %sw: tensor<4xf32>, %c: tensor<4xi32>, %e: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.rescale' op channel dimension -1 is not one of 'tensor<8x4xi32>'}}
  %0 = stamp.rescale along 0 over -1
      ins(%acc, %sx, %zx, %sw, %c : tensor<8x4xi32>, tensor<8xf32>, tensor<8xi32>, tensor<4xf32>, tensor<4xi32>)
      outs(%e : tensor<8x4xf32>)
  return
}

// -----

func.func @rescale_along_and_over_one_dimension(%acc: tensor<8x4xi32>, %sx: tensor<8xf32>, %zx: tensor<8xi32>,
                                                %sw: tensor<4xf32>, %c: tensor<4xi32>, %e: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.rescale' op sequence and channels must be different dimensions, both are 0}}
  %0 = stamp.rescale along 0 over 0
      ins(%acc, %sx, %zx, %sw, %c : tensor<8x4xi32>, tensor<8xf32>, tensor<8xi32>, tensor<4xf32>, tensor<4xi32>)
      outs(%e : tensor<8x4xf32>)
  return
}

// -----

func.func @rescale_with_a_row_scale_per_channel(%acc: tensor<8x4xi32>, %sx: tensor<4xf32>, %zx: tensor<8xi32>,
                                                %sw: tensor<4xf32>, %c: tensor<4xi32>, %e: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects row scales of shape 8, got 'tensor<4xf32>'}}
  %0 = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<8x4xi32>, tensor<4xf32>, tensor<8xi32>, tensor<4xf32>, tensor<4xi32>)
      outs(%e : tensor<8x4xf32>)
  return
}

// -----

func.func @rescale_with_a_zero_point_per_channel(%acc: tensor<8x4xi32>, %sx: tensor<8xf32>, %zx: tensor<4xi32>,
                                                 %sw: tensor<4xf32>, %c: tensor<4xi32>, %e: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects zero points of shape 8, got 'tensor<4xi32>'}}
  %0 = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<8x4xi32>, tensor<8xf32>, tensor<4xi32>, tensor<4xf32>, tensor<4xi32>)
      outs(%e : tensor<8x4xf32>)
  return
}

// -----

func.func @rescale_with_a_column_scale_per_token(%acc: tensor<8x4xi32>, %sx: tensor<8xf32>, %zx: tensor<8xi32>,
                                                 %sw: tensor<8xf32>, %c: tensor<4xi32>, %e: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects column scales of shape 4, got 'tensor<8xf32>'}}
  %0 = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<8x4xi32>, tensor<8xf32>, tensor<8xi32>, tensor<8xf32>, tensor<4xi32>)
      outs(%e : tensor<8x4xf32>)
  return
}

// -----

func.func @rescale_with_a_column_sum_per_token(%acc: tensor<8x4xi32>, %sx: tensor<8xf32>, %zx: tensor<8xi32>,
                                               %sw: tensor<4xf32>, %c: tensor<8xi32>, %e: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects column sums of shape 4, got 'tensor<8xi32>'}}
  %0 = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<8x4xi32>, tensor<8xf32>, tensor<8xi32>, tensor<4xf32>, tensor<8xi32>)
      outs(%e : tensor<8x4xf32>)
  return
}

// -----

func.func @rescale_with_column_scales_of_another_batch(%acc: tensor<2x8x4xi32>, %sx: tensor<2x8xf32>, %zx: tensor<2x8xi32>,
                                                       %sw: tensor<3x4xf32>, %c: tensor<4xi32>, %e: tensor<2x8x4xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects column scales of shape 2x4, got 'tensor<3x4xf32>'}}
  %0 = stamp.rescale along 1 over 2
      ins(%acc, %sx, %zx, %sw, %c : tensor<2x8x4xi32>, tensor<2x8xf32>, tensor<2x8xi32>, tensor<3x4xf32>, tensor<4xi32>)
      outs(%e : tensor<2x8x4xf32>)
  return
}

// -----

func.func @rescale_with_a_bias_per_token(%acc: tensor<8x4xi32>, %sx: tensor<8xf32>, %zx: tensor<8xi32>,
                                         %sw: tensor<4xf32>, %c: tensor<4xi32>, %e: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects a bias of shape 4, got 'tensor<8xf32>'}}
  %0 = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<8x4xi32>, tensor<8xf32>, tensor<8xi32>, tensor<4xf32>, tensor<4xi32>)
      bias(%sx : tensor<8xf32>) outs(%e : tensor<8x4xf32>)
  return
}

// -----

func.func @rescale_with_a_spread_but_no_bias(%acc: tensor<8x4xi32>, %sx: tensor<8xf32>, %zx: tensor<8xi32>,
                                             %sw: tensor<4xf32>, %c: tensor<4xi32>, %e: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.rescale' op has a spread but no bias to be spread}}
  %0 = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<8x4xi32>, tensor<8xf32>, tensor<8xi32>, tensor<4xf32>, tensor<4xi32>)
      spread(%sx : tensor<8xf32>) outs(%e : tensor<8x4xf32>)
  return
}

// -----

func.func @rescale_with_a_spread_over_channels(%acc: tensor<8x4xi32>, %sx: tensor<8xf32>, %zx: tensor<8xi32>,
                                               %sw: tensor<4xf32>, %c: tensor<4xi32>, %e: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects a spread of shape 8, got 'tensor<4xf32>'}}
  %0 = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<8x4xi32>, tensor<8xf32>, tensor<8xi32>, tensor<4xf32>, tensor<4xi32>)
      bias(%sw : tensor<4xf32>) spread(%sw : tensor<4xf32>) outs(%e : tensor<8x4xf32>)
  return
}

// -----

func.func @rescale_into_another_shape(%acc: tensor<8x4xi32>, %sx: tensor<8xf32>, %zx: tensor<8xi32>,
                                      %sw: tensor<4xf32>, %c: tensor<4xi32>, %e: tensor<8x5xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects an init of shape 8x4, got 'tensor<8x5xf32>'}}
  %0 = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<8x4xi32>, tensor<8xf32>, tensor<8xi32>, tensor<4xf32>, tensor<4xi32>)
      outs(%e : tensor<8x5xf32>)
  return
}

// -----

func.func @rescale_of_narrow_accumulators(%acc: tensor<8x4xi16>, %sx: tensor<8xf32>, %zx: tensor<8xi32>,
                                          %sw: tensor<4xf32>, %c: tensor<4xi32>, %e: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.rescale' op operand #0 must be ranked tensor or strided memref of 32-bit signless integer values, but got 'tensor<8x4xi16>'}}
  %0 = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<8x4xi16>, tensor<8xf32>, tensor<8xi32>, tensor<4xf32>, tensor<4xi32>)
      outs(%e : tensor<8x4xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// Tensors and buffers
//===----------------------------------------------------------------------===//

func.func @transform_of_a_tensor_into_a_buffer(%x: tensor<8x4xf32>, %m: memref<8x4xf32>) {
  // expected-error@+1 {{'stamp.transform' op expects all tensors or all buffers, got 'tensor<8x4xf32>' and 'memref<8x4xf32>'}}
  stamp.transform #stamp.dct along 0 ins(%x : tensor<8x4xf32>) outs(%m : memref<8x4xf32>)
  return
}

// -----

func.func @quantize_with_codes_in_a_tensor(%x: memref<8x4xf32>, %q: tensor<8x4xi8>, %s: memref<8xf32>, %z: memref<8xi32>) {
  // expected-error@+1 {{'stamp.quantize' op expects all tensors or all buffers, got 'memref<8x4xf32>' and 'tensor<8x4xi8>'}}
  %r = "stamp.quantize"(%x, %q, %s, %z) <{
      dimension = 0, feature_dimension = 1, schedule = #stamp.schedule<[], 8>,
      operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0>}>
      : (memref<8x4xf32>, tensor<8x4xi8>, memref<8xf32>, memref<8xi32>) -> tensor<8x4xi8>
  return
}

// -----

func.func @transform_with_a_result_too_many(%m: memref<8x4xf32>) {
  // expected-error@+1 {{'stamp.transform' op expected the number of tensor results (1) to be equal to the number of output tensors (0)}}
  %t = "stamp.transform"(%m, %m) <{basis = #stamp.dct, dimension = 0}>
      : (memref<8x4xf32>, memref<8x4xf32>) -> tensor<8x4xf32>
  return
}

// -----

func.func @transform_without_a_result(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.transform' op expected the number of tensor results (0) to be equal to the number of output tensors (1)}}
  "stamp.transform"(%x, %x) <{basis = #stamp.dct, dimension = 0}>
      : (tensor<8x4xf32>, tensor<8x4xf32>) -> ()
  return
}

// -----

func.func @quantize_with_two_results(%x: tensor<8x4xf32>, %q: tensor<8x4xi8>, %s: tensor<8xf32>, %z: tensor<8xi32>) {
  // expected-error@+1 {{'stamp.quantize' op expected the number of tensor results (2) to be equal to the number of output tensors (3)}}
  %r:2 = "stamp.quantize"(%x, %q, %s, %z) <{
      dimension = 0, feature_dimension = 1, schedule = #stamp.schedule<[], 8>,
      operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0>}>
      : (tensor<8x4xf32>, tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>) -> (tensor<8x4xi8>, tensor<8xf32>)
  return
}

// -----

func.func @transform_of_a_buffer_without_strides(%m: memref<8x4xf32, affine_map<(i, j) -> (i floordiv 2, j, i mod 2)>>, %e: memref<8x4xf32>) {
  // expected-error@+1 {{'stamp.transform' op operand #0 must be ranked tensor or strided memref of 16-bit float or bfloat16 type or 32-bit float values, but got 'memref<8x4xf32, affine_map<(d0, d1) -> (d0 floordiv 2, d1, d0 mod 2)>>'}}
  stamp.transform #stamp.dct along 0 ins(%m : memref<8x4xf32, affine_map<(i, j) -> (i floordiv 2, j, i mod 2)>>) outs(%e : memref<8x4xf32>)
  return
}

// -----

func.func @dequantize_into_a_buffer_of_another_shape(%q: memref<8x4xi8>, %s: memref<8xf32>, %z: memref<8xi32>, %e: memref<4x8xf32>) {
  // expected-error@+1 {{'stamp.dequantize' op expects an init of shape 8x4, got 'memref<4x8xf32>'}}
  stamp.dequantize over 1 ins(%q, %s, %z : memref<8x4xi8>, memref<8xf32>, memref<8xi32>) outs(%e : memref<4x8xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// Attributes of other ops
//===----------------------------------------------------------------------===//

// expected-error@+1 {{'func.func' op has an unknown attribute 'stamp.plam'}}
func.func @misspelt_plan() attributes {stamp.plam} {
  return
}

// -----

// expected-error@+1 {{'func.func' op expects 'stamp.plan' to be a #stamp.plan}}
func.func @plan_that_is_none() attributes {stamp.plan = 4} {
  return
}

// -----

// expected-error@+1 {{'func.func' op cannot carry 'stamp.plan': it is not a linalg op}}
func.func @plan_of_a_function() attributes {
    stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 4>} {
  return
}

// -----

// expected-error@+1 {{'builtin.module' op has an unknown attribute 'stamp.note'}}
module attributes {stamp.note = "hello"} {}

// -----

//===----------------------------------------------------------------------===//
// Properties as bytecode can hold them
//===----------------------------------------------------------------------===//

func.func @quantize_without_an_input(%x: tensor<8x4xf32>, %q: tensor<8x4xi8>, %s: tensor<8xf32>, %z: tensor<8xi32>) {
  // expected-error@+1 {{'stamp.quantize' op failed to verify that each of the first 4 operands is there once}}
  %0:3 = "stamp.quantize"(%q, %s, %z, %z) <{
    schedule = #stamp.schedule<[], 8>, dimension = 0 : i64, feature_dimension = 1 : i64,
    operandSegmentSizes = array<i32: 0, 1, 1, 2, 0, 0, 0>}>
    : (tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>, tensor<8xi32>) -> (tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>)
  return
}

// -----

func.func @rescale_without_an_init(%acc: tensor<8x4xi32>, %sx: tensor<8xf32>, %zx: tensor<8xi32>, %sw: tensor<4xf32>, %c: tensor<4xi32>) {
  // expected-error@+1 {{'stamp.rescale' op failed to verify that each of the first 6 operands is there once}}
  %0 = "stamp.rescale"(%acc, %sx, %zx, %sw, %c, %c) <{
    dimension = 0 : i64, channel_dimension = 1 : i64,
    operandSegmentSizes = array<i32: 1, 1, 1, 1, 2, 0, 0, 0>}>
    : (tensor<8x4xi32>, tensor<8xf32>, tensor<8xi32>, tensor<4xf32>, tensor<4xi32>, tensor<4xi32>) -> tensor<8x4xf32>
  return
}

// -----

func.func @dimension_of_another_width(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.transform' op attribute 'dimension' failed to satisfy constraint: 64-bit signless integer attribute}}
  %t = "stamp.transform"(%x, %x) <{basis = #stamp.dct, dimension = 0 : i128}>
    : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  return
}

// -----

func.func @dimension_of_the_largest_number(%x: tensor<8x4xf32>) {
  // expected-error@+1 {{'stamp.transform' op sequence dimension 9223372036854775807 is not one of 'tensor<8x4xf32>'}}
  %t = "stamp.transform"(%x, %x) <{basis = #stamp.dct, dimension = 9223372036854775807 : i64}>
    : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// Valid lengths
//===----------------------------------------------------------------------===//

func.func @lengths_of_tokens(%x: tensor<2x8x4xf32>, %n: tensor<2x8xi64>) {
  // expected-error@+1 {{'stamp.transform' op expects lengths of rank 1 or less, got 'tensor<2x8xi64>'}}
  %t = stamp.transform #stamp.dct along 1 lengths(%n : tensor<2x8xi64>)
      ins(%x : tensor<2x8x4xf32>) outs(%x : tensor<2x8x4xf32>)
  return
}

// -----

func.func @lengths_of_another_batch(%x: tensor<2x8x4xf32>, %n: tensor<3xi64>) {
  // expected-error@+1 {{'stamp.inverse_transform' op expects lengths of shape 2, got 'tensor<3xi64>'}}
  %t = stamp.inverse_transform #stamp.dct along 1 lengths(%n : tensor<3xi64>)
      ins(%x : tensor<2x8x4xf32>) outs(%x : tensor<2x8x4xf32>)
  return
}

// -----

func.func @lengths_that_are_floats(%x: tensor<2x8x4xf32>, %n: tensor<2xf32>) {
  // expected-error@+1 {{'stamp.transform' op operand #2 must be ranked tensor or strided memref of index or 32-bit signless integer or 64-bit signless integer values, but got 'tensor<2xf32>'}}
  %t = stamp.transform #stamp.dct along 1 lengths(%n : tensor<2xf32>)
      ins(%x : tensor<2x8x4xf32>) outs(%x : tensor<2x8x4xf32>)
  return
}

// -----

func.func @lengths_in_front_of_no_batch(%x: tensor<8x4xf32>, %n: tensor<8xi64>, %q: tensor<8x4xi8>, %s: tensor<8xf32>, %z: tensor<8xi32>) {
  // expected-error@+1 {{'stamp.quantize' op expects lengths of rank 0 or less, got 'tensor<8xi64>'}}
  %0:3 = stamp.quantize #stamp.schedule<[], 8> along 0 over 1 lengths(%n : tensor<8xi64>)
      ins(%x : tensor<8x4xf32>) outs(%q, %s, %z : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>)
  return
}

// -----

func.func @lengths_of_another_batch_of_rows(%x: tensor<2x8x4xf32>, %n: tensor<4xi64>, %q: tensor<2x8x4xi8>, %s: tensor<2x8xf32>, %z: tensor<2x8xi32>) {
  // expected-error@+1 {{'stamp.quantize' op expects lengths of shape 2, got 'tensor<4xi64>'}}
  %0:3 = stamp.quantize #stamp.schedule<[], 8> along 1 over 2 lengths(%n : tensor<4xi64>)
      ins(%x : tensor<2x8x4xf32>) outs(%q, %s, %z : tensor<2x8x4xi8>, tensor<2x8xf32>, tensor<2x8xi32>)
  return
}

// -----

func.func @lengths_that_differ_within_a_row(%x: tensor<2x8xf32>, %n: tensor<2xi64>, %q: tensor<2x8xi8>, %s: tensor<8xf32>, %z: tensor<8xi32>) {
  // expected-error@+1 {{'stamp.quantize' op has lengths that differ within a row: feature dimension 0 is one of theirs}}
  %0:3 = stamp.quantize #stamp.schedule<[], 8> along 1 over 0 lengths(%n : tensor<2xi64>)
      ins(%x : tensor<2x8xf32>) outs(%q, %s, %z : tensor<2x8xi8>, tensor<8xf32>, tensor<8xi32>)
  return
}

// -----

func.func @spread_over_channels(%acc: tensor<2x8x64xi32>, %sx: tensor<2x8xf32>, %zx: tensor<2x8xi32>, %sw: tensor<64xf32>, %c: tensor<64xi32>, %b: tensor<64xf32>, %l: tensor<2x8x64xf32>, %e: tensor<2x8x64xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects a spread of rank 1 to 2, got 'tensor<2x8x64xf32>'}}
  %y = stamp.rescale along 1 over 2
      ins(%acc, %sx, %zx, %sw, %c : tensor<2x8x64xi32>, tensor<2x8xf32>, tensor<2x8xi32>, tensor<64xf32>, tensor<64xi32>)
      bias(%b : tensor<64xf32>) spread(%l : tensor<2x8x64xf32>) outs(%e : tensor<2x8x64xf32>)
  return
}

// -----

func.func @spread_of_no_token(%acc: tensor<2x8x64xi32>, %sx: tensor<2x8xf32>, %zx: tensor<2x8xi32>, %sw: tensor<64xf32>, %c: tensor<64xi32>, %b: tensor<64xf32>, %l: tensor<f32>, %e: tensor<2x8x64xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects a spread of rank 1 to 2, got 'tensor<f32>'}}
  %y = stamp.rescale along 1 over 2
      ins(%acc, %sx, %zx, %sw, %c : tensor<2x8x64xi32>, tensor<2x8xf32>, tensor<2x8xi32>, tensor<64xf32>, tensor<64xi32>)
      bias(%b : tensor<64xf32>) spread(%l : tensor<f32>) outs(%e : tensor<2x8x64xf32>)
  return
}

// -----

func.func @spread_of_another_batch(%acc: tensor<2x8x64xi32>, %sx: tensor<2x8xf32>, %zx: tensor<2x8xi32>, %sw: tensor<64xf32>, %c: tensor<64xi32>, %b: tensor<64xf32>, %l: tensor<3x8xf32>, %e: tensor<2x8x64xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects a spread of shape 2x8, got 'tensor<3x8xf32>'}}
  %y = stamp.rescale along 1 over 2
      ins(%acc, %sx, %zx, %sw, %c : tensor<2x8x64xi32>, tensor<2x8xf32>, tensor<2x8xi32>, tensor<64xf32>, tensor<64xi32>)
      bias(%b : tensor<64xf32>) spread(%l : tensor<3x8xf32>) outs(%e : tensor<2x8x64xf32>)
  return
}

// -----

//===----------------------------------------------------------------------===//
// Packed storage
//===----------------------------------------------------------------------===//

func.func @pack_a_vector(%q: tensor<8xi8>, %e0: tensor<2x5xi8>, %e1: tensor<6x3xi8>) {
  // expected-error@+1 {{'stamp.pack' op expects a tensor of rank 2 or more, got 'tensor<8xi8>'}}
  %p:2 = stamp.pack #stamp.schedule<[2 : 8], 4> along 0 over 1
      ins(%q : tensor<8xi8>) outs(%e0, %e1 : tensor<2x5xi8>, tensor<6x3xi8>)
  return
}

// -----

func.func @pack_along_no_dimension(%q: tensor<8x5xi8>, %e0: tensor<2x5xi8>, %e1: tensor<6x3xi8>) {
  // expected-error@+1 {{'stamp.pack' op sequence dimension 2 is not one of 'tensor<8x5xi8>'}}
  %p:2 = stamp.pack #stamp.schedule<[2 : 8], 4> along 2 over 1
      ins(%q : tensor<8x5xi8>) outs(%e0, %e1 : tensor<2x5xi8>, tensor<6x3xi8>)
  return
}

// -----

func.func @pack_over_no_dimension(%q: tensor<8x5xi8>, %e0: tensor<2x5xi8>, %e1: tensor<6x3xi8>) {
  // expected-error@+1 {{'stamp.pack' op packed dimension -1 is not one of 'tensor<8x5xi8>'}}
  %p:2 = stamp.pack #stamp.schedule<[2 : 8], 4> along 0 over -1
      ins(%q : tensor<8x5xi8>) outs(%e0, %e1 : tensor<2x5xi8>, tensor<6x3xi8>)
  return
}

// -----

func.func @pack_the_sequence(%q: tensor<8x5xi8>, %e0: tensor<2x5xi8>, %e1: tensor<6x3xi8>) {
  // expected-error@+1 {{'stamp.pack' op sequence and packed must be different dimensions, both are 1}}
  %p:2 = stamp.pack #stamp.schedule<[2 : 8], 4> along 1 over 1
      ins(%q : tensor<8x5xi8>) outs(%e0, %e1 : tensor<2x5xi8>, tensor<6x3xi8>)
  return
}

// -----

func.func @pack_into_too_few_parts(%q: tensor<8x5xi8>, %e0: tensor<6x3xi8>) {
  // expected-error@+1 {{'stamp.pack' op expects one packed tensor for each segment and one for the rest, that is 2, got 1}}
  %p:1 = stamp.pack #stamp.schedule<[2 : 8], 4> along 0 over 1
      ins(%q : tensor<8x5xi8>) outs(%e0 : tensor<6x3xi8>)
  return
}

// -----

func.func @pack_into_other_rows(%q: tensor<8x5xi8>, %e0: tensor<3x5xi8>, %e1: tensor<6x3xi8>) {
  // expected-error@+1 {{'stamp.pack' op expects codes of 8 bits of shape 2x5, got 'tensor<3x5xi8>'}}
  %p:2 = stamp.pack #stamp.schedule<[2 : 8], 4> along 0 over 1
      ins(%q : tensor<8x5xi8>) outs(%e0, %e1 : tensor<3x5xi8>, tensor<6x3xi8>)
  return
}

// -----

func.func @pack_into_too_few_bytes(%q: tensor<8x5xi8>, %e0: tensor<2x5xi8>, %e1: tensor<6x2xi8>) {
  // expected-error@+1 {{'stamp.pack' op expects codes of 4 bits of shape 6x3, got 'tensor<6x2xi8>'}}
  %p:2 = stamp.pack #stamp.schedule<[2 : 8], 4> along 0 over 1
      ins(%q : tensor<8x5xi8>) outs(%e0, %e1 : tensor<2x5xi8>, tensor<6x2xi8>)
  return
}

// -----

func.func @pack_pairs_of_2_bits(%q: tensor<8x5xi8>, %e0: tensor<8x3xi8>) {
  // expected-error@+1 {{'stamp.pack' op expects codes of 2 bits of shape 8x2, got 'tensor<8x3xi8>'}}
  %p:1 = stamp.pack #stamp.schedule<[], 2> along 0 over 1
      ins(%q : tensor<8x5xi8>) outs(%e0 : tensor<8x3xi8>)
  return
}

// -----

func.func @pack_rows_of_any_number(%q: tensor<?x5xi8>, %e0: tensor<2x5xi8>, %e1: tensor<?x5xi8>) {
  // expected-error@+1 {{'stamp.pack' op expects codes of 4 bits of shape ?x3, got 'tensor<?x5xi8>'}}
  %p:2 = stamp.pack #stamp.schedule<[2 : 8], 4> along 0 over 1
      ins(%q : tensor<?x5xi8>) outs(%e0, %e1 : tensor<2x5xi8>, tensor<?x5xi8>)
  return
}

// -----

func.func @unpack_from_nothing_for_the_rest(%q: tensor<8x5xi8>, %p0: tensor<2x5xi8>) {
  // expected-error@+1 {{'stamp.unpack' op expects one packed tensor for each segment and one for the rest, that is 2, got 1}}
  %u = stamp.unpack #stamp.schedule<[2 : 8], 4> along 0 over 1
      ins(%p0 : tensor<2x5xi8>) outs(%q : tensor<8x5xi8>)
  return
}

// -----

func.func @unpack_from_other_rows(%q: tensor<8x5xi8>, %p0: tensor<2x5xi8>, %p1: tensor<5x3xi8>) {
  // expected-error@+1 {{'stamp.unpack' op expects codes of 4 bits of shape 6x3, got 'tensor<5x3xi8>'}}
  %u = stamp.unpack #stamp.schedule<[2 : 8], 4> along 0 over 1
      ins(%p0, %p1 : tensor<2x5xi8>, tensor<5x3xi8>) outs(%q : tensor<8x5xi8>)
  return
}

// -----

func.func @unpack_along_no_dimension(%q: tensor<8x5xi8>, %p0: tensor<2x5xi8>, %p1: tensor<6x3xi8>) {
  // expected-error@+1 {{'stamp.unpack' op sequence dimension 5 is not one of 'tensor<8x5xi8>'}}
  %u = stamp.unpack #stamp.schedule<[2 : 8], 4> along 5 over 1
      ins(%p0, %p1 : tensor<2x5xi8>, tensor<6x3xi8>) outs(%q : tensor<8x5xi8>)
  return
}

// -----

func.func @observe_nowhere(%x: tensor<8x4xf32>, %a: tensor<8x8xf64>) -> tensor<8x8xf64> {
  // expected-error@+1 {{'stamp.observe' op expects a site that has a name}}
  %s = stamp.observe "" along 0 ins(%x, %a : tensor<8x4xf32>, tensor<8x8xf64>) outs(%a : tensor<8x8xf64>)
  return %s : tensor<8x8xf64>
}

// -----

func.func @observe_along_a_dimension_too_high(%x: tensor<8x4xf32>, %a: tensor<8x8xf64>) -> tensor<8x8xf64> {
  // expected-error@+1 {{'stamp.observe' op sequence dimension 2 is not one of 'tensor<8x4xf32>'}}
  %s = stamp.observe "a" along 2 ins(%x, %a : tensor<8x4xf32>, tensor<8x8xf64>) outs(%a : tensor<8x8xf64>)
  return %s : tensor<8x8xf64>
}

// -----

func.func @observe_into_features(%x: tensor<8x4xf32>, %a: tensor<4x4xf64>) -> tensor<4x4xf64> {
  // expected-error@+1 {{'stamp.observe' op expects the sums so far of shape 8x8, got 'tensor<4x4xf64>'}}
  %s = stamp.observe "a" along 0 ins(%x, %a : tensor<8x4xf32>, tensor<4x4xf64>) outs(%a : tensor<4x4xf64>)
  return %s : tensor<4x4xf64>
}

// -----

func.func @observe_into_another_shape(%x: tensor<8x4xf32>, %a: tensor<8x8xf64>, %e: tensor<8x4xf64>) -> tensor<8x4xf64> {
  // expected-error@+1 {{'stamp.observe' op expects an init of shape 8x8, got 'tensor<8x4xf64>'}}
  %s = stamp.observe "a" along 0 ins(%x, %a : tensor<8x4xf32>, tensor<8x8xf64>) outs(%e : tensor<8x4xf64>)
  return %s : tensor<8x4xf64>
}

// -----

func.func @observe_in_f32(%x: tensor<8x4xf32>, %a: tensor<8x8xf32>) -> tensor<8x8xf32> {
  // expected-error@+1 {{'stamp.observe' op operand #1 must be ranked tensor or strided memref of 64-bit float values, but got 'tensor<8x8xf32>'}}
  %s = stamp.observe "a" along 0 ins(%x, %a : tensor<8x4xf32>, tensor<8x8xf32>) outs(%a : tensor<8x8xf32>)
  return %s : tensor<8x8xf32>
}

// -----

// expected-error@+1 {{'func.func' op expects 'stamp.kv_scores' to be a #stamp.kv_cache}}
func.func private @cache_that_is_none() attributes {stamp.kv_scores = 4}

// -----

// expected-error@+1 {{'builtin.module' op cannot carry 'stamp.kv_mix': it is not a function}}
module attributes {
    stamp.kv_mix = #stamp.kv_cache<basis = #stamp.identity, schedule = #stamp.schedule<[], 4>>} {
}
