// RUN: stamp-opt %s --stamp-fold | FileCheck %s
// What is folded stays as it is:
// RUN: stamp-opt %s --stamp-fold -o %t
// RUN: stamp-opt %t --stamp-fold | diff %t -
// and every function computes what it did:
// RUN: stamp-validate %s | FileCheck %s --check-prefix=VALID
// VALID: {{^[0-9]+}} agree, 0 differ, 0 not run

#map = affine_map<(d0, d1) -> (d0, d1)>
#columns = affine_map<(d0, d1) -> (d1)>
#one = affine_map<(d0, d1) -> (d0, 0)>
#plain = #stamp.plan<basis = #stamp.haar<levels = 2>, activations = #stamp.schedule<[2 : 8], 4>, weight_bits = 4>
#rotated = #stamp.plan<basis = #stamp.haar<levels = 2>, features = #stamp.hadamard, activations = #stamp.schedule<[2 : 8], 4>, weight_bits = 4>

// (X·diag(g))·W = X·(diag(g)·W), into each of those that share X.
// CHECK-LABEL: func @shared_by_queries_and_keys
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<8x2xf32>
//   CHECK-DAG:   %[[V1:.*]] = stamp.feature_transform #stamp.scale<dense<[2.000000e+00, -5.000000e-01]> : tensor<2xf32>> left over 0
//   CHECK-DAG:   %[[V2:.*]] = stamp.feature_transform #stamp.scale<dense<[2.000000e+00, -5.000000e-01]> : tensor<2xf32>> left over 1
//   CHECK-NOT:   linalg.generic
//       CHECK:   linalg.matmul {{.*}} ins(%[[X]], %
//       CHECK:   linalg.matmul {{.*}} ins(%[[X]], %
func.func @shared_by_queries_and_keys(%x: tensor<8x2xf32>) -> (tensor<8x2xf32>, tensor<8x3xf32>) {
  %g = arith.constant dense<[2.0, -0.5]> : tensor<2xf32>
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %turned = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]]> : tensor<3x2xf32>
  %zero = arith.constant dense<0.0> : tensor<8x2xf32>
  %wide = arith.constant dense<0.0> : tensor<8x3xf32>
  %e = tensor.empty() : tensor<8x2xf32>
  %s = linalg.generic {indexing_maps = [#map, #columns, #map], iterator_types = ["parallel", "parallel"]}
      ins(%x, %g : tensor<8x2xf32>, tensor<2xf32>) outs(%e : tensor<8x2xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %a = arith.mulf %i, %j : f32
    linalg.yield %a : f32
  } -> tensor<8x2xf32>
  %ew = tensor.empty() : tensor<2x3xf32>
  %t = linalg.transpose ins(%turned : tensor<3x2xf32>) outs(%ew : tensor<2x3xf32>) permutation = [1, 0]
  %q = linalg.matmul {stamp.plan = #plain} ins(%s, %w : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  %k = linalg.matmul {stamp.plan = #plain} ins(%s, %t : tensor<8x2xf32>, tensor<2x3xf32>) outs(%wide : tensor<8x3xf32>) -> tensor<8x3xf32>
  return %q, %k : tensor<8x2xf32>, tensor<8x3xf32>
}

// Without its gain an RMS norm keeps what a rotation keeps, ‖x‖: R goes past it
// into the weight in front. Two rotations of run time are none.
// CHECK-LABEL: func @past_an_rms_norm
//   CHECK-DAG:   stamp.feature_transform #stamp.scale<{{.*}} left over 0
//   CHECK-DAG:   stamp.inverse_feature_transform #stamp.hadamard left over 0
//   CHECK-DAG:   stamp.feature_transform #stamp.hadamard over 1 ins(%{{.*}} : tensor<2x2xf32>)
//   CHECK-NOT:   feature_transform {{.*}} tensor<8x2xf32>
//       CHECK:   return
func.func @past_an_rms_norm(%x: tensor<8x2xf32>) -> tensor<8x2xf32> {
  %c0 = arith.constant 0.0 : f32
  %g = arith.constant dense<[2.0, -0.5]> : tensor<2xf32>
  %w1 = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %w2 = arith.constant dense<[[0.5, -2.0], [1.0, 1.5]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<8x2xf32>
  %e = tensor.empty() : tensor<8x2xf32>
  %e1 = tensor.empty() : tensor<8x1xf32>
  %z1 = linalg.fill ins(%c0 : f32) outs(%e1 : tensor<8x1xf32>) -> tensor<8x1xf32>
  %h = linalg.matmul {stamp.plan = #plain} ins(%x, %w1 : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  %squares = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%h : tensor<8x2xf32>) outs(%e : tensor<8x2xf32>) {
  ^bb0(%i: f32, %o: f32):
    %two = arith.constant 2.0 : f32
    %a = math.powf %i, %two : f32
    linalg.yield %a : f32
  } -> tensor<8x2xf32>
  %sum = linalg.generic {indexing_maps = [#map, #one], iterator_types = ["parallel", "reduction"]}
      ins(%squares : tensor<8x2xf32>) outs(%z1 : tensor<8x1xf32>) {
  ^bb0(%i: f32, %o: f32):
    %a = arith.addf %i, %o : f32
    linalg.yield %a : f32
  } -> tensor<8x1xf32>
  %scale = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%sum : tensor<8x1xf32>) outs(%e1 : tensor<8x1xf32>) {
  ^bb0(%i: f32, %o: f32):
    %half = arith.constant 0.5 : f32
    %eps = arith.constant 1.0e-5 : f32
    %m = arith.mulf %i, %half : f32
    %a = arith.addf %m, %eps : f32
    %r = math.rsqrt %a : f32
    linalg.yield %r : f32
  } -> tensor<8x1xf32>
  %n = linalg.generic {indexing_maps = [#map, #one, #columns, #map], iterator_types = ["parallel", "parallel"]}
      ins(%h, %scale, %g : tensor<8x2xf32>, tensor<8x1xf32>, tensor<2xf32>) outs(%e : tensor<8x2xf32>) {
  ^bb0(%i: f32, %r: f32, %j: f32, %o: f32):
    %a = arith.mulf %i, %r : f32
    %b = arith.mulf %a, %j : f32
    linalg.yield %b : f32
  } -> tensor<8x2xf32>
  %y = linalg.matmul {stamp.plan = #rotated} ins(%n, %w2 : tensor<8x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<8x2xf32>) -> tensor<8x2xf32>
  return %y : tensor<8x2xf32>
}
