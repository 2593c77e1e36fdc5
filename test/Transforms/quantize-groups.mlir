// RUN: stamp-opt %s --stamp-quantize --canonicalize --split-input-file | FileCheck %s

// One accumulator per group, in front of the channels.
// CHECK-DAG:   #[[X:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG:   #[[W:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d3, d2)>
// CHECK-DAG:   #[[A:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-LABEL: func @groups_of_both
//       CHECK:   %[[Q:.*]], %[[S:.*]], %[[Z:.*]] = stamp.quantize {{.*}} along 0 over 1 groups of 64
//  CHECK-SAME:     outs({{.*}} : tensor<?x128xi8>, tensor<?x2xf32>, tensor<?x2xi32>)
//       CHECK:   %[[WQ:.*]], %[[WS:.*]], %[[WC:.*]] = stamp.quantize_weight bits = 4 over 0 groups of 64
//  CHECK-SAME:     outs({{.*}} : tensor<128x24xi8>, tensor<2x24xf32>, tensor<2x24xi32>)
//       CHECK:   %[[QG:.*]] = tensor.expand_shape %[[Q]] {{\[}}[0], [1, 2]] {{.*}} into tensor<?x2x64xi8>
//       CHECK:   %[[WG:.*]] = tensor.expand_shape %[[WQ]] {{\[}}[0, 1], [2]] {{.*}} into tensor<2x64x24xi8>
//       CHECK:   %[[ACC:.*]] = linalg.contract indexing_maps = [#[[X]], #[[W]], #[[A]]] ins(%[[QG]], %[[WG]] :
//  CHECK-SAME:     -> tensor<?x2x24xi32>
//       CHECK:   stamp.rescale along 0 over 2 groups along 1 ins(%[[ACC]], %[[S]], %[[Z]], %[[WS]], %[[WC]] :
//  CHECK-SAME:     outs({{.*}} : tensor<?x24xf32>)
func.func @groups_of_both(%x: tensor<?x128xf32>, %w: tensor<128x24xf32>, %c: tensor<?x24xf32>) -> tensor<?x24xf32> {
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 4>, activation_group = 64, weight_bits = 4, weight_group = 64>}
    ins(%x, %w : tensor<?x128xf32>, tensor<128x24xf32>) outs(%c : tensor<?x24xf32>) -> tensor<?x24xf32>
  return %y : tensor<?x24xf32>
}

// -----

// Zero points per group need sums per group; the weight's scales do not.
// CHECK-DAG:   #[[X:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)>
// CHECK-DAG:   #[[W:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d2, d4, d3)>
// CHECK-DAG:   #[[A:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)>
// CHECK-LABEL: func @groups_of_activations
//       CHECK:   stamp.quantize {{.*}} along 1 over 2 groups of 64
//       CHECK:   stamp.quantize_weight bits = 8 over 1 groups of 64 for sums
//  CHECK-SAME:     outs({{.*}} : tensor<2x128x24xi8>, tensor<2x24xf32>, tensor<2x2x24xi32>)
//       CHECK:   linalg.contract indexing_maps = [#[[X]], #[[W]], #[[A]]]
//       CHECK:   stamp.rescale along 1 over 3 groups along 2
func.func @groups_of_activations(%x: tensor<2x8x128xf32>, %w: tensor<2x128x24xf32>, %c: tensor<2x8x24xf32>) -> tensor<2x8x24xf32> {
  %y = linalg.batch_matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 4>, activation_group = 64, weight_bits = 8>}
    ins(%x, %w : tensor<2x8x128xf32>, tensor<2x128x24xf32>) outs(%c : tensor<2x8x24xf32>) -> tensor<2x8x24xf32>
  return %y : tensor<2x8x24xf32>
}

// -----

// A token's scale serves all groups. Codes of 0 fill up the last group.
// CHECK-LABEL: func @groups_of_weights
//       CHECK:   stamp.quantize #{{[^i]*}}over 1 ins(
//       CHECK:   stamp.quantize_weight bits = 4 over 0 groups of 64 ins(
//       CHECK:   tensor.pad %{{.*}} low[0, 0] high[0, 28]
//       CHECK:   tensor.pad %{{.*}} low[0, 0] high[28, 0]
//       CHECK:   stamp.rescale along 0 over 2 groups along 1
//  CHECK-SAME:     tensor<8x2x24xi32>, tensor<8xf32>, tensor<8xi32>, tensor<2x24xf32>, tensor<2x24xi32>
func.func @groups_of_weights(%x: tensor<8x100xf32>, %w: tensor<100x24xf32>, %c: tensor<8x24xf32>) -> tensor<8x24xf32> {
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 4>, weight_bits = 4, weight_group = 64>}
    ins(%x, %w : tensor<8x100xf32>, tensor<100x24xf32>) outs(%c : tensor<8x24xf32>) -> tensor<8x24xf32>
  return %y : tensor<8x24xf32>
}

// -----

// A constant weight is quantized in its groups at once.
// CHECK-LABEL: func @constant_weight
//   CHECK-NOT:   stamp.quantize_weight
//   CHECK-DAG:   arith.constant dense<{{\[}}[1.000000e+00], [5.000000e-01]]> : tensor<2x1xf32>
//   CHECK-DAG:   arith.constant dense<{{\[}}[3], [14]]> : tensor<2x1xi32>
//       CHECK:   return
func.func @constant_weight(%x: tensor<8x4xf32>, %c: tensor<8x1xf32>) -> tensor<8x1xf32> {
  %w = arith.constant dense<[[7.0], [-3.5], [3.5], [3.5]]> : tensor<4x1xf32>
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 4>, weight_bits = 4, weight_group = 2>}
    ins(%x, %w : tensor<8x4xf32>, tensor<4x1xf32>) outs(%c : tensor<8x1xf32>) -> tensor<8x1xf32>
  return %y : tensor<8x1xf32>
}

// -----

// Groups stand on that side of the channels on which the weight has its inputs.
// CHECK-LABEL: func @groups_of_a_transposed_weight
//       CHECK:   stamp.quantize_weight bits = 4 over 1 groups of 64 ins(
//       CHECK:   linalg.contract {{.*}} ins(%{{.*}}, %{{.*}} : tensor<8x2x64xi8>, tensor<24x2x64xi8>) outs(%{{.*}} : tensor<8x24x2xi32>)
//       CHECK:   stamp.rescale along 0 over 1 groups along 2
//  CHECK-SAME:     tensor<8x24x2xi32>, tensor<8x2xf32>, tensor<8x2xi32>, tensor<24x2xf32>, tensor<24x2xi32>
func.func @groups_of_a_transposed_weight(%x: tensor<8x128xf32>, %w: tensor<24x128xf32>, %c: tensor<8x24xf32>) -> tensor<8x24xf32> {
  %y = linalg.contract
    indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
    {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 4>, activation_group = 64, weight_bits = 4, weight_group = 64>}
    ins(%x, %w : tensor<8x128xf32>, tensor<24x128xf32>) outs(%c : tensor<8x24xf32>) -> tensor<8x24xf32>
  return %y : tensor<8x24xf32>
}

// -----

// CHECK-LABEL: func @groups_in_columns
//       CHECK:   stamp.quantize {{.*}} along 1 over 0 groups of 64
//       CHECK:   linalg.contract {{.*}} ins(%{{.*}}, %{{.*}} : tensor<2x64x8xi8>, tensor<24x2x64xi8>) outs(%{{.*}} : tensor<24x2x8xi32>)
//       CHECK:   stamp.rescale along 2 over 0 groups along 1
func.func @groups_in_columns(%x: tensor<128x8xf32>, %c: tensor<24x8xf32>) -> tensor<24x8xf32> {
  %w = arith.constant dense<1.0> : tensor<24x128xf32>
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 4>, activation_group = 64, weight_bits = 4, weight_group = 64>}
    ins(%w, %x : tensor<24x128xf32>, tensor<128x8xf32>) outs(%c : tensor<24x8xf32>) -> tensor<24x8xf32>
  return %y : tensor<24x8xf32>
}

// -----

// 255·127·66311 < 2³¹: the longest sum that one accumulator surely holds.
// CHECK-LABEL: func @longest_sum
//       CHECK:   linalg.matmul {{.*}} -> tensor<8x1xi32>
//       CHECK:   stamp.rescale along 0 over 1 ins(
func.func @longest_sum(%x: tensor<8x66311xf32>, %w: tensor<66311x1xf32>, %c: tensor<8x1xf32>) -> tensor<8x1xf32> {
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 8>}
    ins(%x, %w : tensor<8x66311xf32>, tensor<66311x1xf32>) outs(%c : tensor<8x1xf32>) -> tensor<8x1xf32>
  return %y : tensor<8x1xf32>
}

// -----

// A longer one is cut in equal parts, whose scales are one for all.
// CHECK-LABEL: func @too_long_a_sum
//       CHECK:   stamp.quantize #{{.*}} along 0 over 1 ins(
//       CHECK:   stamp.quantize_weight bits = 8 over 0 groups of 33156 for sums
//       CHECK:   linalg.contract {{.*}} ins(%{{.*}}, %{{.*}} : tensor<8x2x33156xi8>, tensor<2x33156x1xi8>)
//       CHECK:   stamp.rescale along 0 over 2 groups along 1
//  CHECK-SAME:     tensor<8x2x1xi32>, tensor<8xf32>, tensor<8xi32>, tensor<1xf32>, tensor<2x1xi32>
func.func @too_long_a_sum(%x: tensor<8x66312xf32>, %w: tensor<66312x1xf32>, %c: tensor<8x1xf32>) -> tensor<8x1xf32> {
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 8>}
    ins(%x, %w : tensor<8x66312xf32>, tensor<66312x1xf32>) outs(%c : tensor<8x1xf32>) -> tensor<8x1xf32>
  return %y : tensor<8x1xf32>
}

// -----

// The sums of given groups are short enough.
// CHECK-LABEL: func @groups_of_a_long_sum
//       CHECK:   linalg.contract {{.*}} : tensor<8x1037x64xi8>, tensor<1037x64x1xi8>)
func.func @groups_of_a_long_sum(%x: tensor<8x66312xf32>, %w: tensor<66312x1xf32>, %c: tensor<8x1xf32>) -> tensor<8x1xf32> {
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 8, weight_group = 64>}
    ins(%x, %w : tensor<8x66312xf32>, tensor<66312x1xf32>) outs(%c : tensor<8x1xf32>) -> tensor<8x1xf32>
  return %y : tensor<8x1xf32>
}
