// RUN: stamp-opt %s --stamp-select="basis=#stamp.identity schedule=#stamp.schedule<[],8>" --stamp-quantize --canonicalize --split-input-file | FileCheck %s

// Quantized, what is in blocks computes what it did, as far as 8 bits can tell:
// RUN: stamp-validate %s --stamp-select="basis=#stamp.identity schedule=#stamp.schedule<[],8> weight-bits=8" --stamp-quantize --quantized-tolerance=3e-2 | FileCheck %s --check-prefix=VALID
// VALID: 6 agree, 0 differ, 0 not run

// Between a pack and an unpack the linear is what it was before them, ragged
// last blocks included.
// CHECK-LABEL: func @between_pack_and_unpack
//   CHECK-NOT:   linalg.pack
//       CHECK:   stamp.quantize {{.*}} along 0 over 1 ins(%arg0 : tensor<5x3xf32>)
//       CHECK:   linalg.contract {{.*}} ins(%{{.*}}, %{{.*}} : tensor<5x3xi8>, tensor<3x4xi8>)
//       CHECK:   %[[Y:.*]] = stamp.rescale
//   CHECK-NOT:   linalg.unpack
//       CHECK:   return %[[Y]]
func.func @between_pack_and_unpack(%x: tensor<5x3xf32>) -> tensor<5x4xf32> {
  %w = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [-1.0, 5.0, 0.0, 2.0], [7.0, -2.0, 1.0, 3.0]]> : tensor<3x4xf32>
  %c0 = arith.constant 0.0 : f32
  %ex = tensor.empty() : tensor<3x2x2x2xf32>
  %px = linalg.pack %x padding_value(%c0 : f32) inner_dims_pos = [0, 1] inner_tiles = [2, 2] into %ex : tensor<5x3xf32> -> tensor<3x2x2x2xf32>
  %ew = tensor.empty() : tensor<2x2x2x2xf32>
  %pw = linalg.pack %w padding_value(%c0 : f32) outer_dims_perm = [1, 0] inner_dims_pos = [1, 0] inner_tiles = [2, 2] into %ew : tensor<3x4xf32> -> tensor<2x2x2x2xf32>
  %ey = tensor.empty() : tensor<3x2x2x2xf32>
  %zero = linalg.fill ins(%c0 : f32) outs(%ey : tensor<3x2x2x2xf32>) -> tensor<3x2x2x2xf32>
  %py = linalg.mmt4d ins(%px, %pw : tensor<3x2x2x2xf32>, tensor<2x2x2x2xf32>) outs(%zero : tensor<3x2x2x2xf32>) -> tensor<3x2x2x2xf32>
  %e = tensor.empty() : tensor<5x4xf32>
  %y = linalg.unpack %py inner_dims_pos = [0, 1] inner_tiles = [2, 2] into %e : tensor<3x2x2x2xf32> -> tensor<5x4xf32>
  return %y : tensor<5x4xf32>
}

// -----

// Whoever reads the blocks gets them, the last ones filled up with zeros.
// CHECK-LABEL: func @blocks_for_others
//       CHECK:   stamp.quantize {{.*}} ins(%arg0 : tensor<5x2xf32>)
//       CHECK:   %[[PAD:.*]] = tensor.pad %{{.*}} low[0, 0] high[1, 0]
//       CHECK:   %[[EXPAND:.*]] = tensor.expand_shape %[[PAD]] {{\[}}[0, 1], [2, 3]] output_shape [3, 2, 2, 2]
//       CHECK:   linalg.transpose ins(%[[EXPAND]] : tensor<3x2x2x2xf32>) outs({{.*}}) permutation = [0, 2, 1, 3]
func.func @blocks_for_others(%x: tensor<5x2xf32>) -> tensor<3x2x2x2xf32> {
  %w = arith.constant dense<[[[[1.0, 2.0], [-1.0, 5.0]]], [[[3.0, 4.0], [0.0, 2.0]]]]> : tensor<2x1x2x2xf32>
  %c0 = arith.constant 0.0 : f32
  %ex = tensor.empty() : tensor<3x1x2x2xf32>
  %px = linalg.pack %x padding_value(%c0 : f32) inner_dims_pos = [0, 1] inner_tiles = [2, 2] into %ex : tensor<5x2xf32> -> tensor<3x1x2x2xf32>
  %ey = tensor.empty() : tensor<3x2x2x2xf32>
  %zero = linalg.fill ins(%c0 : f32) outs(%ey : tensor<3x2x2x2xf32>) -> tensor<3x2x2x2xf32>
  %y = linalg.mmt4d ins(%px, %w : tensor<3x1x2x2xf32>, tensor<2x1x2x2xf32>) outs(%zero : tensor<3x2x2x2xf32>) -> tensor<3x2x2x2xf32>
  return %y : tensor<3x2x2x2xf32>
}

// -----

// What is packed with other numbers than zeros is read as it is packed, and so
// is what is added to.
// CHECK-LABEL: func @packed_with_ones
//       CHECK:   linalg.pack
//       CHECK:   linalg.transpose
//       CHECK:   tensor.collapse_shape
//       CHECK:   stamp.quantize {{.*}} : tensor<6x2xf32>
func.func @packed_with_ones(%x: tensor<5x2xf32>, %init: tensor<3x1x2x2xf32>) -> tensor<3x1x2x2xf32> {
  %w = arith.constant dense<[[[[1.0, 2.0], [-1.0, 5.0]]]]> : tensor<1x1x2x2xf32>
  %c1 = arith.constant 1.0 : f32
  %ex = tensor.empty() : tensor<3x1x2x2xf32>
  %px = linalg.pack %x padding_value(%c1 : f32) inner_dims_pos = [0, 1] inner_tiles = [2, 2] into %ex : tensor<5x2xf32> -> tensor<3x1x2x2xf32>
  %y = linalg.mmt4d ins(%px, %w : tensor<3x1x2x2xf32>, tensor<1x1x2x2xf32>) outs(%init : tensor<3x1x2x2xf32>) -> tensor<3x1x2x2xf32>
  return %y : tensor<3x1x2x2xf32>
}

// -----

// Two dimensions of features, and of channels. A constant whose dimensions are
// in another order is transposed while it is quantized.
// CHECK-LABEL: func @heads
//   CHECK-DAG:   arith.constant dense<{{.*}}> : tensor<4x4xi8>
//       CHECK:   tensor.collapse_shape %arg0 {{\[}}[0], [1, 2]]
//   CHECK-NOT:   linalg.transpose
//       CHECK:   linalg.contract {{.*}} ins(%{{.*}}, %{{.*}} : tensor<5x4xi8>, tensor<4x4xi8>)
//       CHECK:   tensor.expand_shape %{{.*}} {{\[}}[0], [1, 2]] output_shape [5, 2, 2]
func.func @heads(%x: tensor<5x2x2xf32>) -> tensor<5x2x2xf32> {
  // d, f, e, h
  %w = arith.constant dense<[[[[1.0, 2.0], [-3.0, 4.0]], [[5.0, 6.0], [7.0, -8.0]]], [[[9.0, -1.0], [2.0, 3.0]], [[4.0, 5.0], [-6.0, 7.0]]]]> : tensor<2x2x2x2xf32>
  %c0 = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5x2x2xf32>
  %zero = linalg.fill ins(%c0 : f32) outs(%e : tensor<5x2x2xf32>) -> tensor<5x2x2xf32>
  %y = linalg.contract
      indexing_maps = [affine_map<(s, h, d, e, f) -> (s, h, d)>, affine_map<(s, h, d, e, f) -> (d, f, e, h)>, affine_map<(s, h, d, e, f) -> (s, e, f)>]
      ins(%x, %w : tensor<5x2x2xf32>, tensor<2x2x2x2xf32>) outs(%zero : tensor<5x2x2xf32>) -> tensor<5x2x2xf32>
  return %y : tensor<5x2x2xf32>
}

// -----

// Blocks of generics, when an unpack tells that they are blocks.
// CHECK-LABEL: func @generic_with_unpack
//       CHECK:   linalg.transpose {{.*}} permutation = [0, 2, 1, 3]
//       CHECK:   stamp.quantize {{.*}} : tensor<4x4xf32>
//       CHECK:   %[[Y:.*]] = stamp.rescale
//       CHECK:   return %[[Y]]
func.func @generic_with_unpack(%x: tensor<2x2x2x2xf32>) -> tensor<4x2xf32> {
  %w = arith.constant dense<[[[[1.0, 2.0], [-1.0, 5.0]], [[3.0, 4.0], [0.0, 2.0]]]]> : tensor<1x2x2x2xf32>
  %c0 = arith.constant 0.0 : f32
  %ey = tensor.empty() : tensor<2x1x2x2xf32>
  %zero = linalg.fill ins(%c0 : f32) outs(%ey : tensor<2x1x2x2xf32>) -> tensor<2x1x2x2xf32>
  %py = linalg.generic {indexing_maps = [affine_map<(m, n, k, i, j, l) -> (m, k, i, l)>, affine_map<(m, n, k, i, j, l) -> (n, k, j, l)>, affine_map<(m, n, k, i, j, l) -> (m, n, i, j)>],
                        iterator_types = ["parallel", "parallel", "reduction", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x2x2x2xf32>, tensor<1x2x2x2xf32>) outs(%zero : tensor<2x1x2x2xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  } -> tensor<2x1x2x2xf32>
  %e = tensor.empty() : tensor<4x2xf32>
  %y = linalg.unpack %py inner_dims_pos = [0, 1] inner_tiles = [2, 2] into %e : tensor<2x1x2x2xf32> -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// -----

// A bias that the contraction adds to is still seen to be one.
// CHECK-LABEL: func @added_to_a_bias
//       CHECK:   %[[Y:.*]] = stamp.rescale
//       CHECK:   linalg.generic {{.*}} ins(%[[Y]], %arg1 : tensor<1x2x4xf32>, tensor<2xf32>)
func.func @added_to_a_bias(%x: tensor<1x3x2x2xf32>, %bias: tensor<2xf32>) -> tensor<1x2x2x2xf32> {
  %w = arith.constant dense<[[[[1.0]], [[2.0]], [[-3.0]]], [[[4.0]], [[-2.0]], [[1.0]]]]> : tensor<2x3x1x1xf32>
  %e = tensor.empty() : tensor<1x2x2x2xf32>
  %b = linalg.broadcast ins(%bias : tensor<2xf32>) outs(%e : tensor<1x2x2x2xf32>) dimensions = [0, 2, 3]
  %y = linalg.conv_2d_nchw_fchw ins(%x, %w : tensor<1x3x2x2xf32>, tensor<2x3x1x1xf32>) outs(%b : tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %y : tensor<1x2x2x2xf32>
}
