// RUN: stamp-opt %s --stamp-to-linalg --canonicalize --cse | FileCheck %s --implicit-check-not="= stamp." --implicit-check-not=fastmath
// What comes out needs no more of us: stock tools read it.
// RUN: stamp-opt %s --stamp-to-linalg | mlir-opt | FileCheck %s --check-prefix=STOCK

// STOCK: func @power_of_two

//===----------------------------------------------------------------------===//
// Hadamard
//===----------------------------------------------------------------------===//

// Two butterflies and the one multiplication: no product.
// CHECK-LABEL: func @power_of_two
//   CHECK-DAG:   %[[SIGNS:.*]] = arith.constant dense<[1.000000e+00, -1.000000e+00]> : tensor<2xf32>
//   CHECK-DAG:   %[[HALF:.*]] = arith.constant 5.000000e-01 : f32
//       CHECK:   %[[V:.*]] = tensor.expand_shape %{{.*}} {{\[}}[0], [1, 2, 3]] output_shape [%{{.*}}, 2, 2, 1]
//       CHECK:   %[[U:.*]] = tensor.extract_slice %[[V]][0, 0, 0, 0] [%{{.*}}, 2, 1, 1]
//       CHECK:   %[[W:.*]] = tensor.extract_slice %[[V]][0, 0, 1, 0] [%{{.*}}, 2, 1, 1]
//       CHECK:   linalg.generic {{.*}} ins(%[[U]], %[[W]], %[[SIGNS]]
//       CHECK:   tensor.collapse_shape
//       CHECK:   tensor.expand_shape %{{.*}} {{\[}}[0], [1, 2, 3]] output_shape [%{{.*}}, 1, 2, 2]
//       CHECK:   linalg.generic
//       CHECK:   linalg.generic
//       CHECK:     arith.mulf %{{.*}}, %[[HALF]] : f32
//   CHECK-NOT:   reduction
//       CHECK:   return
func.func @power_of_two(%x: tensor<?x4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %t = stamp.feature_transform #stamp.hadamard over 1 ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  return %t : tensor<?x4xf32>
}

// X·R reads the rows of M as they lie, and so does R⁻¹·W; X·R⁻¹ reads the
// transpose.
// CHECK-LABEL: func @dense_part
//   CHECK-DAG:   %[[M:.*]] = arith.constant dense<{{\[}}[0.577350259, 0.577350259, 0.577350259], [0.707106769
//   CHECK-DAG:   %[[MT:.*]] = arith.constant dense<{{\[}}[0.577350259, 0.707106769
//       CHECK:   linalg.generic {{.*}}"reduction"]} ins(%[[M]], %{{.*}} : tensor<3x3xf32>, tensor<5x1x3xf32>)
//       CHECK:   linalg.generic {{.*}}"reduction"]} ins(%[[M]], %{{.*}} : tensor<3x3xf32>, tensor<1x3x5xf32>)
//       CHECK:   linalg.generic {{.*}}"reduction"]} ins(%[[MT]], %{{.*}} : tensor<3x3xf32>, tensor<5x1x3xf32>)
func.func @dense_part(%x: tensor<5x3xf32>, %w: tensor<3x5xf32>) -> (tensor<5x3xf32>, tensor<3x5xf32>, tensor<5x3xf32>) {
  %0 = stamp.feature_transform #stamp.hadamard<order = 3> over 1 ins(%x : tensor<5x3xf32>) outs(%x : tensor<5x3xf32>)
  %1 = stamp.inverse_feature_transform #stamp.hadamard<order = 3> left over 0 ins(%w : tensor<3x5xf32>) outs(%w : tensor<3x5xf32>)
  %2 = stamp.inverse_feature_transform #stamp.hadamard<order = 3> over 1 ins(%x : tensor<5x3xf32>) outs(%x : tensor<5x3xf32>)
  return %0, %1, %2 : tensor<5x3xf32>, tensor<3x5xf32>, tensor<5x3xf32>
}

// Whether they are 3·2^k features, run time finds out.
// CHECK-LABEL: func @as_many_features_as_there_are
//       CHECK:   math.ctpop
//       CHECK:   scf.if
//       CHECK:     scf.for
//       CHECK:       tensor.extract
//       CHECK:     tensor.expand_shape %{{.*}} : tensor<?x?xf32> into tensor<?x?x3xf32>
//       CHECK:     linalg.generic {{.*}}"reduction"]}
//       CHECK:   else
func.func @as_many_features_as_there_are(%x: tensor<?x?xf32>, %e: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %t = stamp.feature_transform #stamp.hadamard<order = 3> over 1 ins(%x : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>)
  return %t : tensor<?x?xf32>
}

// CHECK-LABEL: func @one_feature
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<?x1xf32>
//       CHECK:   return %[[X]]
func.func @one_feature(%x: tensor<?x1xf32>, %e: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %t = stamp.feature_transform #stamp.hadamard over 1 ins(%x : tensor<?x1xf32>) outs(%e : tensor<?x1xf32>)
  return %t : tensor<?x1xf32>
}

//===----------------------------------------------------------------------===//
// Scale, types
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @scale
//       CHECK:   arith.extf %{{.*}} : f16 to f32
//       CHECK:   arith.mulf %{{.*}}, %{{.*}} : f32
//       CHECK:   arith.truncf %{{.*}} : f32 to f16
//       CHECK:   arith.divf %{{.*}}, %{{.*}} : f32
func.func @scale(%x: tensor<2xf16>, %w: tensor<2x3xf32>) -> (tensor<2xf16>, tensor<2x3xf32>) {
  %0 = stamp.feature_transform #stamp.scale<dense<[2.0, 3.0]> : tensor<2xf32>> over 0 ins(%x : tensor<2xf16>) outs(%x : tensor<2xf16>)
  %1 = stamp.inverse_feature_transform #stamp.scale<dense<[2.0, 3.0]> : tensor<2xf32>> left over 0 ins(%w : tensor<2x3xf32>) outs(%w : tensor<2x3xf32>)
  return %0, %1 : tensor<2xf16>, tensor<2x3xf32>
}

// The result keeps the init's type, whatever is known about the input's.
// CHECK-LABEL: func @static_input_dynamic_init
//       CHECK:   %[[Y:.*]] = tensor.cast %{{.*}} : tensor<8x4xf32> to tensor<?x4xf32>
//       CHECK:   return %[[Y]]
func.func @static_input_dynamic_init(%x: tensor<8x4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %t = stamp.feature_transform #stamp.hadamard over 1 ins(%x : tensor<8x4xf32>) outs(%e : tensor<?x4xf32>)
  return %t : tensor<?x4xf32>
}
