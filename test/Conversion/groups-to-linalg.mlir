// RUN: stamp-opt %s --stamp-to-linalg --canonicalize --cse --split-input-file | FileCheck %s --implicit-check-not="= stamp." --implicit-check-not=fastmath

// Groups are rows of a tensor with one dimension more, and so are their scales.
// Nothing is copied where all groups are whole.
// CHECK-LABEL: func @quantize_whole_groups
//  CHECK-SAME:   (%[[X:.*]]: tensor<?x128xf32>, %[[EQ:.*]]: tensor<?x128xi8>, %[[ES:.*]]: tensor<?x2xf32>
//   CHECK-NOT:   tensor.pad
//   CHECK-DAG:   %[[XG:.*]] = tensor.expand_shape %[[X]] {{\[}}[0], [1, 2]] {{.*}} : tensor<?x128xf32> into tensor<?x2x64xf32>
//   CHECK-DAG:   %[[EG:.*]] = tensor.expand_shape %[[EQ]] {{\[}}[0], [1, 2]] {{.*}} : tensor<?x128xi8> into tensor<?x2x64xi8>
//       CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[XG]]
//       CHECK:   linalg.generic {{.*}} outs(%[[ES]],
//       CHECK:   %[[Q:.*]] = linalg.generic {{.*}} outs(%[[EG]] : tensor<?x2x64xi8>)
//       CHECK:   tensor.collapse_shape %[[Q]] {{\[}}[0], [1, 2]] : tensor<?x2x64xi8> into tensor<?x128xi8>
func.func @quantize_whole_groups(%x: tensor<?x128xf32>, %eq: tensor<?x128xi8>, %es: tensor<?x2xf32>, %ez: tensor<?x2xi32>)
    -> (tensor<?x128xi8>, tensor<?x2xf32>, tensor<?x2xi32>) {
  %q:3 = stamp.quantize #stamp.schedule<[64 : 8], 4> along 0 over 1 groups of 64 ins(%x : tensor<?x128xf32>)
      outs(%eq, %es, %ez : tensor<?x128xi8>, tensor<?x2xf32>, tensor<?x2xi32>)
  return %q#0, %q#1, %q#2 : tensor<?x128xi8>, tensor<?x2xf32>, tensor<?x2xi32>
}

// -----

// The width of a token is that of its place, wherever the groups stand.
// CHECK-LABEL: func @quantize_with_features_first
//       CHECK:   tensor.expand_shape %{{.*}} {{\[}}[0, 1], [2]] {{.*}} : tensor<128x8xf32> into tensor<2x64x8xf32>
//       CHECK:   iterator_types = ["parallel", "reduction", "parallel"]
//       CHECK:   linalg.index 1
func.func @quantize_with_features_first(%x: tensor<128x8xf32>, %eq: tensor<128x8xi8>, %es: tensor<2x8xf32>, %ez: tensor<2x8xi32>)
    -> tensor<128x8xi8> {
  %q:3 = stamp.quantize #stamp.schedule<[4 : 8], 4> along 1 over 0 groups of 64 ins(%x : tensor<128x8xf32>)
      outs(%eq, %es, %ez : tensor<128x8xi8>, tensor<2x8xf32>, tensor<2x8xi32>)
  return %q#0 : tensor<128x8xi8>
}

// -----

// Zeros fill up the short group, and their codes are left out again.
// CHECK-LABEL: func @quantize_a_short_group
//   CHECK-DAG:   %[[ZERO:.*]] = arith.constant 0.000000e+00 : f16
//       CHECK:   %[[P:.*]] = tensor.pad %{{.*}} low[0, 0] high[0, 28]
//       CHECK:     tensor.yield %[[ZERO]]
//       CHECK:   tensor.expand_shape %[[P]] {{\[}}[0], [1, 2]] {{.*}} : tensor<8x128xf16> into tensor<8x2x64xf16>
//       CHECK:   %[[C:.*]] = tensor.collapse_shape
//       CHECK:   %[[Q:.*]] = tensor.extract_slice %[[C]][0, 0] [8, 100] [1, 1]
//       CHECK:   linalg.copy ins(%[[Q]] : tensor<8x100xi8>) outs(%{{.*}} : tensor<8x100xi8>)
func.func @quantize_a_short_group(%x: tensor<8x100xf16>, %eq: tensor<8x100xi8>, %es: tensor<8x2xf32>, %ez: tensor<8x2xi32>)
    -> tensor<8x100xi8> {
  %q:3 = stamp.quantize #stamp.schedule<[], 4> along 0 over 1 groups of 64 ins(%x : tensor<8x100xf16>)
      outs(%eq, %es, %ez : tensor<8x100xi8>, tensor<8x2xf32>, tensor<8x2xi32>)
  return %q#0 : tensor<8x100xi8>
}

// -----

// Nobody knows whether the last group is short: it is filled up in any case.
// CHECK-DAG:   #[[MISSING:.*]] = affine_map<()[s0] -> (-s0 + (s0 ceildiv 64) * 64)>
// CHECK-LABEL: func @dequantize_unknown_groups
//       CHECK:   %[[M:.*]] = affine.apply #[[MISSING]]
//       CHECK:   tensor.pad %{{.*}} low[0, 0] high[0, %[[M]]]
//       CHECK:   tensor<8x?xi8> into tensor<8x?x64xi8>
//       CHECK:   linalg.copy ins({{.*}} : tensor<8x?xf32>) outs({{.*}} : tensor<8x?xf32>)
func.func @dequantize_unknown_groups(%q: tensor<8x?xi8>, %s: tensor<8x?xf32>, %z: tensor<8x?xi32>, %e: tensor<8x?xf32>) -> tensor<8x?xf32> {
  %d = stamp.dequantize over 1 groups of 64 ins(%q, %s, %z : tensor<8x?xi8>, tensor<8x?xf32>, tensor<8x?xi32>)
      outs(%e : tensor<8x?xf32>)
  return %d : tensor<8x?xf32>
}

// -----

// One scale per channel, and a sum per group: only the sum sees groups.
// CHECK-LABEL: func @groups_for_sums
//       CHECK:   iterator_types = ["reduction", "parallel"]} ins(%{{.*}} : tensor<128x8xf32>)
//       CHECK:   %[[Q:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<128x8xi8>)
//       CHECK:   %[[G:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0, 1], [2]] {{.*}} : tensor<128x8xi8> into tensor<2x64x8xi8>
//       CHECK:   iterator_types = ["parallel", "reduction", "parallel"]} ins(%[[G]] : tensor<2x64x8xi8>)
func.func @groups_for_sums(%w: tensor<128x8xf32>, %eq: tensor<128x8xi8>, %es: tensor<8xf32>, %ec: tensor<2x8xi32>) -> tensor<2x8xi32> {
  %q:3 = stamp.quantize_weight bits = 8 over 0 groups of 64 for sums ins(%w : tensor<128x8xf32>)
      outs(%eq, %es, %ec : tensor<128x8xi8>, tensor<8xf32>, tensor<2x8xi32>)
  return %q#2 : tensor<2x8xi32>
}

// -----

// −0 is what nothing adds to, and a difference is a sum in a fixed order.
// CHECK-DAG:   #[[ACC:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG:   #[[ROW:.*]] = affine_map<(d0, d1, d2) -> (d0)>
// CHECK-DAG:   #[[ROWS:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG:   #[[COLUMNS:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG:   #[[OUT:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-LABEL: func @rescale
//  CHECK-SAME:   %[[E:[^ ]*]]: tensor<8x6xf32>)
//   CHECK-DAG:   %[[NONE:.*]] = arith.constant -0.000000e+00 : f32
//       CHECK:   %[[I:.*]] = linalg.fill ins(%[[NONE]] : f32) outs(%[[E]]
//       CHECK:   %[[Y:.*]] = linalg.generic {indexing_maps = [#[[ACC]], #[[ROW]], #[[ROWS]], #[[COLUMNS]], #[[COLUMNS]], #[[OUT]]], iterator_types = ["parallel", "reduction", "parallel"]}
//  CHECK-SAME:     outs(%[[I]]
//       CHECK:     %[[C:.*]] = arith.muli
//       CHECK:     %[[X:.*]] = arith.subi %{{.*}}, %[[C]]
//       CHECK:     %[[S:.*]] = arith.mulf
//       CHECK:     %[[M:.*]] = arith.negf %[[S]]
//       CHECK:     %[[F:.*]] = arith.sitofp %[[X]]
//       CHECK:     %[[P:.*]] = arith.mulf %[[M]], %[[F]]
//       CHECK:     %[[D:.*]] = arith.subf %{{.*}}, %[[P]]
//  CHECK-NEXT:     linalg.yield %[[D]]
//       CHECK:   return %[[Y]]
func.func @rescale(%a: tensor<8x3x6xi32>, %s: tensor<8xf32>, %z: tensor<8x3xi32>, %w: tensor<3x6xf32>, %c: tensor<3x6xi32>,
                   %e: tensor<8x6xf32>) -> tensor<8x6xf32> {
  %y = stamp.rescale along 0 over 2 groups along 1
      ins(%a, %s, %z, %w, %c : tensor<8x3x6xi32>, tensor<8xf32>, tensor<8x3xi32>, tensor<3x6xf32>, tensor<3x6xi32>)
      outs(%e : tensor<8x6xf32>)
  return %y : tensor<8x6xf32>
}

// -----

// The bias comes when all groups are in, and then the sum is narrowed.
// CHECK-LABEL: func @rescale_to_a_narrow_type
//       CHECK:   %[[SUM:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]} {{.*}} outs(%{{.*}} : tensor<8x6xf32>)
//       CHECK:   linalg.generic {{.*}} ins(%[[SUM]], %{{.*}}, %{{.*}} : tensor<8x6xf32>, tensor<6xf32>, tensor<8xf32>) outs(%{{.*}} : tensor<8x6xbf16>)
//       CHECK:     %[[B:.*]] = arith.mulf
//       CHECK:     %[[Y:.*]] = arith.addf %{{.*}}, %[[B]]
//       CHECK:     arith.truncf %[[Y]] : f32 to bf16
func.func @rescale_to_a_narrow_type(%a: tensor<8x6x3xi32>, %s: tensor<8x3xf32>, %z: tensor<8x3xi32>, %w: tensor<6xf32>, %c: tensor<6x3xi32>,
                                    %b: tensor<6xf32>, %l: tensor<8xf32>, %e: tensor<8x6xbf16>) -> tensor<8x6xbf16> {
  %y = stamp.rescale along 0 over 1 groups along 2
      ins(%a, %s, %z, %w, %c : tensor<8x6x3xi32>, tensor<8x3xf32>, tensor<8x3xi32>, tensor<6xf32>, tensor<6x3xi32>)
      bias(%b : tensor<6xf32>) spread(%l : tensor<8xf32>) outs(%e : tensor<8x6xbf16>)
  return %y : tensor<8x6xbf16>
}
