// RUN: stamp-opt %s --stamp-quantize --remarks-filter="stamp.*" --remark-format=emitRemark 2>&1 >%t | FileCheck %s --implicit-check-not=remark:

func.func @planned_and_not(%x: tensor<16x8xf32>, %w: tensor<8x8xf32>) -> tensor<16x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<16x8xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize | Category:stamp-quantize | Remark=quantized
  %y = linalg.matmul {stamp.plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>}
    ins(%x, %w : tensor<16x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<16x8xf32>) -> tensor<16x8xf32>
  %z = linalg.matmul ins(%y, %w : tensor<16x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<16x8xf32>) -> tensor<16x8xf32>
  return %z : tensor<16x8xf32>
}

// CHECK: remark: [Analysis] Quantize | Category:stamp-quantize | quantized=1
