// A basis from outside for keys, values and caches.
// RUN: stamp-test-opt %s --stamp-quantize-attention="basis=#slant.slant<block=4>" --stamp-fold | FileCheck %s
// RUN: stamp-test-opt %s --stamp-kv-cache --stamp-cpu-pipeline | FileCheck %s --check-prefix=CPU --implicit-check-not=slant

// CHECK-LABEL: func @attention
//       CHECK:   stamp.inverse_transform #slant.slant<block = 4> along 1 ins(%{{.*}} : tensor<2x9xf32>)
//       CHECK:   math.exp
//       CHECK:   stamp.transform #slant.slant<block = 4> along 1 ins(%{{.*}} : tensor<2x9xf32>)
// CPU-LABEL: llvm.func @attention
func.func @attention(%q: tensor<2x6xf32>, %k: tensor<6x9xf32>, %v: tensor<9x6xf32>) -> tensor<2x6xf32> {
  %s0 = arith.constant dense<0.0> : tensor<2x9xf32>
  %y0 = arith.constant dense<0.0> : tensor<2x6xf32>
  %s = linalg.matmul ins(%q, %k : tensor<2x6xf32>, tensor<6x9xf32>) outs(%s0 : tensor<2x9xf32>) -> tensor<2x9xf32>
  %p = math.exp %s : tensor<2x9xf32>
  %y = linalg.matmul ins(%p, %v : tensor<2x9xf32>, tensor<9x6xf32>) outs(%y0 : tensor<2x6xf32>) -> tensor<2x6xf32>
  return %y : tensor<2x6xf32>
}

// CPU-LABEL: llvm.func @append
func.func private @append(tensor<?x6xf32>, tensor<?x4x3xi8>, tensor<?x4xf32>, tensor<?x4xi8>, tensor<4x6xf32>, index)
    -> (tensor<?x4x3xi8>, tensor<?x4xf32>, tensor<?x4xi8>, tensor<4x6xf32>, index)
    attributes {stamp.kv_append = #stamp.kv_cache<basis = #slant.slant<block = 4>, schedule = #stamp.schedule<[], 4>>}
