// RUN: stamp-opt %s | FileCheck %s
// RUN: stamp-opt %s | stamp-opt | FileCheck %s
// RUN: stamp-opt %s --mlir-print-op-generic | stamp-opt | FileCheck %s
// RUN: stamp-opt %s --emit-bytecode | stamp-opt | FileCheck %s

// Groups, as the op descriptions show them.

// CHECK-LABEL: func @quantize
//       CHECK:   stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1 groups of 64 ins(
//  CHECK-SAME:     outs(%{{.*}} : tensor<?x4096xi8>, tensor<?x64xf32>, tensor<?x64xi32>)
//       CHECK:   stamp.dequantize over 1 groups of 64 ins(
func.func @quantize(%t: tensor<?x4096xf32>, %eq: tensor<?x4096xi8>, %es: tensor<?x64xf32>, %ez: tensor<?x64xi32>) -> tensor<?x4096xf32> {
  %q, %s, %z = stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1 groups of 64
      ins(%t : tensor<?x4096xf32>)
      outs(%eq, %es, %ez : tensor<?x4096xi8>, tensor<?x64xf32>, tensor<?x64xi32>)
  %d = stamp.dequantize over 1 groups of 64
      ins(%q, %s, %z : tensor<?x4096xi8>, tensor<?x64xf32>, tensor<?x64xi32>)
      outs(%t : tensor<?x4096xf32>)
  return %d : tensor<?x4096xf32>
}

// A tile's rows have groups too, the last group may be short, and the features
// stand anywhere.
// CHECK-LABEL: func @ragged_groups_of_a_tile
//       CHECK:   along 2 over 1 groups of 64 rows at %{{.*}} of
//  CHECK-SAME:     tensor<2x100x8xi8>, tensor<2x2x8xf32>, tensor<2x2x8xi32>
func.func @ragged_groups_of_a_tile(%t: tensor<2x100x8xbf16>, %at: index, %of: index, %eq: tensor<2x100x8xi8>, %es: tensor<2x2x8xf32>, %ez: tensor<2x2x8xi32>) {
  %q, %s, %z = stamp.quantize #stamp.schedule<[64 : 8], 4> along 2 over 1 groups of 64 rows at %at of %of
      ins(%t : tensor<2x100x8xbf16>)
      outs(%eq, %es, %ez : tensor<2x100x8xi8>, tensor<2x2x8xf32>, tensor<2x2x8xi32>)
  return
}

// `?` goes with any size, here as everywhere.
// CHECK-LABEL: func @unknown_sizes
func.func @unknown_sizes(%t: tensor<8x?xf32>, %eq: tensor<?x100xi8>, %es: tensor<?x2xf32>, %ez: tensor<8x?xi32>) {
  %q, %s, %z = stamp.quantize #stamp.schedule<[], 4> along 0 over 1 groups of 64
      ins(%t : tensor<8x?xf32>) outs(%eq, %es, %ez : tensor<?x100xi8>, tensor<?x2xf32>, tensor<8x?xi32>)
  return
}

// CHECK-LABEL: func @quantize_weight
//       CHECK:   stamp.quantize_weight bits = 4 over 0 groups of 128 ins(
//  CHECK-SAME:     tensor<4096x64xi8>, tensor<32x64xf32>, tensor<32x64xi32>
//       CHECK:   stamp.quantize_weight bits = 4 over 0 groups of 128 for sums ins(
//  CHECK-SAME:     tensor<4096x64xi8>, tensor<64xf32>, tensor<32x64xi32>
func.func @quantize_weight(%w: tensor<4096x64xf32>, %eq: tensor<4096x64xi8>, %eg: tensor<32x64xf32>, %es: tensor<64xf32>, %ec: tensor<32x64xi32>) {
  %q, %s, %c = stamp.quantize_weight bits = 4 over 0 groups of 128
      ins(%w : tensor<4096x64xf32>)
      outs(%eq, %eg, %ec : tensor<4096x64xi8>, tensor<32x64xf32>, tensor<32x64xi32>)
  %q1, %s1, %c1 = stamp.quantize_weight bits = 4 over 0 groups of 128 for sums
      ins(%w : tensor<4096x64xf32>)
      outs(%eq, %es, %ec : tensor<4096x64xi8>, tensor<64xf32>, tensor<32x64xi32>)
  return
}

// CHECK-LABEL: func @rescale
//       CHECK:   stamp.rescale along 0 over 2 groups along 1 ins(
//  CHECK-SAME:     bias(%{{.*}} : tensor<64xf32>) spread(%{{.*}} : tensor<?xf32>) outs(%{{.*}} : tensor<?x64xf32>)
func.func @rescale(%acc: tensor<?x32x64xi32>, %sx: tensor<?xf32>, %zx: tensor<?xi32>, %sw: tensor<32x64xf32>, %c: tensor<32x64xi32>,
                   %b: tensor<64xf32>, %l: tensor<?xf32>, %e: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = stamp.rescale along 0 over 2 groups along 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<?x32x64xi32>, tensor<?xf32>, tensor<?xi32>, tensor<32x64xf32>, tensor<32x64xi32>)
      bias(%b : tensor<64xf32>) spread(%l : tensor<?xf32>)
      outs(%e : tensor<?x64xf32>)
  return %y : tensor<?x64xf32>
}

// Where the groups stand, and what has none of its own: the sums' rank says that
// a batch shares its weights, or does not.
// CHECK-LABEL: func @rescale_in_any_order
func.func @rescale_in_any_order(%acc: tensor<4x2x8x6xi32>, %rows: tensor<4x2x8xf32>, %row: tensor<2x8xf32>, %zx: tensor<4x2x8xi32>,
                                %shared: tensor<4x6xf32>, %c: tensor<4x6xi32>, %own: tensor<2x6xf32>, %cs: tensor<4x2x6xi32>,
                                %b: tensor<2x6xf32>, %e: tensor<2x8x6xf16>) {
  %0 = stamp.rescale along 2 over 3 groups along 0
      ins(%acc, %rows, %zx, %shared, %c : tensor<4x2x8x6xi32>, tensor<4x2x8xf32>, tensor<4x2x8xi32>, tensor<4x6xf32>, tensor<4x6xi32>)
      outs(%e : tensor<2x8x6xf16>)
  %1 = stamp.rescale along 2 over 3 groups along 0
      ins(%acc, %row, %zx, %own, %cs : tensor<4x2x8x6xi32>, tensor<2x8xf32>, tensor<4x2x8xi32>, tensor<2x6xf32>, tensor<4x2x6xi32>)
      bias(%b : tensor<2x6xf32>) outs(%e : tensor<2x8x6xf16>)
  return
}

// CHECK-LABEL: func private @plans
//  CHECK-SAME:   a = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 4>, activation_group = 64, weight_bits = 4, weight_group = 64>
//  CHECK-SAME:   b = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 4>, activation_group = 64, weight_bits = 4>
//  CHECK-SAME:   c = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 4>, weight_bits = 4, weight_group = 128>
//  CHECK-SAME:   d = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 4>, weight_bits = 4>
func.func private @plans() attributes {
  a = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 4>, activation_group = 64, weight_bits = 4, weight_group = 64>,
  b = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 4>, activation_group = 64, weight_bits = 4>,
  c = #stamp.plan<weight_group = 128, basis = #stamp.identity, activations = #stamp.schedule<[], 4>, weight_bits = 4>,
  d = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 4>, activation_group = 0, weight_bits = 4>}
