// RUN: stamp-opt %s --stamp-select="basis=#stamp.dct schedule=#stamp.schedule<[],8>" --stamp-quantize | FileCheck %s

// Codes too large to be written inline are a resource, and all linears that read
// one weight have the same.

// CHECK-NOT: @shared
ml_program.global private @shared(dense<0.5> : tensor<64x80xf32>) : tensor<64x80xf32>

// CHECK-LABEL: func @one
//       CHECK:   arith.constant dense_resource<[[CODES:stamp_codes_[0-9a-f]+]]> : tensor<64x80xi8>
func.func @one(%x: tensor<8x64xf32>, %zero: tensor<8x80xf32>) -> tensor<8x80xf32> {
  %w = ml_program.global_load_const @shared : tensor<64x80xf32>
  %y = linalg.matmul ins(%x, %w : tensor<8x64xf32>, tensor<64x80xf32>) outs(%zero : tensor<8x80xf32>) -> tensor<8x80xf32>
  return %y : tensor<8x80xf32>
}

// CHECK-LABEL: func @two
//       CHECK:   arith.constant dense_resource<[[CODES]]> : tensor<64x80xi8>
func.func @two(%x: tensor<8x64xf32>, %zero: tensor<8x80xf32>) -> tensor<8x80xf32> {
  %w = ml_program.global_load_const @shared : tensor<64x80xf32>
  %y = linalg.matmul ins(%x, %w : tensor<8x64xf32>, tensor<64x80xf32>) outs(%zero : tensor<8x80xf32>) -> tensor<8x80xf32>
  return %y : tensor<8x80xf32>
}

// Codes that come as they are needed are those of the model.
// CHECK-LABEL: func @kept
//       CHECK:   arith.constant dense_resource<of_the_model> : tensor<2x4xi8>
func.func @kept(%x: tensor<8x2xf32>, %zero: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %q = arith.constant dense_resource<of_the_model> : tensor<8xi8>
  %scale = arith.constant dense<0.5> : tensor<2x4xf32>
  %matrix = tensor.expand_shape %q [[0, 1]] output_shape [2, 4] : tensor<8xi8> into tensor<2x4xi8>
  %f = arith.sitofp %matrix : tensor<2x4xi8> to tensor<2x4xf32>
  %w = arith.mulf %f, %scale : tensor<2x4xf32>
  %y = linalg.matmul ins(%x, %w : tensor<8x2xf32>, tensor<2x4xf32>) outs(%zero : tensor<8x4xf32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// CHECK: stamp_codes_{{[0-9a-f]+}}:
// CHECK-NOT: stamp_codes

{-# dialect_resources: { builtin: { of_the_model: "0x010000000102030405060708" } } #-}
