// RUN: stamp-opt %s | FileCheck %s
// RUN: stamp-opt %s | stamp-opt | FileCheck %s
// RUN: stamp-opt %s --mlir-print-op-generic | stamp-opt | FileCheck %s
// RUN: stamp-opt %s --emit-bytecode | stamp-opt | FileCheck %s

// The examples of the op descriptions, each on operands of its own.

// CHECK-LABEL: func @transform
//       CHECK:   stamp.transform #stamp.haar<levels = 5, skip = 1> along 0
//  CHECK-SAME:     ins(%{{.*}} : tensor<?x4096xf32>) outs(%{{.*}} : tensor<?x4096xf32>)
func.func @transform(%x: tensor<?x4096xf32>, %e: tensor<?x4096xf32>) -> tensor<?x4096xf32> {
  %t = stamp.transform #stamp.haar<levels = 5, skip = 1> along 0
         ins(%x : tensor<?x4096xf32>) outs(%e : tensor<?x4096xf32>)
  return %t : tensor<?x4096xf32>
}

// CHECK-LABEL: func @inverse_transform
//       CHECK:   stamp.inverse_transform #stamp.haar<levels = 5, skip = 1> along 0
//  CHECK-SAME:     ins(%{{.*}} : tensor<?x4096xf32>) outs(%{{.*}} : tensor<?x4096xf32>)
func.func @inverse_transform(%t: tensor<?x4096xf32>, %e: tensor<?x4096xf32>) -> tensor<?x4096xf32> {
  %y = stamp.inverse_transform #stamp.haar<levels = 5, skip = 1> along 0
         ins(%t : tensor<?x4096xf32>) outs(%e : tensor<?x4096xf32>)
  return %y : tensor<?x4096xf32>
}

// CHECK-LABEL: func @feature_transform
//       CHECK:   stamp.feature_transform #stamp.hadamard<order = 28> over 1
//  CHECK-SAME:     ins(%{{.*}} : tensor<?x3584xf32>) outs(%{{.*}} : tensor<?x3584xf32>)
func.func @feature_transform(%x: tensor<?x3584xf32>, %e: tensor<?x3584xf32>) -> tensor<?x3584xf32> {
  %r = stamp.feature_transform #stamp.hadamard<order = 28> over 1
         ins(%x : tensor<?x3584xf32>) outs(%e : tensor<?x3584xf32>)
  return %r : tensor<?x3584xf32>
}

// CHECK-LABEL: func @inverse_feature_transform
//       CHECK:   stamp.inverse_feature_transform #stamp.hadamard<order = 28> left over 0
//  CHECK-SAME:     ins(%{{.*}} : tensor<3584x64xf32>) outs(%{{.*}} : tensor<3584x64xf32>)
func.func @inverse_feature_transform(%w: tensor<3584x64xf32>, %e: tensor<3584x64xf32>) -> tensor<3584x64xf32> {
  %v = stamp.inverse_feature_transform #stamp.hadamard<order = 28> left over 0
         ins(%w : tensor<3584x64xf32>) outs(%e : tensor<3584x64xf32>)
  return %v : tensor<3584x64xf32>
}

// A vector, other types, and a size that is not the transform's: all are valid.
// CHECK-LABEL: func @feature_transforms_of_all_kinds
//       CHECK:   stamp.feature_transform #stamp.hadamard over 0
//       CHECK:   stamp.inverse_feature_transform #stamp.scale<dense<[1.000000e+00, 1.250000e-01]> : tensor<2xf32>> over 2
//       CHECK:   stamp.feature_transform #stamp.matrix<{{.*}}> left over 0
func.func @feature_transforms_of_all_kinds(%v: tensor<12xf16>, %e: tensor<12xf32>, %x: tensor<?x3x?xbf16>)
    -> (tensor<12xf32>, tensor<?x3x?xbf16>, tensor<?x3x?xbf16>) {
  %0 = stamp.feature_transform #stamp.hadamard over 0 ins(%v : tensor<12xf16>) outs(%e : tensor<12xf32>)
  %1 = stamp.inverse_feature_transform #stamp.scale<dense<[1.0, 0.125]> : tensor<2xf32>> over 2
         ins(%x : tensor<?x3x?xbf16>) outs(%x : tensor<?x3x?xbf16>)
  %2 = stamp.feature_transform #stamp.matrix<dense<1.0> : tensor<1x1xf32>, skip = 1> left over 0
         ins(%x : tensor<?x3x?xbf16>) outs(%x : tensor<?x3x?xbf16>)
  return %0, %1, %2 : tensor<12xf32>, tensor<?x3x?xbf16>, tensor<?x3x?xbf16>
}

// CHECK-LABEL: func @quantize
//       CHECK:   %{{.*}}, %{{.*}}, %{{.*}} = stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1
//  CHECK-SAME:     ins(%{{.*}} : tensor<?x4096xf32>)
//  CHECK-SAME:     outs(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?x4096xi8>, tensor<?xf32>, tensor<?xi32>)
func.func @quantize(%t: tensor<?x4096xf32>,
                    %eq: tensor<?x4096xi8>, %es: tensor<?xf32>, %ez: tensor<?xi32>)
    -> (tensor<?x4096xi8>, tensor<?xf32>, tensor<?xi32>) {
  %q, %s, %z = stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1
      ins(%t : tensor<?x4096xf32>)
      outs(%eq, %es, %ez : tensor<?x4096xi8>, tensor<?xf32>, tensor<?xi32>)
  return %q, %s, %z : tensor<?x4096xi8>, tensor<?xf32>, tensor<?xi32>
}

// CHECK-LABEL: func @quantize_rows
//  CHECK-SAME:     %[[ROW:[a-z0-9]+]]: index, %[[TOKENS:[a-z0-9]+]]: index)
//       CHECK:   stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1 rows at %[[ROW]] of %[[TOKENS]]
//  CHECK-SAME:     ins(%{{.*}} : tensor<8x4096xf32>)
func.func @quantize_rows(%tile: tensor<8x4096xf32>,
                         %e0: tensor<8x4096xi8>, %e1: tensor<8xf32>, %e2: tensor<8xi32>,
                         %row: index, %tokens: index)
    -> (tensor<8x4096xi8>, tensor<8xf32>, tensor<8xi32>) {
  %q8, %s8, %z8 = stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1
      rows at %row of %tokens
      ins(%tile : tensor<8x4096xf32>)
      outs(%e0, %e1, %e2 : tensor<8x4096xi8>, tensor<8xf32>, tensor<8xi32>)
  return %q8, %s8, %z8 : tensor<8x4096xi8>, tensor<8xf32>, tensor<8xi32>
}

// CHECK-LABEL: func @dequantize
//       CHECK:   stamp.dequantize over 1
//  CHECK-SAME:     ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?x4096xi8>, tensor<?xf32>, tensor<?xi32>)
//  CHECK-SAME:     outs(%{{.*}} : tensor<?x4096xf32>)
func.func @dequantize(%q: tensor<?x4096xi8>, %s: tensor<?xf32>, %z: tensor<?xi32>,
                      %e: tensor<?x4096xf32>) -> tensor<?x4096xf32> {
  %d = stamp.dequantize over 1
      ins(%q, %s, %z : tensor<?x4096xi8>, tensor<?xf32>, tensor<?xi32>)
      outs(%e : tensor<?x4096xf32>)
  return %d : tensor<?x4096xf32>
}

// CHECK-LABEL: func @quantize_weight
//       CHECK:   %{{.*}}, %{{.*}}, %{{.*}} = stamp.quantize_weight bits = 4 over 0
//  CHECK-SAME:     ins(%{{.*}} : tensor<4096x64xf32>)
//  CHECK-SAME:     outs(%{{.*}}, %{{.*}}, %{{.*}} : tensor<4096x64xi8>, tensor<64xf32>, tensor<64xi32>)
func.func @quantize_weight(%w: tensor<4096x64xf32>,
                           %eq: tensor<4096x64xi8>, %es: tensor<64xf32>, %ec: tensor<64xi32>)
    -> (tensor<4096x64xi8>, tensor<64xf32>, tensor<64xi32>) {
  %q, %s, %c = stamp.quantize_weight bits = 4 over 0
      ins(%w : tensor<4096x64xf32>)
      outs(%eq, %es, %ec : tensor<4096x64xi8>, tensor<64xf32>, tensor<64xi32>)
  return %q, %s, %c : tensor<4096x64xi8>, tensor<64xf32>, tensor<64xi32>
}

// CHECK-LABEL: func @rescale
//       CHECK:   stamp.rescale along 0 over 1
//  CHECK-SAME:     ins({{.*}} : tensor<?x64xi32>, tensor<?xf32>, tensor<?xi32>, tensor<64xf32>, tensor<64xi32>)
//  CHECK-SAME:     bias(%{{.*}} : tensor<64xf32>) spread(%{{.*}} : tensor<?xf32>)
//  CHECK-SAME:     outs(%{{.*}} : tensor<?x64xf32>)
func.func @rescale(%acc: tensor<?x64xi32>, %sx: tensor<?xf32>, %zx: tensor<?xi32>,
                   %sw: tensor<64xf32>, %c: tensor<64xi32>,
                   %b: tensor<64xf32>, %l: tensor<?xf32>,
                   %e: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<?x64xi32>, tensor<?xf32>,
          tensor<?xi32>, tensor<64xf32>, tensor<64xi32>)
      bias(%b : tensor<64xf32>) spread(%l : tensor<?xf32>)
      outs(%e : tensor<?x64xf32>)
  return %y : tensor<?x64xf32>
}

// What is optional, and other shapes.

// CHECK-LABEL: func @rescale_with_a_bias_alone
//       CHECK:   stamp.rescale along 0 over 1 ins({{.*}}) bias(%{{.*}} : tensor<64xbf16>) outs(
func.func @rescale_with_a_bias_alone(
    %acc: tensor<8x64xi32>, %sx: tensor<8xf32>, %zx: tensor<8xi32>,
    %sw: tensor<64xf32>, %c: tensor<64xi32>, %b: tensor<64xbf16>,
    %e: tensor<8x64xf16>) -> tensor<8x64xf16> {
  %y = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<8x64xi32>, tensor<8xf32>,
          tensor<8xi32>, tensor<64xf32>, tensor<64xi32>)
      bias(%b : tensor<64xbf16>) outs(%e : tensor<8x64xf16>)
  return %y : tensor<8x64xf16>
}

// A weight per batch has columns per batch: all dimensions but the tokens'.
// CHECK-LABEL: func @rescale_of_a_batch
//       CHECK:   stamp.rescale along 1 over 2 ins({{.*}}) outs(%{{.*}} : tensor<2x8x64xf32>)
func.func @rescale_of_a_batch(
    %acc: tensor<2x8x64xi32>, %sx: tensor<2x8xf32>, %zx: tensor<2x8xi32>,
    %sw: tensor<2x64xf32>, %c: tensor<2x64xi32>,
    %e: tensor<2x8x64xf32>) -> tensor<2x8x64xf32> {
  %y = stamp.rescale along 1 over 2
      ins(%acc, %sx, %zx, %sw, %c : tensor<2x8x64xi32>, tensor<2x8xf32>,
          tensor<2x8xi32>, tensor<2x64xf32>, tensor<2x64xi32>)
      outs(%e : tensor<2x8x64xf32>)
  return %y : tensor<2x8x64xf32>
}

// CHECK-LABEL: func @features_in_front_of_the_tokens
//       CHECK:   stamp.quantize #stamp.schedule<[], 8> along 2 over 0
func.func @features_in_front_of_the_tokens(
    %t: tensor<4x2x8xf16>, %eq: tensor<4x2x8xi8>, %es: tensor<2x8xf32>, %ez: tensor<2x8xi32>)
    -> tensor<4x2x8xi8> {
  %q, %s, %z = stamp.quantize #stamp.schedule<[], 8> along 2 over 0
      ins(%t : tensor<4x2x8xf16>)
      outs(%eq, %es, %ez : tensor<4x2x8xi8>, tensor<2x8xf32>, tensor<2x8xi32>)
  return %q : tensor<4x2x8xi8>
}

// `?` goes with any size, so refining one type leaves the op valid.
// CHECK-LABEL: func @static_and_dynamic_sizes_mix
//       CHECK:   stamp.transform #stamp.dct along 0 ins(%{{.*}} : tensor<?x4xf32>) outs(%{{.*}} : tensor<13x4xf16>)
//       CHECK:   stamp.quantize {{.*}} outs({{.*}} : tensor<?x4xi8>, tensor<13xf32>, tensor<?xi32>)
func.func @static_and_dynamic_sizes_mix(
    %x: tensor<?x4xf32>, %e: tensor<13x4xf16>,
    %eq: tensor<?x4xi8>, %es: tensor<13xf32>, %ez: tensor<?xi32>) -> tensor<?x4xi8> {
  %t = stamp.transform #stamp.dct along 0
         ins(%x : tensor<?x4xf32>) outs(%e : tensor<13x4xf16>)
  %q, %s, %z = stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1
      ins(%t : tensor<13x4xf16>)
      outs(%eq, %es, %ez : tensor<?x4xi8>, tensor<13xf32>, tensor<?xi32>)
  return %q : tensor<?x4xi8>
}

// CHECK-LABEL: func @transform_of_valid_tokens
//       CHECK:   stamp.transform #stamp.wht along 1 lengths(%{{.*}} : tensor<?xi64>)
//  CHECK-SAME:     ins(%{{.*}} : tensor<?x512x64xf32>) outs(%{{.*}} : tensor<?x512x64xf32>)
//       CHECK:   stamp.inverse_transform #stamp.wht along 1 lengths(%{{.*}} : tensor<?xi64>)
func.func @transform_of_valid_tokens(%b: tensor<?x512x64xf32>, %n: tensor<?xi64>, %i: tensor<?x512x64xf32>)
    -> tensor<?x512x64xf32> {
  %p = stamp.transform #stamp.wht along 1 lengths(%n : tensor<?xi64>)
         ins(%b : tensor<?x512x64xf32>) outs(%i : tensor<?x512x64xf32>)
  %y = stamp.inverse_transform #stamp.wht along 1 lengths(%n : tensor<?xi64>)
         ins(%p : tensor<?x512x64xf32>) outs(%i : tensor<?x512x64xf32>)
  return %y : tensor<?x512x64xf32>
}

// CHECK-LABEL: func @quantize_valid_tokens
//       CHECK:   stamp.quantize #stamp.schedule<[0.25 : 8], 4> along 1 over 2
//  CHECK-SAME:     lengths(%{{.*}} : tensor<2xi32>) rows at %{{.*}} of %{{.*}} ins(
func.func @quantize_valid_tokens(%x: tensor<2x8x4xf32>, %n: tensor<2xi32>, %row: index, %tokens: index,
                                 %eq: tensor<2x8x4xi8>, %es: tensor<2x8xf32>, %ez: tensor<2x8xi32>)
    -> tensor<2x8x4xi8> {
  %q, %s, %z = stamp.quantize #stamp.schedule<[0.25 : 8], 4> along 1 over 2
      lengths(%n : tensor<2xi32>) rows at %row of %tokens
      ins(%x : tensor<2x8x4xf32>)
      outs(%eq, %es, %ez : tensor<2x8x4xi8>, tensor<2x8xf32>, tensor<2x8xi32>)
  return %q : tensor<2x8x4xi8>
}

// A length may be one for a whole batch, or one for each head.
// CHECK-LABEL: func @shapes_of_lengths
//       CHECK:   along 2 lengths(%{{.*}} : tensor<i32>)
//       CHECK:   along 2 lengths(%{{.*}} : tensor<?x3xindex>)
func.func @shapes_of_lengths(%x: tensor<2x3x8x4xf32>, %one: tensor<i32>, %each: tensor<?x3xindex>)
    -> tensor<2x3x8x4xf32> {
  %a = stamp.transform #stamp.wht along 2 lengths(%one : tensor<i32>)
         ins(%x : tensor<2x3x8x4xf32>) outs(%x : tensor<2x3x8x4xf32>)
  %b = stamp.transform #stamp.wht along 2 lengths(%each : tensor<?x3xindex>)
         ins(%a : tensor<2x3x8x4xf32>) outs(%x : tensor<2x3x8x4xf32>)
  return %b : tensor<2x3x8x4xf32>
}

// A bias that spreads over each sequence in its own way, the same in all heads.
// CHECK-LABEL: func @rescale_with_a_spread_per_sequence
//       CHECK:   spread(%{{.*}} : tensor<2x8xf32>) outs(
func.func @rescale_with_a_spread_per_sequence(
    %acc: tensor<2x3x8x64xi32>, %sx: tensor<2x3x8xf32>, %zx: tensor<2x3x8xi32>,
    %sw: tensor<64xf32>, %c: tensor<64xi32>, %b: tensor<64xf32>, %l: tensor<2x8xf32>,
    %e: tensor<2x3x8x64xf32>) -> tensor<2x3x8x64xf32> {
  %y = stamp.rescale along 2 over 3
      ins(%acc, %sx, %zx, %sw, %c : tensor<2x3x8x64xi32>, tensor<2x3x8xf32>,
          tensor<2x3x8xi32>, tensor<64xf32>, tensor<64xi32>)
      bias(%b : tensor<64xf32>) spread(%l : tensor<2x8xf32>)
      outs(%e : tensor<2x3x8x64xf32>)
  return %y : tensor<2x3x8x64xf32>
}

// CHECK-LABEL: func @pack
//       CHECK:   %{{.*}}:2 = stamp.pack #stamp.schedule<[64 : 8], 4> along 0 over 1
//  CHECK-SAME:     ins(%{{.*}} : tensor<512x120xi8>) outs(%{{.*}}, %{{.*}} : tensor<64x120xi8>, tensor<448x60xi8>)
func.func @pack(%q: tensor<512x120xi8>, %e8: tensor<64x120xi8>, %e4: tensor<448x60xi8>)
    -> (tensor<64x120xi8>, tensor<448x60xi8>) {
  %p8, %p4 = stamp.pack #stamp.schedule<[64 : 8], 4> along 0 over 1
      ins(%q : tensor<512x120xi8>)
      outs(%e8, %e4 : tensor<64x120xi8>, tensor<448x60xi8>)
  return %p8, %p4 : tensor<64x120xi8>, tensor<448x60xi8>
}

// CHECK-LABEL: func @unpack
//       CHECK:   stamp.unpack #stamp.schedule<[64 : 8], 4> along 0 over 1
//  CHECK-SAME:     ins(%{{.*}}, %{{.*}} : tensor<64x120xi8>, tensor<448x60xi8>) outs(%{{.*}} : tensor<512x120xi8>)
func.func @unpack(%p8: tensor<64x120xi8>, %p4: tensor<448x60xi8>, %e: tensor<512x120xi8>) -> tensor<512x120xi8> {
  %q = stamp.unpack #stamp.schedule<[64 : 8], 4> along 0 over 1
      ins(%p8, %p4 : tensor<64x120xi8>, tensor<448x60xi8>)
      outs(%e : tensor<512x120xi8>)
  return %q : tensor<512x120xi8>
}

// CHECK-LABEL: func @pack_of_any_size
//       CHECK:   stamp.pack #stamp.schedule<[0.5 : 3], 2> along 1 over 0 ins(%{{.*}} : tensor<?x?xi8>) outs(%{{.*}}, %{{.*}} : tensor<5x?xi8>, tensor<?x8xi8>)
func.func @pack_of_any_size(%q: tensor<?x?xi8>, %a: tensor<5x?xi8>, %b: tensor<?x8xi8>) -> tensor<5x?xi8> {
  %p:2 = stamp.pack #stamp.schedule<[0.5 : 3], 2> along 1 over 0
      ins(%q : tensor<?x?xi8>) outs(%a, %b : tensor<5x?xi8>, tensor<?x8xi8>)
  return %p#0 : tensor<5x?xi8>
}

// Attributes: what equals its default is not printed.

// CHECK-LABEL: func @bases
func.func @bases() attributes {
  // CHECK-SAME: a_identity = #stamp.identity
  a_identity = #stamp.identity,
  // CHECK-SAME: b_haar = #stamp.haar<levels = 5, skip = 1>
  b_haar = #stamp.haar<levels = 5, skip = 1>,
  // CHECK-SAME: b_haar0 = #stamp.haar<levels = 30>
  b_haar0 = #stamp.haar<skip = 0, levels = 30>,
  // CHECK-SAME: c_haar2d = #stamp.haar2d<levels = 3, grid = 8x16>
  c_haar2d = #stamp.haar2d<levels = 3, grid = 8x16>,
  // CHECK-SAME: c_haar2d1 = #stamp.haar2d<levels = 3, grid = 1x16, skip = 1>
  c_haar2d1 = #stamp.haar2d<levels = 3, grid = 1x16, skip = 1>,
  // CHECK-SAME: d_dct = #stamp.dct, d_dct1 = #stamp.dct<skip = 1>
  d_dct = #stamp.dct, d_dct1 = #stamp.dct<skip = 1>,
  // CHECK-SAME: e_wht = #stamp.wht, e_wht1 = #stamp.wht<block = 16, skip = 1>
  e_wht = #stamp.wht, e_wht1 = #stamp.wht<block = 16, skip = 1>,
  // CHECK-SAME: e_wht2 = #stamp.wht<skip = 1>
  e_wht2 = #stamp.wht<skip = 1>,
  // CHECK-SAME: f_matrix = #stamp.matrix<dense<{{\[}}[6.000000e-01, 8.000000e-01], [8.000000e-01, -6.000000e-01]]> : tensor<2x2xf32>>
  f_matrix = #stamp.matrix<dense<[[0.6, 0.8], [0.8, -0.6]]> : tensor<2x2xf32>>,
  // CHECK-SAME: f_matrix1 = #stamp.matrix<dense<2.000000e+00> : tensor<1x1xf32>, inverse = dense<5.000000e-01> : tensor<1x1xf32>, skip = 3>
  f_matrix1 = #stamp.matrix<dense<2.0> : tensor<1x1xf32>, inverse = dense<0.5> : tensor<1x1xf32>, skip = 3>,
  // CHECK-SAME: f_matrix2 = #stamp.matrix<dense<1.000000e+00> : tensor<1x1xf32>, skip = 3>
  f_matrix2 = #stamp.matrix<dense<1.0> : tensor<1x1xf32>, skip = 3>
} {
  return
}

// CHECK-LABEL: func @schedules
func.func @schedules() attributes {
  // CHECK-SAME: a_rows = #stamp.schedule<[64 : 8], 4>
  a_rows = #stamp.schedule<[64 : 8], 4>,
  // CHECK-SAME: b_fraction = #stamp.schedule<[0.0625 : 8], 4>
  b_fraction = #stamp.schedule<[0.0625 : 8], 4>,
  // CHECK-SAME: c_mixed = #stamp.schedule<[1 : 8, 0.3333333333333333 : 6, 0 : 2, 1.0 : 3], 2>
  c_mixed = #stamp.schedule<[1 : 8, 0.33333333333333331 : 6, 0 : 2, 1.0 : 3], 2>,
  // CHECK-SAME: c_tiny = #stamp.schedule<[1.0e-05 : 8], 4>
  c_tiny = #stamp.schedule<[0.00001 : 8], 4>,
  // CHECK-SAME: d_uniform = #stamp.schedule<[], 8>
  d_uniform = #stamp.schedule<[], 8>
} {
  return
}

// CHECK-LABEL: func @plan
//       CHECK:   linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 4>,
//  CHECK-SAME:     activations = #stamp.schedule<[64 : 8], 4>, weight_bits = 4>}
func.func @plan(%x: tensor<?x8xf32>, %w: tensor<8x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 4>,
                      activations = #stamp.schedule<[64 : 8], 4>, weight_bits = 4>}
      ins(%x, %w : tensor<?x8xf32>, tensor<8x4xf32>)
      outs(%y : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// On buffers there are no results.
// CHECK-LABEL: func @buffers
//       CHECK:   {{^ *}}stamp.transform #stamp.haar<levels = 5, skip = 1> along 0
//  CHECK-SAME:     ins(%[[M:.*]] : memref<?x4096xf32>) outs(%[[M]] : memref<?x4096xf32>)
//       CHECK:   {{^ *}}stamp.inverse_transform #stamp.dct along 0
//  CHECK-SAME:     ins(%[[M]] : memref<?x4096xf32>) outs(%{{.*}} : memref<?x4096xf16, strided<[?, 1], offset: ?>>)
//       CHECK:   {{^ *}}stamp.quantize {{.*}} rows at %{{.*}} of %{{.*}} ins(%[[M]] : memref<?x4096xf32>)
//  CHECK-SAME:     outs(%[[Q:.*]], %[[S:.*]], %[[Z:.*]] : memref<?x4096xi8>, memref<?xf32>, memref<?xi32>)
//       CHECK:   {{^ *}}stamp.dequantize over 1 ins(%[[Q]], %[[S]], %[[Z]] : memref<?x4096xi8>, memref<?xf32>, memref<?xi32>)
//  CHECK-SAME:     outs(%[[M]] : memref<?x4096xf32>)
//       CHECK:   {{^ *}}stamp.quantize_weight bits = 4 over 0 ins(%{{.*}} : memref<4096x64xf32>)
//  CHECK-SAME:     outs(%{{.*}}, %[[SW:.*]], %[[C:.*]] : memref<4096x64xi8>, memref<64xf32>, memref<64xi32>)
//       CHECK:   {{^ *}}stamp.rescale along 0 over 1 ins(%{{.*}}, %[[S]], %[[Z]], %[[SW]], %[[C]] :
//  CHECK-SAME:     bias(%[[SW]] : memref<64xf32>) spread(%[[S]] : memref<?xf32>) outs(%{{.*}} : memref<?x64xf32>)
func.func @buffers(%m: memref<?x4096xf32>, %n: memref<?x4096xf16, strided<[?, 1], offset: ?>>, %row: index, %tokens: index,
                   %q: memref<?x4096xi8>, %s: memref<?xf32>, %z: memref<?xi32>,
                   %w: memref<4096x64xf32>, %wq: memref<4096x64xi8>, %sw: memref<64xf32>, %c: memref<64xi32>,
                   %acc: memref<?x64xi32>, %y: memref<?x64xf32>) {
  stamp.transform #stamp.haar<levels = 5, skip = 1> along 0 ins(%m : memref<?x4096xf32>) outs(%m : memref<?x4096xf32>)
  stamp.inverse_transform #stamp.dct along 0
      ins(%m : memref<?x4096xf32>) outs(%n : memref<?x4096xf16, strided<[?, 1], offset: ?>>)
  stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1 rows at %row of %tokens ins(%m : memref<?x4096xf32>)
      outs(%q, %s, %z : memref<?x4096xi8>, memref<?xf32>, memref<?xi32>)
  stamp.dequantize over 1 ins(%q, %s, %z : memref<?x4096xi8>, memref<?xf32>, memref<?xi32>)
      outs(%m : memref<?x4096xf32>)
  stamp.quantize_weight bits = 4 over 0 ins(%w : memref<4096x64xf32>)
      outs(%wq, %sw, %c : memref<4096x64xi8>, memref<64xf32>, memref<64xi32>)
  stamp.rescale along 0 over 1
      ins(%acc, %s, %z, %sw, %c : memref<?x64xi32>, memref<?xf32>, memref<?xi32>, memref<64xf32>, memref<64xi32>)
      bias(%sw : memref<64xf32>) spread(%s : memref<?xf32>) outs(%y : memref<?x64xf32>)
  return
}

// CHECK-LABEL: func @plans_with_features
func.func @plans_with_features() attributes {
  // CHECK-SAME: a = #stamp.plan<basis = #stamp.identity, features = #stamp.hadamard<order = 15>, activations = #stamp.schedule<[], 4>, weight_bits = 4>
  a = #stamp.plan<basis = #stamp.identity, features = #stamp.hadamard<order = 15>, activations = #stamp.schedule<[], 4>, weight_bits = 4>,
  // CHECK-SAME: b = #stamp.plan<basis = #stamp.identity, features = [#stamp.scale<dense<5.000000e-01> : tensor<8xf32>>, #stamp.hadamard], activations
  b = #stamp.plan<basis = #stamp.identity, features = [#stamp.scale<dense<0.5> : tensor<8xf32>>, #stamp.hadamard<order = 1>], activations = #stamp.schedule<[], 4>, weight_bits = 4>,
  // CHECK-SAME: c = #stamp.plan<basis = #stamp.identity, features = #stamp.hadamard, activations
  c = #stamp.plan<basis = #stamp.identity, features = [#stamp.hadamard], activations = #stamp.schedule<[], 4>, weight_bits = 4>
} {
  return
}

// CHECK-LABEL: func @feature_transforms_on_buffers
//       CHECK:   {{^ *}}stamp.feature_transform #stamp.hadamard over 1 ins(%[[M:.*]] : memref<?x8xf32>) outs(%[[M]] : memref<?x8xf32>)
//       CHECK:   {{^ *}}stamp.inverse_feature_transform #stamp.hadamard left over 0 ins(%[[M]] : memref<?x8xf32>) outs(%[[M]] : memref<?x8xf32>)
func.func @feature_transforms_on_buffers(%m: memref<?x8xf32>) {
  stamp.feature_transform #stamp.hadamard over 1 ins(%m : memref<?x8xf32>) outs(%m : memref<?x8xf32>)
  stamp.inverse_feature_transform #stamp.hadamard left over 0 ins(%m : memref<?x8xf32>) outs(%m : memref<?x8xf32>)
  return
}

// CHECK-LABEL: func @observe
//       CHECK:   %[[A:.*]] = stamp.observe "block0.qkv" along 1
//  CHECK-SAME:     ins(%{{.*}}, %{{.*}} : tensor<2x?x8xf16>, tensor<?x?xf64>) outs(%{{.*}} : tensor<?x?xf64>)
//       CHECK:   {{^ *}}stamp.observe "a site" along 0 ins(%{{.*}}, %[[M:.*]] : memref<12x8xf32>, memref<12x12xf64>) outs(%[[M]] : memref<12x12xf64>)
func.func @observe(%x: tensor<2x?x8xf16>, %a: tensor<?x?xf64>, %m: memref<12x8xf32>, %b: memref<12x12xf64>) -> tensor<?x?xf64> {
  %sum = stamp.observe "block0.qkv" along 1
      ins(%x, %a : tensor<2x?x8xf16>, tensor<?x?xf64>) outs(%a : tensor<?x?xf64>)
  stamp.observe "a site" along 0 ins(%m, %b : memref<12x8xf32>, memref<12x12xf64>) outs(%b : memref<12x12xf64>)
  return %sum : tensor<?x?xf64>
}

// CHECK-LABEL: func private @caches
func.func private @caches(tensor<4xf32>) attributes {
  // CHECK-SAME: a = #stamp.kv_cache<basis = #stamp.haar<levels = 4>, schedule = #stamp.schedule<[1 : 8], 4>>
  a = #stamp.kv_cache<basis = #stamp.haar<levels = 4>, schedule = #stamp.schedule<[1 : 8], 4>>,
  // CHECK-SAME: b = #stamp.kv_cache<basis = #stamp.identity, schedule = #stamp.schedule<[], 4>, group = 32>
  b = #stamp.kv_cache<basis = #stamp.identity, schedule = #stamp.schedule<[], 4>, group = 32>,
  // CHECK-SAME: stamp.kv_append = #stamp.kv_cache<basis = #stamp.dct, schedule = #stamp.schedule<[], 4>>
  stamp.kv_append = #stamp.kv_cache<basis = #stamp.dct, schedule = #stamp.schedule<[], 4>, group = 0>
}

// CHECK-LABEL: func @min_tokens
func.func @min_tokens() attributes {
  // CHECK-SAME: a = #stamp.min_tokens<32, #stamp.haar<levels = 4, skip = 1>>
  a = #stamp.min_tokens<32, #stamp.haar<levels = 4, skip = 1>>,
  // CHECK-SAME: b = #stamp.schedule<[0.0625 : 8], 4, min_tokens = 32>
  b = #stamp.schedule<[0.0625 : 8], 4, min_tokens = 32>,
  // CHECK-SAME: c = #stamp.schedule<[], 4>
  c = #stamp.schedule<[], 4, min_tokens = 0>
} {
  return
}

// CHECK-LABEL: func @padded
//  CHECK-SAME:   %{{.*}}: tensor<4x?x8xf32> {stamp.padded = #stamp.padded<along = 1, lengths = 1>}, %{{.*}}: tensor<4xi32>
func.func @padded(%x: tensor<4x?x8xf32> {stamp.padded = #stamp.padded<along = 1, lengths = 1>}, %n: tensor<4xi32>) {
  return
}

// CHECK-LABEL: func private @padded_buffers
func.func private @padded_buffers(memref<?x8xf16> {stamp.padded = #stamp.padded<along = 0, lengths = 1>}, memref<index>)
