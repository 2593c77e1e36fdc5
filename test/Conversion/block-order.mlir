// RUN: stamp-opt %s --stamp-to-linalg --canonicalize --cse | FileCheck %s --implicit-check-not="= stamp."

// Each level works in place, on pairs that stand further and further apart. The
// odd last row of each level has no partner and passes.
// CHECK-LABEL: func @haar_levels_in_place
//  CHECK-SAME:     %[[X:.*]]: tensor<7x4xf32>, %{{.*}}: tensor<7x4xf32>)
//       CHECK:   %[[U:.*]] = tensor.extract_slice %[[X]][0, 0] [3, 4] [2, 1]
//       CHECK:   %[[V:.*]] = tensor.extract_slice %[[X]][1, 0] [3, 4] [2, 1]
//       CHECK:   %[[PAIR:.*]]:2 = linalg.generic {{.*}} ins(%[[U]], %[[V]]
//       CHECK:     addf
//       CHECK:     subf
//       CHECK:   %[[A:.*]] = tensor.insert_slice %[[PAIR]]#0 into %[[X]][0, 0] [3, 4] [2, 1]
//       CHECK:   %[[D:.*]] = tensor.insert_slice %[[PAIR]]#1 into %[[A]][1, 0] [3, 4] [2, 1]
//       CHECK:   tensor.extract_slice %[[D]][0, 0] [2, 4] [4, 1]
//       CHECK:   tensor.extract_slice %[[D]][2, 0] [2, 4] [4, 1]
func.func @haar_levels_in_place(%x: tensor<7x4xf32>, %e: tensor<7x4xf32>) -> tensor<7x4xf32> {
  %t = stamp.transform #stamp.haar<levels = 2> along 0 block_order
         ins(%x : tensor<7x4xf32>) outs(%e : tensor<7x4xf32>)
  return %t : tensor<7x4xf32>
}

// The inverse takes the same steps backwards.
// CHECK-LABEL: func @haar_backwards
//       CHECK:   tensor.extract_slice %{{.*}}[0, 0] [2, 4] [4, 1]
//       CHECK:   tensor.extract_slice %{{.*}}[0, 0] [3, 4] [2, 1]
func.func @haar_backwards(%x: tensor<7x4xf32>, %e: tensor<7x4xf32>) -> tensor<7x4xf32> {
  %t = stamp.inverse_transform #stamp.haar<levels = 2> along 0 block_order
         ins(%x : tensor<7x4xf32>) outs(%e : tensor<7x4xf32>)
  return %t : tensor<7x4xf32>
}

// CHECK-LABEL: func @haar_of_no_pair
//  CHECK-SAME:     %[[X:.*]]: tensor<1x4xf32>, %[[X0:.*]]: tensor<0x4xf32>
//       CHECK:   return %[[X]], %[[X0]]
func.func @haar_of_no_pair(%x: tensor<1x4xf32>, %none: tensor<0x4xf32>) -> (tensor<1x4xf32>, tensor<0x4xf32>) {
  %t = stamp.transform #stamp.haar<levels = 30> along 0 block_order
         ins(%x : tensor<1x4xf32>) outs(%x : tensor<1x4xf32>)
  %u = stamp.transform #stamp.haar<levels = 30> along 0 block_order
         ins(%none : tensor<0x4xf32>) outs(%none : tensor<0x4xf32>)
  return %t, %u : tensor<1x4xf32>, tensor<0x4xf32>
}

// Only as many turns as there are levels with a pair.
// CHECK-LABEL: func @haar_of_any_length
//       CHECK:   %[[ZEROS:.*]] = math.ctlz
//       CHECK:   %[[BITS:.*]] = arith.subi %c64_i64, %[[ZEROS]]
//       CHECK:   arith.minui %[[BITS]], %c30_i64
//       CHECK:   scf.for
//       CHECK:     %[[DISTANCE:.*]] = arith.shli %c1, %{{.*}} : index
//       CHECK:     tensor.extract_slice %{{.*}}[%[[DISTANCE]], 0]
func.func @haar_of_any_length(%x: tensor<?x4xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %t = stamp.transform #stamp.haar<levels = 30> along 0 block_order
         ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>)
  return %t : tensor<?x4xf32>
}

// Butterflies and the norm: no row moves.
// CHECK-LABEL: func @wht
//       CHECK:   scf.for
//       CHECK:     xori
//       CHECK:   linalg.generic
//   CHECK-NOT:     tensor.extract
//       CHECK:     mulf
func.func @wht(%x: tensor<8x4xf32>, %e: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %t = stamp.transform #stamp.wht<block = 4> along 0 block_order
         ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>)
  return %t : tensor<8x4xf32>
}

// The width is that of the coefficient's place, coarse first, which a tile's row
// asks for by its place in the whole.
// CHECK-LABEL: func @quantize_rows
//  CHECK-SAME:     %[[FIRST:[a-z0-9]+]]: index, %[[TOTAL:[a-z0-9]+]]: index)
//       CHECK:   linalg.index 0
//       CHECK:   %[[ROW:.*]] = arith.addi %[[FIRST]], %{{.*}} : index
//       CHECK:   %[[I:.*]] = arith.index_cast %[[ROW]]
//       CHECK:   %[[S:.*]] = arith.index_cast %[[TOTAL]]
//       CHECK:   arith.ori %[[I]], %c4_i64
//       CHECK:   math.cttz
//       CHECK:   %[[PLACE:.*]] = arith.index_cast %{{.*}} : i64 to index
//       CHECK:   arith.cmpi ult, %[[PLACE]], %[[END:.*]] : index
func.func @quantize_rows(%x: tensor<4x8xf32>, %eq: tensor<4x8xi8>, %es: tensor<4xf32>, %ez: tensor<4xi32>,
                         %row: index, %total: index) -> tensor<4x8xi8> {
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1
      block_order of #stamp.haar<levels = 2> rows at %row of %total
      ins(%x : tensor<4x8xf32>) outs(%eq, %es, %ez : tensor<4x8xi8>, tensor<4xf32>, tensor<4xi32>)
  return %q#0 : tensor<4x8xi8>
}

// Skipped rows stand in front in both orders.
// CHECK-LABEL: func @quantize_behind_a_skip
//       CHECK:   %[[ROW:.*]] = linalg.index 0
//       CHECK:   arith.maxui %[[ROW]], %c1
//       CHECK:   %[[SKIPPED:.*]] = arith.cmpi ult, %[[ROW]], %c1
//       CHECK:   arith.select %[[SKIPPED]], %[[ROW]],
func.func @quantize_behind_a_skip(%x: tensor<7x4xf32>, %eq: tensor<7x4xi8>, %es: tensor<7xf32>, %ez: tensor<7xi32>) -> tensor<7x4xi8> {
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1
      block_order of #stamp.wht<block = 4, skip = 1>
      ins(%x : tensor<7x4xf32>) outs(%eq, %es, %ez : tensor<7x4xi8>, tensor<7xf32>, tensor<7xi32>)
  return %q#0 : tensor<7x4xi8>
}

// A sequence of skipped tokens, and a basis without blocks, have one order.
// CHECK-LABEL: func @quantize_in_the_only_order
//       CHECK:   %[[ROW:.*]] = linalg.index 0
//  CHECK-NEXT:   arith.cmpi ult, %[[ROW]], %c2
//       CHECK:   %[[ROW:.*]] = linalg.index 0
//  CHECK-NEXT:   arith.cmpi ult, %[[ROW]], %c3
func.func @quantize_in_the_only_order(%x: tensor<7x4xf32>, %eq: tensor<7x4xi8>, %es: tensor<7xf32>, %ez: tensor<7xi32>) -> (tensor<7x4xi8>, tensor<7x4xi8>) {
  %p:3 = stamp.quantize #stamp.schedule<[2 : 8], 4> along 0 over 1 block_order of #stamp.wht<skip = 7>
      ins(%x : tensor<7x4xf32>) outs(%eq, %es, %ez : tensor<7x4xi8>, tensor<7xf32>, tensor<7xi32>)
  %q:3 = stamp.quantize #stamp.schedule<[3 : 8], 4> along 0 over 1 block_order of #stamp.dct
      ins(%x : tensor<7x4xf32>) outs(%eq, %es, %ez : tensor<7x4xi8>, tensor<7xf32>, tensor<7xi32>)
  return %p#0, %q#0 : tensor<7x4xi8>, tensor<7x4xi8>
}
