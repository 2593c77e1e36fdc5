// RUN: stamp-opt %s --stamp-fuse-contractions=cpu=avx512vnni --canonicalize --cse | FileCheck %s

// 128 rows of 512 scores fit half of 1 MiB. Transposed keys are computed once.

// CHECK-LABEL: func @attention
//  CHECK-SAME:   %[[Q:.*]]: tensor<4x512x64xf32>, %[[K:.*]]: tensor<4x512x64xf32>, %[[V:.*]]: tensor<4x512x64xf32>
//       CHECK:   %[[T:.*]] = linalg.transpose ins(%[[K]]
//       CHECK:   scf.forall (%{{.*}}, %{{.*}}) = (0, 0) to (4, 512) step (1, 128)
//   CHECK-DAG:     tensor.extract_slice %[[Q]]
//   CHECK-DAG:     tensor.extract_slice %[[T]]
//       CHECK:     linalg.batch_matmul {{.*}} -> tensor<1x128x512xf32>
//       CHECK:     linalg.exp {{.*}} -> tensor<1x128x512xf32>
//       CHECK:     linalg.batch_matmul {{.*}} -> tensor<1x128x64xf32>
//   CHECK-NOT:     linalg.batch_matmul
//       CHECK:     tensor.parallel_insert_slice
func.func @attention(%q: tensor<4x512x64xf32>, %k: tensor<4x512x64xf32>, %v: tensor<4x512x64xf32>) -> tensor<4x512x64xf32> {
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<4x64x512xf32>
  %t = linalg.transpose ins(%k : tensor<4x512x64xf32>) outs(%e0 : tensor<4x64x512xf32>) permutation = [0, 2, 1]
  %e1 = tensor.empty() : tensor<4x512x512xf32>
  %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<4x512x512xf32>) -> tensor<4x512x512xf32>
  %s = linalg.batch_matmul ins(%q, %t : tensor<4x512x64xf32>, tensor<4x64x512xf32>) outs(%f1 : tensor<4x512x512xf32>) -> tensor<4x512x512xf32>
  %p = linalg.exp ins(%s : tensor<4x512x512xf32>) outs(%e1 : tensor<4x512x512xf32>) -> tensor<4x512x512xf32>
  %e2 = tensor.empty() : tensor<4x512x64xf32>
  %f2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<4x512x64xf32>) -> tensor<4x512x64xf32>
  %y = linalg.batch_matmul ins(%p, %v : tensor<4x512x512xf32>, tensor<4x512x64xf32>) outs(%f2 : tensor<4x512x64xf32>) -> tensor<4x512x64xf32>
  return %y : tensor<4x512x64xf32>
}

// Who else reads what is between would need the whole of it.

// CHECK-LABEL: func @scores_are_a_result
//   CHECK-NOT:   scf.forall
func.func @scores_are_a_result(%q: tensor<4x512x64xf32>, %t: tensor<4x64x512xf32>, %v: tensor<4x512x64xf32>, %e1: tensor<4x512x512xf32>, %e2: tensor<4x512x64xf32>) -> (tensor<4x512x64xf32>, tensor<4x512x512xf32>) {
  %s = linalg.batch_matmul ins(%q, %t : tensor<4x512x64xf32>, tensor<4x64x512xf32>) outs(%e1 : tensor<4x512x512xf32>) -> tensor<4x512x512xf32>
  %p = linalg.exp ins(%s : tensor<4x512x512xf32>) outs(%e1 : tensor<4x512x512xf32>) -> tensor<4x512x512xf32>
  %y = linalg.batch_matmul ins(%p, %v : tensor<4x512x512xf32>, tensor<4x512x64xf32>) outs(%e2 : tensor<4x512x64xf32>) -> tensor<4x512x64xf32>
  return %y, %s : tensor<4x512x64xf32>, tensor<4x512x512xf32>
}

// Weights would be read anew for each block of rows.

// CHECK-LABEL: func @layers
//   CHECK-NOT:   scf.forall
func.func @layers(%x: tensor<512x64xf32>, %w: tensor<64x64xf32>, %e: tensor<512x64xf32>) -> tensor<512x64xf32> {
  %0 = linalg.matmul ins(%x, %w : tensor<512x64xf32>, tensor<64x64xf32>) outs(%e : tensor<512x64xf32>) -> tensor<512x64xf32>
  %1 = linalg.matmul ins(%0, %w : tensor<512x64xf32>, tensor<64x64xf32>) outs(%e : tensor<512x64xf32>) -> tensor<512x64xf32>
  return %1 : tensor<512x64xf32>
}

// A sum that keeps its dimension with size 1, as importers write it, cannot be
// taken by blocks. Between the contractions it is reason to leave all as it is.

// CHECK-LABEL: func @keeps_a_dimension
//   CHECK-NOT:   scf.forall
func.func @keeps_a_dimension(%q: tensor<4x512x64xf32>, %t: tensor<4x64x512xf32>, %v: tensor<4x512x64xf32>, %e1: tensor<4x512x512xf32>, %r1: tensor<4x512x1xf32>, %e2: tensor<4x512x64xf32>) -> tensor<4x512x64xf32> {
  %s = linalg.batch_matmul ins(%q, %t : tensor<4x512x64xf32>, tensor<4x64x512xf32>) outs(%e1 : tensor<4x512x512xf32>) -> tensor<4x512x512xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (b, m, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%s : tensor<4x512x512xf32>) outs(%r1 : tensor<4x512x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %in, %out : f32
    linalg.yield %0 : f32
  } -> tensor<4x512x1xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (b, m, 0)>, affine_map<(b, m, n) -> (b, m, n)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %sum : tensor<4x512x512xf32>, tensor<4x512x1xf32>) outs(%e1 : tensor<4x512x512xf32>) {
  ^bb0(%in: f32, %all: f32, %out: f32):
    %0 = arith.subf %in, %all : f32
    linalg.yield %0 : f32
  } -> tensor<4x512x512xf32>
  %y = linalg.batch_matmul ins(%p, %v : tensor<4x512x512xf32>, tensor<4x512x64xf32>) outs(%e2 : tensor<4x512x64xf32>) -> tensor<4x512x64xf32>
  return %y : tensor<4x512x64xf32>
}

// In front of them it is taken once for all blocks.

// CHECK-LABEL: func @keeps_a_dimension_before
//       CHECK:   linalg.generic {{.*}} outs({{.*}} : tensor<4x512x1xf32>)
//       CHECK:   scf.forall
//       CHECK:     linalg.generic {{.*}} outs({{.*}} : tensor<1x128x64xf32>)
//       CHECK:     linalg.batch_matmul
//       CHECK:     linalg.batch_matmul
func.func @keeps_a_dimension_before(%x: tensor<4x512x64xf32>, %t: tensor<4x64x512xf32>, %v: tensor<4x512x64xf32>, %e1: tensor<4x512x512xf32>, %r1: tensor<4x512x1xf32>, %e2: tensor<4x512x64xf32>) -> tensor<4x512x64xf32> {
  %sum = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (b, m, 0)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : tensor<4x512x64xf32>) outs(%r1 : tensor<4x512x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %in, %out : f32
    linalg.yield %0 : f32
  } -> tensor<4x512x1xf32>
  %q = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (b, m, 0)>, affine_map<(b, m, n) -> (b, m, n)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %sum : tensor<4x512x64xf32>, tensor<4x512x1xf32>) outs(%e2 : tensor<4x512x64xf32>) {
  ^bb0(%in: f32, %all: f32, %out: f32):
    %0 = arith.subf %in, %all : f32
    linalg.yield %0 : f32
  } -> tensor<4x512x64xf32>
  %s = linalg.batch_matmul ins(%q, %t : tensor<4x512x64xf32>, tensor<4x64x512xf32>) outs(%e1 : tensor<4x512x512xf32>) -> tensor<4x512x512xf32>
  %y = linalg.batch_matmul ins(%s, %v : tensor<4x512x512xf32>, tensor<4x512x64xf32>) outs(%e2 : tensor<4x512x64xf32>) -> tensor<4x512x64xf32>
  return %y : tensor<4x512x64xf32>
}
