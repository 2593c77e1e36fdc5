// RUN: stamp-opt %s --stamp-quantize --split-input-file --verify-diagnostics

func.func @no_linear(%x: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-error@+1 {{'linalg.exp' op has a plan that cannot be carried out: it is neither a contraction nor a convolution}}
  %0 = linalg.exp {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x : tensor<8x4xf32>) outs(%x : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// -----

func.func @sums_too_long(%x: tensor<8x66312xf32>, %w: tensor<66312x4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  // expected-error@+1 {{has a plan that cannot be carried out: its sums are longer than 66311 products, which may overflow 32-bit accumulators}}
  %0 = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<8x66312xf32>, tensor<66312x4xf32>) outs(%y : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}
