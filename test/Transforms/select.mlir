// RUN: stamp-opt %s --stamp-select | FileCheck %s
// RUN: stamp-opt %s --stamp-select="basis={#stamp.wht<block = 2, skip = 1>} schedule={#stamp.schedule<[1 : 6], 3>} weight-bits=8" | FileCheck %s --check-prefix=OPTIONS
// RUN: stamp-opt %s --stamp-select="min-tokens=1 basis=#stamp.dct" | FileCheck %s --check-prefix=MIN1
// RUN: stamp-opt %s --stamp-select="min-tokens=1000" | FileCheck %s --check-prefix=MIN1000
// RUN: stamp-opt %s --stamp-select --remarks-filter="stamp.*" --remark-format=emitRemark 2>&1 >%t | FileCheck %s --check-prefix=REMARK --implicit-check-not=remark:

//    CHECK-LABEL: func @matmul
//          CHECK:   linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 4>, activations = #stamp.schedule<[0.0625 : 8], 4>, weight_bits = 4>}
//  OPTIONS-LABEL: func @matmul
//        OPTIONS:   linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.wht<block = 2, skip = 1>, activations = #stamp.schedule<[1 : 6], 3>, weight_bits = 8>}
// MIN1000-LABEL: func @matmul
//   MIN1000-NOT:   stamp.plan
func.func @matmul(%x: tensor<512x8xf32>, %y: tensor<512x4xf32>) -> tensor<512x4xf32> {
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<512x8xf32>, tensor<8x4xf32>) outs(%y : tensor<512x4xf32>) -> tensor<512x4xf32>
  return %0 : tensor<512x4xf32>
}

// A dynamic length may always be long enough, and too short at times. One token by
// itself is its own Haar transform.
//   CHECK-LABEL: func @batch_matmul_of_any_length
//         CHECK:   linalg.batch_matmul {stamp.plan = #stamp.plan<basis = #stamp.haar<levels = 4>, activations = #stamp.schedule<[0.0625 : 8], 4, min_tokens = 2>, weight_bits = 4>}
//    MIN1-LABEL: func @batch_matmul_of_any_length
//          MIN1:   linalg.batch_matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[0.0625 : 8], 4>, weight_bits = 4>}
// MIN1000-LABEL: func @batch_matmul_of_any_length
//       MIN1000:   linalg.batch_matmul {stamp.plan = #stamp.plan<basis = #stamp.min_tokens<1000, #stamp.haar<levels = 4>>, activations = #stamp.schedule<[0.0625 : 8], 4, min_tokens = 1000>, weight_bits = 4>}
func.func @batch_matmul_of_any_length(%x: tensor<2x?x8xf16>, %y: tensor<2x?x4xf32>) -> tensor<2x?x4xf32> {
  %w = arith.constant dense<1.0> : tensor<2x8x4xbf16>
  %0 = linalg.batch_matmul ins(%x, %w : tensor<2x?x8xf16>, tensor<2x8x4xbf16>) outs(%y : tensor<2x?x4xf32>) -> tensor<2x?x4xf32>
  return %0 : tensor<2x?x4xf32>
}

// CHECK-LABEL: func @weight_in_a_resource
//       CHECK:   stamp.plan
func.func @weight_in_a_resource(%x: tensor<?x2xf32>, %y: tensor<?x1xf32>) -> tensor<?x1xf32> {
  %w = arith.constant dense_resource<weight> : tensor<2x1xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<?x2xf32>, tensor<2x1xf32>) outs(%y : tensor<?x1xf32>) -> tensor<?x1xf32>
  return %0 : tensor<?x1xf32>
}

// The user's plan stays, and needs no constant weight.
//   CHECK-LABEL: func @users_plan
//         CHECK:   linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct,
// OPTIONS-LABEL: func @users_plan
//       OPTIONS:   linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct,
// MIN1000-LABEL: func @users_plan
//       MIN1000:   linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct,
func.func @users_plan(%x: tensor<8x8xf32>, %w: tensor<8x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 8>}
    ins(%x, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// Everything below stays as it is, for a reason.

// CHECK-LABEL: func @weight_of_run_time
//   CHECK-NOT:   stamp.plan
func.func @weight_of_run_time(%x: tensor<8x8xf32>, %w: tensor<8x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] Select | Category:stamp-select | Reason="its weight is argument #1 of the function; mark that with stamp.weight if it is the same in every call, or give the linear a stamp.plan to quantize it at run time"
  %0 = linalg.matmul ins(%x, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// CHECK-LABEL: func @one_token
//   CHECK-NOT:   stamp.plan
//  MIN1-LABEL: func @one_token
//        MIN1:   linalg.matmul {stamp.plan =
func.func @one_token(%x: tensor<1x8xf32>, %y: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] Select | Category:stamp-select | Reason="its 1 token(s) are fewer than min-tokens = 2; min-tokens = 1 or a stamp.plan of its own would choose it"
  %0 = linalg.matmul ins(%x, %w : tensor<1x8xf32>, tensor<8x4xf32>) outs(%y : tensor<1x4xf32>) -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}

// CHECK-LABEL: func @other_contractions
//   CHECK-NOT:   stamp.plan
func.func @other_contractions(%x: tensor<8x8xf32>, %v: tensor<8xf32>) -> tensor<8xf32> {
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] Select | Category:stamp-select | Reason="its weight is a vector; expand it to a matrix of one column"
  %0 = linalg.matvec ins(%x, %v : tensor<8x8xf32>, tensor<8xf32>) outs(%v : tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// CHECK-LABEL: func @buffers
//   CHECK-NOT:   stamp.plan
func.func @buffers(%x: memref<8x8xf32>, %y: memref<8x8xf32>) {
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] Select | Category:stamp-select | Reason="it works on buffers, not on tensors; select before bufferization"
  linalg.matmul ins(%x, %x : memref<8x8xf32>, memref<8x8xf32>) outs(%y : memref<8x8xf32>)
  return
}

// CHECK-LABEL: func @integers
//   CHECK-NOT:   stamp.plan
func.func @integers(%x: tensor<8x8xi8>, %y: tensor<8x4xi32>) -> tensor<8x4xi32> {
  %w = arith.constant dense<1> : tensor<8x4xi8>
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] Select | Category:stamp-select | Reason="its operands are integers: it is quantized already; nothing is left to do"
  %0 = linalg.matmul ins(%x, %w : tensor<8x8xi8>, tensor<8x4xi8>) outs(%y : tensor<8x4xi32>) -> tensor<8x4xi32>
  return %0 : tensor<8x4xi32>
}

// CHECK-LABEL: func @doubles
//   CHECK-NOT:   stamp.plan
func.func @doubles(%x: tensor<8x8xf32>, %y: tensor<8x4xf64>) -> tensor<8x4xf64> {
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] Select | Category:stamp-select | Reason="its element types are not f32, f16 or bf16; convert them first"
  %0 = linalg.matmul ins(%x, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%y : tensor<8x4xf64>) -> tensor<8x4xf64>
  return %0 : tensor<8x4xf64>
}

// An op that contracts nothing needs no reason.
// CHECK-LABEL: func @no_contraction
//   CHECK-NOT:   stamp.plan
func.func @no_contraction(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %0 = linalg.exp ins(%x : tensor<8x8xf32>) outs(%x : tensor<8x8xf32>) -> tensor<8x8xf32>
  return %0 : tensor<8x8xf32>
}

// The defaults are nobody's wish: where they do not fit, that is no error.
// CHECK-LABEL: func @too_short_for_the_defaults
//   CHECK-NOT:   stamp.plan
func.func @too_short_for_the_defaults(%x: tensor<8x8xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  // REMARK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] Select | Category:stamp-select | Reason="the default plan does not fit: levels = 4 needs at least 9 tokens, there are 8; another basis by option or a stamp.plan of its own may fit"
  %0 = linalg.matmul ins(%x, %w : tensor<8x8xf32>, tensor<8x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// A user's plan counts as selected.
// REMARK: remark: [Analysis] Select | Category:stamp-select | contractions=11, left=7, selected=4

{-# dialect_resources: { builtin: { weight: "0x040000000000E040000060C0" } } #-}
