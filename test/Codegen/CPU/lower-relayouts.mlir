// RUN: stamp-opt %s --stamp-lower-relayouts --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func @pack
//       CHECK:   tensor.pad %arg0 low[0, 0] high[1, 1]
//       CHECK:   tensor.expand_shape {{.*}} output_shape [2, 4, 2, 4]
//       CHECK:   linalg.transpose {{.*}} permutation = [0, 2, 1, 3]
//   CHECK-NOT:   linalg.pack
func.func @pack(%x: tensor<7x7xf32>, %e: tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32> {
  %c0 = arith.constant 0.0 : f32
  %p = linalg.pack %x padding_value(%c0 : f32) inner_dims_pos = [0, 1] inner_tiles = [4, 4] into %e : tensor<7x7xf32> -> tensor<2x2x4x4xf32>
  return %p : tensor<2x2x4x4xf32>
}

// CHECK-LABEL: func @unpack
//       CHECK:   linalg.transpose {{.*}} permutation = [0, 2, 1, 3]
//       CHECK:   tensor.collapse_shape
//       CHECK:   tensor.extract_slice {{.*}}[0, 0] [7, 7] [1, 1]
//   CHECK-NOT:   linalg.unpack
func.func @unpack(%x: tensor<2x2x4x4xf32>, %e: tensor<7x7xf32>) -> tensor<7x7xf32> {
  %u = linalg.unpack %x inner_dims_pos = [0, 1] inner_tiles = [4, 4] into %e : tensor<2x2x4x4xf32> -> tensor<7x7xf32>
  return %u : tensor<7x7xf32>
}

// -----

func.func @tiles_of_run_time(%x: tensor<8x8xf32>, %n: index, %e: tensor<?x8x?xf32>) -> tensor<?x8x?xf32> {
  // expected-error @+1 {{is lowered with tiles of static sizes only}}
  %p = linalg.pack %x inner_dims_pos = [0] inner_tiles = [%n] into %e : tensor<8x8xf32> -> tensor<?x8x?xf32>
  return %p : tensor<?x8x?xf32>
}
