// RUN: stamp-opt %s --split-input-file --verify-diagnostics

func.func @quantize_groups_of_none(%x: tensor<8x100xf32>, %eq: tensor<8x100xi8>, %es: tensor<8x2xf32>, %ez: tensor<8x2xi32>) {
  // expected-error@+1 {{'stamp.quantize' op expects groups of 1 to 65536, got groups of 0}}
  %q:3 = stamp.quantize #stamp.schedule<[], 4> along 0 over 1 groups of 0 ins(%x : tensor<8x100xf32>)
      outs(%eq, %es, %ez : tensor<8x100xi8>, tensor<8x2xf32>, tensor<8x2xi32>)
  return
}

// -----

func.func @quantize_groups_too_large(%x: tensor<8x100xf32>, %eq: tensor<8x100xi8>, %es: tensor<8x1xf32>, %ez: tensor<8x1xi32>) {
  // expected-error@+1 {{'stamp.quantize' op expects groups of 1 to 65536, got groups of 65537}}
  %q:3 = stamp.quantize #stamp.schedule<[], 4> along 0 over 1 groups of 65537 ins(%x : tensor<8x100xf32>)
      outs(%eq, %es, %ez : tensor<8x100xi8>, tensor<8x1xf32>, tensor<8x1xi32>)
  return
}

// -----

func.func @quantize_negative_groups(%x: tensor<8x100xf32>, %eq: tensor<8x100xi8>, %es: tensor<8x1xf32>, %ez: tensor<8x1xi32>) {
  // expected-error@+1 {{'stamp.quantize' op expects groups of 1 to 65536, got groups of -64}}
  %q:3 = stamp.quantize #stamp.schedule<[], 4> along 0 over 1 groups of -64 ins(%x : tensor<8x100xf32>)
      outs(%eq, %es, %ez : tensor<8x100xi8>, tensor<8x1xf32>, tensor<8x1xi32>)
  return
}

// -----

func.func @quantize_scales_without_the_short_group(%x: tensor<8x100xf32>, %eq: tensor<8x100xi8>, %es: tensor<8x1xf32>, %ez: tensor<8x2xi32>) {
  // expected-error@+1 {{'stamp.quantize' op expects scales of shape 8x2, got 'tensor<8x1xf32>'}}
  %q:3 = stamp.quantize #stamp.schedule<[], 4> along 0 over 1 groups of 64 ins(%x : tensor<8x100xf32>)
      outs(%eq, %es, %ez : tensor<8x100xi8>, tensor<8x1xf32>, tensor<8x2xi32>)
  return
}

// -----

func.func @quantize_zero_points_of_another_group(%x: tensor<8x100xf32>, %eq: tensor<8x100xi8>, %es: tensor<8x2xf32>, %ez: tensor<8x4xi32>) {
  // expected-error@+1 {{'stamp.quantize' op expects zero points of shape 8x2, got 'tensor<8x4xi32>'}}
  %q:3 = stamp.quantize #stamp.schedule<[], 4> along 0 over 1 groups of 64 ins(%x : tensor<8x100xf32>)
      outs(%eq, %es, %ez : tensor<8x100xi8>, tensor<8x2xf32>, tensor<8x4xi32>)
  return
}

// -----

func.func @quantize_scales_per_token(%x: tensor<8x100xf32>, %eq: tensor<8x100xi8>, %es: tensor<8xf32>, %ez: tensor<8x2xi32>) {
  // expected-error@+1 {{'stamp.quantize' op expects scales of shape 8x2, got 'tensor<8xf32>'}}
  %q:3 = stamp.quantize #stamp.schedule<[], 4> along 0 over 1 groups of 64 ins(%x : tensor<8x100xf32>)
      outs(%eq, %es, %ez : tensor<8x100xi8>, tensor<8xf32>, tensor<8x2xi32>)
  return
}

// -----

func.func @dequantize_groups_of_none(%q: tensor<8x100xi8>, %s: tensor<8x2xf32>, %z: tensor<8x2xi32>, %e: tensor<8x100xf32>) {
  // expected-error@+1 {{'stamp.dequantize' op expects groups of 1 to 65536, got groups of 0}}
  %d = stamp.dequantize over 1 groups of 0 ins(%q, %s, %z : tensor<8x100xi8>, tensor<8x2xf32>, tensor<8x2xi32>)
      outs(%e : tensor<8x100xf32>)
  return
}

// -----

func.func @dequantize_scales_of_another_group(%q: tensor<8x100xi8>, %s: tensor<8x2xf32>, %z: tensor<8x2xi32>, %e: tensor<8x100xf32>) {
  // expected-error@+1 {{'stamp.dequantize' op expects scales of shape 8x4, got 'tensor<8x2xf32>'}}
  %d = stamp.dequantize over 1 groups of 25 ins(%q, %s, %z : tensor<8x100xi8>, tensor<8x2xf32>, tensor<8x2xi32>)
      outs(%e : tensor<8x100xf32>)
  return
}

// -----

func.func @dequantize_zero_points_of_another_group(%q: tensor<8x100xi8>, %s: tensor<8x2xf32>, %z: tensor<8x4xi32>, %e: tensor<8x100xf32>) {
  // expected-error@+1 {{'stamp.dequantize' op expects zero points of shape 8x2, got 'tensor<8x4xi32>'}}
  %d = stamp.dequantize over 1 groups of 50 ins(%q, %s, %z : tensor<8x100xi8>, tensor<8x2xf32>, tensor<8x4xi32>)
      outs(%e : tensor<8x100xf32>)
  return
}

// -----

func.func @weight_groups_of_none(%w: tensor<100x8xf32>, %eq: tensor<100x8xi8>, %es: tensor<2x8xf32>, %ec: tensor<2x8xi32>) {
  // expected-error@+1 {{'stamp.quantize_weight' op expects groups of 1 to 65536, got groups of 0}}
  %q:3 = stamp.quantize_weight bits = 4 over 0 groups of 0 ins(%w : tensor<100x8xf32>)
      outs(%eq, %es, %ec : tensor<100x8xi8>, tensor<2x8xf32>, tensor<2x8xi32>)
  return
}

// -----

func.func @weight_scales_of_another_group(%w: tensor<100x8xf32>, %eq: tensor<100x8xi8>, %es: tensor<4x8xf32>, %ec: tensor<2x8xi32>) {
  // expected-error@+1 {{'stamp.quantize_weight' op expects scales of shape 2x8, got 'tensor<4x8xf32>'}}
  %q:3 = stamp.quantize_weight bits = 4 over 0 groups of 64 ins(%w : tensor<100x8xf32>)
      outs(%eq, %es, %ec : tensor<100x8xi8>, tensor<4x8xf32>, tensor<2x8xi32>)
  return
}

// -----

func.func @weight_sums_without_groups(%w: tensor<100x8xf32>, %eq: tensor<100x8xi8>, %es: tensor<2x8xf32>, %ec: tensor<8xi32>) {
  // expected-error@+1 {{'stamp.quantize_weight' op expects sums of shape 2x8, got 'tensor<8xi32>'}}
  %q:3 = stamp.quantize_weight bits = 4 over 0 groups of 64 ins(%w : tensor<100x8xf32>)
      outs(%eq, %es, %ec : tensor<100x8xi8>, tensor<2x8xf32>, tensor<8xi32>)
  return
}

// -----

func.func @weight_scales_where_groups_are_for_sums(%w: tensor<100x8xf32>, %eq: tensor<100x8xi8>, %es: tensor<2x8xf32>, %ec: tensor<2x8xi32>) {
  // expected-error@+1 {{'stamp.quantize_weight' op expects scales of shape 8, got 'tensor<2x8xf32>'}}
  %q:3 = stamp.quantize_weight bits = 4 over 0 groups of 64 for sums ins(%w : tensor<100x8xf32>)
      outs(%eq, %es, %ec : tensor<100x8xi8>, tensor<2x8xf32>, tensor<2x8xi32>)
  return
}

// -----

func.func @weight_sums_of_no_groups(%w: tensor<100x8xf32>, %eq: tensor<100x8xi8>, %es: tensor<8xf32>, %ec: tensor<8xi32>) {
  // expected-error@+1 {{'stamp.quantize_weight' op has no groups to be for sums}}
  %q:3 = stamp.quantize_weight bits = 4 over 0 for sums ins(%w : tensor<100x8xf32>)
      outs(%eq, %es, %ec : tensor<100x8xi8>, tensor<8xf32>, tensor<8xi32>)
  return
}

// -----

func.func @rescale_groups_along_no_dimension(%a: tensor<8x3x6xi32>, %s: tensor<8x3xf32>, %z: tensor<8x3xi32>, %w: tensor<3x6xf32>, %c: tensor<3x6xi32>, %e: tensor<8x6xf32>, %b: tensor<6xf32>, %l: tensor<8xf32>) {
  // expected-error@+1 {{'stamp.rescale' op group dimension 3 is not one of 'tensor<8x3x6xi32>'}}
  %y = stamp.rescale along 0 over 2 groups along 3 ins(%a, %s, %z, %w, %c : tensor<8x3x6xi32>, tensor<8x3xf32>, tensor<8x3xi32>, tensor<3x6xf32>, tensor<3x6xi32>)
      outs(%e : tensor<8x6xf32>)
  return
}

// -----

func.func @rescale_groups_of_tokens(%a: tensor<8x3x6xi32>, %s: tensor<8x3xf32>, %z: tensor<8x3xi32>, %w: tensor<3x6xf32>, %c: tensor<3x6xi32>, %e: tensor<8x6xf32>, %b: tensor<6xf32>, %l: tensor<8xf32>) {
  // expected-error@+1 {{'stamp.rescale' op sequence and groups must be different dimensions, both are 0}}
  %y = stamp.rescale along 0 over 2 groups along 0 ins(%a, %s, %z, %w, %c : tensor<8x3x6xi32>, tensor<8x3xf32>, tensor<8x3xi32>, tensor<3x6xf32>, tensor<3x6xi32>)
      outs(%e : tensor<8x6xf32>)
  return
}

// -----

func.func @rescale_groups_of_channels(%a: tensor<8x3x6xi32>, %s: tensor<8x3xf32>, %z: tensor<8x3xi32>, %w: tensor<3x6xf32>, %c: tensor<3x6xi32>, %e: tensor<8x6xf32>, %b: tensor<6xf32>, %l: tensor<8xf32>) {
  // expected-error@+1 {{'stamp.rescale' op channels and groups must be different dimensions, both are 2}}
  %y = stamp.rescale along 0 over 2 groups along 2 ins(%a, %s, %z, %w, %c : tensor<8x3x6xi32>, tensor<8x3xf32>, tensor<8x3xi32>, tensor<3x6xf32>, tensor<3x6xi32>)
      outs(%e : tensor<8x6xf32>)
  return
}

// -----

func.func @rescale_row_scales_of_channels(%a: tensor<8x3x6xi32>, %s: tensor<8x6xf32>, %z: tensor<8x3xi32>, %w: tensor<3x6xf32>, %c: tensor<3x6xi32>, %e: tensor<8x6xf32>, %b: tensor<6xf32>, %l: tensor<8xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects row scales of shape 8x3, got 'tensor<8x6xf32>'}}
  %y = stamp.rescale along 0 over 2 groups along 1 ins(%a, %s, %z, %w, %c : tensor<8x3x6xi32>, tensor<8x6xf32>, tensor<8x3xi32>, tensor<3x6xf32>, tensor<3x6xi32>)
      outs(%e : tensor<8x6xf32>)
  return
}

// -----

func.func @rescale_row_scales_of_groups_alone(%a: tensor<8x3x6xi32>, %s: tensor<3xf32>, %z: tensor<8x3xi32>, %w: tensor<3x6xf32>, %c: tensor<3x6xi32>, %e: tensor<8x6xf32>, %b: tensor<6xf32>, %l: tensor<8xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects row scales of shape 8, got 'tensor<3xf32>'}}
  %y = stamp.rescale along 0 over 2 groups along 1 ins(%a, %s, %z, %w, %c : tensor<8x3x6xi32>, tensor<3xf32>, tensor<8x3xi32>, tensor<3x6xf32>, tensor<3x6xi32>)
      outs(%e : tensor<8x6xf32>)
  return
}

// -----

func.func @rescale_zero_points_of_other_groups(%a: tensor<8x3x6xi32>, %s: tensor<8x3xf32>, %z: tensor<8x4xi32>, %w: tensor<3x6xf32>, %c: tensor<3x6xi32>, %e: tensor<8x6xf32>, %b: tensor<6xf32>, %l: tensor<8xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects zero points of shape 8x3, got 'tensor<8x4xi32>'}}
  %y = stamp.rescale along 0 over 2 groups along 1 ins(%a, %s, %z, %w, %c : tensor<8x3x6xi32>, tensor<8x3xf32>, tensor<8x4xi32>, tensor<3x6xf32>, tensor<3x6xi32>)
      outs(%e : tensor<8x6xf32>)
  return
}

// -----

func.func @rescale_column_scales_of_other_groups(%a: tensor<8x3x6xi32>, %s: tensor<8x3xf32>, %z: tensor<8x3xi32>, %w: tensor<2x6xf32>, %c: tensor<3x6xi32>, %e: tensor<8x6xf32>, %b: tensor<6xf32>, %l: tensor<8xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects column scales of shape 3x6, got 'tensor<2x6xf32>'}}
  %y = stamp.rescale along 0 over 2 groups along 1 ins(%a, %s, %z, %w, %c : tensor<8x3x6xi32>, tensor<8x3xf32>, tensor<8x3xi32>, tensor<2x6xf32>, tensor<3x6xi32>)
      outs(%e : tensor<8x6xf32>)
  return
}

// -----

func.func @rescale_column_scales_of_groups_alone(%a: tensor<8x3x6xi32>, %s: tensor<8x3xf32>, %z: tensor<8x3xi32>, %w: tensor<3xf32>, %c: tensor<3x6xi32>, %e: tensor<8x6xf32>, %b: tensor<6xf32>, %l: tensor<8xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects column scales of shape 6, got 'tensor<3xf32>'}}
  %y = stamp.rescale along 0 over 2 groups along 1 ins(%a, %s, %z, %w, %c : tensor<8x3x6xi32>, tensor<8x3xf32>, tensor<8x3xi32>, tensor<3xf32>, tensor<3x6xi32>)
      outs(%e : tensor<8x6xf32>)
  return
}

// -----

func.func @rescale_sums_without_groups(%a: tensor<8x3x6xi32>, %s: tensor<8x3xf32>, %z: tensor<8x3xi32>, %w: tensor<6xf32>, %c: tensor<6xi32>, %e: tensor<8x6xf32>, %b: tensor<6xf32>, %l: tensor<8xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects column sums of shape 3x6, got 'tensor<6xi32>'}}
  %y = stamp.rescale along 0 over 2 groups along 1 ins(%a, %s, %z, %w, %c : tensor<8x3x6xi32>, tensor<8x3xf32>, tensor<8x3xi32>, tensor<6xf32>, tensor<6xi32>)
      outs(%e : tensor<8x6xf32>)
  return
}

// -----

func.func @rescale_bias_per_group(%a: tensor<8x3x6xi32>, %s: tensor<8x3xf32>, %z: tensor<8x3xi32>, %w: tensor<3x6xf32>, %c: tensor<3x6xi32>, %e: tensor<8x6xf32>, %b: tensor<3xf32>, %l: tensor<8xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects a bias of shape 6, got 'tensor<3xf32>'}}
  %y = stamp.rescale along 0 over 2 groups along 1 ins(%a, %s, %z, %w, %c : tensor<8x3x6xi32>, tensor<8x3xf32>, tensor<8x3xi32>, tensor<3x6xf32>, tensor<3x6xi32>)
      bias(%b : tensor<3xf32>)
      outs(%e : tensor<8x6xf32>)
  return
}

// -----

func.func @rescale_spread_per_group(%a: tensor<8x3x6xi32>, %s: tensor<8x3xf32>, %z: tensor<8x3xi32>, %w: tensor<3x6xf32>, %c: tensor<3x6xi32>, %e: tensor<8x6xf32>, %b: tensor<6xf32>, %l: tensor<3xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects a spread of shape 8, got 'tensor<3xf32>'}}
  %y = stamp.rescale along 0 over 2 groups along 1 ins(%a, %s, %z, %w, %c : tensor<8x3x6xi32>, tensor<8x3xf32>, tensor<8x3xi32>, tensor<3x6xf32>, tensor<3x6xi32>)
      bias(%b : tensor<6xf32>) spread(%l : tensor<3xf32>)
      outs(%e : tensor<8x6xf32>)
  return
}

// -----

func.func @rescale_init_with_groups(%a: tensor<8x3x6xi32>, %s: tensor<8x3xf32>, %z: tensor<8x3xi32>, %w: tensor<3x6xf32>, %c: tensor<3x6xi32>, %e: tensor<8x3x6xf32>, %b: tensor<6xf32>, %l: tensor<8xf32>) {
  // expected-error@+1 {{'stamp.rescale' op expects an init of shape 8x6, got 'tensor<8x3x6xf32>'}}
  %y = stamp.rescale along 0 over 2 groups along 1 ins(%a, %s, %z, %w, %c : tensor<8x3x6xi32>, tensor<8x3xf32>, tensor<8x3xi32>, tensor<3x6xf32>, tensor<3x6xi32>)
      outs(%e : tensor<8x3x6xf32>)
  return
}

// -----

// expected-error@+2 {{activation_group and weight_group must be equal where both are given, got 64 and 128}}
func.func private @plan_of_unequal_groups() attributes {
  a = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 4>, activation_group = 64, weight_bits = 4, weight_group = 128>}

// -----

// expected-error@+2 {{activation_group must be 0 to 65536, got -1}}
func.func private @plan_of_negative_groups() attributes {
  a = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 4>, activation_group = -1, weight_bits = 4>}

// -----

// expected-error@+2 {{weight_group must be 0 to 65536, got 65537}}
func.func private @plan_of_groups_too_large() attributes {
  a = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 4>, weight_bits = 4, weight_group = 65537>}
