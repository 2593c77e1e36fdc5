// RUN: stamp-opt %s --split-input-file --stamp-select="schedule=#stamp.schedule<[],8> weight-bits=8" --stamp-quantize -o %t --remarks-filter="stamp-select" --remark-format=emitRemark 2>%t.remarks
// RUN: FileCheck %s --input-file=%t
// RUN: FileCheck %s --check-prefix=REMARK --implicit-check-not=Missed --input-file=%t.remarks

// Weights that are parts of constants, or are put together from some, are read as
// they are quantized: no float of them is left, and none is held twice.

// CHECK-LABEL: func @slices
//   CHECK-DAG:   arith.constant dense<{{\[}}[127, -64], [85, 127], [42, 32]]> : tensor<3x2xi8>
//   CHECK-DAG:   arith.constant dense<{{\[}}[-64, 127], [127, -106], [32, 21]]> : tensor<3x2xi8>
//   CHECK-NOT:   tensor.extract_slice
//       CHECK:   return
func.func @slices(%x: tensor<32x3xf32>) -> (tensor<32x2xf32>, tensor<32x2xf32>) {
  %w = arith.constant dense<[[3.0, -1.0, 6.0], [2.0, 2.0, -5.0], [1.0, 0.5, 1.0]]> : tensor<3x3xf32>
  %z = arith.constant dense<0.0> : tensor<32x2xf32>
  %a = tensor.extract_slice %w[0, 0] [3, 2] [1, 1] : tensor<3x3xf32> to tensor<3x2xf32>
  %b = tensor.extract_slice %w[0, 1] [3, 2] [1, 1] : tensor<3x3xf32> to tensor<3x2xf32>
  %0 = linalg.matmul ins(%x, %a : tensor<32x3xf32>, tensor<3x2xf32>) outs(%z : tensor<32x2xf32>) -> tensor<32x2xf32>
  %1 = linalg.matmul ins(%x, %b : tensor<32x3xf32>, tensor<3x2xf32>) outs(%z : tensor<32x2xf32>) -> tensor<32x2xf32>
  return %0, %1 : tensor<32x2xf32>, tensor<32x2xf32>
}

// -----

// A layer of a stack, by a slice without that dimension, every other input of it.
// CHECK-LABEL: func @a_layer
//   CHECK-DAG:   arith.constant dense<{{\[}}[127, 127], [-64, 42]]> : tensor<2x2xi8>
//   CHECK-NOT:   tensor.extract_slice
//   CHECK-NOT:   xf16>
//       CHECK:   return
func.func @a_layer(%x: tensor<32x2xf32>) -> tensor<32x2xf32> {
  %w = arith.constant dense<[[[9.0, 9.0], [9.0, 9.0], [9.0, 9.0]], [[2.0, 3.0], [8.0, 8.0], [-1.0, 1.0]]]> : tensor<2x3x2xf16>
  %z = arith.constant dense<0.0> : tensor<32x2xf32>
  %a = tensor.extract_slice %w[1, 0, 0] [1, 2, 2] [1, 2, 1] : tensor<2x3x2xf16> to tensor<2x2xf16>
  %f = arith.extf %a : tensor<2x2xf16> to tensor<2x2xf32>
  %0 = linalg.matmul ins(%x, %f : tensor<32x2xf32>, tensor<2x2xf32>) outs(%z : tensor<32x2xf32>) -> tensor<32x2xf32>
  return %0 : tensor<32x2xf32>
}

// -----

// CHECK-LABEL: func @padding
//   CHECK-DAG:   arith.constant dense<{{\[}}[64, 64, 127], [127, -127, 127], [64, 64, 127]]> : tensor<3x3xi8>
//   CHECK-NOT:   tensor.pad
//       CHECK:   return
func.func @padding(%x: tensor<32x3xf32>) -> tensor<32x3xf32> {
  %w = arith.constant dense<[[2.0, -2.0]]> : tensor<1x2xf32>
  %one = arith.constant 1.0 : f32
  %z = arith.constant dense<0.0> : tensor<32x3xf32>
  %p = tensor.pad %w low[1, 0] high[1, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %one : f32
  } : tensor<1x2xf32> to tensor<3x3xf32>
  %0 = linalg.matmul ins(%x, %p : tensor<32x3xf32>, tensor<3x3xf32>) outs(%z : tensor<32x3xf32>) -> tensor<32x3xf32>
  return %0 : tensor<32x3xf32>
}

// -----

// CHECK-LABEL: func @concatenated
//   CHECK-DAG:   arith.constant dense<{{\[}}[127, 127, 42], [-64, 32, 127]]> : tensor<2x3xi8>
//   CHECK-NOT:   tensor.concat
//       CHECK:   return
func.func @concatenated(%x: tensor<32x2xf32>) -> tensor<32x3xf32> {
  %a = arith.constant dense<[[2.0], [-1.0]]> : tensor<2x1xf32>
  %b = arith.constant dense<[[4.0, 1.0], [1.0, 3.0]]> : tensor<2x2xf32>
  %z = arith.constant dense<0.0> : tensor<32x3xf32>
  %e = tensor.empty() : tensor<2x2xf32>
  %t = linalg.transpose ins(%b : tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) permutation = [1, 0]
  %c = tensor.concat dim(1) %a, %t : (tensor<2x1xf32>, tensor<2x2xf32>) -> tensor<2x3xf32>
  %0 = linalg.matmul ins(%x, %c : tensor<32x2xf32>, tensor<2x3xf32>) outs(%z : tensor<32x3xf32>) -> tensor<32x3xf32>
  return %0 : tensor<32x3xf32>
}

// -----

// A slice of what codes mean is one of the codes.
// CHECK-LABEL: func @codes
//   CHECK-DAG:   arith.constant dense<{{\[}}[2, 4], [6, 8]]> : tensor<2x2xi8>
//   CHECK-DAG:   arith.constant dense<[2.000000e+00, 4.000000e+00]> : tensor<2xf32>
//   CHECK-NOT:   tensor.extract_slice
//       CHECK:   return
func.func @codes(%x: tensor<32x2xf32>) -> tensor<32x2xf32> {
  %q = arith.constant dense<[[1, 2, 3, 4], [5, 6, 7, 8]]> : tensor<2x4xi8>
  %s = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %z = arith.constant dense<0.0> : tensor<32x2xf32>
  %e = tensor.empty() : tensor<2x4xf32>
  %w = linalg.generic {indexing_maps = [affine_map<(k, n) -> (k, n)>, affine_map<(k, n) -> (n)>, affine_map<(k, n) -> (k, n)>], iterator_types = ["parallel", "parallel"]}
      ins(%q, %s : tensor<2x4xi8>, tensor<4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%code: i8, %scale: f32, %out: f32):
    %f = arith.sitofp %code : i8 to f32
    %p = arith.mulf %f, %scale : f32
    linalg.yield %p : f32
  } -> tensor<2x4xf32>
  %a = tensor.extract_slice %w[0, 1] [2, 2] [1, 2] : tensor<2x4xf32> to tensor<2x2xf32>
  %0 = linalg.matmul ins(%x, %a : tensor<32x2xf32>, tensor<2x2xf32>) outs(%z : tensor<32x2xf32>) -> tensor<32x2xf32>
  return %0 : tensor<32x2xf32>
}

// -----

// Marked arguments are cut in the prepacking function.
// CHECK-LABEL: func @an_argument(
//  CHECK-SAME:   tensor<3x2xi8>, %{{.*}}: tensor<2xf32>, %{{.*}}: tensor<2xi32>)
// CHECK-LABEL: func @prepack_an_argument
//       CHECK:   tensor.extract_slice
//       CHECK:   stamp.quantize_weight
func.func @an_argument(%x: tensor<32x3xf32>, %w: tensor<3x6xf32> {stamp.weight}) -> tensor<32x2xf32> {
  %z = arith.constant dense<0.0> : tensor<32x2xf32>
  %a = tensor.extract_slice %w[0, 2] [3, 2] [1, 1] : tensor<3x6xf32> to tensor<3x2xf32>
  %0 = linalg.matmul ins(%x, %a : tensor<32x3xf32>, tensor<3x2xf32>) outs(%z : tensor<32x2xf32>) -> tensor<32x2xf32>
  return %0 : tensor<32x2xf32>
}

// -----

// One of several, as run time decides: of all of them there are codes.
// CHECK-LABEL: func @an_expert
//   CHECK-DAG:   %[[CODES:.*]] = arith.constant dense<{{\[}}{{\[}}[127, 127], [-64, 42]], {{\[}}[32, 127], [127, 32]]]> : tensor<2x2x2xi8>
//   CHECK-DAG:   %[[SCALES:.*]] = arith.constant {{.*}} : tensor<2x2xf32>
//   CHECK-DAG:   %[[SUMS:.*]] = arith.constant dense<{{\[}}[63, 169], [159, 159]]> : tensor<2x2xi32>
//       CHECK:   tensor.extract_slice %[[CODES]][%{{.*}}, 0, 0] [1, 2, 2] [1, 1, 1] : tensor<2x2x2xi8> to tensor<2x2xi8>
//       CHECK:   tensor.extract_slice %[[SCALES]][%{{.*}}, 0] [1, 2] [1, 1] : tensor<2x2xf32> to tensor<2xf32>
//       CHECK:   tensor.extract_slice %[[SUMS]][%{{.*}}, 0] [1, 2] [1, 1] : tensor<2x2xi32> to tensor<2xi32>
func.func @an_expert(%x: tensor<32x2xf32>, %n: index) -> tensor<32x2xf32> {
  %w = arith.constant dense<[[[2.0, 3.0], [-1.0, 1.0]], [[1.0, 4.0], [4.0, 1.0]]]> : tensor<2x2x2xf16>
  %z = arith.constant dense<0.0> : tensor<32x2xf32>
  %a = tensor.extract_slice %w[%n, 0, 0] [1, 2, 2] [1, 1, 1] : tensor<2x2x2xf16> to tensor<1x2x2xf16>
  %c = tensor.collapse_shape %a [[0, 1], [2]] : tensor<1x2x2xf16> into tensor<2x2xf16>
  %f = arith.extf %c : tensor<2x2xf16> to tensor<2x2xf32>
  %0 = linalg.matmul ins(%x, %f : tensor<32x2xf32>, tensor<2x2xf32>) outs(%z : tensor<32x2xf32>) -> tensor<32x2xf32>
  return %0 : tensor<32x2xf32>
}

// -----

// CHECK-LABEL: func @an_argument_s_layer(
//  CHECK-SAME:   tensor<4x3x2xi8>, %{{.*}}: tensor<4x2xf32>, %{{.*}}: tensor<4x2xi32>)
//       CHECK:   tensor.extract_slice
// CHECK-LABEL: func @prepack_an_argument_s_layer
//   CHECK-NOT:   tensor.extract_slice
//       CHECK:   stamp.quantize_weight
func.func @an_argument_s_layer(%x: tensor<32x3xf32>, %n: index, %w: tensor<4x3x2xf32> {stamp.weight}) -> tensor<32x2xf32> {
  %z = arith.constant dense<0.0> : tensor<32x2xf32>
  %a = tensor.extract_slice %w[%n, 0, 0] [1, 3, 2] [1, 1, 1] : tensor<4x3x2xf32> to tensor<3x2xf32>
  %0 = linalg.matmul ins(%x, %a : tensor<32x3xf32>, tensor<3x2xf32>) outs(%z : tensor<32x2xf32>) -> tensor<32x2xf32>
  return %0 : tensor<32x2xf32>
}

// -----

// CHECK-LABEL: func @an_expert_in_another_shape
//       CHECK:   linalg.contract
func.func @an_expert_in_another_shape(%x: tensor<32x2x3xf32>, %n: index) -> tensor<32x2xf32> {
  %w = arith.constant dense<1.0> : tensor<4x2x3x2xf32>
  %z = arith.constant dense<0.0> : tensor<32x2xf32>
  %a = tensor.extract_slice %w[%n, 0, 0, 0] [1, 2, 3, 2] [1, 1, 1, 1] : tensor<4x2x3x2xf32> to tensor<2x3x2xf32>
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] Select | Category:stamp-select | Reason="run time picks its weight among several, which it reads in another shape; reshape all of them before"
  %0 = linalg.contract indexing_maps = [affine_map<(m, n, h, k) -> (m, h, k)>, affine_map<(m, n, h, k) -> (h, k, n)>, affine_map<(m, n, h, k) -> (m, n)>]
      ins(%x, %a : tensor<32x2x3xf32>, tensor<2x3x2xf32>) outs(%z : tensor<32x2xf32>) -> tensor<32x2xf32>
  return %0 : tensor<32x2xf32>
}

// -----

// Of a part that may be any there are none.
// CHECK-LABEL: func @at_run_time
//       CHECK:   linalg.matmul
func.func @at_run_time(%x: tensor<32x3xf32>, %n: index) -> tensor<32x2xf32> {
  %w = arith.constant dense<1.0> : tensor<3x6xf32>
  %z = arith.constant dense<0.0> : tensor<32x2xf32>
  %a = tensor.extract_slice %w[0, %n] [3, 2] [1, 1] : tensor<3x6xf32> to tensor<3x2xf32>
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] Select | Category:stamp-select | Reason="its weight is not a constant; with a stamp.plan of its own it is quantized at run time"
  %0 = linalg.matmul ins(%x, %a : tensor<32x3xf32>, tensor<3x2xf32>) outs(%z : tensor<32x2xf32>) -> tensor<32x2xf32>
  return %0 : tensor<32x2xf32>
}
