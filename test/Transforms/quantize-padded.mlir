// RUN: stamp-opt %s --stamp-quantize --remarks-filter="stamp.*" --remark-format=emitRemark 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --implicit-check-not=remark: --input-file=%t

#plan = #stamp.plan<basis = #stamp.dct, activations = #stamp.schedule<[], 8>, weight_bits = 4>
#identity = #stamp.plan<basis = #stamp.identity, activations = #stamp.schedule<[], 8>, weight_bits = 4>
#padded = #stamp.padded<along = 1, lengths = 1>

#tokens = affine_map<(b, s, n, k) -> (b, s, k)>
#weight = affine_map<(b, s, n, k) -> (k, n)>
#result = affine_map<(b, s, n, k) -> (b, s, n)>
#across = affine_map<(b, s, n, k) -> (s, b, n)>

// All ops of a linear get the lengths.
//      CHECK-LABEL: func @linear
//       CHECK-SAME:   (%[[X:.*]]: tensor<4x?x8xf32> {{{.*}}}, %[[N:.*]]: tensor<4xi64>
//            CHECK:   stamp.transform #stamp.dct along 1 lengths(%[[N]] : tensor<4xi64>) ins(%[[X]] :
//            CHECK:   stamp.quantize #stamp.schedule<[], 8> along 1 over 2 lengths(%[[N]] : tensor<4xi64>)
//            CHECK:   stamp.inverse_transform #stamp.dct along 1 lengths(%[[N]] : tensor<4xi64>)
func.func @linear(%x: tensor<4x?x8xf32> {stamp.padded = #padded}, %n: tensor<4xi64>, %w: tensor<8x6xf32>, %e: tensor<4x?x6xf32>) -> tensor<4x?x6xf32> {
  // REMARK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize
  %y = linalg.contract indexing_maps = [#tokens, #weight, #result] {stamp.plan = #plan}
    ins(%x, %w : tensor<4x?x8xf32>, tensor<8x6xf32>) outs(%e : tensor<4x?x6xf32>) -> tensor<4x?x6xf32>
  return %y : tensor<4x?x6xf32>
}

// Behind a linear, elementwise ops, changes of shape, an attention's product over
// the tokens, and ops of the dialect itself.
// CHECK-LABEL: func @through_the_model
//       CHECK:   stamp.transform {{.*}} along 1 lengths(%arg1
//       CHECK:   stamp.inverse_transform {{.*}} along 1 lengths(%arg1
//       CHECK:   tanh
//       CHECK:   stamp.quantize {{.*}} along 1 over 2 lengths(%arg1
//       CHECK:   linalg.batch_matmul
//       CHECK:   arith.addf
//       CHECK:   stamp.quantize {{.*}} along 1 over 2 lengths(%arg1
//       CHECK:   stamp.feature_transform
//       CHECK:   tensor.expand_shape
//       CHECK:   tensor.collapse_shape
//       CHECK:   tensor.insert_slice
//       CHECK:   stamp.quantize {{.*}} along 1 over 2 lengths(%arg1
func.func @through_the_model(%x: tensor<4x13x8xf32> {stamp.padded = #padded}, %n: tensor<4xi32>, %w: tensor<8x8xf32>, %v: tensor<16x8xf32>, %p: tensor<4x13x13xf32>, %e: tensor<4x13x8xf32>) -> tensor<4x13x8xf32> {
  // REMARK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize
  %a = linalg.contract indexing_maps = [#tokens, #weight, #result] {stamp.plan = #plan}
    ins(%x, %w : tensor<4x13x8xf32>, tensor<8x8xf32>) outs(%e : tensor<4x13x8xf32>) -> tensor<4x13x8xf32>
  %b = math.tanh %a : tensor<4x13x8xf32>
  // REMARK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize
  %c = linalg.contract indexing_maps = [#tokens, #weight, #result] {stamp.plan = #identity}
    ins(%b, %w : tensor<4x13x8xf32>, tensor<8x8xf32>) outs(%e : tensor<4x13x8xf32>) -> tensor<4x13x8xf32>
  %s = linalg.batch_matmul ins(%p, %c : tensor<4x13x13xf32>, tensor<4x13x8xf32>) outs(%e : tensor<4x13x8xf32>) -> tensor<4x13x8xf32>
  %d = arith.addf %s, %b : tensor<4x13x8xf32>
  // REMARK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize
  %f = linalg.contract indexing_maps = [#tokens, #weight, #result] {stamp.plan = #identity}
    ins(%d, %w : tensor<4x13x8xf32>, tensor<8x8xf32>) outs(%e : tensor<4x13x8xf32>) -> tensor<4x13x8xf32>
  %r = stamp.feature_transform #stamp.hadamard over 2 ins(%f : tensor<4x13x8xf32>) outs(%e : tensor<4x13x8xf32>)
  %g = tensor.expand_shape %r [[0], [1], [2, 3]] output_shape [4, 13, 1, 8] : tensor<4x13x8xf32> into tensor<4x13x1x8xf32>
  %h = tensor.collapse_shape %g [[0], [1], [2, 3]] : tensor<4x13x1x8xf32> into tensor<4x13x8xf32>
  %o = tensor.empty() : tensor<4x13x16xf32>
  %i = tensor.insert_slice %h into %o[0, 0, 8] [4, 13, 8] [1, 1, 1] : tensor<4x13x8xf32> into tensor<4x13x16xf32>
  // REMARK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize
  %y = linalg.contract indexing_maps = [#tokens, #weight, #result] {stamp.plan = #identity}
    ins(%i, %v : tensor<4x13x16xf32>, tensor<16x8xf32>) outs(%e : tensor<4x13x8xf32>) -> tensor<4x13x8xf32>
  return %y : tensor<4x13x8xf32>
}

// One length for all, and the encoder's and the decoder's of one batch.
// CHECK-LABEL: func @two_lengths
//       CHECK:   stamp.quantize {{.*}} lengths(%arg2 : tensor<4xindex>)
//       CHECK:   stamp.quantize {{.*}} lengths(%arg3 : tensor<index>)
//       CHECK:   stamp.quantize {{.*}} lengths(%arg2 : tensor<4xindex>)
func.func @two_lengths(%x: tensor<4x5x8xf32> {stamp.padded = #stamp.padded<along = 1, lengths = 2>},
                       %z: tensor<4x7x8xf32> {stamp.padded = #stamp.padded<along = 1, lengths = 3>},
                       %n: tensor<4xindex>, %m: tensor<index>, %w: tensor<8x8xf32>, %e: tensor<4x5x8xf32>, %f: tensor<4x7x8xf32>, %g: tensor<4x5x7xf32>)
    -> (tensor<4x5x8xf32>, tensor<4x5x8xf32>) {
  // REMARK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize
  %q = linalg.contract indexing_maps = [#tokens, #weight, #result] {stamp.plan = #identity}
    ins(%x, %w : tensor<4x5x8xf32>, tensor<8x8xf32>) outs(%e : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  // REMARK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize
  %k = linalg.contract indexing_maps = [#tokens, #weight, #result] {stamp.plan = #identity}
    ins(%z, %w : tensor<4x7x8xf32>, tensor<8x8xf32>) outs(%f : tensor<4x7x8xf32>) -> tensor<4x7x8xf32>
  %t = linalg.batch_matmul indexing_maps = [affine_map<(b, i, j, k) -> (b, i, k)>, affine_map<(b, i, j, k) -> (b, j, k)>, affine_map<(b, i, j, k) -> (b, i, j)>]
    ins(%q, %k : tensor<4x5x8xf32>, tensor<4x7x8xf32>) outs(%g : tensor<4x5x7xf32>) -> tensor<4x5x7xf32>
  %a = linalg.batch_matmul ins(%t, %k : tensor<4x5x7xf32>, tensor<4x7x8xf32>) outs(%e : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  // REMARK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize
  %y = linalg.contract indexing_maps = [#tokens, #weight, #result] {stamp.plan = #identity}
    ins(%a, %w : tensor<4x5x8xf32>, tensor<8x8xf32>) outs(%e : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return %q, %y : tensor<4x5x8xf32>, tensor<4x5x8xf32>
}

// What is not followed is transformed with its padding, and said.
//     CHECK-LABEL: func @joined_with_the_batch
// CHECK-NOT: lengths(
func.func @joined_with_the_batch(%x: tensor<4x5x8xf32> {stamp.padded = #padded}, %n: tensor<4xi64>, %w: tensor<8x6xf32>, %e: tensor<20x6xf32>) -> tensor<20x6xf32> {
  %c = tensor.collapse_shape %x [[0, 1], [2]] : tensor<4x5x8xf32> into tensor<20x8xf32>
  // REMARK-DAG: [[@LINE+2]]:{{[0-9]+}}: remark: [Missed] Quantize | Category:stamp-quantize | Reason="padding counts as tokens: its sequence is not followed from a padded argument; give its lengths to the stamp ops themselves"
  // REMARK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize
  %y = linalg.matmul {stamp.plan = #plan} ins(%c, %w : tensor<20x8xf32>, tensor<8x6xf32>) outs(%e : tensor<20x6xf32>) -> tensor<20x6xf32>
  return %y : tensor<20x6xf32>
}

// CHECK-LABEL: func @behind_its_sequence
//   CHECK-NOT:   lengths(
func.func @behind_its_sequence(%x: tensor<4x5x8xf32> {stamp.padded = #padded}, %n: tensor<4xi64>, %w: tensor<8x6xf32>, %e: tensor<5x4x6xf32>) -> tensor<5x4x6xf32> {
  // REMARK-DAG: [[@LINE+2]]:{{[0-9]+}}: remark: [Missed] {{.*}}padding counts as tokens: the dimensions that the lengths are for do not stand first; give
  // REMARK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize
  %y = linalg.contract indexing_maps = [#tokens, #weight, #across] {stamp.plan = #plan}
    ins(%x, %w : tensor<4x5x8xf32>, tensor<8x6xf32>) outs(%e : tensor<5x4x6xf32>) -> tensor<5x4x6xf32>
  return %y : tensor<5x4x6xf32>
}

// CHECK-LABEL: func @sum_of_different_lengths
//   CHECK-NOT:   lengths(
func.func @sum_of_different_lengths(%x: tensor<4x5x8xf32> {stamp.padded = #stamp.padded<along = 1, lengths = 2>},
                                    %z: tensor<4x5x8xf32> {stamp.padded = #stamp.padded<along = 1, lengths = 3>},
                                    %n: tensor<4xi64>, %m: tensor<4xi64>, %w: tensor<8x6xf32>, %e: tensor<4x5x6xf32>) -> tensor<4x5x6xf32> {
  %s = arith.addf %x, %z : tensor<4x5x8xf32>
  // REMARK-DAG: [[@LINE+2]]:{{[0-9]+}}: remark: [Missed] {{.*}}padding counts as tokens: its sequences have the lengths of two arguments; give
  // REMARK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize
  %y = linalg.contract indexing_maps = [#tokens, #weight, #result] {stamp.plan = #plan}
    ins(%s, %w : tensor<4x5x8xf32>, tensor<8x6xf32>) outs(%e : tensor<4x5x6xf32>) -> tensor<4x5x6xf32>
  return %y : tensor<4x5x6xf32>
}

// CHECK-LABEL: func @longer_by_a_token
//   CHECK-NOT:   lengths(
func.func @longer_by_a_token(%x: tensor<4x5x8xf32> {stamp.padded = #padded}, %n: tensor<4xi64>, %c: tensor<4x6x8xf32>, %w: tensor<8x6xf32>, %e: tensor<4x6x6xf32>) -> tensor<4x6x6xf32> {
  %s = tensor.insert_slice %x into %c[0, 1, 0] [4, 5, 8] [1, 1, 1] : tensor<4x5x8xf32> into tensor<4x6x8xf32>
  // REMARK-DAG: [[@LINE+2]]:{{[0-9]+}}: remark: [Missed] {{.*}}padding counts as tokens: its sequence is not followed from a padded argument; give
  // REMARK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize
  %y = linalg.contract indexing_maps = [#tokens, #weight, #result] {stamp.plan = #plan}
    ins(%s, %w : tensor<4x6x8xf32>, tensor<8x6xf32>) outs(%e : tensor<4x6x6xf32>) -> tensor<4x6x6xf32>
  return %y : tensor<4x6x6xf32>
}

// CHECK-LABEL: func @pixels
//   CHECK-NOT:   lengths(
func.func @pixels(%x: tensor<4x5x5x8xf32> {stamp.padded = #padded}, %n: tensor<4xi64>, %w: tensor<1x1x8x6xf32>, %e: tensor<4x5x5x6xf32>) -> tensor<4x5x5x6xf32> {
  // REMARK-DAG: [[@LINE+2]]:{{[0-9]+}}: remark: [Missed] {{.*}}padding counts as tokens: its tokens are the pixels of a grid; give
  // REMARK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize
  %y = linalg.conv_2d_nhwc_hwcf {stamp.plan = #plan} ins(%x, %w : tensor<4x5x5x8xf32>, tensor<1x1x8x6xf32>) outs(%e : tensor<4x5x5x6xf32>) -> tensor<4x5x5x6xf32>
  return %y : tensor<4x5x5x6xf32>
}

// A batch that run time counts may have as many sequences as there are lengths; one
// that is cast to another number surely has not.
// CHECK-LABEL: func @unknown_batch
//       CHECK:   stamp.transform #stamp.dct along 1 lengths(%arg1 : tensor<4xi64>) ins(%arg0 : tensor<?x5x8xf32>)
func.func @unknown_batch(%x: tensor<?x5x8xf32> {stamp.padded = #padded}, %n: tensor<4xi64>, %w: tensor<8x6xf32>, %e: tensor<?x5x6xf32>) -> tensor<?x5x6xf32> {
  // REMARK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize
  %y = linalg.contract indexing_maps = [#tokens, #weight, #result] {stamp.plan = #plan}
    ins(%x, %w : tensor<?x5x8xf32>, tensor<8x6xf32>) outs(%e : tensor<?x5x6xf32>) -> tensor<?x5x6xf32>
  return %y : tensor<?x5x6xf32>
}

// CHECK-LABEL: func @another_batch
//   CHECK-NOT:   lengths(
func.func @another_batch(%x: tensor<?x5x8xf32> {stamp.padded = #padded}, %n: tensor<4xi64>, %w: tensor<8x6xf32>, %e: tensor<3x5x6xf32>) -> tensor<3x5x6xf32> {
  %c = tensor.cast %x : tensor<?x5x8xf32> to tensor<3x5x8xf32>
  // REMARK-DAG: [[@LINE+2]]:{{[0-9]+}}: remark: [Missed] {{.*}}padding counts as tokens: there is not one length for each of its sequences; give
  // REMARK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize
  %y = linalg.contract indexing_maps = [#tokens, #weight, #result] {stamp.plan = #plan}
    ins(%c, %w : tensor<3x5x8xf32>, tensor<8x6xf32>) outs(%e : tensor<3x5x6xf32>) -> tensor<3x5x6xf32>
  return %y : tensor<3x5x6xf32>
}

// What goes around in a loop is not followed.
// CHECK-LABEL: func @around_in_a_loop
//   CHECK-NOT:   lengths(
func.func @around_in_a_loop(%x: tensor<4x5x8xf32> {stamp.padded = #padded}, %n: tensor<4xi64>, %w: tensor<8x8xf32>, %e: tensor<4x5x8xf32>, %turns: index) -> tensor<4x5x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %turns step %c1 iter_args(%h = %x) -> tensor<4x5x8xf32> {
    // REMARK-DAG: [[@LINE+2]]:{{[0-9]+}}: remark: [Missed] {{.*}}padding counts as tokens: its sequence is not followed from a padded argument; give
    // REMARK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize
    %y = linalg.contract indexing_maps = [#tokens, #weight, #result] {stamp.plan = #plan}
      ins(%h, %w : tensor<4x5x8xf32>, tensor<8x8xf32>) outs(%e : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
    scf.yield %y : tensor<4x5x8xf32>
  }
  return %r : tensor<4x5x8xf32>
}

// Nothing is said where nobody spoke of padding.
// CHECK-LABEL: func @not_padded
//   CHECK-NOT:   lengths(
func.func @not_padded(%x: tensor<4x5x8xf32>, %n: tensor<4xi64>, %w: tensor<8x6xf32>, %e: tensor<4x5x6xf32>) -> tensor<4x5x6xf32> {
  // REMARK-DAG: [[@LINE+1]]:{{[0-9]+}}: remark: [Passed] Quantize
  %y = linalg.contract indexing_maps = [#tokens, #weight, #result] {stamp.plan = #plan}
    ins(%x, %w : tensor<4x5x8xf32>, tensor<8x6xf32>) outs(%e : tensor<4x5x6xf32>) -> tensor<4x5x6xf32>
  return %y : tensor<4x5x6xf32>
}

func.func private @padded_declaration(tensor<4x?x8xf32> {stamp.padded = #padded}, tensor<4xi64>)

// REMARK-DAG: remark: [Analysis] Quantize | Category:stamp-quantize | quantized=17
