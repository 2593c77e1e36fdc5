// RUN: stamp-opt %s --stamp-select="basis=#stamp.dct schedule=#stamp.schedule<[],8>" --stamp-quantize --canonicalize | FileCheck %s
// Lowered quant ops are generics as others:
// RUN: stamp-opt %s --lower-quant-ops --stamp-select="basis=#stamp.dct schedule=#stamp.schedule<[],8>" --stamp-quantize --canonicalize | FileCheck %s
// The floats that the codes stand for give the same results, but for the rounding
// of activations:
// RUN: stamp-opt %s --lower-quant-ops -o %t.before.mlir
// RUN: stamp-opt %s --stamp-select="basis=#stamp.dct schedule=#stamp.schedule<[],8>" --stamp-quantize -o %t.after.mlir
// RUN: stamp-validate %t.before.mlir %t.after.mlir --quantized-tolerance=0.02 | FileCheck %s --check-prefix=VALID
// VALID: {{^[0-9]+}} agree, 0 differ, 0 not run

#each = affine_map<(i, j) -> (i, j)>
#column = affine_map<(i, j) -> (j)>
#all = affine_map<(i, j) -> ()>
#each3 = affine_map<(i, j, k) -> (i, j, k)>
#group = affine_map<(i, j, k) -> (i, k)>

// A scale per channel, in a body. The codes are those of the program.
// CHECK-LABEL: func @per_channel
//   CHECK-DAG:   %[[WQ:.*]] = arith.constant dense<{{\[}}[1, -128, 3], [127, 5, -6]]> : tensor<2x3xi8>
//   CHECK-DAG:   %[[WS:.*]] = arith.constant dense<[5.000000e-01, 2.500000e-01, 1.000000e+00]> : tensor<3xf32>
//   CHECK-DAG:   %[[WC:.*]] = arith.constant dense<[128, -123, -3]> : tensor<3xi32>
//   CHECK-NOT:   tensor<2x3xf32>
//       CHECK:   %[[ACC:.*]] = linalg.matmul ins(%{{.*}}, %[[WQ]] : tensor<?x2xi8>, tensor<2x3xi8>)
//       CHECK:   stamp.rescale along 0 over 1 ins(%[[ACC]], %{{.*}}, %{{.*}}, %[[WS]], %[[WC]] :
func.func @per_channel(%x: tensor<?x2xf32>, %zero: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %q = arith.constant dense<[[1, -128, 3], [127, 5, -6]]> : tensor<2x3xi8>
  %s = arith.constant dense<[0.5, 0.25, 1.0]> : tensor<3xf32>
  %e = tensor.empty() : tensor<2x3xf32>
  %w = linalg.generic {indexing_maps = [#each, #column, #each], iterator_types = ["parallel", "parallel"]}
      ins(%q, %s : tensor<2x3xi8>, tensor<3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%a: i8, %b: f32, %o: f32):
    %f = arith.sitofp %a : i8 to f32
    %p = arith.mulf %f, %b : f32
    linalg.yield %p : f32
  } -> tensor<2x3xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x3xf32>) outs(%zero : tensor<?x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// Unsigned codes with a zero point of floats, both scalars; the weight is turned
// and repeated for a batch behind them.
// CHECK-LABEL: func @per_tensor
//   CHECK-DAG:   arith.constant dense<{{\[}}[-128, 127, 0], [-1, 1, 72]]> : tensor<2x3xi8>
//   CHECK-DAG:   arith.constant dense<1.250000e-01> : tensor<2xf32>
//   CHECK-DAG:   arith.constant dense<[-1, 72]> : tensor<2xi32>
//       CHECK:   linalg.contract {{.*}} ins(%{{.*}}, %{{.*}} : tensor<2x?x3xi8>, tensor<2x3xi8>)
func.func @per_tensor(%x: tensor<2x?x3xf32>, %zero: tensor<2x?x2xf32>) -> tensor<2x?x2xf32> {
  %q = arith.constant dense<[[0, 255, 128], [127, 129, 200]]> : tensor<2x3xi8>
  %s = arith.constant 0.125 : f32
  %z = arith.constant 128.0 : f32
  %e = tensor.empty() : tensor<2x3xf32>
  %w = linalg.generic {indexing_maps = [#each, #all, #each], iterator_types = ["parallel", "parallel"]}
      ins(%q, %s : tensor<2x3xi8>, f32) outs(%e : tensor<2x3xf32>) {
  ^bb0(%a: i8, %b: f32, %o: f32):
    %f = arith.uitofp %a : i8 to f32
    %d = arith.subf %f, %z : f32
    %p = arith.mulf %b, %d : f32
    linalg.yield %p : f32
  } -> tensor<2x3xf32>
  %et = tensor.empty() : tensor<3x2xf32>
  %t = linalg.transpose ins(%w : tensor<2x3xf32>) outs(%et : tensor<3x2xf32>) permutation = [1, 0]
  %eb = tensor.empty() : tensor<2x3x2xf32>
  %b = linalg.broadcast ins(%t : tensor<3x2xf32>) outs(%eb : tensor<2x3x2xf32>) dimensions = [0]
  %y = linalg.batch_matmul ins(%x, %b : tensor<2x?x3xf32>, tensor<2x3x2xf32>) outs(%zero : tensor<2x?x2xf32>) -> tensor<2x?x2xf32>
  return %y : tensor<2x?x2xf32>
}

// Groups of two inputs, with a zero point each, as in GPTQ and AWQ. They become
// the form that groups of weights have anyway.
// CHECK-LABEL: func @per_group
//   CHECK-DAG:   %[[WQ:.*]] = arith.constant dense<{{\[}}{{\[}}[-7, 3, 0], [7, -4, 1]], {{\[}}[8, 15, -15], [0, 15, 0]]]> : tensor<2x2x3xi8>
//   CHECK-DAG:   %[[WS:.*]] = arith.constant dense<{{\[}}[5.000000e-01, 2.500000e-01, 1.000000e+00], [2.000000e+00, 4.000000e+00, 1.250000e-01]]> : tensor<2x3xf32>
//   CHECK-DAG:   %[[WC:.*]] = arith.constant dense<{{\[}}[0, -1, 1], [8, 30, -15]]> : tensor<2x3xi32>
//       CHECK:   %[[ACC:.*]] = linalg.contract {{.*}} ins(%{{.*}}, %[[WQ]] : tensor<?x2x2xi8>, tensor<2x2x3xi8>)
//       CHECK:   stamp.rescale along 0 over 2 groups along 1 ins(%[[ACC]], %{{.*}}, %{{.*}}, %[[WS]], %[[WC]] :
func.func @per_group(%x: tensor<?x4xf32>, %zero: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %q = arith.constant dense<[[[1, 11, 3], [15, 4, 4]], [[8, 15, 0], [0, -1, 15]]]> : tensor<2x2x3xi4>
  %s = arith.constant dense<[[0.5, 0.25, 1.0], [2.0, 4.0, 0.125]]> : tensor<2x3xf32>
  %z = arith.constant dense<[[8, 8, 3], [0, 0, 15]]> : tensor<2x3xi4>
  %e = tensor.empty() : tensor<2x2x3xf32>
  %d = linalg.generic {indexing_maps = [#each3, #group, #group, #each3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%q, %s, %z : tensor<2x2x3xi4>, tensor<2x3xf32>, tensor<2x3xi4>) outs(%e : tensor<2x2x3xf32>) {
  ^bb0(%a: i4, %b: f32, %c: i4, %o: f32):
    %wide = arith.extui %a : i4 to i32
    %zero_point = arith.extui %c : i4 to i32
    %difference = arith.subi %wide, %zero_point : i32
    %f = arith.sitofp %difference : i32 to f32
    %p = arith.mulf %f, %b : f32
    linalg.yield %p : f32
  } -> tensor<2x2x3xf32>
  %w = tensor.collapse_shape %d [[0, 1], [2]] : tensor<2x2x3xf32> into tensor<4x3xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x3xf32>) outs(%zero : tensor<?x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// Channels first, as GGUF has them, with scales that have a scale; on tensors.
// CHECK-LABEL: func @scaled_scales
//   CHECK-DAG:   %[[WQ:.*]] = arith.constant dense<{{\[}}{{\[}}[1, -2], [3, 4]], {{\[}}[5, 6], [7, -8]]]> : tensor<2x2x2xi8>
//   CHECK-DAG:   %[[WS:.*]] = arith.constant dense<{{\[}}[1.500000e+00, 2.500000e+00], [1.000000e+00, -5.000000e-01]]> : tensor<2x2xf32>
//       CHECK:   linalg.contract {{.*}} ins(%{{.*}}, %[[WQ]] : tensor<?x2x2xi8>, tensor<2x2x2xi8>)
//       CHECK:   stamp.rescale along 0 over 1 groups along 2
func.func @scaled_scales(%x: tensor<?x4xf32>, %zero: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %q = arith.constant dense<[[1, -2, 3, 4], [5, 6, 7, -8]]> : tensor<2x4xi4>
  %inner = arith.constant dense<[[3, 5], [4, -2]]> : tensor<2x2xi8>
  %outer = arith.constant dense<[0.5, 0.25]> : tensor<2xf16>
  %blocks = tensor.expand_shape %q [[0], [1, 2]] output_shape [2, 2, 2] : tensor<2x4xi4> into tensor<2x2x2xi4>
  %f = arith.sitofp %blocks : tensor<2x2x2xi4> to tensor<2x2x2xf32>
  %inner_f = arith.sitofp %inner : tensor<2x2xi8> to tensor<2x2xf32>
  %outer_f = arith.extf %outer : tensor<2xf16> to tensor<2xf32>
  %e2 = tensor.empty() : tensor<2x2xf32>
  %outer_b = linalg.broadcast ins(%outer_f : tensor<2xf32>) outs(%e2 : tensor<2x2xf32>) dimensions = [1]
  %s = linalg.mul ins(%outer_b, %inner_f : tensor<2x2xf32>, tensor<2x2xf32>) outs(%e2 : tensor<2x2xf32>) -> tensor<2x2xf32>
  %e3 = tensor.empty() : tensor<2x2x2xf32>
  %sb = linalg.broadcast ins(%s : tensor<2x2xf32>) outs(%e3 : tensor<2x2x2xf32>) dimensions = [2]
  %d = arith.mulf %sb, %f : tensor<2x2x2xf32>
  %rows = tensor.collapse_shape %d [[0], [1, 2]] : tensor<2x2x2xf32> into tensor<2x4xf32>
  %et = tensor.empty() : tensor<4x2xf32>
  %w = linalg.transpose ins(%rows : tensor<2x4xf32>) outs(%et : tensor<4x2xf32>) permutation = [1, 0]
  %y = linalg.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) outs(%zero : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// What i8 makes of a difference is what the program computes: 100 - (-100) wraps.
// CHECK-LABEL: func @wraps
//   CHECK-DAG:   arith.constant dense<{{\[}}[-56, 1], [50, -1]]> : tensor<2x2xi8>
func.func @wraps(%x: tensor<?x2xf32>, %zero: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %q = arith.constant dense<[[100, 1], [-50, -1]]> : tensor<2x2xi8>
  %z = arith.constant dense<[[-100, 0], [-100, 0]]> : tensor<2x2xi8>
  %s = arith.constant dense<0.5> : tensor<2x2xf32>
  %d = arith.subi %q, %z : tensor<2x2xi8>
  %f = arith.sitofp %d : tensor<2x2xi8> to tensor<2x2xf32>
  %w = arith.mulf %f, %s : tensor<2x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// The filter of a convolution, of one pixel.
// CHECK-LABEL: func @filter
//   CHECK-DAG:   %[[WQ:.*]] = arith.constant dense<{{\[}}[1, -2, 3], [4, 5, -6]]> : tensor<2x3xi8>
//       CHECK:   linalg.contract {{.*}} ins(%{{.*}}, %[[WQ]] : tensor<1x3x32xi8>, tensor<2x3xi8>)
func.func @filter(%x: tensor<1x3x4x8xf32>, %zero: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  %q = arith.constant dense<[[[[1]], [[-2]], [[3]]], [[[4]], [[5]], [[-6]]]]> : tensor<2x3x1x1xi8>
  %w = arith.sitofp %q : tensor<2x3x1x1xi8> to tensor<2x3x1x1xf32>
  %y = linalg.conv_2d_nchw_fchw ins(%x, %w : tensor<1x3x4x8xf32>, tensor<2x3x1x1xf32>) outs(%zero : tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32>
  return %y : tensor<1x2x4x8xf32>
}

// Tokens in columns; codes in a global; the floats stay for their other reader.
// CHECK-LABEL: func @from_a_global
//   CHECK-DAG:   %[[WQ:.*]] = arith.constant dense<{{\[}}[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
//   CHECK-DAG:   %[[W:.*]] = arith.constant dense<{{.*}}> : tensor<3x2xf32>
//       CHECK:   linalg.matmul ins(%[[WQ]], %{{.*}} : tensor<3x2xi8>, tensor<2x32xi8>)
//       CHECK:   return %{{.*}}, %[[W]]
ml_program.global private @codes(dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>) : tensor<3x2xi8>
func.func @from_a_global(%x: tensor<2x32xf32>, %zero: tensor<3x32xf32>) -> (tensor<3x32xf32>, tensor<3x2xf32>) {
  %q = ml_program.global_load_const @codes : tensor<3x2xi8>
  %w = arith.sitofp %q : tensor<3x2xi8> to tensor<3x2xf32>
  %y = linalg.matmul ins(%w, %x : tensor<3x2xf32>, tensor<2x32xf32>) outs(%zero : tensor<3x32xf32>) -> tensor<3x32xf32>
  return %y, %w : tensor<3x32xf32>, tensor<3x2xf32>
}

// quant.dcast, per layer and per axis.
// CHECK-LABEL: func @quant
//   CHECK-DAG:   arith.constant dense<{{\[}}[97, -5, 0], [1, 2, -9]]> : tensor<2x3xi8>
//   CHECK-DAG:   arith.constant dense<{{\[}}[7, -1], [2, -7], [1, 1]]> : tensor<3x2xi8>
//   CHECK-DAG:   arith.constant dense<[5.000000e-01, 2.500000e-01]> : tensor<2xf32>
func.func @quant(%x: tensor<?x2xf32>, %zero3: tensor<?x3xf32>, %zero2: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %q = arith.constant dense<[[100, -2, 3], [4, 5, -6]]> : tensor<2x3xi8>
  %layer = quant.scast %q : tensor<2x3xi8> to tensor<2x3x!quant.uniform<i8:f32, 0.5:3>>
  %w = quant.dcast %layer : tensor<2x3x!quant.uniform<i8:f32, 0.5:3>> to tensor<2x3xf32>
  %h = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x3xf32>) outs(%zero3 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %q2 = arith.constant dense<[[7, 9], [2, 3], [1, 11]]> : tensor<3x2xi4>
  %axis = quant.scast %q2 : tensor<3x2xi4> to tensor<3x2x!quant.uniform<u4:f32:1, {0.5, 0.25:10}>>
  %w2 = quant.dcast %axis : tensor<3x2x!quant.uniform<u4:f32:1, {0.5, 0.25:10}>> to tensor<3x2xf32>
  %y = linalg.matmul ins(%h, %w2 : tensor<?x3xf32>, tensor<3x2xf32>) outs(%zero2 : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// Blocks of two inputs.
// CHECK-LABEL: func @quant_blocks
//   CHECK-DAG:   %[[WQ:.*]] = arith.constant dense<{{\[}}{{\[}}[0, 2], [2, 4]], {{\[}}[5, 8], [7, 10]]]> : tensor<2x2x2xi8>
//   CHECK-DAG:   %[[WS:.*]] = arith.constant dense<{{\[}}[5.000000e-01, 2.500000e-01], [2.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
//       CHECK:   linalg.contract {{.*}} ins(%{{.*}}, %[[WQ]] : tensor<?x2x2xi8>, tensor<2x2x2xi8>)
!blocks = !quant.uniform<i8:f32:{0:2, 1:1}, {{0.5:1, 0.25}, {2.0, 4.0:-2}}>
func.func @quant_blocks(%x: tensor<?x4xf32>, %zero: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %q = arith.constant dense<[[1, 2], [3, 4], [5, 6], [7, 8]]> : tensor<4x2xi8>
  %s = quant.scast %q : tensor<4x2xi8> to tensor<4x2x!blocks>
  %w = quant.dcast %s : tensor<4x2x!blocks> to tensor<4x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) outs(%zero : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
