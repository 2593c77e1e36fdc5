// RUN: stamp-opt %s --stamp-fold --cse --split-input-file --remarks-filter="stamp.*" --remark-format=emitRemark 2>%t | FileCheck %s

// What is folded stays as it is:
// RUN: stamp-opt %s --stamp-fold -o %t.once
// RUN: stamp-opt %t.once --stamp-fold | diff %t.once -
// and every function computes what it did:
// RUN: stamp-validate %s | FileCheck %s --check-prefix=VALID
// VALID: 3 agree, 0 differ, 0 not run

// A linear bottleneck: between two 1x1 convolutions stand a normalization that
// is folded to a scale and a bias, and a residual, over the grid of pixels.
// CHECK-LABEL: func @bottleneck
//       CHECK:   %[[NORMAL:.*]] = linalg.generic {{.*}} ins(%arg0, %{{.*}}, %arg3
//       CHECK:   %[[TOKENS:.*]] = tensor.collapse_shape %arg1
//       CHECK:   %[[T:.*]] = stamp.transform {{.*}} ins(%[[TOKENS]]
//       CHECK:   %[[SUM:.*]] = linalg.generic {{.*}} ins(%[[NORMAL]], %[[T]]
//       CHECK:   return %[[SUM]]
func.func @bottleneck(%a: tensor<1x8x3xf32>, %x: tensor<1x2x4x3xf32>, %scale: tensor<1x1x1x3xf32>, %bias: tensor<3xf32>, %e: tensor<1x8x3xf32>) -> tensor<1x8x3xf32> {
  %i = stamp.inverse_transform #stamp.haar2d<levels = 1, grid = 2x4> along 1 ins(%a : tensor<1x8x3xf32>) outs(%e : tensor<1x8x3xf32>)
  %image = tensor.expand_shape %i [[0], [1, 2], [3]] output_shape [1, 2, 4, 3] : tensor<1x8x3xf32> into tensor<1x2x4x3xf32>
  %init = tensor.empty() : tensor<1x2x4x3xf32>
  %normal = linalg.generic {indexing_maps = [affine_map<(n, h, w, c) -> (n, h, w, c)>, affine_map<(n, h, w, c) -> (n, 0, 0, c)>, affine_map<(n, h, w, c) -> (c)>, affine_map<(n, h, w, c) -> (n, h, w, c)>],
                            iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%image, %scale, %bias : tensor<1x2x4x3xf32>, tensor<1x1x1x3xf32>, tensor<3xf32>) outs(%init : tensor<1x2x4x3xf32>) {
  ^bb0(%in: f32, %s: f32, %b: f32, %out: f32):
    %p = arith.mulf %in, %s : f32
    %r = arith.addf %p, %b : f32
    linalg.yield %r : f32
  } -> tensor<1x2x4x3xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(n, h, w, c) -> (n, h, w, c)>, affine_map<(n, h, w, c) -> (0, h, w, c)>, affine_map<(n, h, w, c) -> (n, h, w, c)>],
                         iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%normal, %x : tensor<1x2x4x3xf32>, tensor<1x2x4x3xf32>) outs(%init : tensor<1x2x4x3xf32>) {
  ^bb0(%in: f32, %other: f32, %out: f32):
    %r = arith.addf %in, %other : f32
    linalg.yield %r : f32
  } -> tensor<1x2x4x3xf32>
  %tokens = tensor.collapse_shape %sum [[0], [1, 2], [3]] : tensor<1x2x4x3xf32> into tensor<1x8x3xf32>
  %t = stamp.transform #stamp.haar2d<levels = 1, grid = 2x4> along 1 ins(%tokens : tensor<1x8x3xf32>) outs(%e : tensor<1x8x3xf32>)
  return %t : tensor<1x8x3xf32>
}

// -----

// An activation function needs pixels, and keeps its grid.
// CHECK-LABEL: func @activation
//       CHECK:   stamp.inverse_transform
//       CHECK:   tensor.expand_shape
//       CHECK:   linalg.exp
//       CHECK:   tensor.collapse_shape
//       CHECK:   stamp.transform
func.func @activation(%a: tensor<8x3xf32>, %e: tensor<8x3xf32>, %init: tensor<2x4x3xf32>) -> tensor<8x3xf32> {
  %i = stamp.inverse_transform #stamp.haar2d<levels = 1, grid = 2x4> along 0 ins(%a : tensor<8x3xf32>) outs(%e : tensor<8x3xf32>)
  %image = tensor.expand_shape %i [[0, 1], [2]] output_shape [2, 4, 3] : tensor<8x3xf32> into tensor<2x4x3xf32>
  %y = linalg.exp ins(%image : tensor<2x4x3xf32>) outs(%init : tensor<2x4x3xf32>) -> tensor<2x4x3xf32>
  %tokens = tensor.collapse_shape %y [[0, 1], [2]] : tensor<2x4x3xf32> into tensor<8x3xf32>
  %t = stamp.transform #stamp.haar2d<levels = 1, grid = 2x4> along 0 ins(%tokens : tensor<8x3xf32>) outs(%e : tensor<8x3xf32>)
  return %t : tensor<8x3xf32>
}

// -----

// Every column of pixels has a factor of its own.
// CHECK-LABEL: func @columns_of_the_grid
//       CHECK:   stamp.inverse_transform
//       CHECK:   tensor.expand_shape
//       CHECK:   linalg.generic
//       CHECK:   stamp.transform
func.func @columns_of_the_grid(%a: tensor<8x3xf32>, %factors: tensor<4xf32>, %e: tensor<8x3xf32>, %init: tensor<2x4x3xf32>) -> tensor<8x3xf32> {
  %i = stamp.inverse_transform #stamp.haar2d<levels = 1, grid = 2x4> along 0 ins(%a : tensor<8x3xf32>) outs(%e : tensor<8x3xf32>)
  %image = tensor.expand_shape %i [[0, 1], [2]] output_shape [2, 4, 3] : tensor<8x3xf32> into tensor<2x4x3xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(h, w, c) -> (h, w, c)>, affine_map<(h, w, c) -> (w)>, affine_map<(h, w, c) -> (h, w, c)>],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%image, %factors : tensor<2x4x3xf32>, tensor<4xf32>) outs(%init : tensor<2x4x3xf32>) {
  ^bb0(%in: f32, %s: f32, %out: f32):
    %p = arith.mulf %in, %s : f32
    linalg.yield %p : f32
  } -> tensor<2x4x3xf32>
  %tokens = tensor.collapse_shape %y [[0, 1], [2]] : tensor<2x4x3xf32> into tensor<8x3xf32>
  %t = stamp.transform #stamp.haar2d<levels = 1, grid = 2x4> along 0 ins(%tokens : tensor<8x3xf32>) outs(%e : tensor<8x3xf32>)
  return %t : tensor<8x3xf32>
}
