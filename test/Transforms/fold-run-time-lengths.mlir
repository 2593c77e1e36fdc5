// RUN: stamp-opt %s --stamp-quantize --stamp-fold | FileCheck %s
// What is folded stays as it is:
// RUN: stamp-opt %s --stamp-quantize --stamp-fold -o %t
// RUN: stamp-opt %t --stamp-fold | diff %t -
// and every function computes what it did:
// RUN: stamp-opt %s --stamp-quantize -o %t.unfolded
// RUN: stamp-validate %t.unfolded | FileCheck %s --check-prefix=VALID
// VALID: 3 agree, 0 differ, 0 not run

#tokens = affine_map<(b, s, n, k) -> (b, s, k)>
#weight = affine_map<(b, s, n, k) -> (k, n)>
#result = affine_map<(b, s, n, k) -> (b, s, n)>
#plan = #stamp.plan<basis = #stamp.haar<levels = 2>, activations = #stamp.schedule<[2 : 8], 4>, weight_bits = 4>
#long = #stamp.plan<basis = #stamp.min_tokens<4, #stamp.haar<levels = 2>>, activations = #stamp.schedule<[2 : 8], 4, min_tokens = 4>, weight_bits = 4>
#longer = #stamp.plan<basis = #stamp.min_tokens<8, #stamp.haar<levels = 2>>, activations = #stamp.schedule<[2 : 8], 4, min_tokens = 4>, weight_bits = 4>

// The linears of one batch share, cancel and sink their transforms: left are one
// in front and one behind.
// CHECK-LABEL: func @padded
//  CHECK-SAME:   %{{.*}}: tensor<2x8x8xf32> {{{.*}}}, %[[N:.*]]: tensor<2xi32>,
//       CHECK:   stamp.transform #stamp.haar<levels = 2> along 1 lengths(%[[N]] : tensor<2xi32>)
//       CHECK:   stamp.quantize {{.*}} lengths(%[[N]] : tensor<2xi32>)
//       CHECK:   stamp.rescale
//   CHECK-NOT:   transform
//       CHECK:   stamp.rescale
//       CHECK:   stamp.quantize {{.*}} lengths(%[[N]] : tensor<2xi32>)
//   CHECK-NOT:   transform
//       CHECK:   stamp.rescale
//       CHECK:   stamp.inverse_transform #stamp.haar<levels = 2> along 1 lengths(%[[N]] : tensor<2xi32>)
//   CHECK-NOT:   stamp
func.func @padded(%x: tensor<2x8x8xf32> {stamp.padded = #stamp.padded<along = 1, lengths = 1>}, %n: tensor<2xi32>, %w: tensor<8x8xf32>, %v: tensor<8x8xf32>) -> tensor<2x8x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x8x8xf32>
  %q = linalg.contract indexing_maps = [#tokens, #weight, #result] {stamp.plan = #plan}
    ins(%x, %w : tensor<2x8x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %k = linalg.contract indexing_maps = [#tokens, #weight, #result] {stamp.plan = #plan}
    ins(%x, %v : tensor<2x8x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %s = linalg.add ins(%q, %k : tensor<2x8x8xf32>, tensor<2x8x8xf32>) outs(%zero : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  %y = linalg.contract indexing_maps = [#tokens, #weight, #result] {stamp.plan = #plan}
    ins(%s, %w : tensor<2x8x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  return %y : tensor<2x8x8xf32>
}

// Equal minima cancel,
// CHECK-LABEL: func @one_minimum
//       CHECK:   stamp.transform #stamp.min_tokens<4, #stamp.haar<levels = 2>> along 0
//       CHECK:   stamp.rescale
//   CHECK-NOT:   transform
//       CHECK:   stamp.rescale
//       CHECK:   stamp.inverse_transform #stamp.min_tokens<4, #stamp.haar<levels = 2>> along 0
func.func @one_minimum(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %a = linalg.matmul {stamp.plan = #long} ins(%x, %w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = linalg.matmul {stamp.plan = #long} ins(%a, %w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// others do not.
// CHECK-LABEL: func @two_minima
//       CHECK:   stamp.transform #stamp.min_tokens<4,
//       CHECK:   stamp.inverse_transform #stamp.min_tokens<4,
//       CHECK:   stamp.transform #stamp.min_tokens<8,
//       CHECK:   stamp.inverse_transform #stamp.min_tokens<8,
func.func @two_minima(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %a = linalg.matmul {stamp.plan = #long} ins(%x, %w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = linalg.matmul {stamp.plan = #longer} ins(%a, %w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
