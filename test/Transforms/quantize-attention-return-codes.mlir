// RUN: stamp-opt %s --stamp-quantize-attention="return-codes basis=#stamp.haar<levels=2> schedule={#stamp.schedule<[1 : 8], 4>}" --remarks-filter="stamp.*" --remark-format=emitRemark -o %t 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: FileCheck %s --input-file %t

#t = affine_map<(i, j, k) -> (j, k)>
#l = affine_map<(i, j, k) -> (i, k)>
#r = affine_map<(i, j, k) -> (i, j)>

// The keys are returned as they come, and read transposed; what else a result
// is marked with stays.
// CHECK-LABEL: func @keys_and_values
//  CHECK-SAME:   -> (tensor<1x8xi8>, tensor<7x4xi8>, tensor<8xf32>, tensor<8xi8>, tensor<2x8xf32> {test.name = "output"}, tensor<1x8xi8>, tensor<7x4xi8>, tensor<8xf32>, tensor<8xi8>)
//       CHECK:   %[[K:.*]] = stamp.inverse_transform #stamp.haar<levels = 2> along 0
//       CHECK:   linalg.transpose ins(%[[K]] :
//       CHECK:   %[[PK:.*]]:2 = stamp.pack #stamp.schedule<[1 : 8], 4> along 0 over 1
//       CHECK:   %[[ZK:.*]] = arith.trunci %{{.*}} : tensor<8xi32> to tensor<8xi8>
//       CHECK:   %[[PV:.*]]:2 = stamp.pack
//       CHECK:   return %[[PK]]#0, %[[PK]]#1, %{{.*}}, %[[ZK]], %{{.*}}, %[[PV]]#0, %[[PV]]#1,
func.func @keys_and_values(%q: tensor<2x8xf32>, %k: tensor<8x8xf32>, %v: tensor<8x8xf32>, %s0: tensor<2x8xf32>)
    -> (tensor<8x8xf32> {test.name = "keys"}, tensor<2x8xf32> {test.name = "output"}, tensor<8x8xf32>) {
  %e = tensor.empty() : tensor<8x8xf32>
  %kt = linalg.transpose ins(%k : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) permutation = [1, 0]
  %s = linalg.matmul ins(%q, %kt : tensor<2x8xf32>, tensor<8x8xf32>) outs(%s0 : tensor<2x8xf32>) -> tensor<2x8xf32>
  %p = math.exp %s : tensor<2x8xf32>
  %y = linalg.matmul ins(%p, %v : tensor<2x8xf32>, tensor<8x8xf32>) outs(%s0 : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %k, %y, %v : tensor<8x8xf32>, tensor<2x8xf32>, tensor<8x8xf32>
}

// CHECK-LABEL: func @called
//  CHECK-SAME:   -> (tensor<2x8xf32>, tensor<8x8xf32>)
// REMARK: its floats are returned, not its codes: its function is used in this module, which expects floats; inline it first
func.func @called(%q: tensor<2x8xf32>, %k: tensor<8x8xf32>, %v: tensor<8x8xf32>, %s0: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<8x8xf32>) {
  %s = linalg.matmul indexing_maps = [#l, #t, #r] ins(%q, %k : tensor<2x8xf32>, tensor<8x8xf32>) outs(%s0 : tensor<2x8xf32>) -> tensor<2x8xf32>
  %p = math.exp %s : tensor<2x8xf32>
  %y = linalg.matmul ins(%p, %v : tensor<2x8xf32>, tensor<8x8xf32>) outs(%s0 : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %y, %v : tensor<2x8xf32>, tensor<8x8xf32>
}
func.func @caller(%q: tensor<2x8xf32>, %k: tensor<8x8xf32>, %v: tensor<8x8xf32>, %s0: tensor<2x8xf32>) -> tensor<8x8xf32> {
  %y:2 = call @called(%q, %k, %v, %s0) : (tensor<2x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<8x8xf32>)
  return %y#1 : tensor<8x8xf32>
}

// CHECK-LABEL: func @branches
//  CHECK-SAME:   -> (tensor<2x8xf32>, tensor<8x8xf32>)
// REMARK: its floats are returned, not its codes: its function has branches, on some of which there are no codes
func.func @branches(%q: tensor<2x8xf32>, %k: tensor<8x8xf32>, %v: tensor<8x8xf32>, %s0: tensor<2x8xf32>, %c: i1) -> (tensor<2x8xf32>, tensor<8x8xf32>) {
  cf.cond_br %c, ^attention, ^nothing
^attention:
  %s = linalg.matmul indexing_maps = [#l, #t, #r] ins(%q, %k : tensor<2x8xf32>, tensor<8x8xf32>) outs(%s0 : tensor<2x8xf32>) -> tensor<2x8xf32>
  %p = math.exp %s : tensor<2x8xf32>
  %y = linalg.matmul ins(%p, %v : tensor<2x8xf32>, tensor<8x8xf32>) outs(%s0 : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %y, %v : tensor<2x8xf32>, tensor<8x8xf32>
^nothing:
  return %s0, %v : tensor<2x8xf32>, tensor<8x8xf32>
}
