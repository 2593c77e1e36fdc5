// RUN: stamp-opt %s --stamp-to-linalg --canonicalize --cse | FileCheck %s --implicit-check-not="= stamp." --implicit-check-not=fastmath
// What comes out needs no more of us: stock tools read it.
// RUN: stamp-opt %s --stamp-to-linalg | mlir-opt | FileCheck %s --check-prefix=STOCK

// STOCK: func @identity_that_widens

// CHECK-LABEL: func private @padded_argument(tensor<?x8xf32>, tensor<i64>)
func.func private @padded_argument(tensor<?x8xf32> {stamp.padded = #stamp.padded<along = 0, lengths = 1>}, tensor<i64>)

//===----------------------------------------------------------------------===//
// Types around a transform: narrow in, f32 between, narrow out
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @identity_that_widens
//       CHECK:   arith.extf %{{.*}} : f16 to f32
//       CHECK:   return %{{.*}} : tensor<8x4xf32>
func.func @identity_that_widens(%x: tensor<8x4xf16>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %t = stamp.transform #stamp.identity along 0 ins(%x : tensor<8x4xf16>) outs(%e : tensor<8x4xf32>)
  return %t : tensor<8x4xf32>
}

// CHECK-LABEL: func @half_in_and_bfloat_out
//       CHECK:   arith.extf %{{.*}} : f16 to f32
//       CHECK:   arith.addf %{{.*}}, %{{.*}} : f32
//       CHECK:   arith.truncf %{{.*}} : f32 to bf16
func.func @half_in_and_bfloat_out(%x: tensor<8x4xf16>, %e: tensor<8x4xbf16>) -> tensor<8x4xbf16> {
  %t = stamp.transform #stamp.haar<levels = 1> along 0 ins(%x : tensor<8x4xf16>) outs(%e : tensor<8x4xbf16>)
  return %t : tensor<8x4xbf16>
}

// The result keeps the init's type, whatever is known about the input's.
// CHECK-LABEL: func @static_input_dynamic_init
//       CHECK:   %[[Y:.*]] = tensor.cast %{{.*}} : tensor<8x4xf32> to tensor<?x4xf32>
//       CHECK:   return %[[Y]]
func.func @static_input_dynamic_init(%x: tensor<8x4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %t = stamp.transform #stamp.haar<levels = 1> along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<?x4xf32>)
  return %t : tensor<?x4xf32>
}

// CHECK-LABEL: func @dynamic_input_static_init
//       CHECK:   return %{{.*}} : tensor<8x4xf32>
func.func @dynamic_input_static_init(%x: tensor<?x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %t = stamp.transform #stamp.wht along 0 ins(%x : tensor<?x4xf32>) outs(%e : tensor<8x4xf32>)
  return %t : tensor<8x4xf32>
}

//===----------------------------------------------------------------------===//
// Haar
//===----------------------------------------------------------------------===//

// Even and odd tokens give the coarse and the detail half; the odd last token
// passes into the coarse half: [a₁ x₄ d₁].
// CHECK-LABEL: func @haar_level
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<2x5x4xf32>
//       CHECK:   %[[C:.*]] = arith.constant 0.707106769 : f32
//   CHECK-DAG:   %[[EVEN:.*]] = tensor.extract_slice %[[X]][0, 0, 0] [2, 2, 4] [1, 2, 1]
//   CHECK-DAG:   %[[ODD:.*]] = tensor.extract_slice %[[X]][0, 1, 0] [2, 2, 4] [1, 2, 1]
//       CHECK:   %[[STEP:.*]]:2 = linalg.generic {{.*}} ins(%[[EVEN]], %[[ODD]] :
//       CHECK:   ^bb0(%[[A:[^:]*]]: f32, %[[B:[^:]*]]: f32,
//       CHECK:     %[[SUM:.*]] = arith.addf %[[A]], %[[B]] : f32
//       CHECK:     %[[COARSE:.*]] = arith.mulf %[[SUM]], %[[C]] : f32
//       CHECK:     %[[DIFFERENCE:.*]] = arith.subf %[[A]], %[[B]] : f32
//       CHECK:     %[[DETAIL:.*]] = arith.mulf %[[DIFFERENCE]], %[[C]] : f32
//       CHECK:     linalg.yield %[[COARSE]], %[[DETAIL]]
//   CHECK-DAG:   tensor.extract_slice %[[X]][0, 4, 0] [2, 1, 4] [1, 1, 1]
//   CHECK-DAG:   tensor.insert_slice %[[STEP]]#1 into %{{.*}}[0, 3, 0] [2, 2, 4] [1, 1, 1]
//       CHECK:   return
func.func @haar_level(%x: tensor<2x5x4xf32>, %e: tensor<2x5x4xf32>) -> tensor<2x5x4xf32> {
  %t = stamp.transform #stamp.haar<levels = 1> along 1 ins(%x : tensor<2x5x4xf32>) outs(%e : tensor<2x5x4xf32>)
  return %t : tensor<2x5x4xf32>
}

// A static length has only as many levels as it can halve: 5 → 3 → 2 → 1.
// CHECK-LABEL: func @haar_levels_end_at_one_token
// CHECK-COUNT-3: linalg.generic
//   CHECK-NOT:   linalg.generic
//       CHECK:   return
func.func @haar_levels_end_at_one_token(%x: tensor<5x4xf32>, %e: tensor<5x4xf32>) -> tensor<5x4xf32> {
  %t = stamp.transform #stamp.haar<levels = 30> along 0 ins(%x : tensor<5x4xf32>) outs(%e : tensor<5x4xf32>)
  return %t : tensor<5x4xf32>
}

// CHECK-LABEL: func @haar_of_one_token
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<1x4xf32>
//       CHECK:   return %[[X]]
func.func @haar_of_one_token(%x: tensor<1x4xf32>, %e: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %t = stamp.transform #stamp.haar<levels = 30> along 0 ins(%x : tensor<1x4xf32>) outs(%e : tensor<1x4xf32>)
  return %t : tensor<1x4xf32>
}

// A dynamic one loops over them.
// CHECK-LABEL: func @haar_of_any_length
//       CHECK:   %[[LEVELS:.*]] = arith.constant 30 : index
//       CHECK:   scf.for %{{.*}} = %{{.*}} to %[[LEVELS]] step
//       CHECK:     arith.ceildivui
//       CHECK:     linalg.generic
func.func @haar_of_any_length(%x: tensor<?x4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %t = stamp.inverse_transform #stamp.haar<levels = 30> along 0 ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  return %t : tensor<?x4xf32>
}

// Skipped tokens are cut off in front and put back.
// CHECK-LABEL: func @skipped_token
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<5x4xf32>
//       CHECK:   tensor.extract_slice %[[X]][{{[1-2]}}, 0]
//       CHECK:   tensor.insert_slice %{{.*}} into %[[X]][1, 0] [4, 4] [1, 1]
func.func @skipped_token(%x: tensor<5x4xf32>, %e: tensor<5x4xf32>) -> tensor<5x4xf32> {
  %t = stamp.transform #stamp.haar<levels = 1, skip = 1> along 0 ins(%x : tensor<5x4xf32>) outs(%e : tensor<5x4xf32>)
  return %t : tensor<5x4xf32>
}

// CHECK-LABEL: func @skip_that_may_be_longer_than_the_sequence
//       CHECK:   affine.min
//       CHECK:   tensor.extract_slice
//       CHECK:   tensor.insert_slice
func.func @skip_that_may_be_longer_than_the_sequence(%x: tensor<?x4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %t = stamp.transform #stamp.dct<skip = 3> along 0 ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  return %t : tensor<?x4xf32>
}

//===----------------------------------------------------------------------===//
// Grids and matrices, which are of one length
//===----------------------------------------------------------------------===//

// CHECK-LABEL: func @grid_that_fits
//       CHECK:   tensor.expand_shape %{{.*}} {{\[\[}}0], [1, 2], [3]] output_shape [2, 2, 3, 4]
//       CHECK:   tensor.collapse_shape
func.func @grid_that_fits(%x: tensor<2x6x4xf32>, %e: tensor<2x6x4xf32>) -> tensor<2x6x4xf32> {
  %t = stamp.transform #stamp.haar2d<levels = 2, grid = 2x3> along 1 ins(%x : tensor<2x6x4xf32>) outs(%e : tensor<2x6x4xf32>)
  return %t : tensor<2x6x4xf32>
}

// CHECK-LABEL: func @grid_that_does_not_fit
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<7x4xf32>
//       CHECK:   return %[[X]]
func.func @grid_that_does_not_fit(%x: tensor<7x4xf32>, %e: tensor<7x4xf32>) -> tensor<7x4xf32> {
  %t = stamp.transform #stamp.haar2d<levels = 2, grid = 2x3> along 0 ins(%x : tensor<7x4xf32>) outs(%e : tensor<7x4xf32>)
  return %t : tensor<7x4xf32>
}

// CHECK-LABEL: func @grid_that_may_fit
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<?x4xf32>
//   CHECK-DAG:   %[[C6:.*]] = arith.constant 6 : index
//       CHECK:   %[[FITS:.*]] = arith.cmpi eq, %{{.*}}, %[[C6]] : index
//       CHECK:   scf.if %[[FITS]] -> (tensor<?x4xf32>)
//       CHECK:   else
//       CHECK:     scf.yield %[[X]]
func.func @grid_that_may_fit(%x: tensor<?x4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %t = stamp.transform #stamp.haar2d<levels = 2, grid = 2x3> along 0 ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  return %t : tensor<?x4xf32>
}

// L = M; without an inverse of its own L⁻¹ = Mᵀ, and the same M is read the
// other way round.
// CHECK-LABEL: func @orthonormal_matrix
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<2x4xf32>
//   CHECK-DAG:   %[[M:.*]] = arith.constant dense<{{\[}}[6.000000e-01, 8.000000e-01], [-8.000000e-01, 6.000000e-01]]> : tensor<2x2xf32>
//       CHECK:   %[[T:.*]] = linalg.generic {indexing_maps = [#[[MAP:map[0-9]*]], {{.*}} ins(%[[M]], %[[X]] :
//   CHECK-NOT:   indexing_maps = [#[[MAP]],
//       CHECK:   linalg.generic {{.*}} ins(%[[M]], %[[T]] :
func.func @orthonormal_matrix(%x: tensor<2x4xf32>, %e: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %t = stamp.transform #stamp.matrix<dense<[[0.6, 0.8], [-0.8, 0.6]]> : tensor<2x2xf32>> along 0
    ins(%x : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>)
  %y = stamp.inverse_transform #stamp.matrix<dense<[[0.6, 0.8], [-0.8, 0.6]]> : tensor<2x2xf32>> along 0
    ins(%t : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>)
  return %y : tensor<2x4xf32>
}

// CHECK-LABEL: func @matrix_with_an_inverse
//   CHECK-DAG:   %[[M:.*]] = arith.constant dense<{{\[}}[1.000000e+00, 1.000000e+00], [0.000000e+00, 1.000000e+00]]>
//   CHECK-DAG:   %[[INVERSE:.*]] = arith.constant dense<{{\[}}[1.000000e+00, -1.000000e+00], [0.000000e+00, 1.000000e+00]]>
//       CHECK:   %[[T:.*]] = linalg.generic {indexing_maps = [#[[MAP:map[0-9]*]], {{.*}} ins(%[[M]], %{{.*}} :
//       CHECK:   linalg.generic {indexing_maps = [#[[MAP]], {{.*}} ins(%[[INVERSE]], %[[T]] :
func.func @matrix_with_an_inverse(%x: tensor<2x4xf32>, %e: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %t = stamp.transform #stamp.matrix<dense<[[1.0, 1.0], [0.0, 1.0]]> : tensor<2x2xf32>, inverse = dense<[[1.0, -1.0], [0.0, 1.0]]> : tensor<2x2xf32>> along 0
    ins(%x : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>)
  %y = stamp.inverse_transform #stamp.matrix<dense<[[1.0, 1.0], [0.0, 1.0]]> : tensor<2x2xf32>, inverse = dense<[[1.0, -1.0], [0.0, 1.0]]> : tensor<2x2xf32>> along 0
    ins(%t : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>)
  return %y : tensor<2x4xf32>
}

//===----------------------------------------------------------------------===//
// Too few tokens
//===----------------------------------------------------------------------===//

// Run time decides; a skipped token counts as one.
// CHECK-LABEL: func @min_tokens
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<?x4xf32>
//       CHECK:   %[[LEAST:.*]] = arith.constant 7 : index
//       CHECK:   %[[OTHERS:.*]] = tensor.extract_slice %[[X]]
//       CHECK:   %[[IS_LONG:.*]] = arith.cmpi sge, %{{.*}}, %[[LEAST]] : index
//       CHECK:   %[[T:.*]] = scf.if %[[IS_LONG]]
//       CHECK:     linalg.generic
//       CHECK:   } else {
//  CHECK-NEXT:     scf.yield %[[OTHERS]]
//       CHECK:   tensor.insert_slice %[[T]] into %[[X]]
func.func @min_tokens(%x: tensor<?x4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %t = stamp.transform #stamp.min_tokens<8, #stamp.haar<levels = 2, skip = 1>> along 0 ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  return %t : tensor<?x4xf32>
}

// A static one has decided.
// CHECK-LABEL: func @min_tokens_of_a_static_length
//   CHECK-NOT:   scf.if
//       CHECK:   linalg.generic
func.func @min_tokens_of_a_static_length(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %t = stamp.transform #stamp.min_tokens<8, #stamp.haar<levels = 2, skip = 1>> along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %t : tensor<8x4xf32>
}

// Every segment of a short sequence ends where it ends.
// CHECK-LABEL: func @schedule_of_few_tokens
//       CHECK:   %[[S:.*]] = tensor.dim
//       CHECK:   %[[END:.*]] = arith.minsi %[[S]], %{{.*}} : index
//       CHECK:   %[[IS_SHORT:.*]] = arith.cmpi slt, %[[S]], %{{.*}} : index
//       CHECK:   %[[OWN:.*]] = arith.select %[[IS_SHORT]], %[[S]], %[[END]] : index
//       CHECK:   arith.cmpi ult, %{{.*}}, %[[OWN]] : index
func.func @schedule_of_few_tokens(%x: tensor<?x4xf32>, %q: tensor<?x4xi8>, %s: tensor<?xf32>, %z: tensor<?xi32>) -> tensor<?x4xi8> {
  %0:3 = stamp.quantize #stamp.schedule<[2 : 8], 4, min_tokens = 8> along 0 over 1
      ins(%x : tensor<?x4xf32>) outs(%q, %s, %z : tensor<?x4xi8>, tensor<?xf32>, tensor<?xi32>)
  return %0#0 : tensor<?x4xi8>
}

//===----------------------------------------------------------------------===//
// DCT and WHT
//===----------------------------------------------------------------------===//

// One period of the cosines is a constant; a dynamic length computes it.
// CHECK-LABEL: func @dct
//       CHECK:   arith.constant dense<{{.*}}> : tensor<32xf64>
//   CHECK-NOT:   math.cos
//       CHECK:   arith.truncf %{{.*}} : f64 to f32
//       CHECK:   iterator_types = ["parallel", "parallel", "reduction"]
//       CHECK:     arith.mulf %{{.*}}, %{{.*}} : f32
//       CHECK:     arith.addf %{{.*}}, %{{.*}} : f32
func.func @dct(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %t : tensor<8x4xf32>
}

// CHECK-LABEL: func @dct_of_any_length
//       CHECK:   math.cos %{{.*}} : f64
//       CHECK:   math.sqrt %{{.*}} : f64
func.func @dct_of_any_length(%x: tensor<?x4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %t = stamp.transform #stamp.dct along 0 ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  return %t : tensor<?x4xf32>
}

// The rows of H₄ in sequency order are 0, 2, 3, 1; of H₂, behind them, 0, 1.
// CHECK-LABEL: func @wht
//       CHECK:   arith.constant dense<[0, 4, 2, 5, 3, 1]> : tensor<6xi32>
//       CHECK:   scf.for
//       CHECK:     arith.addf %{{.*}}, %{{.*}} : f32
//       CHECK:     arith.subf %{{.*}}, %{{.*}} : f32
//       CHECK:   arith.mulf %{{.*}}, %{{.*}} : f32
func.func @wht(%x: tensor<6x4xf32>, %e: tensor<6x4xf32>) -> tensor<6x4xf32> {
  %t = stamp.transform #stamp.wht along 0 ins(%x : tensor<6x4xf32>) outs(%e : tensor<6x4xf32>)
  return %t : tensor<6x4xf32>
}

// CHECK-LABEL: func @wht_of_any_length
//       CHECK:   math.ctlz
//       CHECK:   scf.for
func.func @wht_of_any_length(%x: tensor<?x4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %t = stamp.inverse_transform #stamp.wht along 0 ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  return %t : tensor<?x4xf32>
}

//===----------------------------------------------------------------------===//
// Quantizers
//===----------------------------------------------------------------------===//

// Rows run along dimension 2, features lie in front of them: the row's place is
// the second index of the scales, and the third of the codes.
// CHECK-LABEL: func @quantize_features_in_front
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<4x2x8xf16>, %[[EQ:[^:]*]]: tensor<4x2x8xi8>, %[[ES:[^:]*]]: tensor<2x8xf32>, %[[EZ:[^:]*]]: tensor<2x8xi32>)
//   CHECK-DAG:   %[[END:.*]] = arith.constant 3 : index
//   CHECK-DAG:   %[[STEPS8:.*]] = arith.constant 2.550000e+02 : f32
//   CHECK-DAG:   %[[STEPS4:.*]] = arith.constant 1.500000e+01 : f32
//       CHECK:   linalg.generic {{.*}} iterator_types = ["reduction", "parallel", "parallel"]} ins(%[[X]] :
//       CHECK:     arith.minimumf
//       CHECK:     arith.maximumf
//       CHECK:   linalg.generic {{.*}} outs(%[[ES]], %[[EZ]],
//       CHECK:     %[[ROW:.*]] = linalg.index 1 : index
//       CHECK:     %[[INSIDE:.*]] = arith.cmpi ult, %[[ROW]], %[[END]] : index
//       CHECK:     arith.select %[[INSIDE]], %[[STEPS8]], %[[STEPS4]] : f32
//       CHECK:     math.roundeven
//       CHECK:     arith.fptosi %{{.*}} : f32 to i32
//       CHECK:   linalg.generic {{.*}} ins(%[[X]], {{.*}} outs(%[[EQ]] :
//       CHECK:     math.roundeven
//       CHECK:     arith.fptosi %{{.*}} : f32 to i8
func.func @quantize_features_in_front(%x: tensor<4x2x8xf16>, %eq: tensor<4x2x8xi8>, %es: tensor<2x8xf32>, %ez: tensor<2x8xi32>)
    -> (tensor<4x2x8xi8>, tensor<2x8xf32>, tensor<2x8xi32>) {
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 2 over 0
      ins(%x : tensor<4x2x8xf16>) outs(%eq, %es, %ez : tensor<4x2x8xi8>, tensor<2x8xf32>, tensor<2x8xi32>)
  return %q#0, %q#1, %q#2 : tensor<4x2x8xi8>, tensor<2x8xf32>, tensor<2x8xi32>
}

// ⌊S/4⌋ rows have 6 bits: a product in f64, outside of all loops.
// CHECK-LABEL: func @schedule_of_any_length
//       CHECK:   %[[S:.*]] = arith.sitofp %{{.*}} : i64 to f64
//       CHECK:   %[[PART:.*]] = arith.mulf %[[S]], %{{.*}} : f64
//       CHECK:   %[[FLOOR:.*]] = arith.fptosi %[[PART]] : f64 to i64
//       CHECK:   %[[ROWS:.*]] = arith.index_cast %[[FLOOR]] : i64 to index
//       CHECK:   %[[END:.*]] = arith.minsi %[[ROWS]], %{{.*}} : index
//       CHECK:   linalg.generic
//       CHECK:   arith.cmpi ult, %{{.*}}, %[[END]] : index
func.func @schedule_of_any_length(%x: tensor<?x4xf32>, %eq: tensor<?x4xi8>, %es: tensor<?xf32>, %ez: tensor<?xi32>) -> tensor<?x4xi8> {
  %q:3 = stamp.quantize #stamp.schedule<[0.25 : 6], 4> along 0 over 1
      ins(%x : tensor<?x4xf32>) outs(%eq, %es, %ez : tensor<?x4xi8>, tensor<?xf32>, tensor<?xi32>)
  return %q#0 : tensor<?x4xi8>
}

// A tile's rows have the place and the schedule that they have in the sequence.
// CHECK-LABEL: func @quantize_rows
//  CHECK-SAME:   %[[FIRST:[^:,]*]]: index)
//       CHECK:   %[[END:.*]] = arith.constant 10 : index
//       CHECK:   %[[INDEX:.*]] = linalg.index 0 : index
//       CHECK:   %[[ROW:.*]] = arith.addi %[[FIRST]], %[[INDEX]] : index
//       CHECK:   arith.cmpi ult, %[[ROW]], %[[END]] : index
func.func @quantize_rows(%x: tensor<8x4xf32>, %eq: tensor<8x4xi8>, %es: tensor<8xf32>, %ez: tensor<8xi32>, %first: index) -> tensor<8x4xi8> {
  %total = arith.constant 40 : index
  %q:3 = stamp.quantize #stamp.schedule<[0.25 : 6], 4> along 0 over 1 rows at %first of %total
      ins(%x : tensor<8x4xf32>) outs(%eq, %es, %ez : tensor<8x4xi8>, tensor<8xf32>, tensor<8xi32>)
  return %q#0 : tensor<8x4xi8>
}

// Counts that add up beyond 64 bits are all rows, not none.
// CHECK-LABEL: func @rows_beyond_any_length
//   CHECK-NOT:   arith.constant -
//       CHECK:   arith.constant 2305843009213693952 : index
//   CHECK-NOT:   arith.constant -
//       CHECK:   return
func.func @rows_beyond_any_length(%x: tensor<?x4xf32>, %eq: tensor<?x4xi8>, %es: tensor<?xf32>, %ez: tensor<?xi32>) -> tensor<?x4xi8> {
  %q:3 = stamp.quantize #stamp.schedule<[9223372036854775807 : 6, 9223372036854775807 : 5], 4> along 0 over 1
      ins(%x : tensor<?x4xf32>) outs(%eq, %es, %ez : tensor<?x4xi8>, tensor<?xf32>, tensor<?xi32>)
  return %q#0 : tensor<?x4xi8>
}

// (q − z)·s, the difference in integers.
// CHECK-LABEL: func @dequantize
//       CHECK:   ^bb0(%[[Q:[^:]*]]: i8, %[[S:[^:]*]]: f32, %[[Z:[^:]*]]: i32, %{{.*}}: bf16):
//       CHECK:     %[[WIDE:.*]] = arith.extsi %[[Q]] : i8 to i32
//       CHECK:     %[[DIFFERENCE:.*]] = arith.subi %[[WIDE]], %[[Z]] : i32
//       CHECK:     %[[FLOAT:.*]] = arith.sitofp %[[DIFFERENCE]] : i32 to f32
//       CHECK:     %[[Y:.*]] = arith.mulf %[[FLOAT]], %[[S]] : f32
//       CHECK:     arith.truncf %[[Y]] : f32 to bf16
func.func @dequantize(%q: tensor<8x4xi8>, %s: tensor<4xf32>, %z: tensor<4xi32>, %e: tensor<8x4xbf16>) -> tensor<8x4xbf16> {
  %y = stamp.dequantize over 0 ins(%q, %s, %z : tensor<8x4xi8>, tensor<4xf32>, tensor<4xi32>) outs(%e : tensor<8x4xbf16>)
  return %y : tensor<8x4xbf16>
}

// CHECK-LABEL: func @quantize_weight
//   CHECK-DAG:   %[[STEPS:.*]] = arith.constant 1.270000e+02 : f32
//       CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]}
//       CHECK:     math.absf
//       CHECK:     arith.maximumf
//       CHECK:   linalg.generic
//       CHECK:     arith.divf %{{.*}}, %[[STEPS]] : f32
//       CHECK:   linalg.generic
//       CHECK:     arith.divf
//       CHECK:     math.roundeven
//       CHECK:     arith.fptosi %{{.*}} : f32 to i8
//       CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]}
//       CHECK:     arith.extsi %{{.*}} : i8 to i32
//       CHECK:     arith.addi
func.func @quantize_weight(%w: tensor<2x4x8xf16>, %eq: tensor<2x4x8xi8>, %es: tensor<2x4xf32>, %ec: tensor<2x4xi32>)
    -> (tensor<2x4x8xi8>, tensor<2x4xf32>, tensor<2x4xi32>) {
  %q:3 = stamp.quantize_weight bits = 8 over 2
      ins(%w : tensor<2x4x8xf16>) outs(%eq, %es, %ec : tensor<2x4x8xi8>, tensor<2x4xf32>, tensor<2x4xi32>)
  return %q#0, %q#1, %q#2 : tensor<2x4x8xi8>, tensor<2x4xf32>, tensor<2x4xi32>
}

//===----------------------------------------------------------------------===//
// Rescale
//===----------------------------------------------------------------------===//

// (s_x·s_w)·float(acc − z·c) + l·b
// CHECK-LABEL: func @rescale
//       CHECK:   ^bb0(%[[ACC:[^:]*]]: i32, %[[SX:[^:]*]]: f32, %[[Z:[^:]*]]: i32, %[[SW:[^:]*]]: f32, %[[C:[^:]*]]: i32, %[[B:[^:]*]]: f16, %[[L:[^:]*]]: f32, %{{.*}}: f16):
//       CHECK:     %[[ZC:.*]] = arith.muli %[[Z]], %[[C]] : i32
//       CHECK:     %[[EXACT:.*]] = arith.subi %[[ACC]], %[[ZC]] : i32
//       CHECK:     %[[SCALE:.*]] = arith.mulf %[[SX]], %[[SW]] : f32
//       CHECK:     %[[FLOAT:.*]] = arith.sitofp %[[EXACT]] : i32 to f32
//       CHECK:     %[[XW:.*]] = arith.mulf %[[SCALE]], %[[FLOAT]] : f32
//       CHECK:     %[[WIDE:.*]] = arith.extf %[[B]] : f16 to f32
//       CHECK:     %[[SHARE:.*]] = arith.mulf %[[L]], %[[WIDE]] : f32
//       CHECK:     %[[Y:.*]] = arith.addf %[[XW]], %[[SHARE]] : f32
//       CHECK:     arith.truncf %[[Y]] : f32 to f16
func.func @rescale(%acc: tensor<?x4xi32>, %sx: tensor<?xf32>, %zx: tensor<?xi32>, %sw: tensor<4xf32>, %c: tensor<4xi32>,
                   %b: tensor<4xf16>, %l: tensor<?xf32>, %e: tensor<?x4xf16>) -> tensor<?x4xf16> {
  %y = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<?x4xi32>, tensor<?xf32>, tensor<?xi32>, tensor<4xf32>, tensor<4xi32>)
      bias(%b : tensor<4xf16>) spread(%l : tensor<?xf32>) outs(%e : tensor<?x4xf16>)
  return %y : tensor<?x4xf16>
}

// CHECK-LABEL: func @rescale_without_a_bias
//   CHECK-NOT:   arith.addf
//       CHECK:   return
func.func @rescale_without_a_bias(%acc: tensor<8x4xi32>, %sx: tensor<8xf32>, %zx: tensor<8xi32>, %sw: tensor<4xf32>, %c: tensor<4xi32>,
                                  %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %y = stamp.rescale along 0 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<8x4xi32>, tensor<8xf32>, tensor<8xi32>, tensor<4xf32>, tensor<4xi32>) outs(%e : tensor<8x4xf32>)
  return %y : tensor<8x4xf32>
}

// Channels in front, tokens behind; scales per batch, sums and bias not.
// CHECK-LABEL: func @rescale_of_a_batch
//       CHECK:   linalg.generic {indexing_maps = [#[[ALL:.*]], #[[ROW:.*]], #[[ROW]], #[[COLUMN:.*]], #[[CHANNEL:.*]], #[[CHANNEL]], #[[ALL]]]
//  CHECK-SAME:     ins({{.*}} : tensor<2x4x8xi32>, tensor<2x8xf32>, tensor<2x8xi32>, tensor<2x4xf32>, tensor<4xi32>, tensor<4xf32>)
func.func @rescale_of_a_batch(%acc: tensor<2x4x8xi32>, %sx: tensor<2x8xf32>, %zx: tensor<2x8xi32>, %sw: tensor<2x4xf32>, %c: tensor<4xi32>,
                              %b: tensor<4xf32>, %e: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %y = stamp.rescale along 2 over 1
      ins(%acc, %sx, %zx, %sw, %c : tensor<2x4x8xi32>, tensor<2x8xf32>, tensor<2x8xi32>, tensor<2x4xf32>, tensor<4xi32>)
      bias(%b : tensor<4xf32>) outs(%e : tensor<2x4x8xf32>)
  return %y : tensor<2x4x8xf32>
}

//===----------------------------------------------------------------------===//
// Valid lengths
//===----------------------------------------------------------------------===//

// Lengths are clamped; then each sequence is transformed where it stands.
// CHECK-LABEL: func @transform_of_valid_tokens
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<2x3x5x4xf32>, %[[N:[^:]*]]: tensor<2xi32>)
//       CHECK:   %[[COUNTS:.*]] = linalg.generic {{.*}} ins(%[[N]] : tensor<2xi32>) outs(%{{.*}} : tensor<2xi64>)
//       CHECK:     arith.extsi %{{.*}} : i32 to i64
//       CHECK:     arith.maxsi %{{.*}}, %c0_i64
//       CHECK:     arith.minsi %{{.*}}, %c5_i64
//       CHECK:   scf.for %[[I:.*]] = %c0 to %c2 step %c1 iter_args(%[[Y:.*]] = %[[X]])
//       CHECK:     %[[COUNT:.*]] = tensor.extract %[[COUNTS]][%[[I]]]
//       CHECK:     %[[TOKENS:.*]] = arith.index_cast %[[COUNT]] : i64 to index
//       CHECK:     tensor.extract_slice %[[Y]][%[[I]], 0, 0, 0] [1, 3, %[[TOKENS]], 4] [1, 1, 1, 1] : tensor<2x3x5x4xf32> to tensor<3x?x4xf32>
//       CHECK:     tensor.insert_slice %{{.*}} into %[[Y]][%[[I]], 0, 0, 0] [1, 3, %[[TOKENS]], 4] [1, 1, 1, 1] : tensor<3x?x4xf32> into tensor<2x3x5x4xf32>
func.func @transform_of_valid_tokens(%x: tensor<2x3x5x4xf32>, %n: tensor<2xi32>) -> tensor<2x3x5x4xf32> {
  %t = stamp.transform #stamp.haar<levels = 1> along 2 lengths(%n : tensor<2xi32>) ins(%x : tensor<2x3x5x4xf32>) outs(%x : tensor<2x3x5x4xf32>)
  return %t : tensor<2x3x5x4xf32>
}

// One length needs no loop.
// CHECK-LABEL: func @one_length_for_all
//   CHECK-NOT:   scf.for
//       CHECK:   return
func.func @one_length_for_all(%x: tensor<2x5x4xf32>, %n: tensor<i64>) -> tensor<2x5x4xf32> {
  %t = stamp.transform #stamp.dct along 1 lengths(%n : tensor<i64>) ins(%x : tensor<2x5x4xf32>) outs(%x : tensor<2x5x4xf32>)
  return %t : tensor<2x5x4xf32>
}

// The ends of the segments are those of each row's own sequence.
// CHECK-LABEL: func @quantize_valid_tokens
//       CHECK:   %[[COUNTS:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<2xi64>)
//       CHECK:   linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %[[COUNTS]] : tensor<2x8xf32>, tensor<2x8xf32>, tensor<2xi64>)
//       CHECK:     %[[ROW:.*]] = linalg.index 1
//       CHECK:     %[[END:.*]] = arith.minsi
//       CHECK:     arith.cmpi ult, %[[ROW]], %[[END]]
func.func @quantize_valid_tokens(%x: tensor<2x8x4xf32>, %n: tensor<2xi64>, %eq: tensor<2x8x4xi8>, %es: tensor<2x8xf32>, %ez: tensor<2x8xi32>) -> tensor<2x8x4xi8> {
  %q:3 = stamp.quantize #stamp.schedule<[0.25 : 6], 4> along 1 over 2 lengths(%n : tensor<2xi64>)
      ins(%x : tensor<2x8x4xf32>) outs(%eq, %es, %ez : tensor<2x8x4xi8>, tensor<2x8xf32>, tensor<2x8xi32>)
  return %q#0 : tensor<2x8x4xi8>
}

// CHECK-LABEL: func @no_elements
//  CHECK-SAME:   (%[[X:[^:]*]]: tensor<4x0xf32>, %[[B:[^:]*]]: tensor<2x0x4xf32>,
//       CHECK:   return %[[X]], %[[B]]
func.func @no_elements(%x: tensor<4x0xf32>, %b: tensor<2x0x4xf32>, %n: tensor<2xi64>) -> (tensor<4x0xf32>, tensor<2x0x4xf32>) {
  %t = stamp.transform #stamp.haar<levels = 1> along 0 ins(%x : tensor<4x0xf32>) outs(%x : tensor<4x0xf32>)
  %u = stamp.transform #stamp.haar<levels = 1> along 1 lengths(%n : tensor<2xi64>) ins(%b : tensor<2x0x4xf32>) outs(%b : tensor<2x0x4xf32>)
  return %t, %u : tensor<4x0xf32>, tensor<2x0x4xf32>
}

//===----------------------------------------------------------------------===//
// Packed storage
//===----------------------------------------------------------------------===//

// Neighbours are slices of stride two, and join elementwise.
// CHECK-LABEL: func @pack
//  CHECK-SAME:   (%[[Q:[^:]*]]: tensor<8x6xi8>, %{{.*}}, %[[B:[^:]*]]: tensor<6x3xi8>)
//       CHECK:   %[[WHOLE:.*]] = tensor.extract_slice %[[Q]][0, 0] [2, 6]
//       CHECK:   %[[ROWS:.*]] = tensor.extract_slice %[[Q]][2, 0] [6, 6]
//       CHECK:   %[[LOW:.*]] = tensor.extract_slice %[[ROWS]][0, 0] [6, 3] [1, 2]
//       CHECK:   %[[HIGH:.*]] = tensor.extract_slice %[[ROWS]][0, 1] [6, 3] [1, 2]
//       CHECK:   %[[BYTES:.*]] = linalg.generic {{.*}} ins(%[[LOW]], %[[HIGH]] : {{.*}} outs(%[[B]] :
//       CHECK:     arith.andi %{{.*}}, %c15_i8
//       CHECK:     arith.andi %{{.*}}, %c15_i8
//       CHECK:     arith.shli %{{.*}}, %c4_i8
//       CHECK:     arith.ori
//       CHECK:   return %[[WHOLE]], %[[BYTES]]
func.func @pack(%q: tensor<8x6xi8>, %a: tensor<2x6xi8>, %b: tensor<6x3xi8>) -> (tensor<2x6xi8>, tensor<6x3xi8>) {
  %p:2 = stamp.pack #stamp.schedule<[2 : 8], 4> along 0 over 1
      ins(%q : tensor<8x6xi8>) outs(%a, %b : tensor<2x6xi8>, tensor<6x3xi8>)
  return %p#0, %p#1 : tensor<2x6xi8>, tensor<6x3xi8>
}

// CHECK-LABEL: func @unpack
//       CHECK:   %[[FIELDS:.*]]:2 = linalg.generic {{.*}} ins(%{{.*}} : tensor<6x3xi8>)
//       CHECK:     %[[UP:.*]] = arith.shli %[[BYTE:.*]], %c4_i8
//       CHECK:     arith.shrsi %[[UP]], %c4_i8
//       CHECK:     arith.shrsi %[[BYTE]], %c4_i8
//       CHECK:   tensor.insert_slice %[[FIELDS]]#0 into %{{.*}}[0, 0] [6, 3] [1, 2]
//       CHECK:   tensor.insert_slice %[[FIELDS]]#1 into %{{.*}}[0, 1] [6, 3] [1, 2]
func.func @unpack(%b: tensor<6x3xi8>, %q: tensor<6x6xi8>) -> tensor<6x6xi8> {
  %u = stamp.unpack #stamp.schedule<[], 4> along 0 over 1 ins(%b : tensor<6x3xi8>) outs(%q : tensor<6x6xi8>)
  return %u : tensor<6x6xi8>
}

// A segment without rows has nothing to be packed, nor a weight without inputs.
// CHECK-LABEL: func @no_rows
//  CHECK-SAME:   (%{{.*}}: tensor<8x6xi8>, %[[A:[^:]*]]: tensor<0x6xi8>, %{{.*}}, %[[E:[^:]*]]: tensor<8x0xi8>)
//       CHECK:   return %[[A]], %{{.*}}, %[[E]]
func.func @no_rows(%q: tensor<8x6xi8>, %a: tensor<0x6xi8>, %b: tensor<8x3xi8>, %e: tensor<8x0xi8>)
    -> (tensor<0x6xi8>, tensor<8x3xi8>, tensor<8x0xi8>) {
  %p:2 = stamp.pack #stamp.schedule<[0 : 8], 4> along 0 over 1
      ins(%q : tensor<8x6xi8>) outs(%a, %b : tensor<0x6xi8>, tensor<8x3xi8>)
  %r = stamp.pack #stamp.schedule<[], 4> along 0 over 1 ins(%e : tensor<8x0xi8>) outs(%e : tensor<8x0xi8>)
  return %p#0, %p#1, %r : tensor<0x6xi8>, tensor<8x3xi8>, tensor<8x0xi8>
}

// CHECK-LABEL: func @observe(
//  CHECK-SAME:     %[[X:.*]]: tensor<2x?x8xbf16>, %[[A:.*]]: tensor<?x?xf64>)
//       CHECK:   linalg.generic {{.*}} iterator_types = ["reduction", "parallel", "reduction", "parallel"]} ins(%[[X]], %[[X]] : tensor<2x?x8xbf16>, tensor<2x?x8xbf16>) outs(%[[A]] : tensor<?x?xf64>)
//       CHECK:     arith.extf %{{.*}} : bf16 to f64
//       CHECK:     arith.mulf %{{.*}} : f64
//       CHECK:     arith.addf %{{.*}} : f64
func.func @observe(%x: tensor<2x?x8xbf16>, %a: tensor<?x?xf64>) -> tensor<?x?xf64> {
  %s = stamp.observe "a" along 1 ins(%x, %a : tensor<2x?x8xbf16>, tensor<?x?xf64>) outs(%a : tensor<?x?xf64>)
  return %s : tensor<?x?xf64>
}
