// RUN: stamp-opt %s --stamp-select="basis=#stamp.dct schedule=#stamp.schedule<[],8>" --stamp-quantize --canonicalize --split-input-file | FileCheck %s

// Forms of the contraction, and weights behind what only copies them.

// A transposed weight is read as it lies.
// CHECK-DAG:   #[[X:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG:   #[[W:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG:   #[[Y:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func @transpose
//   CHECK-NOT:   linalg.transpose
//   CHECK-DAG:   %[[WQ:.*]] = arith.constant dense<{{\[}}[7, 4], [-7, 0], [7, -4]]> : tensor<3x2xi8>
//       CHECK:   linalg.contract indexing_maps = [#[[X]], #[[W]], #[[Y]]] ins(%{{.*}}, %[[WQ]] : tensor<32x2xi8>, tensor<3x2xi8>) outs({{.*}} : tensor<32x3xi32>)
//       CHECK:   stamp.rescale along 0 over 1
func.func @transpose(%x: tensor<32x2xf32>) -> tensor<32x3xf32> {
  %w = arith.constant dense<[[7.0, 4.0], [-7.0, 0.0], [14.0, -8.0]]> : tensor<3x2xf32>
  %e = tensor.empty() : tensor<2x3xf32>
  %t = linalg.transpose ins(%w : tensor<3x2xf32>) outs(%e : tensor<2x3xf32>) permutation = [1, 0]
  %zero = arith.constant dense<0.0> : tensor<32x3xf32>
  %y = linalg.matmul ins(%x, %t : tensor<32x2xf32>, tensor<2x3xf32>) outs(%zero : tensor<32x3xf32>) -> tensor<32x3xf32>
  return %y : tensor<32x3xf32>
}

// -----

// As torch-mlir writes a linear of a batch: transposed and broadcast by generics.
// CHECK-DAG:   #[[W:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-LABEL: func @broadcast_and_transposed
//   CHECK-NOT:   tensor<2x2x3x
//       CHECK:   linalg.contract indexing_maps = [#{{.*}}, #[[W]], #{{.*}}] ins(%{{.*}}, %{{.*}} : tensor<2x32x2xi8>, tensor<3x2xi8>)
//       CHECK:   stamp.rescale along 1 over 2 ins({{.*}} : tensor<2x32x3xi32>, tensor<2x32xf32>, tensor<2x32xi32>, tensor<3xf32>, tensor<3xi32>)
//       CHECK:   stamp.inverse_transform #stamp.dct along 1
func.func @broadcast_and_transposed(%x: tensor<2x32x2xf32>) -> tensor<2x32x3xf32> {
  %w = arith.constant dense<[[7.0, 4.0], [-7.0, 0.0], [14.0, -8.0]]> : tensor<3x2xf32>
  %e = tensor.empty() : tensor<2x3xf32>
  %t = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j, i)>], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<3x2xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x3xf32>
  %eb = tensor.empty() : tensor<2x2x3xf32>
  %b = linalg.generic {indexing_maps = [affine_map<(b, i, j) -> (i, j)>, affine_map<(b, i, j) -> (b, i, j)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%t : tensor<2x3xf32>) outs(%eb : tensor<2x2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x2x3xf32>
  %zero = arith.constant dense<0.0> : tensor<2x32x3xf32>
  %y = linalg.batch_matmul ins(%x, %b : tensor<2x32x2xf32>, tensor<2x2x3xf32>) outs(%zero : tensor<2x32x3xf32>) -> tensor<2x32x3xf32>
  return %y : tensor<2x32x3xf32>
}

// -----

// Reshapes, casts and widenings of a constant are a constant of that shape; a
// resource is not copied for it. The float stays for its other reader.
// CHECK-LABEL: func @reshapes
//   CHECK-DAG:   %[[W:.*]] = arith.constant dense_resource<flat> : tensor<4xf16>
//   CHECK-DAG:   arith.constant dense<{{\[}}[7], [4], [-4], [2]]> : tensor<4x1xi8>
//   CHECK-NOT:   tensor.expand_shape
//       CHECK:   linalg.matmul ins(%{{.*}}, %{{.*}} : tensor<?x4xi8>, tensor<4x1xi8>)
//       CHECK:   return %{{.*}}, %[[W]]
func.func @reshapes(%x: tensor<?x4xf32>, %zero: tensor<?x1xf32>) -> (tensor<?x1xf32>, tensor<4xf16>) {
  %flat = arith.constant dense_resource<flat> : tensor<4xf16>
  %wide = arith.extf %flat : tensor<4xf16> to tensor<4xf32>
  %square = tensor.expand_shape %wide [[0, 1]] output_shape [2, 2] : tensor<4xf32> into tensor<2x2xf32>
  %joined = tensor.collapse_shape %square [[0, 1]] : tensor<2x2xf32> into tensor<4xf32>
  %column = tensor.expand_shape %joined [[0, 1]] output_shape [4, 1] : tensor<4xf32> into tensor<4x1xf32>
  %w = tensor.cast %column : tensor<4x1xf32> to tensor<?x1xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x4xf32>, tensor<?x1xf32>) outs(%zero : tensor<?x1xf32>) -> tensor<?x1xf32>
  return %y, %flat : tensor<?x1xf32>, tensor<4xf16>
}

{-# dialect_resources: { builtin: { flat: "0x020000000047004400C40040" } } #-}

// -----

// torch-mlir's broadcast from a dimension of size 1, by index 0.
// CHECK-LABEL: func @from_a_unit
//       CHECK:   linalg.contract {{.*}} ins(%{{.*}}, %{{.*}} : tensor<2x32x2xi8>, tensor<2x3xi8>)
func.func @from_a_unit(%x: tensor<2x32x2xf32>) -> tensor<2x32x3xf32> {
  %w = arith.constant dense<[[[7.0, 4.0, 3.0], [-7.0, 0.0, 1.0]]]> : tensor<1x2x3xf32>
  %eb = tensor.empty() : tensor<2x2x3xf32>
  %b = linalg.generic {indexing_maps = [affine_map<(b, i, j) -> (0, i, j)>, affine_map<(b, i, j) -> (b, i, j)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%w : tensor<1x2x3xf32>) outs(%eb : tensor<2x2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x2x3xf32>
  %zero = arith.constant dense<0.0> : tensor<2x32x3xf32>
  %y = linalg.batch_matmul ins(%x, %b : tensor<2x32x2xf32>, tensor<2x2x3xf32>) outs(%zero : tensor<2x32x3xf32>) -> tensor<2x32x3xf32>
  return %y : tensor<2x32x3xf32>
}

// -----

// A splat, and a weight of zeros: scale 1, code 0.
// CHECK-LABEL: func @splats
//   CHECK-DAG:   arith.constant dense<7> : tensor<3x2xi8>
//   CHECK-DAG:   arith.constant dense<0> : tensor<4x3xi8>
//   CHECK-DAG:   arith.constant dense<1.000000e+00> : tensor<4xf32>
//       CHECK:   linalg.contract {{.*}} tensor<3x2xi8>
//       CHECK:   linalg.contract {{.*}} tensor<4x3xi8>
func.func @splats(%x: tensor<32x2xf32>, %zero: tensor<32x3xf32>, %zero2: tensor<32x4xf32>) -> tensor<32x4xf32> {
  %w = arith.constant dense<3.0> : tensor<3x2xf32>
  %nothing = arith.constant dense<0.0> : tensor<4x3xf32>
  %e = tensor.empty() : tensor<2x3xf32>
  %t = linalg.transpose ins(%w : tensor<3x2xf32>) outs(%e : tensor<2x3xf32>) permutation = [1, 0]
  %e2 = tensor.empty() : tensor<3x4xf32>
  %t2 = linalg.transpose ins(%nothing : tensor<4x3xf32>) outs(%e2 : tensor<3x4xf32>) permutation = [1, 0]
  %h = linalg.matmul ins(%x, %t : tensor<32x2xf32>, tensor<2x3xf32>) outs(%zero : tensor<32x3xf32>) -> tensor<32x3xf32>
  %y = linalg.matmul ins(%h, %t2 : tensor<32x3xf32>, tensor<3x4xf32>) outs(%zero2 : tensor<32x4xf32>) -> tensor<32x4xf32>
  return %y : tensor<32x4xf32>
}

// -----

// W·X: features are rows, and the transform acts along the last dimension.
// CHECK-LABEL: func @tokens_in_columns
//   CHECK-DAG:   %[[WQ:.*]] = arith.constant dense<{{.*}}> : tensor<3x2xi8>
//       CHECK:   stamp.transform #stamp.dct along 1
//       CHECK:   %[[Q:.*]], %{{.*}}, %{{.*}} = stamp.quantize {{.*}} along 1 over 0
//       CHECK:   linalg.matmul ins(%[[WQ]], %[[Q]] : tensor<3x2xi8>, tensor<2x32xi8>)
//       CHECK:   stamp.rescale along 1 over 0
//       CHECK:   stamp.inverse_transform #stamp.dct along 1
func.func @tokens_in_columns(%x: tensor<2x32xf32>) -> tensor<3x32xf32> {
  %w = arith.constant dense<[[7.0, 4.0], [-7.0, 0.0], [14.0, -8.0]]> : tensor<3x2xf32>
  %zero = arith.constant dense<0.0> : tensor<3x32xf32>
  %y = linalg.matmul ins(%w, %x : tensor<3x2xf32>, tensor<2x32xf32>) outs(%zero : tensor<3x32xf32>) -> tensor<3x32xf32>
  return %y : tensor<3x32xf32>
}

// -----

// A generic stays one. Rows and columns come to rescale in its own order.
// CHECK-DAG:   #[[SWAP:.*]] = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-LABEL: func @generic
//       CHECK:   %{{.*}}, %[[S:.*]], %{{.*}} = stamp.quantize {{.*}} along 1 over 2
//       CHECK:   linalg.generic
//  CHECK-SAME:     ins(%{{.*}}, %{{.*}} : tensor<2x32x8xi8>, tensor<2x4x8xi8>) outs(%{{.*}} : tensor<4x32x2xi32>)
//       CHECK:     arith.extsi
//       CHECK:     arith.extsi
//       CHECK:     arith.muli
//       CHECK:     arith.addi
//       CHECK:   %[[ROWS:.*]] = linalg.generic {indexing_maps = [#[[SWAP]], {{.*}} ins(%[[S]] : tensor<2x32xf32>) outs(%{{.*}} : tensor<32x2xf32>)
//       CHECK:   stamp.rescale along 1 over 0 ins(%{{.*}}, %[[ROWS]], {{.*}} : tensor<4x32x2xi32>, tensor<32x2xf32>, tensor<32x2xi32>, tensor<4x2xf32>, tensor<4x2xi32>)
//       CHECK:   stamp.inverse_transform #stamp.dct along 1
func.func @generic(%x: tensor<2x32x8xf16>, %zero: tensor<4x32x2xf32>) -> tensor<4x32x2xf32> {
  %w = arith.constant dense<0.5> : tensor<2x4x8xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(b, s, n, k) -> (b, s, k)>, affine_map<(b, s, n, k) -> (b, n, k)>, affine_map<(b, s, n, k) -> (n, s, b)>],
                       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x32x8xf16>, tensor<2x4x8xf32>) outs(%zero : tensor<4x32x2xf32>) {
  ^bb0(%a: f16, %b: f32, %c: f32):
    %wide = arith.extf %a : f16 to f32
    %p = arith.mulf %b, %wide : f32
    %s = arith.addf %p, %c : f32
    linalg.yield %s : f32
  } -> tensor<4x32x2xf32>
  return %y : tensor<4x32x2xf32>
}

// -----

// One weight for each of a batch, and many sequences for each of them.
// CHECK-LABEL: func @batch_and_leading
//       CHECK:   linalg.contract {{.*}} ins(%{{.*}}, %{{.*}} : tensor<2x3x32x8xi8>, tensor<2x8x4xi8>)
//       CHECK:   stamp.rescale along 2 over 3 ins({{.*}} : tensor<2x3x32x4xi32>, tensor<2x3x32xf32>, tensor<2x3x32xi32>, tensor<2x3x4xf32>, tensor<2x3x4xi32>)
func.func @batch_and_leading(%x: tensor<2x3x32x8xf32>, %zero: tensor<2x3x32x4xf32>) -> tensor<2x3x32x4xf32> {
  %w = arith.constant dense<0.5> : tensor<2x8x4xf32>
  %y = linalg.contract
      indexing_maps = [affine_map<(b, l, m, n, k) -> (b, l, m, k)>, affine_map<(b, l, m, n, k) -> (b, k, n)>, affine_map<(b, l, m, n, k) -> (b, l, m, n)>]
      ins(%x, %w : tensor<2x3x32x8xf32>, tensor<2x8x4xf32>) outs(%zero : tensor<2x3x32x4xf32>) -> tensor<2x3x32x4xf32>
  return %y : tensor<2x3x32x4xf32>
}

// -----

// Pixels are tokens, of each image.
// CHECK-LABEL: func @pixels
//       CHECK:   %[[X:.*]] = tensor.collapse_shape %{{.*}} {{\[}}[0], [1], [2, 3]] : tensor<2x3x4x8xf32> into tensor<2x3x32xf32>
//       CHECK:   stamp.transform #stamp.dct along 2 ins(%[[X]]
//       CHECK:   stamp.quantize {{.*}} along 2 over 1
//       CHECK:   linalg.contract {{.*}} ins(%{{.*}}, %{{.*}} : tensor<2x3x32xi8>, tensor<5x3xi8>)
//       CHECK:   stamp.rescale along 2 over 1
//       CHECK:   %[[Y:.*]] = tensor.expand_shape %{{.*}} {{\[}}[0], [1], [2, 3]] output_shape [2, 5, 4, 8]
//       CHECK:   return %[[Y]]
func.func @pixels(%x: tensor<2x3x4x8xf32>) -> tensor<2x5x4x8xf32> {
  %w = arith.constant dense<1.0> : tensor<5x3x1x1xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5x4x8xf32>
  %y = linalg.conv_2d_nchw_fchw ins(%x, %w : tensor<2x3x4x8xf32>, tensor<5x3x1x1xf32>) outs(%zero : tensor<2x5x4x8xf32>) -> tensor<2x5x4x8xf32>
  return %y : tensor<2x5x4x8xf32>
}
