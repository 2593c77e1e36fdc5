// RUN: stamp-opt %s --stamp-select="min-k=8 min-n=4 min-macs=512 exclude=lm_head|/conv_[0-9]+$ include=decoder|encoder.*attn" --mlir-print-debuginfo --mlir-use-nameloc-as-prefix --stamp-remarks 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --implicit-check-not=Missed --input-file=%t
// RUN: stamp-opt %s --stamp-select="include=select-filters.mlir:14:" | FileCheck %s --check-prefix=LINE

// By the line that an op stands in, here the 14th.
// LINE: {stamp.plan
// LINE: {stamp.plan = #stamp.plan<basis = #stamp.identity
// LINE-NOT:     {stamp.plan

// CHECK-LABEL: func @decoder
func.func @decoder(%x: tensor<16x8xf32>, %narrow: tensor<16x4xf32>, %y: tensor<16x4xf32>, %one: tensor<16x2xf32>, %few: tensor<4x8xf32>, %any: tensor<?x8xf32>, %z: tensor<4x4xf32>, %q: tensor<?x4xf32>) -> (tensor<16x4xf32>, tensor<16x4xf32>, tensor<16x2xf32>, tensor<4x4xf32>, tensor<?x4xf32>) {
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  // CHECK: linalg.matmul {stamp.plan =
  %a = linalg.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%y : tensor<16x4xf32>) -> tensor<16x4xf32>
  %w4 = arith.constant dense<1.0> : tensor<4x4xf32>
  // CHECK-NOT: {stamp.plan
  // REMARK: [Missed] {{.*}} Reason="its 4 inputs are fewer than min-k = 8; a smaller min-k or a stamp.plan of its own would choose it"
  %b = linalg.matmul ins(%narrow, %w4 : tensor<16x4xf32>, tensor<4x4xf32>) outs(%y : tensor<16x4xf32>) -> tensor<16x4xf32>
  %w2 = arith.constant dense<1.0> : tensor<8x2xf32>
  // REMARK: [Missed] {{.*}} Reason="its 2 output channels are fewer than min-n = 4; a smaller min-n or a stamp.plan of its own would choose it"
  %c = linalg.matmul ins(%x, %w2 : tensor<16x8xf32>, tensor<8x2xf32>) outs(%one : tensor<16x2xf32>) -> tensor<16x2xf32>
  // REMARK: [Missed] {{.*}} Reason="its 128 multiply-adds are fewer than min-macs = 512; a smaller min-macs or a stamp.plan of its own would choose it"
  %d = linalg.matmul ins(%few, %w : tensor<4x8xf32>, tensor<8x4xf32>) outs(%z : tensor<4x4xf32>) -> tensor<4x4xf32>
  // As many as run time likes.
  // CHECK: linalg.matmul {stamp.plan =
  %e = linalg.matmul ins(%any, %w : tensor<?x8xf32>, tensor<8x4xf32>) outs(%q : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %a, %b, %c, %d, %e : tensor<16x4xf32>, tensor<16x4xf32>, tensor<16x2xf32>, tensor<4x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: func @forward
func.func @forward(%x: tensor<16x8xf32>, %y: tensor<16x4xf32>) -> (tensor<16x4xf32>, tensor<16x4xf32>, tensor<16x4xf32>, tensor<16x4xf32>) {
  %w = arith.constant dense<1.0> : tensor<8x4xf32>
  // CHECK: linalg.matmul {stamp.plan =
  %a = linalg.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%y : tensor<16x4xf32>) -> tensor<16x4xf32> loc("encoder/0/attn/q")
  // CHECK-NOT: {stamp.plan
  // REMARK: [Missed] {{.*}} Reason="option 'include' matches neither its function nor its location; a wider expression or a stamp.plan of its own would choose it"
  %b = linalg.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%y : tensor<16x4xf32>) -> tensor<16x4xf32> loc("encoder/0/mlp")
  // REMARK: [Missed] {{.*}} Reason="option 'exclude' matches 'encoder/attn/conv_12'; a narrower expression or a stamp.plan of its own would choose it"
  %c = linalg.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%y : tensor<16x4xf32>) -> tensor<16x4xf32> loc(fused["encoder/attn/conv_12", "model.py":3:4])
  // A plan of its own passes every filter.
  // CHECK: linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity
  %d = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 8>}
      ins(%x, %w : tensor<16x8xf32>, tensor<8x4xf32>) outs(%y : tensor<16x4xf32>) -> tensor<16x4xf32> loc("lm_head")
  return %a, %b, %c, %d : tensor<16x4xf32>, tensor<16x4xf32>, tensor<16x4xf32>, tensor<16x4xf32>
}
