// RUN: stamp-opt %s --stamp-quantize-attention="min-tokens=3" --remarks-filter="stamp.*" --remark-format=emitRemark 2>&1 >%t | FileCheck %s --implicit-check-not=remark:
// RUN: FileCheck %s --check-prefix=IR --input-file %t

// Not executed: nothing lowers linalg.softmax.

#t = affine_map<(i, j, k) -> (j, k)>
#l = affine_map<(i, j, k) -> (i, k)>
#r = affine_map<(i, j, k) -> (i, j)>

// linalg.softmax over the tokens of the keys; the default options.
// IR-LABEL: func @softmax
// IR-COUNT-2: stamp.quantize #stamp.schedule<[0.0625 : 8], 4> along 0 over 1
func.func @softmax(%q: tensor<4x8xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %s0: tensor<4x?xf32>, %y0: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] {{.*}}its keys are codes
  %s = linalg.matmul indexing_maps = [#l, #t, #r] ins(%q, %k : tensor<4x8xf32>, tensor<?x8xf32>) outs(%s0 : tensor<4x?xf32>) -> tensor<4x?xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<4x?xf32>) outs(%s0 : tensor<4x?xf32>) -> tensor<4x?xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] {{.*}}its values are codes
  %y = linalg.matmul ins(%p, %v : tensor<4x?xf32>, tensor<?x8xf32>) outs(%y0 : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// A product of activations, twice, with nothing but a scale between.
// IR-LABEL: func @no_softmax
// IR-NOT: stamp
func.func @no_softmax(%q: tensor<4x8xf32>, %k: tensor<16x8xf32>, %v: tensor<16x8xf32>, %s0: tensor<4x16xf32>, %y0: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}it multiplies two activations, but no softmax leads from a product of queries and keys to a product with values here
  %s = linalg.matmul indexing_maps = [#l, #t, #r] ins(%q, %k : tensor<4x8xf32>, tensor<16x8xf32>) outs(%s0 : tensor<4x16xf32>) -> tensor<4x16xf32>
  %p = linalg.mul ins(%s, %s : tensor<4x16xf32>, tensor<4x16xf32>) outs(%s0 : tensor<4x16xf32>) -> tensor<4x16xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}it multiplies two activations
  %y = linalg.matmul ins(%p, %v : tensor<4x16xf32>, tensor<16x8xf32>) outs(%y0 : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// IR-LABEL: func @few_tokens
// IR-NOT: stamp
func.func @few_tokens(%q: tensor<4x8xf32>, %k: tensor<2x8xf32>, %v: tensor<2x8xf32>, %s0: tensor<4x2xf32>, %y0: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}its keys stay: their 2 token(s) are fewer than min-tokens = 3
  %s = linalg.matmul indexing_maps = [#l, #t, #r] ins(%q, %k : tensor<4x8xf32>, tensor<2x8xf32>) outs(%s0 : tensor<4x2xf32>) -> tensor<4x2xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<4x2xf32>) outs(%s0 : tensor<4x2xf32>) -> tensor<4x2xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}its values stay: their 2 token(s)
  %y = linalg.matmul ins(%p, %v : tensor<4x2xf32>, tensor<2x8xf32>) outs(%y0 : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// Four levels are for more than four tokens; the schedule is for any.
// IR-LABEL: func @default_does_not_fit
// IR-NOT: stamp
func.func @default_does_not_fit(%q: tensor<4x8xf32>, %k: tensor<4x8xf32>, %v: tensor<4x8xf32>, %s0: tensor<4x4xf32>, %y0: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}its keys stay: the default options do not fit: levels = 4 needs at least 9 tokens, there are 4
  %s = linalg.matmul indexing_maps = [#l, #t, #r] ins(%q, %k : tensor<4x8xf32>, tensor<4x8xf32>) outs(%s0 : tensor<4x4xf32>) -> tensor<4x4xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<4x4xf32>) outs(%s0 : tensor<4x4xf32>) -> tensor<4x4xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}its values stay: the default options do not fit
  %y = linalg.matmul ins(%p, %v : tensor<4x4xf32>, tensor<4x8xf32>) outs(%y0 : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// IR-LABEL: func @quantized_already
// IR-NOT: stamp.quantize
func.func @quantized_already(%q: tensor<4x8xf32>, %c: tensor<16x8xi8>, %cs: tensor<16xf32>, %cz: tensor<16xi32>, %e: tensor<16x8xf32>,
                             %s0: tensor<4x16xf32>, %y0: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %d = stamp.dequantize over 1 ins(%c, %cs, %cz : tensor<16x8xi8>, tensor<16xf32>, tensor<16xi32>) outs(%e : tensor<16x8xf32>)
  %k = stamp.inverse_transform #stamp.dct along 0 ins(%d : tensor<16x8xf32>) outs(%e : tensor<16x8xf32>)
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}its keys stay: they are quantized already
  %s = linalg.matmul indexing_maps = [#l, #t, #r] ins(%q, %k : tensor<4x8xf32>, tensor<16x8xf32>) outs(%s0 : tensor<4x16xf32>) -> tensor<4x16xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<4x16xf32>) outs(%s0 : tensor<4x16xf32>) -> tensor<4x16xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}its values stay: they are quantized already
  %y = linalg.matmul ins(%p, %k : tensor<4x16xf32>, tensor<16x8xf32>) outs(%y0 : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// Tokens in pages.
// IR-LABEL: func @two_dimensions_of_tokens
// IR-NOT: stamp
func.func @two_dimensions_of_tokens(%q: tensor<4x8xf32>, %k: tensor<2x16x8xf32>, %v: tensor<2x16x8xf32>, %s0: tensor<4x2x16xf32>, %y0: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}its keys stay: they have 2 dimensions of tokens and 1 of features; collapse them before, so that one of each is left
  %s = linalg.contract indexing_maps = [affine_map<(i, b, j, k) -> (i, k)>, affine_map<(i, b, j, k) -> (b, j, k)>, affine_map<(i, b, j, k) -> (i, b, j)>]
      ins(%q, %k : tensor<4x8xf32>, tensor<2x16x8xf32>) outs(%s0 : tensor<4x2x16xf32>) -> tensor<4x2x16xf32>
  %p = linalg.exp ins(%s : tensor<4x2x16xf32>) outs(%s0 : tensor<4x2x16xf32>) -> tensor<4x2x16xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}its values stay: they have 2 dimensions of tokens and 1 of features
  %y = linalg.contract indexing_maps = [affine_map<(i, b, j, k) -> (i, b, j)>, affine_map<(i, b, j, k) -> (b, j, k)>, affine_map<(i, b, j, k) -> (i, k)>]
      ins(%p, %v : tensor<4x2x16xf32>, tensor<2x16x8xf32>) outs(%y0 : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// A softmax over the queries is none over what is attended to.
// IR-LABEL: func @softmax_over_queries
// IR-NOT: stamp
func.func @softmax_over_queries(%q: tensor<4x8xf32>, %k: tensor<16x8xf32>, %v: tensor<16x8xf32>, %s0: tensor<4x16xf32>, %y0: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}it multiplies two activations
  %s = linalg.matmul indexing_maps = [#l, #t, #r] ins(%q, %k : tensor<4x8xf32>, tensor<16x8xf32>) outs(%s0 : tensor<4x16xf32>) -> tensor<4x16xf32>
  %p = linalg.softmax dimension(0) ins(%s : tensor<4x16xf32>) outs(%s0 : tensor<4x16xf32>) -> tensor<4x16xf32>
  // CHECK: [[@LINE+1]]:{{[0-9]+}}: remark: [Missed] {{.*}}it multiplies two activations
  %y = linalg.matmul ins(%p, %v : tensor<4x16xf32>, tensor<16x8xf32>) outs(%y0 : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// A linear is none of this pass's business.
// IR-LABEL: func @linear
// IR-NOT: stamp
func.func @linear(%x: tensor<16x8xf32>, %y0: tensor<16x8xf32>) -> tensor<16x8xf32> {
  %w = arith.constant dense<1.0> : tensor<8x8xf32>
  %y = linalg.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x8xf32>) outs(%y0 : tensor<16x8xf32>) -> tensor<16x8xf32>
  return %y : tensor<16x8xf32>
}

// CHECK: remark: [Analysis] {{.*}}attentions=5, left=8, quantized=2
